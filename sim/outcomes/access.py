"""Access, geometric: how far everybody is from the nearest facility that is open to them.

Of all persons present, never of the served only: those far away put it off and drop out of any
count of trips. Minutes by travel class (adult or old, with or without a vehicle).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.outcomes.parks import parks
from sim.outcomes.terms import AMENITIES, NEAR, PLACED
from sim.world.boundaries import RURAL, TOWN, URBAN
from sim.world.census import PERSON_GROUPS
from sim.world.households import DIGITAL, HARDSHIP, OLD_ONLY, VEHICLE
from sim.world.state import State
from sim.world.travel import Pace

SIX_BASICS = ("elder_care", "nursery", "shop", "health", "culture", "green")
TYPES = {"urban": URBAN, "town": TOWN, "rural": RURAL}
SEAT_BANDS = {
    "seat_0_500m": (0, 500),
    "seat_500_1000m": (500, 1000),
    "seat_1000_2000m": (1000, 2000),
    "seat_2000m": (2000, np.inf),
}
Values = dict[tuple[str, str], float]


def person_groups(state: State) -> dict[str, np.ndarray]:
    """Persons present of each group, by settlement and travel class, float64 ``[S, 4]``."""
    people = state.census.people
    groups = {name: people[:, :, i] for i, name in enumerate(PERSON_GROUPS)}
    everyone = groups["children"] + groups["adults"] + groups["old"]
    walkers = everyone * np.array([1.0, 0.0, 1.0, 0.0])
    kind = state.boundaries.column("type")[state.boundaries.origin]
    by_type = {t: everyone * (kind == code)[:, None] for t, code in TYPES.items()}
    return {"all": everyone, **groups, "no_vehicle": walkers, **by_type}


def household_groups(state: State) -> dict[str, np.ndarray]:
    """Members of each group of households, bool ``[H]``; `old`: of old persons only; `risk_...`:
    with somebody of 60 or over at that care risk."""
    h = state.households
    flags = np.asarray(h.flags)
    kind = state.boundaries.column("type")[state.boundaries.origin][h.settlement]
    return {
        "all": np.ones(flags.size, bool),
        "old": (flags & OLD_ONLY) > 0,
        "no_vehicle": (flags & VEHICLE) == 0,
        "no_digital": (flags & DIGITAL) == 0,
        "risk_high": h.risk[:, 0] > 0,
        "risk_focus": h.risk[:, 1] > 0,
        **{t: kind == code for t, code in TYPES.items()},
    }


def household_class(state: State) -> np.ndarray:
    """Travel class of every household, int64 ``[H]``."""
    flags = np.asarray(state.households.flags)
    return ((flags & VEHICLE) > 0).astype(np.int64) + 2 * ((flags & OLD_ONLY) > 0)


def drawbacks(state: State) -> np.ndarray:
    """How many of four drawbacks each household has, int64 ``[H]``: in hardship, of old persons
    only, without digital skill, without a vehicle.

    No case knows incomes. The count ranks households by what is known of each of them (the counting
    approach of Alkire & Foster 2011, equal weights) rather than of the place they live in.
    """
    flags = np.asarray(state.households.flags)
    given = [(flags & bit) > 0 for bit in (HARDSHIP, OLD_ONLY)]
    wanting = [(flags & bit) == 0 for bit in (DIGITAL, VEHICLE)]
    return np.count_nonzero([*given, *wanting], axis=0)


@dataclass(frozen=True)
class Distances:
    """Minutes to the facility that is soonest reached: minutes float64 ``[S, A, 4]`` by line and
    travel class, inf where none is open to them; metres to the nearest ``[S, A]``; shares of the
    lines in their services' needs ``[S, A]``."""

    minutes: np.ndarray
    metres: np.ndarray
    shares: np.ndarray

    @staticmethod
    def of(state: State, pace: Pace) -> Distances:
        reach = state.reach
        if reach.ridden is None:  # the nearest is the soonest reached
            each = [pace.minutes(reach.nearest, c) for c in range(4)]
        else:
            each = [pace.minutes(reach.metres, c, reach.ridden).min(axis=2) for c in range(4)]
        return Distances(np.stack(each, axis=2), reach.nearest, state.tier_shares())

    def service(self, state: State, service: str) -> np.ndarray:
        """Minutes of a service, ``[S, 4]``: its tiers by their share of the needs."""
        rows = state.lines.of_service(service)
        if len(rows) == 1:
            return self.minutes[:, rows[0]]
        shares = self.shares[:, rows][:, :, None]
        minutes = np.where(shares > 0, self.minutes[:, rows], 0.0)  # not 0 times infinity
        return (shares * minutes).sum(axis=1)


