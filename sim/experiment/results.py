"""The results of an experiment: `Study.open(path)`, and data frames, differences and files out."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sim.experiment.export import export
from sim.experiment.frames import Frames
from sim.experiment.precision import Until, enough
from sim.experiment.statistics import LAST_YEAR, compare


class Study(Frames):
    """What `Frames` reads, and what is made of it."""

    def plan(self) -> pd.DataFrame:
        """As in `Frames`, with the state ``spare`` where fewer replicates reached the aim."""
        plan = super().plan()
        record = self.info.get("until")
        if record:
            is_open = plan["state"] == "open"
            left = set(plan.loc[is_open, "replicate"])
            needed = enough(self, Until.of_record(record), int(self.info["replicates"]), left)
            plan.loc[is_open & (plan["replicate"] >= needed), "state"] = "spare"
        return plan

    def compare(
        self, base: str | None = None, window: str = LAST_YEAR, point: int = 0
    ) -> pd.DataFrame:
        """Paired differences: see `sim.experiment.statistics.compare`."""
        return compare(self, base, window, point=point)

    def export(self, path: str | Path) -> list[Path]:
        """Writes the tables as one workbook (a name in .xlsx) or a folder of CSV files."""
        return export(self, Path(path))[0]
