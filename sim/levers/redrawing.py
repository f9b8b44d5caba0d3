"""How a redraw is carried out: units, townships, offices, points, and what residents feel.

Offices follow their people in proportion to households; backlog moves with them. An id that maps
to exactly the same settlements as before carries its unit on; any other use of an old id names a
new unit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from sim.processes import learning, transition
from sim.world.boundaries import COMMUNITY_KIND, KINDS, TYPES, Township, Unit
from sim.world.draws import id_keys
from sim.world.facilities import NEVER
from sim.world.offices import (
    ATTRITION,
    COMMUNITY_OFFICE,
    KEEP,
    NOT_MERGED,
    TOWNSHIP_OFFICE,
    VILLAGE_OFFICE,
)
from sim.world.services import COMMUNITY
from sim.world.state import State
from sim.world.supply import default_capacity, staff_standard, windows_of, yearly_list


class KeepShare(BaseModel):
    """Keeps a share of the points, those that serve most households first."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    keep_share: Annotated[float, Field(ge=0, le=1)]


class StaffFloor(BaseModel):
    """Cuts staff to a floor of workers per 10,000 registered persons."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    floor_per_10000: Annotated[float, Field(gt=0, le=200)]


Points = Literal["keep", "close"] | KeepShare
Staff = Literal["keep", "attrition"] | StaffFloor


@dataclass(frozen=True)
class UnitPlan:
    """A unit after the redraw; township and seat (a settlement) by id."""

    id: str
    name: str
    kind: str
    type: str
    township: str
    seat: str


@dataclass(frozen=True)
class TownshipPlan:
    """A township after the redraw; seat: settlement id."""

    id: str
    name: str
    kind: str
    county: str
    seat: str


@dataclass(frozen=True)
class Plan:
    """A redraw: unit id of every settlement named, the units, and the townships (None where
    they stay as they are)."""

    unit_of: tuple[tuple[str, str], ...]
    units: tuple[UnitPlan, ...]
    townships: tuple[TownshipPlan, ...] | None


def redraw(
    state: State, plan: Plan, service_points: Points, township_points: Points, staff: Staff,
    imposed: bool,
) -> None:  # fmt: skip
    """Carries a plan out at the start of the state's week."""
    b = state.boundaries
    settlement = {name: row for row, name in enumerate(state.world.settlements["id"])}
    old_unit, old_township = b.unit_of.copy(), b.township_of()
    size = state.world.settlements["households"].to_numpy(np.float64)
    townships = _new_townships(state, plan, settlement)
    _new_units(state, plan, settlement, townships)
    parts = _parts(old_unit, b.unit_of, size)
    _hand_over(state, _unit_offices(state, parts, staff))
    if plan.townships is not None:
        _township_offices(state, old_township, size)
    _retire(state)
    state.seat_actors()
    _settle_points(state, old_unit, size, service_points)
    if plan.townships is not None:
        _settle_centres(state, old_township, size, township_points)
    _feel(state, old_unit, parts, imposed)
    state.touch()


def _new_townships(
    state: State, plan: Plan, settlement: dict[str, int]
) -> dict[str, int]:
    """Rows of the townships alive after the redraw, by id."""
    b = state.boundaries
    rows = {t.id: i for i, t in enumerate(b.townships) if t.alive}
    for t in plan.townships or ():
        if t.id in rows:
            old = b.townships[rows[t.id]]
            old.name, old.kind, old.seat = t.name, t.kind, settlement.get(t.seat, old.seat)
        else:
            rows[t.id] = len(b.townships)
            b.townships.append(Township(t.id, t.name, t.kind, t.county, settlement[t.seat]))
    return rows


def _new_units(
    state: State, plan: Plan, settlement: dict[str, int], townships: dict[str, int]
) -> None:
    """Gives every settlement of the plan its unit; same settlements under the same id carry on."""
    b = state.boundaries
    target: dict[str, list[int]] = {}
    for name, new in plan.unit_of:
        target.setdefault(new, []).append(settlement[name])
    for u in plan.units:
        rows = np.array(target[u.id])
        before = np.unique(b.unit_of[rows])
        same = (
            before.size == 1
            and b.units[before[0]].id == u.id
            and b.units[before[0]].alive
            and np.count_nonzero(b.unit_of == before[0]) == rows.size
        )
        unit = Unit(u.id, u.name, KINDS[u.kind], TYPES[u.type], townships[u.township],
                    settlement[u.seat])  # fmt: skip
        if same:
            unit.office = b.units[before[0]].office
            b.units[before[0]] = unit
        else:
            b.units.append(unit)
            target[u.id] = [*rows, -len(b.units)]  # row to be, after all old rows were read
    for rows in target.values():
        if rows[-1] < 0:
            b.unit_of[rows[:-1]] = -rows[-1] - 1


