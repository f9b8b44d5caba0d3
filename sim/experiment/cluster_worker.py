"""What a Dask worker does for `sim.experiment.cluster`: checks itself, runs, says when it is in
trouble.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from sim.experiment.jobs import Done, Job, Task, Unable, results
from sim.experiment.machine import peak_memory_mb
from sim.experiment.provenance import code, versions

TICK = 0.1  # seconds between looks of a worker at its clock and its memory
SAID = "sim-said"  # the topic under which workers speak of runs under way


def fingerprint() -> dict[str, str]:
    """Versions of packages and hashes of our files, on which the bytes of results depend."""
    return versions() | {f"sim/{name}": digest for name, digest in code().items()}


def work(task: bytes, jobs: list[Job], timeout: float | None, alone: bool) -> bytes:
    """On a worker: the runs of jobs, and the seconds they took, pickled.

    alone: a run here has been under suspicion, and is watched more closely.
    """
    began, ended = time.monotonic(), []
    with _Watch(timeout, alone) as watch:
        for done in _computed(task, jobs, watch):
            ended.append(done)
            if done.unable:
                break
    return pickle.dumps((ended, time.monotonic() - began))


def _computed(task: bytes, jobs: list[Job], watch: _Watch) -> Iterator[Done]:
    try:
        opened = _open(task)
    except Unable as error:
        yield Done(jobs[0].runs[0], unable=error)
        return
    for job in jobs:
        done = results(opened, job)
        for run in job.runs:
            watch.begin(run.key)
            yield next(done)


@lru_cache(maxsize=2)
def _open(packed: bytes) -> Task:
    """The task, on its first use here; `Unable` if this worker could give other bytes than the
    coordinator, or mix up its runs."""
    from distributed import get_worker

    theirs, task = pickle.loads(packed)
    ours, worker = fingerprint(), get_worker()
    if worker.state.nthreads != 1:
        raise Unable(
            f"the Dask worker {worker.address} has several threads; start it with --nthreads 1"
        )
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            raise Unable(
                f"the Dask worker {worker.address} has {name} {ours.get(name)}, the study has "
                f"{theirs.get(name)}: results would not be the same"
            )
    return pickle.loads(task)


class _Watch:
    """Beside a worker's runs: tells the coordinator of one that takes too long, and then ends the
    process; and of a suspect's memory as it grows, while there is somebody to tell it."""

    def __init__(self, timeout: float | None, memory: bool):
        from distributed import get_worker

        self._worker, self._timeout, self._memory = get_worker(), timeout, memory
        self._key, self._since, self._told = "", time.monotonic(), 0.0
        self._over = threading.Event()

    def begin(self, key: str) -> None:
        """A run begins."""
        self._key, self._since = key, time.monotonic()

    def __enter__(self) -> _Watch:
        if self._memory or self._timeout is not None:
            threading.Thread(target=self._look, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _look(self) -> None:
        while not self._over.wait(TICK):
            peak = peak_memory_mb(os.getpid())
            key, seconds = self._key, time.monotonic() - self._since
            if key and self._timeout is not None and seconds > self._timeout:
                self._say(key, peak, late=True)
                time.sleep(1)  # for the message to leave
                os._exit(1)
            if key and self._memory and peak is not None and peak > 1.01 * self._told:
                self._told = peak
                self._say(key, peak, late=False)

    def _say(self, key: str, peak: float | None, late: bool) -> None:
        self._worker.log_event(SAID, [key, peak, late])


def dask_setup(worker: Any) -> None:
    """Called by Dask in each process of a local cluster: Ctrl-C is the coordinator's business."""
    with suppress(ValueError):  # not the main thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)
