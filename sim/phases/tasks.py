"""Phase 6, before the offices: what is assigned to them, who does it, what money comes along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.phases.helpers import mean_by_office
from sim.processes import burden, groups, transition
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.state import State
from sim.world.supply import ITEMS


@dataclass(frozen=True)
class Tasks:
    """Assigned hours of the week ``[O]``: hours: asked of the office in the end; refused, passed:
    those that it refused, and those that came to it because others did."""

    hours: np.ndarray
    refused: np.ndarray
    passed: np.ndarray


def assigned_hours(s: State) -> Tasks:
    """What is assigned this week: the lists of units, less what they refuse, which is assigned to
    the offices of their townships."""
    o, p = s.offices, s.parameters
    yearly = transition.assigned_hours(s.week, o.own_list, o.merged_list, o.list_week, p)
    of_unit = o.alive & (o.kind != TOWNSHIP_OFFICE)
    hours = np.where(of_unit, yearly * _share_of_list(s) / 52, 0.0)
    refused = hours * np.where(of_unit, mean_by_office(s, s.policies.refused), 0.0)
    above = np.array([t.office for t in s.boundaries.townships])[o.township]
    passed = np.bincount(above[of_unit], refused[of_unit], len(o))
    return Tasks(hours - refused + passed, refused, passed)


def funds(s: State, hours: np.ndarray) -> np.ndarray:
    """Yuan a year that come with so many assigned hours a week ``[O]``."""
    return 52 * hours * mean_by_office(s, s.policies.funded)


def share_of_meetings(s: State) -> np.ndarray:
    """Share of the meetings that every office is called to, ``[O]``."""
    policies = s.policies
    weeks = s.week - policies.cut_week
    left = burden.items_left(weeks, policies.meetings[:, None], s.parameters)
    return mean_by_office(s, left[:, 0])


def _share_of_list(s: State) -> np.ndarray:
    """Share of the list of tasks that every office is asked for, ``[O]``: what cuts have left, with
    fewer hours for ledgers where groups are grids."""
    policies, p = s.policies, s.parameters
    left = burden.items_left(s.week - policies.cut_week, policies.remaining, p)
    left[:, ITEMS.index("ledger")] *= groups.ledger_factor(policies.aligned, p)
    return mean_by_office(s, burden.share_of_hours(left, p))
