"""Plain twins of the compiled kernels: the same rules as arrays, for reading and for tests.

Each takes what its kernel takes and returns what the kernel writes into its last arguments; what a
kernel changes in place it gets as a copy. The twin of Philox is beside it in `sim.world.draws`,
that of the needs in `sim.processes.needs`, those of the synthesis in `sim.world.reference`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.processes.choice import (
    AGENT,
    CHOICE_OF_LINE,
    LN_2,
    NO_REACH,
    ONLINE,
    PUT_OFF,
)
from sim.processes.learning import (
    BY_AGENT,
    BY_NET,
    COLUMNS,
    MET,
    MINUTES,
    NEW,
    NOWHERE,
    PUT_OFF_NEEDS,
    REFUSED,
    TRIES,
    UNMET,
    WAIT,
)
from sim.world.draws import Process, uniform_reference, unit_reference, words_reference
from sim.world.households import ADULTS, AWAY, DIGITAL, FULL, HARDSHIP, OLD, OLD_ONLY, VEHICLE


def gumbel(u: np.ndarray) -> np.ndarray:
    """Standard Gumbel draws of uniforms."""
    return -np.log(-np.log(u))


def draws(
    key: int, process: int, week: int, agent: np.ndarray, item: np.ndarray | int
) -> np.ndarray:
    """Uniform draws; agent and item are broadcast against each other."""
    return uniform_reference(key, process, week, *np.broadcast_arrays(agent, item))


def in_reach(slots: np.ndarray) -> np.ndarray:
    """Which ranks of a table of slots ``[..., K]`` are filled: those before the first -1."""
    return np.logical_and.accumulate(slots >= 0, axis=-1)


def lifelong_tastes(
    key: int, settlement: np.ndarray, agents: np.ndarray, slots: np.ndarray, item: np.ndarray
) -> np.ndarray:
    """Twin of `choice.lifelong_tastes`: lasting draws float32 ``[H, L, K]``, 0 out of reach."""
    mine = slots[settlement]
    if not item.size:
        return np.zeros(mine.shape, np.float32)
    u = draws(key, Process.TASTE, 0, agents[:, None, None], item[np.maximum(mine, 0)])
    return np.where(in_reach(mine), gumbel(u), 0.0).astype(np.float32)


class Best(NamedTuple):
    """The best facility of each of n households: its utility, its rank (-1 where none is in reach),
    minutes of the trip; gap: by how much it beats the second."""

    utility: np.ndarray
    rank: np.ndarray
    minutes: np.ndarray
    gap: np.ndarray


def best_facility(
    key: int, week: int, agents: np.ndarray, flags: np.ndarray, process: int, slots: np.ndarray,
    trips: np.ndarray, own: np.ndarray, lasting: np.ndarray, waits: np.ndarray, item: np.ndarray,
    office_hours: np.ndarray, cutoff: float, taste: float, old_users: bool, weights: np.ndarray,
) -> Best:  # fmt: skip
    """Twin of `choice.best_facility` for n households at once.

    slots, own, lasting, waits: by household, ``[n, K]``; trips: ``[n, 4, K]``; weights: minute,
    wait, own unit, office hours.
    """
    n = agents.size
    if not item.size:
        none = np.full(n, -np.inf)
        return Best(none, np.full(n, -1), np.full(n, np.nan), np.full(n, np.inf))
    old = ((flags & OLD_ONLY) > 0) | old_users
    minutes = trips[np.arange(n), 2 * old + ((flags & VEHICLE) > 0)].astype(np.float64)
    where = np.maximum(slots, 0)
    away = office_hours[where] & ((flags & AWAY) > 0)[:, None]
    v = -weights[0] * minutes + weights[2] * own - weights[3] * away
    with np.errstate(invalid="ignore"):
        v = v - weights[1] * waits
    if taste > 0:
        weekly = gumbel(draws(key, process, week, agents[:, None], item[where]))
        v = v + taste * (np.maximum(lasting, weekly) - LN_2)
    near = in_reach(slots) & (minutes <= cutoff)
    v = np.where(near & np.isfinite(v), v, -np.inf)
    rank = v.argmax(axis=1)
    best = v[np.arange(n), rank]
    some = np.isfinite(best)
    v[np.arange(n), rank] = -np.inf
    with np.errstate(invalid="ignore"):
        gap = np.where(some, best - v.max(axis=1), np.inf)
    trip = np.where(some, minutes[np.arange(n), rank], np.nan)
    return Best(best, np.where(some, rank, -1), trip, gap)


class Chosen(NamedTuple):
    """Columns of `choice.Errands`, and by how much each choice beat what came next."""

    first: np.ndarray
    household: np.ndarray
    needs: np.ndarray
    new: np.ndarray
    slot: np.ndarray
    rank: np.ndarray
    minutes: np.ndarray
    gap: np.ndarray


def choose(
    key: int, week: int, settlement: np.ndarray, agents: np.ndarray, flags: np.ndarray,
    asked: np.ndarray, pending: np.ndarray, slots: np.ndarray, trips: np.ndarray,
    own: np.ndarray, lasting: np.ndarray, belief: np.ndarray, usual: np.ndarray,
    expected: np.ndarray, item: np.ndarray, office_hours: np.ndarray, cutoff: np.ndarray,
    taste: np.ndarray, old_users: np.ndarray, web: np.ndarray, agent: np.ndarray,
    weights: np.ndarray,
) -> Chosen:  # fmt: skip
    """Twin of `choice.choose`."""
    lines = []
    for i in range(asked.shape[1]):
        needs = asked[:, i].astype(np.int64) + pending[:, i]
        h = np.flatnonzero(needs)
        s = settlement[h]
        mine = slots[s, i]
        waits = np.where(mine == usual[h, i, None], expected[h, i, None], belief[s, i])
        best = best_facility(
            key, week, agents[h], flags[h], CHOICE_OF_LINE + i, mine, trips[s, i], own[s, i],
            lasting[h, i], waits.astype(np.float64), item, office_hours, cutoff[i], taste[i],
            old_users[i], weights,
        )  # fmt: skip
        words = words_reference(key, Process.CHANNEL, week, agents[h], np.full(h.size, i))
        draw = gumbel(unit_reference(words))
        nowhere = best.rank < 0
        able = ((flags[h] & DIGITAL) > 0) & (unit_reference(words[:, 3]) < web[s, i])
        helped = agent[s, i] & (flags[h] & (OLD_ONLY | HARDSHIP) > 0)
        by_agent = gumbel(draws(key, Process.AGENCY, week, agents[h], np.full(h.size, i)))
        options = np.column_stack([
            weights[4] + draw[:, 0],
            best.utility + draw[:, 1],
            np.where(able, weights[5] + draw[:, 2], -np.inf),
            np.where(helped, weights[6] + by_agent, -np.inf),
        ])  # fmt: skip
        taken = options.argmax(axis=1)
        ranked = np.sort(options, axis=1)
        goes = taken == 1
        there = np.take_along_axis(mine, np.maximum(best.rank, 0)[:, None], axis=1)[:, 0]
        slot = np.select(
            [goes, taken == 2, taken == 3, nowhere], [there, ONLINE, AGENT, NO_REACH], PUT_OFF
        )
        lines.append((
            h, needs[h], asked[h, i], slot, np.where(goes, best.rank, -1),
            np.where(goes, best.minutes, np.nan),
            np.minimum(best.gap, ranked[:, -1] - ranked[:, -2]),
        ))  # fmt: skip
    first = np.cumsum([0, *(len(line[0]) for line in lines)])
    return Chosen(first, *map(np.concatenate, zip(*lines, strict=True)))


def prefer(
    key: int, week: int, line: int, households: np.ndarray, settlement: np.ndarray,
    agents: np.ndarray, flags: np.ndarray, slots: np.ndarray, trips: np.ndarray, own: np.ndarray,
    list_weeks: np.ndarray, item: np.ndarray, office_hours: np.ndarray, cutoff: float,
    taste: float, old_users: bool, weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Twin of `places.prefer`: what each applicant chooses, and by how much."""
    h, s = households, settlement[households]
    mine = slots[s, 0]
    waits = list_weeks[np.maximum(mine, 0)] if item.size else np.zeros(mine.shape)
    lasting = lifelong_tastes(key, s, agents[h], slots, item)[:, 0]
    best = best_facility(
        key, week, agents[h], flags[h], Process.PLACE_CHOICE, mine, trips[s, 0], own[s, 0],
        lasting, waits, item, office_hours, cutoff, taste, old_users, weights,
    )  # fmt: skip
    words = words_reference(key, Process.CHANNEL, week, agents[h], np.full(h.size, 64 + line))
    draw = gumbel(unit_reference(words))
    lead = best.utility + draw[:, 1] - (weights[4] + draw[:, 0])
    there = np.take_along_axis(mine, np.maximum(best.rank, 0)[:, None], axis=1)[:, 0]
    chosen = np.where(best.rank < 0, -2, np.where(lead < 0, -1, there))
    return chosen, np.minimum(best.gap, np.abs(lead))


