"""Engines: where the runs of a plan are computed.

An engine takes a task (a picklable callable), a stream of jobs with a ``key``, and hands every
job back once, as `Done`: with a result, or with a failure. What a job raises never gets further
than that, and a process that dies costs its own job only. Results may come in any order; nothing
that is kept may depend on it.

The pool is `concurrent.futures.ProcessPoolExecutor`, which, unlike `multiprocessing.Pool`,
notices a dead worker. It then gives up every pending job without saying which one was to blame,
so those are run one at a time, each in a process of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for_any
from typing import Any, Protocol

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
PRELOAD = ("sim.experiment.task", "sim.model")
POLL = 0.5  # seconds between looks at whether a person asked to stop


class Job(Protocol):
    """What an engine needs to know of a job: its key, and the smaller jobs it is made of, if any.

    Small and picklable.
    """

    @property
    def key(self) -> str: ...

    @property
    def parts(self) -> Sequence[Job]: ...


Task = Callable[[Any], Any]


@dataclass(frozen=True)
class Failure:
    """Why a job has no result: the stage it had reached, the error in a line, the traceback."""

    stage: str
    error: str
    traceback: str = ""


@dataclass(frozen=True)
class Done:
    """A job that is over: its result, or the failure."""

    job: Any
    result: Any = None
    failure: Failure | None = None


class Stop:
    """A request to end early. As a context it is made by Ctrl-C; a second one ends at once."""

    def __init__(self, on_request: Callable[[], None] = lambda: None):
        self.requested = False
        self._on_request = on_request
        self._previous: Any = None

    def __enter__(self) -> Stop:
        # only the main thread may have handlers; elsewhere the caller's own rules hold
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _interrupt(self, *_: object) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        self._on_request()


class Engine(Protocol):
    """Computes jobs; calls ``on_done`` once for each, in the caller's thread.

    Jobs are drawn from the stream only as they can be started (a bounded window). After a
    request to stop no further one is drawn, and those under way are finished.
    """

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None: ...


class SerialEngine:
    """One job after the other in this process: for debuggers and small machines."""

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None:
        """See `Engine`."""
        for job in jobs:
            on_done(attempt(task, job))
            if stop.requested:
                return


class LocalEngine:
    """Jobs in `workers` processes of this machine (default: the processors it may use)."""

    def __init__(self, workers: int | None = None, preload: Iterable[str] = PRELOAD):
        self.workers = workers or usable_processors()
        methods = multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context(
            "forkserver" if "forkserver" in methods else "spawn"
        )
        if "forkserver" in methods:
            self._context.set_forkserver_preload(list(preload))

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None:
        """See `Engine`."""
        stream = iter(jobs)
        with one_thread_each(), script_left_alone():
            while not stop.requested:
                suspects = self._run_pool(task, stream, on_done, stop)
                if not suspects:
                    return
                for job in suspects:
                    for done in self._run_suspect(task, job):
                        on_done(done)
                    if stop.requested:
                        break

    def _run_pool(
        self, task: Task, stream: Iterator[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> list[Job]:
        """Runs until the stream ends, or a worker dies: then the jobs that may be to blame."""
        pool = ProcessPoolExecutor(self.workers, self._context, _start_worker, (task,))
        others = set(multiprocessing.active_children())
        pending: dict[Future, Job] = {}
        suspects: list[Job] = []
        # one job under way for each worker and as many to follow: more would be more suspects
        window = 2 * self.workers
        try:
            while True:
                while len(pending) < window and not suspects and not stop.requested:
                    job = next(stream, None)
                    if job is None:
                        break
                    try:
                        pending[pool.submit(_work, job)] = job
                    except BrokenProcessPool:
                        suspects.append(job)
                if not pending:
                    return suspects
                if stop.requested:
                    for future in [f for f in pending if f.cancel()]:
                        del pending[future]
                finished, _ = wait(pending, POLL, FIRST_COMPLETED)
                for future in finished:
                    job = pending.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        suspects.append(job)
                    else:
                        on_done(_collect(job, future))
        except BaseException:
            # not a moment more for work that nobody will collect
            for process in set(multiprocessing.active_children()) - others:
                process.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _run_suspect(self, task: Task, job: Job) -> Iterator[Done]:
        """Runs a suspect alone; if it kills its process again, its parts one by one."""
        done = self._run_alone(task, job)
        if done.failure is None or done.failure.stage != "worker" or len(job.parts) < 2:
            yield done
            return
        for part in job.parts:
            yield self._run_alone(task, part)

    def _run_alone(self, task: Task, job: Job) -> Done:
        """Runs a suspect in its own process, whose end can be told from everybody else's."""
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(target=_work_alone, args=(sender, task, job))
        process.start()
        sender.close()
        try:
            with suppress(EOFError):
                return receiver.recv()
            process.join()
            return Done(job, failure=Failure("worker", _end_of(process.exitcode)))
        except BaseException:
            process.kill()
            raise
        finally:
            process.join()
            receiver.close()


def make_engine(name: str, workers: int | None = None) -> Engine:
    """The engine of that name: ``local`` or ``serial``; ValueError for another."""
    if name == "local":
        return LocalEngine(workers)
    if name == "serial":
        return SerialEngine()
    raise ValueError(f"no engine {name!r}: local or serial")


def usable_processors() -> int:
    """Processors that this process may use, which on shared machines are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Numerical libraries of processes started meanwhile use one thread: the pool is parallel."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def script_left_alone() -> Iterator[None]:
    """Processes started meanwhile do not run the caller's script again.

    They would, to know what it defines; but they need nothing of it, and a script that calls us
    without ``if __name__ == "__main__"`` would start over in each of them.
    """
    main = sys.modules["__main__"]
    known: dict[str, Any] = {n: vars(main)[n] for n in ("__spec__", "__file__") if n in vars(main)}
    main.__spec__ = None
    vars(main).pop("__file__", None)
    try:
        yield
    finally:
        vars(main).update(known)


def attempt(task: Task, job: Any) -> Done:
    """The job's result, or its exception as text: exceptions themselves may not be picklable."""
    try:
        return Done(job, task(job))
    except Exception as error:
        line = f"{type(error).__name__}: {error}".strip().rstrip(":")
        stage = getattr(error, "stage", "simulate")
        return Done(job, failure=Failure(stage, line, traceback.format_exc()))


def _collect(job: Any, future: Future) -> Done:
    """What a worker sent back; an error here is one of sending, the job's own came as `Done`."""
    error = future.exception()
    if error is None:
        return future.result()
    return Done(job, failure=Failure("worker", f"{type(error).__name__}: {error}"))


def _end_of(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        reason = ", out of memory perhaps" if name == "SIGKILL" else ""
        return f"the process of this run was killed by {name}{reason}"
    return f"the process of this run ended by itself with exit code {exitcode}"


_task: Task | None = None  # of this worker process, set once by `_start_worker`


def _start_worker(task: Task) -> None:
    global _task
    _task = task
    _obey_parent()


def _work(job: Any) -> Done:
    assert _task is not None
    return attempt(_task, job)


def _work_alone(sender: Any, task: Task, job: Any) -> None:
    _obey_parent()
    sender.send(attempt(task, job))
    sender.close()


def _obey_parent() -> None:
    """Ctrl-C is the parent's business; and a worker does not outlive a parent that was killed.

    An executor's worker holds both ends of its queue and so would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait_for_any([sentinel])
    os._exit(1)
