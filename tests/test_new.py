"""Claims about the case that `sim new` makes: complete, sound, quick to run, all or nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sim.case.case import Case
from sim.case.messages import InputError
from sim.check import check
from sim.cli.main import cli
from sim.experiment.lock import DirectoryLock
from sim.new import NAME, PLACE, new_case


def sim(*arguments: object) -> Result:
    done = CliRunner().invoke(cli, [str(a) for a in arguments])
    assert done.exit_code == 0 and done.exception is None, done.output
    return done


def test_from_nothing_to_an_answer(tmp_path: Path) -> None:
    """As its README says: check, describe, run, compare, report."""
    folder = tmp_path / "mine"
    made = sim("new", folder).stdout.splitlines()
    assert str(folder / "case.yaml") in made and all(Path(p).is_file() for p in made)
    assert "no errors" in sim("check", folder, "--map", tmp_path / "map.svg").stdout
    assert "no errors" in sim("check", folder / "merge.yaml").stdout
    assert "villages instead of 4" in sim("describe", folder / "merge.yaml").stdout
    results = folder / "results"
    sim("run", folder / "experiment.yaml", "--out", results, "--engine", "serial")
    assert "merge" in sim("compare", results).stdout
    sim("report", results)
    assert (results / "report.html").stat().st_size > 10_000


def test_sim_run_says_as_one_json_document_what_it_came_to(tmp_path: Path) -> None:
    folder, results = tmp_path / "mine", tmp_path / "results"
    new_case(folder)
    command = ["run", folder / "experiment.yaml", "--out", results, "--engine", "serial", "--json"]
    first, again = (json.loads(sim(*command).stdout) for _ in range(2))
    assert first["ok"] and again["ok"]
    runs = first["found"]["runs"]
    for found, ran in ((first["found"], runs), (again["found"], 0)):
        assert found.pop("seconds") >= 0
        assert found == {
            "path": str(results), "engine": "serial", "reason": "done", "runs": runs,
            "done": runs, "failed": 0, "skipped": runs - ran, "ran": ran,
        }  # fmt: skip
    with DirectoryLock(results):
        refused = CliRunner().invoke(cli, [str(a) for a in command])
    assert isinstance(refused.exception, OSError)  # which ends the program with 3
    said = json.loads(refused.stdout)
    assert not said["ok"] and f"process {os.getpid()}" in said["found"]["reason"]


def test_it_is_a_case_without_a_warning_that_makes_sense_on_a_map(tmp_path: Path) -> None:
    new_case(tmp_path / "mine")
    assert not check(tmp_path / "mine").warnings
    case = Case.open(tmp_path / "mine")
    assert case.outlines_path is not None
    inside = case.facilities.merge(case.settlements, left_on="settlement", right_on="id")
    metres = ((inside["x_x"] - inside["x_y"]) ** 2 + (inside["y_x"] - inside["y_y"]) ** 2) ** 0.5
    assert metres.max() < 200  # every facility lies in its settlement
    assert case.settlements["x"].between(390_000, 420_000).all()
    assert set(case.settlements["terrain"]) == {"plain", "hill"}
    told = (tmp_path / "mine" / "README.md").read_text("utf-8")
    assert f"{len(case.settlements)} settlements, {case.settlements['households'].sum():,}" in told


@pytest.mark.parametrize("name", ["mine", "我的县", 'a "b": {c} #d', "it's", "a\\b", "x: y"])
def test_it_bears_the_name_of_its_directory(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    new_case(folder)
    assert Case.open(folder).meta.title.en == name
    texts = [p.read_text("utf-8") for p in folder.iterdir() if p.suffix in (".yaml", ".md")]
    assert not [t for t in texts if NAME in t or PLACE in t]
    assert (folder / "README.md").read_text("utf-8").startswith(f"# {name}\n")
    check(folder / "experiment.yaml")


def test_a_name_that_is_no_text_does_not_stop_it(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff\nb"))
    try:
        folder.mkdir()
    except OSError:
        return  # this file system has no such names
    new_case(folder)
    assert "a" in Case.open(folder).meta.title.en


def test_the_commands_of_its_readme_are_quoted_for_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / "my own county"
    new_case(folder)
    text = (folder / "README.md").read_text("utf-8")
    assert f"sim check '{folder}' --map" in text and f"sim run '{folder}'/experiment.yaml" in text


def test_what_is_there_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(InputError) as caught:
            new_case(folder)
        assert caught.value.problems[0].code == "not-empty"
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_directory_is_filled_even_the_one_we_are_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    new_case(Path())
    assert Case.open(folder).meta.title.en == "here" and Path("case.yaml").is_file()


@pytest.mark.parametrize("after", [0, 1, 9, 20])
@pytest.mark.parametrize("there", [True, False])
def test_all_is_written_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, there: bool
) -> None:
    folder = tmp_path / "above" / "mine"
    if there:
        folder.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    real, calls = os.replace, []

    def failing(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == after + 1:
            raise OSError(28, "no space left")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(InputError) as caught:
        new_case(folder)
    assert caught.value.problems[0].code == "cannot-write"
    assert sorted(tmp_path.rglob("*")) == before
