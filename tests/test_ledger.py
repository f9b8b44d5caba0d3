"""Claims about the work ledger: every hour has an owner, the oldest is done first."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.processes.transition import efficiency
from sim.processes.work import USUAL, allocate
from sim.world.ledger import CLASS, CLASSES, QUEUED, Ledger

ASSIGNED, COUNTER, HIGH = CLASS["assigned"], CLASS["counter"], CLASS["visits_high"]
OFFICES = 3
flows = arrays(float, (OFFICES, len(CLASSES)), elements=st.floats(0, 100))
shares = arrays(float, (OFFICES, len(CLASSES)), elements=st.floats(0, 1))
NO_OVERTIME = np.zeros(OFFICES)


def week(ledger, demand, share):
    """One week in which a share of what can be done is done."""
    ledger.settle(demand, (demand + ledger.backlog()) * share, NO_OVERTIME)


def one(hours, cls=ASSIGNED):
    out = np.zeros((1, len(CLASSES)))
    out[0, cls] = hours
    return out


@settings(max_examples=40)
@given(st.lists(st.tuples(flows, shares), min_size=1, max_size=40), st.integers(1, 30))
def test_the_ledger_closes_every_week_whatever_is_asked_and_done(weeks, limit):
    ledger = Ledger.empty(OFFICES, limit)
    arrived = done = lost = 0.0
    for demand, share in weeks:
        week(ledger, demand, share)
        assert ledger.imbalance() < 1e-9
        assert (ledger.age >= 0).all() and (ledger.lost >= 0).all()
        arrived, done, lost = arrived + demand, done + ledger.done, lost + ledger.lost
    assert arrived == pytest.approx(done + lost + ledger.backlog(), abs=1e-6)


def test_the_oldest_is_done_first():
    ledger = Ledger.empty(1, 26)
    for hours in (10, 20, 30):
        ledger.settle(one(hours), one(0), np.zeros(1))
    ledger.settle(one(40), one(15), np.zeros(1))  # the 10 and 5 of the 20
    assert ledger.age[0, QUEUED.index(ASSIGNED), :4].tolist() == [40, 30, 15, 0]
    ledger.settle(one(0), one(15 + 30 + 1), np.zeros(1))
    assert ledger.age[0, QUEUED.index(ASSIGNED), :4].tolist() == [0, 39, 0, 0]


@pytest.mark.parametrize("cls", QUEUED)
def test_queued_work_is_withdrawn_after_26_weeks(cls):
    ledger = Ledger.empty(1, 26)
    ledger.settle(one(10, cls), one(0, cls), np.zeros(1))
    for _ in range(25):
        ledger.settle(one(0), one(0), np.zeros(1))
        assert ledger.withdrawn()[0] == 0 and ledger.backlog()[0, cls] == 10
    ledger.settle(one(0), one(0), np.zeros(1))
    assert ledger.withdrawn()[0] == 10 and ledger.backlog().sum() == 0
    assert ledger.imbalance() == 0


def test_what_is_done_in_its_last_week_is_not_withdrawn():
    ledger = Ledger.empty(1, 26)
    ledger.settle(one(10), one(0), np.zeros(1))
    for _ in range(25):
        ledger.settle(one(0), one(0), np.zeros(1))
    ledger.settle(one(5), one(10), np.zeros(1))
    assert ledger.withdrawn()[0] == 0 and ledger.backlog()[0, ASSIGNED] == 5


def test_visits_not_made_in_their_week_are_lost_not_queued():
    ledger = Ledger.empty(1, 26)
    ledger.settle(one(10, HIGH), one(4, HIGH), np.zeros(1))
    assert ledger.lost[0, HIGH] == 6 and ledger.backlog().sum() == 0
    assert ledger.withdrawn()[0] == 0


@given(flows, st.floats(0, 1), st.floats(0, 1))
def test_a_move_conserves_hours_and_their_age(demand, first, second):
    ledger = Ledger.empty(OFFICES, 26)
    week(ledger, demand, np.zeros_like(demand))
    week(ledger, demand, np.full_like(demand, 0.3))
    before = ledger.age.sum(axis=0)
    ledger.move(0, 1, first)
    ledger.move(1, 2, second)
    assert ledger.age.sum(axis=0) == pytest.approx(before)
    week(ledger, demand, np.full_like(demand, 0.5))
    assert ledger.imbalance() < 1e-9


def test_room_for_new_offices_changes_nothing():
    ledger = Ledger.empty(2, 26)
    ledger.settle(*(np.ones((2, len(CLASSES))), np.zeros((2, len(CLASSES))), np.zeros(2)))
    before = ledger.backlog().sum()
    ledger.grow(5)
    assert ledger.backlog().sum() == before and len(ledger.overtime) == 5
    assert ledger.imbalance() == 0


def test_hours_worked_that_nobody_asked_for_do_not_close():
    ledger = Ledger.empty(1, 26)
    ledger.settle(one(10), one(11), np.zeros(1))
    assert ledger.imbalance() == pytest.approx(1)


def test_hours_that_vanish_between_two_weeks_do_not_close():
    ledger = Ledger.empty(1, 26)
    ledger.settle(one(10), one(0), np.zeros(1))
    ledger.age[0, 0, 0] -= 3
    ledger.settle(one(0), one(0), np.zeros(1))
    assert ledger.imbalance() == pytest.approx(3)


def backlog_by_step(capacity, steps):
    """Backlog after each step of one office asked 90 hours a step of one queued class."""
    ledger = Ledger.empty(1, 2000)
    out = []
    for step in range(steps):
        demand = one(90.0)
        done, extra = allocate(
            demand, ledger.backlog(), np.array([capacity(step)]), USUAL,
            np.full_like(demand, np.inf), 0.0,
        )  # fmt: skip
        ledger.settle(demand, done, extra)
        out.append(ledger.backlog()[0, ASSIGNED])
    return np.array(out)


def test_the_fluid_backlog_of_a_capacity_that_dips():
    # 90 a day against 100 that dips 30 % for 60 days
    backlog = backlog_by_step(lambda day: 70.0 if day < 60 else 100.0, 200)
    assert backlog.max() == pytest.approx(1200) and backlog.argmax() + 1 == 60
    assert backlog[178] > 0 and backlog[179:] == pytest.approx(0)  # gone after 120 more days


def test_the_fluid_backlog_of_an_efficiency_that_recovers():
    # against 100 (1 - 0.3 exp(-t / 90)): peak 811.25 at day 98.88, cleared at day 253.9
    def capacity(day):
        return 100 * efficiency(day + 0.5, np.zeros(1), np.array([0.3]), 90.0)[0]

    backlog = backlog_by_step(capacity, 260)
    assert backlog.max() == pytest.approx(811.25, abs=0.1)
    assert backlog.argmax() + 1 == pytest.approx(98.88, abs=1)
    assert np.flatnonzero(backlog > 1e-9).max() + 1 == pytest.approx(253.9, abs=1)
