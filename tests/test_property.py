"""Claims about complaints: how many compounds of each type raise, and what lands on communities."""

import numpy as np
import pytest

from sim.case.parameters import Parameters
from sim.processes.property import complaints, hours_landed
from sim.world.ledger import CLASS
from sim.world.world import World
from tests.worlds import edited_case, small_model

P = Parameters.load()
COMPOUNDS = {"commodity": 6, "resettlement": 15, "old_courtyard": 20, "village": 3}


def test_complaints_are_counted_per_hundred_households_and_year():
    a_week = complaints(COMPOUNDS, P)
    assert 52 * 100 * a_week == pytest.approx(list(COMPOUNDS.values()))


def test_half_of_them_land_on_the_community_at_two_hours_each():
    assert hours_landed(np.array([10.0, 0.0]), P).tolist() == [10.0, 0.0]


def test_a_compound_of_another_type_changes_the_complaints_of_its_unit_only(tmp_path):
    def old(tables):
        tables["settlements"][0]["compound"] = "old_courtyard"

    case = edited_case(tmp_path / "case", old)
    plain, other = small_model(), small_model(world=World.of(case, P))
    for model in (plain, other):
        model.step()
    more = (other.state.ledger.arrived - plain.state.ledger.arrived)[:, CLASS["complaints"]]
    households = plain.state.census.households[0]
    assert more[0] == pytest.approx(households * (0.20 - 0.06) / 52 / 2 * 2)
    assert (more[1:] == 0).all()
