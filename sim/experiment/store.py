"""The results directory: what an experiment leaves on disk, and how it gets there.

::

    study.json            what was run: titles, scope, sizes, seeds, hashes, versions, machine
    plan.parquet          a row per run: run, key, scenario, replicate, block, point
    points.parquet        of a design: a row per row of it: row, point, values
    scenarios/            resolved copies
    parts/                outcomes-00000.parquet, units-..., losers-...: one of each a block
    failures/KEY.json     runs without a result, and why
    journal.jsonl         what happened when; nothing is read back from it
    grown/                a plan that has grown, until it is in place (see `sim.experiment.growth`)

The parts are the truth: which runs are done is read from them. Every file appears under its name
complete and synced, or not at all, so that a study may be killed at any moment; the outcomes of a
block are renamed last and so stand for all its tables.
"""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.case.messages import InputError, Problem
from sim.experiment.growth import (
    GROWN,
    as_json,
    check_runs_there,
    discard,
    finish,
    lay_out,
    take_up,
)
from sim.experiment.jobs import Failure
from sim.experiment.lock import LOCK
from sim.experiment.parts import (
    KINDS,
    Encoded,
    decode,
    join,
    keys_in,
    publish,
    read_part,
    sync_directory,
    write_bytes,
    write_part,
)
from sim.experiment.plan import Plan, Run
from sim.experiment.provenance import code, code_changes, describe
from sim.experiment.results import Study as Study  # the reading half, found here too

if TYPE_CHECKING:
    from sim.experiment.experiment import Experiment

OURS = (
    "study.json",
    "journal.jsonl",
    "report.html",
    "scenarios/*.yaml",
    "parts/*.parquet",
    "failures/*.json",
    "figures/*.svg",
    "figures/*.png",
    "points.parquet",
    "plan.parquet",
)


