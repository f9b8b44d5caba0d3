"""Conservation: what must close every week, whatever the scenario does.

Settlements lie in units, households and persons are those of the start with what came and less
what went, workers are those hired less those gone, places are not overbooked, contracts go with
their offices, needs are met, given up or still pending, and every hour of work has an owner. A
breach ends the run: its numbers would not mean anything.
"""

from __future__ import annotations

import numpy as np

from sim.phases.running import Running
from sim.processes import learning
from sim.world.households import OLD
from sim.world.ledger import CLASSES
from sim.world.state import State


class Breach(RuntimeError):
    """Something was created or lost; the message names the week and what.

    stage: what a failed run is said to have failed in.
    """

    stage = "conservation"


def check_conservation(model: Running) -> None:
    """Raises `Breach` on the first thing that does not close this week."""
    s, now = model.state, model.now
    b, o, f = s.boundaries, s.offices, s.facilities
    alive = b.column("alive")
    if not alive[b.unit_of].all():
        raise _breach(s.week, "settlements", "a settlement lies in a unit that has ended")
    if not np.array([t.alive for t in b.townships])[b.township_of()].all():
        raise _breach(s.week, "townships", "a unit lies in a township that has ended")
    if o.workers[~o.alive].sum() != 0:
        raise _breach(s.week, "workers", "an office that has ended still has workers")
    _check_staff(model)
    is_open = f.is_open(s.week)
    runs = is_open & (f.operator >= 0)
    if not o.alive[f.operator[runs]].all():
        raise _breach(s.week, "facilities", "an open facility is run by an office that has ended")
    if s.ledger.imbalance() > 1e-6:
        raise _breach(s.week, "hours of work", _worst_hours(s))
    if s.ledger.backlog()[~o.alive].sum() > 1e-6:
        raise _breach(s.week, "hours of work", "an office that has ended still has a backlog")
    gap = float(now.refused.sum() - now.passed.sum())
    if abs(gap) > 1e-6:
        why = f"{gap:+g} hours that communities refused did not reach their townships"
        raise _breach(s.week, "hours of work", why)
    _check_contracts(model)
    for i, e in s.enrolments.items():
        j = s.lines.services.index(s.lines.all[i].service)
        capacity = np.where(is_open & f.offers[:, j], f.capacity[:, j], 0.0)
        if (e.enrolled(len(f)) > capacity + 1e-9).any():
            raise _breach(s.week, "places", f"{s.lines.all[i].service} is overbooked")
        if ((e.place >= 0) & (e.listed >= 0)).any():
            raise _breach(s.week, "places", "a household has a place and waits for one")
    _check_population(model)
    from_new = now.sums[:, :, learning.NEW].sum()
    ended = now.sums[:, :, learning.ENDED].sum()
    after = float(s.residents.pending.sum(dtype=np.int64))
    if abs(now.pending_before - now.pending_ended + from_new - ended - after) > 1e-6:
        raise _breach(s.week, "needs", "needs met, given up and pending do not add up")


def _check_contracts(model: Running) -> None:
    """Whoever follows an office has its contracts, and no yuan of them is lost or made."""
    s = model.state
    if (s.contracts.yuan[~s.offices.alive[s.contracts.office]] > 0).any():
        raise _breach(s.week, "contracts", "an office that has ended still has a contract")
    gap = float(s.contracts.yuan.sum()) - s.agreed
    if abs(gap) > 1e-9 * max(1.0, s.agreed):
        raise _breach(s.week, "contracts", f"they are {gap:+g} yuan a year off")


def _check_population(model: Running) -> None:
    """Households and persons are those of the start and what came, less what went; all that is
    known by household has as many rows; in a week of change, ids and members are in order too."""
    s, now = model.state, model.state.population
    h, r = s.households, s.residents
    columns = [x.place for x in s.enrolments.values()] + [r.pending, r.usual, model.rates.asked]
    for count in (s.census.households.sum(), h.key.size, *(len(x) for x in columns)):
        if count != now.households_now:
            change = count - now.households_now
            raise _breach(s.week, "households", f"{change:+g} came or went without a reason")
    if s.census.registered.sum() != now.persons_now:
        change = s.census.registered.sum() - now.persons_now
        raise _breach(s.week, "persons", f"{change:+g} came or went without a reason")
    if not model.population_changed:
        return
    if h.registered.sum(dtype=np.int64) != now.persons_now:
        raise _breach(s.week, "persons", "the households do not hold those of the census")
    step = np.diff(h.settlement)
    if (step < 0).any() or (np.diff(h.key.view(np.int64))[step == 0] <= 0).any():
        raise _breach(s.week, "households", "ids are not in order: one may be there twice")
    if (h.present > h.registered).any() or not h.registered.any(axis=1).all():
        raise _breach(s.week, "persons", "more are present than registered, or nobody is left")
    if (h.risk.sum(axis=1) != h.present[:, OLD:].sum(axis=1)).any():
        raise _breach(s.week, "persons", "not every old person is in one care class")


def _check_staff(model: Running) -> None:
    """Persons employed are those of the start and hired, less gone and cut; and offices count the
    same persons as there are filled posts."""
    s, o = model.state, model.state.offices
    filled = s.workers.at_work(s.week + 1)
    gap = o.workers - s.workers.by_office(filled, len(o))
    if gap.any():
        worst = int(np.abs(gap).argmax())
        why = f"{o.id[worst]} counts {gap[worst]:+g} beside its filled posts"
        raise _breach(s.week, "workers", why)
    if filled.sum() != s.staff.now:
        change = filled.sum() - s.staff.now
        raise _breach(s.week, "workers", f"{change:+d} came or went without a reason")


def _worst_hours(state: State) -> str:
    """Where the ledger does not close, by office and class of work."""
    gaps, slipped = state.ledger.gaps(), state.ledger.slipped
    office, cls = np.unravel_index(np.abs(gaps).argmax(), gaps.shape)
    gap = gaps[office, cls]
    if slipped > abs(gap):
        return f"{slipped:g} hours of backlog came or went between two weeks"
    word = "vanished" if gap > 0 else "came from nowhere"
    return f"{abs(gap):g} hours of {CLASSES[cls]} {word} in {state.offices.id[office]}"


def _breach(week: int, what: str, why: str) -> Breach:
    return Breach(f"week {week}: {what} are not conserved: {why}")
