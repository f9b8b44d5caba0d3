"""Streets: the network of a case as it is opened, and shortest ways along it.

One steps from a place onto any street that is nearer than the nearest crossing, or onto that
crossing, by a straight line. So a further street is a further choice and lengthens no way.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from sim.world.travel import first_points, no_pairs, no_points

_CHUNK = 64  # sites routed at a time: bounds the memory to 64 rows of the street network


@dataclass(frozen=True)
class Streets:
    """The street network in time.

    nodes: id, x, y. edges: from, to, metres, one_way, speed (m/min of riders, NaN as usual, 0
    where nobody rides), week in which it opens, yearly (yuan a year that opening it costs).
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame

    @staticmethod
    def of(nodes: pd.DataFrame, edges: pd.DataFrame, week: pd.Series) -> Streets:
        """Streets of a case; week: in which each edge opens."""
        return Streets(nodes, _filled(edges).assign(week=week.to_numpy(np.int64), yearly=0.0))

    def plus(self, edges: pd.DataFrame, week: int, yearly: np.ndarray) -> Streets:
        """With more edges, which open in a week."""
        more = _filled(edges).assign(week=week, yearly=yearly)
        return Streets(self.nodes, pd.concat([self.edges, more], ignore_index=True))

    def is_open(self, week: int) -> np.ndarray:
        """Which edges are open in a week."""
        return (self.edges["week"] <= week).to_numpy()

    def yearly(self, week: int) -> float:
        """Yuan a year that the streets opened so far cost."""
        return float(self.edges["yearly"].to_numpy()[self.is_open(week)].sum())


def _filled(edges: pd.DataFrame) -> pd.DataFrame:
    """The columns of edges, with those that may be missing."""
    blank = pd.Series(np.nan, index=edges.index)
    return pd.DataFrame(
        {
            "from": edges["from"],
            "to": edges["to"],
            "metres": edges["metres"].astype(np.float64),
            "one_way": edges.get("one_way", blank).fillna(0).astype(bool),
            "speed": edges.get("speed", blank).astype(np.float64),
        }
    )


@dataclass(frozen=True)
class Steps:
    """Straight ways from places onto streets: one row a place and edge; and to the nearest node.

    place, edge: int64; part: how far along the edge from its start, 0 to 1; straight: metres.
    node, to_node: of every place.
    """

    place: np.ndarray
    edge: np.ndarray
    part: np.ndarray
    straight: np.ndarray
    node: np.ndarray
    to_node: np.ndarray


@dataclass(frozen=True)
class Doors:
    """Ways between places and nodes: place, node: int64; metres: float64; sorted by place."""

    place: np.ndarray
    node: np.ndarray
    metres: np.ndarray


