"""Phases 5 and 6, offices: what is asked of them, how long their counters make people wait, and
what gets done.
"""

from __future__ import annotations

import numpy as np

from sim.phases.helpers import mean_by_office, spread, take_over
from sim.phases.running import Running
from sim.phases.tasks import assigned_hours, funds, share_of_meetings
from sim.processes import choice, counters, transition, work, workers
from sim.processes.property import hours_landed
from sim.world.ledger import CLASS, CLASSES
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.state import State


def ask_offices(model: Running) -> None:
    """Hours asked of every office this week in all classes but the counter, its capacity, and the
    hours that more urgent work leaves for the counter."""
    s, p, c, now = model.state, model.state.parameters, model.constants, model.now
    o, b = s.offices, s.boundaries
    demand = np.zeros((len(o), len(CLASSES)))
    eff = transition.efficiency(s.week, o.merged_week, o.loss, p["merger.recovery"])
    posts = s.workers
    speed = workers.speed(s.week, posts.hired, posts.certified, p)
    strength = posts.by_office(speed, len(o))
    strength *= workers.left_by_training(mean_by_office(s, s.policies.trained), p)
    # a centre whose posts are all vacant is lent somebody: no township shuts its counter
    lent = np.where(o.alive & (o.kind == TOWNSHIP_OFFICE), p["staff.lent"], 0.0)
    capacity = work.capacity_hours(np.maximum(strength, lent), eff, p)
    of_unit = o.alive & (o.kind != TOWNSHIP_OFFICE)
    tasks = assigned_hours(s)
    demand[:, CLASS["assigned"]] = tasks.hours
    now.refused, now.passed, now.funds = tasks.refused, tasks.passed, funds(s, tasks.hours)
    meetings = o.workers * p["work.meeting_hours"] * p["work.meeting_weeks"] / 52
    meetings *= share_of_meetings(s)
    demand[:, CLASS["meetings"]] = np.where(of_unit, meetings, 0.0)
    demand[:, CLASS["transition"]] = np.where(
        o.alive, transition.transition_hours(s.week, o.merged_week, o.members, p), 0.0
    )
    demand[:, CLASS["self_governance"]] = np.where(
        of_unit, p["work.self_governance"] * capacity, 0.0
    )
    now.complaints = c.complaints * s.policies.complaints
    landed = hours_landed(b.sums(now.complaints * s.census.households), p)
    demand[:, CLASS["complaints"]] = spread(s, landed)
    _plan_visits(model)
    demand[:, list(work.VISIT_CLASSES)] = now.planned * now.visit_hours[:, None]
    now.demand, now.capacity, now.efficiency = demand, capacity, eff
    take_over(model)
    wanted = demand - now.taken.sum(axis=0) + s.ledger.backlog()
    first = mean_by_office(s, s.policies.residents_first)
    now.order = work.order_of(o.kind == TOWNSHIP_OFFICE, first)
    now.counter_hours = work.hours_for_counter(wanted, capacity, now.order, p["work.overtime"])
    now.front = counters.front_minutes(mean_by_office(s, s.policies.one_window), p)


def _plan_visits(model: Running) -> None:
    """Home visits that every office plans this week by care risk, and the hours of one."""
    s, p, now = model.state, model.state.parameters, model.now
    b, risk = s.boundaries, s.census.risk
    of = b.column("office")
    has = of >= 0
    old = np.column_stack([b.sums(risk[:, k]) for k in range(risk.shape[1])])
    rates = np.array([p["work.visits_high"], p["work.visits_focus"], p["work.visits_general"]])
    planned = old * rates / 52
    # to the nearest point of the own unit, where one is open, else to the seat of the office
    haul = s.reach.nearest[:, s.lines.of_service("community")[0]]
    seat = b.column("seat")[b.unit_of]
    x, y = (s.world.settlements[a].to_numpy(np.float64) for a in ("x", "y"))
    haul = np.where(np.isfinite(haul), haul, np.hypot(x - x[seat], y - y[seat]))
    mean_haul = b.sums(haul * risk.sum(axis=1)) / np.maximum(old.sum(axis=1), 1e-9)
    hours = work.visit_hours(planned.sum(axis=1), b.sums(model.constants.area), mean_haul, p)
    now.planned, now.visit_hours = np.zeros((len(s.offices), 3)), np.ones(len(s.offices))
    now.planned[of[has]], now.visit_hours[of[has]] = planned[has], hours[has]


