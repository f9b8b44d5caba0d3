"""How sure the differences of the headline outcomes are: beside the t interval, what others say.

A row per scenario and headline outcome (of everyone). The bootstrap interval needs no normal
differences; where it and the t interval disagree, there are too few replicates to tell. A
scenario's answer is some forty differences at once, of which two would be called clear by chance
alone; Holm's procedure keeps the chance of a single false call among those of one scenario under
5 %. What is the same in all replicates cannot be due to chance; zeros of that kind are no tests.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from sim.experiment.frames import Frames
from sim.experiment.intervals import (
    LEVEL,
    bootstrap_interval,
    holm,
    paired_p_value,
    variance_reduction,
)
from sim.experiment.statistics import (
    LAST_YEAR,
    NO_DIFFERENCE,
    UNCLEAR,
    checked_base,
    compare,
    compared_with,
    paired_differences,
    paired_tables,
    values_of_runs,
)
from sim.outcomes.catalogue import OUTCOMES

HEADLINES = tuple(o.name for o in OUTCOMES.values() if o.headline)
CLEAR = ("better", "worse", "higher", "lower")


def evidence(
    study: Frames, base: str | None = None, window: str = LAST_YEAR, point: int = 0
) -> pd.DataFrame:
    """The headline differences of `compare` (group ``all``) with, beside its columns:

    replicates: pairs; bootstrap_low, bootstrap_high: 95 % BCa interval; p: of the paired t test;
    holm: p adjusted over the scenario's headline outcomes; adjusted: the verdict by it;
    variance_reduction: what pairing earned (see `sim.experiment.intervals`).
    """
    base = checked_base(study, base)
    found = compare(study, base, window, point=point, names=HEADLINES)
    found = found[found["group"] == "all"].reset_index(drop=True)
    values = values_of_runs(study, base, window, point=point, names=HEADLINES)
    tables = paired_tables(values[values["group"] == "all"], [base, *compared_with(study, base)])
    rows = found.set_index(["scenario", "outcome"], drop=False)
    parts = []
    for name, part in rows.groupby(level="scenario", sort=False):
        cells = pd.MultiIndex.from_product([part["outcome"], ["all"]])
        before, after = tables[base].loc[cells], tables[str(name)].loc[cells]
        differences = paired_differences(before, after)
        low, high = bootstrap_interval(differences)
        p = paired_p_value(differences)
        tests = np.where(part["verdict"] == NO_DIFFERENCE, np.nan, p)
        adjusted = holm(tests)
        parts.append(
            part.assign(
                replicates=(~np.isnan(differences)).sum(axis=1),
                bootstrap_low=low,
                bootstrap_high=high,
                p=p,
                holm=adjusted,
                adjusted=_verdicts(part["verdict"], adjusted),
                variance_reduction=variance_reduction(before.to_numpy(), after.to_numpy()),
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else found


def _verdicts(verdicts: pd.Series, p: np.ndarray) -> list[str]:
    """A clear verdict stays clear where the adjusted p is small enough."""
    unclear = np.isin(verdicts, CLEAR) & ~(p < 1 - LEVEL)
    return np.where(unclear, UNCLEAR, verdicts).tolist()


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as plain objects for JSON: unknown and infinite numbers are None."""
    rows = frame.astype(object).to_dict("records")
    return [{str(k): _plain(v) for k, v in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.loads(json.dumps(value))
