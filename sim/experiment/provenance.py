"""The record of a study (`study.json`): what another person needs to read and to repeat it."""

from __future__ import annotations

import hashlib
import os
import platform
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sim
from sim.experiment.machine import usable_processors
from sim.experiment.plan import Plan

if TYPE_CHECKING:
    from sim.experiment.experiment import Experiment

PACKAGES = ("mesa", "numba", "numpy", "pandas", "pyarrow", "SALib", "scipy", "shapely")
CODE = (  # of the package: what the numbers of a run come from
    "case", "data", "levers", "outcomes", "phases", "processes", "world",
    "model.py", "experiment/parts.py", "experiment/task.py",
)  # fmt: skip
COUNTED = ("townships", "communities", "settlements", "facilities", "offices")


def describe(
    experiment: Experiment, plan: Plan, results: Path, keep: Iterable[str]
) -> dict[str, Any]:
    """The content of study.json.

    Paths are relative to the results directory, so that a project can be moved as a whole.
    ``scenarios`` starts with the base; ``compared`` are the names the experiment lists; keep:
    the tables that are stored.
    """
    case = experiment.case
    return {
        "format": 1,
        "name": experiment.name,
        "title": dict(experiment.title),
        "experiment": relative(experiment.path, results) if experiment.path else None,
        "case": {
            "path": relative(case.path, results),
            "title": _plain(getattr(case.meta, "title", {})),
            "digest": case.digest,
            "files": case_files(experiment),
        },
        "scope": dict(experiment.scope),
        "size": size(case),
        "base": experiment.base.name,
        "compared": [s.name for s in experiment.scenarios],
        "scenarios": [
            {
                "name": s.name,
                "title": _plain(s.title),
                "digest": s.digest,
                "first_date": s.first_date.isoformat() if s.first_date else None,
            }
            for s in experiment.runs_of
        ],
        "start": experiment.start.isoformat(),
        "weeks": experiment.weeks,
        "seed": experiment.seed,
        "replicates": experiment.replicates,
        "until": asdict(experiment.until) if experiment.until else None,
        "parameters": dict(experiment.overrides),
        "values": parameter_values(experiment.parameters),
        "design": experiment.design.record() if experiment.design else None,
        "record": asdict(experiment.record),
        "runs": len(plan.runs),
        "blocks": len(plan.blocks),
        "plan": plan.digest,
        "identity": plan.identity,
        "versions": versions(),
        "code": code(),
        "keep": list(keep),
        "machine": machine(),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def case_files(experiment: Experiment) -> dict[str, str]:
    """A hash of each table of the case and of case.yaml, by the name of the file."""
    folder = experiment.case.path
    files = [folder / "case.yaml", *sorted(folder.glob("*.csv"))]
    return {f.name: _hash(f) for f in files if f.is_file()}


def parameter_values(parameters: Iterable[Any]) -> dict[str, float]:
    """The value of each parameter by its name."""
    return {p.name: p.value for p in parameters}


def size(case: Any) -> dict[str, int]:
    """How much there is in scope: rows of the tables, households, persons."""
    tables = {name: getattr(case, name, None) for name in COUNTED}
    counts = {name: len(table) for name, table in tables.items() if table is not None}
    sums = {n: int(case.settlements[n].sum()) for n in ("households", "persons")}
    return counts | sums


def versions() -> dict[str, str]:
    """Versions that the bytes of the results depend on."""
    found = {"sim": sim.__version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def code() -> dict[str, str]:
    """A hash of each file of the package that the numbers of a run come from."""
    root = Path(sim.__file__).parent
    files = [f for name in CODE for f in (sorted((root / name).rglob("*")) or [root / name])]
    return {
        file.relative_to(root).as_posix(): _hash(file)
        for file in files
        if file.suffix in (".py", ".csv", ".yaml")
    }


def _hash(file: Path) -> str:
    """Of a text, whatever its ends of lines."""
    return hashlib.sha256(file.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:12]


def code_changes(there: Mapping[str, str]) -> list[str]:
    """Files that are not what they were when `there` was recorded."""
    here = code()
    return sorted(n for n in {*there, *here} if there.get(n) != here.get(n))


def machine() -> dict[str, Any]:
    """What the numbers were computed on: no names of machines or persons."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "processors": usable_processors(),
    }


def relative(path: Path, start: Path) -> str:
    """`path` as seen from `start`, or absolute where there is no way (another Windows drive)."""
    try:
        return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()
    except ValueError:
        return path.resolve().as_posix()


def _plain(title: Any) -> dict[str, str]:
    """A title as a plain mapping, whatever it is held in."""
    if isinstance(title, str):
        return {"en": title, "zh": title}
    return dict(title.model_dump() if hasattr(title, "model_dump") else title)
