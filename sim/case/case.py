"""A case: a district as data, read from a directory and checked as a whole.

`Case.open` reads `case.yaml` and the tables, checks each column, then what the tables say about
each other, and raises one `InputError` with everything it found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from sim.case.consistency import check_tables, counters
from sim.case.files import exists, inside, names_in
from sim.case.messages import InputError, Problem, Problems, did_you_mean
from sim.case.parameters import Parameters
from sim.case.projection import CHOOSE, projection_fault
from sim.case.schema import OPERATORS, SERVICES, STREET_TABLES, TABLES, CaseMeta
from sim.case.tables import Table, TableSpec, empty_table, find_table, is_in, read_table
from sim.case.yaml import Document, validate


@dataclass(frozen=True, eq=False)
class Case:
    """A district as data, before any lever.

    Tables are data frames with a RangeIndex; ids and choices are text, counts int64, amounts
    float64 (NaN = by rule), dates datetime64 (NaT = always). services: what there is to serve,
    first column id. streets: (nodes, edges) or None. digest: sha256 of the files read and of the
    scope. Pairs of neighbours stand once each, settlement < neighbour. outside: ids, and
    names of counties, that a scope has cut off; share: of the case's households in the scope.
    """

    path: Path
    meta: CaseMeta
    townships: pd.DataFrame
    communities: pd.DataFrame
    settlements: pd.DataFrame
    neighbours: pd.DataFrame
    facilities: pd.DataFrame
    offices: pd.DataFrame
    contracts: pd.DataFrame
    services: pd.DataFrame
    streets: tuple[pd.DataFrame, pd.DataFrame] | None
    outlines_path: Path | None
    digest: str
    warnings: tuple[Problem, ...] = field(default=(), repr=False)
    outside: frozenset[str] = field(default=frozenset(), repr=False)
    share: float = 1.0

    @staticmethod
    def there(folder: Path) -> bool:
        """Whether there is such a directory."""
        try:
            return folder.is_dir()
        except OSError:  # a name too long, say
            return False

    @staticmethod
    def open(path: str | Path) -> Case:
        """The case in the directory `path`; `InputError` with all faults otherwise."""
        folder, problems = Path(path), Problems()
        if not Case.there(folder):
            _no_case(folder, problems)
            problems.raise_errors()
        digest = hashlib.sha256()
        meta = _read_meta(folder / "case.yaml", problems)
        tables = {name: _read(folder, spec, problems) for name, spec in TABLES.items()}
        streets = _read_streets(folder, problems)
        services = _read_services(folder, problems)
        outlines = folder / "outlines.geojson"
        _stays(folder, outlines, problems)
        check_tables({k: t for k, t in tables.items() if t}, streets, services, problems)
        problems.raise_errors()
        assert meta is not None and services is not None
        read = [t for t in (*tables.values(), *(streets or ()), services) if t is not None]
        for file in sorted([folder / "case.yaml", *(t.path for t in read)], key=lambda p: p.name):
            data = file.read_bytes()
            digest.update(f"{file.name}\0{len(data)}\0".encode() + data)
        frames = {n: t.frame if t else empty_table(TABLES[n]) for n, t in tables.items()}
        frames["communities"] = _with_types(frames["communities"], frames["townships"])
        frames["offices"] = _with_townships(frames["offices"], frames["communities"])
        frames["neighbours"] = _ordered(frames["neighbours"])
        return Case(
            path=folder,
            meta=meta,
            **frames,
            services=_in_order(services.frame),
            streets=(streets[0].frame, streets[1].frame) if streets else None,
            outlines_path=outlines if outlines.is_file() else None,
            digest=digest.hexdigest(),
            warnings=tuple(problems),
        )

    @cached_property
    def parameters(self) -> Parameters:
        """The default parameters with the case's own laid over them, and its share of absent."""
        absent = {"persons.absent_share": self.meta.population.absent_share}
        return Parameters.load(absent | self.meta.parameters)

    @property
    def counties(self) -> list[str]:
        """Names of the counties, sorted."""
        return sorted(self.townships["county"].unique())

    def scoped(
        self, counties: Sequence[str] | None = None, townships: Sequence[str] | None = None
    ) -> Case:
        """The part of the case in these counties (names) and townships (ids or names).

        None means all. Facilities go with their settlement, offices with their township, contracts
        with their office; what loses an operator outside is run by the public, a counter goes with
        it. Unknown names raise `InputError`.
        """
        if counties is None and townships is None:
            return self
        table, problems = self.townships, Problems()
        keep = np.ones(len(table), dtype=bool)
        if counties is not None:
            _check_names(counties, table["county"].unique(), "county", problems)
            keep &= table["county"].isin(counties).to_numpy()
        if townships is not None:
            known = [*table["id"], *table["name"]]
            _check_names(townships, known, "township", problems)
            keep &= (table["id"].isin(townships) | table["name"].isin(townships)).to_numpy()
        if not problems.has_errors() and not keep.any():
            problems.error("empty-scope", "no township lies in the scope", self.path)
        problems.raise_errors()
        return self._cut(table[keep], repr((sorted(counties or []), sorted(townships or []))))

    def _cut(self, townships: pd.DataFrame, scope: str) -> Case:
        def within(frame: pd.DataFrame, column: str, ids: pd.Series) -> pd.DataFrame:
            return frame[is_in(frame[column], ids)].reset_index(drop=True)

        communities = within(self.communities, "township", townships["id"])
        settlements = within(self.settlements, "community", communities["id"])
        facilities = within(self.facilities, "settlement", settlements["id"])
        offices = within(self.offices, "township", townships["id"])
        near = within(self.neighbours, "settlement", settlements["id"])
        known = is_in(facilities["operator"], pd.concat([offices["id"], pd.Series(OPERATORS)]))
        # a counter goes with its staff, any other service goes on
        facilities["operator"] = facilities["operator"].where(known, "public")
        gone = counters(facilities, self.services) & ~known
        facilities = facilities[~gone].reset_index(drop=True)
        outside = ~is_in(offices["settlement"], settlements["id"])
        seats = townships.set_index("id")["seat_settlement"]
        offices["settlement"] = offices["settlement"].mask(outside, offices["township"].map(seats))
        cut = frozenset[str]().union(
            *(
                set(getattr(self, name)["id"]) - set(kept["id"])
                for name, kept in (
                    ("townships", townships),
                    ("communities", communities),
                    ("settlements", settlements),
                    ("facilities", facilities),
                )
            )
        )
        cut |= set(self.counties) - set(townships["county"])
        households = settlements["households"].sum() / max(1, self.settlements["households"].sum())
        return replace(
            self,
            outside=self.outside | cut,
            share=self.share * float(households),
            townships=townships.reset_index(drop=True),
            communities=communities,
            settlements=settlements,
            neighbours=within(near, "neighbour", settlements["id"]),
            facilities=facilities,
            offices=offices,
            contracts=within(self.contracts, "office", offices["id"]),
            digest=hashlib.sha256(f"{self.digest}\0{scope}".encode()).hexdigest(),
        )


