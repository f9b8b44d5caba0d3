"""Seats, offices, staff and facilities of a case, placed by rules from a few published counts.

What a prefecture publishes about staff and facilities counts the units after its reform. So
everything is placed such that the real redraw with every point kept ends at those counts; before
the reform the same buildings stand in the same settlements and serve the old units. A unit
"ends under a community" when its seat settlement does. Which place gets what is synthetic: each
rule is stated where it is applied, and sizes without a published count are assumptions.

Sources of sizes: GB 50180-2018, the MoHURD trial standard for complete communities (2020), the
standards of Meishan and Nantong, and the staffing and capacity rules of the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.synthesis.names import core, township_core
from sim.case.synthesis.raking import apportion

# Shares of the communities after the reform, where the input publishes no count.
DEFAULT_SHARES = {
    "communities_with_elder": 0.80,
    "communities_with_child": 0.70,
    "elder_complexes": 0.07,
    "elder_stations": 0.18,
    "neighbourhood_centres": 0.03,
}
COMMITTEE_SHARE = 0.6  # of a community's staff, where the number of members is unknown
OFFICE_SHARE = 0.5  # of a service building's floor; the rest is open to residents
OFFICE_HOURS = 35
TOWNSHIP_CENTRE_M2 = 1500  # the lowest that the Nantong standard allows
VISITS_PER_DOCTOR = 80  # a week
# (base, lowest, highest) staff of a unit; each thousand persons adds STAFF_PER_1000.
STAFF = {"village": (2.0, 3, 9), "community": (3.4, 5, 12)}
STAFF_PER_1000 = 1.03
# (lowest, usual at 1,000 persons, highest) m2 of a service building. 300 m2 is what Meishan asks
# of a rebuilt one; many old points kept share the published floor, so few reach today's 600.
SERVICE_FLOOR = {"village": (120.0, 75.0, 250.0), "community": (300.0, 150.0, 800.0)}

FACILITY_COLUMNS = ["id", "name", "services", "settlement", "x", "y", "operator", "floor_m2",
                    "capacity", "hours_week", "office_hours_only", "open_to", "opened"]
OFFICE_COLUMNS = ["id", "name", "kind", "community", "township", "settlement", "committee",
                  "community_worker", "grid", "window", "social_worker", "windows", "hours_week",
                  "floor_m2", "office_share", "certified"]
OFFICE_NAMES = {"community": "居民委员会", "village": "村民委员会", "street": "办事处",
                "town": "人民政府", "township": "人民政府"}


@dataclass(frozen=True)
class Ground:
    """What places are laid on: units and townships before and after, and the settlements.

    units_*: id, name, kind, township, county; townships_*: id, name, kind, county;
    settlements: id, before, after (unit ids), households, persons, x, y; heirs: before, after,
    the pairs of units of which evidence says that the new one carries the old one on.
    """

    units_before: pd.DataFrame
    units_after: pd.DataFrame
    townships_before: pd.DataFrame
    townships_after: pd.DataFrame
    settlements: pd.DataFrame
    heirs: pd.DataFrame


@dataclass(frozen=True)
class Seats:
    """Seat settlement of every unit and township, by its id, before and after the reform."""

    units_before: pd.Series
    units_after: pd.Series
    townships_before: pd.Series
    townships_after: pd.Series


def find_seats(ground: Ground) -> Seats:
    """Seats by rule, each a settlement inside.

    Old unit: its most populous settlement (of a split one: in the part that keeps its name). New
    unit: the seat of the old unit whose name it bears, else that it carries on by other evidence,
    else of its largest one seated there, of its own kind first; else its most populous
    settlement. Old township: the unit that bears its name, else its lowest-coded community, else
    its largest unit. New township: the seat of the old one of the same name, else of its largest
    one seated there, else by the rule for old ones.
    """
    unit, new_unit = (t.set_index("id") for t in (ground.units_before, ground.units_after))
    land = ground.settlements.sort_values(["persons", "id"], ascending=[False, True])
    land["other_name"] = (land["before"].map(unit["name"].map(core))
                          != land["after"].map(new_unit["name"].map(core)))
    before = land.sort_values("other_name", kind="stable").groupby("before")["id"].first()
    unit_of = ground.settlements.set_index("id")["after"]

    old = pd.DataFrame({"before": before.index, "seat": before.to_numpy()})
    old["after"] = old["seat"].map(unit_of)
    pieces = land.groupby(["before", "after", "other_name"])["persons"].sum().reset_index()
    old = old.merge(pieces, on=["before", "after"])
    pairs = set(zip(ground.heirs["before"], ground.heirs["after"], strict=True))
    old["no_heir"] = [p not in pairs for p in zip(old["before"], old["after"], strict=True)]
    old["other_kind"] = old["before"].map(unit["kind"]) != old["after"].map(new_unit["kind"])
    heirs = old.sort_values(["other_name", "no_heir", "other_kind", "persons", "before"],
                            ascending=[True, True, True, False, True])
    after = heirs.groupby("after")["seat"].first()
    after = after.reindex(land.groupby("after")["id"].first().index)
    after = after.fillna(land.groupby("after")["id"].first())

    persons = ground.settlements.groupby("before")["persons"].sum()
    townships = _township_seats(ground.units_before, ground.townships_before, before, persons)
    persons_after = ground.settlements.groupby("after")["persons"].sum()
    fallback = _township_seats(ground.units_after, ground.townships_after, after, persons_after)

    names = ground.townships_before.set_index("id")["name"].map(township_core)
    township_after, old_township = new_unit["township"], unit["township"]
    moved = ground.settlements.assign(old=ground.settlements["before"].map(old_township),
                                      new=ground.settlements["after"].map(township_after))
    moved = moved.groupby(["old", "new"])["persons"].sum().reset_index()
    moved["seat"] = moved["old"].map(townships)
    moved = moved[moved["seat"].map(unit_of).map(township_after) == moved["new"]]
    names_after = ground.townships_after.set_index("id")["name"].map(township_core)
    moved["named"] = moved["old"].map(names) == moved["new"].map(names_after)
    moved = moved.sort_values(["named", "persons", "old"], ascending=[False, False, True])
    new = moved.groupby("new")["seat"].first().reindex(fallback.index).fillna(fallback)
    return Seats(before, after, townships, new)


def _township_seats(units: pd.DataFrame, townships: pd.DataFrame, seats: pd.Series,
                    persons: pd.Series) -> pd.Series:
    names = townships.set_index("id")["name"].map(township_core)
    table = units[["id", "township"]].copy()
    table["other_name"] = units["name"].map(core) != units["township"].map(names)
    table["village"] = units["kind"] == "village"
    table["size"] = np.where(table["village"], -units["id"].map(persons), 0)
    table = table.sort_values(["other_name", "village", "size", "id"])
    return table.groupby("township")["id"].first().map(seats)


def unit_type(units: pd.DataFrame, townships: pd.DataFrame) -> pd.Series:
    """Type of each unit: a village is rural, a community under a street urban, else town."""
    street = units["township"].map(townships.set_index("id")["kind"]) == "street"
    return pd.Series(np.where(units["kind"] == "village", "rural",
                              np.where(street, "urban", "town")), index=units.index)


def staff_of(persons: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Committee members and hired workers of units with so many persons, whole numbers."""
    base, low, high = (np.array([STAFF[k][i] for k in kind]) for i in range(3))
    return np.clip(np.rint(base + STAFF_PER_1000 * persons / 1000), low, high).astype(int)


