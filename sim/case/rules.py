"""The rules of the documents: which article asks for what.

The library is ``sim/data/rules.csv``: each row quotes an article and names a metric, a comparison
and a value. `sim.outcomes.compliance` measures them; levers warn of what they would break. A rule
binds where its authority rules: `case.yaml` says which ones, and the national ones bind everywhere.
"""

from __future__ import annotations

import csv
import operator
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

OPERATORS = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
SHARE_OF = "share of "
EVERYWHERE = "national"


@dataclass(frozen=True)
class Rule:
    """One rule: where it stands (document, article, quote, year), and what it asks.

    authority: who asks it, more than one with ``;``: the nation, a province, a prefecture, ...;
    metric, op, value, unit: what is compared with what; applies_to: type of unit, or level;
    kind: guideline, standard, target, ...; not_judged: why the model cannot judge it, else empty.
    """

    id: str
    authority: str
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
    def authorities(self) -> tuple[str, ...]:
        """Who asks it."""
        return tuple(self.authority.split(";"))

    @property
    def place(self) -> str:
        """Document and article."""
        return " ".join(x for x in (self.document, self.article) if x)

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


@cache
def authorities() -> tuple[str, ...]:
    """All that ask for something, but for the nation, sorted."""
    return tuple(sorted({a for rule in library() for a in rule.authorities} - {EVERYWHERE}))


def rules_of(named: Collection[str]) -> tuple[Rule, ...]:
    """The rules of these authorities and the national ones."""
    asking = {EVERYWHERE, *named}
    return tuple(rule for rule in library() if not asking.isdisjoint(rule.authorities))
