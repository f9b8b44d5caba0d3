"""Claims about what is said of a scenario against another: counts by hand, words, languages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from sim.case.case import Case
from sim.case.messages import InputError
from sim.check import check
from sim.cli.main import cli
from sim.description.account import Account, Touched
from sim.description.description import Description
from sim.description.replay import carry_out
from sim.description.words import COSTS, _touched
from sim.levers.scenario import Scenario
from sim.processes.cost import yearly_cost_of_way
from tests.apart import BEGIN
from tests.cases import STREET, UNITS, write_small_case
from tests.levers import (
    DAY,
    EAST,
    WEEK,
    WEST,
    add,
    close,
    merge,
    one_township,
    pull,
    redraw,
    scenario,
    split_in_two,
    start,
    write_scenario,
)
from tests.worlds import EMPTY

MEISHAN = Path(__file__).parent.parent / "scenarios" / "meishan"
# of the small case: 60, 62, ... 90 in its sixteen settlements, four to a unit
ALL, IN_WEST, IN_SECOND = 1200, 536, 284


def described(case: Case, *levers: Mapping[str, Any], **more: Any) -> Description:
    return Description.open(write_scenario(case.path, *levers, **more))


def changes(d: Description) -> dict[str, tuple[Any, Any]]:
    """The counts that differ."""
    before, after = asdict(d.before), asdict(d.after)
    for account in (before, after):
        account |= account.pop("facilities")
        account |= {f"cost of {kind}": yuan for kind, yuan in account.pop("costs").items()}
    return {k: (v, after[k]) for k, v in before.items() if v != after[k]}


def test_a_merger_is_counted_as_by_hand(small_case: Case) -> None:
    d = described(small_case, merge())
    assert changes(d) == {
        "communities": (2, 1),
        "points": (4, 3),
        "floor": (4520.0, 4220.0),  # counter and culture room of the second seat, 200 and 100 m2
        "cost of floor": (4520 * 15 * 12, 4220 * 15 * 12),
        "merging_cost": (0.0, 50_000.0),
        "government": (6, 5),
        "community": (4, 3),
        "culture": (4, 3),
    }
    # all in the west belong to another unit; those of the second have lost their counter
    assert d.touched == Touched(ALL, IN_WEST, IN_WEST, 0, IN_SECOND, IN_SECOND)


def test_a_point_that_is_kept_is_counted_and_nobody_has_farther_to_go(small_case: Case) -> None:
    d = described(small_case, merge(service_points="keep"))
    assert changes(d) == {
        "communities": (2, 1), "kept_points": (0, 1), "merging_cost": (0.0, 50_000.0),
    }  # fmt: skip
    assert (d.touched.unit, d.touched.counter, d.touched.farther) == (IN_WEST, 0, 0)


def test_households_of_another_township_are_counted(small_case: Case) -> None:
    one_township(small_case.path)
    d = described(small_case, redraw(township_points="close"))
    assert (d.before.townships, d.after.townships) == (2, 1)
    assert (d.before.centres, d.after.centres) == (2, 1)
    east = ALL - IN_WEST
    assert d.touched == Touched(ALL, east, 0, east, east, east)


def test_a_division_adds_a_unit_and_moves_its_households_only(small_case: Case) -> None:
    split_in_two(small_case.path)
    d = described(small_case, {"redraw_communities": {
        "date": DAY, "lineage": "reform_lineage.csv", "units": "reform_units.csv"}})  # fmt: skip
    assert (d.before.communities, d.after.communities) == (2, 3)
    assert d.touched.unit == d.touched.any == 60 + 62 + 64 + 66


def test_facilities_and_money_are_counted(small_case: Case) -> None:
    lever = add("elder_care", "elder_meals", community=EAST[0], floor_m2=100, way="rent")
    d = described(small_case, lever, close(f"C-{WEST[0]}"))
    found = changes(d)
    assert found["elder_care"] == (1, 2) and found["culture"] == (4, 3)
    assert "floor" not in found  # 100 m2 more, 100 m2 less
    rent = yearly_cost_of_way("rent", 100, ["elder_care", "elder_meals"], small_case.parameters)
    assert found["cost of build"] == (0.0, pytest.approx(rent))
    assert d.touched.any == 0


def test_staff_cut_to_a_floor_are_counted(small_case: Case) -> None:
    d = described(small_case, merge(staff={"floor_per_10000": 18}))
    west = 18 * 3 * IN_WEST / 10_000  # of 12 posts as many as the floor asks
    assert d.before.staff - d.after.staff == 12 - -(-west // 1)
    assert d.after.costs["staff"] < d.before.costs["staff"]


def test_counts_at_the_start_are_those_that_a_check_finds(small_case: Case) -> None:
    (state,) = carry_out(small_case, [()])
    found, counts = Account.of(state), check(small_case.path).counts
    assert (found.communities, found.villages) == (
        counts["communities (community)"], counts["communities (village)"],
    )  # fmt: skip
    assert found.staff + found.centre_staff == counts["staff"]
    assert {f"  with {s}": n for s, n in found.facilities.items() if n} == {
        name: n for name, n in counts.items() if name.startswith("  with")
    }


@pytest.mark.parametrize("points", ["close", "keep", {"keep_share": 0.5}])
def test_levers_come_to_the_same_with_households_and_without(small_case: Case, points: Any) -> None:
    opened = scenario(
        small_case, redraw(service_points=points, township_points=points),
        add("health", where={"kind": "village"}),
    )  # fmt: skip
    (counted,) = carry_out(small_case, [opened.levers])
    lived_in = pull(start(small_case), opened)
    assert counted.week == lived_in.week == WEEK
    assert Account.of(counted) == Account.of(lived_in)
    assert Touched.between(counted, lived_in).any == 0


def test_stations_by_the_rule_are_counted_as_they_open_in_a_run(small_case: Case) -> None:
    rule = {"date": DAY, "radius_m": 1000.0, "least_persons": 300.0}
    opened = scenario(small_case, {"add_station": rule})
    (counted,) = carry_out(small_case, [opened.levers])
    lived_in = pull(start(small_case), opened)
    there = [x.facilities.settlement[x.facilities.station].tolist() for x in (counted, lived_in)]
    assert there[0] == there[1] != []
    assert counted.census.present.sum() == pytest.approx(lived_in.census.present.sum(), rel=0.02)
    d = described(small_case, {"add_station": rule})
    assert d.after.centres == d.before.centres
    assert (d.before.stations, d.after.stations) == (0, len(there[0]))
    count = len(there[0])
    some = "1 service station" if count == 1 else f"{count} service stations"
    assert f"{some} of townships instead of 0." in d.to_text("en")
    assert f"乡镇（街道）政务服务站由0个变为{count}个" in d.to_text("zh")
    assert "township centre" in d.to_text("en").split("As before")[1]  # they are no stations


@pytest.mark.parametrize(
    ("number", "units", "said"),
    [
        (1, WEST[:1], "1 post of {} goes to 1 community."),
        (2, WEST[:1], "2 posts of {} go to 1 community."),
        (1, WEST, "2 posts of {} go to 2 communities, 1 each."),
    ],
)
def test_verbs_go_with_the_number_of_posts(small_case, number, units, said) -> None:
    lever = {"move_staff": {"date": DAY, "from": STREET, "to": list(units), "number": number}}
    names = small_case.townships.set_index("id")["name"]
    assert said.format(f"{names[STREET]} ({STREET})") in described(small_case, lever).to_text("en")


@pytest.mark.parametrize("points", ["keep", "close"])
@pytest.mark.parametrize("closed", [(), ("P",), ("C",), ("P", "C")])
def test_a_point_closed_before_a_merger_is_neither_kept_nor_closed_by_it(
    small_case: Case, points: str, closed: tuple[str, ...]
) -> None:
    """What is said of a merger's points are counters, as many as are open after it when kept."""
    gone = [close(f"{letter}-{WEST[1]}", date=BEGIN) for letter in closed]
    d = described(small_case, *gone, merge(*WEST, service_points=points))
    said = d.to_text("en")
    if "P" in closed:
        assert "no service points lie outside the new seats" in said
        assert d.after.kept_points == 0
    else:
        verb = "stays open with fewer hours" if points == "keep" else "closes"
        assert f"1 service point outside the new seats {verb}" in said
        assert d.after.kept_points == (points == "keep")


