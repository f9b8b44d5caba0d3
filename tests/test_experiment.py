"""Experiment files: everything wrong with one is said at once, with file, line and what to do."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sim.case.messages import InputError, Problem, Problems
from sim.experiment.experiment import Experiment
from sim.experiment.plan import Plan
from sim.experiment.study import run_experiment
from tests.experiments import FakeRecord

EXPERIMENT = """\
title: {en: A test, zh: 测试}
case: ../small
base: before.yaml
scenarios: [reform.yaml, other.yaml]
start: 2020-01-06
weeks: 130
seed: 5
replicates: 3
record: {outcomes: weekly, units: 13, losers: 26}
"""


@dataclass(frozen=True)
class FileScenario:
    """A stand-in for scenarios: the file's words are dates of levers, or ``broken``."""

    name: str
    text: str
    case: Any = field(compare=False)

    @property
    def title(self) -> dict[str, str]:
        return {"en": self.name, "zh": ""}

    @staticmethod
    def open(path: Path, case: Any, horizon: tuple[date, int] | None) -> FileScenario:
        text = path.read_text(encoding="utf-8")
        if "broken" in text:
            raise InputError([Problem("broken", "a broken lever", path, 1)])
        scenario, problems = FileScenario(path.stem, text, case), Problems()
        for day in scenario.dates if horizon else ():
            if not horizon[0] <= day < horizon[0] + timedelta(weeks=horizon[1]):
                problems.error("outside-horizon", f"{day} is outside", path, 1)
        problems.raise_errors()
        return scenario

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return (Problem("outside-scope", f"{self.name} loses a lever", severity="warning"),)

    @property
    def digest(self) -> str:
        return self.text

    def resolved(self) -> str:
        return self.text

    @property
    def dates(self) -> list[date]:
        return [date.fromisoformat(word) for word in self.text.split()]

    @property
    def first_date(self) -> date | None:
        return min(self.dates, default=None)


@pytest.fixture(autouse=True)
def model_stand_ins(monkeypatch):
    """Scenarios and records of this file; the case and the parameters are real."""
    for name, content in (
        ("sim.levers.scenario", {"Scenario": FileScenario}),
        ("sim.outcomes.recorder", {"Record": FakeRecord}),
    ):
        module = ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture
def file(small_case_dir: Path) -> Path:
    """An experiment file on the small case, with three scenarios."""
    for name, text in (("before", ""), ("reform", "2020-05-18"), ("other", "2021-01-04")):
        (small_case_dir / f"{name}.yaml").write_text(text)
    path = small_case_dir.parent / "experiments" / "test.yaml"
    path.parent.mkdir()
    path.write_text(EXPERIMENT, encoding="utf-8")
    return path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def problems_of(file: Path) -> list[Problem]:
    with pytest.raises(InputError) as caught:
        Experiment.open(file)
    return list(caught.value.problems)


def only_problem(file: Path) -> Problem:
    (problem,) = problems_of(file)
    return problem


def test_a_good_file_opens_with_everything_it_names(file):
    opened = Experiment.open(file)
    assert [s.name for s in opened.runs_of] == ["before", "reform", "other"]
    assert (opened.start, opened.weeks, opened.seed, opened.replicates) == (
        date(2020, 1, 6),
        130,
        5,
        3,
    )
    assert opened.record == FakeRecord(outcomes=1, units=13, losers=26)
    assert opened.title == {"en": "A test", "zh": "测试"} and opened.name == "test"
    assert opened.households == opened.case.settlements["households"].sum() > 0
    assert len(Plan.of(opened).runs) == 9


def test_warnings_of_case_and_scenarios_are_kept(file):
    messages = [w.message for w in Experiment.open(file).warnings]
    assert messages[-3:] == [f"{s} loses a lever" for s in ("before", "reform", "other")]


def test_what_is_not_said_has_a_default(file):
    file.write_text("title: short\ncase: ../small\nscenarios: [reform.yaml]\nweeks: 52\n")
    opened = Experiment.open(file)
    assert opened.title == {"en": "short", "zh": "short"} and opened.base.name == "before"
    assert opened.start == opened.case.meta.start and opened.replicates == 1
    assert opened.record == FakeRecord(1, 13, 13) and opened.scope == {}


