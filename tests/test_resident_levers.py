"""Claims about levers on residents: volunteers, property management, community funds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.processes.learning import goal_of_belonging
from sim.processes.property import left_by_management
from sim.world.ledger import CLASS, CLASSES
from sim.world.world import World
from tests.cases import UNITS
from tests.levers import DAY, EAST, WEST, change, merge, pull, run, scenario, start, unit
from tests.levers import write_scenario as write
from tests.worlds import (
    EMPTY,
    STILL,
    edited_case,
    run_small,
    small_case,
    small_model,
    values,
)

P = Parameters.load()
EARLY = "2020-02-03"  # week 4
FIRST = {"communities": [WEST[0]]}
GENERAL, COMPLAINTS = CLASS["visits_general"], CLASS["complaints"]
SELF_GOVERNANCE = CLASS["self_governance"]
FORMS = ("self", "entrusted", "joint")
LEDGER = ("arrived", "taken", "done", "lost", "age")


def recruit(**keys: Any) -> dict[str, Any]:
    return {"recruit_volunteers": {"date": DAY, **keys}}


def manage(*compounds: str, form: str = "joint", **keys: Any) -> dict[str, Any]:
    return {
        "property_management": {"date": DAY, "compounds": list(compounds), "form": form, **keys}
    }


def fund(**keys: Any) -> dict[str, Any]:
    return {"community_fund": {"date": DAY, **keys}}


def told(lever: dict[str, Any], folder: Path, case: Case | None = None) -> Scenario:
    return Scenario.open(write(folder, lever), case or small_case())


def cost(opened: Scenario, kind: str, weeks: int = 6) -> list[float]:
    """Yuan a year of a kind of cost, by week."""
    persons = small_model(300).state.census.registered.sum()
    records = run_small(weeks, 300, scenario=opened)
    return [v * persons for v in values(records, f"cost.{kind}.per_head")]


def settlements_apart(one: Any, two: Any) -> set[int]:
    """Settlements of which a column of the households differs in any bit."""
    out: set[int] = set()
    for name in ("pending", "tries", "usual", "expected"):
        a, b = (getattr(m.state.residents, name) for m in (one, two))
        out |= set(one.state.households.settlement[(a != b).any(axis=1)].tolist())
    return out


# --- volunteers -----------------------------------------------------------------------------


def test_twice_the_volunteers_do_twice_the_visits_and_nobody_else_changes(tmp_path) -> None:
    twice = {"registered": 2 * P["volunteers.registered"]}
    opened = told(recruit(date=EARLY, scope=FIRST, **twice), tmp_path)
    one, two = small_model(300), small_model(300, scenario=opened)
    for _ in range(30):
        one.step(), two.step()
        for column in LEDGER:
            a, b = (getattr(m.state.ledger, column)[1:] for m in (one, two))
            assert (a == b).all(), column
        if one.week <= 4:
            assert (one.now.taken == two.now.taken).all()
    given = [m.now.taken[1, 0, GENERAL] for m in (one, two)]
    assert given[1] == pytest.approx(2 * given[0]) and given[0] > 0
    assert settlements_apart(one, two) <= {0, 1, 2, 3}


def test_registered_and_active_are_shares_of_shares(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, recruit(registered=0.3, active=0.2)))
    assert set(state.policies.registered) == {0.3} and set(state.policies.active) == {0.2}
    state = pull(start(small_case), scenario(small_case, recruit(active=0.2, scope=FIRST)))
    assert set(state.policies.registered) == {P["volunteers.registered"]}
    assert state.policies.active.tolist() == pytest.approx([0.2] * 4 + [0.1] * 12)


def test_a_ramp_recruits_step_by_step(small_case: Case) -> None:
    state, seen = start(small_case), []
    opened = scenario(small_case, recruit(active=0.5, ramp={"weeks": 8, "steps": 4}))
    for lever in opened.levers:
        lever.apply(state)
        seen.append(state.policies.active[0])
    assert seen == pytest.approx([0.2, 0.3, 0.4, 0.5])
    assert "25% of the way" in opened.describe()[0]


def test_volunteers_stay_where_they_live_when_units_merge(small_case: Case) -> None:
    levers = recruit(active=0.5, scope=FIRST), merge()
    state = pull(start(small_case), scenario(small_case, *levers))
    assert state.policies.active[:8].tolist() == pytest.approx([0.5] * 4 + [0.1] * 4)


def test_fewer_than_there_are_is_a_warning(small_case: Case) -> None:
    (said,) = scenario(small_case, recruit(registered=0.1)).warnings
    assert said.code == "fewer-volunteers" and "21.5%" in said.message


# --- property management --------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
@given(strength=st.floats(0, 1))
def test_complaints_fall_to_the_factor_of_the_form(form: str, strength: float) -> None:
    assert left_by_management(form, 0, P) == 1
    assert left_by_management(form, 1, P) == pytest.approx(P[f"property.{form}"])
    assert P[f"property.{form}"] <= left_by_management(form, strength, P) + 1e-12 <= 1 + 1e-12


def old_first(tables: dict[str, list[dict]]) -> None:
    tables["settlements"][0]["compound"] = "old_courtyard"


@pytest.mark.parametrize("form", FORMS)
def test_only_compounds_of_the_type_complain_less(tmp_path, form: str) -> None:
    case = edited_case(tmp_path / "case", old_first, 300)
    world = World.of(case, P)
    opened = told(manage("old_courtyard", date=EARLY, form=form), tmp_path, case)
    one = small_model(world=world, **STILL)
    two = small_model(world=world, scenario=opened, **STILL)
    for _ in range(30):
        one.step(), two.step()
        for column in LEDGER:
            a, b = (getattr(m.state.ledger, column)[1:] for m in (one, two))
            assert (a == b).all(), column
    fewer = (one.state.ledger.arrived - two.state.ledger.arrived)[0, COMPLAINTS]
    raised = one.state.census.households[0] * P["complaints.old_courtyard"] / 100 / 52
    assert fewer == pytest.approx(
        raised * (1 - P[f"property.{form}"])
        * P["complaints.to_community"] * P["work.complaint_hours"]
    )  # fmt: skip
    assert settlements_apart(one, two) <= {0, 1, 2, 3}


def test_fewer_complaints_please_those_who_live_there(tmp_path) -> None:
    opened = told(manage("commodity", date="2020-01-06", form="entrusted"), tmp_path)
    calm = {f"work__{item}": 0 for item in ("ledgers", "evaluations", "tasks")}  # all visits made
    plain, other = (run_small(2, 300, scenario=s, **calm) for s in (EMPTY, opened))
    gain = [
        values(other, "satisfaction.residents.score", g)[0]
        - values(plain, "satisfaction.residents.score", g)[0]
        for g in ("urban", "rural")
    ]
    fewer = P["complaints.commodity"] / 100 * (1 - P["property.entrusted"])
    points = P["residents.weight_property"] * P["residents.complaint_weight"] * fewer
    assert gain == pytest.approx([points, 0])


def test_the_public_pays_the_subsidy(tmp_path) -> None:
    households = small_model(300).state.census.households[:8].sum()
    usual = told(manage("commodity", date=EARLY), tmp_path)
    assert cost(usual, "property") == pytest.approx(
        [0] * 4 + [households * P["property.joint_subsidy"]] * 2
    )
    own = told(manage("commodity", date=EARLY, yuan_household=7.0), tmp_path)
    assert cost(own, "property") == pytest.approx([0] * 4 + [households * 7] * 2)
    assert cost(own, "total")[5] - cost(EMPTY, "total")[5] == pytest.approx(households * 7)
    free = told(manage("commodity", date=EARLY, yuan_household=0.0), tmp_path)
    assert not any(cost(free, "property"))


def test_a_later_form_takes_the_place_of_an_earlier_one(small_case: Case) -> None:
    levers = manage("commodity", form="self"), manage("commodity", form="entrusted", scope=FIRST)
    state = pull(start(small_case), scenario(small_case, *levers))
    factors = [P["property.entrusted"]] * 4 + [P["property.self"]] * 4 + [1] * 8
    assert state.policies.complaints.tolist() == pytest.approx(factors)
    subsidies = [P["property.entrusted_subsidy"]] * 4 + [P["property.self_subsidy"]] * 4 + [0] * 8
    assert state.policies.subsidy.tolist() == pytest.approx(subsidies)


def test_where_there_is_no_such_compound_it_says_so(small_case: Case) -> None:
    opened = scenario(small_case, manage("resettlement", "old_courtyard"))
    (said,) = opened.warnings
    assert said.code == "none-fits" and "resettlement or old_courtyard" in said.message
    assert not opened.levers
    west = small_case.scoped(counties=["甲区"])
    opened = scenario(west, manage("village"))
    assert not opened.levers and opened.left_out == (("property_management", 1),)


# --- community funds ------------------------------------------------------------------------


def test_a_fund_buys_self_governance_in_proportion_to_households(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, fund(yuan_household=10.0)))
    households = state.boundaries.sums(state.census.households)
    yuan = state.contracts.by_class(state.contracts.yuan, len(state.offices), len(CLASSES))
    assert yuan[:4, SELF_GOVERNANCE] == pytest.approx(10 * households)
    assert yuan.sum() == pytest.approx(state.agreed) and set(state.policies.fund) == {10.0}
    usual = pull(start(small_case), scenario(small_case, fund()))
    assert set(usual.policies.fund) == {P["fund.household"]}


def test_a_fund_for_each_community_is_shared_by_its_households(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, fund(yuan_community=9000.0, scope=FIRST)))
    households = state.census.households[:4].sum()
    assert state.policies.fund.tolist() == pytest.approx([9000 / households] * 4 + [0] * 12)
    assert state.agreed == pytest.approx(9000)


def test_funds_add_up_and_ramps_come_to_the_whole(small_case: Case) -> None:
    ramp = {"weeks": 8, "steps": 4}
    opened = scenario(small_case, fund(yuan_household=10.0, ramp=ramp), fund(yuan_household=5.0))
    state = pull(start(small_case), opened)
    assert state.policies.fund == pytest.approx(np.full(16, 15.0))
    assert state.agreed == pytest.approx(15 * state.census.households.sum())
    assert len(opened.levers) == 5


def test_a_step_after_a_merger_reaches_the_rest(small_case: Case) -> None:
    pilot = {**FIRST, "weeks": 8}
    opened = scenario(small_case, fund(yuan_household=10.0, pilot=pilot), merge(date="2020-06-15"))
    state = pull(start(small_case), opened)
    assert set(state.policies.fund) == {10.0}
    assert state.agreed == pytest.approx(10 * state.census.households.sum())
    mine = state.contracts.office == unit(state, WEST[0]).office
    both = state.census.households[:8].sum()
    assert state.contracts.yuan[mine].sum() == pytest.approx(10 * both)


def test_the_goal_of_belonging_rises_to_that_of_a_full_fund_and_no_further() -> None:
    full, lift = P["fund.household"], P["fund.belonging"]
    goal = np.array([0.5, 0.5, 0.5, 0.5, 1.0])
    found = goal_of_belonging(goal, np.array([0, full / 2, full, 9 * full, full]), P)
    assert found == pytest.approx([0.5, 0.5 + lift / 4, 0.5 + lift / 2, 0.5 + lift / 2, 1])


def test_a_fund_in_one_community_changes_that_community_only(tmp_path) -> None:
    opened = told(fund(date=EARLY, yuan_household=10.0, scope=FIRST), tmp_path)
    one, two = small_model(300), small_model(300, scenario=opened)
    for _ in range(40):
        one.step(), two.step()
        for column in LEDGER:
            a, b = (getattr(m.state.ledger, column)[1:] for m in (one, two))
            assert (a == b).all(), column
    a, b = one.state.ledger, two.state.ledger
    bought = 10 * one.state.census.households[:4].sum() / 52 / P["contracts.hour"]
    assert b.taken[0, SELF_GOVERNANCE] == pytest.approx(bought * P["contracts.effective"], rel=0.05)
    assert a.taken[0, SELF_GOVERNANCE] == 0
    belonging = [m.state.residents.belonging for m in (one, two)]
    assert (belonging[1][:4] > belonging[0][:4]).all()
    assert (belonging[1][4:] == belonging[0][4:]).all()
    assert settlements_apart(one, two) <= {0, 1, 2, 3}


def test_funds_are_paid_for(tmp_path) -> None:
    opened = told(fund(date=EARLY, yuan_community=5000.0), tmp_path)
    assert cost(opened, "contracts") == pytest.approx([0] * 4 + [20_000] * 2)


def test_all_three_close_through_a_merger(small_case: Case) -> None:
    early = (recruit(active=0.3, date=EARLY), manage("commodity", "village", date=EARLY),
             fund(date=EARLY))  # fmt: skip
    model = run(small_case, scenario(small_case, *early, merge()), 40)
    assert model.state.contracts.yuan.sum() == pytest.approx(model.state.agreed)


# --- what is said ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lever", "code", "words"),
    [
        (recruit(), "bad-value", "give registered, active, or both"),
        (recruit(registered=2.0), "bad-value", "1"),
        (recruit(registerd=0.3), "unknown-key", "registered"),
        (recruit(active=0.3, scope={"townships": ["99990100"]}), "unknown-id", "did you mean"),
        (manage(form="joint"), "bad-value", "at least one"),
        (manage("courtyard"), "bad-value", "old_courtyard"),
        (manage("village", "village"), "bad-value", "once"),
        (manage("village", form="market"), "bad-value", "entrusted"),
        (manage("village", yuan_household=-1.0), "bad-value", "0"),
        (fund(yuan_household=1.0, yuan_community=1.0), "bad-value", "not both"),
        (fund(yuan_household=0), "bad-value", "greater than 0"),
        (fund(yuan=3.0), "unknown-key", "yuan_household"),
        (fund(date="May"), "bad-value", "date"),
    ],
)
def test_a_fault_is_one_message_with_its_line(small_case: Case, lever, code, words) -> None:
    with pytest.raises(InputError) as caught:
        scenario(small_case, lever)
    (p,) = caught.value.problems
    assert p.code == code and p.line and words in f"{p.message} {p.hint}", p


def test_what_can_be_said_of_a_lever_with_faults_is_said(small_case: Case) -> None:
    at_a, at_b, at_c = ({"communities": [name]} for name in "ABC")
    levers = (
        manage("village", yuan_household="x", scope=at_a),
        manage("village", form="x"),
        recruit(registered="x", active=0.3, scope=at_b),
        recruit(active="x"),
        fund(yuan_household="x", scope=at_c),
        {"property_management": {"date": DAY}},
    )
    with pytest.raises(InputError) as caught:
        scenario(small_case, *levers)
    codes = sorted(p.code for p in caught.value.problems)
    assert codes == ["bad-value"] * 5 + ["missing-key"] * 2 + ["unknown-id"] * 3


@pytest.mark.parametrize(
    ("lever", "en", "zh"),
    [
        (recruit(registered=0.3, active=0.15),
         "30.0% of residents are registered volunteers and 15.0% of registered volunteers are "
         "active.",
         "注册志愿者占居民的30.0%，注册志愿者中活跃者占15.0%。"),
        (manage("commodity", "old_courtyard", form="self", yuan_household=12.0),
         "commodity housing and old courtyards come under management by residents themselves: 85% "
         "of complaints remain, for a subsidy of 12 yuan a year and household.",
         "商品房小区、老旧院落实行居民自管，投诉降至85%，每户每年补贴12元。"),
        (fund(), "community funds have 50 yuan a year and household.",
         "设立社区基金，每户每年50元。"),
        (fund(yuan_community=30_000.0), "community funds have 30,000 yuan a year and community.",
         "设立社区基金，每个社区（村）每年30,000元。"),
    ],
)  # fmt: skip
def test_a_lever_says_what_it_does(small_case: Case, lever, en: str, zh: str) -> None:
    opened = scenario(small_case, lever)
    (said,), (said_zh,) = opened.describe(), opened.describe("zh")
    assert said.startswith(DAY) and said.endswith(en)
    assert said_zh.startswith(DAY) and said_zh.endswith(zh)


def test_management_counts_the_households_of_its_compounds_only(small_case_dir: Path) -> None:
    change(small_case_dir, "settlements", f"{UNITS[0]}01", compound="old_courtyard")
    case = Case.open(small_case_dir)
    (said,) = scenario(case, manage("old_courtyard")).describe()
    assert "in 1 community (60 households)" in said


def test_the_resolved_copy_does_the_same(small_case: Case) -> None:
    levers = recruit(active=0.2), manage("village"), fund(scope={"communities": [EAST[0]]})
    opened = scenario(small_case, *levers)
    path = small_case.path / "copy.yaml"
    path.write_text(opened.resolved(), encoding="utf-8")
    assert Scenario.open(path, small_case).digest == opened.digest
