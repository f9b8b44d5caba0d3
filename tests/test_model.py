"""Claims about whole runs: conservation, exact repetition, common draws, and what levers reach."""

import gc
import random
import weakref
from dataclasses import replace
from datetime import date

import mesa
import numpy as np
import pandas as pd
import pytest

from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.levers.facilities import AddFacility, CloseFacility
from sim.levers.scenario import Scenario
from sim.model import PHASES, CommunityModel, SharedPast, simulate
from sim.outcomes.recorder import Record
from sim.phases.conservation import Breach, check_conservation
from sim.processes.counters import day_wait
from sim.processes.learning import BY_AGENT, BY_NET, ENDED, NEW, UNMET
from sim.processes.needs import WEEKS
from sim.world.ledger import CLASS
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.store import build_world
from sim.world.weeks import week_of
from sim.world.world import World
from tests.cases import AGES, STREET, UNITS, read_rows, write_small_case, write_table
from tests.worlds import (
    EMPTY,
    START,
    STILL,
    edited_case,
    lever_scenario,
    run_small,
    small_case,
    small_model,
    small_world,
    values,
)

P = Parameters.load()
TABLES = ("outcomes", "units", "losers")
MERGE = f"""\
  - merge_communities:
      date: 2020-02-03
      communities: ["{UNITS[0]}", "{UNITS[1]}"]
"""


def same(one, two):
    """Whether two runs recorded the same to the last bit."""
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)


def levers(*items):
    return Scenario("with levers", EMPTY.title, items)


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """The merger of the two units in the west from week 4 on."""
    return lever_scenario(small_case(), tmp_path_factory.mktemp("merge"), MERGE)


# --- repetition and common random numbers ---------------------------------------------------


def test_the_same_seed_gives_the_same_bytes():
    same(run_small(12), run_small(12))


def test_replicates_and_seeds_differ():
    one = values(run_small(6), "use.health.minutes")
    for other in (run_small(6, replicate=1), run_small(6, seed=2)):
        assert all(a != b for a, b in zip(one, values(other, "use.health.minutes"), strict=True))


def test_a_scenario_without_levers_is_its_base():
    same(run_small(12), run_small(12, scenario=replace(EMPTY, name="another name")))


def test_a_run_does_not_depend_on_how_long_it_goes_on():
    short, long = run_small(5), run_small(12)
    first = long.outcomes[long.outcomes["week"] < 5].reset_index(drop=True)
    pd.testing.assert_frame_equal(short.outcomes, first, check_exact=True)


def test_the_order_of_rows_in_the_tables_changes_nothing(tmp_path):
    straight = write_small_case(tmp_path / "straight")
    mixed = write_small_case(tmp_path / "mixed")
    order = random.Random(5)
    for name in ("townships", "communities", "settlements", "facilities", "offices", "neighbours"):
        rows = read_rows(mixed / f"{name}.csv")
        order.shuffle(rows)
        write_table(mixed / f"{name}.csv", rows)
    records = []
    for folder in (straight, mixed):
        case = Case.open(folder)
        scenario = lever_scenario(case, folder, MERGE)
        records.append(run_small(10, world=World.of(case, P), scenario=scenario))
    same(*records)


def test_a_world_on_disk_runs_like_one_in_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_CACHE", str(tmp_path / "cache"))
    path = build_world(small_case(), P)
    again = build_world(small_case(), P)
    assert path == again
    same(run_small(6, world=World.open(path)), run_small(6))


def test_no_process_draws_in_sequence(monkeypatch):
    model = small_model()

    class Forbidden:
        def __getattr__(self, name):
            raise AssertionError(f"a process drew from a generator: {name}")

    def forbid(*_args, **_more):
        raise AssertionError("a process drew from a global generator")

    monkeypatch.setattr(mesa.Model, "random", Forbidden(), raising=False)
    for name in ("random", "rng"):
        monkeypatch.setitem(model.__dict__, name, Forbidden())
    for name in ("random", "rand", "randn", "randint", "choice", "shuffle", "permutation",
                 "normal", "uniform", "poisson", "default_rng", "seed"):  # fmt: skip
        monkeypatch.setattr(np.random, name, forbid)
    for name in ("random", "randint", "choice", "shuffle", "sample", "uniform", "gauss", "seed"):
        monkeypatch.setattr(random, name, forbid)
    for _ in range(3):
        model.step()
    assert model.week == 3
    with pytest.raises(AssertionError):
        model.random.random()


