"""Claims about cuts of assigned work: what is left, and what comes back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.case.parameters import Parameters
from sim.processes.burden import items_left, share_of_hours
from sim.world.supply import ITEMS, hours_of_items, yearly_list

P = Parameters.load()
HUAIYIN = np.array([[P[f"burden.{item}s"] for item in ITEMS]])
shares = arrays(float, (3, len(ITEMS)), elements=st.floats(0, 1))
weeks = st.integers(0, 500).map(lambda w: np.full(3, w))


def left(week, remaining=HUAIYIN, p=P):
    return float(share_of_hours(items_left(np.array([week]), remaining, p), p)[0])


def test_the_full_list_is_6440_hours():
    assert hours_of_items(P) == pytest.approx([69 * 24, 42 * 40, 40 * 75, 26 * 4])
    assert yearly_list(P) == 6440


def test_the_cut_of_huaiyin_leaves_a_third_at_first_and_two_thirds_in_the_end():
    # 0.32 x 1,656 + 0.15 x 1,680 + 0.50 x 3,000 + 0.20 x 104 = 2,302.72 of 6,440 hours
    assert left(0) * 6440 == pytest.approx(2302.72)
    assert left(52) * 6440 == pytest.approx((2302.72 + 6440) / 2)
    assert left(26) * 6440 == pytest.approx(2302.72 + 0.25 * (6440 - 2302.72))
    assert left(520) == left(52)


@given(shares, weeks)
def test_never_more_comes_back_than_was_cut(remaining, week):
    now = items_left(week, remaining, P)
    assert (now >= remaining - 1e-12).all() and (now <= 1 + 1e-12).all()
    assert (items_left(week + 1, remaining, P) >= now - 1e-12).all()


@given(weeks)
def test_without_a_cut_all_of_the_list_arrives_whenever(week):
    assert share_of_hours(items_left(week, np.ones((3, len(ITEMS))), P), P) == pytest.approx(1)


def test_without_rebound_a_cut_lasts_and_with_all_of_it_nothing_is_left_of_it():
    assert left(300, p=P.override({"burden.rebound": 0})) == pytest.approx(left(0))
    assert left(300, p=P.override({"burden.rebound": 1})) == pytest.approx(1)
    slow = P.override({"burden.rebound_months": 24})
    assert left(52, p=slow) == pytest.approx(left(26))
