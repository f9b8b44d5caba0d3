"""6.5 Merger transition: lost efficiency, one-off work, and the list of tasks that remains.

An office that merges again carries the rest of its first transition on: what is still lost of its
efficiency, the units whose files are not joined yet, and the lists that are still being shed.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


def loss_at_first(sizes: np.ndarray, parameters: Parameters) -> float:
    """Share of efficiency that a merger of k units costs at first.

    sizes: households of the units; more units lose more, unequal sizes less (Japanese mergers).
    Zero for a single unit.
    """
    k = len(sizes)
    if k < 2:
        return 0.0
    p = parameters
    dominance = (sizes.max() / sizes.sum() - 1 / k) / (1 - 1 / k)
    loss = p["merger.disruption"] * (1 + p["merger.disruption_per_unit"] * (k - 2))
    loss *= 1 - p["merger.disruption_equality"] * dominance
    return min(p["merger.disruption_most"], loss)


def efficiency(week: int, merged: np.ndarray, loss: np.ndarray, recovery: float) -> np.ndarray:
    """Efficiency of offices: 1 - loss x exp(-(t - t0) / recovery)."""
    return 1 - loss * np.exp(-np.maximum(0.0, week - merged) / recovery)


def assigned_hours(
    week: int, own: np.ndarray, left: np.ndarray, since: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours a year of the list of tasks: F(kind) + (1 - phi(t)) x what the absorbed units left.

    phi grows to `merger.overhead_saved` with the recovery time; own, left: hours a year; since:
    week of the merger, or `joint_week` of several.
    """
    weeks = np.maximum(0.0, week - since)
    saved = parameters["merger.overhead_saved"] * (
        1 - np.exp(-weeks / parameters["merger.recovery"])
    )
    return own + (1 - saved) * left


def transition_hours(
    week: int, merged: np.ndarray, members: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours of this week for joining files, seals and accounts, spread over the first year.

    members: units to be joined, 0 where nothing was merged.
    """
    span = parameters["merger.transition_weeks"]
    under_way = (merged <= week) & (week < merged + span)
    return np.where(under_way, members * parameters["merger.transition_hours"] / span, 0.0)


def members_left(
    week: int, merged: np.ndarray, members: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Units that are still to be joined at the start of a week: a share of `members` that falls
    from 1 to 0 over the first year."""
    passed = (week - merged) / parameters["merger.transition_weeks"]
    return members * np.clip(1 - passed, 0.0, 1.0)


def joint_week(
    week: int, left: np.ndarray, since: np.ndarray, parameters: Parameters
) -> float | None:
    """The week t* since which one merger would have saved as much of the sum of these lists as
    their mergers did, each in its time, and would save as much in every week to come; None where
    there is no list.

    With phi(t) = s (1 - exp(-(t - t0) / tau)) the rest that is still to be saved falls at one
    rate, so exp(-(t - t*) / tau) is the mean of exp(-(t - t_i) / tau), weighted with the hours.
    """
    if not left.sum() > 0:
        return None
    tau = parameters["merger.recovery"]
    last = float(since[left > 0].max())
    return last + tau * float(np.log((left * np.exp(-(last - since) / tau)).sum() / left.sum()))
