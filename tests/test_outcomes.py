"""Claims about outcomes: access of all persons, costs, satisfaction."""

from dataclasses import replace

import numpy as np
import pytest

from sim.case.parameters import Parameters
from sim.outcomes.access import (
    Distances,
    access,
    basket,
    basket_minutes,
    household_class,
    person_groups,
)
from sim.outcomes.catalogue import OUTCOMES
from sim.outcomes.use import group_cells
from sim.processes.cost import travel_cost, week_costs, yearly_cost_of_way
from sim.processes.learning import (
    access_score,
    drift,
    participation_change,
    satisfaction,
)
from sim.world.households import OLD_ONLY, VEHICLE
from sim.world.world import World
from tests.cases import STREET, TOWNSHIP_OF, UNITS
from tests.worlds import edited_case, lever_scenario, run_small, small_model, small_world, values

P = Parameters.load()


# --- access ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    model = small_model()
    distances = Distances.of(model.state, model.constants.pace)
    return model, distances, access(model.state, distances, person_groups(model.state))


def test_groups_of_persons_make_up_all(measured):
    groups = person_groups(measured[0].state)
    h = small_world().households
    assert groups["all"].sum() == h.present.sum()
    for parts in (("children", "adults", "old"), ("urban", "town", "rural")):
        assert sum(groups[p] for p in parts) == pytest.approx(groups["all"])
    walkers = (h.flags & VEHICLE) == 0
    assert groups["no_vehicle"].sum() == h.present[walkers].sum()
    assert groups["old"].sum() == h.present[:, 4:].sum()


def test_mean_minutes_are_those_of_a_count_person_by_person(measured):
    model, distances, found = measured
    state, h = model.state, small_world().households
    line = state.lines.of_service("health")[0]
    total = persons = near = 0.0
    for row in range(h.settlement.size):
        own = 1 if h.flags[row] & VEHICLE else 0
        young, old = h.present[row, :4].sum(), h.present[row, 4:].sum()
        for number, travel_class in ((young, own), (old, 2 + own)):
            minutes = distances.minutes[h.settlement[row], line, travel_class]
            total, persons = total + number * minutes, persons + number
            near += number * (minutes <= 15)
    assert found["access.health.minutes", "all"] == pytest.approx(total / persons)
    assert found["access.health.share_15min", "all"] == pytest.approx(near / persons)


def test_access_of_all_is_the_mean_of_its_parts(measured):
    _, _, found = measured
    groups = {n: g.sum() for n, g in person_groups(measured[0].state).items()}
    for name in [n for n, g in found if g == "all"]:
        parts = [found[name, p] * groups[p] for p in ("urban", "rural")]
        assert found[name, "all"] == pytest.approx(sum(parts) / groups["all"]), name


def test_the_basics_are_complete_for_fewer_than_any_of_them(measured):
    _, _, found = measured
    for service in ("elder_care", "nursery", "shop", "health", "culture", "green"):
        share = found[f"access.{service}.share_15min", "all"]
        assert found["access.basics.share_15min", "all"] <= share


def test_no_facility_in_reach_is_not_a_mean_of_those_who_have_one():
    model = small_model()
    f = model.state.facilities
    west = np.array([i.startswith("P-9999010") for i in f.id])
    f.closed[west] = 0
    model.state.touch()
    found = access(
        model.state, Distances.of(model.state, model.constants.pace), person_groups(model.state)
    )
    assert found["access.community.none", "urban"] == 1
    assert found["access.community.none", "rural"] == 0
    assert np.isnan(found["access.community.minutes", "urban"])
    assert found["access.community.minutes", "all"] == found["access.community.minutes", "rural"]
    assert 0 < found["access.community.none", "all"] < 1


def test_the_basket_weighs_trips_by_how_often_they_are_made(measured):
    model, distances, _ = measured
    state = model.state
    h = small_world().households
    pace = ((h.flags & VEHICLE) > 0).astype(np.int64) + 2 * ((h.flags & OLD_ONLY) > 0)
    rates = model.rates.asked
    found = basket_minutes(state, distances, rates, pace)
    for row in (0, 17, 400):
        minutes = distances.minutes[h.settlement[row], : rates.shape[1], pace[row]]
        if rates[row].sum() > 0:
            expected = (rates[row] * minutes).sum() / rates[row].sum()
            assert found[row] == pytest.approx(expected, rel=1e-5)
    assert (found[rates.sum(axis=1) == 0] == 0).all()
    everyone = {"all": np.ones(found.size, bool)}
    trips = rates.sum(axis=1)
    assert basket(found, rates, everyone)["access.basket.minutes", "all"] == pytest.approx(
        np.average(found, weights=trips), rel=1e-5
    )


