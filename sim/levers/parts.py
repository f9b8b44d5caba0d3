"""Which part of each old area lies in which new one: what everything in a redraw is shared by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Parts:
    """The parts that old areas have in new ones, of all areas that gained or lost settlements.

    One row a part, sorted by new and old area. new, old: rows of areas, int64 ``[N]``; weight:
    households, float64 ``[N]``; share: weight in the old area's, so that the shares of each old
    area sum to 1.
    """

    new: np.ndarray
    old: np.ndarray
    weight: np.ndarray
    share: np.ndarray

    @staticmethod
    def of(old: np.ndarray, new: np.ndarray, households: np.ndarray) -> Parts:
        """Parts from the old and the new area and the households of every settlement.

        A settlement without households weighs as much as one household, so that the office of
        an empty area has heirs too.
        """
        weight = np.maximum(1.0, households)
        moved = old != new
        touched = np.isin(new, new[moved]) | np.isin(old, old[moved])
        pairs, which = np.unique(
            np.column_stack([new[touched], old[touched]]).astype(np.int64),
            axis=0,
            return_inverse=True,
        )
        part = np.bincount(which.ravel(), weight[touched], len(pairs)).astype(np.float64)
        whole = np.bincount(pairs[:, 1], part)
        return Parts(pairs[:, 0], pairs[:, 1], part, part / whole[pairs[:, 1]])

    def __len__(self) -> int:
        return len(self.new)

    def groups(self) -> Iterator[tuple[int, slice]]:
        """Each new area with its parts, in the order of rows."""
        starts = np.flatnonzero(np.diff(self.new, prepend=-1)).tolist()
        for first, end in pairwise([*starts, len(self)]):
            yield int(self.new[first]), slice(first, end)

    @property
    def areas(self) -> np.ndarray:
        """Rows of the new areas that changed."""
        return np.unique(self.new)

    @property
    def mergers(self) -> np.ndarray:
        """Rows of the new areas that have parts of several old ones."""
        areas, count = np.unique(self.new, return_counts=True)
        return areas[count > 1]

    @property
    def largest(self) -> np.ndarray:
        """Whether a part is the largest of its old area (the first of equal ones), bool ``[N]``."""
        order = np.lexsort((self.new, -self.weight, self.old))
        first = order[np.flatnonzero(np.diff(self.old[order], prepend=-1))]
        return np.isin(np.arange(len(self)), first)

    @property
    def ended(self) -> int:
        """How many old areas went into another: one goes on in each new area that has the largest
        part of any."""
        return len(np.unique(self.old)) - len(np.unique(self.new[self.largest]))
