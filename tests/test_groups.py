"""Claims about residents' groups: whom their leaders reach, what becomes of groups in a redraw."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.phases.helpers import mean_by_office
from sim.processes import groups
from sim.world.boundaries import number_groups
from sim.world.ledger import CLASS
from tests.cases import UNITS, read_rows, write_table
from tests.levers import merge, pull, redraw, scenario, split_in_two, start, unit
from tests.worlds import edited_case, run_small, small_model, values

P = Parameters.load()
GENERAL = CLASS["visits_general"]
counts = st.integers(0, 5000).map(float)


def cover(leaders, households):
    return float(groups.coverage(np.array([leaders]), np.array([households]), P)[0])


# --- the rules ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("leaders", "households", "covered"),
    [(10, 1000.0, 0.6), (1, 60.0, 1.0), (1, 61.0, 60 / 61), (20, 300.0, 1.0), (0, 90.0, 0.0),
     (3, 0.0, 0.0)],
)  # fmt: skip
def test_a_leader_reaches_sixty_households_a_quarter(leaders, households, covered):
    assert cover(leaders, households) == pytest.approx(covered)


@given(st.integers(0, 80), st.integers(0, 80), counts, counts)
def test_more_leaders_never_lower_coverage_and_more_households_never_raise_it(a, b, few, more):
    assert cover(a, few) <= cover(a + b, few) <= 1
    if few > 0:
        assert cover(a, few) >= cover(a, few + more)


def test_leaders_who_reach_everybody_spare_a_tenth_of_the_general_visits():
    spared = groups.relieved(np.array([40.0, 40.0]), np.array([1.0, 0.5]), P)
    assert spared.tolist() == [4.0, 2.0]


def test_a_group_that_is_a_grid_too_spares_a_tenth_of_the_ledgers():
    assert groups.ledger_factor(np.array([False, True]), P) == pytest.approx([1.0, 0.9])
    listed = {}
    for aligned in (0, 1):
        model = small_model(groups__aligned=aligned)
        model.step()
        listed[aligned] = model.state.ledger.arrived[:, CLASS["assigned"]]
    # 69 ledgers of 24 h in a list of 6,440 h
    assert listed[1] == pytest.approx(listed[0] * (1 - 0.1 * 69 * 24 / 6440))


# --- numbers of groups ----------------------------------------------------------------------


def test_a_group_is_what_says_one_number_in_one_unit_and_a_blank_is_a_group_of_its_own():
    unit_of = np.array([0, 0, 0, 1, 1, 1])
    group = number_groups(unit_of, np.array([1, 1, 2, 1, -1, -1]))
    assert group[0] == group[1] and len(set(group.tolist())) == 5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), min_size=1, max_size=30))
def test_there_are_as_many_groups_as_numbers_and_blanks(rows):
    unit_of, said = (np.array(x) for x in zip(*rows, strict=True))
    named = {row for row in rows if row[1] >= 0}
    blank = sum(x < 0 for _, x in rows)
    assert len(set(number_groups(unit_of, said).tolist())) == len(named) + blank


def of_units(state, *units):
    return state.boundaries.groups()[[state.boundaries.unit_row(u) for u in units]].tolist()


def test_a_case_without_numbers_has_one_group_a_settlement(tmp_path):
    def blank(tables):
        for row in tables["settlements"]:
            row["group"] = ""

    def without(tables):
        for row in tables["settlements"]:
            del row["group"]

    for i, edit in enumerate((blank, without)):
        assert of_units(start(edited_case(tmp_path / str(i), edit)), *UNITS) == [4] * 4


def join_groups(folder: Path) -> None:
    """Settlements 1 and 2, and 3 and 4, of every unit become one group."""
    rows = read_rows(folder / "settlements.csv")
    for row in rows:
        row["group"] = str((int(row["id"][-2:]) + 1) // 2)
    write_table(folder / "settlements.csv", rows)


def test_a_merged_unit_has_the_groups_of_all(small_case_dir: Path) -> None:
    join_groups(small_case_dir)
    case = Case.open(small_case_dir)
    assert of_units(start(case), *UNITS) == [2] * 4
    state = pull(start(case), scenario(case, merge()))
    assert of_units(state, UNITS[0], *UNITS[2:]) == [4, 2, 2]
    before = start(case).boundaries.group_of
    assert (state.boundaries.group_of == before).all(), "numbers are for life"


def test_a_group_that_a_redraw_divides_has_a_leader_in_either_unit(small_case_dir: Path) -> None:
    join_groups(small_case_dir)
    halves = split_in_two(small_case_dir)  # odd and even settlements: both groups are cut
    case = Case.open(small_case_dir)
    state = pull(start(case), scenario(case, redraw(townships=None)))
    assert of_units(state, *halves) == [2, 2]


def test_what_is_aligned_stays_so_in_a_merger(small_case: Case) -> None:
    state = start(small_case)
    state.policies.aligned[:4] = True  # the first unit
    households = state.boundaries.sums(state.census.households)[:2]

    def share(name):
        return mean_by_office(state, state.policies.aligned)[unit(state, name).office]

    assert [share(u) for u in UNITS] == [1, 0, 0, 0]
    pull(state, scenario(small_case, merge()))
    assert share(UNITS[0]) == pytest.approx(households[0] / households.sum())


# --- in a run -------------------------------------------------------------------------------


def test_leaders_take_over_what_they_reach_and_no_more():
    model = small_model(300)
    model.step()
    s = model.state
    by_leaders = model.now.taken[0]
    households = s.boundaries.sums(s.census.households)
    for name in UNITS:
        row = s.boundaries.unit_row(name)
        slot = unit(s, name).office
        covered = min(1, 60 * 4 / households[row])
        assert 0 < covered < 1
        expected = 0.1 * covered * s.ledger.arrived[slot, GENERAL]
        assert by_leaders[slot, GENERAL] == pytest.approx(expected)
    assert by_leaders.sum() == pytest.approx(by_leaders[:, GENERAL].sum())


def test_aligned_groups_shorten_the_list_by_a_tenth_of_its_ledgers():
    plain, aligned = (small_model(groups__aligned=x) for x in (0, 1))
    for model in (plain, aligned):
        model.step()
    assigned = CLASS["assigned"]
    spared = 52 * (plain.state.ledger.arrived - aligned.state.ledger.arrived)[:, assigned]
    urban, rural = 69 * 24 * 0.1, 69 * 24 * 0.1 / 2  # villages carry half of the list
    assert spared == pytest.approx([urban, urban, rural, rural, 0, 0])


def test_leaders_lighten_offices_and_visits_made_by_them_count():
    none, some = (run_small(6, 300, groups__relief=x, volunteers__active=0) for x in (0, 0.5))
    by = [values(r, "use.home_care.by_leaders") for r in (none, some)]
    assert set(by[0]) == {0.0} and min(by[1]) > 1
    load, covered = (
        [np.mean(values(r, f)) for r in (none, some)]
        for f in ("workload.offices.load", "use.home_care.coverage_general")
    )
    assert load[1] < load[0] and covered[1] >= covered[0]
    taken = [values(r, "workload.hours.taken") for r in (none, some)]
    assert set(taken[0]) == {0.0} and min(taken[1]) > 1