# --- residents ------------------------------------------------------------------------------


def test_belonging_is_half_way_to_its_goal_after_its_half_life():
    level = np.array([0.8])
    for _ in range(260):
        level = drift(level, np.array([0.5]), 260)
    assert level[0] == pytest.approx(0.65)


def test_participation_is_lost_by_doublings_and_more_where_imposed():
    sizes = np.array([1000.0, 1000.0, 500.0, 3000.0]), np.array([2000.0, 1000.0, 4000.0, 2000.0])
    points = participation_change(*sizes, False, P)
    assert points == pytest.approx([-1.5, 0, -4.5, 0])
    assert participation_change(*sizes, True, P) == pytest.approx(1.5 * points)


def content(**change):
    best = {"access": 1.0, "wait": 0.0, "unmet": 0.0, "listed": 0.0, "visits": 1.0,
            "complaints": 0.0, "belonging": 1.0}  # fmt: skip
    columns = {k: np.array([v]) for k, v in (best | change).items()}
    return tuple(float(x[0]) for x in satisfaction(**columns, parameters=P))


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({}, 0), ({"access": 0.5}, 15), ({"wait": 30}, 12.5), ({"wait": 60}, 25),
        ({"wait": 900}, 25),
        ({"unmet": 0.1}, 12.5), ({"listed": 0.2}, 5), ({"visits": 0.25}, 15),
        ({"complaints": 0.2}, 7.5), ({"belonging": 0.5}, 5),
    ],
)  # fmt: skip
def test_satisfaction_is_lost_as_stated(change, lost):
    score, without = content(**change)
    assert score == pytest.approx(100 - lost)
    assert without == pytest.approx(score - 10 * change.get("belonging", 1.0))


def test_access_scores_fall_from_5_to_60_minutes():
    minutes = np.array([0, 5, 32.5, 60, 90, np.inf])
    assert access_score(minutes, P) == pytest.approx([1, 1, 0.5, 0, 0, 0])


# --- cost and groups ------------------------------------------------------------------------


def test_costs_are_those_of_the_model_text():
    kinds = week_costs(
        workers=10, certified=3, public_floor_m2=1000, building=5000, rewards=700,
        contracts=60_000, property_management=70_000, ended_units=2, parameters=P,
    )  # fmt: skip
    assert kinds == {
        "staff": 900_000 + 3 * 3600, "floor": 1000 * 15 * 12, "build": 5000, "rewards": 700,
        "contracts": 60_000, "property": 70_000,
        "transition": 2 * P["cost.transition"],
    }  # fmt: skip
    office = ("government", "community")
    assert yearly_cost_of_way("build", 300, office, P) * P["cost.life"] == pytest.approx(900_000)
    cheaper = [yearly_cost_of_way(w, 300, office, P) for w in ("build", "buy", "rebuild", "allot")]
    assert cheaper == sorted(cheaper, reverse=True)
    assert travel_cost(np.array([15.0, 15.0]), P) == pytest.approx(20.0)  # there and back


def test_every_household_group_is_found_by_its_cell():
    cells = group_cells(24)
    assert sum(cells[t].astype(int) for t in ("urban", "town", "rural")).tolist() == [1] * 24
    assert [int(cells[g].sum()) for g in ("old", "no_vehicle", "no_digital")] == [12] * 3


@pytest.fixture(scope="module")
def records():
    return run_small(8, households=100, staff__exit=0)  # staff stays


def test_every_recorded_outcome_is_in_the_catalogue_and_finite(records):
    for table in (records.outcomes, records.losers):
        assert set(table["outcome"].astype(str)) <= set(OUTCOMES)
        assert np.isfinite(table["value"]).all()
        assert not table.duplicated(["week", "outcome", "group"]).any()


