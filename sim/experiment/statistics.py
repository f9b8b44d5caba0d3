"""Paired differences between scenarios, with their uncertainty over replicates.

Replicate r of every scenario uses the same draws (common random numbers), so scenarios are
compared within replicates: the difference is taken first, then its mean and a t interval (Law,
Simulation Modeling and Analysis, section 10.2: the paired-t confidence interval).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from sim.case.messages import InputError, Problem, did_you_mean
from sim.experiment.frames import Frames
from sim.experiment.intervals import paired_interval
from sim.outcomes.catalogue import GROUPS, OUTCOMES

LAST_YEAR, FIRST_HALF_YEAR, WHOLE = "last-year", "first-half-year", "whole"
WINDOWS = (LAST_YEAR, FIRST_HALF_YEAR, WHOLE)
COLUMNS = (
    "scenario",
    "base",
    "outcome",
    "group",
    "difference",
    "low",
    "high",
    "verdict",
    "base_value",
    "value",
)
ROUNDING = 1e-12  # relative; below it a difference comes from the order of sums
NO_DIFFERENCE, UNCLEAR = "no difference", "no clear difference"
ONE_REPLICATE, NOT_COMPARABLE = "one replicate", "not comparable"
_CELL = ["outcome", "group"]


def compare(
    study: Frames,
    base: str | None = None,
    window: str = LAST_YEAR,
    *,
    point: int = 0,
    replicates: int | None = None,
    names: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Every scenario against `base` (default: the experiment's), per outcome and group.

    Columns: `COLUMNS`. difference = value - base_value, each the mean over the replicates that
    both have; low, high: 95 % interval, equal to the difference where it is the same in all
    replicates, NaN where there is one. verdict: ``better``, ``worse`` (``higher``, ``lower``
    for outcomes without a good direction), ``no clear difference`` where the interval holds
    zero, ``no difference`` where all are zero, ``one replicate``, ``not comparable`` where only
    one of the two has a value. Order: scenarios as listed, outcomes and groups as in the
    catalogue. What the losers tables hold was recorded against the experiment's base (itself:
    zero) and is left out for another. Raises `InputError` for an unknown base or window.

    point: of the design, by default the parameters of the experiment; replicates: only the first
    so many; names: only these outcomes.
    """
    base = checked_base(study, base)
    values = values_of_runs(study, base, window, point=point, names=names)
    if replicates is not None:
        values = values[values["replicate"] < replicates]
    listed = compared_with(study, base)
    tables = paired_tables(values, [base, *listed])
    frames = [_differences(tables[base], tables[name], name, base) for name in listed]
    return in_order(pd.concat(frames, ignore_index=True)) if frames else _empty()


def checked_base(study: Frames, base: str | None) -> str:
    """The scenario to compare with, by default the experiment's; `InputError` for an unknown."""
    base = base or study.base
    if base not in study.scenarios:
        hint = did_you_mean(base, study.scenarios) or f"there are {', '.join(study.scenarios)}"
        problem = Problem("unknown-scenario", f"no scenario {base!r}", study.path, hint=hint)
        raise InputError([problem])
    return base


def compared_with(study: Frames, base: str) -> list[str]:
    """The scenarios that are compared with a base: those listed, and the experiment's base."""
    listed = [s for s in study.info["compared"] if s != base or base == study.base]
    if base != study.base and study.base not in listed:
        listed.insert(0, study.base)
    return listed


def values_of_runs(
    study: Frames,
    base: str,
    window: str,
    *,
    point: int | None = None,
    names: Iterable[str] | None = None,
) -> pd.DataFrame:
    """Mean over the window of each run: scenario, point, replicate, outcome, group, value.

    point: only this one; names: only these outcomes. The losers tables are there where `base` is
    the experiment's, which they were recorded against.
    """
    weeks, names = weeks_of(window, study.info), list(names) if names is not None else None
    cells = [_per_run(study.read("outcomes", weeks, names, point))]
    if base == study.base:
        cells.append(_with_zero_base(_per_run(study.read("losers", weeks, names, point)), study))
    return pd.concat(cells, ignore_index=True)


def best_direction(outcome: str) -> str:
    """Which way is good: ``lower``, ``higher``, or ``none`` (also of outcomes nobody knows)."""
    return OUTCOMES[outcome].better if outcome in OUTCOMES else "none"


def weeks_of(window: str, info: Mapping[str, Any]) -> tuple[int, int]:
    """First week and end (exclusive) of a window.

    ``last-year``: the last 52 weeks of the horizon; ``first-half-year``: 26 weeks from the first
    lever of any scenario (levers take effect in the first week that begins on or after their
    date), of week 0 where there is none; ``whole``: all. `InputError` for another name.
    """
    horizon = int(info["weeks"])
    if window == LAST_YEAR:
        return max(0, horizon - 52), horizon
    if window == WHOLE:
        return 0, horizon
    if window == FIRST_HALF_YEAR:
        start = date.fromisoformat(info["start"])
        dates = [date.fromisoformat(s["first_date"]) for s in info["scenarios"] if s["first_date"]]
        first = max(0, math.ceil((min(dates, default=start) - start).days / 7))
        return first, min(first + 26, horizon)
    hint = did_you_mean(window, WINDOWS) or f"there are {', '.join(WINDOWS)}"
    raise InputError([Problem("unknown-window", f"no window {window!r}", hint=hint)])


