"""Claims about how floor is got: prices by kind and way, sizes, and points of new seats."""

from __future__ import annotations

from datetime import date
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.messages import InputError, Problem
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.outcomes.spending import public_costs, public_floor
from sim.outcomes.terms import PLACED
from sim.processes.cost import RENTED, WAYS, price_of_kind, price_of_way, yearly_cost_of_way
from sim.world.services import GROUNDS
from sim.world.state import State
from sim.world.supply import (
    STATION,
    default_capacity,
    floor_share,
    least_floor,
    standard_floor,
)
from tests.cases import UNITS
from tests.levers import (
    WEEK,
    WEST,
    add,
    close,
    merge,
    pull,
    redraw,
    run,
    scenario,
    split_in_two,
    start,
    write_scenario,
)  # fmt: skip

P = Parameters.load()
KINDS = st.lists(st.sampled_from(PLACED), min_size=1, unique=True)
ROOFED = st.lists(st.sampled_from([s for s in PLACED if s not in GROUNDS]), min_size=1, unique=True)
POINT = ("government", "community", "culture")
FIRST = f"{UNITS[0]}01"


def problems(case: Case, *levers: dict[str, Any], horizon: Any = None) -> list[Problem]:
    """What is said of these levers."""
    try:
        return list(
            Scenario.open(write_scenario(case.path, *levers), case, horizon=horizon).warnings
        )
    except InputError as error:
        return list(error.problems)


def split(**keys: Any) -> dict[str, Any]:
    """The first unit in two, of which one part has no point."""
    parts = [
        {"id": "N1", "name": "北社区", "settlements": [f"{UNITS[0]}03", f"{UNITS[0]}04"]},
        {"id": UNITS[0], "name": "老社区"},
    ]
    day = {"date": "2020-05-18", "community": UNITS[0]}
    return {"split_community": {**day, "parts": parts, **keys}}


def building(state: State) -> float:
    return public_costs(state, 0.0, 0.0)["build"]


# ------------------------------------------------------------------------------- prices and sizes


@pytest.mark.parametrize("service", PLACED)
def test_every_kind_has_a_size_and_a_price(service: str) -> None:
    for way in WAYS:
        assert standard_floor([service], way, P) > 0
        assert 0 < price_of_kind(way, [service], P) < 4


def test_a_kind_costs_what_it_is_and_not_what_an_office_costs() -> None:
    def square_metre(service: str) -> float:
        return price_of_way("build", 1.0, [service], P)

    assert square_metre("community") == square_metre("government") == P["cost.build"]
    houses = [s for s in PLACED if s not in GROUNDS]
    assert max(map(square_metre, GROUNDS)) < min(map(square_metre, houses)) / 5
    assert square_metre("shop") < square_metre("community") < square_metre("nursery")
    assert square_metre("green") == pytest.approx(300)


@given(ROOFED, st.sampled_from(WAYS))
def test_a_house_for_several_kinds_costs_what_as_many_houses_do(
    services: list[str], way: str
) -> None:
    def standard(which: list[str]) -> float:
        return price_of_way(way, standard_floor(which, way, P), which, P)

    station = [s for s in services if s in STATION][:1]  # counters share one floor
    each = [*station, *(s for s in services if s not in STATION)]
    assert standard(services) == pytest.approx(sum(standard([s]) for s in each))


@given(KINDS, st.sampled_from(WAYS), st.floats(1, 10_000))
def test_prices_grow_with_floor_and_follow_no_order(
    services: list[str], way: str, floor: float
) -> None:
    price = price_of_way(way, floor, services, P)
    assert price_of_way(way, 2 * floor, services, P) == pytest.approx(2 * price)
    assert price_of_way(way, floor, services[::-1], P) == pytest.approx(price)
    kinds = [price_of_kind(way, [s], P) for s in services]
    assert min(kinds) - 1e-9 <= price_of_kind(way, services, P) <= max(kinds) + 1e-9
    yearly = yearly_cost_of_way(way, floor, services, P)
    assert yearly == pytest.approx(price if way in RENTED else price / P["cost.life"])


