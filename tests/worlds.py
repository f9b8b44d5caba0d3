"""Small worlds and models for tests of what a run does."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from pathlib import Path

from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.model import CommunityModel, simulate
from sim.outcomes.recorder import Record, Records
from sim.world.world import World
from tests.cases import read_rows, write_small_case, write_table

START = date(2020, 1, 6)  # a Monday, the first day of the small case
EMPTY = Scenario("before", {"en": "Before", "zh": "此前"}, ())
STILL = {
    p.name.replace(".", "__"): 0.0 for p in Parameters.load() if p.name.startswith("demography.")
}
"""A population that stays as it is, for claims about everything else."""
Edit = Callable[[dict[str, list[dict]]], None]
TABLES = ("townships", "communities", "settlements", "facilities", "offices")


def edited_case(folder: Path, edit: Edit, households: int = 60) -> Case:
    """The small case after `edit` has changed the rows of its tables, by name."""
    write_small_case(folder, households)
    tables = {name: read_rows(folder / f"{name}.csv") for name in TABLES}
    edit(tables)
    for name, rows in tables.items():
        write_table(folder / f"{name}.csv", rows)
    return Case.open(folder)


@lru_cache(maxsize=4)
def small_case(households: int = 60) -> Case:
    """The small case, read once; its directory is gone, which only tables of levers would need."""
    with tempfile.TemporaryDirectory() as folder:
        return Case.open(write_small_case(Path(folder) / "small", households))


@lru_cache(maxsize=4)
def small_world(households: int = 60) -> World:
    """The world of the small case; nothing in it is ever written."""
    return World.of(small_case(households), Parameters.load())


def small_model(
    households: int = 60, scenario: Scenario = EMPTY, world: World | None = None,
    seed: int = 1, replicate: int = 0, **overrides: float,
) -> CommunityModel:  # fmt: skip
    """A model before its first week; overrides: parameters, `__` for the dot."""
    parameters = Parameters.load({k.replace("__", "."): v for k, v in overrides.items()})
    return CommunityModel(
        world or small_world(households), scenario, parameters, START, seed, replicate
    )


def run_small(
    weeks: int, households: int = 60, scenario: Scenario = EMPTY, world: World | None = None,
    seed: int = 1, replicate: int = 0, **overrides: float,
) -> Records:  # fmt: skip
    """What a run of the small case records; overrides as in `small_model`."""
    parameters = Parameters.load({k.replace("__", "."): v for k, v in overrides.items()})
    return simulate(
        world or small_world(households), scenario, EMPTY, parameters=parameters, start=START,
        weeks=weeks, seed=seed, replicate=replicate, record=Record(1, 4, 4),
    )  # fmt: skip


def lever_scenario(case: Case, folder: Path, levers: str) -> Scenario:
    """A scenario with the levers of a piece of YAML, bound to the case in `folder`."""
    path = folder / "scenario.yaml"
    path.write_text(f"title: {{en: A test, zh: 测试}}\nlevers:\n{levers}", encoding="utf-8")
    return Scenario.open(path, case)


def values(records: Records, outcome: str, group: str = "all") -> list[float]:
    """One outcome by week."""
    table = records.outcomes
    mine = (table["outcome"] == outcome) & (table["group"] == group)
    return table.loc[mine].sort_values("week")["value"].tolist()
