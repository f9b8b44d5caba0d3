"""Replicates until a difference is known: the same number whoever ends first, honestly said."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.experiment.engine import SerialEngine
from sim.experiment.outlook import look_ahead
from sim.experiment.precision import Aim, Until, UntilFile
from sim.experiment.status import Status
from sim.experiment.study import run
from tests.experiments import (
    CRASH,
    LOAD,
    MINUTES,
    REFORM,
    SAME,
    bytes_of,
    experiment,
    go,
    simulate,
)


def own(world, scenario, base, *, seed, replicate, **keys):
    """The reform's load has noise of its own, so that its difference has a half-width."""
    records = simulate(world, scenario, base, seed=seed, replicate=replicate, **keys)
    shift = scenario.effect * np.random.default_rng([seed, replicate, 9]).normal(0, 1)
    records.outcomes.loc[records.outcomes["outcome"] == LOAD, "value"] += shift
    return records


def aim(half_width: float, step: int = 4, **keys) -> Until:
    wanted = {"outcome": LOAD, "group": "all", "scenario": None, "half_width": half_width}
    return Until((Aim(**(wanted | keys)),), step)


def tried(folder, until: Until, most: int = 24, workers: int = 0, **keys):
    what = experiment(folder, REFORM, SAME, replicates=most, until=until, weeks=4)
    return go(folder / "out", what, workers, **({"simulate": own} | keys))


def half_width(study, scenario="reform") -> float:
    row = study.compare().query("scenario == @scenario and outcome == @LOAD and group == 'all'")
    return float((row["high"] - row["low"]).iloc[0] / 2)


def test_stages_are_of_the_size_asked_for_and_the_last_is_the_cap():
    assert aim(1, 10).stages(60) == [10, 20, 30, 40, 50, 60]
    assert aim(1, 10).stages(25) == [10, 20, 25] and aim(1, 10).stages(10) == [10]


def test_it_stops_after_the_first_stage_that_is_good_enough_and_says_so(tmp_path):
    ended = tried(tmp_path, aim(0.6))
    done = ended.study.done()["replicate"].max() + 1
    assert 4 < done < 24 and done % 4 == 0 and half_width(ended.study) <= 0.6
    fewer = tried(tmp_path / "fewer", aim(1e-9), most=int(done) - 4)
    assert half_width(fewer.study) > 0.6
    assert f"reached with {done} replicates" in ended.text and "NOT" not in ended.text
    states = ended.study.plan()["state"].value_counts()
    assert states["spare"] == 3 * (24 - done) and "open" not in states
    assert ended.runs == 3 * done and ended.exit_code == 0


def test_a_cap_that_was_not_enough_is_said(tmp_path):
    ended = tried(tmp_path, aim(1e-9), most=6)
    assert "NOT reached with 6 replicates" in ended.text
    assert f"{half_width(ended.study):.3g}" in ended.text
    assert set(ended.study.plan()["state"]) == {"done"}


def test_the_number_of_replicates_depends_on_nothing_but_the_experiment(tmp_path):
    class Backwards(SerialEngine):
        def run(self, task, jobs, on_done, stop):
            super().run(task, reversed(list(jobs)), on_done, stop)

    serial = tried(tmp_path / "a", aim(0.6))
    pool = tried(tmp_path / "b", aim(0.6), workers=2)
    what = experiment(tmp_path, REFORM, SAME, replicates=24, until=aim(0.6), weeks=4)
    (tmp_path / "c").mkdir()
    run(what, tmp_path / "c" / "out", Backwards(), simulate=own, build=lambda c, p: c.path)
    ways = [bytes_of(tmp_path / name / "out") for name in "abc"]
    assert ways[0] == ways[1] == ways[2] and serial.runs == pool.runs


def test_started_again_it_has_nothing_to_do_and_says_the_same(tmp_path):
    first = tried(tmp_path, aim(0.6))
    again = tried(tmp_path, aim(0.6))
    assert again.ran == 0 and again.runs == first.runs and "nothing left" in again.text
    assert first.text.splitlines()[1] == again.text.splitlines()[1]


def test_an_interrupted_study_goes_on_to_the_same_end(tmp_path):
    def stops(*args, replicate, **keys):
        if replicate == 5 and not (tmp_path / "seen").exists():
            (tmp_path / "seen").touch()
            raise KeyboardInterrupt
        return own(*args, replicate=replicate, **keys)

    first = tried(tmp_path / "cut", aim(0.6), simulate=stops)
    assert first.interrupted and "precision" not in first.text
    assert "spare" not in set(first.study.plan()["state"])
    tried(tmp_path / "cut", aim(0.6))
    tried(tmp_path / "whole", aim(0.6))
    assert bytes_of(tmp_path / "cut" / "out") == bytes_of(tmp_path / "whole" / "out")


