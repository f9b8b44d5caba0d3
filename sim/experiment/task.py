"""What a worker does with a job: runs of the model, their records made small."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiment.families import Family
from sim.experiment.parts import Encoded, encode
from sim.experiment.plan import Run

if TYPE_CHECKING:
    from sim.case.parameters import Parameters
    from sim.levers.scenario import Scenario
    from sim.outcomes.recorder import Record


@dataclass(frozen=True)
class RunTask:
    """All that the runs of an experiment share; it reaches each worker once.

    worlds: directory of the built world of each point of the design, opened memory-mapped by the
    model; points: values laid over the parameters there; simulate: the model's function of that
    name, unless a test has its own.
    """

    worlds: Sequence[Path]
    scenarios: Mapping[str, Scenario]
    base: str
    parameters: Parameters
    points: Sequence[Mapping[str, float]]
    start: date
    weeks: int
    seed: int
    record: Record
    simulate: Callable[..., Any] | None = None

    def __call__(self, family: Family) -> Callable[[Run], Encoded]:
        """What computes the runs of a family in their order, each with what its scenario shares
        with those before it."""
        past = None if self.simulate else _shared_past(self, family)
        return partial(self._run, past=past)

    def _run(self, run: Run, past: Any) -> Encoded:
        """Runs one run; what is raised carries the stage reached, if another than the model."""
        simulate = self.simulate or partial(_model().simulate, past=past)
        values = self.points[run.point]
        records = simulate(
            self.worlds[run.point],
            self.scenarios[run.scenario],
            self.scenarios[self.base],
            parameters=self.parameters.override(values) if values else self.parameters,
            start=self.start,
            weeks=self.weeks,
            seed=self.seed,
            replicate=run.replicate,
            record=self.record,
        )
        try:
            return encode(records)
        except Exception as error:
            error.stage = "records"  # type: ignore[attr-defined]
            raise


def _shared_past(task: RunTask, family: Family) -> Any:
    """Room for the past that the runs share; None for a single run."""
    if len(family.runs) < 2:
        return None
    scenarios = [task.scenarios[run.scenario] for run in family.runs]
    return _model().SharedPast.of(scenarios, task.start)


def _model() -> Any:
    import sim.model

    return sim.model
