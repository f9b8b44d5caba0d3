"""Levers on boundaries: redraw from tables, and merge a list of units.

Both come down to one `Plan`: every settlement named gets a new unit. How a plan is carried out
(offices follow their people, points are closed or kept) is `sim.levers.redrawing`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pandas as pd
from pydantic import Field

from sim.case.messages import did_you_mean
from sim.case.schema import REDRAW_TABLES
from sim.case.tables import Table, read_table
from sim.levers.lever import Lever, Site
from sim.levers.redrawing import Plan, Points, Staff, TownshipPlan, UnitPlan, redraw
from sim.world.state import State


class _Redrawing(Lever):
    """What the two levers share: points, staff, and the plan made when it is bound to a case."""

    service_points: Points = "close"
    township_points: Points = "close"
    staff: Staff = "keep"
    imposed: bool = False
    plan: Plan | None = None

    def apply(self, state: State) -> None:
        assert self.plan is not None
        redraw(
            state, self.plan, self.service_points, self.township_points, self.staff, self.imposed
        )

    def _points(self, lang: Literal["en", "zh"]) -> str:
        share = getattr(self.service_points, "keep_share", None)
        if lang == "zh":
            if share is not None:
                return f"原服务点保留{share:.0%}"
            return {"keep": "原服务点全部保留", "close": "原服务点撤销"}[str(self.service_points)]
        if share is not None:
            return f"{share:.0%} of the old service points are kept"
        return {"keep": "all old service points are kept", "close": "the old service points close"}[
            str(self.service_points)
        ]


class RedrawCommunities(_Redrawing):
    """Redraws units and townships from tables of the case (a reform, as it was done)."""

    kind: ClassVar[str] = "redraw_communities"

    lineage: str
    units: str
    townships: str | None = None
    before: int = 0

    def bind(self, site: Site) -> RedrawCommunities | None:
        count = len(site.problems.errors)
        tables = {name: self._read(site, name) for name in REDRAW_TABLES}
        lineage, units, townships = (tables[n] for n in ("lineage", "units", "townships"))
        if len(site.problems.errors) > count or lineage is None or units is None:
            return None
        here = lineage.frame[lineage.frame["settlement"].isin(site.unit_of)]
        self._check(site, lineage, units, townships)
        if len(site.problems.errors) > count:
            return None
        if here.empty:
            site.left_out[self.kind] = site.left_out.get(self.kind, 0) + 1
            return None
        left = len(lineage.frame) - len(here)
        if left:
            site.left_out["settlements of the redraw"] = left
        unit_of = dict(zip(here["settlement"], here["new_id"], strict=True))
        used = units.frame[units.frame["id"].isin(here["new_id"])]
        plan = Plan(
            tuple(sorted(unit_of.items())),
            tuple(
                UnitPlan(r["id"], r["name"], r["kind"], r.get("type") or _default_type(r),
                         r["township"], r["seat_settlement"])
                for r in used.sort_values("id").to_dict("records")
            ),
            None
            if townships is None
            else tuple(
                TownshipPlan(r["id"], r["name"], r["kind"], r["county"], r["seat_settlement"])
                for r in townships.frame.sort_values("id").to_dict("records")
                if r["id"] in set(used["township"])
            ),
        )  # fmt: skip
        old = len({site.unit_of[s] for s in unit_of})
        _carry(site, plan)
        return self.model_copy(update={"plan": plan, "before": old})

    def _read(self, site: Site, name: str) -> Table | None:
        file = getattr(self, name)
        if file is None:
            return None
        path = site.folder / file
        if not path.resolve().is_relative_to(site.folder.resolve()):
            site.error("outside-case", f"{file} lies outside the case's directory",
                       "name a file of the case")
            return None
        return read_table(path, REDRAW_TABLES[name], site.problems)

    def _check(self, site: Site, lineage: Table, units: Table, townships: Table | None) -> None:
        """Ids of the three tables against the case at the lever's date and each other."""
        problems = site.problems
        here = pd.Series([*site.unit_of, *site.case.outside])
        lineage.unknown(problems, "settlement", here, "the settlements of the case")
        lineage.unknown(problems, "new_id", units.frame["id"], units.path.name)
        areas = site.townships | site.case.outside
        if townships is not None:
            areas = set(townships.frame["id"])
            townships.unknown(problems, "seat_settlement", here, "the settlements of the case")
        units.unknown(problems, "township", pd.Series(sorted(areas)), "the townships")
        new_of = dict(zip(lineage.frame["settlement"], lineage.frame["new_id"], strict=True))
        seats = units.frame["seat_settlement"]
        wrong = (seats.map(new_of) != units.frame["id"]).to_numpy()
        units.fault(problems, wrong, "seat-outside", "the seat {value} lies in another unit",
                    "choose a settlement that the lineage puts into this unit", "seat_settlement")
        empty = (~units.frame["id"].isin(lineage.frame["new_id"])).to_numpy()
        units.fault(problems, empty, "unit-without-settlement", "unit {value} has no settlement",
                    "give it settlements in the lineage, or leave it out")
        missing = sorted(set(site.unit_of) - set(new_of))
        partly = {site.unit_of[s] for s in new_of if s in site.unit_of}
        orphans = [s for s in missing if site.unit_of[s] in partly]
        if orphans:
            named = ", ".join(orphans[:5]) + (" ..." if len(orphans) > 5 else "")
            problems.error(
                "orphan-settlement",
                f"{len(orphans)} settlements of redrawn units get no unit: {named}",
                lineage.path, hint="give every settlement of a redrawn unit a row",
            )  # fmt: skip

    def describe(self, lang: Literal["en", "zh"] = "en") -> str:
        after = len(self.plan.units) if self.plan else 0
        if lang == "zh":
            return f"{self.date}：{self.before}个社区（村）调整为{after}个；{self._points(lang)}"
        return (
            f"{self.date}: redraws {self.before} communities and villages into {after}; "
            f"{self._points(lang)}"
        )


