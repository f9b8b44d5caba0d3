"""Compliance: which share of units or persons keeps each rule of `sim.outcomes.rules`.

A metric is a function of the area as it is now (`Area`) and of what the rule applies to; it gives
the values of those concerned and how much each counts, or a truth for each where the rule asks for
a share. Communities and townships count once each, persons one by one. Units are judged as drawn
now, by their type now. Residents are persons present; households with somebody present are
resident ones (常住), all are registered ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sim.case.rules import Rule, rules_of
from sim.outcomes.access import SIX_BASICS, TYPES, Distances, Values
from sim.outcomes.parks import parks
from sim.world.boundaries import COMMUNITY_KIND
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.reach import facility_areas
from sim.world.state import State

Measured = tuple[np.ndarray, np.ndarray]  # values, and how much each counts
ACTIVITY = ("shop", "green", "culture")  # within 5 minutes: shop, green, place for activities
ELDER_HOUSE = ("elder_care", "elder_meals")  # a house of both is a complex


class Unknown(LookupError):
    """No facility has ever offered a service (`State.known`): what rules ask of it is unknown."""


@dataclass(frozen=True)
class Area:
    """The area as rules see it this week; what no rule asks for is not counted."""

    state: State
    distances: Distances

    @cached_property
    def persons(self) -> np.ndarray:
        """Residents, ``[S, 4]`` by travel class."""
        return self.state.census.people[:, :, :3].sum(axis=2)

    @cached_property
    def population(self) -> np.ndarray:
        """Residents of each unit, ``[U]``."""
        return self.state.boundaries.sums(self.persons.sum(axis=1))

    @cached_property
    def homes(self) -> np.ndarray:
        """Resident households of each unit, ``[U]``."""
        h, count = self.state.households, len(self.state.world.settlements)
        return self.state.boundaries.sums(np.bincount(h.settlement, h.present.any(axis=1), count))

    @cached_property
    def unit_type(self) -> np.ndarray:
        """Type of each unit, ``[U]``."""
        return self.state.boundaries.column("type")

    @cached_property
    def living(self) -> np.ndarray:
        """Units with a settlement, bool ``[U]``."""
        b = self.state.boundaries
        return np.bincount(b.unit_of, minlength=len(b.units)) > 0

    @cached_property
    def parks(self) -> dict[str, np.ndarray]:
        """Settlements near green, bool ``[S]`` (see `sim.outcomes.parks`)."""
        self._check("green")
        return parks(self.state)

    @cached_property
    def serving(self) -> tuple[np.ndarray, np.ndarray]:
        """The unit and the township of each facility, ``[F]``."""
        s = self.state
        return facility_areas(s.facilities, s.offices, s.boundaries)

    def _check(self, *services: str) -> None:
        for service in services:
            if not self.state.knows(service):
                raise Unknown(service)

    def offers(self, *services: str) -> np.ndarray:
        """Open facilities that offer all of these services, bool ``[F]``."""
        self._check(*services)
        f = self.state.facilities
        columns = [self.state.lines.services.index(s) for s in services]
        return f.is_open(self.state.week) & f.offers[:, columns].all(axis=1)

    def minutes(self, services: tuple[str, ...]) -> np.ndarray:
        """Minutes to the last of these services, ``[S, 4]``."""
        self._check(*services)
        return np.max([self.distances.service(self.state, s) for s in services], axis=0)

    def metres(self, services: tuple[str, ...]) -> np.ndarray:
        """Metres by street to the last of these services, ``[S, 1]``."""
        self._check(*services)
        lines = [self.state.lines.of_service(s)[0] for s in services]
        return self.distances.metres[:, lines].max(axis=1)[:, None]

    def units(self, place: str) -> np.ndarray:
        """Rows of the units of a type (urban, town, rural), or of all."""
        return np.flatnonzero(self.living & self._is(place, self.unit_type))

    def _is(self, place: str, kind: np.ndarray) -> np.ndarray:
        return np.full(kind.size, True) if place in ("all", "city") else kind == TYPES[place]

    def in_units(self, values: np.ndarray, which: np.ndarray) -> np.ndarray:
        """Sum of a column of facilities, of some of them, over the units they serve, ``[U]``."""
        return np.bincount(self.serving[0][which], values[which], self.living.size)

    def there(self, *services: str) -> np.ndarray:
        """Units with an open facility of all of these services, bool ``[U]``."""
        which = self.offers(*services)
        return self.in_units(np.ones(which.size), which) > 0

    def townships(self, place: str) -> np.ndarray:
        """Rows of the living townships: streets, others (town), or all (township)."""
        kinds = {"street": ("street",), "town": ("town", "township")}
        wanted = kinds.get(place, ("street", "town", "township"))
        rows = enumerate(self.state.boundaries.townships)
        return np.array([i for i, t in rows if t.alive and t.kind in wanted], np.int64)

    def living_in(self, place: str) -> np.ndarray:
        """Persons who live in units of a type, or in all (city), ``[S, 4]``."""
        here = self._is(place, self.unit_type)[self.state.boundaries.unit_of]
        return self.persons * here[:, None]


Measure = Callable[[Area, str], Measured]


def of_units(column: Callable[[Area], np.ndarray]) -> Measure:
    """A metric of units from a column ``[U]``; nan where it is unknown."""

    def measure(area: Area, place: str) -> Measured:
        rows = area.units(place)
        return column(area)[rows], np.ones(rows.size)

    return measure


def of_townships(column: Callable[[Area], np.ndarray]) -> Measure:
    """A metric of townships from a column ``[T]``."""

    def measure(area: Area, place: str) -> Measured:
        rows = area.townships(place)
        return column(area)[rows], np.ones(rows.size)

    return measure


def of_persons(near: Callable[[Area], np.ndarray]) -> Measure:
    """A metric of persons from a column ``[S, 4]``."""

    def measure(area: Area, place: str) -> Measured:
        persons = area.living_in(place)
        return np.broadcast_to(near(area), persons.shape).ravel(), persons.ravel()

    return measure


def of_whole(service: str, column: str, per: float) -> Measure:
    """A metric of the whole area: floor or capacity of a service over so many persons."""

    def measure(area: Area, place: str) -> Measured:
        f = area.state.facilities
        which = area.offers(service) & area._is(place, area.unit_type[area.serving[0]])
        j = area.state.lines.services.index(service)
        supply = f.floor if column == "floor" else f.capacity[:, j]
        persons = area.living_in(place).sum()
        return np.array([_per(supply[which].sum(), persons / per)]), np.ones(1)

    return measure


def service_floor(area: Area) -> np.ndarray:
    """m2 of service stations per 100 registered households of each unit, ``[U]``: the floor of open
    houses with a counter of the community, its kept points included."""
    floor = area.in_units(area.state.facilities.floor, area.offers("community"))
    return _per(floor, area.state.boundaries.sums(area.state.census.households) / 100)


def _health_floor(area: Area) -> np.ndarray:
    floor = area.in_units(area.state.facilities.floor, area.offers("health"))
    return _per(floor, area.population / 1000)


def _basics_there(area: Area) -> np.ndarray:
    return np.all([area.there(s) for s in SIX_BASICS], axis=0)


def _township_floor(area: Area) -> np.ndarray:
    """The largest government centre run by each township's office, ``[T]``."""
    s = area.state
    run = np.maximum(s.facilities.operator, 0)
    by_township = (s.facilities.operator >= 0) & (s.offices.kind[run] == TOWNSHIP_OFFICE)
    which = area.offers("government") & by_township
    out = np.zeros(len(s.boundaries.townships))
    np.maximum.at(out, area.serving[1][which], s.facilities.floor[which])
    return out


