"""6.11 Cost: what the public pays, by kind, and what residents spend in time."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters

BOUGHT = ("build", "rebuild", "buy", "allot")
RENTED = ("rent", "leaseback", "share")
WAYS = BOUGHT + RENTED


def yearly_cost_of_way(way: str, floor_m2: float, parameters: Parameters) -> float:
    """Yuan a year of getting a floor: written off over its life, or the rent."""
    p = parameters
    if way in RENTED:
        return floor_m2 * p[f"cost.{way}"] * 12
    return floor_m2 * p[f"cost.{way}"] / p["cost.life"]


def yearly_cost_of_street(metres: float, parameters: Parameters) -> float:
    """Yuan a year of opening a street, written off as buildings are."""
    return metres * parameters["cost.street"] / parameters["cost.life"]


def week_costs(
    *,
    workers: float,
    certified: float,
    public_floor_m2: float,
    building: float,
    rewards: float,
    contracts: float,
    property_management: float,
    ended_units: float,
    parameters: Parameters,
) -> dict[str, float]:
    """Yuan a year at this week's rate, by kind.

    certified: workers with a certificate, who have an allowance. building: yuan a year of houses
    and streets; rewards: of residents' units that opened a facility to everyone; contracts: of
    social organisations, whether their hours find work or not, community funds among them;
    property_management: of subsidies to it. ended_units: units that mergers ended within the
    transition time; their one-off cost is spread over it.
    """
    p = parameters
    weeks = p["merger.transition_weeks"]
    return {
        "staff": workers * p["cost.worker"] + certified * p["cost.certified"],
        "floor": public_floor_m2 * p["cost.floor_run"] * 12,
        "build": building,
        "rewards": rewards,
        "contracts": contracts,
        "property": property_management,
        "transition": ended_units * p["cost.transition"] * 52 / weeks,
    }


def travel_cost(minutes: np.ndarray, parameters: Parameters) -> float:
    """Yuan of residents' time for trips there and back."""
    return float(2 * np.sum(minutes) / 60 * parameters["cost.residents_hour"])
