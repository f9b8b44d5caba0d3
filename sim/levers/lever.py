"""What every lever is: a dated, frozen, validated change of a case.

A lever is read from a scenario file, checked against the case as it stands at its date, described
in words, and applied to the state of a run on the first week that begins on or after its date.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sim.case.schema import Day
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State


def some(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """A list that is not empty; asked only where all its items are well-formed."""
    if not value:
        raise ValueError("name at least one")
    return value


def _an_id(value: str) -> str:
    if not value.strip() or value != value.strip() or not value.isprintable():
        raise ValueError("an id is not empty, on one line, and has no blanks around it")
    return value


Id = str
NewId = Annotated[str, AfterValidator(_an_id)]  # of what a lever makes
Flag = Annotated[bool, Field(strict=True)]


class Lever(BaseModel, ABC):
    """Base of all levers; the fields are the keys a planner writes.

    date: it acts from the first week that begins on or after this day.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
    kind: ClassVar[str]
    redraws: ClassVar[bool] = False  # whether it changes what units or townships there are

    date: Day

    @abstractmethod
    def bind(self, site: Site) -> Self | None:
        """The lever ready to run on the case, or None where nothing of it lies in the scope.

        Adds every fault to `site.problems`, and carries its effect on ids into `site`.
        """

    def may_make(self, site: Site) -> Collection[str] | None:
        """Ids of units and townships that it would make if it had no faults, None where nobody
        can say; asked of levers that redraw, once they are found faulty."""
        return None if self.redraws else ()

    @abstractmethod
    def describe(self, lang: Lang = "en") -> str:
        """One sentence that says what it does."""

    @abstractmethod
    def apply(self, state: State) -> None:
        """Changes the state; runs once, at the start of its week."""

    @property
    def shows(self) -> Day:
        """The day from which a bound lever changes anything, later than its date where something
        has to be built first."""
        return self.date

    def stages(self, site: Site) -> Iterator[Self]:
        """The steps in which it acts, each as a lever with its own date."""
        yield self

    def written(self) -> Self:
        """The lever as its file has it; all steps of one lever give the same object."""
        return self

    def content(self) -> list[Any]:
        """All that decides what it does, as plain data: its keys, and what it read elsewhere."""
        return [self.kind, self.model_dump(mode="json", by_alias=True)]
