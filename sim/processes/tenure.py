"""6.6 Workers at the start: posts as they are after many years of coming and going.

A post is held for a time, left with a weekly chance q, and stands vacant for V weeks: a renewal
process in discrete time. In its steady state a post is vacant with probability V q / (1 + V q),
any of the V weeks being under way, and its holder has been there for n weeks or more with
probability (1 - q)^n (Cox 1962, Renewal Theory).
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters

LONGEST = 2**20  # weeks
SURELY = 1 - 1e-12  # as good as 1, with a logarithm


def chance_to_leave(rate: np.ndarray) -> np.ndarray:
    """q, a week, of a hazard a year."""
    return -np.expm1(-rate / 52)


def vacant_share(chance: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Share of its time that a post is vacant."""
    weeks = int(parameters["staff.vacancy_weeks"])
    return weeks * chance / (1 + weeks * chance)


def mean_speed(chance: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Work of a post in the mean over its time, in that of an experienced worker."""
    p = parameters
    new = 1 - (1 - chance) ** np.ceil(p["staff.newcomer_weeks"])
    return (1 - vacant_share(chance, p)) * (1 - (1 - p["staff.newcomer_speed"]) * new)


def first_weeks(chance: np.ndarray, draw: np.ndarray, parameters: Parameters) -> np.ndarray:
    """First week of the holder of each post as seen in week 0: negative or zero where somebody is
    at work, positive where one is awaited, int32.

    draw: uniform, one a post; the larger it is, and the smaller the chance to leave, the earlier
    the holder came.
    """
    weeks = int(parameters["staff.vacancy_weeks"])
    vacant = vacant_share(chance, parameters)
    awaited = draw < vacant
    turn = np.divide(draw, vacant, out=np.zeros_like(draw), where=awaited)
    rest = np.where(awaited, 1.0, (1 - draw) / (1 - vacant))
    stays = np.log1p(-np.minimum(chance, SURELY))
    served = np.full(draw.shape, np.float64(LONGEST))
    with np.errstate(over="ignore"):  # a chance of next to nothing: for ever
        np.divide(np.log(rest), stays, out=served, where=chance > 0)
    held = -np.minimum(np.floor(served), LONGEST)
    return np.where(awaited, np.ceil((1 - turn) * weeks), held).astype(np.int32)


def fatigue_after(weeks: np.ndarray, overtime: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Fatigue of somebody who has worked so many weeks at a constant overtime share and began
    without: what `workers.tired` comes to."""
    return overtime * (1 - (1 - 1 / parameters["staff.fatigue_weeks"]) ** weeks)
