"""What a redraw leaves that a planner should know: units outside the size bands of the rules, and
units that are not of one piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from sim.case.rules import Rule, library
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
    for rules in _bands():
        _remark_size(site, rules, sized, households)
    pieces = {u.id: len(site.pieces(members[u.id])) for u in drawn}
    apart = [f"{u.name} ({u.id}: {pieces[u.id]} pieces)" for u in drawn if pieces[u.id] > 1]
    if apart:
        message = f"{amount(len(apart), 'unit')} drawn anew not of one piece: {_some(apart)}"
        site.warn("in-pieces", message)


@cache
def _bands() -> tuple[tuple[Rule, ...], ...]:
    """The rules on households of a unit, those of one sentence together."""
    bands: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in library():
        if rule.metric == SIZE and rule.op in BOUNDS:
            bands.setdefault((rule.document, rule.quote, rule.applies_to), []).append(rule)
    return tuple(tuple(rules) for rules in bands.values())


def _remark_size(
    site: Site, rules: Sequence[Rule], units: Sequence[UnitPlan], households: dict[str, int]
) -> None:
    mine = [u for u in units if rules[0].applies_to in ("all", u.type)]
    said = []
    for rule in rules:
        kept = rule.kept(np.array([households[u.id] for u in mine]))
        out = [u for u, k in zip(mine, kept, strict=True) if not k]
        if out:
            named = _some([f"{u.name} {u.id}: {households[u.id]:,}" for u in out])
            have = "has" if len(out) == 1 else "have"
            said.append(f"{len(out):,} {have} {BOUNDS[rule.op]} {rule.value:,.0f} ({named})")
    if said:
        place = " ".join(x for x in (rules[0].document, rules[0].article) if x)
        site.warn(
            "size-band",
            f"{amount(len(mine), f'{rules[0].applies_to} unit')} drawn anew, by registered "
            f"households: {', '.join(said)}; {place} asks: {rules[0].quote} "
            f"({', '.join(r.id for r in rules)})",
        )


def _some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