def _no_case(folder: Path, problems: Problems) -> None:
    if exists(folder):
        hint = f"give the directory: {folder.parent}" if folder.name == "case.yaml" else ""
        problems.error("not-a-case", "a case is a directory with case.yaml", folder, hint=hint)
        return
    hint = did_you_mean(folder.name, names_in(folder.parent)) or "check the path"
    problems.error("missing-case", f"there is no directory {folder.name}", folder, hint=hint)


def _read_meta(path: Path, problems: Problems) -> CaseMeta | None:
    if not _stays(path.parent, path, problems):
        return None
    document = Document.read(path, problems)
    meta = validate(document, CaseMeta, problems) if document else None
    if document is None or meta is None:
        return None
    fault = projection_fault(meta.projection)
    if fault:
        message = f"{fault}: x and y are to be metres"
        place = document.place(("projection",), value=True)
        problems.error("bad-projection", message, path, *place, CHOOSE)
    for name, value in meta.parameters.items():
        try:
            Parameters.load({name: value})
        except InputError as error:
            for p in error.problems:
                place = document.place(("parameters", name))
                problems.error(p.code, p.message, path, *place, p.hint)
    return meta


def _read(folder: Path, spec: TableSpec, problems: Problems) -> Table | None:
    path = find_table(folder, spec.name)
    if path is None and spec.optional:
        return None
    if path is None:
        columns = ", ".join(c.name for c in spec.columns if c.required)
        problems.error(
            "missing-table",
            f"the table {spec.name}.csv is missing",
            folder / f"{spec.name}.csv",
            hint=f"make one with the columns {columns}",
        )
        return None
    return _read_inside(folder, path, spec, problems)


