"""Claims about levers on assigned work: what is refused, what is paid for, what comes first."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.description.account import Account
from sim.model import SharedPast, simulate
from sim.outcomes.recorder import Record
from sim.phases.conservation import Breach, check_conservation
from sim.processes.work import CENTRE, ORDERS, RESIDENTS_FIRST, USUAL, allocate, order_of
from sim.world.ledger import CLASS, CLASSES
from tests.apart import BEGIN, offices_apart, pair, units_apart
from tests.cases import STREET, TOWN, UNITS
from tests.levers import EAST, START, WEST, merge, run, scenario
from tests.worlds import EMPTY, run_small, small_world, values

P = Parameters.load()
ASSIGNED = CLASS["assigned"]
FIRST = {"communities": [UNITS[0]]}
hours = st.floats(0, 1e3)
tables = arrays(float, (6, len(CLASSES)), elements=hours)
column = arrays(float, 6, elements=hours)


def admit(**keys):
    return {"admission_list": {"date": BEGIN, **keys}}


def fund(**keys):
    return {"funding_follows_task": {"date": BEGIN, **keys}}


def first(**keys):
    return {"service_first": {"date": BEGIN, **keys}}


def slot(model, name):
    return model.state.offices.id.index(name)


# --- orders ---------------------------------------------------------------------------------


def test_every_order_holds_every_class_once():
    assert all(sorted(order) == list(range(len(CLASSES))) for order in ORDERS)
    names = [[CLASSES[c] for c in order] for order in ORDERS]
    assert names[USUAL] == list(CLASSES)
    for visited in ("counter", "visits_high", "visits_focus", "visits_general"):
        first = names[RESIDENTS_FIRST]
        assert first.index(visited) < first.index("assigned")
    assert names[CENTRE][-1] == "assigned"


@given(tables, tables, column, tables, arrays(np.int8, 6, elements=st.integers(0, 2)))
def test_offices_of_different_orders_do_not_touch_each_other(demand, waiting, can, most, order):
    done, extra = allocate(demand, waiting, can, order, most, 0.15)
    for code in range(len(ORDERS)):
        alone = allocate(demand, waiting, can, code, most, 0.15)
        mine = order == code
        assert (done[mine] == alone[0][mine]).all() and (extra[mine] == alone[1][mine]).all()


def test_the_order_of_an_office_is_that_of_most_of_its_households():
    share, centre = np.array([0, 0.5, 0.51, 1, 0, 1]), np.array([0, 0, 0, 0, 1, 1], bool)
    expected = [USUAL, USUAL, RESIDENTS_FIRST, RESIDENTS_FIRST, CENTRE, RESIDENTS_FIRST]
    assert order_of(centre, share).tolist() == expected


# --- admission_list -------------------------------------------------------------------------


def test_what_communities_refuse_arrives_at_their_townships(small_case: Case) -> None:
    plain, listed = pair(small_case, admit(refused_share=0.3), weeks=5)
    before, after = (m.state.ledger.arrived[:, ASSIGNED] for m in (plain, listed))
    assert after.sum() == pytest.approx(before.sum())
    for township, units in ((STREET, WEST), (TOWN, EAST)):
        mine = [slot(plain, f"O-{u}") for u in units]
        assert after[mine] == pytest.approx(0.7 * before[mine])
        assert after[slot(plain, f"T-{township}")] == pytest.approx(0.3 * before[mine].sum())


def test_the_windows_of_a_centre_are_served_before_what_was_passed_up(small_case: Case) -> None:
    plain, listed = pair(small_case, admit(refused_share=1.0), weeks=6)
    counter = CLASS["counter"]
    centres = [slot(plain, f"T-{t}") for t in (STREET, TOWN)]
    a, b = (m.state.ledger.done[centres, counter] for m in (plain, listed))
    assert (a == b).all() and (listed.state.ledger.backlog()[centres, ASSIGNED] > 0).all()


def test_it_reaches_its_office_and_that_of_the_township(small_case: Case) -> None:
    plain, listed = pair(small_case, admit(scope=FIRST))
    assert offices_apart(plain, listed) == {f"O-{UNITS[0]}", f"T-{STREET}"}
    assert units_apart(plain, listed) <= set(WEST)
    assert units_apart(plain, listed, "health", "culture", "elder_meals") == set()


def test_hours_passed_up_are_an_outcome(small_case: Case) -> None:
    opened = scenario(small_case, admit())
    with_, without = (run_small(8, 60, scenario=x) for x in (opened, EMPTY))
    name = "workload.hours.passed_up"
    assert set(values(without, name)) == {0.0}
    passed = values(with_, name)[-1]
    assert passed > 0 and values(with_, name, "township")[-1] == pytest.approx(passed)
    load = [values(r, "workload.offices.load")[-1] for r in (with_, without)]
    assert load[0] < load[1]


def test_hours_refused_that_go_nowhere_stop_the_run(small_case: Case) -> None:
    model = run(small_case, scenario(small_case, admit()), 6)
    model.now.passed = model.now.passed * 0.5
    with pytest.raises(Breach, match="did not reach their townships"):
        check_conservation(model)


# --- funding_follows_task -------------------------------------------------------------------


def test_money_buys_hours_of_the_work_it_comes_with(small_case: Case) -> None:
    model = run(small_case, scenario(small_case, fund(yuan_hour=30.0)), 60)
    s, now = model.state, model.now
    asked = s.ledger.arrived[:, ASSIGNED]
    assert now.funds == pytest.approx(52 * 30 * asked)
    share = 30 / P["contracts.hour"] * P["contracts.effective"]
    assert now.taken[2, :, ASSIGNED] == pytest.approx(share * asked)
    others = [c for c in range(len(CLASSES)) if c != ASSIGNED]
    assert not now.taken[2][:, others].any()


def test_it_takes_the_time_that_organisations_take(small_case: Case) -> None:
    levers = fund(yuan_hour=30.0, ramp={"weeks": 8, "steps": 2})
    opened = scenario(small_case, levers)
    early, late = (run(small_case, opened, n).now.taken[2].sum() for n in (6, 40))
    assert 0 < early < 0.2 * late
    assert run(small_case, opened, 5).now.taken[2].sum() == 0


def test_more_money_than_there_is_work_is_paid_and_shown_as_idle(small_case: Case) -> None:
    model = run(small_case, scenario(small_case, fund(yuan_hour=100.0)), 40)
    asked = model.state.ledger.arrived[:, ASSIGNED]
    assert model.now.taken[2, :, ASSIGNED] == pytest.approx(asked)
    assert model.now.idle == pytest.approx(asked * (100 / 60 * 0.9 - 1))
    assert model.now.funds.sum() == pytest.approx(52 * 100 * asked.sum())


def test_its_cost_is_that_of_contracts(small_case: Case) -> None:
    opened = scenario(small_case, fund())
    with_, without = (run_small(8, 60, scenario=x) for x in (opened, EMPTY))
    assert set(values(without, "cost.contracts.per_head")) == {0.0}
    state = run(small_case, opened, 8).state
    yuan = 52 * P["funding.hour"] * state.ledger.arrived[:, ASSIGNED].sum()
    cost = values(with_, "cost.contracts.per_head")[-1]
    assert cost == pytest.approx(yuan / state.census.registered.sum())


def test_what_a_description_counts_is_what_the_run_pays(small_case: Case) -> None:
    model = run(small_case, scenario(small_case, fund(), admit()), 8)
    account = Account.of(model.state)
    assert model.now.funds.sum() > 0
    assert account.costs["contracts"] == pytest.approx(model.now.funds.sum())


def test_it_reaches_its_office_only(small_case: Case) -> None:
    plain, funded = pair(small_case, fund(scope=FIRST))
    assert offices_apart(plain, funded) == {f"O-{UNITS[0]}"}
    assert units_apart(plain, funded) <= {UNITS[0]}


def test_what_is_refused_takes_its_money_along(small_case: Case) -> None:
    plain, both = (
        run(small_case, scenario(small_case, *x), 8)
        for x in ([fund()], [fund(), admit(refused_share=0.5)])
    )
    assert both.now.funds.sum() == pytest.approx(plain.now.funds.sum())
    assert both.now.funds[slot(both, f"T-{STREET}")] > 0


# --- service_first --------------------------------------------------------------------------


def test_visits_and_counters_go_before_tasks(small_case: Case) -> None:
    opened = scenario(small_case, first())
    usual, turned = (run_small(20, 300, scenario=x, work__tasks=160) for x in (EMPTY, opened))
    for group in ("high", "focus", "general"):
        name = f"use.home_care.coverage_{group}"
        assert values(turned, name)[-1] >= values(usual, name)[-1]
    assert sum(values(turned, "workload.hours.assigned")) < sum(
        values(usual, "workload.hours.assigned")
    )
    assert (
        values(turned, "workload.offices.backlog")[-1]
        > values(usual, "workload.offices.backlog")[-1]
    )


def test_it_turns_the_order_of_its_own_offices_only(small_case: Case) -> None:
    plain, turned = pair(small_case, first(scope=FIRST))
    assert turned.now.order.tolist() == [RESIDENTS_FIRST, USUAL, USUAL, USUAL, CENTRE, CENTRE]
    assert offices_apart(plain, turned) <= {f"O-{UNITS[0]}"}
    assert units_apart(plain, turned) <= {UNITS[0]}


def test_a_merged_office_follows_most_of_its_households(small_case: Case) -> None:
    for lead, expected in ((UNITS[0], USUAL), (UNITS[1], RESIDENTS_FIRST)):
        levers = first(scope={"communities": [lead]}), merge(date="2020-02-17")
        model = run(small_case, scenario(small_case, *levers), 8)
        office = model.state.boundaries.units[model.state.boundaries.unit_row(UNITS[0])].office
        assert model.now.order[office] == expected  # the second unit has more households


# --- words and faults -----------------------------------------------------------------------


def test_what_they_say(small_case: Case) -> None:
    opened = scenario(small_case, admit(), fund(ramp={"weeks": 4, "steps": 2}), first())
    en, zh = (" ".join(opened.describe(lang)) for lang in ("en", "zh"))
    assert "refuse 20% of the hours" in en and "10 yuan come" in en and "20 yuan come" in en
    assert "go before assigned work" in en
    assert "20%的交办工作" in zh and "每小时拨付20元" in zh and "先于上级交办" in zh


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        (admit(refused_share=1.5), "less than or equal to 1"),
        (admit(refused_share=0.0), "greater than 0"),
        (fund(yuan_hour=-3.0), "greater than 0"),
        (first(ramp={"weeks": 4}), "pilot or waves instead of ramp"),
        (first(scope={"counties": ["丙县"]}), "no county '丙县'"),
        (admit(share=0.5), "refused_share"),
    ],
)
def test_what_is_refused(small_case: Case, lever, said) -> None:
    with pytest.raises(InputError) as caught:
        scenario(small_case, lever)
    assert said in " ".join(f"{p.message} {p.hint}" for p in caught.value.problems)


def test_a_run_is_the_same_with_a_shared_past(small_case: Case) -> None:
    station = {"add_station": {"date": BEGIN, "community": UNITS[1]}}
    routed = {"route_matters": {"date": "2020-03-02", "shares": {"anywhere": 0.9, "online": 0.1}}}
    opened = scenario(small_case, admit(), fund(date="2020-02-17"), first(), station, routed)
    past = SharedPast.of((EMPTY, opened), START)
    for chosen in (EMPTY, opened, EMPTY, opened):
        together = simulate(
            small_world(), chosen, EMPTY, parameters=P, start=START, weeks=20, seed=1,
            replicate=0, record=Record(1, 4, 4), past=past,
        )  # fmt: skip
        alone = run_small(20, scenario=chosen)
        pd.testing.assert_frame_equal(together.outcomes, alone.outcomes, check_exact=True)


def test_a_run_with_all_of_them_conserves(small_case: Case) -> None:
    levers = (
        admit(waves={"number": 2, "weeks": 5}),
        fund(ramp={"weeks": 9}),
        first(pilot={"communities": [UNITS[2]], "weeks": 4}),
        merge(date="2020-03-02"),
    )
    model = run(small_case, scenario(small_case, *levers), 60)
    assert model.applied == len(model.scenario.levers)
