"""6.3 Places: day care and nursery, with enrolment, waiting lists and exits.

A household has at most one place or one place on a list for each service. Vacancies go to the
list first come, first served; those who applied in the same week in a keyed order.
"""

from __future__ import annotations

import numpy as np

from sim.processes.choice import best_facility, gumbel
from sim.world.draws import Process, block, uniform, uniform_one, unit
from sim.world.enrolment import Enrolment
from sim.world.kernels import njit

NONE = -1


def weekly_chance(yearly_rate: float) -> float:
    """Chance in a week of an event with a yearly rate."""
    return 1 - np.exp(-yearly_rate / 52)


def leave(
    e: Enrolment, key: int, week: int, line: int, agents: np.ndarray, rates: np.ndarray,
    exit_rate: float, list_rate: float, weeks_left: int,
) -> None:  # fmt: skip
    """Exits from places and from lists, by keyed draws.

    Of households that may apply (rates: applications a year) at the rates of exit; of those that
    have outgrown the service in this calendar year as likely in any of its weeks, of which
    weeks_left, this one included, are left. Those that ended with their household count as well.
    """
    for name, count, rate, process in (
        ("place", "exits", exit_rate, Process.PLACE_EXIT),
        ("listed", "left_list", list_rate, Process.LIST_EXIT),
    ):
        column = getattr(e, name)
        held = e.eligible[column[e.eligible] >= 0]
        chance = np.where(rates[held] > 0, weekly_chance(rate), 1 / weeks_left)
        gone = held[uniform(key, process, week, agents[held], line) < chance]
        column[gone] = NONE
        setattr(e, count, int(gone.size) + e.ended[name])
        e.ended[name] = 0


def displace(e: Enrolment, is_open: np.ndarray) -> np.ndarray:
    """Takes households out of facilities that are closed; returns them, to apply again now."""
    place, listed = e.place[e.eligible], e.listed[e.eligible]
    gone = (place >= 0) & ~is_open[np.maximum(place, 0)]
    gone |= (listed >= 0) & ~is_open[np.maximum(listed, 0)]
    out = e.eligible[gone]
    e.displaced = int((e.place[out] >= 0).sum())
    e.place[out] = NONE
    e.listed[out] = NONE
    return out


