"""How a redraw is carried out: boundaries first, then offices, points, and what residents feel.

An id that keeps exactly its settlements, kind and seat carries its unit on; any other use of an
old id names a new unit. Townships carry on under their id whatever they gain or lose.
"""

from __future__ import annotations

import numpy as np

from sim.levers.handover import follow_townships, follow_units
from sim.levers.parts import Parts
from sim.levers.plan import RENTED_POINT, Plan, Points, Premises, Staff
from sim.levers.points import settle_centres, settle_points
from sim.processes.learning import participation_change
from sim.world.boundaries import KINDS, TYPES, Boundaries, Township, Unit
from sim.world.state import State


def redraw(
    state: State,
    plan: Plan,
    service_points: Points | None = None,
    township_points: Points | None = None,
    staff: Staff = "keep",
    imposed: bool = False,
    premises: Premises = RENTED_POINT,
) -> None:
    """Carries a plan out at the start of the state's week; without a policy for points they stay
    as they are. premises: of the points of seats that have none."""
    b = state.boundaries
    row_of = {name: row for row, name in enumerate(state.world.settlements["id"])}
    households = state.census.households
    old_unit, old_township = b.unit_of.copy(), b.township_of()

    _draw_units(b, plan, row_of, _draw_townships(b, plan, row_of))
    units = Parts.of(old_unit, b.unit_of, households)
    townships = Parts.of(old_township, b.township_of(), households)
    follow_units(state, units, staff)
    follow_townships(state, townships)
    _end_empty(b)
    settle_points(state, units, old_unit, service_points, premises)
    settle_centres(state, townships, old_township, township_points)
    _feel(state, units, old_unit, imposed)
    state.ended.append((state.week, units.ended + townships.ended))
    state.touch()


def _draw_townships(b: Boundaries, plan: Plan, row_of: dict[str, int]) -> dict[str, int]:
    """Rows of the townships that units may lie in, by id; the plan's are added or renewed."""
    rows = {t.id: row for row, t in enumerate(b.townships) if t.alive}
    for t in plan.townships:
        if t.id in rows:
            known = b.townships[rows[t.id]]
            known.name, known.kind, known.county = t.name, t.kind, t.county
            known.seat = row_of[t.seat]
        else:
            rows[t.id] = len(b.townships)
            b.townships.append(Township(t.id, t.name, t.kind, t.county, row_of[t.seat]))
    return rows


def _draw_units(
    b: Boundaries, plan: Plan, row_of: dict[str, int], townships: dict[str, int]
) -> None:
    """Gives every settlement of the plan its unit."""
    members: dict[str, list[int]] = {}
    for name, unit_id in plan.unit_of:
        members.setdefault(unit_id, []).append(row_of[name])
    size = np.bincount(b.unit_of, minlength=len(b.units))
    unit_of = b.unit_of.copy()
    for u in plan.units:
        mine = members[u.id]
        unit = Unit(
            u.id, u.name, KINDS[u.kind], TYPES[u.type], townships[u.township], row_of[u.seat]
        )
        before = int(b.unit_of[mine[0]])
        whole = bool((b.unit_of[mine] == before).all()) and size[before] == len(mine)
        if whole and _same(b.units[before], unit):
            unit.office = b.units[before].office
            b.units[before] = unit
        else:
            unit_of[mine] = len(b.units)
            b.units.append(unit)
    b.unit_of = unit_of


def _same(old: Unit, new: Unit) -> bool:
    return (old.id, old.kind, old.seat) == (new.id, new.kind, new.seat)


def _end_empty(b: Boundaries) -> None:
    """Units without settlements and townships without units end."""
    for row, settlements in enumerate(np.bincount(b.unit_of, minlength=len(b.units))):
        b.units[row].alive = bool(settlements)
    for row, settlements in enumerate(np.bincount(b.township_of(), minlength=len(b.townships))):
        b.townships[row].alive = bool(settlements)


def _feel(state: State, parts: Parts, old_unit: np.ndarray, imposed: bool) -> None:
    """Belonging and participation of residents who come together with others."""
    b, r, p = state.boundaries, state.residents, state.parameters
    persons = state.census.registered
    before = np.bincount(old_unit, persons, len(b.units))[old_unit]
    after = b.sums(persons)[b.unit_of]
    pairs = zip(parts.new[parts.joins].tolist(), parts.old[parts.joins].tolist(), strict=True)
    joined = set(pairs)
    here = zip(b.unit_of.tolist(), old_unit.tolist(), strict=True)
    merged = np.array([pair in joined for pair in here], bool)
    r.belonging_goal[merged] = p["residents.belonging_merged"]
    r.participation[merged] += participation_change(
        np.maximum(1.0, before[merged]), np.maximum(1.0, after[merged]), imposed, p
    )
