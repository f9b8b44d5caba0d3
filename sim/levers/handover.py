"""Offices follow their people: staff, lists of tasks, backlog, contracts and facilities go to the
offices of the new areas, in proportion to households; staff in whole persons.

An office that changes again carries the rest of an earlier merger on (`processes.transition`).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.case.synthesis.raking import apportion
from sim.levers.parts import Parts
from sim.levers.plan import Staff, StaffFloor
from sim.levers.posts import cut_posts
from sim.processes import transition
from sim.world.boundaries import COMMUNITY_KIND
from sim.world.draws import id_keys
from sim.world.offices import (
    ATTRITION,
    COMMUNITY_OFFICE,
    KEEP,
    NOT_MERGED,
    TOWNSHIP_OFFICE,
    VILLAGE_OFFICE,
)
from sim.world.state import State
from sim.world.supply import staff_standard, windows_of, yearly_list


def follow_units(state: State, parts: Parts, staff: Staff) -> None:
    """Opens an office for every unit that changed."""
    b, o = state.boundaries, state.offices
    source = b.column("office")[parts.old]
    target = np.empty_like(source)
    part_of = share_posts(state, parts, source)
    lists = _lists_brought(state, parts, source)
    for row, mine in parts.groups():
        posts = np.flatnonzero((part_of >= mine.start) & (part_of < mine.stop))
        columns = _transition(state, parts, source, mine) | _absorbed(state, lists[mine])
        target[mine] = _open_unit_office(state, row, source[mine], columns, staff, posts)
    for part, row in enumerate(parts.new):
        b.units[row].office = int(target[part])
    _pass_on(state, parts, source, target, b.unit_of)
    for unit in b.units:  # one that carries on may lie in another township now
        if unit.office >= 0 and o.alive[unit.office]:
            o.township[unit.office] = unit.township


def follow_townships(state: State, parts: Parts) -> None:
    """Opens an office for every township that gained; one that only lost keeps its own."""
    b, o = state.boundaries, state.offices
    source = np.array([t.office for t in b.townships])[parts.old]
    target = np.empty_like(source)
    part_of = share_posts(state, parts, source)
    for row, mine in parts.groups():
        posts = np.flatnonzero((part_of >= mine.start) & (part_of < mine.stop))
        if (parts.old[mine] == row).all():
            target[mine] = source[mine]
            o.workers[target[mine]] = state.workers.at_work(state.week)[posts].sum()
        else:
            columns = _transition(state, parts, source, mine)
            target[mine] = _open_township_office(state, row, columns, posts)
    for part, row in enumerate(parts.new):
        b.townships[row].office = int(target[part])
    _pass_on(state, parts, source, target, b.township_of())


def share_posts(state: State, parts: Parts, source: np.ndarray) -> np.ndarray:
    """The part to which every post goes, -1 where its office is not touched, int64 ``[W]``.

    source: office slot of each part. An office shares its posts among its parts by largest
    remainder; which post goes where follows from the keys, blocks of them staying together.
    """
    w = state.workers
    out = np.full(len(w), -1)
    for office in np.unique(source[source >= 0]):  # a unit may have none
        mine = np.flatnonzero(source == office)
        posts = w.posts_of(office)
        out[posts] = np.repeat(mine, apportion(parts.share[mine], posts.size))
    return out


def _transition(state: State, parts: Parts, source: np.ndarray, mine: slice) -> dict[str, Any]:
    """Columns of the transition of a new office: of the areas that merge in it, and the rest of
    what the offices before it had still to do, a share of each.

    One that comes from a single office goes on as that one would have; else the rest begins anew
    its year.
    """
    o, p, week = state.offices, state.parameters, state.week
    old, share, weight = source[mine], parts.share[mine], parts.weight[mine]
    if len(old) == 1:
        members, loss = float(share[0] * o.members[old[0]]), float(o.loss[old[0]])
        return {"merged_week": int(o.merged_week[old[0]]), "members": members, "loss": loss}
    merging = weight[parts.merges[mine]]
    left = transition.members_left(week, o.merged_week[old], o.members[old], p)
    members = float(len(merging) + (share * left).sum())
    lost = 1 - transition.efficiency(week, o.merged_week[old], o.loss[old], p["merger.recovery"])
    loss = transition.loss_at_first(merging, p) + float((weight * lost).sum() / weight.sum())
    return {
        "merged_week": week if members > 0 or loss > 0 else NOT_MERGED,
        "members": members,
        "loss": min(loss, p["merger.disruption_most"]),
    }


def _lists_brought(state: State, parts: Parts, source: np.ndarray) -> np.ndarray:
    """What the offices before bring of their lists of tasks, ``[N, 3]``: hours a year that they
    had by their kind, hours from earlier mergers, and the week since which these are shed.

    An area that goes on keeps its list whole; the list of one that ends is shared.
    """
    o = state.offices
    lives_on = np.isin(parts.old, parts.old[parts.goes_on])
    kept = np.where(lives_on, parts.goes_on, parts.share)
    return np.column_stack(
        [kept * o.own_list[source], parts.share * o.merged_list[source], o.list_week[source]]
    )


def _absorbed(state: State, lists: np.ndarray) -> dict[str, float]:
    """Columns of the lists that a new office has beside that of its kind: all that are brought,
    less the longest, whose place that of its kind takes."""
    own, earlier, since = lists.T
    left = np.array([own.sum() - own.max(), *earlier])
    weeks = np.array([state.week, *since], np.float64)
    joint = transition.joint_week(state.week, left, weeks, state.parameters)
    return {"merged_list": left.sum(), "list_week": NOT_MERGED if joint is None else joint}


def _open_unit_office(
    state: State, row: int, source: np.ndarray, columns: dict[str, Any], staff: Staff,
    posts: np.ndarray,
) -> int:  # fmt: skip
    """The slot of a new unit's office, made of the offices before and these posts.

    A unit made a community takes on the full list of tasks only with the staff for it (model
    text 6.4). columns: of transition and lists.
    """
    b, o, p = state.boundaries, state.offices, state.parameters
    unit = b.units[row]
    kind = "community" if unit.kind == COMMUNITY_KIND else "village"
    persons = float(state.census.registered[b.unit_of == row].sum())
    if isinstance(staff, StaffFloor):
        floor = persons * staff.floor_per_10000 / 10_000
        posts = cut_posts(state, posts, posts.size - max(1, math.ceil(floor - 1e-9)))
    full = kind == "community" and (
        bool((o.kind[source] == COMMUNITY_OFFICE).any())
        or posts.size >= staff_standard(kind, persons, p)
    )
    part = 1.0 if full else p["work.village_share"]
    name = f"O-{unit.id}@{state.week}"
    state.workers.office[posts] = len(o)
    return o.add(
        id=name,
        name=unit.name,
        key=id_keys([name])[0],
        kind=COMMUNITY_OFFICE if kind == "community" else VILLAGE_OFFICE,
        unit=row,
        township=unit.township,
        settlement=unit.seat,
        alive=True,
        workers=state.workers.at_work(state.week)[posts].sum(),
        windows=windows_of(kind, persons, p),
        full_list=part,
        own_list=part * yearly_list(p),
        **columns,
        staff_policy=ATTRITION if staff == "attrition" else KEEP,
    )


def _open_township_office(
    state: State, row: int, columns: dict[str, Any], posts: np.ndarray
) -> int:
    """The slot of the office of a township that gained; columns: of its transition; posts: rows
    that it takes over."""
    b, p = state.boundaries, state.parameters
    township = b.townships[row]
    persons = state.census.registered[b.township_of() == row].sum()
    name = f"T-{township.id}@{state.week}"
    state.workers.office[posts] = len(state.offices)
    return state.offices.add(
        id=name,
        name=township.name,
        key=id_keys([name])[0],
        kind=TOWNSHIP_OFFICE,
        unit=-1,
        township=row,
        settlement=township.seat,
        alive=True,
        workers=state.workers.at_work(state.week)[posts].sum(),
        windows=windows_of("township", float(persons), p),
        full_list=0.0,
        own_list=0.0,
        merged_list=0.0,
        list_week=NOT_MERGED,
        **columns,
        staff_policy=KEEP,
    )


def _pass_on(
    state: State, parts: Parts, source: np.ndarray, target: np.ndarray, area_of: np.ndarray
) -> None:
    """Hands backlog, contracts and facilities of each source on to its targets; offices without
    heirs of their own end.

    A facility goes with the area it lies in, where its operator has a part in it, else with the
    largest part. area_of: row of the new area of every settlement.
    """
    state.seat_actors()
    left = np.bincount(source, parts.weight, len(state.offices))
    for old, new, weight in zip(source.tolist(), target.tolist(), parts.weight, strict=True):
        if old != new:
            state.ledger.move(old, new, weight / left[old])
            state.contracts.move(old, new, weight / left[old])
            left[old] -= weight
    f = state.facilities
    here = dict(zip(zip(source.tolist(), parts.new.tolist(), strict=True), target, strict=True))
    largest = parts.largest
    heir = dict(zip(source[largest].tolist(), target[largest], strict=True))
    for slot in np.flatnonzero(np.isin(f.operator, source)):
        operator = int(f.operator[slot])
        area = int(area_of[f.settlement[slot]])
        f.operator[slot] = here.get((operator, area), heir[operator])
    for office in np.setdiff1d(source, target):
        state.office_actors[office].dissolve()
