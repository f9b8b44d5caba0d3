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
    def largest(self) -> np.ndarray:
        """Whether a part is the largest of its old area (the first of equal ones), bool ``[N]``."""
        order = np.lexsort((self.new, -self.weight, self.old))
        first = order[np.flatnonzero(np.diff(self.old[order], prepend=-1))]
        return np.isin(np.arange(len(self)), first)

    @property
    def goes_on(self) -> np.ndarray:
        """Whether an old area goes on in the new one: in each, the heaviest of those that have
        their largest part there, bool ``[N]``."""
        heirs = np.flatnonzero(self.largest)
        order = heirs[np.lexsort((self.old[heirs], -self.weight[heirs], self.new[heirs]))]
        first = order[np.flatnonzero(np.diff(self.new[order], prepend=-1))]
        return np.isin(np.arange(len(self)), first)

    @property
    def ended(self) -> int:
        """How many old areas went into others."""
        return len(np.unique(self.old)) - int(self.goes_on.sum())

    @property
    def merges(self) -> np.ndarray:
        """Whether the old area is one of several that become one in the new area, bool ``[N]``.

        That are those with their largest part there; a smaller part is handed over, and merges
        only where it meets nothing but other such parts.
        """
        heirs = np.bincount(self.new, self.largest)[self.new]
        return np.where(heirs > 0, self.largest & (heirs > 1), self._parts > 1)

    @property
    def joins(self) -> np.ndarray:
        """Whether those who live in the part come together with others: all whose area merges, and
        those that are handed over, bool ``[N]``."""
        merged = np.bincount(self.new, self.merges)[self.new] > 0
        return merged | ((self._parts > 1) & ~self.largest)

    @property
    def _parts(self) -> np.ndarray:
        """Number of parts in the new area of each."""
        return np.bincount(self.new)[self.new]
