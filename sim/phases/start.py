"""What a run starts from: posts as they are after many years at the load of the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.phases.offices import ask_offices
from sim.processes import tenure, work, workers
from sim.world.draws import Process, uniform
from sim.world.ledger import CLASS
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.workers import StaffFlows

if TYPE_CHECKING:
    from sim.model import CommunityModel

ROUNDS = 6  # of load and vacancies, each of which changes the other by a tenth of its own change


def start_staff(model: CommunityModel) -> None:
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


def _steady_load(model: CommunityModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load and share of overtime of each office ``[O]``, and the yearly hazard of each post
    ``[W]``, which agree with each other.

    More load makes more people leave, whose vacancies make more load.
    """
    s, p, now = model.state, model.state.parameters, model.now
    w, o, offices = s.workers, s.offices, len(s.offices)
    ask_offices(model)  # with all posts held by people of experience
    asked = now.demand - now.taken.sum(axis=0)
    asked[:, CLASS["counter"]] = _expected_counter_hours(model)
    full, base = now.capacity, workers.base_rate(w.role, p)
    speed = workers.speed(0, w.hired, w.certified, p)
    lent = np.where(o.kind == TOWNSHIP_OFFICE, p["staff.lent"], 0.0)
    rate, heads = base, np.ones(len(w))
    capacity, load, overtime = full, np.zeros(offices), np.zeros(offices)
    for _ in range(ROUNDS):
        demand = asked.copy()
        at_work = w.by_office(heads, offices) / np.maximum(1, w.by_office(heads > 0, offices))
        demand[:, CLASS["meetings"]] *= at_work
        demand[:, CLASS["self_governance"]] = p["work.self_governance"] * np.where(
            o.kind == TOWNSHIP_OFFICE, 0.0, capacity
        )
        most = np.full(demand.shape, np.inf)
        _, extra = work.allocate(
            demand, np.zeros_like(demand), capacity, model.order, most, p["work.overtime"]
        )
        load, overtime = (
            np.divide(hours, capacity, out=np.zeros(offices), where=capacity > 0)
            for hours in (demand.sum(axis=1), extra)
        )
        rate = workers.exit_rate(base, load[w.office], overtime[w.office], p)
        chance = tenure.chance_to_leave(rate)
        heads = 1 - tenure.vacant_share(chance, p)
        strength = w.by_office(speed * tenure.mean_speed(chance, p), offices)
        capacity = work.capacity_hours(np.maximum(strength, lent), now.efficiency, p)
    return load, overtime, rate


def _expected_counter_hours(model: CommunityModel) -> np.ndarray:
    """Hours a week of the matters that residents have, at the offices of their nearest points."""
    s, p = model.state, model.state.parameters
    out = np.zeros(len(s.offices))
    for i, line in enumerate(s.lines.asked):
        if line.mode == "counter":
            slot = s.reach.slot[:, i, 0]
            operator = np.where(slot >= 0, s.facilities.operator[slot], -1)
            matters = np.bincount(s.households.settlement, model.rates.asked[:, i], slot.size) / 52
            known = operator >= 0
            out += np.bincount(operator[known], matters[known], out.size)
    return out * (p["counter.front"] + p["counter.back"]) / 60
