"""6.3 Visits: who is served where more come than a facility can take in a week.

Visitors are served in a keyed order until the week's capacity is used up; the rest try again.
"""

from __future__ import annotations

import numpy as np

from sim.world.draws import Process, uniform


def served(
    key: int,
    week: int,
    line: int,
    agents: np.ndarray,
    slot: np.ndarray,
    needs: np.ndarray,
    capacity: np.ndarray,
) -> np.ndarray:
    """Which visitors of one line are served, bool ``[V]``.

    agents: uint64 keys of the households; slot: facility of each; needs: visits each asks for;
    capacity: visits a week by slot. A household is served whole or not at all.
    """
    load = np.bincount(slot, weights=needs, minlength=capacity.size)
    ok = np.ones(slot.size, dtype=bool)
    crowded = np.flatnonzero((load > capacity)[slot])
    if crowded.size:
        turn = uniform(key, Process.SERVICE_ORDER, week, agents[crowded], line)
        crowded = crowded[np.argsort(slot[crowded] + turn, kind="stable")]
        used = np.cumsum(needs[crowded])
        first = np.searchsorted(slot[crowded], slot[crowded], side="left")
        before = used[first] - needs[crowded][first]
        ok[crowded] = used - before <= capacity[slot[crowded]]
    return ok
