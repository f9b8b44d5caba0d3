"""Weekly curves: the mean over replicates and its 95 % interval, drawn as small inline SVG.

Drawn by hand and not by a plotting library: the labels carry both languages, the colours come
from the page's style sheet (so that print and narrow screens restyle them), and a panel of five
scenarios stays near 20 kB.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pandas import DataFrame

WIDTH, HEIGHT = 460, 220
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 10, 24
POINTS = 160  # more weeks than this are thinned, evenly


def weekly_bands(outcomes: DataFrame, outcome: str, group: str = "all") -> DataFrame:
    """Mean and 95 % t interval over replicates, per scenario and week.

    outcomes: columns scenario, replicate, week, outcome, group, value. Returns scenario, week,
    mean, low, high, replicates; low and high are NaN where there is one replicate.
    """
    from scipy.special import stdtrit

    rows = outcomes[(outcomes["outcome"] == outcome) & (outcomes["group"] == group)]
    by_week = rows.groupby(["scenario", "week"], observed=True, sort=True)["value"]
    bands = by_week.agg(mean="mean", sd="std", replicates="count").reset_index()
    n = bands["replicates"].to_numpy(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = stdtrit(np.where(n > 1, n - 1, np.nan), 0.975) * bands["sd"] / np.sqrt(n)
    bands["low"], bands["high"] = bands["mean"] - half, bands["mean"] + half
    return bands[["scenario", "week", "mean", "low", "high", "replicates"]]


def nice_ticks(low: float, high: float, wanted: int = 4) -> list[float]:
    """Round numbers (1, 2, 2.5, 5 x 10^k apart) that cover low to high; at least two."""
    span = max(high - low, 1e-9 * abs(high), 1e-9)
    raw = span / wanted
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, max(last, first + 1) + 1)]


def draw(
    bands: DataFrame,
    scenarios: Sequence[str],
    start: date,
    levers: Sequence[date] = (),
    scale: float = 1.0,
    label: str = "",
) -> str:
    """One panel as SVG text.

    scenarios: in the order of the colour classes ``s0`` (the base), ``s1``, ...; start: Monday of
    week 0; levers: dates that get a vertical line; scale: factor on the values (100 for shares);
    label: what a screen reader says.
    """
    weeks = np.unique(bands["week"].to_numpy())
    if not len(weeks):
        return ""
    weeks = weeks[:: math.ceil(len(weeks) / POINTS)]
    bands = bands[bands["week"].isin(weeks)]
    low, high = _range(bands, scale)
    ticks = nice_ticks(low, high)
    last = max(int(weeks[-1]), 1)

    def x(week: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * week / last

    def y(value: float) -> float:
        share = (value * scale - ticks[0]) / (ticks[-1] - ticks[0])
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share

    parts = [
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(label)}">'
    ]
    digits = max(0, -math.floor(math.log10(ticks[1] - ticks[0]) + 1e-9))
    digits += any(abs(t * 10**digits - round(t * 10**digits)) > 1e-6 for t in ticks)
    for tick in ticks:
        at = _n(y(tick / scale))
        parts.append(
            f'<path class="grid" d="M{LEFT} {at}H{WIDTH - RIGHT}"/>'
            f'<text class="tick" x="{LEFT - 6}" y="{at}" dy=".35em" '
            f'text-anchor="end">{tick:,.{digits}f}</text>'
        )
    for week, text in _months(start, last):
        at = _n(x(week))
        parts.append(
            f'<path class="grid" d="M{at} {HEIGHT - BOTTOM}v4"/><text class="tick" '
            f'x="{at}" y="{HEIGHT - 6}" text-anchor="middle">{text}</text>'
        )
    for when in levers:
        week = math.ceil((when - start).days / 7)
        if 0 <= week <= last:
            parts.append(
                f'<path class="lever" d="M{_n(x(week))} {TOP}V{HEIGHT - BOTTOM}">'
                f"<title>{when.isoformat()}</title></path>"
            )
    lines = []
    for i, name in enumerate(scenarios):
        rows = bands[bands["scenario"] == name]
        at, mean = rows["week"].to_numpy(), rows["mean"].to_numpy()
        # an interval by t may reach below zero where no value can; it ends where the axis does
        bottom = np.maximum(rows["low"].to_numpy(), ticks[0] / scale)
        top = rows["high"].to_numpy()
        known = np.isfinite(mean)
        if not known.any():
            continue
        if np.isfinite(bottom).any():
            both = known & np.isfinite(bottom)
            edge = [(x(w), y(v)) for w, v in zip(at[both], top[both], strict=True)]
            edge += [(x(w), y(v)) for w, v in zip(at[both][::-1], bottom[both][::-1], strict=True)]
            parts.append(f'<path class="band s{i}" d="{_path(edge)}z"/>')
        line = [(x(w), y(v)) for w, v in zip(at[known], mean[known], strict=True)]
        lines.append(f'<path class="line s{i}" d="{_path(line)}"/>')
    return "".join([*parts, *lines[1:], *lines[:1], "</svg>"])


def _range(bands: DataFrame, scale: float) -> tuple[float, float]:
    """Lowest and highest value shown; from zero where the values come near it."""
    values = np.concatenate([bands[c].to_numpy(float) for c in ("mean", "low", "high")]) * scale
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    positive = float(np.nanmin(bands["mean"])) >= 0
    if positive and low < 0.4 * high:
        low = 0.0
    if high - low < 1e-9:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    return (max(low, 0.0) if positive else low), high


def _months(start: date, weeks: int) -> list[tuple[float, str]]:
    """Week and text of the axis marks: Januaries and Julys, Januaries alone above four years."""
    months = (1, 7) if weeks <= 208 else (1,)
    marks = []
    for year in range(start.year, (start + timedelta(weeks=weeks)).year + 1):
        for month in months:
            week = (date(year, month, 1) - start).days / 7
            if -1 <= week <= weeks:
                marks.append((max(week, 0.0), f"{year}-{month:02d}"))
    return marks


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Path data with one absolute move and relative steps: half the bytes of absolute ones."""
    grid = [(round(x * 10), round(y * 10)) for x, y in points]
    text = [f"M{_n(grid[0][0] / 10)} {_n(grid[0][1] / 10)}l"]
    for (x0, y0), (x1, y1) in pairwise(grid):
        text.append(f"{_n((x1 - x0) / 10)} {_n((y1 - y0) / 10)}")
    return text[0] + " ".join(text[1:]) if len(text) > 1 else text[0].rstrip("l") + "h.1"
