"""What the phases of a week work on."""

from __future__ import annotations

from sim.phases.columns import Constants, Rates, Reached
from sim.phases.week import Week
from sim.world.state import State


class Running:
    """A run under way; `sim.model.CommunityModel` is one.

    state: all that changes; now: what the week under way produced; constants, rates, reached: the
    columns that phases read. What became another this week: reach_changed: facilities in reach,
    routes_changed: shares of tiers, population_changed: households.
    """

    state: State
    now: Week
    constants: Constants
    rates: Rates
    reached: Reached
    reach_changed: bool
    routes_changed: bool
    population_changed: bool
