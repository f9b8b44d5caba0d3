"""Regret and ranks: which option is best, or nearly, and in how many of the worlds looked at.

A world is one replicate at one parameter set; base and scenarios are the options. The regret of
an option in a world is how much worse than the best one there it is (Savage 1951). Options are
compared within worlds, so noise that they share does not count.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.case.messages import InputError, Problem, did_you_mean
from sim.experiment.frames import Frames
from sim.experiment.statistics import (
    LAST_YEAR,
    ROUNDING,
    best_direction,
    compared_with,
    paired_tables,
    values_of_runs,
)

COLUMNS = (
    "outcome",
    "group",
    "scenario",
    "value",
    "mean_rank",
    "best",
    "within",
    "within_sets",
    "regret",
    "worst_regret",
    "worlds",
    "sets",
)


def rank(
    study: Frames,
    outcome: str,
    within: float = 0.0,
    group: str = "all",
    window: str = LAST_YEAR,
) -> pd.DataFrame:
    """A row per option, the least mean regret first. Columns: `COLUMNS`.

    value: mean over the worlds; mean_rank: 1 is best, equals share the better rank; best: share
    of worlds in which it is the best or as good; within: share of worlds in which it is at most
    `within` (in the outcome's unit) worse than the best; within_sets: the same share of parameter
    sets, each judged by its means over replicates; regret: mean, over the worlds;
    worst_regret: greatest, over the parameter sets; worlds, sets: how many there were, only those
    that all options have. Raises `InputError` for an outcome that is not there or has no good
    direction, or a group that is not there.
    """
    values = values_of_runs(study, study.base, window, names=[outcome])
    _check(study, outcome, group, values)
    listed = compared_with(study, study.base)
    options = list(dict.fromkeys([study.base, *listed]))
    tables = paired_tables(values[values["group"] == group], options)
    table = pd.DataFrame({name: tables[name].iloc[0] for name in options}).dropna()
    sign = 1.0 if best_direction(outcome) == "lower" else -1.0
    worlds = sign * table
    sets = worlds.groupby(level="point").mean()
    regret, of_sets = _regret(worlds), _regret(sets)
    frame = pd.DataFrame(
        {
            "outcome": outcome,
            "group": group,
            "scenario": options,
            "value": table.mean().to_numpy(),
            "mean_rank": (regret.rank(axis=1, method="min")).mean().to_numpy(),
            "best": (regret <= 0).mean().to_numpy(),
            "within": (regret <= within).mean().to_numpy(),
            "within_sets": (of_sets <= within).mean().to_numpy(),
            "regret": regret.mean().to_numpy(),
            "worst_regret": of_sets.max().to_numpy(),
            "worlds": len(worlds),
            "sets": len(sets),
        },
        columns=list(COLUMNS),
    )
    return frame.sort_values(["regret", "worst_regret"], kind="stable", ignore_index=True)


def _regret(values: pd.DataFrame) -> pd.DataFrame:
    """How much more than the least of its row each value is; rounding is no regret."""
    least = values.min(axis=1)
    regret = values.sub(least, axis=0)
    noise = ROUNDING * values.abs().max(axis=1)
    return regret.where(regret.gt(noise, axis=0), np.float64(0.0))


def _check(study: Frames, outcome: str, group: str, values: pd.DataFrame) -> None:
    known = sorted(set(study.outcomes(point=0)["outcome"]) | set(study.losers()["outcome"]))
    if outcome not in known:
        hint = did_you_mean(outcome, known) or "docs/outcomes.md lists them"
        problem = Problem("unknown-outcome", f"no outcome {outcome!r}", study.path, hint=hint)
        raise InputError([problem])
    if best_direction(outcome) == "none":
        hint = "take one that docs/outcomes.md says is better lower or higher"
        message = f"{outcome} has no good direction, so nothing is best"
        raise InputError([Problem("no-direction", message, hint=hint)])
    groups = sorted(set(values["group"]))
    if group not in groups:
        hint = did_you_mean(group, groups) or f"there are {', '.join(groups)}"
        raise InputError([Problem("unknown-group", f"{outcome} has no group {group!r}", hint=hint)])
