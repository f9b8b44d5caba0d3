"""From an input folder to a case directory: what `sim build` does.

Unit lists and margins go in; lineage, population, geometry and places are made in this order,
each from the one before, and written as the tables of a case. The same input gives the same
bytes. Nothing is written before everything is made, and the files are put in place together:
whatever happens, the folder holds the old case or the new one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from sim.case.messages import InputError, Problem, Problems
from sim.case.synthesis import division, lineage, lists, places, population

DEFAULT_START = dt.date(2020, 1, 6)
MARK = "input_digest:"  # a folder whose case.yaml lacks this key holds a person's own case
FILLED_IN = ("new_name", "nearest_code", "split")  # rules of lineage without evidence of its own
LINEAGE = ["before", "before_name", "after", "after_name", "share", "rule", "evidence"]

DESCRIPTION = """\
# A case made by `sim build` from a folder of official lists and margins. Building again replaces
# this file and the tables beside it; to edit the case by hand, copy it without input_digest.
title: {title}
start: {start}
projection: {projection}  # of all x and y, in whole metres
seed: {seed}  # of everything synthetic
population:
  basis: registered  # persons and households are registered ones (户籍)
  persons_per_household: {per_household}
  absent_share: {absent}  # registered here, living elsewhere
parameters: {{}}  # the case's own values of the model's parameters: name, colon, value

# real = stands in an official or published source; inferred = concluded from such by stated
# rules; synthetic = made by rules and the seed, right in its sums only.
provenance:
{provenance}
sources: {sources}  # files of the input; sources.md says where each comes from
input_digest: {digest}  # SHA-256; the same input gives the same case
"""
# Table, columns, what they are, how they were made.
PROVENANCE = (
    ("townships", "id name county kind", "real", "official list before the reform"),
    ("townships", "seat_settlement", "inferred",
     "unit of the township's name, else its first 社区, else its largest unit"),
    ("communities", "id name township kind", "real", "official list before the reform"),
    ("communities", "type", "inferred", "社区 under a street urban, other 社区 town, 村 rural"),
    ("communities", "seat_settlement", "synthetic", "the most populous settlement"),
    ("settlements", "id name community group", "synthetic", "one per residents' group"),
    ("settlements", "x y area_ha", "synthetic", "nested division with fitted areas, {geometry}"),
    ("settlements", "households persons age_*", "synthetic",
     "lognormal sizes fitted to the published margins"),
    ("settlements", "terrain compound", "synthetic", "by density and by kind of unit"),
    ("neighbours", "settlement neighbour", "synthetic", "cells with a common border"),
    ("offices", "id name kind community township", "inferred",
     "one per unit and township of the official list"),
    ("offices", "committee community_worker certified", "synthetic",
     "by persons; sums under 社区 after the reform as published, where given"),
    ("offices", "settlement grid window social_worker windows hours_week floor_m2 office_share",
     "synthetic", "at the seat, by standards and rules of the model"),
    ("facilities", "id name settlement x y", "synthetic",
     "placed by rule; numbers of care facilities as published after the reform, where given"),
    ("facilities", "services operator floor_m2 capacity hours_week office_hours_only open_to "
     "opened", "synthetic", "standards and rules of the model"),
    ("reform_townships", "id name kind county", "real", "official list after the reform"),
    ("reform_townships", "seat_settlement", "inferred",
     "seat of the old township of that name, else of the largest"),
    ("reform_units", "id name kind township", "real", "official list after the reform"),
    ("reform_units", "type seat_settlement", "inferred",
     "seat of the old unit whose name lives on, else of the largest"),
    ("lineage", "before after", "inferred",
     "names, codes and known changes; each row has its rule and evidence"),
    ("lineage", "share", "synthetic", "parts of the units that were split"),
    ("reform_lineage", "settlement new_id", "synthetic", "settlements carry their unit's lineage"),
    ("outlines", "county settlement", "synthetic", "{geometry}"),
)
SOURCES = """\
# What the builder added

