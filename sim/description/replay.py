"""Scenarios carried out without a run: what boundaries, offices and facilities come to.

Households are counted, not made: levers ask how many live in a settlement, never who they are.
How many of them are present is an expectation here, in a run it is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import mesa
import numpy as np
import pandas as pd

from sim.case.case import Case
from sim.case.schema import AGES
from sim.levers.due import pull_due
from sim.levers.lever import Lever
from sim.world.facilities import NEVER
from sim.world.households import OLD
from sim.world.state import State
from sim.world.weeks import week_of
from sim.world.world import World


def carry_out(case: Case, packages: Sequence[Sequence[Lever]]) -> list[State]:
    """The case after each package of levers (sorted by date), all in the first week in which every
    lever has acted and whatever opens or closes by one of them has done so."""
    start = _start(case)
    states = [start.copy(_host()) for _ in packages]
    pulled = [0] * len(packages)
    week, last = 0, _last(states, packages)
    while week <= last:
        before = sum(pulled)
        for i, state in enumerate(states):
            state.week = week
            pulled[i] = pull_due(state, packages[i], pulled[i])
        week += 1
        if sum(pulled) > before:
            last = _last(states, packages)
    return states


def _last(states: Sequence[State], packages: Sequence[Sequence[Lever]]) -> int:
    """The last week in which, as far as is known by now, something happens by itself."""
    weeks = [0]
    for state, levers in zip(states, packages, strict=True):
        weeks += [week_of(lever.date, state.start) for lever in levers[-1:]]
        days = np.concatenate([state.facilities.opened, state.facilities.closed])
        weeks.append(int(days[days < NEVER].max(initial=0)))
        weeks += [work.week for work in state.works]
        if state.streets is not None:
            weeks.append(int(state.streets.edges["week"].max()))
    return max(weeks)


def _start(case: Case) -> State:
    """The case before any lever, its settlements counted as their table says."""
    unpeopled = World.of(replace(case, settlements=case.settlements.iloc[:0]), case.parameters)
    settlements = case.settlements.sort_values("id", kind="stable").reset_index(drop=True)
    world = replace(unpeopled, settlements=settlements)
    state = State.at_start(_host(), world, case.parameters, case.meta.start, 0, 0)
    households, persons = (
        settlements[c].to_numpy(np.float64, copy=True) for c in ("households", "persons")
    )
    people = np.zeros_like(state.census.people)
    people[:, 0, 0] = _present(settlements, case.parameters["persons.absent_share"])
    state.census = replace(state.census, households=households, registered=persons, people=people)
    return state


def _present(settlements: pd.DataFrame, absent_share: float) -> np.ndarray:
    """Persons present by settlement: those away are spread over everybody under 60."""
    persons = settlements["persons"].to_numpy(np.float64)
    young = settlements[list(AGES[:OLD])].to_numpy(np.float64).sum(axis=1)
    away = min(1.0, absent_share * persons.sum() / max(1.0, young.sum()))
    return persons - away * young


def _host() -> mesa.Model:
    return mesa.Model(rng=0)
