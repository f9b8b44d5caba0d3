"""6.10 Demography: what a calendar year does to the households, once a year.

In this order, all by draws keyed by household, week and person (`Process.DEMOGRAPHY`), so that
the population depends on seed and replicate and never on a scenario:

1. A household moves away with chance ``leave`` and leaves no one behind.
2. Every registered person dies with the chance of the age band, or lives and moves on to the next
   band with the chance ``ageing``: the share of the band that is in its last year of age. Persons
   have no birthdays, so the time in a band is geometric with the right mean.
3. Every registered person who was 15-59 at the start of the year has a child with chance
   ``birth``, who is 0-2 at its end and lives where that adult lived at the start: rates are by
   person registered, the basis of the published ones, and children away remain the share that
   adults away are. A household of 255 persons, the most that a column holds, has no more children.
4. Those registered but away stay away until they turn 60; then they live at home, as all old
   persons do in the synthesis. Whoever turns 60 gets a care class by the shares ``persons.risk_*``;
   whoever dies after that leaves a class of the household, by chance.
5. A household without a registered person is dissolved.
6. Newcomers: in every settlement ``arrive`` x the households of the year's start (rounded by a
   draw keyed by settlement), each made like one drawn from those that live there now (hot deck),
   with a permanent id that none had before, and with draws for life of its own.

What a household has (flags) follows from its draws for life and who is present, by the rule of the
synthesis; but a vehicle, once there, is kept when only the old remain.

Nobody founds a household by leaving another, so that households become fewer as the old die.

Sources: 7th census of China 2020 (ages), statistical communiques of Sichuan; see the parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from sim.case.parameters import Parameters
from sim.world.draws import Process, block, uniform, unit
from sim.world.households import ADULTS, FULL, OLD, VEHICLE, Households, traits
from sim.world.kernels import njit

DEATH = ("death_0_59",) * OLD + ("death_60_79", "death_80")
AGEING = ("ageing_0_2", "ageing_3_5", "ageing_6_14", "ageing_15_59", "ageing_60_79")


@dataclass(frozen=True)
class Year:
    """What a year did.

    households: those after it. before: int64 ``[H]`` the row that each had, -1 for newcomers.
    numbered: int64 ``[S]`` numbers given to households so far. flows: of persons born, died, left
    (with a household that moved away) and arrived, and of households created, moved_away and
    dissolved.
    """

    households: Households
    before: np.ndarray
    numbered: np.ndarray
    flows: dict[str, int]


def is_new_year(start: date, week: int) -> bool:
    """Whether a week is the first that begins in a calendar year, week 0 aside."""
    begins = start + timedelta(weeks=week)
    return week > 0 and begins.year > (begins - timedelta(weeks=1)).year


def weeks_to_new_year(start: date, week: int) -> int:
    """Weeks from this one on to the first of the next calendar year, at least 1."""
    begins = start + timedelta(weeks=week)
    return -((begins - date(begins.year + 1, 1, 1)).days // 7)


def yearly_chances(parameters: Parameters) -> np.ndarray:
    """Chances a year in kernel form, float64 ``[3, 6]``: to die and to leave the band alive by age
    band; then leave (household), birth (adult), and the care risks high and focus."""
    p = parameters
    ageing = [p[f"demography.{name}"] for name in AGEING]
    other = [p["demography.leave"], p["demography.birth"],
             p["persons.risk_high"], p["persons.risk_focus"]]  # fmt: skip
    death = [p[f"demography.{name}"] for name in DEATH]
    return np.array([death, [*ageing, 0.0], [*other, 0.0, 0.0]])


def ends_a_year(rates: tuple[float, ...], ages: np.ndarray, parameters: Parameters) -> float:
    """The rate a year at which users of a service cease to be: they die, outgrow the bands that
    use it, or their household moves away.

    rates: uses a year by age band; ages: persons by age band.
    """
    p, use = parameters, np.array(rates)
    (death, ageing, other), users = yearly_chances(p), use * ages
    if not users.any():
        return 0.0
    outgrow = np.where(np.append(use[1:], 0.0) > 0, 0.0, ageing)
    stay = (1 - death) * (1 - outgrow) * (1 - other[0])
    return float(-np.log(np.average(stay, weights=users)))


def live_through_year(
    households: Households, numbered: np.ndarray, settlements: np.ndarray, rural: np.ndarray,
    parameters: Parameters, seed: int, key: int, week: int,
) -> Year:  # fmt: skip
    """The households after a year.

    numbered: numbers given so far ``[S]``; settlements: uint64 ``[S]`` what keys of households
    there begin with; rural: bool ``[S]``; seed: of the synthesis, for draws for life; key, week:
    of this year's draws.
    """
    h, p = households, parameters
    registered, present, risk = (np.array(x) for x in (h.registered, h.present, h.risk))
    stays = np.ones(h.key.size, bool)
    events = np.zeros(2, np.int64)
    pass_year(
        np.uint64(key), week, h.key, yearly_chances(p), registered, present, risk, stays, events
    )
    left = int(registered[~stays].sum(dtype=np.int64))
    remains = stays & registered.any(axis=1)
    old = np.flatnonzero(remains)
    new, model = arrivals(
        h.settlement, old, numbered, settlements, p["demography.arrive"], key, week
    )
    source = np.concatenate([old, model])
    order = np.argsort(h.settlement[source], kind="stable")
    before = np.concatenate([old, np.full(model.size, -1)])[order]
    source = source[order]
    here = Households(
        settlement=h.settlement[source],
        key=np.concatenate([h.key[old], new])[order],
        registered=registered[source],
        present=present[source],
        risk=risk[source],
        flags=h.flags[source],
    )
    changed = (before < 0) | (here.present != h.present[source]).any(axis=1)
    _renew_flags(here, changed, before < 0, rural, p, seed)
    added = np.bincount(h.settlement[model], minlength=numbered.size)
    flows = {
        "born": int(events[0]),
        "died": int(events[1]),
        "left": left,
        "arrived": int(registered[model].sum(dtype=np.int64)),
        "created": model.size,
        "moved_away": int((~stays).sum()),
        "dissolved": int((stays & ~remains).sum()),
    }
    return Year(here, before, numbered + added, flows)


def arrivals(
    settlement: np.ndarray, remain: np.ndarray, numbered: np.ndarray, keys: np.ndarray,
    rate: float, key: int, week: int,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Newcomers: their keys, and the rows of those that they are like.

    settlement: ``[H]`` of the households at the start of the year; remain: the rows of those at
    its end; rate: newcomers a year for each household.
    """
    count = numbered.size
    there = np.bincount(settlement[remain], minlength=count)
    wanted = rate * np.bincount(settlement, minlength=count)
    come = np.floor(wanted + uniform(key, Process.ARRIVAL, week, keys)).astype(np.int64)
    come = np.where(there > 0, come, 0)
    into = np.repeat(np.arange(count), come)
    number = numbered[into] + np.arange(into.size) - np.repeat(np.cumsum(come) - come, come)
    new = keys[into] + number.astype(np.uint64)
    turn = (uniform(key, Process.ARRIVAL, week, new) * there[into]).astype(np.int64)
    first = np.cumsum(there) - there
    return new, remain[first[into] + turn]


