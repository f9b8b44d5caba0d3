"""Claims about queues: an M/M/c simulated event by event (SimPy) agrees with Erlang's function."""

from __future__ import annotations

import random

import numpy as np
import pytest
import simpy

from sim.processes.counters import erlang_c

SERVICE = 0.25  # hours
BATCHES = 20


def simulated(windows: int, load: float, customers: int) -> np.ndarray:
    """Waits in hours of customers of an M/M/c queue, in the order in which they come."""
    rng = random.Random(f"{windows} windows at load {load}")
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
        for _ in range(customers):
            yield env.timeout(rng.expovariate(windows * load / SERVICE))
            env.process(customer())

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
    waits = simulated(windows, load, (BATCHES + 1) * batch)[batch:]  # the first warms up
    chance = float(erlang_c(np.array([windows]), np.array([windows * load]))[0])
    mean = chance * SERVICE / (windows * (1 - load))
    for seen, expected in ((waits > 0, chance), (waits, mean)):
        batches = seen.reshape(BATCHES, batch).mean(axis=1)
        error = batches.std(ddof=1) / np.sqrt(BATCHES)
        assert abs(batches.mean() - expected) < 3 * error
        assert error < 0.1 * expected  # the test can tell something
