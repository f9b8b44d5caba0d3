"""The phases of a week: each gathers columns of the state, calls pure rules, and writes back.

Every phase takes the model and returns nothing. What a week produced and nobody needs later
lives in `Week`, made new every week and read by the recorder.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.processes import (
    choice,
    counters,
    learning,
    needs,
    places,
    transition,
    visits,
    work,
    workers,
)
from sim.world.draws import Process, uniform
from sim.world.households import DIGITAL, OLD_ONLY, VEHICLE
from sim.world.ledger import CLASS, CLASSES
from sim.world.offices import ATTRITION, TOWNSHIP_OFFICE, VILLAGE_OFFICE
from sim.world.state import State
from sim.world.supply import staff_standard
from sim.world.travel import Pace
from sim.world.workers import ABOLISHED, SOCIAL_WORKER

if TYPE_CHECKING:
    from sim.model import CommunityModel

GROUP_TYPES = 3  # urban, town, rural
GROUPS = GROUP_TYPES * 8
STEADY_ROUNDS = 8


@dataclass
class Constants:
    """Columns that do not change in a run: rates, groups, keys and weights in kernel form.

    asked: float32 ``[H, L]`` needs a year on the lines asked for; applied: line -> float32
    ``[H]`` applications a year; group: int64 ``[H]`` type x (old only, no vehicle, no digital);
    risk: float64 ``[S, 3]`` persons at risk; households, registered: ``[S]``; area: m2 ``[S]``;
    complaints: a week, of all and of those that land on the community, ``[S]``.
    """

    asked: np.ndarray
    applied: dict[int, np.ndarray]
    group: np.ndarray
    pace: Pace
    risk: np.ndarray
    households: np.ndarray
    registered: np.ndarray
    area: np.ndarray
    complaints: np.ndarray
    cutoff: np.ndarray
    taste: np.ndarray
    old_users: np.ndarray
    weights: np.ndarray

    @staticmethod
    def of(state: State) -> Constants:
        """Prepares the columns of one run."""
        w, p, lines = state.world, state.parameters, state.lines
        h = w.households
        count = len(w.settlements)
        settlement = np.asarray(h.settlement)
        kind = state.boundaries.column("type")[state.boundaries.origin]
        flags = np.asarray(h.flags)
        group = (
            kind[settlement].astype(np.int64) * 8
            + ((flags & OLD_ONLY) > 0) * 4
            + ((flags & VEHICLE) == 0) * 2
            + ((flags & DIGITAL) == 0)
        )
        places_lines = [i for i, line in enumerate(lines.all) if line in lines.places]
        rates = needs.yearly_rates(h, lines.places, p)
        risk = [np.bincount(settlement, weights=h.risk[:, i], minlength=count) for i in range(3)]
        compound = w.settlements["compound"].map(lambda c: p[f"complaints.{c}"] / 100).to_numpy()
        households = w.settlements["households"].to_numpy(np.float64)
        asked = lines.asked
        return Constants(
            asked=needs.yearly_rates(h, asked, p),
            applied={i: np.ascontiguousarray(rates[:, j]) for j, i in enumerate(places_lines)},
            group=group,
            pace=Pace.of(p),
            risk=np.column_stack(risk),
            households=households,
            registered=w.settlements["persons"].to_numpy(np.float64),
            area=w.settlements["area_ha"].to_numpy(np.float64) * 1e4,
            complaints=compound * households / 52,
            cutoff=np.array([x.cutoff for x in asked]),
            taste=np.array([x.taste for x in asked]),
            old_users=np.array([x.old_users for x in asked]),
            weights=np.array(
                [
                    p["choice.minute"], p["choice.wait"], p["choice.own_unit"],
                    p["choice.office_hours"], p["choice.put_off"], p["online.constant"],
                    p["online.capable"],
                ]
            ),
        )  # fmt: skip


@dataclass
class Week:
    """What one week produced.

    asked: uint8 ``[H, L]`` new needs; errands, met, wait: one row an errand; sums: float64
    ``[GROUPS, L, 10]`` (columns in `learning`); felt: float64 ``[S, 4]``; matters: needs taken to
    each facility, ``[F, L]``; planned, visit_hours: home visits ``[O, 3]`` and hours of one
    ``[O]``; capacity: hours ``[O]``; left: persons who left each office at its end ``[O]``.
    """

    asked: np.ndarray = field(init=False)
    errands: choice.Errands = field(init=False)
    met: np.ndarray = field(init=False)
    wait: np.ndarray = field(init=False)
    sums: np.ndarray = field(init=False)
    felt: np.ndarray = field(init=False)
    matters: np.ndarray = field(init=False)
    planned: np.ndarray = field(init=False)
    visit_hours: np.ndarray = field(init=False)
    capacity: np.ndarray = field(init=False)
    left: np.ndarray = field(init=False)
    pending_before: int = 0


def trip_table(pace: Pace, metres: np.ndarray) -> np.ndarray:
    """Minutes of trips by travel class: metres ``[..., K]`` -> float32 ``[..., 4, K]``."""
    minutes = [pace.minutes(metres, travel_class) for travel_class in range(4)]
    return np.ascontiguousarray(np.stack(minutes, axis=-2), np.float32)


def draw_needs(model: CommunityModel) -> None:
    """3 Needs: what every household asks for this week."""
    s, now = model.state, model.now
    h = s.world.households
    now.asked = np.zeros(s.residents.pending.shape, np.uint8)
    most = int(s.parameters["needs.most_per_week"])
    needs.draw_needs(np.uint64(s.key), s.week, h.key, model.constants.asked, most, now.asked)


def choose_facility(model: CommunityModel) -> None:
    """4 Choice of channel and facility."""
    s, now, c, r = model.state, model.now, model.constants, model.state.residents
    h, f = s.world.households, s.facilities
    lines = s.lines.asked
    now.pending_before = int(r.pending.sum(dtype=np.int64))
    count = int(np.count_nonzero(now.asked | r.pending))
    first = np.empty(len(lines) + 1, np.int64)
    household, matters, new, slot, rank = (np.empty(count, np.int32) for _ in range(5))
    minutes = np.empty(count)
    offered = s.parameters["online.offered"] > 0
    online = np.zeros((len(s.world.settlements), len(lines)), bool)
    if offered:
        online[:, [i for i, x in enumerate(lines) if x.service == "government"]] = True
    if model.lasting is None:
        model.lasting = np.zeros((h.settlement.size, *model.slots.shape[1:]), np.float32)
        choice.lifelong_tastes(
            np.uint64(s.key), h.settlement, h.key, model.slots, f.key.astype(np.uint32),
            model.lasting,
        )  # fmt: skip
    choice.choose(
        np.uint64(s.key), s.week, h.settlement, h.key, h.flags, now.asked, r.pending,
        model.slots, model.trips, model.own, model.lasting, r.belief, r.usual, r.expected,
        f.key.astype(np.uint32), f.office_hours, c.cutoff, c.taste, c.old_users, online,
        c.weights, first, household, matters, new, slot, rank, minutes,
    )  # fmt: skip
    now.errands = choice.Errands(first, household, matters, new, slot, rank, minutes)


def serve(model: CommunityModel) -> None:
    """5 Service at facilities: waits at counters, refusals of visits, places and lists."""
    s, now = model.state, model.now
    e, f, lines = now.errands, s.facilities, s.lines.asked
    agents = s.world.households.key
    now.met, now.wait = e.slot != choice.PUT_OFF, np.zeros(e.slot.size)
    now.met &= e.slot != choice.NO_REACH
    now.matters = np.zeros((len(f), len(lines)))
    for i, line in enumerate(lines):
        rows = e.of_line(i)
        mine = rows.start + np.flatnonzero(e.slot[rows] >= 0)
        slot = e.slot[mine]
        now.matters[:, i] = np.bincount(slot, weights=e.needs[mine], minlength=len(f))
        if line.mode == "visit":
            capacity = f.capacity[:, s.lines.services.index(line.service)]
            ok = visits.served(
                s.key, s.week, i, agents[e.household[mine]], slot, e.needs[mine], capacity
            )
            now.met[mine] = ok
            load = now.matters[:, i]
            refused = np.maximum(0.0, 1 - capacity / np.maximum(load, 1e-9))
            s.posted[:, i] = s.parameters["choice.refused_minutes"] * refused
            now.wait[mine] = s.posted[slot, i]
    counter = [i for i, x in enumerate(lines) if x.mode == "counter"]
    waits = _counter_waits(model, now.matters[:, counter].sum(axis=1))
    for i in counter:
        s.posted[:, i] = waits
        rows = e.of_line(i)
        now.wait[rows] = np.where(e.slot[rows] >= 0, waits[np.maximum(e.slot[rows], 0)], 0.0)
    for i in s.enrolments:
        _enrol(model, i)


def _counter_points(state: State) -> np.ndarray:
    """Slots of open facilities with windows that an office operates."""
    f = state.facilities
    return np.flatnonzero(f.is_open(state.week) & (f.windows > 0) & (f.operator >= 0))


def _counter_waits(model: CommunityModel, matters: np.ndarray) -> np.ndarray:
    """Wait in minutes at every facility's counter; windows are staffed from the hours that more
    urgent work leaves."""
    s, p = model.state, model.state.parameters
    f, o = s.facilities, s.offices
    demand, capacity, eff = _demand_but_counter(model)
    wanted = demand + s.ledger.backlog()
    model.counter_hours = work.hours_for_counter(wanted, capacity, p["work.overtime"])
    left = model.counter_hours / eff
    points = _counter_points(s)
    wished = np.bincount(
        f.operator[points], weights=f.windows[points] * f.hours[points], minlength=len(o)
    )
    staffed = np.minimum(1.0, np.divide(left, wished, out=np.ones_like(left), where=wished > 0))
    minutes = p["counter.front"] + p["counter.back"]
    waiting = s.ledger.backlog()[:, CLASS["counter"]] * 60 / minutes
    windows = f.windows[points] * staffed[f.operator[points]]
    total = np.bincount(f.operator[points], weights=windows, minlength=len(o))
    share = np.divide(
        windows, total[f.operator[points]], out=np.zeros_like(windows), where=windows > 0
    )
    out = np.zeros(len(f))
    out[points] = counters.counter_waits(
        matters[points], f.hours[points], windows,
        p["counter.front"] / 60 / eff[f.operator[points]],
        waiting[f.operator[points]] * share, p["counter.day"], p["counter.peak"],
    )  # fmt: skip
    model.window_hours = np.bincount(
        f.operator[points], weights=windows * f.hours[points], minlength=len(o)
    )
    # nobody at the windows for a whole week of office hours: the matter waits for the next one
    return np.where(np.isfinite(out), out, 60 * p["counter.hours"])


def _enrol(model: CommunityModel, i: int) -> None:
    """Exits, applications and vacancies of one service with places."""
    s, e = model.state, model.state.enrolments[i]
    p, line, h = s.parameters, s.lines.all[i], s.world.households
    exit_rate = p["supply.day_care_exit" if line.service == "elder_care" else "supply.nursery_exit"]
    is_open = s.facilities.is_open(s.week)
    capacity = np.where(is_open, place_capacity(s, i), 0.0)
    list_rate = p["supply.list_exit"]
    if s.week == 0:
        _start_places(model, i, capacity, exit_rate, list_rate)
        return
    weeks = places.weeks_on_list(e.waiting(len(s.facilities)), capacity, exit_rate, list_rate)
    none = np.empty(0, np.int64)
    again = places.displace(e, is_open) if model.reach_changed else none
    places.leave(e, s.key, s.week, i, h.key, exit_rate, list_rate)
    new = places.applicants(e, s.key, s.week, i, h.key, model.constants.applied[i])
    new = np.union1d(new, again)
    if model.reach_changed:
        _reconsider(model, i, weeks)
    chosen = prefer(model, i, new, weeks)
    e.applied = int(new.size)
    e.put_off, e.nowhere = int((chosen == -1).sum()), int((chosen == -2).sum())
    go = chosen >= 0
    e.listed[new[go]], e.since[new[go]] = chosen[go], s.week
    places.fill(e, s.key, i, h.key, capacity)


def _start_places(
    model: CommunityModel, i: int, capacity: np.ndarray, exit_rate: float, list_rate: float
) -> None:
    """Places and lists as they would be after many years without a change.

    Long lists deter applicants, who make the lists: the two are brought together by averaging
    over rounds (Robbins & Monro 1951; going a fixed share of the way would swing for ever).
    """
    s, e = model.state, model.state.enrolments[i]
    rates = model.constants.applied[i]
    weeks = np.zeros(len(s.facilities))
    chosen = np.full(rates.size, -1, np.int32)
    for n in range(STEADY_ROUNDS):
        chosen[e.eligible] = prefer(model, i, e.eligible, weeks)
        go = e.eligible[chosen[e.eligible] >= 0]
        inside, _ = places.steady_numbers(
            chosen[go], rates[go].astype(np.float64), capacity, exit_rate, list_rate
        )
        queue = np.maximum(0.0, inside - np.floor(capacity + 1e-9))
        new = places.weeks_on_list(queue, capacity, exit_rate, list_rate)
        known = np.isfinite(new)
        weeks[known] += (new[known] - weeks[known]) / (n + 1.5)
        weeks[~known] = np.inf
    places.start_steady(
        e, s.key, i, s.world.households.key, rates, chosen, capacity, exit_rate, list_rate,
        s.parameters["supply.oldest_wait"],
    )  # fmt: skip


def place_capacity(state: State, line: int) -> np.ndarray:
    """Places of one line's service at every facility, zero where it is not offered."""
    j = state.lines.services.index(state.lines.all[line].service)
    return np.where(state.facilities.offers[:, j], state.facilities.capacity[:, j], 0.0)


