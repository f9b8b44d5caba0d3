"""Means of paired differences with their uncertainty, row by row on arrays [cells x replicates].

NaN are replicates that a cell does not have, and are left out.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from sim.world.draws import Process, run_key, uniform

LEVEL = 0.95
RESAMPLES = 2000  # Efron & Tibshirani 1993: 1,000 and more for intervals


def paired_interval(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and 95 % t interval of each row of paired differences.

    Rows without spread have low = mean = high; rows with one value have an unknown (NaN)
    interval, rows with none all NaN. It covers 95 % of normal differences with any number of
    replicates; of skewed ones (exponential, skewness 2) 90 % with ten replicates, 92 % with
    twenty, 94 % with forty.
    """
    mean, error, n, equal = _moments(differences)
    half = stdtrit(np.where(n > 1, n - 1.0, np.nan), (1 + LEVEL) / 2) * error
    half = np.where(equal & (n > 1), 0.0, half)
    return mean, mean - half, mean + half


def paired_p_value(differences: np.ndarray) -> np.ndarray:
    """Two-sided p of the paired t test of each row; NaN under two values.

    Without spread it is 0, or 1 where all differences are 0.
    """
    mean, error, n, equal = _moments(differences)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(np.where(n > 1, n - 1.0, np.nan), -np.abs(mean / error))
    return np.where(equal & (n > 1), (mean == 0).astype(float), p)


def bootstrap_interval(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % bootstrap interval (BCa) of the mean of each row.

    Bias-corrected and accelerated: Efron 1987, with the acceleration by the jackknife. All rows
    with the same replicates are resampled alike, by keyed draws, so that the interval depends on
    the row alone. Rows without spread and short rows are as in `paired_interval`. Under some
    twenty replicates it covers less than it says: 90 % with ten normal differences, 88 % with ten
    exponential ones, 94 and 93 % with forty.
    """
    low, high = np.full((2, len(differences)), np.nan)
    known = ~np.isnan(differences)
    for pattern in np.unique(known, axis=0):
        n = int(pattern.sum())
        rows = np.flatnonzero((known == pattern).all(axis=1))
        if n > 1:
            low[rows], high[rows] = _bca(differences[np.ix_(rows, pattern)])
    return low, high


def holm(p: np.ndarray) -> np.ndarray:
    """Holm's adjusted p-values (Holm 1979); NaN are no tests and stay."""
    adjusted = np.full(p.shape, np.nan)
    tests = np.flatnonzero(~np.isnan(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return adjusted


def variance_reduction(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What pairing earned in each row: the variance of the difference of independent runs over
    that of paired ones, (var a + var b) / var(b - a).

    So many times more replicates would independent runs need for an interval of the same width.
    Infinite where all paired differences are equal, NaN where nothing varies or under two pairs.
    """
    both = ~np.isnan(before) & ~np.isnan(after)
    a, b = np.where(both, before, np.nan), np.where(both, after, np.nan)
    apart = _variances(a) + _variances(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        return apart / _variances(b - a)


def _moments(values: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean, its standard error, number of values, whether all are equal; of each row."""
    known = ~np.isnan(values)
    n = known.sum(axis=1)
    filled = np.where(known, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=1) / n
        spread = np.where(known, values - mean[:, None], 0.0)
        error = np.sqrt((spread**2).sum(axis=1) / (n - 1) / n)
    # equal values are equal to their mean, whatever the sum above made of them
    lowest = np.where(known, values, np.inf).min(axis=1, initial=np.inf)
    highest = np.where(known, values, -np.inf).max(axis=1, initial=-np.inf)
    equal = (lowest == highest) & (n > 0)
    return np.where(equal, lowest, mean), error, n, equal


def _variances(values: np.ndarray) -> np.ndarray:
    _, error, n, equal = _moments(values)
    return np.where(equal & (n > 1), 0.0, error**2 * n)


def _bca(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows without NaN, two values and more."""
    n = rows.shape[1]
    mean = rows.mean(axis=1)
    scale = np.ptp(rows, axis=1, keepdims=True)
    deviation = (rows - mean[:, None]) / np.where(scale > 0, scale, 1.0)
    means = np.zeros((len(rows), RESAMPLES))
    for values, weight in zip(deviation.T, _weights(n).T, strict=True):
        means += values[:, None] * weight  # a matrix product would sum in another order
    means.sort(axis=1)
    below = ((means < 0).sum(axis=1) + 0.5 * (means == 0).sum(axis=1)) / RESAMPLES
    bias = ndtri(np.clip(below, 1 / RESAMPLES, 1 - 1 / RESAMPLES))
    squares = (deviation**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = np.where(squares > 0, (deviation**3).sum(axis=1) / (6 * squares**1.5), 0.0)
    ends = []
    for tail in ((1 - LEVEL) / 2, (1 + LEVEL) / 2):
        z = bias + ndtri(tail)
        share = ndtr(bias + z / (1 - bend * z))
        at = np.clip(np.rint(share * (RESAMPLES - 1)).astype(int), 0, RESAMPLES - 1)
        ends.append(mean + scale[:, 0] * means[np.arange(len(rows)), at])
    equal = scale[:, 0] == 0
    return np.where(equal, rows[:, 0], ends[0]), np.where(equal, rows[:, 0], ends[1])


def _weights(n: int) -> np.ndarray:
    """How much of each of n values is in each resample's mean: [RESAMPLES x n]."""
    item = np.arange(RESAMPLES * n, dtype=np.uint64)
    drawn = uniform(run_key(n, 0), Process.BOOTSTRAP, 0, item // np.uint64(n), item % np.uint64(n))
    picked = (drawn * n).astype(np.int64).reshape(RESAMPLES, n)
    counts = np.zeros((RESAMPLES, n))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], picked), 1.0)
    return counts / n