def _communities(area: Area) -> np.ndarray:
    """Communities (社区) in each township, ``[T]``: all of them, as no case knows where its
    built-up seat, which the rule means, ends."""
    b = area.state.boundaries
    mine = area.living & (b.column("kind") == COMMUNITY_KIND)
    return np.bincount(b.column("township")[mine], minlength=len(b.townships)).astype(np.float64)


def _elder_houses(area: Area) -> np.ndarray:
    """Houses of day care and meals in each township, ``[T]``."""
    which = area.offers(*ELDER_HOUSE)
    count = len(area.state.boundaries.townships)
    return np.bincount(area.serving[1][which], minlength=count).astype(np.float64)


def _staff(area: Area, counted: np.ndarray) -> np.ndarray:
    """Posts of the offices of each unit for which `counted` is true, ``[U]``."""
    o, w = area.state.offices, area.state.workers
    office = area.state.boundaries.column("office")
    by_office = w.by_office(counted, len(o))
    return np.where(office >= 0, by_office[np.maximum(office, 0)], 0.0)


def _certified(area: Area) -> np.ndarray:
    w = area.state.workers
    return _staff(area, w.at_work(area.state.week + 1) & w.certified)


def _workers(area: Area) -> np.ndarray:
    w = area.state.workers
    return _staff(area, w.at_work(area.state.week + 1))


