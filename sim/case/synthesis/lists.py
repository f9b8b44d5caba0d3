"""The input of a synthetic case: official unit lists before and after a reform, and margins.

`read_input` turns a folder of lists (the code tables that statistical offices publish), county
facts and `totals.yaml` into one validated `Input`. Every fault is reported with file and line,
all at once. Nothing here knows a particular place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sim.case.messages import Problems
from sim.case.schema import AGES
from sim.case.synthesis.names import kind_of_code, short_name, township_kind
from sim.case.synthesis.totals import Totals, read_totals
from sim.case.tables import Column, Table, TableSpec, read_table

__all__ = ["AGES", "Input", "Totals", "read_input"]

KINDS = {
    "社区": "community",
    "居委会": "community",
    "community": "community",
    "村": "village",
    "村委会": "village",
    "village": "village",
}
UNITS = TableSpec(
    "units",
    (
        Column("code", "id"),
        Column("county_code", "reference"),
        Column("county"),
        Column("township_code", "reference"),
        Column("township"),
        Column("name"),
        Column("township_kind", required=False, blank=True, default=""),
        Column("kind", "choice", required=False, blank=True, default="", choices=tuple(KINDS)),
    ),
)
COUNTIES = TableSpec(
    "county_facts",
    (
        Column("code", "id"),
        Column("county"),
        Column("seat_lon", "number", blank=True, low=-180, high=180, hint="degrees east"),
        Column("seat_lat", "number", blank=True, low=-90, high=90, hint="degrees north"),
        Column("area_km2", "number", required=False, blank=True, low=1e-3),
        Column(
            "registered", "number", required=False, blank=True, low=1, hint="registered persons"
        ),
    ),
)
KNOWN = TableSpec(
    "known_unit_changes",
    (Column("before_code", "reference"), Column("after_code", "reference"), Column("source")),
)
PUBLISHED = TableSpec(
    "published_facts",
    (
        Column("place"),
        Column("level"),
        Column("measure"),
        Column("value"),
        *(
            Column(name, required=False, blank=True, default="")
            for name in ("unit", "year", "source", "soundness")
        ),
    ),
)
POINTS = TableSpec(
    "township_points",
    (
        Column("township_code", "reference"),
        Column("when", "choice", choices=("before", "after")),
        Column("lon", "number", low=-180, high=180),
        Column("lat", "number", low=-90, high=90),
    ),
)


@dataclass(frozen=True)
class Input:
    """One prefecture's lists, as text ids and clean kinds, sorted by id.

    before, after: units [id, name, raw_name, kind, township, county] (references are ids);
    townships_before, townships_after: [id, name, kind, county]; counties: [id, name, lon, lat,
    area_km2, registered] (NaN where unknown); known: [before, after, source]; published: figures
    of single places; points: [township, when, lon, lat]; outlines: county id to geometry, WGS84.
    """

    folder: Path
    totals: Totals
    before: pd.DataFrame
    after: pd.DataFrame
    townships_before: pd.DataFrame
    townships_after: pd.DataFrame
    counties: pd.DataFrame
    known: pd.DataFrame
    published: pd.DataFrame | None = None
    points: pd.DataFrame | None = None
    outlines: Mapping[str, BaseGeometry] | None = None


def read_input(folder: Path) -> Input:
    """Reads and checks an input folder; raises `InputError` with every fault found.

    Needed: units_before.csv, units_after.csv, county_facts.csv, totals.yaml. Optional:
    known_unit_changes.csv, published_facts.csv, township_points.csv, county_outlines.geojson.
    """
    folder = Path(folder)
    problems = Problems()
    if not folder.is_dir():
        problems.error(
            "missing-folder",
            f"there is no folder {folder}",
            folder,
            hint="give the folder that holds units_before.csv and totals.yaml",
        )
        problems.raise_errors()
    totals = read_totals(folder / "totals.yaml", problems)
    facts = _read(folder, COUNTIES, problems)
    lists = {
        when: _read(folder, TableSpec(f"units_{when}", UNITS.columns), problems)
        for when in ("before", "after")
    }
    changes = _read(folder, KNOWN, problems, optional=True)
    places = _read(folder, PUBLISHED, problems, optional=True)
    points = _read(folder, POINTS, problems, optional=True)
    outlines = _outlines(folder / "county_outlines.geojson", problems)
    _check_lists(facts, lists, problems)
    _check_changes(changes, lists, problems)
    _check_points(points, lists, problems)
    problems.raise_errors()
    assert totals and facts and lists["before"] and lists["after"]
    before, after = lists["before"].frame, lists["after"].frame
    counties = facts.frame[facts.frame["code"].isin(before["county_code"])].rename(
        columns={"code": "id", "county": "name", "seat_lon": "lon", "seat_lat": "lat"}
    )
    return Input(
        folder,
        totals,
        _units(before),
        _units(after),
        _townships(before),
        _townships(after),
        _sorted(counties[["id", "name", "lon", "lat", "area_km2", "registered"]], "id"),
        _known(changes),
        None if places is None else places.frame,
        None
        if points is None
        else _sorted(
            points.frame[[c.name for c in POINTS.columns]].rename(
                columns={"township_code": "township"}
            ),
            "when",
            "township",
        ),
        outlines and {c: outlines[c] for c in sorted(outlines) if c in set(counties["id"])},
    )


def _read(
    folder: Path,
    spec: TableSpec,
    problems: Problems,
    optional: bool = False,
) -> Table | None:
    path = folder / f"{spec.name}.csv"
    if optional and not path.exists():
        return None
    table = read_table(path, spec, problems)
    if table is not None and table.frame.empty and not optional:
        problems.error("empty-table", f"{path.name} holds no row", path, 1)
        return None
    return table


def _sorted(table: pd.DataFrame, *by: str) -> pd.DataFrame:
    return table.sort_values(list(by), ignore_index=True)


def _units(frame: pd.DataFrame) -> pd.DataFrame:
    kinds = [
        KINDS[kind or kind_of_code(code)]
        for kind, code in zip(frame["kind"], frame["code"], strict=True)
    ]
    return _sorted(
        pd.DataFrame(
            {
                "id": frame["code"],
                "name": [short_name(n, k) for n, k in zip(frame["name"], kinds, strict=True)],
                "raw_name": frame["name"],
                "kind": kinds,
                "township": frame["township_code"],
                "county": frame["county_code"],
            }
        ),
        "id",
    )


def _townships(frame: pd.DataFrame) -> pd.DataFrame:
    towns = frame.drop_duplicates("township_code")
    kinds = [
        township_kind(kind or name)
        for kind, name in zip(towns["township_kind"], towns["township"], strict=True)
    ]
    return _sorted(
        pd.DataFrame(
            {
                "id": towns["township_code"],
                "name": towns["township"],
                "kind": kinds,
                "county": towns["county_code"],
            }
        ),
        "id",
    )


def _known(changes: Table | None) -> pd.DataFrame:
    columns = {"before_code": "before", "after_code": "after", "source": "source"}
    if changes is None:
        return pd.DataFrame(columns=list(columns.values()), dtype=str)
    return _sorted(changes.frame[list(columns)].rename(columns=columns), "before", "after")


def _check_lists(facts: Table | None, lists: dict[str, Table | None], problems: Problems) -> None:
    """Counties are known and in both lists; a township has one name, kind and county."""
    for when, table in lists.items():
        if table is None:
            continue
        frame = table.frame
        if facts is not None:
            table.unknown(problems, "county_code", facts.frame["code"], "county_facts.csv")
        same = ["township", "township_kind", "county_code"]
        first = frame.groupby("township_code")[same].transform("first")
        table.fault(
            problems,
            (frame[same] != first).any(axis=1),
            "two-townships",
            "township {value} has another name, kind or county than in an earlier line",
            "one code names one township",
            "township_code",
        )
        other = lists["after" if when == "before" else "before"]
        if other is not None:
            absent = frame["county_code"].where(
                ~frame["county_code"].duplicated()
                & ~frame["county_code"].isin(other.frame["county_code"])
            )
            table.fault(
                problems,
                absent.notna(),
                "county-in-one-list",
                f"county {{value}} has no unit in {other.path.name}",
                "both lists must cover the same counties",
                "county_code",
            )


def _check_changes(
    changes: Table | None,
    lists: dict[str, Table | None],
    problems: Problems,
) -> None:
    """Known changes name units of the lists, once each, within one county."""
    if changes is None:
        return
    counties = []
    for when, table in lists.items():
        if table is None:
            return
        column = f"{when}_code"
        changes.unknown(problems, column, table.frame["code"], table.path.name)
        county = table.frame.drop_duplicates("code").set_index("code")["county_code"]
        counties.append(changes.frame[column].map(county))
    one, two = counties
    changes.fault(
        problems,
        one.notna() & two.notna() & (one != two),
        "other-county",
        "unit {value} changes its county",
        "county boundaries are taken as fixed",
        "before_code",
    )
    changes.fault(
        problems,
        changes.frame.duplicated(["before_code", "after_code"]),
        "duplicate-id",
        "the change of {value} stands twice",
        "remove the line",
        "before_code",
    )


def _check_points(
    points: Table | None,
    lists: dict[str, Table | None],
    problems: Problems,
) -> None:
    if points is None:
        return
    for when, table in lists.items():
        if table is not None:
            here = points.frame["when"] == when
            bad = here & ~points.frame["township_code"].isin(table.frame["township_code"])
            points.fault(
                problems,
                bad,
                "unknown-id",
                f"no township {{value}} {when} the reform",
                f"a township_code of {table.path.name}",
                "township_code",
            )
    points.fault(
        problems,
        points.frame.duplicated(["township_code", "when"]),
        "duplicate-id",
        "township {value} has two points",
        "remove one",
        "township_code",
    )


def _outlines(path: Path, problems: Problems) -> dict[str, BaseGeometry] | None:
    if not path.is_file():
        return None
    try:
        features = json.loads(path.read_text(encoding="utf-8-sig"))["features"]
        found = {str(f["properties"]["code"]): shape(f["geometry"]) for f in features}
    except json.JSONDecodeError as error:
        problems.error(
            "bad-json",
            error.msg,
            path,
            error.lineno,
            error.colno,
            hint="save the polygons as GeoJSON again",
        )
        return None
    except (KeyError, TypeError, ValueError, AttributeError, ShapelyError) as error:
        problems.error(
            "bad-geojson",
            f"not a collection of county polygons ({error})",
            path,
            hint="features with properties.code and a Polygon, in lon/lat",
        )
        return None
    for code, geometry in sorted(found.items()):
        if geometry.is_empty or geometry.geom_type not in ("Polygon", "MultiPolygon"):
            problems.error(
                "bad-geojson",
                f"county {code} has no polygon",
                path,
                hint="give a Polygon or MultiPolygon in lon/lat, or leave it out",
            )
    return found
