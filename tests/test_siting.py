"""Claims about the siting of stations: a greedy cover by radius and population."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.processes.siting import cover

SHAPE = (5, 8)
maps = arrays(bool, SHAPE)
crowds = arrays(float, SHAPE[1], elements=st.integers(0, 900))
least = st.floats(1, 1500)


def reached(near: np.ndarray, persons: np.ndarray, sites) -> float:
    return float(persons[near[list(sites)].any(axis=0)].sum())


@given(maps, crowds, least)
def test_each_station_reaches_the_least_and_one_more_would_not(near, persons, least):
    chosen = cover(near, persons, least)
    steps = [reached(near, persons, chosen[:i]) for i in range(len(chosen) + 1)]
    gains = np.diff(steps)
    assert (gains >= least).all()
    assert (np.diff(gains) <= 0).all(), "those that bring most come first"
    for site in range(len(near)):
        assert reached(near, persons, [*chosen, site]) - steps[-1] < least


@given(maps, crowds, least)
def test_greedy_reaches_nearly_what_the_best_choice_of_as_many_does(near, persons, least):
    chosen = cover(near, persons, least)
    best = max(reached(near, persons, c) for c in combinations(range(len(near)), len(chosen)))
    assert reached(near, persons, chosen) >= (1 - 1 / np.e) * best - 1e-9


@given(maps, crowds, least, st.floats(1, 3))
def test_a_lower_bar_only_adds_stations(near, persons, least, lower):
    many, few = cover(near, persons, least / lower), cover(near, persons, least)
    assert many[: len(few)] == few


@given(maps, crowds)
def test_nobody_far_away_means_no_station(near, persons):
    assert cover(near, np.zeros_like(persons), 1.0) == []
    assert cover(near[:0], persons, 1.0) == []


def test_towns_on_a_line_get_stations_in_the_order_of_their_size():
    at = np.array([0.0, 1, 2, 10, 11, 30])
    persons = np.array([100.0, 300, 100, 400, 400, 90])
    near = np.abs(at[:, None] - at) <= 1
    assert cover(near, persons, 100) == [3, 1]
    assert cover(near, persons, 90) == [3, 1, 5]
    assert cover(near, persons, 600) == [3]


@pytest.mark.parametrize("twins", [(0, 1), (1, 0)])
def test_of_equal_sites_the_first_is_taken(twins):
    near = np.ones((2, 3), bool)[list(twins)]
    assert cover(near, np.ones(3), 1) == [0]
