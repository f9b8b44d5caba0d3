"""6.4 Work of an office in a week: what is asked, in which order it is done, what is left."""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters
from sim.world.ledger import CLASS, CLASSES

VISIT_CLASSES = tuple(CLASS[c] for c in ("visits_high", "visits_focus", "visits_general"))
BEFORE_COUNTER = tuple(CLASS[c] for c in ("assigned", "meetings", "transition", "complaints"))
OVERTIME_CLASSES = (CLASS["assigned"], CLASS["counter"])


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


def hours_for_counter(
    wanted: np.ndarray, capacity: np.ndarray, overtime_share: float
) -> np.ndarray:
    """Hours that more urgent work leaves for the counter, overtime included.

    wanted: ``[O, classes]`` hours asked and waiting. Overtime works on tasks first.
    """
    regular = np.maximum(0.0, capacity - wanted[:, list(BEFORE_COUNTER)].sum(axis=1))
    tasks_left = np.maximum(0.0, wanted[:, CLASS["assigned"]] - capacity)
    return regular + np.maximum(0.0, overtime_share * capacity - tasks_left)


def allocate(
    demand: np.ndarray,
    backlog: np.ndarray,
    capacity: np.ndarray,
    order: tuple[int, ...],
    most: np.ndarray,
    overtime_share: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Hours worked by class, and overtime.

    demand, backlog, most: ``[O, classes]`` hours asked this week, waiting, and the most that can
    be done (inf, or what the windows let through). Classes are done in the given order until the
    capacity is used up; then overtime works on tasks and the counter.
    """
    wanted = np.minimum(demand + backlog, most)
    done = np.zeros_like(demand)
    left = capacity.copy()
    for c in order:
        done[:, c] = np.minimum(wanted[:, c], left)
        left -= done[:, c]
    extra = overtime_share * capacity
    start = extra.copy()
    for c in OVERTIME_CLASSES:
        more = np.minimum(wanted[:, c] - done[:, c], extra)
        done[:, c] += more
        extra -= more
    return done, start - extra


def default_order() -> tuple[int, ...]:
    """The order of `CLASSES`: what is asked from above first, self-governance last."""
    return tuple(range(len(CLASSES)))
