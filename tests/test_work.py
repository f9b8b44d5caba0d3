"""Claims about the work of an office: the hand-calculated community, the order, the hours."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.case.parameters import Parameters
from sim.processes.burden import items_left, share_of_hours
from sim.processes.work import (
    OVERTIME_CLASSES,
    USUAL,
    VISIT_CLASSES,
    allocate,
    capacity_hours,
    hours_for_counter,
    visit_hours,
)
from sim.world.ledger import CLASS, CLASSES
from sim.world.supply import (
    default_capacity,
    floor_share,
    staff_standard,
    windows_of,
    yearly_list,
)

P = Parameters.load()
PERSONS, OLD = 4532, 0.247
INF = np.full((1, len(CLASSES)), np.inf)


def community(workers, per_person=0.41, cut=False):
    """A year of the community of model text 8: demand by class, capacity and hours done.

    Self-governance is left out and a visit takes 5 minutes of travel, as there; nor does it have
    group leaders or volunteers (`groups.relief` and `volunteers.active` are 0), who take visits
    over before they reach the office.
    """
    listed = yearly_list(P)
    if cut:  # as in Huaiyin, and half of it has come back after a year
        left = items_left(np.array([52]), np.array([[0.32, 0.15, 0.50, 0.20]]), P)
        listed *= share_of_hours(left, P)[0]
    demand = np.zeros((1, len(CLASSES)))
    demand[0, CLASS["assigned"]] = listed
    demand[0, CLASS["meetings"]] = workers * P["work.meeting_hours"] * P["work.meeting_weeks"]
    demand[0, CLASS["counter"]] = PERSONS * per_person * (P["counter.front"] + P["counter.back"])
    demand[0, CLASS["counter"]] /= 60
    rest = 1 - P["persons.risk_high"] - P["persons.risk_focus"]
    for cls, share, visits in (
        ("visits_high", P["persons.risk_high"], P["work.visits_high"]),
        ("visits_focus", P["persons.risk_focus"], P["work.visits_focus"]),
        ("visits_general", rest, P["work.visits_general"]),
    ):
        demand[0, CLASS[cls]] = PERSONS * OLD * share * visits * 35 / 60
    capacity = 52 * capacity_hours(np.array([workers]), np.ones(1), P)
    done, _ = allocate(demand, np.zeros_like(demand), capacity, USUAL, INF, P["work.overtime"])
    return demand[0], float(capacity[0]), done[0]


def share_of(hours, *classes):
    return sum(hours[CLASS[c]] for c in classes) / hours.sum()


def test_the_hand_calculated_hours_of_a_community():
    demand, _, _ = community(1)
    assert demand[CLASS["counter"]] == pytest.approx(774, abs=0.5)
    assert demand[CLASS["assigned"]] == pytest.approx(6440)
    assert demand[CLASS["meetings"]] == pytest.approx(144)
    assert demand[list(VISIT_CLASSES)].sum() == pytest.approx(4075, abs=1)


@pytest.mark.parametrize(
    ("workers", "per_person", "cut", "load", "visits"),
    [
        (8, 0.41, False, 0.930, 1.0),
        (6.78, 0.41, False, 1.082, 0.77),
        (8, 0.41, True, 0.775, 1.0),
        (6.78, 0.41, True, 0.899, 1.0),
        (8, 0.41 * 1.35, False, 0.950, 1.0),
        (6.78, 0.41 * 1.35, False, 1.106, 0.71),
    ],
)
def test_the_hand_calculated_loads_of_a_community(workers, per_person, cut, load, visits):
    demand, capacity, done = community(workers, per_person, cut)
    assert demand.sum() / capacity == pytest.approx(load, abs=5e-4)
    made = done[list(VISIT_CLASSES)].sum() / demand[list(VISIT_CLASSES)].sum()
    assert made == pytest.approx(visits, abs=5e-3)


def test_two_thirds_of_the_work_of_that_community_is_administration():
    demand, _, _ = community(8)
    assert share_of(demand, "assigned", "meetings", "counter") == pytest.approx(0.672, abs=1e-3)
    assert share_of(demand, "assigned", "meetings") == pytest.approx(0.610, abs=1e-3)


def test_freed_hours_go_into_visits_before_anything_else():
    # T10: at 1.082 the office drops visits only; of the hours a cut frees these come back first
    before, after = community(6.78), community(6.78, cut=True)
    gained = (after[2] - before[2])[list(VISIT_CLASSES)].sum()
    freed = before[0][CLASS["assigned"]] - after[0][CLASS["assigned"]]
    assert gained == pytest.approx(min(freed, before[0].sum() - before[1]), rel=1e-6)


hours = st.floats(0, 200)
tables = arrays(float, (3, len(CLASSES)), elements=hours)


@given(tables, tables, arrays(float, 3, elements=hours), tables, st.floats(0, 0.5))
def test_an_office_never_works_more_than_it_can_or_was_asked(demand, waiting, can, most, overtime):
    done, extra = allocate(demand, waiting, can, USUAL, most, overtime)
    assert (done >= 0).all() and (extra >= 0).all()
    assert (done <= np.minimum(demand + waiting, most) + 1e-9).all()
    assert (extra <= overtime * can + 1e-9).all()
    assert done.sum(axis=1) == pytest.approx(np.minimum(done.sum(axis=1), can + extra))
    assert (done.sum(axis=1) <= can + extra + 1e-9).all()


@given(tables, arrays(float, 3, elements=hours), st.floats(0, 0.5))
def test_no_class_gets_a_regular_hour_before_all_above_it_are_done(demand, can, overtime):
    nothing = np.zeros_like(demand)
    most = np.full_like(demand, np.inf)
    done, _ = allocate(demand, nothing, can, USUAL, most, 0.0)
    for office in range(3):
        short = np.flatnonzero(done[office] < demand[office] - 1e-9)
        if short.size:
            assert done[office, short[0] + 1 :].sum() == pytest.approx(0, abs=1e-9)
    late, extra = allocate(demand, nothing, can, USUAL, most, overtime)
    more = late - done
    others = [c for c in range(len(CLASSES)) if c not in OVERTIME_CLASSES]
    assert more[:, others] == pytest.approx(0, abs=1e-9)
    assert more.sum(axis=1) == pytest.approx(extra)


@given(tables, arrays(float, 3, elements=hours), arrays(float, 3, elements=hours))
def test_more_capacity_never_leaves_more_undone(demand, can, further):
    nothing, most = np.zeros_like(demand), np.full_like(demand, np.inf)
    few, _ = allocate(demand, nothing, can, USUAL, most, 0.15)
    many, _ = allocate(demand, nothing, can + further, USUAL, most, 0.15)
    assert (many >= few - 1e-9).all()


@given(tables, arrays(float, 3, elements=hours), st.floats(0, 0.5))
def test_the_hours_foretold_for_the_counter_are_those_it_can_get(demand, can, overtime):
    demand[:, CLASS["counter"]] = 1e6  # more than any hours
    left = hours_for_counter(demand, can, USUAL, overtime)
    most = np.full_like(demand, np.inf)
    done, _ = allocate(demand, np.zeros_like(demand), can, USUAL, most, overtime)
    assert done[:, CLASS["counter"]] == pytest.approx(left, abs=1e-6)


def test_a_visit_takes_its_time_at_the_door_and_the_way_between_doors():
    visits, area, haul = np.array([100.0]), np.array([1e6]), np.array([600.0])
    minutes = 60 * visit_hours(visits, area, haul, P)[0]
    # 71.24 m between doors, 150 m a visit from the office and back, at 60 m a minute
    assert minutes == pytest.approx(30 + (71.24 + 150) / 60)
    assert 60 * visit_hours(np.zeros(1), area, haul, P)[0] == pytest.approx(30)


@given(st.floats(1, 500), st.floats(1.0, 4.0))
def test_denser_visits_take_less_time_each(visits, factor):
    area, haul = np.array([2e6]), np.array([500.0])
    one, more = (visit_hours(np.array([v]), area, haul, P)[0] for v in (visits, visits * factor))
    assert more <= one


@pytest.mark.parametrize(
    ("kind", "persons", "staff"),
    [
        ("village", 2240, 4), ("village", 100, 3), ("village", 50_000, 9),
        ("community", 3290, 7), ("community", 4532, 8), ("community", 100, 5),
        ("community", 50_000, 12),
    ],
)  # fmt: skip
def test_staff_follows_the_standard(kind, persons, staff):
    assert staff_standard(kind, persons, P) == staff


@pytest.mark.parametrize(
    ("kind", "persons", "windows"),
    [
        ("village", 9000, 1), ("community", 100, 2), ("street", 1000, 2), ("town", 30_000, 2),
        ("township", 30_001, 3), ("town", 90_000, 6),
    ],
)  # fmt: skip
def test_windows_follow_kind_and_persons(kind, persons, windows):
    assert windows_of(kind, persons, P) == windows


@pytest.mark.parametrize(
    ("service", "floor", "persons", "capacity"),
    [
        ("health", 0, 2500, 200), ("health", 0, 100, 40), ("culture", 100, 0, 33 * 14),
        ("elder_meals", 5, 0, 200), ("elder_care", 399, 0, 19), ("nursery", 200, 0, 20),
        ("shop", 1, 1, np.inf),
    ],
)  # fmt: skip
def test_capacity_follows_staff_or_floor(service, floor, persons, capacity):
    assert default_capacity(service, floor, persons, P) == capacity


def test_a_house_of_several_services_shares_its_floor():
    assert floor_share(["government", "community"], 200) == 200
    assert floor_share(["culture", "elder_care", "government"], 200) == 100