def _reconsider(model: CommunityModel, i: int, weeks: np.ndarray) -> None:
    """Those who wait choose again when the facilities in reach have changed; they keep the week
    in which they joined."""
    e = model.state.enrolments[i]
    waiting = e.on_list()
    chosen = prefer(model, i, waiting, weeks)
    go = chosen >= 0
    e.listed[waiting[go]] = chosen[go]


def prefer(model: CommunityModel, i: int, households: np.ndarray, weeks: np.ndarray) -> np.ndarray:
    """The facility each of these households likes best for line i (see `places.prefer`)."""
    s, c, p = model.state, model.constants, model.state.parameters
    h, f, line = s.world.households, s.facilities, s.lines.all[i]
    chosen = np.empty(households.size, np.int32)
    weights = np.array(
        [p["choice.minute"], p["choice.wait"] * p["choice.list_week_minutes"],
         p["choice.own_unit"], p["choice.office_hours"], p["choice.put_off"]]
    )  # fmt: skip
    places.prefer(
        np.uint64(s.key), s.week, i, households.astype(np.int64), h.settlement, h.key, h.flags,
        np.ascontiguousarray(s.reach.slot[:, i : i + 1]),
        trip_table(c.pace, s.reach.metres[:, i : i + 1]),
        np.ascontiguousarray(s.reach.own[:, i : i + 1]), weeks, f.key.astype(np.uint32),
        f.office_hours, line.cutoff, line.taste, line.old_users, weights, chosen,
    )  # fmt: skip
    return chosen


