"""6.8 Volunteers: hours they give, and visits these replace."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


def hours_given(
    persons: np.ndarray,
    registered: np.ndarray,
    active: np.ndarray,
    belonging: np.ndarray,
    parameters: Parameters,
) -> np.ndarray:
    """Hours a week: persons x share registered x share active x hours a month x 12 / 52 x
    belonging.

    persons: who live there, since the share registered is one of residents; registered, active:
    shares, `volunteers.registered` and `volunteers.active` where no lever recruits; belonging:
    index 0-1.
    """
    p = parameters
    at_work = persons * registered * active * belonging
    return at_work * p["volunteers.hours_month"] * 12 / 52


def replaced(given: np.ndarray, general: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Hours of general visits that volunteers take over: `volunteers.replaced` for each hour given,
    as far as visits are left (general, hours)."""
    return np.minimum(parameters["volunteers.replaced"] * given, general)