@dataclass(frozen=True)
class StreetTravel:
    """Shortest ways along streets, straight at each end.

    xy: of nodes ``[N, 2]``; start, end: nodes of edges; metres, fast: of edges, the latter at the
    usual speed of riders (inf where nobody rides), None where all ride at that speed; both:
    open in both directions; home: settlements ``[S, 2]``.
    """

    xy: np.ndarray
    start: np.ndarray
    end: np.ndarray
    metres: np.ndarray
    fast: np.ndarray | None
    both: np.ndarray
    home: np.ndarray

    @staticmethod
    def of(
        nodes: pd.DataFrame,
        edges: pd.DataFrame,
        x: np.ndarray,
        y: np.ndarray,
        ride: float | None = None,
    ) -> StreetTravel:
        """From tables of nodes (id, x, y) and edges (from, to, metres; one_way and speed
        optional); ride: usual m/min of riders, without which speeds are ignored."""
        rows = {name: i for i, name in enumerate(nodes["id"])}
        edges = _filled(edges)
        metres = np.maximum(edges["metres"].to_numpy(np.float64), 1e-3)
        speed = edges["speed"].to_numpy(np.float64)
        fast = None
        if ride is not None and np.isfinite(speed).any():
            with np.errstate(divide="ignore"):
                fast = metres * ride / np.where(np.isfinite(speed), speed, ride)
        return StreetTravel(
            xy=nodes[["x", "y"]].to_numpy(np.float64),
            start=edges["from"].map(rows).to_numpy(np.int64),
            end=edges["to"].map(rows).to_numpy(np.int64),
            metres=metres,
            fast=fast,
            both=~edges["one_way"].to_numpy(bool),
            home=np.column_stack([x, y]).astype(np.float64),
        )

    @cached_property
    def _lines(self) -> shapely.STRtree:
        ends = np.stack([self.xy[self.start], self.xy[self.end]], axis=1)
        return shapely.STRtree(shapely.linestrings(ends))

    @cached_property
    def _nodes(self) -> cKDTree:
        return cKDTree(self.xy)

    @cached_property
    def _home_steps(self) -> Steps:
        return self._steps(self.home)

    def _steps(self, points: np.ndarray) -> Steps:
        """How one gets from points onto streets."""
        to_node, node = self._nodes.query(points)
        place, edge = self._lines.query(
            shapely.points(points), predicate="dwithin", distance=to_node
        )
        a = self.xy[self.start[edge]]
        along, away = self.xy[self.end[edge]] - a, points[place] - a
        length2 = (along**2).sum(axis=1)
        part = np.divide(
            (along * away).sum(axis=1), length2, out=np.zeros(edge.size), where=length2 > 0
        )
        part = np.clip(part, 0.0, 1.0)
        straight = np.hypot(*(away - part[:, None] * along).T)
        return Steps(place, edge, part, straight, node, to_node)

    def _doors(self, steps: Steps, metres: np.ndarray, leave: bool) -> Doors:
        """Ways between places and the nodes at the ends of the streets they step on."""
        start, end = self.start[steps.edge], self.end[steps.edge]
        whole, both = metres[steps.edge], self.both[steps.edge]
        back = steps.straight + steps.part * np.where(steps.part > 0, whole, 0.0)
        ahead = steps.straight + (1 - steps.part) * np.where(steps.part < 1, whole, 0.0)
        # one leaves ahead and comes from behind; the other way where both are open, or where one
        # stands at that end anyway
        other = both | (steps.part == (0 if leave else 1))
        near, far = (ahead, back) if leave else (back, ahead)
        near_node, far_node = (end, start) if leave else (start, end)
        place = np.concatenate([np.arange(steps.node.size), steps.place, steps.place[other]])
        node = np.concatenate([steps.node, near_node, far_node[other]])
        way = np.concatenate([steps.to_node, near, far[other]])
        known = np.isfinite(way)
        place, node, way = place[known], node[known], way[known]
        order = np.argsort(place, kind="stable")
        return Doors(place[order], node[order], way[order])

    def _backwards(self, metres: np.ndarray) -> csr_array:
        """The network with every edge turned round: a search from a site finds the ways to it."""
        two = self.both
        a = np.concatenate([self.end, self.start[two]])
        b = np.concatenate([self.start, self.end[two]])
        table = pd.DataFrame({"a": a, "b": b, "m": np.concatenate([metres, metres[two]])})
        table = table[np.isfinite(table["m"])].groupby(["a", "b"], as_index=False)["m"].min()
        size = len(self.xy)
        return csr_array((table["m"], (table["a"], table["b"])), shape=(size, size))

    @cached_property
    def _by_foot(self) -> csr_array:
        return self._backwards(self.metres)

    @cached_property
    def _by_ride(self) -> csr_array:
        assert self.fast is not None
        return self._backwards(self.fast)

    def _to_points(self, points: np.ndarray, ride: bool = False) -> np.ndarray:
        """Metres ``[points, S]`` from every settlement to each point (searched from the point)."""
        metres = self.fast if ride and self.fast is not None else self.metres
        back = self._by_ride if ride else self._by_foot
        steps, home = self._steps(points), self._home_steps
        into, out = self._doors(steps, metres, False), self._doors(home, metres, True)
        # the points become nodes with a way to each of their doors, 1 m too long: scipy takes 0
        # for no way
        size, count = len(self.xy), len(points)
        ends = back.indptr[-1] + np.cumsum(np.bincount(into.place, minlength=count))
        graph = csr_array(
            (
                np.concatenate([back.data, into.metres + 1.0]),
                np.concatenate([back.indices, into.node]),
                np.concatenate([back.indptr, ends]),
            ),
            shape=(size + count, size + count),
        )
        way = dijkstra(graph, directed=True, indices=size + np.arange(count))[:, :size] - 1.0
        first = np.flatnonzero(np.diff(out.place, prepend=-1))
        best = np.minimum.reduceat(way[:, out.node] + out.metres, first, axis=1)
        self._same_street(best, steps, metres)
        return best

    def _same_street(self, best: np.ndarray, steps: Steps, metres: np.ndarray) -> None:
        """Shortens ways between places on one street, which need not go by its ends."""
        home = self._home_steps
        order = np.argsort(home.edge, kind="stable")
        low = np.searchsorted(home.edge[order], steps.edge, side="left")
        many = np.searchsorted(home.edge[order], steps.edge, side="right") - low
        there = np.repeat(np.arange(steps.edge.size), many)
        here = order[np.arange(there.size) - np.repeat(np.cumsum(many) - many, many)
                     + np.repeat(low, many)]  # fmt: skip
        ahead = steps.part[there] - home.part[here]
        may = (ahead >= 0) | self.both[steps.edge[there]]
        there, here, along = there[may], here[may], np.abs(ahead[may])
        along *= np.where(along > 0, metres[steps.edge[there]], 0.0)  # nobody rides: 0, not nan
        way = home.straight[here] + along + steps.straight[there]
        np.minimum.at(best, (steps.place[there], home.place[here]), way)

    def pairs(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self._pairs(settlement, x, y, ride=False)

    def ridden(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        return None if self.fast is None else self._pairs(settlement, x, y, ride=True)

    def _pairs(
        self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray, ride: bool
    ) -> np.ndarray:
        points, which = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
        which = which.ravel()
        out = np.empty(settlement.size)
        for first in range(0, len(points), _CHUNK):
            metres = self._to_points(points[first : first + _CHUNK], ride)
            mine = (which >= first) & (which < first + _CHUNK)
            out[mine] = metres[which[mine] - first, settlement[mine]]
        return out

    def nearest(
        self, x: np.ndarray, y: np.ndarray, rank: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        points = np.column_stack([x, y])
        best_row, best = no_points(len(self.home), k)
        for first in range(0, x.size, _CHUNK):
            metres = self._to_points(points[first : first + _CHUNK]).T
            row = np.broadcast_to(np.arange(first, first + metres.shape[1]), metres.shape)
            best_row, best = first_points(
                np.concatenate([best_row, row], axis=1),
                np.concatenate([best, metres], axis=1),
                rank,
                k,
            )
        return best_row, best

    def within(
        self, x: np.ndarray, y: np.ndarray, metres: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        points, found = np.column_stack([x, y]), [no_pairs()]
        quick = 1.0 if self.fast is None else float((self.metres / self.fast).max(initial=1.0))
        for first in range(0, x.size, _CHUNK):
            far = self._to_points(points[first : first + _CHUNK])
            point, settlement = np.nonzero(far <= metres * quick)
            found.append((settlement, first + point, far[point, settlement]))
        settlements, rows, ways = (np.concatenate(c) for c in zip(*found, strict=True))
        return settlements, rows, ways
