"""Sensitivity indices of one output of a sampling plan.

An index is called converged where its 95 % interval is at most 0.1 to either side: of the index
itself where it is a share or a correlation, of the largest one where it has a unit (after
Sarrazin, Pianosi & Wagener 2016, who ask for a whole width of 0.05).
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from scipy.special import stdtrit
from scipy.stats import rankdata

from sim.experiment.designs import Design, problem_of
from sim.experiment.intervals import LEVEL

HALF_WIDTH = 0.1
RESAMPLES = 500
COLUMNS = ("parameter", "value", "conf", "second", "second_conf", "converged", "share", "swing")
MEANING = {  # of the columns index and second
    "morris": ("mu*", "sigma"),
    "sobol": ("ST", "S1"),
    "lhs": ("SRRC", ""),
    "grid": ("SRRC", ""),
}


def indices(design: Design, outputs: np.ndarray) -> pd.DataFrame:
    """A row per parameter, in the design's order. Columns: `COLUMNS`.

    outputs: one number a row of the design, NaN where there is none: trajectories (morris),
    blocks (sobol) or rows with NaN are left out. value, second: see `MEANING`; conf: half of the
    95 % interval; share: of the movement of this output, summing to 1; swing: how much the
    output rises from the low to the high end of the parameter's range, others as they are: the
    mean elementary effect (morris), else by linear regression. NaN throughout where nothing moves
    or too little is left.
    """
    size = {"morris": len(design.names) + 1, "sobol": len(design.names) + 2}.get(design.method, 1)
    whole = ~np.isnan(outputs.reshape(-1, size)).any(axis=1)
    kept = np.repeat(whole, size)
    x, y = design.values[kept], outputs[kept]
    least = len(design.names) + 3 if size == 1 else 2
    if len(y) < least or whole.sum() < 2 or np.ptp(y) == 0:
        return _frame(design, *np.full((4, len(design.names)), np.nan))
    if design.method == "morris":
        return _morris(design, kept, y)
    if design.method == "sobol":
        return _sobol(design, y).assign(swing=_swing(design, x, y))
    return _rank_regression(design, x, y).assign(swing=_swing(design, x, y))


def rank_fit(design: Design, outputs: np.ndarray) -> float:
    """R2 of the rank regression: how much of the ranks of the outputs it explains."""
    known = ~np.isnan(outputs)
    if known.sum() <= len(design.names) + 2 or np.ptp(outputs[known]) == 0:
        return np.nan
    _, _, fit = _regress(design.values[known], outputs[known])
    return fit


def _morris(design: Design, kept: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Mean absolute elementary effect over the whole range, and the effects' spread, by SALib
    (Morris 1991; Campolongo, Cariboni & Saltelli 2007).

    SALib divides by the step of the sampling plan; of whole numbers another one is run.
    """
    from SALib.analyze import morris

    problem = problem_of(design)
    found = morris.analyze(
        problem,
        design.rows[kept],
        y,
        num_resamples=RESAMPLES,
        num_levels=design.levels,
        seed=design.seed,
    )
    nominal, run = (steps(design, values[kept]) for values in (design.rows, design.values))
    names = ("mu_star", "mu_star_conf", "sigma", "mu")
    index, conf, second, swing = (np.asarray(found[name], float) * nominal / run for name in names)
    frame = _frame(design, index, conf, second, np.full(len(index), np.nan))
    converged = conf <= HALF_WIDTH * index.max()
    return frame.assign(converged=converged, share=index / index.sum(), swing=swing)


def steps(design: Design, values: np.ndarray) -> np.ndarray:
    """The mean size of each parameter's steps in the trajectories."""
    trajectories = values.reshape(-1, len(design.names) + 1, len(design.names))
    return np.abs(np.diff(trajectories, axis=1)).sum(axis=1).mean(axis=0)


def _sobol(design: Design, y: np.ndarray) -> pd.DataFrame:
    """Total and first-order shares of the variance, by SALib (Saltelli et al. 2010)."""
    from SALib.analyze import sobol

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Constant values")
        found = sobol.analyze(
            problem_of(design), y, False, num_resamples=RESAMPLES, seed=design.seed
        )
    total, first = np.asarray(found["ST"], float), np.asarray(found["S1"], float)
    conf, first_conf = (np.asarray(found[n], float) for n in ("ST_conf", "S1_conf"))
    converged = (conf <= HALF_WIDTH) & (first_conf <= HALF_WIDTH)
    frame = _frame(design, total, conf, first, first_conf)
    return frame.assign(converged=converged, share=total / total.sum())


def _rank_regression(design: Design, x: np.ndarray, y: np.ndarray) -> pd.DataFrame:
    """Standardized regression coefficients of the ranks (Saltelli & Marivoet 1990)."""
    slope, half, _ = _regress(x, y)
    nothing = np.full(len(slope), np.nan)
    frame = _frame(design, slope, half, nothing, nothing)
    return frame.assign(converged=half <= HALF_WIDTH, share=slope**2 / (slope**2).sum())


def _swing(design: Design, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slopes of a linear regression on all parameters, times their ranges."""
    low, high = np.array(design.low), np.array(design.high)
    place = np.column_stack([np.ones(len(y)), (x - low) / (high - low)])
    return np.linalg.lstsq(place, y, rcond=None)[0][1:]


def _regress(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Coefficients on standardized ranks, half of their 95 % t intervals, and R2."""
    ranks = np.column_stack([rankdata(column) for column in x.T])
    ranks = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    target = rankdata(y)
    target = (target - target.mean()) / target.std()
    inverse = np.linalg.pinv(ranks.T @ ranks)
    slope = inverse @ ranks.T @ target
    left = ((target - ranks @ slope) ** 2).sum()
    free = len(y) - x.shape[1] - 1
    error = np.sqrt(left / free * np.diag(inverse))
    return slope, stdtrit(free, (1 + LEVEL) / 2) * error, float(1 - left / len(y))


def _frame(
    design: Design, index: np.ndarray, conf: np.ndarray, second: np.ndarray, second_conf: np.ndarray
) -> pd.DataFrame:
    columns = (list(design.names), index, conf, second, second_conf, False, np.nan, np.nan)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
