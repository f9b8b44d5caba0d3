"""Intervals cover what they say, Holm and the variance reduction are those of the textbooks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from sim.experiment.intervals import (
    bootstrap_interval,
    holm,
    paired_interval,
    paired_p_value,
    variance_reduction,
)

ROWS = arrays(float, (3, 6), elements=st.floats(-1e6, 1e6))


def coverage(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    return float(((low <= truth) & (truth <= high)).mean())


def test_the_t_interval_of_normal_differences_covers_95_percent():
    rows = np.random.default_rng(1).normal(0.3, 2, (4000, 8))
    _, low, high = paired_interval(rows)
    # three standard errors of a share of 4,000
    assert abs(coverage(low, high, 0.3) - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 4000)


SKEWED = {"normal": 0.3, "exponential": 1.0, "lognormal": math.exp(0.125)}
COVERED = {  # of 4,000 studies: by t and by bootstrap, with ten replicates and with forty
    "normal": ((0.946, 0.899), (0.955, 0.942)),
    "exponential": ((0.901, 0.881), (0.936, 0.926)),
    "lognormal": ((0.919, 0.874), (0.938, 0.931)),
}


@pytest.mark.parametrize(("place", "replicates"), [(0, 10), (1, 40)])
@pytest.mark.parametrize("kind", COVERED)
def test_intervals_cover_what_their_descriptions_say(kind, place, replicates):
    rng = np.random.default_rng(12)
    draw = {
        "normal": lambda size: rng.normal(0.3, 2, size),
        "exponential": lambda size: rng.exponential(1, size),
        "lognormal": lambda size: rng.lognormal(0, 0.5, size),
    }[kind]
    rows = draw((400, replicates))
    _, low, high = paired_interval(rows)
    found = coverage(low, high, SKEWED[kind]), coverage(*bootstrap_interval(rows), SKEWED[kind])
    for share, known in zip(found, COVERED[kind][place], strict=True):
        assert abs(share - known) < 3 * math.sqrt(known * (1 - known) / 400)


def test_the_paired_t_test_is_that_of_students_sleep_data():
    """Student 1908 (Cushny & Peebles): hours of sleep gained by two drugs; R's `t.test` gives
    t = -4.0621, p = 0.002833 and the interval -2.4598858 to -0.7001142."""
    one = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    two = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    rows = (one - two)[None]
    mean, low, high = paired_interval(rows)
    assert mean[0] == pytest.approx(-1.58)
    assert low[0] == pytest.approx(-2.4598858, abs=5e-8)
    assert high[0] == pytest.approx(-0.7001142, abs=5e-8)
    assert paired_p_value(rows)[0] == pytest.approx(0.002833, abs=5e-7)


def test_the_bootstrap_interval_covers_where_there_are_replicates_enough():
    rng = np.random.default_rng(2)
    for rows, truth in ((rng.normal(0.3, 2, (1500, 40)), 0.3), (rng.exponential(1, (1500, 60)), 1)):
        low, high = bootstrap_interval(rows)
        assert abs(coverage(low, high, truth) - 0.95) < 0.03


def test_the_bootstrap_interval_of_skewed_differences_leans_to_their_long_side():
    rows = np.random.default_rng(3).exponential(1, (200, 30))
    low, high = bootstrap_interval(rows)
    mean = rows.mean(axis=1)
    assert ((high - mean) > (mean - low)).mean() > 0.95


@pytest.mark.parametrize(("seed", "replicates"), [(4, 25), (8, 8), (10, 10), (25, 25), (60, 60)])
def test_the_bootstrap_interval_is_that_of_scipy(seed, replicates):
    row = np.random.default_rng(seed).gamma(2, 1, replicates)
    low, high = bootstrap_interval(row[None])
    other = stats.bootstrap((row,), np.mean, n_resamples=20_000, random_state=5, method="BCa")
    interval = other.confidence_interval
    width = interval.high - interval.low
    assert abs(low[0] - interval.low) < 0.05 * width
    assert abs(high[0] - interval.high) < 0.05 * width


@given(ROWS)
def test_a_bootstrap_interval_depends_on_its_row_alone_and_stays_among_the_values(rows):
    low, high = bootstrap_interval(rows)
    for i, row in enumerate(rows):
        alone = bootstrap_interval(row[None])
        assert (alone[0][0], alone[1][0]) == (low[i], high[i])
        slack = 1e-9 * max(1.0, np.abs(row).max())
        assert row.min() - slack <= low[i] <= high[i] <= row.max() + slack


def test_replicates_that_are_missing_are_left_out():
    full = np.random.default_rng(6).normal(0, 1, (2, 10))
    holes = np.insert(full, [2, 7], np.nan, axis=1)
    for function in (paired_p_value, bootstrap_interval, paired_interval):
        assert np.allclose(function(full), function(holes), rtol=1e-12)
    one = np.array([[1.0, np.nan, np.nan]])
    assert np.isnan(bootstrap_interval(one)).all() and np.isnan(paired_p_value(one)).all()


def test_what_is_the_same_in_all_replicates_is_certain():
    rows = np.array([[2.0, 2.0, 2.0], [0.0, 0.0, 0.0]])
    low, high = bootstrap_interval(rows)
    assert list(low) == list(high) == [2.0, 0.0]
    assert list(paired_p_value(rows)) == [0.0, 1.0]


def test_p_values_are_those_of_the_paired_t_test_and_agree_with_the_interval():
    rows = np.random.default_rng(7).normal(0.5, 1, (200, 7))
    p = paired_p_value(rows)
    wanted = stats.ttest_1samp(rows, 0, axis=1).pvalue
    assert np.allclose(p, wanted, rtol=1e-9)
    _, low, high = paired_interval(rows)
    assert np.array_equal(p < 0.05, ~((low <= 0) & (high >= 0)))


def test_holm_is_that_of_a_worked_example():
    # p of 0.01, 0.04, 0.03, 0.005: times 4, 3, 2, 1 in rising order, never falling
    assert np.allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    # by hand: times 5, 4, 3, 2, 1 gives .05 .08 .09 .08 .05, never falling
    assert np.allclose(holm(np.arange(1, 6) / 100), [0.05, 0.08, 0.09, 0.09, 0.09])
    # ties: times 4, 3, 2, 1
    assert np.allclose(holm(np.array([0.001, 0.001, 0.02, 0.6])), [0.004, 0.004, 0.04, 0.6])
    assert np.allclose(holm(np.array([0.5, np.nan, 0.7])), [1.0, np.nan, 1.0], equal_nan=True)
    assert np.isnan(holm(np.array([np.nan]))).all() and holm(np.array([])).size == 0


@given(arrays(float, 8, elements=st.floats(0, 1)))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p):
    adjusted = holm(p)
    assert (adjusted >= p - 1e-15).all() and (adjusted <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@given(arrays(float, 7, elements=st.floats(0, 1)), st.floats(0.001, 0.5))
def test_holm_rejects_what_the_step_down_procedure_rejects(p, level):
    rejected = np.zeros(len(p), bool)
    for step, test in enumerate(np.argsort(p, kind="stable")):
        if p[test] * (len(p) - step) > level:
            break
        rejected[test] = True
    assert np.array_equal(holm(p) <= level, rejected)


def test_holm_keeps_the_chance_of_any_false_call_under_five_percent():
    rows = np.random.default_rng(8).normal(0, 1, (500, 20, 8))
    called = [(holm(paired_p_value(family)) < 0.05).any() for family in rows]
    plain = [(paired_p_value(family) < 0.05).any() for family in rows]
    assert np.mean(called) < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500) and np.mean(plain) > 0.4


def test_the_variance_reduction_is_one_over_one_minus_the_correlation():
    rng = np.random.default_rng(9)
    shared, own = rng.normal(0, 1, 100_000), rng.normal(0, 1, (2, 100_000))
    for correlation in (0.0, 0.5, 0.9):
        a, b = (math.sqrt(correlation) * shared + math.sqrt(1 - correlation) * x for x in own)
        found = variance_reduction(a[None], b[None])[0]
        assert math.isclose(found, 1 / (1 - correlation), rel_tol=0.02)


def test_the_variance_reduction_where_a_variance_is_zero():
    a = np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [1.0, np.nan, 3.0]])
    b = np.array([[2.0, 3.0, 4.0], [5.0, 5.0, 5.0], [np.nan, 2.0, 3.0]])
    assert variance_reduction(a, b)[0] == math.inf
    assert np.isnan(variance_reduction(a, b)[1:]).all()
    x, y = np.array([[1.0, 2.0, 4.0]]), np.array([[2.0, 2.5, 7.0]])
    wanted = (np.var(x, ddof=1) + np.var(y, ddof=1)) / np.var(y - x, ddof=1)
    assert variance_reduction(x, y)[0] == pytest.approx(wanted)
