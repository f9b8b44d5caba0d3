"""Claims about levers on facilities: what each changes, in which direction, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.case.case import Case
from sim.case.messages import InputError
from sim.description.account import Account, Touched
from sim.description.replay import carry_out
from sim.levers.scenario import Scenario
from sim.model import simulate
from sim.outcomes.access import SIX_BASICS, Distances
from sim.outcomes.compliance import Area, service_floor
from sim.outcomes.recorder import Record
from sim.processes.cost import WAYS, yearly_cost_of_street, yearly_cost_of_way
from sim.processes.learning import REFUSED
from sim.world.facilities import MARKET
from sim.world.ledger import CLASS
from sim.world.services import EVERYONE
from sim.world.state import State
from sim.world.supply import standard_floor
from sim.world.travel import Pace
from sim.world.world import World
from tests.cases import STREET, TOWN, UNITS, read_rows, write_streets, write_table
from tests.levers import (
    DAY,
    EAST,
    START,
    WEEK,
    WEST,
    add,
    change,
    close,
    is_open,
    merge,
    one_street,
    pull,
    redraw,
    run,
    scenario,
    start,
)
from tests.worlds import EMPTY

LATER = "2020-06-15"
MEISHAN = Path(__file__).parent.parent / "scenarios" / "meishan"


def lever(kind: str, **keys: Any) -> dict[str, Any]:
    return {kind: {"date": DAY, **keys}}


def slot_of(state: State, facility: str) -> int:
    return state.facilities.id.index(facility)


def room(state: State, facility: str, service: str) -> float:
    j = state.lines.services.index(service)
    return float(state.facilities.capacity[slot_of(state, facility), j])


def added(state: State, letter: str = "A") -> list[int]:
    return [i for i, name in enumerate(state.facilities.id) if name.startswith(f"{letter}-2")]


def units_with(state: State, slots: list[int]) -> list[str]:
    b = state.boundaries
    return [b.units[u].id for u in b.unit_of[state.facilities.settlement[slots]]]


def codes(case: Case, *levers: dict[str, Any]) -> list[str]:
    with pytest.raises(InputError) as caught:
        scenario(case, *levers)
    return [p.code for p in caught.value.problems if p.severity == "error"]


def fault(case: Case, *levers: dict[str, Any]) -> str:
    """The one error of these levers, with its hint."""
    with pytest.raises(InputError) as caught:
        scenario(case, *levers)
    (found,) = [p for p in caught.value.problems if p.severity == "error"]
    assert found.line and found.path
    return f"{found.code}: {found.message}; {found.hint}"


def costs(case: Case, opened: Scenario, weeks: int) -> dict[str, list[float]]:
    """Yuan a year and head by kind, week by week."""
    records = simulate(
        World.of(case, case.parameters), opened, EMPTY, parameters=case.parameters, start=START,
        weeks=weeks, seed=1, replicate=0, record=Record(1, weeks, weeks),
    )  # fmt: skip
    table = records.outcomes[records.outcomes["group"] == "all"]
    mine = table[table["outcome"].astype(str).str.startswith("cost.")]
    return {
        str(name).split(".")[1]: rows["value"].tolist()
        for name, rows in mine.groupby("outcome", observed=True)
    }


def changed(one: State, two: State) -> set[str]:
    """Columns of facilities, offices, workers, boundaries and policies that differ in any bit;
    rows added at the end count as `new`."""
    out = set()
    for name in ("facilities", "offices", "workers", "policies", "boundaries"):
        a, b = getattr(one, name), getattr(two, name)
        for f in fields(a):
            x, y = getattr(a, f.name), getattr(b, f.name)
            if len(y) > len(x):
                out.add(f"new {name}")
            same = (
                np.array_equal(x, y[: len(x)], equal_nan=x.dtype.kind == "f")
                if isinstance(x, np.ndarray)
                else x == y[: len(x)]
            )
            if not same:
                out.add(f.name)
    if two.streets is not None and len(two.streets.edges) != len(one.streets.edges):
        out.add("streets")
    return out


# --------------------------------------------------------------------------------- nothing else


H, C, P, SPORT = f"H-{WEST[0]}", f"C-{WEST[0]}", f"P-{WEST[0]}", f"B-{WEST[0]}"
REACH = {
    "add": (add("shop", community=WEST[0]), {"new facilities"}),
    "programme": (
        lever("add_programme", services=["nursery"], where={"count": 2}, way="share",
              batches={"number": 2, "weeks": 1}),
        {"new facilities"},
    ),
    "floor": (
        lever("enlarge_facility", facility=H, floor_m2=40, weeks=0),
        {"floor", "capacity", "yearly"},
    ),
    "room": (
        lever("enlarge_facility", facility=H, capacity=40, way="rent", weeks=0),
        {"floor", "capacity", "yearly"},
    ),
    "desk to hall": (lever("co_locate", share=0.5), {"given", "capacity"}),
    "units": (
        lever("open_unit_facility", services=["sports"], settlement=f"{WEST[0]}04"),
        {"new facilities"},
    ),
    "unit": (
        lever("open_unit_facility", facilities=[SPORT]), {"open_to", "reward"},
    ),
    "doctor": (
        lever("extend_hours", facilities=[H], hours_week=60), {"hours", "capacity"},
    ),
    "counter": (
        lever("extend_hours", facilities=[P], hours_week=45),
        {"hours", "extra_hours", "office_hours"},
    ),
    "counter in office hours": (
        lever("extend_hours", facilities=[P], hours_week=45, evenings=False),
        {"hours", "extra_hours"},
    ),
    "places": (
        lever("extend_hours", services=["nursery"], hours_week=60), {"hours"},
    ),
    "street": (lever("open_street", **{"from": "n30", "to": "n31"}), {"streets"}),
}  # fmt: skip


@pytest.fixture
def town(small_case_dir: Path) -> Case:
    """The small case with streets, and a sports ground open to its own community only."""
    write_streets(small_case_dir)
    change(small_case_dir, "facilities", SPORT, open_to="community")
    return Case.open(small_case_dir)


@pytest.mark.parametrize("name", REACH)
def test_a_lever_changes_its_own_columns_and_no_other(town: Case, name: str) -> None:
    text, expected = REACH[name]
    before = start(town)
    opened = scenario(town, text)
    after = start(town)
    opened.levers[0].apply(after)
    assert changed(before, after) == expected
    assert after.ledger.age.sum() == before.ledger.age.sum()
    run(town, opened, WEEK + 8)  # conserves in every week


@pytest.mark.parametrize("name", REACH)
def test_a_lever_says_what_it_does_in_two_languages_and_opens_again_as_it_was(
    town: Case, name: str
) -> None:
    opened = scenario(town, REACH[name][0])
    for lang in ("en", "zh"):
        for said in opened.describe(lang):
            assert said.startswith("2020-05-") and "None" not in said and "9999-" not in said
    path = town.path / "copy.yaml"
    path.write_text(opened.resolved(), "utf-8")
    assert Scenario.open(path, town).digest == opened.digest


# ------------------------------------------------------------------------------- building time


def test_a_facility_opens_when_it_is_built_and_both_days_are_said(small_case: Case) -> None:
    opened = scenario(small_case, add("culture", settlement=f"{EAST[1]}04", way="rent", weeks=None))
    weeks = int(small_case.parameters["building.rent"])
    said = opened.describe()[0]
    assert "is decided" in said
    assert said.endswith("250 m2, rented for 39,600 yuan a year; it opens on 2020-07-13.")
    assert "；250平方米，租赁，每年4.0万元）" in opened.describe("zh")[0]
    assert "决定在" in opened.describe("zh")[0] and "，2020-07-13开放。" in opened.describe("zh")[0]
    line = start(small_case).lines.of_service("culture")[0]
    row = 15
    for more, near in ((0, False), (weeks, False), (weeks + 1, True)):
        state = run(small_case, opened, WEEK + more).state
        assert (state.reach.nearest[row, line] == 0) == near, more
    yearly = costs(small_case, opened, WEEK + weeks + 2)["build"]
    assert yearly[WEEK + weeks - 1] == 0 < yearly[WEEK + weeks]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_has_its_time_its_size_and_its_cost(small_case: Case, way: str) -> None:
    p = small_case.parameters
    text = add("government", "community", community=EAST[0], way=way, weeks=None)
    state = pull(start(small_case), scenario(small_case, text))
    (slot,) = added(state)
    f = state.facilities
    assert f.opened[slot] == WEEK + p[f"building.{way}"]
    assert f.floor[slot] == (800 if way == "build" else 480) == standard_floor(
        ("government", "community"), way, p)  # fmt: skip
    assert f.yearly[slot] == yearly_cost_of_way(way, f.floor[slot], ["community"], p) > 0


def test_what_is_decided_is_not_decided_again_before_it_opens(small_case: Case) -> None:
    where = {"without": "nursery", "count": 1}
    opened = scenario(
        small_case,
        add("nursery", where=where, weeks=None),
        add("nursery", where=where, weeks=None, date=LATER),
    )
    state = run(small_case, opened, WEEK + 6).state
    assert len(set(units_with(state, added(state)))) == 2
    assert [x._number for x in opened.levers] == [1, 1]


# --------------------------------------------------------------------------------- programmes


def programme(**keys: Any) -> dict[str, Any]:
    plain = {"services": ["nursery"], "way": "share", "batches": {"number": 2, "weeks": 4}}
    return lever("add_programme", **plain | keys)


def test_a_programme_goes_down_its_ranking_and_gives_nobody_two(small_case: Case) -> None:
    opened = scenario(small_case, programme(where={"count": 3}))
    assert [str(x.date) for x in opened.levers] == [DAY, LATER]
    state = run(small_case, opened, WEEK + 8).state
    new = added(state, "G")
    assert units_with(state, new) == [UNITS[3], UNITS[2], UNITS[1]]
    assert state.facilities.opened[new].tolist() == [WEEK + 4, WEEK + 8, WEEK + 8]
    said = opened.describe()
    assert "(batch 1 of 2): 1 facility" in said[0] and "(batch 2 of 2): 2 fac" in said[1]
    assert "第2/2批" in opened.describe("zh")[1]


def test_a_programme_without_a_count_goes_on_until_every_unit_has_it(small_case: Case) -> None:
    where = {"without": "nursery", "rank": "children"}
    for number in (2, 3, 5):
        opened = scenario(
            small_case, programme(where=where, batches={"number": number, "weeks": 2})
        )
        state = run(small_case, opened, WEEK + 12).state
        assert sorted(units_with(state, added(state, "G"))) == [UNITS[0], UNITS[2], UNITS[3]]
        assert len(added(state, "G")) == sum(x._number for x in opened.levers)


def test_a_programme_follows_a_redraw(small_case: Case) -> None:
    levers = programme(where={"count": 4}), redraw(date="2020-06-01")
    state = run(small_case, scenario(small_case, *levers), WEEK + 6).state
    # the two in the east went first; what they became has two by then, the other unit none
    assert units_with(state, added(state, "G")) == [EAST[0], EAST[0], WEST[0]]
    unsure = programme(where={"without": "culture"}, services=["culture"])
    assert "3 facil" not in scenario(small_case, unsure, redraw(date="2020-06-01")).describe()[2]


def station_floor(state: State) -> dict[str, float]:
    """m2 per 100 households of each unit, as the compliance of plans counts it."""
    area = Area(state, Distances.of(state, Pace.of(state.parameters)))
    units = zip(state.boundaries.units, service_floor(area), strict=True)
    return {u.id: float(v) for u, v in units if u.alive}


@pytest.mark.parametrize(
    "text",
    [
        add("community", where={"floor_below": 180, "rank": "floor"}, floor_m2=None),
        lever("enlarge_facility", service="community", weeks=0,
              where={"floor_below": 180, "rank": "floor"}),
    ],
)  # fmt: skip
def test_floor_is_filled_up_to_the_rule(small_case: Case, text: dict[str, Any]) -> None:
    change(small_case.path, "facilities", P, floor_m2=700)
    case = Case.open(small_case.path)
    before = station_floor(start(case))
    opened = scenario(case, text)
    state = pull(start(case), opened)
    after = station_floor(state)
    assert min(before.values()) < 180 <= min(after.values()) + 1e-9
    for unit, value in before.items():
        assert (after[unit] == value) == (value >= 180) == (unit == WEST[0])
    if "add_facility" in text:  # no station is smaller than the standard
        assert (state.facilities.floor[added(state)] >= 800).all()
        assert "missing to 180 m2" in opened.describe()[0]
        assert "每百户180平方米" in opened.describe("zh")[0]
        order = units_with(state, added(state))
        assert order == sorted(order, key=lambda u: before[u])
    else:
        assert [after[u] for u in UNITS[1:]] == pytest.approx([180] * 3)
        gap = state.facilities.floor.sum() - start(case).facilities.floor.sum()
        assert f"({gap:,.0f} m2 in all)" in opened.describe()[0]
        assert f"（共{gap:,.0f}平方米）" in opened.describe("zh")[0]
        assert opened.describe()[0].startswith("2020-05-18: 3 facilities with community affairs")
    run(case, opened, WEEK + 2)


def test_a_rule_on_floor_counts_what_is_decided_and_waits_for_a_redraw(small_case: Case) -> None:
    text = lever("enlarge_facility", service="community", where={"floor_below": 180})
    again = text["enlarge_facility"] | {"date": LATER}
    opened = scenario(small_case, text, {"enlarge_facility": again})
    state = run(small_case, opened, WEEK + 6).state
    assert len(state.works) == 4, "nothing is decided twice"
    assert [x._found[0] for x in opened.levers] == [4, 0]
    assert [w.code for w in opened.warnings] == ["none-fits"]
    said = scenario(small_case, redraw(), text).describe()[1]
    assert "in all" not in said and ": facilities with" in said


def test_a_scope_holds_for_a_rule_and_only_for_a_rule(small_case: Case) -> None:
    state = pull(start(small_case), scenario(
        small_case, add("shop", where={}, scope={"types": ["rural"]})))  # fmt: skip
    assert sorted(units_with(state, added(state))) == sorted(EAST)
    assert "bad-value" in fault(
        small_case, add("shop", community=WEST[0], scope={"types": ["rural"]})
    )
    assert "unknown-id" in fault(small_case, add("shop", where={}, scope={"counties": ["甲"]}))
    assert "bad-value" in fault(small_case, programme(where={"count": 1}))
    assert "goes by where" in fault(small_case, programme(where={}, community=WEST[0]))


def test_the_standard_of_40_m2_and_the_six_basics_is_reached_in_every_unit() -> None:
    county = Case.open(MEISHAN).scoped(counties=["青神县"])
    opened = Scenario.open(MEISHAN / "standard-40.yaml", county)
    base = pull(start(county), Scenario.open(MEISHAN / "reform-keep-points.yaml", county))
    state = pull(start(county), opened)
    assert min(station_floor(base).values()) < 40
    state.week += 26
    state.open_works()
    assert min(station_floor(state).values()) >= 40 - 1e-9
    f, alive = state.facilities, {u.id for u in state.boundaries.units if u.alive}
    for service in SIX_BASICS:
        offered = f.is_open(state.week) & f.offers[:, state.lines.services.index(service)]
        assert set(units_with(state, np.flatnonzero(offered).tolist())) == alive, service
    assert state.offices.workers.sum() == base.offices.workers.sum()
    assert np.array_equal(f.windows[: len(base.facilities)], base.facilities.windows)


# ------------------------------------------------------------------------------------ enlarging


def test_room_grows_with_floor_and_floor_with_room(small_case: Case) -> None:
    before = start(small_case)
    keys = {"facility": H, "way": "rebuild", "weeks": 0}
    one = pull(
        start(small_case), scenario(small_case, lever("enlarge_facility", floor_m2=40, **keys))
    )
    two = pull(
        start(small_case), scenario(small_case, lever("enlarge_facility", capacity=40, **keys))
    )
    slot = slot_of(before, H)
    for state in (one, two):
        assert room(state, H, "health") == pytest.approx(1.5 * room(before, H, "health"))
        assert state.facilities.floor[slot] == pytest.approx(120)
        assert state.facilities.yearly[slot] == yearly_cost_of_way(
            "rebuild", 40, ["health"], before.parameters
        )


def test_an_enlargement_opens_when_it_is_built_and_goes_with_a_branch(small_case: Case) -> None:
    text = lever("enlarge_facility", facility=H, floor_m2=40, way="rent")
    opened = scenario(small_case, text)
    assert (
        "from 2020-07-13." in opened.describe()[0] and "2020-07-13启用" in opened.describe("zh")[0]
    )
    model = run(small_case, opened, WEEK + 8)
    twin = model.branch(opened)
    for m in (model, twin):
        assert room(m.state, H, "health") == 80
        m.step()
        assert room(m.state, H, "health") == 120 and not m.state.works


def test_more_room_turns_fewer_away(small_case_dir: Path) -> None:
    for unit in UNITS:
        change(small_case_dir, "facilities", f"H-{unit}", capacity=20)
    case = Case.open(small_case_dir)

    def refused(*levers: dict[str, Any]) -> float:
        opened = scenario(case, *(close(f"TH-{t}") for t in (STREET, TOWN)), *levers)
        model, total = run(case, opened, WEEK + 1), 0.0
        for _ in range(6):
            model.step()
            total += model.now.sums[:, :, REFUSED].sum()
        return total

    assert 0 <= refused(lever("enlarge_facility", facility=H, floor_m2=400, weeks=0)) < refused()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (lever("enlarge_facility", facility="H-99990100100", floor_m2=4), "did you mean"),
        (lever("enlarge_facility", facility=f"S-{WEST[0]}", capacity=4), "no-limit"),
        (lever("enlarge_facility", facility=H), "one of them"),
        (lever("enlarge_facility", floor_m2=4), "with facility, or"),
        (lever("enlarge_facility", facility=H, floor_m2=4, scope={}), "go with where"),
        (lever("enlarge_facility", service="culture", where={"floor_below": 9}), "one of them"),
        (lever("enlarge_facility", service="cultur", where={}, floor_m2=4), "'culture'"),
        (lever("enlarge_facility", service="shop", where={}, capacity=4), "no-limit"),
        (lever("enlarge_facility", facility=H, floor_m2=4, capacity=3), "one of them"),
        (lever("enlarge_facility", facility=H, floor_m2=4, way="beg"), "leaseback"),
    ],
)
def test_wrong_enlargements_are_refused(small_case: Case, text: dict[str, Any], said: str) -> None:
    assert said in fault(small_case, text)


def test_what_is_closed_is_not_enlarged_nor_opened_longer(small_case: Case) -> None:
    for text in (
        lever("enlarge_facility", facility=H, floor_m2=4),
        lever("extend_hours", facilities=[H], hours_week=60),
    ):
        assert "closed-already" in fault(small_case, close(H, date="2020-02-03"), text)


# ---------------------------------------------------------------------------- points of old seats


def keep(**keys: Any) -> dict[str, Any]:
    return lever("keep_service_points", **keys)


def test_points_kept_afterwards_are_those_that_a_redraw_keeps(small_case: Case) -> None:
    kept = pull(start(small_case), scenario(small_case, redraw(service_points="keep"))).facilities
    late = pull(start(small_case), scenario(small_case, redraw(), keep())).facilities
    for f in fields(kept):
        a, b = getattr(kept, f.name), getattr(late, f.name)
        assert np.array_equal(a, b), f.name


def test_a_share_keeps_those_of_the_largest_units_and_a_scope_those_inside(
    small_case: Case,
) -> None:
    half = pull(start(small_case), scenario(small_case, redraw(), keep(share=0.5)))
    assert is_open(half, f"P-{UNITS[3]}") and not is_open(half, f"P-{UNITS[1]}")
    west = keep(scope={"counties": ["甲区"]})
    state = pull(start(small_case), scenario(small_case, redraw(), west))
    assert is_open(state, f"P-{UNITS[1]}") and not is_open(state, f"P-{UNITS[3]}")
    opened = scenario(small_case, redraw(), keep(share=0.5))
    assert "1 closed point of former seats opens again" in opened.describe()[1]
    assert "1个服务点" in opened.describe("zh")[1]


def test_points_come_back_in_waves_a_pilot_or_a_ramp(small_case: Case) -> None:
    for steps in (
        {"waves": {"number": 2, "weeks": 4}},
        {"pilot": {"counties": ["甲区"], "weeks": 4}},
        {"ramp": {"weeks": 4, "steps": 2}},
    ):
        opened = scenario(small_case, redraw(), keep(**steps))
        states = [run(small_case, opened, WEEK + n).state for n in (2, 6)]
        number = [sum(is_open(s, f"P-{u}") for u in (UNITS[1], UNITS[3])) for s in states]
        assert number == [1, 2], steps
        assert not states[1].facilities.ended.any()


def test_what_a_planner_closed_stays_closed_and_a_house_of_several_comes_back_whole(
    small_case_dir: Path,
) -> None:
    name = f"P-{WEST[1]}"
    change(small_case_dir, "facilities", name, services="government;community;health")
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, merge(), keep()))
    offered = state.facilities.offers[slot_of(state, name)]
    assert offered.sum() == 3 and state.facilities.windows[slot_of(state, name)] == 1
    state = pull(start(case), scenario(
        case, merge(), close(f"C-{WEST[1]}"), keep()))  # fmt: skip
    assert is_open(state, name) and not is_open(state, f"C-{WEST[1]}")


def test_points_need_a_redraw_before_them(small_case: Case) -> None:
    assert "nothing-redrawn" in fault(small_case, keep())
    assert "nothing-redrawn" in fault(small_case, keep(), redraw(date=LATER))
    opened = scenario(small_case, redraw(service_points="keep"), keep())
    assert [w.code for w in opened.warnings if w.code != "size-band"] == ["none-fits"]


def test_a_point_kept_late_survives_the_next_merger(small_case_dir: Path) -> None:
    one_street(small_case_dir)
    case = Case.open(small_case_dir)
    after = merge(WEST[0], EAST[0], date="2020-07-13", service_points="keep")
    state = run(case, scenario(case, merge(), keep(date=LATER), after), WEEK + 12).state
    f, slot = state.facilities, slot_of(state, f"P-{WEST[1]}")
    assert is_open(state, f"P-{WEST[1]}") and f.kept[slot] and f.hours[slot] == 15


# ------------------------------------------------------------------------------- office floor


def test_office_floor_given_to_activities_is_floor_of_the_house(small_case: Case) -> None:
    before = start(small_case)
    p = before.parameters
    state = pull(start(small_case), scenario(small_case, lever("co_locate", share=0.5)))
    f, g = before.facilities, state.facilities
    assert f.office_floor[slot_of(before, P)] == 160
    more = np.floor(80 / p["supply.culture_m2"]) * p["supply.culture_sessions"]
    assert room(state, C, "culture") == room(before, C, "culture") + more
    assert np.array_equal(f.floor, g.floor) and np.array_equal(f.yearly, g.yearly)
    names = state.lines.services
    assert np.array_equal(f.public_floor(names), g.public_floor(names))


def test_in_steps_as_much_is_given_and_nothing_twice(small_case: Case) -> None:
    ways = (
        [lever("co_locate", share=0.5)],
        [lever("co_locate", share=0.5, ramp={"weeks": 6, "steps": 3})],
        [lever("co_locate", share=0.5), lever("co_locate", share=0.4, date=LATER)],
    )
    rooms = []
    for levers in ways:
        state = run(small_case, scenario(small_case, *levers), WEEK + 10).state
        rooms.append([room(state, f"C-{u}", "culture") for u in UNITS])
    assert rooms[0] == rooms[1] == rooms[2]


def test_without_a_culture_room_the_counter_house_offers_culture_to_its_own(
    small_case: Case,
) -> None:
    levers = close(C), lever("co_locate", share=0.5, scope={"communities": [WEST[0]]})
    state = pull(start(small_case), scenario(small_case, *levers))
    j = state.lines.services.index("culture")
    slot = slot_of(state, P)
    assert state.facilities.offers[slot, j] and 0 < state.facilities.capacity[slot, j] < np.inf
    run(small_case, scenario(small_case, *levers, merge(date=LATER)), WEEK + 8)


def test_a_kept_point_gives_room_for_its_hours_only(small_case: Case) -> None:
    def gain(*levers: dict[str, Any]) -> float:
        plain = pull(start(small_case), scenario(small_case, *levers))
        given = pull(start(small_case), scenario(
            small_case, *levers, lever("co_locate", share=1.0)))  # fmt: skip
        name = f"C-{WEST[1]}"
        return room(given, name, "culture") - room(plain, name, "culture")

    p = small_case.parameters
    kept = gain(merge(service_points="keep"))
    assert kept == pytest.approx(gain() * p["counter.kept_hours"] / p["counter.hours"])
    assert gain(merge()) == 0, "a closed point gives nothing"


# --------------------------------------------------------------------------- residents' units


def test_what_units_open_is_near_and_costs_its_reward_only(small_case: Case) -> None:
    text = lever("open_unit_facility", services=["culture"], where={"count": 2}, reward=9000)
    opened = scenario(small_case, text)
    state = pull(start(small_case), opened)
    new = added(state, "U")
    f = state.facilities
    assert (f.operator[new] == MARKET).all() and (f.open_to[new] == EVERYONE).all()
    assert (f.opened[new] == WEEK).all() and (f.yearly[new] == 0).all()
    assert f.public_floor(state.lines.services)[new].sum() == 0
    paid, without = (costs(small_case, s, WEEK + 2) for s in (opened, scenario(small_case)))
    persons = start(small_case).census.registered.sum()
    assert paid["rewards"][WEEK] == pytest.approx(18_000 / persons)
    assert paid["rewards"][WEEK - 1] == 0 and set(without["rewards"]) == {0}
    for kind in ("staff", "floor", "build"):
        assert paid[kind] == without[kind]
    assert "9,000 yuan a year each" in opened.describe()[0]
    assert "每处每年奖补9000元" in opened.describe("zh")[0].replace(",", "")


def test_a_ground_of_one_community_is_opened_to_all(town: Case) -> None:
    before = start(town)
    opened = scenario(town, lever("open_unit_facility", facilities=[SPORT]))
    state = pull(start(town), opened)
    line = state.lines.of_service("sports")[0]
    old, new = (s.reach.nearest[:, line] for s in (before, state))
    assert (new <= old).all() and (new < old).any()
    assert state.facilities.reward.sum() == town.parameters["cost.unit_reward"]
    for name in (x.service for x in state.lines.all if x.service != "sports"):
        rows = state.lines.of_service(name)
        assert np.array_equal(before.reach.nearest[:, rows], state.reach.nearest[:, rows])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"facilities": [f"B-{WEST[1]}"]}, "open-already"),
        ({"facilities": [P]}, "no-counter"),
        ({"facilities": ["B-99990100100"]}, "did you mean"),
        ({"services": ["government"], "community": WEST[0]}, "no-counter"),
        ({"services": ["sport"], "community": WEST[0]}, "'sports'"),
        ({"services": ["sports"]}, "exactly one of"),
        ({"services": ["sports"], "facilities": [SPORT]}, "which"),
        ({"facilities": [SPORT], "floor_m2": 5}, "keep their"),
        ({"facilities": [SPORT], "reward": -1}, "greater than"),
    ],
)
def test_wrong_openings_are_refused(town: Case, keys: dict[str, Any], said: str) -> None:
    assert said in fault(town, lever("open_unit_facility", **keys))


# ----------------------------------------------------------------------------------- longer hours


def longer(hours: float = 50, **keys: Any) -> dict[str, Any]:
    return lever("extend_hours", hours_week=hours, **keys)


def test_rooms_and_doctors_take_in_more_visits_in_proportion_to_hours(small_case: Case) -> None:
    before = start(small_case)
    services = ["health", "culture", "elder_care"]
    state = pull(start(small_case), scenario(small_case, longer(60, services=services)))
    assert room(state, H, "health") == pytest.approx(80 * 60 / 45)
    assert room(state, C, "culture") == pytest.approx(room(before, C, "culture") * 60 / 40)
    care = f"E-{WEST[0]}"
    assert room(state, care, "elder_care") == room(before, care, "elder_care")
    assert room(state, care, "elder_meals") == pytest.approx(
        1.5 * room(before, care, "elder_meals")
    )
    f = state.facilities
    shop = slot_of(state, f"S-{WEST[0]}")
    assert f.hours[shop] == 84, "who is open longer is left alone"


def test_steps_reach_the_same_hours_and_room(small_case: Case) -> None:
    once = scenario(small_case, longer(60, services=["health"]))
    slow = scenario(small_case, longer(60, services=["health"], ramp={"weeks": 6, "steps": 4}))
    a, b = (run(small_case, s, WEEK + 8).state for s in (once, slow))
    for name in ("hours", "capacity"):
        np.testing.assert_allclose(getattr(a.facilities, name), getattr(b.facilities, name))
    half = run(small_case, slow, WEEK + 3).state.facilities
    assert half.hours[slot_of(a, H)] == pytest.approx(45 + 15 / 2)
    assert "50% of the way" in slow.describe()[1] and "50%" in slow.describe("zh")[1]


def test_a_counter_open_longer_binds_its_staff(small_case: Case) -> None:
    opened = scenario(small_case, longer(50, facilities=[f"P-{EAST[0]}"]))
    plain, late = run(small_case, scenario(small_case), WEEK + 4), run(small_case, opened, WEEK + 4)
    hours = [m.state.ledger.done[:, CLASS["counter"]] for m in (plain, late)]
    office = 2
    more = hours[1] - hours[0]
    assert 10 < more[office] <= 15, "15 hours at one window, less what is done in them"
    assert np.abs(np.delete(more, office)).max() < 1
    p, f = late.state.parameters, late.state.facilities
    slot = slot_of(late.state, f"P-{EAST[0]}")
    assert f.extra_hours[slot] == 15 and not f.office_hours[slot]
    assert p["counter.hours"] + 15 == f.hours[slot]


def test_evenings_bring_those_who_work(small_case_dir: Path) -> None:
    change(small_case_dir, "facilities", C, office_hours_only=1)
    case = Case.open(small_case_dir)

    def came(text: dict[str, Any]) -> float:
        model, total = run(case, scenario(case, text), WEEK), 0.0
        for _ in range(10):
            model.step()
            total += model.now.matters[slot_of(model.state, C)].sum()
        return total

    assert came(longer(50, facilities=[C])) > came(longer(50, facilities=[C], evenings=False))


def test_a_seat_keeps_its_longer_hours_in_a_merger_and_a_kept_point_does_not(
    small_case: Case,
) -> None:
    levers = longer(50, services=["community"]), merge(date=LATER, service_points="keep")
    f = run(small_case, scenario(small_case, *levers), WEEK + 6).state
    main, other = (slot_of(f, f"P-{u}") for u in WEST)
    assert f.facilities.hours[[main, other]].tolist() == [50, 15]
    assert f.facilities.extra_hours[[main, other]].tolist() == [15, 0]


def test_hours_know_how_many_they_touch_unless_a_redraw_makes_it_unsure(small_case: Case) -> None:
    text = longer(60, services=["culture"])
    assert "4 facilities with culture open 60 hours" in scenario(small_case, text).describe()[0]
    assert "4处设施（文化活动）每周开放60小时" in scenario(small_case, text).describe("zh")[0]
    said = scenario(small_case, redraw(), text).describe()[1]
    assert ") facilities with culture open" in said
    west = longer(60, services=["health"], scope={"types": ["urban"]})
    assert "3 facilities" in scenario(small_case, west).describe()[0]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"facilities": [f"S-{WEST[0]}"]}, "not-longer"),
        ({"facilities": ["S-99990100100"]}, "did you mean"),
        ({"services": ["shops"]}, "'shop'"),
        ({"services": ["home_care"]}, "no-place"),
        ({}, "one of them"),
        ({"hours_week": 200, "facilities": [H]}, "168"),
    ],
)
def test_wrong_hours_are_refused(small_case: Case, keys: dict[str, Any], said: str) -> None:
    assert said in fault(small_case, lever("extend_hours", **{"hours_week": 50} | keys))


# ---------------------------------------------------------------------------------------- streets


def street(start_: str, end: str, **keys: Any) -> dict[str, Any]:
    return lever("open_street", **{"from": start_, "to": end}, **keys)


def test_a_street_shortens_ways_when_it_opens_and_lengthens_none(town: Case) -> None:
    opened = scenario(town, street("n30", "n31", weeks=3))
    assert opened.describe() == [
        "2020-05-18: 1 street from n30 to n31, 500 m for 1.5 million yuan, opens on 2020-06-08."
    ]
    before, after = (run(town, opened, WEEK + n).state.reach.nearest for n in (3, 4))
    assert np.array_equal(before, start(town).reach.nearest)
    assert (after <= before + 1e-9).all() and (after < before - 1).any()
    by_kind, plain = costs(town, opened, WEEK + 5), costs(town, scenario(town), WEEK + 5)
    persons = start(town).census.registered.sum()
    cost = yearly_cost_of_street(500, town.parameters) / persons
    gap = np.subtract(by_kind["build"], plain["build"])
    assert gap[WEEK + 2] == 0 and gap[WEEK + 3] == pytest.approx(cost)


def test_streets_of_the_case_open_on_their_day(small_case_dir: Path) -> None:
    write_streets(small_case_dir)
    rows = read_rows(small_case_dir / "streets_edges.csv")
    for i, row in enumerate(rows):
        row["opened"] = "2020-02-03" if i == 0 else ""
    write_table(small_case_dir / "streets_edges.csv", rows)
    case = Case.open(small_case_dir)
    empty = scenario(case)
    early, late = (run(case, empty, weeks).state.reach.nearest for weeks in (4, 5))
    write_streets(small_case_dir)
    whole = start(Case.open(small_case_dir), 0).reach.nearest
    assert (early > late + 1).any() and np.array_equal(late, whole)


def test_a_table_of_streets_is_as_good_as_one_lever_each(town: Case) -> None:
    rows = [
        {"from": "n30", "to": "n31", "metres": 500},
        {"from": "n32", "to": "n33", "metres": 600},
    ]
    write_table(town.path / "more.csv", rows)
    one = scenario(town, lever("open_street", table="more.csv", weeks=0))
    two = scenario(town, *(street(r["from"], r["to"], metres=r["metres"], weeks=0) for r in rows))
    a, b = (pull(start(town), s) for s in (one, two))
    assert np.array_equal(a.reach.nearest, b.reach.nearest)
    assert a.yearly_of_streets == b.yearly_of_streets > 0
    assert (
        "2 streets, 1,100 m for 3.3 million yuan" in one.describe()[0]
        and "2条道路" in one.describe("zh")[0]
    )


def test_a_fast_street_is_sooner_ridden_and_no_sooner_walked(town: Case) -> None:
    def minutes(*levers: dict[str, Any]) -> np.ndarray:
        state = pull(start(town), scenario(town, *levers))
        return Distances.of(state, Pace.of(town.parameters)).minutes

    plain, fast, no_ride = (
        minutes(street("n30", "n31", weeks=0, **more))
        for more in ({}, {"speed": 1000.0}, {"speed": 0.0})
    )
    assert (fast <= plain + 1e-9).all()
    assert (no_ride >= plain - 1e-9).all()
    run(town, scenario(town, street("n30", "n31", weeks=0, speed=900.0)), WEEK + 3)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"from": "n30", "to": "n3"}, "did you mean"),
        ({"from": "n30", "to": "n30"}, "no-street"),
        ({"from": "n30", "to": "n31", "metres": 100}, "too-short"),
        ({"from": "n30"}, "with a table"),
        ({"table": "mor.csv"}, "missing-file"),
        ({"table": "../../../etc/passwd"}, "outside-case"),
        ({"table": "more.csv", "metres": 3}, "of its own"),
        ({"table": "more.csv"}, "'n99'"),
    ],
)
def test_wrong_streets_are_refused(town: Case, keys: dict[str, Any], said: str) -> None:
    write_table(town.path / "more.csv", [{"from": "n30", "to": "n99", "metres": 500}])
    assert said in fault(town, lever("open_street", **keys))


def test_a_case_without_streets_cannot_open_one(small_case: Case) -> None:
    assert "no-streets" in fault(small_case, street("n30", "n31"))


def test_a_faulty_lever_on_facilities_leaves_units_sure(small_case: Case) -> None:
    found = codes(small_case, longer(60, service=["x"]), merge("99990100100", WEST[0]))
    assert found == ["unknown-key", "unknown-id"]


# ---------------------------------------------------------------------------------- described


def test_a_description_waits_until_all_is_open(town: Case) -> None:
    opened = scenario(
        town,
        lever("enlarge_facility", facility=P, floor_m2=100, way="rebuild"),
        street("n30", "n31"),
        lever("open_unit_facility", facilities=[SPORT]),
    )
    before, after = carry_out(town, [(), opened.levers])
    old, new = Account.of(before), Account.of(after)
    assert new.floor == old.floor + 100 and not after.works
    p = town.parameters
    built = yearly_cost_of_way("rebuild", 100, ["community"], p) + yearly_cost_of_street(500, p)
    assert new.costs["build"] - old.costs["build"] == pytest.approx(built)
    assert new.costs["rewards"] == p["cost.unit_reward"]
    assert Touched.between(before, after).counter == 0


def test_an_empty_id_names_nothing(small_case: Case) -> None:
    for noun in ("community", "settlement"):
        assert f"no {noun} ''" in fault(
            small_case, lever("add_facility", services=["shop"], **{noun: ""})
        )
