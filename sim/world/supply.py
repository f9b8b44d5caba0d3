"""Standards of supply: capacities, windows, staff, and the list of tasks (model text 6.3-6.6)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sim.case.parameters import Parameters

FLOOR_USERS = ("culture", "elder_care", "nursery", "sports", "elder_meals", "health")
LIMITED = ("health", "culture", "elder_meals", "elder_care", "nursery")
STATION = ("government", "community")
STATION_SERVICE = "community"
"""What makes a house a service station, whose floor is service floor (综合服务设施)."""
ITEMS = ("ledger", "evaluation", "task", "plaque")
"""What is assigned to offices: the items of the list of tasks."""


def default_capacity(
    service: str, floor_m2: float, persons: float, parameters: Parameters
) -> float:
    """Visits a week or places of one service; inf where nothing limits it.

    floor_m2: floor given to this service; persons: registered persons of the unit it lies in
    (sets the doctors of a health station).
    """
    p = parameters
    if service == "health":
        doctors = max(p["supply.least_doctors"], persons / p["supply.persons_per_doctor"])
        return doctors * p["supply.visits_per_doctor"]
    if service == "culture":
        return math.floor(floor_m2 / p["supply.culture_m2"]) * p["supply.culture_sessions"]
    if service == "elder_meals":
        return p["supply.meals_a_day"] * p["supply.meal_days"]
    if service == "elder_care":
        return float(math.floor(floor_m2 / p["supply.day_care_m2"]))
    if service == "nursery":
        return float(math.floor(floor_m2 / p["supply.nursery_m2"]))
    return math.inf


def floor_share(services: list[str], floor_m2: float) -> float:
    """Floor of one service in a house of several: equal parts among those that use floor."""
    return floor_m2 / max(1, sum(s in FLOOR_USERS for s in services))


def standard_floors(services: Sequence[str], way: str, parameters: Parameters) -> dict[str, float]:
    """m2 for each of these services in a facility of standard size, 0 for a service of a case's
    own; the counters of one station share its floor, which stands under the first of them."""
    p = parameters
    size = {s: p.get(f"floor.{s}", 0.0) for s in services}
    counters = [s for s in services if s in STATION]
    station = max((size[s] for s in counters), default=0.0)
    if way != "build":
        station *= p["floor.station_existing"]
    return size | dict.fromkeys(counters, 0.0) | dict.fromkeys(counters[:1], station)


def standard_floor(services: Sequence[str], way: str, parameters: Parameters) -> float:
    """m2 of a facility of standard size for these services."""
    return sum(standard_floors(services, way, parameters).values())


def least_floor(service: str, services: Sequence[str], parameters: Parameters) -> float:
    """m2 of a house for these services in which one of them has room for one visitor or place; 0
    where its room does not follow floor."""
    p = parameters
    room = {
        "culture": p["supply.culture_m2"],
        "elder_care": p["supply.day_care_m2"],
        "nursery": p["supply.nursery_m2"],
    }
    return room.get(service, 0.0) / floor_share(list(services), 1.0)


def windows_of(kind: str, persons: float, parameters: Parameters) -> float:
    """Windows of an office: by kind, of a township or street centre by registered persons."""
    p = parameters
    if kind == "village":
        return p["counter.windows_village"]
    if kind == "community":
        return p["counter.windows_community"]
    needed = math.ceil(persons / p["counter.persons_per_window"])
    return max(p["counter.least_windows_township"], float(needed))


def staff_standard(kind: str, persons: float, parameters: Parameters) -> float:
    """Workers of a unit by its registered persons (model text 6.6)."""
    p, k = parameters, kind
    raw = round(p[f"staff.{k}_base"] + p[f"staff.{k}_per_1000"] * persons / 1000)
    return float(min(max(raw, p[f"staff.{k}_least"]), p[f"staff.{k}_most"]))


def hours_of_items(parameters: Parameters) -> np.ndarray:
    """Hours a year of each item on the full list of one community, ``[items]``."""
    p = parameters
    return np.array([p[f"work.{item}s"] * p[f"work.{item}_hours"] for item in ITEMS])


def yearly_list(parameters: Parameters) -> float:
    """Hours a year of everything that is assigned to one community (the full list)."""
    return float(hours_of_items(parameters).sum())
