"""Levers on what offices have: points of former seats, and floor behind the counter."""

from __future__ import annotations

from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, PrivateAttr

from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.points import give_floor, reopen_points
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.world.state import State

Share = Annotated[float, Field(strict=True, gt=0, le=1)]


class KeepServicePoints(Phased):
    """Opens points of former seats again that a redraw has closed (one centre, many points).

    A kept point has one window, the kept hours, and one worker of its office at it while it is
    open, and its culture room takes fewer in proportion. Nobody is hired; its floor has to be run.

    Centres of abolished townships are left out: their posts have gone to the centre that goes on,
    so nobody would be there to serve. They are kept by `township_points` when townships are merged
    (Pengxi county kept 12 such stations), or come back as stations with posts (`add_station`).

    share: of those closed in the scope, the ones of the units with most households first.
    """

    kind: ClassVar[str] = "keep_service_points"

    share: Share = 1.0
    _count: int | None = PrivateAttr(default=None)

    def check(self, site: Site) -> None:
        if not site.redrawn and site.sure:
            site.error(
                "nothing-redrawn",
                f"no lever has redrawn communities by {self.date}: no point has been closed",
                "let it follow the redraw, or give the redraw service_points: keep",
            )

    def settle(self, site: Site) -> None:
        if site.former is None or site.points is None:
            return
        mine = site.former & set(self._settlements)
        self._count = round(self.part(self.share) * len(mine))
        if not mine:
            site.warn(
                "none-fits",
                "no closed point of a community or village lies in the scope: nothing is opened "
                "(centres of townships are kept by township_points)",
                "scope",
            )
        if self._count == len(mine):
            site.former -= mine
            site.points |= mine
        else:
            site.former = site.points = None

    def say(self, lang: Lang) -> str:
        if self._count is None:
            share = f"{self.part(self.share):.0%}"
            pair = (
                f"{share} of the closed points of former seats open again with fewer hours",
                f"重新开放原驻地已撤销服务点的{share}（缩短开放时间）",
            )
        else:
            n = self._count
            verb = "opens" if n == 1 else "open"
            pair = (
                f"{amount(n, 'closed point')} of former seats {verb} again with fewer hours",
                f"重新开放原驻地已撤销的{n}个服务点（缩短开放时间）",
            )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        reopen_points(state, self.rows(state), self.part(self.share))
        state.touch()


class CoLocate(Phased):
    """Gives floor behind the counter to activities (办公空间趋零化).

    The culture room at the same seat takes in more in proportion to the floor; where there is none,
    the counter's house offers culture. Public floor, staff and cost stay as they are.

    share: of the office's own floor (`floor_m2` times `office_share` in offices.csv) that the
    community's activities may use.
    """

    kind: ClassVar[str] = "co_locate"

    share: Share

    def settle(self, site: Site) -> None:
        share = self.share * self.strength
        if all(site.given.get(s, 0.0) >= share for s in self._settlements):
            message = f"{share:.0%} of the office floor or more is given already: nothing changes"
            site.warn("none-fits", message, "share")
        for settlement in self._settlements:
            site.given[settlement] = max(share, site.given.get(settlement, 0.0))

    def say(self, lang: Lang) -> str:
        share = f"{self.share * self.strength:.0%}"
        pair = (
            f"{share} of the office floor is open for activities",
            f"办公用房的{share}用于居民活动",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        f = state.facilities
        points = f.is_open(state.week) & (f.office_floor > 0)
        here = points & np.isin(f.settlement, self.rows(state))
        for slot in np.flatnonzero(here).tolist():
            give_floor(state, slot, self.share * self.strength)
        state.touch()
