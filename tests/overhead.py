"""What the machinery costs: `python -m tests.overhead time ENGINE RUNS SECONDS` compares a study of
runs that keep a processor busy with the time that its workers were in them; `... memory ENGINE
RUNS` says what the coordinator has held at most, with runs that do nothing. Prints one line.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

ROWS_A_SECOND = 34_000  # of tables, as the demo writes
WORKERS = 2


def busy(*_: Any, seed: int, replicate: int, **__: Any) -> SimpleNamespace:
    """A run that takes SIM_BUSY seconds of a processor and records as much as a real one."""
    began, seconds = time.perf_counter(), float(os.environ["SIM_BUSY"])
    spent = time.process_time()
    rng = np.random.default_rng([seed, replicate])
    while time.process_time() - spent < seconds:
        np.sort(rng.random(10_000))
    rows = int(ROWS_A_SECOND * seconds)
    week = np.arange(rows, dtype=np.int32) % 130
    words = pd.Categorical.from_codes(np.arange(rows) // 130 % 90, [f"o{i}" for i in range(90)])
    frame = pd.DataFrame({"week": week, "outcome": words, "value": rng.normal(size=rows)})
    frame["group"] = frame["unit"] = pd.Categorical.from_codes(np.zeros(rows, int), ["all"])
    return SimpleNamespace(
        outcomes=frame, units=frame[:rows // 10], losers=frame[:100],
        seconds=time.perf_counter() - began, peak_memory_mb=0.0,
    )  # fmt: skip


def main(what: str, name: str, runs: int, seconds: float = 0.5) -> None:
    from sim.experiment.cluster import DaskEngine
    from sim.experiment.local import LocalEngine
    from sim.experiment.machine import peak_memory_mb
    from sim.experiment.status import read_journal
    from tests import overhead
    from tests.experiments import experiment, go, nothing

    os.environ["SIM_BUSY"] = str(seconds)
    preload = ("tests.overhead", "tests.experiments")
    engine: Any = DaskEngine(WORKERS) if name == "dask" else LocalEngine(WORKERS, preload)
    with tempfile.TemporaryDirectory() as folder:
        # three scenarios a replicate, a block of 100 runs
        study = experiment(Path(folder), replicates=-(-runs // 3), households=1)
        simulate = nothing if what == "memory" else overhead.busy
        before = peak_memory_mb(os.getpid()) or 0.0
        began, load = time.monotonic(), os.getloadavg()[0]
        ended = go(Path(folder) / "out", study, engine=engine, simulate=simulate)
        elapsed = time.monotonic() - began
        events = read_journal(Path(folder) / "out")
        spent = sum(e["seconds"] for e in events if e["event"] == "run")
    assert ended.exit_code == 0
    line = f"{name} {ended.ran} runs in {elapsed:.1f} s"
    if what == "time":
        ideal = spent / WORKERS
        line += f", ideal {ideal:.1f} s ({ended.ran * seconds / WORKERS:.1f} s on idle processors)"
        line += f": overhead {elapsed / ideal - 1:.1%}"
    after = peak_memory_mb(os.getpid()) or 0.0
    line += f"; coordinator {before:.0f} MB before, {after:.0f} MB at most; load {load:.1f}"
    print(line)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(float, sys.argv[4:]))