def _demand_but_counter(model: CommunityModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hours asked of every office this week in all classes but the counter, with capacity and
    efficiency. Computed once a week."""
    if model.asked_hours is not None:
        return model.asked_hours
    s, p, c = model.state, model.state.parameters, model.constants
    o, b = s.offices, s.boundaries
    demand = np.zeros((len(o), len(CLASSES)))
    eff = transition.efficiency(s.week, o.merged_week, o.loss, p["merger.recovery"])
    posts = s.workers
    speed = workers.speed(s.week, posts.hired, posts.certified, p)
    strength = posts.by_office(speed, len(o))
    # a centre whose posts are all vacant is lent somebody: no township shuts its counter
    lent = np.where(o.alive & (o.kind == TOWNSHIP_OFFICE), p["staff.lent"], 0.0)
    capacity = work.capacity_hours(np.maximum(strength, lent), eff, p)
    of_unit = o.alive & (o.kind != TOWNSHIP_OFFICE)
    yearly = transition.assigned_hours(s.week, o.own_list, o.merged_list, o.merged_week, p)
    demand[:, CLASS["assigned"]] = np.where(of_unit, yearly / 52, 0.0)
    meetings = o.workers * p["work.meeting_hours"] * p["work.meeting_weeks"] / 52
    demand[:, CLASS["meetings"]] = np.where(of_unit, meetings, 0.0)
    demand[:, CLASS["transition"]] = np.where(
        o.alive, transition.transition_hours(s.week, o.merged_week, o.members, p), 0.0
    )
    demand[:, CLASS["self_governance"]] = np.where(
        of_unit, p["work.self_governance"] * capacity, 0.0
    )
    office = b.column("office")
    landed = b.sums(c.complaints) * p["complaints.to_community"] * p["work.complaint_hours"]
    risk = np.column_stack([b.sums(c.risk[:, k]) for k in range(3)])
    rates = np.array([p["work.visits_high"], p["work.visits_focus"], p["work.visits_general"]])
    planned = risk * rates / 52
    old = risk.sum(axis=1)
    # to the nearest point of the own unit, where one is open, else to the seat of the office
    haul = s.reach.nearest[:, s.lines.of_service("community")[0]]
    seat = b.column("seat")[b.unit_of]
    x, y = (s.world.settlements[a].to_numpy(np.float64) for a in ("x", "y"))
    haul = np.where(np.isfinite(haul), haul, np.hypot(x - x[seat], y - y[seat]))
    weight = c.risk.sum(axis=1)
    mean_haul = b.sums(haul * weight) / np.maximum(old, 1e-9)
    hours = work.visit_hours(planned.sum(axis=1), b.sums(c.area), mean_haul, p)
    has = office >= 0
    demand[office[has], CLASS["complaints"]] = landed[has]
    model.now.planned = np.zeros((len(o), 3))
    model.now.planned[office[has]] = planned[has]
    model.now.visit_hours = np.ones(len(o))
    model.now.visit_hours[office[has]] = hours[has]
    for k, cls in enumerate(work.VISIT_CLASSES):
        demand[office[has], cls] = planned[has, k] * hours[has]
    model.now.capacity = capacity
    model.asked_hours = demand, capacity, eff
    return model.asked_hours


def work_offices(model: CommunityModel) -> None:
    """6 Work in offices: the counter's hours join the rest; what is done, left, lost."""
    s, p, now = model.state, model.state.parameters, model.now
    f, o, lines = s.facilities, s.offices, s.lines.asked
    demand, capacity, eff = _demand_but_counter(model)
    counter = [i for i, x in enumerate(lines) if x.mode == "counter"]
    matters = now.matters[:, counter].sum(axis=1)
    points = _counter_points(s)
    per_matter = (p["counter.front"] + p["counter.back"]) / 60
    brought = np.bincount(
        f.operator[points], weights=matters[points] * per_matter, minlength=len(o)
    )
    other = _online_hours(model)
    # a kept point binds a worker for its opening hours, whether somebody comes or not; it takes
    # what the matters leave of the hours for the counter, and nobody owes the rest later
    kept = points[f.kept[points]]
    idle = f.hours[kept] * f.windows[kept] - matters[kept] * p["counter.front"] / 60
    presence = np.bincount(f.operator[kept], weights=np.maximum(0.0, idle), minlength=len(o))
    waiting = s.ledger.backlog()[:, CLASS["counter"]]
    other = other + np.clip(model.counter_hours - brought - other - waiting, 0.0, presence)
    demand[:, CLASS["counter"]] = brought + other
    most = np.full(demand.shape, np.inf)
    through = model.window_hours * 60 / p["counter.front"] * eff * per_matter
    most[:, CLASS["counter"]] = through + other
    backlog = s.ledger.backlog()
    done, extra = work.allocate(demand, backlog, capacity, model.order, most, p["work.overtime"])
    s.ledger.settle(demand, done, extra)


def _online_hours(model: CommunityModel) -> np.ndarray:
    """Staff hours of matters that came online, at the office whose counter they spared."""
    s, e = model.state, model.now.errands
    mine = np.flatnonzero(e.slot == choice.ONLINE)
    if not mine.size:
        return np.zeros(len(s.offices))
    settlement = s.world.households.settlement[e.household[mine]]
    line = np.searchsorted(e.first, mine, side="right") - 1
    slot = s.reach.slot[settlement, line, 0]
    operator = np.where(slot >= 0, s.facilities.operator[np.maximum(slot, 0)], -1)
    known = operator >= 0
    minutes = e.needs[mine][known] * s.parameters["online.minutes"]
    return np.bincount(operator[known], weights=minutes / 60, minlength=len(s.offices))


def change_staff(model: CommunityModel) -> None:
    """7 Workers: fatigue, certificates, who leaves and who starts next week; where a merger left
    staff to attrition, vacancies above the standard are not filled."""
    s, p, now = model.state, model.state.parameters, model.now
    w, o, offices = s.workers, s.offices, len(s.offices)
    staffed = now.capacity > 0
    posts = np.flatnonzero((w.office != ABOLISHED) & staffed[w.office])
    here = np.flatnonzero(w.at_work(s.week))
    load, overtime = (
        np.divide(hours, now.capacity, out=np.zeros(offices), where=staffed)
        for hours in (s.ledger.arrived.sum(axis=1), s.ledger.overtime)
    )
    w.load[posts] = workers.remembered(w.load[posts], load[w.office[posts]], s.week, p)
    w.fatigue[here] = workers.tired(w.fatigue[here], overtime[w.office[here]], p)
    key = w.key[here]
    passed = uniform(s.key, Process.TRAINING, s.week, key)
    w.certified[here] |= workers.happens(workers.certificates(p), passed)
    social = w.role[here] == SOCIAL_WORKER
    base = np.where(social, p["staff.exit_social_worker"], p["staff.exit"])
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


def _abolish_vacancies(model: CommunityModel) -> None:
    """Ends vacant posts above the standard where a merger left staff to attrition."""
    s, w, o = model.state, model.state.workers, model.state.offices
    shrinking = np.flatnonzero(o.alive & (o.staff_policy == ATTRITION))
    if not shrinking.size:
        return
    persons = s.boundaries.sums(model.constants.registered)
    vacant = w.vacant(s.week)
    for slot in shrinking.tolist():
        kind = "village" if o.kind[slot] == VILLAGE_OFFICE else "community"
        posts = w.posts_of(slot)
        over = posts.size - int(staff_standard(kind, persons[o.unit[slot]], s.parameters))
        w.office[posts[vacant[posts]][: max(0, over)]] = ABOLISHED


def learn(model: CommunityModel) -> None:
    """8 Learning, satisfaction, belonging."""
    s, now, c = model.state, model.now, model.constants
    r, e, p = s.residents, now.errands, s.parameters
    now.sums = np.zeros((GROUPS, len(s.lines.asked), 10))
    now.felt = np.zeros((len(s.world.settlements), 4))
    learning.settle(
        e.first, e.household, e.needs, e.new, e.slot, e.rank, e.minutes, now.met, now.wait,
        int(p["choice.tries"]), p["choice.learning"], s.world.households.settlement, c.group,
        model.slots, r.pending, r.tries, r.usual, r.expected, r.belief, now.sums, now.felt,
    )  # fmt: skip
    # a plain mean of the weeks so far until there are as many as residents remember
    step = 1 / min(s.week + 1, p["residents.memory"])
    met, tried = now.felt[:, 0], now.felt[:, 2]
    some = met > 0
    r.wait[some] += step * (now.felt[some, 1] / met[some] - r.wait[some])
    some = tried > 0
    r.unmet[some] += step * (now.felt[some, 3] / tried[some] - r.unmet[some])
    r.belonging = learning.drift(r.belonging, r.belonging_goal, p["residents.belonging_half_life"])
