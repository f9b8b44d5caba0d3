"""Paired differences: intervals as in the textbooks, verdicts as a person would give them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sim.case.messages import InputError
from sim.experiment.statistics import COLUMNS, paired_interval, to_json, weeks_of
from sim.outcomes.catalogue import GROUPS, OUTCOMES
from tests.experiments import (
    BEFORE,
    CRASH,
    LOAD,
    LOSERS,
    MINUTES,
    REFORM,
    SAME,
    FakeScenario,
    experiment,
    go,
    reform_records,
    simulate,
)

KEYS = [
    "scenario",
    "base",
    "outcome",
    "group",
    "difference",
    "low",
    "high",
    "verdict",
    "base_value",
    "value",
]


def cell(comparison: pd.DataFrame, scenario: str, outcome: str, group: str = "all") -> pd.Series:
    rows = comparison.query("scenario == @scenario and outcome == @outcome and group == @group")
    assert len(rows) == 1
    return rows.iloc[0]


def fixed(**values):
    """A model in which outcome LOAD of scenario and replicate is given, the same every week."""

    def model(world, scenario, base, *, replicate, **keys):
        records = simulate(world, scenario, base, replicate=replicate, **keys)
        value = values[scenario.name][replicate]
        outcomes = pd.DataFrame(
            {"week": np.arange(keys["weeks"]), "outcome": LOAD, "group": "all", "value": value}
        )
        records.outcomes = outcomes
        return records

    return model


def compared(tmp_path, before, after, **keys):
    what = experiment(tmp_path, FakeScenario("after"), replicates=len(before))
    ended = go(tmp_path / "out", what, simulate=fixed(before=before, after=after))
    return ended.study.compare(**keys)


def verdict(tmp_path, before, after) -> str:
    return cell(compared(tmp_path, before, after), "after", LOAD)["verdict"]


def test_the_interval_is_that_of_the_paired_t_test(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, replicates=8)).study
    found = cell(study.compare(window="whole"), "reform", LOAD)
    runs = study.outcomes().query("outcome == @LOAD and group == 'all'")
    table = runs.groupby(["scenario", "replicate"], observed=True)["value"].mean().unstack(0)
    test = stats.ttest_rel(table["reform"], table["before"])
    low, high = test.confidence_interval(0.95)
    assert math.isclose(found["low"], low, rel_tol=1e-12)
    assert math.isclose(found["high"], high, rel_tol=1e-12)
    assert math.isclose(found["difference"], (table["reform"] - table["before"]).mean())
    assert math.isclose(found["value"] - found["base_value"], found["difference"])


def test_intervals_of_many_rows_are_those_of_each_row_alone():
    rng = np.random.default_rng(3)
    rows = rng.normal(0.3, 1, (20, 9))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    mean, low, high = paired_interval(rows)
    for i, row in enumerate(rows):
        known = row[~np.isnan(row)]
        wanted = stats.ttest_1samp(known, 0).confidence_interval(0.95)
        assert math.isclose(mean[i], known.mean()) and math.isclose(low[i], wanted.low)
        assert math.isclose(high[i], wanted.high)


@given(st.floats(-1e9, 1e9), st.integers(2, 12))
def test_equal_differences_have_no_spread_whatever_their_digits(value, count):
    mean, low, high = paired_interval(np.full((1, count), value))
    assert mean[0] == low[0] == high[0] == value


def test_one_value_has_a_mean_and_no_interval_and_none_has_neither():
    mean, low, high = paired_interval(np.array([[2.0, np.nan], [np.nan, np.nan]]))
    assert mean[0] == 2.0 and np.isnan([low[0], high[0], mean[1], low[1], high[1]]).all()


def test_verdicts_follow_the_direction_of_the_outcome(tmp_path):
    assert OUTCOMES[LOAD].better == "lower"
    assert verdict(tmp_path / "a", [1.0, 1.1, 0.9], [1.5, 1.7, 1.4]) == "worse"
    assert verdict(tmp_path / "b", [1.5, 1.7, 1.4], [1.0, 1.1, 0.9]) == "better"
    assert verdict(tmp_path / "c", [1.0, 1.1, 0.9], [1.5, 0.7, 0.95]) == "no clear difference"
    assert verdict(tmp_path / "d", [1.0, 1.1, 0.9], [1.0, 1.1, 0.9]) == "no difference"
    assert verdict(tmp_path / "e", [1.0], [1.5]) == "one replicate"
    assert verdict(tmp_path / "f", [np.nan, np.nan], [1.5, 1.5]) == "not comparable"


def test_an_outcome_without_a_good_direction_is_higher_or_lower(tmp_path):
    name = next(o.name for o in OUTCOMES.values() if o.better == "none")

    def model(*args, **keys):
        records = simulate(*args, **keys)
        records.outcomes = records.outcomes.replace({"outcome": {LOAD: name}})
        return records

    study = go(tmp_path / "out", experiment(tmp_path), simulate=model).study
    assert cell(study.compare(), "reform", name)["verdict"] == "higher"


def test_a_difference_that_is_the_same_in_all_replicates_has_itself_as_interval(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path)).study
    found = cell(study.compare(), "reform", MINUTES)
    assert found["low"] == found["high"] == found["difference"] == 1.0
    assert found["verdict"] == "worse"


def test_what_only_the_order_of_sums_makes_is_no_difference(tmp_path):
    after = [0.1 + 0.2, 0.7 + 0.1, 1.1]
    assert after[0] != 0.3 and verdict(tmp_path, [0.3, 0.8, 1.1], after) == "no difference"


def test_one_replicate_has_no_interval(tmp_path):
    found = cell(compared(tmp_path, [1.0], [1.5]), "after", LOAD)
    assert found["difference"] == 0.5 and np.isnan(found["low"]) and np.isnan(found["high"])


def test_replicates_that_miss_one_of_the_two_are_left_out_of_both(tmp_path):
    found = cell(compared(tmp_path, [1, 2, np.nan, 4], [2, np.nan, 9, 7]), "after", LOAD)
    assert (found["base_value"], found["value"], found["difference"]) == (2.5, 4.5, 2.0)


def test_a_failed_run_leaves_its_replicate_out(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, CRASH, replicates=3)).study
    found = cell(study.compare(window="whole"), "crash", LOAD)
    loads = study.outcomes().query("scenario == 'before' and replicate != 1 and group == 'all'")
    wanted = loads.query("outcome == @LOAD").groupby("replicate")["value"].mean().mean()
    assert math.isclose(found["base_value"], wanted) and found["verdict"] == "no difference"


def test_a_study_without_a_result_has_nothing_to_compare(tmp_path):
    def broken(*args, **keys):
        raise RuntimeError("nothing works")

    study = go(tmp_path / "out", experiment(tmp_path), simulate=broken).study
    assert study.compare().empty and list(study.compare().columns) == KEYS
    assert study.outcomes().empty and len(study.failures()) == 12


def test_a_scenario_of_which_nothing_succeeded_has_no_differences(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, CRASH, SAME, replicates=2)).study
    assert set(study.compare()["scenario"]) == {"crash", "same"}

    def broken(world, scenario, base, **keys):
        if scenario.name == "crash":
            raise RuntimeError("never")
        return simulate(world, scenario, base, **keys)

    what = experiment(tmp_path, CRASH, SAME, replicates=2)
    study = go(tmp_path / "never", what, simulate=broken).study
    assert set(study.compare().dropna(subset="difference")["scenario"]) == {"same"}
    assert study.failures()["replicate"].tolist() == [0, 1]


def test_before_against_before_is_exactly_zero_everywhere(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, SAME, BEFORE)).study
    comparison = study.compare()
    assert set(comparison["scenario"]) == {"same", "before"}
    assert (comparison[["difference", "low", "high"]] == 0).all(axis=None)
    assert set(comparison["verdict"]) == {"no difference"}


def test_losers_are_compared_with_a_base_that_loses_nothing(tmp_path):
    def base_is_silent(world, scenario, base, **keys):
        records = simulate(world, scenario, base, **keys)
        if scenario == base:
            records.losers = records.losers.iloc[:0]
        return records

    for name, model in (("zero", simulate), ("silent", base_is_silent)):
        study = go(tmp_path / name, experiment(tmp_path), simulate=model).study
        found = cell(study.compare(), "reform", LOSERS)
        assert found["base_value"] == 0 and math.isclose(found["value"], 0.1)
        assert found["verdict"] == "worse"


def test_any_scenario_can_be_the_base(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path)).study
    turned = study.compare(base="reform")
    assert list(dict.fromkeys(turned["scenario"])) == ["before", "same"]
    there, back = cell(study.compare(), "reform", LOAD), cell(turned, "before", LOAD)
    assert back["difference"] == -there["difference"] and back["verdict"] == "better"
    assert back["low"] == -there["high"]
    assert LOSERS not in set(turned["outcome"])  # recorded against another base
    with pytest.raises(InputError, match="did you mean 'reform'"):
        study.compare(base="reforn")


def test_rows_stand_as_scenarios_are_listed_and_the_catalogue_goes(tmp_path):
    comparison = go(tmp_path / "out", experiment(tmp_path, SAME, REFORM)).study.compare()
    assert list(comparison.columns) == KEYS == list(COLUMNS)
    assert list(dict.fromkeys(comparison["scenario"])) == ["same", "reform"]
    places = {o: i for i, o in enumerate(OUTCOMES)}, {g: i for i, g in enumerate(GROUPS)}
    for _, part in comparison.groupby("scenario"):
        rows = [(places[0][o], places[1][g]) for o, g in zip(part.outcome, part.group, strict=True)]
        assert rows == sorted(rows) and len(rows) == 4


def test_json_rows_have_exactly_the_ten_keys_and_null_for_unknown(tmp_path):
    rows = to_json(compared(tmp_path, [1.0], [1.5]))
    assert all(list(row) == KEYS for row in rows)
    again = json.loads(json.dumps(rows, allow_nan=False))
    assert again == rows
    assert rows[0]["low"] is None and rows[0]["high"] is None
    assert all(isinstance(row["value"], float) for row in rows)


INFO = {
    "start": "2020-01-06",
    "weeks": 130,
    "scenarios": [{"first_date": None}, {"first_date": "2021-01-04"}, {"first_date": "2020-05-18"}],
}


def test_windows_are_the_weeks_they_say():
    assert weeks_of("last-year", INFO) == (78, 130)
    assert weeks_of("whole", INFO) == (0, 130)
    # 18 May 2020 is 19 weeks after 6 January
    assert weeks_of("first-half-year", INFO) == (19, 45)
    assert weeks_of("last-year", {**INFO, "weeks": 20}) == (0, 20)
    assert weeks_of("first-half-year", {**INFO, "weeks": 30}) == (19, 30)
    with pytest.raises(InputError, match="last-year"):
        weeks_of("decade", INFO)


def test_a_lever_in_mid_week_takes_effect_in_the_week_that_follows():
    info = {**INFO, "scenarios": [{"first_date": "2020-05-19"}]}
    assert weeks_of("first-half-year", info) == (20, 46)
    assert weeks_of("first-half-year", {**info, "scenarios": []}) == (0, 26)


@pytest.mark.parametrize(
    ("window", "weeks"),
    [("whole", range(60)), ("last-year", range(8, 60)), ("first-half-year", range(19, 45))],
)
def test_a_value_is_the_mean_of_the_weeks_of_its_window(tmp_path, window, weeks):
    study = go(tmp_path / "out", experiment(tmp_path)).study
    records = [reform_records(tmp_path, r).outcomes for r in range(4)]
    means = [
        r[(r.outcome == LOAD) & (r.group == "all") & r.week.isin(weeks)]["value"].mean()
        for r in records
    ]
    assert math.isclose(
        cell(study.compare(window=window), "reform", LOAD)["value"], float(np.mean(means))
    )


def test_weeks_without_a_value_are_left_out(tmp_path):
    def first_weeks_only(*args, **keys):
        records = simulate(*args, **keys)
        records.outcomes.loc[records.outcomes["week"] >= 5, "value"] = np.nan
        return records

    later = replace(REFORM, first_date=date(2020, 2, 3))
    study = go(tmp_path / "out", experiment(tmp_path, later), simulate=first_weeks_only).study
    assert cell(study.compare(window="first-half-year"), "reform", MINUTES)["value"] == 11
    assert MINUTES not in set(study.compare(window="last-year").query("group == 'all'").outcome)
