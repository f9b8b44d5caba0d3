"""YAML faults are told with file, line, column and a hint, and never raise."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from sim.case.messages import Problems
from sim.case.yaml import Document, read_yaml


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    weight: float = 1.0


class Plan(BaseModel):
    model_config = ConfigDict(extra="forbid")
    start: datetime.date
    weeks: int = 52
    parts: list[Part] = []
    named: dict[str, Part] = {}


def read(tmp_path: Path, text: str | bytes) -> tuple[Plan | None, Problems]:
    path, problems = tmp_path / "plan.yaml", Problems()
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_yaml(path, Plan, problems), problems


def test_a_good_file_becomes_the_model(tmp_path: Path) -> None:
    plan, problems = read(tmp_path, "\ufeffstart: 2020-01-06\nparts: [{weight: 2}]\n")
    assert plan is not None and not list(problems)
    assert plan.start == datetime.date(2020, 1, 6) and plan.parts[0].weight == 2


def test_words_that_yaml_1_1_took_for_truth_values_stay_words(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: no\nb: on\nc: true\nd: 12:30\n")
    document = Document.read(path, Problems())
    assert document is not None
    assert document.data == {"a": "no", "b": "on", "c": True, "d": "12:30"}


@pytest.mark.parametrize(
    ("text", "code", "line", "column", "hint"),
    [
        ("start: 2020-01-06\nweks: 3\n", "unknown-key", 2, 1, "did you mean 'weeks'?"),
        ("start: 2020-01-06\nparts:\n  - wait: 3\n", "unknown-key", 3, 5, "'weight'"),
        ("start: 2020-01-06\nnamed: {a: {wieght: 3}}\n", "unknown-key", 2, 13, "'weight'"),
        ("start: 2020-01-06\nweeks: many\n", "bad-value", 2, 8, ""),
        ("start: soon\n", "bad-value", 1, 8, ""),
        ("start: 2020-02-30\n", "yaml-value", 1, 8, "2020-01-31"),
        ("weeks: 3\n", "missing-key", 1, 1, "start: ..."),
        ("start: 2020-01-06\nweeks: 3\nweeks: 4\n", "duplicate-key", 3, 1, "line 2"),
        ("start: 2020-01-06\n\tweeks: 3\n", "yaml-syntax", 2, 1, "spaces"),
        ("start: [2020-01-06\nweeks: 3\n", "yaml-syntax", 2, 6, "line 1"),
        ("start: [\n", "yaml-syntax", 2, 1, "not closed"),
        ("start: {", "yaml-syntax", 1, 9, "not closed"),
        ("start: '\n\n", "yaml-syntax", 3, 1, "line 1"),
        ("start: 2020-01-06\n---\nweeks: 3\n", "yaml-syntax", 2, 1, "one document"),
        ("start: !python 3\n", "yaml-tag", 1, 8, "tag"),
        ("named: &x {a: *x}\n", "yaml-cycle", 1, 8, "write it out"),
        ("", "missing-key", 1, 1, "start"),
        ("- 1\n", "bad-value", 1, 1, ""),
        (b"start: \xff\xfe\n", "encoding", 1, None, "UTF-8"),
    ],
)
def test_a_fault_is_told_with_its_place(
    tmp_path: Path, text: str | bytes, code: str, line: int, column: int | None, hint: str
) -> None:
    plan, problems = read(tmp_path, text)
    assert plan is None
    first = problems.errors[0]
    assert (first.code, first.line, first.column) == (code, line, column)
    assert first.path == tmp_path / "plan.yaml" and hint in first.hint


def test_a_missing_file_is_told_with_what_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "reform.yaml").write_text("a: 1\n")
    problems = Problems()
    assert Document.read(tmp_path / "refrom.yaml", problems) is None
    assert problems.errors[0].code == "missing-file"
    assert "reform.yaml" in problems.errors[0].hint


def test_places_are_those_of_keys_values_and_nearest_ancestors(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("levers:\n  - close:\n      date: 2020-01-06\n  - open\n")
    document = Document.read(path, Problems())
    assert document is not None
    assert document.place(("levers", 0, "close", "date")) == (3, 7)
    assert document.place(("levers", 0, "close", "date"), value=True) == (3, 13)
    assert document.place(("levers", 1)) == (4, 5)
    assert document.place(("levers", 0, "close", "missing")) == (2, 5)
    assert document.place() == (1, 1)


@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}'\"&*!|>#,? \t\n", max_size=30))
def test_no_text_whatever_raises(text: str) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.yaml")
        path.write_bytes(text.encode("utf-8", errors="surrogatepass"))
        problems = Problems()
        read_yaml(path, Plan, problems)
