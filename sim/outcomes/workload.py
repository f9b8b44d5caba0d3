"""Workload: what is asked of offices, what they get done, and how it is spread."""

from __future__ import annotations

import numpy as np

from sim.outcomes.access import Values, _ratio
from sim.outcomes.equity import gini
from sim.processes.workers import is_new
from sim.world.ledger import CLASS, CLASSES
from sim.world.offices import COMMUNITY_OFFICE, TOWNSHIP_OFFICE, VILLAGE_OFFICE
from sim.world.state import State

OFFICE_GROUPS = {
    "community": COMMUNITY_OFFICE,
    "village": VILLAGE_OFFICE,
    "township": TOWNSHIP_OFFICE,
}


def workload(
    state: State, capacity: np.ndarray, households: np.ndarray, registered: np.ndarray,
    left: np.ndarray, idle: np.ndarray, moved: np.ndarray,
) -> Values:  # fmt: skip
    """All workload outcomes of the week; groups are kinds of office.

    capacity: hours ``[O]``; households, registered: of each office's unit ``[O]``, zero for
    township offices; left: persons who left this week ``[O]``; idle: hours bought that found no
    work ``[O]``; moved: assigned hours refused, of a township office those it got ``[O]``. The load
    is of what others leave to the office.
    """
    o, ledger = state.offices, state.ledger
    demand, backlog = ledger.left().sum(axis=1), ledger.backlog().sum(axis=1)
    taken = ledger.taken.sum(axis=1)
    groups = {"all": o.alive & (o.kind != TOWNSHIP_OFFICE)}
    groups |= {name: o.alive & (o.kind == kind) for name, kind in OFFICE_GROUPS.items()}
    staff = _staff(state) | {"left": left}
    out: Values = {}
    for name, mine in groups.items():
        work = dict(zip(CLASSES, ledger.done[mine].sum(axis=0), strict=True))
        total = sum(work.values())
        load = np.divide(
            demand[mine], capacity[mine], out=np.zeros(mine.sum()), where=capacity[mine] > 0
        )
        for cls, hours in work.items():
            out[f"workload.hours.{cls}", name] = float(hours)
        out["workload.hours.taken", name] = float(taken[mine].sum())
        out["workload.hours.idle", name] = float(idle[mine].sum())
        out["workload.hours.passed_up", name] = float(moved[mine].sum())
        admin = work["assigned"] + work["meetings"]
        yearly = 52 * ledger.arrived[mine][:, CLASS["assigned"]].sum()
        values = {
            "load": _ratio(demand[mine].sum(), capacity[mine].sum()),
            "over": _ratio((demand[mine] > capacity[mine]).sum(), mine.sum()),
            "gini": gini(load),
            "backlog": float(backlog[mine].sum()),
            "withdrawn": float(ledger.withdrawn()[mine].sum()),
            "overtime": float(ledger.overtime[mine].sum()),
            "administrative_share": _ratio(admin, total),
            "administrative_share_counter": _ratio(admin + work["counter"], total),
            "overhead_per_1000": _ratio(1000 * yearly, registered[mine].sum()),
            "households_per_worker": _ratio(households[mine].sum(), o.workers[mine].sum()),
            "workers": float(o.workers[mine].sum()),
            "units": float(mine.sum()),
        }
        persons = {k: float(v[mine].sum()) for k, v in staff.items()}
        values |= {
            "exits": 52 * persons["left"],
            "vacancies": persons["vacant"],
            "newcomers": _ratio(persons["new"], values["workers"]),
            "certified": _ratio(persons["certified"], values["workers"]),
            "fatigue": _ratio(persons["fatigue"], values["workers"]),
        }
        out |= {(f"workload.offices.{k}", name): v for k, v in values.items()}
    return out


def _staff(state: State) -> dict[str, np.ndarray]:
    """Vacant posts, newcomers, certified workers and summed fatigue of each office, ``[O]``, with
    those who start next week and without those who have just left, as `OfficeColumns.workers`."""
    w, week, offices = state.workers, state.week + 1, len(state.offices)
    here = w.at_work(week)
    columns = {
        "vacant": w.vacant(week),
        "new": here & is_new(week, w.hired, state.parameters),
        "certified": here & w.certified,
        "fatigue": here * w.fatigue,
    }
    return {name: w.by_office(values, offices) for name, values in columns.items()}
