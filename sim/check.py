"""`sim check`: what a case, a scenario or an experiment holds.

A YAML file is checked as what its keys make it: a scenario (`levers`) or an experiment (`case`
and `scenarios`); anything else is a case.
"""

from __future__ import annotations

from pathlib import Path

from sim.case.case import Case
from sim.case.check import CheckReport, check_case
from sim.case.messages import InputError, Problem, Problems
from sim.case.yaml import Document


def check(path: str | Path) -> CheckReport:
    """The report on the case, scenario or experiment at `path`; `InputError` if it has faults."""
    path = Path(path)
    if path.suffix not in (".yaml", ".yml") or path.name == "case.yaml":
        return check_case(path.parent if path.name == "case.yaml" else path)
    problems = Problems()
    document = Document.read(path, problems)
    problems.raise_errors()
    keys = set(document.data) if document and isinstance(document.data, dict) else set()
    if {"case", "scenarios"} <= keys:
        return _check_experiment(path)
    if keys & {"levers", "base"} or keys == {"title"}:
        return _check_scenario(path)
    hint = "a scenario has `levers`; an experiment has `case` and `scenarios`"
    message = "this is neither a scenario nor an experiment"
    raise InputError([Problem("unknown-file", message, path, 1, hint=hint)])


def _check_experiment(path: Path) -> CheckReport:
    from sim.experiment.experiment import Experiment

    experiment = Experiment.open(path)
    scenarios = len(experiment.runs_of)
    found = {
        "scenarios": scenarios,
        "parameter sets": len(experiment.points),
        "replicates": experiment.replicates,
        "runs": scenarios * len(experiment.points) * experiment.replicates,
        "weeks": experiment.weeks,
        "households": experiment.households,
    }
    title = experiment.title.get("en") or experiment.name
    return CheckReport(path, "experiment", title, found, warnings=experiment.case.warnings)


def _check_scenario(path: Path) -> CheckReport:
    from sim.levers.scenario import Scenario

    scenario = Scenario.open(path, Case.open(path.parent))
    return CheckReport(path, "scenario", scenario.title.get("en") or scenario.name)
