"""6.4 Work of an office in a week: what is asked, in which order it is done, what is left."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sim.case.parameters import Parameters
from sim.world.ledger import CLASS, CLASSES

VISIT_CLASSES = tuple(CLASS[c] for c in ("visits_high", "visits_focus", "visits_general"))
OVERTIME_CLASSES = (CLASS["assigned"], CLASS["counter"])
USUAL, RESIDENTS_FIRST, CENTRE = 0, 1, 2
_SERVICES = ("complaints", "counter", "visits_high", "visits_focus", "visits_general")
_NAMED = (
    CLASSES,
    (*_SERVICES, "assigned", "meetings", "transition", "self_governance"),
    (*CLASSES[1:], CLASSES[0]),
)
ORDERS = tuple(tuple(CLASS[c] for c in order) for order in _NAMED)
"""In which order an office does its work: USUAL, what is asked from above first; RESIDENTS_FIRST,
what residents wait for first; CENTRE, of a township's office, which does what communities have
passed up to it when its windows are served."""


def capacity_hours(
    workers: np.ndarray, efficiency: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours of work an office can do in a week."""
    p = parameters
    return workers * p["work.year_hours"] / 52 * p["work.available"] * efficiency


def visit_hours(
    visits: np.ndarray, area_m2: np.ndarray, haul_m: np.ndarray, parameters: Parameters
) -> np.ndarray:
    """Hours of one home visit: at the door, between doors, and to the quarter and back.

    visits: planned a week; between doors the tour of n points in an area A has the length
    0.7124 sqrt(n A) (Beardwood, Halton & Hammersley 1959); the way out and home is shared by the
    visits of one tour (Daganzo 1984). haul_m: mean metres from the office's points to the doors.
    """
    p = parameters
    between = p["work.tour_constant"] * np.sqrt(area_m2 / np.maximum(visits, 1e-9))
    haul = 2 * haul_m / p["work.tour_visits"]
    travel = np.where(visits > 0, (between + haul) / p["work.tour_speed"], 0.0)
    return (p["work.visit_minutes"] + travel) / 60


def order_of(centre: np.ndarray, residents_first: np.ndarray) -> np.ndarray:
    """Order of each office, index of ORDERS ``[O]``: that for residents first where it holds for
    more than half of its households. centre: bool, offices of townships."""
    usual = np.where(centre, CENTRE, USUAL)
    return np.where(2 * residents_first > 1, RESIDENTS_FIRST, usual)


def hours_for_counter(
    wanted: np.ndarray, capacity: np.ndarray, order: np.ndarray | int, overtime_share: float
) -> np.ndarray:
    """Hours that more urgent work leaves for the counter, overtime included.

    wanted: ``[O, classes]`` hours asked and waiting; order: see `allocate`.
    """
    out = np.empty_like(capacity)
    for rows, classes in _by_order(order, capacity.size):
        at_work, mine = capacity[rows], wanted[rows]
        before = list(classes[: classes.index(CLASS["counter"])])
        regular = np.maximum(0.0, at_work - mine[:, before].sum(axis=1))
        tasks = mine[:, CLASS["assigned"]]
        tasks_left = np.maximum(0.0, tasks - at_work) if CLASS["assigned"] in before else 0.0
        out[rows] = regular + np.maximum(0.0, overtime_share * at_work - tasks_left)
    return out


def allocate(
    demand: np.ndarray,
    backlog: np.ndarray,
    capacity: np.ndarray,
    order: np.ndarray | int,
    most: np.ndarray,
    overtime_share: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Hours worked by class, and overtime.

    demand, backlog, most: ``[O, classes]`` hours asked this week, waiting, and the most that can
    be done (inf, or what the windows let through); order: of each office, or of all, an index of
    ORDERS. Classes are done in that order until the capacity is used up; then overtime works on
    tasks and the counter, the more urgent first.
    """
    wanted = np.minimum(demand + backlog, most)
    done, overtime = np.zeros_like(demand), np.zeros_like(capacity)
    for rows, classes in _by_order(order, capacity.size):
        asked, mine, left = wanted[rows], np.zeros_like(demand[rows]), capacity[rows].copy()
        for c in classes:
            mine[:, c] = np.minimum(asked[:, c], left)
            left -= mine[:, c]
        extra = overtime_share * capacity[rows]
        start = extra.copy()
        for c in sorted(OVERTIME_CLASSES, key=classes.index):
            more = np.minimum(asked[:, c] - mine[:, c], extra)
            mine[:, c] += more
            extra -= more
        done[rows], overtime[rows] = mine, start - extra
    return done, overtime


def _by_order(
    order: np.ndarray | int, offices: int
) -> Iterator[tuple[np.ndarray, tuple[int, ...]]]:
    """Rows of the offices that have each order, and the order."""
    codes = np.broadcast_to(order, offices)
    for code, classes in enumerate(ORDERS):
        yield np.flatnonzero(codes == code), classes
