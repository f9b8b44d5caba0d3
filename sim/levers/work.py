"""Levers on the work of offices: cuts of what is assigned to them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.levers import words
from sim.levers.phased import Phased
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State
from sim.world.supply import ITEMS

Share = Annotated[float, Field(strict=True, ge=0, le=1)]


class CutBurden(Phased):
    """Cuts what is assigned to offices to these shares of the full list; part of it comes back
    (see `processes.burden`). A later cut takes the place of an earlier one.

    ledgers: share of the ledgers that is left, 0 to 1, by default as where it was tried;
    evaluations: share of the evaluations; tasks: share of the tasks; plaques: share of the plaques;
    meetings: share of the meetings, by default as before; certificates: share of the certificates
    that residents still need, by default as before, which spares their ways and the counter.
    """

    kind: ClassVar[str] = "cut_burden"

    ledgers: Share | None = None
    evaluations: Share | None = None
    tasks: Share | None = None
    plaques: Share | None = None
    meetings: Share | None = None
    certificates: Share | None = None
    _left: tuple[float, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _cuts_something(self) -> Self:
        of_list = {self.ledgers, self.evaluations, self.tasks, self.plaques}
        if of_list == {1.0} and {self.meetings, self.certificates} <= {1.0, None}:
            raise ValueError("all shares are 1, so that nothing is cut")
        return self

    def settle(self, site: Site) -> None:
        self._left = self._remaining(site.parameters)

    def say(self, lang: Lang) -> str:
        more = {"meeting": self.meetings, "certificate": self.certificates}
        left = dict(zip(ITEMS, self._left, strict=True))
        left |= {i: self._grown(share) for i, share in more.items() if share is not None}
        pairs = [(words.pick(words.ITEMS[i], lang), f"{share:.0%}") for i, share in left.items()]
        if lang == "zh":
            return f"上级交办事项减负，保留{words.listed([n + s for n, s in pairs], lang)}"
        said = words.listed([f"{s} of {n}" for n, s in pairs], lang)
        return f"offices are relieved of assigned work: {said} remain"

    def apply(self, state: State) -> None:
        here, policies = self.rows(state), state.policies
        policies.remaining[here] = self._remaining(state.parameters)
        if self.meetings is not None:
            policies.meetings[here] = self._grown(self.meetings)
        if self.certificates is not None:
            state.ask_certificates(here, self._grown(self.certificates))
        if self.ramp is None or self._stage.step == 1:  # what comes back does so from the start
            policies.cut_week[here] = state.week

    def _remaining(self, parameters: Parameters) -> tuple[float, ...]:
        """Shares that remain at this step, in the order of `ITEMS`."""
        given: dict[str, Any] = {item: getattr(self, f"{item}s") for item in ITEMS}
        full = (
            parameters[f"burden.{item}s"] if share is None else share
            for item, share in given.items()
        )
        return tuple(map(self._grown, full))

    def _grown(self, share: float) -> float:
        """What remains at this step, where `share` will in the end."""
        return share + (1 - self.strength) * (1 - share)
