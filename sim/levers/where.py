"""Where facilities are put: units chosen by a rule at the lever's date."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sim.levers import words
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.boundaries import KINDS, TYPES
from sim.world.reach import facility_areas
from sim.world.state import State
from sim.world.supply import STATION_SERVICE

KIND_NAMES = {code: name for name, code in KINDS.items()}
TYPE_NAMES = {code: name for name, code in TYPES.items()}
RANKS = {
    "households": ("households",),
    "old": ("age_60_79", "age_80"),
    "children": ("age_0_2",),
    "floor": ("households",),
}
"""Columns of settlements that units are ranked by; `floor` by the households it is for."""


@dataclass(frozen=True)
class Candidate:
    """A unit as a rule sees it. seat: settlement by id; size: households or persons it is ranked
    by; households; floor: m2 of service floor; served: has the service that the rule asks about."""

    id: str
    kind: str
    type: str
    seat: str
    size: float
    households: float
    floor: float
    served: bool


class Where(BaseModel):
    """Units chosen by rule at the lever's date: of a kind, without a service, with little service
    floor, the first by a rank.

    kind: communities or villages only; type: urban, town or rural ones only; without: a service
    that no facility there offers, open or decided; floor_below: m2 of service floor (of stations,
    which offer community affairs) per 100 households that they have less than; count: how many, in
    the whole case (a scope takes its share, at least one); rank: those with most households, most
    old people, most children under 3 or least service floor per household first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["community", "village"] | None = None
    type: Literal["urban", "town", "rural"] | None = None
    without: str | None = None
    floor_below: Annotated[float, Field(strict=True, gt=0, le=1000)] | None = None
    count: Annotated[int, Field(strict=True, ge=1)] | None = None
    rank: Literal["households", "old", "children", "floor"] = "households"

    @property
    def by_floor(self) -> bool:
        """Whether it looks at service floor."""
        return self.floor_below is not None or self.rank == "floor"

    def missing(self, unit: Candidate) -> float:
        """m2 of service floor that a unit lacks to the rule."""
        return max(0.0, (self.floor_below or 0.0) * unit.households / 100 - unit.floor)

    def ranked(self, units: Iterable[Candidate]) -> list[Candidate]:
        """The units that fit, the first of the rank first."""
        fit = [
            u
            for u in units
            if not u.served
            and self.kind in (None, u.kind)
            and self.type in (None, u.type)
            and (self.floor_below is None or self.missing(u) > 0)
        ]
        sign = 1 if self.rank == "floor" else -1
        return sorted(fit, key=lambda u: (sign * u.size, u.id))

    def number(self, share: float) -> int | None:
        """How many; share: of the case's households that lie in the scope. None: all that fit."""
        return None if self.count is None else max(1, round(self.count * share))

    def describe(self, lang: Lang) -> str:
        """Where that is, in words."""
        kind = words.pick(words.UNITS[self.kind], lang)
        type_ = words.pick(words.TYPES[self.type], lang) if self.type else ""
        lack = words.services([self.without], lang) if self.without else ""
        low = f"{self.floor_below:g}" if self.floor_below else ""
        most = words.RANKS[self.rank]
        if lang == "zh":
            first = most[1] if self.count else ""
            lacks = lack and f"没有{lack}"
            lacks_floor = low and f"每百户服务用房不足{low}平方米"
            which = words.listed([x for x in (lacks, lacks_floor, first) if x], "zh")
            return f"在{which}{'的' if which else ''}{type_}{kind}"
        first = f" that have {most[0]}" if self.count else ""
        return (
            " ".join(["in the", type_, kind]).replace("  ", " ")
            + (f" without {lack}" if lack else "")
            + (" and" if lack and low else "")
            + (f" with less than {low} m2 of service floor per 100 households" if low else "")
            + first
        )


def known(site: Site, where: Where) -> bool:
    """Whether the units that fit can be told before the run: after a redraw nobody knows yet
    which points are open."""
    at_stake = {where.without, STATION_SERVICE if where.by_floor else None} - {None}
    return at_stake.isdisjoint(site.uncertain)


def of_site(site: Site, where: Where, scope: Collection[str] | None) -> Iterator[Candidate]:
    """The units of the case as the levers so far leave it; scope: settlements, None for all."""
    table = site.case.settlements
    size = table[list(RANKS[where.rank])].sum(axis=1).tolist()
    persons = dict(zip(table["id"], size, strict=True))
    served = {
        site.unit_of[p.settlement] for p in site.facilities.values() if where.without in p.services
    }
    floor = dict.fromkeys(site.units, 0.0)
    for place in site.facilities.values():
        floor[site.unit_of[place.settlement]] += place.service_floor
    for u in site.units.values():
        if scope is not None and u.seat not in scope:
            continue
        households = sum(site.households[s] for s in site.members[u.id])
        number = sum(persons[s] for s in site.members[u.id])
        yield Candidate(
            u.id, u.kind, u.type, u.seat, _size(where, number, households, floor[u.id]),
            households, floor[u.id], u.id in served,
        )  # fmt: skip


def of_state(state: State, where: Where, scope: Collection[str] | None) -> Iterator[Candidate]:
    """The units of a run this week."""
    b, f, settlements = state.boundaries, state.facilities, state.world.settlements
    number = b.sums(settlements[list(RANKS[where.rank])].sum(axis=1).to_numpy(np.float64))
    households = b.sums(settlements["households"].to_numpy(np.float64))
    here = state.week < f.closed  # open or decided
    home = b.unit_of[f.settlement]
    floor = np.bincount(facility_areas(f, state.offices, b)[0], station_floor(state), len(b.units))
    served = np.zeros(len(b.units), bool)
    if where.without is not None:
        served[home[here & f.offers[:, state.lines.services.index(where.without)]]] = True
    ids = settlements["id"].tolist()
    for i, u in enumerate(b.units):
        if u.alive and (scope is None or ids[u.seat] in scope):
            yield Candidate(
                u.id, KIND_NAMES[u.kind], TYPE_NAMES[u.type], ids[u.seat],
                _size(where, number[i], households[i], floor[i]),
                float(households[i]), float(floor[i]), bool(served[i]),
            )  # fmt: skip


def station_floor(state: State) -> np.ndarray:
    """m2 of the stations that are open or decided, with what is being added, ``[F]``."""
    f = state.facilities
    floor = f.floor.copy()
    for work in state.works:
        floor[work.slot] += work.floor
    offered = f.offers[:, state.lines.services.index(STATION_SERVICE)]
    return np.where((state.week < f.closed) & offered, floor, 0.0)


def _size(where: Where, number: float, households: float, floor: float) -> float:
    """What a unit is ranked by; one without households has no need of floor."""
    if where.rank != "floor":
        return float(number)
    return floor / households if households > 0 else float("inf")