def to_json(comparison: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as plain objects with exactly the keys `COLUMNS`, unknown numbers as None."""
    columns = [_plain(comparison[name]) for name in COLUMNS]
    return [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]


def _per_run(records: pd.DataFrame) -> pd.DataFrame:
    """Mean over weeks of each run's series: scenario, replicate, outcome, group, value."""
    keys = ["scenario", "point", "replicate", *_CELL]
    if records.empty:
        return pd.DataFrame(columns=[*keys, "value"]).astype({"value": float})
    for name in ("scenario", *_CELL):
        records[name] = records[name].astype("category")
    # NaN weeks are left out; a series of nothing but NaN stays NaN
    reduced = records.groupby(keys, observed=True, sort=True)["value"].mean().reset_index()
    return reduced.astype(dict.fromkeys(("scenario", *_CELL), str))


def _with_zero_base(losers: pd.DataFrame, study: Frames) -> pd.DataFrame:
    """The losers tables with the base, which loses nothing against itself, at zero."""
    cells = losers[_CELL].drop_duplicates()
    done = study.done().query("scenario == @study.base")
    zero = cells.merge(done[["scenario", "point", "replicate"]].assign(value=0.0), how="cross")
    return pd.concat([losers[losers["scenario"] != study.base], zero])


def paired_tables(values: pd.DataFrame, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Per scenario the values [cells x (point, replicate)], all with the same rows and columns."""
    pair = ["point", "replicate"]
    rows = pd.MultiIndex.from_frame(values[_CELL].drop_duplicates().sort_values(_CELL))
    columns = pd.MultiIndex.from_frame(values[pair].drop_duplicates().sort_values(pair))
    tables = {}
    for name in names:
        of = values[values["scenario"] == name].set_index([*_CELL, *pair])["value"]
        tables[name] = of.unstack(pair).reindex(index=rows, columns=columns).astype(float)
    return tables


def paired_differences(before: pd.DataFrame, after: pd.DataFrame) -> np.ndarray:
    """Value minus base value of each pair; NaN where one is missing, 0 where only the order of
    sums makes a difference. Both as from `paired_tables`."""
    a, b = before.to_numpy(float), after.to_numpy(float)
    differences = b - a
    noise = ROUNDING * np.maximum(np.abs(a), np.abs(b))
    differences[np.abs(differences) <= noise] = 0.0
    return differences


def _differences(before: pd.DataFrame, after: pd.DataFrame, name: str, base: str) -> pd.DataFrame:
    """One scenario against the base; cells that neither has are left out."""
    a, b = before.to_numpy(float), after.to_numpy(float)
    both = ~np.isnan(a) & ~np.isnan(b)
    paired = both.any(axis=1)
    mean, low, high = paired_interval(paired_differences(before, after))
    frame = pd.DataFrame(
        {
            "scenario": name,
            "base": base,
            "outcome": before.index.get_level_values("outcome"),
            "group": before.index.get_level_values("group"),
            "difference": mean,
            "low": low,
            "high": high,
            "verdict": _verdicts(before.index.get_level_values("outcome"), mean, low, high, both),
            "base_value": _row_means(np.where(both | ~paired[:, None], a, np.nan)),
            "value": _row_means(np.where(both | ~paired[:, None], b, np.nan)),
        },
        columns=list(COLUMNS),
    )
    return frame[~frame[["base_value", "value"]].isna().all(axis=1)]


def _verdicts(
    outcomes: Iterable[str], mean: np.ndarray, low: np.ndarray, high: np.ndarray, both: np.ndarray
) -> list[str]:
    count = both.sum(axis=1)
    return [_verdict(*row) for row in zip(outcomes, mean, low, high, count, strict=True)]


def _verdict(outcome: str, mean: float, low: float, high: float, replicates: int) -> str:
    if replicates == 0:
        return NOT_COMPARABLE
    if replicates == 1:
        return ONE_REPLICATE
    if mean == low == high == 0:
        return NO_DIFFERENCE
    if low <= 0 <= high:
        return UNCLEAR
    change = "higher" if mean > 0 else "lower"
    good = best_direction(outcome)
    if good == "none":
        return change
    return "better" if change == good else "worse"


def _row_means(values: np.ndarray) -> np.ndarray:
    known = ~np.isnan(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(known, values, 0.0).sum(axis=1) / known.sum(axis=1)


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Scenarios as they come; outcomes and groups as in the catalogue, unknown ones last."""
    place = {name: i for i, name in enumerate(OUTCOMES)}
    group_place = {name: i for i, name in enumerate(GROUPS)}
    keys = pd.DataFrame(
        {
            "scenario": pd.factorize(frame["scenario"])[0],
            "outcome": frame["outcome"].map(place).fillna(len(place)),
            "name": frame["outcome"],
            "group": frame["group"].map(group_place).fillna(len(group_place)),
            "group_name": frame["group"],
        }
    )
    return frame.loc[keys.sort_values(list(keys.columns)).index].reset_index(drop=True)


def _empty() -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS))


def _plain(column: pd.Series) -> list[Any]:
    if pd.api.types.is_float_dtype(column.dtype):
        return [None if math.isnan(x) else x for x in column.tolist()]
    return [None if x is pd.NA else x for x in column.tolist()]