class Settled(NamedTuple):
    """What `settle` leaves behind; see `learning.settle`."""

    pending: np.ndarray
    tries: np.ndarray
    usual: np.ndarray
    expected: np.ndarray
    belief: np.ndarray
    sums: np.ndarray
    felt: np.ndarray


def settle(
    first: np.ndarray, household: np.ndarray, needs: np.ndarray, new: np.ndarray,
    slot: np.ndarray, rank: np.ndarray, minutes: np.ndarray, met: np.ndarray, wait: np.ndarray,
    tries_most: int, step: float, settlement: np.ndarray, group: np.ndarray, slots: np.ndarray,
    minded: np.ndarray, pending: np.ndarray, tries: np.ndarray, usual: np.ndarray,
    expected: np.ndarray, belief: np.ndarray, groups: int,
) -> Settled:  # fmt: skip
    """Twin of `learning.settle`; a household has at most one errand a line and week."""
    h, i = household, np.repeat(np.arange(first.size - 1), np.diff(first))
    s, g, n = settlement[h], group[h], needs.astype(np.float64)
    went, served = slot >= 0, met & (slot >= 0)
    sums, felt = np.zeros((groups, first.size - 1, COLUMNS)), np.zeros((belief.shape[0], 4))
    given_up = ~met & (tries[h, i] + 1 >= tries_most)
    for column, rows, what in (
        (NEW, np.ones(h.size, bool), new),
        (TRIES, np.ones(h.size, bool), n),
        (MET, served, n),
        (MINUTES, served, n * np.where(served, minutes, 0.0)),
        (WAIT, served, n * wait),
        (BY_NET, met & (slot == ONLINE), n),
        (BY_AGENT, met & (slot == AGENT), n),
        (REFUSED, ~met & went, n),
        (PUT_OFF_NEEDS, ~met & (slot == PUT_OFF), n),
        (NOWHERE, ~met & (slot < PUT_OFF), n),
        (UNMET, given_up, n),
    ):
        np.add.at(sums[:, :, column], (g[rows], i[rows]), what[rows])
    for column, rows, what in (
        (0, served, n), (1, served, n * wait), (2, np.ones(h.size, bool), n), (3, given_up, n),
    ):  # fmt: skip
        np.add.at(felt[:, column], s[rows], (what * minded[i])[rows])
    pending, tries, usual, expected = (a.copy() for a in (pending, tries, usual, expected))
    over = met | given_up
    pending[h, i] = np.where(over, 0, np.minimum(255, needs))
    tries[h, i] = np.where(over, 0, tries[h, i] + 1)
    hw, iw, sw, kw, ww = h[went], i[went], s[went], rank[went], wait[went]
    before = np.where(usual[hw, iw] == slot[went], expected[hw, iw], belief[sw, iw, kw])
    before = before.astype(np.float64)
    expected[hw, iw] = before + step * (ww - before)
    usual[hw, iw] = slot[went]
    heard, told = np.zeros(belief.shape), np.zeros(belief.shape)
    np.add.at(heard, (sw, iw, kw), n[went] * ww)
    np.add.at(told, (sw, iw, kw), n[went])
    mean = np.divide(heard, told, out=belief.astype(np.float64), where=told > 0)
    belief = (belief + step * (mean - belief)).astype(np.float32)
    return Settled(pending, tries, usual, expected, belief, sums, felt)


