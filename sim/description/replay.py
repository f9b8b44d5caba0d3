"""Scenarios carried out without a run: what boundaries, offices and facilities come to.

Households are counted, not made: levers ask how many live in a settlement, never who they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import mesa
import numpy as np

from sim.case.case import Case
from sim.levers.lever import Lever
from sim.world.facilities import NEVER
from sim.world.state import State, week_of
from sim.world.world import World


def carry_out(case: Case, packages: Sequence[Sequence[Lever]]) -> list[State]:
    """The case after each package of levers (sorted by date), all in the first week in which every
    lever has acted and whatever opens or closes by one of them has done so."""
    start = _start(case)
    states = [_after(start, levers) for levers in packages]
    last = max((s.week for s in states), default=0)
    for state in states:
        days = np.concatenate([state.facilities.opened, state.facilities.closed])
        last = max(last, int(days[days < NEVER].max(initial=0)))
    for state in states:
        state.week = last
    return states


def _start(case: Case) -> State:
    """The case before any lever, its settlements counted as their table says."""
    unpeopled = World.of(replace(case, settlements=case.settlements.iloc[:0]), case.parameters)
    settlements = case.settlements.sort_values("id", kind="stable").reset_index(drop=True)
    world = replace(unpeopled, settlements=settlements)
    state = State.at_start(_host(), world, case.parameters, case.meta.start, 0, 0)
    households, persons = (
        settlements[c].to_numpy(np.float64, copy=True) for c in ("households", "persons")
    )
    state.census = replace(state.census, households=households, registered=persons)
    return state


def _after(start: State, levers: Sequence[Lever]) -> State:
    state = start.copy(_host())
    for lever in levers:
        state.week = max(state.week, week_of(lever.date, state.start))
        lever.apply(state)
    return state


def _host() -> mesa.Model:
    return mesa.Model(rng=0)
