"""Residents: what households and settlements carry from week to week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass
class Residents:
    """What households and settlements carry from week to week, on the lines in use.

    pending, tries: uint8 ``[H, L]`` needs put off and how often. usual: int32 ``[H, L]`` facility
    used last, -1 before the first; expected: float32 ``[H, L]`` its expected wait in minutes.
    belief: float32 ``[S, L, K]`` the settlement's view of the facilities in reach.
    wait, unmet: float64 ``[S]`` running means; belonging: float64 ``[S]``, which moves to
    belonging_goal; participation: points lost, float64 ``[S]``.
    """

    _OF_LINES: ClassVar = (("pending", 0), ("tries", 0), ("usual", -1), ("expected", 0))

    pending: np.ndarray
    tries: np.ndarray
    usual: np.ndarray
    expected: np.ndarray
    belief: np.ndarray
    wait: np.ndarray
    unmet: np.ndarray
    belonging: np.ndarray
    belonging_goal: np.ndarray
    participation: np.ndarray

    @staticmethod
    def at_start(
        households: int, settlements: int, lines: int, k: int, belonging: float
    ) -> Residents:
        """Nobody waits and nobody has a usual facility yet."""
        return Residents(
            pending=np.zeros((households, lines), np.uint8),
            tries=np.zeros((households, lines), np.uint8),
            usual=np.full((households, lines), -1, np.int32),
            expected=np.zeros((households, lines), np.float32),
            belief=np.zeros((settlements, lines, k), np.float32),
            wait=np.zeros(settlements),
            unmet=np.zeros(settlements),
            belonging=np.full(settlements, belonging),
            belonging_goal=np.full(settlements, belonging),
            participation=np.zeros(settlements),
        )

    @property
    def lines(self) -> int:
        """L, the number of lines in use."""
        return self.pending.shape[1]

    def widen(self, belief: np.ndarray) -> None:
        """Takes further lines into use; belief: of their facilities ``[S, lines, K]``."""
        more = ((0, 0), (0, belief.shape[1]))
        for name, none in self._OF_LINES:
            setattr(self, name, np.pad(getattr(self, name), more, constant_values=none))
        self.belief = np.concatenate([self.belief, belief], axis=1)

    def resettle(self, before: np.ndarray) -> None:
        """Follows the households: before: row that each had, -1 for newcomers, who begin as all
        did at the start."""
        new = before < 0
        for name, none in self._OF_LINES:
            column = getattr(self, name)[before]
            column[new] = none
            setattr(self, name, column)
