"""A made-up results directory of five scenarios, for tests of what reads results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from sim.experiment.parts import publish, write_part
from sim.outcomes.catalogue import GROUPS, OUTCOMES

SCENARIOS = ("before", "reform", "reform-keep-points", "reform-plus", "facilities-only")
START, LEVER = date(2020, 1, 6), 19  # week of the lever
LEVEL = {
    "m2": 35.0,
    "places/1,000 users": 20.0,
    "visits/week/1,000 users": 90.0,
    "min": 15.0,
    "share": 0.4,
    "yuan/year": 320.0,
    "households": 420.0,
    "persons": 1260.0,
    "hours": 900.0,
    "hours/week": 210.0,
    "hours/year": 2100.0,
    "visits/week": 1450.0,
    "weeks": 9.0,
    "ratio": 0.86,
    "index": 0.21,
    "points": 71.0,
    "workers": 480.0,
    "workers/year": 43.0,
    "posts": 7.0,
    "offices": 89.0,
}
EFFECT = {
    "before": 0.0,
    "reform": 0.25,
    "reform-keep-points": 0.05,
    "reform-plus": 0.02,
    "facilities-only": -0.06,
}
TITLES_ZH = {
    "before": "改革前",
    "reform": "改革",
    "reform-keep-points": "改革并保留服务点",
    "reform-plus": "改革并新增设施",
    "facilities-only": "仅新增设施",
}
REDRAW = """\
levers:
- redraw_communities:
    date: 2020-05-18
    lineage: reform_lineage.csv
    units: reform_units.csv
