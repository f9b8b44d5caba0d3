"""The answer at a glance: base and scenarios in the order of four headline outcomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.outcomes.catalogue import OUTCOMES
from sim.report.numbers import (
    OTHERS,
    base_of,
    base_value,
    decimals,
    lookup,
    missing,
    number,
    records_of,
    scenarios_of,
)
from sim.report.words import COUNTER_MINUTES

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Ranking:
    """A headline question, and base and scenarios in the order of their values, best first."""

    en: str
    zh: str
    values: tuple[tuple[str, str], ...]


def at_a_glance(comparison: DataFrame) -> list[Ranking]:
    """The order of base and scenarios by four headline outcomes, as (name, value as printed).

    The order is that of the means; whether two neighbours differ clearly stands in the table.
    """
    questions = (
        (COUNTER_MINUTES, "Minutes to the nearest government counter", "到最近政务服务点（分钟）"),
        ("use.home_care.visits", "Home visits made per week", "每周入户走访次数"),
        ("workload.offices.over", "Offices with more work than hours, %", "超负荷机构比例（%）"),
        (
            "cost.total.per_head",
            "Public cost per registered person, yuan a year",
            "人均公共成本（元/年）",
        ),
    )
    found, scenarios, base = lookup(comparison), scenarios_of(comparison), base_of(comparison)
    rankings = []
    for outcome, en, zh in questions:
        records = records_of(found, outcome, scenarios)
        same = [r for r in records if r.verdict != OTHERS]  # the others cannot be ranked
        values = [(base, base_value(records)), *((r.scenario, r.value) for r in same)]
        known = [(name, value) for name, value in values if not missing(value)]
        if len(known) > 1:
            unit = OUTCOMES[outcome].unit
            digits = decimals(unit, records)
            best_first = sorted(
                known, key=lambda item: item[1], reverse=OUTCOMES[outcome].better == "higher"
            )
            rankings.append(
                Ranking(
                    en, zh, tuple((name, number(value, unit, digits)) for name, value in best_first)
                )
            )
    return rankings
