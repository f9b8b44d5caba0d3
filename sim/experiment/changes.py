"""In what an experiment is another than the one that results were made of, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from sim.case.messages import some
from sim.experiment.provenance import case_files, parameter_values
from sim.experiment.results import Study

if TYPE_CHECKING:
    from sim.experiment.experiment import Experiment
    from sim.experiment.plan import Plan

LINE = 60  # as many characters of a line are shown


def changes(study: Study, experiment: Experiment, plan: Plan) -> list[str]:
    """What differs between the plan of a study and this one; empty if it is the same."""
    if study.info["plan"] == plan.digest:
        return []
    old, new = study.info["identity"], plan.identity
    found: list[str] = []
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if name == "scenarios":
            found += _scenarios(study, experiment, before or {}, after or {})
        elif name == "parameters":
            found.append(_named("parameters", study.info.get("values"), _values(experiment)))
        elif name == "case":
            found.append(_named("case", study.info["case"].get("files"), case_files(experiment)))
        elif name == "base_content":
            continue  # said with the scenarios, of which the base is one
        elif name == "design" and before and after:
            found += _design(before, after)
        else:
            found.append(f"{name} {_shown(before)} -> {_shown(after)}")
    return found or ["the order of its runs"]


def _values(experiment: Experiment) -> dict[str, float]:
    return parameter_values(experiment.parameters)


def _named(what: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> str:
    """The names whose values differ, numbers with both; only `what` where nobody noted them."""
    names = [n for n in sorted({*(old or {}), *new}) if (old or {}).get(n) != new.get(n)]
    if old is None or not names:
        return f"{what} changed"
    return f"{what} changed: {some([f'{n}{_from_to(old.get(n), new.get(n))}' for n in names])}"


def _from_to(before: Any, after: Any) -> str:
    """Numbers are shown, hashes are not."""
    if isinstance(before, float) and isinstance(after, float):
        return f" {before:g} -> {after:g}"
    return " is new" if before is None else " is gone" if after is None else ""


def _scenarios(
    study: Study, experiment: Experiment, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[str]:
    yield from (f"scenario {n} left out" for n in before if n not in after)
    yield from (f"scenario {n} added" for n in after if n not in before)
    texts = {s.name: s.resolved() for s in experiment.runs_of}
    for name in after:
        if name in before and before[name] != after[name]:
            yield f"scenario {name} changed{_line(study, name, texts[name])}"


def _line(study: Study, name: str, text: str) -> str:
    """The first line of a scenario in which it is not what it was, in words."""
    try:
        old = (study.path / "scenarios" / f"{name}.yaml").read_text("utf-8")
    except OSError:
        return ""
    for before, after in zip_longest(old.splitlines(), text.splitlines(), fillvalue=""):
        if before != after:
            return f" ({_short(before)} -> {_short(after)})"
    return " (a table that it names)"


def _short(line: str) -> str:
    line = line.strip() or "nothing"
    return line if len(line) <= LINE else f"{line[:LINE]}..."


def _design(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*before, *after} - {"over"}):
        if before.get(key) != after.get(key):
            yield f"{key} of the design {_shown(before.get(key))} -> {_shown(after.get(key))}"
    old, new = before["over"], after["over"]
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield f"range of {name} {_shown(old.get(name))} -> {_shown(new.get(name))}"
    if old == new and list(old) != list(new):
        yield "the order of the parameters of the design"


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
