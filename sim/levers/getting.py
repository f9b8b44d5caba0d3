"""How floor is got: by which way, in how many weeks, for how much money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from pydantic import Field, PrivateAttr

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.lever import Lever
from sim.levers.plan import Way
from sim.levers.words import Lang
from sim.processes.cost import RENTED, yearly_cost_of_way

BuildingWeeks = Annotated[int, Field(strict=True, ge=0, le=520)]


class Built(Lever):
    """A lever that gets floor.

    way: how the floor is got; weeks: from decision to opening, by default the parameter
    `building` of that way.
    """

    way: Way = "build"
    weeks: BuildingWeeks | None = None
    _opens: date = PrivateAttr(default=date.max)

    @property
    def shows(self) -> date:
        return self._opens

    def weeks_of(self, parameters: Parameters) -> int:
        """Weeks from decision to opening."""
        return int(parameters[f"building.{self.way}"]) if self.weeks is None else self.weeks

    def yearly_of(self, floor: float, services: Sequence[str], parameters: Parameters) -> float:
        """Yuan a year that so much floor for these services costs."""
        return yearly_cost_of_way(self.way, floor, services, parameters)


def say_way(way: Way, yuan: float, lang: Lang, all_in_all: bool = False) -> str:
    """A way to get floor with its price, in words; all_in_all: of several facilities together."""
    said, price = words.pick(words.WAYS[way], lang), words.money(yuan, lang)
    yearly = way in RENTED
    if lang == "zh":
        return f"{said}，{'共' if all_in_all else ''}{'每年' if yearly else ''}{price}"
    return f"{said} for {price}{' a year' if yearly else ''}{' in all' if all_in_all else ''}"
