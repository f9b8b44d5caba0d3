"""What a run starts from: posts as they are after many years at the load of the start."""

from __future__ import annotations

import numpy as np

from sim.phases.offices import ask_offices
from sim.phases.running import Running
from sim.processes import tenure, work, workers
from sim.world.draws import Process, uniform
from sim.world.ledger import CLASS
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.workers import StaffFlows

ROUNDS = 2
"""Load with all posts held, then with the vacancies and newcomers that it makes. More would change
little, save where overload feeds on itself: what that comes to is for the run to tell."""


def start_staff(model: Running) -> None:
    """Draws who is new, which posts are vacant and until when; the case counts posts.

    Certificates stay as many as the case has, of those at work.
    """
    s, p = model.state, model.state.parameters
    w, office = s.workers, s.workers.office
    load, overtime, rate = _steady_load(model)
    chance = tenure.chance_to_leave(rate)
    w.hired[:] = tenure.first_weeks(chance, uniform(s.key, Process.TENURE, 0, w.key), p)
    here = w.at_work(0)
    w.certify(s.world.offices["certified"], ~here, workers.is_new(0, w.hired, p))
    w.load[:] = load[office]
    worked = np.maximum(0, -w.hired.astype(np.int64))
    w.fatigue[:] = np.where(here, tenure.fatigue_after(worked, overtime[office], p), 0.0)
    s.offices.workers[:] = w.by_office(here, len(s.offices))
    s.staff = StaffFlows(int(here.sum()))


def _steady_load(model: Running) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load and share of overtime of each office ``[O]``, and the yearly hazard of each post that
    follows from them ``[W]``."""
    s, p, now = model.state, model.state.parameters, model.now
    w, offices = s.workers, len(s.offices)
    ask_offices(model)  # with all posts held by people of experience
    asked = now.demand - now.taken.sum(axis=0)
    asked[:, CLASS["counter"]] = _expected_counter_hours(model)
    all_heads, full = s.offices.workers, now.capacity
    speed, base = workers.speed(0, w.hired, w.certified, p), workers.base_rate(w.role, p)
    lent = np.where(s.offices.kind == TOWNSHIP_OFFICE, p["staff.lent"], 0.0)
    heads, capacity = all_heads, full
    for _ in range(ROUNDS):
        demand = asked.copy()
        demand[:, CLASS["meetings"]] *= _ratio(heads, all_heads)
        demand[:, CLASS["self_governance"]] *= _ratio(capacity, full)
        nothing, most = np.zeros_like(demand), np.full_like(demand, np.inf)
        _, extra = work.allocate(demand, nothing, capacity, now.order, most, p["work.overtime"])
        load, overtime = _ratio(demand.sum(axis=1), capacity), _ratio(extra, capacity)
        rate = workers.exit_rate(base, load[w.office], overtime[w.office], p)
        chance = tenure.chance_to_leave(rate)
        heads = w.by_office(1 - tenure.vacant_share(chance, p), offices)
        strength = w.by_office(speed * tenure.mean_speed(chance, p), offices)
        capacity = work.capacity_hours(np.maximum(strength, lent), now.efficiency, p)
    return load, overtime, rate


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _expected_counter_hours(model: Running) -> np.ndarray:
    """Hours a week of the matters that residents have, at the offices of their nearest points."""
    s, p = model.state, model.state.parameters
    out = np.zeros(len(s.offices))
    for i, line in enumerate(s.asked):
        if line.mode == "counter":
            slot = s.reach.slot[:, i, 0]
            operator = np.where(slot >= 0, s.facilities.operator[slot], -1)
            matters = np.bincount(s.households.settlement, model.rates.asked[:, i], slot.size) / 52
            known = operator >= 0
            out += np.bincount(operator[known], matters[known], out.size)
    return out * (p["counter.front"] + p["counter.back"]) / 60
