"""What the public spends in a year on what there is now, by kind."""

from __future__ import annotations

from sim.processes.cost import week_costs
from sim.world.state import State
from sim.world.workers import ABOLISHED


def public_floor(state: State) -> float:
    """m2 of the houses that are open this week and not the market's."""
    f = state.facilities
    return float(f.public_floor(state.lines.services)[f.is_open(state.week)].sum())


def public_costs(state: State, workers: float, funds: float) -> dict[str, float]:
    """Yuan a year at this week's rate, by kind, with so many workers, and so many yuan a year that
    come with tasks."""
    f, p = state.facilities, state.parameters
    span = p["merger.transition_weeks"]
    ended = sum(n for week, n in state.ended if week <= state.week < week + span)
    is_open = f.is_open(state.week)
    building = float(f.yearly[is_open].sum()) + state.yearly_of_streets
    rewards = float(f.reward[is_open].sum())
    bought = float(state.contracts.in_force(state.week).sum()) + funds
    certified = float(state.workers.certified[state.workers.office != ABOLISHED].sum())
    subsidies = float((state.policies.subsidy * state.census.households).sum())
    return week_costs(
        workers=workers,
        certified=certified,
        public_floor_m2=public_floor(state),
        building=building,
        rewards=rewards,
        contracts=bought,
        property_management=subsidies,
        ended_units=ended,
        parameters=p,
    )
