"""Simulator of community restructuring: households, facilities and organisations.

``sim.run(case, base=..., scenarios=[...], weeks=..., replicates=...)`` runs an experiment from
Python and returns its `Study`; see `sim.experiment.study.run_case`.
"""

from typing import Any

__version__ = "0.1.0"
__all__ = ["run"]


def __getattr__(name: str) -> Any:
    # lazy: the command line answers `--help` without loading the model
    if name == "run":
        from sim.experiment.study import run_case

        return run_case
    raise AttributeError(f"module 'sim' has no attribute {name!r}")
