"""What one week produced and nobody needs later: made new every week, read by the recorder."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.processes.choice import Errands
from sim.world.state import State


@dataclass
class Week:
    """Columns of one week; each phase fills in its own.

    pending_before: needs put off until this week, of which pending_ended ended with households
    that are gone; asked: uint8 ``[H, L]`` new needs; errands, met,
    wait: one row an errand; matters: needs taken to each facility, ``[F, L]``; sums: float64
    ``[GROUPS, L, COLUMNS]`` (columns in `processes.learning`); felt: float64 ``[S, 4]``.

    Of offices: demand: hours asked ``[O, classes]``, those of the counter last; capacity: hours
    ``[O]``; efficiency ``[O]``; counter_hours: hours left for the counter, window_hours: of
    staffed windows ``[O]``; planned, visit_hours: home visits ``[O, 3]`` and hours of one ``[O]``;
    left: persons who left at the end of the week ``[O]``. taken: hours of the demand that HELPERS
    took over ``[3, O, classes]``; idle: hours bought that found no work ``[O]``. complaints: a week
    and household ``[S]``. order: in which an office does its work ``[O]``; front: minutes of a
    matter at its windows ``[O]``; refused, passed: assigned hours that an office refused and that
    came to it from others ``[O]``; funds: yuan a year that came with its assigned work ``[O]``.
    """

    pending_before: int
    pending_ended: int = 0
    asked: np.ndarray = field(init=False)
    errands: Errands = field(init=False)
    met: np.ndarray = field(init=False)
    wait: np.ndarray = field(init=False)
    matters: np.ndarray = field(init=False)
    sums: np.ndarray = field(init=False)
    felt: np.ndarray = field(init=False)
    demand: np.ndarray = field(init=False)
    capacity: np.ndarray = field(init=False)
    efficiency: np.ndarray = field(init=False)
    counter_hours: np.ndarray = field(init=False)
    window_hours: np.ndarray = field(init=False)
    planned: np.ndarray = field(init=False)
    visit_hours: np.ndarray = field(init=False)
    left: np.ndarray = field(init=False)
    taken: np.ndarray = field(init=False)
    idle: np.ndarray = field(init=False)
    complaints: np.ndarray = field(init=False)
    order: np.ndarray = field(init=False)
    front: np.ndarray = field(init=False)
    refused: np.ndarray = field(init=False)
    passed: np.ndarray = field(init=False)
    funds: np.ndarray = field(init=False)

    @staticmethod
    def of(state: State) -> Week:
        """The week that begins."""
        return Week(int(state.residents.pending.sum(dtype=np.int64)))
