"""Random numbers of the synthesis: one generator per purpose and thing, never a common stream."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *labels: object) -> np.random.Generator:
    """A Philox generator keyed by the case's seed and by what it is for (purpose, stable id)."""
    text = "|".join(str(part) for part in (seed, *labels))
    key = np.frombuffer(hashlib.blake2b(text.encode(), digest_size=16).digest(), dtype="<u8")
    return np.random.Generator(np.random.Philox(key=key))
