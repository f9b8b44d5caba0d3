"""Claims about what residents learn and what becomes of their needs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.processes.choice import NO_REACH, ONLINE, PUT_OFF
from sim.processes.learning import (
    BY_NET,
    COLUMNS,
    MET,
    MINUTES,
    NEW,
    NOWHERE,
    PUT_OFF_NEEDS,
    REFUSED,
    TRIES,
    UNMET,
    WAIT,
    settle,
)

STEP, MOST = 0.25, 4
HOUSEHOLDS, PLACES, K = 5, 2, 3
SLOTS = np.array([[[4, 2, 7]], [[2, 9, -1]]], np.int32)  # of two settlements, one line
HOME = np.array([0, 0, 0, 1, 1], np.int32)


class Town:
    """Five households in two settlements with one line, and what they carry."""

    def __init__(self):
        self.pending = np.zeros((HOUSEHOLDS, 1), np.uint8)
        self.tries = np.zeros((HOUSEHOLDS, 1), np.uint8)
        self.usual = np.full((HOUSEHOLDS, 1), -1, np.int32)
        self.expected = np.zeros((HOUSEHOLDS, 1), np.float32)
        self.belief = np.zeros((PLACES, 1, K), np.float32)
        self.minded = True

    def week(self, *errands):
        """errands: (household, new needs, rank or PUT_OFF ..., met, wait); sums by household."""
        h, new, rank, met, wait = (list(c) for c in zip(*errands, strict=True))
        needs = [n + int(self.pending[i, 0]) for i, n in zip(h, new, strict=True)]
        slot = [SLOTS[HOME[i], 0, k] if k >= 0 else k for i, k in zip(h, rank, strict=True)]
        sums = np.zeros((HOUSEHOLDS, 1, COLUMNS))
        felt = np.zeros((PLACES, 4))
        settle(
            np.array([0, len(h)]), np.array(h, np.int32), np.array(needs, np.int32),
            np.array(new, np.int32), np.array(slot, np.int32),
            np.array([max(k, -1) for k in rank], np.int32), np.full(len(h), 10.0),
            np.array(met), np.array(wait, float), MOST, STEP, HOME, np.arange(HOUSEHOLDS),
            SLOTS, np.array([self.minded]), self.pending, self.tries, self.usual, self.expected,
            self.belief, sums, felt,
        )  # fmt: skip
        return sums[:, 0], felt


def test_a_need_that_is_met_is_booked_with_its_trip_and_wait():
    town = Town()
    sums, felt = town.week((1, 3, 1, True, 8.0))
    row = sums[1]
    assert row[[NEW, TRIES, MET]].tolist() == [3, 3, 3]
    assert row[[MINUTES, WAIT]].tolist() == [30, 24]
    assert row[[PUT_OFF_NEEDS, REFUSED, NOWHERE, UNMET, BY_NET]].sum() == 0
    assert felt.tolist() == [[3, 24, 3, 0], [0, 0, 0, 0]]
    assert town.pending.sum() == 0 and town.usual[1, 0] == 2


@pytest.mark.parametrize(
    ("rank", "column"), [(PUT_OFF, PUT_OFF_NEEDS), (NO_REACH, NOWHERE), (0, REFUSED)]
)
def test_a_need_is_given_up_after_four_tries_and_not_before(rank, column):
    town = Town()
    for attempt in range(1, 4):
        sums, _ = town.week((0, 2 if attempt == 1 else 0, rank, False, 0.0))
        assert sums[0, column] == 2 and sums[0, UNMET] == 0
        assert town.pending[0, 0] == 2 and town.tries[0, 0] == attempt
    sums, felt = town.week((0, 0, rank, False, 0.0))
    assert sums[0, [column, UNMET]].tolist() == [2, 2] and felt[0, 3] == 2
    assert town.pending[0, 0] == 0 and town.tries[0, 0] == 0


def test_needs_put_off_are_met_together_with_the_new_ones():
    town = Town()
    town.week((0, 2, PUT_OFF, False, 0.0))
    sums, _ = town.week((0, 1, 0, True, 5.0))
    assert sums[0, [NEW, MET, WAIT]].tolist() == [1, 3, 15]
    assert town.pending[0, 0] == 0 and town.tries[0, 0] == 0


def test_lines_that_are_not_minded_are_booked_but_not_felt():
    errands = ((0, 1, 0, True, 8.0), (1, 2, NO_REACH, False, 0.0), (3, 1, 0, False, 3.0))
    minded, ignored = Town(), Town()
    ignored.minded = False
    for _ in range(MOST):
        (sums, felt), (same, nothing) = minded.week(*errands), ignored.week(*errands)
        assert (sums == same).all() and not nothing.any()
    assert (minded.expected == ignored.expected).all()
    assert felt[:, 2].all() and felt[:, 3].all()


def test_a_matter_done_online_is_met_without_a_trip():
    town = Town()
    sums, felt = town.week((0, 2, ONLINE, True, 0.0))
    assert sums[0, [NEW, BY_NET, TRIES]].tolist() == [2, 2, 2]
    assert sums[0, [MET, MINUTES, WAIT]].sum() == 0 and felt[0].tolist() == [0, 0, 2, 0]
    assert town.usual[0, 0] == -1


def test_the_expected_wait_moves_a_quarter_of_the_way_to_what_was_met():
    town = Town()
    seen = []
    for _ in range(3):
        town.week((0, 1, 0, True, 40.0))
        seen.append(float(town.expected[0, 0]))
    assert seen == pytest.approx([10, 17.5, 23.125])
    # another facility: from what the settlement thinks of it
    town.belief[0, 0, 1] = 20.0
    town.week((0, 1, 1, True, 60.0))
    assert town.usual[0, 0] == 2 and town.expected[0, 0] == pytest.approx(30)


def test_a_settlement_hears_the_mean_of_its_households_by_needs():
    town = Town()
    town.week((0, 1, 0, True, 40.0), (1, 3, 0, True, 0.0), (3, 1, 0, False, 60.0))
    assert town.belief[:, 0].tolist() == [[2.5, 0, 0], [15, 0, 0]]
    town.week((2, 1, 2, True, 8.0))  # of a facility nobody went to nothing is heard
    assert town.belief[0, 0].tolist() == [2.5, 0, 2]


RANKS = st.sampled_from([0, 1, PUT_OFF, NO_REACH, ONLINE])


ERRANDS = st.lists(st.tuples(st.integers(0, 3), RANKS, st.booleans()), min_size=5, max_size=5)


@settings(max_examples=60)
@given(st.lists(ERRANDS, min_size=1, max_size=12))
def test_every_need_is_met_given_up_or_pending(weeks):
    town = Town()
    new = ended = 0.0
    for week in weeks:
        errands = [
            (h, n, rank, rank == ONLINE or (rank >= 0 and served), 3.0)
            for h, (n, rank, served) in enumerate(week)
            if n + town.pending[h, 0] > 0
        ]
        if not errands:
            continue
        sums, felt = town.week(*errands)
        new += sums[:, NEW].sum()
        ended += sums[:, [MET, UNMET, BY_NET]].sum()
        assert new == ended + town.pending.sum()
        outcome = [MET, BY_NET, PUT_OFF_NEEDS, REFUSED, NOWHERE]
        assert sums[:, TRIES] == pytest.approx(sums[:, outcome].sum(axis=1))
        assert felt[:, 2].sum() == sums[:, TRIES].sum()
        assert (town.tries < MOST).all() and ((town.tries > 0) == (town.pending > 0)).all()
