"""Registered persons, households, area and settlements of units that only their list is known of.

Sizes of units before the reform are seeded lognormals, fitted to the margins with bounds
(`raking`) and rounded by largest remainder. Units are then divided into settlements, one per
residents' group before the reform. All draws are keyed by seed, purpose and unit, so that no
unit's size depends on the order of the others.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.case.messages import Problems
from sim.case.synthesis.draws import generator
from sim.case.synthesis.lineage import Lineage
from sim.case.synthesis.lists import Input
from sim.case.synthesis.raking import Floats, Ints, Margin, apportion, rake

# Mean sizes where no margin says otherwise: those of the documented reform (model.md 8).
PERSONS = {"community": 3290.0, "village": 2240.0}
AREA_KM2 = {"community": 2.79, "village": 5.97}
GROUPS_PER_COMMUNITY = 12.8
# Least households of a settlement, and the least mean of a unit's settlements.
LEAST_SETTLEMENT, LEAST_MEAN_SETTLEMENT = 5, 8
TOLERANCE = 1e-3


def classes(inp: Input, lineage: Lineage) -> pd.Series:
    """Class of each old unit: community, absorbed (a village that ends under a community, by the
    larger part of its shares), or village. Indexed by id, sorted."""
    table = lineage.units.assign(share=lineage.pieces["share"])
    joins = table[table["kind_after"] == "community"].groupby("before")["share"].sum()
    units = inp.before.set_index("id")
    absorbed = (units["kind"] == "village") & (joins.reindex(units.index, fill_value=0.0) >= 0.5)
    return units["kind"].mask(absorbed, "absorbed").rename("class").sort_index()


def _margins(inp: Input, group: pd.Series, what: str, weights: Floats) -> list[Margin]:
    """Margins of persons or area: by county, by class of unit."""
    totals, counties = inp.totals, inp.counties.set_index("id")
    total: float | None
    first: float | None
    second: float | None
    if what == "persons":
        total, column = totals.registered_persons, "registered"
        first, second = totals.persons_in_communities_before, totals.persons_in_communities_after
    else:
        total, column = totals.area_km2, "area_km2"
        first, second = totals.area_communities_before_km2, totals.area_communities_after_km2
    county_of = inp.before.set_index("id")["county"].reindex(group.index).to_numpy()
    known = counties[column].dropna()
    margins = []
    if total is None and len(known) == len(counties):
        total = float(known.sum())
    if total is not None:
        # A county whose figure is unknown counts with what its units weigh.
        mean = known.sum() / weights[np.isin(county_of, known.index)].sum() if len(known) else 1.0
        share = {
            c: float(known.get(c, mean * weights[county_of == c].sum())) for c in counties.index
        }
        scale = total / sum(share.values())
        margins += [
            Margin(f"{what} of {counties.at[c, 'name']}", county_of == c, s * scale)
            for c, s in share.items()
        ]
    kind = group.to_numpy()
    inside, held = np.zeros(len(kind), dtype=bool), 0.0
    if first is not None:
        inside, held = kind == "community", first
        margins.append(Margin(f"{what} in communities before", inside, first))
    if second is not None and (kind == "absorbed").any():
        joined = (kind != "village") & ~inside
        name = "absorbed by communities" if first is not None else "in communities after"
        margins.append(Margin(f"{what} {name}", joined, second - held))
        inside, held = inside | joined, second
    if total is not None and inside.any():
        margins.append(Margin(f"{what} in the other villages", ~inside, total - held))
    return [m for m in margins if m.mask.any()]


def _fitted(
    inp: Input,
    group: pd.Series,
    what: str,
    weights: Floats,
    low: Floats,
    high: Floats,
) -> Floats:
    """Raked values; `InputError` where bounds or margins contradict each other."""
    problems, path = Problems(), inp.folder / "totals.yaml"
    margins = _margins(inp, group, what, weights)
    for m in margins:
        least, most = low[m.mask].sum(), high[m.mask].sum()
        if not least <= m.target <= most:
            problems.error(
                "margin-bounds",
                f"{m.name}: {m.target:,.0f} is not between "
                f"{least:,.0f} and {most:,.0f}, what {m.mask.sum()} units can hold",
                path,
                hint="correct the total, or leave it out",
            )
    problems.raise_errors()
    values = rake(weights, margins, low, high)
    for m in margins:
        got = values[m.mask].sum()
        if abs(got - m.target) > TOLERANCE * m.target:
            problems.error(
                "margins-conflict",
                f"{m.name}: {m.target:,.0f} cannot be met together "
                f"with the other totals (nearest {got:,.0f})",
                path,
                hint="leave one of the totals out",
            )
    problems.raise_errors()
    return values


def fit(
    inp: Input,
    lineage: Lineage,
    sd_community: float = 0.55,
    sd_village: float = 0.45,
    least_households: int = 100,
    most_households: int = 6000,
) -> pd.DataFrame:
    """Pieces of the lineage with persons, households, area_km2 and settlements (>= 1).

    Margins: registered persons and area by county, of communities before, of villages absorbed
    by communities, and of the others. Bounds are households per unit before the reform. The
    spread of sizes is an assumption. Raises `InputError` where margins cannot be met.
    """
    group = classes(inp, lineage)
    totals, ids = inp.totals, list(group.index)
    kind = np.where(group == "community", "community", "village")
    sd = np.where(kind == "community", sd_community, sd_village)
    per = totals.persons_per_household
    persons_w = _lognormal(totals.seed, "persons", ids, sd) * [PERSONS[k] for k in kind]
    n = len(ids)
    low, high = math.ceil(least_households * per), math.floor(most_households * per)
    exact = _fitted(
        inp, group, "persons", persons_w, np.full(n, float(low)), np.full(n, float(high))
    )
    persons = _rounded(exact, group)
    households = apportion(persons / per, round(persons.sum() / per))
    # Larger units hold more land, but less than in proportion.
    area_w = (
        _lognormal(totals.seed, "area", ids, sd)
        * [AREA_KM2[k] for k in kind]
        * np.sqrt(exact / exact.mean())
    )
    area = _fitted(inp, group, "area_km2", area_w, np.full(n, 0.05), np.full(n, 1e6))
    parts = lineage.pieces["before"].value_counts().reindex(ids).to_numpy()
    settlements = _settlement_counts(inp, kind, households, parts)
    row = {unit: i for i, unit in enumerate(ids)}
    pieces = lineage.pieces.copy()
    columns: dict[str, list[float]] = {
        "persons": [],
        "households": [],
        "area_km2": [],
        "settlements": [],
    }
    for unit, share in pieces.groupby("before", sort=False)["share"]:
        i, weights = row[str(unit)], share.to_numpy()
        count = len(weights)
        homes = 1 + apportion(weights, int(settlements[i]) - count)
        least = LEAST_SETTLEMENT * homes if count > 1 else np.zeros(1, dtype=np.int64)
        houses = least + apportion(weights, int(households[i] - least.sum()))
        columns["settlements"] += homes.tolist()
        columns["households"] += houses.tolist()
        columns["persons"] += (
            houses + apportion(houses.astype(float), int(persons[i] - houses.sum()))
        ).tolist()
        columns["area_km2"] += (area[i] * weights).tolist()
    return pieces.assign(**columns)


def _lognormal(seed: int, purpose: str, ids: list[str], sd: Floats) -> Floats:
    """One lognormal of mean 1 per unit."""
    z = np.array([generator(seed, purpose, unit).standard_normal() for unit in ids])
    return np.exp(sd * z - sd**2 / 2)


def _rounded(exact: Floats, group: pd.Series) -> Ints:
    """Integers that keep the sum of each class of unit."""
    out = np.zeros(len(exact), dtype=np.int64)
    for name in sorted(set(group)):
        mask = (group == name).to_numpy()
        out[mask] = apportion(exact[mask], round(exact[mask].sum()))
    return out


def _settlement_counts(inp: Input, kind: NDArray[np.str_], households: Ints, parts: Ints) -> Ints:
    """Residents' groups of each unit, in proportion to its households, one per part at least."""
    given = inp.totals.settlements
    most = np.maximum(parts, households // LEAST_MEAN_SETTLEMENT).astype(float)
    out = np.zeros(len(households), dtype=np.int64)
    for name in ("community", "village"):
        mask = kind == name
        count = int(mask.sum())
        if not count:
            continue
        mean = GROUPS_PER_COMMUNITY if name == "community" else given.per_village
        total = round(mean * count)
        if name == "community" and given.communities_total is not None:
            total = given.communities_total
        low, high = parts[mask].astype(float), most[mask]
        total = int(min(max(total, low.sum()), high.sum()))
        everyone = [Margin("groups", np.ones(count, dtype=bool), float(total))]
        exact = rake(households[mask].astype(float), everyone, low, high)
        out[mask] = apportion(exact, total)
    return out


def margins(inp: Input, lineage: Lineage, pieces: pd.DataFrame) -> pd.DataFrame:
    """Margins against what was fitted: [margin, target, fitted, deviation_pct]."""
    group = classes(inp, lineage)
    rows = []
    for what in ("persons", "area_km2"):
        sums = pieces.groupby("before")[what].sum().reindex(group.index).to_numpy(dtype=float)
        rows += [
            (m.name, m.target, float(sums[m.mask].sum())) for m in _margins(inp, group, what, sums)
        ]
    table = pd.DataFrame(rows, columns=["margin", "target", "fitted"])
    return table.assign(deviation_pct=100 * (table["fitted"] / table["target"] - 1))
