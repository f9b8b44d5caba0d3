"""Frames: what a results directory holds, as data frames."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sim.case.messages import InputError, Problem
from sim.experiment.designs import Design
from sim.experiment.parts import COLUMNS, keys_in, read_part

OF_RUN = ("scenario", "replicate", "point")  # what frames say of a row's run


class Frames:
    """The results of an experiment, complete or not; see `sim.experiment.store` for the files.

    ``info`` is the content of study.json. Frames have the columns scenario, replicate and point
    beside the number of the run; text columns are categorical. Where the experiment has a design,
    point is that of the parameter set, and 0 means the parameters of the experiment.
    """

    def __init__(self, path: Path, info: dict[str, Any]):
        self.path, self.info = path, info

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """The study in a directory; `InputError` where there is none."""
        path = Path(path)
        file = path / "study.json"
        try:
            info = json.loads(file.read_text(encoding="utf-8"))
            return cls(path, {**info, "plan": info["plan"], "base": info["base"]})
        except (FileNotFoundError, NotADirectoryError):
            hint = "`sim run EXPERIMENT` makes results/<name>"
            what = "there are no results here"
            if (path / "grown" / "study.json").is_file():
                what = "results here are being taken up by a plan that has grown"
                hint = "if nobody is at it, it was cut off: `sim run EXPERIMENT` goes on"
            problem = Problem("no-results", what, path, hint=hint)
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            hint = "`sim run --fresh` starts over"
            problem = Problem("damaged-results", "this is not a study's record", file, hint=hint)
        raise InputError([problem])

    @property
    def base(self) -> str:
        """Name of the scenario that the others are compared with."""
        return self.info["base"]

    @property
    def scenarios(self) -> list[str]:
        """Names of all scenarios that were to be run, the base first."""
        return [s["name"] for s in self.info["scenarios"]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The tables that are stored."""
        return tuple(self.info.get("keep", COLUMNS))

    @property
    def case_path(self) -> Path:
        """Directory of the case, which may have been moved or changed since."""
        return (self.path / self.info["case"]["path"]).resolve()

    def plan(self) -> pd.DataFrame:
        """A row per run: run, key, scenario, replicate, block, point, and state: ``done``,
        ``failed`` or ``open``."""
        plan = self._plan.copy()
        failed = {p.stem for p in (self.path / "failures").glob("*.json")}
        done = plan["key"].isin(self._done)
        plan["state"] = np.where(done, "done", np.where(plan["key"].isin(failed), "failed", "open"))
        return plan

    def done(self) -> pd.DataFrame:
        """The rows of the plan whose results are there."""
        return self._plan[self._plan["key"].isin(self._done)]

    def design(self) -> pd.DataFrame | None:
        """The sampling plan of the design: row, point, a column for each parameter; or None."""
        record = self.info.get("design")
        return Design.of_record(record).frame() if record else None

    def outcomes(
        self, names: Iterable[str] | None = None, point: int | None = None
    ) -> pd.DataFrame:
        """Columns run, scenario, replicate, point, week, outcome, group, value.

        names: only these outcomes; point: only this one of the design, as in the next two.
        """
        return self.read("outcomes", names=names, point=point)

    def units(self, point: int | None = None) -> pd.DataFrame:
        """Columns run, scenario, replicate, point, week, unit, outcome, value."""
        return self.read("units", point=point)

    def losers(self, point: int | None = None) -> pd.DataFrame:
        """Columns run, scenario, replicate, point, week, outcome, group, value, against the
        base."""
        return self.read("losers", point=point)

    def failures(self) -> pd.DataFrame:
        """A row per failed run: run, key, scenario, replicate, point, stage, error, traceback,
        peak_memory_mb, repeat (the command that repeats it alone)."""
        columns = ["run", "key", "scenario", "replicate", "point", "stage", "error", "traceback"]
        columns += ["peak_memory_mb", "repeat"]
        files = sorted((self.path / "failures").glob("*.json"))
        rows = [json.loads(f.read_text(encoding="utf-8")) for f in files]
        return pd.DataFrame(rows, columns=columns).sort_values("run", ignore_index=True)

    def read(
        self,
        kind: str,
        weeks: tuple[int, int] | None = None,
        names: Iterable[str] | None = None,
        point: int | None = None,
        run: int | None = None,
    ) -> pd.DataFrame:
        """A table (``outcomes``, ``units``, ``losers``).

        weeks: only those in [first, end); names: only these outcomes; point: only this one of the
        design; run: only this one.
        """
        filters: list[tuple[str, str, Any]] = []
        if weeks is not None:
            filters += [("week", ">=", weeks[0]), ("week", "<", weeks[1])]
        if names is not None:
            filters.append(("outcome", "in", sorted(names)))
        if run is not None:
            filters.append(("run", "==", run))
        plan = self._plan
        wanted = self.done() if point is None else self.done().query("point == @point")
        done = pa.array(wanted["run"].to_numpy(np.int32))
        tables = []
        block = "*" if run is None else f"{plan['block'].iloc[run]:05d}"
        for path in sorted((self.path / "parts").glob(f"{kind}-{block}.parquet")):
            table = read_part(path, filters or None)
            # between two renames of a commit a table is ahead of the outcomes
            tables.append(table.filter(pc.is_in(table["run"], done)))
        if not tables:
            return pd.DataFrame(columns=["run", *OF_RUN, *COLUMNS[kind]])
        frame = pa.concat_tables(tables).unify_dictionaries().to_pandas()
        runs = frame["run"].to_numpy()
        scenario = pd.Categorical(plan["scenario"], categories=self.scenarios)
        frame.insert(1, "scenario", scenario.take(runs))
        for place, name in enumerate(OF_RUN[1:], 2):
            frame.insert(place, name, plan[name].to_numpy()[runs])
        return frame

    @cached_property
    def _plan(self) -> pd.DataFrame:
        with open(self.path / "plan.parquet", "rb") as file:
            plan = pq.read_table(file).to_pandas()
        return plan if "point" in plan else plan.assign(point=0)  # older than designs

    @cached_property
    def _done(self) -> set[str]:
        paths = (self.path / "parts").glob("outcomes-*.parquet")
        return {key for path in paths for key in keys_in(path)}
