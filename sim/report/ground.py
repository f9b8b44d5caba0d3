"""The ground of a map: cells of settlements, and the units that they make up.

Units are dissolved from the settlement cells of a case's ``outlines.geojson`` and simplified
together as one coverage, so that common borders stay common.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sim.case.files import MOST_TABLE, read_input
from sim.case.messages import InputError, Problems
from sim.case.synthesis.polygons import node

Cells = Mapping[str, BaseGeometry]
SIMPLIFY_METRES = 60.0


def cells(settlements: pd.DataFrame, outlines: Path | None = None) -> dict[str, BaseGeometry]:
    """Polygons of settlements: the file's where it has them, else Voronoi cells.

    settlements: columns id, x, y (metres); outlines: a case's ``outlines.geojson``. Where the
    file is absent or lacks a settlement, all cells are Voronoi cells of the points, clipped to
    their hull widened by a typical distance between neighbours.
    """
    ids = settlements["id"].astype(str).tolist()
    if outlines is not None and outlines.is_file():
        found = _drawn(outlines)
        if set(ids) <= set(found):
            return {i: found[i] for i in sorted(ids)}
    points = settlements[["x", "y"]].to_numpy(dtype=float)
    cloud = shapely.MultiPoint(np.unique(points, axis=0))
    margin = max(50.0, float(np.sqrt(cloud.convex_hull.area / len(points))))
    ground = cloud.convex_hull.buffer(margin, quad_segs=4)
    parts = shapely.get_parts(shapely.voronoi_polygons(cloud, extend_to=ground))
    at = shapely.points(points)
    row, part = shapely.STRtree(parts).query(at, predicate="within")
    home = dict(zip(row.tolist(), part.tolist(), strict=True))
    clipped: list[Any] = [shapely.intersection(parts[home[k]], ground) for k in range(len(ids))]
    return {ids[k]: clipped[k] for k in sorted(range(len(ids)), key=ids.__getitem__)}


def _drawn(outlines: Path) -> dict[str, BaseGeometry]:
    """The polygons of settlements in a file; `InputError` where it is none of polygons."""
    problems = Problems()
    data = read_input(outlines, MOST_TABLE, problems) or b""
    problems.raise_errors()
    try:
        return {
            str(f["properties"]["id"]): shape(f["geometry"])
            for f in json.loads(data.decode("utf-8-sig"))["features"]
            if f["properties"].get("level") == "settlement"
        }
    except json.JSONDecodeError as error:
        hint = "save the polygons as GeoJSON again, or remove the file"
        problems.error("bad-json", error.msg, outlines, error.lineno, error.colno, hint=hint)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, ShapelyError):
        hint = "features with properties.id, properties.level and a Polygon, or remove the file"
        message = "this is not a collection of polygons"
        problems.error("bad-geojson", message, outlines, hint=hint)
    raise InputError(problems)


def dissolve(
    ground: Cells, unit_of: Mapping[str, str], tolerance: float = SIMPLIFY_METRES
) -> dict[str, BaseGeometry]:
    """Outlines of units, simplified together by `tolerance` metres; settlements of no unit, and
    units without a cell, are left out."""
    members: dict[str, list[BaseGeometry]] = {}
    for settlement in sorted(ground):
        if settlement in unit_of:
            members.setdefault(unit_of[settlement], []).append(ground[settlement])
    units = sorted(members)
    shapes = [shapely.coverage_union_all(members[u]) for u in units]
    if tolerance > 0 and shapes:
        shapes = list(shapely.coverage_simplify(np.array(shapes, dtype=object), tolerance))
    return dict(zip(units, shapes, strict=True))


def covering(ground: Cells) -> Cells:
    """The cells with their common borders made of the same vertices, if they are not yet."""
    if shapely.coverage_is_valid(list(ground.values())):
        return ground
    return node(ground, tolerance=1.0)
