"""The report: results in, one offline HTML file out.

One file under 1 MB without script, web font or link to the network, in English and Chinese (a
switch in pure CSS). The same results give the same bytes: no clock, no locale, sorted output.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.outcomes.catalogue import GROUPS, OUTCOMES
from sim.report import answer, words
from sim.report.findings import CURVES, Figure, Findings, Text, gather
from sim.report.glance import at_a_glance
from sim.report.numbers import (
    MARKS,
    base_of,
    decimals,
    interval,
    lookup,
    missing,
    number,
    records_of,
    scenarios_of,
    unit_text,
)

if TYPE_CHECKING:
    from jinja2 import Environment
    from pandas import DataFrame

TEMPLATES = Path(__file__).parent / "templates"
LIMIT = 1_000_000  # bytes of the file
COLOURS = 8  # colour classes s0 ... of the style sheet

FAMILIES = {
    "access": ("Access", "可达性"),
    "catchment": ("Supply in reach (floating catchments)", "可达供给（移动搜寻域）"),
    "use": ("Use of services", "服务使用"),
    "workload": ("Workload", "工作负荷"),
    "cost": ("Cost", "成本"),
    "satisfaction": ("Satisfaction", "满意度"),
    "equity": ("Who gains and loses", "受益与受损"),
    "population": ("Population", "人口"),
    "compliance": ("Rules of the documents: share that keeps them", "文件规定的符合率"),
}
LOSER_GROUPS = (
    ("Everyone", "全体", ("all",)),
    ("Distance to the seat of the unit in the scenario", "到方案中驻地的距离", words.SEATS),
    ("Age", "年龄", words.AGES),
    ("Unit before the redraw", "调整前所在单元", ("urban", "town", "rural")),
    ("Means", "条件", ("no_vehicle", "no_digital")),
    ("Care risk", "照护风险", ("risk_high", "risk_focus")),
)


def write_report(results: Path, out: Path | None = None, lang: str = "en") -> Path:
    """Writes the report of a results directory and returns its path.

    out: default ``report.html`` in `results`; lang: the language it opens in. Written to a
    temporary name and renamed, so that a reader never meets half a page.
    """
    results = Path(results)
    out = Path(out) if out is not None else results / "report.html"
    page = render(gather(results), lang).encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    half = out.with_name(out.name + ".part")
    half.write_bytes(page)
    half.replace(out)
    return out


def render(findings: Findings, lang: str = "en") -> str:
    """The page as text; where it would pass 1 MB it goes without the groups of the full table,
    then without the map."""
    for shown, groups in (
        (findings, True),
        (findings, False),
        (replace(findings, map=None), False),
    ):
        page = _page(shown, lang, groups)
        if len(page.encode()) < LIMIT:
            break
    return page


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )


def _page(findings: Findings, lang: str, groups: bool) -> str:
    comparison = findings.comparison
    base = base_of(comparison) or next(iter(findings.titles), "")
    scenarios = scenarios_of(comparison)
    titles = {s: findings.titles.get(s, Text(s, s)) for s in (base, *scenarios)}
    return (
        _environment()
        .get_template("report.html")
        .render(
            css=(TEMPLATES / "report.css").read_text(encoding="utf-8"),
            f=findings,
            lang=lang,
            base=base,
            scenarios=scenarios,
            titles=titles,
            colour={s: f"s{i % COLOURS}" for i, s in enumerate((base, *scenarios))},
            window=Text(*findings.window.mean),
            end=findings.start + timedelta(weeks=findings.weeks) - timedelta(days=1),
            glance=at_a_glance(comparison),
            answers=words.in_words(comparison, findings.early, findings.window, findings.soon),
            headline=_headline(comparison, scenarios),
            curves=_curves(findings, [base, *scenarios]),
            losers=_losers(comparison, scenarios),
            families=_families(comparison, scenarios, groups),
            all_groups=groups,
        )
    )


@dataclass(frozen=True)
class Cell:
    """One difference as it is printed: `tone` is better, worse, other or none."""

    scenario: str
    value: str
    change: str
    interval: str
    mark: str
    verdict: Text
    tone: str
    whisker: str = ""


@dataclass(frozen=True)
class Line:
    """One row of a table."""

    outcome: str
    group: str
    label: Text
    unit: Text
    base: str
    cells: tuple[Cell, ...]


def _cell(record: Any, scenario: str, unit: str, digits: int, reach: float = 0.0) -> Cell:
    if record is None:
        return Cell(scenario, "n/a", "", "", "", Text("", ""), "none")
    mark, en, zh, _ = MARKS[record.verdict]
    tone = {"better": "better", "worse": "worse", "higher": "other", "lower": "other"}.get(
        record.verdict, "none"
    )
    change = span = ""
    if record.verdict != "no difference" and not missing(record.difference):
        change = number(record.difference, unit, digits, sign=True).replace("-", "−")
        ends = interval(record, unit, digits)
        span = f"[{', '.join(ends)}]" if ends else ""
    return Cell(
        scenario,
        number(record.value, unit, digits).replace("-", "−"),
        change,
        span,
        mark,
        Text(en, zh),
        tone,
        _whisker(record, reach) if change else "",
    )


def _whisker(record: Any, reach: float) -> str:
    """The difference and its interval on a line with zero in the middle, as SVG."""
    if not reach:
        return ""

    def x(value: float) -> float:
        return round(40 + 37 * value / reach, 1)

    low, high = (record.difference,) * 2 if missing(record.low) else (record.low, record.high)
    return (
        f'<svg class="whisker" viewBox="0 0 80 9" aria-hidden="true"><path class="zero" '
        f'd="M40 0v9"/><path class="span" d="M{x(low):g} 4.5H{x(high):g}"/>'
        f'<circle cx="{x(record.difference):g}" cy="4.5" r="2.4"/></svg>'
    )


def _reach(records: Sequence[Any]) -> float:
    """The largest absolute value that the whiskers of one row have to show."""
    values = [abs(v) for r in records for v in (r.difference, r.low, r.high) if not missing(v)]
    return max(values, default=0.0)


def _line(records: Sequence[Any], scenarios: Sequence[str], label: Text, whiskers: bool) -> Line:
    first = records[0]
    unit = OUTCOMES[first.outcome].unit
    digits = decimals(unit, records)
    reach = _reach(records) if whiskers else 0.0
    by_name = {r.scenario: r for r in records}
    return Line(
        first.outcome,
        first.group,
        label,
        Text(unit_text(unit), unit_text(unit, "zh")),
        number(first.base_value, unit, digits).replace("-", "−"),
        tuple(_cell(by_name.get(s), s, unit, digits, reach) for s in scenarios),
    )


def _headline(comparison: DataFrame, scenarios: Sequence[str]) -> list[tuple[Text, list[Line]]]:
    """The rows of the answer that are headlines, by section."""
    sections: dict[Text, list[Line]] = {}
    for section, row, records in answer.answer_rows(comparison):
        if row.headline or row.rare or row.outcome == "equity.losers.winners":
            line = _line(records, scenarios, Text(row.en, row.zh), whiskers=True)
            sections.setdefault(Text(section.en, section.zh), []).append(line)
    return list(sections.items())


def _families(
    comparison: DataFrame,
    scenarios: Sequence[str],
    groups: bool,
) -> list[tuple[Text, list[tuple[Text, list[Line]]]]]:
    """Everything compared: family -> outcome -> a line per group."""
    found = lookup(comparison)
    order: dict[str, dict[str, list[str]]] = {}
    pairs = comparison[["outcome", "group"]].drop_duplicates()
    for outcome, group in pairs.itertuples(index=False):
        if outcome in OUTCOMES and (groups or group == "all"):
            family = order.setdefault(OUTCOMES[outcome].family, {})
            family.setdefault(outcome, []).append(group)
    return [
        (
            Text(*FAMILIES.get(family, (family, family))),
            [
                (
                    Text(OUTCOMES[outcome].en, OUTCOMES[outcome].zh),
                    [
                        _line(records, scenarios, _group(family, group), False)
                        for group in names
                        if (records := records_of(found, outcome, scenarios, group))
                    ],
                )
                for outcome, names in outcomes.items()
            ],
        )
        for family, outcomes in order.items()
    ]


def _group(family: str, group: str) -> Text:
    """What a group is called; that of all offices is not everyone."""
    if (family, group) == ("workload", "all"):
        return Text("all offices", "全部机构")
    return Text(*GROUPS.get(group, (group, group)))


def _losers(
    comparison: DataFrame,
    scenarios: Sequence[str],
) -> list[tuple[Text, list[tuple[Text, list[dict[str, Any]]]]]]:
    """Share of losing households and change of counter minutes, by group and scenario."""
    found = lookup(comparison)
    blocks = []
    for en, zh, groups in LOSER_GROUPS:
        lines = []
        for group in groups:
            cells = [
                _loser_cell(
                    found.get((scenario, "equity.losers.share", group)),
                    found.get((scenario, "equity.losers.counter_minutes", group))
                    or found.get((scenario, words.COUNTER_MINUTES, group)),
                    found.get((scenario, words.NO_COUNTER, group)),
                )
                for scenario in scenarios
            ]
            if any(c["lose"] != "–" or c["minutes"] != "–" for c in cells):
                lines.append((Text(*GROUPS[group]), cells))
        if lines:
            blocks.append((Text(en, zh), lines))
    return blocks


def _loser_cell(lose: Any, minutes: Any, gone: Any) -> dict[str, Any]:
    """Losing share in per cent with the width of its bar; minutes, ~ where not clear, and the
    share of persons who lose every counter, where there are any."""
    share = None if lose is None or missing(lose.value) else 100 * lose.value
    change = "–"
    if minutes is not None and not missing(minutes.difference):
        change = number(minutes.difference, "min", sign=True).replace("-", "−")
        change += " ~" if minutes.verdict == "no clear difference" else ""
    if gone is not None and not missing(gone.value) and gone.value > 0:
        change = f"{change}; {number(gone.value, 'share')} % ∅".removeprefix("–; ")
    return {
        "lose": "–" if share is None else f"{share:.1f}",
        "width": 0 if share is None else round(min(share, 100)),
        "minutes": change,
    }


def _curves(findings: Findings, scenarios: Sequence[str]) -> list[Figure]:
    from sim.report.curves import draw, weekly_bands

    figures = []
    for outcome, en, zh in CURVES:
        bands = weekly_bands(findings.weekly, outcome)
        svg = draw(
            bands,
            scenarios,
            findings.start,
            findings.levers,
            100.0 if OUTCOMES[outcome].unit == "share" else 1.0,
            f"{en} / {zh}",
        )
        if svg:
            figures.append(Figure(Text(en, zh), svg))
    return figures
