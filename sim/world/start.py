"""What a run starts from: boundaries, offices, facilities, contracts and ways of the case."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from sim.case.parameters import Parameters
from sim.world.boundaries import KINDS, TYPES, Boundaries, Township, Unit, number_groups
from sim.world.contracts import ALWAYS, Contracts
from sim.world.draws import id_keys
from sim.world.facilities import (
    MARKET,
    NEVER,
    PUBLIC,
    FacilityColumns,
)
from sim.world.ledger import CLASS
from sim.world.offices import (
    COMMUNITY_OFFICE,
    KEEP,
    NOT_MERGED,
    TOWNSHIP_OFFICE,
    VILLAGE_OFFICE,
    OfficeColumns,
)
from sim.world.services import OPEN_TO, Lines
from sim.world.streets import Streets, StreetTravel
from sim.world.supply import LIMITED, default_capacity, floor_share, yearly_list
from sim.world.travel import StraightTravel, Travel
from sim.world.weeks import week_of
from sim.world.workers import Workers
from sim.world.world import World

OFFICE_KINDS = {
    "village": VILLAGE_OFFICE,
    "community": COMMUNITY_OFFICE,
    "street": TOWNSHIP_OFFICE,
    "town": TOWNSHIP_OFFICE,
    "township": TOWNSHIP_OFFICE,
}


def start_streets(world: World, start: date) -> Streets | None:
    """The streets of the case, if it has any; `start` is the day of week 0."""
    if world.streets is None:
        return None
    nodes, edges = world.streets
    opened = edges.get("opened", pd.Series(pd.NaT, index=edges.index))
    weeks = [0 if pd.isna(day) else week_of(pd.Timestamp(day).date(), start) for day in opened]
    return Streets.of(nodes, edges, pd.Series(weeks))


def make_travel(world: World, streets: Streets | None, week: int, parameters: Parameters) -> Travel:
    """By the streets open in a week where the case has streets, else by straight line and
    detour."""
    s = world.settlements
    x, y = s["x"].to_numpy(np.float64), s["y"].to_numpy(np.float64)
    if streets is not None:
        edges = streets.edges[streets.is_open(week)]
        return StreetTravel.of(streets.nodes, edges, x, y, parameters["travel.ride_speed"])
    hill = np.array(s["terrain"] == "hill")
    p = parameters
    return StraightTravel(x, y, np.where(hill, p["travel.detour_hill"], p["travel.detour_plain"]))


def start_boundaries(world: World) -> Boundaries:
    """Units and townships of the case, with the slots of their offices, and residents' groups."""
    settlement = _rows(world.settlements["id"])
    townships = _rows(world.townships["id"])
    offices = {}
    for slot, row in enumerate(world.offices.to_dict("records")):
        place = row["community"] if _given(row["community"]) else row["township"]
        offices[(OFFICE_KINDS[row["kind"]] == TOWNSHIP_OFFICE, place)] = slot
    units = [
        Unit(r["id"], r["name"], KINDS[r["kind"]], TYPES[r["type"]], townships[r["township"]],
             settlement[r["seat_settlement"]], offices.get((False, r["id"]), -1))
        for r in world.communities.to_dict("records")
    ]  # fmt: skip
    areas = [
        Township(r["id"], r["name"], r["kind"], r["county"], settlement[r["seat_settlement"]],
                 offices.get((True, r["id"]), -1))
        for r in world.townships.to_dict("records")
    ]  # fmt: skip
    unit_row = {u.id: i for i, u in enumerate(units)}
    unit_of = world.settlements["community"].map(unit_row).to_numpy(np.int32, copy=True)
    group_of = number_groups(unit_of, world.settlements["group"].to_numpy(np.int64))
    return Boundaries(units, areas, unit_of, unit_of.copy(), group_of)


def start_offices(
    world: World, parameters: Parameters, boundaries: Boundaries, workers: Workers
) -> OfficeColumns:
    """Offices of the case; a village carries its share of the list of tasks."""
    o = world.offices
    kind = np.array([OFFICE_KINDS[k] for k in o["kind"]], dtype=np.int8)
    share = np.select(
        [kind == COMMUNITY_OFFICE, kind == VILLAGE_OFFICE],
        [1.0, parameters["work.village_share"]],
        0.0,
    )
    units = {u.id: i for i, u in enumerate(boundaries.units)}
    townships = {t.id: i for i, t in enumerate(boundaries.townships)}
    unit = np.array([units.get(c, -1) if _given(c) else -1 for c in o["community"]], np.int32)
    township = np.array(
        [
            boundaries.units[u].township if u >= 0 else townships[t]
            for u, t in zip(unit, o["township"], strict=True)
        ],
        np.int32,
    )
    n = len(o)
    return OfficeColumns(
        id=list(o["id"]),
        name=list(o["name"]),
        key=id_keys(o["id"]),
        kind=kind,
        unit=unit,
        township=township,
        settlement=o["settlement"]
        .map(_rows(world.settlements["id"]))
        .to_numpy(np.int32, copy=True),
        alive=np.ones(n, bool),
        workers=np.bincount(workers.office, minlength=n).astype(np.float64),
        windows=o["windows"].to_numpy(np.float64, copy=True),
        full_list=share,
        own_list=share * yearly_list(parameters),
        merged_list=np.zeros(n),
        list_week=np.full(n, float(NOT_MERGED)),
        merged_week=np.full(n, NOT_MERGED, np.int32),
        members=np.zeros(n),
        loss=np.zeros(n),
        staff_policy=np.full(n, KEEP, np.int8),
    )