def access(state: State, distances: Distances, groups: dict[str, np.ndarray]) -> Values:
    """Minutes and shares of the catalogue for every group of persons, ``[S, 4]`` each.

    No facility open to somebody, none within the cutoff, and unknown are three answers: the first
    two are shares of persons; a service that no facility has ever offered (`State.known`) has no
    outcome, nor has what needs it.
    """
    shares: dict[str, np.ndarray] = {}
    minutes = {s: distances.service(state, s) for s in PLACED}
    known = {s: state.knows(s) for s in minutes}
    for service in filter(known.get, PLACED):
        shares |= {f"{service}.share_{n}min": minutes[service] <= n for n in NEAR}
        shares[f"{service}.none"] = ~np.isfinite(minutes[service])
        if service not in AMENITIES:
            shares[f"{service}.out_of_reach"] = ~_in_reach(state, distances, service)
    if all(known[s] for s in SIX_BASICS):
        farthest = np.max([minutes[s] for s in SIX_BASICS], axis=0)
        shares |= {f"basics.share_{n}min": farthest <= n for n in NEAR}
    if known["green"]:
        shares |= {f"green.{k}": v[:, None] for k, v in parks(state).items()}
    out: Values = {}
    for name, persons in groups.items():
        total = persons.sum()
        for service in filter(known.get, PLACED):
            there = np.isfinite(minutes[service])
            spent = (persons * np.where(there, minutes[service], 0.0)).sum()
            out[f"access.{service}.minutes", name] = _ratio(spent, (persons * there).sum())
        for measure, mine in shares.items():
            out[f"access.{measure}", name] = _ratio((persons * mine).sum(), total)
    return out


def _in_reach(state: State, distances: Distances, service: str) -> np.ndarray:
    """Whether the nearest facility of every tier in use is within the cutoff, bool ``[S, 4]``."""
    near = [
        (distances.minutes[:, i] <= state.lines.all[i].cutoff) | (distances.shares[:, i, None] == 0)
        for i in state.lines.of_service(service)
    ]
    return np.all(near, axis=0)


def basket_rates(state: State, asked: np.ndarray) -> np.ndarray:
    """Needs a year that make the basket, float32 ``[H, L]``: those asked for, of the case's own
    services only, so that the basket is the same with and without what a lever brings."""
    compared = state.compared
    return asked if compared.all() else asked * compared


def basket_minutes(
    state: State,
    distances: Distances,
    rates: np.ndarray,
    household_class: np.ndarray,
    beside: Distances | None = None,
) -> np.ndarray:
    """Minutes per trip of each household's expected yearly basket, float32 ``[H]``.

    rates: needs a year ``[H, L]``, of which the tiers do not matter, since `distances` has its own
    shares; a household that needs nothing has 0, one that needs what no facility offers it has inf.
    beside: what they are compared with; needs that no facility is open to in either are left out.
    """
    cell = np.asarray(state.households.settlement).astype(np.int64) * 4 + household_class
    total, trips = np.zeros(cell.size), np.zeros(cell.size)
    services = [line.service for line in state.asked]
    for service in dict.fromkeys(services):
        tiers = [i for i, name in enumerate(services) if name == service]
        rate = rates[:, tiers].sum(axis=1, dtype=np.float64)
        minutes = distances.service(state, service).reshape(-1)[cell]
        if beside is not None:
            other = beside.service(state, service).reshape(-1)[cell]
            rate = np.where(np.isfinite(minutes) | np.isfinite(other), rate, 0.0)
        asked = rate > 0
        total[asked] += rate[asked] * minutes[asked]
        trips += rate
    return np.divide(total, trips, out=np.zeros_like(total), where=trips > 0).astype(np.float32)


def basket(basket: np.ndarray, rates: np.ndarray, groups: dict[str, np.ndarray]) -> Values:
    """Mean minutes per trip by group of households, trips weighted by how often they are made."""
    trips = rates.sum(axis=1, dtype=np.float64) * np.isfinite(basket)
    spent = np.where(np.isfinite(basket), basket, 0.0) * trips
    return {
        ("access.basket.minutes", name): _ratio(spent[mine].sum(), trips[mine].sum())
        for name, mine in groups.items()
    }


def seat_bands(state: State) -> dict[str, np.ndarray]:
    """Settlements by metres to the seat of the unit they are in now, bool ``[S]`` a band."""
    seats = state.boundaries.column("seat")[state.boundaries.unit_of]
    x, y = (state.world.settlements[a].to_numpy(np.float64) for a in ("x", "y"))
    metres = state.travel.pairs(np.arange(x.size), x[seats], y[seats])
    return {name: (metres >= low) & (metres < high) for name, (low, high) in SEAT_BANDS.items()}


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else float("nan")
