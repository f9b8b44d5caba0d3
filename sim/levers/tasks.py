"""Levers on assigned work: what a community may refuse, what money comes with it, what goes first.

How much is assigned at all is cut by another lever.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State


class AdmissionList(Phased):
    """A list says which work may be given to a community (社区工作事项准入). What is not on it is
    refused, and done by the township's office when its windows are served. No hour is lost: what
    communities and villages refuse in a week arrives in that week at the offices of their
    townships, and waits there like all assigned work.

    refused_share: of the hours assigned, by default the parameter `admission.refused`.
    """

    kind: ClassVar[str] = "admission_list"

    refused_share: Annotated[float, Field(strict=True, gt=0, le=1)] | None = None
    _share: float = PrivateAttr(default=0.0)

    def settle(self, site: Site) -> None:
        self._share = self._of(site.parameters)

    def _of(self, parameters: Parameters) -> float:
        usual = parameters["admission.refused"]
        return (usual if self.refused_share is None else self.refused_share) * self.strength

    def say(self, lang: Lang) -> str:
        share = f"{self._share:.0%}"
        pair = (
            f"offices refuse {share} of the hours assigned to them, and their townships do these",
            f"实行工作准入，{share}的交办工作退回乡镇（街道）办理",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        state.policies.refused[self.rows(state)] = self._of(state.parameters)


class FundingFollowsTask(Phased):
    """Money comes with assigned work (费随事转). It buys hours of the same work from social
    organisations, at their price and with their time to reach full strength. The money follows the
    hours: where fewer are assigned less comes, and what a community refuses takes its money to the
    township. All of it is a public cost, whether the hours that it buys find work or not.

    yuan_hour: that come with an hour of assigned work, by default the parameter `funding.hour`.
    """

    kind: ClassVar[str] = "funding_follows_task"

    yuan_hour: Annotated[float, Field(strict=True, gt=0, le=1000)] | None = None
    _yuan: float = PrivateAttr(default=0.0)

    def settle(self, site: Site) -> None:
        self._yuan = self._of(site.parameters)

    def _of(self, parameters: Parameters) -> float:
        usual = parameters["funding.hour"]
        return (usual if self.yuan_hour is None else self.yuan_hour) * self.strength

    def say(self, lang: Lang) -> str:
        yuan = f"{self._yuan:,.0f}"
        pair = (
            f"{yuan} yuan come with every hour of assigned work, to have it done by social "
            "organisations",
            f"实行费随事转，交办工作每小时拨付{yuan}元，用于委托社会组织承办",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        rows, policies = self.rows(state), state.policies
        begins = rows[policies.funded[rows] == 0]
        policies.funded_since[begins] = state.week
        policies.funded[rows] = self._of(state.parameters)


class ServiceFirst(Phased):
    """Offices do what residents wait for first: complaints, the counter and home visits go before
    assigned work, meetings and the work of a merger. It holds in an office where it holds for more
    than half of its households.

    The hours of work and of staff are the same; only the order changes. Assigned work that is left
    too long is withdrawn, which is counted.
    """

    kind: ClassVar[str] = "service_first"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.ramp is not None:
            raise ValueError("an order holds or does not: use pilot or waves instead of ramp")
        return self

    def say(self, lang: Lang) -> str:
        pair = (
            "counters and home visits go before assigned work",
            "窗口服务和走访先于上级交办工作",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        state.policies.residents_first[self.rows(state)] = True
