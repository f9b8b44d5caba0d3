"""Claims about levers on the work of offices: what they change, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.world.ledger import CLASS
from sim.world.state import State
from tests import worlds
from tests.cases import TOWN, UNITS, read_rows
from tests.levers import EAST, WEEK, WEST, cut, merge, online, pull, run, scenario, start
from tests.worlds import lever_scenario, run_small, values

P = Parameters.load()
ONE: dict[str, Any] = {"scope": {"communities": [WEST[0]]}}
ASSIGNED = CLASS["assigned"]


def here(state: State, *units: str) -> np.ndarray:
    """Settlements of these units, bool ``[S]``."""
    return np.isin(state.boundaries.unit_of, [state.boundaries.unit_row(u) for u in units])


def assigned(case: Case, opened: Scenario, weeks: int) -> np.ndarray:
    """Hours assigned in the last of so many weeks by office, those of the case."""
    return run(case, opened, weeks).state.ledger.arrived[:, ASSIGNED]


def columns_apart(one: State, two: State) -> set[str]:
    """Columns of offices, facilities and boundaries, and of the state, that differ."""
    apart = set()
    for name in ("offices", "facilities", "workers", "policies"):
        for column in fields(getattr(one, name)):
            a, b = (getattr(getattr(s, name), column.name) for s in (one, two))
            if not np.array_equal(a, b, equal_nan=getattr(a, "dtype", None) == np.float64):
                apart.add(column.name)
    if not np.array_equal(one.boundaries.unit_of, two.boundaries.unit_of):
        apart.add("unit_of")
    return apart


# ------------------------------------------------------------------------------ matters online


def test_matters_go_online_where_it_is_offered_and_nothing_else_changes(small_case: Case) -> None:
    before, after = start(small_case), pull(start(small_case), scenario(small_case, online(**ONE)))
    assert columns_apart(before, after) == {"online"}
    mine = here(after, WEST[0])
    assert (after.policies.online[mine] == P["online.capable"]).all() and not after.policies.online[
        ~mine
    ].any()


@pytest.mark.parametrize(
    ("scope", "units"),
    [
        ({}, UNITS),
        ({"counties": ["甲区"]}, WEST),
        ({"townships": [TOWN]}, EAST),
        ({"kinds": ["village"]}, EAST),
        ({"types": ["urban"]}, WEST),
        ({"types": ["urban"], "communities": [WEST[1], EAST[0]]}, WEST[1:]),
    ],
)
def test_a_scope_is_found_at_the_levers_date(small_case: Case, scope: Any, units: Any) -> None:
    state = pull(start(small_case), scenario(small_case, online(scope=scope, capable_share=0.85)))
    mine = here(state, *units)
    assert (state.policies.online[mine] == 0.85).all() and not state.policies.online[~mine].any()


def test_an_offer_stays_with_the_residents_when_their_unit_is_merged(small_case: Case) -> None:
    opened = scenario(small_case, online(**ONE), merge(*WEST))
    state = pull(start(small_case), opened)
    mine = np.arange(len(state.policies.online)) < 4
    assert (state.policies.online > 0).tolist() == mine.tolist()


def test_offering_it_to_all_from_the_first_week_is_the_parameter(tmp_path) -> None:
    lever = lever_scenario(worlds.small_case(), tmp_path, "  - online_service: {date: 2020-01-06}")
    offered, parameter = run_small(6, scenario=lever), run_small(6, online__offered=1)
    assert offered.outcomes["value"].tolist() == parameter.outcomes["value"].tolist()
    assert values(offered, "use.government.online")[-1] > 0.2


def test_more_capable_matters_leave_fewer_trips(small_case: Case) -> None:
    def trips(*levers: Any) -> float:
        now = run(small_case, scenario(small_case, *levers), WEEK + 8).now
        return float(now.matters[:, [0, 1]].sum())

    assert trips(online(capable_share=0.95)) < trips(online(capable_share=0.5)) < trips()


# ------------------------------------------------------------------------------ cuts of burdens


def test_a_cut_reaches_the_offices_of_its_scope_and_nothing_else(small_case: Case) -> None:
    before, after = start(small_case), pull(start(small_case), scenario(small_case, cut(**ONE)))
    assert columns_apart(before, after) == {"remaining", "cut_week"}
    mine = here(after, WEST[0])
    assert (after.policies.remaining[mine] == [0.32, 0.15, 0.50, 0.20]).all()
    assert (after.policies.remaining[~mine] == 1).all()


def test_what_is_cut_never_arrives_and_half_of_it_is_back_after_a_year(small_case: Case) -> None:
    plain, cut_down = (
        scenario(small_case),
        scenario(small_case, cut(scope={"kinds": ["community"]})),
    )
    full = assigned(small_case, plain, 1)
    first, later = (assigned(small_case, cut_down, WEEK + w) for w in (1, 53))
    communities, villages = full[:2], full[2:4]
    assert communities == pytest.approx([6440 / 52] * 2)
    assert villages == pytest.approx(communities / 2)
    assert first[:2] == pytest.approx(communities * 2302.72 / 6440)
    assert later[:2] == pytest.approx(communities * (2302.72 + 6440) / 2 / 6440)
    assert (first[2:] == full[2:]).all() and (later[2:] == full[2:]).all()
    assert assigned(small_case, cut_down, WEEK) == pytest.approx(full)


def test_fewer_meetings_take_hours_off_the_offices_of_the_scope_and_half_come_back(
    small_case: Case,
) -> None:
    opened = scenario(small_case, cut(meetings=0.4, scope={"kinds": ["community"]}))
    column = CLASS["meetings"]
    for weeks, left in ((1, 0.4), (53, 0.7)):
        model, plain = (run(small_case, x, WEEK + weeks) for x in (opened, scenario(small_case)))
        hours = [
            m.state.ledger.arrived[:, column] / m.state.offices.workers for m in (model, plain)
        ]
        assert hours[0][:2] == pytest.approx(left * hours[1][:2])
        assert hours[0][2:4] == pytest.approx(hours[1][2:4])


def test_certificates_no_longer_asked_for_spare_residents_of_the_scope_their_ways(
    small_case: Case,
) -> None:
    keys = dict.fromkeys(("ledgers", "evaluations", "tasks", "plaques"), 1)
    opened = scenario(small_case, cut(certificates=0.5, scope={"kinds": ["community"]}, **keys))
    after, before = (run(small_case, x, WEEK + 1) for x in (opened, scenario(small_case)))
    assert columns_apart(before.state, after.state) <= {"certificates", "remaining", "cut_week"}
    asked = [m.rates.asked.sum(axis=0, dtype=np.float64) for m in (before, after)]
    (line,) = after.state.lines.of_service("community")
    there = np.isin(after.state.households.settlement, np.flatnonzero(here(after.state, *WEST)))
    mine = [m.rates.asked[there, line].sum(dtype=np.float64) for m in (before, after)]
    spared = 0.5 * after.state.parameters["needs.certificates"]
    assert mine[1] == pytest.approx((1 - spared) * mine[0], rel=1e-5)
    assert (before.rates.asked[~there] == after.rates.asked[~there]).all()
    others = np.arange(len(asked[0])) != line
    assert asked[1][others].tolist() == asked[0][others].tolist()


def test_all_can_be_cut(small_case: Case) -> None:
    opened = scenario(small_case, cut(ledgers=0, evaluations=0, tasks=0, plaques=0))
    assert not assigned(small_case, opened, WEEK + 1).any()


def test_a_village_is_cut_in_the_same_proportion(small_case: Case) -> None:
    opened = scenario(small_case, cut(ledgers=0, evaluations=1, tasks=1, plaques=1))
    hours, full = (assigned(small_case, s, WEEK + 1) for s in (opened, scenario(small_case)))
    assert hours[:4] == pytest.approx(full[:4] * (6440 - 69 * 24) / 6440)


def test_offices_keep_what_was_cut_through_a_merger(small_case: Case) -> None:
    # both cut, then merged: their two lists, less what is cut
    later = merge(*WEST)
    later["merge_communities"]["date"] = "2020-05-25"
    both = scenario(small_case, cut(), later)
    merged = scenario(small_case, later)
    left = assigned(small_case, both, WEEK + 2)[-1] / assigned(small_case, merged, WEEK + 2)[-1]
    back = 0.5 * 12 / 52 / 12
    assert left == pytest.approx(1 - (1 - 2302.72 / 6440) * (1 - back))
    one = assigned(small_case, scenario(small_case, cut(**ONE), later), WEEK + 2)[-1]
    none = assigned(small_case, merged, WEEK + 2)[-1]
    first, second = (small_case.settlements["households"][i : i + 4].sum() for i in (0, 4))
    assert one == pytest.approx(none * (left * first + second) / (first + second))


def test_a_later_cut_takes_the_place_of_an_earlier_one(small_case: Case) -> None:
    later = cut(tasks=0.9)
    later["cut_burden"]["date"] = "2020-06-01"
    state = run(small_case, scenario(small_case, cut(), later), WEEK + 4).state
    assert (state.policies.remaining == [0.32, 0.15, 0.90, 0.20]).all()
    assert (state.policies.cut_week == WEEK + 2).all()


def test_levers_on_work_are_described_in_both_languages(small_case: Case) -> None:
    opened = scenario(
        small_case,
        online(capable_share=0.85),
        online(scope={"kinds": ["village"]}),
        cut(plaques=0, scope={"counties": ["甲区"]}),
    )
    households = small_case.settlements["households"]
    everybody, west, east = (int(h.sum()) for h in (households, households[:8], households[8:]))
    assert opened.describe() == [
        f"2020-05-18: in 4 communities ({everybody:,} households) 85% of government matters can be "
        "done on the web.",
        f"2020-05-18: in 2 communities ({east:,} households) 60% of government matters can be done "
        "on the web.",
        f"2020-05-18: in 2 communities ({west:,} households) offices are relieved of assigned "
        "work: 32% of ledgers, 15% of evaluations, 50% of tasks and 0% of plaques remain.",
    ]
    assert opened.describe("zh") == [
        f"2020-05-18：在4个社区（村）（{everybody}户），85%的政务事项可网上办理。",
        f"2020-05-18：在2个社区（村）（{east}户），60%的政务事项可网上办理。",
        f"2020-05-18：在2个社区（村）（{west}户），"
        "上级交办事项减负，保留台账32%、考核评比15%、下派任务50%、挂牌0%。",
    ]


def test_what_lies_outside_the_experiments_scope_is_left_out(small_case: Case) -> None:
    county = small_case.scoped(counties=["甲区"])
    outside = [r["id"] for r in read_rows(small_case.path / "communities.csv")][2:]
    opened = scenario(
        county,
        online(scope={"communities": [WEST[0], *outside]}),
        cut(scope={"counties": ["乙县"]}),
        cut(scope={"townships": [TOWN]}),
    )
    assert [x.kind for x in opened.levers] == ["online_service"]
    assert dict(opened.left_out) == {"cut_burden": 2}
    assert {w.code for w in opened.warnings} == {"nothing-left"}


def test_a_ramp_cuts_step_by_step_and_what_comes_back_does_so_from_the_first(
    small_case: Case,
) -> None:
    opened = scenario(small_case, cut(tasks=0, ramp={"weeks": 8, "steps": 2}))
    states = [run(small_case, opened, WEEK + weeks).state for weeks in (1, 9)]
    for state, left in zip(states, (0.5, 0.0), strict=True):
        assert (state.policies.remaining[:, 2] == left).all()
        assert (state.policies.cut_week == WEEK).all()


def test_a_pilot_begins_with_its_own_and_the_rest_follows(small_case: Case) -> None:
    opened = scenario(small_case, cut(pilot={"communities": [WEST[0]], "weeks": 4}))
    policies = run(small_case, opened, WEEK + 5).state.policies
    mine = np.arange(len(policies.cut_week)) < 4
    assert policies.cut_week.tolist() == np.where(mine, WEEK, WEEK + 4).tolist()
    assert (policies.remaining == [0.32, 0.15, 0.50, 0.20]).all()
