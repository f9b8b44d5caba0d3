"""What all levers share that put facilities somewhere: which services, where, how large."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import where as choosing
from sim.levers import words
from sim.levers.lever import Id, Lever
from sim.levers.phased import Scope
from sim.levers.plan import Floor
from sim.levers.site import Place, Site
from sim.levers.sizes import (
    check_limit,
    check_roof,
    check_room,
    check_service,
    check_services,
    remark_size,
)
from sim.levers.where import Candidate, Where
from sim.levers.words import Lang
from sim.world.draws import id_keys
from sim.world.facilities import NEVER, PUBLIC
from sim.world.services import COMMUNITY, EVERYONE
from sim.world.state import State
from sim.world.supply import (
    STATION,
    STATION_SERVICE,
    default_capacity,
    floor_share,
    standard_floor,
)

Room = Annotated[float, Field(strict=True, ge=0)]


class Placed(Lever):
    """A lever that puts facilities with some services somewhere.

    services: what it offers; community: id of the unit at whose seat it opens; settlement: id of
    the settlement it opens in; where: rule for many; scope: in which units the rule chooses; name:
    as people will call it; floor_m2: floor, by default the standard of its services and way;
    capacity: visits a week or places, by default by rule.
    """

    services: Annotated[tuple[str, ...], Field(min_length=1)]
    community: Id | None = None
    settlement: Id | None = None
    where: Where | None = None
    scope: Scope | None = None
    name: str | None = None
    floor_m2: Floor | None = None
    capacity: Room | None = None
    _share: float = PrivateAttr(default=1.0)
    _floor: float = PrivateAttr(default=0.0)
    _number: int | None = PrivateAttr(default=None)
    _at: tuple[str, str] = PrivateAttr(default=("", ""))
    _inside: frozenset[str] | None = PrivateAttr(default=None)
    _opens: date = PrivateAttr(default=date.max)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        places = self.places()
        if sum(getattr(self, name) is not None for name in places) != 1:
            raise ValueError(f"say where with exactly one of {', '.join(places)}")
        others = {"community", "settlement"} - set(places)
        if any(getattr(self, name) is not None for name in others):
            raise ValueError(f"{self.kind} goes by where: leave out community and settlement")
        if self.scope is not None and self.where is None:
            raise ValueError("a scope goes with where")
        return self

    @classmethod
    def places(cls) -> tuple[str, ...]:
        """Keys of which one says where."""
        return ("community", "settlement", "where")

    def size(self, parameters: Parameters) -> float:
        """m2 of one facility: as given, or the standard size for its services."""
        if self.floor_m2 is not None:
            return self.floor_m2
        return standard_floor(self.services, self.house, parameters)

    @property
    def house(self) -> str:
        """The way whose standard size it has."""
        return "build"

    def weeks_of(self, parameters: Parameters) -> int:
        """Weeks from decision to opening."""
        return 0

    def yearly_of(self, floor: float, services: Sequence[str], parameters: Parameters) -> float:
        """Yuan a year that so much floor for these services costs."""
        return 0.0

    def _size_for(self, unit: Candidate, parameters: Parameters) -> float:
        """m2 of the facility of one unit: what it lacks to a rule on floor, if that is more."""
        size = self.size(parameters)
        if not self.fills_up or self.where is None:
            return size
        return max(size, self.where.missing(unit))

    @property
    def fills_up(self) -> bool:
        """Whether a station is as large as its unit lacks floor to the rule."""
        rule = self.where is not None and self.where.floor_below is not None
        return rule and self.floor_m2 is None and STATION_SERVICE in self.services

    def bind(self, site: Site) -> Self | None:
        so_far = len(site.problems.found)
        check_services(self.services, site)
        if self.where is not None and self.where.without is not None:
            check_service(self.where.without, site, "where", "without")
        if not site.problems.has_errors(so_far):
            self._check_size(site)
        lever = self.model_copy()
        lever._share, lever._floor = site.case.share, self.size(site.parameters)
        lever._opens = self.date + timedelta(weeks=self.weeks_of(site.parameters))
        if self.scope is not None:
            lever._inside = frozenset(self.scope.settlements(site, "scope"))
        noun = "community" if self.community is not None else "settlement"
        place = self.settlement if self.community is None else self.community
        if place is not None:
            known = site.units if self.community is not None else site.unit_of
            if place in site.outside:
                site.nothing_left(self.kind)
                return None
            if place not in known:
                site.unknown(noun, place, known, noun)
        if site.problems.has_errors(so_far) or (place is not None and place not in known):
            return None
        found: list[tuple[str, float]] | None
        if place is not None:
            unit = site.units[place if self.community is not None else site.unit_of[place]]
            lever._at = unit.name, place
            lever._remark(site, unit.type)
            found = [(unit.seat if self.community is not None else place, lever._floor)]
            lever._say_twice(site, found[0][0])
        else:
            lever._remark(site, self.where.type if self.where is not None else None)
            found = lever._found(site)
        return lever._placed(found, site)

    def _remark(self, site: Site, unit_type: str | None) -> None:
        """Warns of a floor below what standards ask."""
        if self.floor_m2 is not None and self.operator == PUBLIC:
            remark_size(self.services, self.house, self.floor_m2, unit_type, site)

    def _say_twice(self, site: Site, settlement: str) -> None:
        """Warns of another of one kind, in one place, on one day."""
        if any(name.startswith(f"{self.prefix} {settlement} ") for name in site.facilities):
            site.warn("added-twice", f"an earlier {self.kind} of this day adds the same here")

    def _check_size(self, site: Site) -> None:
        """Says what does not go together, where nobody fits in, and where no floor is given for a
        service of the case's own, which has no standard size."""
        check_roof(self.services, site)
        if self.capacity is not None:
            check_limit(self.services, "", site)
        elif self.floor_m2 is not None:
            check_room(self.services, self.floor_m2, site)
        if self.size(site.parameters) == 0:
            what = words.services(self.services, "en")
            site.error(
                "no-size", f"there is no standard size for {what}", "give floor_m2", "services"
            )

    @property
    def shows(self) -> date:
        return self._opens

    def _found(self, site: Site) -> list[tuple[str, float]] | None:
        """Where the rule puts facilities and how large, None where only the run will tell."""
        assert self.where is not None
        if not choosing.known(site, self.where):
            return None
        units = self.where.ranked(choosing.of_site(site, self.where, self._inside))
        first, wanted = self.first(units, self.turned(site)), self.where.number(self._share)
        if self.begins and wanted is not None and 0 < len(units) < wanted:
            fit = f"{len(units)} {'unit fits' if len(units) == 1 else 'units fit'}"
            site.warn("none-fits", f"{fit} this rule, not {wanted}: no more get one", "where")
        return [(u.seat, self._size_for(u, site.parameters)) for u in first]

    @property
    def begins(self) -> bool:
        """Whether it is the first step of what was written."""
        return True

    def turned(self, site: Site) -> Collection[str]:
        """Units that had their turn, before the run."""
        return ()

    def first(self, ranked: list[Candidate], taken: Collection[str]) -> list[Candidate]:
        """The units of a ranking that get one now; taken: units that had their turn."""
        assert self.where is not None
        return ranked[: self.where.number(self._share)]

    def _placed(self, found: list[tuple[str, float]] | None, site: Site) -> Self | None:
        """Carries what it adds into the site."""
        if found is None:
            site.uncertain |= set(self.services)
            return self
        if not found and not self.empty(site):
            return None
        station = STATION_SERVICE in self.services
        for seat, floor in found:
            place = Place(self.services, seat, 0.0, floor if station else 0.0)
            site.facilities[f"{self.prefix} {seat} {len(site.facilities)}"] = place
        self._number = len(found)
        return self

    def empty(self, site: Site) -> bool:
        """Says that nothing fits; whether the lever is kept all the same."""
        site.warn("none-fits", "no unit fits this rule: nothing is added", "where")
        return True

    @property
    def operator(self) -> int:
        """Who runs what it adds, unless it is a counter."""
        return PUBLIC

    @property
    def prefix(self) -> str:
        """What the ids of the facilities begin with."""
        return f"A-{self.date}-{'+'.join(self.services)}"

    def content(self) -> list[Any]:
        inside = None if self._inside is None else sorted(self._inside)
        return [*super().content(), self._share, inside]

    def apply(self, state: State) -> None:
        for settlement, floor in self.seats(state):
            self.add(state, settlement, floor)
        state.touch()

    def seats(self, state: State) -> list[tuple[int, float]]:
        """Settlements that get one, as rows, and the m2 of each."""
        rows = {name: row for row, name in enumerate(state.world.settlements["id"])}
        b, p = state.boundaries, state.parameters
        if self.settlement is not None:
            return [(rows[self.settlement], self.size(p))]
        if self.community is not None:
            return [(b.units[b.unit_row(self.community)].seat, self.size(p))]
        assert self.where is not None
        units = self.where.ranked(choosing.of_state(state, self.where, self._inside))
        first = self.first(units, self.taken(state))
        return [(rows[u.seat], self._size_for(u, p)) for u in first]

    def taken(self, state: State) -> Collection[str]:
        """Units that had their turn."""
        return ()

    def add(self, state: State, settlement: int, floor: float) -> None:
        """Adds one facility."""
        b, f, p = state.boundaries, state.facilities, state.parameters
        unit = int(b.unit_of[settlement])
        persons = float(state.census.registered[b.unit_of == unit].sum())
        place = state.world.settlements.iloc[settlement]
        names = state.lines.services
        offers, capacity = np.zeros(len(names), bool), np.full(len(names), np.inf)
        for service in self.services:
            j = names.index(service)
            offers[j] = True
            rule = default_capacity(service, floor_share(list(self.services), floor), persons, p)
            capacity[j] = rule if self.capacity is None or np.isinf(rule) else self.capacity
        counter = not set(STATION).isdisjoint(self.services)
        key = f"{self.prefix}-{place['id']}"
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
            operator=b.units[unit].office if counter else self.operator,
            floor=floor,
            windows=p["counter.kept_windows"] if counter else 0.0,
            hours=p["counter.hours"],
            office_hours=counter,
            opened=state.week + self.weeks_of(p),
            closed=NEVER,
            point=False,
            kept=False,
            station=False,
            yearly=self.yearly_of(floor, self.services, p),
            reward=self.yearly_reward(p),
            extra_hours=0.0,
            office_floor=0.0,
            given=0.0,
            ended=np.zeros(len(names), bool),
        )
        state.seat_actors()

    def yearly_reward(self, parameters: Parameters) -> float:
        """Yuan a year paid to whoever opens it."""
        return 0.0

    @property
    def at_once(self) -> bool:
        """Whether it opens on the day of the lever."""
        return self._opens == self.date

    def say_place(self, lang: Lang) -> str:
        """Where, in words."""
        if self.where is not None:
            return self.where.describe(lang)
        return words.pick(("in ", "在"), lang) + words.named(*self._at, lang)

    def say_floor(self, lang: Lang) -> str:
        """How large, in words."""
        floor, many = f"{self._floor:,.0f}", self.where is not None and self._number != 1
        low = self.where.floor_below if self.where is not None and self.fills_up else None
        if lang == "zh":
            each = "每处" if self.where is not None else ""
            if low:
                return f"{each}至少{floor}平方米并补足到每百户{low:g}平方米"
            return f"{each}{floor}平方米"
        said = f"{floor} m2{' each' if many else ''}"
        if low:
            return f"at least {said} and what is missing to {low:g} m2 per 100 households"
        return said