def service_floor(persons: np.ndarray, kind: np.ndarray, counted: np.ndarray,
                  target: float | None) -> np.ndarray:
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
            below, above = (scale, above) if floor(scale)[counted].sum() < target else (
                below, scale)
    exact = floor(scale)
    whole = np.rint(exact).astype(int)
    whole[counted] = apportion(exact[counted], round(exact[counted].sum()))
    return whole


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
    further["site"] = further["before"] + "-" + (
        further.groupby("before").cumcount() + 2).astype(str)
    part = further.set_index(["before", "after"])["site"]
    pairs = pd.MultiIndex.from_frame(land[["before", "after"]])
    of = pd.Series(part.reindex(pairs).to_numpy(), index=land.index).fillna(land["before"])

    units = ground.units_before.set_index("id")
    table = pd.concat([
        pd.DataFrame({"id": units.index, "unit": units.index,
                      "settlement": units.index.map(seats.units_before)}),
        further.rename(columns={"id": "settlement", "site": "id", "before": "unit"})[
            ["id", "unit", "settlement"]]]).sort_values("id", ignore_index=True)
    table = table.join(units[["kind", "name", "township"]], on="unit")
    table["name"] += table["id"].str.extract(r"-(\d+)$")[0].radd("第").fillna("")
    table["persons"] = table["id"].map(land["persons"].groupby(of).sum())
    table["counted"] = _ends_under_community(ground, table["settlement"])
    table["floor_m2"] = service_floor(table["persons"].to_numpy(), table["kind"].to_numpy(),
                                      table["counted"].to_numpy(), _floor_target(ground, counts))
    return Sites(table, of)


