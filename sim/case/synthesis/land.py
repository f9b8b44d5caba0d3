"""The land of a case: projection, county outlines, and a cell for every settlement."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyproj
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from sim.case.messages import InputError, Problem, Problems
from sim.case.projection import projection_fault
from sim.case.synthesis import division
from sim.case.synthesis.lists import Input


def projection_of(inp: Input) -> str:
    """The given projection, checked, or else the UTM zone in which the counties lie."""
    given = inp.totals.projection
    if given:
        fault = projection_fault(given)
        if fault:
            raise InputError(
                [
                    Problem(
                        "bad-projection",
                        f"{fault}: a projection in metres is wanted",
                        inp.folder / "totals.yaml",
                        hint="such as EPSG:32648 (UTM zone 48 north), or leave it out",
                    )
                ]
            )
        return given
    lon, lat = inp.counties["lon"].mean(), inp.counties["lat"].mean()
    if pd.isna(lon) and inp.outlines:
        box = shapely.total_bounds(list(inp.outlines.values()))
        lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if pd.isna(lon) or pd.isna(lat):
        raise InputError(
            [
                Problem(
                    "no-seat",
                    "no county has a seat or an outline",
                    inp.folder / "county_facts.csv",
                    hint="give seat_lon and seat_lat of each county",
                )
            ]
        )
    zone = min(60, int((lon + 180) // 6) + 1)
    return f"EPSG:{32600 + zone if lat >= 0 else 32700 + zone}"


def divide(inp: Input, land: pd.DataFrame, projection: str) -> dict[str, Polygon]:
    """The cell of every settlement, county by county, in metres of the projection."""
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", projection, always_xy=True).transform
    table = land[["id", "before", "after"]].assign(
        weight=land["area_km2"],
        county=land["before"].map(inp.before.set_index("id")["county"]),
        township_before=land["before"].map(inp.before.set_index("id")["township"]),
        township_after=land["after"].map(inp.after.set_index("id")["township"]),
    )
    counties = inp.counties.assign(
        area_km2=inp.counties["id"].map(table.groupby("county")["weight"].sum())
    )
    counties["x"], counties["y"] = to_plane(counties["lon"].to_numpy(), counties["lat"].to_numpy())
    given = {
        i: shapely.transform(g, lambda c: np.column_stack(to_plane(c[:, 0], c[:, 1])))
        for i, g in (inp.outlines or {}).items()
    }
    _check_outlines(inp, given)
    for row in counties.index[counties["lon"].isna() | counties["lat"].isna()]:
        if counties.loc[row, "id"] not in given:
            raise InputError(
                [
                    Problem(
                        "no-seat",
                        f"county {counties.loc[row, 'name']} has neither a seat nor an outline",
                        inp.folder / "county_facts.csv",
                        hint="give seat_lon and seat_lat",
                    )
                ]
            )
        point = given[counties.loc[row, "id"]].representative_point()
        counties.loc[row, ["x", "y"]] = point.x, point.y
    missing = counties[~counties["id"].isin(given)]
    outlines = {**given, **division.schematic_outlines(missing)} if len(missing) else given

    kinds = inp.townships_after.set_index("id")["kind"]
    points: dict[str, dict[str, tuple[float, float]]] = {"after": {}, "before": {}}
    if inp.points is not None:
        for point in inp.points.itertuples():
            points[point.when][point.township] = to_plane(point.lon, point.lat)
    cells: dict[str, Polygon] = {}
    for county in counties.sort_values("id").itertuples():
        part = table[table["county"] == county.id].drop(columns="county")
        seat, outline = (county.x, county.y), outlines[county.id]
        towns = part.groupby("township_after", sort=True)["weight"].sum().rename_axis("id")
        towns = towns.reset_index().assign(kind=lambda t: t["id"].map(kinds))
        real = {t: points["after"][t] for t in towns["id"] if t in points["after"]}
        try:
            anchors = real or division.pseudo_anchors(towns, outline, seat, inp.totals.seed)
            cells |= division.divide_county(
                outline, part, anchors, seat, inp.totals.seed, points["before"]
            )
        except ValueError as error:
            raise InputError(
                [
                    Problem(
                        "bad-outline",
                        f"county {county.name} cannot be divided: {error}",
                        inp.folder / "county_outlines.geojson",
                        hint="give a simple polygon, or leave it out",
                    )
                ]
            ) from error
    return cells


def _check_outlines(inp: Input, outlines: Mapping[str, BaseGeometry]) -> None:
    """An outline far from the published area is in other units, or of another place."""
    problems, known = Problems(), inp.counties.set_index("id")
    for ident, outline in outlines.items():
        km2 = outline.area / 1e6 if np.isfinite(outline.bounds).all() else np.nan
        area = known["area_km2"].get(ident, np.nan)
        if not km2 > 0.01 or km2 < area / 2 or km2 > 2 * area:
            problems.error(
                "bad-outline",
                f"the outline of county {ident} has {km2:,.1f} km2, county_facts {area:,.1f}",
                inp.folder / "county_outlines.geojson",
                hint="GeoJSON is in degrees of longitude and latitude (WGS84), each code once",
            )
    problems.raise_errors()


def geojson(inp: Input, land: pd.DataFrame, cells: Mapping[str, Polygon], projection: str) -> bytes:
    """Counties and settlements, one feature a line, in whole metres of the projection."""
    county_of = land["before"].map(inp.before.set_index("id")["county"])
    shapes = []
    for county in inp.counties.sort_values("id").itertuples():
        inside = [cells[i] for i in land.loc[county_of == county.id, "id"]]
        whole = max(shapely.get_parts(shapely.union_all(inside)), key=lambda part: part.area)
        shapes.append(("county", county.id, county.name, whole))
    shapes += [
        ("settlement", row.id, row.name_, cells[row.id])
        for row in land[["id", "name"]].set_axis(["id", "name_"], axis=1).itertuples()
    ]
    features = []
    for level, ident, name, shape in shapes:
        ring = np.rint(np.asarray(shape.exterior.coords)).astype(int).tolist()
        features.append(
            json.dumps(
                {
                    "type": "Feature",
                    "properties": {"level": level, "id": ident, "name": name},
                    "geometry": {"type": "Polygon", "coordinates": [ring]},
                },
                ensure_ascii=False,
                separators=(",", ":"),
            )
        )
    note = json.dumps(f"whole metres in {projection}, not longitude and latitude")
    head = f'{{"type":"FeatureCollection","crs_note":{note},"features":[\n'
    return (head + ",\n".join(features) + "\n]}\n").encode()
