"""6.11 Cost: what the public pays, by kind, and what residents spend in time."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters

WAYS = ("build", "rebuild", "buy", "rent", "allot")


def yearly_cost_of_way(way: str, floor_m2: float, parameters: Parameters) -> float:
    """Yuan a year of getting a floor: written off over its life, or the rent."""
    p = parameters
    if way == "rent":
        return floor_m2 * p["cost.rent"] * 12
    return floor_m2 * p[f"cost.{way}"] / p["cost.life"]


def week_costs(
    workers: float,
    public_floor_m2: float,
    yearly_building: float,
    ended_units: float,
    contracts: float,
    parameters: Parameters,
) -> dict[str, float]:
    """Yuan a year at this week's rate, by kind.

    ended_units: units that mergers ended within the transition time; their one-off cost is
    spread over it. contracts: yuan a year of social organisations, whether their hours find work
    or not.
    """
    p = parameters
    weeks = p["merger.transition_weeks"]
    return {
        "staff": workers * p["cost.worker"],
        "floor": public_floor_m2 * p["cost.floor_run"] * 12,
        "build": yearly_building,
        "contracts": contracts,
        "transition": ended_units * p["cost.transition"] * 52 / weeks,
    }


def travel_cost(minutes: np.ndarray, parameters: Parameters) -> float:
    """Yuan of residents' time for trips there and back."""
    return float(2 * np.sum(minutes) / 60 * parameters["cost.residents_hour"])
