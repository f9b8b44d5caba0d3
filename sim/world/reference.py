"""Plain twins of the kernels that make households (`sim.world.households`), for reading and tests.

They do the same one settlement or household at a time, with the draws of a whole one at once.
"""

from __future__ import annotations

import numpy as np

from sim.world.draws import Process, uniform_reference
from sim.world.households import (
    ADULTS,
    AWAY,
    DIGITAL,
    FULL,
    HARDSHIP,
    MEALS,
    OLD,
    OLD_ONLY,
    VEHICLE,
)

HEADS = (3, 4, 5, 2, 1, 0)  # who heads a household, by age band: an adult if there is one


def deal(
    key: int, first: np.ndarray, ages: np.ndarray, agents: np.ndarray, shares: np.ndarray
) -> np.ndarray:
    """Twin of `households._deal`: registered persons by age band, uint8 ``[H, 6]``."""
    out = np.zeros((int(first[-1]), 6), np.int64)
    for s, households in enumerate(np.diff(first).tolist()):
        if households:
            u = _draws(key, 0, agents[s], int(ages[s].sum()) + 2)
            out[first[s] : first[s + 1]] = _deal_one(households, ages[s].copy(), shares, u)
    return out.astype(np.uint8)


def _deal_one(n: int, left: np.ndarray, shares: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Persons of one settlement dealt to its n households; left: persons by band, used up."""
    homes = np.zeros((n, 6), np.int64)
    old, persons = int(left[4:].sum()), int(left.sum())
    couples = int(shares[1] * old / 2 + u[1])
    alone = int(shares[0] * old + u[0])
    couples = max(0, min(couples, persons - n, (old - alone) // 2, n - 1))
    alone = max(0, min(alone, n - couples - 1))
    draw = iter(u[2:])
    for home in [*range(alone), *(alone + i // 2 for i in range(2 * couples))]:
        band = 5 if next(draw) * left[4:].sum() < left[5] else 4
        left[band] -= 1
        homes[home, band] += 1
    others = homes[alone + couples :]  # a view: the rest of the households
    queue = [band for band in HEADS for _ in range(left[band])]
    for home, band in zip(others, queue, strict=False):
        left[band] -= 1
        home[band] += 1
    for band in np.repeat(np.arange(6), left).tolist():
        start = int(next(draw) * len(others))
        turns = (np.arange(len(others)) + start) % len(others)
        free = turns[others[turns].sum(axis=1) < FULL]
        if not free.size:
            raise ValueError("a settlement has more persons than its households hold")
        others[free[0], band] += 1
    return homes


def describe(
    key: int, first: np.ndarray, rural: np.ndarray, agents: np.ndarray, registered: np.ndarray,
    rates: np.ndarray, old_share: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Twin of `households._describe`: present ``[H, 6]``, risk ``[H, 3]``, flags ``[H]``."""
    homes = np.repeat(rural, np.diff(first))
    count = homes.size
    present, risk = np.zeros((count, 6), np.uint8), np.zeros((count, 3), np.uint8)
    flags = np.zeros(count, np.uint8)
    absent = min(1.0, rates[2] / max(1e-9, 1 - old_share))
    for h in range(count):
        bands = np.repeat(np.arange(6), registered[h])
        u = _draws(key, 1, agents[h], 16 + bands.size)
        here = bands[(bands >= 4) | (u[16:] >= absent)]
        present[h] = np.bincount(here, minlength=6)
        grade = np.searchsorted(np.cumsum(rates[3:5]), u[16:][bands >= 4], side="right")
        risk[h] = np.bincount(grade, minlength=3)
        skill = rates[11] if homes[h] else 1.0
        flags[h] = traits_of(key, agents[h], skill, present[h], rates)
    return present, risk, flags


def traits(
    key: int, settlement: np.ndarray, rural: np.ndarray, agents: np.ndarray, present: np.ndarray,
    rates: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Twin of `households._traits`: flags ``[H]``."""
    skill = np.where(rural[settlement], rates[11], 1.0)
    flags = [
        traits_of(key, *row, rates) for row in zip(agents, skill.tolist(), present, strict=True)
    ]
    return np.array(flags, np.uint8)


def traits_of(key: int, agent: int, skill: float, present: np.ndarray, rates: np.ndarray) -> int:
    """Twin of `households.traits_of`: the flags of one household."""
    u = _draws(key, 1, agent, 5)
    adults, old = float(present[ADULTS]), float(present[OLD:].sum())
    old_only = old > 0 and not present[:OLD].any()
    digital = 1 - (1 - rates[9] * skill) ** adults * (1 - rates[10] * skill) ** old
    flags = (
        (HARDSHIP, u[0] < rates[5]),
        (DIGITAL, u[1] < digital),
        (AWAY, adults > 0 and u[2] < rates[6]),
        (VEHICLE, u[3] < (rates[8] if old_only else rates[7])),
        (OLD_ONLY, old_only),
        (MEALS, old_only and u[4] < rates[12]),
    )
    return sum(flag for flag, has in flags if has)


def _draws(key: int, week: int, agent: int, number: int) -> np.ndarray:
    """Draws of one agent for the items 0, 1, ... of the synthesis."""
    agents = np.full(number, agent, np.uint64)
    return uniform_reference(key, Process.SYNTHESIS, week, agents, np.arange(number))
