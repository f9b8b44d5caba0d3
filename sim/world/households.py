"""Households made one to one from the persons of each settlement.

A case knows how many households and persons of each age live in a settlement; this module deals
the persons to households by stated rules (parameters ``persons.*``) and keyed draws, so that
every total of the case holds exactly and the result depends on ids only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from sim.case.parameters import Parameters
from sim.case.schema import AGES
from sim.world.draws import Process, id_keys, run_key, uniform_one
from sim.world.kernels import njit

HARDSHIP, DIGITAL, AWAY, VEHICLE, OLD_ONLY, MEALS = 1, 2, 4, 8, 16, 32
ADULTS, OLD = 3, 4
"""Bands of ages: those of 15-59, and the first of those of 60 and over."""
FULL = 255
"""The most persons that a household holds, by the width of its columns."""


@dataclass(frozen=True)
class Households:
    """Columns of H households; the key is the permanent id, rows are sorted by settlement.

    settlement: int32 row of the settlement. key: uint64 id and key of draws: 32 bits for the
    settlement and the household's number there. registered, present:
    uint8 ``[H, 6]`` persons by age band, registered and living there. risk: uint8 ``[H, 3]``
    present persons of 60 and over at high, focus and general care risk. flags: uint8 bits
    HARDSHIP, DIGITAL (a member has digital skill), AWAY (out at work in office hours), VEHICLE,
    OLD_ONLY (all who are present are 60 or over), MEALS (uses meals for the old).
    """

    settlement: np.ndarray
    key: np.ndarray
    registered: np.ndarray
    present: np.ndarray
    risk: np.ndarray
    flags: np.ndarray

    def take(self, rows: np.ndarray) -> Households:
        """These rows, as columns of their own."""
        return Households(
            *(np.ascontiguousarray(getattr(self, f.name)[rows]) for f in fields(self))
        )


def synthesise(settlements: pd.DataFrame, parameters: Parameters, seed: int) -> Households:
    """Households of all settlements (rows in the order given).

    settlements: columns id, households, the six age bands, compound. Raises ValueError where a
    settlement has fewer persons than households, or more than 255 for each.
    """
    counts = settlements["households"].to_numpy(np.int64)
    ages = np.array(settlements[list(AGES)], dtype=np.int64, order="C")
    if (ages.sum(axis=1) < counts).any():
        raise ValueError("a settlement has fewer persons than households")
    first = np.concatenate([[0], np.cumsum(counts)])
    total = int(first[-1])
    rates = _rates(parameters)
    keys = settlement_keys(settlements)
    rural = is_rural(settlements)
    old_share = ages[:, 4:].sum() / max(1, ages.sum())
    out = Households(
        settlement=np.repeat(np.arange(len(counts), dtype=np.int32), counts),
        key=np.repeat(keys, counts) + _numbers(counts),
        registered=np.zeros((total, 6), np.uint8),
        present=np.zeros((total, 6), np.uint8),
        risk=np.zeros((total, 3), np.uint8),
        flags=np.zeros(total, np.uint8),
    )
    key = np.uint64(run_key(seed, 0))
    _deal(key, first, ages, keys, rates[:2], out.registered)
    _describe(
        key,
        first,
        rural,
        out.key,
        out.registered,
        rates,
        old_share,
        out.present,
        out.risk,
        out.flags,
    )
    return out


def settlement_keys(settlements: pd.DataFrame) -> np.ndarray:
    """What the keys of a settlement's households begin with, uint64 ``[S]``."""
    return id_keys(settlements["id"]) << np.uint64(32)


def is_rural(settlements: pd.DataFrame) -> np.ndarray:
    """Settlements in villages, bool ``[S]``."""
    return np.array(settlements["compound"] == "village")


def traits(
    households: Households, rural: np.ndarray, parameters: Parameters, seed: int
) -> np.ndarray:
    """Flags by who is present and the household's draws for life, uint8 ``[H]``; the synthesis
    with this seed gives the same."""
    h = households
    flags = np.empty(h.key.size, np.uint8)
    key = np.uint64(run_key(seed, 0))
    _traits(key, h.settlement, rural, h.key, h.present, _rates(parameters), flags)
    return flags


def _rates(parameters: Parameters) -> np.ndarray:
    """Shares of the synthesis in kernel form."""
    p = parameters
    return np.array(
        [
            p["persons.old_alone"], p["persons.old_couple"], p["persons.absent_share"],
            p["persons.risk_high"], p["persons.risk_focus"], p["persons.hardship"],
            p["persons.away_at_work"], p["persons.vehicle"], p["persons.vehicle_old"],
            p["persons.digital"], p["persons.digital_old"], p["persons.digital_rural"],
            p["needs.meals_users"],
        ]
    )  # fmt: skip


def _numbers(counts: np.ndarray) -> np.ndarray:
    """0, 1, 2 ... within each settlement."""
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    return (np.arange(counts.sum()) - starts).astype(np.uint64)


