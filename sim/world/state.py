"""The state of a run: everything that changes, made from a world that does not.

Boundaries, facilities and offices are small and copied; the columns of households that a run
writes are made here; those it only reads stay memory-mapped in the world.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date

import mesa
import numpy as np
import pandas as pd

from sim.case.parameters import Parameters
from sim.world.boundaries import KINDS, TYPES, Boundaries, Township, Unit, number_groups
from sim.world.census import Census
from sim.world.contracts import ALWAYS, Contracts
from sim.world.draws import id_keys, run_key
from sim.world.facilities import (
    MARKET,
    NEVER,
    PUBLIC,
    Enlargement,
    Facility,
    FacilityColumns,
)
from sim.world.households import Households
from sim.world.ledger import CLASS, Ledger
from sim.world.offices import (
    COMMUNITY_OFFICE,
    KEEP,
    NOT_MERGED,
    TOWNSHIP_OFFICE,
    VILLAGE_OFFICE,
    Office,
    OfficeColumns,
)
from sim.world.policies import Policies
from sim.world.population import Population
from sim.world.reach import Reach, make_reach
from sim.world.services import EVERYONE, OPEN_TO, TOWNSHIP, Lines
from sim.world.streets import Streets, StreetTravel
from sim.world.supply import LIMITED, default_capacity, floor_share, yearly_list
from sim.world.travel import StraightTravel, Travel
from sim.world.workers import StaffFlows, Workers
from sim.world.world import World

OFFICE_KINDS = {
    "village": VILLAGE_OFFICE,
    "community": COMMUNITY_OFFICE,
    "street": TOWNSHIP_OFFICE,
    "town": TOWNSHIP_OFFICE,
    "township": TOWNSHIP_OFFICE,
}


def week_of(day: date, start: date) -> int:
    """The first week that begins on or after a day; week 0 begins at `start`."""
    return -((start - day).days // 7)


@dataclass
class Enrolment:
    """Places of one service, by household.

    eligible: int64 rows of the households that may apply, or have or wait for a place. place,
    listed: int32 ``[H]`` facility slot or -1; since: int32 ``[H]`` week of joining the list. The
    counts are households of this week: exits, left_list (gave up waiting), applied, admitted (from
    the list, where all who apply and go begin), put_off, nowhere (no facility in reach), no_places
    (none in reach has any), displaced (their facility closed). ended: places and waits that ended
    with their household and that no count holds yet.
    """

    eligible: np.ndarray
    place: np.ndarray
    listed: np.ndarray
    since: np.ndarray
    exits: int = 0
    left_list: int = 0
    applied: int = 0
    admitted: int = 0
    put_off: int = 0
    nowhere: int = 0
    no_places: int = 0
    displaced: int = 0
    ended: dict[str, int] = field(default_factory=lambda: {"place": 0, "listed": 0})

    @staticmethod
    def none(rates: np.ndarray) -> Enrolment:
        """Nobody has a place or waits for one; rates: applications a year ``[H]``."""
        empty = np.full(rates.size, -1, np.int32)
        could = np.flatnonzero(rates > 0)
        return Enrolment(could, empty, empty.copy(), np.zeros(rates.size, np.int32))

    def resettle(self, before: np.ndarray, rates: np.ndarray) -> None:
        """Follows the households: before: row that each had, -1 for newcomers; rates as in `none`.
        A household that is gone gives up what it has; one of which nobody may apply any more
        keeps it for now (see `places.leave`)."""
        new = Enrolment.none(rates)
        known = np.flatnonzero(before >= 0)
        for name in ("place", "listed", "since"):
            getattr(new, name)[known] = getattr(self, name)[before[known]]
        for name in self.ended:
            had, has = (int((getattr(x, name) >= 0).sum()) for x in (self, new))
            self.ended[name] += had - has
        self.eligible = np.flatnonzero((rates > 0) | (new.place >= 0) | (new.listed >= 0))
        self.place, self.listed, self.since = new.place, new.listed, new.since

    def enrolled(self, facilities: int) -> np.ndarray:
        """Households with a place at each facility, int64 ``[F]``."""
        held = self.place[self.eligible]
        return np.bincount(held[held >= 0], minlength=facilities)

    def waiting(self, facilities: int) -> np.ndarray:
        """Households on each facility's list, int64 ``[F]``."""
        return np.bincount(self.listed[self.on_list()], minlength=facilities)

    def on_list(self) -> np.ndarray:
        """Rows of the households that wait."""
        return self.eligible[self.listed[self.eligible] >= 0]


