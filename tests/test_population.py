"""Sizes meet their margins, are whole numbers, and are nested without a remainder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.case.messages import InputError
from sim.case.synthesis import population
from sim.case.synthesis.lineage import infer
from sim.case.synthesis.lists import AGES, Input, read_input
from sim.case.synthesis.published import compare_published
from sim.case.synthesis.raking import Margin, apportion, rake
from sim.case.synthesis.settlements import settle
from tests.prefectures import AFTER, BEFORE, COUNTIES, shuffled, write_prefecture


@pytest.fixture(scope="module")
def pieces(meishan, lineage) -> pd.DataFrame:
    return population.fit(meishan, lineage)


@pytest.fixture(scope="module")
def settlements(meishan, pieces) -> pd.DataFrame:
    return settle(meishan, pieces)


def made_up(folder: Path, **texts: str) -> tuple[Input, pd.DataFrame, pd.DataFrame]:
    inp = read_input(write_prefecture(folder, **texts))
    fitted = population.fit(inp, infer(inp))
    return inp, fitted, settle(inp, fitted)


def test_raking_meets_both_margins_within_bounds():
    weights = np.array([1.0, 1.0, 50.0, 3.0])
    rows = [
        Margin("first", np.array([True, True, False, False]), 10),
        Margin("second", np.array([False, False, True, True]), 30),
        Margin("left", np.array([True, False, True, False]), 24),
        Margin("right", np.array([False, True, False, True]), 16),
    ]
    low, high = np.full(4, 2.0), np.full(4, 20.0)
    got = rake(weights, rows, low, high)
    assert (got >= low).all() and (got <= high).all()
    for margin in rows:
        assert got[margin.mask].sum() == pytest.approx(margin.target)


def test_raking_without_active_bounds_is_plain_proportional_fitting():
    weights = np.array([[40.0, 30, 20], [35, 50, 100], [30, 80, 70]])
    want_rows, want_columns = [150, 300, 400], [200, 300, 350]
    index = np.indices(weights.shape).reshape(2, -1)
    margins = [Margin("r", index[0] == i, t) for i, t in enumerate(want_rows)]
    margins += [Margin("c", index[1] == i, t) for i, t in enumerate(want_columns)]
    table = weights.copy()
    for _ in range(300):
        table *= (np.array(want_rows) / table.sum(axis=1))[:, None]
        table *= np.array(want_columns) / table.sum(axis=0)
    got = rake(weights.ravel(), margins, np.zeros(9), np.full(9, 1e9))
    assert got.reshape(3, 3) == pytest.approx(table, rel=1e-6)


def test_apportioning_is_exact_and_within_one():
    weights = np.array([3.3, 0.0, 1.1, 5.6])
    got = apportion(weights, 101)
    assert got.sum() == 101 and (abs(got - weights / weights.sum() * 101) < 1).all()
    assert apportion(np.zeros(3), 4).sum() == 4


def test_all_margins_hold_to_a_thousandth(meishan, lineage, pieces):
    table = population.margins(meishan, lineage, pieces)
    assert len(table) == 2 * (6 + 3)
    assert (table["deviation_pct"].abs() < 0.1).all()
    kind = pieces["after"].map(meishan.after.set_index("id")["kind"])
    inside = pieces[kind == "community"]
    assert pieces["persons"].sum() == pytest.approx(3_380_000, abs=5)
    assert inside["persons"].sum() == pytest.approx(1_527_284, rel=1e-3)
    assert inside["area_km2"].sum() == pytest.approx(1968, rel=1e-3)
    assert pieces["area_km2"].sum() == pytest.approx(7140)


def test_no_unit_before_is_under_100_or_over_6000_households(pieces):
    households = pieces.groupby("before")["households"].sum()
    assert households.between(100, 6000).all()
    assert (households < 6000).mean() > 0.99
    assert (pieces["persons"] >= pieces["households"]).all()
    assert pieces["persons"].sum() / pieces["households"].sum() == pytest.approx(3, rel=1e-3)


def test_absorbed_and_remaining_villages_are_of_one_mean_size(meishan, lineage, pieces):
    kind = population.classes(meishan, lineage)
    mean = pieces.groupby("before")["persons"].sum().groupby(kind).mean()
    assert mean["absorbed"] / mean["village"] == pytest.approx(1, abs=0.1)


def test_settlements_are_the_residents_groups(meishan, settlements):
    kind = settlements["before"].map(meishan.before.set_index("id")["kind"])
    assert (kind == "community").sum() == 4014
    assert (kind == "village").sum() == 8.5 * 1050
    assert settlements["id"].is_unique and settlements["id"].is_monotonic_increasing
    assert (settlements["id"].str[:-2] == settlements["before"]).all()
    assert (
        settlements.groupby("before")["group"]
        .agg(["min", "max", "size"])
        .eval("min == 1 and max == size")
        .all()
    )


def test_settlements_add_up_to_their_pieces(pieces, settlements):
    sums = settlements.groupby(["before", "after"])[["persons", "households", "area_km2"]].sum()
    given = pieces.set_index(["before", "after"])[["persons", "households", "area_km2"]]
    assert sums[["persons", "households"]].equals(given[["persons", "households"]])
    assert np.allclose(sums["area_km2"], given["area_km2"])
    assert (settlements["households"] >= 5).all()
    assert (settlements["persons"] >= settlements["households"]).all()
    assert (settlements["area_km2"] > 0).all()


def test_ages_add_up_and_keep_the_citys_shares(meishan, settlements):
    ages = settlements[list(AGES)]
    assert (ages >= 0).all(axis=None)
    assert (ages.sum(axis=1) == settlements["persons"]).all()
    for age, share in meishan.totals.age_shares.items():
        assert ages[age].sum() / settlements["persons"].sum() == pytest.approx(share, rel=1e-3)


def test_compounds_and_terrain_follow_their_rules(meishan, settlements):
    units = meishan.before.set_index("id")
    kind = settlements["before"].map(units["kind"])
    street = (
        settlements["before"]
        .map(units["township"])
        .map(meishan.townships_before.set_index("id")["kind"])
        == "street"
    )
    assert (settlements.loc[kind == "village", "compound"] == "village").all()
    shares = (
        settlements[kind == "community"].groupby(street)["compound"].value_counts(normalize=True)
    )
    assert shares[True, "commodity"] == pytest.approx(0.45, abs=0.04)
    assert shares[False, "old_courtyard"] == pytest.approx(0.45, abs=0.04)
    town = settlements["before"].map(units["township"])
    dense = settlements.groupby(town)[["persons", "area_km2"]].sum().eval("persons / area_km2")
    assert ((settlements["terrain"] == "plain") == (town.map(dense) >= 400)).all()
    assert set(settlements["terrain"]) == {"plain", "hill"}


def test_published_places_are_compared_and_not_fitted(meishan, settlements):
    table = compare_published(meishan, settlements)
    counts = table[
        table["measure"].isin(["communities", "villages", "units_before", "units_after"])
    ]
    assert len(counts) == 5 and (counts["deviation_pct"] == 0).all()
    people = table[table["measure"] == "registered_population"]
    assert {"视高街道", "汪洋镇", "文宫镇"} == set(people["place"])
    assert people["deviation_pct"].abs().between(0.01, 50).all()


def test_the_same_input_gives_the_same_bytes_in_any_row_order(tmp_path):
    totals = "registered_persons: 30000\nseed: 5\n"
    _, *one = made_up(tmp_path / "one", totals=totals)
    _, *two = made_up(tmp_path / "two", totals=totals)
    _, *three = made_up(
        tmp_path / "three",
        before=shuffled(BEFORE),
        after=shuffled(AFTER),
        counties=shuffled(COUNTIES),
        totals=totals,
    )
    for a, b, c in zip(one, two, three, strict=True):
        assert a.to_csv() == b.to_csv() == c.to_csv()
    _, other, _ = made_up(tmp_path / "other", totals=totals.replace("5\n", "6\n"))
    assert not other["persons"].equals(one[0]["persons"])


def test_a_prefecture_without_any_margin_is_made(tmp_path):
    _, pieces, settlements = made_up(tmp_path)
    households = pieces.groupby("before")["households"].sum()
    assert households.between(100, 6000).all() and len(households) == 8
    assert (settlements[list(AGES)].sum(axis=1) == settlements["persons"]).all()
    assert set(settlements["after"]) == set(pieces["after"])


@pytest.mark.parametrize(
    "totals, area, registered",
    [
        ("persons_in_communities_before: 12000\n", "", ""),
        ("persons_in_communities_after: 14000\nregistered_persons: 25000\n", "", ""),
        ("registered_persons: 25000\narea_km2: 60\narea_communities_before_km2: 25\n", "20", ""),
        ("", "20", "9000"),
    ],
)
def test_margins_are_fitted_one_by_one_where_given(tmp_path, totals, area, registered):
    counties = COUNTIES.replace("30.2,,", f"30.2,{area},{registered}")
    inp = read_input(write_prefecture(tmp_path, totals=totals, counties=counties))
    line = infer(inp)
    table = population.margins(inp, line, population.fit(inp, line))
    assert (table["deviation_pct"].abs() < 0.1).all()


@pytest.mark.parametrize(
    "totals, code",
    [
        ("registered_persons: 900\n", "margin-bounds"),
        ("registered_persons: 25000\npersons_in_communities_before: 24900\n", "margin-bounds"),
    ],
)
def test_margins_that_cannot_be_met_are_named(tmp_path, totals, code):
    with pytest.raises(InputError) as caught:
        made_up(tmp_path, totals=totals)
    assert code in {p.code for p in caught.value.problems}
    assert "totals.yaml" in str(caught.value)


def test_margins_that_contradict_each_other_are_named(tmp_path):
    # The south has communities only: its share of persons fixes what communities hold.
    counties = COUNTIES.replace("30.2,,", "30.2,,10000").replace("30.0,,", "30.0,,20000")
    with pytest.raises(InputError) as caught:
        made_up(tmp_path, counties=counties, totals="persons_in_communities_before: 5000\n")
    assert {p.code for p in caught.value.problems} == {"margins-conflict"}
