"""Registered persons, households, area and settlements of units that only their list is known of.

Sizes of units before the reform are seeded lognormals, fitted to the margins with bounds
(`raking`) and rounded by largest remainder. Units are then divided into settlements, one per
residents' group before the reform. All draws are keyed by seed, purpose and unit, so that no
unit's size depends on the order of the others.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.case.messages import Problems
from sim.case.synthesis.draws import generator
from sim.case.synthesis.lineage import Lineage
from sim.case.synthesis.lists import AGES, Input
from sim.case.synthesis.raking import Floats, Ints, Margin, apportion, rake

# Mean sizes where no margin says otherwise: those of the documented reform (model.md 8).
PERSONS = {"community": 3290.0, "village": 2240.0}
AREA_KM2 = {"community": 2.79, "village": 5.97}
GROUPS_PER_COMMUNITY = 12.8
AGE_SHARES = dict(zip(AGES, (0.024, 0.031, 0.0851, 0.6126, 0.2153, 0.032), strict=True))
# Least households of a settlement, and the least mean of a unit's settlements.
LEAST_SETTLEMENT, LEAST_MEAN_SETTLEMENT = 5, 8
# Spread (sd of the log) of persons per household and of land per household between settlements.
SD_PER_HOUSEHOLD, SD_LAND = 0.05, 0.3
COMPOUNDS = ("commodity", "old_courtyard", "resettlement")
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
    columns: dict[str, list[Any]] = {
        name: []
        for name in (
            "id",
            "name",
            "before",
            "after",
            "group",
            "households",
            "persons",
            "area_km2",
            "compound",
        )
    }
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


def compare_published(inp: Input, settlements: pd.DataFrame) -> pd.DataFrame:
    """Published figures of townships and communities after the reform against the settlements'.

    Columns [place, level, measure, year, published, fitted, unit, deviation_pct, soundness].
    Published figures are never fitted; figures of another kind are left out.
    """
    columns = [
        "place",
        "level",
        "measure",
        "year",
        "published",
        "fitted",
        "unit",
        "deviation_pct",
        "soundness",
    ]
    if inp.published is None or inp.published.empty:
        return pd.DataFrame(columns=columns)
    after = inp.after.set_index("id")
    towns = dict(zip(inp.townships_after["id"], inp.townships_after["name"], strict=True))
    unit = settlements["after"]
    rows = settlements.assign(
        town=unit.map(after["township"]).map(towns), kind=unit.map(after["kind"])
    )
    rows["label"] = unit.map(after["name"]) + "(" + rows["town"] + ")"
    found = []
    for fact in inp.published.to_dict("records"):
        column = {"township": "town", "community": "label"}.get(fact["level"])
        mine = rows[rows[column] == fact["place"]] if column else rows.iloc[:0]
        fitted = _fitted_measure(mine, fact["measure"]) if len(mine) else None
        try:
            published = float(fact["value"])
        except ValueError:
            continue
        if fitted is None or published == 0:
            continue
        published *= 1e4 if str(fact.get("unit", "")).startswith("10k") else 1.0
        found.append(
            (
                fact["place"],
                fact["level"],
                fact["measure"],
                fact.get("year", ""),
                published,
                fitted,
                fact.get("unit", ""),
                100 * (fitted / published - 1),
                fact.get("soundness", ""),
            )
        )
    return pd.DataFrame(found, columns=columns)


def _fitted_measure(rows: pd.DataFrame, measure: str) -> float | None:
    """A published measure of one place from its settlements; None if it is not modelled."""
    units = rows.drop_duplicates("after")["kind"].value_counts()
    return {
        "registered_population": lambda: float(rows["persons"].sum()),
        "registered_households": lambda: float(rows["households"].sum()),
        "households": lambda: float(rows["households"].sum()),
        "area": lambda: float(rows["area_km2"].sum()),
        "units_before": lambda: float(rows["before"].nunique()),
        "units_after": lambda: float(rows["after"].nunique()),
        "communities": lambda: float(units.get("community", 0)),
        "villages": lambda: float(units.get("village", 0)),
        "residents_groups_before": lambda: float(len(rows)),
    }.get(measure, lambda: None)()
