"""Replicates until differences are known well enough, or there are as many as allowed.

Replicates are run in stages of `min`, and the half-widths of the 95 % intervals are looked at
after each whole stage, in the order of the plan; a stage is the last when every aim is reached. So
the number of replicates, like everything else, depends on nothing but the experiment: not on which
run ended first, nor on how many there were at a time. This is the sequential procedure of Law,
Simulation Modeling and Analysis, section 9.4.1, asked of each aim at 95 % on its own;
looking often makes intervals cover a little less than 95 %, so stages should not be small.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
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
class Aim:
    """A difference that is to be known well enough; see `UntilFile`."""

    outcome: str
    group: str
    scenario: str | None
    half_width: float

    @property
    def what(self) -> str:
        """What is looked at, in words."""
        if self.group == "all" and not self.scenario:
            return f"half-width of {self.outcome}"
        whose = ", ".join(n for n in (self.scenario, self.group) if n)
        return f"half-width of {self.outcome} ({whose})"

    def reached(self, width: float) -> bool:
        """Whether a half-width (NaN: unknown) is small enough."""
        return width <= self.half_width

    def said(self, width: float, replicates: int) -> str:
        """Whether it was reached with so many replicates, in a line."""
        known = "unknown" if np.isnan(width) else f"{width:.3g}"
        end = "reached" if self.reached(width) else "NOT reached"
        more = "" if self.reached(width) else ", which are all that were allowed"
        return (
            f"{self.what} is {known}, at most {self.half_width:g} was wanted: "
            f"{end} with {replicates} replicates{more}"
        )


@dataclass(frozen=True)
class Look:
    """What was seen after so many replicates: of each aim the widest of the half-widths of its
    scenarios (NaN: unknown), and whether all are reached."""

    replicates: int
    widths: tuple[float, ...]
    reached: bool


@dataclass(frozen=True)
class Until:
    """When there are enough replicates: every aim is reached. step: replicates in a stage."""

    aims: tuple[Aim, ...]
    step: int

    @staticmethod
    def of(files: Iterable[UntilFile], step: int) -> Until:
        """What an experiment file asks for."""
        return Until(tuple(Aim(**f.model_dump()) for f in files), step)

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> Until:
        """What study.json tells of."""
        return Until(tuple(Aim(**a) for a in record["aims"]), record["step"])

    def stages(self, most: int) -> list[int]:
        """Replicates after each stage; `most` is the last."""
        return [*range(self.step, most, self.step), most]

    def look(self, study: Frames, replicates: int) -> Look:
        """The half-widths over the first so many replicates, at the experiment's parameters."""
        from sim.experiment.statistics import compare

        names = {a.outcome for a in self.aims}
        found = compare(study, names=names, replicates=replicates)
        found = found[found["scenario"] != study.base]
        widths = tuple(_widest(found, aim) for aim in self.aims)
        pairs = zip(self.aims, widths, strict=True)
        return Look(replicates, widths, all(aim.reached(width) for aim, width in pairs))

    def wanted(self) -> str:
        """When it ends, in words."""
        aims = "; ".join(f"{a.what} at most {a.half_width:g}" for a in self.aims)
        return f"fewer when, after every {self.step} replicates, {aims}"

    def said(self, look: Look) -> list[str]:
        """A line for each aim: whether it was reached."""
        pairs = zip(self.aims, look.widths, strict=True)
        return [aim.said(width, look.replicates) for aim, width in pairs]


def _widest(found: pd.DataFrame, aim: Aim) -> float:
    mine = found[(found["outcome"] == aim.outcome) & (found["group"] == aim.group)]
    if aim.scenario is not None:
        mine = mine[mine["scenario"] == aim.scenario]
    widths = (mine["high"] - mine["low"]).to_numpy(float) / 2
    return float(widths.max()) if widths.size and not np.isnan(widths).any() else np.nan


def enough(study: Frames, until: Until | None, most: int, open_replicates: set[int]) -> int:
    """Replicates that are needed: fewer than `most` where the aims were reached before.

    open_replicates: those with a run that has not ended.
    """
    for stage in until.stages(most) if until else ():
        if any(r < stage for r in open_replicates):
            break
        if until and until.look(study, stage).reached:
            return stage
    return most
