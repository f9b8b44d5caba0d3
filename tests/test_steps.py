"""Claims about steps: waves, pilots and ramps that are fewer, shorter or emptier than asked."""

from __future__ import annotations

from typing import Any

import pytest

from sim.case.case import Case
from sim.case.messages import InputError
from tests.levers import DAY, EAST, WEST, pull, scenario, start


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
