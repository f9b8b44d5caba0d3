"""Sensitivity: indices known in closed form come out, and noise is told from parameters."""

from __future__ import annotations

import io
import json
import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.case.messages import InputError
from sim.experiment.designs import Design
from sim.experiment.indices import indices
from sim.experiment.results import Study
from sim.experiment.sensitivity import Sensitivity, noise_of_means, sensitivity
from sim.report.tornado import draw_tornado
from sim.report.uncertainty import print_sensitivity
from tests.experiments import LOAD, MINUTES, REFORM, experiment, go, simulate
from tests.test_designs import Values

A, B, C = "travel.ride_start", "travel.detour_hill", "travel.walking_speed"  # C, C, A
PI = math.pi


def ishigami(x: np.ndarray, a: float = 7.0, b: float = 0.1) -> np.ndarray:
    """Ishigami & Homma 1990, on [-pi, pi]^3."""
    return np.sin(x[..., 0]) + a * np.sin(x[..., 1]) ** 2 + b * x[..., 2] ** 4 * np.sin(x[..., 0])


def ishigami_indices(a: float = 7.0, b: float = 0.1) -> tuple[list[float], list[float]]:
    """First-order and total indices in closed form."""
    one = 0.5 * (1 + b * PI**4 / 5) ** 2
    two = a**2 / 8
    both = b**2 * PI**8 * (1 / 18 - 1 / 50)
    whole = one + two + both
    return [one / whole, two / whole, 0.0], [(one + both) / whole, two / whole, both / whole]


def cube(method: str, samples: int, half: float = PI, names: tuple = (A, B, C)) -> Design:
    n = len(names)
    return Design(method, names, (-half,) * n, (half,) * n, samples, 4, 3)


def model_of(effect: Any, noise: float = 0.0) -> Any:
    """The reform's minutes differ by `effect` of the parameters, with noise of each run."""

    def model(world, scenario, base, *, parameters, replicate, seed, **keys):
        records = simulate(
            world, scenario, base, parameters=parameters, replicate=replicate, seed=seed, **keys
        )
        values = np.array([v for _, v in parameters.values])
        rng = np.random.default_rng([seed, replicate, *(int(1e6 * abs(v)) for v in values)])
        moved = effect(values) if values.size else 0.5
        shift = scenario.effect * (moved + noise * rng.normal())
        rows = records.outcomes["outcome"] == MINUTES
        records.outcomes.loc[rows, "value"] = 10 + shift
        return records

    return model


def studied(folder, design: Design, effect: Any, replicates: int = 1, noise: float = 0.0) -> Study:
    what = experiment(
        folder, REFORM, parameters=Values(), design=design, replicates=replicates, weeks=2
    )
    return go(folder / "out", what, simulate=model_of(effect, noise)).study


def found_for(folder, design: Design, effect: Any, **keys: Any) -> Sensitivity:
    return sensitivity(studied(folder, design, effect, **keys), outcomes=[MINUTES])


def test_sobol_indices_of_the_ishigami_function_are_the_known_ones():
    design = cube("sobol", 4096)
    found = indices(design, ishigami(design.rows))
    first, total = ishigami_indices()
    assert np.allclose(found["value"], total, atol=0.02)
    assert np.allclose(found["second"], first, atol=0.02)
    assert found["converged"].all() and math.isclose(found["share"].sum(), 1)
    assert (np.abs(found["value"] - total) <= 1.5 * found["conf"] + 1e-3).all()


def test_the_intervals_of_sobol_indices_hold_the_known_ones_with_a_thousand_samples():
    first, total = ishigami_indices()
    assert np.allclose(first, [0.314, 0.442, 0], atol=5e-4)
    assert np.allclose(total, [0.558, 0.442, 0.244], atol=5e-4)
    for seed in range(1, 11):
        design = replace(cube("sobol", 1024), seed=seed)
        found = indices(design, ishigami(design.rows))
        assert (np.abs(found["value"] - total) <= found["conf"]).all()
        assert (np.abs(found["second"] - first) <= found["second_conf"]).all()
        assert found["converged"].all() and (found["conf"] < 0.1).all()


