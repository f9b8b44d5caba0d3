"""Equity: inequality of a burden, and who loses against the base."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


def gini(values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Gini index of values 0 or more, weighted; nan where there is nothing to share."""
    v = np.asarray(values, dtype=np.float64)
    w = np.ones(v.size) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.argsort(v, kind="stable")
    v, w = v[order], w[order]
    total, mass = (v * w).sum(), w.sum()
    if not total > 0:
        return float("nan")
    # area under the Lorenz curve by trapezia
    share = np.cumsum(v * w) / total
    before = np.concatenate([[0.0], share[:-1]])
    return float(1 - ((before + share) * w).sum() / mass)


def losers(now: np.ndarray, base: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Who loses: more than 5 minutes a trip, or more than 20 % and 2 minutes.

    now, base: minutes per trip, inf where a need has no facility. Swapped, it says who gains.
    """
    p = parameters
    with np.errstate(invalid="ignore"):
        more = now.astype(np.float64) - base
        relative = (more > p["equity.loss_share"] * base) & (more > p["equity.loss_least"])
    return (more > p["equity.loss_minutes"]) | relative