def test_until_its_first_lever_a_scenario_is_its_base(merged):
    base, other = run_small(10), run_small(10, scenario=merged)
    week = week_of(merged.first_date, START)
    assert week == 4

    def before(records):
        table = records.outcomes
        return table[table["week"] < week].reset_index(drop=True)

    pd.testing.assert_frame_equal(before(base), before(other), check_exact=True)
    assert values(base, "workload.offices.units")[week] == 4
    assert values(other, "workload.offices.units")[week:] == [3] * 6


def test_a_merger_reaches_nobody_who_shares_nothing_with_it(merged):
    base, other = small_model(), small_model(scenario=merged)
    far = np.isin(base.state.boundaries.origin, [2, 3])  # the township in the east
    lines = base.state.asked
    for _ in range(12):
        base.step()
        other.step()
    for i, line in enumerate(lines):
        if line.mode == "counter":  # health, culture and places are shared across the border
            settlement = base.state.world.households.settlement
            mine = far[settlement]
            one, two = base.state.residents, other.state.residents
            assert (one.usual[mine, i] == two.usual[mine, i]).all()
            assert (one.expected[mine, i] == two.expected[mine, i]).all()
            assert (one.pending[mine, i] == two.pending[mine, i]).all()
            bound = [m.state.reach.metres[:, i] for m in (base, other)]
            assert (bound[0][far] == bound[1][far]).all()
    assert (base.state.reach.nearest[~far] < other.state.reach.nearest[~far]).any()


def test_a_shared_past_changes_nothing(merged):
    close = levers(CloseFacility(date=date(2020, 2, 10), facility=f"H-{UNITS[0]}"))
    both = replace(merged, name="both", levers=(*merged.levers, *close.levers))
    past = SharedPast.of((EMPTY, merged, close, both), START)
    for scenario in (EMPTY, merged, close, both):
        together = simulate(
            small_world(), scenario, EMPTY, parameters=P, start=START, weeks=14, seed=1,
            replicate=0, record=Record(1, 4, 4), past=past,
        )  # fmt: skip
        same(together, run_small(14, scenario=scenario))


# --- conservation ---------------------------------------------------------------------------


def test_every_week_of_a_merger_closes(merged):
    model = small_model(300, merged)
    for _ in range(60):
        model.step()
    assert model.applied == 1


@pytest.mark.parametrize("staff", ["keep", "attrition", "{floor_per_10000: 18}"])
def test_staff_changes_only_as_a_merger_asks(staff, tmp_path):
    text = MERGE + f"      staff: {staff}\n"
    chosen = lever_scenario(small_case(), tmp_path, text)
    model = small_model(scenario=chosen, staff__exit=0.6 if staff == "attrition" else 0)
    workers, posts = [], []
    for _ in range(80):
        model.step()
        workers.append(model.state.offices.workers.sum())
        posts.append((model.state.workers.office >= 0).sum())
    assert set(posts[:4]) == {24}
    if staff == "keep":
        assert set(workers) == {24}
    elif staff == "attrition":  # of 12, where the standard for 1,608 persons is 5
        assert (np.diff(posts) <= 0).all() and posts[-1] == 12 + 5
    else:  # 18 per 10,000 of 1,608 persons, in whole persons
        assert set(workers[4:]) == {12 + 3}


def test_needs_are_met_given_up_or_still_pending():
    model = small_model(200)
    new = ended = 0.0
    for _ in range(20):
        model.step()
        new += model.now.sums[:, :, NEW].sum()
        ended += model.now.sums[:, :, ENDED].sum()
    assert new == ended + model.state.residents.pending.sum()
    assert new / 20 == pytest.approx(model.rates.asked.sum() / WEEKS, rel=0.02)


def test_every_matter_brought_to_a_counter_becomes_work_of_an_office():
    model = small_model(300)
    hours = (P["counter.front"] + P["counter.back"]) / 60
    for _ in range(5):
        model.step()
        counter = [i for i, x in enumerate(model.state.asked) if x.mode == "counter"]
        brought = model.now.matters[:, counter].sum()
        assert brought > 100
        booked = model.state.ledger.arrived[:, CLASS["counter"]].sum()
        assert booked == pytest.approx(brought * hours)


