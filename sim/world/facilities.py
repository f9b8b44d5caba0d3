"""Facilities: the places one goes to, as Mesa agents over columns by slot.

The agent is identity and what levers do to it; its numbers live in the columns, which phases
read and write whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mesa
import numpy as np

from sim.world.actor import Actor
from sim.world.columns import Columns
from sim.world.services import INDOOR

NEVER = np.int32(2**30)
MARKET, PUBLIC = -1, -2


@dataclass
class FacilityColumns(Columns):
    """F facilities.

    id, name: text. key: uint64 for draws. settlement: int32 row; x, y: metres. offers: bool ``[F,
    services]``; capacity: float64 ``[F, services]``, visits a week or places, inf where nothing
    limits. open_to: 0 community, 1 township, 2 everyone. operator: office slot, or MARKET or
    PUBLIC. floor: m2. windows, hours: of counters, hours a week. office_hours: open in office hours
    only. opened, closed: week numbers. point: the counter or culture room of a unit's seat, which a
    merger closes or keeps. kept: a point kept beside the seat of a merged unit. station: a service
    station of a township, which mergers leave in place. yearly: yuan a year that building or
    renting it costs; reward: yuan a year paid to the residents' unit that opened it. extra_hours:
    hours a week that a counter is open beyond office hours, in which somebody has to be there.
    office_floor: m2 of it behind the counter; given: share of that given to activities. ended: bool
    ``[F, services]``, services of a point that a redraw has ended.
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
    reward: np.ndarray
    extra_hours: np.ndarray
    office_floor: np.ndarray
    given: np.ndarray
    ended: np.ndarray

    def is_open(self, week: int) -> np.ndarray:
        """Which facilities are open in a week, bool ``[F]``."""
        return (self.opened <= week) & (week < self.closed)

    def public_floor(self, services: Sequence[str]) -> np.ndarray:
        """Indoor floor that the public runs, m2 ``[F]``; services: names of the columns."""
        indoor = self.offers[:, np.isin(services, INDOOR)].any(axis=1)
        return np.where(indoor & (self.operator != MARKET), self.floor, 0.0)

    def set_hours(self, slot: int, hours: float, takes: np.ndarray) -> None:
        """Other hours a week. takes: services whose capacity is of opening hours, bool; it grows
        or shrinks in proportion."""
        limited = np.isfinite(self.capacity[slot]) & takes
        if self.hours[slot] > 0:
            self.capacity[slot, limited] *= hours / self.hours[slot]
        self.hours[slot] = hours


@dataclass(frozen=True)
class Enlargement:
    """More room for a facility from a week on.

    floor: m2; room: visits a week or places more ``[services]``; yearly: yuan a year that it costs.
    """

    week: int
    slot: int
    floor: float
    room: tuple[float, ...]
    yearly: float

    def finish(self, columns: FacilityColumns) -> None:
        """Adds it to the facility."""
        columns.floor[self.slot] += self.floor
        columns.yearly[self.slot] += self.yearly
        columns.capacity[self.slot] += np.array(self.room)


class Facility(Actor):
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

    def open_longer(self, hours: float, takes: np.ndarray, evenings: bool) -> None:
        """Opens so many hours a week more; takes: services whose capacity is of opening hours.

        Somebody has to be at a counter in the hours added; at a kept point that is so in all.
        """
        f, slot = self.columns, self.slot
        f.set_hours(slot, float(f.hours[slot]) + hours, takes)
        if f.windows[slot] > 0 and not f.kept[slot]:
            f.extra_hours[slot] += hours
        f.office_hours[slot] &= not evenings

    def keep_as_point(self, hours: float, windows: float) -> None:
        """Goes on beside the seat of a merged unit, with fewer hours and windows."""
        self.columns.kept[self.slot] = True
        self.columns.extra_hours[self.slot] = 0.0
        self.columns.hours[self.slot] = min(hours, self.columns.hours[self.slot])
        if self.columns.windows[self.slot] > 0:
            self.columns.windows[self.slot] = windows
