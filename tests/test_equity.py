"""Claims about equity: closed forms of indices, what each must and must not see, who loses."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.case.parameters import Parameters
from sim.outcomes.access import drawbacks, household_groups
from sim.outcomes.equity import concentration, fgt, gini, losers, palma, spread, theil
from sim.world.households import DIGITAL, HARDSHIP, OLD_ONLY, VEHICLE
from tests.worlds import small_model

P = Parameters.load()
positive = arrays(float, st.integers(1, 40), elements=st.floats(0.1, 100))
U = (np.arange(400_000) + 0.5) / 400_000


@pytest.mark.parametrize(
    ("burdens", "index"),
    [([5, 5, 5], 0.0), ([0, 0, 0, 1], 0.75), ([1, 2, 3, 4], 0.25), ([7], 0.0)],
)
def test_gini_has_its_closed_forms(burdens, index):
    assert gini(np.array(burdens, float)) == pytest.approx(index)


def test_gini_of_known_distributions():
    u = (np.arange(200_000) + 0.5) / 200_000
    assert gini(u) == pytest.approx(1 / 3, abs=1e-4)  # uniform
    assert gini(-np.log1p(-u)) == pytest.approx(0.5, abs=1e-3)  # exponential


@given(positive, st.floats(0.1, 10), st.randoms())
def test_gini_ignores_scale_order_and_replication(burdens, scale, shuffler):
    index = gini(burdens)
    mixed = burdens.tolist()
    shuffler.shuffle(mixed)
    assert -1e-12 <= index < 1
    assert gini(np.array(mixed) * scale) == pytest.approx(index, abs=1e-9)
    assert gini(np.repeat(burdens, 3)) == pytest.approx(index, abs=1e-9)
    assert gini(burdens, np.full(burdens.size, 3.0)) == pytest.approx(index, abs=1e-9)


six_weights = st.lists(st.integers(1, 5), min_size=6, max_size=6)


@given(arrays(float, 6, elements=st.floats(0.1, 100)), six_weights)
def test_a_weight_counts_like_so_many_equals(burdens, weights):
    weights = np.array(weights)
    assert gini(burdens, weights) == pytest.approx(gini(np.repeat(burdens, weights)), abs=1e-9)


def test_nothing_to_share_has_no_gini():
    assert np.isnan(gini(np.zeros(4)))


@pytest.mark.parametrize(
    ("base", "now", "loses"),
    [
        (10, 15, True),  # by half, and by more than 2
        (10, 12, False), (10, 12.1, True),  # a fifth and 2 minutes, both to be passed
        (5, 6.9, False), (5, 7.1, True), (40, 45, False), (40, 45.1, True), (40, 46, True),
        (10, 5, False), (10, np.inf, True), (np.inf, np.inf, False), (np.inf, 10, False),
        (0, 0, False),
    ],
)  # fmt: skip
def test_who_loses(base, now, loses):
    assert losers(np.array([now]), np.array([base], float), P)[0] == loses


@given(st.floats(0, 100), st.floats(0, 100))
def test_nobody_loses_and_wins_at_once(base, now):
    a, b = np.array([base]), np.array([now])
    assert not (losers(a, b, P) & losers(b, a, P)).any()


# --- Theil, Palma, concentration, FGT ---------------------------------------------------------


def normal_quantiles(u):
    from scipy.special import ndtri

    return ndtri(u)


@pytest.mark.parametrize("sigma", [0.3, 0.6, 1.0])
def test_indices_of_the_lognormal_distribution(sigma):
    values = np.exp(sigma * normal_quantiles(U))
    assert gini(values) == pytest.approx(math.erf(sigma / 2), abs=5e-4)
    assert theil(values) == pytest.approx(sigma**2 / 2, abs=2e-3)


@pytest.mark.parametrize("n", [2, 5, 100])
def test_where_one_has_everything(n):
    values = np.zeros(n)
    values[n // 2] = 7.0
    assert theil(values) == pytest.approx(math.log(n))
    assert gini(values) == pytest.approx(1 - 1 / n)


def test_theil_of_two_points():
    expected = 0.5 * (0.5 * math.log(0.5) + 1.5 * math.log(1.5))
    assert theil(np.array([1.0, 3.0])) == pytest.approx(expected)


def test_palma_of_known_distributions():
    assert palma(U) == pytest.approx(0.19 / 0.16, abs=1e-5)  # uniform: the Lorenz curve is p^2
    assert palma(np.full(9, 3.0)) == pytest.approx(0.25)  # equal: a tenth over four tenths
    assert palma(np.repeat([1.0, 10.0], [9, 1])) == pytest.approx(10 / 4)
    assert palma(np.array([0.0, 0.0, 1.0])) == np.inf


def test_fgt_by_hand():
    minutes = np.array([10, 15, 20, 30, np.inf])
    assert fgt(minutes, 15, 0) == pytest.approx(3 / 5)
    assert fgt(minutes, 15, 1) == pytest.approx((0.25 + 0.5 + 1) / 5)
    assert fgt(minutes, 15, 2) == pytest.approx((0.25**2 + 0.5**2 + 1) / 5)
    assert fgt(minutes, 15, 1, np.array([0, 0, 1, 1, 0])) == pytest.approx(0.375)


@pytest.mark.parametrize("index", [gini, theil, palma])
@given(positive, st.floats(0.1, 10))
def test_indices_ignore_scale_and_replication(index, values, scale):
    assert index(scale * values) == pytest.approx(index(values), abs=1e-8)
    assert index(np.tile(values, 4)) == pytest.approx(index(values), abs=1e-8)
    assert index(values, np.full(values.size, 4)) == pytest.approx(index(values), abs=1e-8)


@given(
    arrays(float, st.integers(2, 20), elements=st.floats(1, 100)), st.integers(0, 10**6),
    st.floats(0.05, 0.5),
)  # fmt: skip
def test_a_transfer_from_a_longer_to_a_shorter_way_lowers_inequality(values, place, part):
    i, j = place % values.size, (place // 7) % values.size
    low, high = (i, j) if values[i] < values[j] else (j, i)
    moved = part * (values[high] - values[low])
    after = values.copy()
    after[low], after[high] = values[low] + moved, values[high] - moved
    for index in (gini, theil, palma):
        assert index(after) <= index(values) + 1e-9
    if moved > 0.1:
        assert gini(after) < gini(values) and theil(after) < theil(values)


@given(positive, st.randoms())
def test_concentration_by_the_values_themselves_is_the_gini(values, shuffler):
    assert concentration(values, values) == pytest.approx(gini(values), abs=1e-9)
    assert concentration(values, -values) == pytest.approx(-gini(values), abs=1e-9)
    order = list(range(values.size))
    shuffler.shuffle(order)
    rank = np.arange(values.size) // 3  # with equals
    assert concentration(values[order], rank[order]) == pytest.approx(
        concentration(values, rank), abs=1e-9
    )
    assert concentration(np.full(values.size, 5.0), rank) == pytest.approx(0, abs=1e-9)
    assert concentration(values, np.zeros(values.size)) == pytest.approx(0, abs=1e-9)


def test_concentration_by_hand():
    # the worse half has three quarters: 2 cov = (1/4) (1 - 3) over a mean of 2
    assert concentration(np.array([3.0, 1.0]), np.array([0, 1])) == pytest.approx(-0.25)
    assert concentration(np.array([3.0, 1.0]), np.array([1, 0])) == pytest.approx(0.25)


def test_nothing_to_share_has_no_index():
    nothing, nobody = np.zeros(4), np.zeros(0)
    for index in (gini, theil, palma):
        assert np.isnan(index(nothing)) and np.isnan(index(nobody))
    assert np.isnan(concentration(nothing, np.arange(4)))
    assert np.isnan(fgt(nobody, 15, 1))
    assert fgt(nothing, 15, 1) == 0


# --- of a state -------------------------------------------------------------------------------


def test_drawbacks_are_counted_one_by_one():
    state = small_model().state
    flags = state.households.flags
    for row, count in enumerate(drawbacks(state)):
        has = [int(flags[row]) & bit > 0 for bit in (HARDSHIP, OLD_ONLY, DIGITAL, VEHICLE)]
        assert count == has[0] + has[1] + (not has[2]) + (not has[3])


@pytest.fixture(scope="module")
def spread_out():
    state = small_model().state
    groups = household_groups(state)
    persons = state.households.present.sum(axis=1).astype(int)
    minutes = np.random.default_rng(1).gamma(2, 8, persons.size)
    minutes[::50] = np.inf
    return minutes, persons, groups, spread(minutes, persons, drawbacks(state), groups, P)


def test_fgt_of_all_is_the_mean_of_its_groups(spread_out):
    _, persons, groups, found = spread_out
    for order in (0, 1, 2):
        name = f"equity.access.fgt{order}"
        parts = [found[name, t] * persons[groups[t]].sum() for t in ("urban", "rural")]
        assert found[name, "all"] == pytest.approx(sum(parts) / persons.sum())
        assert np.isnan(found[name, "town"])  # nobody lives in one
    fgts = [found[f"equity.access.fgt{order}", "all"] for order in (0, 1, 2)]
    assert fgts == sorted(fgts, reverse=True)


def test_inequality_is_between_persons_who_have_a_way(spread_out):
    minutes, persons, _, found = spread_out
    there = np.isfinite(minutes)
    one_by_one = np.repeat(minutes[there], persons[there])
    for name, index in (("gini", gini), ("theil", theil), ("palma", palma)):
        assert found[f"equity.access.{name}", "all"] == pytest.approx(index(one_by_one))
    beyond = (persons * (minutes > P["equity.standard_minutes"])).sum() / persons.sum()
    assert found["equity.access.fgt0", "all"] == pytest.approx(beyond)


def test_households_at_risk_are_those_of_their_members():
    h = small_model().state.households
    groups = household_groups(small_model().state)
    for column, name in enumerate(("risk_high", "risk_focus")):
        assert groups[name].sum() == np.count_nonzero(h.risk[:, column]) > 0
        assert (h.present[groups[name], 4:].sum(axis=1) > 0).all()
