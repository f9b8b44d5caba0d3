"""A plan that grew takes up what is there, to the byte; what it would lose is refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from sim.case.messages import InputError
from sim.experiment import growth
from sim.experiment.designs import Design
from sim.experiment.engine import SerialEngine
from sim.experiment.experiment import Experiment
from sim.experiment.outlook import look_ahead
from sim.experiment.plan import Plan
from sim.experiment.results import Study
from sim.experiment.status import Status
from sim.experiment.store import clear
from sim.experiment.study import run
from sim.experiment.verify import EQUAL, verify
from tests.cases import write_small_case
from tests.experiments import (
    CRASH,
    REFORM,
    SAME,
    FakeParameters,
    FakeScenario,
    build,
    bytes_of,
    experiment,
    go,
    simulate,
)
from tests.levers import EAST, write_scenario
from tests.test_designs import Values, sums

MORE = FakeScenario("more", effect=2.0)


def grid(levels: int, low: float = 0.0) -> Design:
    return Design("grid", ("a",), (low,), (2.0,), 0, levels, 1)


def designed(folder: Path, of: Design | None, **keys):
    return experiment(folder, parameters=Values(), design=of, replicates=3, **keys)


GROWTHS = {
    "more replicates": (
        lambda f: experiment(f, replicates=10),
        lambda f: experiment(f, replicates=20),
    ),
    "a scenario more, in the middle": (
        lambda f: experiment(f, REFORM, SAME),
        lambda f: experiment(f, REFORM, MORE, SAME),
    ),
    "another order": (
        lambda f: experiment(f, REFORM, SAME, MORE),
        lambda f: experiment(f, MORE, REFORM, SAME),
    ),
    "a finer grid": (lambda f: designed(f, grid(3)), lambda f: designed(f, grid(5))),
    "a design where none was": (lambda f: designed(f, None), lambda f: designed(f, grid(2))),
    "all at once": (
        lambda f: experiment(f, REFORM, replicates=3),
        lambda f: experiment(f, SAME, REFORM, MORE, replicates=7),
    ),
}  # fmt: skip


WAYS = [(name, 0) for name in GROWTHS] + [("all at once", 2)]


@pytest.mark.parametrize(("name", "workers"), WAYS)
def test_a_grown_study_is_to_the_byte_one_that_was_so_from_the_start(tmp_path, name, workers):
    before, after = GROWTHS[name]
    first = go(tmp_path / "out", before(tmp_path), workers, simulate=sums_or_plain)
    ended = go(tmp_path / "out", after(tmp_path), workers, simulate=sums_or_plain)
    whole = go(tmp_path / "whole", after(tmp_path), simulate=sums_or_plain)
    assert ended.ran == whole.ran - first.ran and ended.exit_code == 0
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")
    if (tmp_path / "whole" / "points.parquet").exists():
        points = [(tmp_path / n / "points.parquet").read_bytes() for n in ("out", "whole")]
        assert points[0] == points[1]
    assert ended.study.compare().equals(whole.study.compare())
    assert ended.study.outcomes().equals(whole.study.outcomes())
    assert not (tmp_path / "out" / "grown").exists()
    info = ended.study.info
    assert info["replicates"] == whole.study.info["replicates"]
    assert info["earlier_plans"][0]["runs"] == first.runs
    assert go(tmp_path / "out", after(tmp_path), simulate=sums_or_plain).ran == 0


def sums_or_plain(*args, parameters, **keys):
    """The model of `sums` where there are values to sum."""
    model = sums if isinstance(parameters, Values) else simulate
    return model(*args, parameters=parameters, **keys)


def test_a_study_that_was_cut_off_and_has_failures_grows_all_the_same(tmp_path):
    small, large = (experiment(tmp_path, CRASH, *more) for more in ((), (REFORM, SAME)))
    out = tmp_path / "out"
    go(out, small)
    for name in ("outcomes", "units"):  # what a crash between renames leaves: losers are ahead
        (out / "parts" / f"{name}-00001.parquet").unlink()
    go(out, large, only=[Plan.of(large).runs[-1].key])
    failures = Study.open(out).failures()
    plan = Study.open(out).plan().set_index("key")
    assert len(failures) == 1 and failures["run"][0] == plan.loc[failures["key"][0], "run"]
    assert failures["scenario"][0] == "crash" and failures["replicate"][0] == 1
    ended = go(out, large)
    go(tmp_path / "whole", large)
    assert ended.failed == 1 and bytes_of(out) == bytes_of(tmp_path / "whole")


class Killed(BaseException):
    """What a test does to a process."""


@contextmanager
def killed_after(steps: list[int], monkeypatch) -> Iterator[None]:
    """Ends the process, as it were, before another change of the disk than so many."""

    def counted(function):
        def act(*args, **keys):
            if steps[0] == 0:
                raise Killed
            steps[0] -= 1
            return function(*args, **keys)

        return act

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "link"):
            patch.setattr(os, name, counted(getattr(os, name)))
        patch.setattr(shutil, "rmtree", counted(shutil.rmtree))
        with suppress(Killed):
            yield


def test_growth_cut_off_at_any_step_goes_on_and_is_never_seen_half(tmp_path, monkeypatch):
    keys = {"replicates": 2, "weeks": 2, "households": 10_000_000}
    small, large = (experiment(tmp_path, *s, **keys) for s in ((REFORM,), (MORE, REFORM)))
    go(tmp_path / "small", small, keep=["losers"])
    plan = Plan.of(large)
    shutil.copytree(tmp_path / "small", tmp_path / "grown")
    growth.take_up(tmp_path / "grown", large, plan)
    wanted = bytes_of(tmp_path / "grown")
    digests = [Plan.of(what).digest for what in (small, large)]
    known = Study.open(tmp_path / "small").compare()
    seen = []
    while True:
        out, steps = tmp_path / f"out{len(seen)}", [len(seen)]
        shutil.copytree(tmp_path / "small", out)
        with killed_after(steps, monkeypatch):
            growth.take_up(out, large, plan)
        try:
            study = Study.open(out)
            differences = study.compare().query("scenario == 'reform'")
            assert differences.reset_index(drop=True).equals(known)
            seen.append(digests.index(study.info["plan"]))
        except InputError as error:
            assert error.problems[0].code == "no-results" and "goes on" in error.problems[0].hint
            seen.append(-1)
        growth.finish(out)  # as `sim run` begins
        growth.take_up(out, large, plan)
        assert bytes_of(out) == wanted and not (out / "grown").exists()
        if steps[0] > 0:
            break
    assert seen[0] == 0 and seen[-1] == 1 and -1 in seen and len(seen) > 15
    assert go(out, large).ran == 2
    go(tmp_path / "whole", large, keep=["losers"])
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_fresh_forgets_a_growth_that_was_cut_off(tmp_path):
    out, large = tmp_path / "out", experiment(tmp_path, REFORM, MORE)
    go(out, experiment(tmp_path, REFORM))
    shutil.copytree(out, tmp_path / "draft")
    (tmp_path / "draft").rename(out / "grown")
    clear(out)
    assert not (out / "grown").exists() and not (out / "study.json").exists()
    assert go(out, large).ran == 12


def test_a_plan_that_lacks_a_run_that_is_there_is_refused_and_nothing_is_touched(tmp_path):
    out = tmp_path / "out"
    go(out, experiment(tmp_path, REFORM, SAME, replicates=4))
    before = bytes_of(out)
    shrunk = {
        "4 of the 12 runs here are of another plan: scenario same left out": experiment(
            tmp_path, REFORM
        ),
        "3 of the 12 runs here are of another plan: replicates 4 -> 3": experiment(
            tmp_path, replicates=3
        ),
        "the 12 runs here are of another plan: parameters changed: some.number 1 -> 3": experiment(
            tmp_path, parameters=FakeParameters(3.0), replicates=20
        ),
        r"scenario reform changed \(a table that it names\)": experiment(
            tmp_path, replace(REFORM, effect=3.0), SAME
        ),
        "seed 7 -> 9": experiment(tmp_path, seed=9),
    }
    for words, what in shrunk.items():
        with pytest.raises(InputError, match=words) as caught:
            go(out, what)
        assert caught.value.problems[0].code == "changed-plan"
        assert bytes_of(out) == before
        outlook = look_ahead(what, out, 1, pilot=False, simulate=simulate, build=build)
        assert outlook.obstacles and "--out" in outlook.obstacles[0]


def test_a_plan_may_shrink_by_what_was_never_run(tmp_path):
    out, wide = tmp_path / "out", experiment(tmp_path, replicates=9)
    go(out, wide, only=[r.key for r in Plan.of(wide).runs[:6]])
    ended = go(out, experiment(tmp_path, replicates=2))
    assert ended.ran == 0 and ended.runs == 6
    go(tmp_path / "whole", experiment(tmp_path, replicates=2))
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_tables_of_a_case_and_the_line_of_a_scenario_are_named(tmp_path):
    for name in ("case.yaml", "settlements.csv", "offices.csv"):
        (tmp_path / name).write_text("as it was")
    out, what = tmp_path / "out", experiment(tmp_path, REFORM)
    go(out, what)
    (tmp_path / "settlements.csv").write_text("other")
    (tmp_path / "extra.csv").write_text("new")
    changed = experiment(tmp_path, REFORM, case=replace(what.case, digest="other"))
    with pytest.raises(InputError, match=r"case changed: extra\.csv is new, settlements\.csv\n"):
        go(out, changed)
    text = (out / "scenarios" / "reform.yaml").read_text()
    (out / "scenarios" / "reform.yaml").write_text(text.replace("[]", "[old]"))
    with pytest.raises(InputError, match=r"reform changed \(levers: \[old\] -> levers: \[\]\)"):
        go(out, experiment(tmp_path, replace(REFORM, effect=3.0)))


def test_a_plan_says_what_is_there_and_why_each_of_the_rest_would_run(tmp_path):
    out = tmp_path / "out"
    go(out, experiment(tmp_path, REFORM, replicates=2))
    grown = experiment(tmp_path, REFORM, MORE, replicates=3)
    outlook = look_ahead(grown, out, 1, simulate=simulate, build=build)
    counts = {"there already": 4, "new scenario": 3, "new replicate": 2}
    assert outlook.to_json()["reasons"] == counts and not outlook.obstacles
    assert all(why in outlook.to_text() for why in counts)
    small = designed(tmp_path, grid(2))
    go(tmp_path / "d", small, simulate=sums)
    wider = look_ahead(designed(tmp_path, grid(3)), tmp_path / "d", 1, simulate=sums, build=build)
    assert wider.to_json()["reasons"] == {"there already": 27, "new parameter set": 9}
    go(out, grown)
    assert "4 runs" in Status.of(Study.open(out)).to_text()


def test_a_grown_experiment_can_still_be_verified_before_it_runs(tmp_path):
    out = tmp_path / "out"
    go(out, experiment(tmp_path, REFORM))
    grown = experiment(tmp_path, MORE, REFORM)
    keys = {"experiment": grown, "simulate": simulate, "build": build, "sample": 5}
    assert {v.verdict for v in verify(Study.open(out), **keys)} == {EQUAL}


def test_the_record_follows_the_experiment_and_remembers_the_start(tmp_path):
    out = tmp_path / "out"
    first = go(out, experiment(tmp_path)).study.info
    other = {"en": "Another title", "zh": "另一标题"}
    same = go(out, experiment(tmp_path, title=other)).study.info
    assert same["title"] == other and "earlier_plans" not in same
    assert same == {**first, "title": other}
    named = replace(REFORM, words="A reform by another name")
    ended = go(out, experiment(tmp_path, named, SAME))
    assert ended.ran == 0 and ended.study.info["scenarios"][1]["title"]["en"] == named.words
    assert (out / "scenarios" / "reform.yaml").read_text() == named.resolved()
    go(out, experiment(tmp_path, named, SAME, replicates=5))
    events = [json.loads(e) for e in (out / "journal.jsonl").read_text().splitlines()]
    (plan,) = [e for e in events if e["event"] == "plan"]
    assert plan["changes"] == ["replicates 4 -> 5"] and plan["runs"] == 15


def test_with_the_model_too_a_grown_study_is_the_same_to_the_byte(tmp_path):
    folder = write_small_case(tmp_path / "case", 30)
    merge = {"date": "2020-01-20", "communities": list(EAST)}
    write_scenario(folder, name="before")
    write_scenario(folder, {"merge_communities": merge}, name="plain")
    write_scenario(folder, {"merge_communities": {**merge, "service_points": "keep"}}, name="keep")

    def study(out: str, scenarios: list[str], replicates: int) -> Study:
        keys = {"scenarios": [f"{s}.yaml" for s in scenarios], "replicates": replicates, "weeks": 6}
        ended = run(Experiment.of(folder, **keys), tmp_path / out, SerialEngine())
        assert ended.exit_code == 0
        return ended.study

    study("grown", ["plain"], 2)
    grown = study("grown", ["keep", "plain"], 4)
    whole = study("whole", ["keep", "plain"], 4)
    assert bytes_of(tmp_path / "grown") == bytes_of(tmp_path / "whole")
    assert grown.compare().equals(whole.compare()) and len(grown.compare())
