"""What engines ask of the machine: processors, threads, memory, clean child processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def usable_processors() -> int:
    """Processors that this process may use, which on shared machines are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def peak_memory_mb(pid: int) -> float | None:
    """Most memory that a live process has held so far, in MB; None where nothing tells."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) * 1024 / 1e6 for x in lines if x.startswith("VmHWM:")), None)


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
