"""Claims about needs: Poisson numbers from keyed draws, and rates by age, risk and hardship."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from sim.case.parameters import Parameters
from sim.phases.columns import Rates
from sim.processes.needs import draw_needs, draw_needs_reference, poisson, yearly_rates
from sim.world.households import HARDSHIP, MEALS, Households
from sim.world.services import Lines
from tests.worlds import small_model, small_world

P = Parameters.load()
LINES = Lines.of(small_world().services, P)
KEY = 77


def drawn(rates, week=0, key=KEY, most=6, agents=None):
    rates = np.ascontiguousarray(rates, np.float32)
    agents = np.arange(len(rates), dtype=np.uint64) if agents is None else agents
    asked = np.zeros(rates.shape, np.uint8)
    draw_needs(np.uint64(key), week, agents, rates, most, asked)
    return asked


@settings(max_examples=30)
@given(
    arrays(np.float32, (40, 6), elements=st.floats(0, 300, width=32)),
    st.integers(0, 600), st.integers(0, 2**64 - 1), st.integers(1, 20),
)  # fmt: skip
def test_the_kernel_equals_its_numpy_twin(rates, week, key, most):
    agents = np.arange(40, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    twin = draw_needs_reference(key, week, agents, rates, most)
    assert (drawn(rates, week, key, most, agents) == twin).all()


@pytest.mark.parametrize("rate", [0.5, 5.0, 52.0, 104.0])
def test_numbers_are_poisson(rate):
    asked = drawn(np.full((50_000, 1), rate))[:, 0]
    expected = stats.poisson.pmf(np.arange(6), rate / 52)
    expected = np.append(expected, 1 - expected.sum())  # six and more are six
    seen = np.bincount(asked, minlength=7)
    large = expected * asked.size >= 5
    chi = ((seen - expected * asked.size) ** 2 / (expected * asked.size))[large].sum()
    assert chi < stats.chi2.ppf(0.9999, large.sum())
    error = np.sqrt(rate / 52 / asked.size)
    assert abs(asked.mean() - rate / 52) < 4 * error


@given(st.floats(0, 3), st.floats(1e-9, 1 - 1e-9))
def test_the_number_is_the_inverse_of_the_distribution(mean, u):
    n = poisson(mean, u, 60)
    assert stats.poisson.cdf(n, mean) >= u * (1 - 1e-12)
    assert n == 0 or stats.poisson.cdf(n - 1, mean) < u * (1 + 1e-12)


@given(st.floats(0, 5), st.floats(0, 5), st.floats(1e-6, 1 - 1e-6))
def test_a_higher_rate_never_asks_for_less_under_the_same_draw(a, b, u):
    low, high = sorted((a, b))
    assert poisson(low, u, 6) <= poisson(high, u, 6)


def test_weeks_and_lines_draw_independently():
    rates = np.full((20_000, 5), 26.0)
    first, second = drawn(rates, 0), drawn(rates, 1)
    columns = np.column_stack([first, second]).astype(float)
    off = np.corrcoef(columns.T)[np.triu_indices(10, 1)]
    assert np.abs(off).max() < 4.5 / np.sqrt(20_000)


def household(registered, flags=0, high=0):
    present = np.array([registered], np.uint8)
    risk = np.array([[high, 0, present[0, 4:].sum() - high]], np.uint8)
    return Households(np.zeros(1, np.int32), np.zeros(1, np.uint64), present, present, risk,
                      np.array([flags], np.uint8))  # fmt: skip


def rate(service, registered, tier=0, **more):
    lines = tuple(x for x in LINES.all if x.service == service)
    return yearly_rates(household(registered, **more), lines, P)[0, tier]


@pytest.mark.parametrize(
    ("service", "persons", "expected"),
    [
        ("community", [1, 1, 1, 1, 1, 1], 6 * 0.41),
        ("health", [1, 0, 0, 0, 0, 0], 6), ("health", [0, 1, 0, 0, 0, 0], 6),
        ("health", [0, 0, 1, 0, 0, 0], 2), ("health", [0, 0, 0, 1, 0, 0], 2.5),
        ("health", [0, 0, 0, 0, 1, 0], 6), ("health", [0, 0, 0, 0, 0, 1], 8),
        ("culture", [0, 0, 2, 2, 1, 0], 2 * 12 + 2 * 4 + 24),
        ("elder_care", [0, 0, 0, 2, 1, 1], 0.05), ("nursery", [2, 1, 0, 2, 0, 0], 0.30),
    ],
)  # fmt: skip
def test_rates_by_age_are_those_of_the_model_text(service, persons, expected):
    scale = 1 + P["persons.hardship"] * (P["needs.hardship_counter"] - 1)
    if service == "community":
        expected /= scale  # the mean over all households stays
    assert rate(service, persons) == pytest.approx(expected, rel=1e-6)


def test_government_matters_are_split_between_point_and_township_at_the_start():
    state = small_model().state
    lines, routed = state.lines, Rates.of(state).asked.sum(axis=0, dtype=np.float64)
    lower, upper = (routed[i] for i in lines.of_service("government")[:2])
    assert {x.tier for x in state.asked} == {"community", "station", ""}
    assert upper / (lower + upper) == pytest.approx(0.65)
    assert lower + upper == pytest.approx(routed[lines.of_service("community")[0]], rel=1e-5)


def test_a_new_route_holds_where_it_is_set_and_asks_for_as_much():
    model = small_model()
    state, before = model.state, model.rates.asked
    upper = state.lines.of_service("government")[1]
    state.route(np.array([3, 4]), np.array([0.5, 0, 0.1, 0.2, 0.2]))
    model.step()
    after = model.rates.asked
    there = np.isin(state.households.settlement, [3, 4])
    assert (after[there, upper] == 0).all() and (before[there, upper] > 0).any()
    assert (after[~there, : before.shape[1]] == before[~there]).all()
    assert after.sum(axis=1) == pytest.approx(before.sum(axis=1), rel=1e-6)
    assert before.shape[1] + 3 == after.shape[1] == len(state.asked)


def test_hardship_asks_more_at_counters_and_the_mean_stays():
    poor, other = (rate("community", [0, 0, 0, 2, 0, 0], flags=f) for f in (HARDSHIP, 0))
    assert poor == pytest.approx(1.5 * other)
    assert 0.04 * poor + 0.96 * other == pytest.approx(0.82)
    assert rate("health", [0, 0, 0, 2, 0, 0], flags=HARDSHIP) == 5


def test_high_risk_goes_to_the_doctor_and_to_day_care_more_often():
    old = [0, 0, 0, 0, 2, 0]
    assert rate("health", old, high=2) == pytest.approx(1.5 * rate("health", old))
    assert rate("elder_care", old, high=2) == pytest.approx(3 * rate("elder_care", old))
    assert rate("elder_care", old, high=1) == pytest.approx(2 * rate("elder_care", old))


def test_meals_are_for_households_of_old_persons_that_use_them():
    assert rate("elder_meals", [0, 0, 0, 0, 1, 1], flags=MEALS) == 52
    assert rate("elder_meals", [0, 0, 0, 0, 1, 1]) == 0


def test_the_absent_ask_for_nothing():
    h = replace(household([0, 0, 0, 2, 0, 0]), present=np.zeros((1, 6), np.uint8))
    assert (yearly_rates(h, LINES.all, P) == 0).all()


def test_a_multiple_of_the_rates_scales_all_of_a_service():
    double = Lines.of(small_world().services, Parameters.load({"needs.health": 2}))
    for one, two in zip(LINES.all, double.all, strict=True):
        factor = 2 if one.service == "health" else 1
        assert two.rates == tuple(factor * r for r in one.rates)
