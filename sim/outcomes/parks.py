"""Parks and other green, by straight line and size: 300 m to green, 500 m to a park.

The area of a green facility is its `floor_m2`: what it covers, not a floor. The service radius of
a park is 500 m from 5,000 m2 on and 300 m from 2,000 m2 on (standard of national garden cities,
MoHURD 2016); smaller greens count as green, not as parks. Only what is open to everyone counts.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from sim.world.services import EVERYONE
from sim.world.state import State

PARK_M2, SMALL_PARK_M2 = 5000, 2000
PARK_METRES, GREEN_METRES = 500, 300


def parks(state: State) -> dict[str, np.ndarray]:
    """Which settlements have green within 300 m, a park within 500 m, and lie in the service radius
    of a park, bool ``[S]`` each."""
    f = state.facilities
    offered = f.offers[:, state.lines.services.index("green")]
    green = offered & f.is_open(state.week) & (f.open_to == EVERYONE)
    homes = np.column_stack([state.world.settlements[a].to_numpy(np.float64) for a in ("x", "y")])

    def near(which: np.ndarray, metres: float) -> np.ndarray:
        if not which.any():
            return np.zeros(len(homes), bool)
        tree = cKDTree(np.column_stack([f.x[which], f.y[which]]))
        far, _ = tree.query(homes, distance_upper_bound=metres * (1 + 1e-9))
        return np.asarray(far <= metres)

    large = near(green & (f.floor >= PARK_M2), PARK_METRES)
    small = near(green & (f.floor >= SMALL_PARK_M2), GREEN_METRES)
    return {
        "share_300m": near(green, GREEN_METRES),
        "share_500m": large,
        "share_covered": large | small,
    }
