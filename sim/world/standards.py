"""Staff standards of units: how many posts one is to have, by its registered persons.

A standard has four numbers: posts of a unit without persons, posts per 1,000 registered persons,
and the least and most posts. A lever may set one for settlements (`Policies.standard`); elsewhere
that of the kind of unit holds (`staff.village_*`, `staff.community_*`). A unit whose parts have
different ones is to have the mean over its households.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters
from sim.world.boundaries import KINDS, Boundaries
from sim.world.census import Census
from sim.world.policies import Policies

PARTS = ("base", "per_1000", "least", "most")
"""The four numbers, in the order of the columns of `Policies.standard`."""


def posts_by_standard(
    boundaries: Boundaries, census: Census, policies: Policies, parameters: Parameters
) -> np.ndarray:
    """Posts that every unit is to have, whole numbers, float64 ``[U]``."""
    b, weight = boundaries, np.maximum(1.0, census.households)
    usual = np.empty((len(KINDS), len(PARTS)))
    for kind, row in KINDS.items():
        usual[row] = [parameters[f"staff.{kind}_{part}"] for part in PARTS]
    none = np.isnan(policies.standard)
    standard = np.where(none, usual[b.column("kind")[b.unit_of]], policies.standard)
    base, per_1000, least, most = standard.T
    persons = b.sums(census.registered)[b.unit_of]
    posts = np.clip(np.round(base + per_1000 * persons / 1000), least, most)
    whole = b.sums(weight)
    mean = np.divide(b.sums(posts * weight), whole, out=np.zeros_like(whole), where=whole > 0)
    return np.round(mean)
