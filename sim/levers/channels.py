"""Levers on the channels beside the counter: the web, and the office's agent."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State


class OnlineService(Phased):
    """Offers government matters on the web; capable_share: of the matters that can be done there
    (by default the parameter `online.capable`)."""

    kind: ClassVar[str] = "online_service"

    capable_share: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    _share: float = PrivateAttr(default=0.0)

    def settle(self, site: Site) -> None:
        self._share = self._of(site.parameters["online.capable"])

    def _of(self, usual: float) -> float:
        share = usual if self.capable_share is None else self.capable_share
        return share * self.strength

    def say(self, lang: Lang) -> str:
        share = f"{self._share:.0%}"
        pair = (
            f"{share} of government matters can be done on the web",
            f"{share}的政务事项可网上办理",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        share = self._of(state.parameters["online.capable"])
        state.policies.online[self.rows(state)] = share


class AgencyService(Phased):
    """Lets the office's agent do the counter matters of the old and of those in hardship (代办)."""

    kind: ClassVar[str] = "agency_service"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ramp is not None:
            raise ValueError("an agent is there or not: use pilot or waves instead of ramp")
        return self

    def say(self, lang: Lang) -> str:
        pair = (
            "the office does the matters of the old and those in hardship for them",
            "为老年和困难家庭提供代办服务",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        state.policies.agency[self.rows(state)] = True