def _read_inside(folder: Path, path: Path, spec: TableSpec, problems: Problems) -> Table | None:
    return read_table(path, spec, problems) if _stays(folder, path, problems) else None


def _stays(folder: Path, path: Path, problems: Problems) -> bool:
    """Whether a file of a case lies in its directory; says where a link leads out of it."""
    if not path.is_symlink() or inside(path, [folder]) or not path.exists():
        return True  # `read_input` says what is wrong with a link that leads nowhere
    hint = "copy the file itself into the case"
    problems.error("outside-case", f"{path.name} is a link out of the case", path, hint=hint)
    return False


def _read_streets(folder: Path, problems: Problems) -> tuple[Table, Table] | None:
    if not any(find_table(folder, name) for name in STREET_TABLES):
        return None
    nodes, edges = (_read(folder, spec, problems) for spec in STREET_TABLES.values())
    return (nodes, edges) if nodes and edges else None


def _read_services(folder: Path, problems: Problems) -> Table | None:
    path = find_table(folder, "services")
    if path is None:
        return _usual_services(problems)
    return _read_inside(folder, path, SERVICES, problems)


def _usual_services(problems: Problems) -> Table | None:
    with resources.as_file(resources.files("sim.data") / "services.csv") as own:
        return read_table(own, SERVICES, problems)


@cache
def _usual_order() -> dict[str, int]:
    """The place of each of the usual services among them."""
    usual = _usual_services(Problems())
    assert usual is not None
    return {name: i for i, name in enumerate(usual.frame["id"])}


def _in_order(services: pd.DataFrame) -> pd.DataFrame:
    """Services in the usual order, a case's own behind them by id: draws of the residents are
    numbered by it, and the order of rows in a file must change nothing."""
    known = _usual_order()
    place = services["id"].map(lambda name: (known.get(name, len(known)), name))
    return services.loc[place.sort_values().index].reset_index(drop=True)


def _with_types(communities: pd.DataFrame, townships: pd.DataFrame) -> pd.DataFrame:
    """Fills blank types: 社区 under a street are urban, other 社区 town, 村 rural."""
    kind = communities["township"].map(townships.set_index("id")["kind"])
    rule = np.where(
        communities["kind"] == "village", "rural", np.where(kind == "street", "urban", "town")
    )
    filled = communities["type"].mask(communities["type"] == "", pd.Series(rule, dtype="str"))
    return communities.assign(type=filled)


def _with_townships(offices: pd.DataFrame, communities: pd.DataFrame) -> pd.DataFrame:
    """Fills the township of offices that name their community only."""
    upper = offices["community"].map(communities.set_index("id")["township"])
    return offices.assign(township=offices["township"].mask(offices["township"] == "", upper))


def _ordered(neighbours: pd.DataFrame) -> pd.DataFrame:
    """Each pair with the lower id first."""
    a, b = neighbours["settlement"], neighbours["neighbour"]
    return neighbours.assign(settlement=a.where(a < b, b), neighbour=b.where(a < b, a))


def _check_names(asked: Sequence[str], known: Sequence[str], noun: str, problems: Problems) -> None:
    for name in asked:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(sorted(known)[:20])}"
            problems.error("unknown-scope", f"no {noun} is called {name!r}", hint=hint)
