"""Levers on facilities: add and close."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.lever import Id, Lever
from sim.levers.points import POINT_SERVICES
from sim.levers.site import Place, Site
from sim.levers.words import Lang, amount
from sim.processes.cost import yearly_cost_of_way
from sim.world.boundaries import KINDS, TYPES
from sim.world.draws import id_keys
from sim.world.facilities import NEVER, PUBLIC
from sim.world.services import COMMUNITY, EVERYONE
from sim.world.state import State
from sim.world.supply import default_capacity, floor_share

COUNTER = ("government", "community")
KIND_NAMES = {code: name for name, code in KINDS.items()}
TYPE_NAMES = {code: name for name, code in TYPES.items()}


@dataclass(frozen=True)
class Candidate:
    """A unit as a rule sees it; size: households, or persons of 60 and more."""

    id: str
    kind: str
    type: str
    seat: str
    size: float
    served: bool


class Where(BaseModel):
    """Units chosen by rule at the lever's date: of a kind, without a service, the first by a rank.

    kind: communities or villages only; type: urban, town or rural ones only; without: a service
    that they lack; count: how many, in the whole case (a scope takes its share, at least one);
    rank: those with most households, or most old people, first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["community", "village"] | None = None
    type: Literal["urban", "town", "rural"] | None = None
    without: str | None = None
    count: Annotated[int, Field(strict=True, ge=1)] | None = None
    rank: Literal["households", "old"] = "households"

    @property
    def columns(self) -> list[str]:
        """The columns of settlements that units are ranked by."""
        return ["households"] if self.rank == "households" else ["age_60_79", "age_80"]

    def choose(self, units: Iterable[Candidate], share: float) -> list[str]:
        """Seats of the units chosen; share: of the case's households that lie in the scope."""
        fit = [
            u
            for u in units
            if not u.served and self.kind in (None, u.kind) and self.type in (None, u.type)
        ]
        fit.sort(key=lambda u: (-u.size, u.id))
        most = len(fit) if self.count is None else max(1, round(self.count * share))
        return [u.seat for u in fit[:most]]

    def describe(self, lang: Lang) -> str:
        """Where that is, in words."""
        kind = words.pick(words.UNITS[self.kind], lang)
        type_ = words.pick(words.TYPES[self.type], lang) if self.type else ""
        lack = words.services([self.without], lang) if self.without else ""
        old = self.rank == "old"
        if lang == "zh":
            first = ("老年人口最多" if old else "户数最多") if self.count else ""
            which = words.listed([x for x in (lack and f"没有{lack}", first) if x], "zh")
            return f"在{which}{'的' if which else ''}{type_}{kind}"
        first = f" that have most {'old people' if old else 'households'}" if self.count else ""
        return (
            " ".join(["in the", type_, kind]).replace("  ", " ")
            + (f" without {lack}" if lack else "")
            + first
        )


