"""Fitting numbers to known sums: bounded iterative proportional fitting and fair rounding.

Iterative proportional fitting (Deming and Stephan 1940) scales the members of each margin in turn
until all sums are met; with bounds, the factor of a step is the one at which the clipped sum
meets its target (water-filling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BEYOND, TINY = 1e6, 1e-100


@dataclass(frozen=True)
class Margin:
    """A known sum over some of the units: name, mask over units, target."""

    name: str
    mask: NDArray[np.bool_]
    target: float


def apportion(weights: Floats | Ints, total: int) -> Ints:
    """Integers proportional to `weights` that sum to `total`, by largest remainder."""
    if len(weights) == 0:
        return np.zeros(0, dtype=np.int64)
    share = np.asarray(weights, dtype=float)
    share = np.full(len(share), 1 / len(share)) if share.sum() <= 0 else share / share.sum()
    exact = share * total
    whole = np.floor(exact + 1e-9).astype(np.int64)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def rake(
    weights: Floats, margins: list[Margin], low: Floats, high: Floats, rounds: int = 500
) -> Floats:
    """Values near `weights` in proportion, within [low, high], that meet the margins.

    Returns the last iterate; whether it meets the margins is for the caller to check.
    """
    values = np.clip(weights, low, high)
    raw = np.array(weights, dtype=float)
    for _ in range(rounds):
        worst = 0.0
        for margin in margins:
            m = margin.mask
            worst = max(worst, abs(values[m].sum() - margin.target) / margin.target)
            scaled = raw[m] * _factor(raw[m], low[m], high[m], margin.target)
            # How far a value would go beyond its bounds is remembered, but not without limit.
            raw[m] = np.clip(scaled, np.maximum(low[m] / BEYOND, TINY), high[m] * BEYOND)
            values[m] = np.clip(raw[m], low[m], high[m])
        if worst < 1e-9:
            break
    return values


def _factor(raw: Floats, low: Floats, high: Floats, target: float) -> float:
    """The factor at which the clipped sum is `target`: water-filling, by bisection."""
    factor = target / raw.sum()
    scaled = raw * factor
    if np.all((scaled >= low) & (scaled <= high)):
        return float(factor)
    down, up = float((low / raw).min()), float((high / raw).max())
    for _ in range(60):
        factor = math.sqrt(down * up)
        if np.clip(raw * factor, low, high).sum() < target:
            down = factor
        else:
            up = factor
    return factor
