"""What evidence leaves open: every new unit is reached, and the rest is shared out evenly.

Both are assignment problems (`scipy.optimize.linear_sum_assignment`, exact). Units stay within
one old township where they can, and no residents' committee (社区) becomes a village (村).
"""

from __future__ import annotations

from collections import Counter
from functools import partial

import numpy as np
from scipy.optimize import linear_sum_assignment

from sim.case.synthesis.names import code_gap, common_prefix, nearest_code
from sim.case.synthesis.succession import County, Unit, may

FORBIDDEN = 1e6
# Costs in members of a new unit: they order what is preferred and are not measured quantities.
OTHER_TOWNSHIP = 50.0
OTHER_PART = 20.0
HOMELESS = 10.0
OTHER_KIND = 4.0
FEW_LEFT = 8.0
# Codes of one township this far apart count as far as can be.
FAR_CODES = 40


def parts(county: County) -> dict[str, str]:
    """New township of each open unit: that of the nearest code placed from its own township,
    of its kind if there is one."""
    found = {}
    for unit in county.open():
        towns = sorted(new for old, new in county.links if old == unit.town)
        placed = [o for o in county.old.values() if o.town == unit.town and o.id in county.pieces]
        found[unit.id] = towns[0]
        if placed and len(towns) > 1:
            near = min(placed, key=lambda o: (o.kind != unit.kind, code_gap(o.id, unit.id), o.id))
            found[unit.id] = county.new[county.pieces[near.id][0][0]].town
    return found


def reach(county: County, part: dict[str, str]) -> None:
    """One open unit for every unreached new one, by least cost: of its own part, of its kind,
    and from the old township that has most open units left over; first of all a community whose
    township has no other community to go to."""
    new, old = county.unreached(), county.open()
    if not new or not old:
        return
    spare = Counter(o.town for o in old)
    homes = {
        (county.old[m].town, county.new[n].town)
        for n, olds in county.members.items()
        for m in olds
        if county.new[n].kind == "community"
    }
    homeless = {o.id for o in old if o.kind == "community" and (o.town, part[o.id]) not in homes}
    cost = np.full((len(new), len(old)), FORBIDDEN)
    for i, n in enumerate(new):
        for j, o in enumerate(old):
            if (o.town, n.town) in county.links and may(o, n):
                cost[i, j] = (
                    OTHER_PART * (part[o.id] != n.town)
                    + OTHER_PART * (county.seats.get(n.id, o.town) != o.town)
                    + OTHER_KIND * (o.kind != n.kind)
                    + FEW_LEFT / spare[o.town]
                    - HOMELESS * (o.id in homeless)
                    + _apart(o.tail, n.tail)
                )
    rows, columns = linear_sum_assignment(cost)
    county.take(
        [
            (old[j].id, new[i].id)
            for i, j in zip(rows, columns, strict=True)
            if cost[i, j] < FORBIDDEN
        ],
        "new_name",
    )


def split(county: County) -> None:
    """New units that no open unit is left for take part of an old one of a linked township: one
    not yet split, of a name that begins alike, of the nearest code. Where no such old unit may
    become the new one, another township's does; a village takes part of a community only in a
    county that had no village."""
    for unit in county.unreached():
        placed = [o for o in county.old.values() if o.id in county.pieces]
        if not placed:  # a county of communities only became one of villages only
            county.take([(county.open()[0].id, unit.id)], "new_name")
            continue
        source = min(placed, key=partial(_far_from, county, unit))
        words = county.words(source.id, unit.id, "split")
        county.pieces[source.id].append((unit.id, "split", words))
        county.members[unit.id] = [source.id]


def _far_from(county: County, new: Unit, old: Unit) -> tuple[bool | int | str, ...]:
    """How little an old unit suits to give a part to a new one; the last item breaks ties."""
    first = county.new[county.pieces[old.id][0][0]]
    return (
        not may(old, new),
        (old.town, new.town) not in county.links,
        len(county.pieces[old.id]),
        -(common_prefix(old.core, new.core) // 2),
        first.town != new.town,
        code_gap(old.tail, new.tail),
        old.id,
    )


def absorb(county: County, part: dict[str, str], price: float) -> list[tuple[str, str]]:
    """Pairs of open units and reached new units of their part, at least total cost.

    price: cost of a village's joining a community, in members. The more members a new unit has,
    the dearer the next, so that numbers come out even.
    """
    pairs = []
    open_units = county.open()
    for town in sorted({part[o.id] for o in open_units}):
        pairs += _assign(
            county,
            [o for o in open_units if part[o.id] == town],
            [n for n in county.new.values() if n.town == town],
            price,
        )
    return pairs


def _assign(
    county: County,
    old: list[Unit],
    new: list[Unit],
    price: float,
) -> list[tuple[str, str]]:
    base = np.full((len(old), len(new)), FORBIDDEN)
    for j, n in enumerate(new):
        members = [county.old[m] for m in county.members[n.id]]
        for i, o in enumerate(old):
            near = [_apart(m.id, o.id) for m in members if m.town == o.town]
            if may(o, n):
                base[i, j] = (min(near) if near else 1.0 + OTHER_TOWNSHIP) + price * (
                    o.kind != n.kind
                )
    stuck = [o for o, costs in zip(old, base, strict=True) if costs.min() >= FORBIDDEN]
    if stuck:
        # A township without any community cannot hold a former one: it goes to the nearest code
        # of a community in the county, or of any unit where the county has no community left.
        homes = [n.id for n in county.new.values() if n.kind == "community"] or list(county.new)
        away = [(o.id, nearest_code(o.id, homes)) for o in stuck]
        rest = [o for o in old if o not in stuck]
        return away + (_assign(county, rest, new, price) if rest else [])
    # One column per new unit and further member: the k-th costs what the unit has by then.
    size = np.array([len(county.members[n.id]) for n in new], dtype=float)
    cost = np.concatenate([base + size + k for k in range(len(old))], axis=1)
    rows, columns = linear_sum_assignment(cost)
    return [(old[i].id, new[j % len(new)].id) for i, j in zip(rows, columns, strict=True)]


def _apart(a: str, b: str) -> float:
    """Distance of two codes of one township, 0 to 1."""
    return min(1.0, code_gap(a, b) / FAR_CODES)