def start_contracts(world: World, offices: OfficeColumns, start: date) -> Contracts:
    """Contracts of the case; those without a date have always been there."""
    table, slots = world.contracts, {name: slot for slot, name in enumerate(offices.id)}
    first = [
        week_of(pd.Timestamp(day).date(), start) if _given(day) else ALWAYS
        for day in table["since"]
    ]
    return Contracts(
        office=np.array([slots[x] for x in table["office"]], np.int32),
        work=np.array([CLASS[x] for x in table["class"]], np.int8),
        yuan=table["yuan_year"].to_numpy(np.float64, copy=True),
        first=np.array(first, np.int32),
    )


def start_facilities(
    world: World, parameters: Parameters, lines: Lines, boundaries: Boundaries,
    offices: OfficeColumns, start: date,
) -> FacilityColumns:  # fmt: skip
    """Facilities of the case, with capacities given or by rule; `start` is the day of week 0."""
    f = world.facilities
    settlement = f["settlement"].map(_rows(world.settlements["id"])).to_numpy(np.int32, copy=True)
    persons = boundaries.sums(world.settlements["persons"].to_numpy(np.float64))
    slots = {name: slot for slot, name in enumerate(offices.id)}
    special = {"market": MARKET, "public": PUBLIC}
    operator = np.array([special.get(x, slots.get(x, PUBLIC)) for x in f["operator"]], np.int32)
    n, services = len(f), lines.services
    offers, capacity = np.zeros((n, len(services)), bool), np.full((n, len(services)), np.inf)
    opened = np.full(n, -1, np.int32)
    for i, row in enumerate(f.to_dict("records")):
        if _given(row["opened"]):
            opened[i] = week_of(pd.Timestamp(row["opened"]).date(), start)
        mine = row["services"].split(";")
        floor = floor_share(mine, row["floor_m2"])
        for name in mine:
            j = services.index(name)
            offers[i, j] = True
            capacity[i, j] = (
                row["capacity"]
                if _given(row["capacity"]) and name in LIMITED
                else default_capacity(
                    name, floor, persons[boundaries.unit_of[settlement[i]]], parameters
                )
            )
    counter = offers[:, [services.index("government"), services.index("community")]].any(axis=1)
    by_office = operator >= 0
    own = np.where(by_office, offices.windows[np.maximum(operator, 0)], 1.0)
    of_unit = by_office & (offices.kind[np.maximum(operator, 0)] != TOWNSHIP_OFFICE)
    at_seat = of_unit & (counter | offers[:, services.index("culture")])
    return FacilityColumns(
        id=list(f["id"]),
        name=list(f["name"]),
        key=id_keys(f["id"]),
        settlement=settlement,
        x=f["x"].to_numpy(np.float64, copy=True),
        y=f["y"].to_numpy(np.float64, copy=True),
        offers=offers,
        capacity=capacity,
        open_to=np.array([OPEN_TO[x] for x in f["open_to"]], np.int8),
        operator=operator,
        floor=f["floor_m2"].to_numpy(np.float64, copy=True),
        windows=np.where(counter, own, 0.0),
        hours=f["hours_week"].to_numpy(np.float64, copy=True),
        office_hours=f["office_hours_only"].to_numpy(bool, copy=True),
        opened=opened,
        closed=np.full(n, NEVER, np.int32),
        point=at_seat,
        kept=np.zeros(n, bool),
        station=np.zeros(n, bool),
        yearly=np.zeros(n),
        reward=np.zeros(n),
        extra_hours=np.zeros(n),
        office_floor=_office_floor(world, operator, of_unit & counter, f["floor_m2"]),
        given=np.zeros(n),
        ended=np.zeros_like(offers),
    )


def _office_floor(
    world: World, operator: np.ndarray, points: np.ndarray, floor: pd.Series
) -> np.ndarray:
    """m2 behind the counter: the office's share of its floor, at the first point it runs."""
    o, out = world.offices, np.zeros(len(points))
    slots = np.flatnonzero(points)
    _, first = np.unique(operator[slots], return_index=True)
    slots = slots[first]
    own = (o["floor_m2"] * o["office_share"]).to_numpy(np.float64)[operator[slots]]
    out[slots] = np.minimum(own, floor.to_numpy(np.float64)[slots])
    return out


def _rows(ids: pd.Series) -> dict[str, int]:
    return {name: row for row, name in enumerate(ids)}


def _given(value: object) -> bool:
    return not (value is None or value == "" or pd.isna(value))
