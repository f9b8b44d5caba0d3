"""The world: a case made ready to run, once, and opened memory-mapped by every worker.

It holds what no run changes: tables sorted by id (so that the order of rows in a file changes
nothing) and the columns of households. What runs change is made from it by `sim.world.state`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.world.households import Households, synthesise

TABLES = (
    "settlements",
    "communities",
    "townships",
    "facilities",
    "offices",
    "contracts",
    "services",
)


@dataclass(frozen=True)
class World:
    """What runs share.

    Tables as in the case, sorted by id. households: columns of all households at the start; seed:
    of their draws for life.
    rules: authorities whose rules the case names. streets: nodes and edges, or None.
    """

    settlements: pd.DataFrame
    communities: pd.DataFrame
    townships: pd.DataFrame
    facilities: pd.DataFrame
    offices: pd.DataFrame
    contracts: pd.DataFrame
    services: pd.DataFrame
    households: Households
    seed: int
    rules: tuple[str, ...]
    streets: tuple[pd.DataFrame, pd.DataFrame] | None

    @staticmethod
    def of(case: Case, parameters: Parameters) -> World:
        """Synthesises the world of a case in memory."""
        tables = {
            name: getattr(case, name).sort_values("id", kind="stable").reset_index(drop=True)
            for name in TABLES
            if name != "services"
        }
        return World(
            **tables,
            services=case.services.reset_index(drop=True),
            households=synthesise(tables["settlements"], parameters, case.meta.seed),
            seed=case.meta.seed,
            rules=tuple(case.meta.rules),
            streets=case.streets,
        )

    @staticmethod
    def open(path: Path) -> World:
        """A world saved by `build_world`, its columns memory-mapped copy-on-write
        (kernels take arrays that may be written; nothing is, so all workers share the pages)."""
        columns = {
            f.name: np.load(path / f"household_{f.name}.npy", mmap_mode="c")
            for f in fields(Households)
        }
        tables = {name: pd.read_parquet(path / f"{name}.parquet") for name in TABLES}
        streets = None
        if (path / "streets_nodes.parquet").exists():
            streets = (
                pd.read_parquet(path / "streets_nodes.parquet"),
                pd.read_parquet(path / "streets_edges.parquet"),
            )
        return World(
            **tables,
            households=Households(**columns),
            seed=int(np.load(path / "seed.npy")),
            rules=tuple(np.load(path / "rules.npy").tolist()),
            streets=streets,
        )

    def save(self, path: Path) -> None:
        """Writes the world into an empty directory."""
        for f in fields(Households):
            np.save(path / f"household_{f.name}.npy", getattr(self.households, f.name))
        np.save(path / "seed.npy", np.int64(self.seed))
        np.save(path / "rules.npy", np.array(self.rules, dtype=np.str_))
        for name in TABLES:
            getattr(self, name).to_parquet(path / f"{name}.parquet", index=False)
        if self.streets:
            self.streets[0].to_parquet(path / "streets_nodes.parquet", index=False)
            self.streets[1].to_parquet(path / "streets_edges.parquet", index=False)
