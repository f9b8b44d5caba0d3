"""What a report shows, gathered once from a results directory and the case it names.

The case may have been moved or changed since the runs; then the report does without what only
the case knows (map, provenance), and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.case.messages import InputError
from sim.report.units import draw_map, unit_changes, worst
from sim.report.windows import Window

if TYPE_CHECKING:
    from sim.case.case import Case
    from sim.experiment.results import Study
    from sim.report.units import Change

DATE = re.compile(r"\bdate:\s*['\"]?(\d{4}-\d{2}-\d{2})")


# Outcomes shown week by week.
CURVES = (
    ("workload.offices.load", "Load of all offices (1 = full)", "全部机构总负荷（1为满负荷）"),
    ("workload.offices.backlog", "Backlog of queued work, hours", "积压工时（小时）"),
    ("use.home_care.visits", "Home visits made per week", "每周入户走访次数"),
    ("use.government.wait", "Wait at the government counter, minutes", "政务服务窗口等候（分钟）"),
    ("satisfaction.residents.score", "Satisfaction of residents, 0-100", "居民满意度（0-100）"),
    ("use.elder_care.waiting", "Households waiting for elder day care", "日间照料轮候户数"),
)


@dataclass(frozen=True)
class Text:
    """The same thing said in both languages."""

    en: str
    zh: str


@dataclass(frozen=True)
class Figure:
    """An SVG with its caption; `html` is trusted, it is drawn by this room."""

    title: Text
    html: str
    note: Text = Text("", "")


@dataclass(frozen=True)
class Findings:
    """All that a report shows, read from results once; no file is touched after this.

    facts: (label, value) pairs of what was compared; titles: scenario -> heading; comparison,
    early: frames of `compare` in the windows `window` and `soon`; weekly: scenario, replicate,
    week, outcome, group, value of the outcomes in `CURVES`; map: a drawn figure or None;
    worst_units: rows (unit, base, scenario, change of minutes, share that lost every counter);
    provenance: what each table comes from; assumptions: parameters of confidence C; repeat:
    (label, value) pairs; failures: one row per failed run; open_runs: planned and not done yet;
    losers_every: weeks between two records of who loses.
    """

    title: Text
    window: Window
    comparison: pd.DataFrame
    weekly: pd.DataFrame
    start: date
    weeks: int
    early: pd.DataFrame | None = None
    soon: Window | None = None
    titles: Mapping[str, Text] = field(default_factory=dict)
    facts: Sequence[tuple[Text, Text]] = ()
    levers: Sequence[date] = ()
    map: Figure | None = None
    worst_units: Sequence[Mapping[str, Any]] = ()
    provenance: Sequence[Origin] = ()
    assumptions: Sequence[Any] = ()
    repeat: Sequence[tuple[Text, str]] = ()
    failures: Sequence[Mapping[str, Any]] = ()
    open_runs: int = 0
    losers_every: int = 1


LABELS = {
    "case": Text("Case", "案例"),
    "scope": Text("Scope", "范围"),
    "households": Text("Households, one to one", "户数（一一对应）"),
    "persons": Text("Registered persons", "户籍人口"),
    "communities": Text("Units before the redraw", "调整前单元数"),
    "facilities": Text("Facilities", "设施"),
    "scenarios": Text("Scenarios", "方案"),
    "replicates": Text("Replicates of each", "每个方案重复次数"),
    "seed": Text("Seed", "种子"),
}


def gather(results: Path, window: str = "last-year") -> Findings:
    """Reads a results directory; `InputError` where there is none."""
    from sim.experiment.results import Study

    study = Study.open(results)
    info = study.info
    case = open_case(study)
    plan = study.plan()
    done = bool((plan["state"] == "done").any())
    levers = lever_dates(study)
    titles = {s["name"]: _text(s["title"], s["name"]) for s in info["scenarios"]}
    units = unit_changes(study, case) if case is not None and done else {}
    shown = next(iter(units), None)
    return Findings(
        title=_text(info["title"], info["name"]),
        window=Window.of(window, info),
        comparison=study.compare(window=window),
        early=study.compare(window="first-half-year") if levers and done else None,
        soon=Window.of("first-half-year", info) if levers and done else None,
        weekly=study.outcomes([name for name, *_ in CURVES], point=0),
        start=date.fromisoformat(info["start"]),
        weeks=info["weeks"],
        titles=titles,
        facts=list(facts(info)),
        levers=levers,
        map=_map(units[shown], case, titles[shown]) if shown and case else None,
        worst_units=worst(units[shown], case, shown) if shown and case else (),
        provenance=list(provenance(case)),
        assumptions=assumptions(case, info),
        repeat=list(repeat(info)),
        open_runs=int((plan["state"] == "open").sum()),
        losers_every=info.get("record", {}).get("losers", 1),
        failures=[
            {"scenario": r.scenario, "replicate": r.replicate, "stage": r.stage, "message": r.error}
            for r in study.failures().itertuples()
        ],
    )


def open_case(study: Study) -> Case | None:
    """The case of a study in its scope, or None where it is gone or no longer valid."""
    from sim.case.case import Case

    scope = study.info["scope"]
    try:
        case = Case.open(study.case_path)
        return case.scoped(scope.get("counties"), scope.get("townships")) if scope else case
    except (InputError, OSError):
        return None


def lever_dates(study: Study) -> list[date]:
    """All dates of levers in the resolved scenarios within the horizon, sorted."""
    start = pd.Timestamp(study.info["start"])
    end = (start + pd.Timedelta(weeks=study.info["weeks"])).date()
    texts = [
        p.read_text(encoding="utf-8") for p in sorted((study.path / "scenarios").glob("*.yaml"))
    ]
    dates = {date.fromisoformat(d) for text in texts for d in DATE.findall(text)}
    dates |= {
        date.fromisoformat(s["first_date"]) for s in study.info["scenarios"] if s.get("first_date")
    }
    return sorted(d for d in dates if start.date() <= d < end)


def facts(info: Mapping[str, Any]) -> Iterator[tuple[Text, Text]]:
    """What was compared, as label and value."""
    size, scope = info.get("size", {}), info["scope"]
    yield LABELS["case"], _text(info["case"].get("title") or {}, Path(info["case"]["path"]).name)
    if scope:
        names = [name for part in scope.values() for name in part]
        yield LABELS["scope"], Text(", ".join(names), "、".join(names))
    for key in ("households", "persons", "communities", "facilities"):
        if key in size:
            yield LABELS[key], _same(f"{size[key]:,}")
    yield LABELS["scenarios"], _same(len(info["scenarios"]))
    yield LABELS["replicates"], _same(info["replicates"])
    yield LABELS["seed"], _same(info["seed"])


@dataclass(frozen=True)
class Origin:
    """Where a part of the case comes from; `status` is real, inferred, synthetic, or unknown."""

    table: str
    columns: str
    status: Text
    how: str


STATUS = {
    "real": Text("real", "真实"),
    "inferred": Text("inferred", "推断"),
    "synthetic": Text("synthetic", "合成"),
}


def provenance(case: Case | None) -> Iterator[Origin]:
    """What case.yaml says of its tables: entries with ``columns``, ``is`` and ``how``, or any
    other text as it stands."""
    for table, said in (case.meta.provenance if case is not None else {}).items():
        for entry in said if isinstance(said, list) else [said]:
            if isinstance(entry, Mapping) and "is" in entry:
                status = str(entry["is"])
                yield Origin(
                    table,
                    _plain(entry.get("columns", "")),
                    STATUS.get(status, _same(status)),
                    _plain(entry.get("how", "")),
                )
            else:
                yield Origin(table, "", _same(""), _plain(entry))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key}: {_plain(v)}" for key, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def assumptions(case: Case | None, info: Mapping[str, Any]) -> list[Any]:
    """Parameters of confidence C as the runs used them."""
    from sim.case.parameters import Parameters

    own = case.meta.parameters if case is not None else {}
    try:
        parameters = Parameters.load({**own, **info.get("parameters", {})})
    except InputError:  # results of another version, whose parameters had other names
        return []
    return [p for p in parameters if p.confidence == "C"]


def repeat(info: Mapping[str, Any]) -> Iterator[tuple[Text, str]]:
    """Command, versions and hashes that lead to the same numbers again."""
    if info.get("experiment"):
        name = Path(info["experiment"]).name
        yield Text("Command", "命令"), f"sim run experiments/{name}"
    yield Text("Check", "核对"), "sim compare RESULTS --json"
    yield Text("Runs", "运行数"), f"{info['runs']}"
    overrides = info.get("parameters") or {}
    if overrides:
        yield (
            Text("Parameters changed", "改动的参数"),
            ", ".join(f"{k} = {v:g}" for k, v in sorted(overrides.items())),
        )
    yield Text("Hash of the plan", "计划哈希"), info["plan"]
    yield Text("Hash of the case", "案例哈希"), info["case"]["digest"]
    yield (
        Text("Versions", "版本"),
        ", ".join(f"{k} {v}" for k, v in info.get("versions", {}).items()),
    )
    if info.get("created"):
        yield Text("First run", "首次运行"), info["created"]


def _map(change: Change, case: Case, title: Text) -> Figure:
    return Figure(
        title=title,
        html=draw_map(change, case),
        note=Text(
            "Left: units before, communities (社区) and villages (村), with their seats. Right: "
            "units after, with the change of minutes to counter matters for the people who live "
            "there (mean over persons, last record of the horizon; red: longer, "
            "green: shorter; blank: nobody with a counter before and after). Borders of a "
            "synthetic case are synthetic.",
            "左：调整前单元（按类型）及驻地；右：调整后单元，按当地居民到办事点分钟数的变化"
            "着色（按人口平均，时段末次记录；红为增加，绿为减少，空白为前后无办事点可比）。"
            "合成案例的边界亦为合成。",
        ),
    )


def _same(value: Any) -> Text:
    return Text(str(value), str(value))


def _text(title: Mapping[str, str] | str, fallback: str) -> Text:
    if isinstance(title, str):
        return _same(title or fallback)
    en, zh = title.get("en", ""), title.get("zh", "")
    return Text(en or zh or fallback, zh or en or fallback)
