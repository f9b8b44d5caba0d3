"""The tables of a redraw: lineage, units and townships, checked against the case and each other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.files import exists, inside, names_in
from sim.case.messages import near_file
from sim.case.schema import REDRAW_TABLES
from sim.case.tables import Table, TableSpec, read_table
from sim.levers.plan import Plan, TownshipPlan, UnitPlan
from sim.levers.site import Site


@dataclass(frozen=True)
class RedrawTables:
    """lineage: settlement, new_id; units and townships as in the case, after the redraw."""

    lineage: Table
    units: Table
    townships: Table | None

    @staticmethod
    def read(lineage: str, units: str, townships: str | None, site: Site) -> RedrawTables | None:
        """The tables in these files, None where one cannot be read."""
        given = {"lineage": lineage, "units": units, "townships": townships}
        tables = {
            key: read_beside(key, file, REDRAW_TABLES[key], site)
            for key, file in given.items()
            if file is not None
        }
        found = {key: table for key, table in tables.items() if table is not None}
        if len(found) < len(tables):
            return None
        return RedrawTables(found["lineage"], found["units"], found.get("townships"))

    def outside(self, site: Site) -> int:
        """Settlements that the lineage names and that lie outside the experiment's scope."""
        return sum(s not in site.unit_of for s in self.lineage.frame["settlement"])

    def together(self, site: Site) -> list[set[str]]:
        """Settlements that only one redraw can change: those whose units and townships before and
        after hang together."""
        new_of = {s: u for s, u in self._new_of().items() if s in site.unit_of}
        frame = self.units.frame
        township = dict(zip(frame["id"], frame["township"], strict=True))
        groups = _Groups()
        for settlement, new in new_of.items():
            old = site.unit_of[settlement]
            for area in (("unit", old), ("new unit", new)):
                groups.join(("settlement", settlement), area)
            if self.townships is not None:
                groups.join(("settlement", settlement), ("township", site.units[old].township))
                groups.join(("settlement", settlement), ("township", township[new]))
        found: dict[object, set[str]] = {}
        for settlement in new_of:
            found.setdefault(groups.root(("settlement", settlement)), set()).add(settlement)
        return list(found.values())

    @property
    def ids(self) -> set[str]:
        """Units, townships and counties that they name."""
        names = set(self.units.frame["id"])
        if self.townships is not None:
            names |= {*self.townships.frame["id"], *self.townships.frame["county"]}
        return names

    def sound(self, site: Site) -> bool:
        """Whether they fit the case at the lever's date and each other; says where not."""
        so_far = len(site.problems.found)
        self._check_ids(site)
        if not site.problems.has_errors(so_far):
            self._check_areas(site)
        return not site.problems.has_errors(so_far)

    def _check_ids(self, site: Site) -> None:
        """Every id that a table names exists."""
        problems, units = site.problems, self.units
        settlements = pd.Series(sorted(site.outside.union(site.unit_of)), dtype="str")
        self.lineage.unknown(problems, "settlement", settlements, "the settlements of the case")
        self.lineage.unknown(problems, "new_id", units.frame["id"], units.path.name)
        if self.townships is not None:
            areas, where = self.townships.frame["id"], self.townships.path.name
        else:
            areas = pd.Series(sorted(site.outside.union(site.townships)), dtype="str")
            where = "the townships of the case"
        if site.sure or self.townships is not None:
            units.unknown(problems, "township", areas, where)
        for table in (units, self.townships):
            if table is not None:
                table.unknown(problems, "seat_settlement", settlements, "the settlements")

    def _check_areas(self, site: Site) -> None:
        """Every unit has settlements and its seat among them, and no settlement is left over."""
        problems, units = site.problems, self.units
        new_of = self._new_of()
        ids = units.frame["id"]
        empty = ~_among(ids, set(new_of.values()))
        units.fault(
            problems,
            empty,
            "unit-without-settlement",
            "unit {value} has no settlement",
            "give it settlements in the lineage, or leave it out",
        )
        seats = units.frame["seat_settlement"]
        units.fault(
            problems,
            (seats.map(new_of) != ids) & ~empty,
            "seat-outside",
            "the seat {value} lies in another unit",
            "choose a settlement that the lineage puts into this unit",
            "seat_settlement",
        )
        if not site.sure:
            return  # nobody knows which units they redraw
        redrawn = {site.unit_of[s] for s in new_of if s in site.unit_of}
        units.fault(
            problems,
            _among(ids, set(site.units) - redrawn),
            "id-taken",
            "the id {value} belongs to a unit that the lineage does not redraw",
            "give the new unit another id, or its settlements rows in the lineage",
        )
        orphans = [s for u in redrawn for s in site.members[u] if s not in new_of]
        if orphans:
            named = ", ".join(sorted(orphans)[:5]) + (" ..." if len(orphans) > 5 else "")
            problems.error(
                "orphan-settlement",
                f"{len(orphans)} settlements of redrawn units get no unit: {named}",
                self.lineage.path,
                hint="give every settlement of a redrawn unit a row",
            )
        if self.townships is not None:
            self._check_townships(site, self.townships)

    def _check_townships(self, site: Site, townships: Table) -> None:
        """The seat of every township that has units lies in one of them."""
        of_unit = {u.id: u.township for u in site.units.values()}
        of_unit |= dict(zip(self.units.frame["id"], self.units.frame["township"], strict=True))
        unit_of = site.unit_of | self._new_of()
        lies_in = townships.frame["seat_settlement"].map(unit_of).map(of_unit)
        used = _among(townships.frame["id"], set(self.units.frame["township"]))
        townships.fault(
            site.problems,
            (lies_in != townships.frame["id"]) & lies_in.notna() & used,
            "seat-outside",
            "the seat {value} lies in another township",
            "choose a settlement of one of the township's units",
            "seat_settlement",
        )

    def plan(self, site: Site, due: Collection[str]) -> tuple[Plan, set[str]]:
        """What of it is to be done now, and the ids of the units and townships outside the scope
        of the experiment.

        A seat that the scope has cut off moves to the largest settlement inside.
        """
        here = {s: unit for s, unit in self._new_of().items() if s in site.unit_of}
        new_of = {s: unit for s, unit in here.items() if s in due}
        inside: dict[str, list[str]] = {}
        for settlement, unit in sorted(new_of.items()):
            inside.setdefault(unit, []).append(settlement)
        rows = self.units.frame.sort_values("id").to_dict("records")
        kinds = {t.id: t.kind for t in site.townships.values()}
        if self.townships is not None:
            kinds |= dict(
                zip(self.townships.frame["id"], self.townships.frame["kind"], strict=True)
            )
        units = tuple(
            UnitPlan(
                r["id"],
                r["name"],
                r["kind"],
                r["type"] or _default_type(r["kind"], kinds.get(r["township"], "")),
                r["township"],
                _seat(r["seat_settlement"], inside[r["id"]], site),
            )
            for r in rows
            if r["id"] in inside
        )
        living = set(here.values())
        cut = {r["id"] for r in rows if r["id"] not in living}
        if self.townships is not None:
            used = {r["township"] for r in rows if r["id"] in living}
            cut |= set(self.townships.frame["id"]) - used
        townships = self._townships(units, inside, site)
        return Plan(tuple(sorted(new_of.items())), units, townships), cut

    def _townships(
        self, units: tuple[UnitPlan, ...], inside: dict[str, list[str]], site: Site
    ) -> tuple[TownshipPlan, ...]:
        if self.townships is None:
            return ()
        settlements: dict[str, list[str]] = {}
        for u in units:
            settlements.setdefault(u.township, []).extend(inside[u.id])
        rows = self.townships.frame.sort_values("id").to_dict("records")
        return tuple(
            TownshipPlan(
                r["id"],
                r["name"],
                r["kind"],
                r["county"],
                _seat(r["seat_settlement"], settlements[r["id"]], site),
            )
            for r in rows
            if r["id"] in settlements
        )

    def _new_of(self) -> dict[str, str]:
        frame = self.lineage.frame
        return dict(zip(frame["settlement"], frame["new_id"], strict=True))


