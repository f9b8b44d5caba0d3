"""Ways to part the members of a region in two before it is cut.

Both halves should weigh about the same, so that cells stay compact; members with a link should
stay together, or lie where their ports are; members with points should lie on their points' side.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

DIRECTIONS = 12  # in which members with points are ordered


def partitions(
    weight: np.ndarray,
    links: list[set[int]],
    place: dict[int, float],
    points: np.ndarray | None,
    rng: np.random.Generator,
    attempt: int,
) -> Iterator[np.ndarray]:
    """Ways to part the items in two, as masks: near halves of the weight, best way first."""
    if points is not None:
        yield from _by_direction(weight, points, rng.random() if attempt else 0.0)
        return
    n = len(weight)
    orders = [_linked_order(links)]
    if place:
        at = np.array(
            [min((place[k] for k in mine if k in place), default=np.inf) for mine in links]
        )
        around = np.argsort(at, kind="stable")
        orders = [np.roll(around, -k) for k in range(min(n, 8))] + orders
    shifts = [0] * len(orders)
    if attempt or place:
        orders += [rng.permutation(n) for _ in range(8)]
        shifts += rng.integers(-n // 3, n // 3 + 1, 8).tolist()
    if attempt:
        mixed = rng.permutation(len(orders))
        orders, shifts = [orders[k] for k in mixed], [shifts[k] for k in mixed]
    seen = set()
    for order, shift in zip(orders, shifts, strict=True):
        left = _prefix(weight, order, shift)
        if left.tobytes() not in seen:
            seen.add(left.tobytes())
            yield left


def _prefix(weight: np.ndarray, order: np.ndarray, shift: int = 0) -> np.ndarray:
    """Mask of the first items in `order` that come nearest to half of the weight."""
    share = np.cumsum(weight[order])[:-1] / weight.sum()
    count = int(np.clip(np.argmin(abs(share - 0.5)) + 1 + shift, 1, len(order) - 1))
    left = np.zeros(len(weight), dtype=bool)
    left[order[:count]] = True
    return left


def _by_direction(weight: np.ndarray, points: np.ndarray, turn: float) -> Iterator[np.ndarray]:
    """Partitions of anchored items by parallel lines in several directions."""
    seen = set()
    for k in range(DIRECTIONS):
        angle = np.pi * (k + turn) / DIRECTIONS
        order = np.argsort(points @ np.array([np.cos(angle), np.sin(angle)]), kind="stable")
        for shift in (-1, 0, 1):
            left = _prefix(weight, order, shift)
            if left.tobytes() not in seen:
                seen.add(left.tobytes())
                yield left


def _linked_order(links: list[set[int]]) -> np.ndarray:
    """Items in their own order, but each followed by those it shares a link with."""
    order: list[int] = []
    for first in range(len(links)):
        queue = [first]
        while queue:
            k = queue.pop(0)
            if k not in order:
                order.append(k)
                queue += [j for j in range(len(links)) if j not in order and links[j] & links[k]]
    return np.array(order)
