"""Claims about workers: how fast they work, who leaves, who follows, and that nobody is lost."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.case.schema import ROLES
from sim.levers.handover import share_posts
from sim.levers.parts import Parts
from sim.model import PHASES, SharedPast, simulate
from sim.outcomes.recorder import Record
from sim.phases.conservation import Breach
from sim.phases.staff import change_staff
from sim.processes import workers
from sim.processes.work import capacity_hours
from sim.world.draws import uniform
from sim.world.workers import ABOLISHED, COMMITTEE, LONG_AGO, SOCIAL_WORKER, Workers
from sim.world.world import World
from tests.cases import UNITS
from tests.test_work import community
from tests.worlds import (
    EMPTY,
    START,
    edited_case,
    lever_scenario,
    run_small,
    small_case,
    small_model,
    small_world,
    values,
)

P = Parameters.load()
MERGE = f"""\
  - merge_communities:
      date: 2020-02-03
      communities: ["{UNITS[0]}", "{UNITS[1]}"]
"""


def offices(*staff: dict[str, int]) -> pd.DataFrame:
    """A table of offices with these roles."""
    plain = dict.fromkeys((*ROLES, "certified"), 0)
    return pd.DataFrame([{"id": f"O{i}"} | plain | row for i, row in enumerate(staff)])


def run(model, weeks):
    for _ in range(weeks):
        model.step()
    return model


# --- speed ----------------------------------------------------------------------------------


def test_a_post_is_empty_then_held_by_a_newcomer_then_by_somebody_experienced():
    weeks = np.arange(40)
    hired = np.array([10])
    speed = [float(workers.speed(w, hired, np.zeros(1, bool), P)[0]) for w in weeks]
    assert speed == [0.0] * 10 + [0.6] * 13 + [1.0] * 17


def test_a_certificate_quickens_once_experienced_or_not():
    hired, week = np.array([LONG_AGO, 5], np.int32), 6
    speed = workers.speed(week, hired, np.ones(2, bool), P)
    assert speed == pytest.approx([1.03, 0.6 * 1.03])


@pytest.mark.parametrize(("staff", "load"), [([8], 0.930), ([7] * 78 + [6] * 22, 1.082)])
def test_experienced_staff_without_certificates_give_the_hand_calculated_loads(staff, load):
    table = Workers.of(offices(*({"community_worker": n} for n in staff)))
    speed = workers.speed(0, table.hired, table.certified, P)
    capacity = 52 * capacity_hours(table.by_office(speed, len(staff)), np.ones(len(staff)), P)
    demand = sum(community(n)[0].sum() for n in staff)
    assert demand / capacity.sum() == pytest.approx(load, abs=5e-4)


# --- leaving --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "fatigue", "expected"),
    [(1, 0, 0.10), (1.2, 0, 0.10 * np.exp(0.3)), (0.5, 0, 0.10 * np.exp(-0.75)),
     (1, 0.15, 0.10 * np.exp(0.3)), (1.4, 0.1, 0.10 * np.exp(0.8))],
)  # fmt: skip
def test_load_and_fatigue_multiply_the_hazard_of_leaving(load, fatigue, expected):
    rate = workers.exit_rate(np.array([0.10]), np.array([load]), np.array([fatigue]), P)
    assert rate[0] == pytest.approx(expected)


def test_over_a_year_as_many_leave_as_the_rate_says():
    rates = np.array([0.10, 0.18, 0.6])
    here = np.ones((3, 20_000), bool)
    agent = np.arange(here.size, dtype=np.uint64)
    for week in range(52):
        draw = uniform(1, 14, week, agent).reshape(here.shape)
        here &= ~workers.happens(rates[:, None], draw)
    assert here.mean(axis=1) == pytest.approx(np.exp(-rates), abs=0.012)


@given(st.floats(0, 0.15), st.floats(0, 0.15))
def test_fatigue_goes_a_26th_of_the_way_to_the_overtime_share(fatigue, overtime):
    after = workers.tired(np.array([fatigue]), np.array([overtime]), P)[0]
    assert after == pytest.approx(fatigue + (overtime - fatigue) / 26)
    assert min(fatigue, overtime) - 1e-12 <= after <= max(fatigue, overtime) + 1e-12


def test_the_load_that_counts_is_that_of_a_quarter():
    load = workers.remembered(np.ones(1), np.array([2.0]), P)
    assert load[0] == pytest.approx(1 + 1 / 13)


def test_a_leaver_is_missed_for_eight_weeks_and_slow_for_thirteen():
    model = run(small_model(300, staff__exit=0, staff__trained=0), 2)
    s = model.state
    post = np.flatnonzero(s.workers.office == 0)[0]
    full = model.now.capacity[0]
    # what change_staff does to somebody who leaves at the end of the week just over
    s.workers.hired[post] = workers.vacant_until(s.week - 1, P)
    s.offices.workers[0] -= 1
    s.staff.left += 1
    share, heads = [], []
    for _ in range(24):
        model.step()
        share.append(model.now.capacity[0] / full)
        heads.append(s.offices.workers[0])
    assert share == pytest.approx([5 / 6] * 8 + [5.6 / 6] * 13 + [1.0] * 3)
    assert heads == [5] * 7 + [6] * 17, "counted from the end of the week before the first"
    assert s.staff.hired == 1


def test_social_workers_of_agencies_leave_more_often(tmp_path):
    def agency(tables):
        for row in tables["offices"]:
            row["social_worker"] = 60 if row["kind"] in ("community", "village") else 0

    world = World.of(edited_case(tmp_path / "case", agency), P)
    model = small_model(world=world)
    first = model.state.workers.role == SOCIAL_WORKER
    assert first.sum() == 240
    assert P["staff.exit_social_worker"] / P["staff.exit"] == pytest.approx(1.8)
    quiet = small_model(world=world, staff__exit=0, staff__exit_social_worker=0.6)
    run(quiet, 40)
    gone = quiet.state.workers.hired != LONG_AGO
    assert gone[first].any() and not gone[~first].any()


def test_offices_under_more_load_lose_more_people():
    def exits(available):
        model = small_model(300, work__available=available, staff__exit=0.3)
        left = 0
        for _ in range(52):
            model.step()
            left += model.now.left.sum()
        return left

    assert exits(0.5) > 1.3 * exits(1.0)


def test_overtime_tires_and_an_office_without_it_does_not():
    overworked = run(small_model(300, work__available=0.5, staff__exit=0), 30)
    assert overworked.state.ledger.overtime.sum() > 0
    s = overworked.state
    share = s.ledger.overtime / np.maximum(overworked.now.capacity, 1e-9)
    tired = s.workers.by_office(s.workers.fatigue, len(s.offices))
    assert (tired[share > 0.01] > 0).all()
    rested = run(small_model(300, staff__exit=0), 10).state
    assert rested.ledger.overtime.sum() == 0 and not rested.workers.fatigue.any()


# --- certificates ---------------------------------------------------------------------------


def test_the_certified_of_a_case_are_so_many_workers_social_workers_first():
    table = Workers.of(
        offices(
            {"committee": 3, "community_worker": 4, "social_worker": 2, "certified": 3},
            {"committee": 2, "certified": 0},
            {"window": 1, "certified": 5},
        )
    )
    assert [int(table.certified[table.office == o].sum()) for o in range(3)] == [3, 0, 1]
    assert table.certified[table.role == SOCIAL_WORKER].all()


def test_keys_are_permanent_whatever_other_roles_an_office_has():
    few = Workers.of(offices({"committee": 3, "community_worker": 2}))
    more = Workers.of(offices({"committee": 5, "community_worker": 2}))
    hired = ROLES.index("community_worker")
    assert (few.key[few.role == hired] == more.key[more.role == hired]).all()
    assert len(set(more.key.tolist())) == 7
    assert set(few.key.tolist()) < set(more.key.tolist())


def test_training_brings_certificates_and_they_bring_hours():
    none = run(small_model(300, staff__trained=0, staff__exit=0), 104)
    some = run(small_model(300, staff__trained=1, staff__certified_by_training=0.5,
                           staff__exit=0), 104)  # fmt: skip
    assert not none.state.workers.certified.any()
    share = some.state.workers.certified.mean()
    assert share == pytest.approx(1 - np.exp(-1), abs=0.25)
    gain = some.now.capacity.sum() / none.now.capacity.sum()
    assert gain == pytest.approx(1 + 0.03 * share, abs=0.002)
    load = [values(run_small(30, 300, staff__trained=t, staff__exit=0), "workload.offices.load")[-1]
            for t in (0, 1)]  # fmt: skip
    assert load[1] < load[0]


def test_a_newcomer_comes_without_certificate_and_without_fatigue():
    model = small_model(300, staff__exit=0.6, staff__trained=0, work__available=0.5)
    model.state.workers.certified[:] = True
    model.state.workers.fatigue[:] = 0.1
    run(model, 40)
    w = model.state.workers
    new = w.hired > 0
    assert new.any() and not w.certified[new].any() and w.certified[~new].all()
    assert w.fatigue[new].max() < w.fatigue[~new].max()


# --- mergers --------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 12), min_size=3, max_size=3), st.integers(0, 2**31))
def test_a_redraw_gives_every_post_to_one_part_in_proportion(staff, seed):
    rng = np.random.default_rng(seed)
    old = np.repeat([0, 1, 2], 4)
    parts = Parts.of(old, rng.integers(3, 6, 12), rng.integers(0, 300, 12).astype(float))

    class State:
        workers = Workers.of(offices(*({"committee": n} for n in staff)))

    part_of = share_posts(State, parts, parts.old)
    assert (part_of >= 0).all()
    assert (parts.old[part_of] == State.workers.office).all(), "of the post's own office"
    got = np.bincount(part_of, minlength=len(parts))
    assert (np.abs(got - np.array(staff)[parts.old] * parts.share) < 1).all()


def test_a_merger_takes_people_along_as_they_are(tmp_path):
    scenario = lever_scenario(small_case(), tmp_path, MERGE)
    model, base = small_model(scenario=scenario), small_model()
    run(model, 4), run(base, 4)
    PHASES[0](model)
    s, before = model.state, base.state
    moved = np.isin(before.workers.office, [0, 1])
    assert len(set(s.workers.office[moved].tolist())) == 1
    assert s.offices.workers.sum() == before.offices.workers.sum()
    for column in ("key", "role", "hired", "certified", "fatigue", "load"):
        assert (getattr(s.workers, column) == getattr(before.workers, column)).all(), column
    assert (s.workers.office[~moved] == before.workers.office[~moved]).all()


def test_who_is_cut_first():
    vacant = np.array([0, 0, 0, 1, 0], bool)
    elected = np.array([1, 0, 0, 1, 0], bool)
    certified = np.array([0, 1, 0, 0, 0], bool)
    hired = np.array([LONG_AGO, LONG_AGO, LONG_AGO, 9, 3], np.int32)
    key = np.arange(5, dtype=np.uint64)
    order = workers.first_to_go(vacant, elected, certified, hired, key)
    # the vacancy, the newcomer, the experienced, the certified, the elected
    assert order.tolist() == [3, 4, 2, 1, 0]


def test_a_floor_cuts_people_and_says_so(tmp_path):
    text = MERGE + "      staff: {floor_per_10000: 18}\n"
    model = small_model(scenario=lever_scenario(small_case(), tmp_path, text), staff__exit=0)
    run(model, 6)
    s = model.state
    kept = s.workers.office != ABOLISHED
    assert s.staff.cut == (~kept).sum() == 12 - 3  # 18 per 10,000 of 1,608 persons
    assert s.offices.workers.sum() == s.staff.now == 24 - 9
    assert (s.workers.role[~kept] != COMMITTEE).sum() <= s.staff.cut


def test_attrition_fills_no_post_above_the_standard_and_every_one_below_it(tmp_path):
    text = MERGE + "      staff: attrition\n"
    scenario = lever_scenario(small_case(), tmp_path, text)
    model = run(small_model(scenario=scenario, staff__exit=0.6), 160)
    s = model.state
    office = s.boundaries.units[s.boundaries.unit_row(UNITS[0])].office
    mine = s.workers.office == office
    assert mine.sum() == 5 and (s.workers.hired[mine] > 0).any()
    assert s.staff.cut == 0


# --- conservation, exactness, cost ----------------------------------------------------------


def test_persons_are_those_of_the_start_and_hired_less_gone():
    model = small_model(staff__exit=0.6)
    left, first = 0, model.state.offices.workers.sum()
    for _ in range(60):
        model.step()
        left += int(model.now.left.sum())
    s = model.state
    assert s.staff.left == left > 5 and s.staff.hired > 3
    assert s.offices.workers.sum() == first + s.staff.hired - s.staff.left
    vacant = s.workers.vacant(s.week).sum()
    assert s.offices.workers.sum() + vacant == 24


def forget(model):
    model.state.workers.office[3] = ABOLISHED


def send_away(model):
    model.state.workers.hired[3] = 1000


def transfer(model):
    model.state.workers.office[3] = 2


@pytest.mark.parametrize("damage", [forget, send_away, transfer])
def test_a_worker_who_vanishes_or_appears_elsewhere_ends_the_run(damage):
    model = run(small_model(staff__exit=0), 3)
    damage(model)
    with pytest.raises(Breach, match="workers are not conserved"):
        model.step()


def test_hire_and_leave_are_the_same_with_a_shared_past(tmp_path):
    merged = lever_scenario(small_case(), tmp_path, MERGE + "      staff: attrition\n")
    parameters = Parameters.load({"staff.exit": 0.6})
    past = SharedPast.of((EMPTY, merged), START)
    for scenario in (EMPTY, merged, EMPTY):
        together = simulate(
            small_world(), scenario, EMPTY, parameters=parameters, start=START, weeks=40, seed=1,
            replicate=0, record=Record(1, 4, 4), past=past,
        )  # fmt: skip
        alone = run_small(40, scenario=scenario, staff__exit=0.6)
        for name in ("outcomes", "units", "losers"):
            one, two = getattr(together, name), getattr(alone, name)
            pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_workers_far_from_a_merger_come_and_go_as_without_it(tmp_path):
    scenario = lever_scenario(small_case(), tmp_path, MERGE)
    one, two = (run(small_model(scenario=x, staff__exit=0.6), 40) for x in (EMPTY, scenario))
    east = np.isin(one.state.workers.office, [2, 3])
    for column in ("hired", "certified", "fatigue"):
        a, b = (getattr(m.state.workers, column)[east] for m in (one, two))
        assert (a == b).all(), column


def test_the_order_of_offices_in_a_file_changes_nobody(tmp_path):
    def turn(tables):
        tables["offices"].reverse()

    world = World.of(edited_case(tmp_path / "case", turn), P)
    one, two = (run(small_model(world=w, staff__exit=0.6), 30) for w in (None, world))
    for column in ("key", "office", "hired", "certified"):
        a, b = (getattr(m.state.workers, column) for m in (one, two))
        assert (a == b).all(), column


def test_exits_vacancies_and_newcomers_are_counted():
    model = small_model(staff__exit=0.6)
    records = run_small(40, staff__exit=0.6)
    run(model, 40)
    s = model.state
    of_units = np.isin(s.workers.office, np.flatnonzero(s.offices.kind != 2))
    vacant = (s.workers.vacant(s.week) & of_units).sum()
    assert values(records, "workload.offices.vacancies")[-1] == vacant
    heads = values(records, "workload.offices.workers")[-1]
    new = (s.workers.at_work(s.week) & of_units & (s.week - s.workers.hired < 13)).sum()
    assert values(records, "workload.offices.newcomers")[-1] == pytest.approx(new / heads)
    left = sum(values(records, f"workload.offices.{x}", g)[w] for x in ("exits",)
               for g in ("all", "township") for w in range(40))  # fmt: skip
    assert left == pytest.approx(52 * s.staff.left)
    assert heads + vacant == 20


def test_staff_costs_what_is_employed():
    records = run_small(40, staff__exit=0.6)
    cost = np.array(values(records, "cost.staff.per_head"))
    heads = sum(np.array(values(records, "workload.offices.workers", g))
                for g in ("all", "township"))  # fmt: skip
    assert cost / heads == pytest.approx(np.full(40, cost[0] / heads[0]))
    assert len(set(heads.tolist())) > 1


def test_a_week_of_seven_thousand_workers_takes_under_two_milliseconds(tmp_path):
    def crowd(tables):
        for row in tables["offices"]:
            row["community_worker"] = 1200

    world = World.of(edited_case(tmp_path / "case", crowd), P)
    model = run(small_model(world=world), 2)
    assert len(model.state.workers) > 7000
    best = min(_seconds(change_staff, model) for _ in range(20))
    assert best < 0.002


def _seconds(what, model):
    began = time.perf_counter()
    what(model)
    return time.perf_counter() - began