def counter_waits(model: Running, matters: np.ndarray) -> np.ndarray:
    """Wait in minutes at every facility's counter; windows are staffed from the hours that more
    urgent work leaves."""
    s, p, now = model.state, model.state.parameters, model.now
    f, o = s.facilities, s.offices
    eff = now.efficiency
    left = now.counter_hours / eff
    points = _counter_points(s)
    wished = np.bincount(
        f.operator[points], weights=f.windows[points] * f.hours[points], minlength=len(o)
    )
    staffed = np.minimum(1.0, np.divide(left, wished, out=np.ones_like(left), where=wished > 0))
    minutes = now.front + p["counter.back"]
    waiting = s.ledger.backlog()[:, CLASS["counter"]] * 60 / minutes
    windows = f.windows[points] * staffed[f.operator[points]]
    total = np.bincount(f.operator[points], weights=windows, minlength=len(o))
    share = np.divide(
        windows, total[f.operator[points]], out=np.zeros_like(windows), where=windows > 0
    )
    out = np.zeros(len(f))
    out[points] = counters.counter_waits(
        matters[points], f.hours[points], windows,
        now.front[f.operator[points]] / 60 / eff[f.operator[points]],
        waiting[f.operator[points]] * share, p["counter.day"], p["counter.peak"],
    )  # fmt: skip
    now.window_hours = np.bincount(
        f.operator[points], weights=windows * f.hours[points], minlength=len(o)
    )
    # nobody at the windows for a whole week of office hours: the matter waits for the next one
    return np.where(np.isfinite(out), out, 60 * p["counter.hours"])


def work_offices(model: Running) -> None:
    """6 Work in offices: the counter's hours join the rest; what is done, left, lost."""
    s, p, now = model.state, model.state.parameters, model.now
    f, o, lines = s.facilities, s.offices, s.asked
    demand = now.demand
    counter = [i for i, x in enumerate(lines) if x.mode == "counter"]
    matters = now.matters[:, counter].sum(axis=1)
    points = _counter_points(s)
    per_matter = (now.front + p["counter.back"]) / 60
    operator = f.operator[points]
    brought = np.bincount(operator, matters[points] * per_matter[operator], len(o))
    other = _hours_elsewhere(model)
    # a kept point binds a worker for its opening hours, any other for those beyond office hours,
    # whether somebody comes or not; it takes what the matters leave of the hours for the counter,
    # and nobody owes the rest later
    bound = np.where(f.kept[points], f.hours[points], f.extra_hours[points])
    far, bound = points[bound > 0], bound[bound > 0]
    come = matters[far] * bound / f.hours[far]
    idle = bound * f.windows[far] - come * now.front[f.operator[far]] / 60
    presence = np.bincount(f.operator[far], weights=np.maximum(0.0, idle), minlength=len(o))
    waiting = s.ledger.backlog()[:, CLASS["counter"]]
    other = other + np.clip(now.counter_hours - brought - other - waiting, 0.0, presence)
    demand[:, CLASS["counter"]] = brought + other
    most = np.full(demand.shape, np.inf)
    through = now.window_hours * 60 / now.front * now.efficiency * per_matter
    most[:, CLASS["counter"]] = through + other
    taken, backlog = now.taken.sum(axis=0), s.ledger.backlog()
    done, extra = work.allocate(
        demand - taken, backlog, now.capacity, now.order, most, p["work.overtime"]
    )
    s.ledger.settle(demand, done, extra, taken)


def _hours_elsewhere(model: Running) -> np.ndarray:
    """Staff hours of matters that came by the web or the agent ``[O]``: the back office at the
    office whose counter they spared, the agent's at the own office."""
    s, p, e = model.state, model.state.parameters, model.now.errands
    out = np.zeros(len(s.offices))
    for channel, minutes in (
        (choice.ONLINE, p["online.minutes"]),
        (choice.AGENT, p["counter.back"]),
    ):
        mine = np.flatnonzero(e.slot == channel)
        settlement = s.households.settlement[e.household[mine]]
        line = np.searchsorted(e.first, mine, side="right") - 1
        slot = s.reach.slot[settlement, line, 0]
        operator = np.where(slot >= 0, s.facilities.operator[np.maximum(slot, 0)], -1)
        spared = operator >= 0
        out += _hours(operator[spared], e.needs[mine[spared]] * minutes, out.size)
        if channel == choice.AGENT:
            own = s.boundaries.column("office")[s.boundaries.unit_of[settlement]]
            out += _hours(own, e.needs[mine] * p["agency.minutes"], out.size)
    return out


def _hours(office: np.ndarray, minutes: np.ndarray, offices: int) -> np.ndarray:
    return np.bincount(office, weights=minutes / 60, minlength=offices)


def _counter_points(state: State) -> np.ndarray:
    """Slots of open facilities with windows that an office operates."""
    f = state.facilities
    return np.flatnonzero(f.is_open(state.week) & (f.windows > 0) & (f.operator >= 0))
