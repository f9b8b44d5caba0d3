"""Reach: for every settlement and line, the nearest facilities it may use.

One table serves the geometric measures (the first column is the nearest) and the choice of
residents (the K nearest, parameter `choice.candidates`, are what they consider). It is made anew
when boundaries or facilities change, and only then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.world.boundaries import Boundaries
from sim.world.facilities import FacilityColumns
from sim.world.offices import TOWNSHIP_OFFICE, OfficeColumns
from sim.world.services import COMMUNITY, EVERYONE, TOWNSHIP, Line, Lines
from sim.world.travel import Travel

NOBODY = -1


@dataclass(frozen=True)
class Reach:
    """slot: int32 ``[S, A, K]`` facility slots, nearest first, -1 where there are fewer;
    metres: float64, inf there; own: bool, the facility lies in the settlement's own unit, old
    or new; ridden: float64 metres at the usual speed that take a rider as long, None where that
    is `metres`."""

    slot: np.ndarray
    metres: np.ndarray
    own: np.ndarray
    ridden: np.ndarray | None = None

    @property
    def nearest(self) -> np.ndarray:
        """Metres to the nearest facility of each line, ``[S, A]``; inf where there is none."""
        return self.metres[:, :, 0]


def facility_areas(
    facilities: FacilityColumns, offices: OfficeColumns, boundaries: Boundaries
) -> tuple[np.ndarray, np.ndarray]:
    """The unit and the township each facility serves: of its operator, else of its place."""
    unit = boundaries.unit_of[facilities.settlement].astype(np.int64)
    run = facilities.operator >= 0
    operated = offices.unit[facilities.operator[run]]
    unit[run] = np.where(operated >= 0, operated, unit[run])
    of_unit = np.array([u.township for u in boundaries.units], dtype=np.int64)
    township = of_unit[unit]
    higher = run.copy()
    higher[run] = offices.kind[facilities.operator[run]] == TOWNSHIP_OFFICE
    township[higher] = offices.township[facilities.operator[higher]]
    return unit, township


def make_reach(
    week: int,
    lines: Lines,
    facilities: FacilityColumns,
    offices: OfficeColumns,
    boundaries: Boundaries,
    travel: Travel,
    k: int,
) -> Reach:
    """The table for one week, of the k nearest."""
    count = boundaries.unit_of.size
    shape = (count, len(lines.all), k)
    slot, metres = np.full(shape, -1, dtype=np.int32), np.full(shape, np.inf)
    unit, township = facility_areas(facilities, offices, boundaries)
    home_township = boundaries.township_of()
    is_open = facilities.is_open(week)
    rank = np.argsort(np.argsort(np.array(facilities.id)))
    for a, line in enumerate(lines.all):
        offered = is_open & facilities.offers[:, lines.services.index(line.service)]
        open_to = _open_to(line, facilities)
        free = np.flatnonzero(offered & (open_to == EVERYONE))
        row, far = travel.nearest(facilities.x[free], facilities.y[free], rank[free], k)
        found = [np.where(row >= 0, free[row] if free.size else -1, -1)]
        distance = [far]
        for tier, area, home in (
            (COMMUNITY, unit, boundaries.unit_of),
            (TOWNSHIP, township, home_township),
        ):
            bound = np.flatnonzero(offered & (open_to == tier))
            if bound.size:
                near, far = _within(bound, area, home, facilities, travel, rank, k)
                found.append(near)
                distance.append(far)
        slot[:, a], metres[:, a] = _merge(found, distance, rank, k)
    where = np.maximum(slot, 0)
    place = facilities.settlement[where]
    own = (boundaries.unit_of[place] == boundaries.unit_of[:, None, None]) | (
        boundaries.origin[place] == boundaries.origin[:, None, None]
    )
    return Reach(slot, metres, own & (slot >= 0), _ridden(slot, facilities, travel))


def _open_to(line: Line, facilities: FacilityColumns) -> np.ndarray:
    """Whom every facility takes with needs of a line; NOBODY where they cannot be met there."""
    open_to = facilities.open_to.copy()
    match line.tier:
        case "community" | "online":
            open_to[open_to == TOWNSHIP] = NOBODY
        case "station" | "township":
            open_to[open_to == COMMUNITY] = NOBODY
            if line.tier == "township":
                open_to[facilities.station] = NOBODY
        case "anywhere":
            open_to[open_to == COMMUNITY] = NOBODY
            open_to[open_to == TOWNSHIP] = EVERYONE
    return open_to


def _ridden(slot: np.ndarray, facilities: FacilityColumns, travel: Travel) -> np.ndarray | None:
    settlement, _, _ = found = np.nonzero(slot >= 0)
    there = slot[found]
    metres = travel.ridden(settlement, facilities.x[there], facilities.y[there])
    if metres is None:
        return None
    out = np.full(slot.shape, np.inf)
    out[found] = metres
    return out


def _within(
    bound: np.ndarray,
    area: np.ndarray,
    home: np.ndarray,
    facilities: FacilityColumns,
    travel: Travel,
    rank: np.ndarray,
    k: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest facilities of each settlement's own area, from the list `bound`."""
    order = np.argsort(home, kind="stable")
    start = np.searchsorted(home[order], area[bound], side="left")
    stop = np.searchsorted(home[order], area[bound], side="right")
    many = stop - start
    facility = np.repeat(bound, many)
    position = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    settlement = order[np.repeat(start, many) + position]
    metres = travel.pairs(settlement, facilities.x[facility], facilities.y[facility])
    by = np.lexsort((rank[facility], metres, settlement))
    settlement, facility, metres = settlement[by], facility[by], metres[by]
    first = np.searchsorted(settlement, settlement, side="left")
    place = np.arange(settlement.size) - first
    keep = (place < k) & np.isfinite(metres)
    slot, far = np.full((home.size, k), -1), np.full((home.size, k), np.inf)
    slot[settlement[keep], place[keep]] = facility[keep]
    far[settlement[keep], place[keep]] = metres[keep]
    return slot, far


def _merge(
    found: list[np.ndarray], distance: list[np.ndarray], rank: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    slot, metres = np.concatenate(found, axis=1), np.concatenate(distance, axis=1)
    if len(found) == 1:
        return slot, metres
    tie = np.where(slot >= 0, rank[slot], np.iinfo(np.int64).max)
    order = np.lexsort((tie, metres), axis=1)[:, :k]
    return np.take_along_axis(slot, order, 1), np.take_along_axis(metres, order, 1)
