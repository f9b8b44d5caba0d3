"""How the numbers of a comparison are found, rounded and marked, alike in table, page and words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandas import DataFrame

MARKS = {
    "better": ("✓", "better", "改善", "green"),
    "worse": ("✗", "worse", "变差", "red"),
    "higher": ("↑", "higher", "升高", "blue"),
    "lower": ("↓", "lower", "降低", "blue"),
    "no clear difference": ("~", "no clear difference", "无明确差异", "dim"),
    "no difference": ("=", "no difference", "无差异", "dim"),
    "not comparable": ("∅", "not comparable", "无法比较", "yellow"),
    "other persons": ("≠", "not of the same persons", "人群不同", "yellow"),
    "one replicate": ("?", "one replicate, no interval", "仅一次重复，无区间", "yellow"),
}
OTHERS = "other persons"
CLEAR = ("better", "worse", "higher", "lower")

BASKET = "access.basket.minutes"

UNITS = {  # unit -> decimals, as printed (en, zh); shares are printed as per cent
    "min": (1, "min", "分钟"),
    "share": (1, "%", "%"),
    "yuan/year": (0, "yuan/year", "元/年"),
    "households": (0, "households", "户"),
    "persons": (0, "persons", "人"),
    "hours": (0, "hours", "小时"),
    "hours/week": (1, "hours/week", "小时/周"),
    "hours/year": (0, "hours/year", "小时/年"),
    "visits/week": (0, "visits/week", "次/周"),
    "weeks": (1, "weeks", "周"),
    "ratio": (2, "ratio", "比值"),
    "index": (3, "index", "指数"),
    "points": (1, "points", "分"),
    "workers": (0, "workers", "人"),
    "workers/year": (1, "workers/year", "人/年"),
    "posts": (1, "posts", "个岗位"),
    "offices": (0, "offices", "个"),
    "m2": (1, "m2", "平方米"),
    "places/1,000 users": (1, "places/1,000 users", "个/千名服务对象"),
    "visits/week/1,000 users": (0, "visits/week/1,000 users", "人次/周/千名服务对象"),
}


def pick(lang: str, en: str, zh: str) -> str:
    """The text in the language asked for (``en`` or ``zh``)."""
    return zh if lang == "zh" else en


def counted(count: int, noun: str) -> str:
    """A number with its English noun, in the plural where there is not one of it."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def unit_text(unit: str, lang: str = "en") -> str:
    """The unit as it is printed; shares are printed as per cent."""
    _, en, zh = UNITS.get(unit, (2, unit, unit))
    return pick(lang, en, zh)


def missing(value: Any) -> bool:
    """True for None and NaN: the number is not known."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def decimals(unit: str, records: Sequence[Any] = ()) -> int:
    """Decimals for one outcome: those of its unit, more where a clear difference would read 0."""
    digits = UNITS.get(unit, (2, "", ""))[0]
    scale = 100 if unit == "share" else 1
    for record in records:
        if record.verdict in CLEAR:
            size = abs(record.difference) * scale
            while round(size, digits) == 0 and digits < 4:
                digits += 1
    return digits


def number(value: Any, unit: str, digits: int | None = None, sign: bool = False) -> str:
    """A value of `unit` as text; shares become per cent without the sign %; unknown is n/a."""
    if missing(value):
        return "n/a"
    digits = decimals(unit) if digits is None else digits
    scaled = round(float(value) * (100 if unit == "share" else 1), digits) + 0.0
    return f"{scaled:{'+' if sign and scaled else ''},.{digits}f}"


def interval(record: Any, unit: str, digits: int) -> tuple[str, str] | None:
    """Both ends of a difference's interval as text, with one more decimal where they would read
    the same; None where there is none to show (unknown, or the same in all replicates)."""
    if missing(record.low) or record.low == record.high:
        return None
    for more in (0, 1, 2):
        low, high = (number(v, unit, digits + more, sign=True) for v in (record.low, record.high))
        if low != high:
            break
    return low.replace("-", "−"), high.replace("-", "−")


def lookup(comparison: DataFrame) -> dict[tuple[str, str, str], Any]:
    """(scenario, outcome, group) -> record of the comparison.

    Minutes to a facility are a mean of those who have one. Where a scenario leaves some without,
    or gives some their first, they are of other persons than in the base, and the verdict says so:
    who is left without would shorten the mean.
    """
    found: dict[tuple[str, str, str], Any] = {
        (r.scenario, r.outcome, r.group): r for r in comparison.itertuples(index=False)
    }
    without = {k: r for k, r in found.items() if k[1].endswith(".none") and r.difference}
    for scenario, outcome, group in without:
        if missing(without[scenario, outcome, group].difference):
            continue
        own = outcome.removesuffix("none") + "minutes"
        # the basket holds all needs of a household; its groups are of other kinds
        baskets = [k for k in found if k[:2] == (scenario, BASKET)]
        for key in [(scenario, own, group), *baskets]:
            if key in found:
                found[key] = found[key]._replace(verdict=OTHERS)
    return found


def scenarios_of(comparison: DataFrame) -> list[str]:
    """The compared scenarios in their order, without the base."""
    base = base_of(comparison)
    return [s for s in dict.fromkeys(comparison["scenario"]) if s != base]


def base_of(comparison: DataFrame) -> str:
    """The base of a comparison (all its rows share one); empty when there are no rows."""
    return str(comparison["base"].iloc[0]) if len(comparison) else ""


def records_of(
    found: Mapping[tuple[str, str, str], Any],
    outcome: str,
    scenarios: Sequence[str],
    group: str = "all",
) -> list[Any]:
    """The records of one outcome, one per scenario that has it."""
    return [found[s, outcome, group] for s in scenarios if (s, outcome, group) in found]


def base_value(records: Sequence[Any]) -> Any:
    """What the base gives; the records of one outcome share it."""
    return records[0].base_value if records else None