class AddFacility(Lever):
    """Adds a facility in one settlement, at the seat of one community, or in many by a rule.

    services: what it offers; community: id of the unit at whose seat it opens; settlement: id of
    the settlement it opens in; where: rule for many; name: as people will call it; floor_m2: floor,
    by default the standard of its services; capacity: visits a week or places, by default by rule;
    way: how the floor is got.
    """

    kind: ClassVar[str] = "add_facility"

    services: Annotated[tuple[str, ...], Field(min_length=1)]
    community: Id | None = None
    settlement: Id | None = None
    where: Where | None = None
    name: str | None = None
    floor_m2: Annotated[float, Field(strict=True, gt=0, le=200_000)] | None = None
    capacity: Annotated[float, Field(strict=True, ge=0)] | None = None
    way: Literal["build", "rebuild", "buy", "rent", "allot"] = "build"
    _share: float = PrivateAttr(default=1.0)
    _floor: float = PrivateAttr(default=0.0)
    _number: int | None = PrivateAttr(default=None)
    _at: tuple[str, str] = PrivateAttr(default=("", ""))

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if sum(x is not None for x in (self.community, self.settlement, self.where)) != 1:
            raise ValueError("say where with exactly one of community, settlement, where")
        return self

    def bind(self, site: Site) -> Self | None:
        faults = len(site.problems.errors)
        self._check_services(site)
        lever = self.model_copy()
        lever._share, lever._floor = site.case.share, self.floor(site.parameters)
        seats: list[str] | None
        if self.where is not None:
            seats = lever._seats(site, self.where)
        else:
            noun = "community" if self.community is not None else "settlement"
            place = self.community or self.settlement or ""
            known = site.units if self.community is not None else site.unit_of
            if place in site.outside:
                site.nothing_left(self.kind)
                return None
            if place not in known:
                site.unknown(noun, place, known, noun)
                return None
            unit = site.units[place if self.community is not None else site.unit_of[place]]
            lever._at = unit.name, place
            seats = [unit.seat if self.community is not None else place]
        if len(site.problems.errors) > faults:
            return None
        if seats == []:
            site.warn("none-fits", "no unit fits this rule: nothing is added", "where")
        for seat in seats or ():
            site.facilities[f"{self.date} {self.services} {seat}"] = Place(self.services, seat)
        lever._number = None if seats is None else len(seats)
        return lever

    def _check_services(self, site: Site) -> None:
        for i, service in enumerate(self.services):
            self._check_service(site, service, "services", i)
            if service in self.services[:i]:
                message = f"the service {service!r} stands twice in the list"
                site.error("named-twice", message, "name each once", "services", i)
        if self.where is not None and self.where.without is not None:
            self._check_service(site, self.where.without, "where", "without")

    def _check_service(self, site: Site, service: str, *keys: str | int) -> None:
        mode = dict(zip(site.case.services["id"], site.case.services["mode"], strict=True))
        if service not in mode:
            site.unknown("service", service, mode, *keys)
        elif mode[service] == "home":
            site.error(
                "no-place",
                f"{service} has no place of its own: staff go to the households",
                f"services with a place are {', '.join(s for s in mode if mode[s] != 'home')}",
                *keys,
            )

    def _seats(self, site: Site, where: Where) -> list[str] | None:
        """Where the rule puts facilities, None where that is known at the run only."""
        if where.without in POINT_SERVICES and site.redrawn:
            return None
        size = site.case.settlements[where.columns].sum(axis=1).tolist()
        persons = dict(zip(site.case.settlements["id"], size, strict=True))
        served = {
            site.unit_of[p.settlement]
            for p in site.facilities.values()
            if where.without in p.services and (p.opened is None or p.opened <= self.date)
        }
        units = (
            Candidate(
                u.id, u.kind, u.type, u.seat, sum(map(persons.__getitem__, site.members[u.id])),
                u.id in served,
            )
            for u in site.units.values()
        )  # fmt: skip
        return where.choose(units, self._share)

    def describe(self, lang: Lang = "en") -> str:
        what = words.services(self.services, lang)
        way, floor = words.pick(words.WAYS[self.way], lang), f"{self._floor:,.0f}"
        number = self._number
        if self.where is not None:
            at = self.where.describe(lang)
            some = number is None
            if lang == "zh":
                many = "若干" if some else f"{number}"
                return f"{self.date}：{at}新增{many}处设施（{what}；每处{floor}平方米，{way}）。"
            many = "facilities" if some else amount(number or 0, "facility")
            opens, each = ("opens", "") if number == 1 else ("open", " each")
            return f"{self.date}: {many} with {what} {opens} {at}, {floor} m2{each}, {way}."
        place = words.named(*self._at, lang)
        if lang == "zh":
            return f"{self.date}：在{place}新增1处设施（{what}；{floor}平方米，{way}）。"
        return f"{self.date}: a facility with {what} opens in {place}, {floor} m2, {way}."

    def content(self) -> list[Any]:
        return [*super().content(), self._share]

    def floor(self, parameters: Parameters) -> float:
        """m2: as given, or the sum of the standard sizes of its services."""
        if self.floor_m2 is not None:
            return self.floor_m2
        return sum(parameters.get(f"floor.{s}", 0.0) for s in self.services)

    def apply(self, state: State) -> None:
        rows = {name: row for row, name in enumerate(state.world.settlements["id"])}
        for row in self._rows(state, rows):
            self._add(state, row)
        state.touch()

    def _rows(self, state: State, rows: dict[str, int]) -> list[int]:
        """Settlements that get one, as rows."""
        b = state.boundaries
        if self.settlement is not None:
            return [rows[self.settlement]]
        if self.community is not None:
            return [b.units[b.unit_row(self.community)].seat]
        assert self.where is not None
        settlements = state.world.settlements
        size = b.sums(settlements[self.where.columns].sum(axis=1).to_numpy(np.float64))
        served = np.zeros(len(b.units), bool)
        if self.where.without is not None:
            f, j = state.facilities, state.lines.services.index(self.where.without)
            served[b.unit_of[f.settlement[f.is_open(state.week) & f.offers[:, j]]]] = True
        ids = list(rows)
        units = (
            Candidate(
                u.id, KIND_NAMES[u.kind], TYPE_NAMES[u.type], ids[u.seat], size[i], bool(served[i])
            )
            for i, u in enumerate(b.units)
            if u.alive
        )
        return [rows[seat] for seat in self.where.choose(units, self._share)]

    def _add(self, state: State, settlement: int) -> None:
        b, f, p = state.boundaries, state.facilities, state.parameters
        unit = int(b.unit_of[settlement])
        persons = float(state.census.registered[b.unit_of == unit].sum())
        place = state.world.settlements.iloc[settlement]
        names = state.lines.services
        offers, capacity = np.zeros(len(names), bool), np.full(len(names), np.inf)
        floor = self.floor(p)
        for service in self.services:
            j = names.index(service)
            offers[j] = True
            rule = default_capacity(service, floor_share(list(self.services), floor), persons, p)
            capacity[j] = rule if self.capacity is None or np.isinf(rule) else self.capacity
        counter = not set(COUNTER).isdisjoint(self.services)
        key = f"A-{self.date}-{'+'.join(self.services)}-{place['id']}"
        if key in f.id:  # two of one kind in one place on one day
            key += f"-{sum(i.startswith(key) for i in f.id)}"
        f.add(
            id=key,
            name=self.name or key,
            key=id_keys([key])[0],
            settlement=settlement,
            x=float(place["x"]),
            y=float(place["y"]),
            offers=offers,
            capacity=capacity,
            open_to=COMMUNITY if counter else EVERYONE,
            operator=b.units[unit].office if counter else PUBLIC,
            floor=floor,
            windows=p["counter.kept_windows"] if counter else 0.0,
            hours=p["counter.hours"],
            office_hours=counter,
            opened=state.week,
            closed=NEVER,
            point=False,
            kept=False,
            yearly=yearly_cost_of_way(self.way, floor, p),
        )
        state.seat_actors()


