"""Service points and township centres after a redraw: one serves at each seat, the others are
closed or go on with fewer hours.

A merger closes counters and culture rooms, never a health station (model text 6.3).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.levers.parts import Parts
from sim.levers.plan import Points, Premises, number_kept
from sim.processes.cost import yearly_cost_of_way
from sim.world.boundaries import COMMUNITY_KIND, Township, Unit
from sim.world.draws import id_keys
from sim.world.facilities import NEVER
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.services import COMMUNITY, TOWNSHIP
from sim.world.state import State
from sim.world.supply import STATION, default_capacity, windows_of

POINT_SERVICES = ("government", "community", "culture")
CENTRE_SERVICES = ("government",)


def settle_points(
    state: State, parts: Parts, old_unit: np.ndarray, policy: Points | None, premises: Premises
) -> None:
    """The points of the units that changed: counter and culture room of a seat together.

    Without a policy nothing but a new seat, or a new kind of unit, changes a point. A seat that
    has no counter has its former point back where a redraw has closed one; else it gets these
    premises, which cost what their way costs.
    """
    b, f, p = state.boundaries, state.facilities, state.parameters
    points = np.flatnonzero(f.is_open(state.week) & f.point)
    home = b.unit_of[f.settlement[points]]
    old_kind = b.column("kind")[old_unit]
    others: dict[int, list[int]] = {}
    for row in parts.areas.tolist():
        unit = b.units[row]
        mine = points[home == row]
        at_seat = f.settlement[mine] == unit.seat
        main = mine[at_seat].tolist()
        as_they_are = policy is None and old_kind[unit.seat] == unit.kind
        if not (f.windows[main] > 0).any():
            as_they_are = False
            former = np.flatnonzero(f.ended.any(axis=1) & (f.settlement == unit.seat)).tolist()
            for slot in former:
                _reopen(state, slot)
            main += former
        if not (f.windows[main] > 0).any():
            offered = f.offers[main].any(axis=0)
            missing = [
                s
                for s, there in zip(state.lines.services, offered, strict=True)
                if s in POINT_SERVICES and not there
            ]
            key = f"P-{unit.id}@{state.week}"
            main.append(_open(state, unit, key, missing, COMMUNITY, premises))
        kind = "community" if unit.kind == COMMUNITY_KIND else "village"
        for slot in main:
            if f.kept[slot] or not as_they_are:
                _serve(state, slot, windows_of(kind, 0.0, p))
        for slot in mine[~at_seat].tolist():
            others.setdefault(int(f.settlement[slot]), []).append(slot)
    size = _households_of(state, old_unit)
    ranked = sorted(others, key=lambda s: (-size[s], s))  # settlements stand in the order of ids
    _thin_out(state, [others[s] for s in ranked], policy, p["counter.kept_hours"])


def settle_centres(
    state: State, parts: Parts, old_township: np.ndarray, policy: Points | None
) -> None:
    """The centres of the townships that changed: the one nearest to the seat serves.

    Without a policy the others go on as they are. A township that has none gets one as large as
    the others are on average, rented.
    """
    b, f, o, p = state.boundaries, state.facilities, state.offices, state.parameters
    centre = f.is_open(state.week) & (f.windows > 0) & (f.operator >= 0) & ~f.station
    centre[centre] &= o.kind[f.operator[centre]] == TOWNSHIP_OFFICE
    centres = np.flatnonzero(centre)
    new = b.township_of()
    home = new[f.settlement[centres]]
    house = Premises(floor_m2=float(f.floor[centres].mean()) if centres.size else 0.0)
    persons = np.bincount(new, state.census.registered, len(b.townships))
    others: list[int] = []
    for row in parts.areas.tolist():
        township = b.townships[row]
        mine = centres[home == row]
        if mine.size:
            away = state.travel.pairs(np.full(len(mine), township.seat), f.x[mine], f.y[mine])
            main = int(mine[np.lexsort((np.array(f.id)[mine], away))[0]])
        else:
            key = f"TC-{township.id}@{state.week}"
            main = _open(state, township, key, CENTRE_SERVICES, TOWNSHIP, house)
        _serve(state, main, windows_of("township", persons[row], p))
        others += [slot for slot in mine.tolist() if slot != main]
    size = _households_of(state, old_township)
    others.sort(key=lambda slot: (-size[f.settlement[slot]], f.id[slot]))
    _thin_out(state, [[slot] for slot in others], policy, p["counter.kept_hours_township"])


def _serve(state: State, slot: int, windows: float) -> None:
    """Makes a facility the main one of its area, whatever it was before."""
    f, hours = state.facilities, state.parameters["counter.hours"]
    if f.kept[slot]:
        f.set_hours(slot, hours, _of_point(state))
        f.kept[slot] = False
    if f.windows[slot] > 0:
        f.windows[slot], f.hours[slot] = windows, hours + f.extra_hours[slot]


def _thin_out(state: State, ranked: list[list[int]], policy: Points | None, hours: float) -> None:
    """Keeps the first places of a ranking with at most so many hours, and closes the rest."""
    if policy is None:
        return
    kept = number_kept(policy, len(ranked))
    for rank, place in enumerate(ranked):
        for slot in place:
            if rank < kept:
                _keep(state, slot, hours)
            else:
                _close(state, slot)


def _keep(state: State, slot: int, hours: float) -> None:
    """Goes on with one window and at most so many hours."""
    f = state.facilities
    f.set_hours(slot, min(hours, float(f.hours[slot])), _of_point(state))
    state.facility_actors[slot].keep_as_point(hours, state.parameters["counter.kept_windows"])


def _close(state: State, slot: int) -> None:
    """Ends counter and culture room; what else is under the roof goes on."""
    f, mine = state.facilities, _of_point(state)
    if f.point[slot]:
        f.ended[slot] = f.offers[slot] & mine
    if (f.offers[slot] & ~mine).any():
        f.offers[slot, mine] = False
        f.windows[slot], f.point[slot] = 0.0, False
    else:
        state.facility_actors[slot].close(state.week)


def reopen_points(state: State, settlements: np.ndarray, part: float) -> int:
    """Opens again a part of the points that redraws have closed, as kept points; returns how many.

    settlements: rows in which to look. Those of the units with most households before any redraw
    come first; one beside a counter that is open there now stays closed.
    """
    b, f, p = state.boundaries, state.facilities, state.parameters
    open_here = f.settlement[f.is_open(state.week) & f.point & (f.windows > 0)]
    former = f.ended.any(axis=1) & np.isin(f.settlement, settlements)
    places: dict[int, list[int]] = {}
    for slot in np.flatnonzero(former & ~np.isin(f.settlement, open_here)).tolist():
        places.setdefault(int(f.settlement[slot]), []).append(slot)
    size = _households_of(state, b.origin)
    ranked = sorted(places, key=lambda s: (-size[s], s))[: round(part * len(places))]
    for slot in (slot for place in ranked for slot in places[place]):
        _reopen(state, slot)
        _keep(state, slot, p["counter.kept_hours"])
    return len(ranked)


def _reopen(state: State, slot: int) -> None:
    """Opens what a redraw has closed of a point, with one window where it has a counter."""
    f, counters = state.facilities, np.isin(state.lines.services, STATION)
    f.offers[slot] |= f.ended[slot]
    if f.ended[slot, counters].any():
        f.windows[slot] = state.parameters["counter.kept_windows"]
    f.ended[slot], f.point[slot], f.closed[slot] = False, True, NEVER


def give_floor(state: State, slot: int, share: float) -> None:
    """Gives a share of the floor behind a counter to activities, in the culture room of the same
    office beside it or, where there is none, in the counter's own house.

    The room takes as many more as on so much floor, fewer where it is open for less than office
    hours. A share that has been given is never taken back.
    """
    f, p, j = state.facilities, state.parameters, state.lines.services.index("culture")
    before, f.given[slot] = float(f.given[slot]), max(share, float(f.given[slot]))
    beside = f.is_open(state.week) & f.offers[:, j] & (f.settlement == f.settlement[slot])
    rooms = np.flatnonzero(beside & (f.operator == f.operator[slot])).tolist()
    room = next(iter(rooms), slot)
    if not rooms:
        f.offers[slot, j], f.capacity[slot, j] = True, 0.0
    floor = float(f.office_floor[slot])
    old, new = (
        default_capacity("culture", floor * given, 0.0, p) for given in (before, f.given[slot])
    )
    f.capacity[room, j] += (new - old) * min(1.0, float(f.hours[room]) / p["counter.hours"])


def _open(
    state: State,
    area: Unit | Township,
    key: str,
    services: Sequence[str],
    open_to: int,
    house: Premises,
) -> int:
    """A counter at the seat of an area that has none (a split); returns its slot."""
    p, names, floor = state.parameters, state.lines.services, house.size(state.parameters)
    offers, capacity = np.zeros(len(names), bool), np.full(len(names), np.inf)
    for service in services:
        j = names.index(service)
        offers[j], capacity[j] = True, default_capacity(service, floor / 2, 0.0, p)
    place = state.world.settlements.iloc[area.seat]
    slot = state.facilities.add(
        id=key,
        name=area.name,
        key=id_keys([key])[0],
        settlement=area.seat,
        x=float(place["x"]),
        y=float(place["y"]),
        offers=offers,
        capacity=capacity,
        open_to=open_to,
        operator=area.office,
        floor=floor,
        windows=1.0,
        hours=p["counter.hours"],
        office_hours=True,
        opened=state.week,
        closed=NEVER,
        point=open_to == COMMUNITY,
        kept=False,
        station=False,
        yearly=yearly_cost_of_way(house.way, floor, services, p),
        reward=0.0,
        extra_hours=0.0,
        office_floor=0.0,
        given=0.0,
        ended=np.zeros(len(names), bool),
    )
    state.seat_actors()
    return slot


def _of_point(state: State) -> np.ndarray:
    """Which services a point or centre offers, bool ``[services]``."""
    return np.isin(state.lines.services, POINT_SERVICES)


def _households_of(state: State, area: np.ndarray) -> np.ndarray:
    """Households of the area in which each settlement lies, ``[S]``."""
    return np.bincount(area, state.census.households)[area]
