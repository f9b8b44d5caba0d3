"""Claims about what levers do to a case, and what they leave alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from sim.case.case import Case
from sim.levers.facilities import AddFacility
from sim.levers.parts import Parts
from sim.processes.cost import WAYS
from sim.processes.transition import loss_at_first
from sim.world.facilities import PUBLIC
from sim.world.offices import ATTRITION, NOT_MERGED, TOWNSHIP_OFFICE
from sim.world.state import State
from sim.world.supply import staff_standard
from sim.world.workers import ABOLISHED
from tests.cases import STREET, TOWN, UNITS, read_rows, write_small_case, write_table
from tests.levers import (
    EAST,
    WEEK,
    WEST,
    add,
    change,
    close,
    is_open,
    merge,
    one_street,
    one_township,
    pull,
    redraw,
    run,
    scenario,
    split_in_two,
    start,
    unit,
    write_redraw,
)

KEEP_ALL: dict[str, Any] = {"service_points": "keep"}


def offices_of(state: State, *units: str) -> list[int]:
    return [unit(state, u).office for u in units]


def minutes(state: State, service: str) -> np.ndarray:
    """Metres to the nearest facility of each line of a service, ``[S, lines]``."""
    return state.reach.nearest[:, state.lines.of_service(service)]


# ------------------------------------------------------------------------------- merging units


def test_a_merger_of_two_conserves_staff_backlog_settlements_and_facilities(
    small_case: Case,
) -> None:
    before, after = start(small_case), start(small_case)
    pull(after, scenario(small_case, merge()))
    old, (new,) = offices_of(before, *WEST), offices_of(after, WEST[0])
    assert after.offices.workers[new] == before.offices.workers[old].sum() == 12
    assert after.offices.workers.sum() == before.offices.workers.sum()
    np.testing.assert_allclose(
        after.ledger.age[new], before.ledger.age[old].sum(axis=0), rtol=0, atol=1e-9
    )
    assert not after.offices.alive[old].any() and not after.ledger.age[old].any()
    rows = after.boundaries.unit_of[before.boundaries.unit_of < 2]
    assert rows.size == 8 and (rows == after.boundaries.unit_row(WEST[0])).all()
    assert after.facilities.id == before.facilities.id
    np.testing.assert_array_equal(after.facilities.settlement, before.facilities.settlement)
    assert after.offices.merged_list[new] == after.offices.own_list[new], "two lists, less one"
    elder = after.facilities.id.index(f"E-{WEST[0]}")
    assert after.facilities.operator[elder] == new


def test_the_closed_seat_loses_counter_and_culture_room_and_keeps_its_health_station(
    small_case: Case,
) -> None:
    state = pull(start(small_case), scenario(small_case, merge()))
    first, second = WEST
    assert is_open(state, f"P-{first}") and is_open(state, f"C-{first}")
    assert not is_open(state, f"P-{second}") and not is_open(state, f"C-{second}")
    shut = [i for i in state.facilities.id if not is_open(state, i)]
    assert shut == [f"C-{second}", f"P-{second}"]


def test_what_is_under_the_roof_of_a_closed_point_goes_on(small_case_dir: Path) -> None:
    change(small_case_dir, "facilities", f"P-{WEST[1]}", services="government;community;health")
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, merge()))
    slot = state.facilities.id.index(f"P-{WEST[1]}")
    offered = {s for s, o in zip(state.lines.services, state.facilities.offers[slot], strict=True)
               if o}  # fmt: skip
    assert is_open(state, f"P-{WEST[1]}") and offered == {"health"}
    assert state.facilities.windows[slot] == 0


def test_a_kept_point_has_one_window_and_15_hours_and_the_culture_room_takes_fewer(
    small_case: Case,
) -> None:
    before = start(small_case)
    f = pull(start(small_case), scenario(small_case, merge(**KEEP_ALL))).facilities
    point, room = f.id.index(f"P-{WEST[1]}"), f.id.index(f"C-{WEST[1]}")
    assert (f.windows[point], f.hours[point], f.kept[point]) == (1, 15, True)
    j = before.lines.services.index("culture")
    whole = before.facilities
    assert f.capacity[room, j] == pytest.approx(whole.capacity[room, j] * 15 / whole.hours[room])
    main = f.id.index(f"P-{WEST[0]}")
    assert (f.windows[main], f.hours[main], f.kept[main]) == (2, 35, False)


def test_keep_share_keeps_the_points_that_serve_most_households(small_case: Case) -> None:
    # every unit further along the list has more households than the one before
    lever = redraw(service_points={"keep_share": 0.5})
    state = pull(start(small_case), scenario(small_case, lever))
    assert is_open(state, f"P-{UNITS[3]}") and is_open(state, f"C-{UNITS[3]}")
    assert not is_open(state, f"P-{UNITS[1]}") and not is_open(state, f"C-{UNITS[1]}")


def test_more_units_and_more_equal_ones_lose_more_efficiency(small_case_dir: Path) -> None:
    def loss(*units: str) -> float:
        case = Case.open(small_case_dir)
        state = pull(start(case), scenario(case, merge(*units)))
        return float(state.offices.loss[unit(state, units[0]).office])

    one_street(small_case_dir)
    equal, many = loss(*WEST), loss(*UNITS)
    households = [4 * 60 + 12, 4 * 60 + 44]
    case = Case.open(small_case_dir)
    assert equal == pytest.approx(loss_at_first(np.array(households), case.parameters))
    assert many > equal
    for n in (1, 2, 3, 4):
        change(small_case_dir, "settlements", f"{WEST[1]}{n:02d}", households=5)
    assert 0 < loss(*WEST) < equal


def test_participation_and_belonging_fall_for_the_merged_and_more_where_imposed(
    small_case: Case,
) -> None:
    def feelings(**more: Any) -> State:
        return pull(start(small_case), scenario(small_case, merge(**more)))

    willing, imposed = feelings().residents, feelings(imposed=True).residents
    west = np.arange(8)
    assert (willing.participation[west] < 0).all() and not willing.participation[8:].any()
    np.testing.assert_allclose(imposed.participation, 1.5 * willing.participation)
    # the smaller half became part of something relatively larger
    assert willing.participation[0] < willing.participation[7]
    assert (willing.belonging_goal[west] < willing.belonging_goal[8:]).all()


def test_staff_are_kept_cut_to_a_floor_or_left_to_attrition(small_case: Case) -> None:
    def merged(weeks: int = 0, **more: Any) -> tuple[State, int]:
        opened = scenario(small_case, merge(**more))
        state = run(small_case, opened, weeks).state if weeks else pull(start(small_case), opened)
        return state, unit(state, WEST[0]).office

    state, office = merged()
    persons = state.boundaries.sums(state.world.settlements["persons"])[state.offices.unit[office]]
    state, office = merged(staff={"floor_per_10000": 18})
    assert state.offices.workers[office] == max(1, np.ceil(18 * persons / 10_000))
    state, office = merged(staff={"floor_per_10000": 200})
    assert state.offices.workers[office] == 12, "a floor never adds staff"
    state, office = merged(WEEK + 40, staff="attrition")
    standard = staff_standard("community", float(persons), small_case.parameters)
    assert state.offices.staff_policy[office] == ATTRITION
    assert standard <= (state.workers.office == office).sum() < 12


def test_a_merger_of_a_community_and_a_village_is_a_community_with_the_full_list(
    small_case_dir: Path,
) -> None:
    change(small_case_dir, "communities", WEST[1], kind="village", type="rural")
    change(small_case_dir, "offices", WEST[1], "community", kind="village")
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, merge(seat=WEST[1], staff={"floor_per_10000": 1})))
    new = unit(state, WEST[1])
    assert (new.kind, new.type, state.offices.full_list[new.office]) == (1, 0, 1.0)


def test_a_village_made_a_community_gets_an_office_of_that_kind(small_case_dir: Path) -> None:
    village = EAST[0]
    row = next(r for r in read_rows(small_case_dir / "communities.csv") if r["id"] == village)
    mine = {f"{village}{n:02d}": village for n in (1, 2, 3, 4)}
    write_redraw(small_case_dir, mine, [row | {"kind": "community", "type": "town"}])
    case = Case.open(small_case_dir)
    before = start(case)
    state = pull(start(case), scenario(case, redraw(townships=None)))
    office = unit(state, village).office
    assert state.offices.kind[office] == before.offices.kind[0]
    assert state.offices.merged_week[office] == NOT_MERGED
    assert state.offices.workers.sum() == before.offices.workers.sum()


def test_an_office_of_a_unit_without_households_is_not_lost(small_case_dir: Path) -> None:
    ages = dict.fromkeys(("age_0_2", "age_3_5", "age_6_14", "age_15_59", "age_60_79", "age_80"), 0)
    for n in (1, 2, 3, 4):
        change(small_case_dir, "settlements", f"{WEST[1]}{n:02d}", households=0, persons=0, **ages)
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, merge()))
    assert state.offices.workers[unit(state, WEST[0]).office] == 12


def test_a_facility_goes_with_its_operator_even_from_another_unit(small_case_dir: Path) -> None:
    change(small_case_dir, "facilities", f"N-{WEST[1]}", operator=f"O-{EAST[0]}")
    change(small_case_dir, "facilities", f"S-{EAST[1]}", operator=f"O-{WEST[1]}")
    case = Case.open(small_case_dir)
    before = start(case)
    state = pull(start(case), scenario(case, merge()))
    f = state.facilities
    assert f.operator[f.id.index(f"N-{WEST[1]}")] == offices_of(before, EAST[0])[0]
    assert f.operator[f.id.index(f"S-{EAST[1]}")] == offices_of(state, WEST[0])[0]
    run(case, scenario(case, merge()), WEEK + 3)


def test_units_merged_one_after_the_other_conserve_staff_every_time(small_case_dir: Path) -> None:
    one_street(small_case_dir)
    case = Case.open(small_case_dir)
    opened = scenario(
        case,
        merge(),
        merge(WEST[0], EAST[0], date="2020-06-15"),
        merge(EAST[1], WEST[0], date="2020-07-13", **KEEP_ALL),
    )
    state = run(case, opened, WEEK + 20).state
    assert (state.workers.office != ABOLISHED).sum() == 12 + 8 + 2
    assert [u.id for u in state.boundaries.units if u.alive] == [EAST[1]]
    left = 1 - 4 / case.parameters["merger.transition_weeks"]
    members = state.offices.members[unit(state, EAST[1]).office]
    assert members == pytest.approx(2 + left * (2 + left * 2)), "the rest is carried on"
    assert sum(n for _, n in state.ended) == 3


# ------------------------------------------------------------------------ splits and townships


def test_a_split_gives_both_parts_an_office_a_point_and_their_share_of_staff(
    small_case_dir: Path,
) -> None:
    halves = split_in_two(small_case_dir)
    case = Case.open(small_case_dir)
    before = start(case)
    state = pull(start(case), scenario(case, redraw(townships=None)))
    offices = offices_of(state, *halves)
    size = state.boundaries.sums(state.world.settlements["households"])
    rows = [state.boundaries.unit_row(h) for h in halves]
    expected = 6 * size[rows] / size[rows].sum()
    assert (np.abs(state.offices.workers[offices] - expected) < 1).all(), "whole persons"
    assert state.offices.workers.sum() == pytest.approx(before.offices.workers.sum())
    np.testing.assert_allclose(
        state.ledger.age[offices].sum(axis=0), before.ledger.age[offices_of(before, UNITS[0])[0]]
    )
    assert (state.offices.loss[offices] == 0).all() and state.ended == [(WEEK, 0)]
    assert len(set(state.residents.belonging_goal)) == 1, "nobody was merged"
    f = state.facilities
    for half, office in zip(halves, offices, strict=True):
        here = f.is_open(WEEK) & (f.settlement == unit(state, half).seat) & (f.operator == office)
        services = [f.offers[here][:, state.lines.services.index(s)].any()
                    for s in ("government", "community", "culture")]  # fmt: skip
        assert all(services), half
    model = run(case, scenario(case, redraw(townships=None)), WEEK + 10)
    assert np.isfinite(minutes(model.state, "community")).all()


def test_a_merged_unit_that_is_redrawn_alone_goes_on_with_its_merger(small_case_dir: Path) -> None:
    new = f"{WEST[0][:-3]}900"
    unit_of = {f"{u}{n:02d}": new for u in WEST for n in (1, 2, 3, 4)}
    write_redraw(small_case_dir, unit_of, [{"id": new, "seat_settlement": f"{WEST[0]}01"}])
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, merge()))
    first = unit(state, WEST[0]).office
    state.week += 10
    opened = scenario(case, merge(), redraw(townships=None, date="2020-07-27"))
    opened.levers[1].apply(state)
    second = unit(state, new).office
    assert second != first
    for column in ("workers", "merged_week", "members", "loss", "merged_list"):
        values = getattr(state.offices, column)
        expected = 12 if column == "workers" else values[first]
        assert values[second] == pytest.approx(expected), column


def test_a_township_merger_conserves_staff_and_closes_the_other_centre(
    small_case_dir: Path,
) -> None:
    town = one_township(small_case_dir)
    case = Case.open(small_case_dir)
    before, state = start(case), start(case)
    pull(state, scenario(case, redraw()))
    b, o = state.boundaries, state.offices
    assert [t.id for t in b.townships if t.alive] == [town]
    assert (b.unit_of == before.boundaries.unit_of).all(), "units carry on"
    assert o.alive[: len(UNITS)].all() and set(o.township[: len(UNITS)]) == {b.township_row(town)}
    office = b.townships[b.township_row(town)].office
    assert o.workers[office] == 4 and o.members[office] == 2
    old = before.offices.kind == TOWNSHIP_OFFICE
    np.testing.assert_allclose(state.ledger.age[office], before.ledger.age[old].sum(axis=0))
    assert is_open(state, f"TC-{STREET}") and not is_open(state, f"TC-{TOWN}")
    assert is_open(state, f"TH-{TOWN}") and state.ended == [(WEEK, 1)]
    kept = pull(start(case), scenario(case, redraw(township_points="keep"))).facilities
    slot = kept.id.index(f"TC-{TOWN}")
    assert (kept.hours[slot], kept.windows[slot], kept.kept[slot]) == (35, 1, True)
    run(case, scenario(case, redraw()), WEEK + 10)


def test_units_that_change_township_take_its_staff_along_without_a_table_of_townships(
    small_case_dir: Path,
) -> None:
    one_township(small_case_dir)
    case = Case.open(small_case_dir)
    opened = scenario(case, redraw(townships=None))
    state = pull(start(case), opened)
    assert state.offices.workers.sum() == start(case).offices.workers.sum()
    assert [t.id for t in state.boundaries.townships if t.alive] == [STREET]
    run(case, opened, WEEK + 2)


def test_a_township_split_off_gets_a_centre_at_its_seat(small_case_dir: Path) -> None:
    rows = {r["id"]: r for r in read_rows(small_case_dir / "communities.csv")}
    towns = read_rows(small_case_dir / "townships.csv")
    new = towns[0] | {"id": "999901002", "name": "新街道", "seat_settlement": f"{WEST[1]}01"}
    unit_of = {s["id"]: s["community"] for s in read_rows(small_case_dir / "settlements.csv")}
    units = [rows[u] | ({"township": new["id"]} if u == WEST[1] else {}) for u in UNITS]
    write_redraw(small_case_dir, unit_of, units, [*towns, new])
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, redraw()))
    f, line = state.facilities, state.lines.of_service("government")[1]
    mine = state.boundaries.unit_of == state.boundaries.unit_row(WEST[1])
    assert np.isfinite(state.reach.nearest[mine, line]).all()
    slot = f.id.index(f"TC-{new['id']}@{WEEK}")
    assert f.settlement[slot] == unit(state, WEST[1]).seat and f.windows[slot] >= 2
    assert state.offices.workers.sum() == start(case).offices.workers.sum()
    run(case, scenario(case, redraw()), WEEK + 2)


# ------------------------------------------------------------------------- what is left alone


def test_an_id_with_the_same_settlements_carries_on_and_one_with_others_is_a_new_unit(
    small_case: Case,
) -> None:
    state = pull(start(small_case), scenario(small_case, merge()))
    b = state.boundaries
    assert b.unit_row(WEST[0]) == len(UNITS) and not b.units[0].alive
    assert b.units[0].id == b.units[len(UNITS)].id
    assert [b.unit_row(u) for u in EAST] == [2, 3]


def test_a_merger_leaves_distances_elsewhere_as_they_are_to_the_bit(small_case: Case) -> None:
    base, state = start(small_case), start(small_case)
    assert state.reach.slot.size and not state.reach_is_stale
    pull(state, scenario(small_case, merge()))
    assert state.reach_is_stale
    east = base.boundaries.origin >= 2
    for line, spec in enumerate(base.lines.all):
        here = east if spec.service in ("government", "community") else np.ones_like(east)
        if spec.service == "culture":
            continue  # open to everyone: the closed room was in reach from the east
        for column in ("slot", "metres", "own"):
            old, new = (getattr(s.reach, column)[here, line] for s in (base, state))
            if column == "own":
                old, new = old[east[here]], new[east[here]]
            np.testing.assert_array_equal(old, new, err_msg=f"{spec.service} {column}")


def test_nothing_changes_before_the_date_nor_ever_for_those_out_of_reach(tmp_path: Path) -> None:
    folder = write_small_case(tmp_path / "far")
    for table in ("settlements", "facilities"):
        rows = read_rows(folder / f"{table}.csv")
        for row in rows:
            if TOWN in (row["id"] + row.get("settlement", "")):
                row["x"] = str(int(row["x"]) + 300_000)
        write_table(folder / f"{table}.csv", rows)
    case = Case.open(folder)
    plain, merged = scenario(case), scenario(case, merge())
    for weeks in (WEEK, WEEK + 12):
        a, b = run(case, plain, weeks).state, run(case, merged, weeks).state
        settlement = np.asarray(a.world.households.settlement)
        far = a.boundaries.origin[settlement] >= 2
        for column in ("pending", "tries", "usual", "expected"):
            x, y = getattr(a.residents, column), getattr(b.residents, column)
            np.testing.assert_array_equal(x[far], y[far])
            assert weeks > WEEK or (x == y).all()
        assert weeks == WEEK or (a.residents.usual != b.residents.usual)[~far].any()


def test_an_empty_scenario_and_levers_yet_to_come_equal_the_base(small_case: Case) -> None:
    model, later = (run(small_case, scenario(small_case, *x), 5) for x in ([], [merge()]))
    assert later.applied == 0
    np.testing.assert_array_equal(model.state.residents.expected, later.state.residents.expected)
    np.testing.assert_array_equal(model.state.ledger.age, later.state.ledger.age)


# ---------------------------------------------------------------------------------- in time


def test_a_lever_dated_on_a_wednesday_acts_from_the_next_monday(small_case: Case) -> None:
    opened = scenario(small_case, close("S-999901001001", date="2020-01-15"))
    assert [run(small_case, opened, weeks).applied for weeks in (2, 3)] == [0, 1]


def test_levers_act_by_date_and_those_of_one_date_in_the_order_of_the_file(
    small_case: Case,
) -> None:
    more = {"where": {"without": "nursery", "count": 1}}
    opened = scenario(
        small_case,
        add("nursery", **more, date="2020-03-02"),
        add("nursery", **more, name="second"),
        add("nursery", **more, name="third"),
        add("nursery", **more, name="first", date="2020-02-03"),
    )
    assert [x.date.month for x in opened.levers] == [2, 3, 5, 5]
    f = run(small_case, opened, WEEK + 1).state.facilities
    # each finds those before it in place, so no two choose the same unit
    added = [(f.name[i], int(f.settlement[i])) for i in range(len(f)) if f.id[i].startswith("A-")]
    assert [n for n, _ in added][2:] == ["second"] and added[0][0] == "first"
    assert len({s for _, s in added}) == 3, "the fourth finds every unit served"


# ------------------------------------------------------------------------------- facilities


@pytest.mark.parametrize("service", ["culture", "health", "elder_care", "nursery", "shop"])
def test_a_new_facility_brings_its_service_nearer_and_no_other(
    small_case: Case, service: str
) -> None:
    base = start(small_case)
    place = f"{EAST[1]}04"
    state = pull(start(small_case), scenario(small_case, add(service, settlement=place)))
    for name in {line.service for line in base.lines.all}:
        old, new = minutes(base, name), minutes(state, name)
        assert (new <= old).all() if name == service else (new == old).all(), name
    row = list(base.world.settlements["id"]).index(place)
    assert minutes(state, service)[row] == 0


def test_a_facility_for_a_community_stands_at_its_seat_and_costs_by_its_way(
    small_case: Case,
) -> None:
    levers = [
        add("elder_care", community=EAST[0], way=way, floor_m2=400, name=way)
        for way in ("build", "rent", "allot")
    ]
    f = pull(start(small_case), scenario(small_case, *levers)).facilities
    new = [f.name.index(w) for w in ("build", "rent", "allot")]
    assert len({f.id[i] for i in new}) == 3
    assert (f.settlement[new] == 8).all() and (f.operator[new] == PUBLIC).all()
    assert f.yearly[new[0]] > f.yearly[new[2]] and f.yearly[new[1]] > 0
    assert set(get_args(AddFacility.model_fields["way"].annotation)) == set(WAYS)


def test_where_picks_units_without_the_service_by_kind_and_rank(small_case: Case) -> None:
    def chosen(**where: Any) -> list[str]:
        state = pull(start(small_case), scenario(small_case, add("elder_care", where=where)))
        f = state.facilities
        new = [i for i in range(len(f)) if f.id[i].startswith("A-")]
        return [state.world.settlements["community"].iat[f.settlement[i]] for i in new]

    assert chosen(without="elder_care") == [UNITS[3], UNITS[2], UNITS[1]]
    assert chosen(without="elder_care", count=1, kind="community") == [UNITS[1]]
    assert chosen(type="rural", rank="old") == [UNITS[3], UNITS[2]]


def test_counts_scale_with_the_households_in_scope(small_case: Case) -> None:
    half = small_case.scoped(counties=["甲区"])
    lever = add("nursery", where={"count": 2})
    for case, number in ((small_case, 2), (half, 1)):
        opened = scenario(case, lever)
        state = start(case)
        assert len(pull(state, opened).facilities) == len(start(case).facilities) + number
        assert f"{number} facilit" in opened.describe()[0]


@pytest.mark.parametrize("facility", ["H-999901001002", "C-999902100202", "S-999901001002"])
def test_closing_a_facility_brings_nothing_nearer(small_case: Case, facility: str) -> None:
    base = start(small_case)
    state = pull(start(small_case), scenario(small_case, close(facility)))
    assert not is_open(state, facility)
    old, new = base.reach.nearest, state.reach.nearest
    assert (new >= old).all() and (new > old).any()


# ------------------------------------------------------------------------------------ parts


def test_shares_of_every_old_area_sum_to_one() -> None:
    old = np.array([0, 0, 0, 1, 1, 2, 3])
    new = np.array([4, 4, 5, 5, 5, 2, 3])
    parts = Parts.of(old, new, np.array([10.0, 20, 30, 0, 5, 7, 8]))
    assert list(zip(parts.new, parts.old, parts.weight, strict=True)) == [
        (4, 0, 30), (5, 0, 30), (5, 1, 6)]  # fmt: skip
    np.testing.assert_allclose(np.bincount(parts.old, parts.share), 1)
    assert parts.largest.tolist() == [True, False, True] == parts.goes_on.tolist()
    assert parts.ended == 0 and not parts.merges.any(), "the first hands a part over"
    assert parts.joins.tolist() == [False, True, False]
    assert [(row, mine.start, mine.stop) for row, mine in parts.groups()] == [(4, 0, 1), (5, 1, 3)]


def test_an_area_that_takes_over_others_whole_ends_them() -> None:
    parts = Parts.of(np.array([0, 1, 2]), np.array([3, 3, 3]), np.ones(3))
    assert parts.ended == 2 and parts.merges.all() and parts.joins.all()
    assert parts.goes_on.tolist() == [True, False, False]
    assert len(Parts.of(np.arange(3), np.arange(3), np.ones(3))) == 0
