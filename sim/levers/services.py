"""Levers on what offices buy: work done by social organisations."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from sim.levers import words
from sim.levers.lever import Id, Lever
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.world.ledger import CLASS
from sim.world.state import State

NAMED = 3  # communities that a description names; more are counted


class BuyServices(Lever):
    """Has social organisations do work of one class for offices of communities, or of all, for so
    much a year and office."""

    kind: ClassVar[str] = "buy_services"

    class_: Literal[
        "complaints", "visits_high", "visits_focus", "visits_general", "self_governance"
    ] = Field(alias="class")
    yuan_year: Annotated[float, Field(strict=True, gt=0, le=1e9)]
    communities: tuple[Id, ...] | None = None
    _names: tuple[str, ...] = PrivateAttr(default=())

    def bind(self, site: Site) -> Self | None:
        if self.communities is None:
            return self
        faults = len(site.problems.errors)
        if not self.communities:
            hint = "name some, or leave the key out to mean all"
            site.error("empty-list", "the list of communities is empty", hint, "communities")
        for i, name in enumerate(self.communities):
            if name in self.communities[:i]:
                site.error(
                    "named-twice",
                    f"the community {name!r} stands twice in the list",
                    "name each once; two budgets are two levers",
                    *("communities", i),
                )
            elif name not in site.units and name not in site.outside:
                site.unknown("community", name, site.units, "communities", i)
        if len(site.problems.errors) > faults:
            return None
        inside = tuple(c for c in self.communities if c in site.units)
        if not inside:
            site.nothing_left(self.kind)
            return None
        site.leave_out("community", len(self.communities) - len(inside))
        lever = self.model_copy(update={"communities": inside})
        lever._names = tuple(site.units[c].name for c in inside)
        return lever

    def describe(self, lang: Lang = "en") -> str:
        what, yuan = words.pick(words.WORK[self.class_], lang), f"{self.yuan_year:,.0f}"
        if lang == "zh":
            return f"{self.date}：{self._who(lang)}向社会组织购买{what}，每处每年{yuan}元。"
        return (
            f"{self.date}: social organisations do {what} in {self._who(lang)}, "
            f"for {yuan} yuan a year each."
        )

    def _who(self, lang: Lang) -> str:
        if self.communities is None:
            return words.pick((f"all {words.UNITS[None][0]}", f"全部{words.UNITS[None][1]}"), lang)
        if len(self.communities) <= NAMED:
            pairs = zip(self._names, self.communities, strict=True)
            return words.listed([words.named(*pair, lang) for pair in pairs], lang)
        count = len(self.communities)
        return words.pick((amount(count, "community"), f"{count}个社区（村）"), lang)

    def apply(self, state: State) -> None:
        b = state.boundaries
        if self.communities is None:
            units = [u for u in b.units if u.alive]
        else:
            units = [b.units[b.unit_row(c)] for c in self.communities]
        for office in (u.office for u in units if u.office >= 0):
            state.contracts.add(
                office=office, work=CLASS[self.class_], yuan=self.yuan_year, first=state.week
            )
            state.agreed += self.yuan_year
