"""Levers that move settlements between communities: split one, or hand settlements over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.boundary import BoundaryLever, check_names
from sim.levers.getting import say_way
from sim.levers.lever import Flag, Id, NewId
from sim.levers.plan import RENTED_POINT, Floor, Plan, Premises, UnitPlan, Way
from sim.levers.points import POINT_SERVICES
from sim.levers.redrawing import redraw
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.processes.cost import price_of_way
from sim.world.state import State
from sim.world.supply import least_floor


class SplitPart(BaseModel):
    """One of the units that a community is split into.

    id: its own, or that of the old unit; name: its name; settlements: ids of those it gets, one
    part may leave them out and gets the rest; seat: one of them, by default the old seat, else
    where a service point is or was, else the settlement with most households.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: NewId
    name: str
    settlements: Annotated[tuple[Id, ...], Field(min_length=1)] | None = None
    seat: Id | None = None


class SplitCommunity(BoundaryLever):
    """Splits a community or village into two or more parts, of the same kind and type.

    Staff, backlog and facilities go with the households; each part has an office with the list of
    tasks of its kind, and a counter and a culture room open at a seat that has none, on the day.

    community: id of the unit to split; parts: the units that it becomes; way: how the floor of a
    new point is got; floor_m2: of one, by default the parameter `floor.point`.
    """

    kind: ClassVar[str] = "split_community"

    community: Id
    parts: Annotated[tuple[SplitPart, ...], Field(min_length=2)]
    way: Way = RENTED_POINT.way
    floor_m2: Floor | None = None
    _opened: tuple[int, float, float] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _one_rest(self) -> Self:
        if sum(p.settlements is None for p in self.parts) > 1:
            raise ValueError("only one part may leave its settlements out, it gets the rest")
        return self

    def bind(self, site: Site) -> Self | None:
        if self.community in site.outside:
            site.outside |= {p.id for p in self.parts} - {self.community}
            site.nothing_left(self.kind)
            return None
        so_far = len(site.problems.found)
        if self.community not in site.units:
            site.unknown("community", self.community, site.units, "community")
        for i, part in enumerate(self.parts):
            at = ("parts", i, "settlements")
            check_names(site, "settlement", part.settlements or (), site.unit_of, *at)
        if not site.sure:
            site.named |= self.may_make(site)
        if site.problems.has_errors(so_far) or not site.sure:
            return None
        old = site.units[self.community]
        members = self._members(site)
        self._check(site, members)
        self._check_floor(site)
        if site.problems.has_errors(so_far):
            return None
        units = [
            replace(old, id=p.id, name=p.name, seat=self._seat(site, p, members[i], old))
            for i, p in enumerate(self.parts)
        ]
        rows = sorted((s, p.id) for p, mine in zip(self.parts, members, strict=True) for s in mine)
        seats = [u.seat for u in units]
        new = None
        if site.points is not None and site.former is not None:
            new = sum(s not in site.points | site.former for s in seats)
        lever = self._bound(site, Plan(tuple(rows), tuple(sorted(units, key=lambda u: u.id))))
        if new is not None:
            p = site.parameters
            floor = self._premises.size(p)
            lever._opened = new, floor, new * price_of_way(self.way, floor, POINT_SERVICES, p)
        return lever

    @property
    def _premises(self) -> Premises:
        return Premises(self.way, self.floor_m2)

    def apply(self, state: State) -> None:
        redraw(state, self._plan, premises=self._premises)

    def may_make(self, site: Site) -> set[str]:
        return {p.id for p in self.parts}

    def _check_floor(self, site: Site) -> None:
        """Half of the floor of a point is a culture room, which takes in somebody."""
        least = least_floor("culture", ("culture",), site.parameters) * 2
        if self.floor_m2 is not None and self.floor_m2 < least:
            site.error(
                "too-small",
                f"a culture room on half of {self.floor_m2:g} m2 has no room for a single visitor",
                f"give at least {math.ceil(least)} m2",
                "floor_m2",
            )

    def _members(self, site: Site) -> list[list[str]]:
        """Settlements of each part."""
        given = {s for p in self.parts for s in p.settlements or ()}
        rest = [s for s in site.members[self.community] if s not in given]
        return [list(rest if p.settlements is None else p.settlements) for p in self.parts]

    def _check(self, site: Site, members: Sequence[Sequence[str]]) -> None:
        """Ids are free, every settlement goes to one part, each part is of one piece."""
        so_far = len(site.problems.found)
        mine, home = site.members[self.community], site.pieces(site.members[self.community])
        seen: dict[str, int] = {}
        for i, part in enumerate(self.parts):
            at = ("parts", i)
            if part.id in [p.id for p in self.parts[:i]]:
                message = f"two parts have the id {part.id!r}"
                site.error("named-twice", message, "give each part its own id", *at, "id")
            elif other := site.townships.get(part.id) or (
                site.units.get(part.id) if part.id != self.community else None
            ):
                message = f"the id {part.id!r} belongs to {other.name}"
                site.error("id-taken", message, "give the part another id", *at, "id")
            for k, name in enumerate(part.settlements or ()):
                if name not in mine:
                    message = f"{name!r} lies in {site.unit_of[name]!r}"
                    hint = "leave it out: a split shares the settlements of one unit"
                    site.error("lies-elsewhere", message, hint, *at, "settlements", k)
                if seen.setdefault(name, i) != i:
                    message = f"{name!r} stands in part {seen[name] + 1} as well"
                    site.error("named-twice", message, "name each once", *at, "settlements", k)
            if part.seat is not None and part.seat not in members[i]:
                message = f"the seat {part.seat!r} does not lie in this part"
                site.error("seat-outside", message, "name a settlement of it", *at, "seat")
        if all(p.settlements is not None for p in self.parts):
            left = [s for s in mine if s not in seen]
            if left:
                message = f"{amount(len(left), 'settlement')} of it get no part: {_some(left)}"
                hint = "name them in a part, or leave the settlements of one part out"
                site.error("orphan-settlement", message, hint, "parts")
        for i, inside in enumerate(members):
            if not inside:
                message = "nothing is left for this part"
                site.error("empties-unit", message, "leave settlements to it", "parts", i)
            elif not site.problems.has_errors(so_far):
                torn(site, self.parts[i].name, inside, home, "parts", i, "settlements")

    def _seat(self, site: Site, part: SplitPart, inside: Sequence[str], old: UnitPlan) -> str:
        """The seat as given, else the old one, else where a point is or was, else the largest."""
        for places in ({part.seat}, {old.seat}, site.points or (), site.former or ()):
            here = [s for s in inside if s in places]
            if here:
                return site.largest(here)
        return site.largest(inside)

    def describe(self, lang: Lang = "en") -> str:
        old, size = self._before, dict(self._sizes)
        name = words.named(old[0].name, old[0].id, lang) if old else self.community
        if lang == "zh":
            parts = [f"{words.named(p.name, p.id, lang)}（{size[p.id]}户）" for p in self.parts]
            return f"{self.date}：{name}拆分为{words.listed(parts, lang)}{self._say_points(lang)}。"
        parts = [f"{p.name} ({p.id}, {amount(size[p.id], 'household')})" for p in self.parts]
        said = words.listed(parts, lang) + self._say_points(lang)
        return f"{self.date}: {name} is split into {said}."

    def _say_points(self, lang: Lang) -> str:
        """The points that open, where that is sure before the run."""
        if self._opened is None or not self._opened[0]:
            return ""
        new, floor, price = self._opened
        way = say_way(self.way, price, lang, all_in_all=new > 1)
        if lang == "zh":
            return f"；新设{new}个服务点，{'每处' if new > 1 else ''}{floor:,.0f}平方米，{way}"
        each = " each" if new > 1 else ""
        points = amount(new, "service point")
        return f"; {points} {words.verb(new, 'open')}, {floor:,.0f} m2{each}, {way}"