def _parts(old: np.ndarray, new: np.ndarray, size: np.ndarray) -> dict[int, dict[int, float]]:
    """Households by new unit and old unit, of the units that changed."""
    changed = old != new
    touched = np.isin(new, np.unique(new[changed]))
    pairs, which = np.unique(
        np.column_stack([new[touched], old[touched]]), axis=0, return_inverse=True
    )
    households = np.bincount(which, size[touched])
    parts: dict[int, dict[int, float]] = {}
    for (n, o), h in zip(pairs.tolist(), households.tolist(), strict=True):
        parts.setdefault(n, {})[o] = h
    return parts


def _unit_offices(
    state: State, parts: dict[int, dict[int, float]], staff: Staff
) -> dict[int, int]:
    """An office for every new unit, from shares of the old ones; slot by unit row."""
    b, o, p = state.boundaries, state.offices, state.parameters
    persons = b.sums(state.world.settlements["persons"].to_numpy(np.float64))
    households: dict[int, float] = {}
    for members in parts.values():
        for old, h in members.items():
            households[old] = households.get(old, 0.0) + h
    lists = transition.assigned_hours(state.week, o.own_list, o.merged_list, o.merged_week, p)
    slots = {}
    for new, members in sorted(parts.items()):
        unit = b.units[new]
        known = {b.units[m].office: h / max(households[m], 1e-9) for m, h in members.items()
                 if b.units[m].office >= 0}
        kind = "community" if unit.kind == COMMUNITY_KIND else "village"
        workers = sum(o.workers[s] * share for s, share in known.items())
        standard = staff_standard(kind, persons[new], p)
        if isinstance(staff, StaffFloor):
            workers = min(workers, max(1.0, persons[new] * staff.floor_per_10000 / 10_000))
        was_community = any(b.units[m].kind == COMMUNITY_KIND for m in members)
        full = kind == "community" and (was_community or workers >= standard)
        share = 1.0 if full else p["work.village_share"]
        left = [lists[s] * part for s, part in known.items()]
        sizes = np.array(list(members.values()))
        merged = len(members) > 1
        name = f"O-{unit.id}@{state.week}"
        slot = o.add(
            id=name, name=unit.name, key=id_keys([name])[0],
            kind=COMMUNITY_OFFICE if kind == "community" else VILLAGE_OFFICE,
            unit=new, township=unit.township, settlement=unit.seat, alive=True, workers=workers,
            windows=windows_of(kind, persons[new], p), full_list=share,
            own_list=share * yearly_list(p),
            merged_list=max(0.0, sum(left) - max(left, default=0.0)),
            merged_week=state.week if merged else NOT_MERGED, members=len(members),
            loss=transition.loss_at_first(sizes, p),
            staff_policy=ATTRITION if staff == "attrition" else KEEP,
        )  # fmt: skip
        unit.office = slots[new] = slot
        state.ledger.grow(len(o))
        _move_backlog(state, known, slot, households, members)
        if merged:
            state.ended.append((state.week, len(members) - 1))
    for row, unit in enumerate(b.units):
        if row not in slots and unit.alive and unit.office >= 0:
            o.township[unit.office] = unit.township
    return slots


def _move_backlog(
    state: State, known: dict[int, float], slot: int, households: dict[int, float],
    members: dict[int, float],
) -> None:  # fmt: skip
    """Hands each member's backlog over; what it hands to several is shared as households are."""
    b = state.boundaries
    for m, h in members.items():
        office = b.units[m].office
        if office in known:
            still = households[m]
            state.ledger.move(office, slot, h / max(still, 1e-9))
            households[m] = max(still - h, 0.0)


def _hand_over(state: State, slots: dict[int, int]) -> None:
    """Facilities that an old unit's office ran go to the office of the unit they now lie in."""
    b, f, o = state.boundaries, state.facilities, state.offices
    run = np.flatnonzero(f.operator >= 0)
    run = run[o.kind[f.operator[run]] != TOWNSHIP_OFFICE]
    unit = b.unit_of[f.settlement[run]]
    moved = np.isin(unit, list(slots))
    office = b.column("office")
    f.operator[run[moved]] = office[unit[moved]]


