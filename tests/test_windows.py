"""Claims about the weeks that reports say their figures are the mean of: those that were run."""

from datetime import date, timedelta

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from sim.experiment.statistics import COLUMNS, WINDOWS, weeks_of
from sim.report.windows import Window
from sim.report.words import in_words

START = date(2024, 1, 1)
WEEKS = st.integers(1, 300)
LEVERS = st.lists(st.one_of(st.none(), st.integers(0, 299)), min_size=1, max_size=4)


def info(weeks, levers):
    dates = [None if w is None else (START + timedelta(weeks=w)).isoformat() for w in levers]
    return {
        "weeks": weeks, "start": START.isoformat(), "scenarios": [{"first_date": d} for d in dates],
    }  # fmt: skip


@given(st.sampled_from(WINDOWS), WEEKS, LEVERS)
def test_a_window_says_how_many_weeks_it_has(name, weeks, levers):
    study = info(weeks, levers)
    window, (first, end) = Window.of(name, study), weeks_of(name, study)
    said, zh = window.mean
    count = max(0, end - first)
    assert said.startswith("mean of ") and zh.endswith("的平均值")
    if count > 1:
        assert f" {count} weeks" in said and f"{count}周" in zh
    else:
        assert ("no week" if count == 0 else "week") in said and "1 weeks" not in said
    assert (f"all {weeks} weeks" in said) == (count == weeks > 1)
    assert not any(levers) or ("first lever" in said or name != "first-half-year" or count == weeks)


@given(st.integers(1, 51))
def test_a_short_run_has_no_last_year(weeks):
    window = Window.of("last-year", info(weeks, [None]))
    assert "year" not in window.when[0] + window.mean[0] and "年" not in window.when[1]


def test_a_long_one_has_a_last_year_and_a_half():
    study = info(130, [10])
    assert Window.of("last-year", study).mean[0] == "mean of the last 52 weeks"
    assert Window.of("last-year", study).when == ("in the last year", "最后一年")
    soon = Window.of("first-half-year", study)
    assert soon.mean == ("mean of the 26 weeks from the first lever", "首个措施起26周的平均值")
    assert "first half year" in soon.when[0]
    assert "12 weeks from the first lever" in Window.of("first-half-year", info(22, [10])).when[0]


def test_visits_of_one_and_the_same_weeks_are_told_once():
    row = ["new", "old", "use.home_care.visits", "all", -5.0, -6.0, -4.0, "worse", 100.0, 95.0]
    frame = pd.DataFrame([row], columns=list(COLUMNS))
    study = info(20, [0])
    late, soon = (Window.of(n, study) for n in ("last-year", "first-half-year"))
    [short] = in_words(frame, frame, late, soon)
    assert "over all 20 weeks home visits made" in short.en[0].lower()
    assert short.en[0].count("fall") == 1 and short.zh[0].count("减少") == 1
    study = info(120, [10])
    late, soon = (Window.of(n, study) for n in ("last-year", "first-half-year"))
    [long] = in_words(frame, frame, late, soon)
    assert "in the first half year" in long.en[0].lower() and "in the last year they" in long.en[0]
    assert long.en[0].count("fall") == 2 and len(long.zh) == 1
