"""How many live here, and how old they are: registered persons, by the type of unit before any
redraw."""

from __future__ import annotations

import numpy as np

from sim.outcomes.access import TYPES, Values
from sim.world.households import OLD
from sim.world.state import State


def population(state: State) -> Values:
    """Persons, households, and the shares of the old and the oldest."""
    b, census = state.boundaries, state.census
    kind = b.column("type")[b.origin]
    members = {"all": np.ones(kind.size, bool)}
    members |= {name: kind == code for name, code in TYPES.items()}
    out: Values = {}
    for group, mine in members.items():
        ages = census.ages[mine].sum(axis=0)
        persons = ages.sum()
        if persons > 0:
            out["population.registered.persons", group] = float(persons)
            out["population.registered.households", group] = float(census.households[mine].sum())
            out["population.registered.share_60", group] = float(ages[OLD:].sum() / persons)
            out["population.registered.share_80", group] = float(ages[-1] / persons)
    return out
