"""Levers on boundaries: redraw from tables, and merge a list of units.

Both come down to one `Plan`: every settlement of the units they touch gets a new unit. How a plan
is carried out (offices follow their people, points are closed or kept) is `sim.levers.redrawing`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PrivateAttr

from sim.case.messages import did_you_mean
from sim.levers import words
from sim.levers.lever import Flag, Id, Lever
from sim.levers.plan import Plan, Points, Staff, StaffFloor, UnitPlan, share_kept
from sim.levers.redrawing import redraw
from sim.levers.site import Site
from sim.levers.tables import RedrawTables
from sim.levers.words import Lang, amount
from sim.world.state import State


class _Redrawing(Lever):
    """What the two levers share: points, staff, and the plan made when it is bound to a case.

    service_points: what becomes of old points beside the new seats, close, keep, or a share to
    keep; township_points: the same of centres of abolished townships; staff: keep all, let
    attrition work, or cut to a floor; imposed: against the will of residents.
    """

    redraws: ClassVar[bool] = True

    service_points: Points = "close"
    township_points: Points = "close"
    staff: Staff = "keep"
    imposed: Flag = False
    _plan: Plan = PrivateAttr(default=Plan((), ()))
    _before: tuple[UnitPlan, ...] = PrivateAttr(default=())
    _points: tuple[int, int] | None = PrivateAttr(default=None)

    def _bound(self, site: Site, plan: Plan) -> Self:
        """A copy with its plan, which `site` carries out on the ids."""
        lever = self.model_copy()
        lever._plan = plan
        old = dict.fromkeys(site.unit_of[settlement] for settlement, _ in plan.unit_of)
        lever._before = tuple(site.units[unit] for unit in old)
        lever._points = site.redraw(plan, self.service_points)
        return lever

    def apply(self, state: State) -> None:
        redraw(
            state,
            self._plan,
            self.service_points,
            self.township_points,
            self.staff,
            self.imposed,
        )

    def content(self) -> list[Any]:
        return [*super().content(), asdict(self._plan)]

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
            stay = f"{points} {_verb(count, 'stay')} open with fewer hours"
            return words.pick((stay, f"{here}保留，缩短开放时间"), lang)
        if not kept:
            return words.pick((f"{points} {_verb(count, 'close')}", f"{here}撤销"), lang)
        return words.pick(
            (
                f"of {points} {kept:,} {_verb(kept, 'stay')} open with fewer hours "
                f"and {closed:,} {_verb(closed, 'close')}",
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


class RedrawCommunities(_Redrawing):
    """Redraws units and townships from tables of the case (a reform, as it was done).

    lineage: table with the new unit of each settlement; units: table of the units afterwards;
    townships: table of the townships afterwards, where they change.
    """

    kind: ClassVar[str] = "redraw_communities"

    lineage: str
    units: str
    townships: str | None = None

    def bind(self, site: Site) -> Self | None:
        tables = RedrawTables.read(self.lineage, self.units, self.townships, site)
        if tables is None or not tables.sound(site):
            return None
        if not site.sure:  # after a faulty lever nobody can say what this one begins with
            site.named |= tables.ids
            return None
        plan, outside = tables.plan(site)
        site.outside |= outside
        site.leave_out("settlement", tables.rows - len(plan.unit_of))
        if not plan.unit_of:
            site.nothing_left(self.kind)
            return None
        return self._bound(site, plan)

    def may_make(self, site: Site) -> Collection[str] | None:
        tables = RedrawTables.read(self.lineage, self.units, self.townships, site.copy())
        return tables.ids if tables else None

    def describe(self, lang: Lang = "en") -> str:
        before, after = _kinds(self._before, lang), _kinds(self._plan.units, lang)
        old = len({u.township for u in self._before})
        new = len({u.township for u in self._plan.units})
        points, staff = self._say_points(lang), self._say_staff(lang)
        if lang == "zh":
            townships = f"，所在乡镇（街道）由{old}个调整为{new}个" if old != new else ""
            return f"{self.date}：{before}调整为{after}{townships}；{points}；{staff}。"
        townships = f", in {amount(new, 'township')} instead of {old:,}" if old != new else ""
        return f"{self.date}: {before} become {after}{townships}; {points}; {staff}."


class MergeCommunities(_Redrawing):
    """Merges two or more units of one township into one, which bears the id of the seat's unit.

    communities: ids of the communities or villages; name: of the new unit, by default that of the
    seat's; unit_kind: whether it becomes a community or a village; seat: id of the one whose seat
    stays, by default the first.
    """

    kind: ClassVar[str] = "merge_communities"

    communities: Annotated[tuple[Id, ...], Field(min_length=2)]
    name: str | None = None
    unit_kind: Literal["community", "village"] | None = None
    seat: Id | None = None

    def bind(self, site: Site) -> Self | None:
        inside = tuple(c for c in self.communities if c not in site.outside)
        if len(inside) < len(self.communities):
            if len(inside) < 2:
                site.nothing_left(self.kind)
                return None
            site.leave_out("community", len(self.communities) - len(inside))
            seat = self.seat if self.seat in inside else None
            return self.model_copy(update={"communities": inside, "seat": seat}).bind(site)
        faults = len(site.problems.errors)
        self._check(site)
        if len(site.problems.errors) > faults:
            return None
        members = [site.units[c] for c in self.communities if c in site.units]
        if len(members) < len(self.communities):
            return None  # after a faulty redraw nobody can say what they are
        if site.sure and len({u.township for u in members}) > 1:
            site.error(
                "two-townships",
                "the communities lie in different townships",
                "merge the townships first, or use redraw_communities",
                "communities",
            )
            return None
        if site.sure and not site.connected(self.communities):
            site.error(
                "not-adjacent",
                "the communities are not connected by common borders",
                "add those between them to the list",
                "communities",
            )
            return None
        assert site.standing is not None
        site.merged.update(dict.fromkeys(self.communities, site.standing))
        merged = self._merged(members)
        settlements = sorted(s for c in self.communities for s in site.members[c])
        return self._bound(site, Plan(tuple((s, merged.id) for s in settlements), (merged,)))

    def _check(self, site: Site) -> None:
        """Every community exists, and is merged once on a day."""
        for i, name in enumerate(self.communities):
            other = site.merged.get(name)
            if name in self.communities[:i]:
                site.error(
                    "named-twice",
                    f"the community {name!r} stands twice in the list",
                    "name each once",
                    *("communities", i),
                )
            elif other is not None and other.date == self.date:
                site.error(
                    "two-mergers",
                    f"the community {name!r} is merged on the same day in {other}",
                    "put all that become one into one list",
                    *("communities", i),
                )
            elif name not in site.units:
                site.unknown("community", name, site.units, "communities", i)
        if self.seat is not None and self.seat not in self.communities:
            hint = did_you_mean(self.seat, self.communities) or "name one of the communities"
            site.error(
                "seat-not-merged", f"the seat {self.seat!r} is not in the list", hint, "seat"
            )

    def may_make(self, site: Site) -> Collection[str]:
        return ()  # it bears the id of one of its members

    def _merged(self, members: Sequence[UnitPlan]) -> UnitPlan:
        """The unit that they become: at the seat's, a community where one of them is."""
        seat = next((u for u in members if u.id == self.seat), members[0])
        kinds = [u.kind for u in members]
        kind = self.unit_kind or ("community" if "community" in kinds else "village")
        default = "town" if kind == "community" else "rural"
        type_ = next((u.type for u in (seat, *members) if u.kind == kind), default)
        return UnitPlan(seat.id, self.name or seat.name, kind, type_, seat.township, seat.seat)

    def describe(self, lang: Lang = "en") -> str:
        old = {u.id: words.named(u.name, u.id, lang) for u in self._before}
        names = words.listed([old.get(c, c) for c in self.communities], lang)
        new = self._plan.units[0].name if self._plan.units else ""
        points, staff = self._say_points(lang), self._say_staff(lang)
        if lang == "zh":
            return f"{self.date}：{names}合并为{new}；{points}；{staff}。"
        return f"{self.date}: {names} become one, {new}; {points}; {staff}."


def _kinds(units: Sequence[UnitPlan], lang: Lang) -> str:
    """How many of each kind there are."""
    communities = sum(u.kind == "community" for u in units)
    counts = [(communities, "community", "社区"), (len(units) - communities, "village", "村")]
    return words.listed(
        [words.pick((amount(n, en), f"{zh}{n}个"), lang) for n, en, zh in counts if n], lang
    )


def _verb(count: int, verb: str) -> str:
    return f"{verb}s" if count == 1 else verb
