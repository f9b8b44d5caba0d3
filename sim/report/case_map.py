"""The map of a case: its units by kind, with seats and townships, before and after its redraw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sim.case.case import Case
from sim.report.ground import cells
from sim.report.maps import KINDS, Panel, figure


def draw_case(folder: Path, path: Path) -> None:
    """Draws a case as `path` (.svg or .png): its units by kind, with seats and townships; beside
    it, where the case brings a redraw (``reform_lineage.csv``), the units afterwards."""
    case = Case.open(folder)
    places = case.settlements
    at = places.set_index("id")[["x", "y"]]
    unit_of: dict[str, str] = dict(
        zip(places["id"].tolist(), places["community"].tolist(), strict=True)
    )
    panels = [_panel("before", unit_of, case.communities, at)]
    lineage, units = folder / "reform_lineage.csv", folder / "reform_units.csv"
    if lineage.is_file() and units.is_file():
        new = pd.read_csv(lineage, dtype=str, encoding="utf-8-sig")
        redrawn: dict[str, str] = dict(
            zip(new["settlement"].tolist(), new["new_id"].tolist(), strict=True)
        )
        units_after = pd.read_csv(units, dtype=str, encoding="utf-8-sig")
        panels.append(
            _panel("after", {s: redrawn.get(s, u) for s, u in unit_of.items()}, units_after, at)
        )
    else:
        panels = [replace(panels[0], title="", latin="")]
    figure(
        cells(places, case.outlines_path),
        panels,
        path,
        title=case.meta.title.zh,
        latin=case.meta.title.en,
        width=5.5 * len(panels),
    )


def _panel(when: str, unit_of: Mapping[str, str], units: pd.DataFrame, at: pd.DataFrame) -> Panel:
    kinds, town = units.set_index("id")["kind"], units.set_index("id")["township"]
    seats = at.reindex(units["seat_settlement"]).dropna()
    count = [int((kinds == kind).sum()) for kind in KINDS]
    title = {"before": "调整前", "after": "调整后"}[when] + "：{}个社区、{}个村".format(*count)
    latin = when.capitalize() + ": {} communities, {} villages".format(*count)
    return Panel(
        unit_of,
        title,
        latin,
        kinds=kinds.to_dict(),
        towns={s: town[u] for s, u in unit_of.items() if u in town.index},
        marks={"seat": list(seats.itertuples(index=False, name=None))},
    )
