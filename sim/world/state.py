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

from sim.case.parameters import Parameters
from sim.world.boundaries import Boundaries
from sim.world.census import Census
from sim.world.contracts import Contracts
from sim.world.draws import run_key
from sim.world.enrolment import Enrolment
from sim.world.facilities import (
    Enlargement,
    Facility,
    FacilityColumns,
)
from sim.world.households import Households
from sim.world.ledger import Ledger
from sim.world.offices import (
    Office,
    OfficeColumns,
)
from sim.world.policies import Policies
from sim.world.population import Population
from sim.world.reach import Reach, make_reach
from sim.world.residents import Residents
from sim.world.services import ROUTED, TIERS, Line, Lines
from sim.world.start import (
    make_travel,
    start_boundaries,
    start_contracts,
    start_facilities,
    start_offices,
    start_streets,
)
from sim.world.streets import Streets
from sim.world.travel import Travel
from sim.world.workers import StaffFlows, Workers
from sim.world.world import World


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
    until the model has taken note. in_case: bool ``[services]`` those that a facility of the case
    offers at some time; what a lever brought is in no comparison of ways and moods with before.
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
    in_case: np.ndarray
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
            in_case=np.asarray(facilities.offers.any(axis=0)),
            ledger=Ledger.empty(len(offices), int(parameters["work.withdrawn_after"])),
            residents=Residents.at_start(
                world.households.settlement.size,
                settlements,
                sum(line.tier not in ROUTED for line in lines.asked),
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
        """Share of its service's needs that residents have on each line, float64 ``[S, A]``: all
        together, save community affairs where certificates are no longer asked for."""
        lines, tiers = self.lines, self.policies.tiers
        shares = np.ones((len(tiers), len(lines.all)))
        for i in lines.of_service("government"):
            shares[:, i] = tiers[:, TIERS.index(lines.all[i].tier)]
        spared = self.parameters["needs.certificates"] * (1 - self.policies.certificates)
        for i in lines.of_service("community"):
            shares[:, i] = 1 - spared
        return shares

    @property
    def known(self) -> np.ndarray:
        """Services that anybody has heard of, bool ``[services]``: those of the case, and those
        that a lever has opened a facility for. Of the others nothing is asked or told."""
        f = self.facilities
        been = f.offers | f.ended
        return self.in_case | been[f.opened <= self.week].any(axis=0)

    def knows(self, service: str) -> bool:
        """Whether a service is one of those `known`."""
        names = self.lines.services
        return service in names and bool(self.known[names.index(service)])

    def is_of_case(self, service: str) -> bool:
        """Whether a facility of the case itself offers a service at some time."""
        return bool(self.in_case[self.lines.services.index(service)])

    @property
    def compared(self) -> np.ndarray:
        """Which of the lines asked for are of the case's own services, bool ``[L]``."""
        return np.array([self.is_of_case(x.service) for x in self.asked], bool)

    @property
    def asked(self) -> tuple[Line, ...]:
        """The lines that residents ask for, without those that no lever has routed matters to."""
        return self.lines.asked[: self.residents.lines]

    def route(self, rows: np.ndarray, tiers: np.ndarray) -> None:
        """From this week on government matters of these settlements have other shares by tier."""
        self.policies.tiers[rows] = tiers
        self.routes_changed = True
        used = self.tier_shares()[:, : len(self.lines.asked)].any(axis=0)
        lines = slice(self.residents.lines, int(np.flatnonzero(used)[-1]) + 1)
        if lines.stop > lines.start:
            reach = self.reach.slot[:, lines]
            self.residents.widen(self._posted(reach, lines))

    def ask_certificates(self, rows: np.ndarray, share: float) -> None:
        """From this week on residents of these settlements need so large a share of the
        certificates."""
        self.policies.certificates[rows] = share
        self.routes_changed = True

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
        lines = slice(self.residents.lines)
        new, old = new[:, lines], old[:, lines]
        same = (new[:, :, :, None] == old[:, :, None, :]) & (new >= 0)[:, :, :, None]
        known = np.take_along_axis(self.residents.belief, same.argmax(axis=3), axis=2)
        self.residents.belief = np.where(same.any(axis=3), known, self._posted(new, lines))

    def _posted(self, slot: np.ndarray, lines: slice) -> np.ndarray:
        """What is posted at facilities in reach for some lines, float32 ``[S, lines, K]``."""
        columns = np.arange(len(self.lines.asked))[lines, None]
        return self.posted[np.maximum(slot, 0), columns].astype(np.float32)
