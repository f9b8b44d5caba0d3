"""6.3 Counters: waits in a day that starts empty.

The mean wait W of a day of T hours follows the coordinate transformation of Kimber & Hollis (1979,
TRRL LR909). The steady state W_s(e) climbs to an asymptote at full load e = 1, the fluid queue of a
day grows as the line W = (r - 1) T/2; what joins them lies as far from the line as the steady state
from its asymptote, 1 - e = 1 + 2 W/T - r. So a day at load r waits like a steady state at the
effective load e < 1:

    W = W_s(e) = C(c, c e) s / (c (1 - e)),    e = r - 2 W/T

with C of Erlang, c windows and s hours of service. Without W_s the two make a quadratic equation:
W = T/4 [(r - 1) + sqrt((r - 1)^2 + 8 q/T)] with q = C s/c, and no load needs a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.case.parameters import Parameters

ROUNDS = 8  # of `_root`: to 1e-10 of the wait, whatever the load


def front_minutes(spared: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Minutes of a matter at the window ``[O]``; spared: share that one window for all matters
    spares, because nobody is sent from one to the next."""
    return parameters["counter.front"] * (1 - spared)


def erlang_c(servers: np.ndarray, offered: np.ndarray) -> np.ndarray:
    """Probability of waiting in M/M/c (Erlang 1917).

    servers: whole number of servers, 1 or more; offered: load in erlang; 1 where offered >= c.
    """
    c = np.asarray(servers, dtype=np.int64)
    a = np.asarray(offered, dtype=np.float64)
    c, a = np.broadcast_arrays(c, a)
    blocked = np.ones(a.shape)
    for n in range(1, int(c.max(initial=0)) + 1):
        step = a * blocked / (n + a * blocked)
        blocked = np.where(n <= c, step, blocked)
    with np.errstate(divide="ignore", invalid="ignore"):
        waiting = c * blocked / (c - a * (1 - blocked))
    return np.where(a >= c, 1.0, waiting)


def _waiting_chance(windows: np.ndarray, load: np.ndarray) -> np.ndarray:
    """Erlang C for windows that may be a fraction: between whole numbers at the same load."""
    low = np.maximum(1, np.floor(windows)).astype(np.int64)
    part = np.clip(windows - low, 0.0, 1.0)
    around = np.stack([low, low + 1])
    below, above = erlang_c(around, load * around)
    return (1 - part) * below + part * above


def day_wait(
    per_hour: np.ndarray, service_hours: np.ndarray, windows: np.ndarray, day_hours: float
) -> np.ndarray:
    """Mean wait in hours over a day that starts empty; model text 6.3.

    per_hour: arrivals; service_hours: of one matter; windows: staffed, may be a fraction; inf
    where nobody serves and somebody comes, 0 where nobody comes.
    """
    q = np.asarray(per_hour, dtype=np.float64)
    c = np.asarray(windows, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        load = q * service_hours / c
        scale = service_hours / c
    staffed = (c > 0) & np.isfinite(load)
    load, scale = np.where(staffed, load, 0.0), np.where(staffed, scale, 0.0)
    c, t = np.where(staffed, c, 1.0), day_hours

    def wait_at(effective: np.ndarray) -> np.ndarray:
        chance = _waiting_chance(c, effective)
        return t / 4 * ((load - 1) + np.sqrt((load - 1) ** 2 + 8 * chance * scale / t))

    def too_low(effective: np.ndarray) -> np.ndarray:
        return load - 2 * wait_at(effective) / t - effective

    wait = wait_at(_root(too_low, np.zeros_like(load), np.minimum(1.0, load)))
    return np.where(q > 0, np.where(staffed, wait, np.inf), 0.0)


def _root(
    falling: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Where falling functions cross zero between low and high, by false position that halves the
    value at an end which stays (Dowell & Jarratt 1971)."""
    old, at_old, new, at_new = low, falling(low), high, falling(high)
    for _ in range(ROUNDS):
        fall = at_old - at_new
        step = np.divide(at_new * (new - old), fall, out=np.zeros_like(fall), where=fall != 0)
        found = new + step
        value = falling(found)
        stays = (value > 0) == (at_new > 0)
        old, at_old = np.where(stays, old, new), np.where(stays, at_old / 2, at_new)
        new, at_new = found, value
    return new


def counter_waits(
    matters: np.ndarray,
    hours: np.ndarray,
    windows: np.ndarray,
    front_hours: np.ndarray,
    backlog: np.ndarray,
    day_hours: float,
    peak: float,
) -> np.ndarray:
    """Mean wait in minutes at each counter in one week, of those who come.

    matters: arriving in the week; hours: open a week; windows: staffed; front_hours: window time
    of one matter at the office's efficiency; backlog: matters carried over that are served first.
    """
    open_hours = np.maximum(hours, 1e-9)
    wait = day_wait(peak * matters / open_hours, front_hours, windows, day_hours)
    with np.errstate(divide="ignore", invalid="ignore"):
        queue = np.where(backlog > 0, backlog * front_hours / windows, 0.0)
    return np.where(matters > 0, 60 * (wait + queue), 0.0)