class MergeCommunities(_Redrawing):
    """Merges two or more units of one township into one, which bears the id of the seat's unit."""

    kind: ClassVar[str] = "merge_communities"

    communities: Annotated[tuple[str, ...], Field(min_length=2)]
    name: str | None = None
    unit_kind: Literal["community", "village"] | None = None
    seat: str | None = None

    def bind(self, site: Site) -> MergeCommunities | None:
        if all(site.outside(c) for c in self.communities):
            site.left_out[self.kind] = site.left_out.get(self.kind, 0) + 1
            return None
        count = len(site.problems.errors)
        for name in self.communities:
            if name not in site.units:
                site.unknown("community", name, site.units)
        if len(set(self.communities)) < len(self.communities):
            site.error("named-twice", "a community stands twice in the list", "name each once")
        if self.seat is not None and self.seat not in self.communities:
            hint = did_you_mean(self.seat, self.communities) or "name one of the communities"
            site.error("unknown-id", f"the seat {self.seat!r} is not in the list", hint)
        if len(site.problems.errors) > count:
            return None
        members = {c: site.details[c] for c in self.communities}
        if len({u.township for u in members.values()}) > 1:
            site.error("two-townships", "the communities lie in different townships",
                       "merge the townships first, or use redraw_communities")
            return None
        if not site.connected(self.communities):
            site.error("not-adjacent", "the communities are not connected by common borders",
                       "add those between them to the list")
            return None
        seat = members[self.seat or self.communities[0]]
        kinds = {u.kind for u in members.values()}
        kind = self.unit_kind or ("community" if "community" in kinds else "village")
        merged = UnitPlan(
            seat.id, self.name or seat.name, kind,
            seat.type if seat.kind == kind else ("town" if kind == "community" else "rural"),
            seat.township, seat.seat,
        )  # fmt: skip
        unit_of = tuple(
            sorted((s, merged.id) for s, u in site.unit_of.items() if u in self.communities)
        )
        plan = Plan(unit_of, (merged,), None)
        _carry(site, plan)
        return self.model_copy(update={"plan": plan})

    def describe(self, lang: Literal["en", "zh"] = "en") -> str:
        names = "、".join(self.communities) if lang == "zh" else ", ".join(self.communities)
        if lang == "zh":
            return f"{self.date}：合并{names}；{self._points(lang)}"
        return f"{self.date}: merges {names}; {self._points(lang)}"


def _default_type(row: dict) -> str:
    return "rural" if row["kind"] == "village" else "town"


def _carry(site: Site, plan: Plan) -> None:
    """Makes the plan's units the ones that later levers may name."""
    site.unit_of.update(dict(plan.unit_of))
    alive = set(site.unit_of.values())
    site.details = {i: u for i, u in site.details.items() if i in alive}
    site.details.update({u.id: u for u in plan.units})
    if plan.townships is not None:
        kept = {u.township for u in site.details.values()}
        site.townships = (site.townships & kept) | {t.id for t in plan.townships}