class _Groups:
    """Things that are joined two by two, and what stands for each group."""

    def __init__(self) -> None:
        self._of: dict[object, object] = {}

    def root(self, thing: object) -> object:
        """What stands for the group of a thing."""
        while (above := self._of.setdefault(thing, thing)) != thing:
            self._of[thing] = self._of.setdefault(above, above)
            thing = above
        return thing

    def join(self, one: object, other: object) -> None:
        """Makes the groups of two things one."""
        self._of[self.root(one)] = self.root(other)


def read_beside(key: str, file: str, spec: TableSpec, site: Site) -> Table | None:
    """The table in a file that a key names, beside the scenario; None after saying why not."""
    assert site.standing is not None
    folder = site.standing.document.path.parent
    path = folder / file
    if not inside(path, site.roots):
        message = f"{file} lies outside the case's directory"
        site.error("outside-case", message, "name a file of the case", key)
    elif not exists(path):
        near = near_file(file, names_in(folder, ".csv", ".xlsx"))
        hint = near or "tables lie beside the scenario"
        site.error("missing-file", f"there is no table {file!r}", hint, key)
    else:
        return read_table(path, spec, site.problems)
    return None


def _among(ids: pd.Series, known: set[str]) -> np.ndarray:
    return np.array([name in known for name in ids], dtype=bool)


def _seat(seat: str, inside: list[str], site: Site) -> str:
    return seat if seat in site.unit_of else site.largest(inside)


def _default_type(kind: str, township: str) -> str:
    if kind == "village":
        return "rural"
    return "urban" if township == "street" else "town"
