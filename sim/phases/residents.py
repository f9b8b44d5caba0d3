"""Phase 8: what residents learn, and what they feel."""

from __future__ import annotations

import numpy as np

from sim.phases.columns import GROUPS
from sim.phases.running import Running
from sim.processes import learning


def learn(model: Running) -> None:
    """8 Learning, satisfaction, belonging."""
    s, now = model.state, model.now
    r, e, p = s.residents, now.errands, s.parameters
    now.sums = np.zeros((GROUPS, len(s.asked), learning.COLUMNS))
    now.felt = np.zeros((len(s.world.settlements), 4))
    slots = model.reached.asked.slots
    learning.settle(
        e.first, e.household, e.needs, e.new, e.slot, e.rank, e.minutes, now.met, now.wait,
        int(p["choice.tries"]), p["choice.learning"], s.households.settlement, model.rates.group,
        slots, s.compared, r.pending, r.tries, r.usual, r.expected, r.belief, now.sums, now.felt,
    )  # fmt: skip
    # a plain mean of the weeks so far until there are as many as residents remember
    step = 1 / min(s.week + 1, p["residents.memory"])
    met, tried = now.felt[:, 0], now.felt[:, 2]
    some = met > 0
    r.wait[some] += step * (now.felt[some, 1] / met[some] - r.wait[some])
    some = tried > 0
    r.unmet[some] += step * (now.felt[some, 3] / tried[some] - r.unmet[some])
    goal = learning.goal_of_belonging(r.belonging_goal, s.policies.fund, p)
    r.belonging = learning.drift(r.belonging, goal, p["residents.belonging_half_life"])
