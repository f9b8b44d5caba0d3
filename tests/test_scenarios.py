"""Claims about scenario files: what is refused and how it is said, and what a scenario is."""

from __future__ import annotations

import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.case.messages import InputError, Problem
from sim.cli.main import main
from sim.levers.scenario import Scenario
from tests.cases import STREET, UNITS, read_rows, write_table
from tests.levers import (
    DAY,
    EAST,
    WEST,
    add,
    change,
    close,
    cut,
    merge,
    one_street,
    one_township,
    online,
    pull,
    redraw,
    run,
    scenario,
    split_in_two,
    start,
    write_redraw,
    write_scenario,
)

ROOT = Path(__file__).parent.parent
MEISHAN = ROOT / "scenarios" / "meishan"


def faults(case: Case, *levers: Mapping[str, Any]) -> list[Problem]:
    """The errors of a scenario of these levers."""
    return faults_of(write_scenario(case.path, *levers), case)


def faults_of(path: Path, case: Case) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        Scenario.open(path, case)
    found = [p for p in caught.value.problems if p.severity == "error"]
    assert all(p.path and p.message for p in found)
    return found


def only(found: list[Problem], code: str) -> Problem:
    assert [p.code for p in found] == [code], found
    return found[0]


def text_of(problem: Problem) -> str:
    """The line of the file at which a problem points, from its column on."""
    assert problem.path and problem.line and problem.column
    return problem.path.read_text("utf-8").splitlines()[problem.line - 1][problem.column - 1 :]


# ------------------------------------------------------------------------ what a file may hold


