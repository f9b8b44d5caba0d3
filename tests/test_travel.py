"""Claims about metres and minutes: closed forms of geometry, streets, and the reach table."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.services import COMMUNITY, EVERYONE, TOWNSHIP
from sim.world.streets import StreetTravel
from sim.world.travel import Pace, StraightTravel
from tests.worlds import small_model

P = Parameters.load()
PACE = Pace.of(P)
CENTRE = 0.382598  # mean distance of a unit square to its middle


def cells(side, n=200):
    """Middles of the cells of an n x n grid over a square."""
    line = (np.arange(n) + 0.5) * side / n
    return tuple(a.ravel() for a in np.meshgrid(line, line))


def mean_metres(x, y, points):
    travel = StraightTravel(x, y, np.ones(x.size))
    px, py = np.array(points, float).T
    _, metres = travel.nearest(px, py, np.arange(px.size), 1)
    return metres[:, 0].mean()


def test_mean_distance_to_the_middle_of_a_square():
    assert mean_metres(*cells(1.0), [(0.5, 0.5)]) == pytest.approx(CENTRE, rel=1e-4)


def test_mean_distance_to_the_middle_of_a_disc():
    x, y = cells(2.0, 400)
    inside = np.hypot(x - 1, y - 1) <= 1
    assert mean_metres(x[inside], y[inside], [(1, 1)]) == pytest.approx(2 / 3, rel=1e-3)


@pytest.mark.parametrize(
    ("points", "factor"),
    [
        ([(1, 1)], 2.0),  # four equal squares merged and served from the middle
        ([(0.5, 0.5)], 2.5568),  # from one of the old centres
        ([(0.5, 0.5), (1.5, 0.5), (0.5, 1.5), (1.5, 1.5)], 1.0),  # all four kept
    ],
)
def test_a_merger_of_four_squares(points, factor):
    assert mean_metres(*cells(2.0, 400), points) / CENTRE == pytest.approx(factor, rel=2e-4)


@pytest.mark.parametrize("side", [2, 3, 5])
@pytest.mark.parametrize("detour", [1.0, 1.6])
def test_merging_k_equal_squares_lengthens_the_way_by_the_root_of_k(side, detour):
    # the scale law: one point in the middle for k times the area is sqrt(k) times as far
    x, y = cells(float(side), 100 * side)
    travel = StraightTravel(x, y, np.full(x.size, detour))
    _, metres = travel.nearest(np.array([side / 2]), np.array([side / 2]), np.arange(1), 1)
    assert metres.mean() == pytest.approx(detour * side * CENTRE, rel=2e-4)


def test_distance_to_scattered_points_falls_as_the_root_of_their_number():
    # Poisson points of density r: 0.5 / sqrt(r); T3
    rng = np.random.default_rng(5)
    for r in (100, 400, 1600):
        found = []
        for _ in range(8):
            points = rng.uniform(-0.5, 1.5, (rng.poisson(4 * r), 2))  # a margin: no edge effect
            found.append(mean_metres(*cells(1.0, 60), points))
        assert np.mean(found) == pytest.approx(0.5 / np.sqrt(r), rel=0.04)


def test_detours_lengthen_the_way_of_their_own_settlement_only():
    travel = StraightTravel(np.zeros(2), np.array([0.0, 10.0]), np.array([1.3, 1.6]))
    metres = travel.pairs(np.array([0, 1]), np.array([30.0, 30.0]), np.array([40.0, 50.0]))
    assert metres == pytest.approx([65, 80])


@given(st.floats(0, 50_000), st.floats(0, 50_000), st.integers(0, 3))
def test_minutes_never_fall_when_metres_grow(a, b, travel_class):
    low, high = sorted((a, b))
    assert PACE.minutes(np.array(low), travel_class) <= PACE.minutes(np.array(high), travel_class)


@given(st.floats(0, 50_000))
def test_a_vehicle_and_younger_legs_never_lengthen_a_trip(metres):
    adult, adult_own, old, old_own = (PACE.minutes(np.array(metres), c) for c in range(4))
    assert adult_own <= adult <= old and adult_own <= old_own <= old


def test_minutes_are_the_lesser_of_walking_and_riding():
    assert PACE.minutes(np.array(600.0), 0) == 10
    assert PACE.minutes(np.array(600.0), 2) == 12
    assert PACE.minutes(np.array(5000.0), 1) == 10 + 20
    assert PACE.minutes(np.array(5000.0), 0) == 20 + 20


points = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=14
).map(lambda p: np.array(p, float))  # fmt: skip


@given(points, points, st.integers(1, 6))
def test_the_nearest_are_those_of_a_full_search(homes, sites, k):
    travel = StraightTravel(*homes.T, np.full(len(homes), 1.3))
    rank = np.arange(len(sites))[::-1].copy()
    row, metres = travel.nearest(*sites.T, rank, k)
    for s, (x, y) in enumerate(homes):
        far = 1.3 * np.hypot(sites[:, 0] - x, sites[:, 1] - y)
        assert metres[s, : len(sites)] == pytest.approx(np.sort(far)[:k])
        assert (row[s, len(sites) :] == -1).all() and np.isinf(metres[s, len(sites) :]).all()
        found = row[s, row[s] >= 0]
        assert np.unique(found).size == found.size
        tied = np.diff(metres[s, : found.size]) == 0
        assert (np.diff(rank[found])[tied] > 0).all()  # equal distances by rank


def streets(edges, side=4):
    nodes = [(i, j) for i in range(side) for j in range(side)]
    table = pd.DataFrame(
        {
            "id": [f"n{i}{j}" for i, j in nodes],
            "x": [100.0 * i for i, _ in nodes],
            "y": [100.0 * j for _, j in nodes],
        }
    )
    ways = pd.DataFrame(edges, columns=["from", "to", "metres", "one_way"])
    rng = np.random.default_rng(3)
    return StreetTravel.of(table, ways, *rng.uniform(0, 300, (2, 30)))


NODE = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda p: f"n{p[0]}{p[1]}")
EDGE = st.tuples(NODE, NODE, st.integers(1, 400), st.integers(0, 1)).filter(lambda e: e[0] != e[1])


def all_pairs(travel):
    x, y = np.array([20.0, 150.0, 290.0]), np.array([40.0, 160.0, 10.0])
    settlement = np.repeat(np.arange(30), 3)
    return travel.pairs(settlement, np.tile(x, 30), np.tile(y, 30)).reshape(30, 3), (x, y)


@settings(max_examples=50)
@given(st.lists(EDGE, min_size=1, max_size=30), EDGE)
def test_adding_a_street_never_raises_a_travel_time(edges, further):
    before, _ = all_pairs(streets(edges))
    after, _ = all_pairs(streets([*edges, further]))
    assert (after <= before + 1e-9).all()


@settings(max_examples=30)
@given(st.lists(EDGE, min_size=1, max_size=30))
def test_the_nearest_by_street_are_those_of_all_pairs(edges):
    travel = streets(edges)
    metres, (x, y) = all_pairs(travel)
    row, near = travel.nearest(x, y, np.arange(3), 4)
    assert near[:, :3] == pytest.approx(np.sort(metres, axis=1))
    assert (row[:, 3] == -1).all()
    for s in range(30):
        open_ = row[s] >= 0
        assert metres[s, row[s, open_]] == pytest.approx(near[s, open_])


def test_a_one_way_street_is_walked_in_its_direction_only():
    nodes = pd.DataFrame({"id": ["a", "b"], "x": [0.0, 100.0], "y": [0.0, 0.0]})
    edges = pd.DataFrame({"from": ["a"], "to": ["b"], "metres": [130.0], "one_way": [1]})
    travel = StreetTravel.of(nodes, edges, np.array([0.0, 100.0]), np.array([5.0, 0.0]))
    there = travel.pairs(np.array([0]), np.array([100.0]), np.array([0.0]))
    back = travel.pairs(np.array([1]), np.array([0.0]), np.array([0.0]))
    assert there == pytest.approx([135]) and np.isinf(back).all()


def test_of_two_parallel_streets_the_shorter_counts():
    nodes = pd.DataFrame({"id": ["a", "b"], "x": [0.0, 100.0], "y": [0.0, 0.0]})
    edges = pd.DataFrame({"from": ["a", "a"], "to": ["b", "b"], "metres": [300.0, 120.0]})
    travel = StreetTravel.of(nodes, edges, np.array([0.0]), np.array([0.0]))
    assert travel.pairs(np.array([0]), np.array([100.0]), np.array([0.0])) == pytest.approx([120])


def one_street(homes, sites, metres=100.0, ride=None, **more):
    nodes = pd.DataFrame({"id": ["a", "b"], "x": [0.0, 100.0], "y": [0.0, 0.0]})
    edges = pd.DataFrame({"from": ["a"], "to": ["b"], "metres": [metres]}).assign(**more)
    travel = StreetTravel.of(nodes, edges, *np.array(homes, float).T, ride)
    where = np.arange(len(homes)), *np.array(sites, float).T
    return travel.pairs(*where), travel.ridden(*where)


def test_one_steps_onto_the_street_beside_the_door_not_at_the_next_crossing():
    assert one_street([(30, 5)], [(80, 0)])[0] == pytest.approx([5 + 50])
    # the street winds: half of it is half its metres
    assert one_street([(30, 5)], [(80, 12)], metres=200.0)[0] == pytest.approx([5 + 100 + 12])
    # one that lies beside the crossing steps onto that
    assert one_street([(-20, 0)], [(80, 0)])[0] == pytest.approx([20 + 80])


def test_along_a_one_way_street_one_may_have_to_go_round():
    forth, back = (one_street([(x, 0)], [(y, 0)], one_way=1)[0] for x, y in ((30, 80), (80, 30)))
    assert forth == pytest.approx([50]) and np.isinf(back).all()
    nodes = pd.DataFrame({"id": ["a", "b"], "x": [0.0, 100.0], "y": [0.0, 0.0]})
    edges = pd.DataFrame(
        {"from": ["a", "b"], "to": ["b", "a"], "metres": [100.0, 300.0], "one_way": [1, 1]}
    )
    travel = StreetTravel.of(nodes, edges, np.array([80.0]), np.array([0.0]))
    # both streets lie at the door, and the way back is on the longer one: half of its 300 m
    there = travel.pairs(np.array([0]), np.array([30.0]), np.array([0.0]))
    assert there == pytest.approx([150])


def test_riders_go_at_the_speed_of_the_street_and_walkers_do_not():
    homes, sites = [(30, 5)], [(80, 0)]
    assert one_street(homes, sites, ride=250.0)[1] is None
    metres, ridden = one_street(homes, sites, ride=250.0, speed=500.0)
    assert metres == pytest.approx([55]) and ridden == pytest.approx([5 + 25])
    metres, ridden = one_street(homes, sites, ride=250.0, speed=0.0)
    assert metres == pytest.approx([55]) and np.isinf(ridden).all()


def by_hand(nodes, edges, home, site):
    """Shortest way between two points by relaxing every leg until nothing changes."""
    legs = []
    stops = {p: [] for p in range(len(edges))}
    for name, point in (("home", home), ("site", site)):
        away = {n: float(np.hypot(*(point - xy))) for n, xy in nodes.items()}
        near = min(away, key=away.get)
        steps = [(near, away[near])]
        for i, (a, b, _, _) in enumerate(edges):
            along = nodes[b] - nodes[a]
            t = float(np.clip((point - nodes[a]) @ along / (along @ along), 0, 1))
            far = float(np.hypot(*(point - nodes[a] - t * along)))
            if far < away[near] - 1e-9:
                stops[i].append((t, (name, i)))
                steps.append(((name, i), far))
        for place, far in steps:
            legs.append((name, place, far) if name == "home" else (place, name, far))
    for i, (a, b, metres, one_way) in enumerate(edges):
        line = sorted([(0.0, a), (1.0, b), *stops[i]], key=lambda x: x[0])
        for (t, x), (u, y) in pairwise(line):
            legs.append((x, y, (u - t) * metres))
            if not one_way:
                legs.append((y, x, (u - t) * metres))
    way = {"home": 0.0}
    for _ in range(len(legs)):
        for x, y, m in legs:
            if x in way and way[x] + m < way.get(y, np.inf) - 1e-12:
                way[y] = way[x] + m
    return way.get("site", np.inf)


SPOT = st.tuples(st.integers(-30, 330), st.integers(-30, 330)).map(lambda p: np.array(p, float))


@settings(max_examples=60)
@given(st.lists(EDGE, min_size=1, max_size=12), SPOT, SPOT)
def test_ways_by_street_are_those_found_by_hand(edges, home, site):
    nodes = {f"n{i}{j}": np.array([100.0 * i, 100.0 * j]) for i in range(4) for j in range(4)}
    table = pd.DataFrame({"id": list(nodes), "x": [p[0] for p in nodes.values()],
                          "y": [p[1] for p in nodes.values()]})  # fmt: skip
    ways = pd.DataFrame(edges, columns=["from", "to", "metres", "one_way"])
    travel = StreetTravel.of(table, ways, *home[:, None])
    found = travel.pairs(np.array([0]), *site[:, None])[0]
    expected = by_hand(nodes, edges, home, site)
    assert found == pytest.approx(expected, abs=0.02)  # a street of no length counts 1 mm


def full_search(state, week=0):
    """Reach of every settlement and line by the rules, one settlement at a time."""
    f, b, o = state.facilities, state.boundaries, state.offices
    home_town = b.township_of()
    for s in range(b.unit_of.size):
        for a, line in enumerate(state.lines.all):
            found = []
            for j in range(len(f)):
                by = f.operator[j]
                unit = b.unit_of[f.settlement[j]]
                town = b.units[unit].township
                if by >= 0:
                    unit = o.unit[by] if o.unit[by] >= 0 else unit
                    town = o.township[by]
                fits = {COMMUNITY: unit == b.unit_of[s], TOWNSHIP: town == home_town[s],
                        EVERYONE: True}[int(f.open_to[j])]  # fmt: skip
                upper = by >= 0 and o.kind[by] == TOWNSHIP_OFFICE
                tier = {
                    "": True, "community": not upper, "online": not upper, "station": upper,
                    "township": upper and not f.station[j], "anywhere": upper,
                }[line.tier] or f.open_to[j] == EVERYONE  # fmt: skip
                fits = fits or (line.tier == "anywhere" and upper)
                offers = f.offers[j, state.lines.services.index(line.service)]
                if f.is_open(week)[j] and offers and fits and tier:
                    metres = state.travel.pairs(np.array([s]), f.x[[j]], f.y[[j]])[0]
                    found.append((metres, f.id[j], j))
            yield s, a, sorted(found)[: int(P["choice.candidates"])]


def test_reach_is_what_a_full_search_by_the_rules_finds():
    state = small_model().state
    reach = state.reach
    for s, a, found in full_search(state):
        count = len(found)
        assert reach.slot[s, a, :count].tolist() == [j for _, _, j in found]
        assert reach.metres[s, a, :count] == pytest.approx([m for m, _, _ in found])
        assert (reach.slot[s, a, count:] == -1).all()


def test_closing_a_facility_never_shortens_the_way_to_any_service():
    for lost in range(28):
        state = small_model().state
        before = state.reach.nearest
        state.facilities.closed[lost] = 0
        state.touch()
        assert (state.reach.nearest >= before).all()


def test_cheaper_travel_never_lengthens_the_way():
    from sim.outcomes.access import Distances

    state = small_model().state
    before = Distances.of(state, PACE).minutes
    for cheaper in (
        {"travel__ride_speed": 400}, {"travel__ride_start": 5}, {"travel__walking_speed": 70},
        {"travel__walking_speed_old": 60}, {"travel__detour_plain": 1.1},
        {"travel__detour_hill": 1.3},
    ):  # fmt: skip
        model = small_model(**cheaper)
        after = Distances.of(model.state, model.constants.pace).minutes
        assert (after <= before + 1e-9).all() and (after < before - 1e-9).any()


def test_no_facility_in_reach_is_told_from_a_far_one():
    state = small_model().state
    nursery = state.lines.of_service("nursery")[0]
    offers = state.facilities.offers[:, state.lines.services.index("nursery")]
    state.facilities.closed[offers] = 0
    state.touch()
    assert np.isinf(state.reach.nearest[:, nursery]).all()
    assert not state.reach.own[:, nursery].any()


# --- all pairs within some metres -------------------------------------------------------------


def every_pair(travel, count, x, y, metres):
    """Pairs one by one."""
    return [
        (s, p, far)
        for p in range(x.size)
        for s, far in enumerate(
            travel.pairs(np.arange(count), np.full(count, x[p]), np.full(count, y[p]))
        )
        if far <= metres
    ]


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(0, 12), st.booleans())
def test_pairs_within_are_all_there_are(seed, homes, points, coarse):
    rng = np.random.default_rng(seed)
    step = 250 if coarse else 1  # coarse: in one place, and just at the limit
    hx, hy = rng.integers(0, 8, (2, homes)) * float(step) + (0 if coarse else rng.random(homes))
    x, y = rng.integers(0, 8, (2, points)) * float(step)
    travel = StraightTravel(hx, hy, rng.choice([1.0, 1.3, 1.6], homes))
    metres = 500.0 if coarse else 4.0
    found = travel.within(x, y, metres)
    assert [tuple(p) for p in zip(*(c.tolist() for c in found), strict=True)] == every_pair(
        travel, homes, x, y, metres
    )


def test_pairs_within_by_street_are_those_of_the_shortest_ways():
    rng = np.random.default_rng(3)
    nodes = pd.DataFrame(
        {"id": range(40), "x": rng.uniform(0, 900, 40), "y": rng.uniform(0, 900, 40)}
    )
    edges = pd.DataFrame({
        "from": rng.integers(0, 40, 90), "to": rng.integers(0, 40, 90),
        "metres": rng.uniform(50, 400, 90), "one_way": rng.integers(0, 2, 90),
    })  # fmt: skip
    hx, hy = rng.uniform(0, 900, (2, 25))
    travel = StreetTravel.of(nodes, edges, hx, hy)
    x, y = rng.uniform(0, 900, (2, 70))  # more than one chunk
    settlement, point, metres = travel.within(x, y, 600.0)
    expected = every_pair(travel, 25, x, y, 600.0)
    assert list(zip(settlement.tolist(), point.tolist(), strict=True)) == [e[:2] for e in expected]
    assert metres == pytest.approx([e[2] for e in expected])
    assert 0 < len(expected) < 25 * 70


@given(st.floats(0.5, 120))
def test_no_trip_of_so_many_minutes_goes_farther(minutes):
    far = PACE.farthest(minutes)
    slowest_first = [PACE.minutes(np.array([far, far + 1]), c) for c in range(4)]
    assert min(m[0] for m in slowest_first) == pytest.approx(minutes)
    assert all(m[1] > minutes for m in slowest_first)