def test_the_hours_asked_of_an_office_are_those_counted_by_hand():
    model = small_model(300, staff__exit=0)  # all posts are filled
    model.step()
    state, world = model.state, small_world(300)
    arrived = state.ledger.arrived
    for unit in (UNITS[0], UNITS[2]):
        slot = state.offices.id.index(f"O-{unit}")
        urban = unit == UNITS[0]
        workers = 6 if urban else 4
        mine = world.settlements["community"] == unit
        rows = np.flatnonzero(mine)
        asked = {name: float(arrived[slot, c]) for name, c in CLASS.items()}
        assert asked["assigned"] == pytest.approx(6440 / 52 * (1 if urban else 0.5))
        assert asked["meetings"] == pytest.approx(workers * 3 * 48 / 52)
        assert asked["self_governance"] == pytest.approx(0.1 * workers * 1760 / 52 * 0.95)
        households = world.settlements.loc[mine, "households"].sum()
        complaints = households * (0.06 if urban else 0.03) / 52
        assert asked["complaints"] == pytest.approx(complaints / 2 * 2)
        assert asked["transition"] == 0
        # visits: tours over 1 km2 and the way from the seat, 0, 500, 500 and 707 m off
        detour = 1.3 if urban else 1.6
        metres = detour * np.array([0, 500, 500, 500 * 2**0.5])
        risk = np.array([
            world.households.risk[world.households.settlement == r].sum(axis=0) for r in rows
        ])  # fmt: skip
        planned = risk.sum(axis=0) * np.array([52, 12, 4]) / 52
        haul = np.average(metres, weights=risk.sum(axis=1))
        between = 0.7124 * np.sqrt(1e6 / planned.sum())
        each = (30 + (between + 2 * haul / 8) / 60) / 60
        for name, visits in zip(("high", "focus", "general"), planned, strict=True):
            assert asked[f"visits_{name}"] == pytest.approx(visits * each)


def test_a_crowded_room_turns_visitors_away_and_they_come_again():
    model = small_model(300)
    health = next(i for i, x in enumerate(model.state.asked) if x.service == "health")
    capacity = model.state.facilities.capacity[:, model.state.lines.services.index("health")]
    for _ in range(3):
        model.step()
        e, now = model.now.errands, model.now
        rows = e.of_line(health)
        gone, met = e.slot[rows] >= 0, now.met[rows]
        served = np.bincount(e.slot[rows][gone & met], e.needs[rows][gone & met], capacity.size)
        assert (served <= capacity).all()
        refused = e.household[rows][gone & ~met]
        assert refused.size > 20
        again = model.state.residents.pending[refused, health] > 0
        given_up = now.sums[:, health, UNMET].sum()
        assert (again.all() and given_up == 0) or model.week >= 4


def test_the_wait_at_a_counter_is_that_of_all_who_come_to_it():
    model = small_model(300, staff__exit=0)  # every window has somebody behind it
    model.step()
    state = model.state
    counter = [i for i, x in enumerate(state.asked) if x.mode == "counter"]
    points = np.flatnonzero(state.facilities.windows > 0)
    for slot in points:
        matters = model.now.matters[slot, counter].sum()
        windows = np.array([state.facilities.windows[slot]])
        wait = 60 * day_wait(np.array([matters / 35]), 0.25, windows, P["counter.day"])[0]
        assert state.posted[slot, counter] == pytest.approx(np.full(len(counter), wait))
    assert points.size == 6 and state.posted[points].max() > 1


def test_matters_met_online_cost_an_office_their_minutes():
    model = small_model(300, online__offered=1, online__constant=2)
    model.step()
    net = model.now.sums[:, :, BY_NET].sum()
    counter = [i for i, x in enumerate(model.state.asked) if x.mode == "counter"]
    brought = model.now.matters[:, counter].sum()
    hours = brought * (P["counter.front"] + P["counter.back"]) / 60
    assert net > 20
    booked = model.state.ledger.arrived[:, CLASS["counter"]].sum()
    assert booked == pytest.approx(hours + net * P["online.minutes"] / 60)


def test_matters_done_by_the_agent_cost_the_own_office_and_the_one_whose_counter_they_spare():
    model = small_model(300, agency__offered=1, agency__constant=2)
    model.step()
    done = model.now.sums[:, :, BY_AGENT].sum()
    counter = [i for i, x in enumerate(model.state.asked) if x.mode == "counter"]
    brought = model.now.matters[:, counter].sum()
    hours = brought * (P["counter.front"] + P["counter.back"]) / 60
    assert done > 20
    arrived = model.state.ledger.arrived[:, CLASS["counter"]]
    assert arrived.sum() == pytest.approx(
        hours + done * (P["agency.minutes"] + P["counter.back"]) / 60
    )
    centres = model.state.offices.kind == TOWNSHIP_OFFICE
    without = small_model(300)
    without.step()
    before = without.state.ledger.arrived[:, CLASS["counter"]]
    assert arrived[centres].sum() < before[centres].sum()
    assert arrived[~centres].sum() > before[~centres].sum()