@pytest.mark.parametrize(
    ("text", "code", "line", "said"),
    [
        ("title: [\n", "yaml-syntax", 2, "not closed"),
        ("title: {en: A, zh: 甲}\n\tbase: x\n", "yaml-syntax", 2, "tabs"),
        ("", "missing-key", 1, "title"),
        ("title: {en: A}\n", "missing-key", 1, "zh"),
        ("title: {en: A, zh: 甲}\nleevers: []\n", "unknown-key", 2, "'levers'"),
        ("title: {en: A, zh: 甲}\nlevers: 3\n", "bad-value", 2, "list"),
        ("title: {en: A, zh: 甲}\nlevers:\n  - 3\n", "bad-value", 3, "dictionary"),
        ("title: {en: A, zh: 甲}\nlevers:\n  - a: 1\n    b: 2\n", "one-lever", 3, "- "),
        ("title: {en: A, zh: 甲}\nlevers:\n  - close_facilty: {}\n", "unknown-lever", 3,
         "close_facility"),
        ("title: {en: A, zh: 甲}\nbase: befor.yaml\n", "missing-base", 2, "before.yaml"),
        ("title: {en: A, zh: 甲}\nbase: s.yaml\n", "base-loop", 2, "s.yaml -> s.yaml"),
        ("title: {en: A, zh: 甲}\nbase: ../../out.yaml\n", "outside-case", 2, "case's directory"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_scenario_is_refused_at_its_line(
    small_case: Case, text: str, code: str, line: int, said: str
) -> None:
    write_scenario(small_case.path, name="before")
    write_scenario(small_case.path.parent.parent, name="out")
    path = small_case.path / "s.yaml"
    path.write_text(text, "utf-8")
    found = only(faults_of(path, small_case), code)
    assert found.line == line and said in f"{found.message} {found.hint}", found


def test_a_missing_file_is_named_with_what_was_meant(small_case: Case) -> None:
    write_scenario(small_case.path, name="reform")
    found = only(faults_of(small_case.path / "refrom.yaml", small_case), "missing-file")
    assert "reform.yaml" in found.hint


def test_a_circle_of_bases_is_told_as_a_circle(small_case: Case) -> None:
    for name, base in (("a", "b"), ("b", "c"), ("c", "b")):
        path = write_scenario(small_case.path, name=name, base=f"{base}.yaml")
    found = only(faults_of(path.with_name("a.yaml"), small_case), "base-loop")
    assert "b.yaml -> c.yaml -> b.yaml" in found.message and found.path == path


NEAR = "did you mean"


@pytest.mark.parametrize(
    ("lever", "code", "at", "said"),
    [
        (merge(WEST[0], "99990100109"), "unknown-id", "99990100109", NEAR),
        (merge(WEST[0], WEST[1], WEST[0]), "named-twice", WEST[0], "once"),
        (merge(WEST[0], EAST[0]), "two-townships", "- ", "redraw_communities"),
        (merge(seat=EAST[0]), "seat-not-merged", EAST[0], NEAR),
        (merge(staff={"floor_per_10000": -18}), "bad-value", "-18", "greater than 0"),
        (merge(staff="kept"), "bad-value", "kept", "attrition"),
        (merge(service_points={"keep_share": 1.8}), "bad-value", "1.8", "less than"),
        (merge(service_points="some"), "bad-value", "some", "keep_share"),
        (merge(plan=[]), "unknown-key", "plan", "known here"),
        (merge(date=20200518), "bad-value", "20200518", "2020-01-31"),
        (merge(date="2020-13-01"), "bad-value", "2020-13-01", "date"),
        (merge(date="soon"), "bad-value", "soon", "date"),
        (close("H-99990100100"), "unknown-id", "H-99990100100", NEAR),
        (add("elder_car", community=WEST[0]), "unknown-id", "elder_car", "'elder_care'"),
        (add("home_care", community=WEST[0]), "no-place", "home_care", "elder_care"),
        (add("shop", "shop", community=WEST[0]), "named-twice", "shop", "once"),
        (add(community=WEST[0]), "bad-value", "[]", "at least 1"),
        (add("shop", community="99990100100"), "unknown-id", "99990100100", NEAR),
        (add("shop", settlement="9999010010010"), "unknown-id", "9999010010010", NEAR),
        (add("shop", community=999901001001), "unquoted-text", "999901001001", "quotes"),
        (add("shop"), "bad-value", "date", "exactly one of"),
        (add("shop", community=WEST[0], floor_m2=-5), "bad-value", "-5", "greater than 0"),
        (add("shop", community=WEST[0], capacity=-1), "bad-value", "-1", "greater than"),
        (add("shop", community=WEST[0], capacity=float("nan")), "bad-value", ".nan", "finite"),
        (add("shop", community=WEST[0], way="steal"), "bad-value", "steal", "'rent'"),
        (add("shop", community=WEST[0], share=2), "unknown-key", "share", NEAR),
        (add("shop", where={"without": "shops"}), "unknown-id", "shops", "'shop'"),
        (add("shop", where={"count": 0}), "bad-value", "0", "greater than"),
        (redraw(lineage="reform_lineages.csv"), "missing-file", "reform_lineages.csv", NEAR),
        (redraw(lineage="../../../etc/passwd"), "outside-case", "../", "file of the case"),
        (redraw(units=""), "missing-file", "", "beside"),
        (redraw(units="x" * 3000), "missing-file", "xxx", "beside"),
        (redraw(befor=3), "unknown-key", "befor", "known here"),
        (online(capable_share=1.2), "bad-value", "1.2", "less than"),
        (online(capable=0.5), "unknown-key", "capable", "'capable_share'"),
        (
            online(scope={"communities": [WEST[0], "99990100100"]}),
            "unknown-id",
            "99990100100",
            NEAR,
        ),
        (online(scope={"townships": ["99990100"]}), "unknown-id", "99990100", NEAR),
        (online(scope={"counties": ["甲区县"]}), "unknown-id", "甲区县", NEAR),
        (online(scope={"tipes": ["urban"]}), "unknown-key", "tipes", NEAR),
        (online(scope={"types": ["city"]}), "bad-value", "city", "'urban'"),
        (cut(tasks=-0.5), "bad-value", "-0.5", "greater than"),
        (cut(ledgers=1, evaluations=1, tasks=1, plaques=1), "bad-value", "date", "nothing is cut"),
        (cut(visits=0.5), "unknown-key", "visits", "known here"),
    ],
)
def test_a_fault_of_a_lever_is_one_message_at_its_word(
    small_case: Case, lever: dict[str, Any], code: str, at: str, said: str
) -> None:
    found = only(faults(small_case, lever), code)
    assert text_of(found).strip("'\"").startswith(at), text_of(found)
    assert said in f"{found.message} {found.hint}", found


def test_everything_is_said_at_once_in_the_order_of_lines(small_case: Case) -> None:
    found = faults(
        small_case,
        close("nothing"),
        add("shop", community=WEST[0], flor_m2=3),
        merge(WEST[0], "x"),
        redraw(lineage="no.csv", units="nor.csv"),
    )
    assert [p.code for p in found] == [
        "unknown-id", "unknown-key", "unknown-id", "missing-file", "missing-file"]  # fmt: skip
    lines = [p.line or 0 for p in found]
    assert lines == sorted(lines)


def test_communities_that_do_not_touch_are_not_merged(small_case_dir: Path) -> None:
    one_street(small_case_dir)
    case = Case.open(small_case_dir)
    found = only(faults(case, merge(WEST[0], EAST[1])), "not-adjacent")
    assert "between them" in found.hint
    scenario(case, merge(WEST[0], EAST[1], WEST[1]))


def test_a_community_is_merged_once_on_a_day_and_not_after_its_end(small_case_dir: Path) -> None:
    one_street(small_case_dir)
    case = Case.open(small_case_dir)
    twice = only(faults(case, merge(), merge(WEST[0], EAST[0])), "two-mergers")
    assert ("line 6" in twice.message and text_of(twice) == WEST[0]) or twice.line
    ended = only(faults(case, merge(), merge(WEST[1], EAST[1], date="2021-01-04")), "ended")
    assert DAY in ended.message and WEST[0] in ended.hint
    scenario(case, merge(), merge(WEST[0], EAST[0], date="2021-01-04"))


def test_a_facility_closes_once(small_case: Case) -> None:
    lever = close(f"H-{WEST[0]}")
    found = only(faults(small_case, lever, close(f"H-{WEST[0]}", date="2021-01-04")),
                 "closed-already")  # fmt: skip
    assert DAY in found.message and found.hint


def test_a_faulty_redraw_does_not_make_later_ids_wrong(small_case_dir: Path) -> None:
    halves = split_in_two(small_case_dir)
    case = Case.open(small_case_dir)
    later = merge(*halves, date="2021-01-04")
    scenario(case, redraw(townships=None), later)
    only(faults(case, redraw(townships=None, units="no.csv"), later), "missing-file")
    only(faults(case, redraw(townships=None, unit=1), later), "unknown-key")


# ------------------------------------------------------------------------- tables of a redraw


def test_a_lineage_that_names_what_is_not_there_is_refused_with_near_matches(
    small_case_dir: Path,
) -> None:
    case = Case.open(small_case_dir)
    change(small_case_dir, "reform_lineage", f"{WEST[0]}02", "settlement", new_id="99990100100")
    change(small_case_dir, "reform_lineage", f"{WEST[0]}03", "settlement", settlement="9999010010")
    found = faults(case, redraw())
    assert {p.code for p in found} == {"unknown-id"} and [p.line for p in found] == [3, 4]
    assert all(NEAR in p.hint for p in found)


def test_a_unit_has_settlements_and_its_seat_among_them(small_case_dir: Path) -> None:
    case = Case.open(small_case_dir)
    rows = read_rows(small_case_dir / "reform_units.csv")
    write_table(small_case_dir / "reform_units.csv", [*rows, rows[0] | {"id": "999901001777"}])
    change(small_case_dir, "reform_units", UNITS[2], seat_settlement=f"{UNITS[0]}01")
    found = faults(case, redraw())
    assert [(p.code, p.line) for p in found] == [
        ("seat-outside", 3), ("unit-without-settlement", 4)]  # fmt: skip


def test_no_settlement_of_a_redrawn_unit_is_left_over(small_case_dir: Path) -> None:
    case = Case.open(small_case_dir)
    rows = read_rows(small_case_dir / "reform_lineage.csv")
    write_table(small_case_dir / "reform_lineage.csv", [r for r in rows if r != rows[3]])
    found = only(faults(case, redraw()), "orphan-settlement")
    assert rows[3]["settlement"] in found.message


def test_an_id_in_use_elsewhere_is_not_given_away(small_case_dir: Path) -> None:
    mine = {f"{UNITS[0]}{n:02d}": UNITS[1] for n in (1, 2, 3, 4)}
    write_redraw(small_case_dir, mine, [{"id": UNITS[1], "seat_settlement": f"{UNITS[0]}01"}])
    found = only(faults(Case.open(small_case_dir), redraw(townships=None)), "id-taken")
    assert found.line == 2


def test_a_township_has_its_seat_inside_and_is_one_of_the_list(small_case_dir: Path) -> None:
    case = Case.open(small_case_dir)
    change(small_case_dir, "reform_townships", STREET, seat_settlement=f"{EAST[0]}01")
    assert only(faults(case, redraw()), "seat-outside").line == 2
    change(small_case_dir, "reform_units", UNITS[0], township="99990100")
    found = only(faults(case, redraw()), "unknown-id")
    assert NEAR in found.hint


def test_damaged_and_doubled_ids_are_named(small_case_dir: Path) -> None:
    case = Case.open(small_case_dir)
    change(small_case_dir, "reform_lineage", f"{WEST[0]}02", "settlement", new_id="9.999E+11")
    rows = read_rows(small_case_dir / "reform_lineage.csv")
    write_table(small_case_dir / "reform_lineage.csv", [*rows, rows[0]])
    codes = [p.code for p in faults(case, redraw())]
    assert "damaged-id" in codes and "duplicate-id" in codes


def test_a_community_without_a_type_is_urban_under_a_street(small_case_dir: Path) -> None:
    for row in read_rows(small_case_dir / "reform_units.csv"):
        change(small_case_dir, "reform_units", row["id"], type="", kind="community")
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, redraw()))
    types = {u.id: u.type for u in state.boundaries.units if u.alive}
    assert types == {UNITS[0]: 0, UNITS[2]: 1}


# -------------------------------------------------------------------------- scope and horizon


def test_a_scope_leaves_out_and_counts_what_lies_beyond_it(small_case: Case) -> None:
    west = small_case.scoped(counties=["甲区"])
    opened = scenario(
        west,
        redraw(),
        add("shop", community=EAST[0], date="2021-01-04"),
        merge(*EAST, date="2021-01-04"),
        close(f"H-{EAST[0]}"),
    )
    assert [x.kind for x in opened.levers] == ["redraw_communities"]
    assert opened.left_out == (
        ("add_facility", 1), ("close_facility", 1), ("merge_communities", 1), ("settlement", 8),
    )  # fmt: skip
    codes = [w.code for w in opened.warnings if w.code != "size-band"]
    assert codes == ["nothing-left"] * 3
    assert "8 settlements" in " ".join(opened.describe())
    assert "8个居民点" in " ".join(opened.describe("zh"))
    state = pull(start(west), opened)
    assert [u.id for u in state.boundaries.units if u.alive] == [UNITS[0]]


def test_units_made_outside_the_scope_may_be_named_by_later_levers(small_case_dir: Path) -> None:
    halves = split_in_two(small_case_dir)
    east = Case.open(small_case_dir).scoped(counties=["乙县"])
    levers = redraw(townships=None), merge(*halves, date="2021-01-04")
    opened = scenario(east, *levers, add("shop", community=halves[0], date="2021-01-04"))
    assert not opened.levers and len(opened.left_out) == 4


def test_a_seat_beyond_the_scope_moves_to_the_largest_settlement_inside(
    small_case_dir: Path,
) -> None:
    town = one_township(small_case_dir)
    new = UNITS[0]
    unit_of = dict.fromkeys((s["id"] for s in read_rows(small_case_dir / "settlements.csv")), new)
    towns = read_rows(small_case_dir / "reform_townships.csv")
    seat = {"id": new, "seat_settlement": f"{new}01", "township": town}
    write_redraw(small_case_dir, unit_of, [seat], towns)
    east = Case.open(small_case_dir).scoped(counties=["乙县"])
    model = run(east, scenario(east, redraw()), 21)
    b = model.state.boundaries
    (unit,) = [u for u in b.units if u.alive]
    assert east.settlements["id"][unit.seat] == f"{EAST[1]}04"


def test_a_date_outside_the_weeks_is_a_fault_and_the_last_monday_is_not(small_case: Case) -> None:
    def said(day: str, weeks: int = 10) -> list[Problem]:
        path = write_scenario(small_case.path, close(f"H-{WEST[0]}", date=day))
        try:
            Scenario.open(path, small_case, (date(2020, 1, 6), weeks))
        except InputError as error:
            return list(error.problems)
        return []

    assert not said("2020-01-06") and not said("2020-03-09")
    for day in ("2020-01-05", "2020-03-10", "2031-01-01"):
        found = only(said(day), "date-outside")
        assert "2020-01-06 to 2020-03-09" in found.hint and text_of(found).strip("'") == day


# ---------------------------------------------------------------------------- what it is


def test_levers_of_the_base_come_first_and_dates_decide(small_case: Case) -> None:
    write_scenario(small_case.path, add("shop", community=WEST[0], name="base"), name="base")
    own = [
        add("shop", community=WEST[1], name="own"),
        add("shop", community=WEST[1], name="early", date="2020-02-03"),
    ]
    path = write_scenario(small_case.path, *own, base="base.yaml")
    opened = Scenario.open(path, small_case)
    assert [x.model_dump()["name"] for x in opened.levers] == ["early", "base", "own"]
    assert opened.first_date == date(2020, 2, 3) and opened.name == "s"
    assert [p.name for p, *_ in opened.places] == ["s.yaml", "base.yaml", "s.yaml"]


def test_a_scenario_without_levers_is_said_to_have_none(small_case: Case) -> None:
    opened = scenario(small_case)
    assert opened.first_date is None and opened.describe()[0].startswith("No levers")


def test_the_resolved_copy_opens_as_the_same_scenario(small_case: Case) -> None:
    write_scenario(small_case.path, redraw(service_points={"keep_share": 0.8}), name="base")
    more = add("elder_care", where={"without": "elder_care", "count": 2}, date="2021-01-04")
    opened = Scenario.open(write_scenario(small_case.path, more, base="base.yaml"), small_case)
    data = YAML(typ="safe", pure=True).load(opened.resolved())
    assert [next(iter(x)) for x in data["levers"]] == [x.kind for x in opened.levers]
    assert "base" not in data
    copy = small_case.path / "copy.yaml"
    copy.write_text(opened.resolved(), "utf-8")
    again = Scenario.open(copy, small_case)
    assert again.digest == opened.digest and again.levers == opened.levers
    assert again.resolved() == opened.resolved()


def test_the_digest_changes_with_what_matters_and_with_nothing_else(small_case_dir: Path) -> None:
    case = Case.open(small_case_dir)
    path = write_scenario(small_case_dir, redraw())

    def digest() -> str:
        return Scenario.open(path, case).digest

    first = digest()
    text = path.read_text("utf-8")
    path.write_text("# a remark\n" + text.replace("en: A scenario", "en: Another title"), "utf-8")
    assert digest() == first
    rows = read_rows(small_case_dir / "reform_lineage.csv")
    write_table(small_case_dir / "reform_lineage.csv", rows[::-1])
    assert digest() == first, "the order of rows says nothing"
    write_table(small_case_dir / "reform_lineage.csv", [{**r, "remark": "x"} for r in rows])
    assert digest() == first, "nor does a further column"
    seen = {first}
    seat = {"seat_settlement": f"{WEST[0]}02"}
    for column, value in {"name": "新名", "type": "town", **seat}.items():
        change(small_case_dir, "reform_units", UNITS[0], **{column: value})
        seen.add(digest())
    change(small_case_dir, "reform_townships", STREET, name="新街道")
    seen.add(digest())
    path.write_text(text.replace(DAY, "2020-05-25"), "utf-8")
    seen.add(digest())
    assert len(seen) == 6


def test_a_scenario_pickles_and_hashes(small_case: Case) -> None:
    opened = scenario(small_case, redraw(), add("shop", where={"count": 2}), close(f"H-{WEST[0]}"))
    again = pickle.loads(pickle.dumps(opened))
    assert again == opened and hash(again) == hash(opened) and again.digest == opened.digest
    a, b = (pull(start(small_case), x) for x in (opened, again))
    np.testing.assert_array_equal(a.boundaries.unit_of, b.boundaries.unit_of)
    assert a.facilities.id == b.facilities.id


# -------------------------------------------------------------------------------- in words


def test_levers_are_described_with_counts_in_both_languages(small_case: Case) -> None:
    opened = scenario(
        small_case,
        redraw(service_points={"keep_share": 0.5}, staff="attrition"),
        add("elder_care", "elder_meals", where={"without": "elder_care"}, date="2021-01-04"),
        add("shop", community=UNITS[0], way="rent", date="2021-01-04"),
        close(f"H-{UNITS[0]}", date="2021-01-11"),
    )
    assert opened.describe() == [
        "2020-05-18: 2 communities and 2 villages become 1 community and 1 village; of 2 service "
        "points outside the new seats 1 stays open with fewer hours and 1 closes; those who leave "
        "are not replaced until staff are at the standard.",
        "2021-01-04: 1 facility with elder day care and meals for the old opens in the communities "
        "and villages without elder day care, 450 m2, built for 1.7 million yuan.",
        "2021-01-04: a facility with a shop opens in 东门社区居民委员会 (999901001001), 80 m2, "
        "rented for 9,216 yuan a year.",
        "2021-01-11: the facility H-999901001001 in 东门社区居民委员会 closes.",
    ]
    assert opened.describe("zh") == [
        "2020-05-18：社区2个、村2个调整为社区1个、村1个；新驻地以外的2个服务点中保留1个"
        "（缩短开放时间），撤销1个；工作人员只出不进，直至达到配备标准。",
        "2021-01-04：在没有日间照料的社区（村）新增1处设施"
        "（日间照料、老年助餐；每处450平方米，新建，172万元）。",
        "2021-01-04：在东门社区居民委员会（999901001001）新增1处设施"
        "（便民商店；80平方米，租赁，每年9,216元）。",
        "2021-01-11：关闭东门社区居民委员会的设施H-999901001001。",
    ]


def test_no_number_is_told_that_only_the_run_will_know(small_case: Case) -> None:
    lever = add("culture", where={"without": "culture"}, date="2021-01-04")
    assert ": 0 facilities" in scenario(small_case, lever).describe()[0]
    assert ": facilities with" in scenario(small_case, redraw(), lever).describe()[1]


@pytest.mark.parametrize(
    ("points", "en", "zh"),
    [
        ("close", "1 service point outside the new seats closes", "1个服务点撤销"),
        ("keep", "1 service point outside the new seats stays open", "1个服务点保留"),
    ],
)
def test_a_merger_is_described_by_names(small_case: Case, points: str, en: str, zh: str) -> None:
    opened = scenario(small_case, merge(service_points=points))
    (english,), (chinese,) = opened.describe(), opened.describe("zh")
    first, second = "东门社区居民委员会", "桥头社区"
    assert english.startswith(f"2020-05-18: {first} (999901001001) and {second}") and en in english
    assert chinese.startswith(f"2020-05-18：{first}（999901001001）、{second}") and zh in chinese


# -------------------------------------------------------------------------- at the terminal


Sim = Callable[..., tuple[int, str, str]]


@pytest.fixture
def sim(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Sim:
    """The command: exit code, what stands on stdout, what stands on stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["sim", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return call


@pytest.mark.parametrize("command", ["check", "describe"])
def test_the_terminal_shows_faults_with_line_and_caret_and_ends_with_2(
    small_case: Case, sim: Sim, command: str
) -> None:
    path = write_scenario(small_case.path, merge(WEST[0], "99990100109"), close("H-1"))
    code, out, err = sim(command, path)
    assert code == 2 and not out and "Traceback" not in err
    assert err.count("error [unknown-id]") == 2 and "^" in err
    assert "did you mean" in err and err.endswith("2 errors: `sim explain unknown-id` says more\n")


def test_an_experiment_with_a_lever_outside_its_weeks_ends_with_2_and_leaves_nothing(
    small_case: Case, tmp_path: Path, sim: Sim
) -> None:
    write_scenario(small_case.path, name="before")
    write_scenario(small_case.path, merge(date="2030-01-07"))
    study = {"title": "x", "case": "small", "scenarios": ["s.yaml"], "weeks": 20}
    path = tmp_path / "e.yaml"
    path.write_text(json.dumps(study), "utf-8")
    code, _, err = sim("run", path, "--out", tmp_path / "out")
    assert code == 2 and "date-outside" in err
    assert "2030-01-07" in err and not (tmp_path / "out").exists()


def test_describe_prints_the_title_and_a_line_a_lever(small_case: Case, sim: Sim) -> None:
    code, out, err = sim("describe", write_scenario(small_case.path, merge()), "--lang", "zh")
    assert code == 0 and "error" not in err and err.count("warning [size-band]") == 2
    assert out.splitlines()[0] == "方案" and "合并为" in out


# ------------------------------------------------------------------------- mutated scenarios

WORDS = st.sampled_from(
    ["date", "keep", "close", "lineage", "levers", "title", "-", ":", "{", "}", "[", "]", "\t",
     "''", '"', "#", "&a", "*a", "!x", "null", "1e999", ".nan", "-1", "no", "\n", "  ", "\x00",
     WEST[0], "merge_communities", "add_facility", "where", "é", "社区", "..", "/", "|"]
)  # fmt: skip


@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 12), WORDS), max_size=3))
def test_a_mutated_file_gives_a_scenario_or_messages(
    small_case: Case, edits: list[tuple[float, int, str]]
) -> None:
    levers = redraw(), add("shop", where={"count": 1, "kind": "village"}), close(f"H-{WEST[0]}")
    path = write_scenario(small_case.path, *levers, merge(*EAST, date="2021-01-04"))
    text = path.read_text("utf-8")
    for place, length, word in edits:
        at = int(place * len(text))
        text = text[:at] + word + text[at + length :]
    path.write_text(text, "utf-8")
    try:
        Scenario.open(path, small_case).describe("zh")
    except InputError as error:
        assert all(p.message for p in error.problems)


# ------------------------------------------------------------------------------ the real case


@pytest.fixture(scope="module")
def meishan() -> Case:
    if not (MEISHAN / "reform_units.csv").is_file():
        pytest.skip("reference data absent")
    return Case.open(MEISHAN)


@pytest.fixture(scope="module")
def county(meishan: Case) -> Case:
    return meishan.scoped(counties=["青神县"])


def test_the_reform_of_one_county_makes_58_units_of_89_and_keeps_all_staff(county: Case) -> None:
    before = start(county)
    state = pull(start(county), Scenario.open(MEISHAN / "reform.yaml", county))
    assert len(before.boundaries.units) == 89
    assert sum(u.alive for u in state.boundaries.units) == 58
    assert sum(t.alive for t in state.boundaries.townships) == 7
    assert state.offices.workers.sum() == pytest.approx(before.offices.workers.sum())
    assert state.ledger.age.sum() == pytest.approx(before.ledger.age.sum())
    assert np.isfinite(state.reach.nearest).all() or not np.isfinite(before.reach.nearest).all()


@pytest.mark.parametrize("name", ["reform-keep-points", "reform-plus", "facilities-only"])
def test_what_is_said_to_be_opened_and_kept_in_the_county_is(county: Case, name: str) -> None:
    opened = Scenario.open(MEISHAN / f"{name}.yaml", county)
    state = pull(start(county), opened)
    said = " ".join(opened.describe())
    added = [i for i in state.facilities.id if i.startswith("A-")]
    assert len(added) == sum(int(n) for n in re.findall(r"(\d+) facilit", said)) > 0 or (
        name == "reform-keep-points"
    )
    f = state.facilities
    kept = np.unique(f.settlement[f.kept & f.point]).size
    assert kept == 0 or f"{kept} stay open" in said


def test_the_reform_of_the_county_runs_and_conserves(county: Case) -> None:
    opened = Scenario.open(MEISHAN / "reform-keep-points.yaml", county)
    model = run(county, opened, 3, date(2020, 5, 11))
    assert model.applied == len(opened.levers) and model.state.offices.alive.sum() == 58 + 7


def test_the_reform_of_the_whole_city_is_as_published(meishan: Case) -> None:
    opened = Scenario.open(MEISHAN / "reform.yaml", meishan)
    assert "1,050 villages" in opened.describe()[0] and "313个" in opened.describe("zh")[0]
    state = pull(start(meishan), opened)
    before = start(meishan)
    b = state.boundaries
    assert sum(u.alive for u in b.units) == 847 and sum(t.alive for t in b.townships) == 80
    assert state.offices.workers.sum() == pytest.approx(before.offices.workers.sum())
    assert state.ledger.age.sum() == pytest.approx(before.ledger.age.sum())
    line = state.lines.of_service("government")
    assert np.isfinite(state.reach.nearest[:, line]).all(), "every township has a centre"


def test_the_reform_in_waves_ends_where_the_reform_ends(meishan: Case) -> None:
    at_once, phased = (
        pull(start(meishan), Scenario.open(MEISHAN / f"{name}.yaml", meishan))
        for name in ("reform", "reform-phased")
    )
    for table in ("units", "townships"):
        a, b = (
            sorted((x.id, x.name, x.kind, x.seat) for x in getattr(s.boundaries, table) if x.alive)
            for s in (at_once, phased)
        )
        assert a == b
    assert sum(n for _, n in at_once.ended) == sum(n for _, n in phased.ended)
    a, b = ({f.id[i] for i in np.flatnonzero(f.is_open(s.week))}
            for s in (at_once, phased) for f in (s.facilities,))  # fmt: skip
    assert a == b


def test_the_lean_reform_differs_from_the_reform_in_staff_alone(meishan: Case) -> None:
    full, lean = (
        pull(start(meishan), Scenario.open(MEISHAN / f"{name}.yaml", meishan))
        for name in ("reform", "reform-lean")
    )
    np.testing.assert_array_equal(full.boundaries.unit_of, lean.boundaries.unit_of)
    np.testing.assert_array_equal(full.facilities.closed, lean.facilities.closed)
    np.testing.assert_array_equal(full.ledger.age, lean.ledger.age)
    assert lean.staff.cut > 0 and full.staff.cut == 0
    assert (lean.offices.workers <= full.offices.workers).all()


def test_committees_in_communities_after_the_reform_have_the_published_members(
    meishan: Case,
) -> None:
    lineage = pd.read_csv(MEISHAN / "lineage.csv", dtype=str, encoding="utf-8-sig")
    units = pd.read_csv(MEISHAN / "reform_units.csv", dtype=str, encoding="utf-8-sig")
    offices = meishan.offices[meishan.offices["community"] != ""]
    committee = offices.set_index("community")["committee"]
    members = lineage["before"].map(committee) * lineage["share"].astype(float)
    kind = lineage["after"].map(units.set_index("id")["kind"])
    assert members[kind == "community"].sum() == pytest.approx(2284)


@pytest.mark.parametrize("path", sorted(MEISHAN.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_scenario_opens_and_says_what_it_does(meishan: Case, path: Path) -> None:
    if path.name == "case.yaml":
        return
    opened = Scenario.open(path, meishan)
    assert {w.code for w in opened.warnings} <= {"size-band"}  # as it was done
    assert not opened.left_out and opened.about
    assert len(opened.describe()) == len(opened.describe("zh")) == max(1, len(opened.levers))


def test_what_is_said_does_not_depend_on_the_order_of_sets(small_case: Case) -> None:
    write_scenario(small_case.path, redraw(), add("shop", where={"count": 2}), name="good")
    write_scenario(small_case.path, merge("99990100100", "9999021002"), close("H"), name="bad")
    code = (
        "import sys; from sim.case.case import Case; from sim.levers.scenario import Scenario\n"
        "case = Case.open(sys.argv[1]).scoped(counties=['甲区'])\n"
        "s = Scenario.open(sys.argv[1] + '/good.yaml', case)\n"
        "print(s.digest, *s.describe(), s.left_out, s.resolved())\n"
        "try: Scenario.open(sys.argv[1] + '/bad.yaml', case)\n"
        "except Exception as error: print(error)\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code, str(small_case.path)],
            cwd=ROOT,
            capture_output=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1 and b"did you mean" in told.pop()


def test_equal_scenarios_are_equal_and_hash_alike(small_case: Case) -> None:
    """All levers, all ways to come step by step, and what they read from tables included."""
    one_step = {"scope": {"types": ["rural"]}, "date": DAY}
    levers = [
        redraw(service_points={"keep_share": 0.5}),
        add("culture", where={"kind": "village", "count": 1}),
        close(f"S-{EAST[0]}"),
        {"online_service": {**one_step, "ramp": {"weeks": 8}}},
        {"agency_service": {**one_step, "pilot": {"weeks": 4, "communities": [EAST[0]]}}},
        {"agency_service": {"date": DAY, "waves": {"number": 2, "weeks": 4}}},
    ]
    path = write_scenario(small_case.path, *levers)
    one, two = Scenario.open(path, small_case), Scenario.open(path, small_case)
    assert one is not two and one == two and hash(one) == hash(two) and len({one, two}) == 1
    assert all(hash(a) == hash(b) for a, b in zip(one.levers, two.levers, strict=True))
    fewer = Scenario.open(write_scenario(small_case.path, *levers[:-1]), small_case)
    assert fewer != one and fewer.digest != one.digest == two.digest


def test_what_is_opened_cannot_be_changed(small_case: Case) -> None:
    opened = scenario(small_case, merge())
    with pytest.raises(AttributeError):
        opened.levers = ()  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        opened.levers[0].date = date(2021, 1, 4)
