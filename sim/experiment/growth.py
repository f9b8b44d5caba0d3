"""How a plan is laid out in a directory, and how results are taken up by a plan that has grown.

A plan takes up the results that are there if it has all of their runs: more replicates, scenarios
or parameter sets, or the same in another order. Its runs have other numbers then, and stand in
other blocks, so the parts are written anew: the results are those of a study that had this plan
from the start, to the byte. A plan that lacks a run that is there is refused: a result is neither
thrown away nor hidden.

The new state is made in ``grown/`` beside the old one. It counts from the moment its study.json is
there; moving it into place can be cut off anywhere, and goes on with the next `sim run`.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.case.messages import InputError, Problem
from sim.experiment.changes import changes
from sim.experiment.parts import (
    join,
    keys_in,
    publish,
    read_part,
    sync_directory,
    temporary,
    write_bytes,
    write_part,
)
from sim.experiment.plan import Plan, Run
from sim.experiment.provenance import describe
from sim.experiment.results import Study

if TYPE_CHECKING:
    from sim.experiment.experiment import Experiment

GROWN = "grown"
FOLDERS, TABLES = ("parts", "failures", "scenarios"), ("plan.parquet", "points.parquet")
OF_THE_START = ("versions", "code", "code_changes", "keep", "machine", "created", "earlier_plans")


ANEW = ", or --out DIR keeps these results and starts elsewhere, or --fresh removes them"


def check_runs_there(study: Study, experiment: Experiment, plan: Plan, or_else: str = ANEW) -> None:
    """`InputError` where the plan lacks runs that are there; or_else: what else may be done."""
    lacking = lacks(study, plan)
    if not lacking:
        return
    there = len(study.done())
    many = f"the {there}" if lacking == there else f"{lacking} of the {there}"
    what = "; ".join(changes(study, experiment, plan))
    message = f"{many} runs here are of another plan: {what}"
    hint = f"a plan may grow while results are there, nothing else: put back what was{or_else}"
    raise InputError([Problem("changed-plan", message, study.path / "study.json", hint=hint)])


def lacks(study: Study, plan: Plan) -> int:
    """How many of the runs that are there a plan does not have."""
    return len(set(study.done()["key"]) - {r.key for r in plan.runs})


def lay_out(folder: Path, experiment: Experiment, plan: Plan) -> None:
    """Writes the plan, its points and the scenarios into a directory that has ``scenarios/``."""
    for scenario in experiment.runs_of:
        text = scenario.resolved().encode()
        write_bytes(folder / "scenarios" / f"{scenario.name}.yaml", text)
    frames = {"plan.parquet": plan.frame()}
    if experiment.design:
        frames["points.parquet"] = experiment.design.frame()
    for name, frame in reversed(frames.items()):
        table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        pq.write_table(table, temporary(folder / name))
        publish(folder / name)


def take_up(path: Path, experiment: Experiment, plan: Plan) -> list[str]:
    """Makes the results in a directory those of a plan that has all of their runs.

    What the record says of the experiment beside its plan (a title, say) is brought up to date.
    Returns in words what has changed in the plan. The caller holds the lock.
    """
    study = Study.open(path)
    words, old = changes(study, experiment, plan), study.info
    new = describe(experiment, plan, path, study.kinds)
    new |= {name: old[name] for name in OF_THE_START if name in old}
    if not words:
        if as_json(new) != as_json(old):
            lay_out(path, experiment, plan)  # titles of scenarios may have changed
            write_bytes(path / "study.json", as_json(new))
        return []
    new["earlier_plans"] = [*old.get("earlier_plans", []), _earlier(old)]
    draft = path / GROWN
    discard(path)
    for folder in FOLDERS:
        (draft / folder).mkdir(parents=True)
    lay_out(draft, experiment, plan)
    _regroup(study, plan, draft / "parts")
    _renumber_failures(path / "failures", plan, draft / "failures")
    sync_directory(draft / "parts")
    write_bytes(draft / "study.json", as_json(new))
    finish(path)
    return words


def finish(path: Path) -> None:
    """Moves a grown state into place, from wherever it was cut off; an unfinished one goes."""
    draft = path / GROWN
    if not (draft / "study.json").is_file():
        discard(path)
        return
    (path / "study.json").unlink(missing_ok=True)  # a reader sees nothing rather than a mixture
    for name in FOLDERS:
        here, new = path / name, draft / name
        if new.is_dir():
            if here.is_dir():
                os.replace(here, draft / f"{name}-before")
            os.replace(new, here)
    for name in TABLES:
        if (draft / name).is_file():
            os.replace(draft / name, path / name)
    sync_directory(path)
    os.replace(draft / "study.json", path / "study.json")
    sync_directory(path)
    if not Study.open(path).info["design"]:
        (path / "points.parquet").unlink(missing_ok=True)
    shutil.rmtree(draft)


def discard(path: Path) -> None:
    """Removes a grown state that is not in place, first what makes it count."""
    (path / GROWN / "study.json").unlink(missing_ok=True)
    shutil.rmtree(path / GROWN, ignore_errors=True)


def as_json(data: Any) -> bytes:
    """Plain data as the text of a file."""
    return (json.dumps(data, indent=1, ensure_ascii=False) + "\n").encode()


def _earlier(info: dict[str, Any]) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"until": now, "plan": info["plan"], "runs": info["runs"]}


def _regroup(study: Study, plan: Plan, target: Path) -> None:
    """Writes the runs that are there into the blocks of the plan."""
    there = study.done().set_index("key")
    number = np.full(len(study.plan()), -1, np.int32)  # of each earlier run now
    kept: list[tuple[int, list[Run]]] = []
    for block, runs in enumerate(plan.blocks):
        mine = [r for r in runs if r.key in there.index]
        number[there.loc[[r.key for r in mine], "run"].to_numpy()] = [r.run for r in mine]
        kept += [(block, mine)] if mine else []
    for kind in study.kinds:
        open_parts: dict[int, pa.Table] = {}
        for block, runs in kept:
            keys = [r.key for r in runs]
            before = there.loc[keys]
            name = f"{kind}-{block:05d}.parquet"
            same = np.array_equal(before["run"], [r.run for r in runs])
            if same and keys_in(study.path / "parts" / name) == keys:
                _link(study.path / "parts" / name, target / name)
                continue
            blocks = sorted(set(before["block"].tolist()))
            open_parts = {
                b: open_parts[b]
                if b in open_parts
                else read_part(study.path / "parts" / f"{kind}-{b:05d}.parquet")
                for b in blocks
            }
            wanted = [r.run for r in runs]
            tables = [_renumbered(t, number, wanted) for t in open_parts.values()]
            write_part(target / name, join(tables), keys)
            publish(target / name)


def _renumbered(table: pa.Table, number: np.ndarray, wanted: list[int]) -> pa.Table:
    """The rows of the wanted runs, with the numbers that these have now."""
    run = number[table["run"].to_numpy()]
    mine = np.isin(run, wanted)
    return table.filter(pa.array(mine)).set_column(0, "run", pa.array(run[mine]))


def _renumber_failures(folder: Path, plan: Plan, target: Path) -> None:
    """The rows of the runs that failed, as far as they are in the plan."""
    runs = {r.key: r for r in plan.runs}
    for file in sorted(folder.glob("*.json")):
        if file.stem in runs:
            row = json.loads(file.read_text(encoding="utf-8")) | asdict(runs[file.stem])
            write_bytes(target / file.name, as_json(row))


def _link(source: Path, target: Path) -> None:
    """The same file under another name, or a copy where there are no links; it never changes."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
