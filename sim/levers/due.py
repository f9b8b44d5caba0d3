"""Levers pulled when their week has come, in a run as in a mere count of what they come to."""

from __future__ import annotations

from collections.abc import Sequence

from sim.levers.lever import Lever
from sim.world.state import State
from sim.world.weeks import week_of


def pull_due(state: State, levers: Sequence[Lever], pulled: int) -> int:
    """Pulls the levers (sorted by date) after the first `pulled` whose first week this is or was,
    and opens the works that are ready; returns how many levers have been pulled by now."""
    for lever in levers[pulled:]:
        if week_of(lever.date, state.start) > state.week:
            break
        lever.apply(state)
        pulled += 1
    state.open_works()
    return pulled