def lose_backlog(model):
    model.state.ledger.age[0, 0, 0] += 5.0
    model.state.ledger.carried += 5.0
    model.step()
    model.state.ledger.age[0, :, :] = 0.0


def lose_worker(model):
    model.state.offices.workers[1] -= 1


def gain_worker(model):
    model.state.offices.workers[1] += 1


def overbook(model):
    e = next(iter(model.state.enrolments.values()))
    house = np.unique(e.place[e.place >= 0])[0]
    e.place[e.eligible[e.place[e.eligible] < 0][:3]] = house


def place_and_list(model):
    e = next(iter(model.state.enrolments.values()))
    guest = np.flatnonzero(e.place >= 0)[0]
    e.listed[guest] = e.place[guest]


def end_a_unit(model):
    model.state.boundaries.units[1].alive = False


def end_a_township(model):
    model.state.boundaries.townships[1].alive = False


def end_an_office(model):
    model.state.offices.alive[0] = False


def make_needs(model):
    model.state.residents.pending[3, 2] += 1


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lose_backlog, "work"), (lose_worker, "workers"), (gain_worker, "workers"),
        (place_and_list, "places"), (overbook, "places"), (end_a_unit, "settlements"),
        (end_a_township, "townships"), (end_an_office, "workers"),
    ],
)  # fmt: skip
def test_what_is_created_or_lost_ends_the_run(damage, what):
    model = small_model(300, work__overtime=0, work__available=0.6)
    for _ in range(3):
        model.step()
    damage(model)
    with pytest.raises(Breach, match=f"{what}.* are not conserved"):
        model.step()


def test_needs_from_nowhere_end_the_run():
    model = small_model()
    model.step()
    make_needs(model)
    with pytest.raises(Breach, match="needs"):
        check_conservation(model)


def test_every_phase_is_in_the_list_once_and_recording_comes_last():
    names = [phase.__name__ for phase in PHASES]
    assert len(set(names)) == len(names)
    assert names[0] == "levers_due" and names[-1] == "record"
    ordered = ["draw_needs", "choose_facility", "serve", "work_offices", "change_staff", "learn"]
    assert [n for n in names if n in ordered] == ordered


# --- levers and time ------------------------------------------------------------------------


def test_a_lever_that_is_never_applied_fails_the_run():
    late = levers(CloseFacility(date=date(2021, 1, 4), facility=f"H-{UNITS[0]}"))
    with pytest.raises(RuntimeError, match="were not applied: close_facility"):
        run_small(6, scenario=late)


@pytest.mark.parametrize(
    ("day", "week"),
    [("2020-01-06", 0), ("2020-01-07", 1), ("2020-01-12", 1), ("2020-01-13", 1), ("2020-01-14", 2)],
)
def test_dates_snap_to_the_first_week_on_or_after_them(day, week):
    assert week_of(date.fromisoformat(day), START) == week
    close = levers(CloseFacility(date=date.fromisoformat(day), facility=f"N-{UNITS[1]}"))
    none = values(run_small(4, scenario=close), "access.nursery.none")
    assert none == [0.0] * week + [1.0] * (4 - week)


def test_a_facility_with_a_date_opens_in_its_week(tmp_path):
    def opens_later(tables):
        for row in tables["facilities"]:
            if row["id"].startswith("N-"):
                row["opened"] = "2020-01-20"

    world = World.of(edited_case(tmp_path / "case", opens_later), P)
    assert values(run_small(4, world=world), "access.nursery.none") == [1, 1, 0, 0]


def test_closing_everything_leaves_needs_without_a_place_to_go():
    health = [f for f in small_world().facilities["id"] if f.startswith(("H-", "TH-"))]
    closed = levers(*(CloseFacility(date=date(2020, 1, 13), facility=f) for f in health))
    records = run_small(8, scenario=closed)
    assert values(records, "access.health.none")[1:] == [1.0] * 7
    unmet = values(records, "use.health.unmet")
    assert unmet[-1] == 1.0  # all that ended after four tries were given up
    losers = records.losers[records.losers["outcome"] == "equity.losers.share"]
    assert losers[(losers["week"] == 4) & (losers["group"] == "all")]["value"].iloc[0] > 0.9