def test_the_base_may_be_listed_to_be_compared_with_itself(file):
    change(file, "other.yaml", "before.yaml")
    opened = Experiment.open(file)
    assert [s.name for s in opened.runs_of] == ["before", "reform"]
    assert [s.name for s in opened.scenarios] == ["reform", "before"]


def test_a_scope_cuts_the_case_and_its_scenarios_are_read_on_what_is_left(file):
    change(file, "seed: 5", "seed: 5\nscope: {counties: [甲区]}")
    opened = Experiment.open(file)
    assert opened.scope == {"counties": ["甲区"]}
    assert set(opened.case.townships["county"]) == {"甲区"}
    assert opened.base.case is opened.case


def test_an_unknown_county_is_named_at_its_line(file):
    change(file, "seed: 5", "seed: 5\nscope: {counties: [甲县]}")
    problem = only_problem(file)
    assert problem.path == file and problem.line == 8 and "甲县" in problem.message


def test_parameters_reach_the_runs_and_wrong_ones_are_refused_at_their_line(file):
    plain = Experiment.open(file)
    name, low = next((p.name, p.low) for p in plain.parameters if p.low < p.value)
    change(file, "seed: 5", f"seed: 5\nparameters:\n  {name}: {low}")
    opened = Experiment.open(file)
    assert opened.parameters[name] == low and opened.overrides == {name: low}
    assert not {r.key for r in Plan.of(plain).runs} & {r.key for r in Plan.of(opened).runs}
    change(file, f"{name}: {low}", f"{name}x: {low}\n  {name}: 1e99")
    unknown, outside = problems_of(file)
    assert (unknown.path, unknown.line) == (file, 9) and name in unknown.hint
    assert (outside.path, outside.line) == (file, 10) and outside.code == "parameter-range"


def test_a_design_is_read_with_its_ranges_and_fixed_values(file):
    design = """\
parameters:
  design: morris
  samples: 3
  over: {travel.ride_start: , travel.detour_hill: [1.2, 2]}
  fixed: {travel.walking_speed: 70}
"""
    change(file, "seed: 5", "seed: 5\n" + design)
    opened = Experiment.open(file)
    assert opened.design is not None and opened.design.rows.shape == (9, 2)
    entry = opened.parameters.entries["travel.ride_start"]
    assert (opened.design.low, opened.design.high) == ((entry.low, 1.2), (entry.high, 2.0))
    for point, values in enumerate(opened.points):
        of_point = opened.parameters_at(point)
        assert of_point["travel.walking_speed"] == 70
        assert all(of_point[name] == value for name, value in values.items())
    assert len(Plan.of(opened).runs) == 3 * 3 * len(opened.points)
    change(file, "[1.2, 2]", "[0.2, 4]")
    assert [p.code for p in problems_of(file)] == ["parameter-range"] * 2


def test_replicates_may_be_as_many_as_a_difference_needs(file):
    until = "{outcome: access.government.minutes, scenario: reform, half_width: 0.1}"
    change(file, "replicates: 3", f"replicates: {{min: 10, max: 60, until: {until}}}")
    opened = Experiment.open(file)
    assert opened.until is not None and opened.replicates == 60
    (aim,) = opened.until.aims
    assert (opened.until.step, aim.scenario) == (10, "reform")
    change(file, "scenario: reform", "scenario: refrom")
    assert "reform" in only_problem(file).hint
    several = "[{outcome: cost.total.per_head, half_width: 1}, {outcome: workload.offices.lode,"
    change(file, "{outcome: access.government.minutes, scenario: refrom, half_width: 0.1}",
           f"{several} half_width: 2}}]")  # fmt: skip
    assert "workload.offices.load" in only_problem(file).hint
    change(file, "lode", "load")
    aims = Experiment.open(file).until.aims
    assert [(a.outcome, a.half_width) for a in aims] == [
        ("cost.total.per_head", 1), ("workload.offices.load", 2)]  # fmt: skip
    assert file.read_text().count("half_width") == 2


