"""A small case for tests: two counties, one township each, four units, sixteen settlements.

The settlements are the cells of a 4 x 4 grid, 500 m wide; each quarter of it is a unit. The two
units in the west are 社区 of a street, the two in the east villages of a township in the hills.
A redraw (`reform_*.csv`) joins the units of each township into one.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

SIDE = 4
CELL = 500
ORIGIN = (400_000, 3_330_000)
AGES = ("age_0_2", "age_3_5", "age_6_14", "age_15_59", "age_60_79", "age_80")
AGE_SHARES = (0.024, 0.031, 0.085, 0.613, 0.215, 0.032)

STREET, TOWN = "999901001", "999902100"
UNITS = ("999901001001", "999901001002", "999902100201", "999902100202")
TOWNSHIP_OF = dict(zip(UNITS, (STREET, STREET, TOWN, TOWN), strict=True))

CASE_YAML = """\
title: {en: A small case, zh: 小案例}
start: 2020-01-06
projection: EPSG:32648
seed: 7
population:
  basis: registered
  persons_per_household: 3.0
  absent_share: 0.126
rules: [sichuan, meishan, chengdu, wenjiang, nantong]
parameters: {}
provenance:
  settlements: made up for tests
sources: []
"""


def write_small_case(folder: Path, households: int = 60) -> Path:
    """Writes the case into `folder` and returns it.

    households: those of the first settlement; each further one has two more, so that no two
    settlements are alike.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.yaml").write_text(CASE_YAML, encoding="utf-8")
    settlements = _settlements(households)
    for name, rows in {
        "townships": _townships(),
        "communities": _communities(),
        "settlements": settlements,
        "neighbours": _neighbours(),
        "facilities": _facilities(settlements),
        "offices": _offices(),
        "reform_lineage": [{"settlement": s["id"], "new_id": _after(s)} for s in settlements],
        "reform_units": _reform_units(),
        "reform_townships": _townships(),
    }.items():
        write_table(folder / f"{name}.csv", rows)
    (folder / "outlines.geojson").write_text(json.dumps(_outlines()), encoding="utf-8")
    return folder


def name_rules(folder: Path, authorities: Sequence[str]) -> Path:
    """Has the case name these authorities only. Returns the folder."""
    path = folder / "case.yaml"
    lines = path.read_text("utf-8").splitlines()
    kept = [f"rules: [{', '.join(authorities)}]" if x.startswith("rules:") else x for x in lines]
    path.write_text("\n".join(kept) + "\n", "utf-8")
    return folder


def write_streets(folder: Path) -> Path:
    """Gives the case streets: one along each row of cells, and one that joins them in the west;
    node n31 is the cell in column 3 and row 1. Returns the folder."""
    cells = [(c, r) for c in range(SIDE) for r in range(SIDE)]
    nodes = [
        {"id": f"n{c}{r}", "x": _centre(c, r)[0], "y": _centre(c, r)[1] + 20} for c, r in cells
    ]
    ends = [((c, r), (c + 1, r)) for c, r in cells if c + 1 < SIDE]
    ends += [((0, r), (0, r + 1)) for r in range(SIDE - 1)]
    edges = [{"from": "n{}{}".format(*a), "to": "n{}{}".format(*b), "metres": CELL}
             for a, b in ends]  # fmt: skip
    write_table(folder / "streets_nodes.csv", nodes)
    write_table(folder / "streets_edges.csv", edges)
    return folder