def applicants(
    e: Enrolment, key: int, week: int, line: int, agents: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """Households that apply this week: those without a place or a wait, at their yearly rate."""
    could = e.eligible[(e.place[e.eligible] < 0) & (e.listed[e.eligible] < 0)]
    u = uniform(key, Process.APPLICATION, week, agents[could], line)
    return could[u < 1 - np.exp(-rates[could].astype(np.float64) / 52)]


@njit(
    "void(uint64, int64, int64, int64[::1], int32[::1], uint64[::1], uint8[::1],"
    " int32[:, :, ::1], float32[:, :, :, ::1], boolean[:, :, ::1], float64[::1], uint32[::1],"
    " boolean[::1], float64, float64, boolean, float64[::1], int32[::1])",
    cache=True,
)
def prefer(
    key, week, line, households, settlement, agents, flags, slots, trips, own, list_weeks, item,
    office_hours, cutoff, taste, old_users, weights, chosen,
):  # fmt: skip
    """The facility each applicant likes best: a slot, -1 for putting it off, -2 for none in reach.

    slots, own: of this line, ``[S, 1, K]``; trips: minutes ``[S, 1, 4, K]``; list_weeks: expected
    weeks on each facility's list, by slot; weights: minute, minute of a list week, own unit,
    office hours, put off.
    """
    waits = np.empty(slots.shape[2])
    lasting = np.empty((1, 1, slots.shape[2]), np.float32)
    for e in range(households.size):
        h = households[e]
        s = settlement[h]
        for k in range(waits.size):
            if slots[s, 0, k] < 0:
                break
            waits[k] = list_weeks[slots[s, 0, k]]
            u = uniform_one(key, Process.TASTE, 0, agents[h], item[slots[s, 0, k]])
            lasting[0, 0, k] = gumbel(u)
        v, rank, _ = best_facility(
            key,
            week,
            agents[h],
            flags[h],
            Process.PLACE_CHOICE,
            s,
            0,
            0,
            slots,
            trips,
            own,
            lasting,
            waits,
            item,
            office_hours,
            cutoff,
            taste,
            old_users,
            weights,
        )
        words = block(key, Process.CHANNEL, week, agents[h], np.uint32(64 + line))
        if rank < 0:
            chosen[e] = -2
        elif weights[4] + gumbel(unit(words[0])) > v + gumbel(unit(words[1])):
            chosen[e] = -1
        else:
            chosen[e] = slots[s, 0, rank]


def fill(e: Enrolment, key: int, line: int, agents: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """Gives vacancies to the lists; capacity: places by slot. Returns who was admitted."""
    vacant = np.floor(capacity + 1e-9).astype(np.int64) - e.enrolled(capacity.size)
    waiting = e.on_list()
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


def weeks_on_list(
    waiting: np.ndarray, capacity: np.ndarray, exit_rate: float, list_rate: float
) -> np.ndarray:
    """Weeks until a newcomer at the end of each list is admitted, if he does not give up.

    Of a fluid list of n from which some give up, the last is served after
    ln(1 + list n / (exit C)) / list years; inf where there are no places.
    """
    vacancies = exit_rate * np.floor(capacity + 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        weeks = 52 / list_rate * np.log1p(list_rate * waiting / vacancies)
    return np.where(vacancies > 0, weeks, np.inf)


def steady_numbers(
    slot: np.ndarray, rates: np.ndarray, capacity: np.ndarray, exit_rate: float, list_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """How many have a place or wait at each facility in the steady state, and the years T that
    an application keeps one inside; both by slot.

    Households apply only while they are outside, so one with rate r is inside with the chance
    rT / (1 + rT). T is where what joins equals what leaves: exits from min(C, N) places, and
    those of the list who give up. Found by bisection for all facilities at once.
    """
    places = np.floor(capacity + 1e-9)
    low, high = np.zeros(capacity.size), np.full(capacity.size, 1 / min(exit_rate, list_rate))
    inside: np.ndarray = np.zeros(capacity.size)
    for _ in range(40):
        years = (low + high) / 2
        stay = rates * years[slot]
        inside = np.bincount(slot, stay / (1 + stay), capacity.size)
        joining = np.bincount(slot, rates / (1 + stay), capacity.size)
        leaving = exit_rate * np.minimum(places, inside) + list_rate * np.maximum(
            0.0, inside - places
        )
        more = joining > leaving
        low, high = np.where(more, years, low), np.where(more, high, years)
    return inside, (low + high) / 2


def start_steady(
    e: Enrolment, key: int, line: int, agents: np.ndarray, rates: np.ndarray, chosen: np.ndarray,
    capacity: np.ndarray, exit_rate: float, list_rate: float, oldest: float,
) -> None:  # fmt: skip
    """Places and lists in the steady state of the fluid queue, before the first week.

    rates: applications a year; chosen: facility each household prefers, negative where none;
    oldest: years that nobody has waited longer than, where a list does not move.
    """
    could = e.eligible[chosen[e.eligible] >= 0]
    slot, own = chosen[could], rates[could].astype(np.float64)
    inside, years = steady_numbers(slot, own, capacity, exit_rate, list_rate)
    stay = own * years[slot]
    member = could[uniform(key, Process.STEADY_STATE, 0, agents[could], line) < stay / (1 + stay)]
    turn = uniform(key, Process.STEADY_STATE, 1, agents[member], line)
    member = member[np.argsort(chosen[member] + turn, kind="stable")]
    slot = chosen[member]
    places = np.floor(capacity + 1e-9)
    place = np.arange(member.size) - np.searchsorted(slot, slot, side="left")
    first = place < places[slot]
    e.place[member[first]] = slot[first]
    late = member[~first]
    e.listed[late] = chosen[late]
    weeks = weeks_on_list(np.maximum(0.0, inside - places), capacity, exit_rate, list_rate)
    age = np.minimum(weeks, 52 * oldest)
    # the longer ago they joined, the fewer are left: some have given up
    u = uniform(key, Process.STEADY_STATE, 2, agents[late], line)
    given_up = -np.expm1(-list_rate / 52 * age[chosen[late]])
    e.since[late] = np.round(52 / list_rate * np.log1p(-u * given_up)).astype(np.int32)
