"""Facilities of a case before the reform, placed by rules from a few published counts.

What a prefecture publishes about facilities counts the units after its reform. So they are
placed such that the real redraw with every point kept ends at those counts; before the reform
the same buildings stand in the same settlements and serve the old units. Which place gets what
is synthetic: each rule is stated where it is applied, and sizes without a published count are
assumptions.

Sources of sizes: GB 50180-2018, the MoHURD trial standard for complete communities (2020), the
standards of prefectures that have one, and the capacity rules of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.synthesis.offices import OFFICE_HOURS, TOWNSHIP_CENTRE_M2
from sim.case.synthesis.raking import apportion
from sim.case.synthesis.seats import Ground, Seats
from sim.case.synthesis.sites import Sites

# Shares of the communities after the reform, where the input publishes no count.
DEFAULT_SHARES = {
    "communities_with_elder": 0.80,
    "communities_with_child": 0.70,
    "elder_complexes": 0.07,
    "elder_stations": 0.18,
    "neighbourhood_centres": 0.03,
}
VISITS_PER_DOCTOR = 80  # a week
FACILITY_COLUMNS = [
    "id", "name", "services", "settlement", "x", "y", "operator", "floor_m2", "capacity",
    "hours_week", "office_hours_only", "open_to", "opened",
]  # fmt: skip


@dataclass(frozen=True)
class Sort:
    """A sort of facility: prefix of its ids, name that follows the place's, services, hours a
    week, whether only in office hours, and to whom it is open."""

    prefix: str
    name: str
    services: str
    hours: int
    office_hours: bool = False
    open_to: str = "everyone"


POINT = Sort("P", "便民服务站", "government;community", OFFICE_HOURS, True, "community")
CULTURE = Sort("C", "文化活动室", "culture", 40)
HEALTH = Sort("H", "卫生站", "health", 45)
SPORTS = Sort("SP", "健身场地", "sports", 84)
SHOP = Sort("S", "便利店", "shop", 84)
GREEN = Sort("G", "绿地", "green", 112)
TOWNSHIP_POINT = Sort("TC", "便民服务中心", "government", OFFICE_HOURS, True, "township")
TOWNSHIP_HEALTH = Sort("TH", "卫生院", "health", 56)
NEIGHBOURHOOD_CENTRE = Sort("E", "邻里中心", "culture;sports;elder_care;elder_meals", 70)
# Care at the seat of a community, with m2 a person of the community, lowest and highest m2.
CARE = {
    "elder_complexes": (Sort("E", "养老服务综合体", "elder_care;elder_meals", 56), (0, 750, 750)),
    "neighbourhood_centres": (NEIGHBOURHOOD_CENTRE, (0.4, 2000, 4000)),
    "elder_stations": (Sort("E", "养老服务站", "elder_care;elder_meals", 56), (0.08, 350, 500)),
    "elder_points": (Sort("E", "日间照料中心", "elder_care", 45), (0.035, 120, 200)),
    "nurseries": (Sort("N", "托育园", "nursery", 45), (0.05, 200, 400)),
}


def make_facilities(
    ground: Ground, seats: Seats, sites: Sites, counts: Mapping[str, float]
) -> pd.DataFrame:
    """All facilities before the reform; elderly and child care as counted after it."""
    frames = [
        *_of_sites(ground, sites),
        *_of_townships(ground, seats),
        *_care(ground, seats, counts),
    ]
    table = pd.concat(frames, ignore_index=True).sort_values("id", ignore_index=True)
    spots = ground.settlements.set_index("id")
    table["x"] = table["settlement"].map(spots["x"]).astype(int)
    table["y"] = table["settlement"].map(spots["y"]).astype(int)
    table["capacity"] = table["capacity"].astype("Int64")
    return table.assign(opened="")[FACILITY_COLUMNS]


def _rows(
    sort: Sort,
    ids: pd.Series,
    names: pd.Series,
    settlement: pd.Series,
    floor: np.ndarray | int,
    operator: pd.Series | str = "public",
    capacity: np.ndarray | int | None = None,
) -> pd.DataFrame:
    """Facilities of one sort; capacity None leaves it to the rule of the service."""
    return pd.DataFrame(
        {
            "id": sort.prefix + "-" + ids,
            "name": names + sort.name,
            "services": sort.services,
            "settlement": settlement,
            "operator": operator,
            "floor_m2": np.rint(floor).astype(int) if np.ndim(floor) else int(floor),
            "capacity": pd.NA if capacity is None else capacity,
            "hours_week": sort.hours,
            "office_hours_only": int(sort.office_hours),
            "open_to": sort.open_to,
        }
    )


def _of_sites(ground: Ground, sites: Sites) -> list[pd.DataFrame]:
    """What every site has: service point, culture room, health station, sports ground, shops,
    green. Several of a sort go to the site's most populous settlements."""
    table = sites.table
    ids, names, seat, office = table["id"], table["name"], table["settlement"], "O-" + table["unit"]
    persons = table["persons"].to_numpy()
    village = table["kind"].to_numpy() == "village"
    land = ground.settlements.assign(site=ground.settlements["id"].map(sites.of))
    land = land.sort_values(["persons", "id"], ascending=[False, True])
    rank = land.groupby("site").cumcount() + 1

    def many(sort: Sort, number: np.ndarray, floor: np.ndarray, operator: str) -> pd.DataFrame:
        frame = pd.DataFrame({"number": number, "floor": floor, "name": names}).set_index(ids)
        chosen = land[(rank <= land["site"].map(frame["number"])).to_numpy()]
        run, site = rank[chosen.index].astype(str), chosen["site"]
        name, floors = site.map(frame["name"]), site.map(frame["floor"]).to_numpy()
        rows = _rows(sort, site + "-" + run, name, chosen["id"], floors, operator)
        return rows.assign(name=rows["name"] + run)

    # 250 m2 for a culture station of 5,000 persons (GB 50180-2018).
    culture = np.maximum(60, persons / 20)
    # 120 m2 at least (GB 50180-2018), 60 m2 per 1,000 persons (a five-year plan's target).
    health = np.maximum(120, 0.06 * persons)
    visits = np.rint(VISITS_PER_DOCTOR * np.maximum(0.5, persons / 1000)).astype(int)
    shops = np.maximum(1, np.rint(persons / 2000))
    parks = np.where(village, 1, np.maximum(1, np.rint(persons / 3000)))
    # A village green stays below the 2,000 m2 from which a park counts at 300 m.
    green = np.where(village, 1000, np.maximum(2000, 4 * persons / parks))
    return [
        _rows(POINT, ids, names, seat, table["floor_m2"].to_numpy(), office),
        _rows(CULTURE, ids, names, seat, culture, office),
        _rows(HEALTH, ids, names, seat, health, capacity=visits),
        _rows(SPORTS, ids, names, seat, np.maximum(600, persons)),
        many(SHOP, shops, np.full(len(table), 75), "market"),
        many(GREEN, parks, green, "public"),
    ]