def test_under_a_roof_a_ground_is_part_of_the_house_and_alone_it_is_not() -> None:
    assert price_of_kind("build", ["culture", "sports"], P) == price_of_kind(
        "build", ["culture"], P
    )
    assert price_of_kind("build", ["green", "sports"], P) == pytest.approx(
        (2000 * P["price.green"] + 600 * P["price.sports"]) / 2600
    )


@given(KINDS, st.floats(0.5, 500))
def test_the_least_floor_is_that_of_one_visitor_or_place(services: list[str], floor: float) -> None:
    for service in services:
        least = least_floor(service, services, P)
        room = default_capacity(service, floor_share(services, floor), 1000, P)
        if abs(floor - least) > 1e-6:
            assert (room > 0) == (floor > least)


def test_the_money_is_said_by_kind_and_way(small_case: Case) -> None:
    def said(*services: str, lang: str = "en", **keys: Any) -> str:
        return scenario(small_case, add(*services, **keys)).describe(lang)[0]

    here = {"community": WEST[0], "floor_m2": 1000}
    assert "built for 3.0 million yuan." in said("community", **here)
    assert "built for 300,000 yuan." in said("green", **here)
    assert "，新建，30.0万元）" in said("green", lang="zh", **here)
    assert "rented for 144,000 yuan a year." in said("government", way="rent", **here)
    four = {"where": {}, "floor_m2": 1000, "way": "allot"}
    assert "allotted for 1.2 million yuan in all." in said("community", **four)
    assert "，划拨，共120万元）" in said("community", lang="zh", **four)
    later = {"where": {"without": "culture"}, "date": "2020-06-01", "floor_m2": 1000}
    unsure = scenario(small_case, redraw(), add("community", way="share", **later))
    assert "for 72,000 yuan a year each." in unsure.describe()[-1]
    assert "，每处每年7.2万元）" in unsure.describe("zh")[-1]


def test_what_is_said_is_what_is_paid(small_case: Case) -> None:
    for service in ("culture", "green", "nursery"):
        for way in WAYS:
            opened = scenario(small_case, add(service, where={"count": 2}, way=way))
            paid = building(pull(start(small_case), opened))
            yearly = opened.levers[0]._price / (1 if way in RENTED else P["cost.life"])
            assert paid == pytest.approx(yearly) and paid > 0


# ------------------------------------------------------------------------- what a planner is told


def test_a_floor_without_room_for_anybody_is_refused_with_the_floor_it_needs(
    small_case: Case,
) -> None:
    def told(*services: str, **keys: Any) -> list[str]:
        found = problems(small_case, add(*services, community=WEST[0], **keys))
        return [f"{p.code}: {p.hint}" for p in found]

    assert told("elder_care", floor_m2=19.0) == ["too-small: give at least 20 m2, or a capacity"]
    assert told("elder_care", "nursery", "culture", floor_m2=59.0) == [
        "too-small: give at least 60 m2, or a capacity"
    ]
    fits = {"elder_care": 20.0, "health": 5.0, "culture": 3.0}
    for service, floor in fits.items():  # yet less than a standard asks
        assert told(service, floor_m2=floor) == ["below-standard: "]
    assert told("elder_care", floor_m2=19.0, capacity=3) == ["below-standard: "]
    assert not told("elder_care", floor_m2=350.0) and not told("elder_care")


def test_floor_below_a_standard_or_a_rule_is_warned_of_with_its_source(small_case: Case) -> None:
    def told(*services: str, **keys: Any) -> str:
        place = {} if "where" in keys else {"community": WEST[0]}
        found = problems(small_case, add(*services, **place, **keys))
        assert all(p.severity == "warning" and p.code == "below-standard" for p in found)
        return "; ".join(p.message for p in found)

    assert "100 m2 is less than 120: health station" in told("health", floor_m2=100)
    assert "less than 550" in told("elder_care", "nursery", floor_m2=549)
    assert "less than 500; 眉山市" in told("community", floor_m2=499)
    assert "(MS145-rebuilt-300)" in told("community", way="rent", floor_m2=299)
    assert not told("community", way="rent", floor_m2=300)
    assert not told("community", way="allot", floor_m2=100)
    assert not told("community", way="rent", floor_m2=299, where={"kind": "village"})
    assert not told("green", floor_m2=400) and not told("shop", floor_m2=30)