@dataclass
class Residents:
    """What households and settlements carry from week to week.

    pending, tries: uint8 ``[H, L]`` needs put off and how often. usual: int32 ``[H, L]`` facility
    used last, -1 before the first; expected: float32 ``[H, L]`` its expected wait in minutes.
    belief: float32 ``[S, L, K]`` the settlement's view of the facilities in reach.
    wait, unmet: float64 ``[S]`` running means; belonging: float64 ``[S]``, which moves to
    belonging_goal; participation: points lost, float64 ``[S]``.
    """

    pending: np.ndarray
    tries: np.ndarray
    usual: np.ndarray
    expected: np.ndarray
    belief: np.ndarray
    wait: np.ndarray
    unmet: np.ndarray
    belonging: np.ndarray
    belonging_goal: np.ndarray
    participation: np.ndarray

    @staticmethod
    def at_start(
        households: int, settlements: int, lines: int, k: int, belonging: float
    ) -> Residents:
        """Nobody waits and nobody has a usual facility yet."""
        return Residents(
            pending=np.zeros((households, lines), np.uint8),
            tries=np.zeros((households, lines), np.uint8),
            usual=np.full((households, lines), -1, np.int32),
            expected=np.zeros((households, lines), np.float32),
            belief=np.zeros((settlements, lines, k), np.float32),
            wait=np.zeros(settlements),
            unmet=np.zeros(settlements),
            belonging=np.full(settlements, belonging),
            belonging_goal=np.full(settlements, belonging),
            participation=np.zeros(settlements),
        )

    def resettle(self, before: np.ndarray) -> None:
        """Follows the households: before: row that each had, -1 for newcomers, who begin as all
        did at the start."""
        new = before < 0
        for name, none in (("pending", 0), ("tries", 0), ("usual", -1), ("expected", 0)):
            column = getattr(self, name)[before]
            column[new] = none
            setattr(self, name, column)


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


