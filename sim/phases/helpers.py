"""Phase 6, before the offices: what group leaders, volunteers and organisations take over."""

from __future__ import annotations

import numpy as np

from sim.phases.running import Running
from sim.processes import contracts, groups, volunteers
from sim.world.ledger import CLASS, CLASSES, HELPERS
from sim.world.state import State


def take_over(model: Running) -> None:
    """Hours of this week's demand that others do, each of what those before them have left."""
    s, p, now = model.state, model.state.parameters, model.now
    b, census = s.boundaries, s.census
    leaders, volunteer, organisation = range(len(HELPERS))
    general = CLASS["visits_general"]
    now.taken = np.zeros((len(HELPERS), *now.demand.shape))
    covered = groups.coverage(b.groups(), b.sums(census.households), p)
    now.taken[leaders, :, general] = groups.relieved(now.demand[:, general], spread(s, covered), p)
    volunteering = volunteers.hours_given(
        census.present, s.policies.registered, s.policies.active, s.residents.belonging, p
    )
    given = b.sums(volunteering)
    now.taken[volunteer, :, general] = volunteers.replaced(
        spread(s, given), now.demand[:, general] - now.taken[leaders, :, general], p
    )
    c = s.contracts
    hours = contracts.bought_hours(s.week, c.yuan, c.first, p)
    bought = c.by_class(hours, len(s.offices), len(CLASSES))
    now.taken[organisation] = contracts.used(bought, now.demand - now.taken.sum(axis=0))
    now.idle = (bought - now.taken[organisation]).sum(axis=1)


def mean_by_office(state: State, column: np.ndarray) -> np.ndarray:
    """Mean of a settlement column over the households of each office's area, ``[O]``: of its unit,
    or of its township; over its settlements where nobody lives."""
    b, weight = state.boundaries, np.maximum(state.census.households, 1e-9)
    out = spread(state, _mean(b.unit_of, column, weight, len(b.units)))
    of_townships = _mean(b.township_of(), column, weight, len(b.townships))
    office = np.array([t.office if t.alive else -1 for t in b.townships], dtype=np.int64)
    out[office[office >= 0]] = of_townships[office >= 0]
    return out


def _mean(area_of: np.ndarray, column: np.ndarray, weight: np.ndarray, areas: int) -> np.ndarray:
    whole = np.bincount(area_of, weight, areas)
    part = np.bincount(area_of, column * weight, areas)
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def spread(state: State, of_units: np.ndarray, else_: float = 0.0) -> np.ndarray:
    """A column of units by their offices, ``[O]``; what else offices have."""
    out = np.full(len(state.offices), else_)
    office = state.boundaries.column("office")
    out[office[office >= 0]] = of_units[office >= 0]
    return out