class TransferSettlements(BoundaryLever):
    """Hands settlements of one or more communities over to a neighbouring one.

    Their people, and staff and backlog in proportion, go along; both communities keep their seats,
    points and lists of tasks.

    settlements: ids of those that move; to: id of the community that gets them; imposed: against
    the will of residents.
    """

    kind: ClassVar[str] = "transfer_settlements"

    settlements: Annotated[tuple[Id, ...], Field(min_length=1)]
    to: Id
    imposed: Flag = False
    _moved: int = PrivateAttr(default=0)

    def bind(self, site: Site) -> Self | None:
        inside = tuple(s for s in self.settlements if s not in site.outside)
        if self.to in site.outside or not inside:
            site.nothing_left(self.kind)
            return None
        if len(inside) < len(self.settlements):
            site.leave_out("settlement", len(self.settlements) - len(inside))
            return self.model_copy(update={"settlements": inside}).bind(site)
        so_far = len(site.problems.found)
        check_names(site, "settlement", self.settlements, site.unit_of, "settlements")
        if self.to not in site.units:
            site.unknown("community", self.to, site.units, "to")
        if site.problems.has_errors(so_far) or not site.sure:
            return None
        donors = list(dict.fromkeys(site.unit_of[s] for s in self.settlements))
        self._check(site, donors)
        if site.problems.has_errors(so_far):
            return None
        units = [site.units[u] for u in (*donors, self.to)]
        rows = {s: u.id for u in units for s in site.members[u.id]}
        rows |= dict.fromkeys(self.settlements, self.to)
        plan = Plan(tuple(sorted(rows.items())), tuple(sorted(units, key=lambda u: u.id)))
        lever = self._bound(site, plan)
        lever._moved = site.size(self.settlements)
        return lever

    def may_make(self, site: Site) -> set[str]:
        return set()  # both units keep their ids

    def _check(self, site: Site, donors: Sequence[str]) -> None:
        """No unit is emptied, loses its seat or falls apart, and borders are common."""
        seats = {site.units[u].seat: site.units[u].name for u in donors}
        seats |= {
            t.seat: t.name for t in site.townships.values() if t.id != site.units[self.to].township
        }
        for i, name in enumerate(self.settlements):
            if site.unit_of[name] == self.to:
                message = f"{name!r} lies in {self.to!r} already"
                site.error("already-there", message, "leave it out", "settlements", i)
            elif name in seats and not self._emptied(site, site.unit_of[name]):
                message = f"{name!r} is the seat of {seats[name]}"
                hint = "leave the seat where it is, or use redraw_communities"
                site.error("moves-seat", message, hint, "settlements", i)
        county = {u: site.townships[site.units[u].township].county for u in (*donors, self.to)}
        for donor in donors:
            if self._emptied(site, donor):
                message = f"nothing would be left of {site.units[donor].name} ({donor})"
                hint = f"merge it with {self.to!r} by merge_communities, or leave some out"
                site.error("empties-unit", message, hint, "settlements")
            elif donor != self.to:
                left = [s for s in site.members[donor] if s not in self.settlements]
                home = site.pieces(site.members[donor])
                torn(site, f"{site.units[donor].name} ({donor})", left, home, "settlements")
            if county[donor] != county[self.to]:
                message = f"{donor!r} and {self.to!r} lie in different counties"
                site.error("two-counties", message, "settlements stay in their county", "to")
        own = set(site.members[self.to])
        apart = [p for p in site.pieces(own.union(self.settlements)) if own.isdisjoint(p)]
        if apart:
            pieces = "; ".join(_some(p) for p in apart)
            message = f"no common border with {site.units[self.to].name} ({self.to}): {pieces}"
            site.error(
                "not-adjacent", message, "add those between, or leave them out", "settlements"
            )

    def _emptied(self, site: Site, unit: str) -> bool:
        return unit != self.to and set(site.members[unit]) <= set(self.settlements)

    def describe(self, lang: Lang = "en") -> str:
        named = {u.id: words.named(u.name, u.id, lang) for u in self._before}
        donors = words.listed([n for u, n in named.items() if u != self.to], lang)
        to, count = named.get(self.to, self.to), len(self.settlements)
        households = dict(self._sizes).get(self.to, 0)
        if lang == "zh":
            return (
                f"{self.date}：{count}个居民点（{self._moved}户）由{donors}划入{to}，"
                f"划入后共{households}户。"
            )
        return (
            f"{self.date}: {amount(count, 'settlement')} with {amount(self._moved, 'household')} "
            f"{words.verb(count, 'move')} from {donors} to {to}, which then has {households:,}."
        )

    def apply(self, state: State) -> None:
        redraw(state, self._plan, imposed=self.imposed)


def torn(
    site: Site, name: str, settlements: Sequence[str], before: Sequence[Sequence[str]],
    *keys: str | int,
) -> None:  # fmt: skip
    """Says where settlements would lie in more pieces than they are in now."""
    pieces = site.pieces(settlements)
    if len(pieces) > sum(not set(p).isdisjoint(settlements) for p in before):
        said = "; ".join(_some(p) for p in pieces)
        message = f"{name} would fall into {len(pieces)} pieces: {said}"
        site.error("in-pieces", message, "choose settlements so that each unit is one piece", *keys)


def _some(names: Sequence[str]) -> str:
    """The first of some ids."""
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")
