"""Where the minutes to the counter change: by unit before and after the redraw, and as a map.

Units of the base and of a scenario are joined over the settlements they share, so that the
change is that of the people who live there, however the borders were redrawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.report.svg import embed

if TYPE_CHECKING:
    from sim.case.case import Case
    from sim.experiment.results import Study

# of counter matters, as the recorder writes them by unit
MINUTES, LOST = "access.counter.minutes", "equity.losers.no_counter"
WORST = 12  # units listed


@dataclass(frozen=True)
class Change:
    """Change of minutes in one scenario.

    places: one row a settlement: settlement, community (unit before), new (unit after), persons,
    base, value (minutes, NaN where nobody has a counter), lost (share of persons who lost every
    counter); after: names and seats of the units after the redraw (id, name, kind,
    seat_settlement), None where nothing is redrawn; points: what became of the old service
    points where the scenario says so for all of them (``keep`` or ``close``), else empty.
    """

    places: pd.DataFrame
    after: pd.DataFrame | None
    points: str = ""

    def by(self, unit: str) -> pd.DataFrame:
        """persons, base, value and change of minutes, lost (means over those persons of whom each
        is known), by ``community`` or ``new``."""
        p = self.places.assign(change=self.places["value"] - self.places["base"])
        p = p[p["persons"] > 0]
        columns = {"persons": p["persons"].groupby(p[unit]).sum()}
        for name in ("base", "value", "change", "lost"):
            known = p[p[name].notna()]
            sums = (known[name] * known["persons"]).groupby(known[unit]).sum()
            columns[name] = sums / known["persons"].groupby(known[unit]).sum()
        return pd.DataFrame(columns)

    @property
    def loss(self) -> float:
        """Person-minutes lost, over the units before that lose."""
        units = self.by("community")
        return float((units["change"].clip(lower=0) * units["persons"]).sum())


def unit_changes(study: Study, case: Case) -> dict[str, Change]:
    """Change of counter minutes per scenario that has any, the greatest loss first.

    From the last record of the horizon, mean over replicates.
    """
    units = study.units(point=0)
    units = units[units["week"] == units["week"].max()]
    means = units.groupby(["outcome", "scenario", "unit"], observed=True)["value"].mean()
    minutes, lost = (
        means.xs(name) if name in means.index.get_level_values(0) else pd.Series(dtype=float)
        for name in (MINUTES, LOST)
    )
    if minutes.empty:
        return {}
    found: dict[str, Change] = {}
    for scenario in study.scenarios:
        if scenario == study.base or scenario not in minutes.index.get_level_values(0):
            continue
        gone = lost[scenario] if scenario in lost.index.get_level_values(0) else lost[:0]
        change = _change(study, case, scenario, minutes[study.base], minutes[scenario], gone)
        if len(change.places) and (change.places["base"] != change.places["value"]).any():
            found[scenario] = change
    return {s: found[s] for s in sorted(found, key=lambda s: (-found[s].loss, s))}


def _change(
    study: Study, case: Case, scenario: str, base: pd.Series, minutes: pd.Series, lost: pd.Series
) -> Change:
    places = case.settlements[["id", "community", "persons"]].rename(columns={"id": "settlement"})
    places["new"] = places["community"]
    after, points = None, set()
    for kind, lever in _redrawing(study, scenario):
        points.add(lever.get("service_points", "close"))
        if kind == "merge_communities":
            survivor = lever.get("seat") or lever["communities"][0]
            places["new"] = places["new"].mask(places["new"].isin(lever["communities"]), survivor)
        elif (lineage := _table(case, lever["lineage"])) is not None:
            new = lineage.set_index("settlement")["new_id"]
            places["new"] = places["settlement"].map(new).fillna(places["new"])
            after = _table(case, lever["units"])
    places["base"] = places["community"].map(base)
    places["value"] = places["community"].map(minutes)
    shares = dict(zip(lost.index.tolist(), lost.tolist(), strict=True))
    places["lost"] = places["community"].map(shares).fillna(0.0).astype(float)
    known = places["base"].notna() & (places["value"].notna() | (places["lost"] > 0))
    return Change(
        places[known],
        after,
        points.pop() if points in ({"keep"}, {"close"}) else "",
    )


def _redrawing(study: Study, scenario: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and content of the levers of a scenario that redraw units, in their order.

    From the resolved copy in the results: the scenario's own file may have changed since.
    """
    from ruamel.yaml import YAML

    path = study.path / "scenarios" / f"{scenario}.yaml"
    text = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")) or {}
    for lever in text.get("levers") or []:
        for kind in ("redraw_communities", "merge_communities"):
            if kind in lever:
                content = dict(lever[kind])
                # a share to keep is a mapping, and says nothing of each point
                if not isinstance(content.get("service_points", ""), str):
                    content["service_points"] = "some"
                yield kind, content


