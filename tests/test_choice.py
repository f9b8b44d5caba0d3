"""Claims about choice: shares follow the logit, trips are put off as stated, waits repel."""

import numpy as np
import pytest

from sim.case.parameters import Parameters
from sim.processes.choice import (
    _GUMBEL_BELOW,
    AGENT,
    NO_REACH,
    ONLINE,
    PUT_OFF,
    Errands,
    choose,
    gumbel,
    lifelong_tastes,
    surely_below,
)
from sim.world.draws import id_keys
from sim.world.households import AWAY, DIGITAL, HARDSHIP, OLD_ONLY, VEHICLE

P = Parameters.load()
MANY = 40_000
NAMES = ("minute", "wait", "own_unit", "office_hours", "put_off")


def go_out(
    minutes, *, households=MANY, weeks=1, taste=1.0, flags=0, waits=None, own=None, office=None,
    cutoff=60.0, online=None, agent=None, old_users=False, same=False, first_week=0, usual=-1,
    expected=0.0, capable=P["online.capable"], going=False,
):  # fmt: skip
    """Slots and trip minutes chosen by households in one place, ``[weeks, H]``.

    minutes: of the trip to each facility, nearest first, or ``[4, K]`` by travel class; going:
    nobody puts it off.
    """
    trips = np.array(minutes, np.float32)
    if trips.ndim == 1:
        trips = np.tile(trips, (4, 1))
    k = trips.shape[1]
    slots = np.arange(k, dtype=np.int32)[None, None]
    agents = np.arange(households, dtype=np.uint64) * np.uint64(not same) + np.uint64(1 << 32)
    item = id_keys(f"facility {j}" for j in range(k)).astype(np.uint32)
    zeros = np.zeros(households, np.int32)
    one = np.ones((households, 1), np.uint8)
    lasting = np.zeros((households, 1, k), np.float32)
    lifelong_tastes(np.uint64(9), zeros, agents, slots, item, lasting)
    weights = np.array([*(P[f"choice.{n}"] for n in NAMES), P["online.constant"], agent or 0.0])
    weights[4] = -1e9 if going else weights[4]
    weights[5] = P["online.constant"] if online is None else online
    web = np.array([[0.0 if online is None else capable]])
    slot, trip = [], []
    for week in range(first_week, first_week + weeks):
        e = Errands(np.empty(2, np.int64), *(np.empty(households, np.int32) for _ in range(5)),
                    np.empty(households))  # fmt: skip
        choose(
            np.uint64(9), week, zeros, agents, np.full(households, flags, np.uint8), one,
            np.zeros_like(one), slots, trips[None, None],
            np.array([[own or [False] * k]]), lasting,
            np.array([[waits or [0.0] * k]], np.float32),
            np.full((households, 1), usual, np.int32),
            np.full((households, 1), expected, np.float32), item,
            np.array(office or [False] * k), np.array([cutoff]), np.array([taste]),
            np.array([old_users]), web, np.array([[agent is not None]]), weights,
            e.first, e.household, e.needs, e.new, e.slot, e.rank, e.minutes,
        )  # fmt: skip
        slot.append(e.slot)
        trip.append(e.minutes)
    return np.array(slot), np.array(trip)


def agrees(share, expected, size=MANY):
    """Whether a share of so many draws lies within 3 standard errors."""
    return abs(share - expected) <= 3 * np.sqrt(expected * (1 - expected) / size)


