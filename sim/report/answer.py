"""The answer as a table: headline outcomes, every scenario beside its base.

Rows come from the paired differences of `sim.experiment.statistics.compare`; this module only
chooses, orders, rounds and marks them. The same rows open the HTML report.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from sim.outcomes.catalogue import OUTCOMES
from sim.outcomes.terms import COUNTER, PLACED, SERVICE_NAMES
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

if TYPE_CHECKING:
    from pandas import DataFrame
    from rich.console import RenderableType

    from sim.report.windows import Window


@dataclass(frozen=True)
class Row:
    """One line of the answer: an outcome for everyone, with a label that its section explains.

    rare: it is left out where it is zero in base and scenarios.
    """

    outcome: str
    en: str
    zh: str
    rare: bool = False

    @property
    def unit(self) -> str:
        return OUTCOMES[self.outcome].unit

    @property
    def headline(self) -> bool:
        return OUTCOMES[self.outcome].headline


@dataclass(frozen=True)
class Section:
    """A heading of the answer and its rows."""

    key: str
    en: str
    zh: str
    rows: tuple[Row, ...]

    @property
    def unit(self) -> str:
        """The unit that all rows share, or an empty text."""
        units = {row.unit for row in self.rows}
        return self.rows[0].unit if len(units) == 1 else ""


def _services(pattern: str, names: Sequence[str]) -> list[Row]:
    return [Row(pattern.format(name), *SERVICE_NAMES[name]) for name in names]


def _without_counter(measure: str, en: str, zh: str) -> list[Row]:
    """Persons without a counter, whom no mean of minutes holds."""
    return [
        Row(
            f"access.{name}.{measure}",
            f"{en}: {SERVICE_NAMES[name][0]}",
            f"{zh}：{SERVICE_NAMES[name][1]}",
            rare=True,
        )
        for name in COUNTER
    ]


SECTIONS = (
    Section(
        "minutes",
        "Access: time to the nearest",
        "可达性：到最近设施的时间",
        (
            *_services("access.{}.minutes", PLACED),
            Row("access.basket.minutes", "a trip of the yearly basket", "全年出行平均每次"),
        ),
    ),
    Section(
        "within",
        "Access: within 15 minutes",
        "可达性：15分钟可达人口比例",
        (
            *_services("access.{}.share_15min", PLACED),
            Row("access.basics.share_15min", "all six basics", "六项基本设施齐全"),
            Row("access.green.share_300m", "green space within 300 m", "300米见绿"),
            Row("access.green.share_500m", "park within 500 m", "500米见园"),
            *_without_counter("none", "no counter open to them", "无可用办事点"),
            *_without_counter("out_of_reach", "no counter in reach", "可达范围内无办事点"),
        ),
    ),
    Section(
        "needs",
        "Needs unmet and waits",
        "未满足需求与等候",
        (
            Row("use.government.unmet", "given up: government matters", "放弃办理：政务服务"),
            Row("use.community.unmet", "given up: community affairs", "放弃办理：社区事务"),
            Row("use.health.unmet", "given up: health station", "放弃：卫生服务"),
            Row("use.elder_meals.unmet", "given up: meals for the old", "放弃：老年助餐"),
            Row("use.government.wait", "wait: government matters", "等候：政务服务"),
            Row("use.community.wait", "wait: community affairs", "等候：社区事务"),
            Row("use.elder_care.enrolled", "with a place: elder day care", "在托：日间照料"),
            Row("use.elder_care.waiting", "waiting list: elder day care", "轮候：日间照料"),
            Row("use.nursery.enrolled", "with a place: nursery", "在托：托育"),
            Row("use.nursery.waiting", "waiting list: nursery", "轮候：托育"),
        ),
    ),
    Section(
        "workload",
        "Workload of the offices",
        "机构工作负荷",
        (
            Row("workload.offices.load", "load: demand over capacity", "总负荷（需求/能力）"),
            Row("workload.offices.over", "offices with load over 1", "超负荷机构比例"),
            Row("workload.offices.backlog", "backlog of queued work", "积压工时"),
            Row(
                "workload.offices.administrative_share",
                "hours in tasks and meetings",
                "行政事务占比",
            ),
            Row(
                "workload.offices.overhead_per_1000",
                "fixed overhead per 1,000 persons",
                "每千人固定事务工时",
            ),
            Row(
                "workload.offices.households_per_worker",
                "households per worker",
                "每名工作人员服务户数",
            ),
            Row("use.home_care.visits", "home visits made", "入户走访次数"),
            Row("use.home_care.coverage", "planned home visits made", "计划走访完成率"),
            Row("use.home_care.coverage_general", "of these: general risk", "其中：一般风险"),
        ),
    ),
    Section(
        "people",
        "Cost, satisfaction, losers",
        "成本、满意度与受损户",
        (
            Row("cost.total.per_head", "public cost per registered person", "人均公共成本"),
            Row("cost.travel.per_head", "residents' travel time per person", "人均出行时间成本"),
            Row(
                "satisfaction.residents.score",
                "satisfaction of residents (0-100)",
                "居民满意度（0-100）",
            ),
            Row("equity.losers.share", "households that lose", "受损户比例"),
            Row("equity.losers.winners", "households that gain", "受益户比例"),
            Row(
                "equity.losers.no_counter",
                "persons who lose every counter",
                "失去全部办事点的人口",
                rare=True,
            ),
            Row(
                "equity.access.fgt0",
                "persons beyond the standard of minutes",
                "出行超过标准时间的人口",
            ),
        ),
    ),
    Section(
        "rules",
        "Rules of the documents: share that keeps them",
        "文件规定的符合率",
        (
            Row("compliance.NT_20m2.share", "service floor 20 m2 (2012)", "每百户20平方米（2012）"),
            Row("compliance.SC2018_8_30m2.share", "service floor 30 m2", "每百户30平方米"),
            Row(
                "compliance.MS145_40m2.share",
                "service floor 40 m2 (2025)",
                "每百户40平方米（2025）",
            ),
            Row(
                "compliance.SC2018_5_urban_min.share",
                "urban, 2,000 households",
                "城市社区2000户以上",
            ),
            Row("compliance.SC2018_5_town_min.share", "town, 700 households", "城镇社区700户以上"),
            Row("compliance.SC2018_5_rural_min.share", "rural, 300 households", "农村300户以上"),
            Row("compliance.CIRCLE_15.share", "urban, 15-minute circle", "城市15分钟生活圈"),
            Row(
                "compliance.NAT_18_workers.share",
                "urban, 18 workers per 10,000",
                "城市每万人18名工作者",
            ),
        ),
    ),
)


def answer_rows(comparison: DataFrame) -> Iterator[tuple[Section, Row, list[Any]]]:
    """Sections, rows and their records (one per scenario), as far as the comparison has them."""
    found, scenarios = lookup(comparison), scenarios_of(comparison)
    for section in SECTIONS:
        for row in section.rows:
            records = records_of(found, row.outcome, scenarios)
            if records and not (row.rare and all(_is_zero(r) for r in records)):
                yield section, row, records


def _is_zero(record: Any) -> bool:
    return all(missing(v) or v == 0 for v in (record.base_value, record.value))


def legend(comparison: DataFrame, window: Window | None = None, lang: str = "en") -> str:
    """How to read the table: the window, the interval, and the marks that occur in it."""
    en, zh = (f"{window.mean[0]}; ", f"{window.mean[1]}；") if window else ("", "")
    seen = set(comparison["verdict"])
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
    table.add_column("", min_width=30, max_width=44)
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
                head.append(f", {unit_text(current.unit, lang)}", style="dim not bold")
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
            label.append(f", {unit_text(row.unit, lang)}", style="dim")
        by_name = {r.scenario: r for r in records}
        cells = [_cell_text(by_name.get(s), row.unit, digits) for s in scenarios]
        base_text = number(base_value(records), row.unit, digits)
        table.add_row(Padding(label, (0, 0, 0, 2)), base_text, *cells)
    unchanged()
    return table


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