def _township_offices(state: State, old: np.ndarray, size: np.ndarray) -> None:
    """Offices of the townships that changed: staff by households, windows by persons."""
    b, o, p = state.boundaries, state.offices, state.parameters
    new = b.township_of()
    persons = np.bincount(new, state.world.settlements["persons"], len(b.townships))
    total = np.bincount(old, size, len(b.townships))
    before = {row: t.office for row, t in enumerate(b.townships)}
    workers = o.workers.copy()
    parts = _parts(old, new, size)
    for row in sorted(set(np.unique(old[old != new]).tolist()) - set(parts)):
        if b.townships[row].office >= 0:  # it only lost settlements: staff go with their people
            stay = size[(old == row) & (new == row)].sum() / max(total[row], 1e-9)
            o.workers[b.townships[row].office] *= stay
    left = total.copy()
    for row, members in sorted(parts.items()):
        t = b.townships[row]
        name = f"T-{t.id}@{state.week}"
        known = {m: h for m, h in members.items() if before[m] >= 0}
        t.office = o.add(
            id=name, name=t.name, key=id_keys([name])[0], kind=TOWNSHIP_OFFICE, unit=-1,
            township=row, settlement=t.seat, alive=True,
            workers=sum(workers[before[m]] * h / max(total[m], 1e-9) for m, h in known.items()),
            windows=windows_of("township", persons[row], p), full_list=0.0, own_list=0.0,
            merged_list=0.0, merged_week=state.week if len(members) > 1 else NOT_MERGED,
            members=len(members), loss=transition.loss_at_first(np.array([*members.values()]), p),
            staff_policy=KEEP,
        )  # fmt: skip
        state.ledger.grow(len(o))
        for m, h in known.items():
            state.ledger.move(before[m], t.office, h / max(left[m], 1e-9))
            left[m] = max(left[m] - h, 0.0)
        if len(members) > 1:
            state.ended.append((state.week, len(members) - 1))
    f = state.facilities
    run = np.flatnonzero(f.operator >= 0)
    run = run[o.kind[f.operator[run]] == TOWNSHIP_OFFICE]
    office = np.array([t.office for t in b.townships])
    f.operator[run] = office[new[f.settlement[run]]]


def _retire(state: State) -> None:
    """Units and townships without settlements end, and the offices that nobody has any more."""
    b, o = state.boundaries, state.offices
    settlements = np.bincount(b.unit_of, minlength=len(b.units))
    for row, unit in enumerate(b.units):
        unit.alive = bool(settlements[row])
    areas = {u.township for u in b.units if u.alive}
    for row, township in enumerate(b.townships):
        township.alive = row in areas
    used = {u.office for u in b.units if u.alive} | {t.office for t in b.townships if t.alive}
    state.seat_actors()
    for slot in np.flatnonzero(o.alive):
        if int(slot) not in used:
            state.office_actors[slot].dissolve()


def _settle_points(state: State, old_unit: np.ndarray, size: np.ndarray, points: Points) -> None:
    """The point at each new seat serves the unit; the other points of its old seats are closed
    or kept, whole seats at a time (counter and culture room together)."""
    b, f, o, p = state.boundaries, state.facilities, state.offices, state.parameters
    changed = np.flatnonzero(np.isin(b.unit_of, np.unique(b.unit_of[old_unit != b.unit_of])))
    units = np.unique(b.unit_of[changed])
    open_points = np.flatnonzero(f.is_open(state.week) & f.point)
    home = b.unit_of[f.settlement[open_points]]
    served = np.bincount(old_unit, size, len(b.units))
    others: dict[tuple[int, int], list[int]] = {}
    for unit in units.tolist():
        mine = open_points[home == unit]
        seat = b.units[unit].seat
        main = [s for s in mine if f.settlement[s] == seat]
        if not any(f.windows[s] > 0 for s in main):
            main.append(_new_point(state, unit))
        kind = "community" if b.units[unit].kind == COMMUNITY_KIND else "village"
        for s in main:
            f.kept[s] = False
            if f.windows[s] > 0:
                f.windows[s] = windows_of(kind, 0.0, p)
                f.hours[s] = p["counter.hours"]
        for s in mine:
            if f.settlement[s] != seat:
                others.setdefault((unit, int(f.settlement[s])), []).append(int(s))
    ranked = sorted(others, key=lambda k: (-served[old_unit[k[1]]],
                                           state.world.settlements["id"].iat[k[1]]))
    kept = round(_share(points) * len(ranked))
    for rank, place in enumerate(ranked):
        for s in others[place]:
            if rank < kept:
                _keep(state, s, p["counter.kept_hours"])
            else:
                state.facility_actors[s].close(state.week)


