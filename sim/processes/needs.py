"""6.1 Needs: how many matters and visits each household asks for in a week.

The number is Poisson with the household's rate, drawn by inverse transform of one keyed uniform,
so that a household with a higher rate never asks for less under the same draw.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters
from sim.world.draws import Process, block, unit
from sim.world.households import HARDSHIP, MEALS, OLD, Households
from sim.world.kernels import njit
from sim.world.services import Line

WEEKS = 52


def yearly_rates(
    households: Households, lines: tuple[Line, ...], parameters: Parameters
) -> np.ndarray:
    """Needs a year of every household on every line, float32 ``[H, lines]``.

    Rates by age of the persons present; matters at counters are asked for more often in hardship
    (the mean over all households stays), health visits and day care at high care risk; meals by
    households of old persons that use them.
    """
    h, p = households, parameters
    out = np.empty((h.settlement.size, len(lines)), dtype=np.float32)
    hardship = (h.flags & HARDSHIP) > 0
    more, share = p["needs.hardship_counter"], p["persons.hardship"]
    counter = np.where(hardship, more, 1.0) / (1 + share * (more - 1))
    present = [np.ascontiguousarray(x, np.float64) for x in np.hsplit(h.present, [OLD])]
    old = present[1].sum(axis=1)
    high = np.divide(h.risk[:, 0], old, out=np.zeros_like(old), where=old > 0)
    for i, line in enumerate(lines):
        rates = np.array(line.rates)
        young = (present[0] * rates[:OLD]).sum(axis=1)
        aged = (present[1] * rates[OLD:]).sum(axis=1)
        if line.mode == "counter":
            out[:, i] = (young + aged) * counter
        elif line.service == "health":
            out[:, i] = young + aged * (1 + high * (p["needs.risk_health"] - 1))
        elif line.service == "elder_care":
            out[:, i] = young + aged * (1 + high * (p["needs.risk_day_care"] - 1))
        elif line.service == "elder_meals":
            out[:, i] = (young + aged) * ((h.flags & MEALS) > 0)
        else:
            out[:, i] = young + aged
    return out


@njit("int64(float64, float64, int64)", cache=True, inline="always")
def poisson(mean, u, most):
    """Inverse transform of one uniform, truncated at `most`."""
    if u <= 1.0 - mean:  # exp(-m) >= 1 - m spares the exponential in most weeks
        return 0
    term = np.exp(-mean)
    total, n = term, 0
    while u > total and n < most:
        n += 1
        term *= mean / n
        total += term
    return n


@njit("void(uint64, int64, uint64[::1], float32[:, ::1], int64, uint8[:, ::1])", cache=True)
def draw_needs(key, week, agents, rates, most, asked):
    """Fills `asked` ``[H, L]`` with the needs of one week."""
    lines = asked.shape[1]
    for h in range(agents.size):
        for first in range(0, lines, 4):
            words = block(key, Process.NEEDS, week, agents[h], first // 4)
            for i in range(first, min(first + 4, lines)):
                mean = rates[h, i] / WEEKS
                u = unit(words[0])
                if i - first == 1:
                    u = unit(words[1])
                elif i - first == 2:
                    u = unit(words[2])
                elif i - first == 3:
                    u = unit(words[3])
                asked[h, i] = poisson(mean, u, most)


def draw_needs_reference(
    key: int, week: int, agents: np.ndarray, rates: np.ndarray, most: int
) -> np.ndarray:
    """The plain numpy twin of `draw_needs`."""
    from sim.world.draws import uniform

    asked = np.zeros(rates.shape, dtype=np.uint8)
    for i in range(rates.shape[1]):
        u = uniform(key, Process.NEEDS, week, agents, i)
        mean = rates[:, i].astype(np.float64) / WEEKS
        term = np.exp(-mean)
        total = term.copy()
        for n in range(1, most + 1):
            asked[:, i] += (u > total).astype(np.uint8)
            term = term * mean / n
            total += term
    return asked
