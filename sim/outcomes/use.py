"""Use: what became of needs, places and home visits in a week."""

from __future__ import annotations

import numpy as np

from sim.outcomes.access import TYPES, Values, _ratio
from sim.outcomes.catalogue import RISKS
from sim.processes import learning as col
from sim.processes.work import VISIT_CLASSES
from sim.world.ledger import Ledger
from sim.world.state import State


def group_cells(groups: int) -> dict[str, np.ndarray]:
    """Which household cells (type x old only x no vehicle x no digital) form each group."""
    cell = np.arange(groups)
    return {
        "all": cell >= 0,
        "old": (cell & 4) > 0,
        "no_vehicle": (cell & 2) > 0,
        "no_digital": (cell & 1) > 0,
        **{t: cell // 8 == code for t, code in TYPES.items()},
    }


def needs_met(state: State, sums: np.ndarray) -> Values:
    """Travel, waits, put off, refused and given up, by service and group of households.

    sums: float64 ``[groups, L, 10]`` of `learning.settle`.
    """
    out: Values = {}
    asked = state.lines.asked
    for service in dict.fromkeys(line.service for line in asked):
        rows = [i for i, line in enumerate(asked) if line.service == service]
        counter = asked[rows[0]].mode == "counter"
        for name, cells in group_cells(len(sums)).items():
            t = sums[cells][:, rows].sum(axis=(0, 1))
            tried, met = t[col.TRIES], t[col.MET]
            out[f"use.{service}.minutes", name] = _ratio(t[col.MINUTES], met)
            out[f"use.{service}.put_off", name] = _ratio(t[col.PUT_OFF_NEEDS], tried)
            ended = met + t[col.UNMET] + t[col.BY_NET]
            out[f"use.{service}.unmet", name] = _ratio(t[col.UNMET], ended)
            if counter:
                out[f"use.{service}.wait", name] = _ratio(t[col.WAIT], met)
            else:
                out[f"use.{service}.refused", name] = _ratio(
                    t[col.REFUSED], met + t[col.REFUSED]
                )
    return out


def places(state: State) -> Values:
    """Places and waiting lists."""
    out: Values = {}
    for i, e in state.enrolments.items():
        service = state.lines.all[i].service
        waiting = e.listed >= 0
        count = int(waiting.sum())
        out[f"use.{service}.enrolled", "all"] = float((e.place >= 0).sum())
        out[f"use.{service}.waiting", "all"] = float(count)
        weeks = float((state.week - e.since[waiting]).sum())
        out[f"use.{service}.list_weeks", "all"] = weeks / count if count else 0.0
        out[f"use.{service}.no_facility", "all"] = float(e.nowhere)
    return out


def home_visits(planned: np.ndarray, hours: np.ndarray, ledger: Ledger) -> Values:
    """Home visits made, and the share of the planned ones by care risk.

    planned: visits ``[O, 3]``; hours: of one visit ``[O]``.
    """
    made = ledger.done[:, list(VISIT_CLASSES)] / hours[:, None]
    out: Values = {
        ("use.home_care.visits", "all"): float(made.sum()),
        ("use.home_care.coverage", "all"): _ratio(made.sum(), planned.sum()),
    }
    for k, risk in enumerate(RISKS):
        out[f"use.home_care.coverage_{risk}", "all"] = _ratio(made[:, k].sum(), planned[:, k].sum())
    return out
