"""6.4 Burden cuts: what a cut of the list of assigned work leaves, and what of it comes back.

A cut leaves the share r of the counts of an item (ledgers, evaluations, tasks, plaques). Part of
what was cut comes back under other names (rebound), evenly over the first months:

    left(t) = 1 - (1 - r) (1 - rebound min(1, t / T))

of that item's hours, t being the time since the cut. Items cut are struck off the list: they never
arrive. Shares: the burden list of Huaiyin, which cut 68 % of ledgers, 85 % of evaluations, half of
the tasks and 80 % of plaques; the rebound is assumed.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters
from sim.world.supply import hours_of_items


def items_left(weeks: np.ndarray, remaining: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Share of each item that is asked for, ``[S, items]``.

    weeks: since the cut ``[S]``; remaining: shares that it left ``[S, items]``, 1 where there was
    none.
    """
    p = parameters
    back = np.clip(weeks * 12 / 52 / p["burden.rebound_months"], 0.0, 1.0)
    return 1 - (1 - remaining) * (1 - p["burden.rebound"] * back)[:, None]


def share_of_hours(left: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Share of the hours of the list that is asked for, ``[S]``; left: shares ``[S, items]``."""
    hours = hours_of_items(parameters)
    return (left * hours).sum(axis=-1) / max(hours.sum(), 1e-9)