class CloseFacility(Lever):
    """Closes a facility for good.

    facility: its id in the case.
    """

    kind: ClassVar[str] = "close_facility"

    facility: Id
    _at: str = PrivateAttr(default="")

    def bind(self, site: Site) -> Self | None:
        if self.facility in site.outside:
            site.nothing_left(self.kind)
            return None
        earlier = site.closed.get(self.facility)
        if earlier is not None:
            site.error(
                "closed-already",
                f"the facility {self.facility!r} is closed on {earlier.date} ({earlier})",
                "leave one of the two out",
                "facility",
            )
            return None
        if self.facility not in site.facilities:
            known = set(site.case.facilities["id"])
            site.unknown("facility", self.facility, known, "facility")
            return None
        assert site.standing is not None
        place = site.facilities.pop(self.facility)
        site.closed[self.facility] = site.standing
        lever = self.model_copy()
        lever._at = site.units[site.unit_of[place.settlement]].name
        return lever

    def describe(self, lang: Lang = "en") -> str:
        if lang == "zh":
            return f"{self.date}：关闭{self._at}的设施{self.facility}。"
        return f"{self.date}: the facility {self.facility} in {self._at} closes."

    def apply(self, state: State) -> None:
        slot = state.facilities.id.index(self.facility)
        state.facility_actors[slot].close(state.week)
        state.touch()
