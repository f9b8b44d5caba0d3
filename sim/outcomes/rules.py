"""The rules of the documents, and the outcomes that say how far they are kept.

The library is ``sim/data/rules.csv``: each row quotes an article and names a metric, a comparison
and a value. Adding a rule on a known metric needs a row and no code; `sim.outcomes.compliance`
says how each metric is measured. A rule that the model cannot judge says why in `not_judged`.

Two kinds: one asks something of every unit (a community, a township, the whole area), so all of
them should meet it; the other asks for a share of units or persons, and says itself how many.
"""

from __future__ import annotations

import csv
import operator
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from sim.outcomes.terms import Outcome

HEADLINE = ("SC2018-8-30m2",)
OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
SHARE_OF = "share of "


@dataclass(frozen=True)
class Rule:
    """One rule: where it stands (document, article, quote, year), and what it asks.

    metric, op, value, unit: what is compared with what; applies_to: type of unit, or level;
    kind: guideline, standard, target, ...; not_judged: why the model cannot judge it, else empty.
    """

    id: str
    document: str
    article: str
    quote: str
    metric: str
    op: str
    value: float
    unit: str
    applies_to: str
    year: str
    kind: str
    note: str
    not_judged: str

    @property
    def outcome(self) -> str:
        """Name of the outcome that says which share keeps it."""
        return f"compliance.{re.sub(r'[-.]', '_', self.id)}.share"

    @property
    def of_shares(self) -> bool:
        """Whether it asks for a share of units or persons rather than something of each."""
        return self.unit.startswith(SHARE_OF)

    @property
    def target(self) -> float:
        """The share that should keep it."""
        return self.value if self.of_shares else 1.0

    def kept(self, values: np.ndarray) -> np.ndarray:
        """Which of these keep it; values: the metric, of a rule of shares whether it is so."""
        if self.of_shares:
            return values > 0
        return np.asarray(OPERATORS[self.op](values, self.value))

    def met(self, share: float) -> bool:
        """Whether enough keep it."""
        compare = OPERATORS[self.op] if self.of_shares else operator.ge
        return bool(compare(share, self.target))


@cache
def library() -> tuple[Rule, ...]:
    """All rules, in the order of the table."""
    text = resources.files("sim.data").joinpath("rules.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(
        Rule(**{**row, "value": float(row["value"])})  # type: ignore[arg-type]
        for row in rows
    )


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
        "cannot judge is listed with the reason and has no outcome.",
        "",
        "| outcome | asks | asked | document, article, year | quote |",
        "|---|---|---:|---|---|",
    ]
    rows += [
        f"| `{r.outcome}` | {_asks(r)} | {100 * r.target:g} % | {_place(r)} | {r.quote} |"
        for r in judged()
    ]
    rows += [
        "",
        "## Not judged",
        "",
        "| rule | asks | why not | document, article, year | quote |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {r.id} | {_asks(r)} | {r.not_judged} | {_place(r)} | {r.quote} |"
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


def _place(rule: Rule) -> str:
    return ", ".join(part for part in (rule.document, rule.article, rule.year) if part)
