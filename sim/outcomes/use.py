"""Use: what became of needs, places and home visits in a week."""

from __future__ import annotations

import numpy as np

from sim.outcomes.access import TYPES, Values, _ratio
from sim.outcomes.terms import COUNTER, COUNTER_MEASURES, RISKS, VISIT_MEASURES
from sim.processes import learning as col
from sim.processes.work import VISIT_CLASSES
from sim.world.ledger import HELPERS
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
    """Travel, waits, put off, refused and given up, by service and group of households, where
    anything was asked: never of a service that nobody has heard of.

    sums: float64 ``[groups, L, COLUMNS]`` of `learning.settle`.
    """
    asked = state.asked
    services = list(dict.fromkeys(line.service for line in asked))
    groups = group_cells(len(sums))
    tiers = [[line.service == s for line in asked] for s in services]
    of_service = np.stack([sums[:, mine].sum(axis=1) for mine in tiers], axis=1)
    of_group = np.stack([of_service[cells].sum(axis=0) for cells in groups.values()])
    t = of_group.transpose(2, 0, 1)
    ended = t[list(col.ENDED)].sum(axis=0)
    columns = {
        "minutes": (t[col.MINUTES], t[col.MET]),
        "put_off": (t[col.PUT_OFF_NEEDS], t[col.TRIES]),
        "unmet": (t[col.UNMET], ended),
        "wait": (t[col.WAIT], t[col.MET]),
        "online": (t[col.BY_NET], ended),
        "agency": (t[col.BY_AGENT], ended),
        "refused": (t[col.REFUSED], t[col.MET] + t[col.REFUSED]),
    }
    known = {s: COUNTER_MEASURES if s in COUNTER else VISIT_MEASURES for s in services}
    out: Values = {}
    for measure, (part, whole) in columns.items():
        ratio = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
        for j, service in enumerate(services):
            if measure in known[service]:
                for i, name in enumerate(groups):
                    out[f"use.{service}.{measure}", name] = float(ratio[i, j])
    return out


def places(state: State) -> Values:
    """Places and waiting lists."""
    out: Values = {}
    for i, e in state.enrolments.items():
        service = state.lines.all[i].service
        if not state.knows(service):
            continue
        waiting = e.on_list()
        count = waiting.size
        out[f"use.{service}.enrolled", "all"] = float((e.place[e.eligible] >= 0).sum())
        out[f"use.{service}.waiting", "all"] = float(count)
        weeks = float((state.week - e.since[waiting]).sum())
        out[f"use.{service}.list_weeks", "all"] = weeks / count if count else 0.0
        out[f"use.{service}.no_facility", "all"] = float(e.nowhere)
        out[f"use.{service}.no_places", "all"] = float(e.no_places)
    return out


def home_visits(
    planned: np.ndarray, hours: np.ndarray, done: np.ndarray, taken: np.ndarray
) -> Values:
    """Home visits made by whomever, the share of the planned ones by care risk, and those that
    others than the offices made.

    planned: visits ``[O, 3]``; hours: of one visit ``[O]``; done: hours of the offices ``[O,
    classes]``; taken: of HELPERS ``[3, O, classes]``.
    """
    visits = list(VISIT_CLASSES)
    helped = taken[:, :, visits] / hours[:, None]
    made = done[:, visits] / hours[:, None] + helped.sum(axis=0)
    out: Values = {
        ("use.home_care.visits", "all"): float(made.sum()),
        ("use.home_care.coverage", "all"): _ratio(made.sum(), planned.sum()),
    }
    for i, name in enumerate(HELPERS):
        out[f"use.home_care.by_{name}", "all"] = float(helped[i].sum())
    for k, risk in enumerate(RISKS):
        out[f"use.home_care.coverage_{risk}", "all"] = _ratio(made[:, k].sum(), planned[:, k].sum())
    return out
