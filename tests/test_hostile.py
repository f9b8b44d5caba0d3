"""Files that would hang, fill the memory or lead elsewhere are refused with a message."""

from __future__ import annotations

import io
import json
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sim.case import files
from sim.case.case import Case
from sim.case.cells import Cells
from sim.case.messages import InputError, Problem, Problems
from sim.case.yaml import Document
from sim.check import check
from sim.experiment.experiment import Experiment
from sim.levers.scenario import Scenario
from sim.report.case_map import draw_case
from tests.levers import redraw, write_scenario

TITLE = "title: {en: A, zh: 甲}\n"


def refused(call: Callable[[], object]) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        call()
    return list(caught.value.problems)


def code_of(path: Path) -> str:
    """The code with which a YAML file is refused."""
    problems = Problems()
    assert Document.read(path, problems) is None
    (problem,) = problems
    assert problem.path == path and problem.hint
    return problem.code


BILLION = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BILLION, "too-large"),
        ("a: " + "[" * 100_000, "too-large"),
        ("a: " + "[" * 10_000, "yaml-depth"),
        ("- " * 10_000 + "a", "yaml-depth"),
        ("a: " + "{b: " * 41 + "1" + "}" * 41, "yaml-depth"),
        ("a: 1\n" * 20_000, "too-large"),
        ("a: [" + "1, " * 50_000 + "1]", "too-large"),
        ("a: " + "x" * 1_000_000, "too-large"),
        ("#" * 11_000_000, "too-large"),
        (b"a: b\0c\n", "control-character"),
        (b"a: \x1b[31mred\n", "control-character"),
        ("a: b".encode("utf-16"), "encoding"),
        ("a: b".encode("utf-16-be"), "encoding"),
        (b"a: \xed\xa0\x80\n", "encoding"),
        ("%YAML 1.1\n---\na: no\n", "yaml-version"),
    ],
    ids=range(15),
)
def test_text_that_is_no_yaml_of_ours_is_refused(
    tmp_path: Path, content: str | bytes, code: str
) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    assert code_of(path) == code


@pytest.mark.parametrize("value", [r'"\ud800"', r'"\0"', r'{"\udfff": 1}', r'"\e[2J"'])
def test_escapes_that_make_no_text_are_refused(tmp_path: Path, value: str) -> None:
    path, problems = tmp_path / "a.yaml", Problems()
    path.write_text(f"a: {value}\n")
    Document.read(path, problems)
    assert [p.code for p in problems] == ["control-character"]


def test_escaped_pairs_of_surrogates_are_one_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(json.dumps({"a": "😀", "😀": 1}))
    document = Document.read(path, Problems())
    assert document and document.data == {"a": "😀", "😀": 1}


def test_a_file_just_inside_the_limits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: [" + "1, " * (files.MOST_ENTRIES - 200) + "1]\nb: " + "[" * 38 + "]" * 38)
    document = Document.read(path, Problems())
    assert document and len(document.data["a"]) == files.MOST_ENTRIES - 199


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes by name")
def test_pipes_devices_and_directories_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "null.yaml").symlink_to("/dev/null")
    for name in ("pipe", "folder", "zero", "null"):
        assert code_of(tmp_path / f"{name}.yaml") == "not-a-file"
        assert [p.code for p in refused(lambda n=name: check(tmp_path / f"{n}.yaml"))] == [
            "not-a-file"
        ]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes by name")
@pytest.mark.parametrize("name", ["case.yaml", "settlements.csv", "services.csv"])
def test_a_pipe_in_a_case_is_refused(small_case_dir: Path, name: str) -> None:
    (small_case_dir / name).unlink(missing_ok=True)
    os.mkfifo(small_case_dir / name)
    assert "not-a-file" in {p.code for p in refused(lambda: Case.open(small_case_dir))}


def test_links_that_lead_nowhere_or_round_are_told(tmp_path: Path) -> None:
    (tmp_path / "gone.yaml").symlink_to(tmp_path / "nothing.yaml")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert code_of(tmp_path / "gone.yaml") == "missing-file"
    assert code_of(tmp_path / "a.yaml") == "bad-path"
    assert code_of(tmp_path / ("x" * 300 + ".yaml")) == "bad-path"
    assert code_of(tmp_path / "a\0b.yaml") == "bad-path"


@pytest.mark.parametrize("name", ["case.yaml", "settlements.csv", "outlines.geojson"])
def test_a_case_holds_its_files_itself(small_case_dir: Path, name: str) -> None:
    (small_case_dir / name).rename(small_case_dir.parent / name)
    (small_case_dir / name).symlink_to(small_case_dir.parent / name)
    found = refused(lambda: Case.open(small_case_dir))
    assert [p.code for p in found if p.path == small_case_dir / name] == ["outside-case"]


