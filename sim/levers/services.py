"""Levers on what offices buy: work done by social organisations."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
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
        b = state.boundaries
        reached = np.zeros(len(b.unit_of))
        reached[self.rows(state)] = np.maximum(1.0, state.census.households[self.rows(state)])
        whole = b.sums(np.maximum(1.0, state.census.households))
        part = np.divide(b.sums(reached), whole, out=np.zeros_like(whole), where=whole > 0)
        step = self.yuan_year * (1 / self.ramp.steps if self.ramp else 1.0)
        for row in np.flatnonzero(part).tolist():
            if b.units[row].office >= 0:
                yuan = step * float(part[row])
                state.contracts.add(
                    office=b.units[row].office, work=CLASS[self.class_], yuan=yuan,
                    first=state.week,
                )  # fmt: skip
                state.agreed += yuan
