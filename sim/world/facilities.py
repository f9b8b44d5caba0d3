"""Facilities: the places one goes to, as Mesa agents over columns by slot.

The agent is identity and what levers do to it; its numbers live in the columns, which phases
read and write whole.
"""

from __future__ import annotations

from dataclasses import dataclass

import mesa
import numpy as np

from sim.world.columns import Columns

NEVER = np.int32(2**30)
MARKET, PUBLIC = -1, -2


@dataclass
class FacilityColumns(Columns):
    """F facilities.

    id, name: text. key: uint64 for draws. settlement: int32 row; x, y: metres. offers: bool
    ``[F, services]``; capacity: float64 ``[F, services]``, visits a week or places, inf where
    nothing limits. open_to: 0 community, 1 township, 2 everyone. operator: office slot, or
    MARKET or PUBLIC. floor: m2. windows, hours: of counters, hours a week. office_hours: open in
    office hours only. opened, closed: week numbers. point: the counter or culture room of a
    unit's seat, which a merger closes or keeps. kept: a point kept beside the seat of a merged
    unit. station: a service station of a township, which
    mergers leave in place. yearly: yuan a year that building or renting it costs.
    """

    id: list[str]
    name: list[str]
    key: np.ndarray
    settlement: np.ndarray
    x: np.ndarray
    y: np.ndarray
    offers: np.ndarray
    capacity: np.ndarray
    open_to: np.ndarray
    operator: np.ndarray
    floor: np.ndarray
    windows: np.ndarray
    hours: np.ndarray
    office_hours: np.ndarray
    opened: np.ndarray
    closed: np.ndarray
    point: np.ndarray
    kept: np.ndarray
    station: np.ndarray
    yearly: np.ndarray

    def is_open(self, week: int) -> np.ndarray:
        """Which facilities are open in a week, bool ``[F]``."""
        return (self.opened <= week) & (week < self.closed)


class Facility(mesa.Agent):
    """A facility as an actor: a slot of the columns with a name and a life."""

    def __init__(self, model: mesa.Model, columns: FacilityColumns, slot: int):
        super().__init__(model)
        self.columns, self.slot = columns, slot

    @property
    def id(self) -> str:
        return self.columns.id[self.slot]

    @property
    def open(self) -> bool:
        return bool(self.columns.is_open(self.model.week)[self.slot])

    def close(self, week: int) -> None:
        """Closes it from this week on; closing a closed one changes nothing."""
        self.columns.closed[self.slot] = min(int(self.columns.closed[self.slot]), week)

    def keep_as_point(self, hours: float, windows: float) -> None:
        """Goes on beside the seat of a merged unit, with fewer hours and windows."""
        self.columns.kept[self.slot] = True
        self.columns.hours[self.slot] = min(hours, self.columns.hours[self.slot])
        if self.columns.windows[self.slot] > 0:
            self.columns.windows[self.slot] = windows
