"""Phase 5, places: exits, applications and vacancies of day care and nurseries."""

from __future__ import annotations

import numpy as np

from sim.phases.running import Running
from sim.processes import places
from sim.processes.demography import ends_a_year, weeks_to_new_year
from sim.world.households import OLD_ONLY, VEHICLE
from sim.world.state import State

STEADY_ROUNDS = 8


def enrol(model: Running, i: int) -> None:
    """Exits, applications and vacancies of one service with places."""
    s, e = model.state, model.state.enrolments[i]
    p, line, h = s.parameters, s.lines.all[i], s.households
    if not s.knows(line.service):  # nobody applies for what does not exist
        return
    # of what ends places and waits in a year, a part is that of demography
    yearly = ends_a_year(line.rates, s.census.ages.sum(axis=0), p)
    exit_rate = p["supply.day_care_exit" if line.service == "elder_care" else "supply.nursery_exit"]
    exit_rate, list_rate = max(exit_rate, yearly), max(p["supply.list_exit"], yearly)
    is_open = s.facilities.is_open(s.week)
    capacity = np.where(is_open, _capacity(s, i), 0.0)
    if s.week == 0:
        _start_places(model, i, capacity, exit_rate, list_rate)
        return
    weeks = places.weeks_on_list(e.waiting(len(s.facilities)), capacity, exit_rate, list_rate)
    none = np.empty(0, np.int64)
    again = places.displace(e, is_open) if model.reach_changed else none
    rates, left = model.rates.applied[i], weeks_to_new_year(s.start, s.week)
    if s.week < weeks_to_new_year(s.start, 0):  # nobody has yet outgrown anything
        yearly = 0.0
    places.leave(e, s.key, s.week, i, h.key, rates, exit_rate - yearly, list_rate - yearly, left)
    new = places.applicants(e, s.key, s.week, i, h.key, rates)
    new = np.union1d(new, again[rates[again] > 0])
    if model.reach_changed:
        _reconsider(model, i, weeks)
    chosen = prefer(model, i, new, weeks)
    e.applied = int(new.size)
    refused = new[chosen == -2]
    near = _in_reach(model, i, refused)
    e.put_off = int((chosen == -1).sum())
    e.nowhere, e.no_places = int((~near).sum()), int(near.sum())
    go = chosen >= 0
    e.listed[new[go]], e.since[new[go]] = chosen[go], s.week
    places.fill(e, s.key, i, h.key, capacity)


def _start_places(
    model: Running, i: int, capacity: np.ndarray, exit_rate: float, list_rate: float
) -> None:
    """Places and lists as they would be after many years without a change.

    Long lists deter applicants, who make the lists: the two are brought together by averaging
    over rounds (Robbins & Monro 1951; going a fixed share of the way would swing for ever).
    """
    s, e = model.state, model.state.enrolments[i]
    rates = model.rates.applied[i]
    weeks = np.zeros(len(s.facilities))
    chosen = np.full(rates.size, -1, np.int32)
    for n in range(STEADY_ROUNDS):
        chosen[e.eligible] = prefer(model, i, e.eligible, weeks)
        go = e.eligible[chosen[e.eligible] >= 0]
        inside, _ = places.steady_numbers(
            chosen[go], rates[go].astype(np.float64), capacity, exit_rate, list_rate
        )
        queue = np.maximum(0.0, inside - np.floor(capacity + 1e-9))
        new = places.weeks_on_list(queue, capacity, exit_rate, list_rate)
        known = np.isfinite(new)
        weeks[known] += (new[known] - weeks[known]) / (n + 1.5)
        weeks[~known] = np.inf
    places.start_steady(
        e, s.key, i, s.households.key, rates, chosen, capacity, exit_rate, list_rate,
        s.parameters["supply.oldest_wait"],
    )  # fmt: skip


def _capacity(state: State, line: int) -> np.ndarray:
    """Places of one line's service at every facility, zero where it is not offered."""
    j = state.lines.services.index(state.lines.all[line].service)
    return np.where(state.facilities.offers[:, j], state.facilities.capacity[:, j], 0.0)


def _in_reach(model: Running, i: int, households: np.ndarray) -> np.ndarray:
    """Whether any facility of line i is within the cutoff of each of these households, bool."""
    h, line, near = model.state.households, model.state.lines.all[i], model.reached.places[i]
    flags = h.flags[households]
    old = ((flags & OLD_ONLY) > 0) | line.old_users
    settlement, pace = h.settlement[households], 2 * old + ((flags & VEHICLE) > 0)
    found = near.slots[settlement, 0] >= 0
    return (found & (near.trips[settlement, 0, pace] <= line.cutoff)).any(axis=1)


def _reconsider(model: Running, i: int, weeks: np.ndarray) -> None:
    """Those who wait choose again when the facilities in reach have changed; they keep the week
    in which they joined."""
    e = model.state.enrolments[i]
    waiting = e.on_list()
    chosen = prefer(model, i, waiting, weeks)
    go = chosen >= 0
    e.listed[waiting[go]] = chosen[go]


def prefer(model: Running, i: int, households: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """The facility each of these households likes best for line i (see `places.prefer`)."""
    s, p, near = model.state, model.state.parameters, model.reached.places[i]
    h, f, line = s.households, s.facilities, s.lines.all[i]
    chosen = np.empty(households.size, np.int32)
    weights = np.array(
        [p["choice.minute"], p["choice.wait"] * p["choice.list_week_minutes"],
         p["choice.own_unit"], p["choice.office_hours"], p["choice.put_off"]]
    )  # fmt: skip
    places.prefer(
        np.uint64(s.key), s.week, i, households.astype(np.int64), h.settlement, h.key, h.flags,
        near.slots, near.trips, near.own, weeks, f.key.astype(np.uint32),
        f.office_hours, line.cutoff, line.taste, line.old_users, weights, chosen,
    )  # fmt: skip
    return chosen
