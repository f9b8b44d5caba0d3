"""Do the results come out again? A sample of runs is made once more and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.case.messages import InputError, Problem
from sim.experiment.designs import Design
from sim.experiment.experiment import Experiment
from sim.experiment.families import Family
from sim.experiment.growth import check_runs_there
from sim.experiment.parts import decode
from sim.experiment.plan import Plan, Run
from sim.experiment.results import Study
from sim.experiment.study import task_of

EQUAL, NEARLY, DIFFERENT = "equal", "equal to 1e-9", "different"
CLOSE = 1e-9  # relative: what other machines and versions may differ by


@dataclass(frozen=True)
class Verdict:
    """How a run compares with what was stored; where: the first difference, in words."""

    run: Run
    verdict: str
    where: str = ""

    def __str__(self) -> str:
        tail = f": {self.where}" if self.where else ""
        run = self.run
        return f"{run.key}  {run.scenario}, replicate {run.replicate}  {self.verdict}{tail}"


def verify(
    study: Study,
    keys: Sequence[str] = (),
    sample: int = 2,
    experiment: Experiment | None = None,
    simulate: Callable[..., Any] | None = None,
    build: Callable[..., Path] | None = None,
) -> Iterator[Verdict]:
    """Runs the runs with these keys again, or a sample of those that are done, one by one.

    Each is made alone, so that a past it had shared is verified too. experiment: the study's, if
    it is at hand; simulate, build: as in `run`. Raises `InputError` where the experiment is not
    what it was, or has no run like this.
    """
    experiment = experiment or reopened(study)
    plan = Plan.of(experiment)
    check_runs_there(study, experiment, plan, or_else="")
    done = study.done().set_index("key")["run"]
    chosen = plan.chosen(keys) or sampled([r for r in plan.runs if r.key in done.index], sample)
    missing = [r for r in chosen if r.key not in done.index]
    if missing or not chosen:
        what = f"run {missing[0].key} has no result" if missing else "no run is done"
        hint = f"`sim status {study.path}` says how far it is"
        raise InputError([Problem("nothing-to-verify", what, study.path, hint=hint)])
    task = task_of(experiment, simulate, build)
    for run in chosen:
        yield _compare(study, int(done[run.key]), run, task(Family((run,)))(run))


def sampled(runs: Sequence[Run], count: int) -> list[Run]:
    """As many runs as wanted, the same every time, chosen by their keys."""
    by_chance = sorted(runs, key=lambda r: sha256(r.key.encode()).hexdigest())
    return sorted(by_chance[:count], key=lambda r: r.run)


def reopened(study: Study) -> Experiment:
    """The experiment of a study: its file, or what study.json knows of one made in Python."""
    info = study.info
    if info["experiment"] is not None:
        return Experiment.open(study.path / info["experiment"])
    experiment = Experiment.of(
        study.case_path,
        title=info["title"],
        base=f"{info['base']}.yaml",
        scenarios=[f"{name}.yaml" for name in info["compared"]],
        start=info["start"],
        **{k: info[k] for k in ("scope", "weeks", "seed", "replicates", "parameters", "record")},
    )
    design = info.get("design")
    return replace(experiment, design=Design.of_record(design)) if design else experiment


def _compare(study: Study, number: int, run: Run, encoded: Any) -> Verdict:
    """number: that the run has in the study; the experiment may have grown since."""
    verdict = EQUAL
    for kind in study.kinds:
        there = study.read(kind, run=number).drop(columns=["scenario", "replicate", "point"])
        here = _plain(decode(encoded, kind, number))
        there = there[here.columns]
        if len(there) != len(here):
            where = f"{kind} had {len(there)} rows, now {len(here)}"
            return Verdict(run, DIFFERENT, where)
        for column in here.columns.drop("value"):
            other = there[column].astype(here[column].dtype).to_numpy() != here[column].to_numpy()
            if other.any():
                return Verdict(run, DIFFERENT, _where(kind, there, here, column, other))
        old, new = there["value"].to_numpy(np.float64), here["value"].to_numpy(np.float64)
        same = (old == new) | (np.isnan(old) & np.isnan(new))
        if same.all():
            continue
        near = same | (np.abs(old - new) <= CLOSE * np.maximum(np.abs(old), np.abs(new)))
        if not near.all():
            return Verdict(run, DIFFERENT, _where(kind, there, here, "value", ~near))
        verdict = NEARLY
    return Verdict(run, verdict)


def _plain(table: pa.Table) -> pd.DataFrame:
    frame = table.to_pandas()
    return frame.astype({c: str for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype)})


def _where(
    kind: str, there: pd.DataFrame, here: pd.DataFrame, column: str, other: np.ndarray
) -> str:
    row = int(np.argmax(other))
    place = [f"{n} {here[n].iloc[row]}" for n in here.columns if n not in ("run", "value", column)]
    old, new = there[column].iloc[row], here[column].iloc[row]
    return f"{kind}, {', '.join(place)}: {column} was {old}, now {new} ({other.sum()} rows differ)"