def _table(case: Case, name: Any) -> pd.DataFrame | None:
    path = case.path / str(name)
    if not name or not path.is_file():
        return None
    return pd.read_csv(path, dtype=str, encoding="utf-8-sig")


def worst(change: Change, case: Case, scenario: str) -> list[dict[str, Any]]:
    """The units before whose residents lose most, every counter or minutes, with where most of
    them went."""
    rows = change.by("community").query("change > 0 or lost > 0").reset_index(names="unit")
    order = [False, False, True]
    rows = rows.sort_values(["lost", "change", "unit"], ascending=order).head(WORST)
    units = case.communities.set_index("id")
    townships = case.townships.set_index("id")["name"]
    places = change.places.sort_values("persons", ascending=False, kind="stable")
    new = rows["unit"].map(places.groupby("community")["new"].first())
    names = units["name"]
    if change.after is not None:
        names = pd.concat([change.after.set_index("id")["name"], names])
        names = names[~names.index.duplicated()]
    rows = rows.assign(
        name=rows["unit"].map(units["name"]),
        township=rows["unit"].map(units["township"]).map(townships),
        after=new.map(names).fillna(new),
        scenario=scenario,
    )
    return rows.to_dict("records")


def draw_map(change: Change, case: Case) -> str:
    """Units before by kind, and units after by the change of minutes, as one SVG element.

    Its texts stand in both languages, marked so that the page shows one of them.
    """
    from sim.report import maps
    from sim.report.ground import cells

    settlements, units = case.settlements, case.communities
    at = settlements.set_index("id")[["x", "y"]]
    ground = cells(settlements, case.outlines_path)
    unit_of = dict(zip(settlements["id"], settlements["community"], strict=True))
    new_of = dict(zip(change.places["settlement"], change.places["new"], strict=True))
    after = change.by("new")
    seats = units["seat_settlement"]
    new_seats = seats[units["id"].isin(after.index)]
    if change.after is not None:
        here = change.after["id"].isin(after.index)
        new_seats = change.after.loc[here, "seat_settlement"]
    marks = {"seat": _points(at, new_seats)}
    if change.points:
        old = seats[~seats.isin(new_seats)]
        marks["kept" if change.points == "keep" else "closed"] = _points(at, old)
    count, new_count = len(set(unit_of.values())), len(after)
    titles = {
        f"调整前：{count}个单元": f"Before: {count} units",
        f"调整后：{new_count}个单元，按办事分钟变化着色": (
            f"After: {new_count} units, by change of counter minutes"
        ),
    }
    before, later = titles
    kinds = dict(zip(units["id"], units["kind"], strict=True))
    panels = [
        maps.Panel(unit_of, before, kinds=kinds, marks={"seat": _points(at, seats)}),
        maps.Panel(new_of, later, values=after["change"].dropna().to_dict(), marks=marks),
    ]
    svg = maps.figure(ground, panels)
    svg = embed(svg or "", "map")
    # kinds keep their Chinese name: the legend has no room for the longer English one
    for zh, en in (titles | dict(maps.MARK_NAMES.values())).items():
        both = f'<tspan lang="en">{en}</tspan><tspan lang="zh">{zh}</tspan>'
        svg = svg.replace(f">{zh}<", f">{both}<")
    return svg


def _points(at: pd.DataFrame, settlements: pd.Series) -> list[tuple[float, float]]:
    known = at.reindex(settlements.dropna().unique()).dropna()
    return [(float(x), float(y)) for x, y in known.itertuples(index=False)]