The tables of this case were made from the files above by `sim build`. Names, codes and kinds of
units and townships are those of the official lists. Which old unit went where is inferred from
names and codes. People, land, settlements, offices, staff and facilities are synthetic: their
sums meet the published figures of totals.yaml, their places and single values are made by stated
rules and a fixed seed. case.yaml says so per table and column group. Whoever knows better data
for a place puts them in instead.
"""


@dataclass(frozen=True)
class BuildReport:
    """What was built, beside what is published.

    counts: numbers of things; margins and places: measure, published, placed; published: single
    published places compared, never fitted; splits: old units in several new ones; spanning: new
    units over several old townships; cut: old townships over several new ones; scattered: what
    is not in one piece on the ground, as texts; files: bytes by file name.
    """

    counts: Mapping[str, int]
    margins: pd.DataFrame
    places: pd.DataFrame
    published: pd.DataFrame
    splits: tuple[str, ...]
    spanning: tuple[str, ...]
    cut: tuple[str, ...]
    scattered: tuple[str, ...]
    files: Mapping[str, int]

    def to_text(self) -> str:
        """The report as plain text, for the terminal."""
        lines = ["Built:"]
        lines += [f"  {name:<34}{number:>12,}" for name, number in self.counts.items()]
        lines += ["", "Margins and counts against the published ones:", _compared(self.margins),
                  "", "Staff and facilities under communities after the redraw:",
                  _compared(self.places)]
        if len(self.published):
            lines += ["", "Published places, compared and not fitted:",
                      *(f"  {row.place}, {row.measure} ({row.year}, {row.soundness}): "
                        f"{row.published:,.10g} {row.unit}, here {row.fitted:,.4f}".rstrip("0")
                        .rstrip(".") + f" ({row.deviation_pct:+.1f} %)"
                        for row in self.published.itertuples())]
        for title, names in (("Old units split over new ones", self.splits),
                             ("New units over several old townships", self.spanning),
                             ("Old townships that the reform cut through", self.cut),
                             ("Not in one piece on the ground", self.scattered)):
            lines += ["", f"{title}: {len(names)}", *(f"  {name}" for name in names)]
        lines += ["", f"Files: {len(self.files)}, {sum(self.files.values()) / 1e6:.1f} MB"]
        return "\n".join(lines) + "\n"


def _compared(table: pd.DataFrame) -> str:
    lines = []
    for measure, published, placed in table[["measure", "published", "placed"]].itertuples(
            index=False):
        known = published is not None and not pd.isna(published)
        deviation = f"{100 * (placed / published - 1):+.2f} %" if known and published else ""
        lines.append(f"  {measure:<40}{f'{published:,.10g}' if known else '':>14}"
                     f"{placed:>16,.10g}{deviation:>10}")
    return "\n".join(lines)


def build(input_folder: Path, case_folder: Path,
          progress: Callable[[str], None] = lambda text: None) -> BuildReport:
    """Makes the case of `input_folder` in `case_folder` (made if absent) and reports on it.

    Replaces only files that an earlier build wrote. Raises `InputError` for faults of the input,
    a folder that holds somebody's own case, or one that cannot be written.
    """
    input_folder, case_folder = Path(input_folder), Path(case_folder)
    _check_folders(input_folder, case_folder)
    progress("reading the lists")
    inp = lists.read_input(input_folder)
    progress("inferring the lineage")
    line = lineage.infer(inp)
    progress("fitting the population")
    land = population.settle(inp, population.fit(inp, line))
    projection = _projection(inp)
    progress("dividing the land")
    cells = _divide(inp, land, projection)
    points = division.representative_points(cells)
    land = land.merge(points, on="id", validate="one_to_one").sort_values("id", ignore_index=True)
    land["area_ha"] = [round(cells[i].area / 10_000, 2) for i in land["id"]]
    progress("placing offices and facilities")
    heirs = line.pieces.loc[~line.pieces["rule"].isin(FILLED_IN), ["before", "after"]]
    ground = places.Ground(inp.before, inp.after, inp.townships_before, inp.townships_after, land,
                           heirs)
    counts = {**inp.totals.facilities, **inp.totals.staff}
    tables = _tables(inp, line, ground, counts, cells)
    progress("writing the case")
    files = {**{name: _csv(table) for name, table in tables.items()},
             "outlines.geojson": _geojson(inp, land, division.rounded(cells), projection),
             "sources.md": _sources(input_folder).encode(),
             "case.yaml": _case_yaml(inp, case_folder, projection).encode()}
    write_together(case_folder, files)
    return _report(inp, line, ground, tables, cells, counts,
                   {name: len(data) for name, data in files.items()})


def _check_folders(input_folder: Path, case_folder: Path) -> None:
    problems = Problems()
    if case_folder.resolve() == input_folder.resolve():
        problems.error("same-folder", "the case would be written into its own input", case_folder,
                       hint="give another folder for the case, such as the one above")
    elif case_folder.exists() and not case_folder.is_dir():
        problems.error("not-a-folder", "the case needs a folder, this is a file", case_folder)
    description = case_folder / "case.yaml"
    if description.is_file() and MARK not in description.read_text("utf-8-sig", errors="replace"):
        problems.error("own-case", "this folder holds a case that was not built by sim build",
                       description, hint="choose another folder, so that nothing of it is lost")
    problems.raise_errors()


def _projection(inp: lists.Input) -> str:
    """The given projection, checked, or else the UTM zone in which the counties lie."""
    given = inp.totals.projection
    if given:
        try:
            crs = pyproj.CRS.from_user_input(given)
            sound = crs.is_projected and crs.axis_info[0].unit_name == "metre"
        except pyproj.exceptions.CRSError:
            sound = False
        if not sound or not re.fullmatch(r"EPSG:\d{4,6}", given):
            raise InputError([Problem(
                "bad-projection", f"{given!r} is no projection in metres",
                inp.folder / "totals.yaml",
                hint="such as EPSG:32648 (UTM zone 48 north), or leave it out")])
        return given
    lon, lat = inp.counties["lon"].mean(), inp.counties["lat"].mean()
    if pd.isna(lon) and inp.outlines:
        box = shapely.total_bounds(list(inp.outlines.values()))
        lon, lat = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if pd.isna(lon) or pd.isna(lat):
        raise InputError([Problem(
            "no-seat", "no county has a seat or an outline", inp.folder / "county_facts.csv",
            hint="give seat_lon and seat_lat of each county")])
    zone = min(60, int((lon + 180) // 6) + 1)
    return f"EPSG:{32600 + zone if lat >= 0 else 32700 + zone}"


def _check_outlines(inp: lists.Input, outlines: Mapping[str, BaseGeometry]) -> None:
    """An outline far from the published area is in other units, or of another place."""
    problems, known = Problems(), inp.counties.set_index("id")
    for ident, outline in outlines.items():
        km2 = outline.area / 1e6 if np.isfinite(outline.bounds).all() else np.nan
        area = known["area_km2"].get(ident, np.nan)
        if not km2 > 0.01 or km2 < area / 2 or km2 > 2 * area:
            problems.error(
                "bad-outline", f"the outline of county {ident} has {km2:,.1f} km2, county_facts "
                f"{area:,.1f}", inp.folder / "county_outlines.geojson",
                hint="GeoJSON is in degrees of longitude and latitude (WGS84), each code once")
    problems.raise_errors()


def _divide(inp: lists.Input, land: pd.DataFrame, projection: str) -> dict[str, Polygon]:
    """The cell of every settlement, county by county, in metres of the projection."""
    to_plane = pyproj.Transformer.from_crs("EPSG:4326", projection, always_xy=True).transform
    table = land[["id", "before", "after"]].assign(
        weight=land["area_km2"], county=land["before"].map(inp.before.set_index("id")["county"]),
        township_before=land["before"].map(inp.before.set_index("id")["township"]),
        township_after=land["after"].map(inp.after.set_index("id")["township"]))
    counties = inp.counties.assign(area_km2=inp.counties["id"].map(
        table.groupby("county")["weight"].sum()))
    counties["x"], counties["y"] = to_plane(counties["lon"].to_numpy(),
                                            counties["lat"].to_numpy())
    given = {i: shapely.transform(g, lambda c: np.column_stack(to_plane(c[:, 0], c[:, 1])))
             for i, g in (inp.outlines or {}).items()}
    _check_outlines(inp, given)
    for row in counties.index[counties["lon"].isna() | counties["lat"].isna()]:
        if counties.loc[row, "id"] not in given:
            raise InputError([Problem(
                "no-seat", f"county {counties.loc[row, 'name']} has neither a seat nor an outline",
                inp.folder / "county_facts.csv", hint="give seat_lon and seat_lat")])
        point = given[counties.loc[row, "id"]].representative_point()
        counties.loc[row, ["x", "y"]] = point.x, point.y
    missing = counties[~counties["id"].isin(given)]
    outlines = {**given, **division.schematic_outlines(missing)} if len(missing) else given

    kinds = inp.townships_after.set_index("id")["kind"]
    points: dict[str, dict[str, tuple[float, float]]] = {"after": {}, "before": {}}
    if inp.points is not None:
        for point in inp.points.itertuples():
            points[point.when][point.township] = to_plane(point.lon, point.lat)
    cells: dict[str, Polygon] = {}
    for county in counties.sort_values("id").itertuples():
        part = table[table["county"] == county.id].drop(columns="county")
        seat, outline = (county.x, county.y), outlines[county.id]
        towns = part.groupby("township_after", sort=True)["weight"].sum().rename_axis("id")
        towns = towns.reset_index().assign(kind=lambda t: t["id"].map(kinds))
        real = {t: points["after"][t] for t in towns["id"] if t in points["after"]}
        try:
            anchors = real or division.pseudo_anchors(towns, outline, seat, inp.totals.seed)
            cells |= division.divide_county(outline, part, anchors, seat, inp.totals.seed,
                                            points["before"])
        except ValueError as error:
            raise InputError([Problem(
                "bad-outline", f"county {county.name} cannot be divided: {error}",
                inp.folder / "county_outlines.geojson",
                hint="give a simple polygon, or leave it out")]) from error
    return cells


def _tables(inp: lists.Input, line: lineage.Lineage, ground: places.Ground,
            counts: Mapping[str, float], cells: Mapping[str, Polygon]) -> dict[str, pd.DataFrame]:
    """The tables of the case by file name."""
    land, seats = ground.settlements, places.find_seats(ground)
    sites = places.find_sites(ground, seats, counts)
    offices = places.make_offices(ground, seats, sites, counts)
    county = inp.counties.set_index("id")["name"]

    def units(table: pd.DataFrame, towns: pd.DataFrame, seat: pd.Series) -> pd.DataFrame:
        return table.assign(type=places.unit_type(table, towns),
                            seat_settlement=table["id"].map(seat))

    def townships(table: pd.DataFrame, seat: pd.Series) -> pd.DataFrame:
        return table.assign(county=table["county"].map(county),
                            seat_settlement=table["id"].map(seat))

    before = units(inp.before, inp.townships_before, seats.units_before)
    after = units(inp.after, inp.townships_after, seats.units_after)
    towns = townships(inp.townships_before, seats.townships_before)
    towns_after = townships(inp.townships_after, seats.townships_after)
    origins = line.pieces.assign(
        before_name=line.pieces["before"].map(before.set_index("id")["name"]),
        after_name=line.pieces["after"].map(after.set_index("id")["name"]))
    return {
        "townships.csv": towns[["id", "name", "county", "kind", "seat_settlement"]],
        "communities.csv": before[["id", "name", "township", "kind", "type", "seat_settlement"]],
        "settlements.csv": land.rename(columns={"before": "community"})[
            ["id", "name", "community", "group", "x", "y", "area_ha", "terrain", "compound",
             "households", "persons", *lists.AGES]],
        "neighbours.csv": division.neighbours(cells),
        "facilities.csv": places.make_facilities(ground, seats, sites, counts),
        "offices.csv": offices,
        "reform_lineage.csv": land[["id", "after"]].set_axis(["settlement", "new_id"], axis=1),
        "reform_units.csv": after[["id", "name", "kind", "type", "township", "seat_settlement"]],
        "reform_townships.csv": towns_after[["id", "name", "kind", "county", "seat_settlement"]],
        "lineage.csv": origins[LINEAGE],
    }


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode("utf-8-sig")


def _geojson(inp: lists.Input, land: pd.DataFrame, cells: Mapping[str, Polygon],
             projection: str) -> bytes:
    """Counties and settlements, one feature a line, in whole metres of the projection."""
    county_of = land["before"].map(inp.before.set_index("id")["county"])
    shapes = []
    for county in inp.counties.sort_values("id").itertuples():
        inside = [cells[i] for i in land.loc[county_of == county.id, "id"]]
        whole = max(shapely.get_parts(shapely.union_all(inside)), key=lambda part: part.area)
        shapes.append(("county", county.id, county.name, whole))
    shapes += [("settlement", row.id, row.name_, cells[row.id])
               for row in land[["id", "name"]].set_axis(["id", "name_"], axis=1).itertuples()]
    features = []
    for level, ident, name, shape in shapes:
        ring = np.rint(np.asarray(shape.exterior.coords)).astype(int).tolist()
        features.append(json.dumps(
            {"type": "Feature", "properties": {"level": level, "id": ident, "name": name},
             "geometry": {"type": "Polygon", "coordinates": [ring]}},
            ensure_ascii=False, separators=(",", ":")))
    note = json.dumps(f"whole metres in {projection}, not longitude and latitude")
    head = f'{{"type":"FeatureCollection","crs_note":{note},"features":[\n'
    return (head + ",\n".join(features) + "\n]}\n").encode()


def _input_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] not in ".~")


def digest(folder: Path) -> str:
    """SHA-256 of the input files' names and contents; line ends of other systems count alike."""
    total = hashlib.sha256()
    for path in _input_files(folder):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def _case_yaml(inp: lists.Input, case_folder: Path, projection: str) -> str:
    """The case's description; its texts say per table and column group what is real."""
    totals = inp.totals
    title = totals.title or case_folder.resolve().name
    title = {"en": title, "zh": title} if isinstance(title, str) else title
    geometry = ("within the real outlines of the counties" if inp.outlines else
                "within schematic county outlines of the real area")
    geometry += (", around real township points" if inp.points is not None else
                 ", streets near the county seat and other townships around them")
    rows, table = [], ""
    for name, columns, what, how in PROVENANCE:
        rows += [f"  {name}:"] if name != table else []
        text = json.dumps(how.format(geometry=geometry), ensure_ascii=False)
        names = ", ".join(f'"{c}"' if "*" in c else c for c in columns.split())
        rows.append(f"    - {{columns: [{names}], is: {what}, how: {text}}}")
        table = name
    return DESCRIPTION.format(
        title=json.dumps(title, ensure_ascii=False), projection=projection, seed=totals.seed,
        start=totals.start or totals.reform_date or DEFAULT_START,
        per_household=totals.persons_per_household, absent=totals.absent_share or 0.0,
        digest=digest(inp.folder), provenance="\n".join(rows),
        sources=json.dumps([p.name for p in _input_files(inp.folder)], ensure_ascii=False))


