"""Faults of the world around a study: nothing is torn, it is said what happened, it goes on."""

from __future__ import annotations

import errno
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sim.cli import terminal
from sim.experiment import growth, pieces
from sim.experiment.local import LocalEngine
from sim.experiment.parts import temporary
from sim.experiment.results import Study
from tests.experiments import (
    CRASH,
    REFORM,
    SAME,
    bytes_of,
    experiment,
    go,
    killer_experiment,
    slow_experiment,
)
from tests.test_store import await_runs, start_child

linux = pytest.mark.parametrize("system", [s for s in ["linux"] if sys.platform == s])


@linux
@pytest.mark.parametrize("strikes_at", [1, 2, 3, 5, 9])
def test_a_full_disk_is_said_tears_nothing_and_the_study_goes_on(
    tmp_path, monkeypatch, capsys, strikes_at, system
):
    """The kernel itself refuses: the part that is written is /dev/full (see also test_pieces)."""
    what = experiment(tmp_path)
    go(tmp_path / "whole", what)
    written, real = [], pieces.write_part

    def write_part(path: Path, *rest) -> None:
        written.append(path)
        if len(written) >= strikes_at:
            temporary(path).unlink(missing_ok=True)
            temporary(path).symlink_to("/dev/full")
        real(path, *rest)

    out = tmp_path / "out"
    with monkeypatch.context() as full:
        full.setattr(pieces, "write_part", write_part)
        with pytest.raises(OSError) as caught:
            go(out, what)
        assert caught.value.errno == errno.ENOSPC
        assert terminal.guarded(lambda: go(out, what, 0).exit_code) == terminal.ENVIRONMENT
    said = capsys.readouterr().err
    assert "the disk is full" in said and "Traceback" not in said
    study = Study.open(out)
    done = set(study.plan().query("state == 'done'")["run"])
    assert set(study.outcomes()["run"]) == done and set(study.units()["run"]) == done
    assert len(done) < 12
    assert go(out, what).exit_code == 0
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


@linux
@pytest.mark.parametrize("strikes_at", [1, 4])
def test_a_disk_that_fills_while_a_plan_grows_leaves_what_was_there(
    tmp_path, monkeypatch, strikes_at, system
):
    small, large = experiment(tmp_path), experiment(tmp_path, CRASH, REFORM, SAME)
    out, written, real = tmp_path / "out", [], growth.write_part
    go(out, small)
    before = bytes_of(out)

    def write_part(path: Path, *rest) -> None:
        written.append(path)
        if len(written) == strikes_at:
            temporary(path).symlink_to("/dev/full")
        real(path, *rest)

    with monkeypatch.context() as full:
        full.setattr(growth, "write_part", write_part)
        assert terminal.guarded(lambda: go(out, large).exit_code) == terminal.ENVIRONMENT
    assert bytes_of(out) == before and len(Study.open(out).done()) == 12
    assert go(out, large).ran == 4
    go(tmp_path / "whole", large)
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


@linux
def test_a_directory_where_nothing_may_be_written_is_said_with_code_3(tmp_path, capsys, system):
    def run() -> int:
        return go(Path("/sys/results"), experiment(tmp_path)).exit_code

    assert terminal.guarded(run) == terminal.ENVIRONMENT
    said = capsys.readouterr().err
    assert "/sys/results" in said and "no permission" in said and "Traceback" not in said


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_that_are_killed_in_mid_run_leave_no_trace_in_the_results(tmp_path, workers):
    marks = tmp_path / "marks"
    marks.mkdir()
    what = killer_experiment(tmp_path, marks)
    ended = go(tmp_path / "out", what, workers)
    assert ended.exit_code == 0 and ended.ran == 12 and len(list(marks.iterdir())) == 4
    go(tmp_path / "whole", what)  # every mark is there: nobody is killed any more
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


def test_a_run_that_hangs_is_a_row_that_says_so_and_the_rest_goes_on(tmp_path):
    slow = replace(experiment(tmp_path).scenarios[0], name="slow", seconds=600.0)
    what = experiment(tmp_path, slow, experiment(tmp_path).scenarios[1], replicates=1)
    engine = LocalEngine(2, preload=("tests.experiments",), timeout=1.0)
    ended = go(tmp_path / "out", what, engine=engine)
    assert ended.exit_code == 1 and ended.ran == 3
    (failure,) = ended.study.failures().to_dict("records")
    assert (failure["scenario"], failure["stage"]) == ("slow", "timeout")
    assert "minutes" in failure["error"]


@pytest.mark.slow
@pytest.mark.parametrize("engine", [2, "dask"])
def test_ctrl_c_on_a_terminal_reaches_every_process_and_only_the_first_heeds_it(tmp_path, engine):
    child = start_child(tmp_path / "out", engine, 40, 0.1, start_new_session=True)
    await_runs(child, 3)
    os.killpg(child.pid, signal.SIGINT)
    said, _ = child.communicate(timeout=30)
    assert child.returncode == 130 and "goes on from here" in said
    states = Study.open(tmp_path / "out").plan()["state"].value_counts()
    assert states["done"] >= 3 and states["open"] >= 5 and "failed" not in states
    assert go(tmp_path / "out", slow_experiment(tmp_path, 40, 0.1), 2).exit_code == 0
    go(tmp_path / "whole", slow_experiment(tmp_path, 40, 0.1), 2)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


@pytest.mark.slow
def test_a_cluster_of_this_machine_does_not_outlive_a_killed_study(tmp_path):
    child = start_child(tmp_path / "out", "dask", 50, 0.05)
    await_runs(child, 3)
    family = psutil.Process(child.pid).children(recursive=True)
    assert len(family) >= 2
    child.kill()
    child.wait()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive
