"""Claims about service stations: where a rule puts them, who runs them, what they cost."""

from pathlib import Path

import numpy as np
import pytest

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.processes.workers import vacant_until
from sim.world.services import TOWNSHIP
from tests.apart import BEGIN, offices_apart, pair, units_apart
from tests.cases import STREET, TOWN, UNITS
from tests.levers import EAST, WEEK, one_township, pull, redraw, run, scenario, start
from tests.worlds import EMPTY, run_small, values

P = Parameters.load()
FIRST_WEEK = 4  # of BEGIN


def station(**keys):
    return {"add_station": {"date": BEGIN, **keys}}


def rule(**keys):
    return station(**{"radius_m": 1000.0, "least_persons": 300.0, **keys})


def stations(state):
    return np.flatnonzero(state.facilities.station)


def places(state):
    ids = state.world.settlements["id"].to_numpy()
    return [ids[i] for i in state.facilities.settlement[stations(state)]]


# --- the rule in a case ---------------------------------------------------------------------


def far_away(state, radius):
    """Persons present farther than the radius from every centre and station, by township."""
    f, b = state.facilities, state.boundaries
    by = [i for i in range(len(f)) if f.station[i] or f.id[i].startswith("TC-")]
    area = b.township_of()
    away = np.full(area.size, np.inf)
    for slot in by:
        mine = np.flatnonzero(area == state.offices.township[f.operator[slot]])
        where = np.full(mine.size, f.x[slot]), np.full(mine.size, f.y[slot])
        away[mine] = np.minimum(away[mine], state.travel.pairs(mine, *where))
    return np.bincount(area, state.census.present * (away > radius))


@pytest.mark.parametrize("radius", [700.0, 1000.0, 1500.0])
def test_stations_stand_at_seats_and_bring_people_nearer(small_case: Case, radius) -> None:
    plain = start(small_case)
    state = pull(start(small_case), scenario(small_case, rule(radius_m=radius)))
    seats = {f"{u}01" for u in UNITS}
    assert set(places(state)) <= seats and len(set(places(state))) == len(places(state))
    assert (far_away(state, radius) <= far_away(plain, radius)).all()
    assert far_away(state, radius).sum() < far_away(plain, radius).sum()


def test_where_all_are_near_enough_none_opens(small_case: Case) -> None:
    near = scenario(small_case, rule(radius_m=50_000.0))
    crowd = scenario(small_case, rule(least_persons=1e6))
    for opened in (near, crowd):
        assert len(stations(pull(start(small_case), opened))) == 0


def test_the_rule_sees_stations_that_are_there_or_on_their_way(small_case: Case) -> None:
    once, twice = (pull(start(small_case), scenario(small_case, *[rule()] * n)) for n in (1, 2))
    assert places(once) == places(twice) != []


def test_a_scope_bounds_who_counts_and_where_stations_stand(small_case: Case) -> None:
    opened = scenario(small_case, rule(scope={"townships": [TOWN]}))
    assert {p[:12] for p in places(pull(start(small_case), opened))} <= set(EAST)


def test_waves_open_them_part_by_part(small_case: Case) -> None:
    levers = rule(waves={"number": 2, "weeks": 6})
    model = run(small_case, scenario(small_case, levers), 25)
    f = model.state.facilities
    assert len({int(w) for w in f.opened[stations(model.state)]}) == 2


# --- one station ----------------------------------------------------------------------------


def test_it_opens_when_its_posts_are_filled(small_case: Case) -> None:
    opened = scenario(small_case, station(community=UNITS[1], posts=3, windows=2))
    model = run(small_case, opened, 5)
    s, first = model.state, vacant_until(FIRST_WEEK, P)
    f, w, office = s.facilities, s.workers, s.offices.id.index(f"T-{STREET}")
    (slot,) = stations(s)
    assert places(s) == [f"{UNITS[1]}01"]
    assert (f.opened[slot], f.operator[slot], f.open_to[slot]) == (first, office, TOWNSHIP)
    assert not f.is_open(s.week)[slot] and w.vacant(s.week)[w.office == office].sum() == 3
    while s.week <= first:
        model.step()
    assert f.is_open(s.week)[slot] and (w.hired[-3:] == first).all()
    assert model.now.matters[slot].sum() > 0
    assert s.staff.hired >= 3 and s.offices.workers[office] >= 3


def test_residents_of_its_township_use_it_and_others_do_not(small_case: Case) -> None:
    plain, more = pair(small_case, station(settlement=f"{UNITS[1]}04"), weeks=40)
    assert offices_apart(plain, more) <= {f"T-{STREET}"} | {f"O-{u}" for u in UNITS[:2]}
    assert f"T-{STREET}" in offices_apart(plain, more)
    assert units_apart(plain, more, "government") == set(UNITS[:2])
    assert units_apart(plain, more, "health", "culture", "elder_meals") == set()
    before, after = (m.state.reach.nearest for m in (plain, more))
    assert (after <= before).all() and (after < before).any()