def _sources(input_folder: Path) -> str:
    """Sources of the input, followed by what the builder added to it."""
    own = input_folder / "sources.md"
    text = own.read_text("utf-8-sig").rstrip() + "\n\n" if own.is_file() else ""
    return text + SOURCES


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Puts all files into `folder`, or leaves it as it was.

    They are first written and synced beside the folder, so a full disk or an interruption then
    costs nothing; each is then renamed into place, which is undone if one of them fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temp:
            new, old = Path(temp, "new"), Path(temp, "old")
            new.mkdir()
            old.mkdir()
            for name, data in files.items():
                with (new / name).open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                if (folder / name).exists():
                    shutil.copy2(folder / name, old / name)
            try:
                for name in files:
                    os.replace(new / name, folder / name)
            except BaseException:
                for name in files:
                    if (old / name).exists():
                        os.replace(old / name, folder / name)
                    elif not (new / name).exists():
                        (folder / name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise InputError([Problem(
            "cannot-write", f"the case cannot be written: {error.strerror or error}",
            Path(error.filename) if error.filename else folder,
            hint="nothing was changed; check space and rights")]) from error


def _report(inp: lists.Input, line: lineage.Lineage, ground: places.Ground,
            tables: Mapping[str, pd.DataFrame], cells: Mapping[str, Polygon],
            counts: Mapping[str, float], files: Mapping[str, int]) -> BuildReport:
    land = ground.settlements
    before, after = inp.before.set_index("id"), inp.after.set_index("id")
    names = {"old": inp.townships_before.set_index("id")["name"],
             "new": inp.townships_after.set_index("id")["name"]}
    pairs = land[["id", "before", "after"]].assign(
        old=land["before"].map(before["township"]), new=land["after"].map(after["township"]))

    def several(key: str, over: str, label: pd.Series, others: pd.Series) -> tuple[str, ...]:
        found = pairs[[key, over]].drop_duplicates().sort_values([key, over]).groupby(key)[over]
        return tuple(f"{ident} {label[ident]}: {', '.join(others[o] for o in members)}"
                     for ident, members in found if len(members) > 1)

    was, becomes = land["before"].map(before["kind"]), land["after"].map(after["kind"])
    totals, tally = inp.totals, {
        "communities before (社区)": int((inp.before["kind"] == "community").sum()),
        "villages before (村)": int((inp.before["kind"] == "village").sum()),
        "communities after (社区)": int((inp.after["kind"] == "community").sum()),
        "villages after (村)": int((inp.after["kind"] == "village").sum()),
        "townships before": len(inp.townships_before),
        "townships after": len(inp.townships_after),
        "villages that end under a 社区": int(
            land.loc[(was == "village") & (becomes == "community"), "before"].nunique()),
        "settlements": len(land), "neighbouring pairs": len(tables["neighbours.csv"]),
        "facilities": len(tables["facilities.csv"]), "offices": len(tables["offices.csv"]),
    }
    km2 = land["area_ha"] / 100
    rows = [
        ("registered_persons", totals.registered_persons, land["persons"].sum()),
        ("persons_in_communities_before", totals.persons_in_communities_before,
         land.loc[was == "community", "persons"].sum()),
        ("persons_in_communities_after", totals.persons_in_communities_after,
         land.loc[becomes == "community", "persons"].sum()),
        ("area_km2", totals.area_km2, km2.sum()),
        ("area_communities_before_km2", totals.area_communities_before_km2,
         km2[was == "community"].sum()),
        ("area_communities_after_km2", totals.area_communities_after_km2,
         km2[becomes == "community"].sum()),
        ("settlements in communities before", totals.settlements.communities_total,
         (was == "community").sum()),
        ("settlements per village", totals.settlements.per_village,
         (was == "village").sum() / max(1, tally["villages before (村)"])),
        ("persons_per_household", totals.persons_per_household,
         land["persons"].sum() / land["households"].sum()),
        *((f"share of {band}", totals.age_shares.get(band), land[band].sum()
           / land["persons"].sum()) for band in lists.AGES),
    ]
    return BuildReport(
        tally, pd.DataFrame(rows, columns=["measure", "published", "placed"]),
        places.summary(ground, tables["offices.csv"], tables["facilities.csv"], counts),
        population.compare_published(inp, land),
        several("before", "after", before["name"], after["name"]),
        several("after", "old", after["name"], names["old"]),
        several("old", "new", names["old"], names["new"]),
        _scattered(pairs.rename(columns={"old": "township_before", "new": "township_after"}),
                   tables["neighbours.csv"]), files)


def _scattered(pairs: pd.DataFrame, neighbours: pd.DataFrame) -> tuple[str, ...]:
    table = division.contiguity(pairs, neighbours)
    return tuple(f"{row.level} {row.id}: {row.parts} parts"
                 + (" (cut through by the reform)" if row.cut else "")
                 for row in table.itertuples())
