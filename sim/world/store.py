"""Built worlds on disk: made once per case, found again by hash."""

from __future__ import annotations

import json
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from sim.cache import cache_directory
from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.world.world import TABLES, World

_SYNTHESIS = ("persons.", "needs.meals_users")  # the parameters that the synthesis reads


def read_by_synthesis(parameter: str) -> bool:
    """Whether another value of the parameter makes another world."""
    return parameter.startswith(_SYNTHESIS)


def build_world(case: Case, parameters: Parameters) -> Path:
    """The directory of the case's world, made if it is not there yet.

    Its name is a hash of the case (as cut by its scope), the parameters that synthesis reads,
    and the code of the synthesis. Written beside its place and renamed, so it is whole or absent.
    """
    used = {n: v for n, v in parameters.values().items() if read_by_synthesis(n)}
    code = sha256(Path(__file__).with_name("households.py").read_bytes()).hexdigest()
    meta = case.meta
    ids = sorted(case.settlements["id"])
    key = [case.digest, ids, used, meta.seed, list(meta.rules), code, TABLES]
    name = sha256(json.dumps(key, ensure_ascii=False).encode()).hexdigest()[:24]
    root = cache_directory() / "worlds"
    target = root / name
    if target.is_dir():
        return target
    root.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        World.of(case, parameters).save(draft)
        try:
            draft.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was faster with the same world
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return target
