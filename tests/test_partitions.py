"""Claims about borders: what hangs together is found as the published counts of partitions say.

Partitions of an n x n grid into n connected parts of n cells: 2, 10, 117, 4,006, 451,206 for n = 2
to 6 (OEIS A172477).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations
from types import SimpleNamespace

import pandas as pd
import pytest
from shapely import box

from sim.case.synthesis.division import contiguity, neighbours
from sim.levers.site import Site

SIDE = 500  # metres
COUNTS = {2: 2, 3: 10, 4: 117, 5: 4006, 6: 451_206}


def grid(n: int) -> pd.DataFrame:
    """Pairs of the cells 00, 01, ... of an n x n grid that share a side, as found from outlines."""
    outlines = {
        f"{n * row + column:02d}": box(
            column * SIDE, row * SIDE, (column + 1) * SIDE, (row + 1) * SIDE
        )
        for row in range(n)
        for column in range(n)
    }
    return neighbours(outlines)


def connected_parts(n: int) -> list[int]:
    """Bit masks of the sets of n cells that `Site.connected` finds connected: each is one of a
    cell less, which is connected too, and one more."""
    near: dict[str, list[str]] = {}
    for a, b in grid(n).itertuples(index=False):
        near.setdefault(a, []).append(b)
        near.setdefault(b, []).append(a)
    cells = [f"{i:02d}" for i in range(n * n)]  # every cell a unit of one settlement
    site = SimpleNamespace(
        neighbours=near, members={c: [c] for c in cells}, unit_of={c: c for c in cells}
    )
    parts = {frozenset([c]) for c in cells}
    for _ in range(n - 1):
        larger = {part | {c} for part in parts for c in cells if c not in part}
        parts = {part for part in larger if Site.connected(site, tuple(sorted(part)))}
    return sorted(sum(1 << int(c) for c in part) for part in parts)


def by_first_cell(parts: list[int]) -> dict[int, list[int]]:
    """Parts by the mask of their first cell."""
    found: dict[int, list[int]] = {}
    for part in parts:
        found.setdefault(part & -part, []).append(part)
    return found


def count_partitions(n: int, parts: list[int]) -> int:
    """How many ways there are to cover the grid with disjoint parts; what is taken says all."""
    starting, full = by_first_cell(parts), (1 << n * n) - 1

    @cache
    def ways(taken: int) -> int:
        first = ~taken & (taken + 1)  # the first free cell is in some part
        return taken == full or sum(
            ways(taken | part) for part in starting.get(first, ()) if not part & taken
        )

    return ways(0)


def partitions(n: int, parts: list[int]) -> Iterator[list[int]]:
    """All ways to cover the grid with disjoint parts, one by one."""
    starting, full = by_first_cell(parts), (1 << n * n) - 1

    def cover(taken: int) -> Iterator[list[int]]:
        if taken == full:
            yield []
            return
        for part in starting.get(~taken & (taken + 1), ()):
            if not part & taken:
                for rest in cover(taken | part):
                    yield [part, *rest]

    return cover(0)


def in_one_piece(n: int, parts: list[int], pairs: pd.DataFrame) -> bool:
    """Whether `contiguity` finds every part of a partition in one piece."""
    unit = {f"{i:02d}": str(k) for k, part in enumerate(parts) for i in range(n * n)
            if part >> i & 1}  # fmt: skip
    table = pd.DataFrame({"id": list(unit), "after": list(unit.values())})
    table[["before", "township_before", "township_after"]] = "0"
    return contiguity(table, pairs).empty


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_cells_of_a_grid_touch_along_its_inner_sides(n):
    assert len(grid(n)) == 2 * n * (n - 1)


@pytest.mark.parametrize(("n", "count"), COUNTS.items())
def test_partitions_of_a_grid_into_connected_parts_are_counted_right(n, count):
    parts = connected_parts(n)
    assert count_partitions(n, parts) == count
    if n < 6:
        assert sum(1 for _ in partitions(n, parts)) == count


@pytest.mark.parametrize("n", [2, 3, 4])
def test_connected_parts_are_found_by_growing_as_by_trying_all(n):
    pairs = set(grid(n).itertuples(index=False, name=None))
    found = connected_parts(n)
    for part in combinations(range(n * n), n):
        names, reached = {f"{i:02d}" for i in part}, {f"{part[0]:02d}"}
        for _ in part:
            reached |= {b for a, b in pairs if a in reached} | {a for a, b in pairs if b in reached}
            reached &= names
        assert (reached == names) == (sum(1 << i for i in part) in found)


@pytest.mark.parametrize("n", [2, 3])
def test_of_all_partitions_as_many_are_contiguous_as_published(n):
    every = [sum(1 << i for i in part) for part in combinations(range(n * n), n)]
    pairs = grid(n)
    found = [in_one_piece(n, parts, pairs) for parts in partitions(n, every)]
    assert len(found) == {2: 3, 3: 280}[n]
    assert sum(found) == COUNTS[n]


def test_every_partition_into_connected_parts_is_contiguous():
    pairs = grid(4)
    assert all(in_one_piece(4, parts, pairs) for parts in partitions(4, connected_parts(4)))