def test_a_missing_scenario_is_named_with_its_near_match(file):
    change(file, "reform.yaml", "refrom.yaml")
    problem = only_problem(file)
    assert (problem.path, problem.line) == (file, 4)
    assert "refrom.yaml" in problem.message and "reform.yaml" in problem.hint


def test_a_missing_case_is_named_with_its_near_match(file):
    change(file, "../small", "../smal")
    problem = only_problem(file)
    assert (problem.path, problem.line) == (file, 2) and "'small'" in problem.hint


def test_a_missing_file_is_one_message(tmp_path):
    problem = only_problem(tmp_path / "nowhere.yaml")
    assert problem.code == "missing-file"


def test_faults_of_several_scenarios_come_at_once(file):
    (file.parent.parent / "small" / "reform.yaml").write_text("broken")
    change(file, "other.yaml", "nowhere.yaml")
    assert [p.code for p in problems_of(file)] == ["broken", "missing-scenario"]


def test_a_lever_outside_the_weeks_is_refused(file):
    change(file, "weeks: 130", "weeks: 30")
    problem = only_problem(file)
    assert problem.code == "outside-horizon" and "2021-01-04" in problem.message


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("replicates: 3", "replicate: 3", 8, "replicates"),
        ("replicates: 3", "replicates: 0", 8, "greater than or equal to 1"),
        ("replicates: 3", "replicates: {min: 10, max: 60}", 8, "until"),
        ("replicates: 3", "replicates: some", 8, "integer"),
        (
            "replicates: 3",
            "replicates: {min: 9, max: 5, until: {outcome: cost.total.per_head, half_width: 1}}",
            8,
            "max is less",
        ),
        (
            "replicates: 3",
            "replicates: {min: 5, max: 9, until: {outcome: cost.total.per_hed, half_width: 1}}",
            8,
            "cost.total.per_head",
        ),
        (
            "replicates: 3",
            "replicates: {min: 5, max: 9, until: {outcome: cost.total.per_head}}",
            8,
            "half_width",
        ),
        ("seed: 5", "parameters: {design: lhs, over: [travel.ride_start]}", 7, "samples"),
        ("seed: 5", "parameters: {design: lhs, samples: 9, over: {travel.ride: }}", 7, "ride_"),
        ("seed: 5", "parameters: {design: halton, samples: 9, over: [a]}", 7, "'morris'"),
        ("seed: 5", "parameters: {design: lhs, samples: 9, over: [], size: 3}", 7, "size"),
        ("weeks: 130", "weeks: many", 6, "integer"),
        ("start: 2020-01-06", "start: soon", 5, "date"),
        ("units: 13", "units: monthly", 9, "weekly"),
        ("scenarios: [reform.yaml, other.yaml]", "scenarios: []", 4, "at least 1"),
        ("case: ../small\n", "", 1, "case"),
        ("seed: 5", "seed: 5\nseed: 6", 8, "twice"),
        ("[reform.yaml, other.yaml]", "[reform.yaml, reform.yaml]", 4, "called 'reform'"),
    ],
)
def test_bad_keys_and_values_are_refused_with_their_line(file, old, new, line, words):
    change(file, old, new)
    problems = problems_of(file)
    assert {(p.path, p.line) for p in problems} == {(file, line)}
    assert any(words in f"{p.message} {p.hint}" for p in problems)


def test_nothing_is_written_for_a_bad_file(file, tmp_path):
    change(file, "weeks: 130", "weeks: 0")
    with pytest.raises(InputError):
        run_experiment(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_experiment_can_be_made_in_python(file):
    case = file.parent.parent / "small"
    made = Experiment.of(
        case,
        scenarios=["reform.yaml", "other.yaml"],
        weeks=130,
        seed=5,
        replicates=3,
        record={"losers": 26},
    )
    assert Plan.of(made).digest == Plan.of(Experiment.open(file)).digest
    assert Experiment.of(made.case, scenarios=["reform.yaml"], weeks=130).case.path == case
    with pytest.raises(InputError, match="weeeks") as caught:
        Experiment.of(case, scenarios=["reform.yaml"], weeeks=130)
    assert {p.path for p in caught.value.problems} == {None}