def test_a_further_facility_never_lengthens_the_way_to_its_service():
    more = levers(
        AddFacility(
            date=START, services=("nursery", "culture"), settlement=UNITS[3] + "04", weeks=0
        )
    )
    for service in ("nursery", "culture"):
        outcome = f"access.{service}.minutes"
        before, after = values(run_small(2), outcome), values(run_small(2, scenario=more), outcome)
        assert after[1] < before[1]


@pytest.mark.parametrize(
    "cheaper",
    [
        {"travel__ride_speed": 400}, {"travel__ride_start": 4}, {"travel__walking_speed": 75},
        {"travel__walking_speed_old": 60}, {"travel__ride_start_without": 8},
        {"travel__detour_hill": 1.2},
    ],
)  # fmt: skip
def test_cheaper_travel_never_lengthens_anybodys_way(cheaper):
    def minutes(records):
        table = records.outcomes
        mine = table["outcome"].astype(str).str.match(r"access\..*\.minutes") & (table["week"] == 1)
        return table[mine].set_index(["outcome", "group"])["value"]

    before, after = minutes(run_small(2)), minutes(run_small(2, **cheaper))
    assert (after <= before + 1e-12).all() and (after < before).any()


def street_case(folder, further=()):
    """The small case with streets along the rows of its grid and one across, in the west."""
    write_small_case(folder)
    homes = {(int(r["x"]), int(r["y"])): r["id"] for r in read_rows(folder / "settlements.csv")}
    nodes = [{"id": f"N{i}", "x": x, "y": y} for (x, y), i in sorted(homes.items())]
    west = min(homes)[0]
    ways = [
        (a, b, 500)
        for a in sorted(homes)
        for b in sorted(homes)
        if (b[0] - a[0], b[1] - a[1]) == (500, 0)
        or (b[0] - a[0], b[1] - a[1], a[0]) == (0, 500, west)
    ]
    edges = [
        {"id": f"W{n}", "from": f"N{homes[a]}", "to": f"N{homes[b]}", "metres": m, "one_way": 0}
        for n, (a, b, m) in enumerate([*ways, *further])
    ]
    write_table(folder / "streets_nodes.csv", nodes)
    write_table(folder / "streets_edges.csv", edges)
    return World.of(Case.open(folder), P), sorted(homes)


def test_streets_lengthen_the_way_and_a_further_street_never_does(tmp_path):
    def minutes(world):
        table = run_small(2, world=world).outcomes
        mine = table["outcome"].astype(str).str.match(r"access\..*\.minutes") & (table["week"] == 0)
        return table[mine].set_index(["outcome", "group"])["value"]

    world, homes = street_case(tmp_path / "comb")
    comb = minutes(world)
    a, b = homes[-2:]  # a street across in the far east
    grid = minutes(street_case(tmp_path / "grid", [(a, b, 500)])[0])
    assert (grid <= comb + 1e-9).all() and (grid < comb - 0.01).any()
    folder = tmp_path / "saved"
    folder.mkdir()
    world.save(folder)
    same(run_small(4, world=World.open(folder)), run_small(4, world=world))


# --- what the model says happens ------------------------------------------------------------


def test_closing_points_costs_the_far_more_than_the_near(merged):
    # T2: loss of access grows with the distance to the surviving seat
    records = run_small(9, scenario=merged, households=150)
    table = records.losers[
        (records.losers["outcome"] == "equity.losers.counter_minutes")
        & (records.losers["week"] == 8)
    ].set_index("group")["value"]
    assert table["seat_0_500m"] <= table["seat_500_1000m"] < table["seat_1000_2000m"]
    assert table["urban"] > 0 and table["rural"] == pytest.approx(0)
    assert table["old"] > table["adults"]  # T4


def test_keeping_points_removes_most_of_the_loss(tmp_path):
    # T8
    loss = {}
    for points in ("close", "keep"):
        text = MERGE + f"      service_points: {points}\n"
        records = run_small(9, scenario=lever_scenario(small_case(), tmp_path, text))
        mine = records.losers[
            (records.losers["outcome"] == "equity.losers.counter_minutes")
            & (records.losers["group"] == "urban")
            & (records.losers["week"] == 8)
        ]
        loss[points] = mine["value"].iloc[0]
    assert loss["close"] > 1 and abs(loss["keep"]) < 0.2 * loss["close"]


