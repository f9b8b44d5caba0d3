"""What every lever is: a dated, frozen, validated change of a case.

A lever is read from a scenario file, checked against the case as it stands at its date, described
in words, and applied to the state of a run on the first week that begins on or after its date.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from sim.case.case import Case
from sim.case.messages import Problems, did_you_mean
from sim.levers.redrawing import UnitPlan
from sim.world.state import State


@dataclass
class Site:
    """The case as the levers so far leave it: what ids a lever may name at its date.

    unit_of: settlement id -> unit id; details: unit id -> its description; facilities: ids that
    are open. path, place: where the lever under check stands; problems: where its faults go.
    left_out: rows of levers that lie outside the scope, by what they are.
    """

    case: Case
    folder: Path
    problems: Problems
    unit_of: dict[str, str]
    details: dict[str, UnitPlan]
    townships: set[str]
    facilities: set[str]
    path: Path = Path()
    place: tuple[int, int] = (1, 1)
    left_out: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(case: Case, folder: Path, problems: Problems) -> Site:
        """The case before any lever."""
        return Site(
            case,
            folder,
            problems,
            dict(zip(case.settlements["id"], case.settlements["community"], strict=True)),
            {
                r["id"]: UnitPlan(
                    r["id"], r["name"], r["kind"], r["type"], r["township"], r["seat_settlement"]
                )
                for r in case.communities.to_dict("records")
            },
            set(case.townships["id"]),
            set(case.facilities["id"]),
        )

    def error(self, code: str, message: str, hint: str = "") -> None:
        """A fault of the lever under check."""
        self.problems.error(code, message, self.path, *self.place, hint=hint)

    @property
    def units(self) -> set[str]:
        """Ids of the units alive."""
        return set(self.details)

    def connected(self, units: tuple[str, ...]) -> bool:
        """Whether common borders of settlements connect these units; a case without a table of
        neighbours cannot say, so True."""
        pairs = self.case.neighbours
        if pairs.empty:
            return True
        a, b = pairs["settlement"].map(self.unit_of), pairs["neighbour"].map(self.unit_of)
        inside = a.isin(units) & b.isin(units)
        reached, front = {units[0]}, {units[0]}
        while front:
            near = set(b[inside & a.isin(front)]) | set(a[inside & b.isin(front)])
            front = near - reached
            reached |= front
        return reached == set(units)

    def outside(self, name: str) -> bool:
        """Whether an id lies in the part of the case that the experiment's scope cut off."""
        return name in self.case.outside

    def unknown(self, noun: str, name: str, known: Collection[str]) -> None:
        """Says that an id names nothing at the lever's date."""
        hint = did_you_mean(name, known) or f"ids of the {noun} stand in the case's tables"
        self.error("unknown-id", f"no {noun} has the id {name!r} at this date", hint)


class Lever(BaseModel, ABC):
    """Base of all levers; the fields are the keys a planner writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: ClassVar[str]

    date: date

    @abstractmethod
    def bind(self, site: Site) -> Lever | None:
        """The lever ready to run on the case, or None where nothing of it lies in the scope.

        Adds every fault to `site.problems`, and carries its effect on ids into `site`.
        """

    @abstractmethod
    def describe(self, lang: Literal["en", "zh"] = "en") -> str:
        """One sentence that says what it does."""

    @abstractmethod
    def apply(self, state: State) -> None:
        """Changes the state; runs once, at the start of its week."""
