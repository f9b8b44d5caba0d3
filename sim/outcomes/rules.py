"""The rules of the documents, and the outcomes that say how far they are kept.

The library is `sim.case.rules`. Adding a rule on a known metric needs a row and no code;
`sim.outcomes.compliance` says how each metric is measured. A rule that the model cannot judge says
why in `not_judged`.

Two kinds: one asks something of every unit (a community, a township, the whole area), so all of
them should meet it; the other asks for a share of units or persons, and says itself how many.
"""

from __future__ import annotations

from sim.case.rules import Rule, authorities, library
from sim.outcomes.terms import Outcome

HEADLINE = ("SC2018-8-30m2",)


def judged() -> tuple[Rule, ...]:
    """The rules that the model can judge."""
    return tuple(r for r in library() if not r.not_judged)


def conflicts() -> list[tuple[Rule, ...]]:
    """Rules that ask different things of the same units, to be put side by side as presets."""
    alike: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in library():
        alike.setdefault((rule.metric, rule.op, rule.applies_to), []).append(rule)
    return [tuple(rules) for rules in alike.values() if len({r.value for r in rules}) > 1]


def rule_outcomes() -> list[Outcome]:
    """An outcome for every rule that is judged."""
    return [
        Outcome(
            rule.outcome,
            "share",
            "higher",
            f"keep {rule.id}: {_asks(rule)}",
            f"符合率 {rule.id}：{rule.quote}",
            rule.id in HEADLINE,
        )
        for rule in judged()
    ]


def _asks(rule: Rule) -> str:
    what = rule.metric.replace("_", " ")
    if rule.of_shares:
        what = what.removeprefix("share ")
        return f"{what}, {rule.applies_to} (asked of {100 * rule.value:g} %)"
    return f"{what} {rule.op} {rule.value:g} {rule.unit}, {rule.applies_to}"


def as_markdown() -> str:
    """The library as ``docs/rules.md`` prints it."""
    rows = [
        "# Rules of the documents",
        "",
        "Written from `sim/data/rules.csv` and `sim/outcomes/rules.py`. An outcome is the share of",
        "those a rule applies to that keep it; asked is the share that should. What the model",
        "cannot judge is listed with the reason and has no outcome. A case is measured by the",
        "rules of the nation and of those authorities that its case.yaml names:",
        f"{', '.join(authorities())}.",
        "",
        "| outcome | authority | asks | asked | document, article, year | quote |",
        "|---|---|---|---:|---|---|",
    ]
    rows += [
        f"| `{r.outcome}` | {_whose(r)} | {_asks(r)} | {100 * r.target:g} % | {_place(r)} | "
        f"{r.quote} |"
        for r in judged()
    ]
    rows += [
        "",
        "## Not judged",
        "",
        "| rule | authority | asks | why not | document, article, year | quote |",
        "|---|---|---|---|---|---|",
    ]
    rows += [
        f"| {r.id} | {_whose(r)} | {_asks(r)} | {r.not_judged} | {_place(r)} | {r.quote} |"
        for r in library()
        if r.not_judged
    ]
    rows += [
        "",
        "## Where documents ask different things of the same units",
        "",
        "| metric | applies to | presets |",
        "|---|---|---|",
    ]
    rows += [
        f"| {same[0].metric} | {same[0].applies_to} | "
        + ", ".join(f"{r.op} {r.value:g} ({r.id})" for r in same)
        + " |"
        for same in conflicts()
    ]
    return "\n".join(rows) + "\n"


def _whose(rule: Rule) -> str:
    return ", ".join(rule.authorities)


def _place(rule: Rule) -> str:
    return ", ".join(part for part in (rule.document, rule.article, rule.year) if part)
