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
    office, 1 before any; cut_week: int32, its week. anywhere: bool, township centres and stations
    here take residents from anywhere in the city (通办); one_window: float64 share of the minutes
    at a window that one window for all matters spares; refused: float64 share of the assigned
    hours that the office refuses and its township does (准入); funded: float64 yuan that come with
    an hour of assigned work, funded_since: int32 week in which that began; residents_first: bool,
    counter and visits go before assigned work.
    """

    township: np.ndarray
    online: np.ndarray
    agency: np.ndarray
    aligned: np.ndarray
    remaining: np.ndarray
    cut_week: np.ndarray
    anywhere: np.ndarray
    one_window: np.ndarray
    refused: np.ndarray
    funded: np.ndarray
    funded_since: np.ndarray
    residents_first: np.ndarray

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
            anywhere=np.zeros(settlements, bool),
            one_window=np.zeros(settlements),
            refused=np.zeros(settlements),
            funded=np.zeros(settlements),
            funded_since=np.zeros(settlements, np.int32),
            residents_first=np.zeros(settlements, bool),
        )
