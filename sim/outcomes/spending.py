"""What the public spends in a year on what there is now, by kind."""

from __future__ import annotations

from sim.processes.cost import week_costs
from sim.world.state import State


def public_floor(state: State) -> float:
    """m2 of the houses that are open this week and not the market's."""
    f = state.facilities
    return float(f.public_floor(state.lines.services)[f.is_open(state.week)].sum())


def public_costs(state: State, workers: float) -> dict[str, float]:
    """Yuan a year at this week's rate with so many workers, by kind."""
    f, p = state.facilities, state.parameters
    span = p["merger.transition_weeks"]
    ended = sum(n for week, n in state.ended if week <= state.week < week + span)
    is_open = f.is_open(state.week)
    building = float(f.yearly[is_open].sum()) + state.yearly_of_streets
    rewards = float(f.reward[is_open].sum())
    bought = float(state.contracts.in_force(state.week).sum())
    return week_costs(workers, public_floor(state), building, rewards, ended, bought, p)
