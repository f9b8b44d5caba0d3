"""Families: runs of a replicate that one worker computes, because they share their past."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from sim.experiment.plan import Run


@dataclass(frozen=True)
class Family:
    """Runs that differ in their scenario only; the past of the first serves the others."""

    runs: tuple[Run, ...]

    def only(self, runs: Sequence[Run]) -> Family:
        """The family of these runs alone."""
        return Family(tuple(runs))


def families(left: Iterable[Run], workers: int) -> list[Family]:
    """The runs that are left, a replicate together.

    Each run is handed in as it ends, so a family may take long. The replicates that are left over
    when every worker has had as many whole ones as the others are cut into pieces: nobody waits
    at the end for one worker with many runs to go. How they are cut changes no result.
    """
    gathered: dict[tuple, list[Run]] = {}
    for run in left:
        gathered.setdefault(_but_for_its_scenario(run), []).append(run)
    together = list(gathered.values())
    whole = len(together) // workers * workers
    rest = together[whole:]
    size = ceil(sum(map(len, rest)) / workers) or 1
    pieces = [runs[i : i + size] for runs in rest for i in range(0, len(runs), size)]
    return [Family(tuple(runs)) for runs in together[:whole] + pieces]


def _but_for_its_scenario(run: Run) -> tuple:
    """All that a run is, its scenario and its place in the plan aside."""
    own = ("run", "key", "scenario", "block")
    return tuple(value for name, value in vars(run).items() if name not in own)
