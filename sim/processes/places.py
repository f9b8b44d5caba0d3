"""6.3 Places: day care and nursery, with enrolment, waiting lists and exits.

A household has at most one place or one place on a list for each service. Vacancies go to the
list first come, first served; those who applied in the same week in a keyed order.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.processes.choice import best_facility, gumbel
from sim.world.draws import Process, block, uniform, unit
from sim.world.state import Enrolment

NONE = -1


def weekly_chance(yearly_rate: float) -> float:
    """Chance in a week of an event with a yearly rate."""
    return 1 - np.exp(-yearly_rate / 52)


def leave(
    e: Enrolment, key: int, week: int, line: int, agents: np.ndarray, exit_rate: float,
    list_rate: float,
) -> None:  # fmt: skip
    """Exits from places and from lists, by keyed draws."""
    for name, rate, process in (
        ("place", exit_rate, Process.PLACE_EXIT),
        ("listed", list_rate, Process.LIST_EXIT),
    ):
        column = getattr(e, name)
        held = np.flatnonzero(column >= 0)
        gone = held[uniform(key, process, week, agents[held], line) < weekly_chance(rate)]
        column[gone] = NONE
        setattr(e, "exits" if name == "place" else "left_list", int(gone.size))


def displace(e: Enrolment, is_open: np.ndarray, week: int) -> np.ndarray:
    """Takes households out of facilities that are closed; returns them, to apply again now."""
    out = np.flatnonzero(
        ((e.place >= 0) & ~is_open[np.maximum(e.place, 0)])
        | ((e.listed >= 0) & ~is_open[np.maximum(e.listed, 0)])
    )
    e.displaced = int((e.place[out] >= 0).sum())
    e.place[out] = NONE
    e.listed[out] = NONE
    return out


def applicants(
    e: Enrolment, key: int, week: int, line: int, agents: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """Households that apply this week: those without a place or a wait, at their yearly rate."""
    could = np.flatnonzero((e.place < 0) & (e.listed < 0) & (rates > 0))
    u = uniform(key, Process.APPLICATION, week, agents[could], line)
    return could[u < 1 - np.exp(-rates[could].astype(np.float64) / 52)]


@njit(
    "void(uint64, int64, int64, int64[::1], int32[::1], uint64[::1], uint8[::1], int32[:, ::1],"
    " float64[:, ::1], boolean[:, ::1], float64[::1], uint32[::1], boolean[::1], float64[::1],"
    " float64[::1], float64, float64, float64, boolean, float64[::1], int32[::1])",
    cache=True,
)
def prefer(
    key, week, line, households, settlement, agents, flags, slots, metres, own, list_weeks, item,
    office_hours, speed, start, ride, cutoff, taste, old_users, weights, chosen,
):  # fmt: skip
    """The facility each applicant likes best: a slot, -1 for putting it off, -2 for none in reach.

    slots, metres, own: of this line, ``[S, K]``; list_weeks: expected weeks on each facility's
    list, by slot; weights: minute, minute of a list week, own unit, office hours, put off.
    """
    waits = np.empty(slots.shape[1])
    for e in range(households.size):
        h = households[e]
        s = settlement[h]
        for k in range(waits.size):
            waits[k] = list_weeks[slots[s, k]] if slots[s, k] >= 0 else 0.0
        v, rank, _ = best_facility(
            key, week, agents[h], flags[h], Process.PLACE_CHOICE, slots[s], metres[s], own[s],
            waits, item, office_hours, speed, start, ride, cutoff, taste, old_users, weights,
        )
        words = block(key, Process.CHANNEL, week, agents[h], np.uint32(64 + line))
        if rank < 0:
            chosen[e] = -2
        elif weights[4] + gumbel(unit(words[0])) > v + gumbel(unit(words[1])):
            chosen[e] = -1
        else:
            chosen[e] = slots[s, rank]


def fill(
    e: Enrolment, key: int, line: int, agents: np.ndarray, capacity: np.ndarray
) -> np.ndarray:
    """Gives vacancies to the lists; capacity: places by slot. Returns who was admitted."""
    vacant = np.floor(capacity + 1e-9).astype(np.int64) - e.enrolled(capacity.size)
    waiting = np.flatnonzero(e.listed >= 0)
    waiting = waiting[vacant[e.listed[waiting]] > 0]
    turn = uniform(key, Process.PLACE_ORDER, 0, agents[waiting], line)
    slot = e.listed[waiting]
    waiting = waiting[np.lexsort((agents[waiting], turn, e.since[waiting], slot))]
    slot = e.listed[waiting]
    place = np.arange(waiting.size) - np.searchsorted(slot, slot, side="left")
    chosen = waiting[place < vacant[slot]]
    e.place[chosen] = e.listed[chosen]
    e.listed[chosen] = NONE
    e.admitted = int(chosen.size)
    return chosen


def start_steady(
    e: Enrolment, key: int, line: int, agents: np.ndarray, rates: np.ndarray, chosen: np.ndarray,
    capacity: np.ndarray, exit_rate: float, list_rate: float,
) -> None:  # fmt: skip
    """Places and lists in the steady state of the fluid queue, before the first week.

    At a facility with arrivals a and C places, all are enrolled (a / exit) where that is under
    C; else C are, and the list is long enough that those who give up balance the rest:
    (a - exit C) / list. rates: applications a year; chosen: facility each household prefers.
    """
    could = np.flatnonzero((rates > 0) & (chosen >= 0))
    slot = chosen[could]
    arrivals = np.bincount(slot, weights=rates[could], minlength=capacity.size)
    places = np.floor(capacity + 1e-9)
    held = np.minimum(places, arrivals / exit_rate)
    queue = np.maximum(0.0, arrivals - exit_rate * places) / list_rate
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = rates[could] * ((held + queue) / arrivals)[slot]
    inside = could[uniform(key, Process.STEADY_STATE, 0, agents[could], line) < chance]
    turn = uniform(key, Process.STEADY_STATE, 1, agents[inside], line)
    inside = inside[np.lexsort((agents[inside], turn, chosen[inside]))]
    slot = chosen[inside]
    place = np.arange(inside.size) - np.searchsorted(slot, slot, side="left")
    first = place < places[slot]
    e.place[inside[first]] = slot[first]
    late = inside[~first]
    e.listed[late] = chosen[late]
    # in a fluid list of which some give up, the head joined ln(a / (exit C)) / list years ago
    with np.errstate(divide="ignore", invalid="ignore"):
        age = 52 / list_rate * np.log(np.maximum(arrivals / (exit_rate * places), 1.0))
    age = np.minimum(np.where(np.isfinite(age), age, 520.0), 520.0)
    u = uniform(key, Process.STEADY_STATE, 2, agents[late], line)
    e.since[late] = -np.round(u * age[chosen[late]]).astype(np.int32)
