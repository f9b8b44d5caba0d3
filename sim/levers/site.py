"""The case as the levers so far leave it: what a lever may name at its date, and where its faults
go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from sim.case.case import Case
from sim.case.faults import SHORTENED as DAMAGED
from sim.case.messages import Problems, near_id
from sim.case.schema import ROLES, UNIT_KINDS
from sim.case.yaml import Document, KeyPath
from sim.levers.ground import Ground
from sim.levers.plan import Plan, Points, TownshipPlan, UnitPlan, number_kept
from sim.levers.points import POINT_SERVICES
from sim.world.supply import STATION, STATION_SERVICE


@dataclass(frozen=True)
class Standing:
    """Where a lever stands: its file, the keys that lead to it, and its date."""

    document: Document
    keys: KeyPath
    date: date

    def place(self, *keys: str | int) -> tuple[int, int]:
        """Line and column of the lever, or of the value of one of its keys."""
        return self.document.place((*self.keys, *keys), value=bool(keys))

    def __str__(self) -> str:
        return f"{self.document.path.name}, line {self.place()[0]}"


@dataclass(frozen=True)
class Place:
    """A facility that is open or decided: what it offers, the settlement it lies in, hours a week,
    m2 of service floor (of a station), whether it is open to everyone, and whether it is the point
    of a unit: its counter or culture room."""

    services: tuple[str, ...]
    settlement: str
    hours: float = 0.0
    service_floor: float = 0.0
    to_everyone: bool = True
    point: bool = False


@dataclass
class Site(Ground):
    """Ids and what they mean at the date of the lever under check.

    unit_of: unit of each settlement; members: settlements of each unit; units, townships,
    facilities: those there are; points: settlements with a counter or culture room of a
    unit, None once nobody can say before the run; posts: how many a unit or township
    has, by id, where that is sure before the run; ended: id of a unit or township -> the lever
    that ended it and those that followed. outside: ids that lie outside the scope. sure: False
    once a faulty lever leaves it open what units there are; then any id may name one where
    `anything`, else those that are `named`. loose, adrift: units whose settlements, and whose
    township, such a lever leaves open. redrawn: whether a lever has redrawn any. former:
    settlements of points that redraws have closed, None once nobody can say. uncertain: services
    of which nobody can say before the run where they are. growing: day from which a
    facility named by a lever is larger. given: share of the office floor of a settlement that is
    given to activities. left_out: rows of levers outside the scope, by what they are. opened:
    streets that levers have opened.
    """

    folder: Path
    problems: Problems
    unit_of: dict[str, str]
    members: dict[str, list[str]]
    units: dict[str, UnitPlan]
    townships: dict[str, TownshipPlan]
    facilities: dict[str, Place]
    outside: set[str]
    points: set[str] | None
    posts: dict[str, int]
    ended: dict[str, tuple[Standing, list[str]]] = field(default_factory=dict)
    merged: dict[str, Standing] = field(default_factory=dict)
    closed: dict[str, Standing] = field(default_factory=dict)
    growing: dict[str, date] = field(default_factory=dict)
    given: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    opened: set[tuple[Any, ...]] = field(default_factory=set)
    sure: bool = True
    anything: bool = False
    named: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    adrift: set[str] = field(default_factory=set)
    redrawn: bool = False
    former: set[str] | None = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)
    standing: Standing | None = None

    @staticmethod
    def of(case: Case, folder: Path, problems: Problems) -> Site:
        """The case before any lever; folder: that of the scenario."""
        unit_of = dict(zip(case.settlements["id"], case.settlements["community"], strict=True))
        offices = case.offices
        of_units = set(offices["id"][offices["kind"].isin(UNIT_KINDS)])
        facilities, points = {}, set()
        names = ("id", "services", "settlement", "operator", "hours_week", "floor_m2", "open_to")
        columns = [case.facilities[c].tolist() for c in names]
        for name, said, settlement, operator, hours, floor, open_to in zip(*columns, strict=True):
            services = tuple(s.strip() for s in said.split(";"))
            station = floor if STATION_SERVICE in services else 0.0
            point = operator in of_units and not set(POINT_SERVICES).isdisjoint(services)
            facilities[name] = Place(
                services, settlement, hours, station, open_to == "everyone", point
            )
            if point:
                points.add(settlement)
        return Site(
            case=case,
            folder=folder,
            problems=problems,
            unit_of=unit_of,
            members=_members(unit_of.items()),
            units={
                r["id"]: UnitPlan(
                    r["id"], r["name"], r["kind"], r["type"], r["township"], r["seat_settlement"]
                )
                for r in case.communities.to_dict("records")
            },
            townships={
                r["id"]: TownshipPlan(
                    r["id"], r["name"], r["kind"], r["county"], r["seat_settlement"]
                )
                for r in case.townships.to_dict("records")
            },
            facilities=facilities,
            outside=set(case.outside),
            points=points,
            posts=dict.fromkeys(case.townships["id"], 0) | _posts(offices),
        )

    def _names(self, noun: str) -> Iterator[tuple[str, str]]:
        """Ids and names of what a noun may mean."""
        if "township" in noun:
            yield from ((t.id, t.name) for t in self.townships.values())
        if "community" in noun:
            yield from ((u.id, u.name) for u in self.units.values())
        if noun in ("settlement", "facility"):
            table = self.case.settlements if noun == "settlement" else self.case.facilities
            yield from zip(table["id"], table["name"], strict=True)

    def error(self, code: str, message: str, hint: str, *keys: str | int) -> None:
        """A fault of the lever under check, at the value of one of its keys."""
        self._say("error", code, message, hint, *keys)

    def warn(self, code: str, message: str, *keys: str | int, hint: str = "") -> None:
        """A remark on the lever under check."""
        self._say("warning", code, message, hint, *keys)

    def leave_out(self, what: str, number: int) -> None:
        """Counts what lies outside the scope."""
        if number:
            self.left_out[what] = self.left_out.get(what, 0) + number

    def nothing_left(self, lever: str) -> None:
        """Says that nothing of the lever lies in the scope."""
        self.leave_out(lever, 1)
        self.warn("nothing-left", f"nothing of this {lever} lies in the scope: it is left out")

    def facility(self, name: str, *keys: str | int) -> Place | None:
        """The facility of this id; says so where there is none, or none any more."""
        earlier = self.closed.get(name)
        if earlier is not None:
            self.error(
                "closed-already",
                f"the facility {name!r} is closed on {earlier.date} ({earlier})",
                "leave one of the two out",
                *keys,
            )
        elif name not in self.facilities:
            self.unknown("facility", name, set(self.case.facilities["id"]), *keys)
        return self.facilities.get(name)

    def unknown(self, noun: str, name: str, known: Collection[str], *keys: str | int) -> None:
        """Says that an id names nothing at the lever's date, and why."""
        if name in self.ended:
            lever, heirs = self.ended[name]
            after = " or ".join(repr(h) for h in heirs)
            message = f"{noun} {name!r} ended on {lever.date} ({lever})"
            self.error("ended", message, f"since then its place is {after}", *keys)
            return
        of_units = noun in ("community", "township", "township or community", "county")
        if of_units and not self.sure and (self.anything or name in self.named):
            return  # a lever that is at fault itself may have made it
        if DAMAGED.fullmatch(name):
            message = f"{noun} {name!r} was damaged by a spreadsheet program"
            self.error("damaged-id", message, "write the whole id, in quotes", *keys)
            return
        all_of_them = f"the case's tables list every {noun}"
        if noun == "facility":
            all_of_them += "; what a lever adds has no id here: change that lever instead"
        hint = near_id(name, known, self._names(noun)) or all_of_them
        self.error("unknown-id", f"there is no {noun} {name!r} at this date", hint, *keys)

    @property
    def roots(self) -> tuple[Path, Path]:
        """The directories in which files that a scenario names must lie."""
        return self.case.path, self.folder

    def copy(self) -> Site:
        """One to try a lever on: what it says and does stays there."""
        own: dict[str, Any] = {
            f.name: copy(value)
            for f in fields(self)
            if isinstance(value := getattr(self, f.name), dict | set)
        }
        return replace(self, problems=Problems(), **own)

    def connected(self, units: Collection[str]) -> bool:
        """Whether common borders connect these units; a case without a table of neighbours
        cannot say, so True."""
        if not self.neighbours:
            return True
        first = next(iter(units))
        reached, front = {first}, [first]
        while front:
            for settlement in self.members[front.pop()]:
                for near in self.neighbours.get(settlement, ()):
                    unit = self.unit_of.get(near, "")
                    if unit in units and unit not in reached:
                        reached.add(unit)
                        front.append(unit)
        return reached == set(units)

    def changed(self, plan: Plan) -> list[tuple[UnitPlan, list[str]]]:
        """The units of a plan that do not carry on as they are, with their settlements."""
        members = _members(plan.unit_of)
        return [(u, members[u.id]) for u in plan.units if not self._same(u, members[u.id])]

    def close(self, name: str) -> None:
        """Closes a facility; where it was the last of a point, the point has ended."""
        assert self.standing is not None
        place, self.closed[name] = self.facilities.pop(name), self.standing
        if place.point and self.points is not None and not self._of_point(place.settlement):
            self.points.discard(place.settlement)

    def _of_point(self, settlement: str) -> list[Place]:
        """What is left of the point that the case has in a settlement."""
        return [p for p in self.facilities.values() if p.point and p.settlement == settlement]

    def _has_counter(self, settlement: str) -> bool:
        """Whether the point there is more than a culture room; a lever's has a counter."""
        left = self._of_point(settlement)
        return not left or any(not set(STATION).isdisjoint(p.services) for p in left)

    def redraw(self, plan: Plan, points: Points | None) -> tuple[int, int] | None:
        """Carries a redraw out on the ids; returns the old counters beside the new seats and how
        many of them are kept, None where an earlier lever leaves that open."""
        assert self.standing is not None
        self.redrawn = True
        self.uncertain |= set(POINT_SERVICES)
        members = _members(plan.unit_of)
        others: list[str] = []
        for unit, settlements in self.changed(plan):
            if self.points is not None:
                others += [s for s in settlements if s in self.points and s != unit.seat]
                self.points.add(unit.seat)
        self._forget_posts(plan, members)
        heirs: dict[str, list[str]] = {}  # in the order of settlements
        for settlement, unit_id in plan.unit_of:
            after = heirs.setdefault(self.unit_of[settlement], [])
            if unit_id not in after:
                after.append(unit_id)
        self.unit_of.update(plan.unit_of)
        for old in heirs:
            del self.members[old], self.units[old]
        self.members.update(members)
        self.units.update({u.id: u for u in plan.units})
        self.ended.update({o: (self.standing, h) for o, h in heirs.items() if o not in self.units})
        used = {u.township for u in self.units.values()}
        known = self.townships | {t.id: t for t in plan.townships}
        for name in sorted(set(self.townships) - used):
            heir = self.units[self.unit_of[known[name].seat]].township
            self.ended[name] = (self.standing, [heir])
        self.townships = {name: t for name, t in known.items() if name in used}
        for name in [*(u.id for u in plan.units), *(t.id for t in plan.townships)]:
            self.ended.pop(name, None)
        if self.points is None:
            self.former = None
            return None
        counters = sum(self._has_counter(s) for s in others)
        if points is None:
            if self.former is not None:
                self.former -= self.points
            return counters, counters
        kept = number_kept(points, len(others))
        if kept == 0:
            self.points -= set(others)
            if self.former is not None:
                self.former = (self.former | set(others)) - self.points
        elif kept < len(others):
            self.points = self.former = None
            if counters < len(others):
                return None  # which of them are kept is for the run to say
        return counters, min(kept, counters)

    def _forget_posts(self, plan: Plan, members: dict[str, list[str]]) -> None:
        """Nobody knows the posts of units that change, nor of townships that gain or lose units."""
        for unit in plan.units:
            before = [self.units[self.unit_of[s]] for s in members[unit.id]]
            if not self._same(unit, members[unit.id]):
                for name in (unit.id, *(u.id for u in before)):
                    self.posts.pop(name, None)
            townships = {unit.township, *(u.township for u in before)}
            for name in townships if len(townships) > 1 else ():
                self.posts.pop(name, None)

    def _same(self, unit: UnitPlan, settlements: list[str]) -> bool:
        old = self.units.get(unit.id)
        return (
            old is not None
            and (old.kind, old.seat) == (unit.kind, unit.seat)
            and set(self.members[unit.id]) == set(settlements)
        )

    def _say(self, severity: str, code: str, message: str, hint: str, *keys: str | int) -> None:
        assert self.standing is not None
        add = self.problems.error if severity == "error" else self.problems.warning
        add(code, message, self.standing.document.path, *self.standing.place(*keys), hint=hint)


def _posts(offices: pd.DataFrame) -> dict[str, int]:
    """Posts of each office by the unit or the township it belongs to; a township may have none."""
    counts = offices[list(ROLES)].fillna(0).sum(axis=1).astype(int)
    of_unit = offices["kind"].isin(UNIT_KINDS)
    place = offices["community"].where(of_unit, offices["township"])
    return dict(zip(place, counts.tolist(), strict=True))


def _members(unit_of: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Settlements of each unit, in the order given."""
    members: dict[str, list[str]] = {}
    for settlement, unit in unit_of:
        members.setdefault(unit, []).append(settlement)
    return members
