"""Claims about steps: waves, pilots and ramps that are fewer, shorter or emptier than asked."""

from __future__ import annotations

from typing import Any

import pytest

from sim.case.case import Case
from sim.case.messages import InputError
from sim.levers.phased import Phased
from sim.levers.scenario import LEVERS
from tests.levers import DAY, EAST, WEST, pull, redraw, scenario, start


def lever(kind: str, **keys: Any) -> dict[str, Any]:
    return {kind: {"date": DAY, **keys}}


def said(case: Case, *levers: dict[str, Any]) -> list[tuple[str, str]]:
    return [(w.code, w.message) for w in scenario(case, *levers).warnings]


def test_fewer_waves_than_asked_are_told(small_case: Case) -> None:
    waves = {"number": 3, "weeks": 2, "by": "county"}  # of two counties
    ((code, message),) = said(small_case, lever("online_service", waves=waves))
    assert code == "fewer-waves" and "2 instead of 3" in message
    assert not said(small_case, lever("online_service", waves=waves | {"by": "community"}))


def test_a_wave_that_reaches_nothing_is_told(small_case: Case) -> None:
    waves = {"number": 2, "weeks": 2, "by": "county"}
    only_west = {"communities": list(WEST)}
    found = said(small_case, lever("online_service", waves=waves, scope=only_west))
    assert found == [("none-fits", "wave 1 of 2 of this online_service reaches nothing")]


def test_a_pilot_outside_the_scope_is_told(small_case: Case) -> None:
    keys = {"pilot": {"communities": [EAST[0]], "weeks": 4}, "scope": {"communities": list(WEST)}}
    found = said(small_case, lever("online_service", **keys))
    assert found == [("none-fits", "step 1 of 2 of this online_service reaches nothing")]


@pytest.mark.parametrize(("weeks", "steps"), [(1, 2), (2, 3), (3, 4), (8, 4)])
def test_a_ramp_has_at_most_a_step_a_week(small_case: Case, weeks: int, steps: int) -> None:
    levers = scenario(small_case, lever("online_service", ramp={"weeks": weeks})).levers
    assert len({x.date for x in levers}) == len(levers) == steps
    assert (levers[-1].date - levers[0].date).days == 7 * weeks
    with pytest.raises(InputError, match=f"at most {weeks + 1} steps"):
        scenario(small_case, lever("online_service", ramp={"weeks": weeks, "steps": weeks + 2}))


@pytest.mark.parametrize("total", [4, 6, 9, 16])
def test_groups_in_waves_are_as_many_as_at_once(small_case: Case, total: int) -> None:
    waves = {"number": 2, "weeks": 2, "by": "county"}
    at_once, in_waves = (
        pull(start(small_case), scenario(small_case, lever("regroup", groups=total, **keys)))
        for keys in ({}, {"waves": waves})
    )
    assert at_once.boundaries.groups().tolist() == in_waves.boundaries.groups().tolist()
    assert at_once.boundaries.groups().sum() == total


def test_hours_that_are_no_longer_are_told(small_case: Case) -> None:
    for hours in (1.0, 168.0):
        found = said(small_case, lever("extend_hours", services=["health"], hours_week=hours))
        assert [code for code, _ in found] == (["none-fits"] if hours == 1.0 else [])


RAMPED = {
    "buy_services": {"class": "complaints", "yuan_year": 1000},
    "certify_staff": {"share": 0.9},
    "co_locate": {"share": 0.5},
    "extend_hours": {"services": ["culture"], "hours_week": 60},
    "property_management": {"compounds": ["commodity"], "form": "self"},
    "recruit_volunteers": {"registered": 0.3},
    "route_matters": {"shares": {"community": 0.1, "station": 0.9}},
    "set_staff_standard": {"per_10000": 18.0, "cut": True},
    "train_staff": {"share": 0.9},
}
WHOLE = ("add_station", "agency_service", "service_first")
"""Measures that are there or not."""


@pytest.mark.parametrize("kind", sorted(k for k, x in LEVERS.items() if issubclass(x, Phased)))
def test_no_two_steps_of_a_ramp_read_alike(small_case: Case, kind: str) -> None:
    ramp = lever(kind, ramp={"weeks": 8}, **RAMPED.get(kind, {}))
    if kind in WHOLE:
        with pytest.raises(InputError, match="use pilot or waves instead of ramp"):
            scenario(small_case, ramp)
        return
    before = [redraw()] if kind == "keep_service_points" else []
    levers = [x for x in scenario(small_case, *before, ramp).levers if x.kind == kind]
    for lang, colon in (("en", ": "), ("zh", "：")):
        said = [x.describe(lang).partition(colon)[2] for x in levers]  # type: ignore[arg-type]
        assert len(set(said)) == len(said) == 4


def test_a_step_of_a_way_says_how_far_it_is(small_case: Case) -> None:
    keys = RAMPED["route_matters"]
    levers = scenario(small_case, lever("route_matters", ramp={"weeks": 8}, **keys)).levers
    en = ("a quarter", "half", "three quarters", "done")
    zh = ("四分之一", "一半", "四分之三", "")
    for x, a, b in zip(levers, en, zh, strict=True):
        assert a in x.describe() and b in x.describe("zh")
    assert ["the way" in x.describe() for x in levers] == [True] * 3 + [False]
