"""Levers on boundaries: redraw from tables, and merge a list of units."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from sim.case.messages import did_you_mean
from sim.levers import words
from sim.levers.boundary import Redrawing, count_kinds
from sim.levers.doubt import under
from sim.levers.lever import Id
from sim.levers.phased import Stepped
from sim.levers.plan import Plan, UnitPlan
from sim.levers.site import Site
from sim.levers.tables import RedrawTables
from sim.levers.words import Lang, amount


class RedrawCommunities(Redrawing, Stepped):
    """Redraws units and townships from tables of the case (a reform, as it was done), at once or
    step by step: what belongs together waits until the steps have reached all of it.

    lineage: table with the new unit of each settlement; units: table of the units afterwards;
    townships: table of the townships afterwards, where they change.
    """

    kind: ClassVar[str] = "redraw_communities"

    lineage: str
    units: str
    townships: str | None = None

    def bind(self, site: Site) -> Self | None:
        so_far = len(site.problems.found)
        tables = RedrawTables.read(self.lineage, self.units, self.townships, site)
        wanted = self.wanted(site)
        if tables is None or not tables.sound(site) or wanted is None:
            return None
        if site.problems.has_errors(so_far):  # found in reading, and not by the checks
            return None
        if not site.sure:  # after a faulty lever nobody can say what this one begins with
            site.named |= tables.ids
            return None
            return None
        due = self._due(tables, site, wanted)
        plan, outside = tables.plan(site, due)
        site.outside |= outside
        if self._stage.step == 1:
            site.leave_out("settlement", tables.outside(site))
        if not plan.unit_of:
            self.nowhere(site)
            return None
        return self._bound(site, plan, self.service_points)

    def _due(self, tables: RedrawTables, site: Site, wanted: Sequence[str]) -> set[str]:
        """Settlements that this step redraws: of all that is redrawn together, what its steps
        have reached and no earlier one has redrawn."""
        stage = self._stage
        inside = set(self.scope.settlements(site))
        stage.reached.update(wanted)
        cut = []
        due: set[str] = set()
        for together in tables.together(site):
            if not together <= inside and not together.isdisjoint(inside):
                cut.append(min(together & inside))
            elif together <= stage.reached and not together <= stage.done:
                due |= together
        stage.done |= due
        if cut and stage.step == 1:
            named = ", ".join(cut[:5]) + (" ..." if len(cut) > 5 else "")
            site.error(
                "scope-cuts",
                f"the scope cuts through what the tables redraw together, at {named}",
                "let the scope hold whole counties, or all units and townships of such a part",
                "scope",
            )
        return due

    def may_make(self, site: Site) -> Collection[str] | None:
        tables = RedrawTables.read(self.lineage, self.units, self.townships, site.copy())
        return tables.ids if tables else None

    def describe(self, lang: Lang = "en") -> str:
        before, after = count_kinds(self._before, lang), count_kinds(self._plan.units, lang)
        old = len({u.township for u in self._before})
        new = len({u.township for u in self._plan.units})
        points, staff = self._say_points(lang), self._say_staff(lang)
        when = self.when(lang)
        if lang == "zh":
            townships = f"，所在乡镇（街道）由{old}个调整为{new}个" if old != new else ""
            return f"{when}：{before}调整为{after}{townships}；{points}；{staff}。"
        townships = f", in {amount(new, 'township')} instead of {old:,}" if old != new else ""
        return f"{when}: {before} become {after}{townships}; {points}; {staff}."


class MergeCommunities(Redrawing):
    """Merges two or more units of one township into one, which bears the id of the seat's unit.

    communities: ids of the communities or villages; name: of the new unit, by default that of the
    seat's; unit_kind: whether it becomes a community or a village; seat: id of the one whose seat
    stays, by default the first.
    """

    kind: ClassVar[str] = "merge_communities"
    moves: ClassVar[bool] = False

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
        so_far = len(site.problems.found)
        self._check(site)
        members = [site.units[c] for c in self.communities if c in site.units]
        if site.adrift.isdisjoint(self.communities) and len({u.township for u in members}) > 1:
            site.error(
                "two-townships",
                "the communities lie in different townships",
                "merge the townships first, or use redraw_communities",
                "communities",
            )
        if len(members) < len(self.communities) or site.problems.has_errors(so_far):
            return None  # after a faulty redraw nobody can say what an unknown one is
        if site.loose.isdisjoint(self.communities) and not site.connected(self.communities):
            site.error(
                "not-adjacent",
                "the communities are not connected by common borders",
                "add those between them to the list",
                "communities",
            )
            return None
        self.note(site)
        merged = self._merged(members)
        settlements = sorted(s for c in self.communities for s in site.members[c])
        return self._bound(
            site, Plan(tuple((s, merged.id) for s in settlements), (merged,)), self.service_points
        )

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

    def may_reach(self, site: Site) -> set[str] | None:
        """Those of the townships in which the units that it names lie."""
        known = [site.units[c] for c in self.communities if c in site.units]
        if not known or any(u.id in site.adrift for u in known):
            return None
        return under(site, townships={u.township for u in known})

    def note(self, site: Site) -> None:
        """Which communities are merged on its day."""
        assert site.standing is not None
        for name in self.communities:
            if name not in site.merged or site.merged[name].date != self.date:
                site.merged[name] = site.standing

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
