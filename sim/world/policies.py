"""What levers introduced, by settlement: it stays with its people when boundaries move under it.

An office acts on the mean over the households of its area, so that a unit made of one half with
a measure and one half without has half of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.case.parameters import Parameters
from sim.world.supply import ITEMS


@dataclass
class Policies:
    """Columns by settlement ``[S]``.

    township: float64 share of government matters that are done at the township centre, the rest
    at the own point; online: float64 share of government matters that residents may do on the web,
    0 where it is not offered; agency: bool, the office does matters for the old and those in
    hardship (代办); aligned: bool, the residents' group is a grid (网格) as well; remaining:
    float64 ``[S, items]``, shares of the items of the list (`supply.ITEMS`) that a cut left to the
    office, 1 before any; cut_week: int32, its week.
    """

    township: np.ndarray
    online: np.ndarray
    agency: np.ndarray
    aligned: np.ndarray
    remaining: np.ndarray
    cut_week: np.ndarray

    @staticmethod
    def at_start(settlements: int, parameters: Parameters) -> Policies:
        """What the parameters say of everywhere."""
        p = parameters
        offered = p["online.offered"] > 0
        return Policies(
            township=np.full(settlements, p["needs.township_tier"]),
            online=np.full(settlements, p["online.capable"] if offered else 0.0),
            agency=np.full(settlements, p["agency.offered"] > 0),
            aligned=np.full(settlements, p["groups.aligned"] > 0),
            remaining=np.ones((settlements, len(ITEMS))),
            cut_week=np.zeros(settlements, np.int32),
        )
