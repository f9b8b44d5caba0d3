"""Keyed random draws: every draw is a pure function of who draws what, when, and for what.

``uniform(key, process, week, agent, item)`` runs Philox 4x32-10 (Salmon, Moraes, Dror & Shaw,
"Parallel random numbers: as easy as 1, 2, 3", SC11) on a counter made of its arguments. No
generator is drawn in sequence, so results depend neither on the order of agents nor on the
number of processes, and two scenarios share every draw that both make (common random numbers).

Agents and items are keyed by hashes of their permanent ids, not by row, so that the order of
rows in a file changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import IntEnum

import numpy as np
from numba import uint32, uint64
from numba.types import UniTuple  # type: ignore[attr-defined]

from sim.world.kernels import njit

_M0, _M1 = 0xD2511F53, 0xCD9E8D57
_W0, _W1 = 0x9E3779B9, 0xBB67AE85
_SCALE = 1.0 / 4294967296.0


class Process(IntEnum):
    """What a draw is for; the numbers are part of every result and never reused."""

    SYNTHESIS = 1
    NEEDS = 2
    TASTE = 3
    CHOICE = 4
    CHANNEL = 5
    SERVICE_ORDER = 6
    APPLICATION = 7
    PLACE_EXIT = 8
    LIST_EXIT = 9
    PLACE_ORDER = 10
    STEADY_STATE = 11
    SELECTION = 12
    PLACE_CHOICE = 13
    TURNOVER = 14
    TRAINING = 15
    DEMOGRAPHY = 16
    ARRIVAL = 17
    AGENCY = 20
    TENURE = 21
    BOOTSTRAP = 30  # from here on of statistics, not of the model


@njit(
    UniTuple(uint32, 4)(uint32, uint32, uint32, uint32, uint32, uint32),
    cache=True,
    inline="always",
)
def philox(c0, c1, c2, c3, k0, k1):
    """Philox 4x32-10: four words of the counter and two of the key to four random words."""
    for _ in range(10):
        p0 = uint64(_M0) * uint64(c0)
        p1 = uint64(_M1) * uint64(c2)
        h0, l0 = uint32(p0 >> uint64(32)), uint32(p0)
        h1, l1 = uint32(p1 >> uint64(32)), uint32(p1)
        c0, c1, c2, c3 = uint32(h1 ^ c1 ^ k0), l1, uint32(h0 ^ c3 ^ k1), l0
        k0 = uint32(k0 + uint32(_W0))
        k1 = uint32(k1 + uint32(_W1))
    return c0, c1, c2, c3


def philox_reference(counter: np.ndarray, key: np.ndarray) -> np.ndarray:
    """The plain numpy twin of `philox`: counter ``[..., 4]``, key ``[..., 2]`` -> ``[..., 4]``."""
    c = [np.asarray(counter[..., i], dtype=np.uint64) for i in range(4)]
    k = [np.asarray(key[..., i], dtype=np.uint64) for i in range(2)]
    low = np.uint64(0xFFFFFFFF)
    for _ in range(10):
        p0, p1 = np.uint64(_M0) * c[0], np.uint64(_M1) * c[2]
        c = [
            (p1 >> np.uint64(32)) ^ c[1] ^ k[0],
            p1 & low,
            (p0 >> np.uint64(32)) ^ c[3] ^ k[1],
            p0 & low,
        ]
        k = [(k[0] + np.uint64(_W0)) & low, (k[1] + np.uint64(_W1)) & low]
    return np.stack(c, axis=-1).astype(np.uint32)


@njit("float64(uint32)", cache=True, inline="always")
def unit(word):
    """A random word as a number strictly between 0 and 1."""
    return (float(word) + 0.5) * _SCALE


@njit("UniTuple(uint32, 4)(uint64, uint32, uint32, uint64, uint32)", cache=True, inline="always")
def block(key, process, week, agent, number):
    """The four words of one block of items: item = 4 x number + word."""
    return philox(
        uint32(agent),
        uint32(agent >> uint64(32)),
        uint32(number),
        uint32((uint32(week) << uint32(8)) | uint32(process)),
        uint32(key),
        uint32(key >> uint64(32)),
    )


@njit("float64(uint64, uint32, uint32, uint64, uint32)", cache=True, inline="always")
def uniform_one(key, process, week, agent, item):
    """One draw; the scalar form of `uniform` for use inside kernels."""
    words = block(key, process, week, agent, uint32(item >> uint32(2)))
    place = item & uint32(3)
    word = words[0]
    word = words[1] if place == uint32(1) else word  # selects, not branches
    word = words[2] if place == uint32(2) else word
    word = words[3] if place == uint32(3) else word
    return unit(word)


@njit("float64[::1](uint64, uint32, uint32, uint64[::1], uint32[::1])", cache=True)
def _uniform_many(key, process, week, agent, item):
    out = np.empty(agent.size)
    for i in range(agent.size):
        out[i] = uniform_one(key, process, week, agent[i], item[i])
    return out


def uniform(
    key: int, process: int, week: int, agent: np.ndarray, item: np.ndarray | int = 0
) -> np.ndarray:
    """Draws in (0, 1), one per agent, as float64.

    key: from `run_key`; process: a `Process`; week: 0 or more, under 2^24; agent: uint64 keys;
    item: one number, or one per agent.
    """
    agent = np.require(agent, np.uint64, ["C", "W"])
    items = np.empty(agent.shape, np.uint32)
    items[:] = item
    return _uniform_many(np.uint64(key), np.uint32(process), np.uint32(week), agent, items)


def words_reference(
    key: int, process: int, week: int, agent: np.ndarray, number: np.ndarray
) -> np.ndarray:
    """The plain numpy twin of `block`: agent and number of one shape -> words ``[..., 4]``."""
    agent, low = np.asarray(agent, np.uint64), np.uint64(0xFFFFFFFF)
    counter = np.stack(
        [
            agent & low,
            agent >> np.uint64(32),
            np.asarray(number, np.uint64),
            np.full(agent.shape, int(week) << 8 | int(process), np.uint64),
        ],
        axis=-1,
    )
    return philox_reference(counter, np.array([int(key) & 0xFFFFFFFF, int(key) >> 32], np.uint64))


def unit_reference(word: np.ndarray) -> np.ndarray:
    """The plain numpy twin of `unit`."""
    return (word.astype(np.float64) + 0.5) * _SCALE


def uniform_reference(
    key: int, process: int, week: int, agent: np.ndarray, item: np.ndarray
) -> np.ndarray:
    """The plain numpy twin of `uniform_one`: agent and item of one shape."""
    item = np.asarray(item, np.uint64)
    words = words_reference(key, process, week, agent, item >> np.uint64(2))
    place = (item & np.uint64(3)).astype(np.int64)
    return unit_reference(np.take_along_axis(words, place[..., None], axis=-1)[..., 0])


def run_key(seed: int, replicate: int) -> int:
    """The 64-bit key of one replicate: the root seed and the replicate, mixed by Philox itself."""
    counter = np.array([seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF, replicate, 0], dtype=np.uint64)
    words = philox_reference(counter, np.zeros(2, dtype=np.uint64))
    return int(words[0]) | int(words[1]) << 32


def id_keys(ids: Iterable[str], bits: int = 32) -> np.ndarray:
    """Permanent keys of text ids: the first `bits` of BLAKE2b, as uint64."""
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(i.encode(), digest_size=bits // 8).digest(), "little")
            for i in ids
        ],
        dtype=np.uint64,
    )
