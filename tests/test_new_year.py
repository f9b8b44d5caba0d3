"""Claims about a run when the population changes: phase 2, in the first week of a year."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

import sim.model
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.model import CommunityModel, SharedPast, simulate
from sim.outcomes.recorder import Record, Records
from sim.phases.columns import Rates
from sim.phases.conservation import Breach, check_conservation
from sim.phases.population import change_population
from sim.processes.demography import is_new_year
from sim.world.households import Households
from sim.world.world import World
from tests.cases import AGES, UNITS
from tests.levers import redraw as redraw_levers
from tests.levers import write_scenario
from tests.worlds import EMPTY, STILL, edited_case, lever_scenario, small_case, small_world, values

START = date(2020, 12, 7)  # a Monday
YEAR = 4  # the week of 4 January 2021
COUNTS = ("households", "persons")
BUSY = {"demography.leave": 0.1, "demography.arrive": 0.1, "demography.death_80": 0.5}
QUIET = {name.replace("__", "."): value for name, value in STILL.items()}


def model(
    households: int = 60, scenario: Scenario = EMPTY, seed: int = 1, replicate: int = 0,
    world: World | None = None, **overrides: float,
) -> CommunityModel:  # fmt: skip
    p = Parameters.load(overrides)
    world = world or small_world(households)
    return CommunityModel(world, scenario, p, START, seed, replicate)


def weeks(m: CommunityModel, count: int) -> CommunityModel:
    for _ in range(count):
        m.step()
    return m


def run(
    scenario: Scenario = EMPTY, base: Scenario = EMPTY, past: SharedPast | None = None,
    count: int = 10, **overrides: float,
) -> Records:  # fmt: skip
    return simulate(
        small_world(), scenario, base, parameters=Parameters.load(overrides), start=START,
        weeks=count, seed=1, replicate=0, record=Record(1, 4, 4), past=past,
    )  # fmt: skip


def merger(folder, day: str, more: str = "") -> Scenario:
    text = f"""\
  - merge_communities:
      date: {day}
      communities: ["{UNITS[0]}", "{UNITS[1]}"]
{more}"""
    return replace(lever_scenario(small_case(), folder, text), name=f"merger {day}")


def columns(h: Households) -> dict[str, np.ndarray]:
    return {f.name: np.asarray(getattr(h, f.name)) for f in fields(h)}


def same(a: Records, b: Records) -> bool:
    tables = ("outcomes", "units", "losers")
    return all(getattr(a, name).equals(getattr(b, name)) for name in tables)


def same_people(a: Households, b: Households) -> bool:
    return all(np.array_equal(x, columns(b)[name]) for name, x in columns(a).items())


def test_the_year_turns_in_the_first_week_that_begins_in_it():
    turns = [week for week in range(200) if is_new_year(date(2020, 1, 6), week)]
    assert turns == [52, 104, 156]  # 4 January 2021, 3 January 2022, 2 January 2023
    assert not is_new_year(date(2021, 1, 4), 0)


def test_a_population_with_all_rates_zero_is_as_if_it_had_no_demography(monkeypatch):
    still = run(**QUIET)
    without = tuple(phase for phase in sim.model.PHASES if phase is not change_population)
    monkeypatch.setattr(sim.model, "PHASES", without)
    assert same(still, run(**QUIET))


def test_a_year_of_busy_weeks_closes_and_is_recorded():
    m = weeks(model(300, **BUSY), YEAR + 20)
    now = m.state.population
    assert min(now.created, now.moved_away, now.dissolved, now.born, now.died) > 0
    records = run(**BUSY)
    persons, households = (
        values(records, f"population.registered.{x}") for x in ("persons", "households")
    )
    assert len(set(persons[:YEAR])) == 1 and len(set(persons[YEAR:])) == 1
    assert persons[0] != persons[YEAR] and households[0] != households[YEAR]
    assert persons[0] == small_world().settlements["persons"].sum()


def test_the_population_is_the_same_under_any_scenario(tmp_path):
    one = weeks(model(**BUSY), YEAR + 2).state
    two = weeks(model(scenario=merger(tmp_path, "2020-12-14"), **BUSY), YEAR + 2).state
    assert same_people(one.households, two.households) and one.population.born > 0
    other = weeks(model(replicate=1, **BUSY), YEAR + 2).state
    assert not np.array_equal(one.households.key, other.households.key)


def test_a_shared_past_over_the_turn_of_a_year_changes_nothing(tmp_path):
    scenarios = [EMPTY] + [
        merger(tmp_path, day) for day in ("2020-12-28", "2021-01-04", "2021-01-18")
    ]
    past = SharedPast.of(scenarios, START)
    shared = past.shared_weeks()
    assert shared[0] == 0 and len(set(shared)) == 4
    for scenario in scenarios:
        assert same(run(scenario, past=past, **BUSY), run(scenario, **BUSY))
    assert not past.kept


def test_a_branch_does_not_touch_the_households_it_came_from():
    m = weeks(model(**BUSY), YEAR)
    before, pending = columns(m.state.households), m.state.residents.pending.copy()
    weeks(m.branch(EMPTY), 3)
    assert m.state.households.key is before["key"]
    assert np.array_equal(m.state.residents.pending, pending)


def test_the_order_of_settlements_in_a_file_changes_nothing(tmp_path):
    def reverse(tables):
        tables["settlements"].reverse()

    case = edited_case(tmp_path / "case", reverse)
    one = weeks(model(**BUSY), YEAR + 1).state
    two = weeks(model(world=World.of(case, Parameters.load()), **BUSY), YEAR + 1).state
    assert same_people(one.households, two.households)


def test_what_is_known_of_a_household_follows_it():
    m = weeks(model(**BUSY), YEAR)
    s = m.state
    row = {key: i for i, key in enumerate(s.households.key.tolist())}
    old = {name: getattr(s.residents, name).copy() for name in ("pending", "tries", "usual")}
    tastes = m.reached.tastes_of(s).copy()
    sim.model.levers_due(m)
    change_population(m)
    before = np.array([row.get(key, -1) for key in s.households.key.tolist()])
    known = before >= 0
    assert 0 < known.sum() < known.size
    for name, column in old.items():
        now = getattr(s.residents, name)
        assert (now[known] == column[before[known]]).all()
        assert (now[~known] == (-1 if name == "usual" else 0)).all()
    assert (m.reached.tastes[known] == tastes[before[known]]).all()
    assert (replace(m.reached, tastes=None).tastes_of(s) == m.reached.tastes).all()
    assert (m.rates.asked == Rates.of(s).asked).all()


def test_needs_of_a_household_that_is_gone_end_with_it():
    m = weeks(model(300, **BUSY), YEAR)
    s = m.state
    pending = dict(zip(s.households.key.tolist(), s.residents.pending.sum(axis=1), strict=True))
    m.step()
    gone = pending.keys() - set(s.households.key.tolist())
    assert m.now.pending_before == sum(pending.values())
    assert m.now.pending_ended == sum(pending[key] for key in gone) > 0


@pytest.mark.parametrize("service, bands", [("nursery", [0]), ("elder_care", [4, 5])])
def test_places_end_within_the_year_of_those_who_held_them_and_count_as_exits(service, bands):
    old = {"demography.death_60_79": 0.5, "demography.ageing_0_2": 0.9, "demography.birth": 0}
    m = weeks(model(400, **BUSY | old), YEAR)
    s = m.state
    line = next(i for i in s.enrolments if s.lines.all[i].service == service)
    e = s.enrolments[line]
    places, lists = (e.place >= 0).sum(), e.on_list().size
    outgrown = []
    for _ in range(52):
        m.step()
        joined = e.applied - e.put_off - e.nowhere
        assert e.place[e.place >= 0].size == places - e.exits + e.admitted
        assert e.on_list().size == lists - e.left_list + joined - e.admitted
        places, lists = (e.place >= 0).sum(), e.on_list().size
        present = s.households.present[:, bands].any(axis=1)
        outgrown.append((~present[(e.place >= 0) | (e.listed >= 0)]).sum())
    assert outgrown[0] > 10 and outgrown[-1] == 0
    assert 0.3 < outgrown[26] / outgrown[0] < 0.7


def test_places_end_as_often_as_their_rate_says_demography_included():
    rate = 0.9
    # a keyed draw of every week and one of the year, on 320 places of a small case
    m = model(1500, **{"supply.nursery_exit": rate, "demography.arrive": 0})
    line = next(i for i in m.state.enrolments if m.state.lines.all[i].service == "nursery")
    weeks(m, YEAR - 1)
    e, h = m.state.enrolments[line], m.state.households
    held = dict(zip(h.key[e.place >= 0].tolist(), e.place[e.place >= 0].tolist(), strict=True))
    first = len(held)
    for _ in range(52):
        m.step()
        e, h = m.state.enrolments[line], m.state.households
        now = dict(zip(h.key[e.place >= 0].tolist(), e.place[e.place >= 0].tolist(), strict=True))
        held = {key: place for key, place in held.items() if now.get(key) == place}
    share = np.exp(-rate)
    assert abs(len(held) - first * share) <= 4 * np.sqrt(first * share * (1 - share))


def test_losers_are_counted_on_the_same_households_as_the_base(tmp_path):
    """Nobody loses against the same levers as a base, though of two points that served as many
    households the one that is kept is where most live now."""

    def alike(tables):
        for row in tables["settlements"]:
            row |= {k: v for k, v in tables["settlements"][0].items() if k in (*AGES, *COUNTS)}

    case = edited_case(tmp_path / "case", alike)
    redraw = redraw_levers(service_points={"keep_share": 0.5}, date="2021-01-11")
    late = Scenario.open(write_scenario(tmp_path / "case", redraw), case)
    world = World.of(case, Parameters.load())
    kept = [
        weeks(model(scenario=late, world=world, **chances), YEAR + 2).state.facilities.kept
        for chances in (BUSY, QUIET)
    ]
    assert (kept[0] != kept[1]).any()
    records = simulate(
        world, late, late, parameters=Parameters.load(BUSY), start=START, weeks=8, seed=1,
        replicate=0, record=Record(1, 4, 2),
    )  # fmt: skip
    assert len(records.losers) and (records.losers["value"] == 0).all()


def drop(m: CommunityModel) -> None:
    m.state.population = replace(m.state.population, dissolved=m.state.population.dissolved + 1)


def add_person(m: CommunityModel) -> None:
    m.state.households.registered[3, 3] += 1


def double(m: CommunityModel) -> None:
    h = m.state.households
    m.state.households = replace(h, key=np.concatenate([h.key[:1], h.key[:-1]]))


def undead(m: CommunityModel) -> None:
    m.state.population = replace(m.state.population, died=m.state.population.died + 1)


def misplace(m: CommunityModel) -> None:
    m.state.residents.pending = m.state.residents.pending[:-1]


def unclassed(m: CommunityModel) -> None:
    m.state.households.risk[np.flatnonzero(m.state.households.risk[:, 2])[0], 2] -= 1


@pytest.mark.parametrize(
    "damage, what",
    [(drop, "households"), (add_person, "persons"), (double, "households: ids|households are"),
     (undead, "persons"), (misplace, "households"), (unclassed, "care class")],
)  # fmt: skip
def test_a_population_that_does_not_close_ends_the_run(damage, what):
    m = weeks(model(**BUSY), YEAR + 1)
    m.state.week -= 1  # the week that has just ended
    check_conservation(m)
    damage(m)
    with pytest.raises(Breach, match=what):
        check_conservation(m)
