"""Which parameters move the answer: indices of the headline differences over a design.

The output that is analysed is a difference from the base, paired by point and replicate, mean
over the replicates of each point. What replicates make of it is told apart from what parameters
do by a two-way table of points and replicates: the remainder after both means is noise (the draws
are common to all points, so what they shift everywhere alike is no noise here).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.case.messages import InputError, Problem, did_you_mean
from sim.case.parameters import Parameters
from sim.experiment.designs import Design
from sim.experiment.evidence import HEADLINES, plain_rows
from sim.experiment.frames import Frames
from sim.experiment.indices import MEANING, indices, rank_fit, steps
from sim.experiment.statistics import (
    LAST_YEAR,
    checked_base,
    compared_with,
    paired_differences,
    paired_tables,
    values_of_runs,
)

OUTPUT = ["scenario", "outcome"]


@dataclass(frozen=True)
class Sensitivity:
    """What a design tells; each frame has a row per ...

    outputs: scenario and headline outcome whose difference is not always zero: difference (at the
    experiment's parameters); mean, low and high (5th and 95th percentile) over the points;
    same_sign (share of points where the difference has the sign it has at the experiment's);
    spread (standard deviation over points), noise (what replicates leave of it; NaN with one),
    parameters (the spread without the noise; NaN where it is no greater); movement (0-1: how much
    parameters move it for its size, their spread over its root mean square); fit (R2 of the rank
    regression); points (that have a value).
    indices: output and parameter: the columns of `sim.experiment.indices`, and noisy: whether
    replicates alone may make an index of that size.
    parameters: parameter, the one that moves most first: confidence, share (of all movement: its
    shares of the outputs, each weighted with how much it moves), scenario and outcome (where that
    is greatest).
    """

    design: Design
    base: str
    window: str
    replicates: int
    outputs: pd.DataFrame
    indices: pd.DataFrame
    parameters: pd.DataFrame

    @property
    def assumptions(self) -> pd.DataFrame:
        """The parameters that no source gives (confidence C), in their order."""
        return self.parameters[self.parameters["confidence"] == "C"]

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        index, second = MEANING[self.design.method]
        return {
            "design": self.design.record(),
            "base": self.base,
            "window": self.window,
            "replicates": self.replicates,
            "index": index,
            "second": second,
            "assumptions": plain_rows(self.assumptions),
            "parameters": plain_rows(self.parameters),
            "outputs": plain_rows(self.outputs),
            "indices": plain_rows(self.indices),
        }


def sensitivity(
    study: Frames,
    base: str | None = None,
    window: str = LAST_YEAR,
    outcomes: Iterable[str] | None = None,
) -> Sensitivity:
    """Indices of the differences against `base` (default: the experiment's).

    outcomes: default the headline ones; of everyone. Raises `InputError` where the study has no
    design, nothing has run, or a name is not there.
    """
    record = study.info.get("design")
    if not record:
        hint = "give the experiment a design under `parameters:`; experiments/sensitivity.yaml has"
        message = "these results have one parameter set"
        raise InputError([Problem("no-design", message, study.path, hint=hint)])
    design, base = Design.of_record(record), checked_base(study, base)
    names = list(outcomes or HEADLINES)
    values = values_of_runs(study, base, window, names=names)
    values = values[values["group"] == "all"]
    _check(study, names if outcomes else [], values)
    scenarios = [s for s in compared_with(study, base) if s != base]
    tables = paired_tables(values, [base, *scenarios])
    point_of_row = design.frame()["point"].to_numpy()
    outputs, found = [], []
    for scenario in scenarios:
        differences = paired_differences(tables[base], tables[scenario])
        for outcome, row in zip(tables[base].index.get_level_values(0), differences, strict=True):
            table = pd.Series(row, tables[base].columns).unstack("replicate")
            here = {"scenario": scenario, "outcome": outcome}
            if not table.fillna(0).any(axis=None):
                continue
            described = _described(table, design, point_of_row)
            outputs.append(here | described)
            means = table.mean(axis=1).reindex(point_of_row).to_numpy()
            mine = indices(design, means)
            found.append(mine.assign(noisy=_noisy(mine, described, design), **here))
    moved = _by_outcome(pd.DataFrame(outputs))
    every = pd.concat(found, ignore_index=True) if found else pd.DataFrame()
    if every.empty:
        problem = Problem("no-results", "no difference to analyse has come out yet", study.path)
        raise InputError([problem])
    every = every[[*OUTPUT, *(c for c in every.columns if c not in OUTPUT)]]
    replicates = int(values["replicate"].nunique())
    ranked = _ranked(every.merge(moved[[*OUTPUT, "movement"]], on=OUTPUT), design)
    return Sensitivity(design, base, window, replicates, moved, every, ranked)


def _described(table: pd.DataFrame, design: Design, point_of_row: np.ndarray) -> dict[str, Any]:
    """The row of `Sensitivity.outputs`. table: differences [points x replicates]."""
    means = table.mean(axis=1)
    sampled = means.reindex(np.unique(point_of_row)).dropna()
    own = float(means.get(0, np.nan))
    spread = float(sampled.std(ddof=1)) if len(sampled) > 1 else np.nan
    spread = 0.0 if sampled.nunique() == 1 else spread  # whatever rounding makes of it
    noise = noise_of_means(table.reindex(sampled.index))
    apart = np.sqrt(spread**2 - noise**2) if spread > noise else np.nan
    apart = 0.0 if spread == 0 else float(apart)
    moved = spread if np.isnan(noise) else np.nan_to_num(apart)
    return {
        "difference": own,
        "mean": float(sampled.mean()),
        "low": float(sampled.quantile(0.05)),
        "high": float(sampled.quantile(0.95)),
        "same_sign": float((np.sign(sampled) == np.sign(own)).mean()),
        "spread": spread,
        "noise": noise,
        "parameters": apart,
        "movement": float(moved / np.hypot(moved, sampled.mean())) if moved else 0.0,
        "fit": rank_fit(design, means.reindex(point_of_row).to_numpy()),
        "points": len(sampled),
    }


def noise_of_means(table: pd.DataFrame) -> float:
    """Standard deviation that replicates leave in a point's mean [points x replicates]."""
    whole = table.dropna(axis=1, how="all").dropna().to_numpy()
    points, replicates = whole.shape
    if points < 2 or replicates < 2:
        return np.nan
    rest = whole - whole.mean(axis=0) - whole.mean(axis=1, keepdims=True) + whole.mean()
    free = (points - 1) * (replicates - 1)
    return float(np.sqrt((rest**2).sum() / free / replicates))


def _noisy(found: pd.DataFrame, output: dict[str, Any], design: Design) -> np.ndarray:
    """Whether replicates alone may make indices of that size.

    Noise of standard deviation s in every point makes elementary effects that are normal with
    sqrt(2) s over the step, and so a mean absolute one of 2 / sqrt(pi) s over the step, here with
    twice its standard error. Of other methods all indices are noise where the spread is.
    """
    noise = output["noise"]
    if np.isnan(noise) or output["spread"] == 0:
        return np.zeros(len(found), bool)
    if design.method != "morris":
        return np.full(len(found), bool(np.isnan(output["parameters"])))
    step = steps(design, design.values) / (np.array(design.high) - np.array(design.low))
    error = np.sqrt((np.pi / 2 - 1) / design.samples)
    most = 2 / np.sqrt(np.pi) * noise / step * (1 + 2 * error)
    return found["value"].to_numpy() <= most


def _by_outcome(outputs: pd.DataFrame) -> pd.DataFrame:
    """Scenarios as they come, outcomes as in the catalogue."""
    if outputs.empty:
        return outputs
    place = outputs["outcome"].map({n: i for i, n in enumerate(HEADLINES)}).fillna(len(HEADLINES))
    order = pd.DataFrame({"s": pd.factorize(outputs["scenario"])[0], "o": place})
    return outputs.loc[order.sort_values(["s", "o"]).index].reset_index(drop=True)


def _ranked(every: pd.DataFrame, design: Design) -> pd.DataFrame:
    """The row per parameter of `Sensitivity.parameters`."""
    known = Parameters.load().entries
    rows = []
    for name in design.names:
        mine = every[every["parameter"] == name]
        moved = (mine["share"] * mine["movement"]).dropna()
        most = mine.loc[moved.idxmax()] if len(moved) else None
        whole = mine.loc[moved.index, "movement"].sum()
        rows.append(
            {
                "parameter": name,
                "confidence": known[name].confidence if name in known else "",
                "share": float(moved.sum() / whole) if whole else np.nan,
                "scenario": most["scenario"] if most is not None else None,
                "outcome": most["outcome"] if most is not None else None,
            }
        )
    return pd.DataFrame(rows).sort_values(
        "share", ascending=False, kind="stable", ignore_index=True
    )


def _check(study: Frames, asked: list[str], values: pd.DataFrame) -> None:
    known = sorted(set(study.outcomes(point=0)["outcome"]) | set(study.losers()["outcome"]))
    missing = [n for n in asked if n not in set(values["outcome"])]
    problems = [
        Problem(
            "unknown-outcome",
            f"no outcome {name!r} for everyone",
            study.path,
            hint=did_you_mean(name, known) or "docs/outcomes.md lists them",
        )
        for name in missing
    ]
    if problems:
        raise InputError(problems)