@pytest.mark.slow
def test_the_known_indices_come_through_a_study_from_plan_to_answer(tmp_path):
    def light(world, scenario, base, *, parameters, **keys):
        values = np.array([v for _, v in parameters.values])
        answer = 10 + scenario.effect * (ishigami(values) if values.size else 0.5)
        rows = {"week": [0], "outcome": MINUTES, "group": "all", "unit": "u", "value": [answer]}
        frame = pd.DataFrame(rows)
        return SimpleNamespace(
            outcomes=frame, units=frame, losers=frame[:0], seconds=0.0, peak_memory_mb=0.0
        )

    design = cube("sobol", 1024)
    keys = {"parameters": Values(), "replicates": 1, "weeks": 1, "households": 1}
    what = experiment(tmp_path, REFORM, design=design, **keys)
    study = go(tmp_path / "out", what, simulate=light, keep=["outcomes"]).study
    found = sensitivity(study, outcomes=[MINUTES]).indices
    first, total = ishigami_indices()
    assert (np.abs(found["value"] - total) <= found["conf"]).all()
    assert (np.abs(found["second"] - first) <= found["second_conf"]).all()
    assert found["converged"].all()


def test_sobol_indices_come_through_a_study_with_few_samples_as_not_converged(tmp_path):
    found = found_for(tmp_path, cube("sobol", 16), ishigami)
    design = cube("sobol", 16)
    wanted = indices(design, ishigami(design.rows))
    assert np.allclose(found.indices["value"], wanted["value"], rtol=1e-6)
    assert not found.indices["converged"].all()
    first = wanted.loc[wanted["value"].idxmax(), "parameter"]
    assert found.parameters["parameter"][0] == first
    said = io.StringIO()
    print_sensitivity(found, file=said)
    assert "(nc)" in said.getvalue() and "cannot be told" in said.getvalue()


def test_elementary_effects_of_a_linear_function_are_its_slopes_over_the_ranges():
    design = cube("morris", 10, half=1.0)
    found = indices(design, design.rows @ [3.0, -2.0, 0.0])
    assert np.allclose(found["value"], [6, 4, 0]) and np.allclose(found["second"], 0, atol=1e-9)
    assert np.allclose(found["share"], [0.6, 0.4, 0]) and found["converged"].all()


def test_elementary_effects_come_through_a_study_as_coefficients_over_the_ranges(tmp_path):
    slopes = np.array([3.0, -2.0, 0.5])
    design = Design("morris", (A, B, C), (5.0, 1.3, 40.0), (20.0, 2.0, 90.0), 5, 4, 1)
    found = found_for(tmp_path, design, lambda v: v @ slopes).indices
    assert np.allclose(found["value"], np.abs(slopes) * [15, 0.7, 50])
    assert np.allclose(found["swing"], slopes * [15, 0.7, 50]) and found["converged"].all()
    assert np.allclose(found["second"], 0, atol=1e-6) and np.allclose(found["conf"], 0, atol=1e-6)


def test_what_replicates_alone_may_make_is_called_noise(tmp_path):
    found = found_for(
        tmp_path, cube("morris", 10, 1.0), lambda v: 5 * v[0], replicates=3, noise=0.5
    )
    assert list(found.indices["noisy"]) == [False, True, True]
    nothing = found_for(
        tmp_path / "none", cube("morris", 10, 1.0), lambda v: 1.0, replicates=3, noise=0.5
    )
    assert nothing.indices["noisy"].all() and not found.indices["noisy"].all()
    said = io.StringIO()
    print_sensitivity(found, file=said)
    assert "(noise)" in said.getvalue()


