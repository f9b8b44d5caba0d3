"""The results directory: what an experiment leaves on disk, and how it gets there.

::

    study.json            what was run: titles, scope, sizes, seeds, hashes, versions, machine
    plan.parquet          a row per run: run, key, scenario, replicate, block, point
    points.parquet        of a design: a row per row of it: row, point, values
    scenarios/            resolved copies
    parts/                outcomes-00000.parquet, units-..., losers-...: one of each a block
    runs/                 results whose block is not whole: of a study that runs, or was killed
    failures/KEY.json     runs without a result, and why
    journal.jsonl         what happened when; nothing is read back from it
    grown/                a plan that has grown, until it is in place (see `sim.experiment.growth`)

The parts are the truth: which runs are done is read from them. Workers write them (see
`sim.experiment.pieces`). Every file appears under its name complete and synced, or not at all, so
that a study may be killed at any moment; the outcomes of a block are renamed last and so stand for
all its tables.
"""

from __future__ import annotations

import json
import secrets
import shlex
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
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
from sim.experiment.parts import KINDS, keys_in, part_of, write_bytes
from sim.experiment.pieces import FOLDER, SESSION, Outbox, Receipt, blocks_in, join_rest, waiting
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
    "runs/*",
    "failures/*.json",
    "figures/*.svg",
    "figures/*.png",
    "points.parquet",
    "plan.parquet",
)
SHOWN_LATE = 30.0  # seconds in which a file system of a cluster shows what another machine wrote


class Store:
    """The writing half of a results directory; its owner holds the `DirectoryLock`.

    source: the experiment's file, if it has one; kinds: the tables that are stored, outcomes
    first; grown: in what the plan is more than the one that was there, in words.
    """

    def __init__(self, path: Path, plan: Plan, source: Path | None = None):
        self.path, self.plan, self.source = path, plan, source
        self.kinds: tuple[str, ...] = KINDS
        self.grown: list[str] = []
        self._parts, self._failures, self._runs = path / "parts", path / "failures", path / FOLDER

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
            store.kinds = study.kinds
            store._recover()
            check_runs_there(study, experiment, plan)
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
            store._recover()
        return store

    def done(self) -> set[str]:
        """Keys of the runs whose results are on disk."""
        return {key for part in self._parts.glob("outcomes-*.parquet") for key in keys_in(part)}

    def failed(self) -> list[str]:
        """Keys of the runs that have failed and not succeeded since, sorted."""
        return sorted(p.stem for p in self._failures.glob("*.json"))

    @contextmanager
    def session(self) -> Iterator[Outbox]:
        """Where workers put results while the context lasts."""
        outbox = Outbox(self.path.resolve(), secrets.token_hex(8), self.kinds)
        self._runs.mkdir(exist_ok=True)
        write_bytes(outbox.mark, b"")
        try:
            yield outbox
        finally:
            with suppress(OSError):
                outbox.mark.unlink()
                self._sweep()
                self._runs.rmdir()  # unless something waits there

    def receive(self, receipt: Receipt) -> None:
        """Notes a run whose worker has written what it gave."""
        self.journal({"event": "run", **asdict(receipt)})

    def settle(self, block: int, received: Iterable[Run]) -> list[Run]:
        """Sees that the part of a block has these runs, and joins to it what no worker has.

        Returns those whose results are nowhere to be found. Raises OSError with nothing torn.
        """
        keys, runs = {r.key: r for r in received}, self.plan.blocks[block]
        deadline = time.monotonic() + SHOWN_LATE
        while True:
            there = self._join(runs)
            if keys.keys() <= there or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self.journal({"event": "block", "block": block, "runs": len(there), "of": len(runs)})
        return [run for key, run in keys.items() if key not in there]

    def _join(self, runs: Sequence[Run]) -> set[str]:
        """Joins the pieces of a block's runs to its part; the keys that are in it then."""
        there = join_rest(self.path, self.kinds, runs)
        for key in there:
            self._failure(key).unlink(missing_ok=True)
        return there

    def _sweep(self) -> None:
        """Removes what processes that were killed had not finished."""
        for folder in (self.path, self._parts, self._failures, self._runs):
            for leftover in folder.glob("*.tmp"):
                leftover.unlink(missing_ok=True)

    def _recover(self) -> None:
        """Joins what a session that was killed has left behind."""
        for mark in self._runs.glob(f"{SESSION}*"):
            mark.unlink()  # its workers write nothing more
        self._sweep()
        ended = waiting(self.path)
        for runs in blocks_in(self.path) if ended else ():  # the plan may have grown since
            if any(run.key in ended for run in runs):
                self._join(runs)
        for stranger in self._runs.glob("*"):  # runs of another plan
            stranger.unlink(missing_ok=True)
        with suppress(OSError):
            self._runs.rmdir()

    def fail(self, run: Run, failure: Failure) -> None:
        """Writes the row of a run that has no result."""
        row = {**asdict(run), "seed": self.plan.identity["seed"], **asdict(failure)}
        row["repeat"] = self.repeats(run)
        write_bytes(self._failure(run.key), as_json(row))
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
        return part_of(self.path, kind, block)

    def _failure(self, key: str) -> Path:
        return self._failures / f"{key}.json"

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
