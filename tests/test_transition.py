"""Claims about the transition after a merger: lost efficiency, one-off hours, the list."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.processes.transition import (
    assigned_hours,
    efficiency,
    joint_week,
    loss_at_first,
    members_left,
    transition_hours,
)
from sim.world.offices import NOT_MERGED

P = Parameters.load()
NEVER = np.array([NOT_MERGED])
sizes = st.lists(st.floats(1, 6000), min_size=2, max_size=12).map(np.array)


@pytest.mark.parametrize(
    ("sizes", "loss"),
    [
        ([500], 0.0),
        ([500, 500], 0.15),
        ([900, 100], 0.15 * (1 - 0.5 * 0.8)),  # s = (0.9 - 0.5) / 0.5
        ([100, 100, 100], 0.15 * 1.25),
        ([600, 200, 200], 0.15 * 1.25 * (1 - 0.5 * 0.4)),  # s = (0.6 - 1/3) / (2/3)
        ([100] * 10, 0.35),
    ],
)
def test_the_loss_follows_the_formula(sizes, loss):
    assert loss_at_first(np.array(sizes, float), P) == pytest.approx(loss)


@given(sizes)
def test_equal_units_lose_most_and_no_merger_more_than_the_cap(sizes):
    loss = loss_at_first(sizes, P)
    assert 0 < loss <= loss_at_first(np.full(sizes.size, sizes.mean()), P) + 1e-12
    assert loss <= P["merger.disruption_most"]


@given(sizes, st.floats(0.01, 100), st.randoms())
def test_the_loss_depends_on_shares_only(sizes, scale, random):
    mixed = sizes.tolist()
    random.shuffle(mixed)
    assert loss_at_first(np.array(mixed) * scale, P) == pytest.approx(loss_at_first(sizes, P))


def test_efficiency_starts_at_the_loss_and_recovers():
    weeks = np.arange(0, 300)
    e = np.array([efficiency(w, np.array([10]), np.array([0.15]), 39.0)[0] for w in weeks])
    assert e[10] == pytest.approx(0.85)
    assert e[10 + 39] == pytest.approx(1 - 0.15 / np.e)
    assert (np.diff(e[10:]) > 0).all() and e[-1] > 0.999
    assert e[10 + 104] > 0.98  # within 24 months (T5)


def test_an_office_that_never_merged_has_lost_nothing():
    assert efficiency(0, NEVER, np.zeros(1), 39.0)[0] == 1
    assert transition_hours(0, NEVER, np.ones(1), P)[0] == 0
    assert assigned_hours(0, np.array([6440.0]), np.zeros(1), NEVER, P)[0] == 6440


def test_one_off_hours_add_up_to_250_for_each_unit():
    merged, members = np.array([10, 10, NOT_MERGED]), np.array([3, 0, 1])
    total = sum(transition_hours(w, merged, members, P) for w in range(200))
    assert total == pytest.approx([750, 0, 0])
    assert transition_hours(9, merged, members, P)[0] == 0
    assert transition_hours(10 + 52, merged, members, P)[0] == 0


def test_a_quarter_of_the_absorbed_list_is_saved_in_the_end():
    own, left, merged = np.array([6440.0]), np.array([3220.0]), np.array([0])

    def at(week):
        return assigned_hours(week, own, left, merged, P)[0]

    assert at(0) == 6440 + 3220
    assert at(39) == pytest.approx(6440 + 3220 * (1 - 0.25 * (1 - 1 / np.e)))
    assert at(10_000) == pytest.approx(6440 + 0.75 * 3220)
    assert all(at(w + 1) < at(w) for w in range(200))


@given(st.floats(0, 1e4), st.floats(0, 2e4), st.integers(0, 520))
def test_a_merger_never_adds_to_the_lists(own, left, week):
    hours = assigned_hours(week, np.array([own]), np.array([left]), np.array([0]), P)[0]
    assert own <= hours <= own + left + 1e-9


# --- a unit that merges again ---------------------------------------------------------------

earlier = st.lists(st.tuples(st.floats(0.1, 9e3), st.integers(0, 60)), min_size=1, max_size=5)


@given(earlier, st.integers(0, 300))
def test_lists_joined_later_are_shed_as_if_each_went_on_alone(lists, later):
    left, since = np.array([x for x, _ in lists]), np.array([float(w) for _, w in lists])
    joint = joint_week(60, left, since, P)
    week, own = 60 + later, np.zeros(1)
    each = assigned_hours(week, np.zeros(left.size), left, since, P).sum()
    together = assigned_hours(week, own, left.sum(keepdims=True), np.array([joint]), P)[0]
    assert together == pytest.approx(each)
    assert since.min() - 1e-9 <= joint <= since.max() + 1e-9


def test_without_a_list_there_is_no_week_to_count_from():
    assert joint_week(60, np.zeros(2), np.array([3.0, float(NOT_MERGED)]), P) is None
    never = np.array([7.0, float(NOT_MERGED)])
    assert joint_week(60, np.array([5.0, 0.0]), never, P) == pytest.approx(7)


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 80))
def test_what_was_not_joined_yet_is_joined_in_the_year_after_the_next_merger(first, then, weeks):
    def hours(week, merged, members):
        return transition_hours(week, np.array([merged]), np.array([float(members)]), P)[0]

    rest = members_left(weeks, np.array([0]), np.array([float(first)]), P)[0]
    done = sum(hours(w, 0, first) for w in range(weeks))
    done += sum(hours(w, weeks, then + rest) for w in range(weeks, weeks + 60))
    assert done == pytest.approx((first + then) * P["merger.transition_hours"])
