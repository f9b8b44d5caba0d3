"""An account of a state: how many there are of everything that a planner counts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.outcomes.spending import public_costs, public_floor
from sim.phases.tasks import assigned_hours, funds
from sim.world.boundaries import COMMUNITY_KIND
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.reach import make_reach
from sim.world.services import Lines
from sim.world.state import State
from sim.world.workers import ABOLISHED


@dataclass(frozen=True)
class Account:
    """Counts in one week, turnover of staff aside.

    groups: residents' groups; one that lies in two units counts in both. staff: posts of
    communities and villages, centre_staff: of townships. points, centres: open counters run by
    offices of units and of townships, of which kept_points and kept_centres go on beside a new
    seat with fewer hours or windows; stations: further counters of townships. floor: m2 of public
    buildings. costs: yuan a year by kind (buildings written off over their life, or rent);
    merging_cost: yuan once, for the units that mergers have ended. facilities: by service.
    """

    communities: int
    villages: int
    townships: int
    groups: int
    staff: int
    centre_staff: int
    points: int
    kept_points: int
    centres: int
    kept_centres: int
    stations: int
    floor: float
    costs: dict[str, float]
    merging_cost: float
    facilities: dict[str, int]

    @property
    def units(self) -> int:
        """Communities and villages."""
        return self.communities + self.villages

    @staticmethod
    def of(state: State) -> Account:
        """Counts what there is in the state's week."""
        b, f, p = state.boundaries, state.facilities, state.parameters
        kinds = [u.kind for u in b.units if u.alive]
        posts = state.workers.office[state.workers.office != ABOLISHED]
        upper = state.offices.kind == TOWNSHIP_OFFICE
        is_open = f.is_open(state.week)
        counter = is_open & (f.windows > 0) & (f.operator >= 0)
        centre = counter.copy()
        centre[counter] = upper[f.operator[counter]]
        point, station = counter & ~centre, centre & f.station
        centre &= ~f.station
        tasks = assigned_hours(state)
        costs = public_costs(state, posts.size, float(funds(state, tasks.hours).sum()))
        del costs["transition"]  # it passes
        offered = f.offers[is_open].sum(axis=0).tolist()
        return Account(
            communities=kinds.count(COMMUNITY_KIND),
            villages=len(kinds) - kinds.count(COMMUNITY_KIND),
            townships=sum(t.alive for t in b.townships),
            groups=int(b.groups().sum()),
            staff=int((~upper[posts]).sum()),
            centre_staff=int(upper[posts].sum()),
            points=int(point.sum()),
            kept_points=int((point & f.kept).sum()),
            centres=int(centre.sum()),
            kept_centres=int((centre & f.kept).sum()),
            stations=int(station.sum()),
            floor=public_floor(state),
            costs=costs,
            merging_cost=sum(n for _, n in state.ended) * p["cost.transition"],
            facilities=dict(zip(state.lines.services, offered, strict=True)),
        )


@dataclass(frozen=True)
class Touched:
    """Households of all that there are, whose unit is not the same any more (other settlements,
    kind or seat), whose township is another, whose counter (the nearest for some of their matters)
    lies elsewhere, farther on the mean of their matters for so many, and with any of these."""

    households: int
    any: int
    unit: int
    township: int
    counter: int
    farther: int

    @staticmethod
    def between(before: State, after: State) -> Touched:
        """Compares two states of one case in the same week."""
        households = after.census.households
        pairs = zip(_units(before), _units(after), strict=True)
        unit = np.array([old != new for old, new in pairs], bool)
        township = _townships(before) != _townships(after)
        counter, farther = Counters.of(before).moved(Counters.of(after))
        touched = (unit | township | counter, unit, township, counter, farther)
        return Touched(int(households.sum()), *(int(households[x].sum()) for x in touched))


def _units(state: State) -> list[tuple]:
    """What makes a unit the one it is, for every settlement."""
    b = state.boundaries
    members: list[list[int]] = [[] for _ in b.units]
    for settlement, row in enumerate(b.unit_of.tolist()):
        members[row].append(settlement)
    known = [(u.id, u.kind, u.seat, *m) for u, m in zip(b.units, members, strict=True)]
    return [known[row] for row in b.unit_of.tolist()]


def _townships(state: State) -> np.ndarray:
    b = state.boundaries
    return np.array([t.id for t in b.townships])[b.township_of()]


@dataclass(frozen=True)
class Counters:
    """The nearest counters by line: where they are ``[S, lines, 2]`` (-1 where there is none), how
    far in metres and for what share of the service's matters, float64 ``[S, lines]``."""

    place: np.ndarray
    metres: np.ndarray
    share: np.ndarray

    @staticmethod
    def of(state: State) -> Counters:
        f = state.facilities
        rows = [i for i, x in enumerate(state.lines.all) if x.mode == "counter"]
        counters = tuple(state.lines.all[i] for i in rows)
        routed = np.array([x.service == "government" for x in counters])
        reach = make_reach(
            state.week,
            Lines(counters, state.lines.services),
            f,
            state.offices,
            state.boundaries,
            state.travel,
            1,
        )
        slot = reach.slot[:, :, 0]
        place = np.stack([f.x, f.y], axis=-1)[np.maximum(slot, 0)]
        place[slot < 0] = -1
        share = np.where(routed, state.tier_shares()[:, rows], 1.0)
        return Counters(place, reach.nearest, share)

    def moved(self, after: Counters) -> tuple[np.ndarray, np.ndarray]:
        """Where some matters go to another counter, and where the mean way is longer, bool
        ``[S]``."""
        change = np.abs(self.share_at(self.place) - after.share_at(self.place))
        moved = (change * (self.share > 0) > 1e-9).any(axis=1)
        return moved, moved & (after.way > self.way * (1 + 1e-9))

    def share_at(self, place: np.ndarray) -> np.ndarray:
        """Share of matters that go to each of these places, ``[S, n]``."""
        there = (place[:, :, None] == self.place[:, None]).all(axis=3)
        return (there * self.share[:, None]).sum(axis=2)

    @property
    def way(self) -> np.ndarray:
        """Metres by share of matters, inf where some have no counter."""
        return (self.share * np.where(self.share > 0, self.metres, 0.0)).sum(axis=1)
