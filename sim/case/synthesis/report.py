"""The report of `sim build`: how much was built, and how near it is to what is published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sim.case.synthesis import division
from sim.case.synthesis.lists import AGES, Input
from sim.case.synthesis.published import compare_places, compare_published
from sim.case.synthesis.seats import Ground


@dataclass(frozen=True)
class BuildReport:
    """What was built, beside what is published.

    counts: numbers of things; margins and places: measure, published, placed; published: single
    published places compared, never fitted; splits: old units in several new ones; spanning: new
    units over several old townships; cut: old townships over several new ones; scattered: what
    is not in one piece on the ground, as texts; files: bytes by file name.
    """

    counts: Mapping[str, int]
    margins: pd.DataFrame
    places: pd.DataFrame
    published: pd.DataFrame
    splits: tuple[str, ...]
    spanning: tuple[str, ...]
    cut: tuple[str, ...]
    scattered: tuple[str, ...]
    files: Mapping[str, int]

    def to_text(self) -> str:
        """The report as plain text, for the terminal."""
        lines = ["Built:"]
        lines += [f"  {name:<34}{number:>12,}" for name, number in self.counts.items()]
        lines += [
            "",
            "Margins and counts against the published ones:",
            _compared(self.margins),
            "",
            "Staff and facilities under communities after the redraw:",
            _compared(self.places),
        ]
        if len(self.published):
            lines += ["", "Published places, compared and not fitted:"]
            lines += [f"  {_published(row)}" for row in self.published.itertuples()]
        for title, names in (
            ("Old units split over new ones", self.splits),
            ("New units over several old townships", self.spanning),
            ("Old townships that the reform cut through", self.cut),
            ("Not in one piece on the ground", self.scattered),
        ):
            lines += ["", f"{title}: {len(names)}", *(f"  {name}" for name in names)]
        lines += ["", f"Files: {len(self.files)}, {sum(self.files.values()) / 1e6:.1f} MB"]
        return "\n".join(lines) + "\n"


def _published(row: Any) -> str:
    fitted = f"{row.fitted:,.4f}".rstrip("0").rstrip(".")
    return (
        f"{row.place}, {row.measure} ({row.year}, {row.soundness}): "
        f"{row.published:,.10g} {row.unit}, here {fitted} ({row.deviation_pct:+.1f} %)"
    )


def _compared(table: pd.DataFrame) -> str:
    lines = []
    for row in table.itertuples():
        published, placed = row.published, row.placed
        known = published is not None and not pd.isna(published)
        deviation = f"{100 * (placed / published - 1):+.2f} %" if known and published else ""
        lines.append(
            f"  {row.measure:<40}{f'{published:,.10g}' if known else '':>14}"
            f"{placed:>16,.10g}{deviation:>10}"
        )
    return "\n".join(lines)


def make_report(
    inp: Input,
    ground: Ground,
    tables: Mapping[str, pd.DataFrame],
    counts: Mapping[str, float],
    files: Mapping[str, int],
) -> BuildReport:
    """The report on what was built.

    tables: the case's tables by file name; counts: published numbers of staff and facilities;
    files: bytes by file name.
    """
    land, neighbours = ground.settlements, tables["neighbours.csv"]
    before, after = inp.before.set_index("id"), inp.after.set_index("id")
    old_towns = inp.townships_before.set_index("id")["name"]
    new_towns = inp.townships_after.set_index("id")["name"]
    pairs = land[["id", "before", "after"]].assign(
        township_before=land["before"].map(before["township"]),
        township_after=land["after"].map(after["township"]),
    )

    def several(key: str, over: str, label: pd.Series, others: pd.Series) -> tuple[str, ...]:
        found = pairs[[key, over]].drop_duplicates().sort_values([key, over]).groupby(key)[over]
        return tuple(
            f"{ident} {label[ident]}: {', '.join(others[o] for o in members)}"
            for ident, members in found
            if len(members) > 1
        )

    was, becomes = land["before"].map(before["kind"]), land["after"].map(after["kind"])
    return BuildReport(
        counts=_counts(inp, land, was, becomes)
        | {
            "neighbouring pairs": len(neighbours),
            "facilities": len(tables["facilities.csv"]),
            "offices": len(tables["offices.csv"]),
        },
        margins=_margins(inp, land, was == "community", becomes == "community"),
        places=compare_places(ground, tables["offices.csv"], tables["facilities.csv"], counts),
        published=compare_published(inp, land),
        splits=several("before", "after", before["name"], after["name"]),
        spanning=several("after", "township_before", after["name"], old_towns),
        cut=several("township_before", "township_after", old_towns, new_towns),
        scattered=_scattered(pairs, neighbours),
        files=files,
    )


def _counts(inp: Input, land: pd.DataFrame, was: pd.Series, becomes: pd.Series) -> dict[str, int]:
    joined = (was == "village") & (becomes == "community")
    return {
        "communities before (社区)": int((inp.before["kind"] == "community").sum()),
        "villages before (村)": int((inp.before["kind"] == "village").sum()),
        "communities after (社区)": int((inp.after["kind"] == "community").sum()),
        "villages after (村)": int((inp.after["kind"] == "village").sum()),
        "townships before": len(inp.townships_before),
        "townships after": len(inp.townships_after),
        "villages that end under a 社区": int(land.loc[joined, "before"].nunique()),
        "settlements": len(land),
    }


def _margins(
    inp: Input, land: pd.DataFrame, urban: pd.Series, urban_after: pd.Series
) -> pd.DataFrame:
    """Totals [measure, published, placed]; urban: settlements under a community, before, after."""
    totals, persons, km2 = inp.totals, land["persons"], land["area_ha"] / 100
    villages = max(1, int((inp.before["kind"] == "village").sum()))
    placed = {
        "registered_persons": persons.sum(),
        "persons_in_communities_before": persons[urban].sum(),
        "persons_in_communities_after": persons[urban_after].sum(),
        "area_km2": km2.sum(),
        "area_communities_before_km2": km2[urban].sum(),
        "area_communities_after_km2": km2[urban_after].sum(),
        "persons_per_household": persons.sum() / land["households"].sum(),
    }
    groups = totals.settlements
    rows = [
        *((name, getattr(totals, name), value) for name, value in placed.items()),
        ("settlements in communities before", groups.communities_total, urban.sum()),
        ("settlements per village", groups.per_village, (~urban).sum() / villages),
        *((f"share of {a}", totals.age_shares.get(a), land[a].sum() / persons.sum()) for a in AGES),
    ]
    return pd.DataFrame(rows, columns=["measure", "published", "placed"])


def _scattered(pairs: pd.DataFrame, neighbours: pd.DataFrame) -> tuple[str, ...]:
    table = division.contiguity(pairs, neighbours)
    return tuple(
        f"{row.level} {row.id}: {row.parts} parts"
        + (" (cut through by the reform)" if row.cut else "")
        for row in table.itertuples()
    )
