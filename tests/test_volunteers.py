"""Claims about volunteers: how many hours they give, and what these replace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.processes import volunteers
from sim.world.ledger import CLASS
from tests.cases import UNITS
from tests.worlds import lever_scenario, run_small, small_case, small_model, values

P = Parameters.load()
GENERAL = CLASS["visits_general"]
MERGE = f"""\
  - merge_communities:
      date: 2020-02-03
      communities: ["{UNITS[0]}", "{UNITS[1]}"]
"""
amounts = st.floats(0, 1e4)


def given_by(persons, belonging):
    shares = (np.array([P[f"volunteers.{name}"]]) for name in ("registered", "active"))
    return float(volunteers.hours_given(np.array([persons]), *shares, np.array([belonging]), P)[0])


def test_as_many_are_registered_as_meishan_has():
    # 635,800 of 2.955 million who live there, not of 3.38 million registered
    assert P["volunteers.registered"] * 2_955_000 == pytest.approx(635_800, rel=1e-3)


def test_a_tenth_of_the_registered_give_two_hours_a_month():
    assert given_by(10_000, 1.0) == pytest.approx(10_000 * 0.215 * 0.1 * 2 * 12 / 52)
    assert given_by(10_000, 0.8) == pytest.approx(0.8 * given_by(10_000, 1.0))
    assert given_by(10_000, 0.0) == given_by(0, 1.0) == 0


@given(amounts, amounts)
def test_an_hour_replaces_half_an_hour_of_visits_as_long_as_there_are_any(hours, general):
    taken = float(volunteers.replaced(np.array([hours]), np.array([general]), P)[0])
    assert taken == pytest.approx(min(hours / 2, general))


def test_volunteers_of_a_unit_are_those_who_live_in_it():
    model = small_model(300, groups__relief=0)
    model.step()
    s = model.state
    assert s.census.present.sum() == s.households.present.sum()
    present = s.boundaries.sums(s.census.present)
    for name in UNITS:
        row = s.boundaries.unit_row(name)
        slot = s.boundaries.units[row].office
        expected = min(given_by(present[row], 0.8) / 2, s.ledger.arrived[slot, GENERAL])
        assert model.now.taken[1, slot, GENERAL] == pytest.approx(expected)
    assert model.now.taken[1].sum() == pytest.approx(model.now.taken[1, :, GENERAL].sum())


def test_leaders_and_volunteers_together_take_no_more_than_there_is():
    model = small_model(
        300, groups__relief=0.5, groups__leader_households=300, volunteers__active=1,
        volunteers__hours_month=20,
    )  # fmt: skip
    for _ in range(5):
        model.step()  # conservation is checked
    ledger = model.state.ledger
    assert ledger.left()[:4, GENERAL] == pytest.approx(np.zeros(4), abs=1e-9)
    assert model.now.taken[0].sum() > 0 < model.now.taken[1].sum()


def test_fewer_help_where_people_feel_less_at_home(tmp_path):
    scenario = lever_scenario(small_case(), tmp_path, MERGE)
    one, two = small_model(), small_model(scenario=scenario)
    for _ in range(60):
        one.step(), two.step()
    offices = [u.office for u in one.state.boundaries.units]
    base = one.now.taken[1].sum(axis=1)[offices]
    merged = two.now.taken[1].sum(axis=1)
    here = two.state.boundaries.unit_row(UNITS[0])
    assert 0.8 < merged[two.state.boundaries.units[here].office] / base[:2].sum() < 0.98
    assert (merged[offices[2:]] == base[2:]).all(), "as before where nobody was merged"


def test_visits_by_volunteers_are_shown_apart_and_count():
    none, some = (run_small(4, 300, volunteers__active=x) for x in (0, 0.1))
    by = [values(r, "use.home_care.by_volunteers") for r in (none, some)]
    assert set(by[0]) == {0.0} and min(by[1]) > 1
    made = [np.array(values(r, "use.home_care.visits")) for r in (none, some)]
    assert (made[1] >= made[0] - 1e-9).all()
    load = [np.mean(values(r, "workload.offices.load")) for r in (none, some)]
    assert load[1] < load[0]
