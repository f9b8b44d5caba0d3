"""Phases 3 to 5: what households ask for, where they go, and how they fare there."""

from __future__ import annotations

import numpy as np

from sim.phases.enrolment import enrol
from sim.phases.offices import ask_offices, counter_waits
from sim.phases.running import Running
from sim.processes import choice, needs, visits
from sim.world.state import State


def draw_needs(model: Running) -> None:
    """3 Needs: what every household asks for this week."""
    s, now = model.state, model.now
    now.asked = np.zeros(s.residents.pending.shape, np.uint8)
    most = int(s.parameters["needs.most_per_week"])
    needs.draw_needs(np.uint64(s.key), s.week, s.households.key, model.rates.asked, most, now.asked)


def choose_facility(model: Running) -> None:
    """4 Choice of channel and facility."""
    s, now, c, r = model.state, model.now, model.constants, model.state.residents
    h, f, near = s.households, s.facilities, model.reached.asked
    lines = s.asked
    count = int(np.count_nonzero(now.asked | r.pending))
    first = np.empty(len(lines) + 1, np.int64)
    household, matters, new, slot, rank = (np.empty(count, np.int32) for _ in range(5))
    minutes = np.empty(count)
    choice.choose(
        np.uint64(s.key), s.week, h.settlement, h.key, h.flags, now.asked, r.pending,
        near.slots, near.trips, near.own, model.reached.tastes_of(s), r.belief, r.usual, r.expected,
        f.key.astype(np.uint32), f.office_hours, c.cutoff, c.taste, c.old_users, *_channels(s),
        c.weights, first, household, matters, new, slot, rank, minutes,
    )  # fmt: skip
    now.errands = choice.Errands(first, household, matters, new, slot, rank, minutes)


def serve(model: Running) -> None:
    """5 Service at facilities: waits at counters, refusals of visits, places and lists."""
    s, now = model.state, model.now
    e, f, lines = now.errands, s.facilities, s.asked
    agents = s.households.key
    now.met, now.wait = e.slot != choice.PUT_OFF, np.zeros(e.slot.size)
    now.met &= e.slot != choice.NO_REACH
    now.matters = np.zeros((len(f), len(lines)))
    for i, line in enumerate(lines):
        rows = e.of_line(i)
        mine = rows.start + np.flatnonzero(e.slot[rows] >= 0)
        slot = e.slot[mine]
        now.matters[:, i] = np.bincount(slot, weights=e.needs[mine], minlength=len(f))
        if line.mode == "visit":
            capacity = f.capacity[:, s.lines.services.index(line.service)]
            ok = visits.served(
                s.key, s.week, i, agents[e.household[mine]], slot, e.needs[mine], capacity
            )
            now.met[mine] = ok
            load = now.matters[:, i]
            refused = np.maximum(0.0, 1 - capacity / np.maximum(load, 1e-9))
            s.posted[:, i] = s.parameters["choice.refused_minutes"] * refused
            now.wait[mine] = s.posted[slot, i]
    counter = [i for i, x in enumerate(lines) if x.mode == "counter"]
    ask_offices(model)
    waits = counter_waits(model, now.matters[:, counter].sum(axis=1))
    s.posted[:, [line.mode == "counter" for line in s.lines.asked]] = waits[:, None]
    for i in counter:
        rows = e.of_line(i)
        now.wait[rows] = np.where(e.slot[rows] >= 0, waits[np.maximum(e.slot[rows], 0)], 0.0)
    for i in s.enrolments:
        enrol(model, i)


def _channels(s: State) -> tuple[np.ndarray, np.ndarray]:
    """What is offered beside the counter, ``[S, L]``: the share of government matters that can be
    done on the web, all those of the tier `online`, and whether an agent of the own office, where
    there is one, does those of every counter."""
    government = np.array([line.service == "government" for line in s.asked])
    counter = np.array([line.mode == "counter" for line in s.asked])
    agent = s.policies.agency & (s.boundaries.column("office")[s.boundaries.unit_of] >= 0)
    web = s.policies.online[:, None] * government
    web[:, [line.tier == "online" for line in s.asked]] = 1.0
    return web, agent[:, None] & counter
