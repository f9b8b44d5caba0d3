"""Levers on facilities: add, add many in batches, and close."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr, model_validator

from sim.levers import words
from sim.levers.getting import Built, say_way
from sim.levers.lever import Id, Lever
from sim.levers.phased import Batches
from sim.levers.placing import Placed
from sim.levers.site import Place, Site
from sim.levers.where import Candidate
from sim.levers.words import Lang, amount
from sim.processes.cost import price_of_way
from sim.world.state import State
from sim.world.supply import STATION_SERVICE


class AddFacility(Built, Placed):
    """Adds a facility in one settlement, at the seat of one community, or in many by a rule.

    It opens when it is built and costs what the way costs. Nothing else changes: whoever has a
    nearer one goes there by choice.
    """

    kind: ClassVar[str] = "add_facility"

    _price: float = PrivateAttr(default=0.0)

    @property
    def house(self) -> str:
        return self.way

    def _placed(self, found: list[tuple[str, float]] | None, site: Site) -> Self | None:
        floor = self._floor if found is None else sum(m2 for _, m2 in found)
        self._price = price_of_way(self.way, floor, self.services, site.parameters)
        return super()._placed(found, site)

    def describe(self, lang: Lang = "en") -> str:
        what, at = words.services(self.services, lang), self.say_place(lang)
        way, floor = self._say_way(lang), self.say_floor(lang)
        number = self._number if self.where is not None else 1
        if lang == "zh":
            decided, opens = ("", "") if self.at_once else ("决定", f"，{self._opens}开放")
            many = "若干" if number is None else f"{number}"
            return (
                f"{self.date}{self._step(lang)}：{decided}{at}新增{many}处设施"
                f"（{what}；{floor}，{way}）{opens}。"
            )
        one = number == 1
        many = "facilities" if number is None else amount(number, "facility")
        if self.where is None:
            many = "a facility"
        if self.at_once:
            verb, later = ("opens" if one else "open"), ""
        else:
            verb = "is decided" if one else "are decided"
            later = f"; {'it opens' if one else 'they open'} on {self._opens}"
        return (
            f"{self.date}{self._step(lang)}: {many} with {what} {verb} {at}, {floor}, {way}{later}."
        )

    def _say_way(self, lang: Lang) -> str:
        """How it is come by, and for how much."""
        if self._number is None:
            each = words.pick((" each", "每处"), lang)
            said = say_way(self.way, self._price, lang)
            return f"{said}{each}" if lang == "en" else said.replace("，", f"，{each}")
        if self._number == 0:
            return words.pick(words.WAYS[self.way], lang)
        return say_way(self.way, self._price, lang, all_in_all=self._number > 1)

    def _step(self, lang: Lang) -> str:
        """Which batch of a programme this is."""
        return ""


class AddProgramme(AddFacility):
    """Adds facilities of one kind in batches, each to the communities that then rank first by the
    rule and have none of the programme yet.

    Each batch is decided on its own day and opens when it is built.

    where: rule, whose count is that of all batches together; without one every unit that fits gets
    a facility. batches: how many, and the weeks between them.
    """

    kind: ClassVar[str] = "add_programme"

    batches: Batches
    _first: date | None = PrivateAttr(default=None)
    _batch: int = PrivateAttr(default=0)
    _origin: Self | None = PrivateAttr(default=None)
    _reached: set[str] = PrivateAttr(default_factory=set)

    @model_validator(mode="after")
    def _by_rule(self) -> Self:
        if self.where is not None and (self.where.count or self.batches.number) < (
            self.batches.number
        ):
            raise ValueError("there are fewer facilities than batches")
        return self

    @classmethod
    def places(cls) -> tuple[str, ...]:
        return ("where",)

    def stages(self, site: Site) -> Iterator[Self]:
        """One lever for each batch, with its own date."""
        reached: set[str] = set()
        for i in range(self.batches.number):
            day = self.date + timedelta(weeks=i * self.batches.weeks)
            lever = self.model_copy(update={"date": day})
            lever._first, lever._batch, lever._origin = self.date, i, self
            lever._reached = reached
            yield lever

    def turned(self, site: Site) -> Collection[str]:
        return {site.unit_of[s] for s in self._reached}

    def taken(self, state: State) -> Collection[str]:
        b, f = state.boundaries, state.facilities
        mine = [s for i, s in zip(f.id, f.settlement, strict=True) if i.startswith(self.prefix)]
        return {b.units[u].id for u in b.unit_of[mine]}

    def first(self, ranked: list[Candidate], taken: Collection[str]) -> list[Candidate]:
        assert self.where is not None
        left = [u for u in ranked if u.id not in taken]
        i, n, number = self._batch, self.batches.number, self.where.number(self._share)
        if number is None:
            return left[: -(-len(left) // (n - i))]
        return left[: number * (i + 1) // n - number * i // n]

    def _placed(self, found: list[tuple[str, float]] | None, site: Site) -> Self | None:
        self._reached.update(seat for seat, _ in found or ())
        return super()._placed(found, site)

    def empty(self, site: Site) -> bool:
        """A batch of a small scope may have nothing to do; the first says so."""
        return super().empty(site) if self.begins else False

    @property
    def begins(self) -> bool:
        return self._batch == 0

    @property
    def prefix(self) -> str:
        return f"G-{self._first or self.date}-{'+'.join(self.services)}"

    def _step(self, lang: Lang) -> str:
        i, n = self._batch + 1, self.batches.number
        return words.pick((f" (batch {i} of {n})", f"（第{i}/{n}批）"), lang)

    def written(self) -> Self:
        return self._origin or self

    def content(self) -> list[Any]:
        return [*super().content(), str(self._first), self._batch]


class CloseFacility(Lever):
    """Closes a facility for good. Who has a place there applies elsewhere; its staff and hours go
    to the other work of their office.

    facility: its id in the case.
    """

    kind: ClassVar[str] = "close_facility"

    facility: Id
    _at: str = PrivateAttr(default="")

    def bind(self, site: Site) -> Self | None:
        if self.facility in site.outside:
            site.nothing_left(self.kind)
            return None
        place = site.facility(self.facility, "facility")
        if place is None:
            return None
        assert site.standing is not None
        larger = site.growing.get(self.facility)
        if larger is not None and larger > self.date:
            site.warn(
                "closes-first",
                f"{self.facility!r} closes before it gets larger on {larger}: the enlargement "
                "changes nothing",
                "facility",
            )
        site.close(self.facility)
        self._say_none_left(site, place)
        lever = self.model_copy()
        lever._at = site.units[site.unit_of[place.settlement]].name
        return lever

    def _say_none_left(self, site: Site, place: Place) -> None:
        """Warns where a unit has no counter for its community affairs any more: others' counters
        are not open to it."""
        unit = site.units[site.unit_of[place.settlement]]
        of_unit = STATION_SERVICE in place.services and STATION_SERVICE not in site.uncertain
        if of_unit and not any(
            STATION_SERVICE in p.services and site.unit_of[p.settlement] == unit.id
            for p in site.facilities.values()
        ):
            message = f"{unit.name} ({unit.id}) has no counter left: nobody serves its households"
            site.warn("no-counter-left", message, "facility")

    def describe(self, lang: Lang = "en") -> str:
        if lang == "zh":
            return f"{self.date}：关闭{self._at}的设施{self.facility}。"
        return f"{self.date}: the facility {self.facility} in {self._at} closes."

    def apply(self, state: State) -> None:
        slot = state.facilities.id.index(self.facility)
        state.facility_actors[slot].close(state.week)
        state.facilities.ended[slot] = False  # no measure on former points opens it again
        state.touch()