def test_one_household_is_touched_and_two_are() -> None:
    one = next(_touched(Touched(9, 1, 1, 1, 1, 0), "en"))
    assert one.startswith("1 of 9 households (11%) is touched: 1 lives in")
    assert "1 belongs to" in one and "1 has the nearest" in one
    two = next(_touched(Touched(9, 2, 2, 2, 2, 0), "en"))
    assert "are touched: 2 live in" in two and "2 belong to" in two and "2 have the" in two


def test_every_kind_of_cost_has_words(small_case: Case) -> None:
    (state,) = carry_out(small_case, [()])
    assert set(COSTS) == set(Account.of(state).costs)


def test_a_scenario_is_told_against_its_base_unless_another_is_named(small_case: Case) -> None:
    write_scenario(small_case.path, merge(*WEST), name="west")
    both = write_scenario(small_case.path, merge(*EAST), name="both", base="west.yaml")
    assert Description.open(both).to_json("en")["against"] == "west"
    assert (Description.open(both).before.communities, Description.open(both).after.villages) == (
        1, 1,
    )  # fmt: skip
    empty = write_scenario(small_case.path, name="empty")
    d = Description.open(both, empty)
    assert (d.before.communities, d.after.communities) == (2, 1)


def test_two_scenarios_are_told_in_the_week_in_which_both_are_done(small_case: Case) -> None:
    late = write_scenario(small_case.path, add("health", community=UNITS[0], date="2021-01-04"))
    early = write_scenario(small_case.path, merge(), name="early")
    there, back = Description.open(late, early), Description.open(early, late)
    assert there.before == back.after and there.after == back.before
    assert there.before.facilities["health"] == 6 and there.after.facilities["health"] == 7


