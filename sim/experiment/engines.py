"""The engines by their names."""

from __future__ import annotations

from sim.case.messages import InputError, Problem
from sim.experiment.engine import Engine, SerialEngine
from sim.experiment.local import LocalEngine

ENGINES = ("local", "serial", "dask")


def _unfit(message: str) -> InputError:
    return InputError([Problem("unfit-engine", message)])


def make_engine(
    name: str = "local",
    workers: int | None = None,
    *,
    timeout: float | None = None,
    debug: bool = False,
    address: str | None = None,
) -> Engine:
    """The engine of that name (`ENGINES`); `InputError` for another, or what it cannot do.

    timeout: minutes that a run may take; debug: a debugger where a run fails (serial only);
    address: of a Dask scheduler, for one that is running.
    """
    if name not in ENGINES:
        raise _unfit(f"no engine {name!r}: {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    if debug and name != "serial":
        raise _unfit("a debugger needs the run in this process: --engine serial")
    if timeout is not None and name == "serial":
        raise _unfit("this process cannot end itself: --timeout needs --engine local or dask")
    if address is not None and name != "dask":
        raise _unfit("only --engine dask has an address")
    seconds = timeout * 60 if timeout is not None else None
    if name == "serial":
        return SerialEngine(debug)
    if name == "local":
        return LocalEngine(workers, timeout=seconds)
    from sim.experiment.cluster import DaskEngine

    return DaskEngine(workers, address, timeout=seconds)
