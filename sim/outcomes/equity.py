"""Equity: how unequal a burden is, who bears it, and who loses against the base.

Indices of values 0 or more with weights, published: Gini; Theil T (Theil 1967, ch. 4); Palma ratio
(Cobham & Sumner 2013); concentration index by fractional ranks (Kakwani, Wagstaff & van Doorslaer
1997, eq. 3); FGT (Foster, Greer & Thorbecke 1984). All but FGT are nan where there is nothing to
share.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


def lorenz(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of the Lorenz curve from (0, 0) to (1, 1): share of the weight, of the total; the
    latter nan where there is nothing to share."""
    order = np.argsort(values, kind="stable")
    w = weights[order]
    people, total = (np.append(0.0, np.cumsum(x)) for x in (w, values[order] * w))
    if not total[-1] > 0:
        return np.array([0.0, 1.0]), np.full(2, np.nan)
    return people / people[-1], total / total[-1]


def gini(values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Gini index: 1 less twice the area under the Lorenz curve."""
    return _gini(*lorenz(*_known(values, weights)))


def _gini(people: np.ndarray, total: np.ndarray) -> float:
    return float(1 - (np.diff(people) * (total[1:] + total[:-1])).sum())


def theil(values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Theil T: mean of (x / mean) ln(x / mean), 0 ln 0 = 0."""
    v, w = _known(values, weights)
    if not (v * w).sum() > 0:
        return float("nan")
    relative = v / np.average(v, weights=w)
    logs = np.log(relative, out=np.zeros_like(relative), where=relative > 0)
    return float(np.average(relative * logs, weights=w))


def palma(values: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Palma ratio: share of the top tenth over that of the bottom 40 %; inf where these have none.

    Between persons the Lorenz curve is straight.
    """
    return _palma(*lorenz(*_known(values, weights)))


def _palma(people: np.ndarray, total: np.ndarray) -> float:
    low, high = np.interp([0.4, 0.9], people, total)
    return float(np.divide(1 - high, low)) if low != 0 else float("inf")


def concentration(values: np.ndarray, rank: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Concentration index: 2 cov(x, R) / mean, R the fractional rank from the worst off (lowest
    `rank`) to the best off; equals share the middle of their ranks. Below 0: the worst off bear
    more."""
    v, w = _known(values, weights)
    if not (v * w).sum() > 0:
        return float("nan")
    _, level = np.unique(rank, return_inverse=True)  # levels from the worst off on
    mass = np.bincount(level, w) / w.sum()
    middle = (np.cumsum(mass) - mass / 2)[level]
    return float(2 * np.average(v * (middle - 0.5), weights=w) / np.average(v, weights=w))


def fgt(
    minutes: np.ndarray, standard: float, order: int, weights: np.ndarray | None = None
) -> float:
    """FGT index of order 0, 1 or 2 of those beyond a standard of minutes.

    The good is nearness, 1 / minutes, of which 1 / standard should be had: the gap is
    1 - standard / minutes, from 0 at the standard to 1 where no way leads there (inf minutes), so
    that those without any facility count in full. nan where nobody is.
    """
    m, w = _known(minutes, weights)
    total = w.sum()
    return float((w * gaps(m, standard, order)).sum() / total) if total > 0 else float("nan")


def gaps(minutes: np.ndarray, standard: float, order: int) -> np.ndarray:
    """What each adds to `fgt`: its gap to the power of the order, 0 for those within it."""
    out, short = np.zeros(minutes.size), minutes > standard
    out[short] = (1 - standard / minutes[short]) ** order
    return out


def spread(
    minutes: np.ndarray, persons: np.ndarray, drawbacks: np.ndarray,
    groups: dict[str, np.ndarray], parameters: Parameters,
) -> dict[tuple[str, str], float]:  # fmt: skip
    """How the way of the yearly basket is spread over persons; all arrays by household.

    minutes: per trip, inf where a need has no facility; drawbacks: how many each household has
    (see `access.drawbacks`), by which the concentration index ranks; FGT by group.
    """
    minutes, persons = minutes.astype(np.float64), persons.astype(np.float64)
    known = np.isfinite(minutes) & (persons > 0)
    m, w = minutes[known], persons[known]
    curve = lorenz(m, w)
    out = {
        ("equity.access.gini", "all"): _gini(*curve),
        ("equity.access.theil", "all"): theil(m, w),
        ("equity.access.palma", "all"): _palma(*curve),
        ("equity.access.concentration", "all"): concentration(m, -drawbacks[known], w),
    }
    mine = np.array(list(groups.values())) * persons
    total = mine.sum(axis=1)
    for order in (0, 1, 2):
        # a product of matrices would have other bytes with other processors and threads
        gap = gaps(minutes, parameters["equity.standard_minutes"], order)
        lacking = [(row * gap).sum() for row in mine]
        for name, part, whole in zip(groups, lacking, total, strict=True):
            index = float(part / whole) if whole > 0 else float("nan")
            out[f"equity.access.fgt{order}", name] = index
    return out


def losers(now: np.ndarray, base: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Who loses: more than 5 minutes a trip, or more than 20 % and 2 minutes.

    now, base: minutes per trip, inf where a need has no facility. Swapped, it says who gains.
    """
    p = parameters
    with np.errstate(invalid="ignore"):
        more = now.astype(np.float64) - base
        relative = (more > p["equity.loss_share"] * base) & (more > p["equity.loss_least"])
    return (more > p["equity.loss_minutes"]) | relative


def _known(values: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    v = np.asarray(values, dtype=np.float64)
    return v, np.ones(v.size) if weights is None else np.asarray(weights, dtype=np.float64)
