"""Which old unit went where: lineage of units and townships, inferred from lists of two dates.

Official lists name the units before and after a reform, but rarely say which became which. What
names, codes and seats show is used first (`succession`); what is then open is assigned so that
every new unit is reached and numbers are even (`allocation`). A new unit that nothing is left for
is a split of an old one.

How many villages end under a community follows from the margins: the persons that communities
gained, divided by the mean village. One common price on joining a community, found by bisection,
brings the assignment to that number; without margins the price is zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sim.case.synthesis import allocation
from sim.case.synthesis.lists import Input
from sim.case.synthesis.succession import County

# The price of joining a community is sought between these, in members of a new unit.
DEAREST = 30.0


@dataclass(frozen=True)
class Lineage:
    """The inferred lineage.

    pieces: [before, after, share, rule, evidence], shares of one old unit sum to 1;
    townships: [before, after, units, rule], many to many; matches: [before, after, rule], the
    sound matches by name; units: the pieces' [before, after, town_before, town_after,
    kind_before, kind_after].
    """

    pieces: pd.DataFrame
    townships: pd.DataFrame
    matches: pd.DataFrame
    units: pd.DataFrame

    def summary(self) -> dict[str, int]:
        """Counts: pieces, splits, units over two old townships, villages under a community."""
        table = self.units
        return {
            "units_before": table["before"].nunique(),
            "units_after": table["after"].nunique(),
            "townships_before": table["town_before"].nunique(),
            "townships_after": table["town_after"].nunique(),
            "townships_cut": int((table.groupby("town_before")["town_after"].nunique() > 1).sum()),
            "sound_matches": len(self.matches),
            "split_units": int(
                table["before"].duplicated(keep=False).groupby(table["before"]).any().sum()
            ),
            "spanning_units": len(self.spanning()),
            "villages_under_communities": int(
                table.loc[
                    (table["kind_before"] == "village") & (table["kind_after"] == "community"),
                    "before",
                ].nunique()
            ),
        }

    def spanning(self) -> list[str]:
        """New units with parts of two or more old townships."""
        count = self.units.groupby("after")["town_before"].nunique()
        return sorted(count.index[count > 1])

    def rules(self) -> pd.Series:
        """Number of pieces by the rule that placed them."""
        return self.pieces["rule"].value_counts().sort_index()


def infer(inp: Input) -> Lineage:
    """Infers the lineage of all units and townships of `inp`, whatever the order of its rows."""
    counties = [County.of(inp, county) for county in inp.counties["id"]]
    open_parts = []
    for county in counties:
        county.use_evidence()
        part = allocation.parts(county)
        allocation.reach(county, part)
        allocation.split(county)
        open_parts.append(part)
    work = list(zip(counties, open_parts, strict=True))
    target = absorbed_villages(inp)
    price = 0.0 if target is None else _price(work, target)
    for county, part in work:
        county.take(allocation.absorb(county, part, price), "nearest_code")
    pieces = _frame(
        [row for c in counties for row in c.rows()],
        ["before", "after", "share", "rule", "evidence"],
    )
    return Lineage(
        pieces,
        _frame(
            [row for c in counties for row in c.townships()], ["before", "after", "units", "rule"]
        ),
        _frame([row for c in counties for row in c.matches], ["before", "after", "rule"]),
        _unit_table(inp, pieces),
    )


def absorbed_villages(inp: Input) -> int | None:
    """Villages that end under a community so that their mean size is that of all villages.

    Persons gained by communities over persons per village before; None when a margin is missing.
    """
    totals = inp.totals
    registered = totals.registered_persons or inp.counties["registered"].sum(min_count=1)
    low, high = totals.persons_in_communities_before, totals.persons_in_communities_after
    villages = int((inp.before["kind"] == "village").sum())
    if low is None or high is None or pd.isna(registered) or registered <= low or not villages:
        return None
    return round((high - low) * villages / (registered - low))


def _price(work: list[tuple[County, dict[str, str]]], target: int) -> float:
    """Price of joining a community at which the number of villages comes nearest to `target`."""
    low, high = -DEAREST, DEAREST
    best = (10**9, 0.0)
    for _ in range(24):
        price = (low + high) / 2
        count = sum(
            c.villages_under_communities(allocation.absorb(c, part, price)) for c, part in work
        )
        best = min(best, (abs(count - target), price))
        low, high = (price, high) if count > target else (low, price)
    return best[1]


def _frame(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns).sort_values(["before", "after"], ignore_index=True)


def _unit_table(inp: Input, pieces: pd.DataFrame) -> pd.DataFrame:
    before, after = inp.before.set_index("id"), inp.after.set_index("id")
    return pieces[["before", "after"]].assign(
        town_before=pieces["before"].map(before["township"]),
        town_after=pieces["after"].map(after["township"]),
        kind_before=pieces["before"].map(before["kind"]),
        kind_after=pieces["after"].map(after["kind"]),
    )
