"""Seats of units and townships, before and after the reform.

Every unit and township is seated in one of its settlements, by rules on names, evidence of
succession, kind and size. What stands where (sites, offices, facilities) starts from these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.synthesis.names import core, township_core


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
    land["other_name"] = land["before"].map(unit["name"].map(core)) != land["after"].map(
        new_unit["name"].map(core)
    )
    before = land.sort_values("other_name", kind="stable").groupby("before")["id"].first()
    unit_of = ground.settlements.set_index("id")["after"]

    old = pd.DataFrame({"before": before.index, "seat": before.to_numpy()})
    old["after"] = old["seat"].map(unit_of)
    pieces = land.groupby(["before", "after", "other_name"])["persons"].sum().reset_index()
    old = old.merge(pieces, on=["before", "after"])
    pairs = set(zip(ground.heirs["before"], ground.heirs["after"], strict=True))
    old["no_heir"] = [p not in pairs for p in zip(old["before"], old["after"], strict=True)]
    old["other_kind"] = old["before"].map(unit["kind"]) != old["after"].map(new_unit["kind"])
    heirs = old.sort_values(
        ["other_name", "no_heir", "other_kind", "persons", "before"],
        ascending=[True, True, True, False, True],
    )
    after = heirs.groupby("after")["seat"].first()
    after = after.reindex(land.groupby("after")["id"].first().index)
    after = after.fillna(land.groupby("after")["id"].first())

    persons = ground.settlements.groupby("before")["persons"].sum()
    townships = _township_seats(ground.units_before, ground.townships_before, before, persons)
    persons_after = ground.settlements.groupby("after")["persons"].sum()
    fallback = _township_seats(ground.units_after, ground.townships_after, after, persons_after)

    names = ground.townships_before.set_index("id")["name"].map(township_core)
    township_after, old_township = new_unit["township"], unit["township"]
    moved = ground.settlements.assign(
        old=ground.settlements["before"].map(old_township),
        new=ground.settlements["after"].map(township_after),
    )
    moved = moved.groupby(["old", "new"])["persons"].sum().reset_index()
    moved["seat"] = moved["old"].map(townships)
    moved = moved[moved["seat"].map(unit_of).map(township_after) == moved["new"]]
    names_after = ground.townships_after.set_index("id")["name"].map(township_core)
    moved["named"] = moved["old"].map(names) == moved["new"].map(names_after)
    moved = moved.sort_values(["named", "persons", "old"], ascending=[False, False, True])
    new = moved.groupby("new")["seat"].first().reindex(fallback.index).fillna(fallback)
    return Seats(before, after, townships, new)


def _township_seats(
    units: pd.DataFrame, townships: pd.DataFrame, seats: pd.Series, persons: pd.Series
) -> pd.Series:
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
    return pd.Series(
        np.where(units["kind"] == "village", "rural", np.where(street, "urban", "town")),
        index=units.index,
    )


def ends_under_community(ground: Ground, settlements: pd.Series) -> pd.Series:
    """Whether each of these settlements belongs to a community after the reform."""
    kind = ground.units_after.set_index("id")["kind"]
    return settlements.map(ground.settlements.set_index("id")["after"]).map(kind) == "community"
