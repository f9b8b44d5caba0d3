"""Levers on government matters at the counter: where they are done, and how long they take."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.services import TIERS
from sim.world.state import State

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
ROUTES = {
    "community": ("{} at the own point", "{}在本社区（村）办理"),
    "station": ("{} at stations and the township centre", "{}在服务站和乡镇（街道）中心办理"),
    "township": ("{} at the township centre only", "{}仅在乡镇（街道）中心办理"),
    "online": ("{} on the web", "{}网上办理"),
    "anywhere": ("{} at any centre or station of the city", "{}全市通办"),
}


class Shares(BaseModel):
    """Shares of government matters by where they can be done; together 1.

    community: at the own point of the community or village; station: at a station or the centre of
    the township; township: at its centre only; online: on the web, or with help at the own point;
    anywhere: at any station or centre of the city (通办).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    community: Share = 0.0
    station: Share = 0.0
    township: Share = 0.0
    online: Share = 0.0
    anywhere: Share = 0.0

    @model_validator(mode="after")
    def _all_matters(self) -> Self:
        total = sum(self.by_tier)
        if not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(
                f"the shares add up to {total:g}: all government matters are to be done somewhere, "
                f"so those of {', '.join(TIERS)} make 1"
            )
        return self

    @property
    def by_tier(self) -> tuple[float, ...]:
        """In the order of TIERS."""
        return tuple(getattr(self, tier) for tier in TIERS)


class RouteMatters(Phased):
    """Says where government matters are done, tier by tier. Routing moves matters and neither
    makes nor loses any. Those put off before are still asked for where they were.

    shares: of government matters by tier, 0 for a tier that is not named.
    """

    kind: ClassVar[str] = "route_matters"

    shares: Shares

    def say(self, lang: Lang) -> str:
        shares = zip(TIERS, self.shares.by_tier, strict=True)
        said = [
            words.pick(ROUTES[tier], lang).format(f"{100 * share:.3g}%")
            for tier, share in shares
            if share > 0
        ]
        way = words.part_way(self.strength, lang)
        if lang == "zh":
            step = f"，完成由原渠道调整的{way}，目标为" if self.strength < 1 else ""
            return f"政务事项分渠道办理{step}：" + "，".join(said)
        step = f"{way} of the way from where they were done to " if self.strength < 1 else "done "
        return f"government matters are {step}{words.listed(said, lang)}"

    def apply(self, state: State) -> None:
        """A ramp goes an equal part of the way from what held before at every step."""
        rows = self.rows(state)
        held = state.policies.tiers[rows]
        left = self._stage.steps - self._stage.step + 1 if self.ramp else 1
        state.route(rows, held + (np.array(self.shares.by_tier) - held) / left)


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
