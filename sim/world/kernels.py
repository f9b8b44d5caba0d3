"""numba's `njit`, with compiled kernels kept in the user's cache directory.

numba knows of a kernel's own file only: one that inlines a kernel of another file would go on with
what that was before an edit or an update. So the directory bears the hash of all files that hold
kernels. It also spares a package that nobody may write to.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

import numba
from numba import njit

from sim.cache import cache_directory

__all__ = ["njit"]


def _digest() -> str:
    package = Path(__file__).parents[1]
    sources = (p.read_bytes() for p in sorted(package.rglob("*.py")))
    holding = [s for s in sources if b"@njit" in s]
    return sha256(numba.__version__.encode() + b"\0".join(holding)).hexdigest()[:16]


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(  # type: ignore[attr-defined]
        cache_directory() / f"kernels-{_digest()}"
    )
