"""Experiments whose model is a few lines, for tests of what runs, keeps and compares them.

The stand-ins for case, scenario and model have the names and shapes that `sim.experiment` uses.
They live in a module so that worker processes can import them. `python -m tests.experiments OUT
JOBS REPLICATES SECONDS` runs one, for tests that kill it; JOBS may be ``dask`` or the address of
a scheduler.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from sim.experiment.cluster import DaskEngine
from sim.experiment.engine import Engine, SerialEngine
from sim.experiment.experiment import Experiment
from sim.experiment.local import LocalEngine
from sim.experiment.study import Finished, run

START = date(2020, 1, 6)
LOAD, MINUTES = "workload.offices.load", "access.government.minutes"
LOSERS = "equity.losers.share"


@dataclass(frozen=True)
class FakeScenario:
    """Says by its name what happens: `crash` raises, `exit` ends the process, `slow` waits;
    one with `marks` kills its process, once a replicate, and leaves a mark in that folder."""

    name: str
    effect: float = 0.0
    first_date: date | None = None
    seconds: float = 0.0
    marks: Path | None = None
    words: str = ""

    @property
    def title(self) -> dict[str, str]:
        return {"en": self.words or self.name, "zh": self.words or self.name}

    @property
    def digest(self) -> str:
        return f"{self.name} {self.effect}"

    def resolved(self) -> str:
        return f"title: {self.words or self.name}\nlevers: []\n"


@dataclass(frozen=True)
class FakeRecord:
    outcomes: int = 1
    units: int = 13
    losers: int = 13


@dataclass(frozen=True)
class FakeParameters:
    value: float = 1.0

    @property
    def digest(self) -> str:
        return str(self.value)

    def __iter__(self) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(name="some.number", value=self.value)


@dataclass(frozen=True)
class FakeCase:
    path: Path
    households: int = 1000
    digest: str = "case"
    meta: Any = field(default_factory=lambda: SimpleNamespace(title={"en": "A case", "zh": "例"}))

    @property
    def settlements(self) -> pd.DataFrame:
        return pd.DataFrame({"households": [self.households], "persons": [3 * self.households]})


BEFORE = FakeScenario("before")
REFORM = FakeScenario("reform", effect=1.0, first_date=date(2020, 5, 18))
SAME = FakeScenario("same")
CRASH = FakeScenario("crash")
EXIT = FakeScenario("exit")


def simulate(
    world: Path,
    scenario: FakeScenario,
    base: FakeScenario,
    *,
    parameters: Any,
    start: date,
    weeks: int,
    seed: int,
    replicate: int,
    record: FakeRecord,
) -> SimpleNamespace:
    """A week's load is noise of the replicate plus the scenario's effect; minutes have no noise."""
    if scenario.seconds:
        time.sleep(scenario.seconds)
    if scenario.name == "crash" and replicate == 1:
        raise RuntimeError("no seat left")
    if scenario.name == "exit" and replicate == 1:
        os._exit(7)
    if scenario.marks and not (mark := scenario.marks / str(replicate)).exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    noise = np.random.default_rng([seed, replicate]).normal(1, 0.1, (weeks, 2))
    own = np.random.default_rng([seed, replicate, 1]).normal(0, 0.05, weeks)
    load = noise[:, 0] + scenario.effect * (0.5 + own)
    rows = [
        (LOAD, "all", load),
        (LOAD, "village", noise[:, 1]),
        (MINUTES, "all", np.full(weeks, 10 + scenario.effect)),
    ]
    week = np.arange(weeks, dtype=np.int32)
    outcomes = pd.concat(
        pd.DataFrame({"week": week, "outcome": o, "group": g, "value": v}) for o, g, v in rows
    )
    quarter = week[:: record.units]
    units = pd.concat(
        pd.DataFrame({"week": quarter, "unit": u, "outcome": LOAD, "value": load[quarter] + i})
        for i, u in enumerate(("u1", "u2"))
    )
    losers = pd.DataFrame(
        {"week": quarter, "outcome": LOSERS, "group": "all", "value": 0.1 * scenario.effect}
    )
    return SimpleNamespace(
        outcomes=outcomes, units=units, losers=losers, seconds=0.0, peak_memory_mb=1.0
    )


def reform_records(folder: Path, replicate: int) -> SimpleNamespace:
    """What a replicate of the reform leaves behind, straight from the stand-in of the model."""
    return simulate(
        folder,
        REFORM,
        BEFORE,
        parameters=None,
        start=START,
        weeks=60,
        seed=7,
        replicate=replicate,
        record=FakeRecord(),
    )


def nothing(*_: Any, weeks: int, **__: Any) -> SimpleNamespace:
    """A run that costs nothing and records little, to time the machinery."""
    frame = pd.DataFrame(
        {"week": [0], "outcome": LOAD, "group": "all", "unit": "u", "value": [1.0]}
    )
    return SimpleNamespace(
        outcomes=frame, units=frame, losers=frame, seconds=0.0, peak_memory_mb=0.0
    )


def build(case: FakeCase, parameters: Any) -> Path:
    """There is no world."""
    return case.path


def experiment(
    folder: Path,
    *others: FakeScenario,
    base: FakeScenario = BEFORE,
    replicates: int = 4,
    weeks: int = 60,
    households: int = 30_000_000 // 60,
    **changes: Any,
) -> Experiment:
    """An experiment of stand-ins; by default blocks are of two or three runs."""
    keys: dict[str, Any] = {
        "path": None,
        "title": {"en": "A test", "zh": "测试"},
        "case": FakeCase(folder, households),
        "scope": {},
        "base": base,
        "scenarios": others or (REFORM, SAME),
        "start": START,
        "weeks": weeks,
        "seed": 7,
        "replicates": replicates,
        "parameters": FakeParameters(),
        "overrides": {},
        "record": FakeRecord(),
    }
    return Experiment(**(keys | changes))


def go(
    out: Path, what: Experiment, workers: int = 0, engine: Engine | None = None, **keys: Any
) -> Finished:
    """Runs it: in this process, in so many workers, or by another engine."""
    local = LocalEngine(workers, preload=("tests.experiments",)) if workers else SerialEngine()
    return run(what, out, engine or local, **({"simulate": simulate, "build": build} | keys))


def bytes_of(out: Path) -> dict[str, bytes]:
    """What must not depend on how a study came about: plan, parts, scenarios."""
    files = [out / "plan.parquet", *out.glob("parts/*"), *out.glob("scenarios/*")]
    return {str(f.relative_to(out)): f.read_bytes() for f in sorted(files)}


def slow_experiment(folder: Path, replicates: int, seconds: float) -> Experiment:
    """The study that a child process runs and a test kills."""
    slow = FakeScenario("slow", effect=0.5, seconds=seconds)
    return experiment(folder, REFORM, slow, replicates=replicates)


def killer_experiment(folder: Path, marks: Path) -> Experiment:
    """A study each of whose replicates kills a worker, at its first try."""
    return experiment(folder, FakeScenario("killer", effect=0.5, marks=marks), REFORM)


if __name__ == "__main__":
    from tests import experiments  # by its real name, which the workers know

    class _Said:
        """Announces every run, so that a test knows when to strike."""

        def say(self, text: str) -> None:
            print(text, flush=True)

        def progress(self, total: int, label: str) -> _Said:
            return self

        def __enter__(self) -> _Said:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def advance(self, count: int = 1) -> None:
            print("one\n" * count, end="", flush=True)

        def note(self, text: str) -> None:
            pass

    target = Path(sys.argv[1])
    study = experiments.slow_experiment(target.parent, int(sys.argv[3]), float(sys.argv[4]))
    if sys.argv[2] == "dask" or "://" in sys.argv[2]:
        address = None if sys.argv[2] == "dask" else sys.argv[2]
        engine = DaskEngine(2, address)
        ended = experiments.go(target, study, engine=engine, console=_Said())
    else:
        ended = experiments.go(target, study, int(sys.argv[2]), console=_Said())
    sys.exit(ended.exit_code)
