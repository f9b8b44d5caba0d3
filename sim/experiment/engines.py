"""The engines by their names."""

from __future__ import annotations

from sim.experiment.engine import Engine, SerialEngine
from sim.experiment.local import LocalEngine

ENGINES = ("local", "serial", "dask")


def make_engine(
    name: str = "local",
    workers: int | None = None,
    *,
    timeout: float | None = None,
    debug: bool = False,
    address: str | None = None,
) -> Engine:
    """The engine of that name (`ENGINES`); ValueError for another, or what it cannot do.

    timeout: minutes that a run may take; debug: a debugger where a run fails (serial only);
    address: of a Dask scheduler, for one that is running.
    """
    if name not in ENGINES:
        raise ValueError(f"no engine {name!r}: {', '.join(ENGINES[:-1])} or {ENGINES[-1]}")
    if debug and name != "serial":
        raise ValueError("a debugger needs the run in this process: --engine serial")
    if timeout is not None and name == "serial":
        raise ValueError("this process cannot end itself: --timeout needs --engine local or dask")
    if address is not None and name != "dask":
        raise ValueError("only --engine dask has an address")
    seconds = timeout * 60 if timeout is not None else None
    if name == "serial":
        return SerialEngine(debug)
    if name == "local":
        return LocalEngine(workers, timeout=seconds)
    from sim.experiment.cluster import DaskEngine

    return DaskEngine(workers, address, timeout=seconds)
