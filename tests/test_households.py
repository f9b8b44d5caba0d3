"""Claims about the synthesis of households: every total of the case holds exactly."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.world.census import Census
from sim.world.households import (
    AGES,
    AWAY,
    DIGITAL,
    HARDSHIP,
    MEALS,
    OLD_ONLY,
    VEHICLE,
    synthesise,
)
from tests.worlds import small_world

P = Parameters.load()
AGE_SHARES = (0.024, 0.031, 0.085, 0.6127, 0.2153, 0.032)


def table(households, ages, compound="commodity"):
    """Settlements from numbers of households and rows of persons by age."""
    frame = pd.DataFrame(np.array(ages).reshape(-1, 6), columns=list(AGES))
    frame["households"] = households
    frame["id"] = [f"9999010010{i:04d}" for i in range(len(frame))]
    frame["compound"] = compound
    return frame


def made(frame, seed=7, **overrides):
    p = P.override({k.replace("__", "."): v for k, v in overrides.items()})
    return synthesise(frame, p, seed)


settlement = st.tuples(st.integers(0, 60), st.tuples(*[st.integers(0, 40)] * 6)).filter(
    lambda s: sum(s[1]) >= s[0] and (s[0] > 0 or sum(s[1]) == 0)
)


@settings(max_examples=60)
@given(st.lists(settlement, min_size=1, max_size=6), st.floats(0, 0.5), st.floats(0, 0.5))
@example([(10, (0, 0, 0, 0, 11, 0))], 0.5, 0.5)
@example([(10, (0, 0, 0, 0, 10, 0))], 0.0, 0.5)
@example([(2, (0, 0, 0, 3, 200, 50))], 0.5, 0.5)
def test_every_total_of_the_case_is_kept(rows, alone, couple):
    frame = table([r[0] for r in rows], [r[1] for r in rows])
    h = made(frame, persons__old_alone=alone, persons__old_couple=couple)
    count = len(frame)
    assert np.bincount(h.settlement, minlength=count).tolist() == frame["households"].tolist()
    for band, name in enumerate(AGES):
        dealt = np.bincount(h.settlement, h.registered[:, band], count)
        assert dealt.tolist() == frame[name].tolist()
    assert (h.registered.sum(axis=1) >= 1).all()
    assert (h.present <= h.registered).all()
    assert (h.risk.sum(axis=1) == h.present[:, 4:].sum(axis=1)).all()
    assert np.unique(h.key).size == h.key.size


def large(households=30_000, **overrides):
    persons = 3 * households
    ages = np.round(np.array(AGE_SHARES) * persons).astype(int)
    return made(table([households // 10] * 10, [ages // 10] * 10), **overrides)


@pytest.fixture(scope="module")
def many():
    return large()


def test_shares_of_persons_are_those_of_the_parameters(many):
    h = many
    persons, old = h.registered.sum(), h.registered[:, 4:].sum()
    assert h.present.sum() / persons == pytest.approx(1 - 0.126, abs=4e-3)
    assert (h.present[:, 4:] == h.registered[:, 4:]).all()  # the old are not those away
    assert h.risk.sum(axis=0) / old == pytest.approx([0.03, 0.10, 0.87], abs=6e-3)


def test_old_persons_live_alone_and_in_couples_as_stated(many):
    h = many
    old = h.registered[:, 4:].sum()
    only = h.registered[:, :4].sum(axis=1) == 0
    size = h.registered.sum(axis=1)
    assert (only & (size == 1)).sum() / old == pytest.approx(0.12, abs=0.01)
    assert 2 * (only & (size == 2)).sum() / old == pytest.approx(0.20, abs=0.01)


def test_flags_have_the_shares_of_the_parameters(many):
    h = many
    has = {name: (h.flags & bit) > 0 for name, bit in
           {"hardship": HARDSHIP, "away": AWAY, "vehicle": VEHICLE, "old": OLD_ONLY,
            "meals": MEALS, "digital": DIGITAL}.items()}  # fmt: skip
    adult = h.present[:, 3] > 0
    assert has["hardship"].mean() == pytest.approx(0.04, abs=4e-3)
    assert has["away"][adult].mean() == pytest.approx(0.70, abs=0.01)
    assert not has["away"][~adult].any()
    assert has["vehicle"][~has["old"]].mean() == pytest.approx(0.75, abs=0.01)
    assert has["vehicle"][has["old"]].mean() == pytest.approx(0.20, abs=0.02)
    assert has["meals"][has["old"]].mean() == pytest.approx(0.05, abs=0.01)
    assert not has["meals"][~has["old"]].any()
    persons = h.present.sum(axis=1)
    assert (has["old"] == ((h.present[:, :4].sum(axis=1) == 0) & (persons > 0))).all()
    alone = (persons == 1) & (h.present[:, 4] == 1)
    assert has["digital"][alone].mean() == pytest.approx(0.43, abs=0.025)
    assert has["digital"][(persons == 1) & (h.present[:, 3] == 1)].mean() == pytest.approx(
        0.83, abs=0.02
    )


def test_skill_of_all_persons_is_the_published_share():
    # persons of 15 and over: 0.73 of all and 0.43 of those of 60 and over (CNNIC)
    adults, old = AGE_SHARES[3], AGE_SHARES[4] + AGE_SHARES[5]
    mean = (adults * P["persons.digital"] + old * P["persons.digital_old"]) / (adults + old)
    assert mean == pytest.approx(0.73, abs=0.02)
    assert mean * P["persons.digital_rural"] == pytest.approx(0.58, abs=0.02)


def test_a_settlement_does_not_depend_on_the_others():
    frame = small_world().settlements
    whole, alone = made(frame), made(frame.iloc[[5]])
    mine = whole.settlement == 5
    assert (whole.key[mine] == alone.key).all()
    assert (whole.registered[mine] == alone.registered).all()
    # who is away depends on the share of the old in the case, the rest on the settlement alone
    for bit in (HARDSHIP,):
        assert ((whole.flags[mine] & bit) == (alone.flags & bit)).all()


def test_another_seed_deals_otherwise_and_the_same_seed_the_same():
    frame = small_world().settlements
    one, again, other = made(frame, 1), made(frame, 1), made(frame, 2)
    for name in ("registered", "present", "risk", "flags", "key"):
        assert (getattr(one, name) == getattr(again, name)).all()
    assert (one.registered != other.registered).any() and (one.key == other.key).all()


def test_more_persons_than_a_household_can_count_are_passed_on():
    h = made(table([3], [[0, 0, 100, 600, 0, 0]]))
    assert h.registered.sum() == 700 and h.registered.sum(axis=1).max() <= 255


def test_impossible_settlements_are_refused():
    with pytest.raises(ValueError, match="fewer persons than households"):
        made(table([5], [[0, 0, 0, 4, 0, 0]]))
    with pytest.raises(ValueError, match="more persons than its households hold"):
        made(table([2], [[0, 0, 0, 600, 0, 0]]))


def test_persons_of_the_world_add_up_to_those_present():
    world = small_world()
    h = world.households
    people = Census.of(h, len(world.settlements)).people
    everyone = people[:, :, :3].sum(axis=(1, 2))
    present = np.bincount(h.settlement, h.present.sum(axis=1), len(world.settlements))
    assert everyone.tolist() == present.tolist()
    assert (people[:, :, 3] <= people[:, :, :3].sum(axis=2)).all()
