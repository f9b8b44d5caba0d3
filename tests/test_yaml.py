"""YAML faults are told with file, line, column and a hint, and never raise."""

from __future__ import annotations

import datetime
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from sim.case.messages import Problem, Problems
from sim.case.yaml import Document, read_yaml, salvage, validate
from sim.cli.terminal import cells, print_problems


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


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    id: str = ""
    ids: list[str] = []
    sure: bool = False
    number: float = 0
    day: datetime.date | None = None
    part: Part | None = None


def said(tmp_path: Path, text: str) -> Problem:
    """The only fault of a file."""
    path, problems = tmp_path / "words.yaml", Problems()
    path.write_text(text, "utf-8")
    read_yaml(path, Words, problems)
    (problem,) = problems
    return problem


@pytest.mark.parametrize(
    ("text", "code", "column", "hint"),
    [
        ("id: 012", "unquoted-text", 5, '"012"'),
        ("id: 1_000", "unquoted-text", 5, '"1_000"'),
        ("id: 0x1F", "unquoted-text", 5, '"0x1F"'),
        ("id: true", "unquoted-text", 5, '"true"'),
        ("id: 2020-01-31", "unquoted-text", 5, '"2020-01-31"'),
        ("id: 5.11425E+11", "unquoted-text", 5, "spreadsheet"),
        ("ids: [a, 012345678901]", "unquoted-text", 10, '"012345678901"'),
        ("id:", "empty-value", 4, "colon"),
        ("sure: no", "bad-value", 7, "true or false"),
        ("sure: on", "bad-value", 7, "true or false"),
        ("sure: 否", "bad-value", 7, "true or false"),
        ("number: 12:30:00", "bad-value", 9, "time"),
        ("number: 1,000", "bad-value", 9, "1000"),
        ("number: １２", "bad-value", 9, "write 12"),
        ("number: 12 m2", "bad-value", 9, "units"),
        ('number: "12"', "bad-value", 9, "quotes"),
        ("day: 2020/5/18", "bad-value", 6, "2020-05-18"),
        ("day: 2020年5月18日", "bad-value", 6, "2020-05-18"),
        ("day: 20200518", "bad-value", 6, "2020-01-31"),
        ("day: 2020-02-30", "yaml-value", 6, "2020-01-31"),
        ("ids: a, b", "bad-value", 6, "[a, b]"),
        ("ids: a，b", "full-width", 6, "', '"),
        ("part: no", "bad-value", 7, "word"),
        ("part:\n  weight：3", "full-width", 3, "': '"),
        ("id：a\nsure: true", "full-width", 3, "': '"),
        ("sure: true\nid：a", "full-width", 3, "': '"),
        ("part: {weight：3}", "unknown-key", 8, "': '"),
        ("sure: true\n　id: a", "unknown-key", 1, "'id'"),
        ("ｉｄ: a", "unknown-key", 1, "'id'"),
        ("id: a\nid: b", "duplicate-key", 1, "line 1"),
        ("part:\n\tweight: 3", "yaml-syntax", 1, "tabs"),
        ("ids: &a [*a]", "yaml-cycle", 6, "write it out"),
        ("ids: [a, b", "yaml-syntax", 11, "not closed"),
        ("id: a: b", "yaml-syntax", 6, "quotes"),
    ],
)
def test_what_yaml_reads_otherwise_than_it_looks_has_its_own_words(
    tmp_path: Path, text: str, code: str, column: int, hint: str
) -> None:
    problem = said(tmp_path, text)
    assert (problem.code, problem.column) == (code, column), problem
    assert hint in problem.hint, problem


def test_all_faults_of_a_file_are_said_and_none_that_only_follows(tmp_path: Path) -> None:
    path, problems = tmp_path / "words.yaml", Problems()
    path.write_text("id: 012\nday: 2020-02-30\nsure: 3\nids: [1, b]\nsure: 4\nx: !y 1\n")
    read_yaml(path, Words, problems)
    assert sorted((p.line, p.code) for p in problems) == [
        (1, "unquoted-text"), (2, "yaml-value"), (3, "bad-value"), (4, "unquoted-text"),
        (5, "duplicate-key"), (6, "unknown-key"), (6, "yaml-tag"),
    ]  # fmt: skip


def test_what_can_be_used_of_a_faulty_part_is(tmp_path: Path) -> None:
    path = tmp_path / "words.yaml"
    path.write_text("id: 012\nday: 2020-02-30\nsure: 3\nids: a, b\nflor: 4\n")
    document = Document.read(path, Problems())
    assert document and validate(document, Words, Problems()) is None
    found = salvage(document, Words, (), {"day": datetime.date(2000, 1, 1)})
    assert found == Words(id="012", day=datetime.date(2000, 1, 1), ids=["a", "b"])


@pytest.mark.parametrize(
    "before",
    ["山前社区", "👍", "e\u0301", "\ufeff", "a\tb", "\u200b", "ａ，：", "é", "한글", "\u3000",
     "x" * 200, "村" * 200],
)  # fmt: skip
def test_the_caret_stands_under_its_sign(tmp_path: Path, before: str) -> None:
    problem = said(tmp_path, f'{{id: "{before}", sure: maybe}}')
    out = io.StringIO()
    print_problems([problem], out)
    line, caret = out.getvalue().splitlines()[1:3]
    at = line.index("maybe")
    assert cells(line[:at]) == cells(caret.partition("^")[0])
    assert cells(line) < 120 and line[: at + 5].endswith("sure: maybe")


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