def write_table(path: Path, rows: Sequence[dict]) -> None:
    """Writes dictionaries of equal keys as a table."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict]:
    """The rows of a table as dictionaries, to be changed and written again."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def settlement_id(column: int, row: int) -> str:
    """Id of the cell in `column` (from the west) and `row` (from the south)."""
    unit = UNITS[column // 2 * 2 + row // 2]
    return f"{unit}{row % 2 * 2 + column % 2 + 1:02d}"


def _cells() -> Iterable[tuple[int, int]]:
    """All cells in the order of their settlements' ids."""
    return sorted(
        ((c, r) for c in range(SIDE) for r in range(SIDE)), key=lambda cell: settlement_id(*cell)
    )


def _centre(column: int, row: int) -> tuple[int, int]:
    return ORIGIN[0] + column * CELL + CELL // 2, ORIGIN[1] + row * CELL + CELL // 2


def _townships() -> list[dict]:
    return [
        {
            "id": STREET,
            "name": "河东街道",
            "county": "甲区",
            "kind": "street",
            "seat_settlement": UNITS[0] + "01",
        },
        {
            "id": TOWN,
            "name": "山前乡",
            "county": "乙县",
            "kind": "township",
            "seat_settlement": UNITS[2] + "01",
        },
    ]


def _communities() -> list[dict]:
    names = ("东门社区居民委员会", "桥头社区居民委员会", "柳林村民委员会", "石桥村民委员会")
    return [
        {
            "id": unit,
            "name": name,
            "township": TOWNSHIP_OF[unit],
            "kind": "community" if TOWNSHIP_OF[unit] == STREET else "village",
            "type": "urban" if TOWNSHIP_OF[unit] == STREET else "rural",
            "seat_settlement": unit + "01",
        }
        for unit, name in zip(UNITS, names, strict=True)
    ]


def _settlements(first: int) -> list[dict]:
    rows = []
    for i, (column, row) in enumerate(_cells()):
        ident = settlement_id(column, row)
        unit = ident[:-2]
        x, y = _centre(column, row)
        households = first + 2 * i
        persons = 3 * households
        ages = [int(persons * share) for share in AGE_SHARES]
        ages[3] += persons - sum(ages)
        rows.append(
            {
                "id": ident,
                "name": f"第{i + 1}组",
                "community": unit,
                "group": int(ident[-2:]),
                "x": x,
                "y": y,
                "area_ha": CELL * CELL / 10_000,
                "terrain": "plain" if column < 2 else "hill",
                "compound": "commodity" if column < 2 else "village",
                "households": households,
                "persons": persons,
                **dict(zip(AGES, ages, strict=True)),
            }
        )
    return rows


def _neighbours() -> list[dict]:
    line = range(SIDE)
    across = [((a, r), (b, r)) for r in line for a, b in pairwise(line)]
    along = [((c, a), (c, b)) for c in line for a, b in pairwise(line)]
    pairs = sorted(tuple(sorted((settlement_id(*a), settlement_id(*b)))) for a, b in across + along)
    return [{"settlement": a, "neighbour": b} for a, b in pairs]


def _offices() -> list[dict]:
    rows = []
    for unit in UNITS:
        urban = TOWNSHIP_OF[unit] == STREET
        rows.append(
            {
                "id": f"O-{unit}",
                "name": f"office of {unit}",
                "kind": "community" if urban else "village",
                "community": unit,
                "township": TOWNSHIP_OF[unit],
                "settlement": unit + "01",
                "committee": 4,
                "community_worker": 2 if urban else 0,
                "grid": 0,
                "window": 0,
                "social_worker": 0,
                "windows": 2 if urban else 1,
                "hours_week": 35,
                "floor_m2": 400 if urban else 150,
                "office_share": 0.4,
            }
        )
    for ident, kind, seat in ((STREET, "street", UNITS[0]), (TOWN, "township", UNITS[2])):
        rows.append(
            {
                "id": f"T-{ident}",
                "name": f"office of {ident}",
                "kind": kind,
                "community": "",
                "township": ident,
                "settlement": seat + "01",
                "committee": 0,
                "community_worker": 0,
                "grid": 0,
                "window": 2,
                "social_worker": 0,
                "windows": 2,
                "hours_week": 35,
                "floor_m2": 800,
                "office_share": 0.5,
            }
        )
    return rows


def _facilities(settlements: list[dict]) -> list[dict]:
    point = {s["id"]: (s["x"], s["y"]) for s in settlements}

    def row(ident: str, services: str, settlement: str, operator: str, **more: object) -> dict:
        x, y = point[settlement]
        plain = {
            "floor_m2": 60,
            "capacity": "",
            "hours_week": 40,
            "office_hours_only": 0,
            "open_to": "everyone",
            "opened": "",
        }
        return (
            {
                "id": ident,
                "name": ident,
                "services": services,
                "settlement": settlement,
                "x": x,
                "y": y,
                "operator": operator,
            }
            | plain
            | more
        )

    rows = []
    for unit in UNITS:
        seat, office = unit + "01", f"O-{unit}"
        rows += [
            row(
                f"P-{unit}",
                "government;community",
                seat,
                office,
                floor_m2=200,
                hours_week=35,
                office_hours_only=1,
                open_to="community",
            ),
            row(f"C-{unit}", "culture", seat, office, floor_m2=100),
            row(f"H-{unit}", "health", seat, "public", floor_m2=80, capacity=80, hours_week=45),
            row(f"S-{unit}", "shop", unit + "02", "market", hours_week=84),
            row(f"B-{unit}", "sports", unit + "03", "public", floor_m2=600, hours_week=84),
            row(f"G-{unit}", "green", unit + "04", "public", floor_m2=2000, hours_week=168),
        ]
    for ident, seat in ((STREET, UNITS[0] + "01"), (TOWN, UNITS[2] + "01")):
        rows += [
            row(
                f"TC-{ident}",
                "government",
                seat,
                f"T-{ident}",
                floor_m2=400,
                hours_week=35,
                office_hours_only=1,
                open_to="township",
            ),
            row(f"TH-{ident}", "health", seat, "public", floor_m2=900, capacity=480),
        ]
    rows += [
        row(
            f"E-{UNITS[0]}",
            "elder_care;elder_meals",
            UNITS[0] + "02",
            f"O-{UNITS[0]}",
            floor_m2=400,
        ),
        row(f"N-{UNITS[1]}", "nursery", UNITS[1] + "02", "market", floor_m2=200),
    ]
    return rows


def _after(settlement: dict) -> str:
    """The unit after the redraw: the first of the township carries on for both."""
    return UNITS[0] if TOWNSHIP_OF[settlement["community"]] == STREET else UNITS[2]


def _reform_units() -> list[dict]:
    columns = ("id", "name", "kind", "type", "township", "seat_settlement")
    return [{k: unit[k] for k in columns} for unit in _communities() if unit["id"] in UNITS[::2]]


def _outlines() -> dict:
    features = [
        _square("settlement", settlement_id(c, r), f"{c},{r}", c * CELL, r * CELL, CELL, CELL)
        for c, r in _cells()
    ]
    half, full = SIDE // 2 * CELL, SIDE * CELL
    features += [
        _square("county", "999901", "甲区", 0, 0, half, full),
        _square("county", "999902", "乙县", half, 0, half, full),
    ]
    return {"type": "FeatureCollection", "crs_note": "EPSG:32648", "features": features}


def _square(level: str, ident: str, name: str, x: int, y: int, width: int, height: int) -> dict:
    x, y = ORIGIN[0] + x, ORIGIN[1] + y
    ring = [[x, y], [x + width, y], [x + width, y + height], [x, y + height], [x, y]]
    return {
        "type": "Feature",
        "properties": {"level": level, "id": ident, "name": name},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