def test_open_ground_is_no_part_of_a_house(small_case: Case) -> None:
    for ground in ("green", "parking"):
        (found,) = problems(small_case, add("nursery", ground, community=WEST[0]))
        assert found.code == "open-ground" and found.severity == "error"
    assert not problems(small_case, add("nursery", "sports", community=WEST[0]))
    (found,) = problems(small_case, add("green", community=WEST[0], capacity=20))
    assert found.code == "no-limit"


def test_a_lever_that_changes_nothing_or_less_than_asked_says_so(small_case: Case) -> None:
    def told(*levers: dict[str, Any]) -> list[str]:
        return [p.code for p in problems(small_case, *levers)]

    def on(kind: str, day: str = "2020-05-18", **keys: Any) -> dict[str, Any]:
        return {kind: {"date": day, **keys}}

    nursery = add("nursery", community=WEST[0])
    assert told(nursery, nursery) == ["added-twice"]
    assert not told(nursery, add("nursery", community=WEST[1]))
    health = f"H-{WEST[0]}"
    larger = on("enlarge_facility", facility=health, floor_m2=40)
    assert told(larger, close(health, date="2020-06-01")) == ["closes-first"]
    assert not told(larger, close(health, date="2021-06-01"))
    small = on("enlarge_facility", facility=f"E-{WEST[0]}", floor_m2=5)
    assert told(small) == ["too-small"]
    assert told(add("nursery", where={"count": 9})) == ["none-fits"]
    assert not told(add("nursery", where={"count": 4}))
    batches = {"services": ["nursery"], "where": {"count": 9}, "batches": {"number": 3, "weeks": 4}}
    assert told(on("add_programme", **batches)) == ["none-fits"]
    assert told(on("extend_hours", services=["health"], hours_week=20)) == ["none-fits"]
    half = on("co_locate", share=0.5)
    assert told(half, on("co_locate", "2020-06-01", share=0.4)) == ["none-fits"]
    assert not told(half, on("co_locate", "2020-06-01", share=0.6))
    assert told(close(f"P-{WEST[0]}")) == ["no-counter-left"]
    assert not told(add("community", community=WEST[0]), close(f"P-{WEST[0]}"))


def test_what_opens_after_the_last_week_is_warned_of(small_case: Case) -> None:
    first = date(2020, 1, 6)
    keys = {"community": WEST[0], "date": "2020-01-13", "weeks": None}
    for lever, weeks in (
        (add("nursery", **keys), 52),
        (add("nursery", way="rent", **keys), 8),
        ({"enlarge_facility": {
            "date": "2020-01-13", "facility": f"H-{WEST[0]}", "floor_m2": 40, "weeks": 20}}, 20),
        ({"add_station": {"date": "2020-01-13", "community": WEST[0]}}, 9),
    ):  # fmt: skip
        (late,) = problems(small_case, lever, horizon=(first, weeks + 1))
        assert late.code == "opens-late" and late.severity == "warning" and late.line
        assert not problems(small_case, lever, horizon=(first, weeks + 2))
        assert not problems(small_case, lever)


def test_car_parks_are_a_service_of_every_case(small_case: Case) -> None:
    opened = scenario(small_case, add("parking", community=WEST[0]))
    state = pull(start(small_case), opened)
    assert "a car park" in opened.describe()[0] and "停车场" in opened.describe("zh")[0]
    (line,) = state.lines.of_service("parking")
    assert state.reach.nearest[:, line].min() == 0
    before = start(small_case)
    assert public_floor(state) == public_floor(before)
    assert building(state) == pytest.approx(750 * 300 / P["cost.life"])
    (found,) = problems(small_case, add("car_park", community=WEST[0]))
    assert "parking" in found.hint and "services.csv" in found.hint


