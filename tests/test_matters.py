"""Claims about levers on government matters: where they are done, and how long they take."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.phases.columns import Rates
from sim.phases.helpers import mean_by_office
from sim.processes.choice import ONLINE
from sim.processes.counters import front_minutes
from sim.world.households import DIGITAL
from sim.world.ledger import CLASS
from sim.world.services import TIERS
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
from tests.worlds import small_model

P = Parameters.load()
COUNTER = CLASS["counter"]
FIRST = {"communities": [UNITS[0]]}


def route(**keys):
    """The lever with these shares by tier, and its other keys."""
    shares = {tier: share for tier, share in keys.items() if tier in TIERS}
    rest = {key: value for key, value in keys.items() if key not in TIERS}
    return {"route_matters": {"date": BEGIN, "shares": shares, **rest}}


def window(**keys):
    return {"one_window": {"date": BEGIN, **keys}}


def asked(model, tier):
    """Needs a year on the line of government matters of a tier, by unit at the start."""
    s = model.state
    mine = [x.service == "government" and x.tier == tier for x in s.asked]
    rates = model.rates.asked[:, mine].sum(axis=1)
    return s.boundaries.sums(np.bincount(s.households.settlement, rates))


# --- route_matters --------------------------------------------------------------------------


def test_matters_move_to_the_centre_and_none_is_made_or_lost(small_case: Case) -> None:
    plain, routed = pair(small_case, route(community=0.1, station=0.9, scope=FIRST), weeks=8)
    before, after = ([asked(m, tier) for tier in TIERS] for m in (plain, routed))
    assert sum(after) == pytest.approx(sum(before), rel=1e-6)
    assert after[1][0] / sum(after)[0] == pytest.approx(0.9, rel=1e-6)
    assert (after[1][1:] == before[1][1:]).all()
    point, centre = (routed.state.offices.id.index(x) for x in (f"O-{UNITS[0]}", f"T-{STREET}"))
    change = routed.state.ledger.arrived[:, COUNTER] - plain.state.ledger.arrived[:, COUNTER]
    assert change[point] < 0 < change[centre]


@given(st.lists(st.integers(0, 20), min_size=5, max_size=5).filter(any))
def test_needs_are_as_many_whatever_the_shares(parts):
    state = small_model().state
    before = Rates.of(state).asked[:, :2].sum(axis=1)
    shares = np.array(parts) / sum(parts)
    state.route(np.arange(len(state.policies.tiers)), shares)
    after = Rates.of(state).asked
    lines = {x.tier: i for i, x in enumerate(state.asked) if x.service == "government"}
    for tier, share in zip(TIERS, shares, strict=True):
        assert tier in lines or share == 0
        asked = after[:, lines[tier]] if tier in lines else 0 * before
        assert asked == pytest.approx(before * share, rel=1e-5)


def test_it_reaches_nobody_of_another_township(small_case: Case) -> None:
    shares = {"community": 0.05, "station": 0.35, "township": 0.3, "online": 0.3}
    plain, routed = pair(small_case, route(**shares, scope=FIRST))
    assert offices_apart(plain, routed) <= {f"O-{UNITS[0]}", f"O-{UNITS[1]}", f"T-{STREET}"}
    assert units_apart(plain, routed, "government") <= set(WEST)
    assert units_apart(plain, routed, "health", "culture", "elder_meals") == set()


def test_to_route_matters_where_they_are_changes_nothing(small_case: Case) -> None:
    upper = P["needs.township_tier"]
    plain, routed = pair(small_case, route(community=1 - upper, station=upper), weeks=6)
    assert offices_apart(plain, routed) == set()
    assert units_apart(plain, routed, "government", "community", "health") == set()


def test_a_ramp_goes_in_equal_steps_from_what_held_before(small_case: Case) -> None:
    opened = scenario(
        small_case,
        route(community=0.2, station=0.8, scope=FIRST),
        route(community=0.5, station=0.2, online=0.3, ramp={"weeks": 6, "steps": 3}),
    )
    state = start(small_case)
    tiers = state.policies.tiers
    seen = []
    for lever in opened.levers:
        lever.apply(state)
        seen.append((tiers[0].tolist(), tiers[-1].tolist()))
        assert tiers.sum(axis=1) == pytest.approx(1)
    usual, goal = P["needs.township_tier"], np.array([0.5, 0.2, 0, 0.3, 0])
    first, other = np.array([0.2, 0.8, 0, 0, 0]), np.array([1 - usual, usual, 0, 0, 0])
    for n, (here, there) in enumerate(seen):
        assert here == pytest.approx(first + n / 3 * (goal - first))
        assert there == pytest.approx(other + n / 3 * (goal - other))


def test_centres_take_everybody_with_matters_done_anywhere_and_with_no_others(
    small_case: Case,
) -> None:
    opened = scenario(small_case, route(station=0.5, anywhere=0.5))
    state = pull(start(small_case), opened)
    lines = {x.tier: i for i, x in enumerate(state.lines.all) if x.service == "government"}
    street = state.facilities.id.index(f"TC-{STREET}")
    there = {t: (state.reach.slot[:, i] == street).any(axis=1) for t, i in lines.items()}
    home = state.boundaries.township_of() == state.boundaries.township_of()[0]
    assert there["anywhere"].all() and not there["community"].any()
    assert (there["station"] == home).all() and (there["township"] == home).all()


def test_nearer_centres_of_others_are_used_and_nobody_goes_farther(small_case_dir: Path) -> None:
    far = {"settlement": f"{UNITS[3]}04", "x": 401_750, "y": 3_331_750}
    change(small_case_dir, "facilities", f"TC-{TOWN}", **far)
    case = Case.open(small_case_dir)
    plain, free = pair(case, route(community=0.35, anywhere=0.65), weeks=6)
    lines = {x.tier: i for i, x in enumerate(free.state.lines.all) if x.service == "government"}
    nearest = free.state.reach.nearest
    own, other = nearest[:, lines["station"]], nearest[:, lines["anywhere"]]
    assert (other <= own).all() and (other < own).any()
    slot = free.state.facilities.id.index(f"TC-{STREET}")
    users = [(m.state.residents.usual == slot).any(axis=1) for m in (plain, free)]
    east = free.state.households.settlement >= 8
    assert not (users[0] & east).any() and (users[1] & east).any()


def test_a_centre_that_opens_later_is_open_to_everybody_as_well(small_case_dir: Path) -> None:
    one_township(small_case_dir)
    case = Case.open(small_case_dir)
    levers = route(community=0.3, anywhere=0.7), redraw(township_points="close")
    state = pull(start(case), scenario(case, *levers))
    f = state.facilities
    open_ = [i for i in np.flatnonzero(f.is_open(WEEK)) if f.id[i].startswith("TC-")]
    (line,) = (i for i, x in enumerate(state.lines.all) if x.tier == "anywhere")
    assert open_ and all((state.reach.slot[:, line] == i).any(axis=1).all() for i in open_)


def test_matters_of_the_centre_alone_are_not_done_at_a_station(small_case: Case) -> None:
    here = {"add_station": {"date": BEGIN, "community": UNITS[3]}}
    used = {}
    for tier in ("station", "township"):
        opened = scenario(small_case, here, route(**{tier: 1.0}))
        model = run(small_case, opened, 30)
        f = model.state.facilities
        slot = next(i for i in range(len(f)) if f.station[i])
        assert f.is_open(model.state.week)[slot]
        used[tier] = (model.state.residents.usual == slot).sum()
    assert used["station"] > 0 == used["township"]


def test_matters_on_the_web_need_no_way_and_those_without_the_skill_come_to_the_point(
    small_case: Case,
) -> None:
    _, routed = pair(small_case, route(community=0.35, online=0.65), weeks=14)
    s, e = routed.state, routed.now.errands
    lines = {x.tier: i for i, x in enumerate(s.asked) if x.service == "government"}
    row = e.of_line(lines["online"])
    able = (s.households.flags[e.household[row]] & DIGITAL) > 0
    slot = e.slot[row]
    assert (slot[able] == ONLINE).any() and not (slot[~able] == ONLINE).any()
    assert not (e.slot[e.of_line(lines["community"])] == ONLINE).any()
    usual = s.residents.usual[:, lines["online"]]
    went = usual >= 0
    assert (went & ((s.households.flags & DIGITAL) == 0)).any()
    centre = np.array([i.startswith("TC-") for i in s.facilities.id])
    assert not centre[usual[went]].any()


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
        small_case,
        route(community=0.1, station=0.4, anywhere=0.5),
        window(ramp={"weeks": 4, "steps": 2}),
    )
    en, zh = (" ".join(opened.describe(lang)) for lang in ("en", "zh"))
    assert "government matters are done 10% at the own point, 40% at stations and the" in en
    assert (
        "50% at any centre or station of the city" in en
        and "spares 10% of" in en
        and "spares 20% of" in en
    )
    assert "10%在本社区（村）办理" in zh and "全市通办" in zh and "减少20%" in zh


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        (route(), "the shares add up to 0"),
        (route(community=0.3, station=0.6), "the shares add up to 0.9"),
        (route(community=1.2), "less than or equal to 1"),
        (route(community=1.0, scope={"communities": ["999901001009"]}), "no community"),
        (window(spared_share=1.0), "less than 1"),
        (window(spared_share="half"), "number"),
    ],
)
def test_what_is_refused(small_case: Case, lever, said) -> None:
    with pytest.raises(InputError) as caught:
        scenario(small_case, lever)
    assert said in " ".join(p.message for p in caught.value.problems)


def test_levers_that_only_measure_leave_later_ids_known(small_case: Case) -> None:
    bad = {"route_matters": {"date": BEGIN, "shares": {"station": 7}}}
    with pytest.raises(InputError) as caught:
        scenario(small_case, bad, merge(UNITS[0], "999901001009"))
    assert {p.code for p in caught.value.problems} >= {"unknown-id"}


def test_a_run_with_all_of_them_conserves(small_case: Case) -> None:
    levers = (
        route(community=0.1, online=0.4, anywhere=0.5, waves={"number": 2, "weeks": 5}),
        window(pilot={"communities": [UNITS[2]], "weeks": 4}),
        merge(date="2020-03-02"),
    )
    model = run(small_case, scenario(small_case, *levers), 30)
    assert model.applied == len(model.scenario.levers)