def _settle_centres(
    state: State, old_township: np.ndarray, size: np.ndarray, points: Points
) -> None:
    """Each township's centre is the one at its seat; those of abolished townships are closed or
    kept as points."""
    b, f, o, p = state.boundaries, state.facilities, state.offices, state.parameters
    new = b.township_of()
    persons = np.bincount(new, state.world.settlements["persons"], len(b.townships))
    served = np.bincount(old_township, size, len(b.townships))
    centre = f.is_open(state.week) & (f.windows > 0) & (f.operator >= 0)
    centre[centre] &= o.kind[f.operator[centre]] == TOWNSHIP_OFFICE
    others = []
    for township in np.unique(new).tolist():
        t = b.townships[township]
        mine = [int(s) for s in np.flatnonzero(centre) if new[f.settlement[s]] == township]
        if not mine:
            continue
        near = state.travel.pairs(np.full(len(mine), t.seat), f.x[mine], f.y[mine])
        main = mine[int(np.lexsort((np.array([f.id[s] for s in mine]), near))[0])]
        f.windows[main] = windows_of("township", persons[township], p)
        f.hours[main], f.kept[main] = p["counter.hours"], False
        others += [s for s in mine if s != main]
    others.sort(key=lambda s: (-served[old_township[f.settlement[s]]], f.id[s]))
    kept = round(_share(points) * len(others))
    for rank, s in enumerate(others):
        if rank < kept:
            _keep(state, s, p["counter.kept_hours_township"])
        else:
            state.facility_actors[s].close(state.week)


def _keep(state: State, slot: int, most_hours: float) -> None:
    """A kept point has fewer hours; its culture room takes in proportionally fewer."""
    f, p = state.facilities, state.parameters
    hours = f.hours[slot]
    state.facility_actors[slot].keep_as_point(most_hours, p["counter.kept_windows"])
    limited = np.isfinite(f.capacity[slot])
    f.capacity[slot, limited] *= f.hours[slot] / max(hours, 1e-9)


def _new_point(state: State, unit: int) -> int:
    """A service point at the seat of a unit that has none there (a split)."""
    b, f, p = state.boundaries, state.facilities, state.parameters
    u = b.units[unit]
    names = state.lines.services
    offers = np.isin(names, ["government", "community", "culture"])
    floor = 100.0
    rule = [default_capacity(s, floor, 0.0, p) if o else np.inf
            for s, o in zip(names, offers, strict=True)]
    place = state.world.settlements.iloc[u.seat]
    key = f"P-{u.id}@{state.week}"
    slot = f.add(
        id=key, name=u.name, key=id_keys([key])[0], settlement=u.seat, x=float(place["x"]),
        y=float(place["y"]), offers=offers, capacity=np.array(rule), open_to=COMMUNITY,
        operator=u.office, floor=2 * floor, windows=1.0, hours=p["counter.hours"],
        office_hours=True, opened=state.week, closed=NEVER, point=True, kept=False, yearly=0.0,
    )  # fmt: skip
    state.seat_actors()
    return slot


def _share(points: Points) -> float:
    if isinstance(points, KeepShare):
        return points.keep_share
    return 1.0 if points == "keep" else 0.0


def _feel(
    state: State, old_unit: np.ndarray, parts: dict[int, dict[int, float]], imposed: bool
) -> None:
    """Belonging and participation of residents whose unit was merged into a larger one."""
    b, r, p = state.boundaries, state.residents, state.parameters
    persons = state.world.settlements["persons"].to_numpy(np.float64)
    before = np.bincount(old_unit, persons, len(b.units))
    after = b.sums(persons)
    merged = np.isin(b.unit_of, [new for new, members in parts.items() if len(members) > 1])
    r.belonging_goal[merged] = p["residents.belonging_merged"]
    r.participation[merged] += learning.participation_change(
        np.maximum(before[old_unit[merged]], 1.0), np.maximum(after[b.unit_of[merged]], 1.0),
        imposed, p,
    )  # fmt: skip