def test_shares_lie_between_0_and_1_and_nothing_is_negative(records):
    table = records.outcomes
    share = (
        table["outcome"]
        .astype(str)
        .str.contains(r"share|coverage|put_off|unmet|refused|gini|\.none|over$")
    )
    assert share.any() and table.loc[share, "value"].between(0, 1 + 1e-12).all()
    signed = table["outcome"] == "equity.access.concentration"
    assert (table.loc[~signed, "value"] >= 0).all()
    assert table.loc[signed, "value"].between(-1, 1).all()


def test_hours_of_work_add_up_to_the_load(records):
    total = sum(
        values(records, f"workload.hours.{c}")[3]
        for c in ("assigned", "meetings", "transition", "complaints", "counter", "visits_high",
                  "visits_focus", "visits_general", "self_governance")
    )  # fmt: skip
    workers, load = (values(records, f"workload.offices.{x}")[3] for x in ("workers", "load"))
    capacity = workers * P["work.year_hours"] / 52 * P["work.available"]
    assert total == pytest.approx(load * capacity)  # nothing is left undone in this case


def test_without_a_difference_nobody_loses_or_wins(records):
    counted = records.losers[records.losers["outcome"] != "access.basket.minutes"]
    assert (counted["value"] == 0).all()


@pytest.mark.filterwarnings("error")
def test_who_never_had_a_counter_has_no_change_of_minutes_to_it(tmp_path):
    def without(tables):
        west = [f for f in tables["facilities"] if f["id"].startswith("P-9999010")]
        tables["facilities"] = [f for f in tables["facilities"] if f not in west]

    case = edited_case(tmp_path, without)
    units = run_small(3, world=World.of(case, P)).units
    change = units[units["outcome"] == "equity.losers.counter_minutes"]
    assert set(change["unit"]) == {u for u in UNITS if not u.startswith("9999010")}
    assert (change["value"] == 0).all()


def test_who_loses_the_last_counter_is_a_loser_and_counted(tmp_path):
    """Of units whose point closes for good: all of them, nobody else; minutes are of the others."""
    case = edited_case(tmp_path, lambda tables: None)
    west = [u for u in UNITS if TOWNSHIP_OF[u] == STREET]
    levers = "".join(f"  - close_facility: {{date: 2020-01-13, facility: P-{u}}}\n" for u in west)
    found = run_small(6, scenario=lever_scenario(case, tmp_path, levers), world=World.of(case, P))
    last = found.losers[found.losers["week"] == 5].set_index(["outcome", "group"])["value"]
    assert last["equity.losers.no_counter", "urban"] == 1
    assert last["equity.losers.no_counter", "rural"] == 0
    assert 0 < last["equity.losers.no_counter", "all"] < 1
    assert last["equity.losers.share", "urban"] > 0.99  # all that ever need anything
    assert last["equity.losers.share", "rural"] == 0
    assert ("equity.losers.counter_minutes", "urban") not in last
    units = found.units[(found.units["week"] == 5)]
    lost = units[units["outcome"] == "equity.losers.no_counter"].set_index("unit")["value"]
    assert {u for u in UNITS if lost[u] == 1} == set(west) and lost.sum() == len(west)


def test_a_need_without_a_facility_in_either_hides_no_loss_and_no_gain(tmp_path):
    """Households that need something nobody offers them lose and gain by all else as others do."""
    case = edited_case(tmp_path, lambda tables: None)
    nobody = small_model(world=World.of(case, P))
    state, pace = nobody.state, nobody.constants.pace
    rates, classes = nobody.rates.asked, household_class(state)
    base = Distances.of(state, pace)
    without = replace(base, minutes=base.minutes.copy())
    without.minutes[:, state.lines.of_service("health")[0]] = np.inf
    farther = replace(without, minutes=without.minutes + 7)
    now, before = (
        basket_minutes(state, a, rates, classes, beside=b)
        for a, b in ((farther, without), (without, farther))
    )
    asks = now > 0
    assert asks.any() and np.isfinite(now).all() and (now - before)[asks] == pytest.approx(7, 1e-4)
    assert np.isinf(basket_minutes(state, without, rates, classes)).any()
    gone = basket_minutes(state, without, rates, classes, beside=base)
    assert np.isinf(gone).any()
    assert np.isfinite(basket_minutes(state, base, rates, classes, beside=without)).all()


def test_units_add_up_to_the_whole(records):
    units = records.units
    mine = units[(units["outcome"] == "workload.offices.workers") & (units["week"] == 4)]
    assert mine["value"].sum() == values(records, "workload.offices.workers")[4] == 20
