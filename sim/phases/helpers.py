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
    general, assigned = CLASS["visits_general"], CLASS["assigned"]
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
    bought[:, assigned] += _funded(model)
    now.taken[organisation] = contracts.used(bought, now.demand - now.taken.sum(axis=0))
    now.idle = (bought - now.taken[organisation]).sum(axis=1)


def _funded(model: Running) -> np.ndarray:
    """Hours of assigned work that the money which comes with it buys, ``[O]``."""
    s, p, now = model.state, model.state.parameters, model.now
    policy, asked = s.policies, now.demand[:, CLASS["assigned"]]
    if not policy.funded.any():
        return np.zeros(len(s.offices))
    bought = contracts.bought_hours(s.week, 52 * policy.funded, policy.funded_since, p)
    return asked * mean_by_office(s, bought)


def mean_by_office(state: State, column: np.ndarray) -> np.ndarray:
    """Mean of a settlement column over the households of each office's area, a unit or a township,
    ``[O]``; over its settlements where nobody lives."""
    b, weight = state.boundaries, np.maximum(state.census.households, 1e-9)
    out = spread(state, _mean(b.unit_of, column, weight, len(b.units)))
    of_township = _mean(b.township_of(), column, weight, len(b.townships))
    office = np.array([t.office if t.alive else -1 for t in b.townships])
    out[office[office >= 0]] = of_township[office >= 0]
    return out


def _mean(area: np.ndarray, column: np.ndarray, weight: np.ndarray, areas: int) -> np.ndarray:
    """Weighted mean over the settlements of each area, 0 where there are none."""
    whole, part = (np.bincount(area, x, areas) for x in (weight, column * weight))
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def spread(state: State, of_units: np.ndarray, else_: float = 0.0) -> np.ndarray:
    """A column of units by their offices, ``[O]``; what else offices have."""
    out = np.full(len(state.offices), else_)
    office = state.boundaries.column("office")
    out[office[office >= 0]] = of_units[office >= 0]
    return out
