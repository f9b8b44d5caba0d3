"""Claims about social organisations: what a budget buys, where it finds work, whom it follows."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.model import SharedPast, simulate
from sim.outcomes.recorder import Record
from sim.phases.conservation import Breach
from sim.processes import contracts
from sim.world.contracts import ALWAYS
from sim.world.ledger import CLASS, CLASSES
from sim.world.store import build_world
from sim.world.world import World
from tests.cases import STREET, UNITS, write_table
from tests.levers import (
    DAY,
    EAST,
    START,
    WEEK,
    WEST,
    merge,
    pull,
    redraw,
    run,
    scenario,
    split_in_two,
    start,
    unit,
    write_scenario,
)
from tests.worlds import EMPTY, run_small, small_case, small_model, small_world, values

P = Parameters.load()
HIGH, COMPLAINTS = CLASS["visits_high"], CLASS["complaints"]
HOUR = 52 * P["contracts.hour"]  # yuan a year for an hour a week
budgets = st.floats(0, 1e6)
FIRST = {"communities": [WEST[0]]}


def buy(work="visits_high", yuan=20_000.0, **more):
    """A lever that buys work of a class."""
    return {"buy_services": {"date": DAY, "class": work, "yuan_year": yuan, **more}}


def hours(week, yuan, first=0):
    return float(contracts.bought_hours(week, np.array([yuan]), np.array([first]), P)[0])


# --- the rule -------------------------------------------------------------------------------


def test_sixty_yuan_buy_an_hour_of_which_nine_tenths_are_work():
    assert hours(52, HOUR) == pytest.approx(0.9)
    assert hours(52, 100_000) == pytest.approx(100_000 / 52 / 60 * 0.9)
    assert hours(0, 100_000, ALWAYS) == hours(52, 100_000)


@pytest.mark.parametrize(
    ("week", "share"), [(0, 0), (6, 0), (7, 0), (20, 0.5), (33, 1), (34, 1), (300, 1)]
)
def test_an_organisation_needs_half_a_year_to_be_at_full_strength(week, share):
    assert hours(week, HOUR, first=7) == pytest.approx(0.9 * share)


@given(budgets, st.integers(0, 60), st.floats(0, 50))
def test_twice_the_budget_buys_twice_and_finds_at_most_twice_the_work(yuan, week, left):
    one, two = hours(week, yuan), hours(week, 2 * yuan)
    assert two == pytest.approx(2 * one)
    used = [float(contracts.used(np.array([x]), np.array([left]))[0]) for x in (one, two)]
    assert 0 <= used[0] <= used[1] <= min(2 * used[0] + 1e-9, left)


# --- in a case ------------------------------------------------------------------------------


def row(ident, office=f"O-{UNITS[0]}", work="visits_high", yuan: object = 20_000, since=""):
    return {"id": ident, "office": office, "class": work, "yuan_year": yuan, "since": since}


def test_a_case_without_the_table_has_no_contracts(small_case: Case) -> None:
    assert len(small_case.contracts) == 0
    state = start(small_case)
    assert len(state.contracts) == 0 and state.agreed == 0


def test_contracts_of_a_case_work_from_their_date_on(small_case_dir: Path) -> None:
    rows = [row("K1", yuan=9000), row("K2", f"O-{UNITS[2]}", "complaints", 6000, "2019-10-07"),
            row("K3", work="self_governance", since="2020-03-03")]  # fmt: skip
    write_table(small_case_dir / "contracts.csv", rows)
    case = Case.open(small_case_dir)
    state = start(case)
    c = state.contracts
    assert c.first.tolist() == [ALWAYS, -13, 9] and state.agreed == 35_000
    assert [state.offices.id[o] for o in c.office] == [r["office"] for r in rows]
    assert [CLASSES[k] for k in c.work] == [r["class"] for r in rows]
    assert [c.in_force(w).sum() for w in (0, 8, 9)] == [15_000, 15_000, 35_000]
    model = run(case, EMPTY, 3)
    bought = contracts.bought_hours(2, c.yuan, c.first, P)
    assert bought[1] == pytest.approx(bought[0] * 6 / 9 * 15 / 26, rel=1e-6)
    taken = model.now.taken[2]
    assert taken[c.office[0], HIGH] == pytest.approx(bought[0])
    assert model.now.idle.sum() + taken.sum() == pytest.approx(bought.sum())


def test_a_world_on_disk_keeps_its_contracts(small_case_dir, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SIM_CACHE", str(tmp_path / "cache"))
    none = World.open(build_world(Case.open(small_case_dir), P))
    write_table(small_case_dir / "contracts.csv", [row("K1", since="2020-03-02")])
    one = World.open(build_world(Case.open(small_case_dir), P))
    assert len(none.contracts) == 0 and len(one.contracts) == 1
    assert str(one.contracts["since"].iat[0].date()) == "2020-03-02"


def test_contracts_go_with_their_offices_when_a_scope_cuts_the_case(small_case_dir: Path) -> None:
    rows = [row("K1"), row("K2", f"O-{UNITS[2]}")]
    write_table(small_case_dir / "contracts.csv", rows)
    west = Case.open(small_case_dir).scoped(counties=["甲区"])
    assert west.contracts["id"].tolist() == ["K1"]


def test_faults_of_the_table_are_said_at_once_with_their_lines(small_case_dir: Path) -> None:
    rows = [row("K1", "O-999901001009"), row("K1", f"T-{STREET}"), row("K3", work="meetings"),
            row("K4", yuan=-5), row("K5", since="May 2020")]  # fmt: skip
    write_table(small_case_dir / "contracts.csv", rows)
    with pytest.raises(InputError) as caught:
        Case.open(small_case_dir)
    found = {(p.code, p.line) for p in caught.value.problems}
    assert found == {("unknown-id", 2), ("duplicate-id", 3), ("contract-office", 3),
                     ("bad-choice", 4), ("out-of-range", 5), ("bad-date", 6)}  # fmt: skip
    assert "did you mean" in next(p.hint for p in caught.value.problems if p.code == "unknown-id")


# --- the lever ------------------------------------------------------------------------------


def test_a_lever_buys_for_some_or_for_everybody(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, buy(scope={"communities": [WEST[1]]})))
    assert [state.offices.id[o] for o in state.contracts.office] == [f"O-{WEST[1]}"]
    assert state.contracts.first.tolist() == [WEEK] and state.agreed == 20_000
    state = pull(start(small_case), scenario(small_case, buy()))
    assert sorted(state.offices.id[o] for o in state.contracts.office) == [f"O-{u}" for u in UNITS]


def test_after_a_merger_a_lever_buys_for_the_units_there_are(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, merge(), buy("complaints", 600.0)))
    offices = [unit(state, u).office for u in (WEST[0], *EAST)]
    assert sorted(state.contracts.office.tolist()) == sorted(offices)


@pytest.mark.parametrize(
    ("keys", "code", "words"),
    [
        ({"scope": {"communities": ["999901001003"]}}, "unknown-id", "did you mean"),
        ({"scope": {"communities": [999901001001]}}, "unquoted-text", "quotes"),
        ({"class": "meetings"}, "bad-value", "complaints"),
        ({"yuan_year": 0}, "bad-value", "greater than 0"),
        ({"yuan_year": "much"}, "bad-value", "number"),
        ({"budget": 5}, "unknown-key", "yuan_year"),
        ({"date": "May"}, "bad-value", "date"),
    ],
)
def test_a_fault_of_the_lever_is_one_message_at_its_word(
    small_case: Case, keys: dict, code: str, words: str
) -> None:
    lever = buy()
    lever["buy_services"] |= keys
    with pytest.raises(InputError) as caught:
        scenario(small_case, lever)
    (problem,) = caught.value.problems
    assert problem.code == code and problem.line and words in f"{problem.message} {problem.hint}"


def test_a_community_that_has_ended_is_named_with_its_heir(small_case: Case) -> None:
    levers = merge(), buy(scope={"communities": [WEST[1]]}, date="2020-06-01")
    with pytest.raises(InputError, match=f"ended on {DAY}"):
        scenario(small_case, *levers)


def test_a_scope_leaves_out_who_lies_outside(small_case: Case) -> None:
    west = small_case.scoped(counties=["甲区"])
    state = pull(start(west), scenario(west, buy(scope={"communities": [WEST[0], EAST[0]]})))
    assert [state.offices.id[o] for o in state.contracts.office] == [f"O-{WEST[0]}"]
    none = scenario(west, buy(scope={"communities": [EAST[0]]}))
    assert not none.levers and none.left_out == (("buy_services", 1),)


def test_the_lever_says_what_it_does_in_both_languages(small_case: Case) -> None:
    opened = scenario(small_case, buy(scope={"kinds": ["village"]}))
    (en,), (zh,) = opened.describe(), opened.describe("zh")
    assert en.startswith(f"{DAY}: in 2 communities (")
    assert en.endswith(
        "social organisations do home visits at high risk, for 20,000 yuan a year and office."
    )
    assert zh.startswith(f"{DAY}：在2个社区（村）")
    assert zh.endswith("向社会组织购买高风险走访，每处每年20,000元。")


def test_a_ramp_comes_to_the_whole_budget_and_waves_to_every_office_once(small_case: Case) -> None:
    ramp = scenario(small_case, buy(yuan=1000.0, ramp={"weeks": 12, "steps": 4}))
    state = start(small_case)
    for i, lever in enumerate(ramp.levers):
        lever.apply(state)
        assert state.agreed == pytest.approx(4 * 250.0 * (i + 1))
    assert "for 250 yuan" in ramp.describe()[0] and "for 1,000 yuan" in ramp.describe()[3]
    waves = scenario(small_case, buy(yuan=1000.0, waves={"number": 2, "weeks": 4}))
    state = pull(start(small_case), waves)
    assert len(waves.levers) == 2 and state.agreed == 4000
    assert len(set(state.contracts.office.tolist())) == 4


def test_a_step_after_a_merger_buys_for_those_it_has_not_reached(small_case: Case) -> None:
    pilot = {"communities": [WEST[0]], "weeks": 8}
    opened = scenario(small_case, buy(yuan=1000.0, pilot=pilot), merge(date="2020-06-15"))
    state = pull(start(small_case), opened)
    office = unit(state, WEST[0]).office
    yuan = state.contracts.yuan[state.contracts.office == office]
    size = start(small_case).census.households.reshape(4, 4).sum(axis=1)[:2]
    assert yuan == pytest.approx([1000, 1000 * size[1] / size.sum()])
    assert state.agreed == pytest.approx(state.contracts.yuan.sum())


def test_the_resolved_copy_does_the_same(small_case: Case) -> None:
    opened = scenario(small_case, buy(scope={"communities": [WEST[0]]}))
    path = small_case.path / "copy.yaml"
    path.write_text(opened.resolved(), encoding="utf-8")
    assert Scenario.open(path, small_case).digest == opened.digest
    other = scenario(small_case, buy("complaints", scope={"communities": [WEST[0]]}))
    assert other.digest != opened.digest


# --- redraws --------------------------------------------------------------------------------


def test_a_merged_office_has_the_contracts_of_all(small_case: Case) -> None:
    state = start(small_case)
    pull(state, scenario(small_case, buy(yuan=1000.0), buy("complaints", 300.0)))
    pull(state, scenario(small_case, merge()))
    c, office = state.contracts, unit(state, WEST[0]).office
    table = c.by_class(c.yuan, len(state.offices), len(CLASSES))
    assert table[office, [HIGH, COMPLAINTS]].tolist() == [2000, 600]
    assert state.agreed == c.yuan.sum() == 4 * 1300 and (c.first == WEEK).all()


def test_a_split_divides_contracts_by_households(small_case_dir: Path) -> None:
    halves = split_in_two(small_case_dir)
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, buy(yuan=1000.0)))
    opened = scenario(case, redraw(townships=None))
    pull(state, opened)
    rows = [state.boundaries.unit_row(h) for h in halves]
    offices = [unit(state, h).office for h in halves]
    size = state.boundaries.sums(state.census.households)[rows]
    yuan = state.contracts.by_class(state.contracts.yuan, len(state.offices), len(CLASSES))
    assert yuan[offices, HIGH] == pytest.approx(1000 * size / size.sum())
    assert state.contracts.yuan.sum() == pytest.approx(state.agreed)


def test_contracts_close_through_mergers_and_splits_week_by_week(small_case: Case) -> None:
    early = buy(date="2020-02-03"), buy("complaints", 5000.0, date="2020-03-02")
    model = run(small_case, scenario(small_case, *early, merge()), WEEK + 30)
    assert model.state.contracts.yuan.sum() == pytest.approx(model.state.agreed)


def lose_yuan(state):
    state.contracts.yuan[0] -= 1


def forget_office(state):
    state.contracts.office[0] = 0  # ended in the merger


@pytest.mark.parametrize("damage", [lose_yuan, forget_office])
def test_a_contract_that_vanishes_ends_the_run(small_case: Case, damage) -> None:
    model = run(small_case, scenario(small_case, buy(date="2020-02-03"), merge()), WEEK + 2)
    damage(model.state)
    with pytest.raises(Breach, match="contracts are not conserved"):
        model.step()


def test_work_taken_that_never_arrived_ends_the_run() -> None:
    model = small_model()
    model.step()
    ledger = model.state.ledger
    assert ledger.imbalance() < 1e-9
    ledger.taken[0, HIGH] += 3  # and as much less done
    ledger.done[0, HIGH] -= 3
    ledger.taken[1, COMPLAINTS] -= 2
    assert ledger.imbalance() >= 2


# --- in a run -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bought(tmp_path_factory):
    """High-risk visits bought for one village from week 4 on."""
    folder = tmp_path_factory.mktemp("bought")
    lever = {"buy_services": {"date": "2020-02-03", "class": "visits_high", "yuan_year": 4000,
                              "scope": {"communities": [EAST[0]]}}}  # fmt: skip
    return Scenario.open(write_scenario(folder, lever), small_case())


def test_a_lever_on_one_office_changes_only_that_office(bought) -> None:
    one, two = small_model(300), small_model(300, scenario=bought)
    mine = one.state.offices.id.index(f"O-{EAST[0]}")
    others = np.arange(6) != mine
    for _ in range(30):
        one.step(), two.step()
        a, b = one.state.ledger, two.state.ledger
        for column in ("arrived", "taken", "done", "lost", "age"):
            assert (getattr(a, column)[others] == getattr(b, column)[others]).all(), column
        assert (a.arrived[:, HIGH] == b.arrived[:, HIGH]).all()
    assert two.now.taken[2, mine, HIGH] > 0.5
    away = one.state.boundaries.origin[one.state.households.settlement] != 2
    for column in ("pending", "tries", "usual", "expected"):
        a, b = (getattr(m.state.residents, column)[away] for m in (one, two))
        assert (a == b).all(), column


def test_bought_visits_count_and_are_paid_for(bought) -> None:
    plain, other = (run_small(50, 300, scenario=s, staff__exit=0) for s in (EMPTY, bought))
    by = np.array(values(other, "use.home_care.by_organisations"))
    assert not any(values(plain, "use.home_care.by_organisations"))
    assert (by[:5] == 0).all() and (np.diff(by[5:30]) > 0).all(), "it grows into its work"
    assert by[31:] == pytest.approx(np.full(by[31:].size, by[31]))
    cost = np.array(values(other, "cost.contracts.per_head"))
    persons = small_model(300).state.census.registered.sum()
    assert cost == pytest.approx([0] * 4 + [4000 / persons] * 46)
    total = [np.array(values(r, "cost.total.per_head")) for r in (plain, other)]
    assert total[1] - total[0] == pytest.approx(cost)
    load = [np.mean(values(r, "workload.offices.load", "village")[31:]) for r in (plain, other)]
    assert load[1] < load[0]
    assert not any(values(other, "workload.hours.idle"))


def test_contracts_are_the_same_with_a_shared_past(bought) -> None:
    past = SharedPast.of((EMPTY, bought), START)
    for chosen in (EMPTY, bought, EMPTY):
        together = simulate(
            small_world(), chosen, EMPTY, parameters=P, start=START, weeks=12, seed=1,
            replicate=0, record=Record(1, 4, 4), past=past,
        )  # fmt: skip
        alone = run_small(12, scenario=chosen)
        pd.testing.assert_frame_equal(together.outcomes, alone.outcomes, check_exact=True)


def test_hours_that_find_no_work_are_paid_for_and_lost(small_case: Case) -> None:
    lever = buy("complaints", 1e6, date=str(START), scope=FIRST)
    model = run(small_case, scenario(small_case, lever), 40)
    now, ledger = model.now, model.state.ledger
    slot = model.state.offices.id.index(f"O-{WEST[0]}")
    assert ledger.left()[slot, COMPLAINTS] == 0 and ledger.arrived[slot, COMPLAINTS] > 0
    paid = 1e6 / 52 / 60 * 0.9
    assert now.idle[slot] == pytest.approx(paid - ledger.arrived[slot, COMPLAINTS])
    assert model.state.contracts.in_force(model.week).sum() == 1e6
    assert (ledger.taken <= ledger.arrived + 1e-9).all()


def test_two_contracts_share_the_work_there_is(small_case: Case) -> None:
    one = buy("visits_general", 3e5, date=str(START), scope=FIRST)
    twice = run(small_case, scenario(small_case, one, one), 30)
    general = CLASS["visits_general"]
    ledger = twice.state.ledger
    slot = twice.state.offices.id.index(f"O-{WEST[0]}")
    assert ledger.left()[slot, general] == pytest.approx(0, abs=1e-9)
    assert twice.now.idle[slot] > 0
    taken = twice.now.taken[:, slot, general]
    assert taken.sum() == pytest.approx(ledger.arrived[slot, general]) and (taken > 0).all()
    assert date(2020, 1, 6) == START
