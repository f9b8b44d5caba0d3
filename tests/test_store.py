"""Results on disk: the same bytes however a study came about, and nothing torn or mixed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.case.messages import InputError
from sim.experiment.lock import DirectoryLock, StudyBusy
from sim.experiment.plan import Plan, block_size
from sim.experiment.store import Study
from tests.experiments import (
    CRASH,
    EXIT,
    REFORM,
    SAME,
    bytes_of,
    experiment,
    go,
    nothing,
    reform_records,
    slow_experiment,
)

ROOT = Path(__file__).parents[1]


def start_child(
    out: Path, workers: object, replicates: int, seconds: float, **more: Any
) -> subprocess.Popen:
    """A process of its own that runs `slow_experiment`; says ``one`` for every run."""
    command = [sys.executable, "-m", "tests.experiments", out, workers, replicates, seconds]
    # beside its results: what a killed process leaves behind is complained of there at length
    with open(out.with_suffix(".stderr"), "w", encoding="utf-8") as errors:
        return subprocess.Popen(
            [str(c) for c in command],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            **more,
        )


def await_runs(child: subprocess.Popen, count: int) -> None:
    for line in child.stdout:
        count -= line == "one\n"
        if not count:
            return
    raise AssertionError("the study ended before it was struck")


def test_one_process_two_processes_and_none_of_its_own_give_the_same_bytes(tmp_path):
    results = []
    for name, workers in (("serial", 0), ("one", 1), ("two", 2)):
        assert go(tmp_path / name, experiment(tmp_path), workers).exit_code == 0
        results.append(bytes_of(tmp_path / name))
    assert results[0] == results[1] == results[2]
    assert sum(name.startswith("parts/outcomes") for name in results[0]) > 2


def test_a_study_killed_in_the_middle_and_run_again_equals_an_uninterrupted_one(tmp_path):
    go(tmp_path / "whole", slow_experiment(tmp_path, 4, 0.03))
    child = start_child(tmp_path / "killed", 2, 4, 0.03)
    await_runs(child, 8)
    child.kill()
    child.wait()
    ended = go(tmp_path / "killed", slow_experiment(tmp_path, 4, 0.03))
    assert ended.exit_code == 0 and 0 < ended.ran < 12
    assert bytes_of(tmp_path / "killed") == bytes_of(tmp_path / "whole")


@pytest.mark.slow
def test_a_study_killed_at_random_moments_equals_an_uninterrupted_one(tmp_path):
    go(tmp_path / "whole", slow_experiment(tmp_path, 20, 0.01))
    rng = np.random.default_rng(1)
    moments = int(os.environ.get("SIM_TEST_KILLS", "10"))
    for i, seconds in enumerate(rng.uniform(0, 0.6, moments)):
        out = tmp_path / f"killed{i}"
        child = start_child(out, 2, 20, 0.01)
        child.stdout.readline()  # "60 runs in ...": from here on it writes
        time.sleep(seconds)
        child.kill()
        child.wait()
        assert go(out, slow_experiment(tmp_path, 20, 0.01)).exit_code == 0
        assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_workers_do_not_outlive_a_killed_study(tmp_path):
    psutil = pytest.importorskip("psutil")
    child = start_child(tmp_path / "out", 2, 50, 0.05)
    await_runs(child, 3)
    family = psutil.Process(child.pid).children(recursive=True)
    assert len(family) >= 2
    child.kill()
    child.wait()
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive


def test_ctrl_c_keeps_what_was_done_and_the_same_command_goes_on(tmp_path):
    child = start_child(tmp_path / "out", 2, 8, 0.05)
    await_runs(child, 3)
    child.send_signal(signal.SIGINT)
    said, _ = child.communicate(timeout=20)
    assert child.returncode == 130 and "goes on from here" in said
    states = Study.open(tmp_path / "out").plan()["state"].value_counts()
    assert states["done"] >= 3 and states["open"] >= 5
    ended = go(tmp_path / "out", slow_experiment(tmp_path, 8, 0.05))
    assert ended.ran == states["open"]
    go(tmp_path / "whole", slow_experiment(tmp_path, 8, 0.05))
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


def test_a_finished_study_has_nothing_left_to_run(tmp_path):
    go(tmp_path / "out", experiment(tmp_path))
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*") if p.name != ".lock"}
    ended = go(tmp_path / "out", experiment(tmp_path))
    assert ended.ran == 0 and "nothing left to run" in ended.text
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_failing_run_is_a_row_and_the_rest_goes_on(tmp_path):
    ended = go(tmp_path / "out", experiment(tmp_path, REFORM, CRASH), 2)
    assert ended.exit_code == 1 and ended.failed == 1
    study = Study.open(tmp_path / "out")
    (failure,) = study.failures().to_dict("records")
    assert (failure["scenario"], failure["replicate"]) == ("crash", 1)
    assert failure["error"] == "RuntimeError: no seat left" and "simulate" in failure["traceback"]
    plan = study.plan()
    assert (plan["state"] == "done").sum() == 11
    assert set(study.outcomes()["run"]) == set(plan.loc[plan["state"] == "done", "run"])


def test_a_worker_that_ends_itself_is_named_in_the_failures(tmp_path):
    ended = go(tmp_path / "out", experiment(tmp_path, REFORM, EXIT), 2)
    assert ended.exit_code == 1
    (failure,) = Study.open(tmp_path / "out").failures().to_dict("records")
    assert (failure["scenario"], failure["replicate"]) == ("exit", 1)
    assert failure["stage"] == "worker" and "exit code 7" in failure["error"]


def test_a_run_that_failed_is_tried_again_and_its_success_leaves_no_trace(tmp_path, monkeypatch):
    what = experiment(tmp_path, REFORM, SAME)
    go(tmp_path / "whole", what)

    def breaks(*args, replicate, **keys):
        from tests.experiments import simulate

        if replicate == 2:
            raise OSError("a bad day")
        return simulate(*args, replicate=replicate, **keys)

    assert go(tmp_path / "out", what, simulate=breaks).failed == 3
    assert bytes_of(tmp_path / "out") != bytes_of(tmp_path / "whole")
    again = go(tmp_path / "out", what)
    assert again.exit_code == 0 and again.ran == 3
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")
    assert not list((tmp_path / "out" / "failures").iterdir())


def test_losing_the_journal_loses_nothing(tmp_path):
    go(tmp_path / "out", experiment(tmp_path))
    (tmp_path / "out" / "journal.jsonl").unlink()
    assert go(tmp_path / "out", experiment(tmp_path)).ran == 0


def test_a_lost_part_is_made_again(tmp_path):
    go(tmp_path / "out", experiment(tmp_path))
    whole = bytes_of(tmp_path / "out")
    (tmp_path / "out" / "parts" / "outcomes-00001.parquet").unlink()
    assert go(tmp_path / "out", experiment(tmp_path)).ran > 0
    assert bytes_of(tmp_path / "out") == whole


def test_a_commit_cut_between_two_renames_is_not_seen_and_is_mended(tmp_path):
    what = experiment(tmp_path)
    go(tmp_path / "out", what)
    whole, parts = bytes_of(tmp_path / "out"), tmp_path / "out" / "parts"
    (parts / "outcomes-00000.parquet").rename(parts / "outcomes-00000.parquet.tmp")
    study = Study.open(tmp_path / "out")
    first = {r.run for r in Plan.of(what).blocks[0]}
    assert not first & set(study.units()["run"]) and not first & set(study.losers()["run"])
    go(tmp_path / "out", what)
    assert bytes_of(tmp_path / "out") == whole
    assert not list(parts.glob("*.tmp"))


def test_another_plan_is_refused_in_words_and_fresh_starts_over(tmp_path):
    out = tmp_path / "out"
    go(out, experiment(tmp_path))
    (out / "notes.txt").write_text("mine")
    changed = experiment(tmp_path, REFORM, seed=8, weeks=61)
    with pytest.raises(InputError) as caught:
        go(out, changed)
    (problem,) = caught.value.problems
    assert problem.code == "changed-plan" and problem.path == out / "study.json"
    for change in ("seed 7 -> 8", "weeks 60 -> 61", "scenario same left out"):
        assert change in problem.message
    assert "--fresh" in problem.hint
    assert go(out, changed, fresh=True).exit_code == 0
    assert (out / "notes.txt").read_text() == "mine"
    go(tmp_path / "new", changed)
    assert bytes_of(out) == bytes_of(tmp_path / "new")


def test_a_directory_with_other_things_in_it_is_refused(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    for fresh in (False, True):
        with pytest.raises(InputError, match=r"thesis\.docx"):
            go(tmp_path, experiment(tmp_path), fresh=fresh)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.docx"]


def test_a_second_process_is_refused_with_the_number_of_the_first(tmp_path):
    child = start_child(tmp_path / "out", 1, 50, 0.05)
    try:
        await_runs(child, 1)
        with pytest.raises(StudyBusy, match=str(child.pid)) as caught:
            go(tmp_path / "out", slow_experiment(tmp_path, 50, 0.05))
        assert caught.value.pid == str(child.pid) and isinstance(caught.value, OSError)
    finally:
        child.kill()
        child.wait()
    with DirectoryLock(tmp_path / "out"):  # a dead owner holds nothing
        assert (tmp_path / "out" / ".lock").read_text() == str(os.getpid())


def test_pandas_alone_reads_the_tables(tmp_path):
    go(tmp_path / "out", experiment(tmp_path))
    plan = pd.read_parquet(tmp_path / "out" / "plan.parquet")
    assert list(plan.columns) == ["run", "key", "scenario", "replicate", "block", "point"]
    parts = sorted((tmp_path / "out" / "parts").glob("outcomes-*.parquet"))
    outcomes = pd.concat(pd.read_parquet(p) for p in parts)
    assert list(outcomes.columns) == ["run", "week", "outcome", "group", "value"]
    assert (outcomes.groupby("run").size() == 3 * 60).all() and len(plan) == 12
    units = pd.read_parquet(tmp_path / "out" / "parts" / "units-00000.parquet")
    assert list(units.columns) == ["run", "week", "unit", "outcome", "value"]


def test_a_study_reads_back_what_the_model_recorded(tmp_path):
    go(tmp_path / "out", experiment(tmp_path))
    study = Study.open(tmp_path / "out")
    records = reform_records(tmp_path, 2)
    for kind in ("outcomes", "units", "losers"):
        frame, wanted = study.read(kind), getattr(records, kind)
        mine = frame.query("scenario == 'reform' and replicate == 2")
        for column in wanted.columns:
            assert list(mine[column]) == list(wanted[column])


def test_the_record_says_what_another_person_needs(tmp_path):
    go(tmp_path / "out", experiment(tmp_path))
    info = json.loads((tmp_path / "out" / "study.json").read_text())
    assert info["base"] == "before" and info["compared"] == ["reform", "same"]
    assert [s["name"] for s in info["scenarios"]] == ["before", "reform", "same"]
    assert info["scenarios"][1]["first_date"] == "2020-05-18"
    assert {"numpy", "pandas", "python", "sim"} <= set(info["versions"])
    assert (info["weeks"], info["seed"], info["replicates"]) == (60, 7, 4)
    assert Study.open(tmp_path / "out").case_path == tmp_path
    assert (tmp_path / "out" / "scenarios" / "reform.yaml").read_text() == REFORM.resolved()


def test_what_is_no_study_is_said_so(tmp_path):
    with pytest.raises(InputError, match="no results here"):
        Study.open(tmp_path / "nowhere")
    (tmp_path / "study.json").write_text('{"half": ')
    with pytest.raises(InputError, match="not a study's record"):
        Study.open(tmp_path)


def test_the_plan_is_balanced_and_its_blocks_depend_on_work_only():
    plan = Plan.of(experiment(Path(), REFORM, SAME, replicates=3))
    assert [r.scenario for r in plan.runs[:3]] == ["before", "reform", "same"]
    assert [r.replicate for r in plan.runs] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len({r.key for r in plan.runs}) == 9
    assert [r for b in plan.blocks for r in b] == list(plan.runs)
    assert block_size(1_100_000, 156) == 1 and 5 <= block_size(64_000, 130) <= 15
    assert block_size(0, 1) == block_size(10, 10) == 100


def test_a_key_changes_with_whatever_the_numbers_depend_on():
    def keys(*others, **changes):
        return {r.key for r in Plan.of(experiment(Path(), *others, **changes)).runs}

    plain = keys()
    for change in ({"seed": 8}, {"weeks": 61}, {"scope": {"counties": ["x"]}}):
        assert not keys(**change) & plain
    assert keys(replicates=5) > plain
    assert keys(REFORM, SAME, CRASH) > plain
    assert keys(SAME, REFORM) == plain


def test_many_empty_runs_are_all_kept_in_blocks_of_bounded_size(tmp_path):
    what = experiment(tmp_path, replicates=100, households=1)
    ended = go(tmp_path / "out", what, 2, simulate=nothing)
    assert ended.ran == 300 and ended.exit_code == 0
    sizes = ended.study.plan().groupby("block").size()
    assert list(sizes) == [100, 100, 100] and len(ended.study.outcomes()) == 300
