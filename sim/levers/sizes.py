"""What a planner should know of the services and size that a lever asks for: unknown services,
rooms for nobody, floor below what standards and rules ask, kinds that do not go under one roof."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.case.messages import did_you_mean
from sim.case.rules import library
from sim.levers import words
from sim.levers.site import Site
from sim.world.supply import FLOOR_USERS, LIMITED, STATION_SERVICE, least_floor

OPEN_GROUND = ("green", "parking")
"""Kinds whose floor is ground that nobody can build on; a sports ground may be a hall."""
LEAST_SIZES = ("health", "culture", "elder_care", "nursery")
"""Kinds whose standard size (`floor.*`) is the least that its standard allows."""
RULES_ON_STATIONS = {
    "build": "floor_of_new_service_facility",
    "rebuild": "floor_of_rebuilt_service_facility",
    "buy": "floor_of_rebuilt_service_facility",
    "rent": "floor_of_rebuilt_service_facility",
}


def check_services(services: tuple[str, ...], site: Site) -> None:
    """Says which services are unknown, have no place, or stand twice."""
    for i, service in enumerate(services):
        check_service(service, site, "services", i)
        if service in services[:i]:
            message = f"the service {service!r} stands twice in the list"
            site.error("named-twice", message, "name each once", "services", i)


def check_service(service: str, site: Site, *keys: str | int) -> None:
    """Says that a service is unknown, or has no place of its own."""
    mode = dict(zip(site.case.services["id"], site.case.services["mode"], strict=True))
    if service not in mode:
        hint = did_you_mean(service, mode)
        placed = ", ".join(s for s in mode if mode[s] != "home")
        more = f"services with a place are {placed}; a case adds its own in a services.csv"
        message = f"there is no service {service!r}"
        site.error("unknown-id", message, hint or more, *keys)
    elif mode[service] == "home":
        site.error(
            "no-place",
            f"{service} has no place of its own: staff go to the households",
            f"services with a place are {', '.join(s for s in mode if mode[s] != 'home')}",
            *keys,
        )


def check_room(services: Sequence[str], floor_m2: float, site: Site) -> None:
    """Says which services of a facility have no room for anybody on so much floor."""
    least = {s: least_floor(s, services, site.parameters) for s in services}
    tight = [s for s, m2 in least.items() if floor_m2 < m2]
    if not tight:
        return
    sharing = sum(s in FLOOR_USERS for s in services)
    shared = f", which {sharing} services share equally," if sharing > 1 else ""
    site.error(
        "too-small",
        f"{floor_m2:g} m2{shared} has no room for a single visitor or place: "
        f"{words.services(tight, 'en')}",
        f"give at least {math.ceil(max(least.values()))} m2, or a capacity",
        "floor_m2",
    )


def check_limit(services: Sequence[str], name: str, site: Site) -> bool:
    """Says where a capacity is given for what nothing limits; whether that is not so."""
    if not set(LIMITED).isdisjoint(services):
        return True
    site.error(
        "no-limit",
        f"nothing limits how many {words.services(services, 'en')} takes in{name}",
        f"give floor_m2; services with a capacity are {', '.join(LIMITED)}",
        "capacity",
    )
    return False


def check_roof(services: Sequence[str], site: Site) -> None:
    """Says where open ground is put under a roof: a house is no park, whatever its floor."""
    ground = [s for s in services if s in OPEN_GROUND]
    if ground and len(ground) < len(services):
        site.error(
            "open-ground",
            f"{words.services(ground, 'en')} lies in the open, not in a house with others",
            "add it by a lever of its own",
            *("services", services.index(ground[0])),
        )


def remark_size(
    services: Sequence[str], way: str, floor_m2: float, unit_type: str | None, site: Site
) -> None:
    """Warns of less floor than standards ask for these kinds together, or a rule of a station;
    unit_type: of the unit it lies in, None where there are several."""
    p = site.parameters
    kinds = [s for s in services if s in LEAST_SIZES]
    least = sum(p[f"floor.{s}"] for s in kinds)
    if floor_m2 < least:
        sources = "; ".join(p.entries[f"floor.{s}"].source for s in kinds)
        site.warn(
            "below-standard", f"{floor_m2:g} m2 is less than {least:g}: {sources}", "floor_m2"
        )
    for rule in library() if STATION_SERVICE in services else ():
        meant = rule.metric == RULES_ON_STATIONS.get(way)
        if meant and rule.applies_to in ("all", unit_type) and floor_m2 < rule.value:
            place = " ".join(x for x in (rule.document, rule.article) if x)
            message = f"{floor_m2:g} m2 is less than {rule.value:g}; {place}: {rule.quote}"
            site.warn("below-standard", f"{message} ({rule.id})", "floor_m2")


def remark_growth(services: Sequence[str], floor_m2: float, site: Site) -> None:
    """Warns of an enlargement in which no visitor or place more finds room."""
    least = max(least_floor(s, services, site.parameters) for s in services)
    if floor_m2 < least:
        site.warn(
            "too-small",
            f"{floor_m2:g} m2 more is less than one visitor or place takes: {math.ceil(least)} m2",
            "floor_m2",
        )
