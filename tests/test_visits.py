"""Claims about who is served where more come than there is room for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.processes.visits import served

visitors = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), min_size=1, max_size=60)
capacities = st.lists(st.integers(0, 60), min_size=4, max_size=4).map(lambda c: np.array(c, float))


def serve(who, capacity, week=0, line=2, agents=None):
    slot, needs = (np.array(a, np.int64) for a in zip(*who, strict=True))
    agents = np.arange(slot.size, dtype=np.uint64) if agents is None else agents
    return served(5, week, line, agents, slot, needs, capacity), slot, needs


@given(visitors, capacities)
def test_capacity_is_never_exceeded_nor_left_while_the_next_would_fit(who, capacity):
    ok, slot, needs = serve(who, capacity)
    used = np.bincount(slot[ok], needs[ok], 4)
    assert (used <= capacity).all()
    left = capacity - used
    for j in range(4):
        refused = needs[(slot == j) & ~ok]
        assert refused.size == 0 or left[j] < 6  # at most one household of 6 did not fit


@given(visitors, capacities)
def test_where_there_is_room_for_all_all_are_served(who, capacity):
    ok, slot, needs = serve(who, capacity)
    enough = np.bincount(slot, needs, 4) <= capacity
    assert ok[enough[slot]].all()


@given(visitors, capacities, st.randoms())
def test_the_order_of_rows_changes_nothing(who, capacity, random):
    ok, *_ = serve(who, capacity)
    order = list(range(len(who)))
    random.shuffle(order)
    mixed, *_ = serve([who[i] for i in order], capacity, agents=np.array(order, np.uint64))
    assert (mixed == ok[order]).all()


@given(visitors, capacities, st.integers(0, 3), st.integers(1, 20))
def test_more_room_never_turns_away_who_was_served(who, capacity, where, more):
    before, *_ = serve(who, capacity)
    capacity = capacity.copy()
    capacity[where] += more
    after, *_ = serve(who, capacity)
    assert (after >= before).all()


def test_the_draw_is_fair_and_new_each_week_and_line():
    who = [(0, 1)] * 40
    capacity = np.array([10.0])
    count = sum(serve(who, capacity, week)[0].astype(int) for week in range(800))
    assert count.sum() == 8000
    assert count == pytest.approx(np.full(40, 200), abs=4 * np.sqrt(800 * 0.25 * 0.75))
    assert (serve(who, capacity, 0, 2)[0] != serve(who, capacity, 0, 3)[0]).any()


def test_a_room_without_limit_serves_everyone_and_one_without_room_nobody():
    who = [(0, 3)] * 5 + [(1, 1)] * 5
    ok, *_ = serve(who, np.array([np.inf, 0.0]))
    assert ok.tolist() == [True] * 5 + [False] * 5
    nobody = np.empty(0, np.int64)
    assert served(5, 0, 0, nobody.astype(np.uint64), nobody, nobody, np.array([1.0])).size == 0
