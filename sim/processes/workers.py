"""6.6 Workers: how fast they work, who leaves, who is certified, whose post is cut.

All rates are yearly, all weeks whole. A post is vacant while its holder's first week lies ahead.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters
from sim.world.workers import SOCIAL_WORKER


def speed(
    week: int, hired: np.ndarray, certified: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Work of a post as a share of an experienced worker's without a certificate.

    0 while vacant; `staff.newcomer_speed` for the first `staff.newcomer_weeks`; the certificate
    multiplies by `staff.certified_speed` once. hired, certified: ``[W]``.
    """
    p = parameters
    out = np.where(is_new(week, hired, p), p["staff.newcomer_speed"], 1.0)
    out *= np.where(certified, p["staff.certified_speed"], 1.0)
    return np.where(hired <= week, out, 0.0)


def is_new(week: int, hired: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Whether the holder is still learning the post, bool ``[W]``."""
    weeks = week - hired.astype(np.int64)
    return (weeks >= 0) & (weeks < parameters["staff.newcomer_weeks"])


def base_rate(role: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Hazard of leaving at load 1 and without fatigue, per year, by role: h0."""
    p = parameters
    return np.where(role == SOCIAL_WORKER, p["staff.exit_social_worker"], p["staff.exit"])


def exit_rate(
    base: np.ndarray, load: np.ndarray, fatigue: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hazard of leaving, per year: h0 exp(a (load - 1)) exp(b fatigue).

    base: h0 by role, see `base_rate`; load: hours asked per hour of capacity over the last quarter;
    fatigue: see `tired`. All ``[W]``.
    """
    p = parameters
    return base * np.exp(p["staff.exit_load"] * (load - 1) + p["staff.exit_fatigue"] * fatigue)


def happens(rate: np.ndarray | float, draw: np.ndarray) -> np.ndarray:
    """Whether an event of a yearly rate falls into this week: draw < 1 - exp(-rate / 52)."""
    return draw < -np.expm1(-np.asarray(rate) / 52)


def certificates(trained: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Rate per year at which a worker without a certificate gets one: trained x certified by it.

    trained: share of workers trained a year, `staff.trained` where no lever says otherwise.
    """
    return trained * parameters["staff.certified_by_training"]


def left_by_training(trained: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Share of the hours of work that training leaves: 1 - (trained - usual) x hours of training /
    hours of work a year.

    The hours of the usual share `staff.trained` lie in the part of the year that is not available
    (`work.available`); those of training beyond it are hours of work.
    """
    p = parameters
    beyond = (trained - p["staff.trained"]) * p["staff.training_hours"]
    return 1 - beyond / (p["work.year_hours"] * p["work.available"])


def tired(fatigue: np.ndarray, overtime: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Fatigue after one more week: 1 / `staff.fatigue_weeks` of the way to the overtime share.

    overtime: hours of overtime per regular hour, 0 to `work.overtime`.
    """
    return fatigue + (overtime - fatigue) / parameters["staff.fatigue_weeks"]


def remembered(load: np.ndarray, met: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Load of the last `staff.load_weeks` weeks after one more, as a running mean."""
    return load + (met - load) / parameters["staff.load_weeks"]


def vacant_until(week: int, parameters: Parameters) -> int:
    """First week of the newcomer where somebody leaves at the end of `week`."""
    return week + 1 + int(parameters["staff.vacancy_weeks"])


def first_to_go(
    vacant: np.ndarray, elected: np.ndarray, certified: np.ndarray, hired: np.ndarray,
    key: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The order in which posts are cut: vacant ones, then hired staff before elected members of
    the committee, without before with a certificate, the last come first. Rows ``[W]``."""
    return np.lexsort((key, -hired.astype(np.int64), certified, elected, ~vacant))
