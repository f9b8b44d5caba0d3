"""Claims about keyed draws: the published generator, its uniformity, and what a key is made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.world.draws import (
    Process,
    block,
    id_keys,
    philox,
    philox_reference,
    run_key,
    uniform,
    uniform_one,
)

WORD = st.integers(0, 2**32 - 1)
# Random123's kat_vectors, philox4x32 10 rounds: counter, key, answer
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def words(counter, key):
    return tuple(int(w) for w in philox(*map(np.uint32, (*counter, *key))))


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_philox_gives_the_published_answers(counter, key, answer):
    assert words(counter, key) == answer
    assert tuple(philox_reference(np.array(counter), np.array(key)).tolist()) == answer


@given(st.tuples(WORD, WORD, WORD, WORD), st.tuples(WORD, WORD))
def test_the_kernel_equals_its_numpy_twin(counter, key):
    assert words(counter, key) == tuple(philox_reference(np.array(counter), np.array(key)).tolist())


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**24 - 1), st.integers(0, 2**64 - 1), WORD)
def test_uniform_is_the_documented_word_of_philox(key, week, agent, item):
    process = int(Process.CHOICE)
    counter = [agent & 0xFFFFFFFF, agent >> 32, item >> 2, week << 8 | process]
    word = philox_reference(np.array(counter), np.array([key & 0xFFFFFFFF, key >> 32]))[item & 3]
    expected = (float(word) + 0.5) / 2**32
    assert uniform(key, process, week, np.array([agent], np.uint64), item)[0] == expected
    args = (np.uint64(key), np.uint32(process), np.uint32(week), np.uint64(agent))
    assert uniform_one(*args, np.uint32(item)) == expected
    assert int(block(*args, np.uint32(item >> 2))[item & 3]) == int(word)


def test_extreme_words_stay_inside_the_open_interval():
    from sim.world.draws import unit

    assert 0.0 < unit(np.uint32(0)) < 1e-9
    assert 1 - 1e-9 < unit(np.uint32(2**32 - 1)) < 1.0


def test_draws_are_uniform_and_uncorrelated_between_neighbouring_arguments():
    agents = np.arange(100_000, dtype=np.uint64)
    u = uniform(7, Process.NEEDS, 3, agents)
    counts = np.histogram(u, bins=100, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 160  # chi-square, 99 degrees: p < 0.0001
    for other in (
        uniform(8, Process.NEEDS, 3, agents),
        uniform(7, Process.CHOICE, 3, agents),
        uniform(7, Process.NEEDS, 4, agents),
        uniform(7, Process.NEEDS, 3, agents + np.uint64(1)),
        uniform(7, Process.NEEDS, 3, agents, 1),
        uniform(7, Process.NEEDS, 3, agents, 4),
        uniform(7 + 2**32, Process.NEEDS, 3, agents),
    ):
        assert abs(np.corrcoef(u, other)[0, 1]) < 4 / np.sqrt(agents.size)


@given(st.permutations(range(50)))
def test_a_draw_does_not_depend_on_the_order_of_agents(order):
    agents = id_keys(f"settlement {i}" for i in range(50))
    u = uniform(1, Process.CHOICE, 5, agents)
    assert (uniform(1, Process.CHOICE, 5, agents[list(order)]) == u[list(order)]).all()


def test_seeds_and_replicates_give_different_keys():
    keys = {run_key(s, r) for s in (0, 1, 20200518, 2**40) for r in range(50)}
    assert len(keys) == 200
    assert run_key(5, 3) == run_key(5, 3)


def test_keys_of_ids_are_stable_and_depend_on_every_character():
    assert id_keys(["51142500100101"])[0] == id_keys(["51142500100101"])[0]
    ids = [f"{i:014d}" for i in range(20_000)]
    assert np.unique(id_keys(ids)).size >= 20_000 - 1  # a chance of 1 in 20 of one collision
    assert id_keys(["a"], 64)[0] >= 2**32


def test_no_two_processes_share_a_number_with_the_lines_of_choice():
    from sim.processes.choice import CHOICE_OF_LINE

    numbers = [int(p) for p in Process]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < CHOICE_OF_LINE < 256 - 64
