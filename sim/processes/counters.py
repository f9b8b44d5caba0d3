"""6.3 Counters: waits in a day that starts empty.

The mean wait of a day of T hours follows the coordinate-transformed time-dependent delay (after
Kimber & Hollis 1979, TRRL LR909): it joins Erlang's steady state at low load to the fluid queue
at high load, so that no load needs a rule of its own.
"""

from __future__ import annotations

import numpy as np

from sim.case.parameters import Parameters


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
    return (1 - part) * erlang_c(low, load * low) + part * erlang_c(low + 1, load * (low + 1))


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
        chance = _waiting_chance(np.where(c > 0, c, 1.0), np.where(np.isfinite(load), load, 1.0))
        scale = chance * service_hours / c
        t = day_hours
        wait = t / 4 * ((load - 1) + np.sqrt((load - 1) ** 2 + 8 * scale / t))
    wait = np.where(c > 0, wait, np.inf)
    return np.where(q > 0, wait, 0.0)


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