def _of_townships(ground: Ground, seats: Seats) -> list[pd.DataFrame]:
    """A government centre and a health centre with six doctors at every old township's seat."""
    towns = ground.townships_before.sort_values("id", ignore_index=True)
    ids, names, seat = towns["id"], towns["name"], towns["id"].map(seats.townships_before)
    return [
        _rows(TOWNSHIP_POINT, ids, names, seat, TOWNSHIP_CENTRE_M2, "T-" + ids),
        _rows(TOWNSHIP_HEALTH, ids, names, seat, 1700, capacity=6 * VISITS_PER_DOCTOR),
    ]


def _care(ground: Ground, seats: Seats, counts: Mapping[str, float]) -> list[pd.DataFrame]:
    """Elderly and child care at the seats of the new communities that have it.

    A community with elderly care has one such facility. Complexes and neighbourhood centres
    go round the townships, streets before towns, to the largest community of each that has none;
    the rest goes to the most populous communities of each county.
    """
    units = ground.units_after[ground.units_after["kind"] == "community"].set_index("id")
    units = units.sort_index()
    units["persons"] = ground.settlements.groupby("after")["persons"].sum()
    units["persons"] = units["persons"].fillna(0)

    def number(key: str) -> int:
        published = counts.get(key)
        share = DEFAULT_SHARES[key] * len(units)
        return min(len(units), round(share if published is None else published))

    with_elder = most_populous(units, number("communities_with_elder"))
    kinds = ground.townships_after.set_index("id")["kind"]
    left, chosen = units.loc[with_elder], {}
    for key in ("elder_complexes", "neighbourhood_centres"):
        chosen[key] = round_townships(left, kinds, number(key))
        left = left.drop(index=chosen[key])
    chosen["elder_stations"] = most_populous(left, min(len(left), number("elder_stations")))
    chosen["elder_points"] = sorted(left.index.difference(chosen["elder_stations"]))
    chosen["nurseries"] = most_populous(units, number("communities_with_child"))
    return [_at_communities(kind, units.loc[chosen[kind]], seats) for kind in CARE]


def _at_communities(kind: str, units: pd.DataFrame, seats: Seats) -> pd.DataFrame:
    """Care of one kind, in buildings by persons, at the seats of these communities."""
    sort, (per_person, low, high) = CARE[kind]
    ids, names = pd.Series(units.index, dtype=object), units["name"].reset_index(drop=True)
    floor = np.clip(np.rint(units["persons"].to_numpy() * per_person / 10) * 10, low, high)
    return _rows(sort, ids, names, ids.map(seats.units_after), floor)


def most_populous(units: pd.DataFrame, number: int) -> list[str]:
    """Ids of so many units, in proportion to each county's units, the most populous first."""
    sizes = units.groupby("county").size().sort_index()
    quota = dict(zip(sizes.index, apportion(sizes.to_numpy(), number), strict=True))
    ranked = units.rename_axis("id").sort_values(["persons", "id"], ascending=[False, True])
    rank = ranked.groupby("county").cumcount()
    return sorted(ranked.index[(rank < ranked["county"].map(quota)).to_numpy()])


def round_townships(units: pd.DataFrame, kinds: pd.Series, number: int) -> list[str]:
    """Ids of so many units: the largest of each township, streets first, then the second ones."""
    order = {"street": 0, "town": 1, "township": 2}
    ranked = units.rename_axis("id").sort_values(["persons", "id"], ascending=[False, True])
    ranked = ranked.assign(
        rank=ranked.groupby("township").cumcount(),
        order=ranked["township"].map(kinds).map(order).fillna(2),
    )
    ranked = ranked.sort_values(
        ["rank", "order", "persons"], ascending=[True, True, False], kind="stable"
    )
    return sorted(ranked.index[:number])
