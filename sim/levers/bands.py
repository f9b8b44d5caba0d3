"""What a redraw leaves that a planner should know: units outside the size bands of the rules, and
units that are not of one piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from sim.case.messages import some
from sim.case.rules import Rule, rules_of
from sim.levers import words
from sim.levers.plan import Plan, UnitPlan
from sim.levers.site import Site
from sim.levers.words import amount

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
        message = f"{amount(len(apart), 'unit')} drawn anew not of one piece: {some(apart)}"
        site.warn("in-pieces", message)


def _remark_size(site: Site, units: Sequence[UnitPlan], households: dict[str, int]) -> None:
    """A warning for each type of units that break rules which bind the case."""
    for type_, bounds in _bands(tuple(site.case.meta.rules)).items():
        mine = [u for u in units if type_ in ("all", u.type)]
        size = np.array([households[u.id] for u in mine])
        said: list[str] = []
        asked: dict[tuple[str, str], list[str]] = {}
        for op, rules in bounds.items():
            outside = {r: [mine[i] for i in np.flatnonzero(~r.kept(size))] for r in rules}
            broken = {rule: out for rule, out in outside.items() if out}
            for rule in broken:
                asked.setdefault((rule.place, rule.quote), []).append(rule.id)
            if broken:
                said.append(_outside(op, broken, households))
        if said:
            which = amount(len(mine), "unit" if type_ == "all" else f"{type_} unit")
            message = f"of {which} drawn anew {words.listed(said, 'en')} registered households"
            hint = "; ".join(f"{p}: {quote} ({', '.join(i)})" for (p, quote), i in asked.items())
            site.warn("size-band", message, hint=hint)


def _outside(op: str, broken: dict[Rule, list[UnitPlan]], households: dict[str, int]) -> str:
    """How many units break rules of one comparison, the strictest named first."""
    counts = {rule.value: len(out) for rule, out in broken.items()}
    (strict, number), *others = counts.items()
    first = next(iter(broken.values()))
    named = some([f"{u.name} {u.id}: {households[u.id]:,}" for u in first])
    named += "".join(f"; {n:,} {BOUNDS[op]} {value:,.0f}" for value, n in others)
    return f"{number:,} {'has' if number == 1 else 'have'} {BOUNDS[op]} {strict:,.0f} ({named})"


@cache
def _bands(named: tuple[str, ...]) -> dict[str, dict[str, tuple[Rule, ...]]]:
    """The rules on households of a unit of these authorities, by the type of unit and the
    comparison, the strictest first."""
    bands: dict[str, dict[str, list[Rule]]] = {}
    for rule in rules_of(named):
        if rule.metric == SIZE and rule.op in BOUNDS:
            bands.setdefault(rule.applies_to, {}).setdefault(rule.op, []).append(rule)
    return {
        type_: {
            op: tuple(sorted(rules, key=lambda r: -r.value if op == ">=" else r.value))
            for op, rules in bounds.items()
        }
        for type_, bounds in bands.items()
    }
