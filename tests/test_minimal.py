"""Claims about what one lever reaches: households that no chain of facilities and offices links to
it live bit-identical weeks. The test computes the reach itself, from the case's tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.world.world import World
from tests.apart import households_apart
from tests.cases import TOWNSHIP_OF, UNITS
from tests.levers import write_scenario
from tests.worlds import edited_case, small_model

P = Parameters.load()
DAY, WEEKS = "2020-02-03", 30
# km east of where the small case has them: the first three within an hour's ride of the next,
# the last alone
SHIFT = dict(zip(UNITS, (0, 7, 14, 60), strict=True))
LINES = {  # services asked for week by week: their cutoff in minutes and who may use which point
    "government": 60, "community": 60, "health": 60, "culture": 30, "elder_meals": 30,
}  # fmt: skip
COUNTER = ("government", "community")
WEST = UNITS[:2]


def pull_apart(tables: dict[str, list[dict]]) -> None:
    for row in tables["settlements"]:
        row["x"] = int(row["x"]) + 1000 * SHIFT[row["community"]]
    home = {row["id"]: row for row in tables["settlements"]}
    for row in tables["facilities"]:
        row["x"], row["y"] = (home[row["settlement"]][a] for a in "xy")
    # without a large health centre the small stations are crowded, and refusals travel
    kept = [row for row in tables["facilities"] if not row["id"].startswith("TH-")]
    tables["facilities"] = kept
    # so few that tasks take hours from the counter
    next(r for r in tables["offices"] if r["community"] == UNITS[2])["committee"] = 2


@dataclass(frozen=True)
class Lever:
    """What a lever does to the tables: units it joins, a facility it closes or changes, one it
    adds, the unit whose residents it lets go online or whose office it relieves; moves: the
    services on which somebody's weeks change."""

    text: Mapping[str, Any]
    moves: tuple[str, ...]
    joined: tuple[str, ...] = ()
    touched: str = ""
    added: tuple[str, str] = ("", "")  # service, settlement
    online: str = ""
    relieved: str = ""


LEVERS = {
    "close a health station": Lever(
        {"close_facility": {"date": DAY, "facility": f"H-{UNITS[0]}"}},
        ("health",),
        touched=f"H-{UNITS[0]}",
    ),
    "close a counter": Lever(
        {"close_facility": {"date": DAY, "facility": f"P-{UNITS[2]}"}},
        COUNTER,
        touched=f"P-{UNITS[2]}",
    ),
    "add a culture room": Lever(
        {
            "add_facility": {
                "date": DAY,
                "services": ["culture"],
                "settlement": f"{UNITS[1]}04",
                "way": "share",
            }
        },
        ("culture",),
        added=("culture", f"{UNITS[1]}04"),
    ),
    "open a health station longer": Lever(
        {"extend_hours": {"date": DAY, "facilities": [f"H-{UNITS[0]}"], "hours_week": 60}},
        ("health",),
        touched=f"H-{UNITS[0]}",
    ),
    "open a counter longer": Lever(
        {"extend_hours": {"date": DAY, "facilities": [f"P-{UNITS[2]}"], "hours_week": 60}},
        COUNTER,
        touched=f"P-{UNITS[2]}",
    ),
    "enlarge a health station": Lever(
        {
            "enlarge_facility": {
                "date": DAY,
                "facility": f"H-{UNITS[0]}",
                "floor_m2": 80,
                "way": "share",
            }
        },
        ("health",),
        touched=f"H-{UNITS[0]}",
    ),
    "merge two": Lever(
        {"merge_communities": {"date": DAY, "communities": list(WEST)}},
        (*COUNTER, "health", "culture"),
        joined=WEST,
    ),
    "go online": Lever(
        {"online_service": {"date": DAY, "scope": {"communities": [UNITS[1]]}}},
        COUNTER,
        online=UNITS[1],
    ),
    "cut a burden": Lever(
        {"cut_burden": {"date": DAY, "scope": {"communities": [UNITS[2]]}}},
        COUNTER,
        relieved=UNITS[2],
    ),
}


def minutes_at_best(metres: float, terrain: str) -> float:
    """Of the quickest resident."""
    way = metres * P[f"travel.detour_{terrain}"]
    ride = P["travel.ride_start"] + way / P["travel.ride_speed"]
    return min(way / P["travel.walking_speed"], ride)


