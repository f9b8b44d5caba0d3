"""Settlements: the residents' groups of units, nested in the pieces of the lineage.

Persons, households and land of a piece are shared out between its settlements by seeded
lognormals; sums are exact. All draws are keyed by seed, purpose and unit.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from sim.case.synthesis.draws import generator
from sim.case.synthesis.lists import AGES, Input
from sim.case.synthesis.population import LEAST_SETTLEMENT
from sim.case.synthesis.raking import Floats, Ints, apportion

# Where totals.yaml gives none: those of the documented reform (model.md 8).
AGE_SHARES = dict(zip(AGES, (0.024, 0.031, 0.0851, 0.6126, 0.2153, 0.032), strict=True))
# Spread (sd of the log) of persons per household and of land per household between settlements.
SD_PER_HOUSEHOLD, SD_LAND = 0.05, 0.3
COMPOUNDS = ("commodity", "old_courtyard", "resettlement")


def settle(
    inp: Input,
    pieces: pd.DataFrame,
    sd_settlement: float = 0.4,
    street_compounds: tuple[float, float, float] = (0.45, 0.30, 0.25),
    town_compounds: tuple[float, float, float] = (0.25, 0.45, 0.30),
    hill_below_per_km2: float = 400.0,
) -> pd.DataFrame:
    """Settlements [id, name, before, after, group, households, persons, six age bands, area_km2,
    compound, terrain], nested in the pieces, sums exact.

    Compounds of communities are drawn with the shares (commodity, old courtyard, resettlement)
    given for those under a street and for others; villages and what was a village stay village.
    Terrain is hill where the old township holds fewer registered persons per km2 than
    `hill_below_per_km2`. Spread, compound shares and that density are assumptions.
    """
    units = inp.before.set_index("id")
    street = units["township"].map(inp.townships_before.set_index("id")["kind"]) == "street"
    width = max(2, len(str(int(pieces.groupby("before")["settlements"].sum().max()))))
    seed = inp.totals.seed
    columns: dict[str, list[Any]] = defaultdict(list)
    for unit, parts in pieces.groupby("before", sort=True):
        size = generator(seed, "settlement", unit)
        types = generator(seed, "compound", unit)
        mix = None
        if units.at[unit, "kind"] == "community":
            mix = street_compounds if street[unit] else town_compounds
        first = 1
        for part in parts.itertuples():
            n = int(part.settlements)
            weight = np.exp(sd_settlement * size.standard_normal(n))
            houses: Ints = LEAST_SETTLEMENT + apportion(
                weight, int(part.households) - LEAST_SETTLEMENT * n
            )
            crowd = houses * np.exp(SD_PER_HOUSEHOLD * size.standard_normal(n))
            more: Ints = apportion(crowd, int(part.persons) - int(houses.sum()))
            land = houses * np.exp(SD_LAND * size.standard_normal(n))
            groups = range(first, first + n)
            first += n
            columns["id"] += [f"{unit}{g:0{width}d}" for g in groups]
            columns["name"] += [f"{units.at[unit, 'name']}{g}组" for g in groups]
            columns["before"] += [unit] * n
            columns["after"] += [part.after] * n
            columns["group"] += groups
            columns["households"] += houses.tolist()
            columns["persons"] += (houses + more).tolist()
            columns["area_km2"] += (part.area_km2 * land / land.sum()).tolist()
            columns["compound"] += _compounds(mix, types.random(n))
    table = pd.DataFrame(columns).sort_values("id", ignore_index=True)
    given = inp.totals.age_shares or AGE_SHARES
    ages = _ages(table["persons"].to_numpy(), np.array([given[a] for a in AGES]))
    for i, age in enumerate(AGES):
        table.insert(table.columns.get_loc("persons") + 1 + i, age, ages[:, i])
    return table.assign(terrain=_terrain(table, units["township"], hill_below_per_km2))


def _compounds(mix: tuple[float, float, float] | None, draws: Floats) -> list[str]:
    """Compound types of a unit's settlements; no mix is a village."""
    if mix is None:
        return ["village"] * len(draws)
    return [COMPOUNDS[i] for i in np.searchsorted(np.cumsum(mix)[:-1], draws, side="right")]


def _ages(persons: Ints, shares: Floats) -> Ints:
    """Persons by age band, (settlements, 6): rows sum to persons; what rounding leaves over is
    carried to the next settlement, so that the sums of the bands are exact to one person."""
    shares = shares / shares.sum()
    out = np.zeros((len(persons), len(shares)), dtype=np.int64)
    carry = np.zeros(len(shares))
    for i, count in enumerate(persons):
        exact = count * shares + carry
        whole = np.floor(np.maximum(exact, 0.0)).astype(np.int64)
        order = np.argsort(whole - exact, kind="stable")
        whole[order[: int(count) - int(whole.sum())]] += 1
        out[i], carry = whole, exact - whole
    return out


def _terrain(table: pd.DataFrame, township: pd.Series, hill_below: float) -> pd.Series:
    town = table["before"].map(township)
    sums = table.groupby(town)[["persons", "area_km2"]].sum()
    dense = sums["persons"] / sums["area_km2"] >= hill_below
    return town.map(dense).map({True: "plain", False: "hill"})
