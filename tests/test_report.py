"""The report says what the comparison says, in one offline file, in two languages."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.experiment.results import Study
from sim.outcomes.catalogue import OUTCOMES
from sim.report import answer, numbers, words
from sim.report.curves import draw, nice_ticks, weekly_bands
from sim.report.findings import Text, gather, lever_dates
from sim.report.glance import at_a_glance
from sim.report.html import render, write_report
from sim.report.sections import SECTIONS
from sim.report.svg import embed
from sim.report.units import Change, unit_changes, worst
from sim.report.windows import Window
from tests.cases import UNITS, write_small_case
from tests.results import SCENARIOS, write_results


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    case = write_small_case(folder / "case")
    return write_results(folder / "results", case, UNITS, title='A <b>bold</b> & "quoted" title')


@pytest.fixture(scope="module")
def comparison(results):
    return Study.open(results).compare()


@pytest.fixture(scope="module")
def page(results):
    return write_report(results).read_text(encoding="utf-8")


def test_the_report_loads_nothing_from_outside(page):
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
    assert not re.search(r"\b(src|href|action|background)\s*=\s*[\"'](?!#|data:)", page)
    assert "@import" not in page and "@font-face" not in page
    assert not re.search(r"url\(\s*[\"']?(?!#|data:)", page)
    assert "<script" not in page


def test_the_report_is_small_and_its_figures_too(page):
    assert len(page.encode()) < 1_000_000
    curves = re.findall(r'<svg class="curve".*?</svg>', page, re.DOTALL)
    assert len(curves) == 6
    assert all(len(c) < 60_000 for c in curves)


def test_the_same_results_give_the_same_bytes(results, page, tmp_path):
    again = write_report(results, tmp_path / "deep" / "again.html")
    assert again.read_bytes() == page.encode()
    assert sorted(p.name for p in again.parent.iterdir()) == ["again.html"]


def test_every_number_of_the_headline_table_is_the_comparisons(page, comparison):
    cells = _headline_cells(page)
    found = numbers.lookup(comparison)
    rows = {r.outcome for _, r, _ in answer.answer_rows(comparison) if r.headline}
    assert {outcome for outcome, _ in cells} >= rows
    for (outcome, scenario), text in cells.items():
        record = found[scenario, outcome, "all"]
        unit = OUTCOMES[outcome].unit
        scale = 100 if unit == "share" else 1
        shown_all = [
            float(n.replace("−", "-").replace(",", ""))
            for n in re.findall(r"[+\-−]?\d[\d,]*\.?\d*", text)
        ]
        expected = [record.value, record.difference, record.low, record.high]
        assert len(shown_all) in (1, 2, 4)
        digits = numbers.UNITS[unit][0]
        for shown, exact in zip(shown_all, expected, strict=False):
            assert shown == pytest.approx(exact * scale, abs=0.5001 * 10**-digits)
        if record.verdict != "no difference":
            assert numbers.MARKS[record.verdict][0] in text


def test_titles_are_escaped(page):
    assert "<b>bold</b>" not in page
    assert "A &lt;b&gt;bold&lt;/b&gt; &amp; &#34;quoted&#34; title" in page


def test_the_report_speaks_both_languages_and_opens_in_the_one_asked_for(results, tmp_path):
    page = write_report(results, tmp_path / "zh.html", lang="zh").read_text(encoding="utf-8")
    assert '<html lang="zh-CN">' in page and 'id="say-zh" aria-label="中文" checked' in page
    assert "结论" in page and "改革并保留服务点" in page and "无明确差异" in page
    assert "The answer in words" in page


def test_tags_are_balanced(page):
    checker = _Balance()
    checker.feed(page)
    assert checker.open == []


def test_what_is_assumed_and_synthetic_is_listed(page):
    from sim.case.parameters import Parameters

    assumed = [p.name for p in Parameters.load() if p.confidence == "C"]
    assert assumed and all(name in page for name in assumed)
    assert "made up for tests" in page


def test_complete_results_do_not_speak_of_missing_runs(page):
    assert "of the planned runs" not in page


def test_failed_runs_are_named(results):
    findings = replace(
        gather(results),
        failures=[
            {"scenario": "reform", "replicate": 2, "stage": "model", "message": "ValueError: <x>"}
        ],
    )
    page = render(findings)
    assert "1 of the planned runs failed" in page and "ValueError: &lt;x&gt;" in page


def test_a_report_without_its_case_says_so(results, tmp_path):
    findings = replace(gather(results), map=None, provenance=(), worst_units=())
    assert "is not at hand" in render(findings)


def test_one_replicate_gives_a_report_without_intervals(tmp_path):
    case = write_small_case(tmp_path / "case")
    one = write_results(tmp_path / "one", case, UNITS, ("before", "reform"), replicates=1, weeks=24)
    page = write_report(one).read_text(encoding="utf-8")
    assert "one replicate, interval unknown" in page and 'class="band' not in page


def test_results_that_are_still_empty_give_a_report_that_says_so(tmp_path):
    case = write_small_case(tmp_path / "case")
    none = write_results(tmp_path / "none", case, UNITS, replicates=1, weeks=24)
    for part in (none / "parts").iterdir():
        part.unlink()
    page = write_report(none).read_text(encoding="utf-8")
    assert "no scenario to compare" in page and "5 of the planned runs are not done yet" in page


def test_an_interrupted_report_leaves_the_old_one(results, tmp_path, monkeypatch):
    out = tmp_path / "report.html"
    out.write_text("old")
    monkeypatch.setattr("sim.report.html.render", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(results, out)
    assert out.read_text() == "old"


def test_a_report_that_would_pass_a_megabyte_drops_the_groups(results, monkeypatch):
    findings = gather(results)
    whole = len(render(findings).encode())
    monkeypatch.setattr("sim.report.html.LIMIT", whole)
    page = render(findings)
    assert len(page.encode()) < whole and "groups are left out here" in page


def test_minutes_of_old_units_follow_their_settlements_into_the_new_ones(results):
    study = Study.open(results)
    findings = gather(results)
    changes = unit_changes(study, _case(results))
    assert set(changes) <= set(SCENARIOS) - {"before"}
    reform = changes["reform"].by("community")
    assert list(reform.index) == sorted(UNITS)
    assert reform["persons"].sum() == _case(results).settlements["persons"].sum()
    # mean over replicates of what was recorded of the unit before
    assert reform["value"].round(6).tolist() == [13.01, 15.01, 17.01, 19.01]
    new, persons = changes["reform"].by("new"), reform["persons"]
    assert len(new) == 2 and new["persons"].sum() == persons.sum()
    assert np.average(new["value"], weights=new["persons"]) == pytest.approx(
        np.average(reform["value"], weights=persons)
    )
    longest = findings.worst_units[0]
    assert longest["change"] == pytest.approx(reform["change"].max())
    assert findings.levers == [date(2020, 5, 18)] == lever_dates(study)


def test_units_that_lose_every_counter_stand_first_with_no_minutes(results):
    places = pd.DataFrame({
        "settlement": ["a", "b", "c", "d"], "community": [*UNITS[:3], UNITS[2]],
        "new": [UNITS[0], UNITS[0], UNITS[2], UNITS[2]], "persons": [10, 30, 20, 20],
        "base": [5.0, 6.0, 7.0, 7.0], "value": [9.0, np.nan, 9.5, 9.5],
        "lost": [0.0, 1.0, 0.25, 0.25],
    })  # fmt: skip
    change = Change(places, None)
    rows = worst(change, _case(results), "reform")
    assert [r["unit"] for r in rows] == [UNITS[1], UNITS[2], UNITS[0]]
    assert [r["lost"] for r in rows] == [1, 0.25, 0] and np.isnan(rows[0]["change"])
    new = change.by("new").loc[UNITS[0]]
    assert (new["persons"], new["change"], new["lost"]) == (40, 4, 0.75)
    assert change.loss == 4 * 10 + 2.5 * 40


def test_merged_units_go_to_the_one_with_the_seat(results):
    study = Study.open(results)
    path = results / "scenarios" / "reform.yaml"
    redraw = path.read_text(encoding="utf-8")
    path.write_text(
        "levers:\n"
        f"- merge_communities: {{communities: ['{UNITS[0]}', '{UNITS[1]}'], seat: '{UNITS[1]}'}}\n"
        f"- merge_communities: {{communities: ['{UNITS[2]}', '{UNITS[3]}']}}\n",
        encoding="utf-8",
    )
    change = unit_changes(study, _case(results)).get("reform")
    path.write_text(redraw, encoding="utf-8")
    places = change.places.drop_duplicates("community").set_index("community")["new"]
    assert set(places) <= {UNITS[1], UNITS[2]} and change.points == "close"


def test_the_map_speaks_both_languages_and_is_small(page):
    figure = re.search(r'<figure class="map">.*?</figure>', page, re.DOTALL).group(0)
    assert '<tspan lang="en">Before: 4 units</tspan><tspan lang="zh">调整前：4个单元' in figure
    assert '<tspan lang="en">seat</tspan>' in figure and "After: 2 units" in figure
    assert len(figure) < 150_000


def test_embedded_drawings_keep_every_stroke_and_mark():
    stroke = '<path d="M 1 2 L 3 4" clip-path="url(#c)" style="fill: none; stroke: red"/>'
    mark = '<use xlink:href="#m" x="1.23456" y="2" style="fill: blue"/>'
    drawn = f"<svg><metadata>http://x</metadata>{stroke}\n {stroke} {mark}\n{mark}</svg>"
    assert embed(drawn, "map") == (
        '<svg><path d="M1 2L3 4M1 2L3 4" style="fill: none; stroke: red"/><g style="fill: blue">'
        '<use xlink:href="#m" x="1.2" y="2.0"/><use xlink:href="#m" x="1.2" y="2.0"/></g></svg>'
    )


def test_the_terminal_table_fits_100_columns_and_holds_the_numbers(comparison):
    from rich.console import Console

    text = io.StringIO()
    window = Window.of("last-year", {"weeks": 80, "scenarios": []})
    Console(file=text, width=100).print(answer.answer_table(comparison, window=window))
    lines = text.getvalue().splitlines()
    assert max(map(len, lines)) <= 100 and "…" not in text.getvalue()
    record = numbers.lookup(comparison)["reform", "access.government.minutes", "all"]
    assert f"{record.value:.1f} {record.difference:+.1f}" in text.getvalue()
    assert "no difference: shop, sports" in text.getvalue()
    assert "last 52 weeks" in text.getvalue()


def test_the_terminal_table_is_plain_text_in_a_pipe(comparison):
    text = io.StringIO()
    answer.print_answer(comparison, file=text, lang="zh")
    assert "\x1b" not in text.getvalue() and "政务服务" in text.getvalue()


def test_a_comparison_of_nothing_is_said(comparison):
    text = io.StringIO()
    answer.print_answer(comparison.iloc[:0], file=text)
    assert "nothing to compare" in text.getvalue()


def test_every_row_of_the_answer_is_an_outcome():
    rows = [row.outcome for section in SECTIONS for row in section.rows]
    assert len(rows) == len(set(rows)) and set(rows) <= set(OUTCOMES)
    headlines = {o.name for o in OUTCOMES.values() if o.headline}
    assert headlines <= set(rows)


@pytest.mark.parametrize("share", [0.0, 0.04])
@pytest.mark.parametrize("service", ["government", "health"])
def test_a_mean_without_those_who_lost_all_is_no_improvement(service, share):
    """Minutes that fall because those far away have nowhere to go any more."""
    minutes, none = f"access.{service}.minutes", f"access.{service}.none"
    frame = pd.DataFrame(
        [
            _record("reform", minutes, "all", -2.0, 0.5),
            _record("reform", "access.basket.minutes", "all", -2.0, 0.5),
            _record("reform", "access.shop.minutes", "all", -2.0, 0.5),
            _record("reform", none, "all", share, 0.0)._replace(value=share, base_value=0.0),
        ]
    )
    found = numbers.lookup(frame)
    of_others = numbers.OTHERS if share else "better"
    assert found["reform", minutes, "all"].verdict == of_others
    assert found["reform", "access.basket.minutes", "all"].verdict == of_others
    assert found["reform", "access.shop.minutes", "all"].verdict == "better"
    said = words.moved(found["reform", minutes, "all"])
    assert ("fall" in said) != bool(share) and ("not the same persons" in said) == bool(share)
    shown = {row.outcome for _, row, _ in answer.answer_rows(frame)}
    assert (none in shown) == bool(share and service == "government")
    assert ("≠" in answer.legend(frame)) == bool(share)
    ranked = [r for r in at_a_glance(frame) if "counter" in r.en]
    assert bool(ranked) == (service == "government" and not share)


def test_what_two_rows_say_alike_is_said_once():
    rows = [
        _record("reform", f"access.government.{m}", "all", 0.1, 0.0)._replace(value=0.1)
        for m in ("none", "out_of_reach")
    ]

    def shown(frame):
        return [row.outcome for _, row, _ in answer.answer_rows(pd.DataFrame(frame))]

    assert shown(rows) == ["access.government.none"]
    rows[1] = rows[1]._replace(value=0.2)
    assert shown(rows) == ["access.government.none", "access.government.out_of_reach"]


def test_every_unit_of_the_catalogue_has_a_rounding():
    assert {o.unit for o in OUTCOMES.values()} <= set(numbers.UNITS)


DIFFERENCES = st.one_of(st.just(0.0), st.floats(0.001, 40), st.floats(-40, -0.001))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(OUTCOMES)), DIFFERENCES, st.floats(0, 50), st.booleans())
def test_words_agree_with_the_sign_of_the_numbers(outcome, difference, half, percent):
    record = _record("reform", outcome, "all", difference, half)
    en, zh = (words.moved(record, lang, percent=percent) for lang in ("en", "zh"))
    clear = record.verdict in numbers.CLEAR
    assert ("rises" in en) == ("增加" in zh) == (clear and difference > 0)
    assert ("falls" in en) == ("减少" in zh) == (clear and difference < 0)
    assert (
        ("no clear difference" in en)
        == ("无明确差异" in zh)
        == (record.verdict == "no clear difference")
    )
    assert ("does not change" in en) == ("不变" in zh) == (record.verdict == "no difference")
    if clear:
        said = re.search(r"by ([\d,]*\.?\d+)", en)
        assert float(said.group(1).replace(",", "")) > 0 or abs(difference) < 1e-5


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.sampled_from(sorted(OUTCOMES)), st.tuples(DIFFERENCES, st.floats(0, 9)), min_size=1
    )
)
def test_any_comparison_can_be_put_into_words(drawn):
    frame = pd.DataFrame(
        [
            _record("reform", o, g, d, h)._asdict()
            for o, (d, h) in sorted(drawn.items())
            for g in ("all", "old")
        ]
    )
    frame = frame.drop(columns="Index", errors="ignore")
    [said] = words.in_words(frame, frame)
    assert len(said.en) == len(said.zh) <= 6
    minutes = drawn.get("access.government.minutes")
    if minutes:
        record = _record("reform", "access.government.minutes", "all", *minutes)
        assert words.moved(record) in said.en[0]
    for ranking in at_a_glance(frame):
        assert {name for name, _ in ranking.values} == {"before", "reform"}


def test_one_replicate_has_no_interval_and_no_verdict_in_words():
    record = _record("reform", "access.government.minutes", "all", 3.0, math.nan)
    assert "interval unknown" in words.moved(record)
    assert "±" not in "".join(answer.cell(record, "min", 1))


def test_a_clear_difference_never_reads_as_zero():
    record = _record("reform", "access.government.minutes", "all", 0.004, 0.001)
    assert numbers.decimals("min", [record]) == 3
    assert "rises by 0.004\u00a0min" in words.moved(record)


@pytest.mark.parametrize("difference", [0.5, -0.5, 0.05, 0.0005])
def test_a_change_that_ends_in_a_five_does_not_round_to_nothing(difference):
    record = _record("reform", "cost.build.per_head", "all", difference, 0.0)
    assert float(re.search(r"by ([\d.]+)", words.moved(record)).group(1)) > 0


def test_bands_are_the_t_interval_over_replicates():
    values = [3.0, 5.0, 4.0]
    frame = pd.DataFrame(
        {
            "scenario": "a",
            "replicate": [0, 1, 2],
            "week": 0,
            "outcome": "o",
            "group": "all",
            "value": values,
        }
    )
    band = weekly_bands(frame, "o").iloc[0]
    half = 4.302653 * np.std(values, ddof=1) / math.sqrt(3)
    assert band["mean"] == 4 and band["high"] - 4 == pytest.approx(half, rel=1e-6)
    alone = weekly_bands(frame[:1], "o").iloc[0]
    assert math.isnan(alone["low"]) and alone["mean"] == 3


def test_long_series_are_thinned_and_empty_ones_draw_nothing():
    weeks = np.arange(1000)
    frame = pd.DataFrame(
        {"scenario": "a", "week": weeks, "mean": np.sin(weeks), "low": np.nan, "high": np.nan}
    )
    assert len(draw(frame, ["a"], date(2020, 1, 6))) < 5_000
    assert draw(frame[:0], ["a"], date(2020, 1, 6)) == ""


def test_an_interval_that_reaches_below_zero_stays_on_its_panel():
    weeks = range(5)
    wide = {"scenario": "a", "week": weeks, "mean": 4.0, "low": [1, -9, -30, -9, 1], "high": 30.0}
    svg = draw(pd.DataFrame(wide | {"replicates": 3}), ["a"], date(2020, 1, 6))
    height = float(re.search(r'viewBox="0 0 \S+ (\S+)"', svg)[1])
    (band,) = re.findall(r'class="band s0" d="([^"]*)"', svg)
    steps = [float(y) for y in re.findall(r"-?[\d.]+ ?(-?[\d.]+)", band)]
    ys = np.cumsum(steps)
    assert len(ys) == 10 and min(ys) >= 0 and max(ys) < height


@settings(derandomize=True)
@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ticks_cover_their_range(low, span):
    ticks = nice_ticks(low, low + span)
    room = 1e-6 * max(1.0, abs(low), span)
    assert ticks[0] <= low + room and ticks[-1] >= low + span - room
    assert 2 <= len(ticks) <= 8 and all(a < b for a, b in pairwise(ticks))


def test_titles_fall_back_to_names():
    from sim.report.findings import _text

    assert _text({"en": "", "zh": ""}, "reform") == Text("reform", "reform")
    assert _text({"en": "Reform"}, "reform") == Text("Reform", "Reform")


def _record(scenario, outcome, group, difference, half):
    better = OUTCOMES[outcome].better
    low, high = difference - half, difference + half
    if math.isnan(half):
        verdict = "one replicate"
    elif difference == low == high == 0:
        verdict = "no difference"
    elif low <= 0 <= high:
        verdict = "no clear difference"
    else:
        verdict = "higher" if difference > 0 else "lower"
        if better != "none":
            verdict = "better" if verdict == better else "worse"
    frame = pd.DataFrame(
        [
            {
                "scenario": scenario,
                "base": "before",
                "outcome": outcome,
                "group": group,
                "difference": difference,
                "low": low,
                "high": high,
                "verdict": verdict,
                "base_value": 50.0,
                "value": 50.0 + difference,
            }
        ]
    )
    return next(frame.itertuples(index=False))


def _case(results):
    from sim.case.case import Case

    return Case.open(Study.open(results).case_path)


def _headline_cells(page):
    cells = {}
    pattern = r'<td class="\w+" data-outcome="([\w.]+)" data-scenario="([\w-]+)">(.*?)</td>'
    for outcome, scenario, inner in re.findall(pattern, page, re.DOTALL):
        inner = inner[inner.index('<span class="value">') :]
        cells[outcome, scenario] = re.sub(r"<[^>]*>", " ", inner)
    return cells


class _Balance(HTMLParser):
    VOID = ("meta", "input", "br", "path", "circle", "link")

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag
