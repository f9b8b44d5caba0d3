"""Travel: metres between settlements and facilities, and the minutes they take.

Metres go by street where the case has streets (`sim.world.streets`), else by straight line times
a detour factor of the settlement's terrain. Minutes are the lesser of walking and riding, so that
they never fall when metres grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.spatial import cKDTree

from sim.case.parameters import Parameters


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

    def minutes(
        self,
        metres: np.ndarray,
        travel_class: np.ndarray | int,
        ridden: np.ndarray | None = None,
    ) -> np.ndarray:
        """Minutes of a trip: min(d / v, m + d / ride); model text 6.2.

        ridden: metres at the usual speed that take a rider as long, where that is not `metres`.
        """
        by_ride = metres if ridden is None else ridden
        return np.minimum(
            metres / self.speed[travel_class], self.start[travel_class] + by_ride / self.ride
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

    def ridden(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray | None:
        """Metres at the usual speed that take a rider as long as the way from each settlement row
        to the point beside it; None where one rides at that speed everywhere."""
        ...

    def within(
        self, x: np.ndarray, y: np.ndarray, metres: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All pairs of a settlement and a point no further apart than `metres`, or than one rides
        in the time of as many: rows of settlements, rows of points, and their metres, by point and
        then settlement."""
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
            return no_points(self.x.size, k)
        # a few more than k, so that points in one place are cut by rank, not by chance
        asked = min(k + 4, x.size)
        _, row = cKDTree(np.column_stack([x, y])).query(
            np.column_stack([self.x, self.y]), k=np.arange(1, asked + 1)
        )
        here = np.arange(self.x.size)[:, None]
        metres = self.detour[:, None] * np.hypot(x[row] - self.x[here], y[row] - self.y[here])
        return first_points(row, metres, rank, k)

    def ridden(self, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        """One rides at the usual speed everywhere."""
        return None

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(np.column_stack([self.x, self.y]))

    def within(
        self, x: np.ndarray, y: np.ndarray, metres: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not x.size or not self.x.size:
            return no_pairs()
        points = cKDTree(np.column_stack([x, y]))
        straight = metres / self.detour.min() * (1 + 1e-9)
        found = points.sparse_distance_matrix(self._tree, straight, output_type="ndarray")
        settlement, point = found["j"], found["i"]
        far = self.pairs(settlement, x[point], y[point])
        near = np.flatnonzero(far <= metres)
        near = near[np.lexsort((settlement[near], point[near]))]
        return settlement[near], point[near], far[near]


def no_pairs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """No settlements, points and metres."""
    return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)


def no_points(settlements: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and metres where nothing is in reach."""
    return np.full((settlements, k), -1, dtype=np.int64), np.full((settlements, k), np.inf)


def first_points(
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