def _renew_flags(
    households: Households, changed: np.ndarray, new: np.ndarray, rural: np.ndarray,
    parameters: Parameters, seed: int,
) -> None:  # fmt: skip
    """What changed households have now; those that had a vehicle keep it."""
    rows = np.flatnonzero(changed)
    flags = traits(households.take(rows), rural, parameters, seed)
    kept = np.where(new[rows], flags, households.flags[rows]) & VEHICLE
    households.flags[rows] = flags & ~np.uint8(VEHICLE) | kept


@njit(
    "void(uint64, int64, uint64[::1], float64[:, ::1], uint8[:, ::1], uint8[:, ::1],"
    " uint8[:, ::1], boolean[::1], int64[::1])",
    cache=True,
)
def pass_year(key, week, agents, chances, registered, present, risk, stays, events):
    """One year of every household, written into registered, present ``[H, 6]``, risk ``[H, 3]``;
    stays ``[H]`` is made False for those that move away; events: born and died are added up.

    Persons count from the oldest band down, those present before those away, and draw a block
    each: its words are for living on, for a child, and for the care class.
    """
    leave, birth, high, focus = chances[2, 0], chances[2, 1], chances[2, 2], chances[2, 3]
    for h in range(agents.size):
        if unit(block(key, Process.DEMOGRAPHY, week, agents[h], np.uint32(0))[0]) < leave:
            stays[h] = False
            continue
        size = 0
        for band in range(registered.shape[1]):
            size += registered[h, band]
        person, died, born, born_here = 0, 0, 0, 0
        for band in range(registered.shape[1] - 1, -1, -1):
            here = present[h, band]
            die, age = chances[0, band], chances[1, band]
            for i in range(registered[h, band]):
                person += 1
                words = block(key, Process.DEMOGRAPHY, week, agents[h], np.uint32(person))
                at_home = i < here
                if band == ADULTS and unit(words[1]) < birth:
                    born += 1
                    born_here += at_home
                u, care = unit(words[0]), unit(words[2])
                if u < die:
                    died += 1
                    registered[h, band] -= 1
                    present[h, band] -= at_home
                    if band >= OLD:
                        place = care * (risk[h, 0] + risk[h, 1] + risk[h, 2])
                        if place < risk[h, 0]:
                            risk[h, 0] -= 1
                        elif place < risk[h, 0] + risk[h, 1]:
                            risk[h, 1] -= 1
                        else:
                            risk[h, 2] -= 1
                elif u < die + (1 - die) * age:
                    registered[h, band] -= 1
                    present[h, band] -= at_home
                    registered[h, band + 1] += 1
                    if band == ADULTS:
                        present[h, band + 1] += 1
                        if care < high:
                            risk[h, 0] += 1
                        elif care < high + focus:
                            risk[h, 1] += 1
                        else:
                            risk[h, 2] += 1
                    else:
                        present[h, band + 1] += at_home
        born = min(born, FULL - size)
        registered[h, 0] += born
        present[h, 0] += min(born, born_here)
        events[0] += born
        events[1] += died
