"""Residents' groups drawn to a size: connected sets of whole settlements within one unit."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence


def draw_groups(
    settlements: Collection[str],
    households: Mapping[str, int],
    neighbours: Mapping[str, Sequence[str]],
    size: float,
) -> list[list[str]]:
    """Groups of about `size` households, each sorted; a settlement that is larger is one alone.

    A group begins where fewest neighbours are left, and takes in the neighbour that shares most
    borders with it as long as that brings it nearer to the size. What remains smaller than half
    the size joins its smallest neighbour. Without neighbours every settlement is alone.
    """
    near = {s: [n for n in neighbours.get(s, ()) if n in settlements] for s in settlements}
    left = set(settlements)
    groups: list[list[str]] = []
    while left:
        first = min(left, key=lambda s: (sum(n in left for n in near[s]), s))
        groups.append(_grown(first, left, near, households, size))
    return sorted(sorted(g) for g in _joined(groups, near, households, size))


def _grown(
    first: str, left: set[str], near: Mapping[str, list[str]], households: Mapping[str, int],
    size: float,
) -> list[str]:  # fmt: skip
    """A group that begins with one settlement, taken from those left."""
    group, total = [first], households[first]
    left.discard(first)
    while True:
        borders: dict[str, int] = {}
        for member in group:
            for n in near[member]:
                if n in left and abs(total + households[n] - size) <= abs(total - size):
                    borders[n] = borders.get(n, 0) + 1
        if not borders:
            return group
        chosen = min(borders, key=lambda s: (-borders[s], s))
        group.append(chosen)
        left.discard(chosen)
        total += households[chosen]


def _joined(
    groups: list[list[str]], near: Mapping[str, list[str]], households: Mapping[str, int],
    size: float,
) -> list[list[str]]:  # fmt: skip
    """The same groups, those under half the size with a neighbour."""
    of = {s: i for i, group in enumerate(groups) for s in group}
    total = [sum(households[s] for s in group) for group in groups]
    for i in sorted(range(len(groups)), key=lambda i: (total[i], i)):
        beside = {of[n] for s in groups[i] for n in near[s]} - {i}
        if 2 * total[i] >= size or not beside:
            continue
        other = min(beside, key=lambda k: (total[k], k))
        of.update(dict.fromkeys(groups[i], other))
        groups[other] += groups[i]
        total[other] += total[i]
        groups[i] = []
    return [group for group in groups if group]


def numbers_of_groups(households: Sequence[int], most: Sequence[int], total: int) -> list[int]:
    """How many of `total` groups each unit gets, in proportion to households.

    At least one and at most as many as it has settlements (most). By highest averages (Webster),
    so that one group more for all takes none from anybody. Fewer than units or more than
    settlements cannot be had: the nearest number is.
    """
    numbers = [1] * len(households)

    def claim(unit: int) -> tuple[float, int]:
        return -households[unit] / (2 * numbers[unit] + 1), unit

    queue = [claim(unit) for unit, limit in enumerate(most) if limit > 1]
    heapq.heapify(queue)
    for _ in range(total - len(numbers)):
        if not queue:
            break
        _, i = heapq.heappop(queue)
        numbers[i] += 1
        if numbers[i] < most[i]:
            heapq.heappush(queue, claim(i))
    return numbers


def join_to(
    settlements: Collection[str],
    households: Mapping[str, int],
    neighbours: Mapping[str, Sequence[str]],
    number: int,
) -> list[list[str]]:
    """So many groups of whole settlements, each sorted: the smallest joins its smallest neighbour
    until there are no more than `number`; without a neighbour left, the smallest of the others."""
    groups = {s: [s] for s in sorted(settlements)}
    near = {s: {n for n in neighbours.get(s, ()) if n in groups} for s in groups}
    size = {s: households[s] for s in groups}
    while len(groups) > max(1, number):
        small = min(groups, key=lambda g: (size[g], g))
        beside = near[small] or groups.keys() - {small}
        other = min(beside, key=lambda g: (size[g], g))
        groups[other] += groups.pop(small)
        size[other] += size.pop(small)
        near[other] = (near[other] | near.pop(small)) - {small, other}
        for n in near[other]:
            near[n] = (near[n] - {small}) | {other}
    return sorted(sorted(g) for g in groups.values())