def reach(tables: Mapping[str, list[dict]], lever: Lever) -> set[tuple[str, str]]:
    """(settlement, service) that a chain links to the lever, before or after it.

    Those who may take a service to one room share its places, those whose matters go to one office
    share its hours; whoever shares may be moved, and moves others.
    """
    joined = lever.joined
    offices = {row["id"]: row for row in tables["offices"]}
    rooms = [
        (row["id"], service, row["settlement"], row["open_to"], row["operator"])
        for row in tables["facilities"]
        for service in row["services"].split(";")
        if service in LINES
    ]
    if lever.added[0]:
        rooms.append(("added", *lever.added, "everyone", "public"))
    place = {row["id"]: row for row in tables["settlements"]}
    users: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for name, service, at, open_to, operator in rooms:
        unit = offices[operator]["community"] if operator in offices else place[at]["community"]
        township = offices[operator]["township"] if operator in offices else ""
        pool = (operator, "hours") if service in COUNTER else (name, service)
        for ident, row in place.items():
            metres = np.hypot(*(float(row[a]) - float(place[at][a]) for a in "xy"))
            mine = row["community"]
            open_ = {
                "everyone": True,
                "community": mine == unit or {mine, unit} <= set(joined),
                "township": TOWNSHIP_OF[mine] == township,
            }[open_to]
            if open_ and minutes_at_best(metres, row["terrain"]) <= LINES[service]:
                users.setdefault(pool, set()).add((ident, service))
    reached = {(i, s) for i in place for s in LINES if place[i]["community"] in joined}
    reached |= {(i, "government") for i in place if place[i]["community"] == lever.online}
    for name, service, _, _, operator in rooms:
        relieved = service in COUNTER and operator == f"O-{lever.relieved}"
        if name in ("added", lever.touched) or relieved:
            # the counter stays its office's, so all of the office are touched
            pool = (operator, "hours") if service in COUNTER else (name, service)
            reached |= users.get(pool, set())
    while True:
        more = set().union(*(u for u in users.values() if u & reached), reached)
        if more == reached:
            return reached
        reached = more


@pytest.fixture(scope="module")
def apart(tmp_path_factory) -> tuple[Any, dict[str, list[dict]], Path]:
    """The case pulled apart, with its tables."""
    folder = tmp_path_factory.mktemp("apart") / "case"
    tables: dict[str, list[dict]] = {}

    def edit(rows: dict[str, list[dict]]) -> None:
        pull_apart(rows)
        tables.update(rows)

    return edited_case(folder, edit, 100), tables, folder


@pytest.mark.parametrize("name", LEVERS)
def test_minimally_different_world(apart, name):
    case, tables, folder = apart
    lever = LEVERS[name]
    scenario = Scenario.open(write_scenario(folder, lever.text), case)
    world = World.of(case, P)
    base, other = small_model(world=world), small_model(world=world, scenario=scenario)
    reached = reach(tables, lever)
    settlement = np.array(world.settlements["id"])[world.households.settlement]
    moved = {service: np.zeros(settlement.size, bool) for service in LINES}
    for _ in range(WEEKS):
        base.step()
        other.step()
        for service in LINES:
            moved[service] |= households_apart(base.state, other.state, service)
    assert other.applied == 1 and scenario.first_date == date.fromisoformat(DAY)
    for service, changed in moved.items():
        inside = np.isin(settlement, [i for i, s in reached if s == service])
        assert not changed[~inside].any(), service
    assert {s for s in LINES if moved[s].any()} == set(lever.moves)
    if name == "close a health station":  # which the third unit has never used
        assert moved["health"][np.char.startswith(settlement.astype(str), UNITS[2])].any()
    assert 0 < len(reached) < len(tables["settlements"]) * len(LINES)


def test_the_reach_follows_chains(apart):
    _, tables, _ = apart

    def units(name: str, service: str) -> set[str]:
        return {i[:-2] for i, s in reach(tables, LEVERS[name]) if s == service}

    # those in the middle share a doctor with either side; the one far off with nobody
    assert units("close a health station", "health") == set(UNITS[:3])
    assert units("close a health station", "culture") == set()
    assert units("close a counter", "community") == {UNITS[2]}
    assert units("add a culture room", "culture") == {UNITS[1]}
    assert units("merge two", "government") == set(WEST)
    assert units("merge two", "health") == set(UNITS[:3])
