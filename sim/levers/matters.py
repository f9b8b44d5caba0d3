"""Levers on government matters at the counter: where they are done, and how long they take."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.services import EVERYONE
from sim.world.state import State


class RouteMatters(Phased):
    """Says where government matters are done: at the township's centre and stations, or at the own
    point of the community or village; and who may bring them to a centre. Routing moves matters
    and neither makes nor loses any. Those put off before are still asked for where they were.

    township_share: of government matters that are done at the township's centre and stations, 0 to
    1, the rest being done at the own point; anywhere: centres and stations in the scope take
    residents from anywhere in the city (通办), with matters of the own point too.
    """

    kind: ClassVar[str] = "route_matters"

    township_share: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None
    anywhere: Annotated[bool, Field(strict=True)] = False

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.township_share is None and not self.anywhere:
            raise ValueError("nothing is routed: give township_share, or anywhere: true")
        if self.township_share is None and self.ramp is not None:
            raise ValueError("anywhere holds at once: use pilot or waves instead of ramp")
        return self

    def say(self, lang: Lang) -> str:
        said = []
        if self.township_share is not None:
            share, rest = f"{self.township_share:.0%}", f"{1 - self.township_share:.0%}"
            step = self.strength < 1
            pair = (
                f"{share} of government matters are {'to be ' if step else ''}done at township "
                f"centres and stations, {rest} at the own point",
                f"{share}的政务事项{'逐步' if step else ''}在乡镇（街道）中心和服务站办理，"
                f"{rest}在本社区（村）办理",
            )
            said.append(words.pick(pair, lang))
        if self.anywhere:
            pair = (
                "township centres and stations take residents from anywhere in the city",
                "乡镇（街道）中心和服务站全市通办",
            )
            said.append(words.pick(pair, lang))
        return words.listed(said, lang) if lang == "en" else "，".join(said)

    def apply(self, state: State) -> None:
        """A ramp goes an equal part of the way from what held before at every step."""
        rows, policies = self.rows(state), state.policies
        if self.township_share is not None:
            held = policies.township[rows]
            left = self._stage.steps - self._stage.step + 1 if self.ramp else 1
            state.route(rows, held + (self.township_share - held) / left)
        if self.anywhere:
            policies.anywhere[rows] = True
            f, run = state.facilities, state.facilities.operator >= 0
            run[run] = state.offices.kind[f.operator[run]] == TOWNSHIP_OFFICE
            f.open_to[run & (f.windows > 0) & policies.anywhere[f.settlement]] = EVERYONE
            state.touch()


class OneWindow(Phased):
    """One window for all matters (一窗受理): nobody is sent from one window to the next. Matters
    are as many as before, only their hours change; an office saves in proportion to the households
    of its area that it holds for.

    spared_share: of the minutes at the window, by default the parameter `one_window.spared`.
    """

    kind: ClassVar[str] = "one_window"

    spared_share: Annotated[float, Field(strict=True, gt=0, lt=1)] | None = None
    _share: float = PrivateAttr(default=0.0)

    def settle(self, site: Site) -> None:
        self._share = self._of(site.parameters)

    def _of(self, parameters: Parameters) -> float:
        usual = parameters["one_window.spared"]
        return (usual if self.spared_share is None else self.spared_share) * self.strength

    def say(self, lang: Lang) -> str:
        share = f"{self._share:.0%}"
        pair = (
            f"one window takes all matters, which spares {share} of the minutes at it",
            f"实行一窗受理，窗口办理时间减少{share}",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        state.policies.one_window[self.rows(state)] = self._of(state.parameters)
