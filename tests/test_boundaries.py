"""Claims about levers on boundaries: what each moves, what it leaves alone, what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.levers.scenario import Scenario
from sim.model import CommunityModel
from sim.processes import transition
from sim.processes.grouping import join_to, numbers_of_groups
from sim.world.boundaries import COMMUNITY_KIND, TOWN, URBAN, VILLAGE
from sim.world.ledger import CLASS
from sim.world.offices import NOT_MERGED, VILLAGE_OFFICE
from sim.world.state import State
from sim.world.supply import staff_standard, yearly_list
from sim.world.workers import ABOLISHED
from sim.world.world import World
from tests.cases import STREET, UNITS, name_rules, read_rows, write_small_case, write_table
from tests.cases import TOWN as VILLAGES
from tests.levers import (
    DAY,
    EAST,
    START,
    WEEK,
    WEST,
    change,
    is_open,
    merge,
    one_street,
    one_township,
    pull,
    redraw,
    run,
    scenario,
    start,
    unit,
    write_redraw,
)
from tests.test_scenarios import faults, only, text_of

FIRST = UNITS[0]


def ids(of: str, *numbers: int) -> list[str]:
    """Settlements of a unit by number."""
    return [f"{of}{n:02d}" for n in numbers]


def split(*parts: Mapping[str, Any], of: str = FIRST, **more: Any) -> dict[str, Any]:
    return {"split_community": {"date": DAY, "community": of, "parts": list(parts), **more}}


def part(name: str, *settlements: str, **more: Any) -> dict[str, Any]:
    given = {"settlements": list(settlements)} if settlements else {}
    return {"id": name, "name": f"新{name}", **given, **more}


def transfer(to: str, *settlements: str, **more: Any) -> dict[str, Any]:
    return {"transfer_settlements": {"date": DAY, "settlements": list(settlements), "to": to,
                                     **more}}  # fmt: skip


def convert(**more: Any) -> dict[str, Any]:
    return {"convert_village": {"date": DAY, **more}}


def join(*townships: str, **more: Any) -> dict[str, Any]:
    return {"merge_townships": {"date": DAY, "townships": list(townships), **more}}


def street(**more: Any) -> dict[str, Any]:
    return {"set_up_street": {"date": DAY, **more}}


def regroup(**more: Any) -> dict[str, Any]:
    return {"regroup": {"date": DAY, **more}}


HALVES = split(part("W1", *ids(FIRST, 1, 2)), part("W2"))
HANDED = transfer(WEST[1], f"{FIRST}03")


def one_county(folder: Path) -> Case:
    """The case with both townships in one county."""
    change(folder, "townships", VILLAGES, county="甲区")
    return Case.open(folder)


def posts(state: State) -> int:
    return int((state.workers.office != ABOLISHED).sum())


def conserves(before: State, after: State) -> bool:
    """Nothing is lost on the day itself: settlements, posts, backlog, facilities."""
    b = after.boundaries
    alive = b.column("alive")
    assert alive[b.unit_of].all() and posts(before) == posts(after)
    assert before.ledger.age.sum() == pytest.approx(after.ledger.age.sum())
    assert not after.ledger.age[~after.offices.alive].any()
    f = after.facilities
    runs = f.is_open(after.week) & (f.operator >= 0)
    assert after.offices.alive[f.operator[runs]].all()
    return f.id[: len(before.facilities)] == before.facilities.id


def before_and_after(case: Case, *levers: Mapping[str, Any]) -> tuple[State, State]:
    before, after = start(case), pull(start(case), scenario(case, *levers))
    assert conserves(before, after)
    return before, after


def differing(one: State, two: State, table: str) -> set[str]:
    """Ids of the rows of offices or facilities in which any column differs, new ones included."""
    a, b = getattr(one, table), getattr(two, table)
    out = set(b.id[len(a) :])
    for f in fields(a):
        x, y = getattr(a, f.name), getattr(b, f.name)
        out |= {a.id[i] for i in range(len(a)) if not np.array_equal(x[i], y[i])}
    return out


# ------------------------------------------------------------------------------------ split


def test_a_split_gives_each_part_its_people_an_office_and_a_counter(small_case: Case) -> None:
    before, after = before_and_after(small_case, HALVES)
    b, o = after.boundaries, after.offices
    one, two = unit(after, "W1"), unit(after, "W2")
    assert [(b.unit_of == b.unit_row(u)).sum() for u in ("W1", "W2")] == [2, 2]
    assert (one.kind, one.type, one.township) == (two.kind, two.type, two.township)
    assert (one.kind, one.type) == (COMMUNITY_KIND, URBAN)
    assert o.workers[[one.office, two.office]].tolist() == [3, 3], "six workers, nearly equal"
    whole = yearly_list(small_case.parameters)
    assert o.own_list[[one.office, two.office]].tolist() == [whole, whole]
    assert not o.merged_list.any() and not o.members.any() and not o.loss.any()
    assert (o.merged_week[[one.office, two.office]] == NOT_MERGED).all()
    assert is_open(after, f"P-{FIRST}") and is_open(after, f"P-W2@{WEEK}")
    f = after.facilities
    new = f.id.index(f"P-W2@{WEEK}")
    assert (f.windows[new], f.hours[new], f.kept[new]) == (2, 35, False)
    np.testing.assert_array_equal(before.residents.belonging_goal, after.residents.belonging_goal)
    assert not after.residents.participation.any() and after.ended == [(WEEK, 0)]


def test_a_split_leaves_all_other_offices_and_facilities_as_they_are(small_case: Case) -> None:
    before, after = before_and_after(small_case, HALVES)
    mine = {i for i in before.offices.id if FIRST in i}
    assert differing(before, after, "offices") == mine | {f"O-W1@{WEEK}", f"O-W2@{WEEK}"}
    run_by_it = {f"P-{FIRST}", f"C-{FIRST}", f"E-{FIRST}"}
    assert differing(before, after, "facilities") == run_by_it | {f"P-W2@{WEEK}"}
    elsewhere = before.boundaries.origin > 0
    np.testing.assert_array_equal(
        before.boundaries.unit_of[elsewhere], after.boundaries.unit_of[elsewhere]
    )


def test_a_part_may_keep_the_old_id_and_choose_its_seat(small_case: Case) -> None:
    lever = split(part(FIRST), part("W2", *ids(FIRST, 3, 4), seat=f"{FIRST}03"))
    opened = scenario(small_case, lever, merge("W2", WEST[1], date="2021-01-04"))
    state = pull(start(small_case), Scenario.open(opened.places[0][0], small_case))
    assert [u.id for u in state.boundaries.units if u.alive] == [*EAST, FIRST, "W2"]
    state = pull(start(small_case), scenario(small_case, lever))
    ident = state.world.settlements["id"]
    assert ident[unit(state, "W2").seat] == f"{FIRST}03"
    assert ident[unit(state, FIRST).seat] == f"{FIRST}01"


# --------------------------------------------------------------------------------- transfer


def test_a_transfer_moves_people_and_staff_and_is_no_merger(small_case: Case) -> None:
    before, after = before_and_after(small_case, HANDED)
    o = after.offices
    offices = [unit(after, u).office for u in WEST]
    assert o.workers[offices].tolist() == [4, 8], "64 of 252 households take 2 of 6 along"
    whole = yearly_list(small_case.parameters)
    assert o.own_list[offices].tolist() == [whole, whole] and not o.merged_list[offices].any()
    assert not o.loss[offices].any() and not o.members[offices].any()
    assert (o.merged_week[offices] == NOT_MERGED).all() and after.ended == [(WEEK, 0)]
    changed = before.residents.belonging_goal != after.residents.belonging_goal
    assert np.array(after.world.settlements["id"])[changed].tolist() == [f"{FIRST}03"]
    lost = after.residents.participation
    assert lost[changed] < 0 and not lost[~changed].any(), "their unit is larger than before"


def test_a_transfer_leaves_points_as_they_are(small_case_dir: Path) -> None:
    change(small_case_dir, "offices", WEST[1], "community", windows=3)
    change(small_case_dir, "facilities", f"P-{WEST[1]}", hours_week=50)
    before, after = before_and_after(Case.open(small_case_dir), HANDED)
    for name in ("windows", "hours", "kept", "closed", "capacity"):
        a, b = (getattr(s.facilities, name) for s in (before, after))
        np.testing.assert_array_equal(a, b)
    f = after.facilities
    assert (f.windows[f.id.index(f"P-{WEST[1]}")], len(f)) == (3, len(before.facilities))
    assert f.hours[f.id.index(f"P-{WEST[1]}")] == 50


def test_a_transfer_that_was_imposed_costs_more_participation(small_case: Case) -> None:
    (_, asked), (_, imposed) = (
        before_and_after(small_case, transfer(WEST[1], f"{FIRST}03", **more))
        for more in ({}, {"imposed": True})
    )
    factor = small_case.parameters["residents.imposed"]
    np.testing.assert_allclose(
        imposed.residents.participation, factor * asked.residents.participation
    )


def test_a_transfer_across_townships_takes_the_part_of_their_staff_along(
    small_case_dir: Path,
) -> None:
    case = one_county(small_case_dir)
    _, after = before_and_after(case, transfer(EAST[0], f"{FIRST}02"))
    o = after.offices
    of = [after.boundaries.townships[t].office for t in (0, 1)]
    assert o.workers[of].sum() == 4 and not o.loss[of].any() and not o.members[of].any()
    assert [t.id for t in after.boundaries.townships if t.alive] == [STREET, VILLAGES]
    run(case, scenario(case, transfer(EAST[0], f"{FIRST}02")), WEEK + 3)


# ------------------------------------------------------------------------------ conversion


def test_a_converted_village_keeps_id_people_and_staff_and_serves_at_two_windows(
    small_case: Case,
) -> None:
    before, after = before_and_after(small_case, convert(scope={"communities": [EAST[0]]}))
    new = unit(after, EAST[0])
    assert (new.kind, new.type, new.id) == (COMMUNITY_KIND, TOWN, EAST[0])
    assert unit(after, EAST[1]).kind == VILLAGE
    o, f = after.offices, after.facilities
    assert o.workers[new.office] == 4 and f.windows[f.id.index(f"P-{EAST[0]}")] == 2
    assert f.windows[f.id.index(f"P-{EAST[1]}")] == 1
    touched = {f"O-{EAST[0]}", f"O-{EAST[0]}@{WEEK}"}
    assert differing(before, after, "offices") == touched
    assert not after.residents.participation.any() and after.ended == [(WEEK, 0)]


def test_the_full_list_comes_with_the_staff_for_it(small_case_dir: Path) -> None:
    def list_of(workers: int) -> float:
        change(small_case_dir, "offices", EAST[0], "community", committee=workers)
        case = Case.open(small_case_dir)
        _, after = before_and_after(case, convert(scope={"communities": [EAST[0]]}))
        return float(after.offices.full_list[unit(after, EAST[0]).office])

    p = Case.open(small_case_dir).parameters
    standard = int(staff_standard("community", 3 * 316, p))
    assert list_of(standard) == 1 and list_of(standard - 1) == p["work.village_share"]


def test_conversion_goes_by_scope_type_and_waves(small_case_dir: Path) -> None:
    case = one_county(small_case_dir)
    opened = scenario(case, convert(waves={"number": 2, "weeks": 8, "by": "community"}))
    assert [str(x.date) for x in opened.levers] == [DAY, "2020-07-13"] or len(opened.levers) == 1
    state = pull(start(case), opened)
    assert all(u.kind == COMMUNITY_KIND for u in state.boundaries.units if u.alive)
    state = pull(start(case), scenario(case, convert(type="urban")))
    assert {u.type for u in state.boundaries.units if u.alive} == {URBAN}
    state = pull(start(case), scenario(case, convert(pilot={"communities": [EAST[1]], "weeks": 4})))
    kinds = scenario(case, convert(pilot={"communities": [EAST[1]], "weeks": 4})).describe()
    assert "step 1 of 2" in kinds[0] and EAST[1] in kinds[0] and EAST[0] in kinds[1]


# ------------------------------------------------------------------------------- townships


def test_merging_townships_is_the_redraw_that_joins_them(small_case_dir: Path) -> None:
    one_township(small_case_dir)
    case = one_county(small_case_dir)
    _, one = before_and_after(case, join(STREET, VILLAGES))
    _, two = before_and_after(case, redraw())
    for a, b in zip(one.boundaries.units, two.boundaries.units, strict=True):
        assert (a.id, a.kind, a.type, a.township, a.seat, a.alive) == (
            b.id, b.kind, b.type, b.township, b.seat, b.alive)  # fmt: skip
    assert not differing(one, two, "offices") and not differing(one, two, "facilities")
    np.testing.assert_array_equal(one.ledger.age, two.ledger.age)
    assert one.ended == two.ended == [(WEEK, 1)]


def test_merged_townships_take_seat_name_and_kind(small_case_dir: Path) -> None:
    change(small_case_dir, "communities", EAST[1], kind="community", type="town")
    change(small_case_dir, "offices", EAST[1], "community", kind="community")
    case = one_county(small_case_dir)
    lever = join(STREET, VILLAGES, seat=VILLAGES, name="新街道", unit_kind="street")
    _, state = before_and_after(case, lever)
    (new,) = [t for t in state.boundaries.townships if t.alive]
    assert (new.id, new.name, new.kind, new.seat) == (VILLAGES, "新街道", "street", 8)
    assert [u.type for u in state.boundaries.units if u.alive] == [URBAN, URBAN, 2, URBAN]
    assert is_open(state, f"TC-{VILLAGES}") and not is_open(state, f"TC-{STREET}")
    kept = pull(start(case), scenario(case, join(STREET, VILLAGES, township_points="keep")))
    assert is_open(kept, f"TC-{VILLAGES}")
    later = scenario(case, lever, street(id="S9", name="南街道", communities=[EAST[1]],
                                         date="2021-01-04"))  # fmt: skip
    assert len(later.levers) == 2
    ended = only(faults(case, lever, join(STREET, VILLAGES, date="2021-01-04")), "ended")
    assert VILLAGES in ended.hint


def test_a_town_becomes_a_street_and_its_communities_urban(small_case_dir: Path) -> None:
    change(small_case_dir, "communities", EAST[1], kind="community", type="town")
    change(small_case_dir, "offices", EAST[1], "community", kind="community")
    case = Case.open(small_case_dir)
    before, after = before_and_after(case, street(township=VILLAGES, name="山前街道"))
    town = after.boundaries.townships[after.boundaries.township_row(VILLAGES)]
    assert (town.kind, town.name) == ("street", "山前街道")
    assert [u.type for u in after.boundaries.units] == [URBAN, URBAN, 2, URBAN]
    assert not differing(before, after, "offices") and not differing(before, after, "facilities")


@pytest.mark.parametrize("taken", [EAST[0], EAST[1]])
def test_communities_form_a_street_with_a_centre_and_the_town_goes_on(
    small_case: Case, taken: str
) -> None:
    lever = street(id="S9", name="南街道", communities=[taken])
    before, after = before_and_after(small_case, lever)
    b, o, f = after.boundaries, after.offices, after.facilities
    new, town = (b.townships[b.township_row(t)] for t in ("S9", VILLAGES))
    other = EAST[1] if taken == EAST[0] else EAST[0]
    assert (new.kind, new.county, town.kind) == ("street", "乙县", "township")
    assert new.seat == unit(after, taken).seat and town.seat == unit(after, other).seat
    assert o.workers[[new.office, town.office]].tolist() == [1, 1]
    assert not o.loss[[new.office, town.office]].any()
    centres = f.is_open(WEEK) & (f.open_to == 1) & (f.windows > 0)
    assert set(f.settlement[centres & np.isin(f.operator, [new.office, town.office])]) == {
        new.seat, town.seat}  # fmt: skip
    assert (b.unit_of == before.boundaries.unit_of).all(), "units carry on"
    run(small_case, scenario(small_case, lever), WEEK + 3)


# ------------------------------------------------------------------------- redraw by steps


WAVES = {"number": 2, "weeks": 8, "by": "county"}


def test_a_redraw_in_waves_ends_where_the_redraw_at_once_ends(small_case: Case) -> None:
    opened = scenario(small_case, redraw(waves=WAVES))
    assert [str(x.date) for x in opened.levers] == [DAY, "2020-07-13"]
    state = start(small_case)
    opened.levers[0].apply(state)
    alive = [u.id for u in state.boundaries.units if u.alive]
    assert alive == [*WEST, EAST[0]], "乙县 comes before 甲区, which is as it was"
    opened.levers[1].apply(state)
    at_once = pull(start(small_case), scenario(small_case, redraw()))
    for table in ("units", "townships"):
        a, b = (
            sorted((u.id, u.name, u.kind, u.seat) for u in getattr(s.boundaries, table) if u.alive)
            for s in (state, at_once)
        )
        assert a == b
    assert posts(state) == posts(at_once)
    assert "wave 2 of 2" in opened.describe()[1] and "第1/2批" in opened.describe("zh")[0]
    assert "2 villages become 1 village" in opened.describe()[0]
    model = run(small_case, opened, WEEK + 12)
    assert model.applied == 2 and sum(u.alive for u in model.state.boundaries.units) == 2


def test_a_scope_or_a_pilot_redraws_a_part_of_the_tables(small_case: Case) -> None:
    west = {"counties": ["甲区"]}
    state = pull(start(small_case), scenario(small_case, redraw(scope=west)))
    assert [u.id for u in state.boundaries.units if u.alive] == [*EAST, UNITS[0]]
    opened = scenario(small_case, redraw(pilot={**west, "weeks": 13}))
    assert [str(x.date) for x in opened.levers] == [DAY, "2020-08-17"]
    assert "step 1 of 2" in opened.describe()[0]


def test_what_the_tables_join_waits_until_the_waves_have_reached_all_of_it(
    small_case_dir: Path,
) -> None:
    one_township(small_case_dir)
    case = Case.open(small_case_dir)
    (lever,) = scenario(case, redraw(waves=WAVES)).levers
    assert str(lever.date) == "2020-07-13"
    found = only(faults(case, redraw(scope={"counties": ["甲区"]})), "scope-cuts")
    assert f"{UNITS[0]}01" in found.message


def test_a_wave_outside_the_experiments_scope_is_left_out(small_case: Case) -> None:
    west = small_case.scoped(counties=["甲区"])
    opened = scenario(west, redraw(waves={**WAVES, "by": "community"}))
    assert len(opened.levers) == 1 and ("settlement", 8) in opened.left_out


def test_the_resolved_copy_of_steps_is_one_lever(small_case: Case) -> None:
    opened = scenario(small_case, redraw(waves=WAVES), convert(pilot={"communities": [EAST[0]],
                                                                      "weeks": 4}))  # fmt: skip
    copy = small_case.path / "copy.yaml"
    copy.write_text(opened.resolved(), "utf-8")
    assert opened.resolved().count("redraw_communities") == 1
    assert Scenario.open(copy, small_case).digest == opened.digest


# --------------------------------------------------------------------------------- regroup


def test_groups_are_drawn_to_a_size_and_coincide_with_grids(small_case: Case) -> None:
    scope = {"counties": ["甲区"]}
    before, after = before_and_after(
        small_case, regroup(households=130, coincide=True, scope=scope)
    )
    assert before.boundaries.groups().tolist() == [4, 4, 4, 4]
    assert after.boundaries.groups().tolist() == [2, 2, 4, 4]
    west = before.boundaries.origin < 2
    assert after.policies.aligned[west].all() and not after.policies.aligned[~west].any()
    np.testing.assert_array_equal(
        before.boundaries.group_of[~west], after.boundaries.group_of[~west]
    )
    assert not differing(before, after, "offices") and not differing(before, after, "facilities")
    merged = pull(start(small_case), scenario(small_case, regroup(households=130), merge()))
    assert merged.boundaries.groups()[-1] == 4, "groups go with their settlements"


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(1, 9)), min_size=1, max_size=12),
       st.integers(1, 120))  # fmt: skip
def test_groups_are_shared_out_by_households_and_one_more_takes_none_away(units, total):
    households, most = (list(x) for x in zip(*units, strict=True))
    numbers = numbers_of_groups(households, most, total)
    assert sum(numbers) == min(max(total, len(units)), sum(most))
    assert all(1 <= n <= m for n, m in zip(numbers, most, strict=True))
    more = numbers_of_groups(households, most, total + 1)
    assert all(a <= b for a, b in zip(numbers, more, strict=True))


def test_neighbours_are_joined_until_there_are_so_many_groups() -> None:
    row = {f"s{i}": i + 1 for i in range(6)}  # s0 - s1 - ... - s5
    near = {f"s{i}": [f"s{j}" for j in (i - 1, i + 1) if f"s{j}" in row] for i in range(6)}
    assert join_to(row, row, near, 6) == [[s] for s in sorted(row)]
    assert join_to(row, row, near, 3) == [["s0", "s1", "s2"], ["s3", "s4"], ["s5"]]
    assert join_to(row, row, near, 2) == [["s0", "s1", "s2", "s3", "s4"], ["s5"]]
    assert join_to(row, row, {}, 2) == [["s0", "s1", "s2", "s5"], ["s3", "s4"]]
    assert len(join_to(row, row, {}, 1)) == 1


def test_a_number_of_groups_is_that_of_the_case(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, regroup(groups=7)))
    assert state.boundaries.groups().sum() == 7 and state.boundaries.groups().min() >= 1


def test_coinciding_grids_alone_leave_the_groups(small_case: Case) -> None:
    opened = scenario(small_case, regroup(coincide=True))
    state = pull(start(small_case), opened)
    assert state.policies.aligned.all() and state.boundaries.groups().tolist() == [4] * 4
    assert "grids" in opened.describe()[0] and "网格" in opened.describe("zh")[0]
    pull(state, scenario(small_case, regroup(coincide=False)))
    assert not state.policies.aligned.any()


# --------------------------------------------------------------------------- what is refused

NEAR = "did you mean"
W1 = part("W1", *ids(FIRST, 1, 2))


@pytest.mark.parametrize(
    ("lever", "code", "at", "said"),
    [
        (split(W1, part("W2"), of="99990100100"), "unknown-id", "99990100100", NEAR),
        (split(W1), "bad-value", "- id", "at least 2"),
        (split(part("W1"), part("W2")), "bad-value", "date", "only one part"),
        (split(W1, part("W1")), "named-twice", "W1", "own id"),
        (split(W1, part(WEST[1])), "id-taken", WEST[1], "another id"),
        (split(W1, part(VILLAGES)), "id-taken", VILLAGES, "another id"),
        (split(W1, part(" W2")), "bad-value", " W2", "blanks"),
        (split(W1, part("")), "bad-value", "", "not empty"),
        (split(W1, part("W2", *ids(FIRST, 2, 3, 4))), "named-twice", f"{FIRST}02", "part 1"),
        (split(W1, part("W2", *ids(FIRST, 3))), "orphan-settlement", "- id", f"{FIRST}04"),
        (split(W1, part("W2", *ids(FIRST, 3, 3, 4))), "named-twice", f"{FIRST}03", "once"),
        (split(W1, part("W2", *ids(FIRST, 3, 4), f"{EAST[0]}01")), "lies-elsewhere", f"{EAST[0]}01",
         "settlement"),
        (split(part("W1", *ids(FIRST, 1, 2, 3, 4)), part("W2")), "empties-unit", "id", "left"),
        (split(W1, part("W2", seat=f"{FIRST}01")), "seat-outside", f"{FIRST}01", "settlement"),
        (split(part("W1", *ids(FIRST, 1, 4)), part("W2", *ids(FIRST, 2), f"{FIRST}03")),
         "in-pieces", "- ", "2 pieces"),
        (transfer("99990100100", f"{FIRST}03"), "unknown-id", "99990100100", NEAR),
        (transfer(WEST[1], "9999010010010"), "unknown-id", "9999010010010", NEAR),
        (transfer(WEST[1], f"{FIRST}03", f"{FIRST}03"), "named-twice", f"{FIRST}03", "once"),
        (transfer(FIRST, f"{FIRST}03"), "already-there", f"{FIRST}03", "leave it out"),
        (transfer(WEST[1], f"{FIRST}01", f"{FIRST}03"), "moves-seat", f"{FIRST}01", "seat of"),
        (transfer(WEST[1], *ids(FIRST, 1, 2, 3, 4)), "empties-unit", "- ", "merge_communities"),
        (transfer(WEST[1], f"{FIRST}02"), "not-adjacent", "- ", f"{FIRST}02"),
        (transfer(EAST[0], f"{FIRST}02"), "two-counties", EAST[0], "county"),
        (convert(scope={"communities": [FIRST]}), "no-village", FIRST, "community already"),
        (convert(scope={"counties": ["乙区"]}), "unknown-id", "乙区", "county"),
        (convert(type="rural"), "bad-value", "rural", "urban"),
        (convert(ramp={"weeks": 8}), "unknown-key", "ramp", "waves"),
        (join(STREET, "99990210"), "unknown-id", "99990210", NEAR),
        (join(STREET, STREET), "named-twice", STREET, "once"),
        (join(STREET, VILLAGES), "two-counties", "- ", "within a county"),
        (join(STREET, VILLAGES, seat="999901"), "seat-not-merged", "999901", NEAR),
        (street(township="99990210"), "unknown-id", "99990210", NEAR),
        (street(township=STREET), "street-already", STREET, "leave"),
        (street(), "bad-value", "date", "either"),
        (street(communities=[EAST[0]]), "bad-value", "date", "id and a name"),
        (street(township=VILLAGES, seat=EAST[0]), "bad-value", "date", "keeps"),
        (street(id=STREET, name="x", communities=[EAST[0]]), "id-taken", STREET, "another"),
        (street(id=WEST[0], name="x", communities=[EAST[0]]), "id-taken", WEST[0], "another"),
        (street(id="S9", name="x", communities=list(EAST)), "empties-township", "- ", "township:"),
        (street(id="S9", name="x", communities=[EAST[0]], seat=EAST[1]), "seat-not-merged", EAST[1],
         NEAR),
        (regroup(), "bad-value", "date", "how many"),
        (regroup(households=3), "bad-value", "3", "10"),
        (redraw(waves=WAVES, pilot={"weeks": 3}), "bad-value", "date", "one way"),
        (redraw(scope={"counties": ["丙"]}), "unknown-id", "丙", "county"),
    ],
)  # fmt: skip
def test_a_fault_is_one_message_at_its_word(
    small_case: Case, lever: dict[str, Any], code: str, at: str, said: str
) -> None:
    found = only(faults(small_case, lever), code)
    assert text_of(found).strip("'\"").startswith(at), text_of(found)
    assert said in f"{found.message} {found.hint}", found


def test_a_unit_that_would_fall_apart_is_named_with_its_pieces(small_case_dir: Path) -> None:
    one_street(small_case_dir)
    rows = read_rows(small_case_dir / "neighbours.csv")
    cut = {f"{FIRST}03", f"{FIRST}04"}  # which then hang on the first two alone
    kept = [r for r in rows if {r["settlement"], r["neighbour"]} != cut]
    write_table(small_case_dir / "neighbours.csv", kept)
    case = Case.open(small_case_dir)
    found = only(faults(case, transfer(EAST[0], f"{FIRST}02")), "in-pieces")
    assert "2 pieces" in found.message and f"{FIRST}04" in found.message


def test_a_faulty_split_does_not_make_later_ids_wrong(small_case: Case) -> None:
    later = merge("W1", "W2", date="2021-01-04")
    scenario(small_case, HALVES, later)
    only(faults(small_case, split(part("W1", "x"), part("W2")), later), "unknown-id")
    again = only(faults(small_case, HALVES, split(W1, part("W3"), date="2021-01-04")), "ended")
    assert "'W1' or 'W2'" in again.hint


@pytest.mark.parametrize(
    "lever",
    [
        split(W1, part("W2")),
        transfer(WEST[1], f"{FIRST}03"),
        convert(scope={"communities": [FIRST]}),
        street(township=STREET),
        regroup(households=130, scope={"counties": ["甲区"]}),
        redraw(scope={"counties": ["甲区"]}),
    ],
)
def test_outside_the_scope_of_an_experiment_nothing_is_left(
    small_case: Case, lever: dict[str, Any]
) -> None:
    east = small_case.scoped(counties=["乙县"])
    opened = scenario(east, lever)
    assert not opened.levers and {w.code for w in opened.warnings} == {"nothing-left"}


# ---------------------------------------------------------------------------- what is warned of


def test_units_drawn_outside_the_bands_of_the_rules_are_named_with_the_article(
    small_case: Case,
) -> None:
    warnings = scenario(small_case, merge()).warnings
    assert [w.code for w in warnings] == ["size-band"], "one warning a type"
    said, articles = warnings[0].message, warnings[0].hint
    assert f"{WEST[0]}: 536" in said and "2,000" in said and "1,500" in said
    assert "SC2018-5-urban-min" in articles and "MS145-3-1-urban-min" in articles
    assert "(五)" in articles and "城市按2000至4000户" in articles and "max" not in articles
    assert not scenario(small_case, merge(*EAST)).warnings, "664 households are right for a village"


@pytest.mark.parametrize(
    ("rules", "told"),
    [([], []), (["chengdu"], []), (["sichuan"], ["SC2018"]), (["meishan"], ["MS145"])],
)
def test_only_rules_of_authorities_that_the_case_names_are_warned_of(
    small_case_dir: Path, rules: list[str], told: list[str]
) -> None:
    name_rules(small_case_dir, rules)
    warnings = scenario(Case.open(small_case_dir), merge()).warnings
    assert [w.code for w in warnings] == ["size-band"] * len(told)
    assert [w.hint.partition("(")[2].count(t) for w in warnings for t in told] == [1] * len(told)


def test_a_redrawn_unit_that_is_not_of_one_piece_is_warned_of(small_case_dir: Path) -> None:
    unit_of = {s: "A" if s[-2:] in ("01", "04") else "B" for s in ids(FIRST, 1, 2, 3, 4)}
    seats = [{"id": "A", "seat_settlement": f"{FIRST}01"}, {"id": "B", "seat_settlement":
             f"{FIRST}02"}]  # fmt: skip
    write_redraw(small_case_dir, unit_of, seats)
    case = Case.open(small_case_dir)
    found = [w for w in scenario(case, redraw(townships=None)).warnings if w.code == "in-pieces"]
    assert len(found) == 1 and "A: 2 pieces" in found[0].message
    rows = read_rows(small_case_dir / "neighbours.csv")
    write_table(small_case_dir / "neighbours.csv", rows[:1])
    assert "in-pieces" in {w.code for w in scenario(Case.open(small_case_dir), HALVES).warnings}


# ------------------------------------------------------------------------------------ in words


def test_levers_on_boundaries_are_described_with_counts(small_case_dir: Path) -> None:
    case = one_county(small_case_dir)
    levers = [
        split(W1, part("W2")),
        transfer(EAST[0], f"{FIRST}02", date="2020-06-01"),
        convert(scope={"communities": [EAST[1]]}, date="2020-06-08"),
        street(id="S9", name="南街道", communities=[EAST[1]], date="2020-06-15"),
        join(STREET, VILLAGES, date="2020-06-22"),
        regroup(households=130, coincide=True, date="2020-06-29"),
    ]
    opened = scenario(case, *levers)
    assert opened.describe() == [
        f"2020-05-18: 东门社区居民委员会 ({FIRST}) is split into 新W1 (W1, 122 households) and "
        "新W2 (W2, 130 households); 1 service point opens, 200 m2, rented for 29,786 yuan a year.",
        "2020-06-01: 1 settlement with 62 households moves from 新W1 (W1) to 柳林村民委员会 "
        f"({EAST[0]}), which then has 378.",
        f"2020-06-08: 1 village, 石桥村民委员会 ({EAST[1]}), with 348 households becomes a "
        "community.",
        "2020-06-15: the street 南街道 (S9) is set up: 1 community with 348 households.",
        f"2020-06-22: the townships {STREET} and {VILLAGES} become one street, 河东街道: "
        "3 communities and 1 village with 852 households; other centres close.",
        "2020-06-29: in 5 communities (1,200 households) 16 groups become 10 of 120 households on "
        "average; groups are grids as well.",
    ]
    assert opened.describe("zh") == [
        f"2020-05-18：东门社区居民委员会（{FIRST}）拆分为新W1（W1）（122户）、新W2（W2）（130户）；"
        "新设1个服务点，200平方米，租赁，每年3.0万元。",
        f"2020-06-01：1个居民点（62户）由新W1（W1）划入柳林村民委员会（{EAST[0]}），划入后共378户。",
        f"2020-06-08：1个村（石桥村民委员会（{EAST[1]}））改为社区，涉及348户。",
        "2020-06-15：设立街道南街道（S9）：社区1个，348户。",
        f"2020-06-22：2个乡镇（街道）（{STREET}、{VILLAGES}）合并为河东街道（街道），"
        "社区3个、村1个，852户；其余便民服务中心撤销。",
        "2020-06-29：在5个社区（村）（1200户），居民小组由16个调整为10个，平均每组120户；"
        "小组与网格合一。",
    ]
    assert conserves(start(case), pull(start(case), opened))
    assert run(case, opened, WEEK + 10).applied == len(levers), "every week closes"


# --------------------------------------------------------------------- who is out of reach


@pytest.mark.parametrize(
    "lever", [HALVES, HANDED, regroup(households=130, coincide=True, scope={"counties": ["甲区"]})]
)
def test_nothing_changes_before_the_date_nor_ever_for_those_out_of_reach(
    tmp_path: Path, lever: dict[str, Any]
) -> None:  # fmt: skip
    folder = write_small_case(tmp_path / "far")
    for table in ("settlements", "facilities"):
        rows = read_rows(folder / f"{table}.csv")
        for row in rows:
            if VILLAGES in (row["id"] + row.get("settlement", "")):
                row["x"] = str(int(row["x"]) + 300_000)
        write_table(folder / f"{table}.csv", rows)
    case = Case.open(folder)
    plain, other = run(case, scenario(case), WEEK + 8), run(case, scenario(case, lever), WEEK + 8)
    a, b = plain.state, other.state
    far = a.boundaries.origin[np.asarray(a.world.households.settlement)] >= 2
    for column in ("pending", "tries", "usual", "expected"):
        x, y = getattr(a.residents, column), getattr(b.residents, column)
        np.testing.assert_array_equal(x[far], y[far])
    east = [i for i, name in enumerate(a.offices.id) if VILLAGES in name]
    np.testing.assert_array_equal(a.ledger.age[east], b.ledger.age[east])
    if "regroup" in lever:  # leaders take visits over, and ledgers are fewer: offices only
        assert (a.ledger.done != b.ledger.done).any()
    else:
        assert (a.residents.usual != b.residents.usual)[~far].any()


def test_an_office_of_a_village_carries_its_share_through_a_transfer(small_case: Case) -> None:
    _, after = before_and_after(small_case, transfer(EAST[0], f"{EAST[1]}02"))
    office = unit(after, EAST[0]).office
    assert after.offices.kind[office] == VILLAGE_OFFICE
    assert after.offices.full_list[office] == small_case.parameters["work.village_share"]


# ------------------------------------------------------------------------- merging once more


def test_a_unit_that_merges_again_carries_the_rest_of_its_first_transition(
    small_case_dir: Path,
) -> None:
    one_street(small_case_dir)
    case = Case.open(small_case_dir)
    p, again = case.parameters, 20
    opened = scenario(case, merge(), merge(WEST[0], EAST[0], date="2020-10-05"))
    state = start(case)
    opened.levers[0].apply(state)
    o, first = state.offices, unit(state, WEST[0]).office
    full = yearly_list(p)
    assert (o.members[first], o.merged_list[first], o.list_week[first]) == (2, full, WEEK)
    state.week += again
    loss_then = o.loss[first] * np.exp(-again / p["merger.recovery"])
    list_then = transition.assigned_hours(
        state.week, o.own_list[[first]], o.merged_list[[first]], o.list_week[[first]], p
    )[0]
    opened.levers[1].apply(state)
    second = unit(state, WEST[0]).office
    village = p["work.village_share"] * full
    assert o.members[second] == pytest.approx(2 + 2 * (1 - again / p["merger.transition_weeks"]))
    assert o.merged_list[second] == pytest.approx(full + village)
    now = transition.assigned_hours(
        state.week, o.own_list[[second]], o.merged_list[[second]], o.list_week[[second]], p
    )[0]
    assert now == pytest.approx(list_then + village), "nothing is shed on the day"
    west, east = 536, 316
    new = transition.loss_at_first(np.array([west, east]), p)
    assert o.loss[second] == pytest.approx(new + loss_then * west / (west + east))


def test_halves_of_a_merged_unit_share_what_is_left(small_case: Case) -> None:
    halves = split(part("A", *ids(WEST[0], 1, 2, 3, 4)), part("B"), of=WEST[0], date="2020-07-27")
    opened = scenario(small_case, merge(), halves)
    state = start(small_case)
    opened.levers[0].apply(state)
    first = unit(state, WEST[0]).office
    state.week += 10
    opened.levers[1].apply(state)
    both, o = [unit(state, u).office for u in ("A", "B")], state.offices
    for column in ("members", "merged_list", "workers"):
        values = getattr(o, column)
        before = 12 if column == "workers" else values[first]
        assert values[both].sum() == pytest.approx(before), column
    assert (o.loss[both] == o.loss[first]).all() and (o.merged_week[both] == WEEK).all()


def test_the_hours_of_three_mergers_in_a_year_add_up(small_case_dir: Path) -> None:
    one_street(small_case_dir)
    case = Case.open(small_case_dir)
    levers = [merge(date="2020-02-03"), merge(WEST[0], EAST[0], date="2020-03-02"),
              merge(WEST[0], EAST[1], date="2020-06-01")]  # fmt: skip
    model = CommunityModel(World.of(case, case.parameters), scenario(case, *levers),
                           case.parameters, START, 1, 0)  # fmt: skip
    asked = 0.0
    for _ in range(80):
        model.step()
        asked += model.now.demand[:, CLASS["transition"]].sum()
    assert asked == pytest.approx(6 * case.parameters["merger.transition_hours"])
