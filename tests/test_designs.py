"""Designs: sampling plans of the shape their method has, the same every time, bad ones refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.experiment.designs import Design, DesignFile, row_count
from sim.experiment.families import families
from sim.experiment.plan import Plan
from sim.experiment.results import Study
from tests.experiments import REFORM, bytes_of, experiment, go, simulate

NAMES = ("a", "b", "c")


def design(method: str, samples: int = 8, levels: int = 4, seed: int = 1, n: int = 3) -> Design:
    return Design(method, NAMES[:n], (0.0,) * n, (2.0,) * n, samples, levels, seed)


@dataclass(frozen=True)
class Values:
    """A stand-in for parameters that can be changed."""

    values: tuple[tuple[str, float], ...] = ()

    def override(self, values) -> Values:
        return Values(tuple(values.items()))

    @property
    def digest(self) -> str:
        return str(self.values)

    def __iter__(self) -> Iterator[SimpleNamespace]:
        return (SimpleNamespace(name=name, value=value) for name, value in self.values)


def sums(*args: Any, parameters: Any, **keys: Any) -> Any:
    """A model whose outcomes are shifted by the parameters."""
    records = simulate(*args, parameters=parameters, **keys)
    records.outcomes["value"] += sum(v for _, v in parameters.values)
    return records


def designed(folder, of: Design, **keys: Any):
    return experiment(folder, parameters=Values(), design=of, **keys)


@pytest.mark.parametrize("method", ["grid", "lhs", "sobol", "morris"])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_sampling_plan_has_the_rows_it_says_within_the_ranges(method, n):
    made = design(method, n=n, levels=0 if method in ("lhs", "sobol") else 4)
    assert made.rows.shape == (row_count(method, n, 8, made.levels), n)
    assert (made.rows >= 0).all() and (made.rows <= 2).all()
    assert np.array_equal(made.rows, design(method, n=n, levels=made.levels).rows)
    if method != "grid":
        assert not np.array_equal(made.rows, replace(made, seed=2).rows)


def test_a_grid_is_every_combination_of_its_levels():
    rows = design("grid", levels=3, n=2).rows
    assert {tuple(r) for r in rows} == {(a, b) for a in (0, 1, 2) for b in (0, 1, 2)}
    assert len(rows) == 9


def test_a_latin_hypercube_has_one_value_in_each_part_of_each_range():
    rows = design("lhs", samples=20).rows
    parts = np.floor(rows / 2 * 20).astype(int)
    assert all(sorted(column) == list(range(20)) for column in parts.T)


def test_a_morris_trajectory_moves_one_parameter_at_a_time_by_the_same_step():
    rows = design("morris", samples=6).rows.reshape(6, 4, 3)
    steps = np.abs(np.diff(rows, axis=1))
    assert ((steps > 0).sum(axis=2) == 1).all() and ((steps > 0).sum(axis=1) == 1).all()
    # four levels: two thirds of the range
    assert np.allclose(steps[steps > 0], 2 * 2 / 3)


def test_a_sobol_block_swaps_one_parameter_at_a_time():
    blocks = design("sobol").rows.reshape(8, 5, 3)
    for block in blocks:
        first, swapped, second = block[0], block[1:4], block[4]
        for i, row in enumerate(swapped):
            assert row[i] == second[i] and (np.delete(row, i) == np.delete(first, i)).all()


@given(
    st.sampled_from(["grid", "lhs", "sobol", "morris"]),
    st.sampled_from([2, 4, 8]),
    st.integers(1, 3),
    st.integers(1, 50),
)
def test_points_are_the_rows_without_repeats_after_the_experiments_own(method, size, n, seed):
    made = design(method, samples=size, levels=size, seed=seed, n=n)
    frame = made.frame()
    assert made.points[0] == {} and len(set(map(str, made.points))) == len(made.points)
    assert list(frame["row"]) == list(range(len(made.rows)))
    for values, point in zip(made.rows.tolist(), frame["point"], strict=True):
        assert list(made.points[point].values()) == values
    assert set(frame["point"]) == set(range(1, len(made.points)))
    again = Design.of_record(made.record())
    assert again == made and np.array_equal(again.rows, made.rows)


def test_a_run_is_a_scenario_at_a_point_in_a_replicate(tmp_path):
    made = designed(tmp_path, design("grid", levels=2, n=2), replicates=3)
    plan = Plan.of(made)
    assert len(plan.runs) == 3 * 5 * 3 and len({r.key for r in plan.runs}) == 45
    order = [(r.replicate, r.point) for r in plan.runs]
    assert order == sorted(order)
    for family in families(plan.runs, 2):
        assert len({(r.replicate, r.point) for r in family.runs}) == 1
    assert Plan.of(designed(tmp_path, design("grid", levels=2, n=2), replicates=3)) == plan


def test_the_first_point_has_the_runs_of_the_experiment_without_a_design(tmp_path):
    plain = {r.key for r in Plan.of(experiment(tmp_path, parameters=Values())).runs}
    made = Plan.of(designed(tmp_path, design("lhs")))
    assert {r.key for r in made.runs if r.point == 0} == plain


@pytest.mark.parametrize("method", ["sobol", "morris"])
def test_more_samples_keep_the_rows_that_there_were(method):
    few, more = (design(method, samples=n).rows for n in (4, 16))
    assert np.array_equal(few, more[: len(few)])


def test_a_study_with_more_samples_goes_on_from_those_that_are_there(tmp_path):
    few, more = (designed(tmp_path, design("sobol", n), replicates=2) for n in (2, 4))
    first = go(tmp_path / "out", few, simulate=sums)
    ended = go(tmp_path / "out", more, simulate=sums)
    go(tmp_path / "whole", more, simulate=sums)
    assert ended.ran == len(Plan.of(more).runs) - first.ran > 0
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")
    with pytest.raises(InputError, match=r"samples of the design 4 -> 2"):
        go(tmp_path / "out", few, simulate=sums)


def test_another_seed_has_other_runs_and_other_results_are_refused(tmp_path):
    go(tmp_path / "out", designed(tmp_path, design("lhs", 4)), simulate=sums)
    with pytest.raises(InputError, match="design"):
        go(tmp_path / "out", designed(tmp_path, design("lhs", 4, seed=2)), simulate=sums)


def test_frames_tell_the_point_and_differences_are_of_one_point(tmp_path):
    def steep(*args, parameters, **keys):
        records = sums(*args, parameters=parameters, **keys)
        effect = args[1].effect * sum(v for _, v in parameters.values)
        records.outcomes["value"] += effect
        return records

    made = designed(tmp_path, design("grid", levels=2, n=1), replicates=3)
    study = go(tmp_path / "out", made, simulate=steep).study
    for frame in (study.outcomes(), study.units(), study.losers(), study.plan()):
        assert set(frame["point"]) == {0, 1, 2}
    assert set(study.outcomes(point=1)["point"]) == {1}
    minutes = [
        study.compare(point=p).query("outcome == 'access.government.minutes'")["difference"].iloc[0]
        for p in range(3)
    ]
    assert minutes == pytest.approx([1, 1, 3]) and study.compare().equals(study.compare(point=0))
    points = Study.open(tmp_path / "out").design()
    assert points is not None and list(points.columns) == ["row", "point", "a"]


def test_a_design_gives_the_same_bytes_whatever_the_number_of_workers(tmp_path):
    for name, workers in (("one", 0), ("two", 2)):
        go(tmp_path / name, designed(tmp_path, design("morris", 2), replicates=1), workers,
           simulate=sums)  # fmt: skip
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    one, two = ((tmp_path / n / "points.parquet").read_bytes() for n in ("one", "two"))
    assert one == two


def faults_of(**keys: Any) -> list[tuple[tuple, str]]:
    found: list[tuple[tuple, str]] = []
    spec = DesignFile.model_validate(keys)
    made = Design.of(spec, Parameters.load(), lambda e, k: found.append((k, e.problems[0].message)))
    assert (made is None) == bool(found)
    return found


NAME = "travel.walking_speed"


@pytest.mark.parametrize(
    ("keys", "place", "words"),
    [
        ({"design": "lhs", "over": [NAME]}, ("design",), "needs `samples`"),
        ({"design": "grid", "samples": 4, "levels": 3, "over": [NAME]}, ("samples",), "has no"),
        ({"design": "sobol", "samples": 12, "over": [NAME]}, ("samples",), "power of 2"),
        ({"design": "morris", "samples": 9, "levels": 3, "over": [NAME]}, ("levels",), "even"),
        ({"design": "lhs", "samples": 9, "over": {NAME: [80, 50]}}, ("over", NAME), "empty"),
        ({"design": "lhs", "samples": 9, "over": {NAME: [1, 50]}}, ("over", NAME), "outside"),
        ({"design": "lhs", "samples": 9, "over": ["travel.walk"]}, ("over", 0), "no parameter"),
        (
            {"design": "lhs", "samples": 9, "over": [NAME], "fixed": {NAME: 60}},
            ("over", 0),
            "both fixed",
        ),
        ({"design": "grid", "levels": 1000, "over": [NAME, "travel.ride_speed"]}, ("design",),
         "more than"),
    ],
)  # fmt: skip
def test_a_bad_design_is_refused_at_its_place(keys, place, words):
    ((where, message),) = faults_of(**keys)
    assert where == place and words in message


def test_ranges_come_from_the_list_of_parameters_unless_they_are_given():
    entry = Parameters.load().entries[NAME]
    spec = {"design": "lhs", "samples": 5, "over": {NAME: None, "travel.ride_speed": [200, 300]}}
    made = Design.of(DesignFile.model_validate(spec), Parameters.load(), lambda e, k: None)
    assert (made.low, made.high) == ((entry.low, 200.0), (entry.high, 300.0))


def test_a_failing_run_names_its_point(tmp_path):
    def fragile(*args, parameters, **keys):
        if parameters.values and parameters.values[0][1] == 2 and args[1] == REFORM:
            raise RuntimeError("too much")
        return sums(*args, parameters=parameters, **keys)

    made = designed(tmp_path, design("grid", levels=2, n=1), replicates=1)
    ended = go(tmp_path / "out", made, simulate=fragile)
    assert list(ended.study.failures()["point"]) == [2] and ended.failed == 1
