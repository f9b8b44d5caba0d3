"""Small scenarios and states to pull levers on, without running a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import mesa
import numpy as np
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.levers.scenario import Scenario
from sim.model import CommunityModel
from sim.world.state import State
from sim.world.world import World
from tests.cases import STREET, TOWN, TOWNSHIP_OF, UNITS, read_rows, write_table

START = date(2020, 1, 6)
DAY = "2020-05-18"
WEEK = 19  # the first that begins on or after DAY
WEST, EAST = UNITS[:2], UNITS[2:]
REDRAW = {
    "date": DAY,
    "lineage": "reform_lineage.csv",
    "units": "reform_units.csv",
    "townships": "reform_townships.csv",
}


def merge(*units: str, **more: Any) -> dict[str, Any]:
    """A lever that merges units, by default the two in the west."""
    return {"merge_communities": {"date": DAY, "communities": list(units or WEST), **more}}


def redraw(**more: Any) -> dict[str, Any]:
    """The lever that redraws from the case's tables."""
    return {"redraw_communities": {**REDRAW, **more}}


def add(*services: str, **more: Any) -> dict[str, Any]:
    """A lever that adds a facility, which opens on the same day unless `more` says otherwise."""
    plain = {"date": DAY, "services": list(services), "weeks": 0}
    return {"add_facility": {k: v for k, v in (plain | more).items() if v is not None}}


def close(facility: str, **more: Any) -> dict[str, Any]:
    """A lever that closes a facility."""
    return {"close_facility": {"date": DAY, "facility": facility, **more}}


def online(**more: Any) -> dict[str, Any]:
    """A lever that offers government matters on the web, by default to everybody."""
    return {"online_service": {"date": DAY, **more}}


def cut(**more: Any) -> dict[str, Any]:
    """A lever that cuts what is assigned, by default in all offices and as in Huaiyin."""
    return {"cut_burden": {"date": DAY, **more}}


def write_scenario(
    folder: Path, *levers: Mapping[str, Any], name: str = "s", base: str | None = None
) -> Path:
    """Writes a scenario of these levers and returns its path."""
    data: dict[str, Any] = {"title": {"en": "A scenario", "zh": "方案"}}
    data |= {"base": base} if base else {}
    path = folder / f"{name}.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(data | {"levers": list(levers)}, file)
    return path


def scenario(case: Case, *levers: Mapping[str, Any]) -> Scenario:
    """A scenario of these levers, opened."""
    return Scenario.open(write_scenario(case.path, *levers), case)


def write_redraw(
    folder: Path,
    unit_of: Mapping[str, str],
    units: Sequence[Mapping[str, Any]],
    townships: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Replaces the tables of the redraw. units: id and seat, with more columns where wanted."""
    lineage = [{"settlement": s, "new_id": u} for s, u in sorted(unit_of.items())]
    write_table(folder / "reform_lineage.csv", lineage)
    rows = []
    for u in units:
        before = u["seat_settlement"][:-2]
        plain = {"name": f"新{u['id']}", "kind": "community", "type": "", "seat_settlement": ""}
        rows.append({"id": "", **plain, "township": TOWNSHIP_OF[before], **u})
    write_table(folder / "reform_units.csv", rows)
    if townships is not None:
        write_table(folder / "reform_townships.csv", list(townships))


def split_in_two(folder: Path) -> tuple[str, str]:
    """A redraw of the first unit into a western and an eastern half; returns their ids."""
    unit = UNITS[0]
    halves = f"{unit[:-3]}801", f"{unit[:-3]}802"
    unit_of = {f"{unit}{n:02d}": halves[n % 2 == 0] for n in (1, 2, 3, 4)}
    seats = f"{unit}01", f"{unit}02"
    write_redraw(
        folder,
        unit_of,
        [{"id": i, "seat_settlement": s} for i, s in zip(halves, seats, strict=True)],
    )
    return halves


def one_township(folder: Path) -> str:
    """A redraw that leaves all units as they are, in one township, the western one."""
    before = {r["id"]: r for r in read_rows(folder / "communities.csv")}
    towns = read_rows(folder / "townships.csv")[:1]
    unit_of = {s["id"]: s["community"] for s in read_rows(folder / "settlements.csv")}
    rows = [{**before[u], "township": towns[0]["id"]} for u in UNITS]
    write_redraw(folder, unit_of, rows, towns)
    return towns[0]["id"]


def one_street(folder: Path) -> None:
    """Puts all units of the case into its western township."""
    for unit_id in UNITS:
        change(folder, "communities", unit_id, township=STREET)
        change(folder, "offices", unit_id, "community", township=STREET)
    change(folder, "facilities", f"TC-{TOWN}", operator=f"T-{STREET}")
    for table, ident in (("townships", TOWN), ("offices", f"T-{TOWN}")):
        rows = read_rows(folder / f"{table}.csv")
        write_table(folder / f"{table}.csv", [r for r in rows if r["id"] != ident])


def change(folder: Path, table: str, which: str, column: str = "id", **cells: Any) -> None:
    """Changes cells of the rows of a table whose `column` is `which`."""
    rows = read_rows(folder / f"{table}.csv")
    for row in rows:
        if row[column] == which:
            row.update({k: str(v) for k, v in cells.items()})
    write_table(folder / f"{table}.csv", rows)


def start(case: Case, week: int = WEEK) -> State:
    """The state of a case before any lever, with work waiting in every office."""
    world = World.of(case, case.parameters)
    host = mesa.Model(rng=np.random.default_rng(1))
    state = State.at_start(host, world, case.parameters, START, 1, 0)
    state.week = week
    age = state.ledger.age
    age[:] = np.arange(age.size).reshape(age.shape) % 7
    return state


def pull(state: State, opened: Scenario) -> State:
    """Pulls all levers of a scenario in the state's week, and returns the state."""
    for lever in opened.levers:
        lever.apply(state)
    return state


def run(case: Case, opened: Scenario, weeks: int, begin: date = START) -> CommunityModel:
    """The model after so many weeks; every week is checked for conservation."""
    world = World.of(case, case.parameters)
    model = CommunityModel(world, opened, case.parameters, begin, 1, 0)
    for _ in range(weeks):
        model.step()
    return model


def is_open(state: State, facility: str) -> bool:
    """Whether a facility is open this week."""
    slot = state.facilities.id.index(facility)
    return bool(state.facilities.is_open(state.week)[slot])


def unit(state: State, unit_id: str) -> Any:
    """The living unit of an id."""
    return state.boundaries.units[state.boundaries.unit_row(unit_id)]
