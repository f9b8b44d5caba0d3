"""What levers introduced, by settlement: it stays with its people when boundaries move under it.

An office acts on the mean over the households of its area, so that a unit made of one half with
a measure and one half without has half of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.case.parameters import Parameters
from sim.world.services import TIERS
from sim.world.supply import ITEMS


def usual_tiers(parameters: Parameters) -> np.ndarray:
    """Shares of government matters by tier before any lever, float64 ``[5]``."""
    upper = parameters["needs.township_tier"]
    shares = {"community": 1 - upper, "station": upper}
    return np.array([shares.get(tier, 0.0) for tier in TIERS])


@dataclass
class Policies:
    """Columns by settlement ``[S]``.

    tiers: float64 ``[S, 5]`` shares of government matters by tier (`services.TIERS`); online:
    float64 share of government matters that residents may do on the web, whatever their tier, 0
    where it is not offered; agency: bool, the office does matters for the old and those in
    hardship (代办); aligned: bool, the residents' group is a grid (网格) as well; remaining:
    float64 ``[S, items]``, shares of the items of the list (`supply.ITEMS`) that a cut left to the
    office, 1 before any; meetings: float64 share of meetings likewise; cut_week: int32, the week of
    both; certificates: float64 share of certificates still asked of residents.

    registered: float64 share of residents who are registered volunteers, active: of these who are
    active; complaints: float64 share of the complaints of the compound that its management leaves;
    subsidy: float64 yuan a year and household for that management; fund: float64 yuan a year and
    household of a community fund; trained: float64 share of workers trained a year. standard:
    float64 ``[S, 4]`` staff standard set for the unit (see `world.standards`), nan where none is.

    one_window: float64 share of the minutes at a window that one window for all matters
    spares; refused: float64 share of the assigned hours that the office refuses and its township
    does (准入); funded: float64 yuan that come with an hour of assigned work, funded_since: int32
    week in which that began; residents_first: bool, counter and visits go before assigned work.
    """

    tiers: np.ndarray
    online: np.ndarray
    agency: np.ndarray
    aligned: np.ndarray
    remaining: np.ndarray
    meetings: np.ndarray
    cut_week: np.ndarray
    certificates: np.ndarray
    registered: np.ndarray
    active: np.ndarray
    complaints: np.ndarray
    subsidy: np.ndarray
    fund: np.ndarray
    trained: np.ndarray
    standard: np.ndarray
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
            tiers=np.tile(usual_tiers(p), (settlements, 1)),
            online=np.full(settlements, p["online.capable"] if offered else 0.0),
            agency=np.full(settlements, p["agency.offered"] > 0),
            aligned=np.full(settlements, p["groups.aligned"] > 0),
            remaining=np.ones((settlements, len(ITEMS))),
            meetings=np.ones(settlements),
            cut_week=np.zeros(settlements, np.int32),
            certificates=np.ones(settlements),
            registered=np.full(settlements, p["volunteers.registered"]),
            active=np.full(settlements, p["volunteers.active"]),
            complaints=np.ones(settlements),
            subsidy=np.zeros(settlements),
            fund=np.zeros(settlements),
            trained=np.full(settlements, p["staff.trained"]),
            standard=np.full((settlements, 4), np.nan),
            one_window=np.zeros(settlements),
            refused=np.zeros(settlements),
            funded=np.zeros(settlements),
            funded_since=np.zeros(settlements, np.int32),
            residents_first=np.zeros(settlements, bool),
        )
