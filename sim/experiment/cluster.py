"""The cluster engine: runs on the workers of a Dask scheduler, or of a local cluster.

Results travel to the coordinator, which alone writes parts, as with the other engines: one lock,
one writer, no file system that all machines must see in the same state, and a worker that dies
tears nothing. They are small (a run of a city is a few MB after a minute of work).

What bites in Dask, and what is done about it: a task that kills its worker is tried on three
more (a local cluster: on none), so a run is named when it has done so twice; everything that was
submitted is cancelled when the scheduler goes, so it is submitted again under a new name; data
that a client scatters can be lost with a worker, so each task carries what it needs (2 MB for a
city) and a worker opens it once; small tasks cost more than they do, so they are gathered into
chunks of half a second; a running task cannot be cancelled, so one that hangs ends its worker
itself; Ctrl-C reaches the processes of a local cluster, which must not heed it.
"""

from __future__ import annotations

import logging
import os
import pickle
import queue
import signal
import threading
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

from sim.experiment.engine import Stop
from sim.experiment.jobs import Done, Failure, Job, Task, failure_of, results
from sim.experiment.local import late
from sim.experiment.machine import one_thread_each, script_left_alone, usable_processors
from sim.experiment.provenance import code, versions

CHUNK_SECONDS = 0.5
CHUNK_JOBS = 100
POLL = 0.2  # seconds between looks at whether a person asked to stop
ANSWER = 10.0  # seconds in which a scheduler answers
GATHER = 30.0  # seconds in which a result comes, else its run is repeated
PATIENCE = 300.0  # seconds to wait for a scheduler, or a first worker, to come (back)
LATE = "sim-late"  # the topic under which workers name runs that hang


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
                _Dispatch(self, pickle.dumps(task), iter(jobs), stop, self._timeout).run(on_done)
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
        _check_workers(client)
        return client

    def _start(self, dask: Any, distributed: Any) -> Any:
        settings = {
            "distributed.scheduler.allowed-failures": 0,
            "distributed.worker.preload": [__name__],
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
    job_seconds: float | None = None
    count: int = 0
    heard: Any = None  # the client that tells of late runs

    def run(self, on_done: Callable[[Done], None]) -> None:
        while self._submit():
            try:
                event = self.over.get(timeout=POLL)
            except queue.Empty:
                continue
            for done in self._late(event) if isinstance(event, str) else self._ended(event):
                on_done(done)

    def _submit(self) -> bool:
        """Submits what there is room for; whether there is anything to wait for."""
        client = self.engine.client
        if client.status != "running":
            return True  # it is connecting again
        if self.stop.requested:
            self._withdraw()
            return bool(self.pending)
        if self.timeout is not None and self.heard is not client:
            client.subscribe_topic(LATE, lambda event: self.over.put(event[1]))
            self.heard = client
        # one task under way for each worker and one to follow
        window = 0 if self.suspects else 2 * max(1, self.engine.workers)
        if self.suspects and not self.pending:
            self._send(_Chunk([self.suspects.popleft()], alone=True))
        while len(self.pending) < window and (chunk := self._next()) is not None:
            self._send(chunk)
        return bool(self.pending)

    def _send(self, chunk: _Chunk) -> None:
        self.count += 1
        key = f"sim-{os.getpid()}-{id(self)}-{self.count}"
        future = self.engine.client.submit(
            _work, self.task, chunk.jobs, self.timeout, key=key, pure=False, priority=-self.count
        )
        self.pending[future] = chunk
        future.add_done_callback(self.over.put)

    def _next(self) -> _Chunk | None:
        if self.again:
            return self.again.popleft()
        size = 1
        if self.job_seconds is not None:
            size = int(min(CHUNK_JOBS, max(1.0, CHUNK_SECONDS / max(self.job_seconds, 1e-6))))
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
            self.again.append(chunk)  # the result was lost with its worker or the scheduler
        except Exception as error:
            failure = failure_of(error, "worker")
            yield from (Done(run, failure=failure) for run in chunk.runs)
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
                    text = "the worker process of this run was killed twice, out of memory perhaps"
                    yield Done(run, failure=Failure("worker", text))
                    continue
                if chunk.alone:
                    self.struck.add(run.key)
                self.suspects.append(job.only((run,)))

    def _late(self, key: str) -> Iterator[Done]:
        """A worker says that a run has hung, and is about to end itself."""
        for future, chunk in list(self.pending.items()):
            for job in chunk.jobs:
                for run in job.runs:
                    if run.key != key:
                        continue
                    del self.pending[future]
                    self.engine.client.cancel([future])
                    others = [j.only([r for r in j.runs if r.key != key]) for j in chunk.jobs]
                    self.again.append(_Chunk([j for j in others if j.runs]))
                    assert self.timeout is not None
                    yield Done(run, failure=late(self.timeout))
                    return


def _check_workers(client: Any) -> None:
    """OSError where a worker could give other bytes than this process, or mix up its runs."""
    threads = client.nthreads()
    crowded = [address for address, n in threads.items() if n != 1]
    if crowded:
        raise OSError(
            f"the Dask worker {crowded[0]} has several threads; start it with --nthreads 1"
        )
    ours = _fingerprint()
    for address, theirs in client.run(_fingerprint).items():
        other = sorted(n for n in {*ours, *theirs} if ours.get(n) != theirs.get(n))
        if other:
            name = other[0]
            raise OSError(
                f"the Dask worker {address} has {name} {theirs.get(name)}, "
                f"here it is {ours.get(name)}: results would not be the same"
            )


def _fingerprint() -> dict[str, str]:
    return versions() | {f"sim/{name}": digest for name, digest in code().items()}


def _dask() -> tuple[Any, Any]:
    try:
        import dask
        import distributed
    except ImportError as error:
        raise ImportError(
            "--engine dask needs the extra: pip install 'community-restructuring-sim[cluster]'"
        ) from error
    return dask, distributed


def _work(task: bytes, jobs: list[Job], timeout: float | None) -> bytes:
    """On a worker: the runs of jobs, and the seconds they took, pickled."""
    watch = _Watch(timeout) if timeout is not None else None
    began, ended = time.monotonic(), []
    try:
        opened = _open(task)
        for job in jobs:
            done = results(opened, job)
            for run in job.runs:
                if watch:
                    watch.begin(run.key)
                ended.append(next(done))
    finally:
        if watch:
            watch.begin(None)
    return pickle.dumps((ended, time.monotonic() - began))


@lru_cache(maxsize=2)
def _open(task: bytes) -> Task:
    return pickle.loads(task)


class _Watch:
    """Ends this worker when a run takes too long; the scheduler hears which one before."""

    def __init__(self, seconds: float):
        from distributed import get_worker

        self._seconds, self._worker, self._key = seconds, get_worker(), None
        self._timer: threading.Timer | None = None

    def begin(self, key: str | None) -> None:
        """A run begins; None: there is none."""
        if self._timer is not None:
            self._timer.cancel()
        if key is not None:
            self._timer = threading.Timer(self._seconds, self._end, (key,))
            self._timer.daemon = True
            self._timer.start()

    def _end(self, key: str) -> None:
        self._worker.log_event(LATE, key)
        time.sleep(1)  # for the message to leave
        os._exit(1)


def dask_setup(worker: Any) -> None:
    """Called by Dask in each process of a local cluster: Ctrl-C is the coordinator's business."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
