"""Statistics of the differences as text: how sure they are, what ranks first, what moves them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

from sim.outcomes.catalogue import OUTCOMES
from sim.report.numbers import MARKS, counted, decimals, missing, number, pick, unit_text

if TYPE_CHECKING:
    from pandas import DataFrame

    from sim.experiment.sensitivity import Sensitivity
    from sim.report.windows import Window

FEW = 20  # replicates, see `sim.experiment.intervals.bootstrap_interval`
SHOWN = 3  # parameters named beside an output
LITTLE = 0.01  # movement of an output under which nothing is named
METHODS = {
    "grid": ("full grid", "全因子设计"),
    "lhs": ("Latin hypercube", "拉丁超立方"),
    "sobol": ("Sobol sequence", "Sobol 序列"),
    "morris": ("Morris trajectories", "Morris 轨迹"),
}


def print_evidence(
    rows: DataFrame, lang: str = "en", file: IO[str] | None = None, window: Window | None = None
) -> None:
    """Prints what `sim.experiment.evidence.evidence` found, a table per scenario."""
    head = (
        ("difference", "差"),
        ("95 % t", "95% t 区间"),
        ("95 % bootstrap", "95% 自助区间"),
        ("p", "p"),
        ("p (Holm)", "p（Holm）"),
        ("pairing", "配对增益"),
        ("verdict", "结论"),
    )
    tables = []
    for scenario, part in rows.groupby("scenario", sort=False):
        table = _table(f"{scenario} − {part['base'].iloc[0]}", [pick(lang, *h) for h in head])
        for r in part.itertuples(index=False):
            unit, digits = _unit(r.outcome), decimals(_unit(r.outcome), [r])
            ends = [
                f"{number(a, unit, digits, True)} … {number(b, unit, digits, True)}"
                for a, b in ((r.low, r.high), (r.bootstrap_low, r.bootstrap_high))
            ]
            _, en, zh, _ = MARKS[r.adjusted]
            table.add_row(
                _label(r.outcome, lang),
                number(r.difference, unit, digits, True),
                *ends,
                _small(r.p),
                _small(r.holm),
                _times(r.variance_reduction),
                pick(lang, en, zh),
            )
        tables.append(table)
    said = pick(
        lang,
        "Verdicts hold for all headline outcomes of a scenario together (Holm, 5 %). Pairing: so "
        "many times more replicates would independent runs need.",
        "结论对一个方案的全部主要指标同时成立（Holm，5%）。配对增益：独立运行所需重复次数的倍数。",
    )
    few = pick(
        lang,
        f"Under {FEW} replicates bootstrap intervals are too narrow; verdicts are by the t test.",
        f"重复少于 {FEW} 次时自助区间偏窄；结论依据t检验。",
    )
    _print(
        [*tables, *_of(window, lang), said, *([few] if (rows["replicates"] < FEW).any() else [])],
        file,
    )


def _times(factor: Any) -> str:
    if missing(factor):
        return "n/a"
    return "∞" if math.isinf(factor) else f"{factor:,.3g}×"


def print_ranks(
    rows: DataFrame, within: float, lang: str = "en", file: Any = None, window: Window | None = None
) -> None:
    """Prints what `sim.experiment.ranking.rank` found."""
    outcome = str(rows["outcome"].iloc[0])
    unit = _unit(outcome)
    near = f"≤ {within:g}{f' {unit_text(unit, lang)}' if unit else ''}"
    if unit == "share":
        near = f"≤ {100 * within:g} %"
    head = (
        ("value", "数值"),
        ("mean rank", "平均名次"),
        ("best in", "最优比例"),
        (f"within {near} in", f"差距{near}比例"),
        ("parameter sets", "参数组比例"),
        ("mean regret", "平均遗憾"),
        ("worst regret", "最大遗憾"),
    )
    digits = decimals(unit) + 1
    table = _table(_label(outcome, lang), [pick(lang, *h) for h in head])
    for r in rows.itertuples(index=False):
        shares = [_percent(s) for s in (r.best, r.within, r.within_sets)]
        regrets = [number(v, unit, digits) for v in (r.regret, r.worst_regret)]
        table.add_row(
            r.scenario, number(r.value, unit, digits), number(r.mean_rank, "", 2), *shares, *regrets
        )
    first = rows.iloc[0]
    sets = counted(first.sets, "parameter set")
    said = pick(
        lang,
        f"over {counted(first.worlds, 'world')}: {sets} with {_its(first.sets)} replicates",
        f"共 {first.worlds} 个情境：{first.sets} 组参数及其重复",
    )
    if not first.worlds:
        said = pick(
            lang,
            "Nothing to rank: in no world do all of them have a value (of a service that a "
            "scenario brings, the others say nothing).",
            "无从排序：没有任何情境中各方案均有数值（方案新增的服务在其他方案中没有数值）。",
        )
    note = pick(
        lang,
        "Minutes are a mean of those who have a facility: see also the outcomes .none.",
        "分钟数仅为有设施可用者的平均，另见 .none 指标。",
    )
    of_some = outcome.startswith("access.") and outcome.endswith(".minutes")
    _print([table, *_of(window, lang), said, *([note] if of_some else [])], file)


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def _of(window: Window | None, lang: str) -> list[str]:
    """A line that says which weeks the figures are of, where that is known."""
    return [pick(lang, *window.mean)] if window else []


def print_sensitivity(
    found: Sensitivity,
    lang: str = "en",
    file: IO[str] | None = None,
    window: Window | None = None,
) -> None:
    """Prints what moves the differences: all parameters, then each output."""
    from sim.experiment.indices import MEANING

    index, second = MEANING[found.design.method]
    points = int(found.outputs["points"].max())
    en, zh = METHODS[found.design.method]
    sets, times = counted(points, "parameter set"), counted(found.replicates, "replicate")
    parts: list[Any] = [
        pick(
            lang,
            f"{en}: {sets} beside the experiment's own, {times} of each",
            f"{zh}：实验自身参数之外 {points} 组参数，各 {found.replicates} 次重复",
        ),
        *_of(window, lang),
        _parameter_table(found, lang),
    ]
    for scenario in dict.fromkeys(found.outputs["scenario"]):
        parts.append(_output_table(found, str(scenario), lang))
    names = f"{index}, {second}" if second else index
    parts.append(
        pick(
            lang,
            f"Index {names} ± half of its 95 % interval; (nc) not converged; (noise) replicates "
            "alone may make as much. Same sign: share of parameter sets in which the difference "
            "has the sign it has at the experiment's own. Share of movement: over all outputs, "
            "each counted by how much it moves for its size.",
            f"指标 {names} ± 95%区间半宽；(nc) 未收敛；(noise) 可能仅为随机噪声。"
            "同号：差与实验参数下同号的参数组比例。影响份额：全部指标合计，各按其相对变动加权。",
        )
    )
    if found.replicates < 2:
        parts.append(
            pick(
                lang,
                "One replicate: its noise cannot be told from the effect of parameters.",
                "仅一次重复：无法区分随机噪声与参数影响。",
            )
        )
    _print(parts, file)


def _parameter_table(found: Sensitivity, lang: str) -> Any:
    title = pick(lang, "what moves the headline differences", "哪些参数影响主要差异")
    head = (("confidence", "可信度"), ("share of movement", "影响份额"), ("most in", "影响最大"))
    table = _table(title, [pick(lang, *h) for h in head])
    for r in found.parameters.itertuples(index=False):
        most = "" if missing(r.share) else f"{_label(r.outcome, lang)} ({r.scenario})"
        share = "n/a" if missing(r.share) else f"{100 * r.share:.1f} %"
        table.add_row(r.parameter, r.confidence, share, most)
    return table


def _output_table(found: Sensitivity, scenario: str, lang: str) -> Any:
    head = (
        ("difference", "差"),
        ("5-95 % of sets", "参数组5-95%"),
        ("same sign", "同号"),
        ("sd by parameters", "参数标准差"),
        ("sd by replication", "重复标准差"),
        ("most by", "主要参数"),
    )
    table = _table(f"{scenario} − {found.base}", [pick(lang, *h) for h in head])
    for o in found.outputs[found.outputs["scenario"] == scenario].itertuples(index=False):
        unit = _unit(o.outcome)
        size = max(abs(v) for v in (o.difference, o.low, o.high) if not missing(v))
        digits = _digits(size, unit)
        mine = found.indices.query("scenario == @scenario and outcome == @o.outcome")
        mine = mine[mine["share"] > 0]
        first = mine.sort_values("share", ascending=False, kind="stable")[:SHOWN]
        fine = _digits(float(first["value"].max()), unit) if len(first) else digits
        if missing(o.parameters) and not missing(o.noise):
            most = pick(lang, "no more than replication", "不超过随机噪声")
        elif o.movement < LITTLE:
            most = pick(lang, "hardly moves", "几乎不变")
        else:
            most = "; ".join(_index(r, unit, fine, found.design.method) for r in first.itertuples())
        table.add_row(
            _label(o.outcome, lang),
            number(o.difference, unit, digits, True),
            f"{number(o.low, unit, digits, True)} … {number(o.high, unit, digits, True)}",
            _percent(o.same_sign),
            number(o.parameters, unit, fine),
            number(o.noise, unit, fine),
            most,
        )
    return table


def _index(row: Any, unit: str, digits: int, method: str) -> str:
    mark = " (noise)" if row.noisy else "" if row.converged else " (nc)"
    if method == "morris":
        size, half = number(row.value, unit, digits), number(row.conf, unit, digits)
    else:
        size, half = f"{row.value:.2f}", f"{row.conf:.2f}"
    return f"{row.parameter} {size}±{half}{mark}"


def _digits(size: float, unit: str) -> int:
    digits, scaled = decimals(unit), size * (100 if unit == "share" else 1)
    while 0 < scaled < 10.0 ** (1 - digits) and digits < 4:
        digits += 1
    return digits


def _unit(outcome: str) -> str:
    return OUTCOMES[outcome].unit if outcome in OUTCOMES else ""


def _label(outcome: str, lang: str) -> str:
    known = OUTCOMES.get(outcome)
    if known is None:
        return outcome
    return f"{pick(lang, known.en, known.zh)}, {unit_text(known.unit, lang)}"


def _percent(share: Any) -> str:
    return "n/a" if missing(share) else f"{100 * share:.0f} %"


def _small(p: Any) -> str:
    if missing(p):
        return "n/a"
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def _table(title: str, head: Sequence[str]) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", min_width=24)
    for name in head:
        table.add_column(name, justify="left" if name == head[-1] else "right")
    return table


def _print(parts: Sequence[Any], file: IO[str] | None) -> None:
    from rich.console import Console, Group

    console = Console(file=file, highlight=False)
    if not console.is_terminal:
        console = Console(file=file, highlight=False, width=200, color_system=None)
        console.width = max(120, min(240, console.measure(Group(*parts)).maximum))
    for part in parts:
        console.print(part, markup=False)