def test_a_request_to_stop_in_the_last_run_of_a_stage_starts_no_other(tmp_path):
    class Asked(SerialEngine):
        def run(self, task, jobs, on_done, stop):
            super().run(task, jobs, on_done, stop)
            stop.requested = True

    what = experiment(tmp_path, REFORM, SAME, replicates=24, until=aim(1e-9), weeks=4)
    keys = {"simulate": own, "build": lambda c, p: c.path}
    ended = run(what, tmp_path / "out", Asked(), **keys)
    assert ended.interrupted and ended.ran == 3 * 4 and ended.exit_code == 130
    one = experiment(tmp_path, REFORM, SAME, replicates=4, weeks=4)
    assert not run(one, tmp_path / "one", Asked(), **keys).interrupted


def test_more_results_than_are_looked_at_do_not_move_the_stop(tmp_path):
    wide = experiment(tmp_path, REFORM, SAME, replicates=24, weeks=4)
    go(tmp_path / "out", wide, simulate=own)
    alone = tried(tmp_path / "alone", aim(0.6))
    ended = tried(tmp_path, aim(0.6))
    assert ended.runs == alone.runs and ended.ran == 0


def test_a_difference_without_noise_is_known_at_once(tmp_path):
    ended = tried(tmp_path, aim(1e-9, outcome=MINUTES), most=12)
    assert ended.runs == 3 * 4 and "reached with 4 replicates" in ended.text


def test_the_scenario_that_is_named_is_looked_at(tmp_path):
    ended = tried(tmp_path, aim(1e-9, scenario="same"), most=12)
    assert ended.runs == 3 * 4 and "(same, all)" in ended.text


def test_all_of_several_aims_are_to_be_reached_and_each_is_answered_for(tmp_path):
    wide, narrow = aim(2.0, scenario="reform").aims[0], aim(0.6).aims[0]
    sure = aim(0.1, outcome=MINUTES).aims[0]
    alone = tried(tmp_path / "alone", aim(0.6))
    ended = tried(tmp_path / "all", Until((wide, sure, narrow), 4))
    assert ended.runs == alone.runs > 3 * 4
    said = [line for line in ended.text.splitlines() if line.startswith("precision")]
    count = ended.runs // 3
    assert len(said) == 3 and all(f": reached with {count} replicates" in line for line in said)
    status = Status.of(ended.study)
    assert [f"precision {line}" for line in status.aims] == said
    assert all(line in status.to_text() for line in said)
    assert MINUTES in said[1] and "(reform, all)" in said[0]


def test_of_several_aims_those_that_were_reached_are_told_from_those_that_were_not(tmp_path):
    aims = (aim(1e-9).aims[0], aim(5.0).aims[0], aim(0.1, outcome="nothing.here").aims[0])
    ended = tried(tmp_path, Until(aims, 4), most=8)
    first, second, third = (x for x in ended.text.splitlines() if x.startswith("precision"))
    assert "NOT reached with 8 replicates, which are all that were allowed" in first
    assert ": reached with 8 replicates" in second and "NOT" not in second
    assert "unknown" in third and "NOT reached" in third
    assert Until.of_record(ended.study.info["until"]).aims == aims


def test_a_plan_says_when_it_would_end(tmp_path):
    what = experiment(tmp_path, REFORM, replicates=24, until=aim(0.6), weeks=4)
    text = look_ahead(what, tmp_path / "out", 1, pilot=False, simulate=own).to_text()
    assert f"fewer when, after every 4 replicates, half-width of {LOAD} at most 0.6" in text


def test_another_aim_takes_up_the_replicates_that_are_there(tmp_path):
    loose = tried(tmp_path, aim(0.9))
    tight = tried(tmp_path, aim(0.6))
    assert tight.ran == tight.runs - loose.runs > 0
    whole = tried(tmp_path / "whole", aim(0.6))
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole" / "out")
    assert tight.runs == whole.runs and tight.study.info["until"]["aims"][0]["half_width"] == 0.6
    assert "spare" in set(tight.study.plan()["state"])


def test_what_cannot_be_known_is_never_reached(tmp_path):
    def broken(world, scenario, base, **keys):
        if scenario.name == "crash":
            raise RuntimeError("never")
        return simulate(world, scenario, base, **keys)

    what = experiment(tmp_path, CRASH, replicates=8, until=aim(1.0), weeks=4)
    ended = go(tmp_path / "out", what, simulate=broken)
    assert "unknown" in ended.text and "NOT reached with 8" in ended.text and ended.failed == 8


def test_names_that_are_not_there_are_faults():
    spec = UntilFile(outcome="workload.offices.lod", group="al", scenario="x", half_width=1.0)
    faults = dict(spec.faults(["before", "reform"]))
    assert set(faults) == {"outcome", "group", "scenario"} and "load" in faults["outcome"].hint
    assert not list(UntilFile(outcome=LOAD, half_width=1.0).faults(["before", "reform"]))


def test_the_record_keeps_the_aim(tmp_path):
    study = tried(tmp_path, aim(0.6)).study
    assert Until.of_record(study.info["until"]) == aim(0.6)
    assert math.isnan(aim(0.6, scenario="nobody").look(study, 4).widths[0])


@pytest.mark.parametrize("most", [2, 3, 5])
def test_the_first_stage_is_never_longer_than_the_cap(tmp_path, most):
    ended = tried(tmp_path, aim(1e-9, step=4), most=most)
    assert ended.runs == 3 * most
