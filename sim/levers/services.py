"""Levers on what offices buy: work done by social organisations."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.words import Lang
from sim.world.ledger import CLASS
from sim.world.state import State


class BuyServices(Phased):
    """Has social organisations do work of one class, for so much a year and office.

    class: of the work that is bought; yuan_year: what each office pays a year.
    """

    kind: ClassVar[str] = "buy_services"

    class_: Literal[
        "complaints", "visits_high", "visits_focus", "visits_general", "self_governance"
    ] = Field(alias="class")
    yuan_year: Annotated[float, Field(strict=True, gt=0, le=1e9)]

    def say(self, lang: Lang) -> str:
        what = words.pick(words.WORK[self.class_], lang)
        yuan = f"{self.yuan_year * self.strength:,.0f}"
        pair = (
            f"social organisations do {what}, for {yuan} yuan a year and office",
            f"向社会组织购买{what}，每处每年{yuan}元",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        """One contract more for every office; one whose area it reaches in part, because a redraw
        came between its steps, has it in proportion to households."""
        part = self.part_of_units(state)
        for row, office in self.offices(state).items():
            agree(state, office, self.class_, self.yuan_year * self.added * float(part[row]))


def agree(state: State, office: int, work: str, yuan: float) -> None:
    """A contract more for an office from this week on, of so many yuan a year for a class."""
    state.contracts.add(office=office, work=CLASS[work], yuan=yuan, first=state.week)
    state.agreed += yuan
