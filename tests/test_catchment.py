"""Claims about floating catchments: the published laws, and a count pair by pair."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.outcomes import catchment
from sim.outcomes.access import person_groups
from sim.outcomes.catchment import Catchment, all_alike, by_zone, catchments, two_step, users_of
from sim.world.services import COMMUNITY, EVERYONE
from tests.worlds import small_model


def pairs(settlements: int, facilities: int):
    """Every settlement with every facility."""
    s, f = np.meshgrid(np.arange(settlements), np.arange(facilities), indexing="ij")
    return s.ravel(), f.ravel()


def test_with_everything_in_reach_all_have_the_same():
    users = np.array([[1.0], [3.0], [1.0]])
    access = two_step(*pairs(3, 2), np.ones((6, 1)), np.array([10.0, 15.0]), users)
    assert access == pytest.approx(5)


def test_a_facility_is_shared_by_those_in_its_reach():
    # A (100 users) reaches 1 only, B (200) reaches 1 and 2, C (300) nothing
    settlement, facility = np.array([0, 1, 1]), np.array([0, 0, 1])
    users, supply = np.array([[100.0], [200.0], [300.0]]), np.array([3.0, 4.0])
    access = two_step(settlement, facility, np.ones((3, 1)), supply, users)
    assert access[:, 0] == pytest.approx([3 / 300, 3 / 300 + 4 / 200, 0])
    nearer = np.array([[1.0], [0.5], [1.0]])
    decayed = two_step(settlement, facility, nearer, supply, users)
    assert decayed[:, 0] == pytest.approx([3 / 200, 0.5 * 3 / 200 + 4 / 200, 0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 6), st.booleans())
def test_users_times_access_is_the_supply_that_anybody_reaches(seed, homes, places, zoned):
    rng = np.random.default_rng(seed)
    settlement, facility = pairs(homes, places)
    minutes = rng.uniform(0, 90, (settlement.size, 4))
    weight = by_zone(minutes, 60) if zoned else all_alike(minutes, 60)
    users = rng.integers(0, 4, (homes, 4)).astype(float)
    supply = rng.uniform(0, 100, places)
    access = two_step(settlement, facility, weight, supply, users)
    used = np.bincount(facility, (weight * users[settlement]).sum(axis=1), places) > 0
    assert (users * access).sum() == pytest.approx(supply[used].sum())
    more = two_step(settlement, facility, weight, 3 * supply, 3 * users)
    assert more == pytest.approx(access)  # three times of both


def test_zones_are_those_of_luo_and_qi():
    minutes = np.array([0, 10, 10.1, 20, 20.1, 30, 30.1, np.inf])
    assert by_zone(minutes, 30).tolist() == [1, 1, 0.68, 0.68, 0.22, 0.22, 0, 0]
    assert by_zone(2 * minutes, 60).tolist() == by_zone(minutes, 30).tolist()
    assert all_alike(minutes, 30).tolist() == [1] * 6 + [0, 0]


# --- of a state -------------------------------------------------------------------------------


@pytest.fixture
def model():
    return small_model()


def line_of(state, service):
    return state.lines.all[state.lines.of_service(service)[0]]


def found(model):
    return catchments(model.state, model.constants.pace, person_groups(model.state))


@pytest.mark.parametrize("service", ["health", "culture", "nursery"])
def test_catchments_are_those_of_a_count_pair_by_pair(model, service):
    state, pace = model.state, model.constants.pace
    line, f = line_of(state, service), state.facilities
    j = state.lines.services.index(service)
    users = users_of(state, line)
    result = Catchment.of(state, line, pace, users)
    offered = np.flatnonzero(f.offers[:, j])
    count = len(users)
    expected = np.zeros(users.shape)
    for slot in offered:
        far = state.travel.pairs(
            np.arange(count), np.full(count, f.x[slot]), np.full(count, f.y[slot])
        )
        near = np.column_stack([pace.minutes(far, c) <= line.cutoff for c in range(4)])
        expected += near * f.capacity[slot, j] / (near * users).sum()
    assert result.plain == pytest.approx(expected)
    for access in (result.plain, result.decay):
        assert (users * access).sum() == pytest.approx(f.capacity[offered, j].sum())


def test_users_are_the_ages_that_may_ask(model):
    state = model.state
    present = state.households.present
    for service, bands in (
        ("health", slice(0, 6)), ("elder_care", slice(4, 6)), ("elder_meals", slice(4, 6)),
        ("nursery", slice(0, 1)),
    ):  # fmt: skip
        users = users_of(state, line_of(state, service))
        assert users.sum() == present[:, bands].sum()
        assert users[:, :2].sum() == present[:, bands][:, : max(0, 4 - bands.start)].sum()


def test_the_size_of_a_chunk_changes_nothing(model, monkeypatch):
    whole = found(model)
    monkeypatch.setattr(catchment, "CHUNK", 1)
    assert found(model) == pytest.approx(whole, rel=1e-12)


def test_all_facilities_count_not_the_nearest_six_only(model):
    state, f = model.state, model.state.facilities
    j = state.lines.services.index("health")
    f.offers[:, j], f.capacity[:, j], f.open_to[:] = True, 1.0, EVERYONE
    line = line_of(state, "health")
    users = users_of(state, line)
    supply = Catchment.of(state, line, model.constants.pace, users).plain * users.sum()
    assert supply == pytest.approx(np.full(users.shape, len(f)))  # all are in everybody's reach
    assert len(f) > 6


def test_a_point_for_its_unit_serves_only_its_unit(model):
    state, pace = model.state, model.constants.pace
    j = state.lines.services.index("culture")
    state.facilities.open_to[state.facilities.offers[:, j]] = COMMUNITY
    line = line_of(state, "culture")
    users = users_of(state, line)
    result = Catchment.of(state, line, pace, users)
    unit_of = state.boundaries.unit_of
    for unit in np.unique(unit_of):
        mine = unit_of == unit
        own = state.facilities.offers[:, j] & (unit_of[state.facilities.settlement] == unit)
        total = state.facilities.capacity[own, j].sum()
        assert result.plain[mine] == pytest.approx(
            np.full(users[mine].shape, total / users[mine].sum())
        )


def test_no_facility_no_capacity_and_unknown_are_three_answers(model):
    state, pace = model.state, model.constants.pace
    f, j = state.facilities, state.lines.services.index("elder_care")
    assert found(model)["access.elder_care.no_supply", "all"] == 0
    f.capacity[:, j] = 0
    values = found(model)
    assert values["access.elder_care.no_supply", "all"] == 1
    assert values["catchment.elder_care.supply", "all"] == 0
    f.closed[f.offers[:, j]] = 0
    values = found(model)
    assert values["access.elder_care.no_supply", "all"] == 0  # nothing in reach at all
    assert values["catchment.elder_care.supply", "all"] == 0
    f.offers[:, j] = state.in_case[j] = False
    assert not [name for name, _ in found(model) if ".elder_care." in name]
    assert pace.farthest(60) == pytest.approx(12_500)


def test_groups_that_make_up_all_have_its_mean(model):
    values = found(model)
    state = model.state
    kind = np.array([u.type for u in state.boundaries.units])[state.boundaries.origin]
    for service in ("health", "elder_care"):
        users = users_of(state, line_of(state, service)).sum(axis=1)
        parts = [
            values[f"catchment.{service}.supply_decay", name] * users[kind == code].sum()
            for name, code in (("urban", 0), ("rural", 2))
        ]
        whole = values[f"catchment.{service}.supply_decay", "all"]
        assert whole == pytest.approx(sum(parts) / users.sum())
        assert whole == pytest.approx(values[f"catchment.{service}.supply", "all"])  # the mass law
