"""Where what can be made again is kept: built worlds and compiled kernels."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """SIM_CACHE, else the user's cache directory; it need not exist yet."""
    if os.environ.get("SIM_CACHE"):
        return Path(os.environ["SIM_CACHE"])
    if os.name == "nt" and os.environ.get("LOCALAPPDATA"):
        return Path(os.environ["LOCALAPPDATA"]) / "community-restructuring-sim"
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "community-restructuring-sim"
