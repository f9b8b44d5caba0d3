"""Engines: where the runs of a plan are computed.

An engine takes a task and a stream of jobs (see `sim.experiment.jobs`) and hands every run back
once, as `Done`: with a result, or with a failure. What a run raises never gets further than that,
and a process that dies costs the run under way only. Runs may end in any order; nothing that is
kept may depend on it.

The serial engine is here, the pool in `sim.experiment.local`, the cluster in
`sim.experiment.cluster`.
"""

from __future__ import annotations

import pdb
import signal
import threading
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from sim.experiment.jobs import Done, Job, Task, results


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
    """Computes jobs with so many ``workers``; calls ``on_done`` once for each run, in the caller's
    thread, as the run ends.

    Jobs are drawn from the stream only as they can be started (a bounded window). After a
    request to stop no further run is started, and those under way are finished.
    """

    @property
    def workers(self) -> int: ...

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None: ...


class SerialEngine:
    """One run after the other in this process: for debuggers and small machines.

    debug: open the debugger where a run raised something.
    """

    def __init__(self, debug: bool = False):
        self.workers, self._debug = 1, debug

    def run(
        self, task: Task, jobs: Iterable[Job], on_done: Callable[[Done], None], stop: Stop
    ) -> None:
        """See `Engine`."""
        look = (lambda error: pdb.post_mortem(error.__traceback__)) if self._debug else None
        for job in jobs:
            for done in results(task, job, look):
                on_done(done)
                if stop.requested:
                    return
