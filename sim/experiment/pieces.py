"""Pieces: the results of single runs, on disk until the part of their block is whole.

Workers write both. One that has ended a run writes its piece, ``runs/BLOCK-KEY.piece``; if with
that all runs of the block are there, it joins them to the block's part. What a worker writes has
bytes that depend on nothing but the plan, a part only ever whole, each file under a temporary name
of its own until it is complete: two workers that do the same, because one was taken for dead, do no
harm, and where a worker cannot join (another was faster, a file system shows new names late), the
pieces stay. The coordinator, who holds the lock, joins what is left, blocks with failures too.

So frames hardly pass through the coordinator, and whoever is killed loses nothing that had ended (a
power cut may cost pieces, which tell that they are torn, never parts). It takes a file system that
all workers share, which they need for the built world as well; a file of the session's name tells a
worker that it sees the directory, and, once it is gone, that nobody waits for its runs any more.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.experiment.jobs import Job, Task, Unable
from sim.experiment.parts import (
    Encoded,
    decode,
    join,
    keys_in,
    part_of,
    publish,
    read_part,
    sync_directory,
    unfinished,
    write_bytes,
    write_part,
)
from sim.experiment.plan import Run, blocks_of

FOLDER = "runs"
SESSION = "session-"
PIECE = ".piece"


class Torn(ValueError):
    """A piece that is not what was written: the machine went down before it was on disk."""


@dataclass(frozen=True)
class Receipt:
    """What the coordinator hears of a run: its key, the rows of its tables, the SHA-256 of their
    bytes, seconds and most memory of the run, and the worker as ``machine:process``."""

    key: str
    rows: int
    sha: str
    seconds: float
    peak_memory_mb: float
    worker: str


@dataclass(frozen=True)
class Outbox:
    """A study's directory as a worker sees it.

    folder: absolute; session: name of the call that the runs are for; kinds: tables to keep.
    """

    folder: Path
    session: str
    kinds: tuple[str, ...]

    @property
    def mark(self) -> Path:
        """The file that is there while the session lasts."""
        return self.folder / FOLDER / f"{SESSION}{self.session}"

    def check(self) -> None:
        """`Unable` where this process does not see the directory, or the session is over."""
        if not os.path.exists(self.mark):
            raise Unable(
                f"{platform.node()} does not see {self.folder}: workers write their results "
                "there, so it must be on a file system that all of them share, at the same path"
            )

    def find(self, run: Run) -> Receipt | None:
        """The receipt of a run that had ended on a worker that died before it could say so."""
        try:
            return read_piece(piece_of(self.folder, run))[0]
        except (FileNotFoundError, Torn):
            return None

    def put(self, run: Run, encoded: Encoded) -> Receipt:
        """Writes the piece of a run, and the part of its block if that is whole now."""
        self.check()
        path = piece_of(self.folder, run)
        try:
            receipt = write_piece(path, run.key, encoded, self.kinds)
        except OSError as error:
            raise Unable(error.errno, error.strerror, str(path)) from error
        with suppress(OSError, Torn):  # it is the coordinator's then, who says why it cannot
            join_block(self.folder, self.kinds, _blocks(self)[run.block])
        return receipt


@dataclass(frozen=True)
class Keeping:
    """A task whose results are put into an outbox; what comes back of a run is its receipt.

    worlds: what the task opens on each worker, which may not see them.
    """

    task: Task
    outbox: Outbox
    worlds: Sequence[Path] = ()

    def __call__(self, job: Job) -> Callable[[Run], Receipt]:
        self.outbox.check()
        for world in self.worlds:
            if not os.path.exists(world):
                raise Unable(
                    f"{platform.node()} does not see the built world {world}: set SIM_CACHE to a "
                    "folder on a file system that all workers share"
                )
        compute = self.task(job)
        return lambda run: self.outbox.find(run) or self.outbox.put(run, compute(run))


def piece_of(folder: Path, run: Run) -> Path:
    """Where the results of a run wait."""
    return folder / FOLDER / _name(run)


def _name(run: Run) -> str:
    return f"{run.block:05d}-{run.key}{PIECE}"


def waiting(folder: Path) -> set[str]:
    """Keys of the runs that have ended and are in no part yet, in the directory of a study."""
    return {path.stem.partition("-")[2] for path in (folder / FOLDER).glob(f"*{PIECE}")}


def write_piece(path: Path, key: str, encoded: Encoded, kinds: Sequence[str]) -> Receipt:
    """Writes the tables of a run behind a line of JSON that says what they are."""
    tables = [encoded.tables[kind] for kind in kinds]
    digest = sha256()
    for table in tables:
        digest.update(table)
    worker = f"{platform.node()}:{os.getpid()}"
    rows, seconds = encoded.rows, round(encoded.seconds, 3)
    receipt = Receipt(
        key, rows, digest.hexdigest(), seconds, round(encoded.peak_memory_mb, 1), worker
    )
    head = asdict(receipt) | {"bytes": dict(zip(kinds, map(len, tables), strict=True))}
    # not synced, which would take longer than a small run: the hash tells whether it is whole
    write_bytes(path, json.dumps(head).encode() + b"\n", *tables, sync=False)
    return receipt


def read_piece(path: Path) -> tuple[Receipt, Encoded]:
    """What `write_piece` wrote; `Torn` if it is not whole."""
    head, _, body = path.read_bytes().partition(b"\n")
    try:
        said: dict[str, Any] = json.loads(head)
        sizes: Mapping[str, int] = said.pop("bytes")
        receipt = Receipt(**said)
    except (ValueError, KeyError, TypeError) as error:
        raise Torn(f"{path} is not whole") from error
    if sha256(body).hexdigest() != receipt.sha:
        raise Torn(f"{path} is not whole")
    tables, at = {}, 0
    for kind, size in sizes.items():
        tables[kind] = body[at : at + size]
        at += size
    return receipt, Encoded(tables, receipt.rows, receipt.seconds, receipt.peak_memory_mb)


def join_block(folder: Path, kinds: Sequence[str], runs: Sequence[Run], whole: bool = True) -> None:
    """Joins the pieces of a block's runs to what is in its part, and removes them.

    whole: only if with them all runs of the block are there. OSError or `Torn` with nothing torn.
    """
    there = set(os.listdir(folder / FOLDER))
    new = [r for r in runs if _name(r) in there]
    if not new:
        return
    outcomes = part_of(folder, kinds[0], runs[0].block)
    earlier = set(keys_in(outcomes)) if len(new) < len(runs) else set()
    kept = [r for r in runs if r.key in earlier and r not in new]
    if whole and len(new) + len(kept) < len(runs):
        return
    pieces = {r: read_piece(piece_of(folder, r))[1] for r in new}
    keys = [r.key for r in runs if r in pieces or r in kept]
    paths = {kind: part_of(folder, kind, runs[0].block) for kind in kinds}
    with unfinished(*paths.values()):
        for kind, path in paths.items():
            tables = [decode(encoded, kind, run.run) for run, encoded in pieces.items()]
            if kept:
                old = read_part(path)
                # a join that was killed may have left runs here that the outcomes do not have
                numbers = pa.array([r.run for r in kept], pa.int32())
                tables.append(old.filter(pc.is_in(old["run"], numbers)))
            write_part(path, join(tables), keys)
        for kind in reversed(kinds):
            publish(paths[kind])
    sync_directory(outcomes.parent)
    for run in new:
        piece_of(folder, run).unlink(missing_ok=True)


def drop_torn(folder: Path, runs: Sequence[Run]) -> None:
    """Removes those pieces of these runs that are not whole."""
    for run in runs:
        path = piece_of(folder, run)
        with suppress(FileNotFoundError):
            try:
                read_piece(path)
            except Torn:
                path.unlink()


def join_rest(folder: Path, kinds: Sequence[str], runs: Sequence[Run]) -> set[str]:
    """Joins what there is of a block, whole or not; the keys that are in its part then."""
    for _ in range(3):
        try:
            join_block(folder, kinds, runs, whole=False)
            break
        except Torn:  # as if never made
            drop_torn(folder, runs)
        except FileNotFoundError:  # a worker that was taken for dead was faster
            continue
    return set(keys_in(part_of(folder, kinds[0], runs[0].block)))


def blocks_in(folder: Path) -> list[list[Run]]:
    """The blocks of the plan in a study's directory."""
    with open(folder / "plan.parquet", "rb") as file:
        return blocks_of(Run(**row) for row in pq.read_table(file).to_pylist())


@lru_cache(maxsize=1)
def _blocks(outbox: Outbox) -> list[list[Run]]:
    """The same, as they are for a session."""
    return blocks_in(outbox.folder)
