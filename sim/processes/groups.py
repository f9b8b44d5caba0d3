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


def ledger_factor(aligned: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Hours of ledgers where a group is a grid (网格) as well, as a multiple of those elsewhere.

    aligned: whether it is; one list of residents then does for both.
    """
    return np.where(aligned, parameters["groups.aligned_ledgers"], 1.0)
