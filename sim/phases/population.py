"""Phase 2, demography: the households of a new year, and all that is known of them."""

from __future__ import annotations

import numpy as np

from sim.phases.columns import Rates
from sim.phases.running import Running
from sim.processes.demography import is_new_year, live_through_year
from sim.world.households import is_rural, settlement_keys


def change_population(model: Running) -> None:
    """2 Demography: ageing, births, deaths and moves of a year, in the first week of the next."""
    s = model.state
    model.population_changed = is_new_year(s.start, s.week)
    if not model.population_changed:
        return
    settlements = s.world.settlements
    year = live_through_year(
        s.households, s.population.numbered, settlement_keys(settlements), is_rural(settlements),
        s.parameters, s.world.seed, s.key, s.week,
    )  # fmt: skip
    gone = np.ones(s.households.key.size, bool)
    gone[year.before[year.before >= 0]] = False
    model.now.pending_ended = int(s.residents.pending[gone].sum(dtype=np.int64))
    s.population = s.population.after(year.numbered, **year.flows)
    s.resettle(year.households, year.before)
    model.rates = Rates.of(s)
    for line, e in s.enrolments.items():
        e.resettle(year.before, model.rates.applied[line])
    model.reached = model.reached.resettled(s, year.before)
