"""Open dead-end roads and side streets."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pandas as pd
from pydantic import Field, PrivateAttr, model_validator

from sim.case.messages import did_you_mean
from sim.case.schema import STREET_TABLES
from sim.levers import words
from sim.levers.getting import BuildingWeeks
from sim.levers.lever import Id, Lever
from sim.levers.site import Site
from sim.levers.tables import read_beside
from sim.levers.words import Lang, amount
from sim.processes.cost import yearly_cost_of_street
from sim.world.state import State

COLUMNS = ("from", "to", "metres", "speed", "one_way")
_SLACK = 1.0  # metres by which rounded coordinates may be off


class OpenStreet(Lever):
    """Opens a street between two nodes of the case's network, or all those of a table.

    Needs a case with streets. It costs by the metre from the day it opens; no way gets longer.

    from: node it begins at; to: node it ends at; metres: its length, by default the straight line;
    speed: metres a minute of those who ride, 0 where nobody may; one_way: whether it is open from
    its first to its second node only; table: file with the columns of streets_edges; weeks: from
    decision to opening, by default the parameter `building.street`.
    """

    kind: ClassVar[str] = "open_street"

    start: Id | None = Field(default=None, alias="from")
    end: Id | None = Field(default=None, alias="to")
    metres: Annotated[float, Field(strict=True, gt=0)] | None = None
    speed: Annotated[float, Field(strict=True, ge=0)] | None = None
    one_way: Annotated[bool, Field(strict=True)] = False
    table: str | None = None
    weeks: BuildingWeeks | None = None
    _edges: tuple[tuple[Any, ...], ...] = PrivateAttr(default=())
    _opens: date = PrivateAttr(default=date.max)
    _price: float = PrivateAttr(default=0.0)

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        ends = (self.start is not None) + (self.end is not None)
        if ends != (2 if self.table is None else 0):
            raise ValueError("say which with from and to, or with a table")
        if self.table is not None and (self.metres, self.speed, self.one_way) != (
            None, None, False,
        ):  # fmt: skip
            raise ValueError("a table has metres, speed and one_way of its own")
        return self

    def weeks_of(self, parameters: Any) -> int:
        """Weeks from decision to opening."""
        return int(parameters["building.street"]) if self.weeks is None else self.weeks

    def bind(self, site: Site) -> Self | None:
        if site.case.streets is None:
            site.error(
                "no-streets",
                "the case has no streets: residents go by straight lines",
                "add streets_nodes.csv and streets_edges.csv to the case",
            )
            return None
        nodes = site.case.streets[0]
        places = dict(zip(nodes["id"], nodes[["x", "y"]].to_numpy(np.float64), strict=True))
        edges = self._of_table(site, places) if self.table is not None else self._own(site, places)
        if edges is None:
            return None
        lever = self.model_copy()
        lever._edges = edges
        lever._opens = self.date + timedelta(weeks=self.weeks_of(site.parameters))
        lever._price = sum(e[2] for e in edges) * site.parameters["cost.street"]
        return lever

    @property
    def shows(self) -> date:
        return self._opens

    def _own(self, site: Site, places: dict[str, np.ndarray]) -> tuple[tuple[Any, ...], ...] | None:
        """The one street between two nodes."""
        assert self.start is not None and self.end is not None
        so_far = len(site.problems.found)
        for key, name in (("from", self.start), ("to", self.end)):
            if name not in places:
                hint = did_you_mean(name, places) or "streets_nodes lists them"
                site.error("unknown-id", f"there is no street node {name!r}", hint, key)
        if self.start == self.end:
            site.error("no-street", "it ends where it begins", "name two nodes", "to")
        if site.problems.has_errors(so_far):
            return None
        straight = float(np.hypot(*(places[self.start] - places[self.end])))
        if self.metres is not None and self.metres < straight - _SLACK:
            site.error(
                "too-short",
                f"{self.metres:g} m is less than the straight line of {straight:,.0f} m",
                "correct metres, or leave it out",
                "metres",
            )
            return None
        metres = straight if self.metres is None else self.metres
        speed = np.nan if self.speed is None else self.speed
        return ((self.start, self.end, metres, speed, int(self.one_way)),)

    def _of_table(
        self, site: Site, places: dict[str, np.ndarray]
    ) -> tuple[tuple[Any, ...], ...] | None:
        """The streets of a table."""
        assert self.table is not None
        so_far = len(site.problems.found)
        table = read_beside("table", self.table, STREET_TABLES["streets_edges"], site)
        if table is None:
            return None
        known = pd.Series(sorted(places), dtype="str")
        for end in ("from", "to"):
            table.unknown(site.problems, end, known, "streets_nodes")
        if site.problems.has_errors(so_far):
            return None
        frame = table.frame.reindex(columns=list(COLUMNS))
        frame["one_way"] = frame["one_way"].fillna(0).astype(int)
        return tuple(sorted(frame.itertuples(index=False, name=None)))

    def describe(self, lang: Lang = "en") -> str:
        metres = f"{sum(e[2] for e in self._edges):,.0f}"
        n = len(self._edges)
        if self.table is None:
            pair = f" from {self.start} to {self.end}", f"（{self.start}至{self.end}）"
        else:
            pair = "", ""
        ends, opens, price = words.pick(pair, lang), self._opens, words.money(self._price, lang)
        if lang == "zh":
            return f"{self.date}：打通{n}条道路{ends}，共{metres}米，{price}，{opens}开放。"
        streets, verb = amount(n, "street"), words.verb(n, "open")
        return f"{self.date}: {streets}{ends}, {metres} m for {price}, {verb} on {opens}."

    def content(self) -> list[Any]:
        edges = [[None if x != x else x for x in e] for e in self._edges]
        return [*super().content(), edges]

    def apply(self, state: State) -> None:
        assert state.streets is not None
        edges = pd.DataFrame(list(self._edges), columns=list(COLUMNS))
        week = state.week + self.weeks_of(state.parameters)
        yearly = edges["metres"].map(lambda m: yearly_cost_of_street(m, state.parameters))
        state.streets = state.streets.plus(edges, week, yearly.to_numpy(np.float64))
        state.open_works()
