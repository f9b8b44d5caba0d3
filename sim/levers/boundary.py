"""What all levers on boundaries share: a plan made when they are bound, checked and carried out.

Every settlement of the units that a plan touches gets a new unit. How a plan is carried out
(offices follow their people, points are closed or kept) is `sim.levers.redrawing`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any, ClassVar, Self

from pydantic import PrivateAttr

from sim.levers import words
from sim.levers.bands import remark
from sim.levers.lever import Flag, Lever
from sim.levers.plan import (
    Plan,
    Points,
    Staff,
    StaffFloor,
    TownshipPlan,
    UnitPlan,
    share_kept,
)
from sim.levers.redrawing import redraw
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.world.state import State


class BoundaryLever(Lever):
    """A lever that draws units or townships anew.

    It conserves settlements, households, workers, backlog and facilities: all get a new owner.
    """

    redraws: ClassVar[bool] = True
    reshapes: ClassVar[bool] = True
    moves: ClassVar[bool] = True
    _plan: Plan = PrivateAttr(default=Plan((), ()))
    _before: tuple[UnitPlan, ...] = PrivateAttr(default=())
    _points: tuple[int, int] | None = PrivateAttr(default=None)
    _sizes: tuple[tuple[str, int], ...] = PrivateAttr(default=())

    def _bound(self, site: Site, plan: Plan, points: Points | None = None) -> Self:
        """A copy with its plan, which `site` carries out on the ids."""
        remark(site, plan)
        lever = self.model_copy()
        lever._plan = plan
        old = dict.fromkeys(site.unit_of[settlement] for settlement, _ in plan.unit_of)
        lever._before = tuple(site.units[unit] for unit in old)
        for doubtful in (site.loose, site.adrift):
            if not doubtful.isdisjoint(old):
                doubtful.update(u.id for u in plan.units)
        lever._points = site.redraw(plan, points)
        lever._sizes = tuple((u.id, site.size(site.members[u.id])) for u in plan.units)
        return lever

    def apply(self, state: State) -> None:
        redraw(state, self._plan)

    def content(self) -> list[Any]:
        return [*super().content(), asdict(self._plan)]


class Redrawing(BoundaryLever):
    """A boundary lever after which points may close and staff may shrink.

    service_points: what becomes of old points beside the new seats, close, keep, or a share to
    keep; township_points: the same of centres of abolished townships; staff: keep all, let
    attrition work, or cut to a floor; imposed: against the will of residents.
    """

    service_points: Points = "close"
    township_points: Points = "close"
    staff: Staff = "keep"
    imposed: Flag = False

    def apply(self, state: State) -> None:
        redraw(
            state,
            self._plan,
            self.service_points,
            self.township_points,
            self.staff,
            self.imposed,
        )

    def _say_points(self, lang: Lang) -> str:
        """What becomes of the service points beside the new seats, with numbers where known."""
        if self._points is None:
            share = f"{share_kept(self.service_points):.0%}"
            return words.pick(
                (
                    f"of the service points outside the new seats {share} stay open",
                    f"新驻地以外的服务点保留{share}",
                ),
                lang,
            )
        count, kept = self._points
        closed = count - kept
        if not count:
            pair = "no service points lie outside the new seats", "新驻地以外没有服务点"
            return words.pick(pair, lang)
        points = f"{amount(count, 'service point')} outside the new seats"
        here = f"新驻地以外的{count}个服务点"
        if not closed:
            stay = f"{points} {words.verb(count, 'stay')} open with fewer hours"
            return words.pick((stay, f"{here}保留，缩短开放时间"), lang)
        if not kept:
            return words.pick((f"{points} {words.verb(count, 'close')}", f"{here}撤销"), lang)
        return words.pick(
            (
                f"of {points} {kept:,} {words.verb(kept, 'stay')} open with fewer hours "
                f"and {closed:,} {words.verb(closed, 'close')}",
                f"{here}中保留{kept}个（缩短开放时间），撤销{closed}个",
            ),
            lang,
        )

    def _say_staff(self, lang: Lang) -> str:
        if isinstance(self.staff, StaffFloor):
            floor = f"{self.staff.floor_per_10000:g}"
            pair = (
                f"staff are cut to {floor} for 10,000 registered persons",
                f"工作人员减至每万户籍人口{floor}人",
            )
        elif self.staff == "attrition":
            pair = (
                "those who leave are not replaced until staff are at the standard",
                "工作人员只出不进，直至达到配备标准",
            )
        else:
            pair = "all staff stay", "工作人员全部保留"
        return words.pick(pair, lang)


def check_names(
    site: Site, noun: str, names: Sequence[str], known: Collection[str], *keys: str | int
) -> None:
    """Says which names of a list are unknown, or stand in it twice."""
    for i, name in enumerate(names):
        if name in names[:i]:
            message = f"the {noun} {name!r} stands twice in the list"
            site.error("named-twice", message, "name each once", *keys, i)
        elif name not in known:
            site.unknown(noun, name, known, *keys, i)


def plan_of(site: Site, units: Sequence[UnitPlan], *townships: TownshipPlan) -> Plan:
    """A plan in which these units keep their settlements."""
    rows = sorted((s, u.id) for u in units for s in site.members[u.id])
    return Plan(tuple(rows), tuple(sorted(units, key=lambda u: u.id)), townships)


def count_kinds(units: Sequence[UnitPlan], lang: Lang) -> str:
    """How many of each kind there are."""
    communities = sum(u.kind == "community" for u in units)
    counts = [(communities, "community", "社区"), (len(units) - communities, "village", "村")]
    return words.listed(
        [words.pick((amount(n, en), f"{zh}{n}个"), lang) for n, en, zh in counts if n], lang
    )
