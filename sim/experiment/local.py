"""The local engine: runs in processes of this machine that may die or hang.

Each worker is a process with a pipe of its own, so that it is known which run a dead one had under
way; a `concurrent.futures` pool gives up all that were pending, `multiprocessing.Pool` waits for
ever. A run whose worker died is a suspect: when the runs under way are over, it is tried again with
the machine to itself, and named if it kills its process again.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from typing import Any

from sim.experiment.engine import Stop
from sim.experiment.jobs import Done, Failure, Job, Task, failure_of, results
from sim.experiment.machine import (
    one_thread_each,
    peak_memory_mb,
    script_left_alone,
    usable_processors,
)

PRELOAD = ("sim.experiment.task", "sim.model")
POLL = 0.2  # seconds between looks at clocks, at memory, and at whether a person asked to stop
FALSE_STARTS = 3  # processes in a row that may end before they are ready


class LocalEngine:
    """Runs in `workers` processes of this machine (default: the processors it may use).

    timeout: seconds that a run may take before its process is ended.
    """

    def __init__(
        self,
        workers: int | None = None,
        preload: Iterable[str] = PRELOAD,
        timeout: float | None = None,
    ):
        self.workers, self._timeout = workers or usable_processors(), timeout
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context(
            "forkserver" if "forkserver" in methods else "spawn"
        )
        if "forkserver" in methods:
            self._context.set_forkserver_preload(list(preload))

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None:
        """See `sim.experiment.engine.Engine`; OSError where no process can be started."""
        pool = _Pool(self._context, self.workers, self._timeout, task, iter(jobs), stop)
        with one_thread_each(), script_left_alone():
            try:
                while pool.assign():
                    for done in pool.listen():
                        on_done(done)
            except BaseException:
                # not a moment more for work that nobody will collect
                pool.kill()
                raise
            pool.dismiss()


@dataclass
class _Worker:
    """A process, what it was given and has not handed in, and since when."""

    process: Any
    pipe: Any
    job: Job | None = None
    left: deque = field(default_factory=deque)
    since: float | None = None  # start of the run under way; None until the process is ready
    ready: bool = False
    dismissed: bool = False
    peak: float | None = None

    def give(self, job: Job) -> None:
        self.job, self.left = job, deque(job.runs)
        self.since = time.monotonic() if self.ready else None
        self.pipe.send(job)

    def end(self) -> int | None:
        """Waits for the process and says how it ended."""
        self.process.join()
        self.pipe.close()
        return self.process.exitcode


@dataclass
class _Pool:
    context: Any
    size: int
    timeout: float | None
    task: Task
    stream: Iterator[Job]
    stop: Stop
    workers: list[_Worker] = field(default_factory=list)
    again: deque[Job] = field(default_factory=deque)  # what a dead worker did not come to
    suspects: deque[Job] = field(default_factory=deque)
    struck: set[str] = field(default_factory=set)
    false_starts: int = 0

    @property
    def busy(self) -> list[_Worker]:
        return [w for w in self.workers if w.left]

    def assign(self) -> bool:
        """Gives out jobs; whether there is anything to wait for."""
        if self.stop.requested:
            self.dismiss(wait_for=False)
        elif not self.suspects:
            while len(self.busy) < self.size and (job := self._next()) is not None:
                self._give(job)
        elif not self.busy:
            self.dismiss()
            self._give(self.suspects.popleft())
        return bool(self.busy)

    def listen(self) -> Iterator[Done]:
        """Waits a moment; the runs that ended, or were ended."""
        pipes = {w.pipe: w for w in self.workers}
        for pipe in wait(list(pipes), POLL):
            yield from self._hear(pipes[pipe])
        for worker in self.busy:
            worker.peak = peak_memory_mb(worker.process.pid) or worker.peak
            if self._is_late(worker):
                yield self._end_late(worker)

    def dismiss(self, wait_for: bool = True) -> None:
        """Lets every worker end after the run under way."""
        for worker in self.workers:
            if not worker.dismissed:
                worker.dismissed = True
                _tell(worker.pipe, None)
        if wait_for:
            for worker in self.workers:
                worker.end()
            self.workers.clear()

    def kill(self) -> None:
        """Ends every worker now."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.end()

    def _next(self) -> Job | None:
        return self.again.popleft() if self.again else next(self.stream, None)

    def _give(self, job: Job) -> None:
        idle = [w for w in self.workers if not w.left]
        for worker in idle:
            try:
                worker.give(job)
                return
            except OSError:  # it died of boredom
                self._remove(worker)
        worker = self._start()
        self.workers.append(worker)
        worker.give(job)

    def _start(self) -> _Worker:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.task), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def _remove(self, worker: _Worker) -> int | None:
        self.workers.remove(worker)
        return worker.end()

    def _hear(self, worker: _Worker) -> Iterator[Done]:
        try:
            message = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._bury(worker)
            return
        worker.since = time.monotonic()
        if message is None:
            worker.ready, self.false_starts = True, 0
        else:
            worker.left.popleft()
            yield message

    def _bury(self, worker: _Worker) -> Iterator[Done]:
        """What follows from the end of a process: nothing but for the run it had under way."""
        exitcode = self._remove(worker)
        if not worker.left or worker.job is None or self.stop.requested:
            return
        if not worker.ready:
            self.false_starts += 1
            if self.false_starts == FALSE_STARTS:
                raise OSError(f"no process can be started for the runs: {_end_of(exitcode)}")
            self.again.appendleft(worker.job)
            return
        run = worker.left.popleft()
        self._put_back(worker)
        if run.key not in self.struck:
            self.struck.add(run.key)
            self.suspects.append(worker.job.only((run,)))
            return
        text = f"the process of this run was ended twice, the second time {_end_of(exitcode)}"
        if worker.peak:
            text += f"; its memory had reached {worker.peak:.0f} MB"
        yield Done(run, failure=Failure("worker", text, peak_memory_mb=worker.peak))

    def _put_back(self, worker: _Worker) -> None:
        if worker.left and worker.job is not None:
            self.again.append(worker.job.only(tuple(worker.left)))

    def _is_late(self, worker: _Worker) -> bool:
        return (
            self.timeout is not None
            and worker.since is not None
            and time.monotonic() - worker.since > self.timeout
        )

    def _end_late(self, worker: _Worker) -> Done:
        worker.process.kill()
        self._remove(worker)
        run = worker.left.popleft()
        self._put_back(worker)
        assert self.timeout is not None
        return Done(run, failure=overdue(self.timeout, worker.peak))


def overdue(seconds: float, peak: float | None = None) -> Failure:
    """The failure of a run that took longer than it may."""
    return Failure("timeout", f"no result after {seconds / 60:g} minutes", peak_memory_mb=peak)


def _end_of(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        reason = ", out of memory perhaps" if name == "SIGKILL" else ""
        return f"killed by {name}{reason}"
    return f"by itself with exit code {exitcode}"


def _tell(pipe: Any, message: Any) -> None:
    with suppress(OSError):  # a dead one is heard of by its pipe
        pipe.send(message)


def _serve(pipe: Any, task: Task) -> None:
    """A worker's life: a job, its runs one by one, the next; None ends it after a run."""
    _obey_parent()
    pipe.send(None)
    while (job := pipe.recv()) is not None:
        for done in results(task, job):
            try:
                pipe.send(done)
            except Exception as error:  # a result that cannot be pickled; nothing was sent
                pipe.send(Done(done.run, failure=failure_of(error, "worker")))
            if pipe.poll():
                break


def _obey_parent() -> None:
    """Ctrl-C is the parent's business; and a worker does not outlive a parent that was killed,
    which it would not notice in the middle of a run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
