"""What a worker does with a job: one run of the model, its records made small."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiment.parts import Encoded, encode
from sim.experiment.plan import Run

if TYPE_CHECKING:
    from sim.case.parameters import Parameters
    from sim.levers.scenario import Scenario
    from sim.outcomes.recorder import Record


@dataclass(frozen=True)
class RunTask:
    """All that the runs of an experiment share; it reaches each worker once.

    world: directory of the built world, opened memory-mapped by the model; simulate: the model's
    function of that name, unless a test has its own.
    """

    world: Path
    scenarios: Mapping[str, Scenario]
    base: str
    parameters: Parameters
    start: date
    weeks: int
    seed: int
    record: Record
    simulate: Callable[..., Any] | None = None

    def __call__(self, job: Run) -> Encoded:
        """Runs the job; what is raised carries the stage reached, if another than the model."""
        simulate = self.simulate or _model()
        records = simulate(
            self.world,
            self.scenarios[job.scenario],
            self.scenarios[self.base],
            parameters=self.parameters,
            start=self.start,
            weeks=self.weeks,
            seed=self.seed,
            replicate=job.replicate,
            record=self.record,
        )
        try:
            return encode(records)
        except Exception as error:
            error.stage = "records"  # type: ignore[attr-defined]
            raise


def _model() -> Callable[..., Any]:
    from sim.model import simulate

    return simulate
