"""The answer in words, English and Chinese, written from the paired differences alone.

Every sentence is put together from `moved`, which says rises, falls, no clear difference or does
not change as the interval of the difference says; no sentence knows a result beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.outcomes.catalogue import GROUPS, OUTCOMES
from sim.report.numbers import (
    CLEAR,
    OTHERS,
    decimals,
    interval,
    lookup,
    missing,
    number,
    pick,
    scenarios_of,
    unit_text,
)

if TYPE_CHECKING:
    from pandas import DataFrame

    from sim.report.windows import Window

AGES = ("children", "adults", "old")
SEATS = ("seat_0_500m", "seat_500_1000m", "seat_1000_2000m", "seat_2000m")
COUNTER_MINUTES = "access.government.minutes"
SEAT_MINUTES = "equity.losers.counter_minutes"
NO_COUNTER = "equity.losers.no_counter"


@dataclass(frozen=True)
class Answer:
    """What one scenario does, as sentences in both languages (of equal number)."""

    scenario: str
    en: tuple[str, ...]
    zh: tuple[str, ...]


def in_words(
    comparison: DataFrame,
    early: DataFrame | None = None,
    window: Window | None = None,
    soon: Window | None = None,
) -> list[Answer]:
    """Up to seven sentences per scenario.

    comparison: differences in `window`; early: the same in the window `soon` after the first
    lever, where one was pulled at all.
    """
    found = lookup(comparison)
    first = lookup(early) if early is not None else {}
    answers = []
    for scenario in scenarios_of(comparison):
        texts = {
            lang: tuple(
                sentence
                for write in (_counter, _for_whom, _work, _cost, _losers)
                if (sentence := write(found, scenario, lang))
            )
            for lang in ("en", "zh")
        }
        visits = {
            lang: _visits([(first, soon), (found, window)], scenario, lang) for lang in ("en", "zh")
        }
        answers.append(
            Answer(
                scenario,
                *(
                    (*texts[lang][:3], *([visits[lang]] if visits[lang] else []), *texts[lang][3:])
                    for lang in ("en", "zh")
                ),
            )
        )
    return answers


def moved(record: Any, lang: str = "en", plural: bool = False, percent: bool = False) -> str:
    """The predicate on one difference: rises by ... to ..., no clear difference, does not change.

    percent: also the change as a share of the base value, where that is not zero.
    """
    unit = OUTCOMES[record.outcome].unit
    digits = decimals(unit, [record])
    plain = unit in ("ratio", "index")  # units that are not said
    space = pick(lang, "\u00a0", "")
    name = "" if plain else space + unit_text(unit, lang)
    size_name = space + pick(lang, "percentage points", "个百分点") if unit == "share" else name
    to_name = name if unit == "share" else ""
    level = number(record.value, unit, digits)

    if record.verdict == "no difference" or (
        record.verdict == "one replicate" and record.difference == 0
    ):
        return pick(
            lang,
            f"{'do' if plural else 'does'} not change ({level}{name})",
            f"不变（{level}{name}）",
        )
    if record.verdict == OTHERS:
        return pick(
            lang,
            f"{'are' if plural else 'is'} {level}{name} for those who have one, who are not the "
            "same persons as in the base",
            f"为{level}{name}（仅含有设施可用者，与基准人群不同）",
        )
    if missing(record.difference):
        return pick(lang, f"{'are' if plural else 'is'} not comparable", "无法比较")
    ends = interval(record, unit, digits)
    span = pick(lang, " to ", " 至 ").join(ends) if ends else ""
    if record.verdict == "no clear difference":
        return pick(
            lang,
            f"{'show' if plural else 'shows'} no clear difference "
            f"({level}{name}; 95\u00a0% interval {span})",
            f"无明确差异（{level}{name}；95%置信区间 {span}）",
        )
    share = note = ""
    if percent and not missing(record.base_value) and record.base_value:
        relative = 100 * abs(record.difference / record.base_value)
        relative = f"{relative:.0f}" if relative >= 1 else f"{relative:.1f}"
        share = pick(lang, f" ({relative}\u00a0%)", f"（{relative}%）")
    if record.verdict == "one replicate":
        note = pick(lang, " (one replicate, interval unknown)", "（仅一次重复，区间未知）")
    elif ends:
        note = pick(lang, f" (95\u00a0% interval {span})", f"（95%置信区间 {span}）")
    up = record.difference > 0
    verb = pick(
        lang, f"{'rise' if up else 'fall'}{'' if plural else 's'}", "增加" if up else "减少"
    )
    size = number(abs(record.difference), unit, digits)
    return pick(
        lang,
        f"{verb} by {size}{size_name}{share} to {level}{to_name}{note}",
        f"{verb}{size}{size_name}{share}，为{level}{name}{note}",
    )


def _signed(value: float, unit: str, digits: int) -> str:
    return number(value, unit, digits, sign=True).replace("-", "−")


Found = Mapping[tuple[str, str, str], Any]


def _counter(found: Found, scenario: str, lang: str) -> str:
    record = found.get((scenario, COUNTER_MINUTES, "all"))
    if record is None:
        return ""
    text = pick(
        lang,
        f"The mean time to the nearest government counter {moved(record, lang)}",
        f"到最近政务服务点的平均时间{moved(record, lang)}",
    )
    other = found.get((scenario, "access.community.minutes", "all"))
    if other is not None:
        text += pick(
            lang,
            f"; the time for community affairs {moved(other, lang)}",
            f"；办理社区事务的时间{moved(other, lang)}",
        )
    return text + pick(lang, ".", "。")


def _for_whom(found: Found, scenario: str, lang: str) -> str:
    """Who bears the change of counter minutes: by age, and by distance to the seat."""
    ages = _clear(found, scenario, COUNTER_MINUTES, AGES)
    seats = _clear(found, scenario, SEAT_MINUTES, SEATS)
    parts = []
    if len(ages) > 1:
        said = [_for(r, lang) for r in ages]
        parts.append(
            pick(
                lang,
                f"by age the change in minutes is {', '.join(said)}",
                f"分年龄看，时间变化为{'，'.join(said)}",
            )
        )
    if len(seats) > 1:
        most, least = _for(seats[0], lang), _for(seats[-1], lang)
        parts.append(
            pick(
                lang,
                f"by distance to the seat it runs from {most} to {least}",
                f"按距驻地远近，从{most}到{least}",
            )
        )
    return _sentence(parts, lang)


def _clear(found: Found, scenario: str, outcome: str, groups: Sequence[str]) -> list[Any]:
    """Records of the groups with a clear difference, the largest first."""
    records = [found[scenario, outcome, g] for g in groups if (scenario, outcome, g) in found]
    clear = [r for r in records if r.verdict in CLEAR]
    return sorted(clear, key=lambda r: (-abs(r.difference), r.group))


def _for(record: Any, lang: str) -> str:
    """``+1.9 min for persons 60 and over``."""
    change = _signed(record.difference, "min", decimals("min", [record]))
    en, zh = GROUPS[record.group]
    who = f"those {en}" if en.startswith("living") else en
    return pick(lang, f"{change} min for {who}", f"{zh}{change}分钟")


def _work(found: Found, scenario: str, lang: str) -> str:
    subjects = (
        (
            "workload.offices.load",
            "the load of all offices together (1 = full)",
            "全部机构的总负荷（1为满负荷）",
            False,
        ),
        (
            "workload.offices.over",
            "the share of offices with more work than hours",
            "超负荷机构比例",
            False,
        ),
        (
            "workload.offices.overhead_per_1000",
            "fixed overhead per 1,000 persons",
            "每千人固定事务工时",
            True,
        ),
    )
    parts = []
    for outcome, en, zh, percent in subjects:
        record = found.get((scenario, outcome, "all"))
        if record is not None:
            parts.append(
                pick(
                    lang,
                    f"{en} {moved(record, lang, percent=percent)}",
                    f"{zh}{moved(record, lang, percent=percent)}",
                )
            )
    return _sentence(parts, lang)


def _visits(periods: Sequence[tuple[Found, Window | None]], scenario: str, lang: str) -> str:
    """Home visits soon after the first lever and in the window: the dip and what is left of it."""
    key = (scenario, "use.home_care.visits", "all")
    parts: dict[str, str] = {}
    for found, window in periods:
        when = pick(lang, *window.when) if window else ""
        if key in found and when not in parts:
            subject = pick(
                lang, " they " if parts else " home visits made ", "" if parts else "入户走访次数"
            )
            predicate = moved(found[key], lang, plural=True, percent=True)
            parts[when] = f"{when}{subject}{predicate}".strip()
    return _sentence(list(parts.values()), lang)


def _cost(found: Found, scenario: str, lang: str) -> str:
    record = found.get((scenario, "cost.total.per_head", "all"))
    if record is None:
        return ""
    text = pick(
        lang,
        f"public cost per registered person {moved(record, lang, percent=True)}",
        f"人均公共成本{moved(record, lang, percent=True)}",
    )
    parts = [text]
    one_off = found.get((scenario, "cost.transition.per_head", "all"))
    if one_off is not None and one_off.verdict in CLEAR:
        parts.append(
            pick(
                lang,
                f"the one-off cost of the merger {moved(one_off, lang)}",
                f"人均合并过渡成本{moved(one_off, lang)}",
            )
        )
    return _sentence(parts, lang)


def _losers(found: Found, scenario: str, lang: str) -> str:
    parts = []
    for outcome, en, zh in (
        ("equity.losers.share", "of households lose against the base", "的户受损"),
        ("equity.losers.winners", "gain", "的户受益"),
    ):
        record = found.get((scenario, outcome, "all"))
        if record is not None and not missing(record.value):
            value = number(record.value, "share")
            parts.append(pick(lang, f"{value}\u00a0% {en}", f"{value}%{zh}"))
    text = pick(lang, " and ", "，").join(parts)
    gone = found.get((scenario, NO_COUNTER, "all"))
    if gone is not None and not missing(gone.value) and gone.value > 0:
        value = number(gone.value, "share", decimals("share", [gone]))
        text += pick(lang, "; " if text else "", "；" if text else "")
        text += pick(
            lang,
            f"{value}\u00a0% of persons lose every counter for some of their matters",
            f"{value}%的人口在某类事项上失去全部办事点",
        )
    record = found.get((scenario, "satisfaction.residents.score", "all"))
    if record is not None:
        text += pick(lang, "; " if text else "", "；" if text else "")
        text += pick(
            lang,
            f"the satisfaction of residents (0-100) {moved(record, lang)}",
            f"居民满意度（0-100）{moved(record, lang)}",
        )
    return _sentence([text], lang) if text else ""


def _sentence(parts: Sequence[str], lang: str) -> str:
    text = pick(lang, "; ", "；").join(p for p in parts if p)
    return text[:1].upper() + text[1:] + pick(lang, ".", "。") if text else ""
