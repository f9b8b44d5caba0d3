"""What two runs have in common: columns of offices and of households, compared bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.case.case import Case
from sim.model import CommunityModel
from sim.world.state import State
from tests.levers import run, scenario
from tests.worlds import EMPTY

BEGIN = "2020-02-03"  # the first day of week 4


def pair(case: Case, *levers: dict[str, Any], weeks: int = 20):
    """The models of a case without and with levers; every week is checked for conservation."""
    return run(case, EMPTY, weeks), run(case, scenario(case, *levers), weeks)


def offices_apart(a: CommunityModel, b: CommunityModel) -> set[str]:
    """Ids of the offices of the first whose work or staff differs in the second."""
    s, t = a.state, b.state
    same = np.ones(len(s.offices), bool)
    for name in ("done", "arrived", "taken", "lost", "age"):
        x, y = getattr(s.ledger, name), getattr(t.ledger, name)[: len(s.offices)]
        same &= (x == y).reshape(len(x), -1).all(axis=1)
    same &= s.offices.workers == t.offices.workers[: len(s.offices)]
    return {s.offices.id[i] for i in np.flatnonzero(~same)}


def households_apart(s: State, t: State, *services: str) -> np.ndarray:
    """Households with other needs put off, facilities used or waits expected, for these services or
    for all that are asked for week by week, bool ``[H]``."""
    lines = max(s.asked, t.asked, key=len)
    mine = [i for i, line in enumerate(lines) if not services or line.service in services]
    apart = np.zeros(len(s.residents.usual), bool)
    for name, none in (("pending", 0), ("tries", 0), ("usual", -1), ("expected", 0)):
        columns = [getattr(m.residents, name) for m in (s, t)]
        more = [((0, 0), (0, len(lines) - x.shape[1])) for x in columns]
        x, y = (np.pad(c, m, constant_values=none) for c, m in zip(columns, more, strict=True))
        apart |= (x != y)[:, mine].any(axis=1)
    return apart


def units_apart(a: CommunityModel, b: CommunityModel, *services: str) -> set[str]:
    """Ids of the units at the start in which some household is apart (see `households_apart`)."""
    s, t = a.state, b.state
    apart = households_apart(s, t, *services)
    home = s.boundaries.origin[np.unique(s.households.settlement[apart])]
    return {s.boundaries.units[u].id for u in home}
