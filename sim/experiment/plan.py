"""The plan of an experiment: which runs there are, in which order, in which blocks.

A run is one scenario x one point of the design x one replicate. Its key is a hash of everything
that its numbers depend on, so that equal keys mean equal results. Runs are ordered by replicate,
then point, then scenario: whatever is there early is balanced between scenarios. Blocks are fixed
consecutive chunks of that order, cut by an estimate of work that knows only the plan, never the
machine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import pandas as pd

import sim
from sim.case.messages import Problems
from sim.levers.words import amount

if TYPE_CHECKING:
    from sim.experiment.experiment import Experiment

BLOCK_HOUSEHOLD_WEEKS = 8e7  # about a minute of work of one core
BLOCK_RUNS = 100  # of small cases: bounds the memory that a block takes until it is written


@dataclass(frozen=True)
class Run:
    """One run of the plan: its number (row of the plan), key, scenario, replicate, block, and the
    point of the design (0: the parameters of the experiment)."""

    run: int
    key: str
    scenario: str
    replicate: int
    block: int
    point: int = 0


@dataclass(frozen=True)
class Plan:
    """All runs of an experiment in their order; ``identity`` is what the keys were made of."""

    runs: tuple[Run, ...]
    identity: dict

    @staticmethod
    def of(experiment: Experiment) -> Plan:
        """The plan of a validated experiment."""
        identity = _identity(experiment)
        # the order in which scenarios are listed is no part of a run's identity, nor are the
        # points of the design that other runs are of
        others = ("scenarios", "replicates", "design")
        common = {k: v for k, v in identity.items() if k not in others}
        points = range(len(experiment.points))
        parameters = [experiment.parameters_at(point).digest for point in points]
        names = [s.name for s in experiment.runs_of]
        size = block_size(experiment.households, experiment.weeks)
        runs: list[Run] = []
        for replicate in range(experiment.replicates):
            for point, name in product(points, names):
                number = len(runs)
                here = common | {"parameters": parameters[point]}
                key = _key(here, name, identity["scenarios"][name], replicate)
                runs.append(Run(number, key, name, replicate, number // size, point))
        return Plan(tuple(runs), identity)

    def __str__(self) -> str:
        """How many runs there are, and of what."""
        kinds = {"scenario": "scenario", "point": "parameter set", "replicate": "replicate"}
        many = {noun: len({getattr(r, kind) for r in self.runs}) for kind, noun in kinds.items()}
        each = " x ".join(amount(n, noun) for noun, n in many.items() if n > 1)
        of = f" ({each})" if each else ""
        return f"{amount(len(self.runs), 'run')}{of} in {amount(len(self.blocks), 'block')}"

    @cached_property
    def blocks(self) -> list[list[Run]]:
        """The runs of each block, by block number."""
        return blocks_of(self.runs)

    def chosen(self, keys: Iterable[str]) -> list[Run]:
        """The runs with these keys, or beginnings of keys; `InputError` for what is not one."""
        problems, found = Problems(), []
        for key in keys:
            fitting = [r for r in self.runs if key and r.key.startswith(key)]
            if len(fitting) == 1:
                found += fitting
            else:
                what = "several runs have keys that begin with" if fitting else "there is no run"
                hint = "`sim plan EXPERIMENT --json` lists the keys"
                problems.error("unknown-run", f"{what} {key!r}", hint=hint)
        problems.raise_errors()
        return sorted(set(found), key=lambda r: r.run)

    @cached_property
    def digest(self) -> str:
        """Hash of all keys in their order and blocks."""
        text = "\n".join(f"{r.key} {r.block}" for r in self.runs)
        return hashlib.sha256(text.encode()).hexdigest()

    def frame(self) -> pd.DataFrame:
        """A row per run: run, key, scenario, replicate, block, point."""
        frame = pd.DataFrame([asdict(r) for r in self.runs])
        return frame.astype(dict.fromkeys(("run", "replicate", "block", "point"), "int32"))


def blocks_of(runs: Iterable[Run]) -> list[list[Run]]:
    """Runs in the order of their plan, by block number."""
    blocks: list[list[Run]] = []
    for run in runs:
        if run.block == len(blocks):
            blocks.append([])
        blocks[run.block].append(run)
    return blocks


def block_size(households: float, weeks: int) -> int:
    """Runs in a block: about a minute's work by household-weeks, from 1 to `BLOCK_RUNS`."""
    work = max(1.0, float(households) * weeks)
    return int(min(BLOCK_RUNS, max(1, round(BLOCK_HOUSEHOLD_WEEKS / work))))


def _identity(experiment: Experiment) -> dict:
    """Everything that the numbers of the runs depend on, as plain values for study.json."""
    design = {"design": experiment.design.record()} if experiment.design else {}
    return design | {
        "sim": sim.__version__,
        "case": experiment.case.digest,
        "scope": experiment.scope,
        "base": experiment.base.name,
        "scenarios": {s.name: s.digest for s in experiment.runs_of},  # titles aside
        "base_content": experiment.base.digest,
        "parameters": experiment.parameters.digest,
        "start": experiment.start.isoformat(),
        "weeks": experiment.weeks,
        "seed": experiment.seed,
        "replicates": experiment.replicates,
        "record": asdict(experiment.record),
    }


def _key(common: dict, name: str, content: str, replicate: int) -> str:
    text = json.dumps([common, name, content, replicate], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
