"""6.11 Cost: what the public pays, by kind, and what residents spend in time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sim.case.parameters import Parameters
from sim.world.services import GROUNDS
from sim.world.supply import standard_floors

BOUGHT = ("build", "rebuild", "buy", "allot")
RENTED = ("rent", "leaseback", "share")
WAYS = BOUGHT + RENTED


def price_of_kind(way: str, services: Sequence[str], parameters: Parameters) -> float:
    """What a m2 for these services costs, where one of a community office costs 1.

    The mean of their prices (`price.*`; 1 for a service of a case's own) with their standard
    floors as weights, so that a house of standard size for two kinds costs what two houses do.
    Under one roof with others a sports ground, park or car park is part of the house.
    """
    p = parameters
    roofed = [s for s in services if s not in GROUNDS] or services
    floors = standard_floors(roofed, way, p)
    whole = sum(floors.values())
    if whole == 0:
        return 1.0
    return sum(m2 * p.get(f"price.{s}", 1.0) for s, m2 in floors.items()) / whole


def price_of_way(
    way: str, floor_m2: float, services: Sequence[str], parameters: Parameters
) -> float:
    """Yuan of getting a floor for these services: once, or a year where it is rented."""
    price = floor_m2 * parameters[f"cost.{way}"] * price_of_kind(way, services, parameters)
    return price * 12 if way in RENTED else price


def yearly_cost_of_way(
    way: str, floor_m2: float, services: Sequence[str], parameters: Parameters
) -> float:
    """Yuan a year of getting a floor: written off over its life, or the rent."""
    price = price_of_way(way, floor_m2, services, parameters)
    return price if way in RENTED else price / parameters["cost.life"]


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