def test_an_output_that_hardly_moves_hardly_counts_in_the_ranking(tmp_path):
    def model(*args, parameters, **keys):
        records = simulate(*args, parameters=parameters, **keys)
        v = np.array([v for _, v in parameters.values] or [0.0, 0.0, 0.0])
        effect = args[1].effect
        for outcome, shift in ((MINUTES, 100 + 0.1 * v[0]), (LOAD, 1 + 0.5 * v[1])):
            rows = records.outcomes["outcome"] == outcome
            records.outcomes.loc[rows, "value"] = 10 + effect * shift
        return records

    what = experiment(
        tmp_path, REFORM, parameters=Values(), design=cube("morris", 8, 1.0), replicates=1, weeks=2
    )
    found = sensitivity(go(tmp_path / "out", what, simulate=model).study, outcomes=[MINUTES, LOAD])
    movement = found.outputs.set_index("outcome")["movement"]
    assert movement[MINUTES] < 0.002 and 0.2 < movement[LOAD] < 0.7
    shares = found.parameters.set_index("parameter")["share"]
    assert shares[B] > 0.99 and math.isclose(shares.sum(), 1)
    said = io.StringIO()
    print_sensitivity(found, file=said)
    assert "hardly moves" in said.getvalue()


def test_an_interaction_shows_as_the_spread_of_elementary_effects():
    design = cube("morris", 20, half=1.0)
    found = indices(design, design.rows[:, 0] * design.rows[:, 1] + design.rows[:, 2])
    assert (found["second"][:2] > 0.5).all() and abs(found["second"][2]) < 1e-9
    assert not found["converged"][:2].any()


def test_rank_regression_sees_a_curved_but_rising_effect_as_one():
    design = cube("lhs", 400, half=1.0)
    found = indices(design, np.exp(5 * design.rows[:, 0]) - 0.0 * design.rows[:, 1])
    assert math.isclose(found["value"][0], 1, abs_tol=0.01)
    assert (np.abs(found["value"][1:]) < 0.01).all() and found["converged"].all()


def test_a_grid_is_analysed_as_it_is():
    design = cube("grid", 0, half=1.0)
    found = indices(design, design.rows @ [2.0, 1.0, 0.0])
    assert found["value"][0] > found["value"][1] > 0.3 and abs(found["value"][2]) < 1e-9


def test_what_does_not_move_or_is_not_there_has_no_indices():
    design = cube("morris", 4)
    assert found_nothing(indices(design, np.ones(len(design.rows))))
    assert found_nothing(indices(design, np.full(len(design.rows), np.nan)))
    y = design.rows @ [1.0, 2.0, 3.0]
    y[5] = np.nan  # the second of four trajectories
    assert np.allclose(indices(design, y)["value"], 2 * PI * np.array([1, 2, 3]))


def found_nothing(frame) -> bool:
    return bool(frame[["value", "conf", "share"]].isna().all(axis=None))


def test_replication_noise_is_told_from_the_effect_of_parameters(tmp_path):
    design = cube("lhs", 30, half=1.0, names=(A, B))
    found = found_for(tmp_path, design, lambda v: 2 * v[0], replicates=3, noise=0.6)
    (row,) = found.outputs.to_dict("records")
    # a uniform on [-1, 1] has variance 1/3; 0.6 over the root of three replicates
    assert math.isclose(row["noise"], 0.6 / math.sqrt(3), rel_tol=0.25)
    assert math.isclose(row["parameters"], 2 / math.sqrt(3), rel_tol=0.1)
    assert row["spread"] > row["parameters"]


def test_noise_is_what_points_and_replicates_do_not_explain():
    rng = np.random.default_rng(4)
    points, replicates = rng.normal(0, 3, (400, 1)), rng.normal(0, 5, (1, 6))
    table = pd.DataFrame(points + replicates + rng.normal(0, 0.6, (400, 6)))
    assert math.isclose(noise_of_means(table), 0.6 / math.sqrt(6), rel_tol=0.04)
    assert noise_of_means(pd.DataFrame(points + replicates)) < 1e-12
    table.iloc[3, 2] = np.nan  # a run that failed
    assert math.isclose(noise_of_means(table), 0.6 / math.sqrt(6), rel_tol=0.04)