def pass_year(
    key: int, week: int, agents: np.ndarray, chances: np.ndarray, registered: np.ndarray,
    present: np.ndarray, risk: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int, int]:  # fmt: skip
    """Twin of `demography.pass_year`: registered, present, risk and stays after the year, and how
    many were born and died. Persons are a list here, each with band and whether at home."""
    (deaths, ages), (leave, birth, high, focus) = chances[:2], chances[2, :4]
    registered, present, risk = (x.astype(np.int64) for x in (registered, present, risk))
    stays = np.ones(agents.size, bool)
    born = died = 0
    for h, agent in enumerate(agents):
        persons = [
            (band, i < present[h, band])
            for band in range(registered.shape[1])[::-1]
            for i in range(registered[h, band])
        ]
        who = np.full(len(persons) + 1, agent, np.uint64)
        draws = unit_reference(
            words_reference(key, Process.DEMOGRAPHY, week, who, np.arange(who.size))
        )
        if draws[0, 0] < leave:
            stays[h] = False
            continue
        after, children = [], []
        for (band, at_home), (fate, child, care, _) in zip(persons, draws[1:], strict=True):
            if band == ADULTS and child < birth:
                children.append(at_home)
            if fate < deaths[band]:
                died += 1
                if band >= OLD:
                    shares = np.cumsum(risk[h])
                    risk[h, np.searchsorted(shares, care * shares[-1], side="right")] -= 1
            elif fate < deaths[band] + (1 - deaths[band]) * ages[band]:
                turns_old = band == ADULTS
                after.append((band + 1, at_home or turns_old))
                if turns_old:
                    risk[h, np.searchsorted([high, high + focus], care, side="right")] += 1
            else:
                after.append((band, at_home))
        children = sorted(children, reverse=True)[: FULL - len(persons)]
        born += len(children)
        after += [(0, at_home) for at_home in children]
        registered[h] = np.bincount([b for b, _ in after], minlength=registered.shape[1])
        present[h] = np.bincount([b for b, home in after if home], minlength=registered.shape[1])
    kind = np.uint8
    return registered.astype(kind), present.astype(kind), risk.astype(kind), stays, born, died
