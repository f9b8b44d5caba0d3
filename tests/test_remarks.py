"""What a planner should know of a case or scenario is said where it stands, though it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sim.case.case import Case
from sim.case.check import check_case
from sim.case.messages import InputError, Problem, near_file
from sim.case.projection import projection_fault
from sim.levers.scenario import open_in_case
from tests.cases import STREET, UNITS, read_rows, settlement_id, write_streets, write_table
from tests.levers import DAY, WEST, change, close, merge, online, scenario, write_scenario


def lever(kind: str, **keys: Any) -> dict[str, Any]:
    return {kind: {"date": DAY, **keys}}


def remarks(folder: Path) -> list[Problem]:
    return list(check_case(folder).warnings)


def faults(folder: Path) -> list[Problem]:
    with pytest.raises(InputError) as error:
        Case.open(folder)
    return list(error.value.problems)


def warned(case: Case, *levers: dict[str, Any]) -> list[Problem]:
    return [w for w in scenario(case, *levers).warnings if w.code != "size-band"]


# ------------------------------------------------------------------------------------ the case


def test_a_sound_case_has_nothing_to_remark(small_case_dir: Path) -> None:
    assert remarks(small_case_dir) == []
    assert remarks(write_streets(small_case_dir)) == []


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("EPSG:32648", ""), ("EPSG:4547", ""),  # UTM, and a zone of CGCS2000
        ("EPSG:4326", "degrees"), ("EPSG:4490", "degrees"), ("EPSG:99999", "known"),
        ("EPSG:2263", "foot"), ("EPSG:4978", "no projection"), ("EPSG:5773", "no projection"),
    ],
)  # fmt: skip
def test_a_projection_is_known_and_in_metres(small_case_dir: Path, code: str, said: str) -> None:
    assert said in projection_fault(code) and bool(said) == bool(projection_fault(code))
    path = small_case_dir / "case.yaml"
    path.write_text(path.read_text("utf-8").replace("EPSG:32648", code), "utf-8")
    if not said:
        assert Case.open(small_case_dir).meta.projection == code
        return
    (p,) = faults(small_case_dir)
    assert (p.code, p.path, p.line, p.column) == ("bad-projection", path, 3, 13)
    assert code in p.message and "EPSG:32648" in p.hint


def test_ids_that_are_one_to_the_eye_are_named_with_their_line(small_case_dir: Path) -> None:
    rows = read_rows(small_case_dir / "facilities.csv")
    twins = [rows[0] | {"id": "f-1"}, rows[0] | {"id": "Ｆ-1"}]
    write_table(small_case_dir / "facilities.csv", [rows[0] | {"id": "F-1"}, *rows[1:], *twins])
    found = [w for w in remarks(small_case_dir) if w.code == "lookalike-id"]
    assert [w.line for w in found] == [len(rows) + 2, len(rows) + 3]
    assert all("'F-1'" in w.hint and w.severity == "warning" for w in found)


def test_a_township_whose_office_runs_no_counter_is_named(small_case_dir: Path) -> None:
    rows = read_rows(small_case_dir / "facilities.csv")
    offices = read_rows(small_case_dir / "offices.csv")
    (office,) = [o["id"] for o in offices if o["kind"] == "street"]
    write_table(small_case_dir / "facilities.csv", [r for r in rows if r["operator"] != office])
    (found,) = remarks(small_case_dir)
    assert (found.code, found.line) == ("no-centre", 2) and STREET in found.message
    assert found.path == small_case_dir / "townships.csv"


def cut_street(folder: Path, one: str, other: str, **keys: str) -> None:
    """Takes a street away, or changes it."""
    path = folder / "streets_edges.csv"
    rows = [{"one_way": "0", "opened": "", **r} for r in read_rows(path)]
    rows = [r | keys if (r["from"], r["to"]) == (one, other) else r for r in rows
            if keys or (r["from"], r["to"]) != (one, other)]  # fmt: skip
    write_table(path, rows)


@pytest.mark.parametrize("way", ["gone", "not yet", "one way in"])
def test_settlements_that_no_street_leads_away_from_are_counted_with_their_persons(
    small_case_dir: Path, way: str
) -> None:
    write_streets(small_case_dir)
    if way == "gone":
        cut_street(small_case_dir, "n13", "n23")
    elif way == "not yet":
        cut_street(small_case_dir, "n13", "n23", opened="2021-01-04")
    else:
        cut_street(small_case_dir, "n13", "n23", one_way="1")
    (found,) = remarks(small_case_dir)
    lost = [settlement_id(2, 3), settlement_id(3, 3)]
    persons = sum(
        int(r["persons"])
        for r in read_rows(small_case_dir / "settlements.csv") if r["id"] in lost
    )  # fmt: skip
    assert found.code == "street-island" and found.path == small_case_dir / "streets_edges.csv"
    assert f"2 settlements with {persons:,} persons" in found.message
    assert all(s in found.message for s in lost)


def test_a_way_out_of_a_cul_de_sac_that_is_one_way_is_no_island(small_case_dir: Path) -> None:
    write_streets(small_case_dir)
    path = small_case_dir / "streets_edges.csv"
    cut_street(small_case_dir, "n23", "n33", one_way="1", **{"from": "n33", "to": "n23"})
    assert path.is_file() and remarks(small_case_dir) == []


def test_settlements_far_from_any_street_are_named(small_case_dir: Path) -> None:
    write_streets(small_case_dir)
    home = settlement_id(3, 3)
    change(small_case_dir, "settlements", home, x="410000")
    (found,) = remarks(small_case_dir)
    assert found.code == "far-from-street" and "1 settlement with" in found.message
    assert home in found.message and " lies more than 2,000 m" in found.message


def test_streets_are_counted(small_case_dir: Path) -> None:
    counts = check_case(write_streets(small_case_dir)).counts
    assert (counts["street nodes"], counts["streets"], counts["  km"]) == (16, 15, 8)


# ------------------------------------------------------------------------------- damaged tables


def test_a_nul_is_said_at_its_line(small_case_dir: Path) -> None:
    path = small_case_dir / "settlements.csv"
    lines = path.read_bytes().split(b"\n")
    lines[4] = lines[4].replace(b",", b",\0", 1)
    path.write_bytes(b"\n".join(lines))
    found = [p for p in faults(small_case_dir) if p.path == path]
    assert [(p.code, p.line) for p in found] == [("control-character", 5)]


@pytest.mark.parametrize("more", [(), (7,), (7, 8)])
def test_the_line_is_said_in_which_a_quote_opens_that_is_never_closed(
    small_case_dir: Path, more: tuple[int, ...]
) -> None:
    """Whether or not cells below are in quotes, and though cells of two lines are right."""
    path = small_case_dir / "settlements.csv"
    lines = path.read_text("utf-8-sig").split("\n")
    cells = [line.split(",") for line in lines]
    cells[2][1] = '"two\nlines, ""said"""'
    cells[4][1] = '"' + cells[4][1]
    for row in more:
        cells[row][1] = f'"{cells[row][1]}"'
    path.write_text("\n".join(map(",".join, cells)), "utf-8")
    found = [p for p in faults(small_case_dir) if p.path == path]
    assert [(p.code, p.line) for p in found] == [("bad-csv", 6)]