def test_nothing_differs_from_itself(small_case: Case) -> None:
    path = write_scenario(small_case.path, merge())
    twin = write_scenario(small_case.path, merge(), name="twin")
    for other in (path, twin):
        d = Description.open(path, other)
        assert d.same and not changes(d) and d.touched.any == 0
        assert d.to_text("en").endswith(f"Nothing differs from {other.stem} (A scenario).\n")
        assert d.to_text("zh").endswith(f"与{other.stem}（方案）没有任何差别。\n")


def test_a_lever_that_moves_nothing_that_is_counted_is_not_called_no_difference(
    small_case: Case,
) -> None:
    d = described(small_case, {"online_service": {"date": DAY}})
    assert not d.same and not changes(d)
    assert "what differs is said above" in d.to_text("en")
    assert "差别见上文" in d.to_text("zh")


def test_the_words_are_these(small_case: Case) -> None:
    d = described(small_case, merge(name="大东社区"))
    assert d.to_text("en").splitlines()[3:] == [
        "Against the case before any lever, once all this is done:",
        "  4 communities and villages become 3: 1 community instead of 2.",
        "  536 of 1,200 households (45%) are touched: 536 live in a community or village that "
        "changes and 284 have the nearest counter for some matters elsewhere, 284 of them farther "
        "away on average.",
        "  4,220 square metres of public floor instead of 4,520.",
        "  3 service points of communities and villages instead of 4.",
        "  The public pays 54,000 yuan less a year for running public buildings.",
        "  Once: 50,000 yuan more for merging.",
        "  Facilities by service, before and after:",
        "    government matters       6       5      -1",
        "    community affairs        4       3      -1",
        "    culture                  4       3      -1",
        "  As before: 2 villages, 2 townships, 16 residents' groups, 2 township centres, "
        "20 posts in communities and villages and 4 posts in townships.",
    ]
    assert d.to_text("zh").splitlines()[3:] == [
        "与采取措施之前的现状相比，全部落实后：",
        "  社区（村）由4个变为3个：社区由2个变为1个。",
        "  1,200户中有536户（45%）受影响：536户所在社区（村）变更，284户有事项的最近办事窗口改变，"
        "其中284户变远。",
        "  公共服务用房由4,520平方米变为4,220平方米。",
        "  社区（村）服务点由4个变为3个。",
        "  用房运行每年减少5.4万元。",
        "  合并的一次性支出增加5.0万元。",
        "  各类服务设施数（此前、此后、增减）：",
        "    政务服务       6       5      -1",
        "    社区事务       4       3      -1",
        "    文化活动       4       3      -1",
        "  不变：村2个、乡镇（街道）2个、居民小组16个、乡镇（街道）便民服务中心2个、"
        "社区（村）工作岗位20个、乡镇（街道）工作岗位4个。",
    ]


