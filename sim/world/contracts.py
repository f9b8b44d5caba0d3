"""Contracts: work that social organisations (社会组织) do for offices, as columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.world.columns import Columns

ALWAYS = np.int32(-(2**20))
WHOLE = 1 - 1e-12


@dataclass
class Contracts(Columns):
    """C contracts.

    office: int32 slot; work: int8 index of CLASSES, the class bought; yuan: float64 a year; first:
    int32 week of its start, negative before the run, ALWAYS where nobody knows.
    """

    office: np.ndarray
    work: np.ndarray
    yuan: np.ndarray
    first: np.ndarray

    def move(self, source: int, target: int, share: float) -> None:
        """Hands a share of each contract of one office on to another: as a whole, or in parts."""
        for row in np.flatnonzero(self.office == source).tolist():
            if share >= WHOLE:
                self.office[row] = target
                continue
            part = float(self.yuan[row]) * share
            self.yuan[row] -= part
            self.add(office=target, work=self.work[row], yuan=part, first=self.first[row])

    def by_class(self, values: np.ndarray, offices: int, classes: int) -> np.ndarray:
        """Sum of a column over the contracts of each office and class, float64 ``[O, classes]``."""
        cell = self.office.astype(np.int64) * classes + self.work
        sums = np.bincount(cell, values, offices * classes).astype(np.float64)
        return sums.reshape(offices, classes)

    def in_force(self, week: int) -> np.ndarray:
        """Yuan a year of each contract that has begun, float64 ``[C]``."""
        return np.where(self.first <= week, self.yuan, 0.0)
