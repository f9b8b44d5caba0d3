"""Claims about queues simulated event by event (SimPy): in the long run they agree with Erlang's
function, in a day that starts empty with the counter rule."""

from __future__ import annotations

import random

import numpy as np
import pytest
import simpy

from sim.processes.counters import day_wait, erlang_c

SERVICE = 0.25  # hours
BATCHES = 20
DAY, DAYS = 7.0, 150


def simulated(windows: int, load: float, customers: float, hours: float, seed: str) -> np.ndarray:
    """Waits in hours of the customers of an M/M/c queue that starts empty, in the order in which
    they come: so many, or those who come in so many hours."""
    rng = random.Random(f"{windows} windows at load {load} {seed}")
    env = simpy.Environment()
    counter = simpy.Resource(env, windows)
    waits = []

    def customer():
        came = env.now
        with counter.request() as turn:
            yield turn
            waits.append((came, env.now - came))
            yield env.timeout(rng.expovariate(1 / SERVICE))

    def door():
        come = 0
        while come < customers:
            yield env.timeout(rng.expovariate(windows * load / SERVICE))
            if env.now >= hours:
                return
            env.process(customer())
            come += 1

    env.process(door())
    env.run()
    return np.array([wait for _, wait in sorted(waits)])


@pytest.mark.parametrize(
    ("windows", "load", "batch"),
    # a batch is many times as long as the queue remembers, about 1 / (1 - sqrt(load))^2 customers
    [(1, 0.5, 2000), (3, 0.5, 2000), (1, 0.8, 4000), (3, 0.8, 4000), (1, 0.95, 15_000),
     pytest.param(3, 0.95, 15_000, marks=pytest.mark.slow),
     pytest.param(6, 0.95, 40_000, marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_simulated_queue_agrees_with_erlang(windows, load, batch):
    waits = simulated(windows, load, (BATCHES + 1) * batch, np.inf, "")
    waits = waits[batch:]  # the first warms up
    chance = float(erlang_c(np.array([windows]), np.array([windows * load]))[0])
    mean = chance * SERVICE / (windows * (1 - load))
    for seen, expected in ((waits > 0, chance), (waits, mean)):
        batches = seen.reshape(BATCHES, batch).mean(axis=1)
        error = batches.std(ddof=1) / np.sqrt(BATCHES)
        assert abs(batches.mean() - expected) < 3 * error
        assert error < 0.1 * expected  # the test can tell something


@pytest.mark.parametrize("windows", [1, 2, 3, 6])
@pytest.mark.parametrize("load", [0.8, 0.95, 1.0, 1.1, 1.3])
def test_a_simulated_day_that_starts_empty_agrees_with_the_counter_rule(windows, load):
    # at lower loads waits are so rare that it takes the thousands of days of test_counters
    days = [simulated(windows, load, np.inf, DAY, f"day {i}") for i in range(DAYS)]
    come, waited = (np.array([f(day) for day in days], float) for f in (len, np.sum))
    mean = waited.sum() / come.sum()
    error = np.std(waited - mean * come, ddof=1) / np.sqrt(DAYS) / come.mean()  # of a ratio
    rate = np.array([windows * load / SERVICE])
    rule = day_wait(rate, SERVICE, np.array([windows]), DAY)[0]
    assert abs(rule - mean) < 0.25 * mean and error < 0.1 * mean