def make_offices(ground: Ground, seats: Seats, sites: Sites,
                 counts: Mapping[str, float]) -> pd.DataFrame:
    """One office a unit and one a township, before the reform, with staff by role.

    Villages are run by committee members alone. The rest of the published members after the
    reform is apportioned to communities by staff, who are otherwise hired workers. Certified
    social workers are a mark on staff (`certified`), not further persons; nobody is bought in
    (`social_worker`) and the grid has no staff of its own (`grid`) before a lever says so.
    """
    units = ground.units_before.sort_values("id", ignore_index=True)
    persons = units["id"].map(ground.settlements.groupby("before")["persons"].sum()).to_numpy()
    kind = units["kind"].to_numpy()
    ends = _ends_under_community(ground, units["id"].map(seats.units_before)).to_numpy()
    staff = staff_of(persons, kind)

    hired = kind == "community"
    committee = np.where(hired, np.rint(COMMITTEE_SHARE * staff), staff).astype(int)
    members = counts.get("committee_in_communities_after")
    if members is not None:
        spread = hired & ends
        rest = int(members) - committee[~hired & ends].sum()
        committee[spread] = apportion(staff[spread], int(np.clip(rest, 0, staff[spread].sum())))
    certified = np.zeros(len(units), dtype=int)
    certified[ends] = apportion(staff[ends], min(int(counts.get("certified_social_workers") or 0),
                                                 staff[ends].sum()))
    of_units = pd.DataFrame({
        "id": "O-" + units["id"], "kind": kind, "community": units["id"],
        "name": units["name"] + units["kind"].map(OFFICE_NAMES),
        "township": units["township"], "settlement": units["id"].map(seats.units_before),
        "committee": committee, "community_worker": staff - committee, "window": 0,
        "windows": np.where(hired, 2, 1), "certified": certified,
        "floor_m2": units["id"].map(sites.table.groupby("unit")["floor_m2"].sum())})

    towns = ground.townships_before.sort_values("id", ignore_index=True)
    windows = township_windows(towns["id"].map(_township_persons(ground)).to_numpy())
    of_townships = pd.DataFrame({
        "id": "T-" + towns["id"], "kind": towns["kind"], "community": "",
        "name": towns["name"] + towns["kind"].map(OFFICE_NAMES),
        "township": towns["id"], "settlement": towns["id"].map(seats.townships_before),
        "committee": 0, "community_worker": 0, "window": windows, "windows": windows,
        "certified": 0, "floor_m2": TOWNSHIP_CENTRE_M2})
    offices = pd.concat([of_units, of_townships], ignore_index=True)
    return offices.assign(grid=0, social_worker=0, hours_week=OFFICE_HOURS,
                          office_share=OFFICE_SHARE)[OFFICE_COLUMNS]


def township_windows(persons: np.ndarray) -> np.ndarray:
    """Windows of a township or street centre: one per 15,000 persons, at least two."""
    return np.maximum(2, np.ceil(persons / 15000)).astype(int)


def _floor_target(ground: Ground, counts: Mapping[str, float]) -> float | None:
    per_100 = counts.get("service_floor_m2_per_100_households")
    if per_100 is None:
        return None
    under = _ends_under_community(ground, ground.settlements["id"]).to_numpy()
    return float(per_100) * ground.settlements["households"].to_numpy()[under].sum() / 100


def _ends_under_community(ground: Ground, settlements: pd.Series) -> pd.Series:
    kind = ground.units_after.set_index("id")["kind"]
    return settlements.map(ground.settlements.set_index("id")["after"]).map(kind) == "community"


