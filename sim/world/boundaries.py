"""Boundaries: settlement -> residents' group -> community or village -> township -> county, as
integer columns.

Units and townships only ever get added; one that is abolished stays as a row that is not alive,
so that history can name it. An id is unique among the units alive at a date.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

VILLAGE, COMMUNITY_KIND = 0, 1
KINDS = {"village": VILLAGE, "community": COMMUNITY_KIND}
URBAN, TOWN, RURAL = 0, 1, 2
TYPES = {"urban": URBAN, "town": TOWN, "rural": RURAL}


@dataclass
class Township:
    """A street office, town or township.

    id, name, kind, county: text. seat: settlement row; office: office slot; alive: not abolished.
    """

    id: str
    name: str
    kind: str
    county: str
    seat: int
    office: int = -1
    alive: bool = True


@dataclass
class Unit:
    """A community (社区) or village (村).

    id, name: text. kind: VILLAGE or COMMUNITY_KIND; type: URBAN, TOWN or RURAL. township: row;
    seat: settlement row; office: office slot; alive: not abolished.
    """

    id: str
    name: str
    kind: int
    type: int
    township: int
    seat: int
    office: int = -1
    alive: bool = True


@dataclass
class Boundaries:
    """The units and townships, and the unit of every settlement.

    unit_of: int32 ``[S]``; origin: int32 ``[S]``, the unit at the start, never changed. group_of:
    int32 ``[S]``, the residents' group (居民小组), a number for life.
    """

    units: list[Unit]
    townships: list[Township]
    unit_of: np.ndarray
    origin: np.ndarray
    group_of: np.ndarray

    def township_of(self) -> np.ndarray:
        """Township row of every settlement, int32 ``[S]``."""
        rows = np.array([u.township for u in self.units], dtype=np.int32)
        return rows[self.unit_of]

    def column(self, name: str) -> np.ndarray:
        """One attribute of all units as an array."""
        return np.array([getattr(u, name) for u in self.units])

    def unit_row(self, unit_id: str) -> int:
        """Row of the living unit with this id; KeyError where there is none."""
        for row, unit in enumerate(self.units):
            if unit.alive and unit.id == unit_id:
                return row
        raise KeyError(unit_id)

    def township_row(self, township_id: str) -> int:
        """Row of the living township with this id; KeyError where there is none."""
        for row, township in enumerate(self.townships):
            if township.alive and township.id == township_id:
                return row
        raise KeyError(township_id)

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of a settlement column over each unit, ``[U]``."""
        return np.bincount(self.unit_of, weights=values, minlength=len(self.units))

    def groups(self) -> np.ndarray:
        """Residents' groups in each unit, int64 ``[U]``.

        A group goes with its settlements; one that a redraw divides counts in every unit that has
        a part of it.
        """
        many = int(self.group_of.max(initial=0)) + 1
        parts = np.unique(self.unit_of.astype(np.int64) * many + self.group_of)
        return np.bincount(parts // many, minlength=len(self.units))


def number_groups(unit_of: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Numbers for life of the residents' groups: the same for settlements of one unit that say the
    same number; a settlement that says none (-1) is a group of its own. int32 ``[S]``."""
    own = np.where(said < 0, -1 - np.arange(said.size), said)
    _, group = np.unique(np.column_stack([unit_of, own]), axis=0, return_inverse=True)
    return group.ravel().astype(np.int32)
