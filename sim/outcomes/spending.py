"""What the public spends in a year on what there is now, by kind."""

from __future__ import annotations

from sim.processes.cost import week_costs
from sim.world.facilities import MARKET
from sim.world.state import State

INDOOR = ("government", "community", "health", "culture", "elder_meals", "elder_care", "nursery")
"""Services that need a house; the area of sports grounds and parks is not floor to be run."""


def public_floor(state: State) -> float:
    """m2 of the houses that are open this week and not the market's."""
    f = state.facilities
    indoor = [state.lines.services.index(x) for x in INDOOR]
    public = f.is_open(state.week) & (f.operator != MARKET) & f.offers[:, indoor].any(axis=1)
    return float(f.floor[public].sum())


def public_costs(state: State, workers: float) -> dict[str, float]:
    """Yuan a year at this week's rate with so many workers, by kind."""
    f, p = state.facilities, state.parameters
    span = p["merger.transition_weeks"]
    ended = sum(n for week, n in state.ended if week <= state.week < week + span)
    building = float(f.yearly[f.is_open(state.week)].sum())
    bought = float(state.contracts.in_force(state.week).sum())
    return week_costs(workers, public_floor(state), building, ended, bought, p)
