"""The command line: quick help, messages without tracebacks, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.case.messages import InputError, Problem
from sim.cli import terminal
from sim.cli.main import cli
from sim.experiment.designs import Design
from tests.experiments import LOAD, MINUTES, REFORM, experiment, go
from tests.test_designs import Values, sums

ROOT = Path(__file__).parent.parent


def sim(*arguments: object, **more: object) -> subprocess.CompletedProcess[str]:
    """Runs the command in a process of its own, as a person would."""
    return subprocess.run(
        [sys.executable, "-m", "sim", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, encoding="utf-8", **more,  # type: ignore[call-overload]
    )  # fmt: skip


def test_help_loads_neither_numpy_nor_pandas() -> None:
    code = (
        "import sys\nfrom sim.cli.main import cli\n"
        "try: cli.main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_helps_with_a_line_and_an_example(name: str) -> None:
    done = CliRunner().invoke(cli, [name, "--help"])
    assert done.exit_code == 0
    assert "Example:" in done.output and f"  sim {name}" in done.output
    assert cli.commands[name].short_help


def test_a_good_case_is_described_on_stdout(small_case_dir: Path) -> None:
    done = sim("check", small_case_dir)
    assert done.returncode == 0 and not done.stderr
    assert "settlements" in done.stdout and "甲区" in done.stdout
    data = json.loads(sim("check", small_case_dir, "--json").stdout)
    found = data["found"]
    assert data["ok"] and data["kind"] == "case" and not data["problems"]
    assert found["counts"]["persons"] == 3600 and found["counties"][0]["county"] in ("甲区", "乙县")


def test_a_map_is_drawn_and_other_file_types_are_refused(
    small_case_dir: Path, tmp_path: Path
) -> None:
    done = sim("check", small_case_dir, "--map", tmp_path / "map.svg")
    assert done.returncode == 0 and "map.svg" in done.stderr
    assert "<svg" in (tmp_path / "map.svg").read_text("utf-8")
    done = sim("check", small_case_dir, "--map", tmp_path / "map.gif")
    assert done.returncode == 2 and ".svg or .png" in done.stderr


def test_a_fault_is_shown_with_its_line_and_a_caret(small_case_dir: Path) -> None:
    path = small_case_dir / "case.yaml"
    path.write_text(path.read_text("utf-8").replace("seed:", "sed:"), "utf-8")
    done = sim("check", small_case_dir)
    assert done.returncode == 2 and not done.stdout
    shown = done.stderr.splitlines()
    assert shown[0].endswith("case.yaml:4:1: error [unknown-key]: unknown key 'sed'")
    assert shown[1:4] == ["    4 | sed: 7", "      | ^", "    = did you mean 'seed'?"]
    assert shown[-1] == "`sim explain unknown-key` says more"


def test_faults_are_json_on_stdout_where_that_is_asked_for(small_case_dir: Path) -> None:
    path = small_case_dir / "case.yaml"
    path.write_text(path.read_text("utf-8").replace("seed:", "sed:"), "utf-8")
    done = sim("check", small_case_dir, "--json")
    assert done.returncode == 2 and not done.stderr
    data = json.loads(done.stdout)
    assert (data["ok"], data["kind"], data["found"]) == (False, "case", None)
    assert data["problems"] == [
        {
            "code": "unknown-key", "severity": "error", "message": "unknown key 'sed'",
            "path": str(path), "line": 4, "column": 1, "source": "sed: 7",
            "hint": "did you mean 'seed'?",
        }
    ]  # fmt: skip


@pytest.mark.parametrize(("command", "kind"), [("check", None), ("run", "experiment")])
def test_every_command_with_json_says_its_faults_so(command: str, kind: str | None) -> None:
    done = sim(command, "no-such-file.yaml", "--json")
    assert done.returncode == 2 and not done.stderr
    data = json.loads(done.stdout)
    assert (data["ok"], data["kind"]) == (False, kind)
    assert [p["code"] for p in data["problems"]] == ["missing-file"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "no-such-place"],
        ["check", "no-such-file.yaml"],
        ["build", "no-such-input", "nowhere"],
        ["run", "no-such-experiment.yaml"],
        ["compare", "no-such-results"],
        ["report", "no-such-results"],
        ["rank", "no-such-results", "--outcome", "x"],
        ["sensitivity", "no-such-results"],
        ["chek"],
        ["run"],
        ["run", "x.yaml", "--jobs", "0"],
    ],
)
def test_a_wrong_argument_ends_with_code_2_and_no_traceback(arguments: list[str]) -> None:
    done = sim(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stderr and "Traceback" not in done.stderr


def test_parameters_are_listed_and_assumptions_apart() -> None:
    rows = json.loads(sim("parameters", "--json").stdout)
    few = json.loads(sim("parameters", "--json", "--assumptions").stdout)
    assert {"name", "value", "unit", "low", "high", "source"} <= set(rows[0])
    assert few == [r for r in rows if r["confidence"] == "C"] and len(few) < len(rows)


def raising(error: BaseException) -> int:
    def call() -> int:
        raise error

    return terminal.guarded(call)


def test_exit_codes_tell_input_from_environment(capsys: pytest.CaptureFixture[str]) -> None:
    assert terminal.guarded(lambda: None) == 0
    assert terminal.guarded(lambda: 1) == 1
    assert raising(InputError([Problem("x", "wrong")])) == 2
    assert raising(InputError([Problem("cannot-write", "wrong")])) == 3
    assert raising(PermissionError(13, "Permission denied", "out")) == 3
    assert raising(OSError(28, "No space left on device", "out")) == 3
    assert raising(KeyboardInterrupt()) == 130
    said = capsys.readouterr().err
    assert "out: no permission" in said and "out: the disk is full" in said
    assert "Traceback" not in said
    assert raising(ZeroDivisionError()) == 70
    assert "fault of the program" in capsys.readouterr().err


def test_progress_elsewhere_than_on_a_terminal_is_a_plain_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    with terminal.progress(10, "runs") as bar:
        for _ in range(10):
            now[0] += 8
            bar.advance()
    assert capsys.readouterr().err.splitlines() == ["runs 4/10, 48 s left", "runs 8/10, 16 s left"]


def test_statistics_ranks_and_sensitivity_are_printed_from_results(tmp_path: Path) -> None:
    design = Design("morris", ("travel.ride_start", "counter.front"), (0, 5), (9, 60), 4, 4, 1)
    what = experiment(tmp_path, REFORM, parameters=Values(), design=design, weeks=2, replicates=2)
    out = go(tmp_path / "out", what, simulate=sums).study.path
    figure = tmp_path / "tornado.svg"

    def asked(*arguments: object) -> str:
        done = CliRunner().invoke(cli, [str(a) for a in arguments])
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "Holm" in asked("compare", out, "--statistics")
    assert json.loads(asked("compare", out, "--statistics", "--json"))[0]["base"] == "before"
    ranks = json.loads(asked("rank", out, "--outcome", MINUTES, "--json"))
    assert [r["scenario"] for r in ranks] == ["before", "reform"] and ranks[0]["sets"] > 1
    assert "regret" in asked("rank", out, "--outcome", MINUTES, "--within", "1")
    found = json.loads(asked("sensitivity", out, "--json", "--figure", figure))
    assert {"assumptions", "outputs", "indices"} <= set(found) and figure.is_file()
    assert "counter.front" in asked("sensitivity", out, "--outcome", LOAD)
    for wrong in (["--scenario", "x"], ["--figure", "x.gif"]):
        assert CliRunner().invoke(cli, ["sensitivity", str(out), *wrong]).exit_code == 2