def test_a_scenario_of_another_case_is_refused(small_case: Case, tmp_path: Path) -> None:
    other = write_scenario(write_small_case(tmp_path / "other"), name="other")
    with pytest.raises(InputError) as caught:
        Description.open(write_scenario(small_case.path, merge()), other)
    (problem,) = caught.value.problems
    assert problem.code == "other-case" and problem.path == other


def test_the_command_prints_words_or_json(small_case: Case) -> None:
    path = write_scenario(small_case.path, merge())
    words = CliRunner().invoke(cli, ["describe", str(path), "--lang", "zh"])
    assert words.exit_code == 0 and "社区由2个变为1个" in words.stdout
    done = CliRunner().invoke(cli, ["describe", str(path), "--against", str(path), "--json"])
    data = json.loads(done.stdout)
    assert data["same"] and data["before"] == data["after"] and data["households"]["any"] == 0


@pytest.fixture(scope="module")
def city() -> Case:
    return Case.open(MEISHAN)


def test_the_reform_of_the_shipped_case_has_the_published_counts(city: Case) -> None:
    opened = [Scenario.open(MEISHAN / f"{n}.yaml", city) for n in ("reform", "reform-keep-points")]
    before, closed, kept = carry_out(city, [(), *(s.levers for s in opened)])
    was, now, keeps = Account.of(before), Account.of(closed), Account.of(kept)
    assert (was.units, was.communities, was.villages, was.townships) == (1363, 313, 1050, 131)
    assert (now.units, now.communities, now.villages, now.townships) == (847, 337, 510, 80)
    assert (now.points, now.kept_points) == (847, 0) and now.centres == 80
    assert keeps.points == 847 + keeps.kept_points and keeps.staff == was.staff
    touched = Touched.between(before, closed)
    assert touched.households == city.settlements["households"].sum()
    assert Touched.between(before, kept).farther < touched.farther < touched.unit


def test_who_finds_a_counter_elsewhere_when_matters_are_routed(small_case: Case) -> None:
    """By hand: nobody while shares stay; everybody when a share moves from point to centre, and of
    those the ones who have the centre farther than the point go farther."""
    usual = small_case.parameters["needs.township_tier"]
    for upper in (usual, 0.9):
        shares = {"community": 1 - upper, "station": upper}
        routed = scenario(small_case, {"route_matters": {"date": BEGIN, "shares": shares}})
        before, after = (pull(start(small_case), s) for s in (EMPTY, routed))
        touched = Touched.between(before, after)
        lines = before.lines.of_service("government")[:2]
        point, centre = before.reach.nearest[:, lines].T
        slot = before.reach.slot[:, lines, 0]
        f, households = before.facilities, before.census.households
        apart = (f.x[slot[:, 0]] != f.x[slot[:, 1]]) | (f.y[slot[:, 0]] != f.y[slot[:, 1]])
        there = apart & (upper != usual)
        assert touched.counter == households[there].sum()
        assert touched.farther == households[there & (centre > point)].sum()
