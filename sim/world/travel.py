"""Travel: metres between settlements and facilities, and the minutes they take.

Metres go by street where the case has streets, else by straight line times a detour factor of
the settlement's terrain. Minutes are the lesser of walking and riding, so that they never fall
when metres grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from sim.case.parameters import Parameters

_CHUNK = 64  # sites routed at a time: bounds the memory to 64 rows of the street network


@dataclass(frozen=True)
class Pace:
    """How a person gets about: walking speed and ride start by travel class.

    The four travel classes are (adult, old) x (without, with a vehicle), in the order adult
    without, adult with, old without, old with. speed, start: float64 ``[4]``; ride: m/min.
    """

    speed: np.ndarray
    start: np.ndarray
    ride: float

    @staticmethod
    def of(parameters: Parameters) -> Pace:
        adult, old = parameters["travel.walking_speed"], parameters["travel.walking_speed_old"]
        without, own = parameters["travel.ride_start_without"], parameters["travel.ride_start"]
        return Pace(
            speed=np.array([adult, adult, old, old]),
            start=np.array([without, own, without, own]),
            ride=parameters["travel.ride_speed"],
        )

    def minutes(self, metres: np.ndarray, travel_class: np.ndarray | int) -> np.ndarray:
        """Minutes of a trip: min(d / v, m + d / ride); model text 6.2."""
        return np.minimum(
            metres / self.speed[travel_class], self.start[travel_class] + metres / self.ride
        )

    def farthest(self, minutes: float) -> float:
        """Metres within which every trip of so many minutes lies, whoever makes it."""
        ridden = self.ride * np.maximum(0.0, minutes - self.start)
        return float(np.maximum(self.speed * minutes, ridden).max())


class Travel(Protocol):
    """Where residents and facilities are, and the metres between them."""

    def pairs(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Metres from each settlement row to the point beside it."""
        ...

    def nearest(
        self, x: np.ndarray, y: np.ndarray, rank: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """For every settlement its k nearest points.

        rank: order in which points at equal distance come. Returns rows of points ``[S, k]``
        (-1 where there are fewer) and metres (inf there).
        """
        ...

    def within(
        self, x: np.ndarray, y: np.ndarray, metres: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All pairs of a settlement and a point no further apart than `metres`: rows of
        settlements, rows of points, and their metres, by point and then settlement."""
        ...


@dataclass(frozen=True)
class StraightTravel:
    """Straight lines times a detour factor per settlement."""

    x: np.ndarray
    y: np.ndarray
    detour: np.ndarray

    def pairs(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.detour[settlement] * np.hypot(x - self.x[settlement], y - self.y[settlement])

    def nearest(
        self, x: np.ndarray, y: np.ndarray, rank: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        if not x.size:
            return _none(self.x.size, k)
        # a few more than k, so that points in one place are cut by rank, not by chance
        asked = min(k + 4, x.size)
        _, row = cKDTree(np.column_stack([x, y])).query(
            np.column_stack([self.x, self.y]), k=np.arange(1, asked + 1)
        )
        here = np.arange(self.x.size)[:, None]
        metres = self.detour[:, None] * np.hypot(x[row] - self.x[here], y[row] - self.y[here])
        return _first(row, metres, rank, k)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(np.column_stack([self.x, self.y]))

    def within(
        self, x: np.ndarray, y: np.ndarray, metres: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not x.size or not self.x.size:
            return _no_pairs()
        points = cKDTree(np.column_stack([x, y]))
        straight = metres / self.detour.min() * (1 + 1e-9)
        found = points.sparse_distance_matrix(self._tree, straight, output_type="ndarray")
        settlement, point = found["j"], found["i"]
        far = self.pairs(settlement, x[point], y[point])
        near = np.flatnonzero(far <= metres)
        near = near[np.lexsort((settlement[near], point[near]))]
        return settlement[near], point[near], far[near]


@dataclass(frozen=True)
class StreetTravel:
    """Shortest ways along a street network, with the straight way to the nearest node at each end.

    graph: sparse ``[N, N]`` metres from node to node; nodes: float64 ``[N, 2]``; home: node of
    every settlement; access: metres from settlement to its node.
    """

    graph: csr_array
    tree: cKDTree
    home: np.ndarray
    access: np.ndarray

    @staticmethod
    def of(nodes: pd.DataFrame, edges: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> StreetTravel:
        """From tables of nodes (id, x, y) and edges (from, to, metres, one_way optional)."""
        rows = {name: i for i, name in enumerate(nodes["id"])}
        start = edges["from"].map(rows).to_numpy(np.int64)
        end = edges["to"].map(rows).to_numpy(np.int64)
        metres = edges["metres"].to_numpy(np.float64)
        both = np.ones(len(edges), dtype=bool)
        if "one_way" in edges:
            both = ~edges["one_way"].fillna(0).astype(bool).to_numpy()
        table = pd.DataFrame(
            {
                "a": np.concatenate([start, end[both]]),
                "b": np.concatenate([end, start[both]]),
                "m": np.maximum(np.concatenate([metres, metres[both]]), 1e-3),
            }
        )
        table = table.groupby(["a", "b"], as_index=False)["m"].min()
        n = len(nodes)
        graph = csr_array((table["m"], (table["a"], table["b"])), shape=(n, n))
        tree = cKDTree(nodes[["x", "y"]].to_numpy(np.float64))
        access, home = tree.query(np.column_stack([x, y]))
        return StreetTravel(graph, tree, home, access)

    @cached_property
    def _backwards(self) -> csr_array:
        """The network with every edge turned round: a search from a site finds the ways to it."""
        return self.graph.T.tocsr()

    def _to_points(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Metres ``[points, S]`` from every settlement to each point (searched from the point)."""
        leg, node = self.tree.query(np.column_stack([x, y]))
        way = dijkstra(self._backwards, directed=True, indices=node)[:, self.home]
        return way + self.access[None, :] + leg[:, None]

    def pairs(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        points, which = np.unique(np.column_stack([x, y]), axis=0, return_inverse=True)
        out = np.empty(settlement.size)
        for first in range(0, len(points), _CHUNK):
            part = points[first : first + _CHUNK]
            metres = self._to_points(part[:, 0], part[:, 1])
            mine = (which >= first) & (which < first + _CHUNK)
            out[mine] = metres[which[mine] - first, settlement[mine]]
        return out

    def nearest(
        self, x: np.ndarray, y: np.ndarray, rank: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        best_row, best = _none(self.home.size, k)
        for first in range(0, x.size, _CHUNK):
            part = slice(first, min(first + _CHUNK, x.size))
            metres = self._to_points(x[part], y[part]).T
            row = np.broadcast_to(np.arange(x.size)[part], metres.shape)
            best_row, best = _first(
                np.concatenate([best_row, row], axis=1),
                np.concatenate([best, metres], axis=1),
                rank,
                k,
            )
        return best_row, best

    def within(
        self, x: np.ndarray, y: np.ndarray, metres: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = [_no_pairs()]
        for first in range(0, x.size, _CHUNK):
            part = slice(first, min(first + _CHUNK, x.size))
            far = self._to_points(x[part], y[part])
            point, settlement = np.nonzero(far <= metres)
            found.append((settlement, first + point, far[point, settlement]))
        settlements, points, ways = (np.concatenate(c) for c in zip(*found, strict=True))
        return settlements, points, ways


def _no_pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)


def _none(settlements: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full((settlements, k), -1, dtype=np.int64), np.full((settlements, k), np.inf)


def _first(
    row: np.ndarray, metres: np.ndarray, rank: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of the columns, equal distances by rank; padded to k."""
    row = np.where(np.isfinite(metres), row, -1)
    tie = np.where(row >= 0, rank[row], np.iinfo(np.int64).max)
    order = np.lexsort((tie, metres), axis=1)[:, :k]
    row, metres = np.take_along_axis(row, order, 1), np.take_along_axis(metres, order, 1)
    if row.shape[1] < k:
        pad = ((0, 0), (0, k - row.shape[1]))
        row = np.pad(row, pad, constant_values=-1)
        metres = np.pad(metres, pad, constant_values=np.inf)
    return row, metres
