"""Claims about production runs that do not conserve: each is a failed run, and the rest goes on.

Here a rule is damaged in the worker that runs it: an office gets done more than it was asked.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sim import model
from sim.cli import main as cli
from sim.experiment.engine import Engine, SerialEngine
from sim.experiment.experiment import Experiment
from sim.experiment.local import LocalEngine
from sim.experiment.results import Study
from sim.experiment.study import Finished, run
from sim.processes import work
from sim.world.ledger import CLASS
from tests.cases import UNITS, write_small_case

EXPERIMENT = """\
title: {en: A test, zh: 测试}
case: ../small
base: before.yaml
scenarios: [merged.yaml]
start: 2020-01-06
weeks: 8
seed: 5
replicates: 3
"""
MERGED = f"""\
title: {{en: Merged, zh: 合并}}
base: before.yaml
levers:
  - merge_communities: {{date: 2020-01-20, communities: ["{UNITS[0]}", "{UNITS[1]}"], name: 甲社区}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An experiment of two scenarios and three replicates on the small case."""
    case = write_small_case(tmp_path / "small")
    (case / "before.yaml").write_text("title: {en: Before, zh: 此前}\n", encoding="utf-8")
    (case / "merged.yaml").write_text(MERGED, encoding="utf-8")
    path = tmp_path / "experiments" / "test.yaml"
    path.parent.mkdir()
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


def too_much(*args: Any) -> Any:
    """`work.allocate`, where the first office does 3 more hours of complaints than there are."""
    done, extra = ALLOCATE(*args)
    done[0, CLASS["complaints"]] += 3
    return done, extra


ALLOCATE = work.allocate


def damaged(*args: Any, replicate: int, **keys: Any) -> Any:
    """A run whose work goes wrong from week 5 on in one replicate of one scenario."""
    scenario = args[1]

    def break_in(now: model.CommunityModel) -> None:
        if scenario.name == "merged" and replicate == 1 and now.week == 5:
            work.allocate = too_much

    phases = model.PHASES
    model.PHASES = (break_in, *phases)
    try:
        return model.simulate(*args, replicate=replicate, **keys)
    finally:
        model.PHASES, work.allocate = phases, ALLOCATE


def go(file: Path, out: str, engine: Engine, **keys: Any) -> tuple[Finished, pd.DataFrame]:
    ended = run(Experiment.open(file), file.parent / out, engine, **keys)
    return ended, ended.study.outcomes()


def test_many_processes_one_and_a_shared_past_give_the_same_numbers(file):
    _, many = go(file, "many", LocalEngine(2))
    _, one = go(file, "one", SerialEngine())
    _, alone = go(file, "alone", SerialEngine(), simulate=model.simulate)
    assert many["run"].nunique() == 6
    pd.testing.assert_frame_equal(many, one)
    pd.testing.assert_frame_equal(many, alone)


def test_a_breach_in_a_worker_is_a_failed_run_that_names_week_and_class(file):
    _, whole = go(file, "whole", LocalEngine(2))
    ended, rest = go(file, "out", LocalEngine(2), simulate=damaged)
    assert ended.exit_code == 1 and ended.failed == 1 and ended.ran == 6
    (row,) = (file.parent / "out" / "failures").iterdir()
    failure = json.loads(row.read_text("utf-8"))
    assert (failure["scenario"], failure["replicate"]) == ("merged", 1)
    assert failure["stage"] == "conservation"
    office = f"O-{UNITS[0]}"
    assert failure["error"] == (
        "Breach: week 5: hours of work are not conserved: "
        f"3 hours of complaints came from nowhere in {office}"
    )
    mine = whole[whole["run"].isin(rest["run"])].reset_index(drop=True)
    assert rest["run"].nunique() == 5
    pd.testing.assert_frame_equal(mine, rest.reset_index(drop=True))


def test_sim_run_ends_with_1_says_why_and_goes_on_when_it_is_mended(file, monkeypatch, capsys):
    def break_in(now: model.CommunityModel) -> None:
        if now.scenario.levers and now.week == 5:
            now.state.residents.pending[0, 0] += 1

    out = file.parent / "out"
    command = ["sim", "run", str(file), "--out", str(out), "--engine", "serial"]
    monkeypatch.setattr(sys, "argv", command)
    with monkeypatch.context() as damage:
        damage.setattr(model, "PHASES", (*model.PHASES, break_in))
        with pytest.raises(SystemExit) as end:
            cli.main()
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert "3 failed" in said and "week 5: needs are not conserved" in said
    assert Study.open(out).outcomes()["run"].nunique() == 3
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0 and not list((out / "failures").iterdir())
