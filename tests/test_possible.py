"""Parameter sets: whole numbers stay whole, what cannot be together is refused before a run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from sim.case.joint import WEIGHTS, joint
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.case.schema import AGES
from sim.experiment.designs import Design
from sim.experiment.engine import SerialEngine
from sim.experiment.experiment import Experiment
from sim.experiment.indices import indices
from sim.experiment.possible import impossible
from sim.experiment.study import run
from sim.experiment.verify import EQUAL, verify
from tests.cases import read_rows, write_small_case, write_table
from tests.levers import EAST, write_scenario

ROOT = Path(__file__).parents[1]
TRIES, SWITCH, SPEED = "choice.tries", "online.offered", "travel.walking_speed"


def whole(method: str, samples: int = 64, levels: int = 4) -> Design:
    names, low, high = (TRIES, SWITCH, SPEED), (2.0, 0.0, 50.0), (7.0, 1.0, 70.0)
    return Design(method, names, low, high, samples, levels, 1, (TRIES, SWITCH))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = write_small_case(tmp_path_factory.mktemp("possible") / "case", 30)
    write_scenario(made, {"merge_communities": {"date": "2020-02-03", "communities": list(EAST)}})
    write_scenario(made, name="before")
    return made


def opened(folder: Path, **parameters) -> Experiment:
    return Experiment.of(
        folder, scenarios=["s.yaml"], weeks=6, record={"units": 6, "losers": 3},
        parameters=parameters,
    )  # fmt: skip


# --- whole numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["grid", "lhs", "sobol", "morris"])
def test_of_a_whole_number_only_whole_numbers_are_run(method):
    design = whole(method)
    tries, switch, speed = design.values.T
    assert set(switch) == {0, 1} and set(tries) <= {2, 3, 4, 5, 6, 7}
    assert np.array_equal(speed, design.rows[:, 2])
    for point in design.points[1:]:
        Parameters.load(point)  # accepts them all
    assert Design.of_record(design.record()) == design


@pytest.mark.parametrize("method", ["lhs", "sobol"])
def test_the_ends_of_a_range_are_as_likely_as_what_lies_between(method):
    tries = whole(method, 600 if method == "lhs" else 512).values[:, 0]
    counts = np.bincount(tries.astype(int))[2:] / len(tries)
    assert len(counts) == 6 and np.allclose(counts, 1 / 6, atol=0.02)


@pytest.mark.parametrize("method", ["grid", "lhs", "sobol", "morris"])
def test_the_swing_of_a_whole_number_is_from_the_low_to_the_high_end(method):
    design = whole(method)
    outputs = design.values @ [3.0, -4.0, 0.5]
    found = indices(design, outputs)
    assert np.allclose(found["swing"], [15, -4, 10])
    if method == "morris":
        assert np.allclose(found["value"], [15, 4, 10]) and np.allclose(found["second"], 0)


def test_a_fraction_of_a_whole_number_is_refused(folder):
    with pytest.raises(InputError, match=r"choice\.tries must be a whole number, not 2\.5"):
        Parameters.load({TRIES: 2.5})
    with pytest.raises(InputError, match="whole number"):
        opened(folder, design="lhs", samples=4, over={TRIES: [1.5, 4]})


def test_what_the_code_takes_as_whole_is_listed_as_whole():
    cut = re.compile(r"int\((?:\w+\.)*(?:p|parameters)\[f?\"([\w.{}]+)\"\]\)")
    found = {
        name
        for file in (ROOT / "sim").rglob("*.py")
        for name in cut.findall(file.read_text(encoding="utf-8"))
    }
    assert len(found) > 8
    for name in found:
        fitting = [
            p for p in Parameters.load() if re.fullmatch(re.sub(r"{.*}", ".*", name), p.name)
        ]
        assert fitting and all(p.whole for p in fitting), name
    for p in Parameters.load():
        if p.whole:
            assert p.value == int(p.value) and p.low == int(p.low) and p.high == int(p.high)


# --- what goes together ---------------------------------------------------------------------


def test_the_defaults_go_together_and_each_condition_can_be_broken():
    values = Parameters.load().values()
    assert not list(impossible(values, (), 0.75))
    worst = {
        "staff.village_least": 10, "staff.village_most": 3, "staff.community_least": 9,
        "staff.community_most": 5, "counter.hours": 84, "counter.kept_hours": 60,
        "counter.kept_hours_township": 60, WEIGHTS[0]: 40, "persons.absent_share": 0.6,
    }  # fmt: skip
    Parameters.load(worst)  # each is within its range
    broken = list(impossible({**values, **worst}, (), 0.5))
    assert len(broken) == len(list(joint()))
    assert "staff.village_least = 10, staff.village_most = 3" in broken[0].message
    assert broken[0].hint == "keep staff.village_least at or under staff.village_most"


def test_impossible_points_are_refused_before_a_run_with_their_number_and_values(folder):
    over = {"staff.village_least": [1, 10], "staff.village_most": [3, 12]}
    with pytest.raises(InputError) as caught:
        opened(folder, design="grid", levels=4, over=over)
    (problem,) = caught.value.problems
    design = Design("grid", tuple(over), (1.0, 3.0), (10.0, 12.0), 0, 4, 1, tuple(over))
    bad = [i for i, p in enumerate(design.points[1:], 1) if p["staff.village_least"] > p[
        "staff.village_most"]]  # fmt: skip
    assert f"{len(bad)} of the 16 points" in problem.message
    assert f"point {bad[0]}: staff.village_least = 4, staff.village_most = 3" in problem.message
    assert "narrow the ranges" in problem.hint
    assert opened(folder, design="grid", levels=2, over={**over, "staff.village_least": [1, 3]})


def test_fixed_values_and_those_of_no_design_are_looked_at_too(folder):
    with pytest.raises(InputError, match=r"weight_access = 60"):
        opened(folder, **{WEIGHTS[0]: 60})
    design = {"design": "lhs", "samples": 4, "over": {WEIGHTS[0]: [20, 40]}}
    with pytest.raises(InputError, match="at 2 of the 4 points"):
        opened(folder, **design)
    assert opened(folder, **design, fixed={WEIGHTS[1]: 15}).design


def test_a_case_of_old_persons_cannot_have_many_away(folder, tmp_path):
    old = shutil.copytree(folder, tmp_path / "old")
    homes = read_rows(old / "settlements.csv")
    for row in homes:
        ages = dict.fromkeys(AGES[:-2], 1) | dict.fromkeys(AGES[-2:], 50)
        row.update(ages, persons=sum(ages.values()))
    write_table(old / "settlements.csv", homes)
    assert opened(folder, **{"persons.absent_share": 0.3})
    with pytest.raises(InputError, match=r"persons\.absent_share = 0\.3"):
        opened(old, **{"persons.absent_share": 0.3})


# --- with the model -------------------------------------------------------------------------


def test_a_design_over_what_the_synthesis_reads_builds_its_worlds_and_comes_out_again(
    folder, tmp_path
):
    over = {"persons.vehicle": [0.3, 0.9], "persons.old_alone": [0.0, 0.5], TRIES: [1, 4]}
    what = opened(folder, design="morris", samples=2, levels=4, over=over)
    ended = run(what, tmp_path / "out", SerialEngine())
    assert ended.exit_code == 0 and ended.ran == 2 * len(what.points)
    first = ended.study.outcomes(["access.government.minutes"]).query(
        "scenario == 'before' and group == 'all' and week == 0"
    )
    vehicle = {i: p.get("persons.vehicle", 0.75) for i, p in enumerate(what.points)}
    minutes = first.set_index("point")["value"]
    by_vehicle = minutes.groupby(minutes.index.map(vehicle)).mean()
    # who has a vehicle is never farther in minutes
    assert len(by_vehicle) > 2 and (np.diff(by_vehicle) < 0).all()
    assert {v.verdict for v in verify(ended.study, sample=6, experiment=what)} == {EQUAL}
