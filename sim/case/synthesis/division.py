"""Geometry by nested division: a county cut into new townships, old townships, new units, old
units and settlements, with areas in proportion to given weights.

Every region is halved by cuts of exact area (polygons.py) until one settlement is left, so each
node of the nesting is one connected piece of the tiling. What the nesting takes apart although
it belongs together (a new unit over two old townships, an old unit that the reform split) is a
*link*: at every cut that separates members of a link, a *port* is put on the cut, a short
stretch that both halves must keep touching with a member of the link in all later cuts. So the
link's members stay connected across the cut. The method is this project's own; the division of
areas by cuts follows the slice-and-dice family of treemaps (Shneiderman 1992, ACM TOG 11(1)).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from sim.case.synthesis import polygons as plane
from sim.case.synthesis.draws import generator
from sim.case.synthesis.outlines import pseudo_anchors, schematic_outline, schematic_outlines
from sim.case.synthesis.partitions import partitions
from sim.case.synthesis.polygons import contiguity, neighbours, representative_points, rounded

__all__ = [
    "contiguity",
    "divide_county",
    "neighbours",
    "pseudo_anchors",
    "representative_points",
    "rounded",
    "schematic_outline",
    "schematic_outlines",
]

NESTING = ("township_after", "township_before", "after", "before", "id")
PORT_METRES = 25.0  # half length of the stretch that a port keeps
BROKEN, CUT_THROUGH = 100.0, 8.0  # cost of a lost link; of one the reform itself cut through
SPREADS = (1.0, 0.3, 3.0)  # distance of ports on a cut, in sizes of what has to reach them
STARTS = 40  # places along a ring at which cuts are tried
PULL, STRAY = 4.0, 3.0  # weight of anchors beyond a cut, outside a finished region
BULK = 3.0  # weight of the square of how far a region is from compact
TRIES = 40  # layouts of a region while a link is lost
LAYOUTS = 10  # layouts of a region with anchors, of which the best is taken
EFFORT = 30000  # cuts of retried layouts after which a county takes what it has

Point = tuple[float, float]


@dataclass(frozen=True)
class Port:
    """A stretch of a region's border that a member of `link` has to touch.

    place: metres along the ring; half: half its length in metres.
    """

    place: float
    half: float
    link: int


@dataclass(frozen=True)
class Part:
    """A region of a plan: its ring, the rows of its settlements, the ports on its border."""

    ring: np.ndarray
    rows: np.ndarray
    ports: list[Port]


@dataclass
class Plan:
    """A region laid out in `parts`; cost: lost links, strayed anchors, shapes far from compact."""

    parts: list[Part]
    cost: float = 0.0


def divide_county(
    outline: BaseGeometry,
    settlements: pd.DataFrame,
    anchors: Mapping[str, Point] | None,
    seat: Point,
    seed: int,
    anchors_before: Mapping[str, Point] | None = None,
) -> dict[str, Polygon]:
    """Cells of a county's settlements: a tiling of the outline, areas in proportion to weight.

    outline: polygon in metres (of several parts, the largest one's exterior); settlements:
    columns id, township_after, township_before, after, before, weight (> 0), in any order;
    anchors, anchors_before: a point in metres per new and old township around which it should
    lie, may be partial or None; seat: the county's seat, which draws nothing by itself here but
    serves those without anchors through `pseudo_anchors`; seed: the case's seed.

    Returns settlement id -> polygon, in order of id; common borders share their vertices.
    Units and new townships are contiguous as far as `contiguity` does not say otherwise.
    Raises ValueError for an empty county, a weight that is not positive or a repeated id.
    """
    table = settlements.sort_values("id", kind="stable").reset_index(drop=True)
    weight = table["weight"].to_numpy(dtype=float)
    if not len(table) or not (np.isfinite(weight).all() and weight.min() > 0):
        raise ValueError("a county needs settlements, each with a weight above zero")
    if table["id"].duplicated().any():
        raise ValueError("settlement ids are not unique")
    origin = np.floor(shapely.bounds(outline)[:2])
    if anchors is None:
        kinds = table.groupby("township_after", sort=True)["weight"].sum().reset_index()
        kinds = kinds.rename(columns={"township_after": "id"}).assign(kind="")
        anchors = pseudo_anchors(kinds, outline, seat, seed)
    division = _Division(table, weight, anchors, anchors_before or {}, origin, seed)
    cells = division.cells(plane.ring_of(outline, origin))
    ids = table["id"].astype(str)
    return plane.node({ids[row]: Polygon(ring + origin) for row, ring in cells})


class _Division:
    """The recursive division of one county; rows of `table` are settlements in order of id."""

    def __init__(
        self,
        table: pd.DataFrame,
        weight: np.ndarray,
        anchors: Mapping[str, Point],
        anchors_before: Mapping[str, Point],
        origin: np.ndarray,
        seed: int,
    ):
        self.weight, self.seed, self.effort = weight, seed, 0
        self.ids = table["id"].astype(str).to_numpy(dtype=object)
        self.codes = np.empty((len(table), len(NESTING)), dtype=np.int64)
        self.anchor: list[np.ndarray | None] = [None] * len(NESTING)
        for level, column in enumerate(NESTING):
            codes, names = pd.factorize(table[column].astype(str), sort=True)
            self.codes[:, level] = codes
            points = (anchors, anchors_before)[level] if level < 2 else {}
            if any(name in points for name in names):
                known = np.array([points[name] for name in names if name in points])
                self.anchor[level] = (
                    np.array([points.get(name, known.mean(axis=0)) for name in names]) - origin
                )
        self._find_links()

    def _find_links(self) -> None:
        """Units and old townships which the nesting takes apart; `links` is settlement x 3."""
        parts = pd.DataFrame(self.codes, columns=NESTING)
        self.links = np.full((len(parts), 3), -1)
        self.link_cost: list[float] = []
        for column, (of, by, cost) in enumerate(
            (
                ("after", ["township_after", "township_before"], BROKEN),
                ("before", ["township_after", "township_before", "after"], BROKEN),
                ("township_before", ["township_after"], CUT_THROUGH),
            )
        ):
            pieces = parts[[of, *by]].drop_duplicates().groupby(of, sort=True).size()
            for code in pieces.index[pieces > 1]:
                self.links[parts[of].to_numpy() == code, column] = len(self.link_cost)
                self.link_cost.append(cost)

    def cells(self, ring: np.ndarray) -> list[tuple[int, np.ndarray]]:
        """(row, ring) of every settlement."""
        done: list[tuple[int, np.ndarray]] = []
        open_ = self._settled(Part(ring, np.arange(len(self.weight)), [])).parts
        while open_:
            part = open_.pop()
            if len(part.rows) == 1:
                done.append((int(part.rows[0]), part.ring))
            else:
                open_ += self._halve(part, self._level(part.rows), 0)[0]
        return sorted(done, key=lambda cell: cell[0])

    def _level(self, rows: np.ndarray) -> int:
        """The first level of the nesting at which the settlements differ."""
        codes = self.codes[rows]
        return int(np.argmax((codes != codes[0]).any(axis=0)))

    def _settled(self, part: Part) -> Plan:
        """Divides a region as far as links and anchors reach; what is left needs neither."""
        ports = [p for p in part.ports if not self._within(part.rows, p.link)]
        part = Part(part.ring, part.rows, ports)
        level = self._level(part.rows)
        anchored = level < len(NESTING) - 1 and self.anchor[level] is not None
        if len(part.rows) == 1 or not (ports or anchored or self._open_links(part.rows)):
            return Plan([part])
        best: Plan | None = None
        for plan in self._plans(part, level, anchored):
            if best is not None and plan.cost >= best.cost:
                continue
            whole = Plan([], plan.cost)
            for inner in plan.parts:
                below = self._settled(inner)
                whole.parts += below.parts
                whole.cost += below.cost
            if best is None or whole.cost < best.cost:
                best = whole
            if best.cost < BROKEN or self.effort > EFFORT:
                break
        assert best is not None
        return best

    def _plans(self, part: Part, level: int, anchored: bool) -> Iterator[Plan]:
        """Layouts of a region, best first as far as they are to be compared beforehand."""
        plans = (self._plan(part, level, attempt) for attempt in range(TRIES))
        if anchored:
            yield from sorted(islice(plans, LAYOUTS), key=lambda plan: plan.cost)
        yield from plans

    def _plan(self, part: Part, level: int, attempt: int) -> Plan:
        """Halves a region again and again, down to the single members of one level."""
        plan, open_ = Plan([]), [part]
        while open_:
            halves, lost = self._halve(open_.pop(), level, attempt)
            plan.cost += lost
            for half in halves:
                if len(half.rows) > 1 and self._level(half.rows) == level:
                    open_.append(half)
                else:
                    plan.parts.append(half)
                    plan.cost += self._strayed(half, level)
        return plan

    def _strayed(self, part: Part, level: int) -> float:
        """How far a region lies from its anchor, in its own sizes, and how far from compact."""
        points = self.anchor[level]
        if points is None:
            return 0.0
        size = float(np.sqrt(plane.area(part.ring)))
        bulk = BULK * (_perimeter(part.ring) / (2 * np.sqrt(np.pi) * size) - 1) ** 2
        point = shapely.Point(points[self.codes[part.rows[0], level]])
        return float(bulk + STRAY * min(5.0, Polygon(part.ring).distance(point) / size))

    def _within(self, rows: np.ndarray, link: int) -> bool:
        return bool((self.links[rows] == link).any(axis=1).all())

    def _members(self, rows: np.ndarray) -> set[int]:
        return set(self.links[rows].ravel().tolist()) - {-1}

    def _open_links(self, rows: np.ndarray) -> list[int]:
        """Links with a member among the settlements that are not all of them members."""
        return [k for k in sorted(self._members(rows)) if not self._within(rows, k)]

    def _halve(self, part: Part, level: int, attempt: int) -> tuple[list[Part], float]:
        """One cut between members of a level, and what it costs in links."""
        ring, rows = part.ring, part.rows
        here = self._members(rows)
        ports = [p for p in part.ports if p.link in here and not self._within(rows, p.link)]
        code, item = np.unique(self.codes[rows, level], return_inverse=True)
        weight = np.bincount(item, self.weight[rows])
        links: list[set[int]] = [set() for _ in code]
        if ports or self._open_links(rows):
            links = [self._members(rows[item == k]) for k in range(len(code))]
        anchor = self.anchor[level]
        points = None if anchor is None else anchor[code]
        if attempt % 3 == 2 and any(links):  # a link may need what the anchors do not want
            points = None
        rng = generator(self.seed, "cut", level, attempt, self.ids[rows[0]], len(rows))
        place = {p.link: p.place for p in reversed(ports)}
        size = float(np.sqrt(plane.area(ring)))
        best: tuple[float, float, np.ndarray, plane.Cuts, int] | None = None
        for bent in (False, True):
            for left in partitions(weight, links, place, points, rng, attempt):
                fraction = float(weight[left].sum() / weight.sum())
                sides = [_union(links, left), _union(links, ~left)]
                for cuts in _candidates(ring, fraction, bent, rng, ports):
                    self.effort += attempt > 0
                    lost = self._lost(cuts, ring, ports, sides)
                    shape = _shape(cuts, ring, fraction, size)
                    if points is not None:
                        shape = shape + PULL * _misplaced(cuts, points, left, size)
                        if attempt:
                            shape = shape * (1 + 0.2 * rng.random())
                    row = int(np.argmin(lost + shape))
                    if best is None or lost[row] + shape[row] < best[0]:
                        best = (float(lost[row] + shape[row]), float(lost[row]), left, cuts, row)
                if best is not None and points is None and best[1] < BROKEN:
                    break
            if best is not None:
                break
        if best is None:
            raise ValueError("the outline winds too much to be divided by cuts with one bend")
        _, cost, left, cuts, row = best
        shared = [
            k
            for k in sorted(_union(links, left) & _union(links, ~left))
            if not self._within(rows, k)
        ]
        if attempt:
            shared = [shared[k] for k in rng.permutation(len(shared))]
        least = min(
            (
                self.weight[rows[(self.links[rows] == k).any(axis=1) & (left[item] == side)]].sum()
                for k in shared
                for side in (True, False)
            ),
            default=0.0,
        )
        apart = SPREADS[attempt % len(SPREADS)] * 0.5 * size * np.sqrt(least / weight.sum())
        held = _hand_down(cuts, row, ring, ports, shared, apart)
        rings = plane.halves(ring, cuts, row)
        return [
            Part(half, rows[side[item]], kept)
            for half, side, kept in zip(rings, (left, ~left), held, strict=True)
        ], cost

    def _lost(
        self, cuts: plane.Cuts, ring: np.ndarray, ports: list[Port], sides: list[set[int]]
    ) -> np.ndarray:
        """Cost of the ports that end up where their link has no member, per cut."""
        lost = np.zeros(len(cuts))
        perimeter = _perimeter(ring)
        for port in ports:
            ahead = (port.place - cuts.at) % perimeter
            on_left = ahead < cuts.span
            near = np.minimum.reduce([ahead, perimeter - ahead, abs(ahead - cuts.span)])
            wrong = np.where(on_left, port.link not in sides[0], port.link not in sides[1])
            lost += self.link_cost[port.link] * (wrong | (near < port.half))
        return lost


def _union(links: list[set[int]], mask: np.ndarray) -> set[int]:
    return set().union(*(links[k] for k in np.nonzero(mask)[0]))


def _perimeter(ring: np.ndarray) -> float:
    return float(np.hypot(*(np.roll(ring, -1, axis=0) - ring).T).sum())


def _candidates(
    ring: np.ndarray, fraction: float, bends: bool, rng: np.random.Generator, ports: list[Port]
) -> Iterator[plane.Cuts]:
    """Cuts of a ring from evenly spaced starts; with bends only where no straight one fits."""
    count = STARTS * (3 if ports or bends else 1)
    starts = (np.arange(count) + rng.random()) / count
    if ports:  # also between ports and right beside them, where most of what fits begins
        place = np.sort([p.place for p in ports])
        away = np.outer([p.half for p in ports], (1.5 + rng.random()) * np.array([-1, 1]))
        beside = np.array([p.place for p in ports])[:, None] + away
        gap = np.append(place[1:], place[0] + _perimeter(ring)) - place
        between = place + gap * (0.4 + 0.2 * rng.random())
        starts = np.concatenate([starts, np.append(beside, between) / _perimeter(ring) % 1.0])
    if not bends:
        cuts = plane.find_cuts(ring, fraction, starts)
        if len(cuts):
            yield cuts
        return
    low, high = ring.min(axis=0), ring.max(axis=0)
    shape = Polygon(ring)
    for _ in range(60):
        point = low + rng.random(2) * (high - low)
        if shapely.contains_xy(shape, *point):
            cuts = plane.find_cuts(ring, fraction, starts, point)
            if len(cuts):
                yield cuts


def _shape(cuts: plane.Cuts, ring: np.ndarray, fraction: float, size: float) -> np.ndarray:
    """How far from compact both halves are: excess of perimeter over a circle's, squared."""
    perimeter = _perimeter(ring)
    circle = 2 * np.sqrt(np.pi) * size
    left = (cuts.span + cuts.length) / (circle * np.sqrt(fraction)) - 1
    right = (perimeter - cuts.span + cuts.length) / (circle * np.sqrt(1 - fraction)) - 1
    pinched = cuts.offset < np.minimum(10.0, 0.02 * size)
    return BULK * (left**2 + right**2) + pinched


def _misplaced(cuts: plane.Cuts, points: np.ndarray, left: np.ndarray, size: float) -> np.ndarray:
    """Mean distance by which anchors lie beyond the cut, in mean item sizes, per cut."""
    way = cuts.end - cuts.start
    rel = points[None] - cuts.start[:, None]
    outside = plane.cross(way[:, None], rel) / np.hypot(*way.T)[:, None]
    outside = np.where(left[None], outside, -outside)
    unit = size / np.sqrt(len(points))
    return np.maximum(0.0, outside / unit + 0.15).sum(axis=1)


def _hand_down(
    cuts: plane.Cuts, row: int, ring: np.ndarray, ports: list[Port], shared: list[int], apart: float
) -> list[list[Port]]:
    """Ports of the left and right half: the old ones by place, new ones around the cut's middle.

    apart: metres between new ones, less where the cut is short.
    """
    perimeter = _perimeter(ring)
    span, length = cuts.span[row], cuts.length[row]
    held: list[list[Port]] = [[], []]
    for port in ports:
        ahead = (port.place - cuts.at[row]) % perimeter
        side = 0 if ahead < span else 1
        held[side].append(Port(ahead - side * span, port.half, port.link))
    apart = min(apart, length / (len(shared) + 1))
    for k, link in enumerate(shared):
        along = length / 2 + apart * (k - (len(shared) - 1) / 2)
        half = min(PORT_METRES, apart / 4)
        held[0].append(Port(span + length - along, half, link))
        held[1].append(Port(perimeter - span + along, half, link))
    return held
