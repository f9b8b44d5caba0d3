"""Claims about seats, offices and facilities laid by rule on a made-up prefecture."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sim.case.synthesis.facilities import make_facilities, most_populous
from sim.case.synthesis.offices import make_offices, staff_of, township_windows
from sim.case.synthesis.published import compare_places
from sim.case.synthesis.seats import Ground, find_seats
from sim.case.synthesis.sites import SERVICE_FLOOR, find_sites, service_floor

COUNTS = {
    "communities_with_elder": 7,
    "communities_with_child": 5,
    "elder_complexes": 2,
    "elder_stations": 2,
    "neighbourhood_centres": 1,
    "certified_social_workers": 11,
    "committee_in_communities_after": 62,
    "service_floor_m2_per_100_households": 30,
}


def made_up_ground() -> Ground:
    """Two counties of two old townships, each of 2 communities and 4 villages; the redraw joins
    the villages in twos: one pair a township becomes a community, the other a village."""
    before, after, townships, towns_after, land, matches = [], [], [], [], [], []
    for c in (1, 2):
        county = f"99{c:04d}"
        for t in (1, 2):
            town = f"{county}{t:03d}"
            kind = "street" if t == 1 else "town"
            townships.append((town, f"甲{t}" + ("街道" if t == 1 else "镇"), kind, county))
            towns_after.append(townships[-1])
            for u in range(6):
                unit_kind = "community" if u < 2 else "village"
                unit = f"{town}{u + 1 if u < 2 else 199 + u:03d}"
                name = f"甲{t}社区" if u == 1 else f"丙{c}{t}{u}" + ("社区" if u < 2 else "村")
                heir = unit if u < 2 else f"{town}{3 if u < 4 else 201:03d}"
                before.append((unit, name, unit_kind, town, county))
                if u < 2 or u in (2, 4):
                    after.append(
                        (
                            heir,
                            name if u < 2 else f"丁{c}{t}{u}社区" if u == 2 else name,
                            "community" if u < 4 else "village",
                            town,
                            county,
                        )
                    )
                    matches += [(unit, heir)] if u != 2 else []
                for s in range(3):
                    persons = 300 + 100 * s + 350 * (u < 2) + 10 * u + c
                    land.append(
                        (
                            f"{unit}{s + 1:02d}",
                            unit,
                            heir,
                            persons // 3,
                            persons,
                            100 * len(land),
                            50 * len(land),
                        )
                    )
    columns = ["id", "name", "kind", "township", "county"]
    towns = ["id", "name", "kind", "county"]
    return Ground(
        pd.DataFrame(before, columns=columns),
        pd.DataFrame(after, columns=columns),
        pd.DataFrame(townships, columns=towns),
        pd.DataFrame(towns_after, columns=towns),
        pd.DataFrame(land, columns=["id", "before", "after", "households", "persons", "x", "y"]),
        pd.DataFrame(matches, columns=["before", "after"]),
    )


@pytest.fixture(scope="module")
def ground():
    return made_up_ground()


@pytest.fixture(scope="module")
def seats(ground):
    return find_seats(ground)


@pytest.fixture(scope="module")
def sites(ground, seats):
    return find_sites(ground, seats, COUNTS)


@pytest.fixture(scope="module")
def offices(ground, seats, sites):
    return make_offices(ground, seats, sites, COUNTS)


@pytest.fixture(scope="module")
def facilities(ground, seats, sites):
    return make_facilities(ground, seats, sites, COUNTS)


def split_ground() -> Ground:
    """The same, but the largest settlement of one community becomes a new one of its own."""
    ground = made_up_ground()
    new = ("990001001009", "戊社区", "community", "990001001", "990001")
    after = pd.concat([ground.units_after, pd.DataFrame([new], columns=ground.units_after.columns)])
    land = ground.settlements.copy()
    land.loc[land["id"] == "99000100100103", "after"] = new[0]
    return replace(ground, units_after=after.reset_index(drop=True), settlements=land)


def test_an_old_unit_is_seated_in_its_most_populous_settlement(seats):
    assert (seats.units_before.str[-2:] == "03").all()


def test_a_new_unit_is_seated_where_the_unit_whose_name_it_carries_was(ground, seats):
    kept = ground.heirs["before"].map(seats.units_before).to_numpy()
    assert (ground.heirs["after"].map(seats.units_after).to_numpy() == kept).all()


def test_a_new_name_is_seated_with_its_largest_member(seats):
    assert seats.units_after["990001001003"] == "99000100120203"


def test_a_township_is_seated_in_the_unit_that_bears_its_name(seats):
    assert seats.townships_before["990001001"] == "99000100100203"
    assert (seats.townships_before == seats.townships_after).all()


def test_every_unit_and_township_has_a_seat_inside_it(ground, seats):
    land = ground.settlements.set_index("id")
    assert (seats.units_before.map(land["before"]) == seats.units_before.index).all()
    assert (seats.units_after.map(land["after"]) == seats.units_after.index).all()
    assert set(seats.units_after.index) == set(ground.units_after["id"])
    assert set(seats.townships_after.index) == set(ground.townships_after["id"])


def test_the_published_counts_are_met_exactly_after_the_redraw(ground, offices, facilities):
    table = compare_places(ground, offices, facilities, COUNTS).set_index("measure")
    given = table[table["published"].notna()]
    assert set(given.index) == set(COUNTS)
    counted = given.drop(index="service_floor_m2_per_100_households")
    assert (counted["published"] == counted["placed"]).all()
    floor = given.loc["service_floor_m2_per_100_households"]
    assert floor["placed"] == pytest.approx(30, rel=1e-3) or floor["placed"] > 30


def test_service_floor_meets_its_target_where_the_bounds_allow():
    rng = np.random.default_rng(1)
    persons = rng.lognormal(8, 0.5, 200)
    kind = np.array(["community", "village"] * 100)
    counted = np.arange(200) < 150
    floor = service_floor(persons, kind, counted, 45_000.0)
    assert floor[counted].sum() == pytest.approx(45_000, rel=1e-3)
    for k, (low, _, high) in SERVICE_FLOOR.items():
        assert floor[kind == k].min() >= low and floor[kind == k].max() <= high


def test_without_counts_the_default_shares_hold(ground, seats):
    sites = find_sites(ground, seats, {})
    offices = make_offices(ground, seats, sites, {})
    facilities = make_facilities(ground, seats, sites, {})
    table = compare_places(ground, offices, facilities, {}).set_index("measure")["placed"]
    communities = (ground.units_after["kind"] == "community").sum()
    assert table["communities_with_elder"] == round(0.8 * communities)
    assert table["communities_with_child"] == round(0.7 * communities)


def test_staff_follows_the_formulas_of_the_model():
    persons = np.array([2240, 3290, 4532, 100, 50_000])
    assert list(staff_of(persons, np.array(["village"] * 5))) == [4, 5, 7, 3, 9]
    assert list(staff_of(persons, np.array(["community"] * 5))) == [6, 7, 8, 5, 12]


def test_committee_and_hired_workers_make_up_the_staff(ground, offices):
    units = offices[offices["community"] != ""]
    persons = units["community"].map(ground.settlements.groupby("before")["persons"].sum())
    staff = staff_of(persons.to_numpy(), units["kind"].to_numpy())
    assert (units["committee"] + units["community_worker"] == staff).all()
    assert (units.loc[units["kind"] == "village", "community_worker"] == 0).all()
    assert (units["committee"] > 0).all()


def test_a_township_centre_has_a_window_per_15_000_persons_and_two_at_least():
    assert list(township_windows(np.array([5_000, 30_000, 30_001, 90_000]))) == [2, 2, 3, 6]


def test_ids_are_unique_and_references_hold(ground, offices, facilities):
    known = set(ground.settlements["id"])
    for table in (offices, facilities):
        assert table["id"].is_unique and set(table["settlement"]) <= known
        assert (table["floor_m2"] > 0).all()
    assert set(facilities["operator"]) <= set(offices["id"]) | {"public", "market"}


def test_every_old_unit_has_the_basic_places_inside_it(ground, facilities):
    unit = facilities["settlement"].map(ground.settlements.set_index("id")["before"])
    for service in ("government", "community", "culture", "health", "shop", "sports", "green"):
        offered = facilities["services"].str.split(";").map(lambda s, wanted=service: wanted in s)
        assert set(unit[offered]) == set(ground.units_before["id"])


def test_care_goes_to_the_most_populous_within_each_county(ground):
    units = ground.units_after[ground.units_after["kind"] == "community"].set_index("id")
    units = units.assign(persons=ground.settlements.groupby("after")["persons"].sum())
    chosen = most_populous(units, 5)
    assert units.loc[chosen].groupby("county").size().to_list() == [3, 2]
    for _, group in units.groupby("county"):
        inside = group.index.isin(chosen)
        assert group[inside]["persons"].min() >= group[~inside]["persons"].max()


def test_row_order_of_the_lists_does_not_matter(ground, offices, facilities):
    def mixed(table):
        return table.sample(frac=1, random_state=7).reset_index(drop=True)

    other = Ground(
        *(
            mixed(getattr(ground, name))
            for name in (
                "units_before",
                "units_after",
                "townships_before",
                "townships_after",
                "settlements",
                "heirs",
            )
        )
    )
    seats = find_seats(other)
    sites = find_sites(other, seats, COUNTS)
    pd.testing.assert_frame_equal(make_offices(other, seats, sites, COUNTS), offices)
    pd.testing.assert_frame_equal(make_facilities(other, seats, sites, COUNTS), facilities)


def test_a_split_unit_keeps_its_seat_where_its_name_stays():
    seats = find_seats(split_ground())
    assert seats.units_before["990001001001"] == "99000100100102"
    assert seats.units_after["990001001001"] == "99000100100102"
    assert seats.units_after["990001001009"] == "99000100100103"


def test_a_part_that_becomes_a_unit_of_its_own_has_the_basic_places_too():
    ground = split_ground()
    seats = find_seats(ground)
    sites = find_sites(ground, seats, COUNTS)
    facilities = make_facilities(ground, seats, sites, COUNTS)
    assert facilities["id"].is_unique
    after = facilities["settlement"].map(ground.settlements.set_index("id")["after"])
    for service in ("government", "community", "culture", "health", "shop", "sports", "green"):
        offered = facilities["services"].str.split(";").map(lambda s, wanted=service: wanted in s)
        assert set(after[offered]) == set(ground.units_after["id"])
    second = facilities.set_index("id").loc["P-990001001001-2"]
    assert second["operator"] == "O-990001001001" and second["settlement"] == "99000100100103"
    assert sites.table["persons"].sum() == ground.settlements["persons"].sum()
