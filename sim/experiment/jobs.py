"""Jobs, and how they end: what engines take in and hand back.

A job is a few runs that one worker computes one after the other, because they have something in
common. A task, called with a job, gives the function that computes each of its runs. What that
raises is a failure of the run, never of the engine.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Job(Protocol):
    """Runs that are computed together, each with a ``key``. Small and picklable."""

    @property
    def runs(self) -> Sequence[Any]: ...

    def only(self, runs: Sequence[Any]) -> Job:
        """The same with these of its runs only."""


Task = Callable[[Any], Callable[[Any], Any]]


class Unable(OSError):
    """What keeps a worker from doing any run; it ends the study, and is no failure of a run."""


@dataclass(frozen=True)
class Failure:
    """Why a run has no result: the stage it had reached, the error in a line, the traceback.

    peak_memory_mb: of its process, where that was killed and the system told.
    """

    stage: str
    error: str
    traceback: str = ""
    peak_memory_mb: float | None = None


@dataclass(frozen=True)
class Done:
    """A run that is over: its result, or the failure; or what made its worker give up."""

    run: Any
    result: Any = None
    failure: Failure | None = None
    unable: Unable | None = None


def results(
    task: Task, job: Job, look: Callable[[Exception], None] | None = None
) -> Iterator[Done]:
    """Each run of a job as it ends, in their order; the last is one that could not be done.

    look: called with what a run raised, while its traceback is there (for a debugger).
    """
    compute: Callable[[Any], Any] | None = None
    for run in job.runs:
        try:
            compute = compute or task(job)
            yield Done(run, compute(run))
        except Unable as error:
            yield Done(run, unable=error)
            return
        except Exception as error:
            if look:
                look(error)
            yield Done(run, failure=failure_of(error))


def failure_of(error: Exception, stage: str = "simulate") -> Failure:
    """An exception as text: exceptions themselves may not be picklable."""
    line = f"{type(error).__name__}: {error}".strip().rstrip(":")
    trace = "".join(traceback.format_exception(error))
    return Failure(getattr(error, "stage", stage), line, trace)
