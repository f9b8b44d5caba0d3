"""The form of an experiment file: its keys, and what may stand at each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from sim.case.schema import Day
from sim.experiment.designs import DesignFile
from sim.experiment.precision import UntilFile

BASE = "before.yaml"
Interval = Literal["weekly"] | Annotated[int, Field(ge=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Titles(_Strict):
    """A title in both languages.

    en: in English; zh: in Chinese, by default the English one.
    """

    en: str
    zh: str = ""


class Scope(_Strict):
    """The part of the case that is simulated.

    counties: their names; townships: their ids or names.
    """

    counties: list[str] | None = None
    townships: list[str] | None = None


class Recorded(_Strict):
    """Weeks between two records of a table; ``weekly`` is 1.

    outcomes: of all outcomes; units: by community and village; losers: of who loses.
    """

    outcomes: Interval = "weekly"
    units: Interval = 13
    losers: Interval = 13


OneOrMoreAims = Annotated[
    Annotated[UntilFile, Tag("one aim")]
    | Annotated[list[UntilFile], Field(min_length=1), Tag("several aims")],
    Discriminator(lambda v: "several aims" if isinstance(v, list) else "one aim"),
]


class ReplicatesFile(_Strict):
    """As many replicates as differences need.

    min: how many before the first look, and between looks; max: how many at most; until: what is
    to be known, one aim or a list of them, all of which are to be reached.
    """

    min: Annotated[int, Field(ge=2, le=10_000)]
    max: Annotated[int, Field(ge=2, le=10_000)]
    until: OneOrMoreAims

    @property
    def aims(self) -> list[UntilFile]:
        """What is to be known."""
        return self.until if isinstance(self.until, list) else [self.until]


Values = dict[str, float]
OneOfParameters = Annotated[
    Annotated[Values, Tag("values")] | Annotated[DesignFile, Tag("a design")],
    Discriminator(lambda v: "a design" if isinstance(v, dict) and "design" in v else "values"),
]
OneOfReplicates = Annotated[
    Annotated[int, Field(ge=1, le=10_000), Tag("a number")]
    | Annotated[ReplicatesFile, Tag("a range")],
    Discriminator(lambda v: "a range" if isinstance(v, dict) else "a number"),
]


class ExperimentFile(_Strict):
    """An experiment: which scenarios of a case are compared, for how long and how often.

    title: what it is called; case: directory of the case, from here; base: scenario that the
    others are compared with, a file in the case's directory; scenarios: files in the case's
    directory; start: first day of week 0, by default the case's; weeks: how many are simulated;
    seed: root of all draws; replicates: runs of each scenario, or {min, max, until}; parameters:
    values of the model's parameters by name, over those of the case, or a design over ranges of
    them; scope: part of the case; record: how often what is written.
    """

    title: str | Titles
    case: str
    base: str = BASE
    scenarios: Annotated[list[str], Field(min_length=1)]
    start: Day | None = None
    weeks: Annotated[int, Field(ge=1, le=1040)]
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    replicates: OneOfReplicates = 1
    parameters: OneOfParameters = Field(default_factory=dict)
    scope: Scope = Scope()
    record: Recorded = Recorded()
