"""What was built beside what is published: places and figures that are compared, never fitted."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sim.case.synthesis.facilities import CARE
from sim.case.synthesis.lists import Input
from sim.case.synthesis.seats import Ground, ends_under_community


def compare_places(
    ground: Ground, offices: pd.DataFrame, facilities: pd.DataFrame, counts: Mapping[str, float]
) -> pd.DataFrame:
    """Counts under the communities after a redraw that keeps every point, beside the published
    ones: measure, published (missing where not given), placed."""
    under = facilities[ends_under_community(ground, facilities["settlement"]).to_numpy()]
    where = under["settlement"].map(ground.settlements.set_index("id")["after"])
    run = offices[
        (offices["community"] != "").to_numpy()
        & ends_under_community(ground, offices["settlement"]).to_numpy()
    ]
    points = under[under["services"].str.split(";").map(lambda s: "community" in s)]
    households = ground.settlements.loc[
        ends_under_community(ground, ground.settlements["id"]), "households"
    ].sum()

    def having(service: str) -> int:
        return where[under["services"].str.split(";").map(lambda s: service in s)].nunique()

    def named(kind: str) -> int:
        return int(under["name"].str.endswith(CARE[kind][0].name).sum())

    placed = {
        "communities_with_elder": having("elder_care"),
        "communities_with_child": having("nursery"),
        "elder_complexes": named("elder_complexes"),
        "elder_stations": named("elder_stations"),
        "neighbourhood_centres": named("neighbourhood_centres"),
        "committee_in_communities_after": int(run["committee"].sum()),
        "certified_social_workers": int(run["certified"].sum()),
        "service_floor_m2_per_100_households": round(
            100 * points["floor_m2"].sum() / max(households, 1), 2
        ),
        "communities_with_service_point": having("community"),
        "communities_with_health": having("health"),
        "communities_with_culture": having("culture"),
        "communities_with_sports": having("sports"),
    }
    return pd.DataFrame(
        {
            "measure": list(placed),
            "published": [counts.get(k) for k in placed],
            "placed": list(placed.values()),
        }
    )


def compare_published(inp: Input, settlements: pd.DataFrame) -> pd.DataFrame:
    """Published figures of townships and communities after the reform against the settlements'.

    Columns [place, level, measure, year, published, fitted, unit, deviation_pct, soundness].
    Published figures are never fitted; figures of another kind are left out.
    """
    columns = [
        "place", "level", "measure", "year", "published", "fitted", "unit", "deviation_pct",
        "soundness",
    ]  # fmt: skip
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
