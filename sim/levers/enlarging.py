"""Enlarge a facility that is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.lever import Id
from sim.levers.placing import Built, Floor
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.facilities import Enlargement
from sim.world.state import State
from sim.world.supply import LIMITED, standard_floor


class EnlargeFacility(Built):
    """Gives a facility more floor (floor_m2) or more room (capacity: visits a week, or places).

    Of the two the other follows in proportion to what is there. It opens when it is built, costs
    what the way costs, and the floor has to be run. Nobody loses a place meanwhile.
    """

    kind: ClassVar[str] = "enlarge_facility"

    facility: Id
    floor_m2: Floor | None = None
    capacity: Annotated[float, Field(strict=True, gt=0, le=1_000_000)] | None = None
    _at: str = PrivateAttr(default="")
    _opens: date = PrivateAttr(default=date.max)

    @model_validator(mode="after")
    def _one_size(self) -> Self:
        if (self.floor_m2 is None) == (self.capacity is None):
            raise ValueError("say how much more with floor_m2 or with capacity, one of them")
        return self

    def bind(self, site: Site) -> Self | None:
        if self.facility in site.outside:
            site.nothing_left(self.kind)
            return None
        place = site.facility(self.facility, "facility")
        if place is None:
            return None
        if self.capacity is not None and set(LIMITED).isdisjoint(place.services):
            site.error(
                "no-limit",
                f"nothing limits how many {words.services(place.services, 'en')} takes in "
                f"at {self.facility!r}",
                f"give floor_m2; services with a capacity are {', '.join(LIMITED)}",
                "capacity",
            )
            return None
        if place.service_floor > 0:
            more = self.floor_m2 or 0.0
            site.facilities[self.facility] = replace(
                place, service_floor=place.service_floor + more
            )
        lever = self.model_copy()
        lever._at = site.units[site.unit_of[place.settlement]].name
        lever._opens = self.date + timedelta(weeks=self.weeks_of(site.parameters))
        return lever

    def describe(self, lang: Lang = "en") -> str:
        way = words.pick(words.WAYS[self.way], lang)
        if self.floor_m2 is not None:
            pair = f"{self.floor_m2:,.0f} m2", f"{self.floor_m2:,.0f}平方米"
        else:
            room = f"{self.capacity:,.0f}"
            pair = f"room for {room} visits a week or places", f"每周{room}人次（或{room}个名额）"
        more = words.pick(pair, lang)
        if lang == "zh":
            return (
                f"{self.date}：{self._at}的设施{self.facility}扩大{more}（{way}），"
                f"{self._opens}开放。"
            )
        return (
            f"{self.date}: the facility {self.facility} in {self._at} gets {more} more, {way}, "
            f"from {self._opens}."
        )

    def apply(self, state: State) -> None:
        f, p, names = state.facilities, state.parameters, state.lines.services
        slot = f.id.index(self.facility)
        room, floor = f.capacity[slot], float(f.floor[slot])
        limited = f.offers[slot] & np.isfinite(room)
        if self.floor_m2 is not None:
            added = self.floor_m2
            more = room * (added / floor) if floor > 0 else np.zeros_like(room)
        else:
            assert self.capacity is not None
            more = np.full(room.shape, self.capacity)
            growth = self.capacity / float(room[limited].max(initial=0.0) or np.inf)
            standard = standard_floor([n for n, o in zip(names, limited, strict=True) if o],
                                      self.way, p)  # fmt: skip
            added = floor * growth if growth > 0 else standard
        gain = tuple(np.where(limited, more, 0.0).tolist())
        week = state.week + self.weeks_of(p)
        state.works.append(Enlargement(week, slot, added, gain, self.yearly_of(added, p)))
        state.open_works()
