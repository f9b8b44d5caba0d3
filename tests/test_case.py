"""A case is read whole or refused with everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook

from sim.case.case import Case
from sim.case.messages import InputError, Problem
from sim.case.schema import AGES
from sim.check import check
from tests.cases import STREET, UNITS, read_rows, settlement_id, write_small_case, write_table

FIRST = settlement_id(0, 0)


def faults(folder: Path) -> list[Problem]:
    """What `Case.open` says is wrong."""
    with pytest.raises(InputError) as caught:
        Case.open(folder)
    return [p for p in caught.value.problems if p.severity == "error"]


def edit(path: Path, old: str, new: str, count: int = 1) -> None:
    """Replaces the first `count` places of `old` in a file."""
    text = path.read_text("utf-8-sig")
    assert old in text
    path.write_text(text.replace(old, new, count), "utf-8")


def drop_line(path: Path, start: str) -> None:
    """Removes the lines that begin with `start`."""
    lines = path.read_text("utf-8-sig").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if not x.startswith(start)), "utf-8")


def test_tables_have_the_types_that_the_model_relies_on(small_case: Case) -> None:
    settlements = small_case.settlements
    assert len(settlements) == 16 and isinstance(settlements.index, pd.RangeIndex)
    assert settlements["id"].dtype == "str" and settlements["id"].iloc[0] == FIRST
    assert all(settlements[c].dtype == np.int64 for c in ("x", "y", "households", *AGES))
    assert small_case.facilities["capacity"].isna().any()
    assert small_case.facilities["opened"].isna().all()
    assert small_case.services.columns[0] == "id"
    assert small_case.services["age_80"].dtype == np.float64
    assert small_case.warnings == ()


def test_the_digest_follows_the_bytes_that_were_read(tmp_path: Path) -> None:
    a, b = (write_small_case(tmp_path / n) for n in "ab")
    assert Case.open(a).digest == Case.open(b).digest
    edit(b / "settlements.csv", "第1组", "第一组")
    assert Case.open(a).digest != Case.open(b).digest


def test_a_missing_case_is_named_with_what_lies_beside_it(tmp_path: Path) -> None:
    write_small_case(tmp_path / "meishan")
    (problem,) = faults(tmp_path / "meishn")
    assert problem.code == "missing-case" and "meishan" in problem.hint


def test_all_mistakes_are_told_at_once(small_case_dir: Path) -> None:
    edit(small_case_dir / "settlements.csv", ",180,", ",-180,")
    edit(small_case_dir / "communities.csv", ",urban,", ",urbane,")
    edit(small_case_dir / "case.yaml", "seed:", "sed:")
    assert {p.code for p in faults(small_case_dir)} == {
        "out-of-range",
        "bad-choice",
        "unknown-key",
    }


def no_office(folder: Path) -> None:
    drop_line(folder / "offices.csv", f"O-{UNITS[3]}")
    drop_line(folder / "facilities.csv", f"P-{UNITS[3]}")
    drop_line(folder / "facilities.csv", f"C-{UNITS[3]}")


def no_settlements(folder: Path) -> None:
    for table in ("settlements", "neighbours"):
        drop_line(folder / f"{table}.csv", UNITS[3])
    edit(folder / "communities.csv", UNITS[3] + "01", UNITS[2] + "01")
    rows = [r for r in read_rows(folder / "neighbours.csv") if UNITS[3] not in r["neighbour"]]
    text = "".join(f"{r['settlement']},{r['neighbour']}\n" for r in rows)
    (folder / "neighbours.csv").write_text("settlement,neighbour\n" + text)
    edit(folder / "offices.csv", UNITS[3] + "01", UNITS[2] + "01")
    edit(folder / "facilities.csv", UNITS[3] + "0", UNITS[2] + "0", 99)


def replacing(table: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda folder: edit(folder / f"{table}.csv", old, new)


@pytest.mark.parametrize(
    ("change", "code", "place", "said", "hint"),
    [
        (replacing("settlements", ",180,4,", ",-180,4,"), "out-of-range",
         "settlements.csv:2", "persons '-180' is negative", "0 or more"),
        (replacing("settlements", ",180,4,", ",180,5,"), "age-sum",
         "settlements.csv:2", FIRST, "age columns"),
        (replacing("settlements", "60,180", "190,180"), "households",
         "settlements.csv:2", "more households than persons", ""),
        (replacing("settlements", "400250", "103.83"), "not-whole",
         "settlements.csv:2", "103.83", "not degrees"),
        (replacing("settlements", "60,180", "六十,180"), "bad-number",
         "settlements.csv:2", "'六十' is not a number", "digits"),
        (replacing("settlements", "plain", "flat"), "bad-choice",
         "settlements.csv:2", "terrain 'flat'", "plain, hill"),
        (replacing("offices", f"O-{UNITS[0]},", "5.11425E+11,"), "damaged-id",
         "offices.csv:2", "5.11425E+11", "as text"),
        (replacing("communities", f"{UNITS[1]},", f"{UNITS[0]},"), "duplicate-id",
         "communities.csv:3", "given twice", "another id"),
        (replacing("communities", f"{STREET},", f"{STREET}9,"), "unknown-id",
         "communities.csv:2", f"township '{STREET}9'", f"did you mean '{STREET}'"),
        (replacing("communities", FIRST, UNITS[1] + "01"), "seat-outside",
         "communities.csv:2", "another unit", "the unit itself"),
        (replacing("neighbours", FIRST, "9999"), "unknown-id",
         "neighbours.csv:2", "settlement '9999'", "settlements"),
        (replacing("facilities", "health", "helth"), "unknown-service",
         "facilities.csv:4", "'helth'", "known: government"),
        (replacing("facilities", ",public,", ",publc,"), "unknown-id",
         "facilities.csv:4", "operator 'publc'", "public"),
        (replacing("facilities", "everyone,\n", "everyone,2020-02-30\n"), "bad-date",
         "facilities.csv:3", "2020-02-30", "2020-01-31"),
        (no_office, "community-without-office",
         "communities.csv:5", UNITS[3], "offices"),
        (no_settlements, "unit-without-settlement",
         "communities.csv:5", UNITS[3], "settlements.csv"),
        (lambda f: (f / "offices.csv").unlink(), "missing-table",
         "offices.csv", "offices.csv is missing", "id, name, kind"),
        (replacing("townships", "county", "county_name"), "missing-column",
         "townships.csv:1", "'county'", "did you mean 'county_name'"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_to_do(
    small_case_dir: Path,
    change: Callable[[Path], None],
    code: str,
    place: str,
    said: str,
    hint: str,
) -> None:
    change(small_case_dir)
    found = faults(small_case_dir)
    matching = [p for p in found if p.code == code and f"{p.place()}:".find(f"{place}:") > 0]
    assert matching, [str(p) for p in found]
    assert said in matching[0].message
    assert hint in matching[0].hint


def test_the_caret_stands_under_the_cell(small_case_dir: Path) -> None:
    edit(small_case_dir / "settlements.csv", "第1组", '"东门, ""上""第1组"')
    edit(small_case_dir / "settlements.csv", "plain", "flat")
    (found,) = faults(small_case_dir)
    assert found.path is not None and found.line is not None and found.column is not None
    line = found.path.read_text("utf-8-sig").split("\n")[found.line - 1]
    assert line[found.column - 1 :].startswith("flat,")


def test_a_cell_of_a_row_of_several_lines_has_no_column(small_case_dir: Path) -> None:
    edit(small_case_dir / "settlements.csv", "第1组", '"第1\n组"')
    edit(small_case_dir / "settlements.csv", "plain", "flat")
    assert [(p.line, p.column) for p in faults(small_case_dir)] == [(3, None)]


def test_lines_are_counted_with_blank_lines_and_line_breaks_in_cells(small_case_dir: Path) -> None:
    edit(small_case_dir / "settlements.csv", "第1组", '"第1\n组"')
    edit(small_case_dir / "settlements.csv", settlement_id(1, 0), "\n" + settlement_id(1, 0))
    edit(small_case_dir / "settlements.csv", ",186,", ",-186,")
    (problem,) = faults(small_case_dir)
    assert problem.line == 5


def test_a_line_with_a_comma_too_many_is_named(small_case_dir: Path) -> None:
    edit(small_case_dir / "settlements.csv", "第2组", "第2,组")
    (problem,) = [p for p in faults(small_case_dir) if p.code == "long-row"]
    assert problem.line == 3 and "double quotes" in problem.hint


def test_many_mistakes_of_one_kind_are_counted(small_case_dir: Path) -> None:
    edit(small_case_dir / "facilities.csv", "everyone", "all", 99)
    found = [p for p in faults(small_case_dir) if p.code == "bad-choice"]
    assert len(found) == 21 and found[-1].message == "and 4 more lines of this kind"


def test_a_table_in_gb18030_is_read_with_a_warning(small_case_dir: Path) -> None:
    path = small_case_dir / "communities.csv"
    path.write_bytes(path.read_text("utf-8-sig").encode("gb18030"))
    case = Case.open(small_case_dir)
    assert case.communities["name"].iloc[0] == "东门社区居民委员会"
    assert [w.code for w in case.warnings] == ["encoding"]


def test_a_workbook_reads_like_the_csv_file(small_case_dir: Path) -> None:
    plain = Case.open(small_case_dir)
    path = small_case_dir / "settlements.csv"
    book = Workbook()
    rows = read_rows(path)
    book.active.append(list(rows[0]))
    for row in rows:
        # a spreadsheet holds ids as numbers when nobody told it otherwise
        book.active.append([int(v) if v.isdigit() else v for v in row.values()])
    book.save(small_case_dir / "settlements.xlsx")
    path.unlink()
    pd.testing.assert_frame_equal(Case.open(small_case_dir).settlements, plain.settlements)


def test_extra_columns_are_kept(small_case_dir: Path) -> None:
    path = small_case_dir / "townships.csv"
    lines = path.read_text("utf-8-sig").splitlines()
    text = "\n".join([lines[0] + ",note", *(line + ",seen" for line in lines[1:])])
    path.write_text(text, "utf-8")
    assert list(Case.open(small_case_dir).townships["note"]) == ["seen", "seen"]


def test_blank_types_follow_from_kind_and_township(small_case_dir: Path) -> None:
    edit(small_case_dir / "communities.csv", ",urban,", ",,")
    edit(small_case_dir / "communities.csv", ",rural,", ",,")
    assert list(Case.open(small_case_dir).communities["type"]) == ["urban"] * 2 + ["rural"] * 2


def test_a_scope_cuts_every_table_alike(small_case: Case) -> None:
    part = small_case.scoped(counties=["甲区"])
    assert set(part.communities["id"]) == set(UNITS[:2])
    assert len(part.settlements) == 8 and set(part.offices["township"]) == {STREET}
    ids = part.settlements["id"]
    assert part.facilities["settlement"].isin(ids).all()
    assert part.neighbours.isin(set(ids)).all(axis=None) and len(part.neighbours) == 10
    assert part.digest != small_case.digest
    assert part.digest == small_case.scoped(counties=["甲区"]).digest
    by_township = small_case.scoped(townships=["河东街道"])
    pd.testing.assert_frame_equal(by_township.settlements, part.settlements)
    assert small_case.scoped() is small_case


def test_a_scope_that_is_not_there_is_refused_with_near_names(small_case: Case) -> None:
    with pytest.raises(InputError) as caught:
        small_case.scoped(counties=["甲县", "乙县"])
    (problem,) = caught.value.problems
    assert "'甲县'" in problem.message and problem.hint


def test_check_compares_the_case_with_the_margins_it_was_built_from(small_case_dir: Path) -> None:
    (small_case_dir / "input").mkdir()
    totals = "registered_persons: 3600\npersons_in_communities_before: 1600\narea_km2: 4\n"
    (small_case_dir / "input" / "totals.yaml").write_text(totals)
    report = check(small_case_dir)
    margins = {m.name: m for m in report.margins}
    assert margins["registered_persons"].deviation == 0
    assert margins["area_km2"].value == pytest.approx(4)
    assert margins["persons_in_communities_before"].deviation == pytest.approx(1608 / 1600 - 1)
    assert report.counts["communities (village)"] == 2
    assert report.counts["units after the redraw"] == 2
    assert report.counties is not None and report.counties["persons"].sum() == 3600
    assert "甲区" in report.to_text() and "+0.50%" in report.to_text()


def test_a_counter_that_nobody_staffs_is_refused_and_named(tmp_path):
    folder = write_small_case(tmp_path / "case")
    path = folder / "facilities.csv"
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    row = next(i for i, line in enumerate(lines) if "government" in line)
    cells = lines[row].split(",")
    cells[lines[0].split(",").index("operator")] = "public"
    lines[row] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    with pytest.raises(InputError) as caught:
        Case.open(folder)
    said = str(caught.value)
    assert f"facilities.csv:{row + 1}" in said and "not run by an office with windows" in said


def test_units_and_townships_share_no_id(small_case_dir: Path) -> None:
    for name in ("townships", "communities", "offices"):
        column = "id" if name == "townships" else "township"
        rows = read_rows(small_case_dir / f"{name}.csv")
        renamed = [{**r, column: UNITS[0] if r[column] == STREET else r[column]} for r in rows]
        write_table(small_case_dir / f"{name}.csv", renamed)
    with pytest.raises(InputError) as caught:
        Case.open(small_case_dir)
    assert [(p.code, p.path.name, p.line) for p in caught.value.problems if p.path] == [
        ("duplicate-id", "communities.csv", 2)
    ]


def test_the_order_of_rows_of_services_changes_nothing(small_case_dir: Path) -> None:
    rows = (resources.files("sim.data") / "services.csv").read_text("utf-8").splitlines()
    own = rows[1].replace("government", "laundry", 1).replace("counter", "visit", 1)
    orders = (*rows[1:], own), (own, *rows[:0:-1])
    seen = []
    for order in orders:
        (small_case_dir / "services.csv").write_text("\n".join([rows[0], *order]) + "\n", "utf-8")
        seen.append(Case.open(small_case_dir).services)
    pd.testing.assert_frame_equal(*seen)
    usual = [row.split(",")[0] for row in rows[1:]]
    assert seen[0]["id"].tolist() == [*usual, "laundry"]