def test_posts_floor_and_building_show_in_the_public_cost(small_case: Case) -> None:
    opened = scenario(small_case, station(community=UNITS[1], posts=2, floor_m2=600.0))
    kinds = [f"cost.{k}.per_head" for k in ("staff", "floor", "build")]
    with_, without = (run_small(30, 60, scenario=x) for x in (opened, EMPTY))
    persons = start(small_case).census.registered.sum()
    staff, floor, build = ((values(with_, k)[-1] - values(without, k)[-1]) * persons for k in kinds)
    assert floor == pytest.approx(600 * P["cost.floor_run"] * 12)
    assert build == pytest.approx(600 * P["cost.rebuild"] / P["cost.life"])
    assert staff == pytest.approx(2 * P["cost.worker"], abs=P["cost.worker"])


def test_two_in_one_place_on_one_day_are_two(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, *[station(community=UNITS[1])] * 2))
    f = state.facilities
    assert len({f.id[i] for i in stations(state)}) == 2
    assert len(set(state.workers.key.tolist())) == len(state.workers)


def test_a_merger_of_townships_leaves_stations_and_hands_them_on(small_case_dir: Path) -> None:
    one_township(small_case_dir)
    case = Case.open(small_case_dir)
    levers = station(community=UNITS[3]), redraw(township_points="close")
    state = pull(start(case), scenario(case, *levers))
    (slot,) = stations(state)
    f = state.facilities
    assert f.closed[slot] > WEEK + 1000 and not f.kept[slot]
    office = state.boundaries.townships[int(state.boundaries.township_of()[0])].office
    assert f.operator[slot] == office
    posts = state.workers.vacant(WEEK) & (state.workers.office == office)
    assert posts.sum() == int(P["station.posts"])
    assert run(case, scenario(case, *levers), 40).state.facilities.is_open(40)[slot]


def test_for_matters_done_anywhere_it_is_open_to_everybody(small_case: Case) -> None:
    anywhere = {"route_matters": {"date": BEGIN, "shares": {"station": 0.5, "anywhere": 0.5}}}
    levers = anywhere, station(community=UNITS[3])
    state = pull(start(small_case), scenario(small_case, *levers))
    (slot,) = stations(state)
    state.week = state.facilities.opened[slot]
    reach, west = state.reach, state.boundaries.origin < 2
    tiers = {x.tier: i for i, x in enumerate(state.lines.all) if x.service == "government"}
    used = {tier: (reach.slot[:, i] == slot).any(axis=1) for tier, i in tiers.items()}
    assert used["anywhere"].all()
    assert used["station"][~west].any() and not used["station"][west].any()
    assert not (used["township"] | used["community"] | used["online"]).any()


# --- words and faults -----------------------------------------------------------------------


def test_what_it_says(small_case: Case) -> None:
    opened = scenario(small_case, station(community=UNITS[1], posts=3), rule())
    placed, ruled = opened.describe("en")
    assert "opens in 桥头社区居民委员会" in placed and "3 posts, 480 m2" in placed
    assert "at least 300 persons within 1,000 m" in ruled and "9 weeks later" in ruled
    placed, ruled = opened.describe("zh")
    assert "增设政务服务站" in placed and "3个岗位" in placed
    assert "服务半径1,000米" in ruled and "300人" in ruled


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"community": "999901001009"}, "no community '999901001009'"),
        ({"settlement": f"{UNITS[0]}09"}, "no settlement"),
        ({"community": UNITS[0], "settlement": f"{UNITS[0]}01"}, "one of settlement and community"),
        ({"community": UNITS[0], "radius_m": 500.0}, "needs none of scope"),
        ({"settlement": f"{UNITS[0]}01", "scope": {"types": ["urban"]}}, "needs none of scope"),
        ({"ramp": {"weeks": 8}}, "pilot or waves instead of ramp"),
        ({"radius_m": 0}, "greater than 0"),
        ({"posts": 1.5}, "integer"),
        ({"way": "borrow"}, "'build'"),
    ],
)
def test_what_is_refused(small_case: Case, keys, said) -> None:
    with pytest.raises(InputError) as caught:
        scenario(small_case, station(**keys))
    assert said in " ".join(p.message for p in caught.value.problems)


def test_a_station_outside_the_scope_of_an_experiment_is_left_out(small_case: Case) -> None:
    west = small_case.scoped(counties=["甲区"])
    opened = scenario(west, station(community=UNITS[3]), station(community=UNITS[1]))
    assert len(opened.levers) == 1 and ("add_station", 1) in opened.left_out
