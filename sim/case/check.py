"""What a case holds, beside what its input says it should hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from sim.case.case import Case
from sim.case.islands import remark_islands
from sim.case.messages import Problem, Problems
from sim.case.schema import AGES, REDRAW_TABLES, ROLES
from sim.case.tables import find_table, read_table
from sim.case.yaml import Document


@dataclass(frozen=True)
class Margin:
    """A total of the case (`value`) beside the published one."""

    name: str
    published: float
    value: float

    @property
    def deviation(self) -> float:
        """Relative difference from the published figure; NaN where that is zero."""
        return self.value / self.published - 1 if self.published else float("nan")


@dataclass(frozen=True)
class CheckReport:
    """What `sim check` found at `path`; `kind` is case, scenario or experiment."""

    path: Path
    kind: str
    title: str
    counts: Mapping[str, int] = field(default_factory=dict)
    margins: tuple[Margin, ...] = ()
    counties: pd.DataFrame | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Problem, ...] = ()

    def to_text(self) -> str:
        """The report for the terminal."""
        blocks = [[f"{self.title} ({self.kind} {self.path}): no errors"]]
        if self.counts:
            blocks.append([f"  {name:<34}{n:>12,}" for name, n in self.counts.items()])
        if self.margins:
            blocks.append(
                [f"{'Margins':<36}{'published':>12}{'case':>14}{'deviation':>12}"]
                + [
                    f"  {m.name:<34}{m.published:>12,.7g}{m.value:>14,.7g}{m.deviation:>+12.2%}"
                    for m in self.margins
                ]
            )
        if self.counties is not None:
            blocks.append(["Counties", *("  " + line for line in _aligned(self.counties))])
        if self.provenance:
            blocks.append(["Where it comes from", *_outlined(self.provenance)])
        return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        rows = [] if self.counties is None else self.counties.to_dict("records")
        return {
            "path": str(self.path),
            "title": self.title,
            "counts": dict(self.counts),
            "margins": [
                {"name": m.name, "published": m.published, "value": m.value} for m in self.margins
            ],
            "counties": rows,
        }


def check_case(path: Path) -> CheckReport:
    """The report on the case in the directory `path`; `InputError` if it has faults."""
    case = Case.open(path)
    problems = Problems(list(case.warnings))
    remark_islands(case, problems)
    return CheckReport(
        path=case.path,
        kind="case",
        title=case.meta.title.en or case.meta.title.zh,
        counts=counts(case),
        margins=margins(case),
        counties=by_county(case),
        provenance=case.meta.provenance,
        warnings=tuple(problems),
    )


def counts(case: Case) -> dict[str, int]:
    """How many there are of everything."""
    communities, facilities = case.communities, case.facilities
    services = facilities["services"].str.split(";").explode().str.strip().value_counts()
    staff = case.offices[list(ROLES)]
    units = {
        f"communities ({kind})": int((communities["kind"] == kind).sum())
        for kind in ("community", "village")
    }
    after = _redraw(case, "units")
    if after is not None:
        units |= {"units after the redraw": len(after)}
    return {
        "counties": case.townships["county"].nunique(),
        "townships": len(case.townships),
        **units,
        "settlements": len(case.settlements),
        "pairs of neighbours": len(case.neighbours),
        "households": int(case.settlements["households"].sum()),
        "persons": int(case.settlements["persons"].sum()),
        "offices": len(case.offices),
        "staff": int(staff.to_numpy().sum()),
        **({"contracts": len(case.contracts)} if len(case.contracts) else {}),
        "facilities": len(facilities),
        **{f"  with {s}": int(services[s]) for s in case.services["id"] if s in services},
        **_streets(case),
    }


def _streets(case: Case) -> dict[str, int]:
    """Nodes and streets, and their length."""
    if case.streets is None:
        return {}
    nodes, edges = case.streets
    km = round(edges["metres"].sum() / 1000)
    return {"street nodes": len(nodes), "streets": len(edges), "  km": km}


def by_county(case: Case) -> pd.DataFrame:
    """A row per county: townships, units, settlements, households, persons, km2, facilities."""
    county = case.townships.set_index("id")["county"]
    unit = case.communities.set_index("id")["township"].map(county)
    place = case.settlements.set_index("id")["community"].map(unit)
    settlements = case.settlements.assign(county=place.to_numpy())
    kinds = case.communities.assign(county=unit.to_numpy())
    table = settlements.groupby("county")[["households", "persons", "area_ha"]].sum()
    return (
        pd.DataFrame(
            {
                "townships": case.townships.groupby("county").size(),
                "communities": kinds[kinds["kind"] == "community"].groupby("county").size(),
                "villages": kinds[kinds["kind"] == "village"].groupby("county").size(),
                "settlements": settlements.groupby("county").size(),
                "households": table["households"],
                "persons": table["persons"],
                "km2": table["area_ha"] / 100,
                "facilities": case.facilities["settlement"].map(place).value_counts(),
            }
        )
        .fillna({"communities": 0, "villages": 0, "facilities": 0})
        .astype({"communities": int, "villages": int, "facilities": int})
        .rename_axis("county")
        .reset_index()
    )


def margins(case: Case) -> tuple[Margin, ...]:
    """Totals of the case beside those of ``input/totals.yaml``, where that file gives them."""
    path = case.path / "input" / "totals.yaml"
    if not path.is_file():
        return ()
    problems = Problems()
    document = Document.read(path, problems)
    problems.raise_errors()
    told = document.data if document and isinstance(document.data, dict) else {}
    settlements = case.settlements
    urban = _under_communities(case)
    values: dict[str, float] = {
        "registered_persons": int(settlements["persons"].sum()),
        "area_km2": settlements["area_ha"].sum() / 100,
        "persons_in_communities_before": int(settlements["persons"][urban["before"]].sum()),
        "area_communities_before_km2": settlements["area_ha"][urban["before"]].sum() / 100,
        "persons_per_household": settlements["persons"].sum() / settlements["households"].sum(),
        "absent_share": case.meta.population.absent_share,
    }
    if "after" in urban:
        under = settlements[urban["after"]]
        values |= {
            "persons_in_communities_after": int(under["persons"].sum()),
            "area_communities_after_km2": under["area_ha"].sum() / 100,
        }
    found = [Margin(n, float(told[n]), v) for n, v in values.items() if _number(told.get(n))]
    groups = told.get("settlements")
    if isinstance(groups, dict):
        villages = (case.communities["kind"] == "village").sum()
        mean = (~urban["before"]).sum() / max(villages, 1)
        pairs = (("communities_total", int(urban["before"].sum())), ("per_village", mean))
        found += [
            Margin(f"settlements.{n}", float(groups[n]), v)
            for n, v in pairs
            if _number(groups.get(n))
        ]
    shares = told.get("age_shares")
    if isinstance(shares, dict):
        persons = settlements["persons"].sum()
        found += [
            Margin(f"age_shares.{age}", float(shares[age]), settlements[age].sum() / persons)
            for age in AGES
            if _number(shares.get(age))
        ]
    return tuple(found)


def _under_communities(case: Case) -> dict[str, pd.Series]:
    """For each settlement whether its unit is a 社区, before and, if known, after the redraw."""
    kind = case.communities.set_index("id")["kind"]
    found = {"before": case.settlements["community"].map(kind) == "community"}
    lineage, units = _redraw(case, "lineage"), _redraw(case, "units")
    if lineage is not None and units is not None:
        new = case.settlements["id"].map(lineage.set_index("settlement")["new_id"])
        found["after"] = new.map(units.set_index("id")["kind"]) == "community"
    return found


def _redraw(case: Case, name: str) -> pd.DataFrame | None:
    """One of the tables of the case's redraw, or None where it has none."""
    spec = REDRAW_TABLES[name]
    path = find_table(case.path, spec.name)
    if path is None:
        return None
    problems = Problems()
    table = read_table(path, spec, problems)
    problems.raise_errors()
    return table.frame if table else None


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _aligned(table: pd.DataFrame) -> list[str]:
    """The lines of a table in which a Chinese sign is two columns wide."""
    whole = {name: "{:,}".format for name in table.select_dtypes("integer")}
    with pd.option_context("display.unicode.east_asian_width", True):
        text = table.to_string(index=False, formatters=whole, float_format="{:,.1f}".format)
    return text.splitlines()


def _outlined(data: Mapping[str, Any], indent: str = "  ") -> list[str]:
    """Provenance as lines: entries {columns, is, how} one a line, anything else as it is."""
    lines = []
    for name, value in data.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{name}", *_outlined(value, indent + "  ")]
        elif isinstance(value, list):
            lines += [f"{indent}{name}", *(f"{indent}  {_entry(entry)}" for entry in value)]
        else:
            lines.append(f"{indent}{name}: {value}")
    return lines


def _entry(entry: Any) -> str:
    if not isinstance(entry, Mapping) or "is" not in entry:
        return str(entry)
    columns = entry.get("columns", "")
    named = ", ".join(map(str, columns)) if isinstance(columns, list) else str(columns)
    return f"{entry['is']!s:<10} {named}: {entry.get('how', '')}"