def _township_persons(ground: Ground) -> pd.Series:
    township = ground.settlements["before"].map(ground.units_before.set_index("id")["township"])
    return ground.settlements.groupby(township)["persons"].sum()


def make_facilities(ground: Ground, seats: Seats, sites: Sites,
                    counts: Mapping[str, float]) -> pd.DataFrame:
    """All facilities before the reform; elderly and child care as counted after it."""
    frames = [*_of_sites(ground, sites), *_of_townships(ground, seats),
              *_care(ground, seats, counts)]
    table = pd.concat(frames, ignore_index=True).sort_values("id", ignore_index=True)
    spots = ground.settlements.set_index("id")
    table["x"] = table["settlement"].map(spots["x"]).astype(int)
    table["y"] = table["settlement"].map(spots["y"]).astype(int)
    table["capacity"] = table["capacity"].astype("Int64")
    return table.assign(opened="")[FACILITY_COLUMNS]


def _rows(prefix: str, ids: pd.Series, names: pd.Series, label: str, services: str,
          settlement: pd.Series, floor: np.ndarray | int, hours: int, *,
          operator: pd.Series | str = "public", capacity: np.ndarray | int | None = None,
          office_hours: int = 0, open_to: str = "everyone") -> pd.DataFrame:
    """Facilities of one sort; capacity None leaves it to the rule of the service."""
    return pd.DataFrame({
        "id": prefix + "-" + ids, "name": names + label, "services": services,
        "settlement": settlement, "operator": operator,
        "floor_m2": np.rint(floor).astype(int) if np.ndim(floor) else int(floor),
        "capacity": pd.NA if capacity is None else capacity, "hours_week": hours,
        "office_hours_only": office_hours, "open_to": open_to})


def _of_sites(ground: Ground, sites: Sites) -> list[pd.DataFrame]:
    """What every site has: service point, culture room, health station, sports ground, shops,
    green. Several of a sort go to the site's most populous settlements."""
    table = sites.table
    ids, names, seat, office = table["id"], table["name"], table["settlement"], "O-" + table["unit"]
    persons = table["persons"].to_numpy()
    village = table["kind"].to_numpy() == "village"
    doctors = np.maximum(0.5, persons / 1000)
    land = ground.settlements.assign(site=ground.settlements["id"].map(sites.of))
    land = land.sort_values(["persons", "id"], ascending=[False, True])
    rank = land.groupby("site").cumcount() + 1

    def many(prefix: str, number: np.ndarray, label: str, service: str, floor: np.ndarray,
             hours: int, operator: str) -> pd.DataFrame:
        frame = pd.DataFrame({"number": number, "floor": floor, "name": names}).set_index(ids)
        chosen = land[(rank <= land["site"].map(frame["number"])).to_numpy()]
        run, site = rank[chosen.index].astype(str), chosen["site"]
        rows = _rows(prefix, site + "-" + run, site.map(frame["name"]), label, service,
                     chosen["id"], site.map(frame["floor"]).to_numpy(), hours, operator=operator)
        return rows.assign(name=rows["name"] + run)

    shops = np.maximum(1, np.rint(persons / 2000))
    parks = np.where(village, 1, np.maximum(1, np.rint(persons / 3000)))
    # A village green stays below the 2,000 m2 from which a park counts at 300 m.
    green = np.where(village, 1000, np.maximum(2000, 4 * persons / parks))
    return [
        _rows("P", ids, names, "便民服务站", "government;community", seat,
              table["floor_m2"].to_numpy(), OFFICE_HOURS, operator=office, office_hours=1,
              open_to="community"),
        # 250 m2 for a culture station of 5,000 persons (GB 50180-2018).
        _rows("C", ids, names, "文化活动室", "culture", seat, np.maximum(60, persons / 20), 40,
              operator=office),
        # 120 m2 at least (GB 50180-2018), 60 m2 per 1,000 persons (Meishan's target).
        _rows("H", ids, names, "卫生站", "health", seat, np.maximum(120, 0.06 * persons), 45,
              capacity=np.rint(VISITS_PER_DOCTOR * doctors).astype(int)),
        _rows("SP", ids, names, "健身场地", "sports", seat, np.maximum(600, persons), 84),
        many("S", shops, "便利店", "shop", np.full(len(table), 75), 84, "market"),
        many("G", parks, "绿地", "green", green, 112, "public"),
    ]


