"""Headline statistics and ranks: what they say of differences that a test knows."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.case.messages import InputError
from sim.experiment.evidence import HEADLINES, evidence, plain_rows
from sim.experiment.ranking import rank
from sim.outcomes.catalogue import OUTCOMES
from sim.report.uncertainty import print_evidence, print_ranks
from tests.experiments import LOAD, MINUTES, REFORM, SAME, FakeScenario, experiment, go, simulate
from tests.test_designs import Values, design


def given(**values):
    """A model in which the load of scenario and replicate is given."""

    def model(world, scenario, base, *, replicate, **keys):
        records = simulate(world, scenario, base, replicate=replicate, **keys)
        rows = (records.outcomes["outcome"] == LOAD) & (records.outcomes["group"] == "all")
        records.outcomes.loc[rows, "value"] = values[scenario.name][replicate]
        return records

    return model


def studied(tmp_path, **values):
    others = [FakeScenario(n) for n in values if n != "before"]
    count = len(values["before"])
    what = experiment(tmp_path, *others, replicates=count, weeks=2)
    return go(tmp_path / "out", what, simulate=given(**values)).study


def row_of(rows, outcome=LOAD):
    (row,) = rows.query("outcome == @outcome").to_dict("records")
    return row


def test_the_headline_differences_are_those_of_compare_with_more_beside(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, replicates=8)).study
    rows = evidence(study, window="whole")
    assert set(rows["group"]) == {"all"} and set(rows["outcome"]) <= set(HEADLINES)
    whole = study.compare(window="whole").query("group == 'all' and outcome in @HEADLINES")
    assert rows[whole.columns].equals(whole.reset_index(drop=True))
    found = row_of(rows[rows["scenario"] == "reform"])
    runs = study.outcomes([LOAD]).query("group == 'all'")
    table = runs.groupby(["scenario", "replicate"], observed=True)["value"].mean().unstack(0)
    before, after = table["before"], table["reform"]
    assert math.isclose(found["p"], stats.ttest_rel(after, before).pvalue, rel_tol=1e-9)
    wanted = (before.var() + after.var()) / (after - before).var()
    assert math.isclose(found["variance_reduction"], wanted) and wanted > 2
    assert found["bootstrap_low"] < found["difference"] < found["bootstrap_high"]
    assert found["replicates"] == 8


def test_a_verdict_that_chance_among_many_explains_is_no_longer_clear(tmp_path):
    rng = np.random.default_rng(1)
    before = rng.normal(1, 0.1, 6)
    after = before + np.array([0.02, 0.05, -0.01, 0.04, 0.05, 0.01])
    names = [n for n in HEADLINES if n != LOAD and "losers" not in n][:30]

    def model(*args, **keys):
        records = given(before=before, after=after)(*args, **keys)
        more = [records.outcomes]
        replicate, shift = keys["replicate"], args[1].name == "after"
        for i, name in enumerate(names):
            noise = np.random.default_rng([i, replicate]).normal() if shift else 0.0
            first = records.outcomes[records.outcomes["outcome"] == MINUTES]
            more.append(first.assign(outcome=name, value=1.0 + noise))
        records.outcomes = pd.concat([more[0][more[0]["outcome"] == LOAD], *more[1:]])
        return records

    what = experiment(tmp_path, FakeScenario("after"), replicates=6, weeks=2)
    found = row_of(evidence(go(tmp_path / "out", what, simulate=model).study))
    assert found["p"] < 0.05 < found["holm"]
    assert (found["verdict"], found["adjusted"]) == ("worse", "no clear difference")


def test_what_is_certain_stays_certain_and_zeros_are_no_tests(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, replicates=4)).study
    rows = evidence(study)
    minutes = row_of(rows[rows["scenario"] == "reform"], MINUTES)
    assert minutes["p"] == minutes["holm"] == 0 and minutes["adjusted"] == "worse"
    same = rows[rows["scenario"] == "same"]
    assert same["holm"].isna().all() and set(same["adjusted"]) == {"no difference"}


def test_one_replicate_and_none_are_said_as_before(tmp_path):
    study = studied(tmp_path, before=[1.0], after=[1.5])
    found = row_of(evidence(study))
    assert found["adjusted"] == "one replicate" and math.isnan(found["holm"])
    assert math.isnan(found["variance_reduction"]) and found["replicates"] == 1
    json.dumps(plain_rows(evidence(study)), allow_nan=False)
    assert plain_rows(evidence(study))[0]["low"] is None


def test_the_base_can_be_another(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path, replicates=5)).study
    there, back = evidence(study), evidence(study, "reform")
    one = row_of(there[there["scenario"] == "reform"])
    two = row_of(back[back["scenario"] == "before"])
    assert math.isclose(one["p"], two["p"]) and one["difference"] == -two["difference"]
    assert math.isclose(one["variance_reduction"], two["variance_reduction"])


@pytest.mark.parametrize(("lang", "word"), [("en", "pairing"), ("zh", "配对增益")])
def test_the_statistics_are_printed_in_either_language(tmp_path, lang, word):
    study = go(tmp_path / "out", experiment(tmp_path, replicates=5)).study
    said = io.StringIO()
    print_evidence(evidence(study), lang, said)
    assert word in said.getvalue() and "reform − before" in said.getvalue()


def test_ranks_and_regrets_of_a_worked_example(tmp_path):
    # lower is better; the best of each replicate: a, b, a and b
    study = studied(
        tmp_path,
        before=[3.0, 3.0, 3.0, 3.0],
        a=[1.0, 2.0, 1.0, 2.0],
        b=[2.0, 1.0, 1.0, 1.5],
    )
    rows = rank(study, LOAD, within=0.6).set_index("scenario")
    assert list(rows.index) == ["b", "a", "before"]
    assert list(rows["mean_rank"]) == [1.25, 1.5, 3.0]
    assert list(rows["best"]) == [0.75, 0.5, 0.0]
    assert list(rows["within"]) == [0.75, 0.75, 0.0]
    assert np.allclose(rows["regret"], [0.25, 0.375, 1.875])
    # by their means over replicates b is best, a 0.125 behind
    assert list(rows["within_sets"]) == [1.0, 1.0, 0.0]
    assert np.allclose(rows["worst_regret"], [0, 0.125, 1.625])
    assert set(rows["worlds"]) == {4} and set(rows["sets"]) == {1}


def test_options_are_ranked_over_parameter_sets_too(tmp_path):
    """One option is good under small values of the parameter, the other under great ones."""

    def model(world, scenario, base, *, parameters, **keys):
        records = simulate(world, scenario, base, parameters=parameters, **keys)
        x = sum(v for _, v in parameters.values)
        value = {"before": 3.0, "reform": x, "same": 1.25}[scenario.name]
        records.outcomes.loc[records.outcomes["outcome"] == MINUTES, "value"] = value
        return records

    what = experiment(
        tmp_path, REFORM, SAME, parameters=Values(), design=design("grid", levels=5, n=1), weeks=2
    )  # values 0, 0.5, ..., 2, and 0 at the experiment's own
    study = go(tmp_path / "out", what, simulate=model).study
    rows = rank(study, MINUTES, within=0.3).set_index("scenario")
    assert rows["sets"].eq(6).all() and rows["worlds"].eq(24).all()
    assert math.isclose(rows["best"]["reform"], 4 / 6)
    assert math.isclose(rows["within_sets"]["reform"], 5 / 6)
    assert math.isclose(rows["within_sets"]["same"], 3 / 6)
    assert math.isclose(rows["worst_regret"]["reform"], 0.75)
    assert math.isclose(rows["worst_regret"]["same"], 1.25)


def test_a_higher_outcome_is_ranked_the_other_way(tmp_path):
    name = next(o.name for o in OUTCOMES.values() if o.better == "higher")

    def model(*args, **keys):
        records = simulate(*args, **keys)
        records.outcomes = records.outcomes.replace({"outcome": {MINUTES: name}})
        return records

    study = go(tmp_path / "out", experiment(tmp_path), simulate=model).study
    rows = rank(study, name)
    assert rows["scenario"][0] == "reform" and list(rows["regret"]) == [0, 1, 1]


def test_what_cannot_be_ranked_is_refused(tmp_path):
    study = go(tmp_path / "out", experiment(tmp_path)).study
    with pytest.raises(InputError, match="did you mean"):
        rank(study, "access.government.minuts")
    with pytest.raises(InputError, match="group"):
        rank(study, LOAD, group="nobody")
    neutral = next(o.name for o in OUTCOMES.values() if o.better == "none")

    def model(*args, **keys):
        records = simulate(*args, **keys)
        records.outcomes = records.outcomes.replace({"outcome": {LOAD: neutral}})
        return records

    other = go(tmp_path / "other", experiment(tmp_path), simulate=model).study
    with pytest.raises(InputError, match="no good direction"):
        rank(other, neutral)


@pytest.mark.parametrize(("lang", "word"), [("en", "regret"), ("zh", "遗憾")])
def test_ranks_are_printed_in_either_language(tmp_path, lang, word):
    study = go(tmp_path / "out", experiment(tmp_path)).study
    said = io.StringIO()
    print_ranks(rank(study, LOAD), 0.0, lang, said)
    assert word in said.getvalue() and "reform" in said.getvalue()
