"""The answer as a table: headline outcomes, every scenario beside its base.

Rows come from the paired differences of `sim.experiment.statistics.compare`; this module only
chooses, orders, rounds and marks them. The same rows open the HTML report.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from sim.report.numbers import (
    MARKS,
    base_of,
    base_value,
    decimals,
    lookup,
    missing,
    number,
    pick,
    records_of,
    scenarios_of,
    unit_text,
)
from sim.report.sections import SECTIONS, Row, Section

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import RenderableType

    from sim.report.windows import Window


def answer_rows(comparison: DataFrame) -> Iterator[tuple[Section, Row, list[Any]]]:
    """Sections, rows and their records (one per scenario), as far as the comparison has them."""
    found, scenarios = lookup(comparison), scenarios_of(comparison)
    for section in SECTIONS:
        for row in section.rows:
            records = records_of(found, row.outcome, scenarios)
            others = records_of(found, row.beside, scenarios)
            if records and not (row.rare and (_zero(records) or _alike(records, others))):
                yield section, row, records


def _zero(records: Sequence[Any]) -> bool:
    return all(missing(v) or v == 0 for r in records for v in (r.base_value, r.value))


def _alike(records: Sequence[Any], others: Sequence[Any]) -> bool:
    values = [[(r.scenario, r.base_value, r.value) for r in rows] for rows in (records, others)]
    return values[0] == values[1]


def legend(comparison: DataFrame, window: Window | None = None, lang: str = "en") -> str:
    """How to read the table: the window, the interval, and the marks that occur in it."""
    en, zh = (f"{window.mean[0]}; ", f"{window.mean[1]}；") if window else ("", "")
    seen = {r.verdict for r in lookup(comparison).values()}
    marks = "  ".join(
        f"{mark} {pick(lang, e, z)}" for key, (mark, e, z, _) in MARKS.items() if key in seen
    )
    base = base_of(comparison)
    return pick(
        lang,
        f"{en}value, difference from {base} ± half of its 95 % interval (where not 0)\n{marks}",
        f"{zh}数值，与 {base} 的差 ± 95%置信区间半宽（舍入为0时省略）\n{marks}",
    )


def cell(record: Any, unit: str, digits: int) -> tuple[str, str, str]:
    """Value, difference with half-width, and mark of one record; the last two may be empty."""
    mark = MARKS[record.verdict][0]
    value = number(record.value, unit, digits)
    if record.verdict == "no difference" or missing(record.difference):
        return value, "", mark
    change = number(record.difference, unit, digits, sign=True)
    if not missing(record.low):
        half = number((record.high - record.low) / 2, unit, digits)
        change += f"±{half}" if float(half.replace(",", "")) else ""
    return value, change, mark


def answer_table(
    comparison: DataFrame,
    lang: str = "en",
    window: Window | None = None,
    titles: Mapping[str, str] | None = None,
    at_once: int = 4,
) -> RenderableType:
    """The answer for a terminal of 100 to 140 columns.

    comparison: the frame of `Study.compare()`; window: its weeks; titles: scenario -> heading
    (default: its name); at_once: scenarios beside each other, more follow in further tables.
    Services that differ in no scenario share one line at the end of their section.
    """
    from rich.console import Group
    from rich.text import Text

    scenarios = scenarios_of(comparison)
    if not scenarios:
        return Text(
            pick(lang, "nothing to compare: no scenario beside the base", "没有可比较的方案")
        )
    parts: list[Any] = [
        _table(comparison, scenarios[i : i + at_once], lang, titles or {})
        for i in range(0, len(scenarios), at_once)
    ]
    return Group(*parts, Text(legend(comparison, window, lang), style="dim"))


def _table(
    comparison: DataFrame, scenarios: Sequence[str], lang: str, titles: Mapping[str, str]
) -> Any:
    from rich import box
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    base = base_of(comparison)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1), collapse_padding=True)
    table.add_column("", min_width=30, max_width=44, overflow="fold")
    for name in (base, *scenarios):
        heading = "\n".join(textwrap.wrap(titles.get(name, name), 14))
        table.add_column(heading, justify="right")

    part = comparison[comparison["scenario"].isin(scenarios)]
    section: Section | None = None
    same: list[str] = []

    def unchanged() -> None:
        if same:
            said = pick(lang, f"no difference: {', '.join(same)}", f"无差异：{'、'.join(same)}")
            table.add_row(Padding(Text(said, style="dim"), (0, 0, 0, 2)))
            same.clear()

    for current, row, records in answer_rows(part):
        if current is not section:
            unchanged()
            section = current
            head = Text(pick(lang, current.en, current.zh), style="bold")
            if current.unit:
                head.append(_comma(lang) + unit_text(current.unit, lang), style="dim not bold")
            table.add_row(head)
        if all(r.verdict == "no difference" for r in records) and section.key in (
            "minutes",
            "within",
        ):
            same.append(pick(lang, row.en, row.zh))
            continue
        digits = decimals(row.unit, records)
        label = Text(pick(lang, row.en, row.zh))
        if not current.unit:
            label.append(_comma(lang) + unit_text(row.unit, lang), style="dim")
        by_name = {r.scenario: r for r in records}
        cells = [_cell_text(by_name.get(s), row.unit, digits) for s in scenarios]
        base_text = number(base_value(records), row.unit, digits)
        table.add_row(Padding(label, (0, 0, 0, 2)), base_text, *cells)
    unchanged()
    return table


def _comma(lang: str) -> str:
    return pick(lang, ", ", "，")


def _cell_text(record: Any, unit: str, digits: int) -> Any:
    from rich.text import Text

    if record is None:
        return Text("n/a", style="dim")
    value, change, mark = cell(record, unit, digits)
    text = Text(value)
    text.append(f" {change}" if change else "", style="dim")
    text.append(f" {mark}", style=MARKS[record.verdict][3])
    return text


def print_answer(
    comparison: DataFrame,
    lang: str = "en",
    window: Window | None = None,
    titles: Mapping[str, str] | None = None,
    file: IO[str] | None = None,
) -> None:
    """Prints the answer: coloured on a terminal, plain text as wide as it needs elsewhere."""
    from rich.console import Console

    answer = answer_table(comparison, lang, window, titles)
    console = Console(file=file, highlight=False)
    if not console.is_terminal:
        console = Console(file=file, highlight=False, width=200, color_system=None)
        console.width = max(120, console.measure(answer).maximum)
    console.print(answer)
