"""Longer opening hours."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.lever import Id
from sim.levers.phased import Phased
from sim.levers.site import Place, Site
from sim.levers.sizes import check_services
from sim.levers.words import Lang, amount
from sim.world.state import State


class ExtendHours(Phased):
    """Opens facilities longer: some by id, or all with a service in the scope.

    A counter has all its windows open and binds their staff in the hours added, whether somebody
    comes or not. Rooms and doctors take in more visits in proportion; places in care do not follow
    hours. Staff, floor and cost stay.

    hours_week: hours a week afterwards, while those open longer already keep theirs; services:
    those of whose facilities all in the scope open longer; facilities: ids of some; evenings:
    whether some of the hours lie outside office hours, so that those who work can come.
    """

    kind: ClassVar[str] = "extend_hours"

    hours_week: Annotated[float, Field(strict=True, gt=0, le=168)]
    services: tuple[str, ...] = ()
    facilities: tuple[Id, ...] = ()
    evenings: Annotated[bool, Field(strict=True)] = True
    _number: int | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _which(self) -> Self:
        if bool(self.services) == bool(self.facilities):
            raise ValueError("say which with services or with facilities, one of them")
        return self

    def check(self, site: Site) -> None:
        check_services(self.services, site)
        for i, name in enumerate(self.facilities):
            if name in site.outside:
                continue
            place = site.facility(name, "facilities", i)
            if place is not None and place.hours >= self.hours_week:
                site.error(
                    "not-longer",
                    f"{name!r} is open {place.hours:g} hours a week already",
                    "give more hours_week, or leave it out",
                    *("facilities", i),
                )

    def settle(self, site: Site) -> None:
        here = set(self._settlements)
        if self.facilities or site.uncertain.isdisjoint(self.services):
            self._number = sum(
                p.settlement in here and self._meant(name, p) for name, p in site.facilities.items()
            )
            if not self._number:
                message = f"none of these is open for less than {self.hours_week:g} hours a week"
                site.warn("none-fits", f"{message}: nothing changes", "hours_week")

    def _meant(self, name: str, place: Place) -> bool:
        if place.hours >= self.hours_week:
            return False
        if self.facilities:
            return name in self.facilities
        return not set(self.services).isdisjoint(place.services)

    def say(self, lang: Lang) -> str:
        hours, n = f"{self.hours_week:g}", self._number
        what = words.services(self.services, lang)
        of = words.pick((f" with {what}", f"（{what}）"), lang) if what else ""
        late = words.pick((", evenings or weekends included", "，含晚间或周末"), lang)
        late = late if self.evenings else ""
        step = self._stage
        part = ""
        if step.strength < 1:
            part = words.pick(
                (f", {step.strength:.0%} of the way", f"（完成{step.strength:.0%}）"), lang
            )
        if lang == "zh":
            many = "" if n is None else f"{n}处"
            return f"{many}设施{of}每周开放{hours}小时{late}{part}"
        many = "facilities" if n is None else amount(n, "facility")
        verb = "opens" if n == 1 else "open"
        return f"{many}{of} {verb} {hours} hours a week{late}{part}"

    def apply(self, state: State) -> None:
        f, names = state.facilities, state.lines.services
        here = (state.week < f.closed) & np.isin(f.settlement, self.rows(state))
        if self.facilities:
            here &= np.isin(f.id, self.facilities)
        else:
            here &= f.offers[:, np.isin(names, self.services)].any(axis=1)
        visits = np.array([state.lines.mode_of(n) == "visit" for n in names])
        for slot in np.flatnonzero(here & (f.hours < self.hours_week)).tolist():
            more = (self.hours_week - float(f.hours[slot])) * self.part()
            state.facility_actors[slot].open_longer(more, visits, self.evenings)