class Store:
    """The writing half of a results directory; its owner holds the `DirectoryLock`.

    source: the experiment's file, if it has one; kinds: the tables that are stored, outcomes
    first; grown: in what the plan is more than the one that was there, in words.
    """

    def __init__(self, path: Path, plan: Plan, source: Path | None = None):
        self.path, self.plan, self.source = path, plan, source
        self.kinds: tuple[str, ...] = KINDS
        self.grown: list[str] = []
        self._parts, self._failures = path / "parts", path / "failures"

    @staticmethod
    def open(
        path: Path,
        experiment: Experiment,
        plan: Plan,
        fresh: bool = False,
        keep: Iterable[str] | None = None,
    ) -> Store:
        """The store of this plan in `path`, made if it is not there.

        path: a directory after `prepare`; fresh: remove an earlier study first (only files of
        ours); keep: tables to store beside the outcomes, default as begun, or all. Results of a
        plan that has grown since are taken up. Raises `InputError` where there are results of
        another plan, or of other tables.
        """
        if fresh:
            clear(path)
        finish(path)
        store = Store(path, plan, experiment.path)
        asked = None if keep is None else tuple(k for k in KINDS if k in {"outcomes", *keep})
        if (path / "study.json").is_file():
            study = Study.open(path)
            check_runs_there(study, experiment, plan)
            store.kinds = study.kinds
            if asked not in (None, store.kinds):
                message = f"the results here were begun with --keep {','.join(store.kinds)}"
                hint = "go on without --keep; --fresh starts over here"
                raise InputError([Problem("changed-keep", message, path, hint=hint)])
            store.grown = take_up(path, experiment, plan)
            if store.grown:
                store.journal({"event": "plan", "runs": len(plan.runs), "changes": store.grown})
        else:
            store.kinds = asked or KINDS
            store._create(experiment)
        for folder in (path, store._parts, store._failures):
            for leftover in folder.glob("*.tmp"):
                leftover.unlink()
        return store

    def done(self) -> set[str]:
        """Keys of the runs whose results are on disk."""
        return {
            key
            for block in range(len(self.plan.blocks))
            for key in keys_in(self._part("outcomes", block))
        }

    def failed(self) -> list[str]:
        """Keys of the runs that have failed and not succeeded since, sorted."""
        return sorted(p.stem for p in self._failures.glob("*.json"))

    def commit(self, block: int, results: Mapping[Run, Encoded]) -> None:
        """Adds results to the parts of their block. Raises OSError with nothing torn."""
        if not results:
            return
        runs = self.plan.blocks[block]
        earlier = set(keys_in(self._part("outcomes", block)))
        kept = [r for r in runs if r.key in earlier and r not in results]
        keys = [r.key for r in runs if r in results or r in kept]
        for kind in self.kinds:
            path = self._part(kind, block)
            tables = [decode(encoded, kind, run.run) for run, encoded in results.items()]
            if kept:
                old = read_part(path)
                # a killed commit may have left runs here that the outcomes do not have
                numbers = pa.array([r.run for r in kept], pa.int32())
                tables.append(old.filter(pc.is_in(old["run"], numbers)))
            write_part(path, join(tables), keys)
        for kind in reversed(self.kinds):
            publish(self._part(kind, block))
        sync_directory(self._parts)
        for run in results:
            self._failure(run).unlink(missing_ok=True)
        self.journal(
            *(
                {
                    "event": "run",
                    "key": run.key,
                    "seconds": round(encoded.seconds, 3),
                    "peak_memory_mb": round(encoded.peak_memory_mb, 1),
                }
                for run, encoded in results.items()
            ),
            {"event": "block", "block": block, "runs": len(keys), "of": len(runs)},
        )

    def fail(self, run: Run, failure: Failure) -> None:
        """Writes the row of a run that has no result."""
        row = {**asdict(run), "seed": self.plan.identity["seed"], **asdict(failure)}
        row["repeat"] = self.repeats(run)
        write_bytes(self._failure(run), as_json(row))
        self.journal({"event": "failure", "key": run.key, "error": failure.error})

    def repeats(self, run: Run) -> str | None:
        """The command that repeats a run alone; None for an experiment without a file."""
        if self.source is None:
            return None
        where = ["--out", self.path.as_posix(), "--only", run.key]
        start = ["sim", "run", self.source.as_posix()]
        return shlex.join([*start, *where, "--engine", "serial", "--pdb"])

    def check_code(self, any_done: bool, accept: bool) -> None:
        """`InputError` where runs to come would be of other code than those that are there.

        accept: record the change and go on.
        """
        info = dict(Study.open(self.path).info)
        changes = code_changes(info.get("code", {}))
        if not changes:
            return
        if any_done and not accept:
            hint = (
                "--accept-code-change goes on and records it; --fresh starts over here; "
                "--out DIR keeps these results and starts elsewhere"
            )
            place = self.path / "study.json"
            raise InputError([Problem("changed-code", code_message(changes), place, hint=hint)])
        if any_done:
            now = {"time": _now(), "files": changes, "runs_before": len(self.done())}
            info["code_changes"] = [*info.get("code_changes", []), now]
        info["code"] = code()
        write_bytes(self.path / "study.json", as_json(info))

    def journal(self, *events: Mapping[str, Any]) -> None:
        """Appends events with the time; losing them loses nothing."""
        now = _now()
        with open(self.path / "journal.jsonl", "a", encoding="utf-8") as file:
            for event in events:
                file.write(json.dumps({"time": now, **event}, ensure_ascii=False) + "\n")

    def _part(self, kind: str, block: int) -> Path:
        return self._parts / f"{kind}-{block:05d}.parquet"

    def _failure(self, run: Run) -> Path:
        return self._failures / f"{run.key}.json"

    def _create(self, experiment: Experiment) -> None:
        for folder in (self._parts, self._failures, self.path / "scenarios"):
            folder.mkdir(exist_ok=True)
        plan = self.path / "plan.parquet"
        table = pa.Table.from_pandas(self.plan.frame(), preserve_index=False)
        if not (plan.is_file() and pq.read_table(plan).equals(table)):
            clear(self.path)  # without a record or the same plan, nobody knows what they are
        lay_out(self.path, experiment, self.plan)
        # the last: a directory with study.json is whole
        record = describe(experiment, self.plan, self.path, self.kinds)
        write_bytes(self.path / "study.json", as_json(record))


def code_message(files: list[str]) -> str:
    """What is said of changed files of the package."""
    named = ", ".join(f"sim/{f}" for f in files[:3]) + (" ..." if len(files) > 3 else "")
    return f"the model's code has changed since the runs here were made: {named}"


def prepare(path: Path) -> None:
    """Makes the directory if it is not there; `InputError` where it holds something else."""
    path.mkdir(parents=True, exist_ok=True)
    if (path / "study.json").is_file() or (path / "plan.parquet").is_file():
        return
    known = {LOCK, GROWN, *(pattern.split("/")[0] for pattern in OURS)}
    strange = sorted(p.name for p in path.iterdir() if p.name not in known and p.suffix != ".tmp")
    if strange:
        message = f"this directory holds other things ({strange[0]}), and no results"
        hint = "give an empty or new directory with --out"
        raise InputError([Problem("not-results", message, path, hint=hint)])


def clear(path: Path) -> None:
    """Removes the files of an earlier study from a directory, and nothing else.

    What says that the rest is whole goes first; the plan, by which the directory is known as
    ours, last.
    """
    discard(path)
    for pattern in OURS:
        for file in sorted(path.glob(pattern)):
            file.unlink()


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
