"""Levers on the work of offices: matters on the web, and cuts of what is assigned to them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.scope import Scoped
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State
from sim.world.supply import ITEMS

Share = Annotated[float, Field(strict=True, ge=0, le=1)]


class OnlineService(Scoped):
    """Government matters can be done on the web from then on, by residents of the scope."""

    kind: ClassVar[str] = "online_service"

    capable: Share | None = None
    _share: float = PrivateAttr(default=0.0)

    def bind(self, site: Site) -> Self | None:
        lever = super().bind(site)
        if lever is not None:
            lever._share = self._capable(site.parameters)
        return lever

    def describe(self, lang: Lang = "en") -> str:
        where, share = self.where(lang), f"{self._share:.0%}"
        if lang == "zh":
            return f"{self.date}：{where}的居民可网上办理{share}的政务服务事项。"
        return (
            f"{self.date}: residents of {where} can do {share} of their government matters "
            "on the web."
        )

    def apply(self, state: State) -> None:
        state.policies.online[self.settlements(state)] = self._capable(state.parameters)

    def _capable(self, parameters: Parameters) -> float:
        return parameters["online.capable"] if self.capable is None else self.capable


class CutBurden(Scoped):
    """Cuts what is assigned to offices of the scope to these shares of the full list; part of it
    comes back (see `processes.burden`). A later cut takes the place of an earlier one."""

    kind: ClassVar[str] = "cut_burden"

    ledgers: Share | None = None
    evaluations: Share | None = None
    tasks: Share | None = None
    plaques: Share | None = None
    _left: tuple[float, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _cuts_something(self) -> Self:
        if {self.ledgers, self.evaluations, self.tasks, self.plaques} == {1.0}:
            raise ValueError("all four shares are 1, so that nothing is cut")
        return self

    def bind(self, site: Site) -> Self | None:
        lever = super().bind(site)
        if lever is not None:
            lever._left = self._remaining(site.parameters)
        return lever

    def describe(self, lang: Lang = "en") -> str:
        said = [words.pick(words.ITEMS[i], lang) for i in ITEMS]
        shares = [f"{share:.0%}" for share in self._left]
        where = self.where(lang)
        if lang == "zh":
            left = words.listed([f"{n}{s}" for n, s in zip(said, shares, strict=True)], lang)
            return f"{self.date}：{where}减负，保留{left}。"
        left = words.listed([f"{s} of {n}" for n, s in zip(said, shares, strict=True)], lang)
        return f"{self.date}: what is assigned to {where} is cut; {left} remain."

    def apply(self, state: State) -> None:
        here = self.settlements(state)
        state.policies.remaining[here] = self._remaining(state.parameters)
        state.policies.cut_week[here] = state.week

    def _remaining(self, parameters: Parameters) -> tuple[float, ...]:
        """Shares that remain, in the order of `ITEMS`."""
        given: dict[str, Any] = {item: getattr(self, f"{item}s") for item in ITEMS}
        return tuple(
            parameters[f"burden.{item}s"] if share is None else share
            for item, share in given.items()
        )
