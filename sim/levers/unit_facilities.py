"""Facilities of residents' units (workplaces, schools) that are opened to everyone."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.lever import Id
from sim.levers.placing import Placed
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.world.facilities import MARKET
from sim.world.services import EVERYONE
from sim.world.state import State
from sim.world.supply import STATION


class OpenUnitFacility(Placed):
    """Opens sports grounds, libraries or car parks of residents' units to everyone, for a reward.

    They are there already, in the case's table or outside it. They open at once. Their owner runs
    them, so that the public pays nothing but the reward.

    facilities: ids of the case's, open to their community only so far; services: what others offer
    (a library culture, a car park parking); reward: yuan a year and facility,
    by default the parameter `cost.unit_reward`.
    """

    kind: ClassVar[str] = "open_unit_facility"

    services: tuple[str, ...] = ()
    facilities: Annotated[tuple[Id, ...], Field(min_length=1)] | None = None
    reward: Annotated[float, Field(strict=True, ge=0)] | None = None
    _paid: float = PrivateAttr(default=0.0)

    @classmethod
    def places(cls) -> tuple[str, ...]:
        return ("community", "settlement", "where", "facilities")

    @model_validator(mode="after")
    def _services_or_ids(self) -> Self:
        if bool(self.services) == (self.facilities is not None):
            raise ValueError("say which with facilities (of the case), or services that are new")
        if self.facilities is not None and (self.floor_m2, self.capacity) != (None, None):
            raise ValueError("facilities of the case keep their floor_m2 and capacity")
        return self

    @property
    def operator(self) -> int:
        """Their owner, not the public."""
        return MARKET

    @property
    def prefix(self) -> str:
        return f"U-{self.date}-{'+'.join(self.services)}"

    def yearly_reward(self, parameters: Parameters) -> float:
        return parameters["cost.unit_reward"] if self.reward is None else self.reward

    def bind(self, site: Site) -> Self | None:
        so_far = len(site.problems.found)
        for i, service in enumerate(self.services):
            if service in STATION:
                site.error(
                    "no-counter",
                    f"a residents' unit has no counter for {service}",
                    "use add_facility",
                    *("services", i),
                )
        lever = super().bind(site) if self.facilities is None else self._by_id(site)
        if lever is None or site.problems.has_errors(so_far):
            return None
        lever._paid = self.yearly_reward(site.parameters)
        return lever

    def _by_id(self, site: Site) -> Self | None:
        """Those of the case, each open to its community only so far."""
        assert self.facilities is not None
        inside = tuple(name for name in self.facilities if name not in site.outside)
        site.leave_out("facility", len(self.facilities) - len(inside))
        if not inside:
            site.nothing_left(self.kind)
            return None
        for i, name in enumerate(self.facilities):
            place = site.facility(name, "facilities", i) if name in inside else None
            if place is None:
                continue
            if place.to_everyone:
                site.error(
                    "open-already",
                    f"{name!r} is open to everyone already",
                    "leave it out",
                    *("facilities", i),
                )
            elif not set(STATION).isdisjoint(place.services):
                site.error(
                    "no-counter",
                    f"{name!r} is a counter, which serves its own area",
                    "leave it out",
                    *("facilities", i),
                )
            else:
                site.facilities[name] = replace(place, to_everyone=True)
        lever = self.model_copy(update={"facilities": inside})
        lever._number = len(inside)
        return lever

    def describe(self, lang: Lang = "en") -> str:
        n = self._number if self.where is not None or self.facilities is not None else 1
        paid = f"{self._paid:,.0f}"
        if self.facilities is not None:
            what, at = words.listed(self.facilities, lang), ""
            size = ""
        else:
            what, at = words.services(self.services, lang), self.say_place(lang)
            size = self.say_floor(lang)
        if lang == "zh":
            many = "若干" if n is None else f"{n}"
            inside = "；".join(x for x in (what, size) if x)
            return (
                f"{self.date}：{at}单位向居民开放{many}处设施（{inside}），每处每年奖补{paid}元。"
            )
        many = "facilities" if n is None else amount(n, "facility")
        rest = "".join(f"{x}, " for x in (at, size) if x).removesuffix(", ")
        where = f" {rest}" if rest else ""
        join = ":" if self.facilities is not None else " with"
        return (
            f"{self.date}: residents' units open {many} to everyone{join} {what}{where}, "
            f"for {paid} yuan a year{'' if n == 1 else ' each'}."
        )

    def apply(self, state: State) -> None:
        if self.facilities is None:
            super().apply(state)
            return
        f = state.facilities
        for slot in map(f.id.index, self.facilities):
            f.open_to[slot] = EVERYONE
            f.reward[slot] += self.yearly_reward(state.parameters)
        state.touch()
