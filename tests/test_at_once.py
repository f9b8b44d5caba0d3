"""Everything that can be said of an input is said in one go, and nothing that only follows."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sim.case.case import Case
from sim.case.messages import InputError, Problem
from sim.check import check
from sim.experiment.experiment import Experiment
from sim.levers.scenario import Scenario, open_in_case
from tests.cases import STREET, UNITS, read_rows, write_table
from tests.levers import EAST, WEST, change, close, merge, write_scenario

Found = list[tuple[int | None, str]]


def faults(case: Case, *levers: str) -> Found:
    """Line and code of every fault in a scenario file of these levers, the first in line 3."""
    path = case.path / "s.yaml"
    lines = ["title: {en: A, zh: 甲}", "levers:", *(f"  - {lever}" for lever in levers)]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return of(path, case)


def of(path: Path, case: Case) -> Found:
    try:
        Scenario.open(path, case)
    except InputError as error:
        said = [p for p in error.problems if p.severity == "error"]
        return [(p.line, p.code) for p in said if p.path and p.path.suffix == ".yaml"]
    return []


A, B = WEST
MERGE = f'merge_communities: {{date: 2020-05-18, communities: ["{A}", "{B}"]}}'
REDRAW = (
    "redraw_communities: {date: 2020-05-18, lineage: reform_lineage.csv, units: reform_units.csv"
)


@pytest.mark.parametrize(
    ("lever", "found"),
    [
        # a fault of form in one key, and the ids in the others
        (f'merge_communities: {{date: 2020-13-45, communities: ["{A}", "x1"]}}',
         ["yaml-value", "unknown-id"]),
        (f'merge_communities: {{communities: ["{A}", "x1"]}}', ["missing-key", "unknown-id"]),
        (f'merge_communities: {{date: 2020-05-18, communities: ["{A}", "x1"], stuff: keep}}',
         ["unknown-id", "unknown-key"]),
        (f'merge_communities: {{date: 2020-05-18, communities: [{A}, "x1"]}}',
         ["unquoted-text", "unknown-id"]),
        ('add_facility: {date: soon, services: [shopp, home_care], community: "x1"}',
         ["bad-value", "unknown-id", "no-place", "unknown-id"]),
        ('add_facility: {date: 2020-05-18, services: shopp, community: "x1"}',
         ["bad-value", "unknown-id", "unknown-id"]),
        ("add_facility: {date: 2020-05-18, services: [shop], where: {kind: x, without: y}}",
         ["bad-value", "unknown-id"]),
        ("close_facility: {date: 2020-05-18, facility: F-1, wy: rent}",
         ["unknown-id", "unknown-key"]),
        ("redraw_communities: {date: 2020-05-18, lineage: a.csv, units: ../b.csv, staff: x}",
         ["missing-file", "outside-case", "bad-value"]),
        # what only follows from the fault is not said
        (f'merge_communities: {{date: 2020-05-18, communities: [{A}, {B}], seat: "{B}"}}',
         ["unquoted-text", "unquoted-text"]),
        (f'merge_communities: {{date: 2020-05-18, communities: ["{A}", [x]], seat: "{B}"}}',
         ["bad-value"]),
        (f"{REDRAW}, tonwships: reform_townships.csv}}", ["unknown-key"]),
        ("close_facility: {date: 2020-05-18}", ["missing-key"]),
    ],
)  # fmt: skip
def test_a_lever_with_a_fault_of_form_has_its_other_ids_checked(
    small_case: Case, lever: str, found: list[str]
) -> None:
    assert sorted(faults(small_case, lever)) == sorted((3, code) for code in found)


FAULTY = {
    "syntax of a value": (f"{REDRAW}, staff: 3}}", "bad-value"),
    "an unknown key": (f"{REDRAW}, stuff: keep}}", "unknown-key"),
    "no date": (f"{REDRAW}}}".replace("date: 2020-05-18, ", ""), "missing-key"),
    "an unknown lever": ("redraw_comunities: {date: 2020-05-18}", "unknown-lever"),
    "two keys": ("{redraw_communities: {}, date: 2020-05-18}", "one-lever"),
    "a missing table": (f"{REDRAW.replace('units.csv', 'unit.csv')}}}", "missing-file"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_levers_after_a_faulty_one_are_checked_where_they_can_be(
    small_case: Case, name: str
) -> None:
    lever, code = FAULTY[name]
    after = (
        "close_facility: {date: 2021-01-04, facility: F-1}",
        "add_facility: {date: 2021-01-04, services: [shopp], settlement: S-1}",
        # after the redraw these two may lie in one township, and touch
        f'merge_communities: {{date: 2021-01-04, communities: ["{A}", "{EAST[0]}"]}}',
    )
    assert faults(small_case, lever, *after) == [
        (3, code), (4, "unknown-id"), (5, "unknown-id"), (5, "unknown-id")]  # fmt: skip


def test_after_a_faulty_redraw_only_ids_that_cannot_exist_are_unknown(
    small_case_dir: Path,
) -> None:
    rows = read_rows(small_case_dir / "reform_units.csv")
    for row in rows:
        row["id"] += "9"
    write_table(small_case_dir / "reform_units.csv", rows)
    lineage = read_rows(small_case_dir / "reform_lineage.csv")
    write_table(
        small_case_dir / "reform_lineage.csv",
        [row | {"new_id": row["new_id"] + "9"} for row in lineage],
    )
    case = Case.open(small_case_dir)
    new = f'add_facility: {{date: 2021-01-04, services: [shop], community: "{UNITS[0]}9"}}'
    no = new.replace(UNITS[0], "99990100155")
    assert faults(case, f"{REDRAW}}}", new) == []
    assert faults(case, f"{REDRAW}}}", no) == [(4, "unknown-id")]
    assert faults(case, f"{REDRAW}, staff: 3}}", new, no) == [(3, "bad-value"), (5, "unknown-id")]
    write_table(small_case_dir / "reform_lineage.csv", lineage)  # of units that are not listed
    assert faults(case, f"{REDRAW}}}", new, no) == [(5, "unknown-id")]


def test_after_a_faulty_merger_other_communities_are_known(small_case: Case) -> None:
    wrong = MERGE.replace(A, "x1")
    later = f'merge_communities: {{date: 2021-01-04, communities: ["{A}", "x2"]}}'
    assert faults(small_case, wrong, later) == [(3, "unknown-id"), (4, "unknown-id")]
    undated = wrong.replace("date: 2020-05-18, ", "")
    assert faults(small_case, undated, later) == [
        (3, "missing-key"), (3, "unknown-id"), (4, "unknown-id")]  # fmt: skip


C, D = EAST
SPLIT = 'split_community: {{date: 2021-01-04, community: "{}", parts: [{}]}}'
ORPHANS = '{{id: N1, name: 新, settlements: ["{}"]}}, {{id: N2, name: 老, settlements: ["{}"]}}'


def split(unit: str) -> str:
    """A split that leaves two of the four settlements of a unit without a part."""
    return SPLIT.format(unit, ORPHANS.format(f"{unit}01", f"{unit}02"))


def test_after_a_faulty_merger_all_is_said_that_it_cannot_have_caused(small_case: Case) -> None:
    wrong = MERGE.replace(B, "x1")
    both = MERGE.replace("2020-05-18", "2021-01-04")
    assert faults(small_case, wrong, both.replace(A, C)) == [
        (3, "unknown-id"), (4, "two-townships")], "no merger moves a unit"  # fmt: skip
    assert faults(small_case, wrong, MERGE) == [(3, "unknown-id"), (4, "two-mergers")]
    assert faults(small_case, f"{wrong[:-1]}, x: 1}}", MERGE) == [
        (3, "unknown-id"), (3, "unknown-key"), (4, "two-mergers")]  # fmt: skip
    assert faults(small_case, MERGE.replace(B, C), both.replace(A, D)) == [
        (3, "two-townships"), (4, "two-townships")]  # fmt: skip
    assert faults(small_case, MERGE, MERGE.replace(B, C)) == [
        (4, "two-townships"), (4, "two-mergers")]  # fmt: skip
    # it stays in the west: who knows what the unit is made of there, but in the east all is said
    assert faults(small_case, wrong, split(A)) == [(3, "unknown-id")]
    assert faults(small_case, wrong, split(C)) == [(3, "unknown-id"), (4, "orphan-settlement")]
    move = f'transfer_settlements: {{date: 2021-01-04, settlements: ["{C}01"], to: "{D}"}}'
    assert faults(small_case, wrong, move) == [
        (3, "unknown-id"), (4, "not-adjacent"), (4, "moves-seat")]  # fmt: skip
    move = move.replace(C, A)
    assert faults(small_case, wrong, move) == [(3, "unknown-id")]


def test_what_faulty_levers_leave_open_passes_on_to_what_is_made_of_it(small_case: Case) -> None:
    wrong = SPLIT.format(A, ORPHANS.format("x1", f"{A}02")).replace("2021", "2019")
    assert faults(small_case, wrong, MERGE, split(A)) == [(3, "unknown-id")]
    assert faults(small_case, wrong, split(B)) == [(3, "unknown-id"), (4, "orphan-settlement")]


def test_a_lever_that_nobody_can_check_has_its_date_checked(small_case: Case) -> None:
    parts = [{"id": "N1", "name": "新", "settlements": [f"{A}02"]}, {"id": A, "name": "老"}]
    late = {"split_community": {"date": "2030-01-07", "community": A, "parts": parts}}
    path = write_scenario(small_case.path, merge(A, "x1"), late)
    with pytest.raises(InputError) as error:
        Scenario.open(path, small_case, (date(2020, 1, 6), 104))
    assert [p.code for p in error.value.problems] == ["unknown-id", "date-outside"]


def test_levers_on_townships_leave_the_settlements_of_units_alone(small_case: Case) -> None:
    wrong = f'merge_townships: {{date: 2020-05-18, townships: ["{STREET}", "x1"]}}'
    # two of four cells of a unit that touch at a corner
    apart = SPLIT.format(C, f'{{id: N1, name: 新, settlements: ["{C}01", "{C}04"]}}, '
                            f'{{id: "{C}", name: 老, seat: "{C}02"}}')  # fmt: skip
    assert faults(small_case, wrong, apart) == [(3, "unknown-id"), (4, "in-pieces")]
    assert faults(small_case, wrong, MERGE, MERGE) == [
        (3, "unknown-id"), *[(5, "two-mergers")] * 2]  # fmt: skip


def test_after_a_base_that_cannot_be_read_nothing_is_said_of_units(small_case: Case) -> None:
    (small_case.path / "base.yaml").write_text("title: [\n")
    path = write_scenario(small_case.path, merge(A, "x1"), close("F-1"), base="base.yaml")
    assert {code for _, code in of(path, small_case)} == {"yaml-syntax", "unknown-id"}
    assert len(of(path, small_case)) == 2


# ---------------------------------------------------------------------- experiments and cases

STUDY = """\
title: A study
case: small
scenarios: [s.yaml]
start: 2020-01-06
weeks: 10
parameters: {travel.walking_speed: 75}
scope: {counties: [甲区]}
"""


def of_study(folder: Path, *changes: tuple[str, str]) -> list[Problem]:
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "e.yaml").write_text(text, "utf-8")
    with pytest.raises(InputError) as caught:
        Experiment.open(folder / "e.yaml")
    return list(caught.value.problems)


def codes(problems: list[Problem]) -> set[tuple[str, str]]:
    return {(p.path.name if p.path else "", p.code) for p in problems}


def test_an_experiment_says_the_faults_of_its_file_scenarios_and_case_together(
    small_case_dir: Path,
) -> None:
    write_scenario(small_case_dir, name="before")
    write_scenario(small_case_dir, merge(A, "x1"), merge(*EAST, staff="all", date="2030-01-07"))
    own = ("weeks: 10", "weeks: 10\nsed: 5"), ("walking", "wlking"), ("甲区", "丙区")
    found = of_study(small_case_dir.parent, *own)
    assert codes(found) == {
        ("e.yaml", "unknown-key"), ("e.yaml", "unknown-parameter"), ("e.yaml", "unknown-scope"),
        ("s.yaml", "unknown-id"), ("s.yaml", "bad-value"), ("s.yaml", "date-outside"),
    }  # fmt: skip
    change(small_case_dir, "communities", A, township="x")
    assert codes(of_study(small_case_dir.parent, *own[:2])) == {
        ("e.yaml", "unknown-key"), ("e.yaml", "unknown-parameter"), ("s.yaml", "bad-value"),
        ("communities.csv", "unknown-id"),
    }  # fmt: skip


@pytest.mark.parametrize("key", ["weeks: 10", "start: 2020-01-06"])
def test_dates_are_not_held_against_weeks_that_are_at_fault(small_case_dir: Path, key: str) -> None:
    write_scenario(small_case_dir, name="before")
    write_scenario(small_case_dir, close(f"H-{A}", date="2030-01-07"))
    found = of_study(small_case_dir.parent, (key, f"{key}x"))
    assert codes(found) == {("e.yaml", "bad-value")}


def test_a_scenario_in_a_broken_case_is_told_of_its_form_too(small_case_dir: Path) -> None:
    change(small_case_dir, "settlements", f"{A}01", persons=-3)
    path = write_scenario(small_case_dir, merge(staff="all"))
    with pytest.raises(InputError) as caught:
        check(path)
    assert codes(list(caught.value.problems)) == {
        ("settlements.csv", "out-of-range"), ("s.yaml", "bad-value")}  # fmt: skip


def test_a_case_says_the_faults_of_all_its_files(small_case_dir: Path) -> None:
    path = small_case_dir / "case.yaml"
    path.write_text(path.read_text("utf-8").replace("seed: 7", "seed: -7"), "utf-8")
    change(small_case_dir, "settlements", f"{A}01", x="west")
    change(small_case_dir, "facilities", f"S-{A}", services="shopp")
    change(small_case_dir, "offices", f"O-{A}", committee="many")
    with pytest.raises(InputError) as caught:
        Case.open(small_case_dir)
    assert codes(list(caught.value.problems)) == {
        ("case.yaml", "bad-value"), ("settlements.csv", "bad-number"),
        ("facilities.csv", "unknown-service"), ("offices.csv", "bad-number"),
    }  # fmt: skip


def test_a_damaged_id_is_told_once_and_not_where_it_is_referred_to(small_case_dir: Path) -> None:
    change(small_case_dir, "townships", STREET, id="9.99901E+08")
    change(small_case_dir, "communities", EAST[0], township="9.99902E+08")
    change(small_case_dir, "communities", EAST[1], township="x")
    with pytest.raises(InputError) as caught:
        Case.open(small_case_dir)
    found = codes(list(caught.value.problems))
    assert ("townships.csv", "damaged-id") in found and ("communities.csv", "damaged-id") in found
    wrong = [p for p in caught.value.problems if p.code == "unknown-id"]
    assert {p.message.partition(" is not")[0] for p in wrong if p.path} >= {"township 'x'"}
    assert all("9.999" not in p.message and f"'{STREET}'" not in p.message for p in wrong)


@pytest.mark.parametrize(
    ("name", "code"),
    [("nothing.yaml", "missing-file"), (".", "not-a-file"), ("alone.yaml", "missing-case")],
)
def test_what_is_no_scenario_of_a_case_is_told_in_one_message(
    tmp_path: Path, name: str, code: str
) -> None:
    (tmp_path / "alone.yaml").write_text("title: {en: Alone, zh: 单独}\n", encoding="utf-8")
    with pytest.raises(InputError) as raised:
        open_in_case(tmp_path / name)
    assert [p.code for p in raised.value.problems] == [code]
