"""Claims about levers on government matters: where they are done, and how long they take."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.phases.helpers import mean_by_office
from sim.processes.counters import front_minutes
from sim.world.ledger import CLASS
from sim.world.services import EVERYONE, TOWNSHIP
from tests.apart import BEGIN, offices_apart, pair, units_apart
from tests.cases import STREET, TOWN, UNITS
from tests.levers import (
    EAST,
    WEEK,
    WEST,
    change,
    merge,
    one_township,
    pull,
    redraw,
    run,
    scenario,
    start,
)

P = Parameters.load()
COUNTER = CLASS["counter"]
FIRST = {"communities": [UNITS[0]]}


def route(**keys):
    return {"route_matters": {"date": BEGIN, **keys}}


def window(**keys):
    return {"one_window": {"date": BEGIN, **keys}}


def asked(model, tier):
    """Needs a year on the line of government matters of a tier, by unit at the start."""
    s = model.state
    (line,) = (
        i for i, x in enumerate(s.lines.asked) if x.service == "government" and x.tier == tier
    )
    rates = np.bincount(s.households.settlement, model.rates.asked[:, line])
    return s.boundaries.sums(rates)


# --- route_matters --------------------------------------------------------------------------


def test_matters_move_to_the_centre_and_none_is_made_or_lost(small_case: Case) -> None:
    plain, routed = pair(small_case, route(township_share=0.9, scope=FIRST), weeks=8)
    before, after = ([asked(m, tier) for tier in (0, TOWNSHIP)] for m in (plain, routed))
    assert sum(after) == pytest.approx(sum(before), rel=1e-6)
    assert after[1][0] / sum(after)[0] == pytest.approx(0.9, rel=1e-6)
    assert (after[1][1:] == before[1][1:]).all()
    point, centre = (routed.state.offices.id.index(x) for x in (f"O-{UNITS[0]}", f"T-{STREET}"))
    change = routed.state.ledger.arrived[:, COUNTER] - plain.state.ledger.arrived[:, COUNTER]
    assert change[point] < 0 < change[centre]


def test_it_reaches_nobody_of_another_township(small_case: Case) -> None:
    plain, routed = pair(small_case, route(township_share=0.95, scope=FIRST))
    assert offices_apart(plain, routed) <= {f"O-{UNITS[0]}", f"O-{UNITS[1]}", f"T-{STREET}"}
    assert units_apart(plain, routed, "government") <= set(WEST)
    assert units_apart(plain, routed, "health", "culture", "elder_meals") == set()


def test_a_ramp_goes_in_equal_steps_from_what_held_before(small_case: Case) -> None:
    opened = scenario(
        small_case,
        route(township_share=0.8, scope=FIRST),
        route(township_share=0.2, ramp={"weeks": 6, "steps": 3}),
    )
    state = start(small_case)
    seen = []
    for lever in opened.levers:
        lever.apply(state)
        seen.append((state.policies.township[0], state.policies.township[-1]))
    usual = P["needs.township_tier"]
    step = (usual - 0.2) / 3
    assert seen[0] == pytest.approx((0.8, usual))
    assert seen[1:] == [pytest.approx((0.8 - 0.2 * n, usual - step * n)) for n in (1, 2, 3)]


def test_anywhere_opens_the_centres_of_its_scope_to_everybody(small_case: Case) -> None:
    opened = scenario(small_case, route(anywhere=True, scope={"townships": [STREET]}))
    state = pull(start(small_case), opened)
    f = state.facilities
    tiers = {f.id[i]: f.open_to[i] for i in range(len(f)) if f.id[i].startswith("TC-")}
    assert tiers == {f"TC-{STREET}": EVERYONE, f"TC-{TOWN}": TOWNSHIP}
    (line,) = (
        i for i, x in enumerate(state.lines.all) if x.service == "government" and x.tier == TOWNSHIP
    )
    slots = state.reach.slot[:, line]
    street = f.id.index(f"TC-{STREET}")
    assert (slots == street).any(axis=1).all(), "those of the other township as well"


def test_nearer_centres_of_others_are_used_and_nobody_goes_farther(small_case_dir: Path) -> None:
    far = {"settlement": f"{UNITS[3]}04", "x": 401_750, "y": 3_331_750}
    change(small_case_dir, "facilities", f"TC-{TOWN}", **far)
    case = Case.open(small_case_dir)
    plain, free = pair(case, route(anywhere=True), weeks=6)
    a, b = plain.state.reach.nearest, free.state.reach.nearest
    assert (b <= a).all() and (b < a).any()
    slot = free.state.facilities.id.index(f"TC-{STREET}")
    users = [(m.state.residents.usual == slot).any(axis=1) for m in (plain, free)]
    east = free.state.households.settlement >= 8
    assert not (users[0] & east).any() and (users[1] & east).any()


def test_a_centre_that_opens_later_is_open_to_everybody_as_well(small_case_dir: Path) -> None:
    one_township(small_case_dir)
    case = Case.open(small_case_dir)
    levers = route(anywhere=True), redraw(township_points="close")
    state = pull(start(case), scenario(case, *levers))
    f = state.facilities
    open_ = [i for i in np.flatnonzero(f.is_open(WEEK)) if f.id[i].startswith("TC-")]
    assert open_ and set(f.open_to[open_]) == {EVERYONE}


# --- one_window -----------------------------------------------------------------------------


@given(st.floats(0, 0.9), st.floats(0, 0.9))
def test_minutes_at_the_window_fall_in_proportion(a, b):
    low, high = sorted((a, b))
    more, less = front_minutes(np.array([low, high]), P)
    assert less <= more <= P["counter.front"]
    assert front_minutes(np.zeros(2), P).tolist() == [P["counter.front"]] * 2


def test_the_counter_takes_fewer_hours_and_nobody_waits_longer(small_case: Case) -> None:
    plain, fast = pair(small_case, window(spared_share=0.4), weeks=5)
    front, back = P["counter.front"], P["counter.back"]
    hours = [m.state.ledger.arrived[:, COUNTER] for m in (plain, fast)]
    assert hours[1] == pytest.approx(hours[0] * (0.6 * front + back) / (front + back))
    assert (fast.state.posted <= plain.state.posted).all()
    assert (fast.state.posted < plain.state.posted).any()


def test_an_office_saves_by_the_households_it_holds_for(small_case: Case) -> None:
    opened = scenario(small_case, window(spared_share=0.5, scope=FIRST), merge())
    state = pull(start(small_case), opened)
    spared = mean_by_office(state, state.policies.one_window)
    o, households = state.offices, state.census.households
    part = 0.5 * households[:4].sum() / households[:8].sum()
    merged = state.boundaries.units[state.boundaries.unit_row(WEST[0])].office
    assert spared[merged] == pytest.approx(part)
    assert spared[o.id.index(f"T-{STREET}")] == pytest.approx(part)
    assert not spared[[o.id.index(f"O-{u}") for u in EAST]].any()
    assert spared[o.id.index(f"T-{TOWN}")] == 0


def test_it_reaches_the_counters_of_its_scope_only(small_case: Case) -> None:
    plain, fast = pair(small_case, window(scope={"townships": [TOWN]}))
    assert offices_apart(plain, fast) <= {f"O-{u}" for u in EAST} | {f"T-{TOWN}"}
    assert f"T-{TOWN}" in offices_apart(plain, fast)
    assert units_apart(plain, fast) <= set(EAST)


# --- words and faults -----------------------------------------------------------------------


def test_what_they_say(small_case: Case) -> None:
    opened = scenario(
        small_case, route(township_share=0.9, anywhere=True), window(ramp={"weeks": 4, "steps": 2})
    )
    en, zh = (" ".join(opened.describe(lang)) for lang in ("en", "zh"))
    assert "90% of government matters are done at township centres" in en
    assert "from anywhere in the city" in en and "spares 10% of" in en and "spares 20% of" in en
    assert "90%的政务事项" in zh and "全市通办" in zh and "减少20%" in zh


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        (route(), "nothing is routed"),
        (route(anywhere=True, ramp={"weeks": 4}), "pilot or waves instead of ramp"),
        (route(township_share=1.2), "less than or equal to 1"),
        (route(township_share=0.9, scope={"communities": ["999901001009"]}), "no community"),
        (window(spared_share=1.0), "less than 1"),
        (window(spared_share="half"), "number"),
    ],
)
def test_what_is_refused(small_case: Case, lever, said) -> None:
    with pytest.raises(InputError) as caught:
        scenario(small_case, lever)
    assert said in " ".join(p.message for p in caught.value.problems)


def test_levers_that_only_measure_leave_later_ids_known(small_case: Case) -> None:
    bad = {"route_matters": {"date": BEGIN, "township_share": 7}}
    with pytest.raises(InputError) as caught:
        scenario(small_case, bad, merge(UNITS[0], "999901001009"))
    assert {p.code for p in caught.value.problems} >= {"unknown-id"}


def test_a_run_with_all_of_them_conserves(small_case: Case) -> None:
    levers = (
        route(township_share=0.9, anywhere=True, waves={"number": 2, "weeks": 5}),
        window(pilot={"communities": [UNITS[2]], "weeks": 4}),
        merge(date="2020-03-02"),
    )
    model = run(small_case, scenario(small_case, *levers), 30)
    assert model.applied == len(model.scenario.levers)