def _certified_workers(area: Area, place: str) -> Measured:
    """Whether each worker of a unit of this type is certified: those who are, and the others."""
    rows = area.units(place)
    certified, all_of_them = _certified(area)[rows].sum(), _workers(area)[rows].sum()
    return np.array([1.0, 0.0]), np.array([certified, all_of_them - certified])


def _per(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """part / whole, nan where there is no whole."""
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)


MEASURES: dict[str, Measure] = {
    "households_per_community": of_units(lambda a: a.homes),
    "persons_per_community": of_units(lambda a: a.population),
    "communities_per_town_seat": of_townships(_communities),
    "service_floor_per_100_households": of_units(service_floor),
    "floor_of_township_service_centre": of_townships(_township_floor),
    "health_floor_per_1000": of_units(_health_floor),
    "nursery_places_per_1000": of_whole("nursery", "capacity", 1000),
    "sports_area_per_person": of_whole("sports", "floor", 1),
    "park_area_per_person": of_whole("green", "floor", 1),
    "share_within_500m_park": of_persons(lambda a: a.parks["share_covered"][:, None]),
    "share_within_300m_green": of_persons(lambda a: a.parks["share_300m"][:, None]),
    "share_within_15min_all_basics": of_persons(lambda a: a.minutes(SIX_BASICS) <= 15),
    "share_within_10min_all_basics": of_persons(lambda a: a.minutes(SIX_BASICS) <= 10),
    "share_within_5min_shop_green_activity": of_persons(lambda a: a.minutes(ACTIVITY) <= 5),
    "metres_15min_circle": of_persons(lambda a: a.metres(SIX_BASICS)),
    "metres_10min_circle": of_persons(lambda a: a.metres(SIX_BASICS)),
    "metres_5min_circle": of_persons(lambda a: a.metres(ACTIVITY)),
    "six_basics_complete": of_units(_basics_there),
    "share_communities_with_service_facility": of_units(lambda a: a.there("community")),
    "share_communities_with_elder_care": of_units(lambda a: a.there("elder_care")),
    "elder_complexes_per_street": of_townships(_elder_houses),
    "share_townships_with_elder_institution": of_townships(_elder_houses),
    "social_workers_per_community": of_units(_certified),
    "share_workers_certified": _certified_workers,
    "community_workers_per_10000": of_units(lambda a: _per(_workers(a), a.population / 10_000)),
}
WEEKLY = ("social_workers_per_community", "share_workers_certified", "community_workers_per_10000")
"""Metrics of staff, which change by the week; the others change with boundaries, facilities and the
population only."""


def compliance(area: Area, weekly: bool) -> Values:
    """The share that keeps each rule that the case is measured by, of those on staff (weekly) or
    of all others; none where nobody is concerned or where it is unknown."""
    out: Values = {}
    for rule in rules_of(area.state.world.rules):
        if not rule.not_judged and (rule.metric in WEEKLY) == weekly:
            share = share_of(rule, area)
            if share is not None:
                out[rule.outcome, "all"] = share
    return out


def share_of(rule: Rule, area: Area) -> float | None:
    """Which share of those it applies to keeps a rule; None where there is no answer."""
    try:
        values, weights = MEASURES[rule.metric](area, rule.applies_to)
    except Unknown:
        return None
    weights = np.where(np.isnan(values), 0.0, weights)
    if not weights.sum() > 0:
        return None
    return float((weights * rule.kept(values)).sum() / weights.sum())


def floor_per_100(area: Area) -> Values:
    """m2 of service stations per 100 registered households, that of the own unit for everybody."""
    try:
        floor = np.nan_to_num(service_floor(area))[area.state.boundaries.unit_of]
    except Unknown:
        return {}
    b, households = area.state.boundaries, area.state.census.households
    kind = b.column("type")[b.origin]
    groups = {"all": kind >= 0} | {name: kind == code for name, code in TYPES.items()}
    return {
        ("access.service_floor.per_100_households", name): float(
            np.average(floor[mine], weights=households[mine])
        )
        for name, mine in groups.items()
        if households[mine].sum() > 0
    }