def test_a_service_of_a_cases_own_needs_a_floor(small_case: Case) -> None:
    rows = (resources.files("sim.data") / "services.csv").read_text("utf-8")
    own = rows.replace("parking,amenity", "library,amenity")
    (small_case.path / "services.csv").write_text(own, "utf-8")
    case = Case.open(small_case.path)
    (found,) = problems(case, add("library", community=WEST[0]))
    assert found.code == "no-size" and found.hint == "give floor_m2"
    opened = scenario(case, add("library", community=WEST[0], floor_m2=100))
    assert "built for 300,000 yuan" in opened.describe()[0]
    run(case, opened, WEEK + 2)  # a case need not know car parks


# ------------------------------------------------------------------------- points of new seats


def test_the_point_of_a_new_unit_is_paid_for_from_its_day(small_case: Case) -> None:
    before, opened = start(small_case), scenario(small_case, split())
    state = pull(start(small_case), opened)
    floor = P["floor.point"]
    rent = yearly_cost_of_way("rent", floor, POINT, P)
    assert building(state) - building(before) == pytest.approx(rent) and rent > 0
    assert public_floor(state) - public_floor(before) == floor
    others = {k: v for k, v in public_costs(state, 0.0, 0.0).items() if k not in ("build", "floor")}
    assert others.items() <= public_costs(before, 0.0, 0.0).items()
    assert "; 1 service point opens, 200 m2, rented for 29," in opened.describe()[0]
    assert "；新设1个服务点，200平方米，租赁，每年3.0万元。" in opened.describe("zh")[0]


def test_a_split_says_how_the_floor_of_its_point_is_got(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, split(way="build", floor_m2=400)))
    (slot,) = [i for i, name in enumerate(state.facilities.id) if name.startswith("P-N1@")]
    assert state.facilities.floor[slot] == 400
    assert state.facilities.yearly[slot] == yearly_cost_of_way("build", 400, POINT, P)
    j = state.lines.services.index("culture")
    assert state.facilities.capacity[slot, j] == default_capacity("culture", 200, 0, P)
    (found,) = problems(small_case, split(floor_m2=5.0))
    assert found.code == "too-small" and "at least 6 m2" in found.hint


def test_every_seat_without_a_counter_gets_one_that_is_paid_for(small_case: Case) -> None:
    split_in_two(small_case.path)
    state = pull(start(small_case), scenario(small_case, redraw(townships=None)))
    new = [i for i, name in enumerate(state.facilities.id) if name.startswith("P-") and "@" in name]
    assert len(new) == 1
    assert state.facilities.yearly[new] == pytest.approx(yearly_cost_of_way("rent", 200, POINT, P))


def test_a_split_has_its_former_point_back(small_case: Case) -> None:
    apart = {"split_community": {
        "date": "2020-08-03", "community": WEST[0], "parts": [
            {"id": WEST[1], "name": "西", "settlements": [f"{WEST[1]}0{n}" for n in range(1, 5)]},
            {"id": WEST[0], "name": "东"}]}}  # fmt: skip
    opened = scenario(small_case, merge(*WEST), apart)
    assert "service point opens" not in opened.describe()[1]
    before, state = start(small_case), run(small_case, opened, WEEK + 14).state
    f = state.facilities
    assert f.id == before.facilities.id and building(state) == building(before)
    assert (f.is_open(state.week) == before.facilities.is_open(before.week)).all()
    assert (f.windows == before.facilities.windows).all() and not f.kept.any()
    assert (f.hours == before.facilities.hours).all()


def test_a_point_that_was_split_off_costs_nothing_once_it_is_merged_back(small_case: Case) -> None:
    back = merge(UNITS[0], "N1", date="2020-08-03", seat=UNITS[0])
    before = building(start(small_case))
    state = run(small_case, scenario(small_case, split(), back), WEEK + 14).state
    assert building(state) == pytest.approx(before)
