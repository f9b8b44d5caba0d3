"""6.7 Groups and grids: visits that group leaders spare an office, ledgers that a group spares
which is a grid as well.

A residents' group (居民小组) has one leader (组长). All arrays by unit or office.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


def coverage(leaders: np.ndarray, households: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Share of the households that leaders reach in a quarter:
    min(1, `groups.leader_households` x leaders / households); 0 where nobody lives."""
    reached = parameters["groups.leader_households"] * np.asarray(leaders, np.float64)
    share = np.divide(reached, households, out=np.zeros_like(reached), where=households > 0)
    return np.minimum(1.0, share)


def relieved(general: np.ndarray, covered: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Hours of general visits that leaders take over: `groups.relief` x coverage x hours asked."""
    return parameters["groups.relief"] * covered * general


def ledgers_spared(
    assigned: np.ndarray, ledgers: float, aligned: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours of assigned tasks that do not arise where a group is a grid (网格) as well.

    assigned: hours of the list; ledgers: their share that goes into ledgers; aligned: share of
    households whose group coincides with a grid, where one list of residents does for both and
    ledgers take `groups.aligned_ledgers` of their hours.
    """
    return (1 - parameters["groups.aligned_ledgers"]) * aligned * ledgers * assigned
