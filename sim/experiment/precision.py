"""Replicates until a difference is known well enough, or there are as many as allowed.

Replicates are run in stages of `min`, and the half-width of the 95 % interval is looked at after
each whole stage, in the order of the plan. So the number of replicates, like everything else,
depends on nothing but the experiment: not on which run ended first, nor on how many there were at
a time. This is the sequential procedure of Law, Simulation Modeling and Analysis, section 9.4.1;
looking often makes intervals cover a little less than 95 %, so stages should not be small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sim.case.messages import Problem, did_you_mean
from sim.experiment.frames import Frames
from sim.outcomes.catalogue import GROUPS, OUTCOMES


class UntilFile(BaseModel):
    """A difference from the base that is to be known well enough.

    outcome: its name; group: for whom; scenario: which one, by default every one; half_width: at
    most half of the 95 % interval, in the outcome's unit.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    outcome: str
    group: str = "all"
    scenario: str | None = None
    half_width: Annotated[float, Field(gt=0)]

    def faults(self, scenarios: Sequence[str]) -> Iterator[tuple[str, Problem]]:
        """Names that are not there, with the key they stand at. scenarios: the base first."""
        others = [s for s in dict.fromkeys(scenarios[1:]) if s != scenarios[0]]
        wanted = (
            ("outcome", self.outcome, OUTCOMES, "docs/outcomes.md lists them"),
            ("group", self.group, GROUPS, f"there are {', '.join(GROUPS)}"),
            ("scenario", self.scenario, others, f"there are {', '.join(others)}"),
        )
        for key, name, known, hint in wanted:
            if name is not None and name not in known:
                near = did_you_mean(name, known) or hint
                yield key, Problem(f"unknown-{key}", f"no {key} {name!r}", hint=near)


@dataclass(frozen=True)
class Look:
    """What was seen after so many replicates: the widest of the half-widths (NaN: unknown)."""

    replicates: int
    half_width: float
    reached: bool


@dataclass(frozen=True)
class Until:
    """When there are enough replicates; see `UntilFile`. step: replicates in a stage."""

    outcome: str
    group: str
    scenario: str | None
    half_width: float
    step: int

    def stages(self, most: int) -> list[int]:
        """Replicates after each stage; `most` is the last."""
        return [*range(self.step, most, self.step), most]

    def look(self, study: Frames, replicates: int) -> Look:
        """The half-width over the first so many replicates, at the experiment's parameters."""
        from sim.experiment.statistics import compare

        found = compare(study, names=[self.outcome], replicates=replicates)
        found = found[(found["group"] == self.group) & (found["scenario"] != study.base)]
        if self.scenario is not None:
            found = found[found["scenario"] == self.scenario]
        widths = (found["high"] - found["low"]).to_numpy(float) / 2
        widest = float(widths.max()) if widths.size and not np.isnan(widths).any() else np.nan
        return Look(replicates, widest, bool(widest <= self.half_width))

    def said(self, look: Look) -> str:
        """Whether it was reached, in a line."""
        what = f"half-width of {self.outcome}"
        if self.group != "all" or self.scenario:
            what += f" ({', '.join(n for n in (self.scenario, self.group) if n)})"
        width = "unknown" if np.isnan(look.half_width) else f"{look.half_width:.3g}"
        end = "reached" if look.reached else "NOT reached"
        more = "" if look.reached else ", which are all that were allowed"
        return (
            f"{what} is {width}, at most {self.half_width:g} was wanted: "
            f"{end} with {look.replicates} replicates{more}"
        )


def enough(study: Frames, open_replicates: set[int]) -> int:
    """Replicates that a study needs: fewer than planned where its aim was reached before.

    open_replicates: those with a run that has not ended.
    """
    most = int(study.info["replicates"])
    record = study.info.get("until")
    if record:
        until = Until(**record)
        for stage in until.stages(most):
            if any(r < stage for r in open_replicates):
                break
            if until.look(study, stage).reached:
                return stage
    return most
