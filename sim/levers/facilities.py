"""Levers on facilities: add and close."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.levers.lever import Lever, Site
from sim.processes.cost import WAYS, yearly_cost_of_way
from sim.world.boundaries import KINDS, TYPES
from sim.world.draws import id_keys
from sim.world.facilities import NEVER, PUBLIC
from sim.world.services import COMMUNITY, EVERYONE
from sim.world.state import State
from sim.world.supply import default_capacity, floor_share

DEFAULT_FLOOR = {
    "elder_care": 350.0,
    "nursery": 200.0,
    "health": 120.0,
    "culture": 250.0,
    "shop": 80.0,
    "government": 800.0,
    "community": 800.0,
    "elder_meals": 100.0,
    "sports": 600.0,
    "green": 2000.0,
}
"""m2 of a facility when a lever gives none (MoHURD 2020 trial standard, GB 50180-2018)."""


class Where(BaseModel):
    """Units chosen by rule at the lever's date: of a kind, without a service, the first `count`
    by a rank. `count` is for the whole case; a scope takes its share of it, at least one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["community", "village"] | None = None
    type: Literal["urban", "town", "rural"] | None = None
    without: str | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    rank: Literal["households", "old"] = "households"


class AddFacility(Lever):
    """Adds a facility in one settlement, at the seat of one community, or in many by a rule."""

    kind: ClassVar[str] = "add_facility"

    services: Annotated[tuple[str, ...], Field(min_length=1)]
    community: str | None = None
    settlement: str | None = None
    where: Where | None = None
    name: str | None = None
    floor_m2: Annotated[float, Field(gt=0, le=200_000)] | None = None
    capacity: Annotated[float, Field(ge=0)] | None = None
    way: Literal["build", "rebuild", "buy", "rent", "allot"] = "build"
    share: float = 1.0

    @model_validator(mode="after")
    def _one_place(self) -> AddFacility:
        if sum(x is not None for x in (self.community, self.settlement, self.where)) != 1:
            raise ValueError("say where with exactly one of community, settlement, where")
        return self

    def bind(self, site: Site) -> AddFacility | None:
        known = set(site.case.services["id"])
        asked = [*self.services, *([self.where.without] if self.where else [])]
        for service in asked:
            if service is not None and service not in known:
                site.unknown("service", service, known)
        for noun, name, ids in (
            ("community", self.community, site.units),
            ("settlement", self.settlement, site.unit_of),
        ):
            if name is not None and name not in ids:
                if site.outside(name):
                    site.left_out[self.kind] = site.left_out.get(self.kind, 0) + 1
                    return None
                site.unknown(noun, name, ids)
        return self.model_copy(update={"share": site.case.share})

    def describe(self, lang: Literal["en", "zh"] = "en") -> str:
        what = ", ".join(self.services)
        floor = f"{self.floor():g}"
        if self.where is not None:
            many = str(self.where.count) if self.where.count else ""
            lack = self.where.without
            if lang == "zh":
                lacking = f"，在没有{lack}的单位中" if lack else ""
                return f"{self.date}：按规则新增设施{many}（{what}，{floor}平方米）{lacking}"
            lacking = f" in units without {lack}" if lack else ""
            number = f"{many} facilities" if many else "a facility each"
            return f"{self.date}: adds {number} with {what} of {floor} m2{lacking}"
        place = self.community or self.settlement
        if lang == "zh":
            return f"{self.date}：在{place}新增设施（{what}，{floor}平方米）"
        return f"{self.date}: adds a facility with {what} of {floor} m2 in {place}"

    def floor(self) -> float:
        """m2: as given, or the sum of the default sizes of its services."""
        if self.floor_m2 is not None:
            return self.floor_m2
        return sum(DEFAULT_FLOOR.get(s, 0.0) for s in self.services)

    def apply(self, state: State) -> None:
        for settlement in self._settlements(state):
            self._add(state, settlement)
        state.touch()

    def _settlements(self, state: State) -> list[int]:
        b = state.boundaries
        if self.settlement is not None:
            return [list(state.world.settlements["id"]).index(self.settlement)]
        if self.community is not None:
            return [b.units[b.unit_row(self.community)].seat]
        assert self.where is not None
        w = self.where
        column = ["households"] if w.rank == "households" else ["age_60_79", "age_80"]
        size = b.sums(state.world.settlements[column].sum(axis=1).to_numpy(np.float64))
        served = np.zeros(len(b.units), bool)
        if w.without is not None:
            f = state.facilities
            there = f.is_open(state.week) & f.offers[:, state.lines.services.index(w.without)]
            served[b.unit_of[f.settlement[there]]] = True
        rows = [
            i
            for i, u in enumerate(b.units)
            if u.alive
            and not served[i]
            and (w.kind is None or u.kind == KINDS[w.kind])
            and (w.type is None or u.type == TYPES[w.type])
        ]
        rows.sort(key=lambda i: (-size[i], b.units[i].id))
        if w.count is not None:
            rows = rows[: max(1, round(w.count * self.share))]
        return [b.units[i].seat for i in rows]

    def _add(self, state: State, settlement: int) -> None:
        b, f, p = state.boundaries, state.facilities, state.parameters
        unit = b.unit_of[settlement]
        persons = b.sums(state.world.settlements["persons"].to_numpy(np.float64))[unit]
        place = state.world.settlements.iloc[settlement]
        names = state.lines.services
        offers, capacity = np.zeros(len(names), bool), np.full(len(names), np.inf)
        floor = self.floor()
        for s in self.services:
            j = names.index(s)
            offers[j] = True
            rule = default_capacity(s, floor_share(list(self.services), floor), persons, p)
            capacity[j] = rule if self.capacity is None or np.isinf(rule) else self.capacity
        counter = any(s in ("government", "community") for s in self.services)
        key = f"A-{self.date}-{'+'.join(self.services)}-{place['id']}"
        if key in f.id:  # two of one kind in one place on one day
            key += f"-{sum(i.startswith(key) for i in f.id)}"
        f.add(
            id=key,
            name=self.name or key,
            key=id_keys([key])[0],
            settlement=settlement,
            x=float(place["x"]),
            y=float(place["y"]),
            offers=offers,
            capacity=capacity,
            open_to=COMMUNITY if counter else EVERYONE,
            operator=b.units[unit].office if counter else PUBLIC,
            floor=floor,
            windows=p["counter.kept_windows"] if counter else 0.0,
            hours=p["counter.hours"],
            office_hours=counter,
            opened=state.week,
            closed=NEVER,
            point=False,
            kept=False,
            yearly=yearly_cost_of_way(self.way, floor, p),
        )
        state.seat_actors()


class CloseFacility(Lever):
    """Closes a facility for good."""

    kind: ClassVar[str] = "close_facility"

    facility: str

    def bind(self, site: Site) -> CloseFacility | None:
        if self.facility not in site.facilities:
            if site.outside(self.facility):
                site.left_out[self.kind] = site.left_out.get(self.kind, 0) + 1
                return None
            if self.facility in set(site.case.facilities["id"]):
                site.error("closed-already", f"{self.facility} is closed by an earlier lever",
                           "leave one of the two out")
            else:
                site.unknown("facility", self.facility, site.facilities)
        site.facilities.discard(self.facility)
        return self

    def describe(self, lang: Literal["en", "zh"] = "en") -> str:
        if lang == "zh":
            return f"{self.date}：关闭设施{self.facility}"
        return f"{self.date}: closes the facility {self.facility}"

    def apply(self, state: State) -> None:
        slot = state.facilities.id.index(self.facility)
        state.facility_actors[slot].close(state.week)
        state.touch()


assert set(AddFacility.model_fields["way"].annotation.__args__) == set(WAYS)
