"""From an input folder to a case directory: what `sim build` does.

Unit lists and margins go in; lineage, population, geometry and places are made in this order,
each from the one before, and written as the tables of a case. The same input gives the same
bytes. Nothing is written before everything is made, and the files are put in place together:
whatever happens, the folder holds the old case or the new one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from shapely.geometry import Polygon

from sim.case.messages import Problems
from sim.case.synthesis.description import MARK, case_yaml, sources
from sim.case.synthesis.division import neighbours, representative_points, rounded
from sim.case.synthesis.facilities import make_facilities
from sim.case.synthesis.files import write_together
from sim.case.synthesis.land import divide, geojson, projection_of
from sim.case.synthesis.lineage import Lineage, infer
from sim.case.synthesis.lists import AGES, Input, read_input
from sim.case.synthesis.offices import make_offices
from sim.case.synthesis.population import fit
from sim.case.synthesis.report import BuildReport, make_report
from sim.case.synthesis.seats import Ground, find_seats, unit_type
from sim.case.synthesis.settlements import settle
from sim.case.synthesis.sites import find_sites

FILLED_IN = ("new_name", "nearest_code", "split")  # rules of lineage without evidence of its own
SETTLEMENTS = [
    "id", "name", "community", "group", "x", "y", "area_ha", "terrain", "compound", "households",
    "persons", *AGES,
]  # fmt: skip
LINEAGE = ["before", "before_name", "after", "after_name", "share", "rule", "evidence"]


def build(
    input_folder: Path, case_folder: Path, progress: Callable[[str], None] = lambda text: None
) -> BuildReport:
    """Makes the case of `input_folder` in `case_folder` (made if absent) and reports on it.

    Replaces only files that an earlier build wrote. Raises `InputError` for faults of the input,
    a folder that holds somebody's own case, or one that cannot be written.
    """
    input_folder, case_folder = Path(input_folder), Path(case_folder)
    _check_folders(input_folder, case_folder)
    progress("reading the lists")
    inp = read_input(input_folder)
    progress("inferring the lineage")
    line = infer(inp)
    progress("fitting the population")
    land = settle(inp, fit(inp, line))
    projection = projection_of(inp)
    progress("dividing the land")
    cells = divide(inp, land, projection)
    points = representative_points(cells)
    land = land.merge(points, on="id", validate="one_to_one").sort_values("id", ignore_index=True)
    land["area_ha"] = [round(cells[i].area / 10_000, 2) for i in land["id"]]
    progress("placing offices and facilities")
    heirs = line.pieces.loc[~line.pieces["rule"].isin(FILLED_IN), ["before", "after"]]
    ground = Ground(inp.before, inp.after, inp.townships_before, inp.townships_after, land, heirs)
    counts = {**inp.totals.facilities, **inp.totals.staff}
    tables = _tables(inp, line, ground, counts, cells)
    progress("writing the case")
    files = {
        **{name: _csv(table) for name, table in tables.items()},
        "outlines.geojson": geojson(inp, land, rounded(cells), projection),
        "sources.md": sources(input_folder).encode(),
        "case.yaml": case_yaml(inp, case_folder, projection).encode(),
    }
    write_together(case_folder, files)
    return make_report(inp, ground, tables, counts, {n: len(data) for n, data in files.items()})


def _check_folders(input_folder: Path, case_folder: Path) -> None:
    problems = Problems()
    if case_folder.resolve() == input_folder.resolve():
        problems.error(
            "same-folder",
            "the case would be written into its own input",
            case_folder,
            hint="give another folder for the case, such as the one above",
        )
    elif case_folder.exists() and not case_folder.is_dir():
        problems.error("not-a-folder", "the case needs a folder, this is a file", case_folder)
    description = case_folder / "case.yaml"
    if description.is_file() and MARK not in description.read_text("utf-8-sig", errors="replace"):
        problems.error(
            "own-case",
            "this folder holds a case that was not built by sim build",
            description,
            hint="choose another folder, so that nothing of it is lost",
        )
    problems.raise_errors()


def _tables(
    inp: Input,
    line: Lineage,
    ground: Ground,
    counts: Mapping[str, float],
    cells: Mapping[str, Polygon],
) -> dict[str, pd.DataFrame]:
    """The tables of the case by file name."""
    land, seats = ground.settlements, find_seats(ground)
    sites = find_sites(ground, seats, counts)
    offices = make_offices(ground, seats, sites, counts)
    county = inp.counties.set_index("id")["name"]

    def units(table: pd.DataFrame, towns: pd.DataFrame, seat: pd.Series) -> pd.DataFrame:
        return table.assign(type=unit_type(table, towns), seat_settlement=table["id"].map(seat))

    def townships(table: pd.DataFrame, seat: pd.Series) -> pd.DataFrame:
        return table.assign(
            county=table["county"].map(county), seat_settlement=table["id"].map(seat)
        )

    before = units(inp.before, inp.townships_before, seats.units_before)
    after = units(inp.after, inp.townships_after, seats.units_after)
    towns = townships(inp.townships_before, seats.townships_before)
    towns_after = townships(inp.townships_after, seats.townships_after)
    origins = line.pieces.assign(
        before_name=line.pieces["before"].map(before.set_index("id")["name"]),
        after_name=line.pieces["after"].map(after.set_index("id")["name"]),
    )
    return {
        "townships.csv": towns[["id", "name", "county", "kind", "seat_settlement"]],
        "communities.csv": before[["id", "name", "township", "kind", "type", "seat_settlement"]],
        "settlements.csv": land.rename(columns={"before": "community"})[SETTLEMENTS],
        "neighbours.csv": neighbours(cells),
        "facilities.csv": make_facilities(ground, seats, sites, counts),
        "offices.csv": offices,
        "reform_lineage.csv": land[["id", "after"]].set_axis(["settlement", "new_id"], axis=1),
        "reform_units.csv": after[["id", "name", "kind", "type", "township", "seat_settlement"]],
        "reform_townships.csv": towns_after[["id", "name", "kind", "county", "seat_settlement"]],
        "lineage.csv": origins[LINEAGE],
    }


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")
