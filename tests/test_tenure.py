"""Claims about posts at the start: they are as many years of coming and going leave them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.processes import tenure, workers
from sim.world.workers import LONG_AGO
from sim.world.world import World
from tests.cases import UNITS
from tests.worlds import EMPTY, edited_case, lever_scenario, small_case, small_model

P = Parameters.load()
POSTS = 200_000
MERGE = f"""\
  - merge_communities:
      date: 2020-01-06
      communities: ["{UNITS[0]}", "{UNITS[1]}"]
"""


def posts(rate, seed=1):
    """First weeks of many posts under one yearly hazard, and the weekly chance of leaving."""
    chance = np.full(POSTS, tenure.chance_to_leave(np.array(rate)))
    return tenure.first_weeks(chance, np.random.default_rng(seed).random(POSTS), P), chance


def apart(share, expected, n=POSTS):
    """Standard errors between an observed and an expected share."""
    return abs(share - expected) / np.sqrt(expected * (1 - expected) / n)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.6, 3.0])
def test_posts_are_vacant_for_their_share_of_a_cycle(rate):
    hired, chance = posts(rate)
    q = chance[0]
    mean_stay = 1 / q
    expected = 8 / (mean_stay + 8)
    assert tenure.vacant_share(chance[:1], P)[0] == pytest.approx(expected)
    assert apart((hired > 0).mean(), expected) < 4
    weeks = np.bincount(hired[hired > 0])[1:]
    assert weeks.size == 8 and np.abs(weeks / weeks.mean() - 1).max() < 0.15
    held = -hired[hired <= 0]
    for n in (1, 13, 52):
        assert apart((held >= n).mean(), (1 - q) ** n, held.size) < 4


@pytest.mark.parametrize("rate", [0.1, 0.6])
def test_a_start_in_the_steady_state_stays_in_it(rate):
    hired, chance = posts(rate)
    rng = np.random.default_rng(2)
    before = {"vacant": (hired > 0).mean(), "new": workers.is_new(0, hired, P).mean()}
    for week in range(104):
        gone = (hired <= week) & (rng.random(POSTS) < chance)
        hired = np.where(gone, workers.vacant_until(week, P), hired)
    week = 104
    after = {"vacant": (hired > week).mean(), "new": workers.is_new(week, hired, P).mean()}
    for name, share in before.items():
        assert apart(after[name], share) < 6, name
    speed = workers.speed(week, hired, np.zeros(POSTS, bool), P).mean()
    assert speed == pytest.approx(tenure.mean_speed(chance[:1], P)[0], rel=2e-3)


def test_where_nobody_leaves_all_posts_have_long_been_held():
    hired, _ = posts(0.0)
    assert (hired == LONG_AGO).all()
    assert tenure.mean_speed(np.zeros(1), P)[0] == 1


def test_where_all_leave_at_once_a_post_is_held_one_week_in_nine():
    hired = tenure.first_weeks(np.ones(POSTS), np.random.default_rng(1).random(POSTS), P)
    assert apart((hired == 0).mean(), 1 / 9) < 4 and (hired >= 0).all()


@given(st.floats(0, 1), st.floats(1e-9, 1 - 1e-9), st.floats(1e-9, 1 - 1e-9))
def test_who_draws_more_came_earlier(chance, one, two):
    low, high = sorted((one, two))
    draw = np.array([low, high])
    a, b = tenure.first_weeks(np.full(2, chance), draw, P).tolist()
    assert -(2**20) <= b <= a <= 8
    c, d = tenure.first_weeks(np.full(2, chance / 2), draw, P).tolist()
    assert c <= a and d <= b, "and so did who leaves half as often"


@given(st.integers(0, 200), st.floats(0, 0.15))
def test_fatigue_is_what_so_many_weeks_make_it(weeks, overtime):
    felt = np.zeros(1)
    for _ in range(weeks):
        felt = workers.tired(felt, np.array([overtime]), P)
    assert tenure.fatigue_after(np.array([weeks]), np.array([overtime]), P) == pytest.approx(felt)


# --- in a run -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Offices with many workers, of whom some have a certificate."""

    def edit(tables):
        for row in tables["offices"]:
            row.update(community_worker=500, certified=100)

    return World.of(edited_case(tmp_path_factory.mktemp("crowd") / "case", edit), P)


def test_neither_vacancies_nor_newcomers_trend_from_the_first_week(crowd):
    model = small_model(world=crowd, staff__exit=0.6)
    w, vacant, new = model.state.workers, [], []
    for week in range(53):
        vacant.append(w.vacant(week).mean())
        new.append(workers.is_new(week, w.hired, P).mean())
        model.step()
    for name, series in (("vacant", vacant), ("new", new)):
        assert series[0] > 0.01, name
        assert apart(series[0], np.mean(series[26:]), len(w)) < 4, name


def test_as_many_are_certified_as_the_case_says_and_none_of_them_is_a_vacancy(crowd):
    s = small_model(world=crowd, staff__exit=0.6).state
    w = s.workers
    assert w.by_office(w.certified, len(s.offices)).tolist() == [100.0] * 6
    assert w.vacant(0).any() and not w.certified[w.vacant(0)].any()
    assert not w.certified[workers.is_new(0, w.hired, P)].any(), "newcomers come without"


def test_offices_count_who_is_at_work_in_the_first_week(crowd):
    model = small_model(world=crowd, staff__exit=0.6)
    s = model.state
    here = s.workers.at_work(0)
    assert s.offices.workers.sum() == s.staff.now == here.sum() < len(s.workers)
    assert not s.workers.fatigue[~here].any()
    model.step()  # and conservation finds no difference


def test_an_office_under_load_starts_with_more_vacancies():
    light, heavy = (
        small_model(300, staff__exit=0.3, work__available=a).state.workers for a in (1, 0.7)
    )
    assert (heavy.load > light.load).all()
    assert (heavy.hired >= light.hired).all(), "the same draws, a higher chance of leaving"


def test_overworked_people_start_tired():
    s = small_model(300, work__available=0.6, staff__exit=0.05).state
    here = s.workers.at_work(0) & (s.workers.hired < -26)
    tired = s.workers.fatigue[here & (s.workers.office < 2)]
    assert tired.size and (tired > 0.05).all()
    assert not small_model(300).state.workers.fatigue.any(), "nobody works overtime there"


def test_the_posts_of_the_start_are_those_of_any_scenario_and_of_one_replicate_only(tmp_path):
    scenario = lever_scenario(small_case(), tmp_path, MERGE)  # in the very first week
    one, two = (small_model(scenario=x, staff__exit=0.6) for x in (EMPTY, scenario))
    other = small_model(staff__exit=0.6, replicate=1)
    for column in ("hired", "certified", "fatigue", "load"):
        a, b = (getattr(m.state.workers, column) for m in (one, two))
        assert (a == b).all(), column
    assert (other.state.workers.hired != one.state.workers.hired).any()
    two.step()
    assert two.applied == 1
