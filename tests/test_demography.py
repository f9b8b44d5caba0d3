"""Claims about a year in the life of the households (6.10)."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.case.parameters import Parameters
from sim.processes.demography import Year, ends_a_year, live_through_year
from sim.world.draws import run_key
from sim.world.households import OLD, Households, is_rural, settlement_keys, synthesise
from tests.test_households import AGE_SHARES, table

P = Parameters.load()
RATES = [p.name for p in P if p.name.startswith("demography.")]
STILL = dict.fromkeys(RATES, 0.0)
CASE_SEED = 7


class Place:
    """Settlements whose households live through years, as a run would make them."""

    def __init__(self, households: list[int], size: float = 3.0, **chances: float):
        ages = [np.round(np.array(AGE_SHARES) * n * size).astype(int) for n in households]
        self.settlements = table(households, ages)
        self.parameters = P.override({f"demography.{k}": v for k, v in chances.items()})
        self.households = synthesise(self.settlements, self.parameters, CASE_SEED)
        self.numbered = np.array(households)

    def year(self, week: int = 52, seed: int = 1, replicate: int = 0) -> Year:
        year = live_through_year(
            self.households, self.numbered, settlement_keys(self.settlements),
            is_rural(self.settlements), self.parameters, CASE_SEED, run_key(seed, replicate), week,
        )  # fmt: skip
        self.households, self.numbered = year.households, year.numbered
        return year


def still(**chances: float) -> dict[str, float]:
    """No demography but what is given."""
    return {name.removeprefix("demography."): 0.0 for name in RATES} | chances


def persons(h: Households) -> np.ndarray:
    return h.registered.sum(axis=0, dtype=np.int64)


def columns(h: Households) -> dict[str, np.ndarray]:
    return {f.name: getattr(h, f.name) for f in fields(h)}


def same(a: Households, b: Households) -> bool:
    return all(np.array_equal(x, columns(b)[name]) for name, x in columns(a).items())


CHANCES = st.fixed_dictionaries(
    {
        name.removeprefix("demography."): st.floats(0, 0.2 if name.endswith("birth") else 0.5)
        for name in RATES
    }
)


@settings(max_examples=40)
@given(CHANCES, st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(0, 5))
def test_the_accounts_of_a_year_close(chances, households, seed):
    place = Place(households, **chances)
    before = place.households
    year = place.year(seed=seed)
    after = year.households
    gone = year.flows["moved_away"] + year.flows["dissolved"]
    assert after.key.size == before.key.size + year.flows["created"] - gone
    change = year.flows["born"] + year.flows["arrived"] - year.flows["died"] - year.flows["left"]
    assert persons(after).sum() == persons(before).sum() + change
    assert (after.present <= after.registered).all() and after.registered.any(axis=1).all()
    assert (after.present[:, OLD:] == after.registered[:, OLD:]).all()
    assert (after.risk.sum(axis=1) == after.present[:, OLD:].sum(axis=1)).all()
    assert (np.diff(after.settlement) >= 0).all()
    old = year.before >= 0
    assert (np.diff(year.before[old]) > 0).all() and (~old).sum() == year.flows["created"]
    for name in ("key", "settlement"):
        assert (columns(after)[name][old] == columns(before)[name][year.before[old]]).all()


def test_with_all_rates_zero_nothing_changes_to_the_bit():
    place = Place([50, 0, 80], **still())
    before = place.households
    year = place.year()
    assert same(before, year.households)
    assert (year.before == np.arange(before.key.size)).all()
    assert year.numbered.tolist() == [50, 0, 80]


def test_of_those_who_only_die_as_many_survive_as_the_chances_say():
    chances = {"death_0_59": 0.05, "death_60_79": 0.2, "death_80": 0.4}
    place = Place([20_000], **still(**chances))
    before = persons(place.households)
    year = place.year()
    p = 1 - np.repeat([0.05, 0.2, 0.4], [4, 1, 1])
    off = np.abs(persons(year.households) - before * p)
    assert (off <= 4 * np.sqrt(before * p * (1 - p))).all()
    assert year.flows["died"] == before.sum() - persons(year.households).sum() > 0
    assert year.flows["dissolved"] == 20_000 - year.households.key.size > 0


def test_who_dies_had_any_care_class_alike():
    place = Place([40_000], **still(death_60_79=0.5, death_80=0.5))
    before = place.households.risk.sum(axis=0, dtype=np.int64)
    after = place.year().households.risk.sum(axis=0, dtype=np.int64)
    assert (np.abs(after - before / 2) <= 4 * np.sqrt(before) / 2).all()


def test_those_who_only_age_remain_and_move_up_one_band():
    chances = {f"ageing_{b}": a for b, a in zip(BANDS, (0.3, 0.4, 0.2, 0.1, 0.25), strict=True)}
    place = Place([20_000], **still(**chances))
    h, before = place.households, persons(place.households)
    after = place.year().households
    assert (after.registered.sum(axis=1) == h.registered.sum(axis=1)).all()
    moved = np.array([*chances.values(), 0.0]) * before
    want = before - moved + np.concatenate([[0], moved[:-1]])
    assert (np.abs(persons(after) - want) <= 4 * np.sqrt(moved + np.roll(moved, 1))).all()
    away = (h.registered - h.present).sum(), (after.registered - after.present).sum()
    assert away[1] < away[0]  # those who turned 60 came home
    new = after.risk.sum(axis=0, dtype=np.int64) - h.risk.sum(axis=0, dtype=np.int64)
    share = np.array([P["persons.risk_high"], P["persons.risk_focus"]])
    error = np.sqrt(share * (1 - share) / new.sum())
    assert (np.abs(new[:2] / new.sum() - share) <= 4 * error).all()


BANDS = ("0_2", "3_5", "6_14", "15_59", "60_79")


def test_births_only_add_persons_of_0_to_2_where_adults_are():
    place = Place([20_000], **still(birth=0.1))
    h = place.households
    year = place.year()
    after = year.households
    assert (after.registered[:, 1:] == h.registered[:, 1:]).all()
    added = after.registered[:, 0].astype(int) - h.registered[:, 0]
    assert added.sum() == year.flows["born"] and not added[h.registered[:, 3] == 0].any()
    adults = persons(h)[3]
    assert abs(year.flows["born"] - 0.1 * adults) <= 4 * np.sqrt(0.09 * adults)
    home = after.present[:, 0].astype(int) - h.present[:, 0]
    assert (home[h.present[:, 3] == 0] == 0).all()
    assert (home == added)[h.present[:, 3] == h.registered[:, 3]].all()


def test_a_household_of_255_persons_has_no_more_children():
    place = Place([1], **still(birth=0.2))
    h = place.households
    for column in (h.registered, h.present):
        column[:] = [[0, 0, 0, 254, 0, 0]]
    h.risk[:] = 0
    assert place.year().flows["born"] == 1 and persons(place.households).sum() == 255
    assert place.year(week=104).flows["born"] == 0


def test_moving_away_and_in_leaves_the_rest_alone():
    place = Place([3000, 2000], **still(leave=0.1, arrive=0.1))
    before = place.households
    year = place.year()
    stay = year.before >= 0
    assert same(before.take(year.before[stay]), year.households.take(np.flatnonzero(stay)))
    assert abs(year.flows["moved_away"] - 500) <= 4 * np.sqrt(5000 * 0.09)
    assert year.flows["created"] == 500  # 0.1 of 3,000 and of 2,000, nothing to round
    new = year.households.take(np.flatnonzero(~stay))
    assert new.registered.sum(axis=1).mean() == pytest.approx(3, abs=0.3)
    there = {
        (s, bytes(r), bytes(p))
        for s, r, p in zip(before.settlement, before.registered, before.present, strict=True)
    }
    assert all(
        (s, bytes(r), bytes(p)) in there
        for s, r, p in zip(new.settlement, new.registered, new.present, strict=True)
    )
    share = [((h.flags & 8) > 0).mean() for h in (before, new)]  # vehicles by draws of their own
    assert share[0] == pytest.approx(share[1], abs=0.08)


def test_newcomers_are_as_many_as_the_rate_says_even_where_few_live():
    place = Place([3] * 2000, **still(arrive=0.1))
    year = place.year()
    assert abs(year.flows["created"] - 600) <= 4 * np.sqrt(2000 * 0.3 * 0.7)


def test_where_nobody_lives_nobody_arrives():
    place = Place([0, 1], **still(leave=0.5, arrive=0.5))
    for week in range(52, 1040, 52):
        place.year(week)
    assert not (place.households.settlement == 0).any()


def test_ids_are_never_used_again_in_ten_years():
    place = Place([40, 25], leave=0.2, arrive=0.3, death_60_79=0.1)
    seen = set(place.households.key.tolist())
    for week in range(52, 572, 52):
        year = place.year(week)
        keys = year.households.key
        new = set(keys[year.before < 0].tolist())
        assert np.unique(keys).size == keys.size and not new & seen
        settlement = settlement_keys(place.settlements)[year.households.settlement]
        assert (keys >> np.uint64(32) == settlement >> np.uint64(32)).all()
        seen |= new


def test_a_seed_and_a_replicate_make_a_population():
    one, two, other = (Place([300]).year(seed=3, replicate=r) for r in (0, 0, 1))
    assert same(one.households, two.households)
    assert not same(one.households, other.households)


def test_a_settlement_lives_alike_whoever_its_neighbours_are():
    alone = Place([60])
    both = Place([60, 90])
    # old-age shares of all settlements enter the synthesis, and are the same here
    both.households = Households(
        *(np.concatenate([x, columns(both.households)[n][60:]])
          for n, x in columns(alone.households).items())
    )  # fmt: skip
    for week in (52, 104):
        one, two = alone.year(week).households, both.year(week).households
        mine = np.flatnonzero(two.settlement == 0)
        assert same(one, two.take(mine))


def test_users_cease_at_the_rate_at_which_they_die_outgrow_a_service_or_move():
    ages = np.array([30, 40, 50, 600, 300, 100])
    p = P.override(
        {"demography.leave": 0.1, "demography.ageing_0_2": 0.5, "demography.death_0_59": 0.2,
         "demography.death_60_79": 0.1, "demography.death_80": 0.3}
    )  # fmt: skip
    nursery = ends_a_year((0.15, 0, 0, 0, 0, 0), ages, p)
    assert nursery == pytest.approx(-np.log(0.5 * 0.8 * 0.9))
    # those of 60-79 who turn 80 may go on; three in seven applications are of the younger
    day_care = ends_a_year((0, 0, 0, 0, 0.01, 0.04), ages, p)
    assert day_care == pytest.approx(-np.log(0.9 * (3 * 0.9 + 4 * 0.7) / 7))
    assert ends_a_year((0.15, 0, 0, 0, 0, 0), ages, P.override(STILL)) == 0
    assert ends_a_year((0.15, 0, 0, 0, 0, 0), 0 * ages, p) == 0


def test_the_crude_rates_at_the_default_ages_are_those_published():
    place = Place([30_000])
    before = persons(place.households).sum()
    year = place.year()
    assert 1000 * year.flows["died"] / before == pytest.approx(9.04, abs=0.7)  # Sichuan 2022
    assert 1000 * year.flows["born"] / before == pytest.approx(6.39, abs=0.6)


def test_ten_years_at_the_default_rates_make_a_plausible_population():
    place = Place([20_000])
    start = persons(place.households)
    for week in range(52, 572, 52):
        place.year(week)
    end = persons(place.households)
    old = [x[OLD:].sum() / x.sum() for x in (start, end)]
    assert old[0] + 0.02 < old[1] < old[0] + 0.12  # the boom of 1963-75 turns 60
    assert 0.9 < end.sum() / start.sum() < 1
    assert end[0] / end.sum() < start[0] / start.sum()
