"""What a redraw leaves that a planner should know: units outside the size bands of the rules, and
units that are not of one piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from sim.case.rules import Rule, rules_of
from sim.levers.plan import Plan, UnitPlan
from sim.levers.site import Site
from sim.levers.words import amount

NAMED = 3  # units that a remark names; more are counted
SIZE = "households_per_community"
BOUNDS = {">=": "fewer than", "<=": "more than"}


def remark(site: Site, plan: Plan) -> None:
    """Warns of the units of a plan that change and then break a rule on size, or lie apart.

    Rules speak of the households that live in a unit; a scenario knows the registered ones.
    """
    members: dict[str, list[str]] = {}
    for settlement, unit in plan.unit_of:
        members.setdefault(unit, []).append(settlement)
    drawn = [u for u, _ in site.changed(plan)]
    ids = {u.id for u in drawn}
    sized = [u for u in plan.units if u.id in ids or site.units[u.id].type != u.type]
    households = {u.id: site.size(members[u.id]) for u in sized}
    _remark_size(site, sized, households)
    pieces = {u.id: len(site.pieces(members[u.id])) for u in drawn}
    apart = [f"{u.name} ({u.id}: {pieces[u.id]} pieces)" for u in drawn if pieces[u.id] > 1]
    if apart:
        message = f"{amount(len(apart), 'unit')} drawn anew not of one piece: {_some(apart)}"
        site.warn("in-pieces", message)


def _remark_size(site: Site, units: Sequence[UnitPlan], households: dict[str, int]) -> None:
    """One warning for all rules on households of a unit that bind the case and are broken."""
    said, broken = [], []
    for (type_, op), rules in _bands(tuple(site.case.meta.rules)).items():
        mine = [u for u in units if type_ in ("all", u.type)]
        counts: dict[float, int] = {}
        first: list[UnitPlan] = []
        for rule in rules:  # the strictest first
            kept = rule.kept(np.array([households[u.id] for u in mine]))
            out = [u for u, k in zip(mine, kept, strict=True) if not k]
            if out:
                first = first or out
                counts[rule.value] = len(out)
                broken.append(rule)
        if first:
            (strict, number), *others = counts.items()
            named = _some([f"{u.name} {u.id}: {households[u.id]:,}" for u in first])
            named += "".join(f"; {n:,} {BOUNDS[op]} {v:,.0f}" for v, n in others)
            which = amount(len(mine), "unit" if type_ == "all" else f"{type_} unit")
            have = "has" if number == 1 else "have"
            bound = f"{BOUNDS[op]} {strict:,.0f} registered households"
            said.append(f"of {which} drawn anew {number:,} {have} {bound} ({named})")
    if said:
        articles: dict[tuple[str, str], list[str]] = {}
        for rule in broken:
            articles.setdefault((rule.place, rule.quote), []).append(rule.id)
        asked = [f"{p}: {quote} ({', '.join(ids)})" for (p, quote), ids in articles.items()]
        site.warn("size-band", "; ".join(said), hint="; ".join(asked))


@cache
def _bands(named: tuple[str, ...]) -> dict[tuple[str, str], tuple[Rule, ...]]:
    """The rules on households of a unit of these authorities, by the type of unit and the
    comparison, the strictest first."""
    bands: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules_of(named):
        if rule.metric == SIZE and rule.op in BOUNDS:
            bands.setdefault((rule.applies_to, rule.op), []).append(rule)
    return {
        (type_, op): tuple(sorted(rules, key=lambda r: -r.value if op == ">=" else r.value))
        for (type_, op), rules in bands.items()
    }


def _some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