@pytest.mark.parametrize("taste", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("second", [12.0, 15.0, 20.0])
def test_shares_of_two_facilities_follow_the_logit(taste, second):
    slot, _ = go_out([10.0, second], taste=taste, going=True)
    logit = 1 / (1 + np.exp(-P["choice.minute"] * (second - 10) / taste))
    assert agrees((slot == 0).mean(), logit)


def test_shares_of_six_facilities_follow_the_logit():
    minutes = np.array([8.0, 10, 11, 14, 18, 25])
    slot, _ = go_out(minutes, going=True)
    weight = np.exp(-P["choice.minute"] * minutes)
    for j, expected in enumerate(weight / weight.sum()):
        assert agrees((slot == j).mean(), expected)


@pytest.mark.parametrize(
    ("more", "utility"),
    [
        ({"waits": [20.0, 0.0]}, -20 * P["choice.wait"]),
        ({"own": [False, True]}, -P["choice.own_unit"]),
        ({"office": [True, False], "flags": AWAY}, -P["choice.office_hours"]),
        ({"office": [True, False]}, 0.0),
        ({"usual": 0, "expected": 30.0}, -30 * P["choice.wait"]),
    ],
)
def test_waits_own_unit_and_office_hours_enter_the_logit(more, utility):
    slot, _ = go_out([10.0, 14.0], going=True, **more)
    logit = 1 / (1 + np.exp(-(P["choice.minute"] * 4 + utility)))
    assert agrees((slot == 0).mean(), logit)


@pytest.mark.parametrize(("minutes", "share"), [(20.0, 0.0067), (45.0, 0.2227), (55.0, 0.5622)])
def test_far_trips_are_put_off(minutes, share):
    # 0.7 % at 20 minutes, 22 % at 45: facility draws aside
    slot, trips = go_out([minutes], taste=0.0)
    assert agrees((slot == PUT_OFF).mean(), share)
    assert np.isnan(trips[slot == PUT_OFF]).all() and (trips[slot == 0] == minutes).all()


def test_nothing_in_reach_is_not_the_same_as_put_off():
    assert (go_out([61.0, 70.0])[0] == NO_REACH).all()
    assert (go_out([59.0, 61.0], going=True)[0] == 0).all()  # the second lies beyond the cutoff


def test_without_taste_the_best_is_always_chosen():
    # the second is nearer in utility: it lies in the household's own unit
    slot, _ = go_out([10.0, 12.0, 14.0], taste=0.0, own=[False, True, False], going=True)
    assert (slot == 1).all()


def test_half_of_the_taste_lasts():
    slot, _ = go_out([10.0, 10.0], weeks=2, going=True)
    again = (slot[0] == slot[1]).mean()
    assert 0.6 < again < 0.9  # 0.5 if nothing lasted, 1 if all did
    held, _ = go_out([10.0, 10.0], weeks=200, households=200, going=True)
    usual = np.maximum((held == 0).mean(axis=0), (held == 1).mean(axis=0))
    assert 0.6 < usual.mean() < 0.95


def test_travel_class_sets_the_minutes():
    minutes = np.array([[11.0], [12.0], [13.0], [14.0]])
    for flags, expected in ((0, 11), (VEHICLE, 12), (OLD_ONLY, 13), (OLD_ONLY | VEHICLE, 14)):
        _, trips = go_out(minutes, households=50, flags=flags, going=True)
        assert (trips == expected).all()
    _, trips = go_out(minutes, households=50, flags=VEHICLE, old_users=True, going=True)
    assert (trips == 14).all()


def test_only_the_digital_go_online_and_only_with_capable_matters():
    assert not (go_out([20.0], flags=0, online=-2.5)[0] == ONLINE).any()
    slot, _ = go_out([20.0], flags=DIGITAL, online=-2.5, taste=0.0)
    # going -3, online -2.5, put off -8
    taken = P["online.capable"] / (1 + np.exp(-3 + 2.5) + np.exp(-8 + 2.5))
    assert agrees((slot == ONLINE).mean(), taken)
    assert 0.3 < taken / P["online.capable"] < 0.7
    assert (go_out([61.0], flags=DIGITAL, online=20.0, capable=1.0)[0] == ONLINE).all()


@pytest.mark.parametrize("flags", [OLD_ONLY, HARDSHIP, DIGITAL])
def test_the_agent_serves_the_old_and_those_in_hardship_only(flags):
    slot, _ = go_out([20.0], flags=flags, agent=-3.0, taste=0.0)
    # going -3, agent -3, put off -8
    taken = 1 / (2 + np.exp(-5)) if flags != DIGITAL else 0.0
    assert agrees((slot == AGENT).mean(), taken)


def test_the_agent_also_serves_those_who_have_nothing_in_reach():
    assert (go_out([61.0], flags=OLD_ONLY, agent=20.0)[0] == AGENT).all()


def test_of_web_and_agent_the_better_one_wins():
    slot, _ = go_out(
        [30.0], flags=DIGITAL | HARDSHIP, online=-2.5, agent=-3.0, taste=0.0, capable=1.0
    )
    weights = np.exp([-P["choice.minute"] * 30, -8.0, -2.5, -3.0])
    for code, weight in ((ONLINE, weights[2]), (AGENT, weights[3]), (PUT_OFF, weights[1])):
        assert agrees((slot == code).mean(), weight / weights.sum())


def test_equal_keys_choose_equally_and_the_order_of_facilities_does_not_matter():
    slot, _ = go_out([10.0, 12.0], households=20, same=True)
    assert (slot == slot[0, 0]).all()


def test_the_table_of_gumbel_spares_only_what_is_sure():
    for n, u in enumerate(_GUMBEL_BELOW):
        assert gumbel(u) <= n < gumbel(u + 0.002)
    rng = np.random.default_rng(2)
    for u, bound in zip(rng.uniform(size=5000), rng.uniform(-3, 9, 5000), strict=True):
        assert not surely_below(u, bound) or gumbel(u) < bound


def test_a_gumbel_draw_has_the_moments_of_a_gumbel():
    u = (np.arange(1_000_000) + 0.5) / 1e6
    g = -np.log(-np.log(u))
    assert [gumbel(x) for x in u[::100_000]] == pytest.approx(g[::100_000])
    assert g.mean() == pytest.approx(0.5772, abs=1e-3)
    assert g.var() == pytest.approx(np.pi**2 / 6, rel=1e-3)