def test_quotes_that_are_closed_or_within_a_text_are_read(small_case_dir: Path) -> None:
    path = small_case_dir / "settlements.csv"
    cells = [line.split(",") for line in path.read_text("utf-8-sig").split("\n")]
    cells[2][1], cells[3][1], cells[4][3] = '"a\nb, ""c"""', '5" pipe', '""'
    path.write_text("\n".join(map(",".join, cells)), "utf-8")
    names = Case.open(small_case_dir).settlements["name"].tolist()
    assert names[1:3] == ['a\nb, "c"', '5" pipe']


# ------------------------------------------------------------------------------- names and files


@pytest.mark.parametrize(
    ("keys", "hint"),
    [
        (online(scope={"townships": ["河东街道"]}), f"did you mean {STREET!r} (河东街道)?"),
        (online(scope={"townships": ["河东"]}), f"did you mean {STREET!r} (河东街道)?"),
        (merge(WEST[0], "桥头社区居民委员会"), f"did you mean {WEST[1]!r} (桥头社区居民委员会)?"),
        (merge(WEST[0], "桥头社区"), f"did you mean {WEST[1]!r} (桥头社区居民委员会)?"),
        (lever("move_staff", **{"from": "河东街道", "to": [WEST[0]]}), f"{STREET!r} (河东街道)?"),
        (close("NAME"), "(NAME)?"),
        (lever("transfer_settlements", settlements=["PLACE"], to=WEST[0]), "(PLACE)?"),
    ],
)
def test_who_writes_a_name_is_told_the_id(
    small_case_dir: Path, keys: dict[str, Any], hint: str
) -> None:
    change(small_case_dir, "facilities", "H-" + UNITS[0], name="NAME")
    change(small_case_dir, "settlements", UNITS[1] + "02", name="PLACE")
    path = write_scenario(small_case_dir, keys)
    with pytest.raises(InputError) as error:
        open_in_case(path)
    (p,) = [p for p in error.value.problems if p.code == "unknown-id"]
    assert p.hint.endswith(hint)


