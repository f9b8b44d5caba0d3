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
from sim.world.households import VEHICLE, Households, synthesise

TABLES = ("settlements", "communities", "townships", "facilities", "offices", "services")
PERSON_GROUPS = ("children", "adults", "old", "no_digital")


@dataclass(frozen=True)
class World:
    """What runs share.

    Tables as in the case, sorted by id. households: columns of all households. people: float64
    ``[S, 4, 4]`` persons present by settlement, travel class (see `travel.Pace`) and
    PERSON_GROUPS; the first three groups add up to all. streets: nodes and edges, or None.
    """

    settlements: pd.DataFrame
    communities: pd.DataFrame
    townships: pd.DataFrame
    facilities: pd.DataFrame
    offices: pd.DataFrame
    services: pd.DataFrame
    households: Households
    people: np.ndarray
    streets: tuple[pd.DataFrame, pd.DataFrame] | None

    @staticmethod
    def of(case: Case, parameters: Parameters) -> World:
        """Synthesises the world of a case in memory."""
        tables = {
            name: getattr(case, name).sort_values("id", kind="stable").reset_index(drop=True)
            for name in TABLES
            if name != "services"
        }
        households = synthesise(tables["settlements"], parameters, case.meta.seed)
        return World(
            **tables,
            services=case.services.reset_index(drop=True),
            households=households,
            people=_people(households, len(tables["settlements"])),
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
            people=np.load(path / "people.npy", mmap_mode="c"),
            streets=streets,
        )

    def save(self, path: Path) -> None:
        """Writes the world into an empty directory."""
        for f in fields(Households):
            np.save(path / f"household_{f.name}.npy", getattr(self.households, f.name))
        np.save(path / "people.npy", self.people)
        for name in TABLES:
            getattr(self, name).to_parquet(path / f"{name}.parquet", index=False)
        if self.streets:
            self.streets[0].to_parquet(path / "streets_nodes.parquet", index=False)
            self.streets[1].to_parquet(path / "streets_edges.parquet", index=False)


def _people(households: Households, settlements: int) -> np.ndarray:
    """Persons present by settlement, travel class and person group (see `World.people`)."""
    h = households
    vehicle = (h.flags & VEHICLE) > 0
    digital = (h.flags & 2) > 0
    groups = {
        "children": (h.present[:, :3], 0),
        "adults": (h.present[:, 3:4], 0),
        "old": (h.present[:, 4:], 2),
    }
    out = np.zeros((settlements, 4, len(PERSON_GROUPS)))
    for name, (bands, pace) in groups.items():
        persons = bands.sum(axis=1, dtype=np.float64)
        cell = h.settlement.astype(np.int64) * 4 + pace + vehicle
        column = PERSON_GROUPS.index(name)
        size = settlements * 4
        out[:, :, column] += np.bincount(cell, persons, size).reshape(-1, 4)
        without = np.bincount(cell, persons * ~digital, size).reshape(-1, 4)
        out[:, :, PERSON_GROUPS.index("no_digital")] += without
    return out
