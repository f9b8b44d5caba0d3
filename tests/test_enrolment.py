"""Claims about places and lists: day care and nursery."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from sim.case.parameters import Parameters
from sim.processes.places import (
    NONE,
    applicants,
    displace,
    fill,
    leave,
    start_steady,
    steady_numbers,
    weekly_chance,
    weeks_on_list,
)
from sim.world.enrolment import Enrolment
from sim.world.world import World
from tests.worlds import STILL, edited_case, small_model, small_world

KEY, LINE = 3, 5
HOUSEHOLDS, FACILITIES = 60, 3
rows = st.integers(-1, FACILITIES - 1)


def enrolment(place, listed, since=None):
    """Enrolment of some households; who has a place is on no list."""
    place, listed = np.array(place, np.int32), np.array(listed, np.int32)
    listed = np.where(place >= 0, NONE, listed).astype(np.int32)
    e = Enrolment.none(np.ones(place.size))
    e.place, e.listed = place, listed
    e.since = np.array(since if since is not None else np.zeros(place.size), np.int32)
    return e


held = st.lists(rows, min_size=HOUSEHOLDS, max_size=HOUSEHOLDS)
weeks = st.lists(st.integers(0, 9), min_size=HOUSEHOLDS, max_size=HOUSEHOLDS)
AGENTS = np.arange(HOUSEHOLDS, dtype=np.uint64) + np.uint64(1 << 40)


@given(held, held, weeks, st.lists(st.integers(0, 15), min_size=3, max_size=3))
def test_vacancies_go_to_those_who_wait_longest(place, listed, since, spare):
    e = enrolment(place, listed, since)
    capacity = (e.enrolled(FACILITIES) + np.array(spare)).astype(float)
    waited, before = e.listed.copy(), e.enrolled(FACILITIES)
    admitted = fill(e, KEY, LINE, AGENTS, capacity)
    assert (e.enrolled(FACILITIES) <= capacity).all()
    assert (e.place[admitted] == waited[admitted]).all() and (e.listed[admitted] == NONE).all()
    assert not ((e.place >= 0) & (e.listed >= 0)).any()
    for j in range(FACILITIES):
        still = np.flatnonzero(e.listed == j)
        new = admitted[waited[admitted] == j]
        assert new.size == min(spare[j], (waited == j).sum())
        if still.size and new.size:
            assert e.since[new].max() <= e.since[still].min()
    assert e.enrolled(FACILITIES).sum() == before.sum() + e.admitted


@given(held, held, weeks, st.randoms())
def test_who_is_admitted_depends_on_keys_not_on_rows(place, listed, since, random):
    capacity = np.full(FACILITIES, 25.0)
    one = enrolment(place, listed, since)
    if (one.enrolled(FACILITIES) > capacity).any():
        return
    order = list(range(HOUSEHOLDS))
    random.shuffle(order)
    two = enrolment(*(np.array(c)[order] for c in (place, listed, since)))
    fill(one, KEY, LINE, AGENTS, capacity)
    fill(two, KEY, LINE, AGENTS[order], capacity)
    assert (two.place == one.place[order]).all() and (two.listed == one.listed[order]).all()


@given(held, held, st.lists(st.booleans(), min_size=3, max_size=3).map(np.array))
def test_a_closed_facility_displaces_all_of_its_own_and_nobody_else(place, listed, is_open):
    e = enrolment(place, listed)
    had = np.where(e.place >= 0, e.place, e.listed)
    gone = displace(e, is_open)
    expected = np.flatnonzero((had >= 0) & ~is_open[np.maximum(had, 0)])
    assert gone.tolist() == expected.tolist()
    assert (e.place[gone] == NONE).all() and (e.listed[gone] == NONE).all()
    others = np.setdiff1d(np.arange(HOUSEHOLDS), gone)
    assert (np.where(e.place >= 0, e.place, e.listed)[others] == had[others]).all()


def test_exits_come_at_their_yearly_rates():
    size = 20_000
    e = enrolment(np.repeat([0, NONE], size), np.repeat([NONE, 0], size))
    agents = np.arange(2 * size, dtype=np.uint64)
    for week in range(1, 53):
        leave(e, KEY, week, LINE, agents, np.ones(2 * size), 0.35, 0.30, 53 - week)
    assert (e.place >= 0).sum() / size == pytest.approx(np.exp(-0.35), abs=0.012)
    assert (e.listed >= 0).sum() / size == pytest.approx(np.exp(-0.30), abs=0.012)
    assert weekly_chance(0.35) * 52 == pytest.approx(0.35, rel=0.01)


def test_those_who_have_outgrown_a_service_leave_as_often_in_every_week_that_is_left():
    size = 20_000
    e = enrolment(np.repeat([0, NONE], size), np.repeat([NONE, 0], size))
    agents = np.arange(2 * size, dtype=np.uint64)
    exits, given_up = [], []
    for week in range(40):
        leave(e, KEY, week, LINE, agents, np.zeros(2 * size), 0.35, 0.30, 40 - week)
        exits.append(e.exits)
        given_up.append(e.left_list)
    assert (e.place < 0).all() and (e.listed < 0).all()
    for ended in (exits, given_up):
        assert chisquare(ended).pvalue > 0.001


def test_only_those_without_a_place_or_a_wait_apply_and_at_their_rate():
    size = 30_000
    e = enrolment(np.repeat([0, NONE, NONE], size), np.repeat([NONE, 0, NONE], size))
    agents, rates = np.arange(3 * size, dtype=np.uint64), np.full(3 * size, 2.0, np.float32)
    new = applicants(e, KEY, 4, LINE, agents, rates)
    assert new.min() >= 2 * size
    assert new.size / size == pytest.approx(1 - np.exp(-2 / 52), abs=0.004)


def simulated_list(n, vacancies, give_up, rng):
    """Weeks until the last of a list of n is admitted, who does not give up; mean of some runs."""
    found = []
    for _ in range(40):
        ahead, week = n, 0
        while ahead > 0:
            ahead -= rng.binomial(ahead, give_up / 52)
            ahead -= rng.poisson(vacancies / 52)
            week += 1
        found.append(week)
    return np.mean(found)


@pytest.mark.parametrize(("waiting", "places"), [(10, 40), (60, 40), (400, 100)])
def test_the_weeks_told_to_applicants_are_those_of_a_simulated_list(waiting, places):
    told = weeks_on_list(np.array([waiting]), np.array([places]), 0.35, 0.30)[0]
    simulated = simulated_list(waiting, 0.35 * places, 0.30, np.random.default_rng(1))
    assert told == pytest.approx(simulated, rel=0.08)


def test_an_empty_list_costs_no_time_and_a_house_without_places_for_ever():
    told = weeks_on_list(np.array([0, 5]), np.array([10.0, 0.0]), 0.35, 0.30)
    assert told.tolist() == [0, np.inf]


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=80), st.floats(0, 60))
def test_in_the_steady_state_as_many_join_as_leave(rates, places):
    rates = np.array(rates)
    slot, capacity = np.zeros(rates.size, np.int64), np.array([places])
    inside, years = steady_numbers(slot, rates, capacity, 0.35, 0.30)
    held = min(np.floor(places + 1e-9), inside[0])
    leaving = 0.35 * held + 0.30 * (inside[0] - held)
    stay = rates * years[0]
    assert (rates / (1 + stay)).sum() == pytest.approx(leaving, rel=1e-6)
    assert inside[0] == pytest.approx((stay / (1 + stay)).sum())


def steady(count=40_000, rate=0.02, places=100.0):
    rates = np.full(count, rate, np.float32)
    e = Enrolment.none(rates)
    agents = np.arange(count, dtype=np.uint64)
    capacity = np.array([places])
    chosen = np.zeros(count, np.int32)
    start_steady(e, KEY, LINE, agents, rates, chosen, capacity, 0.35, 0.30, 10)
    return e, agents, rates, capacity


def test_places_and_list_start_where_years_of_weeks_leave_them():
    e, agents, rates, capacity = steady()
    listed = [e.on_list().size]
    told = [-e.since[e.on_list()].mean()]
    assert (e.enrolled(1) == 100).all()
    for week in range(1, 261):
        leave(e, KEY, week, LINE, agents, rates, 0.35, 0.30, 52)
        new = applicants(e, KEY, week, LINE, agents, rates)
        e.listed[new], e.since[new] = 0, week
        fill(e, KEY, LINE, agents, capacity)
        listed.append(e.on_list().size)
        told.append(week - e.since[e.on_list()].mean())
    assert (e.enrolled(1) == 100).all()
    # without a lever nothing drifts: neither the number who wait nor how long they have waited
    assert np.mean(listed[-52:]) == pytest.approx(listed[0], rel=0.04)
    assert np.mean(told[-52:]) == pytest.approx(told[0], rel=0.06)


def test_where_places_are_many_the_steady_state_is_below_them_and_nobody_waits():
    e, *_ = steady(count=4000, places=1000.0)
    assert e.on_list().size == 0
    # 0.02 a year in, 0.35 out
    assert e.enrolled(1)[0] == pytest.approx(4000 * 0.02 / 0.37, rel=0.12)


@pytest.fixture(scope="module")
def year(tmp_path_factory):
    """A year of the same 24,000 households without a lever, with places and lists by week."""

    def more_floor(tables):
        for row in tables["facilities"]:
            if row["id"][:2] in ("E-", "N-"):
                row["floor_m2"] = 2000

    case = edited_case(tmp_path_factory.mktemp("large") / "case", more_floor, 1500)
    model = small_model(world=World.of(case, Parameters.load()), **STILL)
    places, lists, waited = [], [], []
    for _ in range(53):
        model.step()
        found = model.state.enrolments.values()
        places.append([(e.place >= 0).sum() for e in found])
        lists.append([e.on_list().size for e in found])
        waited.append([(model.week - e.since[e.on_list()]).sum() for e in found])
    return model, np.array(places), np.array(lists), np.array(waited)


def test_without_a_lever_places_and_lists_stay_flat(year):
    _, places, lists, waited = year
    assert (lists[0] > 150).all()
    assert (places == places[0]).all()
    # three standard errors of a Poisson number
    assert (np.abs(lists[-8:].mean(axis=0) - lists[0]) < 3 * np.sqrt(lists[0])).all()
    told = waited / lists
    assert told[-8:].mean(axis=0) == pytest.approx(told[0], rel=0.12)


def test_nobody_has_a_place_and_waits_and_no_house_is_overbooked(year):
    state = year[0].state
    for i, e in state.enrolments.items():
        assert not ((e.place >= 0) & (e.listed >= 0)).any()
        j = state.lines.services.index(state.lines.all[i].service)
        offered = state.facilities.offers[:, j]
        room = np.where(offered, state.facilities.capacity[:, j], 0)
        assert (e.enrolled(len(offered)) <= room).all()
        outside = np.setdiff1d(np.arange(e.place.size), e.eligible)
        assert (e.place[outside] == NONE).all() and (e.listed[outside] == NONE).all()


def test_lists_at_full_houses_and_none_beside_a_vacancy(year):
    state = year[0].state
    for i, e in state.enrolments.items():
        j = state.lines.services.index(state.lines.all[i].service)
        vacant = np.floor(state.facilities.capacity[:, j]) - e.enrolled(len(state.facilities))
        assert (vacant[e.listed[e.on_list()]] == 0).all()


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 8))
def test_every_place_is_accounted_for_every_week(week):
    model = small_model(200)
    for _ in range(week):
        model.step()
    before = {i: (e.place >= 0).sum() for i, e in model.state.enrolments.items()}
    model.step()
    for i, e in model.state.enrolments.items():
        assert (e.place >= 0).sum() == before[i] - e.exits - e.displaced + e.admitted


def test_a_house_that_closes_sends_its_guests_to_the_lists_of_others(tmp_path):
    def second_house(tables):
        first = next(r for r in tables["facilities"] if r["id"].startswith("N-"))
        tables["facilities"].append(first | {"id": "N-second"})

    world = World.of(edited_case(tmp_path / "case", second_house, 300), Parameters.load())
    model = small_model(world=world)
    for _ in range(3):
        model.step()
    state = model.state
    line = next(i for i in state.enrolments if state.lines.all[i].service == "nursery")
    e = state.enrolments[line]
    closing = state.facilities.id.index("N-second")
    guests = np.flatnonzero(e.place == closing)
    assert guests.size > 5
    state.facility_actors[closing].close(state.week)
    state.touch()
    model.step()
    assert e.displaced == guests.size
    assert not (e.place == closing).any() and not (e.listed == closing).any()
    other = next(i for i in state.facilities.id if i.startswith("N-") and i != "N-second")
    back = (e.place[guests] >= 0) | (e.listed[guests] == state.facilities.id.index(other))
    assert back.mean() > 0.9  # the rest put it off


def test_small_world_is_shared_and_stays_as_it_is():
    before = small_world().households.flags.copy()
    small_model().step()
    assert (small_world().households.flags == before).all()


def test_lists_of_houses_that_compete_start_steady_too(tmp_path):
    """Long lists deter applicants, who make the lists; the start has found where both agree."""

    def many_houses(tables):
        houses = [r for r in tables["facilities"] if r["id"][:2] in ("E-", "N-")]
        seats = tables["settlements"]
        for n, seat in enumerate(seats[1::2]):
            for row in houses:
                place = {"settlement": seat["id"], "x": seat["x"], "y": seat["y"]}
                floor = {"floor_m2": 150 + 100 * (n % 3), "operator": "public"}
                tables["facilities"].append(row | place | floor | {"id": f"{row['id']}-{n}"})

    case = edited_case(tmp_path / "case", many_houses, 1500)
    world, grown = World.of(case, Parameters.load()), []
    for replicate in range(6):
        model = small_model(world=world, replicate=replicate, **STILL)
        places, lists = [], []
        for _ in range(79):
            model.step()
            found = model.state.enrolments.values()
            places.append([(e.place >= 0).sum() for e in found])
            lists.append([e.on_list().size for e in found])
        assert min(lists[0]) > 80
        assert np.mean(places[-13:], axis=0) == pytest.approx(places[0], rel=0.03)
        grown.append(np.mean(lists[-13:], axis=0) / lists[0])
    # a list of some 170 has a spread of 12 % of its own
    assert np.mean(grown, axis=0) == pytest.approx(1, abs=0.1)
