"""What a redraw leaves that a planner should know: units outside the size bands of the rules, and
units that are not of one piece."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

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
    whole = {u.id for u, _ in site.changed(plan)}
    members: dict[str, list[str]] = {}
    for settlement, unit in plan.unit_of:
        members.setdefault(unit, []).append(settlement)
    changed = [
        u for u in plan.units if u.id in whole or site.units[u.id].type != u.type
    ]  # others carry on
    for rule in _bands():
        _warn_of_size(site, rule, changed, {u.id: site.size(members[u.id]) for u in changed})
    apart = [(u, len(site.pieces(members[u.id]))) for u in changed if u.id in whole]
    apart = [(u, n) for u, n in apart if n > 1]
    if apart:
        named = _some([f"{u.name} ({u.id}: {n} pieces)" for u, n in apart])
        said = f"{amount(len(apart), 'unit')} drawn anew {'is' if len(apart) == 1 else 'are'}"
        site.warn("in-pieces", f"{said} not of one piece: {named}")


@cache
def _bands() -> tuple[Rule, ...]:
    return tuple(r for r in library() if r.metric == SIZE and r.op in BOUNDS)


def _warn_of_size(
    site: Site, rule: Rule, units: Sequence[UnitPlan], households: dict[str, int]
) -> None:
    mine = [u for u in units if rule.applies_to in ("all", u.type)]
    breaking = [
        u for u in mine
        if (households[u.id] < rule.value if rule.op == ">=" else households[u.id] > rule.value)
    ]  # fmt: skip
    if not breaking:
        return
    named = _some([f"{u.name} ({u.id}: {households[u.id]:,})" for u in breaking])
    place = " ".join(x for x in (rule.document, rule.article) if x)
    site.warn(
        "size-band",
        f"{len(breaking):,} of {len(mine):,} {rule.applies_to} units drawn anew "
        f"{'has' if len(breaking) == 1 else 'have'} {BOUNDS[rule.op]} {rule.value:,.0f} "
        f"registered households: {named}; "
        f"{place} asks: {rule.quote} ({rule.id})",
    )


def _some(names: Sequence[str]) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