@njit(
    "void(uint64, int64[::1], int64[:, ::1], uint64[::1], float64[::1], uint8[:, ::1])", cache=True
)
def _deal(key, first, ages, agents, shares, registered):
    """Deals the persons of each settlement to its households.

    Some of the old live alone and some in couples of old persons; every other household gets one
    head (an adult if there is one) and the rest go to these households by chance.
    """
    for s in range(first.size - 1):
        n = first[s + 1] - first[s]
        if n == 0:
            continue
        item = 0
        left = ages[s].copy()
        persons = left.sum()
        old = left[4] + left[5]
        u = uniform_one(key, Process.SYNTHESIS, 0, agents[s], 0)
        alone = int(shares[0] * old + u)
        u = uniform_one(key, Process.SYNTHESIS, 0, agents[s], 1)
        couples = int(shares[1] * old / 2 + u)
        item = 2
        couples = max(0, min(couples, persons - n, (old - alone) // 2, n - 1))
        alone = max(0, min(alone, n - couples - 1))
        h = first[s]
        for i in range(alone + 2 * couples):
            u = uniform_one(key, Process.SYNTHESIS, 0, agents[s], item)
            item += 1
            band = 5 if u * (left[4] + left[5]) < left[5] else 4
            left[band] -= 1
            registered[h, band] += 1
            if i < alone or (i - alone) % 2 == 1:
                h += 1
        rest = first[s + 1] - h
        for head in range(rest):
            for band in (3, 4, 5, 2, 1, 0):
                if left[band] > 0:
                    left[band] -= 1
                    registered[h + head, band] += 1
                    break
        for band in range(6):
            for _ in range(left[band]):
                u = uniform_one(key, Process.SYNTHESIS, 0, agents[s], item)
                item += 1
                target = h + int(u * rest)
                # a full household (255 persons) passes the person on
                passed = 0
                while registered[target].sum() >= FULL:
                    target = h + (target - h + 1) % rest
                    passed += 1
                    if passed == rest:
                        raise ValueError("a settlement has more persons than its households hold")
                registered[target, band] += 1


@njit("uint8(uint64, uint64, float64, uint8[::1], float64[::1])", cache=True, inline="always")
def traits_of(key, agent, skill, present, rates):
    """Flags of one household: its draws for life against who is present; `skill` multiplies the
    chance that a person has digital skill."""
    under, old = 0, 0
    without = 1.0
    for band in range(present.size):
        for _ in range(present[band]):
            if band < OLD:
                under += 1
            else:
                old += 1
                without *= 1 - rates[10] * skill
            if band == ADULTS:
                without *= 1 - rates[9] * skill
    old_only = under == 0 and old > 0
    flag = 0
    if uniform_one(key, Process.SYNTHESIS, 1, agent, 0) < rates[5]:
        flag |= HARDSHIP
    if uniform_one(key, Process.SYNTHESIS, 1, agent, 1) < 1 - without:
        flag |= DIGITAL
    if present[ADULTS] > 0 and uniform_one(key, Process.SYNTHESIS, 1, agent, 2) < rates[6]:
        flag |= AWAY
    has = rates[8] if old_only else rates[7]
    if uniform_one(key, Process.SYNTHESIS, 1, agent, 3) < has:
        flag |= VEHICLE
    if old_only:
        flag |= OLD_ONLY
        if uniform_one(key, Process.SYNTHESIS, 1, agent, 4) < rates[12]:
            flag |= MEALS
    return np.uint8(flag)


@njit(
    "void(uint64, int32[::1], boolean[::1], uint64[::1], uint8[:, ::1], float64[::1], uint8[::1])",
    cache=True,
)
def _traits(key, settlement, rural, agents, present, rates, flags):
    """Flags of every household; rural: by settlement."""
    for h in range(agents.size):
        skill = rates[11] if rural[settlement[h]] else 1.0
        flags[h] = traits_of(key, agents[h], skill, present[h], rates)


@njit(
    "void(uint64, int64[::1], boolean[::1], uint64[::1], uint8[:, ::1], float64[::1], float64,"
    " uint8[:, ::1], uint8[:, ::1], uint8[::1])",
    cache=True,
)
def _describe(key, first, rural, agents, registered, rates, old_share, present, risk, flags):
    """Who is present, at what care risk, and what the household has."""
    absent = min(1.0, rates[2] / max(1e-9, 1 - old_share))
    for s in range(first.size - 1):
        skill = rates[11] if rural[s] else 1.0
        for h in range(first[s], first[s + 1]):
            item = 16
            for band in range(6):
                for _ in range(registered[h, band]):
                    u = uniform_one(key, Process.SYNTHESIS, 1, agents[h], item)
                    item += 1
                    if band < OLD:
                        if u < absent:
                            continue
                    elif u < rates[3]:
                        risk[h, 0] += 1
                    elif u < rates[3] + rates[4]:
                        risk[h, 1] += 1
                    else:
                        risk[h, 2] += 1
                    present[h, band] += 1
            flags[h] = traits_of(key, agents[h], skill, present[h], rates)
