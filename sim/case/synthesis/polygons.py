"""Plane polygons: cuts of exact area, shared edges, points inside.

A polygon is a ring: an (n, 2) array of vertices, counter-clockwise, the first not repeated.
A cut joins two points of the ring by a straight chord (or by a path with one bend), so that
both halves are again simple polygons. With the start held fixed, the area of the left half
grows linearly while the other end runs along an edge, hence the end that gives a wanted area
is solved for, not searched for (shoelace formula).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

NODE_TOLERANCE = 1e-4
"""Metres within which vertices are one, and a vertex is taken to lie on an edge."""
SHARED_EDGE = 1.0
"""Metres of common border from which on two polygons are neighbours."""


def cross(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """z component of the cross product of plane vectors (last axis 2)."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def ring_of(outline: BaseGeometry, origin: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    """Exterior ring of the largest part of `outline`, counter-clockwise, relative to `origin`."""
    parts = [p for p in shapely.get_parts(outline) if p.geom_type == "Polygon"]
    if not parts or max(p.area for p in parts) <= 0:
        raise ValueError("an outline needs a polygon with an area")
    largest = max(parts, key=lambda p: p.area)
    ring = np.asarray(largest.exterior.coords)[:-1, :2] - np.asarray(origin)
    ring = ring[np.any(ring != np.roll(ring, 1, axis=0), axis=1)]
    return ring if area(ring) > 0 else ring[::-1].copy()


def area(ring: np.ndarray) -> float:
    """Signed area of a ring, positive when it runs counter-clockwise."""
    rel = ring - ring[0]
    return 0.5 * float(cross(rel[1:-1], rel[2:]).sum())


@dataclass(frozen=True)
class Cuts:
    """Candidate cuts of one ring: rows are cuts.

    edge, end_edge: edges of the ring on which start and end lie (edge i runs from vertex i);
    start, end: (n, 2) points; at, to: their places along the ring in metres; span: metres of the
    ring from start to end, the left half's share of it; length: metres of the cut;
    bend: the point between, or None; offset: metres to the nearest vertex of the ring.
    """

    edge: np.ndarray
    end_edge: np.ndarray
    start: np.ndarray
    end: np.ndarray
    at: np.ndarray
    to: np.ndarray
    span: np.ndarray
    length: np.ndarray
    offset: np.ndarray
    bend: np.ndarray | None

    def __len__(self) -> int:
        return len(self.edge)


def find_cuts(
    ring: np.ndarray, fraction: float, starts: np.ndarray, bend: np.ndarray | None = None
) -> Cuts:
    """All valid cuts whose left half (start to end along the ring) has `fraction` of the area.

    starts: places along the ring as shares of the perimeter, in [0, 1). Cuts that touch the
    ring anywhere but at their ends are left out; there may be none at all in a winding polygon.
    """
    n = len(ring)
    steps = np.roll(ring, -1, axis=0) - ring
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    reach = np.concatenate([[0.0], np.cumsum(lengths)])
    perimeter = reach[-1]
    at = np.asarray(starts) * perimeter
    edge = np.clip(np.searchsorted(reach, at, side="right") - 1, 0, n - 1)
    start = ring[edge] + ((at - reach[edge]) / lengths[edge])[:, None] * steps[edge]

    # area of (start, following vertices ..., pivot), the pivot being the start or the bend
    order = (edge[:, None] + 1 + np.arange(n)) % n
    pivot = start if bend is None else np.broadcast_to(bend, start.shape)
    rel = ring[order] - pivot[:, None]
    swept = np.zeros((len(at), n))
    swept[:, 0] = 0.5 * cross(start - pivot, rel[:, 0])
    swept[:, 1:] = 0.5 * cross(rel[:, :-1], rel[:, 1:])
    swept = np.cumsum(swept, axis=1)
    target = fraction * area(ring)
    low, high = swept[:, :-1] - target, swept[:, 1:] - target
    row, k = np.nonzero((low * high <= 0) & (low != high))
    share = low[row, k] / (low[row, k] - high[row, k])
    end_edge = order[row, k]
    edge, at, start = edge[row], at[row], start[row]
    end = ring[end_edge] + share[:, None] * steps[end_edge]
    to = reach[end_edge] + share * lengths[end_edge]
    offset = np.minimum.reduce(
        [
            share * lengths[end_edge],
            (1 - share) * lengths[end_edge],
            at - reach[edge],
            reach[edge + 1] - at,
        ]
    )
    legs = [(start, end, edge, end_edge)]
    if bend is not None:
        middle = np.broadcast_to(bend, start.shape)
        nowhere = np.full(len(edge), -1)
        legs = [(start, middle, edge, nowhere), (middle, end, nowhere, end_edge)]
    valid = share > 0
    if bend is not None or cross(np.roll(steps, 1, axis=0), steps).min() < 0:
        for leg in legs:
            valid &= _inside(ring, steps, *leg)
    length = sum(np.hypot(*(q - p).T) for p, q, _, _ in legs)
    keep = np.nonzero(valid & (length > 0))[0]
    return Cuts(
        edge[keep],
        end_edge[keep],
        start[keep],
        end[keep],
        at[keep],
        to[keep],
        (to - at)[keep] % perimeter,
        length[keep],
        offset[keep],
        bend,
    )


def _inside(
    ring: np.ndarray,
    steps: np.ndarray,
    p: np.ndarray,
    q: np.ndarray,
    p_edge: np.ndarray,
    q_edge: np.ndarray,
) -> np.ndarray:
    """Whether each segment p-q runs inside the ring, meeting it only at ends on their edges."""
    leg = q - p
    side = cross(leg[:, None], ring[None] - p[:, None])
    p_side = cross(steps[None], p[:, None] - ring[None])
    q_side = cross(steps[None], q[:, None] - ring[None])
    meets = (side * np.roll(side, -1, axis=1) <= 0) & (p_side * q_side <= 0)
    rows = np.arange(len(p))
    ok = np.ones(len(p), dtype=bool)
    for ends, direction in ((p_edge, leg), (q_edge, -leg)):
        on = ends >= 0
        meets[rows[on], ends[on]] = False
        ok[on] &= cross(steps[ends[on]], direction[on]) > 0
    return ok & ~meets.any(axis=1)


def halves(ring: np.ndarray, cuts: Cuts, row: int) -> tuple[np.ndarray, np.ndarray]:
    """The two rings of a cut; the left one begins at the cut's start, the right one at its end.

    The last edges of both lie on the cut, so that places along the old ring stay valid in the
    halves after subtracting `at` (left) or `to` (right), modulo the perimeter.
    """
    n = len(ring)
    i, k = int(cuts.edge[row]), int(cuts.end_edge[row])
    middle = [] if cuts.bend is None else [cuts.bend]
    left_n = (k - i - 1) % n + 1
    left = ring[(i + 1 + np.arange(left_n)) % n]
    right = ring[(i + 1 + left_n + np.arange(n - left_n)) % n]
    start, end = cuts.start[row], cuts.end[row]
    return (np.vstack([start, left, end, *middle]), np.vstack([end, right, start, *middle]))


def node(polygons: Mapping[str, Polygon], tolerance: float = NODE_TOLERANCE) -> dict[str, Polygon]:
    """The same polygons, each edge broken at every vertex of the others that lies on it.

    Afterwards common borders consist of the same vertices on both sides, to the last bit.
    """
    ids = sorted(polygons)
    rings = [ring_of(polygons[i]) for i in ids]
    sizes = np.cumsum([len(r) for r in rings])[:-1]
    points, where = np.unique(np.vstack(rings), axis=0, return_inverse=True)
    pairs = cKDTree(points).query_pairs(tolerance, output_type="ndarray")
    if len(pairs):
        graph = coo_array(
            (np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(points), len(points))
        )
        cluster = connected_components(graph, directed=False)[1]
        first = np.unique(cluster, return_index=True)[1]
        rings = np.split(points[first[cluster[where.ravel()]]], sizes)
        rings = [_without_spikes(r) for r in rings]
        points = points[first]
    owner = np.repeat(np.arange(len(rings)), [len(r) for r in rings])
    begin = np.vstack(rings)
    finish = np.vstack([np.roll(r, -1, axis=0) for r in rings])
    edges = shapely.linestrings(np.stack([begin, finish], axis=1))
    which, edge = shapely.STRtree(edges).query(
        shapely.points(points), predicate="dwithin", distance=tolerance
    )
    step = finish[edge] - begin[edge]
    length = np.hypot(*step.T)
    along = np.einsum("ij,ij->i", points[which] - begin[edge], step) / length
    inner = (along > tolerance) & (along < length - tolerance)
    extra = pd.DataFrame({"owner": owner[edge], "edge": edge, "along": along, "point": which})
    extra = extra[inner].sort_values(["edge", "along", "point"])
    base = pd.DataFrame({"owner": owner, "edge": np.arange(len(edges)), "along": -1.0, "point": -1})
    all_ = pd.concat([base, extra]).sort_values(["edge", "along", "point"], kind="stable")
    is_base = all_["point"].to_numpy() < 0
    coords = np.where(
        is_base[:, None],
        begin[all_["edge"].to_numpy()],
        points[np.maximum(all_["point"].to_numpy(), 0)],
    )
    breaks = np.searchsorted(all_["owner"].to_numpy(), np.arange(1, len(rings)))
    return {i: Polygon(c) for i, c in zip(ids, np.split(coords, breaks), strict=True)}


def rounded(polygons: Mapping[str, Polygon], grid: float = 1.0) -> dict[str, Polygon]:
    """The same tiling with vertices on a grid of `grid` metres, borders still common.

    What is nearer than one and a half grid steps is joined first, so that rounding neither opens
    gaps nor lets a vertex jump over an edge; repeated until no polygon overlaps another.
    Polygons must be wider than a few grid steps. Raises ValueError when one vanishes.
    """
    result = dict(polygons)
    for _ in range(5):
        noded = node(result, 1.5 * grid)
        for i, polygon in noded.items():
            ring = np.round(np.asarray(polygon.exterior.coords)[:-1] / grid) * grid
            ring = _without_spikes(ring)
            if len(ring) < 3:
                raise ValueError(f"polygon {i} is too small for a grid of {grid:g} m")
            noded[i] = Polygon(ring)
        result = noded
        if shapely.coverage_is_valid(list(result.values())):
            break
    return result


def _without_spikes(ring: np.ndarray) -> np.ndarray:
    """The ring without repeated vertices and without ways out and straight back."""
    while len(ring) > 2:
        before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
        keep = np.any(ring != before, axis=1) & np.any(before != after, axis=1)
        if keep.all():
            break
        ring = np.delete(ring, int(np.argmin(keep)), axis=0)
    return ring


def neighbours(polygons: Mapping[str, Polygon], tolerance: float = NODE_TOLERANCE) -> pd.DataFrame:
    """Pairs of polygons with more than a metre of common border: corners do not count.

    Returns columns settlement, neighbour (settlement < neighbour), each pair once, sorted.
    tolerance: metres by which borders meant to be common may differ.
    """
    segments = []
    for i, polygon in node(polygons, tolerance).items():
        ring = np.asarray(polygon.exterior.coords)
        segments.append((i, ring[:-1], ring[1:]))
    owner = np.repeat(
        np.array([s[0] for s in segments], dtype=object), [len(s[1]) for s in segments]
    )
    begin, finish = np.vstack([s[1] for s in segments]), np.vstack([s[2] for s in segments])
    # one key per segment whatever its direction; vertices that should be equal are brought
    # together before by their nearest multiple of the tolerance
    digits = np.round(np.hstack([begin, finish]) / tolerance).astype(np.int64)
    swap = (digits[:, 0] > digits[:, 2]) | (
        (digits[:, 0] == digits[:, 2]) & (digits[:, 1] > digits[:, 3])
    )
    digits[swap] = digits[swap][:, [2, 3, 0, 1]]
    frame = pd.DataFrame(digits, columns=["x", "y", "x2", "y2"])
    frame["owner"], frame["metres"] = owner, np.hypot(*(finish - begin).T)
    pairs = frame.merge(frame, on=["x", "y", "x2", "y2"], suffixes=("", "_other"))
    pairs = pairs[pairs["owner"] < pairs["owner_other"]]
    shared = pairs.groupby(["owner", "owner_other"], sort=True)["metres"].sum()
    table = shared[shared > SHARED_EDGE].reset_index()
    return table.rename(columns={"owner": "settlement", "owner_other": "neighbour"})[
        ["settlement", "neighbour"]
    ]


def representative_points(polygons: Mapping[str, Polygon]) -> pd.DataFrame:
    """A point with whole-metre coordinates inside each polygon: columns id, x, y, sorted by id.

    The centroid where it lies inside, else a point on the polygon's surface; no two polygons
    get the same point. A polygon without any whole metre inside gets the nearest free one.
    """
    ids = sorted(polygons)
    shapes = [polygons[i] for i in ids]
    centres = shapely.get_coordinates(shapely.centroid(shapes))
    surface = shapely.get_coordinates(shapely.point_on_surface(shapes))
    rows, taken = [], set()
    ring = sorted(
        ((dx, dy) for dx in range(-6, 7) for dy in range(-6, 7)),
        key=lambda d: (d[0] ** 2 + d[1] ** 2, d),
    )
    for i, shape, centre, inner in zip(
        ids, shapes, np.round(centres), np.round(surface), strict=True
    ):
        wanted = [(int(p[0]) + dx, int(p[1]) + dy) for p in (centre, inner) for dx, dy in ring]
        free = [p for p in wanted if p not in taken]
        point = next((p for p in free if shapely.contains_xy(shape, *p)), free[0])
        taken.add(point)
        rows.append((i, *point))
    return pd.DataFrame(rows, columns=["id", "x", "y"]).astype({"x": "int64", "y": "int64"})


def contiguity(settlements: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Units and townships that are not in one piece; empty when all are.

    settlements: columns id, before, after, township_before, township_after; pairs: columns
    settlement, neighbour, as `neighbours` gives them. Returns columns level (one of those four),
    id, parts (connected parts, > 1), cut (True for an old township that the reform itself laid
    into several new ones), sorted.
    """
    row = pd.Series(np.arange(len(settlements)), index=settlements["id"].astype(str))
    first = row.reindex(pairs["settlement"].astype(str)).to_numpy()
    second = row.reindex(pairs["neighbour"].astype(str)).to_numpy()
    inside = np.isfinite(first) & np.isfinite(second)
    first, second = first[inside].astype(int), second[inside].astype(int)
    found = []
    for level in ("after", "before", "township_after", "township_before"):
        code, names = pd.factorize(settlements[level].astype(str), sort=True)
        same = code[first] == code[second]
        graph = coo_array(
            (np.ones(same.sum()), (first[same], second[same])), shape=(len(code), len(code))
        )
        part = connected_components(graph, directed=False)[1]
        parts = pd.DataFrame({"code": code, "part": part}).drop_duplicates().groupby("code").size()
        news = settlements.groupby(code)["township_after"].nunique()
        found += [
            (level, names[k], int(parts[k]), level == "township_before" and bool(news[k] > 1))
            for k in parts.index[parts > 1]
        ]
    return pd.DataFrame(found, columns=["level", "id", "parts", "cut"])
