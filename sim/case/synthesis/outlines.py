"""Schematic outlines of counties where the input has no polygons: real areas, made-up shapes;
and made-up points of townships where it has none.

A single county is a blob around its seat. Several counties share one blob, the ground around all
their seats, which is cut between the seats so that each county gets exactly its area: they do
not overlap, and they have common borders as real counties do.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from sim.case.synthesis import polygons as plane
from sim.case.synthesis.draws import generator

Point = tuple[float, float]

VERTICES = 72  # of a blob
GROUNDS = 9  # shapes of common ground that are tried
STARTS = 60  # places along a border at which cuts are tried
DIRECTIONS = 12  # in which the seats are ordered for a cut
LLOYD_STEPS = 20  # by which pseudo anchors spread out
GROUND_POINTS = 2000  # of a county, on which they do so
M2_PER_KM2 = 1e6


def schematic_outline(area_km2: float, seat: Point, seed: int) -> Polygon:
    """A smooth blob of exactly `area_km2`, with `seat` (metres) inside, off its centre."""
    rng = generator(seed, "outline", round(seat[0]), round(seat[1]))
    ring = _wavy(np.zeros(2), np.sqrt(area_km2 * M2_PER_KM2 / np.pi), rng)
    ring = _scaled(ring, area_km2)
    turn = 2 * np.pi * rng.random()
    away = 0.25 * np.sqrt(area_km2 * M2_PER_KM2 / np.pi) * np.array([np.cos(turn), np.sin(turn)])
    return Polygon(ring + np.asarray(seat, dtype=float) + away)


def schematic_outlines(counties: pd.DataFrame, seed: int = 0) -> dict[str, Polygon]:
    """Outlines of all counties of a prefecture, side by side: id -> polygon, exact areas.

    counties: columns id, x, y (the seat, metres), area_km2. Areas and absence of overlap hold
    always; each seat lies inside its county wherever one of the arrangements tried allows it,
    else as near to it as they allow.
    """
    table = counties.sort_values("id", kind="stable").reset_index(drop=True)
    seats = table[["x", "y"]].to_numpy(dtype=float)
    areas = table["area_km2"].to_numpy(dtype=float)
    if len(table) == 1:
        return {str(table["id"][0]): schematic_outline(areas[0], tuple(seats[0]), seed)}
    origin = np.floor(seats.min(axis=0))
    best: tuple[float, list[np.ndarray]] = (np.inf, [])
    for attempt in range(GROUNDS):
        rings: list[np.ndarray] = [np.empty((0, 2))] * len(table)
        ground = _ground(seats - origin, areas, generator(seed, "ground", attempt), attempt)
        cost = _share_out(
            ground,
            np.arange(len(table)),
            seats - origin,
            areas,
            rings,
            generator(seed, "share", attempt),
        )
        if cost < best[0]:
            best = (cost, rings)
    return plane.node(
        {str(name): Polygon(ring + origin) for name, ring in zip(table["id"], best[1], strict=True)}
    )


def _wavy(centre: np.ndarray, radius: float, rng: np.random.Generator) -> np.ndarray:
    """A circle with five low waves whose height falls with their number."""
    angle = 2 * np.pi * np.arange(VERTICES) / VERTICES
    reach = np.ones(VERTICES)
    for wave in range(2, 7):
        reach += 0.22 / wave * rng.normal() * np.cos(wave * angle + 2 * np.pi * rng.random())
    reach = np.clip(reach, 0.6, 1.5) * radius
    return centre + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def _scaled(ring: np.ndarray, area_km2: float) -> np.ndarray:
    """The ring blown up about its centroid to the given area."""
    centre = shapely.get_coordinates(Polygon(ring).centroid)[0]
    return centre + (ring - centre) * np.sqrt(area_km2 * M2_PER_KM2 / plane.area(ring))


def _ground(
    seats: np.ndarray, areas: np.ndarray, rng: np.random.Generator, attempt: int
) -> np.ndarray:
    """One blob for all counties: blobs around the seats, as large as their areas ask, joined."""
    radius = np.sqrt(areas * M2_PER_KM2 / np.pi)
    push = 0.25 * min(attempt, 3)
    stretch = (0.6, 1.5, 4.0)[attempt % 3]
    middle = (seats * areas[:, None]).sum(axis=0) / areas.sum()
    centres = seats + push * (seats - middle) * (radius / radius.max())[:, None]
    blobs = [_wavy(c, r, rng) for c, r in zip(centres, radius, strict=True)]

    def joined(scale: float) -> Polygon:
        union = shapely.union_all(
            [Polygon(c + scale * (b - c)) for c, b in zip(centres, blobs, strict=True)]
        )
        reach = stretch * float(radius.max())
        closed = union.buffer(reach, 4).buffer(-1.2 * reach, 4).buffer(0.2 * reach, 8)
        return Polygon(plane.ring_of(closed if not closed.is_empty else union.convex_hull))

    low, high = 0.2, 3.0
    for _ in range(20):
        scale = (low + high) / 2
        if joined(scale).area < areas.sum() * M2_PER_KM2:
            low = scale
        else:
            high = scale
    shape = joined(high)
    step = shape.length / (2 * VERTICES)
    ring = np.array([shape.exterior.interpolate(k * step).coords[0] for k in range(2 * VERTICES)])
    return _scaled(plane.ring_of(Polygon(ring)), areas.sum())


def _share_out(
    ring: np.ndarray,
    rows: np.ndarray,
    seats: np.ndarray,
    areas: np.ndarray,
    rings: list[np.ndarray],
    rng: np.random.Generator,
) -> float:
    """Cuts `ring` among the counties `rows`, fills `rings`, returns the cost: compactness, and
    much more than that for seats that end up outside."""
    size = np.sqrt(plane.area(ring))
    perimeter = np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum()
    if len(rows) == 1:
        rings[rows[0]] = ring
        inside = shapely.contains_xy(Polygon(ring), *seats[rows[0]])
        return 20 * (perimeter / (2 * np.sqrt(np.pi) * size) - 1) ** 2 + (0.0 if inside else 1e3)
    starts = (np.arange(STARTS) + rng.random()) / STARTS
    best = None
    for k in range(DIRECTIONS):
        angle = np.pi * k / DIRECTIONS
        order = rows[np.argsort(seats[rows] @ [np.cos(angle), np.sin(angle)], kind="stable")]
        for count in range(1, len(rows)):
            left, right = order[:count], order[count:]
            fraction = areas[left].sum() / areas[rows].sum()
            cuts = plane.find_cuts(ring, fraction, starts)
            if not len(cuts):
                continue
            way = cuts.end - cuts.start
            away = plane.cross(way[:, None], seats[None] - cuts.start[:, None])
            away = away / np.hypot(*way.T)[:, None] / size
            away[:, left] *= -1
            amiss = 40 * np.maximum(0, 0.05 - away[:, rows]) + 10 * (away[:, rows] < 0)
            bulk = [
                part / (2 * np.sqrt(np.pi * share) * size) - 1
                for part, share in (
                    (cuts.span + cuts.length, fraction),
                    (perimeter - cuts.span + cuts.length, 1 - fraction),
                )
            ]
            cost = amiss.sum(axis=1) + 6 * (bulk[0] ** 2 + bulk[1] ** 2) + 0.5 * abs(fraction - 0.5)
            row = int(np.argmin(cost))
            if best is None or cost[row] < best[0]:
                best = (float(cost[row]), cuts, row, left, right)
    if best is None:
        raise ValueError("the ground around the seats winds too much to be cut")
    _, cuts, row, left, right = best
    first, second = plane.halves(ring, cuts, row)
    return _share_out(first, left, seats, areas, rings, rng) + _share_out(
        second, right, seats, areas, rings, rng
    )


def pseudo_anchors(
    townships: pd.DataFrame, outline: BaseGeometry, seat: Point, seed: int
) -> dict[str, Point]:
    """Points for townships whose real ones are unknown: streets around the seat, others beyond.

    townships: columns id, kind {street, town, township} and, if known, weight (area). In order of
    kind and id they start on a sunflower spiral (Vogel 1979) from the seat outward, each as far
    out as the area within it asks. Those that are no streets are then moved to the middle of
    the ground nearest to them, relative to the square root of their areas (Lloyd 1982).
    """
    shape = Polygon(plane.ring_of(outline))
    centre = np.asarray(seat, dtype=float)
    if not shapely.contains_xy(shape, *centre):
        centre = shapely.get_coordinates(shapely.point_on_surface(shape))[0]
    rank = townships["kind"].map({"street": 0, "town": 1, "township": 2}).fillna(1)
    table = townships.assign(rank=rank).sort_values(["rank", "id"], kind="stable")
    weight = table["weight"].to_numpy(dtype=float) if "weight" in table else np.ones(len(table))
    weight = weight / weight.sum()
    within = np.cumsum(weight) - weight / 2
    ground = _ground_points(shape)
    away = ground - centre
    # ground points in order of distance: the spiral's radius holds the area wanted within it
    reach = np.quantile(np.hypot(*away.T), within)
    turn = 2 * np.pi * generator(seed, "spiral", str(table["id"].iloc[0])).random()
    angle = turn + np.arange(len(table)) * np.pi * (3 - np.sqrt(5))
    points = centre + reach[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    moves = table["rank"].to_numpy() > 0
    for _ in range(LLOYD_STEPS):
        square = ((ground[:, None] - points[None]) ** 2).sum(axis=2) / weight
        nearest = np.argmin(square, axis=1)
        count = np.bincount(nearest, minlength=len(points))
        free = moves & (count > 0)
        for axis in (0, 1):
            total = np.bincount(nearest, ground[:, axis], minlength=len(points))
            points[:, axis] = np.where(free, total / np.maximum(count, 1), points[:, axis])
    return {
        str(name): (float(x), float(y)) for name, (x, y) in zip(table["id"], points, strict=True)
    }


def _ground_points(shape: Polygon) -> np.ndarray:
    """A square grid of about `GROUND_POINTS` points inside."""
    x0, y0, x1, y1 = shape.bounds
    step = np.sqrt(shape.area / GROUND_POINTS)
    x, y = np.meshgrid(np.arange(x0 + step / 2, x1, step), np.arange(y0 + step / 2, y1, step))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    return points[shapely.contains_xy(shape, points)]