def test_one_replicate_has_no_noise_to_tell(tmp_path):
    (row,) = found_for(tmp_path, cube("morris", 4), sum).outputs.to_dict("records")
    assert math.isnan(row["noise"]) and math.isnan(row["parameters"]) and row["spread"] > 0


def test_assumptions_are_ranked_and_sourced_numbers_are_not_among_them(tmp_path):
    found = found_for(tmp_path, cube("morris", 8, 1.0), lambda v: v @ [1.0, 4.0, 9.0])
    assert list(found.parameters["parameter"]) == [C, B, A]
    assert list(found.assumptions["parameter"]) == [B, A]
    assert np.allclose(found.parameters["share"], np.array([9, 4, 1]) / 14)
    assert set(found.parameters["outcome"]) == {MINUTES}


@pytest.mark.parametrize("method", ["grid", "lhs", "sobol", "morris"])
def test_the_swing_is_what_the_range_of_a_parameter_makes_others_as_they_are(method):
    design = cube(method, 16, half=1.0)
    swing = indices(design, 5 + design.rows @ [3.0, -2.0, 0.0])["swing"]
    assert np.allclose(swing, [6, -4, 0], atol=1e-9)


def test_an_output_says_where_the_difference_lies_over_the_sets(tmp_path):
    found = found_for(tmp_path, cube("grid", 0, 1.0, (A, B)), lambda v: 3 * v[0])
    (row,) = found.outputs.to_dict("records")  # levels -1, -1/3, 1/3, 1
    assert row["difference"] == 0.5 and row["same_sign"] == 0.5 and abs(row["mean"]) < 1e-9
    assert math.isclose(row["low"], -3) and math.isclose(row["high"], 3)


def test_what_no_parameter_moves_has_no_spread_by_parameters(tmp_path):
    found = found_for(tmp_path, cube("morris", 3), lambda v: 0.7)
    (row,) = found.outputs.to_dict("records")
    assert row["spread"] == row["parameters"] == 0 and found_nothing(found.indices)
    assert found.parameters["share"].isna().all()


def test_a_failed_run_leaves_out_its_trajectory_and_no_more(tmp_path):
    def fragile(v):
        if abs(v[0] - -1) < 1e-9 and abs(v[1] - -1) < 1e-9:
            raise RuntimeError("too much")
        return 3 * v[0]

    design = cube("morris", 12, 1.0)
    found = found_for(tmp_path, design, fragile)
    assert found.outputs["points"][0] < len(design.points) - 1
    assert np.allclose(found.indices["value"], [6, 0, 0])


def test_results_without_a_design_or_a_name_that_is_not_there_are_refused(tmp_path):
    plain = go(tmp_path / "plain", experiment(tmp_path)).study
    with pytest.raises(InputError, match="one parameter set"):
        sensitivity(plain)
    study = studied(tmp_path, cube("morris", 2), sum)
    with pytest.raises(InputError, match=r"did you mean 'access\.government\.minutes'"):
        sensitivity(study, outcomes=["access.government.minute"])


def test_by_default_all_headline_outcomes_are_analysed(tmp_path):
    found = sensitivity(studied(tmp_path, cube("morris", 3), sum))
    assert set(found.outputs["outcome"]) >= {MINUTES, LOAD}
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_tornado_names_every_parameter_in_either_language(tmp_path, lang):
    found = found_for(tmp_path, cube("morris", 6, 1.0), lambda v: v @ [1.0, -4.0, 9.0])
    draw_tornado(found, tmp_path / "t.svg", lang=lang)
    text = (tmp_path / "t.svg").read_text(encoding="utf-8")
    assert all(f">{n} " in text for n in (A, B, C)) and "reform" in text
    assert ("差" in text) == (lang == "zh")
    draw_tornado(found, tmp_path / "again.svg", lang=lang)
    assert (tmp_path / "again.svg").read_bytes() == (tmp_path / "t.svg").read_bytes()
    draw_tornado(found, tmp_path / "t.png", lang=lang)
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")
    said = io.StringIO()
    print_sensitivity(found, lang, said)
    assert C in said.getvalue() and ("份额" in said.getvalue()) == (lang == "zh")
