"""The cluster engine: runs on the workers of a Dask scheduler, or of a local cluster.

Workers write their results themselves (see `sim.experiment.pieces`) to the study's directory, on
a file system that they share with the coordinator; one that does not see it says so and ends the
study, before a run is lost to it. What goes back over the network is a receipt for each run.

What bites in Dask, and what is done about it: a task that kills its worker is tried on three
more (a local cluster: on none), so a run is named when it has done so twice; nobody tells how much
memory a worker had that was killed (distributed issue 2297), so one that has a suspect alone says
it itself, as it grows; everything that was submitted is cancelled when the scheduler goes, so it is
submitted again under a new name; data that a client scatters can be lost with a worker, so each
task carries what it needs (2 MB for a city) and a worker opens it once; small tasks cost more than
they do, so they are gathered into chunks of half a second; a running task cannot be cancelled, so
one that hangs ends its worker itself; Ctrl-C reaches the processes of a local cluster, which must
not heed it; workers may join at any time, so each checks itself at its first task.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from math import ceil
from typing import Any

from sim.experiment.cluster_worker import SAID, fingerprint, work
from sim.experiment.engine import Stop
from sim.experiment.jobs import Done, Failure, Job, Task
from sim.experiment.local import overdue
from sim.experiment.machine import (
    one_thread_each,
    script_left_alone,
    usable_processors,
)

CHUNK_SECONDS = 0.5  # of work in a task, at least
CHUNK_JOBS = 100  # in a task, at most, however short they are
POLL = 0.2  # seconds between looks at whether a person asked to stop
ANSWER = 10.0  # seconds in which a scheduler answers
GATHER = 30.0  # seconds in which a result comes, else its run is repeated
PATIENCE = 300.0  # seconds to wait for a scheduler, or a first worker, to come (back)
LOOK = 1.0  # seconds between looks at which workers there are


class DaskEngine:
    """Runs on a Dask cluster: of the scheduler at `address`, or local with so many workers.

    timeout: seconds that a run may take before its worker ends itself.
    """

    def __init__(
        self, workers: int | None = None, address: str | None = None, timeout: float | None = None
    ):
        self._size, self._address, self._timeout = workers, address, timeout
        self._cluster: Any = None
        self._client: Any = None

    @property
    def workers(self) -> int:
        """Workers that are there now; OSError where no scheduler or worker answers."""
        return len(self.client.scheduler_info(n_workers=-1)["workers"])

    @property
    def client(self) -> Any:
        """The connection, made anew where it was lost."""
        if self._client is None or self._client.status in ("closed", "closing"):
            self._client = self._connect()
        return self._client

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None:
        """See `sim.experiment.engine.Engine`; a job is handed in when all its runs are over."""
        try:
            with one_thread_each(), script_left_alone():
                packed = pickle.dumps((fingerprint(), pickle.dumps(task)))
                _Dispatch(self, packed, iter(jobs), stop, self._timeout).run(on_done)
        finally:
            self.close()

    def close(self) -> None:
        """Lets go of the cluster, and ends a local one."""
        for owned in (self._client, self._cluster):
            if owned is not None:
                with suppress(Exception):
                    owned.close(timeout=5)
        self._client = self._cluster = None

    def _connect(self) -> Any:
        dask, distributed = _dask()
        deadline = time.monotonic() + PATIENCE
        if self._address is None and self._cluster is None:
            self._cluster = self._start(dask, distributed)
        while True:
            try:
                client = distributed.Client(
                    self._address or self._cluster, timeout=ANSWER, set_as_default=False
                )
                client.wait_for_workers(1, timeout=PATIENCE)
                break
            except OSError as error:  # TimeoutError among them
                if time.monotonic() > deadline or self._client is None:
                    place = self._address or "the local cluster"
                    raise OSError(f"no Dask scheduler with workers answers at {place}") from error
                time.sleep(1)
        return client

    def _start(self, dask: Any, distributed: Any) -> Any:
        settings = {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.worker.preload": [work.__module__],
        }
        with dask.config.set(settings), one_thread_each(), script_left_alone():
            return distributed.LocalCluster(
                n_workers=self._size or usable_processors(),
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )


@dataclass
class _Chunk:
    """Jobs that were submitted as one task; alone: with no other on the cluster."""

    jobs: list[Job]
    alone: bool = False

    @property
    def runs(self) -> list[Any]:
        return [run for job in self.jobs for run in job.runs]


@dataclass
class _Dispatch:
    """The jobs of one call: waiting, submitted, to be tried again."""

    engine: DaskEngine
    task: bytes
    stream: Iterator[Job]
    stop: Stop
    timeout: float | None
    again: deque[_Chunk] = field(default_factory=deque)
    suspects: deque[Job] = field(default_factory=deque)  # single runs whose worker died
    pending: dict[Any, _Chunk] = field(default_factory=dict)
    over: queue.SimpleQueue = field(default_factory=queue.SimpleQueue)
    struck: set[str] = field(default_factory=set)
    peaks: dict[str, float] = field(default_factory=dict)  # memory of workers with a suspect, MB
    job_seconds: float | None = None
    count: int = 0
    heard: Any = None  # the client that hears what workers say, as long as it is connected
    workers: int = 1
    looked: float = float("-inf")

    def run(self, on_done: Callable[[Done], None]) -> None:
        while self._submit():
            try:
                event = self.over.get(timeout=POLL)
            except queue.Empty:
                continue
            said = isinstance(event, list | tuple)
            for done in self._told(*event) if said else self._ended(event):
                on_done(done)

    def _submit(self) -> bool:
        """Submits what there is room for; whether there is anything to wait for."""
        client = self.engine.client
        if client.status != "running":
            self.heard = None
            return True  # it is connecting again
        if self.stop.requested:
            self._withdraw()
            return bool(self.pending)
        if self.heard is not client:
            client.subscribe_topic(SAID, lambda event: self.over.put(event[1]))
            self.heard = client
        if time.monotonic() - self.looked > LOOK:
            with suppress(OSError):  # it has just gone
                self.workers, self.looked = max(1, self.engine.workers), time.monotonic()
        # one task under way for each worker and one to follow
        window = 0 if self.suspects else 2 * self.workers
        if self.suspects and not self.pending:
            self._send(_Chunk([self.suspects.popleft()], alone=True))
        while len(self.pending) < window and (chunk := self._next()) is not None:
            self._send(chunk)
        return bool(self.pending)

    def _send(self, chunk: _Chunk) -> None:
        self.count += 1
        key = f"sim-{os.getpid()}-{id(self)}-{self.count}"
        future = self.engine.client.submit(
            work, self.task, chunk.jobs, self.timeout, chunk.alone,
            key=key, pure=False, priority=-self.count,
        )  # fmt: skip
        self.pending[future] = chunk
        future.add_done_callback(self.over.put)

    def _next(self) -> _Chunk | None:
        if self.again:
            return self.again.popleft()
        size = 1
        if self.job_seconds is not None:
            size = min(CHUNK_JOBS, ceil(CHUNK_SECONDS / max(self.job_seconds, 1e-6)))
        jobs = list(islice(self.stream, size))
        return _Chunk(jobs) if jobs else None

    def _withdraw(self) -> None:
        """Takes back what no worker has begun."""
        begun = {key for keys in self.engine.client.processing().values() for key in keys}
        waiting = [f for f in self.pending if f.key not in begun]
        for future in waiting:
            del self.pending[future]
        if waiting:
            self.engine.client.cancel(waiting)

    def _ended(self, future: Any) -> Iterator[Done]:
        chunk = self.pending.pop(future, None)
        if chunk is None:  # withdrawn
            return
        _, distributed = _dask()
        try:
            done, seconds = pickle.loads(future.result(timeout=GATHER))
        except distributed.KilledWorker:  # also of one that died with a result in its memory
            yield from self._killed(chunk)
        except (OSError, CancelledError, distributed.client.FutureCancelledError):
            self.again.append(chunk)  # the result was lost with its worker or the scheduler,
            self.heard = None  # which then does not know what we want to hear, either
        except Exception as error:  # what a run raises is caught; this is the worker's
            raise OSError(f"a Dask worker cannot do the runs: {error!r}") from error
        else:
            self.job_seconds = seconds / len(chunk.jobs)
            yield from done

    def _killed(self, chunk: _Chunk) -> Iterator[Done]:
        """The runs of a task whose worker died: each again, alone; named when it dies twice so.

        Alone means with nothing else on the cluster: the scheduler blames a death on tasks that
        were only waiting for the same worker, too.
        """
        for job in chunk.jobs:
            for run in job.runs:
                if run.key in self.struck:
                    peak = self.peaks.pop(run.key, None)
                    text = "the worker process of this run was killed twice, out of memory perhaps"
                    text += f"; its memory had reached {peak:.0f} MB" if peak else ""
                    yield Done(run, failure=Failure("worker", text, peak_memory_mb=peak))
                    continue
                if chunk.alone:
                    self.struck.add(run.key)
                self.suspects.append(job.only((run,)))

    def _told(self, key: str, peak: float | None, late: bool) -> Iterator[Done]:
        """A worker says how much memory it has had, or that a run has hung and it ends itself."""
        if peak is not None:
            self.peaks[key] = peak
        if not late:
            return
        for future, chunk in list(self.pending.items()):
            hung = [run for run in chunk.runs if run.key == key]
            if hung:
                del self.pending[future]
                self.engine.client.cancel([future])
                others = [j.only([r for r in j.runs if r.key != key]) for j in chunk.jobs]
                if others := [j for j in others if j.runs]:
                    self.again.append(_Chunk(others))
                assert self.timeout is not None
                yield Done(hung[0], failure=overdue(self.timeout, self.peaks.pop(key, None)))


def _dask() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ImportError(
            "--engine dask needs the extra: pip install 'community-restructuring-sim[cluster]'"
        ) from error
    return dask, distributed
