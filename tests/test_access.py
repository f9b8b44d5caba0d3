"""Claims about answers to the question what is near: circles, parks, three kinds of nothing."""

from dataclasses import replace

import numpy as np
import pytest

from sim.outcomes.access import Distances, access, person_groups
from sim.outcomes.parks import parks
from sim.outcomes.terms import NEAR, PLACED
from tests.worlds import run_small, small_model, values


@pytest.fixture
def model():
    return small_model()


def found(model):
    model.state.touch()
    distances = Distances.of(model.state, model.constants.pace)
    return access(model.state, distances, person_groups(model.state))


def test_a_wider_circle_holds_the_narrower_one(model):
    shares = found(model)
    subjects = {*PLACED, "basics"} - {"parking"}  # which the case has none of
    assert not any(name.startswith("access.parking") for name, _ in shares)
    for subject in sorted(subjects):
        for group in ("all", "old", "rural"):
            circles = [shares[f"access.{subject}.share_{n}min", group] for n in NEAR]
            assert circles == sorted(circles)
    assert 0 < shares["access.shop.share_5min", "all"] < shares["access.shop.share_15min", "all"]


def test_out_of_reach_none_and_unknown_are_three_answers(model):
    f, service = model.state.facilities, "access.health"
    j = model.state.lines.services.index("health")
    assert found(model)[f"{service}.out_of_reach", "all"] == 0
    f.x[f.offers[:, j]] += 1e5
    values = found(model)
    assert values[f"{service}.out_of_reach", "all"] == 1
    assert values[f"{service}.none", "all"] == 0 and values[f"{service}.minutes", "all"] > 60
    f.closed[f.offers[:, j]] = 0
    values = found(model)
    assert values[f"{service}.out_of_reach", "all"] == values[f"{service}.none", "all"] == 1
    assert np.isnan(values[f"{service}.minutes", "all"])
    assert values["access.basics.share_15min", "all"] == 0
    f.offers[:, j] = model.state.in_case[j] = False  # as if the case had never heard of one
    names = {name for name, _ in found(model)}
    assert not [n for n in names if n.startswith(service) or n.startswith("access.basics")]
    assert "access.culture.none" in names


def test_a_matter_is_out_of_reach_where_either_tier_is(model):
    f = model.state.facilities
    centre = np.array([i.startswith("TC-") for i in f.id])
    f.x[centre] += 1e5
    values = found(model)
    assert values["access.government.out_of_reach", "all"] == 1
    assert values["access.community.out_of_reach", "all"] == 0


@pytest.mark.parametrize(
    ("m2", "metres", "green", "park", "covered"),
    [
        (1999, 300, True, False, False), (2000, 300, True, False, True),
        (2000, 301, False, False, False), (4999, 300, True, False, True),
        (4999, 499, False, False, False), (5000, 500, False, True, True),
        (5000, 501, False, False, False), (9000, 299, True, True, True),
    ],
)  # fmt: skip
def test_a_park_counts_by_its_size_and_the_straight_line(model, m2, metres, green, park, covered):
    state = model.state
    f, j = state.facilities, state.lines.services.index("green")
    only = np.flatnonzero(f.offers[:, j])[0]
    f.closed[f.offers[:, j]] = 0
    f.closed[only] = 999
    home = state.world.settlements.iloc[5]
    f.x[only], f.y[only], f.floor[only] = home["x"] + 0.6 * metres, home["y"] - 0.8 * metres, m2
    near = parks(state)
    assert [near[k][5] for k in ("share_300m", "share_500m", "share_covered")] == [
        green, park, covered,
    ]  # fmt: skip


def test_persons_near_green_are_counted(model):
    state = model.state
    near = parks(state)["share_300m"]
    persons = person_groups(state)["all"].sum(axis=1)
    share = found(model)["access.green.share_300m", "all"]
    assert share == pytest.approx(persons[near].sum() / persons.sum())
    f = state.facilities
    f.closed[f.offers[:, state.lines.services.index("green")]] = 0
    assert not any(mine.any() for mine in parks(state).values())


# --- applicants for places --------------------------------------------------------------------


def test_no_place_in_reach_is_told_from_no_facility_in_reach():
    more = {"needs__nursery": 5}
    normal = run_small(30, households=100, **more)
    assert sum(values(normal, "use.nursery.no_places")) == 0
    assert sum(values(normal, "use.nursery.no_facility")) == 0
    world = small_model(100).state.world
    places = world.facilities.copy()
    nursery = places["services"] == "nursery"
    places.loc[nursery, "floor_m2"] = 5.0  # room for nobody
    full = run_small(30, households=100, world=replace(world, facilities=places), **more)
    assert sum(values(full, "use.nursery.no_places")) > 0
    assert sum(values(full, "use.nursery.no_facility")) == 0
    places = world.facilities.copy()
    places.loc[nursery, "x"] += 100_000
    far = run_small(30, households=100, world=replace(world, facilities=places), **more)
    assert sum(values(far, "use.nursery.no_places")) == 0
    assert sum(values(far, "use.nursery.no_facility")) > 0