def test_home_visits_dip_after_a_merger_and_recover_within_two_years(tmp_path):
    # T5, in offices that are busy but not over their capacity before
    def fewer(tables):
        for row in tables["offices"]:
            if row["kind"] == "community":
                row["committee"], row["community_worker"] = 5, 0

    case = edited_case(tmp_path / "case", fewer, 60)
    scenario = lever_scenario(case, tmp_path, MERGE)
    records = run_small(4 + 104, world=World.of(case, P), scenario=scenario)
    coverage = np.array(values(records, "use.home_care.coverage"))
    assert coverage[:4] == pytest.approx(np.ones(4))
    assert coverage[4:12].mean() < 0.97
    assert coverage[-4:].mean() > 0.995


def test_nothing_drifts_without_a_lever_while_the_population_stays():
    records = run_small(
        65, households=100, **STILL, staff__exit=0
    )  # two dozen workers come and go unevenly
    for outcome, tolerance in (
        ("workload.offices.load", 0.01), ("use.health.minutes", 0.03),
        ("use.culture.minutes", 0.03), ("satisfaction.residents.score", 0.01),
        ("cost.total.per_head", 1e-9), ("access.basket.minutes", 1e-9),
    ):  # fmt: skip
        series = np.array(values(records, outcome))
        first, last = series[:13].mean(), series[-13:].mean()
        assert last == pytest.approx(first, rel=tolerance), outcome


def test_groups_of_residents_add_up(merged):
    model = small_model(scenario=merged)
    model.step()
    world = small_world()
    assert model.state.census.households.sum() == world.households.settlement.size
    assert world.settlements[list(AGES)].sum().sum() == model.state.census.registered.sum()
    assert STREET in set(world.townships["id"])


def test_a_model_is_a_mesa_model_whose_agents_are_offices_and_facilities():
    model = small_model()
    assert isinstance(model, CommunityModel) and isinstance(model, mesa.Model)
    kinds = {type(a).__name__ for a in model.agents}
    assert kinds == {"Office", "Facility"}
    assert len(model.agents) == len(model.state.offices) + len(model.state.facilities)


def test_going_online_spares_residents_the_way_but_offices_little_work():
    # T9: a matter online still takes half of the staff time it takes at a counter
    went, work, load = {}, {}, {}
    for offered in (0, 1):
        model = small_model(200, online__offered=offered, online__capable=0.85)
        government = [i for i, x in enumerate(model.state.asked) if x.service == "government"]
        went[offered], work[offered], load[offered] = 0.0, 0.0, 0.0
        for _ in range(20):
            model.step()
            went[offered] += model.now.matters[:, government].sum()
            arrived = model.state.ledger.arrived
            work[offered] += arrived[:, CLASS["counter"]].sum()
            load[offered] += arrived.sum()
    assert 0.5 < went[1] / went[0] < 0.8
    assert 0.7 < work[1] / work[0] < 0.95
    assert 0.97 < load[1] / load[0] < 1


def nobody_there(rows):
    for row in rows["settlements"][:5]:  # a unit and a further settlement
        row.update({name: 0 for name in ("households", "persons", *AGES)})


def no_room(rows):
    for row in rows["facilities"]:
        row["capacity"] = 0


def no_staff(rows):
    for row in rows["offices"]:
        row.update(committee=0, community_worker=0, window=0)


def never_open(rows):
    for row in rows["facilities"]:
        row["hours_week"] = 0


@pytest.mark.parametrize("edit", [nobody_there, no_room, no_staff, never_open])
def test_odd_cases_run_and_close(edit, tmp_path):
    case = edited_case(tmp_path / "case", edit)
    scenario = lever_scenario(case, tmp_path, MERGE)
    records = run_small(12, world=World.of(case, P), scenario=scenario)
    assert np.isfinite(records.outcomes["value"]).all()


def test_a_run_leaves_no_model_behind(merged, monkeypatch):
    """A weekend of runs would fill the memory: Mesa keeps the models of a process alive."""
    made = []
    for name in ("__init__", "branch"):
        plain = getattr(CommunityModel, name)

        def noted(self, *args, plain=plain, **keys):
            result = plain(self, *args, **keys)
            made.append(weakref.ref(self if result is None else result))
            return result

        monkeypatch.setattr(CommunityModel, name, noted)
    gc.collect()
    gc.disable()
    try:
        past = SharedPast.of((EMPTY, merged), START)
        for chosen in (EMPTY, merged):
            simulate(
                small_world(), chosen, EMPTY, parameters=P, start=START, weeks=25, seed=1,
                replicate=0, record=Record(1, 4, 4), past=past,
            )  # fmt: skip
        assert len(made) >= 4 and not [model for model in made if model() is not None]
    finally:
        gc.enable()
