"""`sim check`: what a case, a scenario or an experiment holds.

A YAML file is checked as what its keys make it, a scenario or an experiment; anything else is a
case.
"""

from __future__ import annotations

from pathlib import Path

from sim.case.check import CheckReport, check_case
from sim.case.messages import InputError, Problem, Problems
from sim.case.yaml import Document

OF_EXPERIMENTS = {"scenarios", "replicates", "weeks", "record", "scope"}
OF_SCENARIOS = {"levers", "base", "about", "title"}


def check(path: str | Path) -> CheckReport:
    """The report on the case, scenario or experiment at `path`; `InputError` if it has faults."""
    path, problems = Path(path), Problems()
    kind = kind_of(path, problems)
    if kind == "case":
        return check_case(path.parent if path.name == "case.yaml" else path)
    if kind == "experiment":
        return _check_experiment(path)
    if kind == "scenario":
        return _check_scenario(path)
    problems.raise_errors()
    hint = "a scenario has `levers`; an experiment has `case` and `scenarios`"
    message = "this is neither a scenario nor an experiment"
    raise InputError([Problem("unknown-file", message, path, 1, hint=hint)])


def kind_of(path: Path, problems: Problems | None = None) -> str | None:
    """Whether `path` is a case, a scenario or an experiment, None where nobody can tell.

    Adds to `problems` why a file cannot be read.
    """
    if path.suffix not in (".yaml", ".yml") or path.name == "case.yaml":
        return "case"
    document = Document.read(path, problems or Problems())
    keys = set(document.data) if document and isinstance(document.data, dict) else set()
    if keys & OF_EXPERIMENTS:
        return "experiment"
    return "scenario" if keys & OF_SCENARIOS and "projection" not in keys else None


def _check_experiment(path: Path) -> CheckReport:
    from sim.experiment.experiment import Experiment

    experiment = Experiment.open(path)
    scenarios = len(experiment.runs_of)
    found = {
        "scenarios": scenarios,
        "replicates": experiment.replicates,
        "runs": scenarios * experiment.replicates,
        "weeks": experiment.weeks,
        "households": experiment.households,
    }
    title = experiment.title.get("en") or experiment.name
    return CheckReport(path, "experiment", title, found, warnings=experiment.warnings)


def _check_scenario(path: Path) -> CheckReport:
    from sim.levers.scenario import open_in_case

    scenario = open_in_case(path)[1]
    title = scenario.title.get("en") or scenario.name
    return CheckReport(path, "scenario", title, warnings=scenario.warnings)
