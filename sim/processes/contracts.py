"""6.8 Social organisations: hours that a budget buys, and what becomes of them."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


def bought_hours(
    week: int, yuan_year: np.ndarray, first: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours a week of each contract: budget / price of an hour x min(1, months / 6) x 0.9.

    yuan_year: budget; first: week of its start, before which it brings nothing; an organisation
    needs `contracts.months` to be at full strength, and `contracts.effective` of its hours are work
    that the office would have done.
    """
    p = parameters
    months = np.maximum(0, week - first.astype(np.int64)) * 12 / 52
    strength = np.minimum(1.0, months / p["contracts.months"])
    return yuan_year / 52 / p["contracts.hour"] * strength * p["contracts.effective"]


def used(bought: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Hours of the class bought that find work; left: hours that are left to do. The rest is paid
    for nothing."""
    return np.minimum(bought, left)
