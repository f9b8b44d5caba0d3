"""6.3 Siting of service stations by radius and population: a greedy cover.

Of all sites, the one that brings most of those who are still too far away within the radius comes
first, then the next; it ends where one more would reach fewer than the least number of persons a
station is opened for. The greedy cover reaches at least 1 - 1/e of what any choice of as many
sites can reach (Nemhauser, Wolsey & Fisher 1978).
"""

from __future__ import annotations

import numpy as np


def cover(near: np.ndarray, persons: np.ndarray, least: float) -> list[int]:
    """Rows of the sites chosen, in the order in which they are.

    near: bool ``[sites, points]``, the point lies within the radius of the site; persons: who are
    too far from all there is, by point, 0 where nobody is; least: persons, above 0, that a site
    must reach. Of sites that reach equally many the first is taken.
    """
    left = np.array(persons, np.float64)
    chosen: list[int] = []
    while len(near):
        reached = (near * left).sum(axis=1)
        best = int(reached.argmax())
        if reached[best] < least:
            break
        chosen.append(best)
        left[near[best]] = 0.0
    return chosen