def test_endings_make_no_file_near() -> None:
    assert near_file("zzz.yaml", ["t.yaml", "empty.yaml", "k1.yaml"]) == ""
    assert near_file("befor.yaml", ["before.yaml", "t.yaml"]) == "did you mean 'before.yaml'?"
    assert near_file("before.yml", ["before.yaml"]) == "did you mean 'before.yaml'?"
    assert near_file("ｂefore.yaml", ["before.yaml"]) == "did you mean 'before.yaml'?"


# ---------------------------------------------------------------------------------- the scenario


@pytest.mark.parametrize(
    ("day", "said"),
    [("2020-01-05", "before"), ("2020-01-06", ""), ("2049-12-31", ""), ("2050-02-01", "30 years")],
)
def test_dates_that_no_experiment_is_likely_to_reach_are_told(
    small_case: Case, day: str, said: str
) -> None:
    found = warned(small_case, online(date=day))
    assert [w.code for w in found] == ["date-outside"] * bool(said)
    assert all(said in w.message and "2020-01-06" in w.message and w.line for w in found)


def test_an_office_that_nobody_is_left_in_is_told(small_case: Case) -> None:
    def move(number: int) -> dict[str, Any]:
        return lever("move_staff", **{"from": STREET, "to": [WEST[0]], "number": number})

    offices = small_case.offices
    mine = offices[(offices["township"] == STREET) & (offices["kind"] == "street")]
    posts = int(mine[["committee", "community_worker", "grid", "window", "social_worker"]]
                .to_numpy().sum())  # fmt: skip
    assert [w.code for w in warned(small_case, move(posts))] == ["empties-office"]
    assert warned(small_case, move(posts - 1)) == []
    both = warned(small_case, move(1), move(posts - 1))
    assert [w.code for w in both] == ["empties-office"], "by both together"


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"groups": 3000}, "16 settlements"), ({"groups": 17}, "16 settlements"),
        ({"groups": 16}, ""), ({"groups": 4}, ""), ({"groups": 3}, "4 communities"),
        ({"households": 10}, "16 settlements"), ({"households": 200}, ""),
    ],
)  # fmt: skip
def test_groups_that_cannot_be_as_many_are_told(
    small_case: Case, keys: dict[str, Any], said: str
) -> None:
    found = warned(small_case, lever("regroup", **keys))
    assert [w.code for w in found] == ["other-number"] * bool(said)
    assert all(said in w.message for w in found)


def street(one: str, other: str, **keys: Any) -> dict[str, Any]:
    return lever("open_street", **{"from": one, "to": other}, **keys)


def test_streets_that_are_there_already_are_not_opened_again(small_case_dir: Path) -> None:
    case = Case.open(write_streets(small_case_dir))

    def said(*levers: dict[str, Any]) -> list[tuple[str, str]]:
        try:
            return [(w.severity, w.code) for w in warned(case, *levers)]
        except InputError as error:
            return [(p.severity, p.code) for p in error.problems]

    new, old = {"from": "n30", "to": "n31", "metres": 500}, {"from": "n00", "to": "n10"}
    write_table(case.path / "old.csv", read_rows(case.path / "streets_edges.csv"))
    write_table(case.path / "some.csv", [new, old | {"metres": 500}])
    there = ("error", "street-there")
    assert said(lever("open_street", table="old.csv")) == [there]
    assert said(lever("open_street", table="some.csv")) == [("warning", "street-there")]
    assert said(street("n00", "n10")) == said(street("n10", "n00", one_way=True)) == [there]
    assert said(street("n00", "n10", speed=900.0)) == [], "a faster one"
    assert said(street("n30", "n31"), street("n31", "n30")) == [there], "by a lever before"
    cut_street(case.path, "n00", "n10", one_way="1")
    case = Case.open(case.path)
    assert said(street("n00", "n10")) == [], "open both ways now"
    cut_street(case.path, "n00", "n10", one_way="0", opened="2029-01-01")
    case = Case.open(case.path)
    assert said(street("n00", "n10", weeks=4)) == [], "sooner than it would"
