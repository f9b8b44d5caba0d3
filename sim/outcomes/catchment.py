"""Floating catchments: supply in reach, shared with all others in whose reach it is.

Two-step floating catchment area (2SFCA; Luo & Wang 2003, Environment and Planning B 30, 865-884):
a facility's ratio is its capacity over the users in its catchment; the access of a place is the
sum of these ratios over all facilities in reach, whatever their number. In the enhanced form
(E2SFCA; Luo & Qi 2009, Health & Place 15, 1100-1107) near users and near facilities count more, in
three zones. In both the sum of users x access is the capacity that anybody reaches, so that the
mean over all says how much there is, and only groups and inequality say for whom.

Users are persons present of the age bands that may ask for the service; reach is its cutoff in
minutes, by travel class. Everything that is open counts, not the nearest K only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.outcomes.access import TYPES, Values
from sim.outcomes.equity import gini
from sim.outcomes.terms import LIMITED, PLACES
from sim.world.households import VEHICLE
from sim.world.reach import facility_areas
from sim.world.services import COMMUNITY, EVERYONE, TOWNSHIP, Line
from sim.world.state import State
from sim.world.travel import Pace

ZONES = (1.0, 0.68, 0.22)
"""Weights of Luo & Qi 2009 (their slow decay, 0-10, 10-20 and 20-30 minutes); here of the thirds of
the cutoff, since not every service has 30 minutes."""
CHUNK = 256  # facilities at a time: bounds the memory, changes nothing, as each shares out its own


def all_alike(minutes: np.ndarray, cutoff: float) -> np.ndarray:
    """Weight of a trip in 2SFCA: 1 up to the cutoff."""
    return (minutes <= cutoff).astype(np.float64)


def by_zone(minutes: np.ndarray, cutoff: float) -> np.ndarray:
    """Weight of a trip in E2SFCA: that of its third of the cutoff."""
    zone = np.searchsorted(cutoff * np.arange(1, len(ZONES) + 1) / len(ZONES), minutes)
    return np.append(ZONES, 0.0)[zone]


def two_step(
    settlement: np.ndarray, facility: np.ndarray, weight: np.ndarray, supply: np.ndarray,
    users: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Supply per user at every settlement, ``[S, C]`` by travel class.

    settlement, facility: rows of pairs; weight: of each pair ``[n, C]``, 0 out of reach; supply:
    ``[F]``; users: ``[S, C]``. What reaches nobody is shared by nobody.
    """
    demand = np.bincount(facility, (weight * users[settlement]).sum(axis=1), supply.size)
    ratio = np.divide(supply, demand, out=np.zeros(supply.size), where=demand > 0)
    shared = ratio[facility][:, None] * weight
    columns = [np.bincount(settlement, c, len(users)) for c in shared.T]
    return np.column_stack(columns)


@dataclass
class Catchment:
    """One service's catchments: supply per user ``[S, 4]``, plain and with decay; and whether any
    facility, and any with capacity, is in reach, bool ``[S, 4]``."""

    plain: np.ndarray
    decay: np.ndarray
    reached: np.ndarray
    supplied: np.ndarray

    @staticmethod
    def of(state: State, line: Line, pace: Pace, users: np.ndarray) -> Catchment:
        """All pairs of settlements and open facilities within the cutoff, chunk by chunk."""
        f, shape = state.facilities, users.shape
        j = state.lines.services.index(line.service)
        out = Catchment(*(np.zeros(shape, t) for t in (float, float, bool, bool)))
        offered = np.flatnonzero(f.is_open(state.week) & f.offers[:, j])
        for rows, settlement, facility, metres in _pairs(state, line, pace, offered):
            supply = f.capacity[rows, j]
            there = rows[facility]
            ridden = state.travel.ridden(settlement, f.x[there], f.y[there])
            columns = [pace.minutes(metres, c, ridden) for c in range(shape[1])]
            minutes = np.column_stack(columns)
            near = all_alike(minutes, line.cutoff)
            out.plain += two_step(settlement, facility, near, supply, users)
            zones = by_zone(minutes, line.cutoff)
            out.decay += two_step(settlement, facility, zones, supply, users)
            has = (supply > 0)[facility]
            for c in range(shape[1]):
                mine = near[:, c] > 0
                out.reached[settlement[mine], c] = True
                out.supplied[settlement[mine & has], c] = True
        return out


def _pairs(
    state: State, line: Line, pace: Pace, offered: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
    """Slots of some facilities, and the pairs of a settlement and one of them that it may use."""
    f, b = state.facilities, state.boundaries
    areas = dict(zip((COMMUNITY, TOWNSHIP), facility_areas(f, state.offices, b), strict=True))
    homes = {COMMUNITY: b.unit_of, TOWNSHIP: b.township_of()}
    metres = pace.farthest(line.cutoff)
    for first in range(0, offered.size, CHUNK):
        rows = offered[first : first + CHUNK]
        settlement, facility, far = state.travel.within(f.x[rows], f.y[rows], metres)
        slot = rows[facility]
        may = f.open_to[slot] == EVERYONE
        for tier, area in areas.items():
            may |= (f.open_to[slot] == tier) & (area[slot] == homes[tier][settlement])
        yield rows, settlement[may], facility[may], far[may]


def users_of(state: State, line: Line) -> np.ndarray:
    """Persons present of the age bands that may ask for the service, ``[S, 4]``; the old, who walk
    at their own speed, in the last two classes."""
    h, count = state.households, len(state.world.settlements)
    people = state.census.people
    bands = np.array(line.rates) > 0
    if bands.all():
        return people[:, :, :3].sum(axis=2)
    if bands.tolist() == [False] * 4 + [True] * 2:
        return people[:, :, 2]
    cell = h.settlement.astype(np.int64) * 4 + ((h.flags & VEHICLE) > 0)
    young = h.present[:, :4][:, bands[:4]].sum(axis=1, dtype=np.float64)
    old = h.present[:, 4:][:, bands[4:]].sum(axis=1, dtype=np.float64)
    counted = np.bincount(cell, young, 4 * count) + np.bincount(cell + 2, old, 4 * count)
    return counted.reshape(-1, 4)


def catchments(state: State, pace: Pace, persons: dict[str, np.ndarray]) -> Values:
    """The catchment outcomes, and the share of persons whose facilities in reach have no capacity.

    persons: present, by group, ``[S, 4]``. A service that no facility ever offered in this case is
    unknown, and has no outcome.
    """
    out: Values = {}
    kind = state.boundaries.column("type")[state.boundaries.origin]
    for line in state.lines.all:
        if line.service not in LIMITED + PLACES or not state.knows(line.service):
            continue
        users = users_of(state, line)
        found = Catchment.of(state, line, pace, users)
        empty = found.reached & ~found.supplied
        for name, some in persons.items():
            if some.sum() > 0:
                share = (some * empty).sum() / some.sum()
                out[f"access.{line.service}.no_supply", name] = float(share)
        by_group = {"all": users, "old": users * [0, 0, 1, 1], "no_vehicle": users * [1, 0, 1, 0]}
        by_group |= {t: users * (kind == code)[:, None] for t, code in TYPES.items()}
        if not users[:, :2].any():
            del by_group["old"]  # everyone
        for measure, supply in (("", found.plain), ("_decay", found.decay)):
            for name, some in by_group.items():
                if some.sum() > 0:
                    mean = (some * supply).sum() / some.sum()
                    out[f"catchment.{line.service}.supply{measure}", name] = float(1000 * mean)
            index = gini(supply.ravel(), users.ravel()) if users.any() else np.nan
            out[f"catchment.{line.service}.gini{measure}", "all"] = index
    return out