"""
UNTOUCHED = ("shop", "sports", "green")
RESIDENTS = (
    "all",
    "children",
    "adults",
    "old",
    "no_vehicle",
    "no_digital",
    "urban",
    "town",
    "rural",
)
SEATS = tuple(g for g in GROUPS if g.startswith("seat"))
OFFICES = ("all", "community", "village", "township")


def groups_of(outcome: str) -> tuple[str, ...]:
    """The groups that are recorded for an outcome."""
    family = OUTCOMES[outcome].family
    if outcome.startswith("equity.losers"):
        return RESIDENTS + SEATS
    if family in ("workload",):
        return OFFICES
    return RESIDENTS if family in ("access", "satisfaction") else ("all",)


def outcomes_frame(
    scenarios: Sequence[str] = SCENARIOS,
    replicates: int = 8,
    weeks: int = 130,
) -> pd.DataFrame:
    """run, scenario, replicate, week, outcome, group, value: plausible shapes, no model behind.

    Runs are numbered as in a plan: by replicate, then scenario.
    """
    week = np.arange(weeks)
    after = week >= LEVER
    effects = np.array([EFFECT.get(s, 0.1) for s in scenarios])[:, None]
    fade = (0.4 + 0.6 * np.exp(-(week - LEVER) / 30)) * after
    cells, values = [], []
    for name in OUTCOMES:
        key = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
        loss = name.startswith("equity.losers")
        level = 0.06 if loss else LEVEL[OUTCOMES[name].unit] * (0.6 + (key % 80) / 100)
        level = min(level, 0.7) if OUTCOMES[name].unit == "share" else level
        touched = not any(s in name for s in UNTOUCHED)
        for g, group in enumerate(groups_of(name)):
            rng = np.random.default_rng([key, g])
            shared = rng.normal(0, 0.01 * touched, (replicates, 1, weeks))
            own = rng.normal(0, 0.004 * touched, (replicates, len(scenarios), weeks)) * after
            own *= effects != 0
            change = effects * (1 + 0.2 * g) * touched * fade
            base = 0 if loss else 1 + shared + own
            cells.append((name, group))
            values.append(level * (base + np.abs(change) if loss else base + change + 0 * own))
    values = [np.broadcast_to(v, (replicates, len(scenarios), weeks)) for v in values]
    names = list(scenarios)
    runs = pd.MultiIndex.from_product(
        [range(replicates), names, week], names=["replicate", "scenario", "week"]
    )
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "run": np.repeat(np.arange(replicates * len(names)), weeks),
                    "scenario": runs.get_level_values("scenario"),
                    "replicate": runs.get_level_values("replicate").astype("int32"),
                    "week": runs.get_level_values("week").astype("int32"),
                    "outcome": outcome,
                    "group": group,
                    "value": value.ravel(),
                }
            )
            for (outcome, group), value in zip(cells, values, strict=True)
        ],
        ignore_index=True,
    )
    return frame.sort_values("run", kind="stable", ignore_index=True)


def units_frame(
    units: Sequence[str], scenarios: Sequence[str], replicates: int, week: int
) -> pd.DataFrame:
    """run, week, unit, outcome, value: minutes per unit before any redraw."""
    rows = []
    for replicate in range(replicates):
        for s, scenario in enumerate(scenarios):
            run = replicate * len(scenarios) + s
            for u, unit in enumerate(units):
                value = 10 + 2 * u + 12 * EFFECT[scenario] + 0.01 * replicate
                rows.append((run, week, unit, "access.counter.minutes", value))
    return pd.DataFrame(rows, columns=["run", "week", "unit", "outcome", "value"])


def write_results(
    folder: Path,
    case: Path,
    units: Sequence[str],
    scenarios: Sequence[str] = SCENARIOS,
    replicates: int = 3,
    weeks: int = 80,
    title: str = "Made-up results",
) -> Path:
    """Writes a complete results directory whose runs all went well, and returns it."""
    outcomes = outcomes_frame(scenarios, replicates, weeks)
    plan = outcomes[["run", "scenario", "replicate"]].drop_duplicates()
    plan.insert(1, "key", [f"{run:016x}" for run in plan["run"]])
    plan["block"] = 0
    types = {"run": "int32", "replicate": "int32", "block": "int32"}
    for name in ("parts", "failures", "scenarios"):
        (folder / name).mkdir(parents=True)
    plan.astype(types).to_parquet(folder / "plan.parquet", index=False)
    loss = outcomes["outcome"].str.startswith("equity.losers")
    parts = {
        "outcomes": outcomes[~loss],
        "losers": outcomes[loss],
        "units": units_frame(units, scenarios, replicates, weeks - 1),
    }
    for kind, frame in parts.items():
        path = folder / "parts" / f"{kind}-00000.parquet"
        columns = {"run": "int32", "week": "int32", "outcome": "category"}
        columns |= {c: "category" for c in ("group", "unit") if c in frame}
        frame = frame.drop(columns=["scenario", "replicate"], errors="ignore").astype(columns)
        write_part(path, pa.Table.from_pandas(frame, preserve_index=False), plan["key"])
        publish(path)
    for name in scenarios:
        levers = REDRAW if name.startswith("reform") else "levers: []\n"
        (folder / "scenarios" / f"{name}.yaml").write_text(levers, encoding="utf-8")
    info = {
        "format": 1,
        "name": "made-up",
        "title": {"en": title, "zh": "虚构结果"},
        "experiment": "../experiments/made-up.yaml",
        "case": {
            "path": str(case),
            "title": {"en": "A small case", "zh": "小案例"},
            "digest": "0" * 64,
        },
        "scope": {},
        "size": {"communities": len(units), "households": 1200, "persons": 3600},
        "base": scenarios[0],
        "compared": list(scenarios[1:]),
        "scenarios": [
            {
                "name": s,
                "title": {"en": s.replace("-", " ").title(), "zh": TITLES_ZH.get(s, s)},
                "digest": s,
                "first_date": None if s == scenarios[0] else "2020-05-18",
            }
            for s in scenarios
        ],
        "start": START.isoformat(),
        "weeks": weeks,
        "seed": 1,
        "replicates": replicates,
        "parameters": {},
        "runs": len(plan),
        "plan": "f" * 64,
        "versions": {"sim": "0"},
        "created": "2020-01-01T00:00:00Z",
    }
    (folder / "study.json").write_text(json.dumps(info, ensure_ascii=False), encoding="utf-8")
    return folder
