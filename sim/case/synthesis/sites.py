"""Sites: where the basic services of a unit stand, and how large its service building is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.synthesis.raking import apportion
from sim.case.synthesis.seats import Ground, Seats, ends_under_community

# (lowest, usual at 1,000 persons, highest) m2 of a service building. 300 m2 is asked of a rebuilt
# one; many old points kept share the published floor, so few reach the 600 of new ones.
SERVICE_FLOOR = {"village": (120.0, 75.0, 250.0), "community": (300.0, 150.0, 800.0)}


@dataclass(frozen=True)
class Sites:
    """Where basic services stand: the seat of each old unit, and one place more in each part of
    a split unit that becomes a new unit without any old seat.

    table: id (the unit's, with -2, -3 ... for further parts), unit, kind, name, township,
    settlement, persons, counted (ends under a community), floor_m2, sorted by id; of: the site
    of each settlement.
    """

    table: pd.DataFrame
    of: pd.Series


def find_sites(ground: Ground, seats: Seats, counts: Mapping[str, float]) -> Sites:
    """The sites, with persons and the floor of the service building of each."""
    land = ground.settlements.set_index("id")
    seated = set(land.loc[seats.units_before, "after"])
    more = seats.units_after[~seats.units_after.index.isin(seated)].sort_index()
    further = land.loc[more, ["before", "after"]].reset_index()
    further["site"] = (
        further["before"] + "-" + (further.groupby("before").cumcount() + 2).astype(str)
    )
    part = further.set_index(["before", "after"])["site"]
    pairs = pd.MultiIndex.from_frame(land[["before", "after"]])
    of = pd.Series(part.reindex(pairs).to_numpy(), index=land.index).fillna(land["before"])

    units = ground.units_before.set_index("id")
    table = pd.concat(
        [
            pd.DataFrame(
                {
                    "id": units.index,
                    "unit": units.index,
                    "settlement": units.index.map(seats.units_before),
                }
            ),
            further.rename(columns={"id": "settlement", "site": "id", "before": "unit"})[
                ["id", "unit", "settlement"]
            ],
        ]
    ).sort_values("id", ignore_index=True)
    table = table.join(units[["kind", "name", "township"]], on="unit")
    table["name"] += table["id"].str.extract(r"-(\d+)$")[0].radd("第").fillna("")
    table["persons"] = table["id"].map(land["persons"].groupby(of).sum())
    table["counted"] = ends_under_community(ground, table["settlement"])
    table["floor_m2"] = service_floor(
        table["persons"].to_numpy(),
        table["kind"].to_numpy(),
        table["counted"].to_numpy(),
        _floor_target(ground, counts),
    )
    return Sites(table, of)


def service_floor(
    persons: np.ndarray, kind: np.ndarray, counted: np.ndarray, target: float | None
) -> np.ndarray:
    """Whole m2 of each unit's service building, growing with its persons within the bounds.

    counted: units whose floor the published target sums; target: m2 in all, or None. The common
    scale is the one at which the counted floor meets the target, as far as the bounds allow.
    """
    low, usual, high = (np.array([SERVICE_FLOOR[k][i] for k in kind]) for i in range(3))

    def floor(scale: float) -> np.ndarray:
        return np.clip(scale * usual * persons / 1000, low, high)

    scale = 1.0
    if target is not None and counted.any():
        below, above = 0.0, 100.0
        for _ in range(60):
            scale = (below + above) / 2
            below, above = (
                (scale, above) if floor(scale)[counted].sum() < target else (below, scale)
            )
    exact = floor(scale)
    whole = np.rint(exact).astype(int)
    whole[counted] = apportion(exact[counted], round(exact[counted].sum()))
    return whole


def _floor_target(ground: Ground, counts: Mapping[str, float]) -> float | None:
    per_100 = counts.get("service_floor_m2_per_100_households")
    if per_100 is None:
        return None
    under = ends_under_community(ground, ground.settlements["id"]).to_numpy()
    return float(per_100) * ground.settlements["households"].to_numpy()[under].sum() / 100
