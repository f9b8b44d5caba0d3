"""What a run would mean, how far it is, whether it comes out again, and taking results away."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.case.messages import InputError
from sim.experiment import engine, provenance
from sim.experiment.engines import make_engine
from sim.experiment.families import families
from sim.experiment.outlook import Outlook, look_ahead
from sim.experiment.plan import Plan
from sim.experiment.results import Study
from sim.experiment.status import Status
from sim.experiment.verify import DIFFERENT, EQUAL, NEARLY, sampled, verify
from tests.experiments import (
    CRASH,
    REFORM,
    SAME,
    FakeParameters,
    build,
    bytes_of,
    experiment,
    go,
    simulate,
)


def look(out: Path, what, **keys) -> Outlook:
    return look_ahead(what, out, 2, simulate=simulate, build=build, **keys)


def again(out: Path, what, *keys: str, other=simulate, **more):
    return list(verify(Study.open(out), keys, experiment=what, simulate=other, build=build, **more))


# --- plan -----------------------------------------------------------------------------------


def test_a_plan_before_anything_was_run_measures_one_run_and_writes_nothing(tmp_path):
    outlook = look(tmp_path / "out", experiment(tmp_path))
    assert set(outlook.reasons) == {"new"} and len(outlook.left) == 12
    assert outlook.cost.bytes > 1000 and "one run" in outlook.cost.measured
    text = outlook.to_text()
    assert "12 runs (3 scenarios x 4 replicates)" in text and "12   new" in text
    assert not (tmp_path / "out").exists()
    assert look(tmp_path / "out", experiment(tmp_path), pilot=False).seconds is None


def test_a_plan_whose_measured_run_fails_says_so(tmp_path):
    outlook = look_ahead(experiment(tmp_path), tmp_path, 2, simulate=lambda *_, **__: 1 / 0,
                         build=build)  # fmt: skip
    assert outlook.cost is None and "ZeroDivisionError" in outlook.obstacles[0]


def test_a_plan_says_what_is_there_what_failed_and_what_was_never_run(tmp_path):
    out, what = tmp_path / "out", experiment(tmp_path, REFORM, CRASH)
    go(out, what)
    (out / "parts" / "outcomes-00001.parquet").unlink()
    before = bytes_of(out)
    outlook = look(out, what)
    counts = outlook.frame()["reason"].value_counts()
    assert counts["failed before (simulate)"] == 1 and counts["new"] in (2, 3)
    assert counts["there already"] == 12 - 1 - counts["new"]
    assert "earlier runs" in outlook.cost.measured and bytes_of(out) == before
    assert json.loads(json.dumps(outlook.to_json()))["reasons"] == dict(counts)


def test_a_plan_names_what_has_changed(tmp_path, monkeypatch):
    out = tmp_path / "out"
    go(out, experiment(tmp_path))
    changes = {
        "seed 7 -> 8": {"seed": 8},
        "parameters changed: some.number 1 -> 2": {"parameters": FakeParameters(2.0)},
        "case changed": {"case": replace(experiment(tmp_path).case, digest="x")},
    }
    for words, change in changes.items():
        outlook = look(out, experiment(tmp_path, **change), pilot=False)
        assert set(outlook.reasons) == {f"changed: {words}"}
        assert "--fresh" in outlook.obstacles[0]
    other = experiment(tmp_path, replace(REFORM, effect=2.0), SAME)
    reasons = look(out, other, pilot=False).frame().groupby("scenario")["reason"].unique()
    assert "scenario reform changed" in reasons["reform"][0]
    assert list(reasons["before"]) == list(reasons["same"]) == ["there already"]


def code_with_another_file(monkeypatch) -> None:
    code = {**provenance.code(), "model.py": "something else"}
    for module in ("provenance", "store"):
        monkeypatch.setattr(f"sim.experiment.{module}.code", lambda: code)


def test_changed_code_stops_a_study_until_it_is_accepted_and_that_is_recorded(
    tmp_path, monkeypatch
):
    out, what = tmp_path / "out", experiment(tmp_path, REFORM, SAME)
    go(out, what)
    (out / "parts" / "outcomes-00001.parquet").unlink()
    whole = Study.open(out).info
    code_with_another_file(monkeypatch)
    outlook = look(out, what)
    assert "new, with changed code" in outlook.reasons and "model.py" in outlook.obstacles[0]
    assert Status.of(Study.open(out)).code_changed == ("model.py",)
    with pytest.raises(InputError, match=r"sim/model\.py") as caught:
        go(out, what)
    assert "--accept-code-change" in caught.value.problems[0].hint
    assert Study.open(out).info == whole
    assert go(out, what, accept_code_change=True).exit_code == 0
    (change,) = Study.open(out).info["code_changes"]
    assert change["files"] == ["model.py"] and 0 < change["runs_before"] < 12
    (out / "parts" / "outcomes-00000.parquet").unlink()
    assert go(out, what).exit_code == 0  # accepted once


def test_changed_code_is_no_matter_where_nothing_is_left_or_nothing_was_run(tmp_path, monkeypatch):
    go(tmp_path / "all", experiment(tmp_path))
    go(tmp_path / "none", experiment(tmp_path), simulate=lambda *_, **__: 1 / 0)
    code_with_another_file(monkeypatch)
    assert go(tmp_path / "all", experiment(tmp_path)).ran == 0
    assert go(tmp_path / "none", experiment(tmp_path)).exit_code == 0
    assert "code_changes" not in Study.open(tmp_path / "none").info


def test_the_code_that_is_recorded_is_all_that_a_run_imports():
    import subprocess
    import sys

    script = "import sys, sim.experiment.task, sim.model; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    used = {m for m in done.stdout.split() if m.startswith("sim.")}
    recorded = set(provenance.code())
    paths = {m.removeprefix("sim.").replace(".", "/") for m in used}
    missing = {p for p in paths if not {f"{p}.py", f"{p}/__init__.py"} & recorded}
    # these say which runs there are and where caches lie, not what comes out of one
    assert missing <= {"cache", "experiment", "experiment/families", "experiment/plan"}


# --- which runs are computed together -------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7, 16])
@pytest.mark.parametrize("replicates", [1, 2, 5, 8])
def test_families_share_a_replicate_and_leave_no_worker_waiting_long(workers, replicates):
    runs = Plan.of(experiment(Path(), REFORM, SAME, replicates=replicates)).runs
    made = families(runs, workers)
    assert sorted((r for f in made for r in f.runs), key=lambda r: r.run) == list(runs)
    assert all(len({r.replicate for r in f.runs}) == 1 for f in made)
    work = np.zeros(workers)  # each family to the worker that is free first
    for family in made:
        work[np.argmin(work)] += len(family.runs)
    assert work.max() <= -(-len(runs) // workers) + 1
    whole = [f for f in made if len(f.runs) == 3]
    assert len(whole) >= replicates // workers * workers


def test_no_runs_are_no_families():
    assert families([], 4) == []


# --- repeating one run ----------------------------------------------------------------------


def test_a_failure_names_the_command_that_repeats_its_run_alone(tmp_path):
    out = tmp_path / "out"
    what = experiment(tmp_path, REFORM, CRASH, path=tmp_path / "my experiment.yaml")
    go(out, what)
    (failure,) = Study.open(out).failures().to_dict("records")
    words = shlex.split(failure["repeat"])
    assert words[:3] == ["sim", "run", str(tmp_path / "my experiment.yaml")]
    assert words[words.index("--only") + 1] == failure["key"]
    assert words[-3:] == ["--engine", "serial", "--pdb"]
    ended = go(out, what, only=[failure["key"][:8]])
    assert (ended.ran, ended.failed) == (1, 1)


def test_a_run_that_is_there_can_be_repeated_and_leaves_the_same_bytes(tmp_path):
    out, what = tmp_path / "out", experiment(tmp_path)
    go(out, what)
    before = bytes_of(out)
    run = Plan.of(what).runs[4]
    assert go(out, what, only=[run.key]).ran == 1 and bytes_of(out) == before


def test_a_key_that_fits_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run 'zz'") as caught:
        go(tmp_path / "out", experiment(tmp_path), only=["zz", ""])
    assert len(caught.value.problems) == 2


def test_the_debugger_opens_where_the_run_failed(tmp_path, monkeypatch):
    seen = []

    def post_mortem(traceback) -> None:
        while traceback.tb_next:
            traceback = traceback.tb_next
        seen.append(traceback.tb_frame.f_code.co_name)

    monkeypatch.setattr(engine.pdb, "post_mortem", post_mortem)
    what = experiment(tmp_path, REFORM, CRASH)
    go(tmp_path / "out", what, engine=make_engine("serial", debug=True))
    assert seen == ["simulate"]


# --- status ---------------------------------------------------------------------------------


def test_the_status_counts_runs_and_shows_failures_with_their_command(tmp_path):
    out = tmp_path / "out"
    go(out, experiment(tmp_path, REFORM, CRASH, path=tmp_path / "e.yaml"))
    status = Status.of(Study.open(out))
    assert status.to_json()["runs"] == {"done": 11, "failed": 1, "open": 0, "spare": 0}
    assert status.to_json()["scenarios"]["crash"] == {"done": 3, "failed": 1, "open": 0, "spare": 0}
    text = status.to_text()
    assert "11 of 12 runs are done" in text and "no seat left" in text and "--pdb" in text
    assert status.writer is None and "nobody is at work" in text
    (out / "journal.jsonl").write_text("damaged\n[1]\n")
    assert "11 of 12" in Status.of(Study.open(out)).to_text()


# --- verify ---------------------------------------------------------------------------------


def test_results_come_out_again_exactly_and_differences_are_placed(tmp_path):
    out, what = tmp_path / "out", experiment(tmp_path)
    go(out, what, 2)
    assert [v.verdict for v in again(out, what)] == [EQUAL, EQUAL]

    def a_bit(*args, **keys):
        records = simulate(*args, **keys)
        records.units["value"] *= 1 + 1e-13
        return records

    def other(*args, **keys):
        records = simulate(*args, **keys)
        records.outcomes.loc[records.outcomes["week"] == 5, "value"] += 0.1
        return records

    def fewer(*args, **keys):
        records = simulate(*args, **keys)
        records.losers = records.losers.iloc[:-1]
        return records

    key = Plan.of(what).runs[7].key
    (near,) = again(out, what, key, other=a_bit)
    assert near.verdict == NEARLY and near.run.key == key
    (far,) = again(out, what, key, other=other)
    assert far.verdict == DIFFERENT and "outcomes, week 5" in far.where and "3 rows" in far.where
    (short,) = again(out, what, key, other=fewer)
    assert short.verdict == DIFFERENT and "losers had" in short.where


def test_what_is_no_longer_the_same_experiment_or_was_never_run_is_refused(tmp_path):
    out, what = tmp_path / "out", experiment(tmp_path, REFORM, CRASH)
    go(out, what)
    with pytest.raises(InputError, match="seed 7 -> 8"):
        again(out, experiment(tmp_path, REFORM, CRASH, seed=8))
    failed = Study.open(out).failures()["key"][0]
    with pytest.raises(InputError, match="has no result"):
        again(out, what, failed)


def test_the_sample_is_the_same_every_time_and_of_every_size(tmp_path):
    runs = Plan.of(experiment(tmp_path, replicates=50)).runs
    chosen = sampled(runs, 10)
    assert chosen == sampled(list(reversed(runs)), 10) and len({r.replicate for r in chosen}) > 4
    assert sampled(runs[:3], 10) == list(runs[:3])


# --- export and keep ------------------------------------------------------------------------


def test_exported_tables_are_those_of_the_study(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path)).study
    files = study.export(tmp_path / "csv")
    assert {f.name for f in files} >= {"plan.csv", "outcomes.csv", "units.csv", "losers.csv"}
    back = pd.read_csv(tmp_path / "csv" / "outcomes.csv")
    assert list(back["value"]) == list(study.outcomes()["value"])
    assert (tmp_path / "csv" / "plan.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    (book,) = study.export(tmp_path / "book.xlsx")
    sheets = pd.read_excel(book, sheet_name=None)
    assert {"study", "plan", "outcomes", "differences"} <= set(sheets)
    np.testing.assert_allclose(sheets["outcomes"]["value"], study.outcomes()["value"], rtol=1e-15)


def test_what_does_not_fit_into_a_sheet_is_left_out_and_said(tmp_path, monkeypatch):
    from sim.experiment import export

    study = go(tmp_path / "out", experiment(tmp_path)).study
    monkeypatch.setattr(export, "SHEET_ROWS", 100)
    _, remarks = export.export(study, tmp_path / "book.xlsx")
    assert any("outcomes is left out" in remark for remark in remarks)


def test_only_the_tables_that_were_asked_for_are_kept(tmp_path):
    out = tmp_path / "out"
    go(out, experiment(tmp_path), keep=["losers"], only=[Plan.of(experiment(tmp_path)).runs[0].key])
    ended = go(out, experiment(tmp_path))  # goes on as it was begun
    assert {p.name.split("-")[0] for p in out.glob("parts/*")} == {"outcomes", "losers"}
    assert ended.study.units().empty and len(ended.study.losers())
    assert [v.verdict for v in again(out, experiment(tmp_path))] == [EQUAL, EQUAL]
    assert ended.study.export(tmp_path / "csv")
    with pytest.raises(InputError, match="outcomes,losers"):
        go(out, experiment(tmp_path), keep=["units"])
