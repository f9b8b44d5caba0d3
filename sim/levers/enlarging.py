"""Enlarge facilities that are there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from sim.levers import where as choosing
from sim.levers import words
from sim.levers.getting import Built, say_way
from sim.levers.lever import Id
from sim.levers.phased import Scope
from sim.levers.plan import Floor
from sim.levers.site import Place, Site
from sim.levers.sizes import check_limit, check_service, remark_growth
from sim.levers.where import Candidate, Where
from sim.levers.words import Lang, amount
from sim.processes.cost import RENTED, price_of_way
from sim.world.facilities import Enlargement
from sim.world.reach import facility_areas
from sim.world.state import State
from sim.world.supply import STATION_SERVICE, standard_floor


class EnlargeFacility(Built):
    """Gives a facility more floor or more room: one by id, or in every unit that a rule chooses its
    largest with a service.

    Of the two the other follows in proportion to what is there. It opens when it is built, costs
    what the way costs, and the floor has to be run. Nobody loses a place meanwhile.

    facility: its id in the case; service: what the facilities of a rule offer; where: rule for
    many; scope: in which units the rule chooses; floor_m2: floor that is added, to stations by
    default what their unit lacks to `floor_below`; capacity: visits a week or places that
    are added.
    """

    kind: ClassVar[str] = "enlarge_facility"

    facility: Id | None = None
    service: str | None = None
    where: Where | None = None
    scope: Scope | None = None
    floor_m2: Floor | None = None
    capacity: Annotated[float, Field(strict=True, gt=0, le=1_000_000)] | None = None
    _at: str = PrivateAttr(default="")
    _share: float = PrivateAttr(default=1.0)
    _inside: frozenset[str] | None = PrivateAttr(default=None)
    _found: tuple[int, float] | None = PrivateAttr(default=None)
    _price: float | None = PrivateAttr(default=None)
    _price_m2: float | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if (self.facility is None) == (self.where is None):
            raise ValueError("say which with facility, or with service and where")
        if (self.service is None) != (self.where is None) or (self.scope and not self.where):
            raise ValueError("service and scope go with where")
        given = (self.floor_m2 is not None) + (self.capacity is not None)
        if given != (0 if self._fills_up else 1) and not (given == 1 and self.where):
            raise ValueError("say how much more with floor_m2 or with capacity, one of them")
        return self

    @property
    def _fills_up(self) -> bool:
        """Whether each gets what its unit lacks to the rule."""
        rule = self.where is not None and self.where.floor_below is not None
        return rule and self.service == STATION_SERVICE and not (self.floor_m2 or self.capacity)

    def bind(self, site: Site) -> Self | None:
        lever = self.model_copy()
        lever._opens = self.date + timedelta(weeks=self.weeks_of(site.parameters))
        lever._share = site.case.share
        if self.where is not None:
            return lever if lever._bind_rule(site, self.where) else None
        assert self.facility is not None
        if self.facility in site.outside:
            site.nothing_left(self.kind)
            return None
        place = site.facility(self.facility, "facility")
        if place is None or not self._may_grow(site, place.services, self.facility):
            return None
        lever._at = site.units[site.unit_of[place.settlement]].name
        lever._grow(site, self.facility, place, self.floor_m2 or 0.0)
        p = site.parameters
        if self.floor_m2 is not None:
            lever._price = price_of_way(self.way, self.floor_m2, place.services, p)
            remark_growth(place.services, self.floor_m2, site)
        lever._price_m2 = price_of_way(self.way, 1.0, place.services, p)
        site.growing[self.facility] = lever._opens
        return lever

    def _may_grow(self, site: Site, services: tuple[str, ...], name: str) -> bool:
        """Says where a capacity is given for what nothing limits."""
        return self.capacity is None or check_limit(services, f" at {name!r}", site)

    def _bind_rule(self, site: Site, where: Where) -> bool:
        """Checks the keys of a rule, and counts what it chooses where that is known."""
        assert self.service is not None
        so_far = len(site.problems.found)
        check_service(self.service, site, "service")
        if where.without is not None:
            check_service(where.without, site, "where", "without")
        self._may_grow(site, (self.service,), self.service)
        if self.scope is not None:
            self._inside = frozenset(self.scope.settlements(site, "scope"))
        if site.problems.has_errors(so_far):
            return False
        if not choosing.known(site, where) or self.service in site.uncertain:
            site.uncertain.add(STATION_SERVICE)
            return True
        count, total, price = 0, 0.0, 0.0
        for unit in self._first(choosing.of_site(site, where, self._inside)):
            mine = {
                name: p
                for name, p in site.facilities.items()
                if site.unit_of[p.settlement] == unit.id and self.service in p.services
            }
            if mine:
                name = max(mine, key=lambda n: mine[n].service_floor)
                floor = where.missing(unit) if self._fills_up else self.floor_m2 or 0.0
                self._grow(site, name, mine[name], floor)
                count, total = count + 1, total + floor
                price += price_of_way(self.way, floor, mine[name].services, site.parameters)
        if self.floor_m2 is not None:
            remark_growth((self.service,), self.floor_m2, site)
        self._found = count, total
        self._price = price if self.capacity is None else None
        if not count:
            site.warn("none-fits", "no facility fits this rule: nothing is enlarged", "where")
        return True

    def _first(self, units: Any) -> list[Candidate]:
        assert self.where is not None
        return self.where.ranked(units)[: self.where.number(self._share)]

    def _grow(self, site: Site, name: str, place: Place, floor: float) -> None:
        """Carries more service floor into the site."""
        if STATION_SERVICE in place.services:
            more = place.service_floor + floor
            site.facilities[name] = replace(place, service_floor=more)

    def content(self) -> list[Any]:
        inside = None if self._inside is None else sorted(self._inside)
        return [*super().content(), self._share, inside]

    def describe(self, lang: Lang = "en") -> str:
        way, more = words.pick(words.WAYS[self.way], lang), self._say_more(lang)
        if self._price is None and self._price_m2 is not None:
            each = words.money(self._price_m2, lang)
            yearly = self.way in RENTED
            way += words.pick(
                (
                    f" at {each} a m2{' and year' if yearly else ''}",
                    f"，每平方米{'每年' if yearly else ''}{each}",
                ),
                lang,
            )
        elif self._price:
            together = self._found is not None and self._found[0] > 1
            way = say_way(self.way, self._price, lang, all_in_all=together)
        if self.where is None:
            if lang == "zh":
                return (
                    f"{self.date}：{self._at}的设施{self.facility}扩大{more}（{way}），"
                    f"{self._opens}启用。"
                )
            return (
                f"{self.date}: the facility {self.facility} in {self._at} gets {more}, "
                f"{way}, from {self._opens}."
            )
        assert self.service is not None
        what, at = words.services([self.service], lang), self.where.describe(lang)
        if lang == "zh":
            many = "" if self._found is None else f"{self._found[0]}处"
            return (
                f"{self.date}：{at}扩大{many}设施（{what}；每处{more}，{way}），{self._opens}启用。"
            )
        many = "facilities" if self._found is None else amount(self._found[0], "facility")
        one = self._found is not None and self._found[0] == 1
        verb, each = ("gets" if one else "get"), ("" if one or self._fills_up else " each")
        return (
            f"{self.date}: {many} with {what} {at} {verb} {more}{each}, {way}, from {self._opens}."
        )

    def _say_more(self, lang: Lang) -> str:
        if self._fills_up:
            total = "" if self._found is None else f"{self._found[1]:,.0f}"
            pair = (
                "what is missing" + (f" ({total} m2 in all)" if total else ""),
                "所缺面积" + (f"（共{total}平方米）" if total else ""),
            )
        elif self.floor_m2 is not None:
            pair = f"{self.floor_m2:,.0f} m2 more", f"{self.floor_m2:,.0f}平方米"
        else:
            room = f"{self.capacity:,.0f}"
            pair = (
                f"room for {room} more visits a week or places",
                f"每周{room}人次（或{room}个名额）",
            )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        f = state.facilities
        if self.where is None:
            assert self.facility is not None
            self._enlarge(state, f.id.index(self.facility), self.floor_m2)
        else:
            assert self.service is not None
            offered = f.offers[:, state.lines.services.index(self.service)]
            here = (state.week < f.closed) & offered
            unit_of = facility_areas(f, state.offices, state.boundaries)[0]
            for unit in self._first(choosing.of_state(state, self.where, self._inside)):
                row = state.boundaries.unit_row(unit.id)
                mine = np.flatnonzero(here & (unit_of == row))
                if mine.size:
                    floor = self.where.missing(unit) if self._fills_up else self.floor_m2
                    self._enlarge(state, int(mine[f.floor[mine].argmax()]), floor)
        state.open_works()

    def _enlarge(self, state: State, slot: int, floor_m2: float | None) -> None:
        """Decides on more floor, or where None on more room, for one facility."""
        f, p, names = state.facilities, state.parameters, state.lines.services
        room, floor = f.capacity[slot], float(f.floor[slot])
        limited = f.offers[slot] & np.isfinite(room)
        if floor_m2 is not None:
            added = floor_m2
            more = np.where(limited, room, 0.0) * (added / floor if floor > 0 else 0.0)
        else:
            assert self.capacity is not None
            more = np.full(room.shape, self.capacity)
            most = float(room[limited].max(initial=0.0))
            services = [n for n, there in zip(names, limited, strict=True) if there]
            # of what has no room yet a new one of standard size is added
            added = floor * self.capacity / most if most else standard_floor(services, self.way, p)
        gain = tuple(np.where(limited, more, 0.0).tolist())
        week = state.week + self.weeks_of(p)
        offered = [n for n, there in zip(names, f.offers[slot], strict=True) if there]
        yearly = self.yearly_of(added, offered, p)
        state.works.append(Enlargement(week, slot, added, gain, yearly))