def test_a_link_inside_the_case_is_followed(small_case_dir: Path) -> None:
    (small_case_dir / "settlements.csv").rename(small_case_dir / "old.csv")
    (small_case_dir / "settlements.csv").symlink_to("old.csv")
    (small_case_dir.parent / "link").symlink_to(small_case_dir)
    assert len(Case.open(small_case_dir.parent / "link").settlements) == 16


def test_no_path_leads_out_of_the_case(small_case: Case, tmp_path: Path) -> None:
    folder = small_case.path
    outside = write_scenario(tmp_path, name="outside")
    (folder / "link.yaml").symlink_to(outside)
    (folder / "link.csv").symlink_to(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("settlement,new_id\n")
    write_scenario(folder, name="before")

    def codes(path: Path) -> list[str]:
        return [p.code for p in refused(lambda: Scenario.open(path, small_case))]

    assert codes(folder / "link.yaml") == ["outside-case"]
    for base in ("../outside.yaml", str(outside), "link.yaml"):
        assert codes(write_scenario(folder, base=base)) == ["outside-case"]
    for table in ("../x.csv", str(tmp_path / "x.csv"), "link.csv", "/dev/zero"):
        assert codes(write_scenario(folder, redraw(lineage=table))) == ["outside-case"]
    for name in ("../outside.yaml", str(outside), "link.yaml"):
        found = refused(
            lambda n=name: Experiment.of(small_case, scenarios=[n], weeks=5, base="before.yaml")
        )
        assert [p.code for p in found] == ["outside-case"]


def read_table(path: Path, content: bytes) -> list[str]:
    path.write_bytes(content)
    problems = Problems()
    Cells.read(path, problems)
    return [p.code for p in problems]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"id,name\n1," + b"x" * 1_100_000 + b"\n", "too-large"),
        (b"id" + b"," * 2_000 + b"\n", "too-large"),
        (b"id" + b"," * 900 + b"\n" + b"1\n" * 30_000, "too-large"),
        (b"id,name\n1,\0\n", "control-character"),
        ("id,name\n".encode("utf-16"), "encoding"),
        (b'id,name\n"' + b"x\n" * 100_000, "bad-csv"),
    ],
    ids=range(6),
)
def test_tables_without_end_are_refused(tmp_path: Path, content: bytes, code: str) -> None:
    assert read_table(tmp_path / "a.csv", content) == [code]


def test_a_large_table_is_refused_by_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.case.cells.MOST_TABLE", 1000)
    assert read_table(tmp_path / "a.csv", b"id\n" + b"1\n" * 999) == ["too-large"]
    assert read_table(tmp_path / "b.csv", b"id\n" + b"1\n" * 400) == []


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sim.case.cells.MOST_UNPACKED", 15_000_000)
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as book,
        book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet,
    ):
        for _ in range(2):
            sheet.write(bytes(10_000_000))
    assert read_table(tmp_path / "a.xlsx", packed.getvalue()) == ["too-large"]


def test_a_workbook_with_a_cell_in_its_last_corner_is_refused(tmp_path: Path) -> None:
    from openpyxl import Workbook

    book = Workbook()
    assert book.active
    book.active["A1"] = "id"
    book.active["XFD60000"] = "1"
    book.save(tmp_path / "a.xlsx")
    assert read_table(tmp_path / "a.xlsx", (tmp_path / "a.xlsx").read_bytes()) == ["too-large"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("garbage", "bad-json"),
        ("[" * 3000, "bad-geojson"),
        ("[]", "bad-geojson"),
        ('{"features": [1]}', "bad-geojson"),
        ('{"features": [{"properties": {"level": "settlement", "id": "x"}, "geometry": null}]}',
         "bad-geojson"),
    ],
    ids=range(5),
)  # fmt: skip
def test_outlines_that_are_no_polygons_are_refused_by_the_map(
    small_case_dir: Path, content: str, code: str
) -> None:
    (small_case_dir / "outlines.geojson").write_text(content)
    found = refused(lambda: draw_case(small_case_dir, small_case_dir / "map.svg"))
    assert [p.code for p in found] == [code]


def test_what_a_person_wrote_is_shortened_and_shown_by_its_escape() -> None:
    problem = Problem("x", f"{'y' * 1000} \x1b[31m\n\u202e\ud800", hint="a\rb")
    assert len(problem.message) < 500 and problem.message.isprintable()
    assert problem.message.endswith(r"\x1b[31m\n\u202e\ud800") and problem.hint == r"a\rb"
