"""6.5 Merger transition: lost efficiency, one-off work, and the list of tasks that remains."""

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
    week: int, own: np.ndarray, left: np.ndarray, merged: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours a year of the list of tasks: F(kind) + (1 - phi(t)) x what the absorbed units left.

    phi grows to `merger.overhead_saved` with the recovery time; own, left: hours a year.
    """
    weeks = np.maximum(0.0, week - merged)
    saved = parameters["merger.overhead_saved"] * (
        1 - np.exp(-weeks / parameters["merger.recovery"])
    )
    return own + (1 - saved) * left


def transition_hours(
    week: int, merged: np.ndarray, members: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours of this week for joining files, seals and accounts, spread over the first year."""
    span = parameters["merger.transition_weeks"]
    under_way = (merged <= week) & (week < merged + span) & (members > 1)
    return np.where(under_way, members * parameters["merger.transition_hours"] / span, 0.0)