def _of_townships(ground: Ground, seats: Seats) -> list[pd.DataFrame]:
    """A government centre and a health centre with six doctors at every old township's seat."""
    towns = ground.townships_before.sort_values("id", ignore_index=True)
    ids, seat = towns["id"], towns["id"].map(seats.townships_before)
    return [
        _rows("TC", ids, towns["name"], "便民服务中心", "government", seat, TOWNSHIP_CENTRE_M2,
              OFFICE_HOURS, operator="T-" + ids, office_hours=1, open_to="township"),
        _rows("TH", ids, towns["name"], "卫生院", "health", seat, 1700, 56,
              capacity=6 * VISITS_PER_DOCTOR),
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
    chosen["points"] = sorted(left.index.difference(chosen["elder_stations"]))
    nurseries = most_populous(units, number("communities_with_child"))

    def at(ids: list[str], prefix: str, label: str, services: str, m2_per_person: float,
           low: int, high: int, hours: int) -> pd.DataFrame:
        place, index = units.loc[ids], pd.Series(ids, dtype=object)
        floor = np.clip(np.rint(place["persons"].to_numpy() * m2_per_person / 10) * 10, low, high)
        return _rows(prefix, index, place["name"].reset_index(drop=True), label, services,
                     index.map(seats.units_after), floor, hours)

    return [
        at(chosen["elder_complexes"], "E", "养老服务综合体", "elder_care;elder_meals", 0, 750, 750,
           56),
        at(chosen["neighbourhood_centres"], "E", "邻里中心",
           "culture;sports;elder_care;elder_meals", 0.4, 2000, 4000, 70),
        at(chosen["elder_stations"], "E", "养老服务站", "elder_care;elder_meals", 0.08, 350, 500,
           56),
        at(chosen["points"], "E", "日间照料中心", "elder_care", 0.035, 120, 200, 45),
        at(nurseries, "N", "托育园", "nursery", 0.05, 200, 400, 45),
    ]


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
    ranked = ranked.assign(rank=ranked.groupby("township").cumcount(),
                           order=ranked["township"].map(kinds).map(order).fillna(2))
    ranked = ranked.sort_values(["rank", "order", "persons"], ascending=[True, True, False],
                                kind="stable")
    return sorted(ranked.index[:number])


def summary(ground: Ground, offices: pd.DataFrame, facilities: pd.DataFrame,
            counts: Mapping[str, float]) -> pd.DataFrame:
    """Counts under the communities after a redraw that keeps every point, beside the published
    ones: measure, published (missing where not given), placed."""
    under = facilities[_ends_under_community(ground, facilities["settlement"]).to_numpy()]
    where = under["settlement"].map(ground.settlements.set_index("id")["after"])
    run = offices[(offices["community"] != "").to_numpy()
                  & _ends_under_community(ground, offices["settlement"]).to_numpy()]
    points = under[under["services"].str.split(";").map(lambda s: "community" in s)]
    households = ground.settlements.loc[
        _ends_under_community(ground, ground.settlements["id"]), "households"].sum()

    def having(service: str) -> int:
        return where[under["services"].str.split(";").map(lambda s: service in s)].nunique()

    def named(label: str) -> int:
        return int(under["name"].str.endswith(label).sum())

    placed = {
        "communities_with_elder": having("elder_care"), "communities_with_child": having("nursery"),
        "elder_complexes": named("养老服务综合体"), "elder_stations": named("养老服务站"),
        "neighbourhood_centres": named("邻里中心"),
        "committee_in_communities_after": int(run["committee"].sum()),
        "certified_social_workers": int(run["certified"].sum()),
        "service_floor_m2_per_100_households": round(
            100 * points["floor_m2"].sum() / max(households, 1), 2),
        "communities_with_service_point": having("community"),
        "communities_with_health": having("health"), "communities_with_culture": having("culture"),
        "communities_with_sports": having("sports"),
    }
    return pd.DataFrame({"measure": list(placed), "published": [counts.get(k) for k in placed],
                         "placed": list(placed.values())})
