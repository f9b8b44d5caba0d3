"""The description of a built case: case.yaml and sources.md.

Both say, per table and group of columns, what is real, what is inferred and what is synthetic.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from pathlib import Path

from sim.case.synthesis.lists import Input

DEFAULT_START = dt.date(2020, 1, 6)
MARK = "input_digest:"  # a folder whose case.yaml lacks this key holds a person's own case
EDITOR = "# yaml-language-server:"
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
rules: {rules}  # authorities whose rules it is measured by, beside the national ones
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
    (
        "townships",
        "seat_settlement",
        "inferred",
        "unit of the township's name, else its first 社区, else its largest unit",
    ),
    ("communities", "id name township kind", "real", "official list before the reform"),
    ("communities", "type", "inferred", "社区 under a street urban, other 社区 town, 村 rural"),
    ("communities", "seat_settlement", "synthetic", "the most populous settlement"),
    ("settlements", "id name community group", "synthetic", "one per residents' group"),
    ("settlements", "x y area_ha", "synthetic", "nested division with fitted areas, {geometry}"),
    (
        "settlements",
        "households persons age_*",
        "synthetic",
        "lognormal sizes fitted to the published margins",
    ),
    ("settlements", "terrain compound", "synthetic", "by density and by kind of unit"),
    ("neighbours", "settlement neighbour", "synthetic", "cells with a common border"),
    (
        "offices",
        "id name kind community township",
        "inferred",
        "one per unit and township of the official list",
    ),
    (
        "offices",
        "committee community_worker certified",
        "synthetic",
        "by persons; sums under 社区 after the reform as published, where given",
    ),
    (
        "offices",
        "settlement grid window social_worker windows hours_week floor_m2 office_share",
        "synthetic",
        "at the seat, by standards and rules of the model",
    ),
    (
        "facilities",
        "id name settlement x y",
        "synthetic",
        "placed by rule; numbers of care facilities as published after the reform, where given",
    ),
    (
        "facilities",
        "services operator floor_m2 capacity hours_week office_hours_only open_to opened",
        "synthetic",
        "standards and rules of the model",
    ),
    ("reform_townships", "id name kind county", "real", "official list after the reform"),
    (
        "reform_townships",
        "seat_settlement",
        "inferred",
        "seat of the old township of that name, else of the largest",
    ),
    ("reform_units", "id name kind township", "real", "official list after the reform"),
    (
        "reform_units",
        "type seat_settlement",
        "inferred",
        "seat of the old unit whose name lives on, else of the largest",
    ),
    (
        "lineage",
        "before after",
        "inferred",
        "names, codes and known changes; each row has its rule and evidence",
    ),
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


def case_yaml(inp: Input, case_folder: Path, projection: str) -> str:
    """The case's description; its texts say per table and column group what is real."""
    totals = inp.totals
    title = totals.title or case_folder.resolve().name
    title = {"en": title, "zh": title} if isinstance(title, str) else title
    geometry = (
        "within the real outlines of the counties"
        if inp.outlines
        else "within schematic county outlines of the real area"
    )
    geometry += (
        ", around real township points"
        if inp.points is not None
        else ", streets near the county seat and other townships around them"
    )
    rows, table = [], ""
    for name, columns, what, how in PROVENANCE:
        rows += [f"  {name}:"] if name != table else []
        text = json.dumps(how.format(geometry=geometry), ensure_ascii=False)
        names = ", ".join(f'"{c}"' if "*" in c else c for c in columns.split())
        rows.append(f"    - {{columns: [{names}], is: {what}, how: {text}}}")
        table = name
    return _editor_line(case_folder) + DESCRIPTION.format(
        title=json.dumps(title, ensure_ascii=False),
        projection=projection,
        seed=totals.seed,
        rules=f"[{', '.join(totals.rules)}]",
        start=totals.start or totals.reform_date or DEFAULT_START,
        per_household=totals.persons_per_household,
        absent=totals.absent_share or 0.0,
        digest=digest(inp.folder),
        provenance="\n".join(rows),
        sources=json.dumps([p.name for p in _input_files(inp.folder)], ensure_ascii=False),
    )


def _editor_line(case_folder: Path) -> str:
    """The first line of the case.yaml that is there, if it names a schema for editors."""
    path = case_folder / "case.yaml"
    first = (
        path.read_text("utf-8-sig", errors="replace").partition("\n")[0] if path.is_file() else ""
    )
    return f"{first}\n" if first.startswith(EDITOR) else ""


def sources(input_folder: Path) -> str:
    """Sources of the input, followed by what the builder added to it."""
    own = input_folder / "sources.md"
    text = own.read_text("utf-8-sig").rstrip() + "\n\n" if own.is_file() else ""
    return text + SOURCES


def digest(folder: Path) -> str:
    """SHA-256 of the input files' names and contents; line ends of other systems count alike."""
    total = hashlib.sha256()
    for path in _input_files(folder):
        data = path.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def _input_files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_file() and p.name[0] not in ".~")