@dataclass
class State:
    """All that a run changes, with what it reads.

    host: the Mesa model its actors live in; key: of the keyed draws; week: number of the week
    under way. households, census, population: replaced as a whole, never written in place, since
    the world and branches share them. enrolments: by row of the line. posted: float64 ``[F, L]``
    last wait in minutes at each facility and line. ended: (week, units that a merger ended).
    streets: the network in time, None without one; travel: what it makes of this week. works:
    enlargements under way. staff: persons hired and gone since the start. agreed: yuan a year of
    all contracts that were made. reach is made anew after `touch`; routes_changed: after `route`,
    until the model has taken note.
    """

    host: mesa.Model
    world: World
    parameters: Parameters
    lines: Lines
    start: date
    key: int
    week: int
    households: Households
    census: Census
    population: Population
    boundaries: Boundaries
    offices: OfficeColumns
    workers: Workers
    staff: StaffFlows
    contracts: Contracts
    agreed: float
    facilities: FacilityColumns
    ledger: Ledger
    residents: Residents
    enrolments: dict[int, Enrolment]
    travel: Travel
    posted: np.ndarray
    policies: Policies
    streets: Streets | None = None
    works: list[Enlargement] = field(default_factory=list)
    ended: list[tuple[int, int]] = field(default_factory=list)
    office_actors: list[Office] = field(default_factory=list)
    facility_actors: list[Facility] = field(default_factory=list)
    routes_changed: bool = False
    _reach: Reach | None = None
    _stale: bool = False
    _streets_open: int = 0

    @staticmethod
    def at_start(
        host: mesa.Model, world: World, parameters: Parameters, start: date, seed: int,
        replicate: int,
    ) -> State:  # fmt: skip
        """The case as it is in week 0, before any lever."""
        lines = Lines.of(world.services, parameters)
        boundaries = start_boundaries(world)
        workers = Workers.of(world.offices)
        offices = start_offices(world, parameters, boundaries, workers)
        facilities = start_facilities(world, parameters, lines, boundaries, offices, start)
        contracts = start_contracts(world, offices, start)
        settlements = len(world.settlements)
        streets = start_streets(world, start)
        state = State(
            host=host,
            world=world,
            parameters=parameters,
            lines=lines,
            start=start,
            key=run_key(int(seed), int(replicate)),
            week=0,
            households=world.households,
            census=Census.of(world.households, settlements),
            population=Population.at_start(world.households, settlements),
            boundaries=boundaries,
            offices=offices,
            workers=workers,
            staff=StaffFlows(len(workers)),
            contracts=contracts,
            agreed=float(contracts.yuan.sum()),
            facilities=facilities,
            ledger=Ledger.empty(len(offices), int(parameters["work.withdrawn_after"])),
            residents=Residents.at_start(
                world.households.settlement.size,
                settlements,
                len(lines.asked),
                int(parameters["choice.candidates"]),
                parameters["residents.belonging"],
            ),
            enrolments={},
            travel=make_travel(world, streets, 0, parameters),
            streets=streets,
            posted=np.zeros((len(facilities), len(lines.asked))),
            policies=Policies.at_start(settlements, parameters),
        )
        if streets is not None:
            state._streets_open = int(streets.is_open(0).sum())
        state.seat_actors()
        return state

    def copy(self, host: mesa.Model) -> State:
        """The same state again, with actors of its own in another model."""
        own = {
            name: deepcopy(getattr(self, name))
            for name in ("boundaries", "offices", "workers", "staff", "contracts", "facilities",
                         "ledger", "residents", "enrolments", "posted", "policies", "works",
                         "ended")
        }  # fmt: skip
        twin = replace(self, host=host, office_actors=[], facility_actors=[], **own)
        twin.seat_actors()
        return twin

    def resettle(self, households: Households, before: np.ndarray) -> None:
        """Puts other households in the place of those so far; before: int64 ``[H]`` the row that
        each had, -1 for newcomers."""
        self.households = households
        self.census = Census.of(households, len(self.world.settlements))
        self.residents.resettle(before)

    def seat_actors(self) -> None:
        """Gives every slot that has none yet its Mesa agent, and every column its row."""
        for slot in range(len(self.office_actors), len(self.offices)):
            self.office_actors.append(Office(self.host, self.offices, slot))
        for slot in range(len(self.facility_actors), len(self.facilities)):
            self.facility_actors.append(Facility(self.host, self.facilities, slot))
        self.ledger.grow(len(self.offices))
        more = len(self.facilities) - len(self.posted)
        self.posted = np.concatenate([self.posted, np.zeros((more, self.posted.shape[1]))])

    def open_works(self) -> None:
        """Opens the streets and the enlarged floors that are ready this week."""
        if self.streets is not None and self._streets_open != self.streets.is_open(self.week).sum():
            self._streets_open = int(self.streets.is_open(self.week).sum())
            self.travel = make_travel(self.world, self.streets, self.week, self.parameters)
            self.touch()
        for work in [w for w in self.works if w.week <= self.week]:
            work.finish(self.facilities)
            self.works.remove(work)

    @property
    def yearly_of_streets(self) -> float:
        """Yuan a year that the streets opened so far cost."""
        return 0.0 if self.streets is None else self.streets.yearly(self.week)

    def tier_shares(self) -> np.ndarray:
        """Share of its service's needs that residents have on each line, float64 ``[S, A]``."""
        lines, upper = self.lines, self.policies.township
        shares = np.ones((upper.size, len(lines.all)))
        for i in lines.of_service("government"):
            shares[:, i] = upper if lines.all[i].tier == TOWNSHIP else 1 - upper
        return shares

    def route(self, rows: np.ndarray, township: np.ndarray | float) -> None:
        """From this week on a share of government matters of these settlements goes to the
        township centre, the rest to the own point."""
        self.policies.township[rows] = township
        self.routes_changed = True

    def centre_tier(self, settlement: int) -> int:
        """Whom a township centre or station in a settlement takes."""
        return EVERYONE if self.policies.anywhere[settlement] else TOWNSHIP

    def touch(self) -> None:
        """Says that boundaries or facilities have changed."""
        self._stale = True

    @property
    def reach_is_stale(self) -> bool:
        """Whether the next look at `reach` makes it anew."""
        return self._reach is None or self._stale

    @property
    def reach(self) -> Reach:
        """Who can use what this week; the view that settlements have of waits moves with it."""
        if self.reach_is_stale:
            old, self._stale = self._reach, False
            self._reach = make_reach(
                self.week,
                self.lines,
                self.facilities,
                self.offices,
                self.boundaries,
                self.travel,
                int(self.parameters["choice.candidates"]),
            )
            if old is not None:
                self._carry_belief(old.slot, self._reach.slot)
        assert self._reach is not None
        return self._reach

    def _carry_belief(self, old: np.ndarray, new: np.ndarray) -> None:
        """Beliefs follow their facility; of a new one residents expect what is posted there."""
        lines = len(self.lines.asked)
        new, old = new[:, :lines], old[:, :lines]
        same = (new[:, :, :, None] == old[:, :, None, :]) & (new >= 0)[:, :, :, None]
        known = np.take_along_axis(self.residents.belief, same.argmax(axis=3), axis=2)
        posted = self.posted[np.maximum(new, 0), np.arange(lines)[None, :, None]]
        self.residents.belief = np.where(same.any(axis=3), known, posted).astype(np.float32)


def _rows(ids: pd.Series) -> dict[str, int]:
    return {name: row for row, name in enumerate(ids)}


def _given(value: object) -> bool:
    return not (value is None or value == "" or pd.isna(value))
