"""Phase 7: fatigue, certificates, exits, vacancies and newcomers."""

from __future__ import annotations

import numpy as np

from sim.phases.helpers import mean_by_office
from sim.phases.running import Running
from sim.processes import workers
from sim.world.draws import Process, uniform
from sim.world.offices import ATTRITION
from sim.world.standards import posts_by_standard
from sim.world.workers import ABOLISHED


def change_staff(model: Running) -> None:
    """7 Workers: fatigue, certificates, who leaves and who starts next week; where a merger left
    staff to attrition, vacancies above the standard are not filled."""
    s, p, now = model.state, model.state.parameters, model.now
    w, o, offices = s.workers, s.offices, len(s.offices)
    staffed = now.capacity > 0
    posts = np.flatnonzero((w.office != ABOLISHED) & staffed[w.office])
    here = np.flatnonzero(w.at_work(s.week))
    load, overtime = (
        np.divide(hours, now.capacity, out=np.zeros(offices), where=staffed)
        for hours in (s.ledger.left().sum(axis=1), s.ledger.overtime)
    )
    w.load[posts] = workers.remembered(w.load[posts], load[w.office[posts]], p)
    w.fatigue[here] = workers.tired(w.fatigue[here], overtime[w.office[here]], p)
    key = w.key[here]
    passed = uniform(s.key, Process.TRAINING, s.week, key)
    trained = mean_by_office(s, s.policies.trained)[w.office[here]]
    w.certified[here] |= workers.happens(workers.certificates(trained, p), passed)
    base = workers.base_rate(w.role[here], p)
    rate = workers.exit_rate(base, w.load[here], w.fatigue[here], p)
    gone = here[workers.happens(rate, uniform(s.key, Process.TURNOVER, s.week, key))]
    now.left = np.bincount(w.office[gone], minlength=offices)
    w.hired[gone] = workers.vacant_until(s.week, p)
    w.certified[gone], w.fatigue[gone] = False, 0.0
    _abolish_vacancies(model)
    came = w.by_office(w.hired == s.week + 1, offices)
    o.workers += came - now.left
    s.staff.hired += int(came.sum())
    s.staff.left += gone.size


def _abolish_vacancies(model: Running) -> None:
    """Ends vacant posts above the standard where a merger left staff to attrition."""
    s, w, o = model.state, model.state.workers, model.state.offices
    shrinking = np.flatnonzero(o.alive & (o.staff_policy == ATTRITION))
    if not shrinking.size:
        return
    standard = posts_by_standard(s.boundaries, s.census, s.policies, s.parameters)
    vacant = w.vacant(s.week)
    for slot in shrinking.tolist():
        posts = w.posts_of(slot)
        over = posts.size - int(standard[o.unit[slot]])
        w.office[posts[vacant[posts]][: max(0, over)]] = ABOLISHED
