"""Claims about levers on staff: standards, posts sunk from above, training, certificates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.parameters import Parameters
from sim.levers.scenario import Scenario
from sim.phases.helpers import mean_by_office
from sim.processes import workers
from sim.world.standards import posts_by_standard
from sim.world.state import State
from sim.world.supply import staff_standard
from sim.world.workers import ABOLISHED
from tests.cases import STREET, TOWN, UNITS, read_rows, write_table
from tests.levers import (
    DAY,
    EAST,
    WEEK,
    WEST,
    change,
    merge,
    pull,
    run,
    scenario,
    split_in_two,
    start,
    unit,
    write_scenario,
)
from tests.worlds import EMPTY, STILL, run_small, small_case, small_model, values

P = Parameters.load()
FIRST = {"communities": [WEST[0]]}
EARLY = "2020-02-03"  # week 4


def standard(**keys: Any) -> dict[str, Any]:
    return {"set_staff_standard": {"date": DAY, **keys}}


def move(source: str, *to: object, **keys: Any) -> dict[str, Any]:
    return {"move_staff": {"date": DAY, "from": source, "to": list(to), **keys}}


def train(share: float, **keys: Any) -> dict[str, Any]:
    return {"train_staff": {"date": DAY, "share": share, **keys}}


def certify(share: float, **keys: Any) -> dict[str, Any]:
    return {"certify_staff": {"date": DAY, "share": share, **keys}}


def posts(state: State) -> list[int]:
    """Posts of each unit's office that is alive, then of each township's."""
    b = state.boundaries
    offices = [u.office for u in b.units if u.alive] + [t.office for t in b.townships if t.alive]
    return [int((state.workers.office == o).sum()) for o in offices]


def faults(case: Case, *levers: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Code, message with hint, and the text of the file at which each fault points."""
    with pytest.raises(InputError) as caught:
        scenario(case, *levers)
    out = []
    for p in caught.value.problems:
        assert p.path and p.line and p.column
        text = p.path.read_text("utf-8").splitlines()[p.line - 1][p.column - 1 :]
        out.append((p.code, f"{p.message} {p.hint}", text))
    return out


def told(levers: dict[str, Any], tmp_path: Path) -> Scenario:
    return Scenario.open(write_scenario(tmp_path, levers), small_case())


# --- the standard ---------------------------------------------------------------------------


def test_without_a_lever_the_standard_is_that_of_the_kind(small_case: Case) -> None:
    s = start(small_case)
    persons = s.boundaries.sums(s.census.registered)
    expected = [
        staff_standard(kind, float(n), P)
        for kind, n in zip(("community",) * 2 + ("village",) * 2, persons, strict=True)
    ]
    found = posts_by_standard(s.boundaries, s.census, s.policies, P)
    assert found.tolist() == expected


@given(st.floats(0, 50), st.floats(0, 20), st.integers(0, 9), st.integers(9, 40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_standard_of_ones_own_is_base_and_rate_within_its_limits(base, rate, least, most):
    s = STATE
    s.policies.standard[:] = base, rate, least, most
    found = posts_by_standard(s.boundaries, s.census, s.policies, P)
    persons = s.boundaries.sums(s.census.registered)
    for n, number in zip(persons, found, strict=True):
        assert number == min(max(round(base + rate * n / 1000), least), most)


STATE = start(small_case())


def test_eighteen_per_ten_thousand_persons(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, standard(per_10000=100, cut=True)))
    persons = state.boundaries.sums(state.census.registered)
    assert posts(state)[:4] == np.round(persons / 100).tolist()
    tiny = pull(start(small_case), scenario(small_case, standard(per_10000=0.1, cut=True)))
    assert posts(tiny) == [1, 1, 1, 1, 2, 2], "one post stays"


def test_new_posts_are_vacant_for_the_weeks_of_a_vacancy_and_then_persons(tmp_path) -> None:
    opened = told(standard(date=EARLY, base=9, per_1000=0, least=9, scope=FIRST), tmp_path)
    one = small_model(scenario=opened, staff__exit=0)
    number = []
    for _ in range(20):
        one.step()
        number.append(one.state.offices.workers[0])
    begins = 4 + 1 + int(P["staff.vacancy_weeks"])
    assert number == [6] * (begins - 1) + [9] * (21 - begins)
    assert posts(one.state)[0] == 9 and one.state.staff.hired == 3
    new = one.state.workers.hired == begins
    assert new.sum() == 3 and len(set(one.state.workers.key.tolist())) == len(one.state.workers)


def test_posts_above_the_standard_stay_unless_told_otherwise(small_case: Case) -> None:
    keys = {"base": 3, "per_1000": 0, "least": 3}
    kept = pull(start(small_case), scenario(small_case, standard(**keys)))
    assert posts(kept) == [6, 6, 4, 4, 2, 2] and kept.staff.cut == 0
    cut = pull(start(small_case), scenario(small_case, standard(**keys, cut=True)))
    assert posts(cut) == [3, 3, 3, 3, 2, 2] and cut.staff.cut == 8
    assert cut.offices.workers.tolist() == posts(cut)


def test_vacant_posts_are_abolished_first_and_nobody_is_cut_for_them(small_case: Case) -> None:
    state = start(small_case)
    vacant = state.workers.posts_of(0)[:2]
    state.workers.hired[vacant] = WEEK + 5
    pull(state, scenario(small_case, standard(base=4, per_1000=0, least=4, cut=True, scope=FIRST)))
    assert (state.workers.office[vacant] == ABOLISHED).all() and state.staff.cut == 0
    assert state.offices.workers[0] == 4


def test_what_is_left_out_is_that_of_the_kind(small_case: Case) -> None:
    usual = pull(start(small_case), scenario(small_case, standard(cut=True)))
    s = start(small_case)
    assert posts(usual)[:4] == posts_by_standard(s.boundaries, s.census, s.policies, P).tolist()
    more = pull(start(small_case), scenario(small_case, standard(least=8)))
    assert posts(more)[:4] == [8] * 4


def test_a_ramp_closes_the_gap_step_by_step(small_case: Case) -> None:
    levers = standard(base=10, per_1000=0, least=10, ramp={"weeks": 8, "steps": 4}, scope=FIRST)
    state, seen = start(small_case), []
    for lever in scenario(small_case, levers).levers:
        lever.apply(state)
        seen.append(posts(state)[0])
    assert seen == [7, 8, 9, 10] and len(set(state.workers.key.tolist())) == len(state.workers)


def test_attrition_after_a_merger_ends_at_the_standard_that_was_set(tmp_path) -> None:
    ends = []
    for most in (6, 8):
        levers = (
            standard(date=EARLY, base=most, per_1000=0, least=most, most=most),
            merge(date="2020-02-10", staff="attrition"),
        )
        folder = tmp_path / str(most)
        folder.mkdir()
        opened = Scenario.open(write_scenario(folder, *levers), small_case())
        model = small_model(scenario=opened, staff__exit=0.6, **STILL)
        for _ in range(150):
            model.step()
        ends.append(posts(model.state)[0])
        office = unit(model.state, WEST[0]).office
        assert model.state.offices.alive[office]
    assert ends == [6, 8]


def test_a_unit_of_two_standards_has_the_mean_over_its_households(small_case: Case) -> None:
    levers = standard(base=20, per_1000=0, least=1, most=20, scope=FIRST), merge()
    state = pull(start(small_case), scenario(small_case, *levers))
    b, size = state.boundaries, state.census.households.reshape(4, 4).sum(axis=1)[:2]
    usual = staff_standard("community", float(state.census.registered[:8].sum()), P)
    found = posts_by_standard(b, state.census, state.policies, P)[b.unit_row(WEST[0])]
    assert found == round((20 * size[0] + usual * size[1]) / size.sum())


def test_a_standard_in_one_community_changes_that_office_only(tmp_path) -> None:
    opened = told(standard(date=EARLY, base=9, per_1000=0, least=9, scope=FIRST), tmp_path)
    one, two = small_model(300), small_model(300, scenario=opened)
    for _ in range(30):
        one.step(), two.step()
        for column in ("arrived", "taken", "done", "lost", "age"):
            a, b = (getattr(m.state.ledger, column)[1:] for m in (one, two))
            assert (a == b).all(), column
        n = len(one.state.workers)
        elsewhere = one.state.workers.office != 0
        for column in ("office", "hired", "certified", "fatigue", "load"):
            a, b = (getattr(m.state.workers, column)[:n][elsewhere] for m in (one, two))
            assert (a == b).all(), column
    assert two.now.capacity[0] > one.now.capacity[0]


def test_more_posts_cost_more_and_lighten_the_load(tmp_path) -> None:
    opened = told(standard(date=EARLY, base=9, per_1000=0, least=9), tmp_path)
    plain, more = (run_small(30, 300, scenario=s, staff__exit=0) for s in (EMPTY, opened))
    cost = [values(r, "cost.staff.per_head")[-1] for r in (plain, more)]
    persons = small_model(300).state.census.registered.sum()
    assert cost[1] - cost[0] == pytest.approx((4 * 9 - 20) * P["cost.worker"] / persons)
    load = [values(r, "workload.offices.load")[-1] for r in (plain, more)]
    assert load[1] < load[0]
    assert values(more, "workload.offices.vacancies")[5] == 16


# --- posts that move ------------------------------------------------------------------------


def test_staff_sink_from_the_street_to_its_communities(small_case: Case) -> None:
    state = start(small_case)
    mine = set(state.workers.posts_of(state.offices.id.index(f"T-{STREET}")).tolist())
    pull(state, scenario(small_case, move(STREET, *WEST)))
    assert posts(state) == [7, 7, 4, 4, 0, 2] == state.offices.workers.tolist()
    moved = np.flatnonzero(np.isin(state.workers.office, [0, 1]))
    assert mine <= set(moved.tolist()) and state.staff.cut == 0


def test_a_community_lends_to_another(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, move(WEST[0], WEST[1], EAST[0], number=2)))
    assert posts(state) == [2, 8, 6, 4, 2, 2]


def test_those_at_work_go_first_and_at_the_date_no_more_than_there_are(small_case: Case) -> None:
    state = start(small_case)
    centre = state.offices.id.index(f"T-{STREET}")
    mine = state.workers.posts_of(centre)
    state.workers.hired[mine[0]] = WEEK + 4
    opened = scenario(small_case, move(STREET, *WEST))
    pull(state, opened)
    assert state.workers.office[mine].tolist() == [1, 0], "who is at work goes to the first"
    assert state.offices.workers[[0, 1, centre]].tolist() == [7, 6, 0]
    state = start(small_case)
    state.workers.office[state.workers.posts_of(centre)[0]] = ABOLISHED
    pull(state, opened)
    assert posts(state) == [7, 6, 4, 4, 0, 2]


def test_persons_close_week_by_week_while_posts_move_open_and_go(small_case: Case) -> None:
    levers = (
        standard(date="2020-01-13", base=8, per_1000=0, least=8, scope={"townships": [TOWN]}),
        move(STREET, *WEST, date="2020-01-20"),
        merge(date="2020-02-03", staff="attrition"),
        move(WEST[0], EAST[0], date="2020-02-10", number=9),
        standard(date="2020-02-17", per_10000=10, cut=True),
        certify(0.5, date="2020-02-24"),
        train(1.0, date="2020-02-24"),
    )
    model = run(small_case, scenario(small_case, *levers), 40)
    assert model.applied == 7 and min(posts(model.state)) >= 0
    assert model.state.workers.at_work(model.week).sum() == model.state.staff.now


def test_a_move_changes_those_offices_only(tmp_path) -> None:
    opened = told(move(WEST[0], EAST[0], date=EARLY), tmp_path)
    one, two = small_model(300), small_model(300, scenario=opened)
    others = [1, 3, 4, 5]
    for _ in range(30):
        one.step(), two.step()
        for column in ("arrived", "taken", "done", "lost", "age"):
            a, b = (getattr(m.state.ledger, column)[others] for m in (one, two))
            assert (a == b).all(), column
    assert two.state.ledger.done[2].sum() > one.state.ledger.done[2].sum()


# --- training and certificates --------------------------------------------------------------


def test_training_beyond_the_usual_takes_hours() -> None:
    usual = P["staff.trained"]
    left = workers.left_by_training(np.array([usual, 1.0, 0.0]), P)
    beyond = (1 - usual) * P["staff.training_hours"] / (P["work.year_hours"] * P["work.available"])
    assert left == pytest.approx([1, 1 - beyond, 1 + usual / (1 - usual) * beyond])
    assert workers.certificates(np.array([0.5]), P) == 0.5 * P["staff.certified_by_training"]


def test_training_costs_hours_first_and_brings_certificates_later(tmp_path) -> None:
    opened = told(train(1.0, date=EARLY), tmp_path)
    plain, other = (
        small_model(300, scenario=s, staff__exit=0, staff__certified_by_training=1)
        for s in (EMPTY, opened)
    )
    for _ in range(5):
        plain.step(), other.step()
    left = workers.left_by_training(np.array([1.0]), P)
    assert other.now.capacity == pytest.approx(plain.now.capacity * left)
    for _ in range(70):
        plain.step(), other.step()
    count = [int(m.state.workers.certified.sum()) for m in (plain, other)]
    assert count[1] > count[0]


def test_a_township_centre_trains_as_much_as_its_area(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, train(1.0, scope=FIRST)))
    size = state.census.households.reshape(4, 4).sum(axis=1)
    usual, share = P["staff.trained"], size[0] / size[:2].sum()
    found = mean_by_office(state, state.policies.trained)
    mixed = share + (1 - share) * usual
    assert found == pytest.approx([1, usual, usual, usual, mixed, usual])


def test_training_stays_with_its_people_in_a_merger(small_case: Case) -> None:
    state = pull(start(small_case), scenario(small_case, train(1.0, scope=FIRST), merge()))
    size = state.census.households.reshape(4, 4).sum(axis=1)
    share = size[0] / size[:2].sum()
    found = mean_by_office(state, state.policies.trained)[unit(state, WEST[0]).office]
    assert found == pytest.approx(share + (1 - share) * P["staff.trained"])


@pytest.mark.parametrize(("share", "number"), [(0, 0), (0.25, 5), (0.5, 10), (1, 20)])
def test_a_share_of_staff_is_certified_at_the_date(small_case: Case, share, number) -> None:
    state = pull(start(small_case), scenario(small_case, certify(share)))
    assert state.workers.certified.sum() == number
    centres = np.isin(state.workers.office, [4, 5])
    assert not state.workers.certified[centres].any()


def test_those_who_have_a_certificate_count_and_nobody_loses_one(small_case_dir: Path) -> None:
    change(small_case_dir, "offices", f"O-{WEST[0]}")
    rows = read_rows(small_case_dir / "offices.csv")
    write_table(small_case_dir / "offices.csv", [r | {"certified": 3} for r in rows])
    case = Case.open(small_case_dir)
    before = start(case).workers.certified
    few = pull(start(case), scenario(case, certify(0.2))).workers.certified
    more = pull(start(case), scenario(case, certify(0.8))).workers.certified
    assert (few == before).all() and more[before].all() and before.sum() == 16
    units = start(case).workers.office < 4
    assert more[units].sum() == 16


def test_certificates_bring_hours_and_cost_an_allowance(tmp_path) -> None:
    opened = told(certify(1.0, date=EARLY), tmp_path)
    calm = {"staff__exit": 0, "staff__trained": 0}
    plain, other = (run_small(6, 300, scenario=s, **calm) for s in (EMPTY, opened))
    cost = [np.array(values(r, "cost.staff.per_head")) for r in (plain, other)]
    persons = small_model(300).state.census.registered.sum()
    more = 20 * P["cost.certified"] / persons
    assert cost[1] - cost[0] == pytest.approx([0] * 4 + [more] * 2)
    total = [np.array(values(r, "cost.total.per_head")) for r in (plain, other)]
    assert total[1] - total[0] == pytest.approx(cost[1] - cost[0])
    assert values(other, "workload.offices.certified")[-1] == 1
    one, two = (small_model(300, scenario=s, **calm) for s in (EMPTY, opened))
    for _ in range(6):
        one.step(), two.step()
    assert two.now.capacity[:4] == pytest.approx(one.now.capacity[:4] * P["staff.certified_speed"])
    assert (two.now.capacity[4:] == one.now.capacity[4:]).all()


# --- what is said ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lever", "code", "words", "at"),
    [
        (standard(per_10000=18, base=3), "bad-value", "not both", ""),
        (standard(least=9, most=3), "bad-value", "more than the most", ""),
        (standard(most=2), "bad-value", "more than the most", "2"),
        (standard(per_10000=0), "bad-value", "greater than 0", "0"),
        (standard(cut="yes"), "bad-value", "", ""),
        (standard(scope={"communities": ["999901001009"]}), "unknown-id", "did you mean", ""),
        (move("99990100", WEST[0]), "unknown-id", "did you mean", "99990100"),
        (move(STREET, "999901001009"), "unknown-id", "did you mean", "999901001009"),
        (move(STREET, WEST[0], WEST[0]), "named-twice", "twice", WEST[0]),
        (move(WEST[0], WEST[0]), "named-twice", "twice", WEST[0]),
        (move(STREET, *WEST, number=2), "too-few-posts", "4 posts", "2"),
        (move(STREET, WEST[0], number=0), "bad-value", "1", "0"),
        (move(STREET), "bad-value", "at least one", ""),
        (move(STREET, 999901001001), "unquoted-text", "quotes", ""),
        ({"move_staff": {"date": DAY, "to": [WEST[0]]}}, "missing-key", "from", ""),
        (train(1.5), "bad-value", "1", "1.5"),
        ({"certify_staff": {"date": DAY}}, "missing-key", "share", ""),
        (certify(0.5, shares=2), "unknown-key", "share", ""),
    ],
)  # fmt: skip
def test_a_fault_is_one_message_at_its_word(small_case: Case, lever, code, words, at) -> None:
    (found,) = faults(small_case, lever)
    assert found[0] == code and words in found[1] and at in found[2], found


def test_all_faults_are_said_at_once(small_case: Case) -> None:
    wrong = {"townships": ["T"]}
    found = faults(
        small_case, move("T", "A", WEST[0]), train(2.0), move(TOWN, *WEST, number=9),
        standard(per_10000="x", scope=wrong), certify("half", scope=wrong), move("B", number="x"),
        {"move_staff": {"date": DAY, "to": ["C"]}}, {"train_staff": {"date": DAY, "scope": wrong}},
    )  # fmt: skip
    codes = ["bad-value"] * 5 + ["missing-key"] * 2 + ["too-few-posts"] + ["unknown-id"] * 3
    assert sorted(f[0] for f in found) == codes, found


def test_posts_are_counted_through_earlier_moves_and_not_beyond_a_redraw(small_case: Case) -> None:
    first, second = move(STREET, WEST[0]), move(STREET, *WEST, date="2020-06-01")
    (found,) = faults(small_case, first, second)
    assert found[0] == "too-few-posts" and "which has 1" in found[1]
    (found,) = faults(
        small_case, move(WEST[0], EAST[0], number=5), move(WEST[0], EAST[0], number=2)
    )
    assert found[0] == "too-few-posts"
    assert scenario(small_case, standard(per_10000=18), move(WEST[0], EAST[0], number=9)).levers
    assert scenario(small_case, merge(), move(WEST[0], EAST[0], number=12)).levers


def test_a_community_that_has_ended_is_named_with_its_heir(small_case: Case) -> None:
    found = faults(small_case, merge(), move(STREET, WEST[1], date="2020-06-01"))
    (found,) = [f for f in found if f[0] != "size-band"]
    assert found[0] == "ended" and WEST[0] in found[1]


def test_a_split_unit_may_be_named_by_its_new_ids(small_case_dir: Path) -> None:
    halves = split_in_two(small_case_dir)
    case = Case.open(small_case_dir)
    redraw = {"redraw_communities": {"date": DAY, "lineage": "reform_lineage.csv",
                                     "units": "reform_units.csv"}}  # fmt: skip
    state = pull(start(case), scenario(case, redraw, move(STREET, *halves)))
    assert sum(posts(state)) == 24 and posts(state)[-2:] == [0, 2]


def test_a_scope_leaves_out_who_lies_outside(small_case: Case) -> None:
    west = small_case.scoped(counties=["甲区"])
    opened = scenario(west, move(STREET, WEST[0], EAST[0]))
    assert posts(pull(start(west), opened)) == [7, 6, 1]
    assert opened.left_out == (("community", 1),)
    none = scenario(west, move(TOWN, EAST[0]))
    assert not none.levers and none.left_out == (("move_staff", 1),)


@pytest.mark.parametrize(
    ("lever", "en", "zh"),
    [
        (standard(per_10000=18, least=3, cut=True),
         "the staff standard is 18 posts per 10,000 registered persons, at least 3; "
         "posts above it are abolished.",
         "岗位标准为每万户籍人口18个，不少于3个，超出部分撤销。"),
        (standard(), "the staff standard is that of their kind; posts above it stay.",
         "岗位标准为按类别的一般标准，超出部分保留。"),
        (move(STREET, *WEST), f"2 posts of 河东街道 ({STREET}) go to 2 communities, 1 each.",
         f"河东街道（{STREET}）的2个岗位下沉到2个社区（村），各1个。"),
        (train(0.5), "50% of workers are trained a year.", "每年培训50%的工作人员。"),
        (certify(0.5), "50% of workers have a social work certificate.",
         "50%的工作人员持有社会工作者证书。"),
    ],
)  # fmt: skip
def test_a_lever_says_what_it_does(small_case: Case, lever, en: str, zh: str) -> None:
    opened = scenario(small_case, lever)
    (said,), (said_zh,) = opened.describe(), opened.describe("zh")
    assert said.startswith(DAY) and said.endswith(en)
    assert said_zh.startswith(DAY) and said_zh.endswith(zh)


def test_a_step_says_how_far_it_goes(small_case: Case) -> None:
    opened = scenario(small_case, train(0.9, ramp={"weeks": 4, "steps": 2}))
    said, whole = opened.describe()
    assert "trained a year, 50% of the way so far." in said and whole.endswith("a year.")


def test_the_resolved_copy_does_the_same(small_case: Case) -> None:
    levers = standard(per_10000=18, cut=True), move(STREET, *WEST), train(0.5), certify(0.5)
    opened = scenario(small_case, *levers)
    path = small_case.path / "copy.yaml"
    path.write_text(opened.resolved(), encoding="utf-8")
    assert Scenario.open(path, small_case).digest == opened.digest
    assert UNITS[0] in opened.resolved() and "from:" in opened.resolved()


@pytest.mark.parametrize(
    "levers",
    [
        (standard(date=EARLY, base=0, per_1000=0, least=0, most=0, cut=True),),
        (standard(date=EARLY, least=200, most=200),),
        (move(WEST[0], WEST[1], date=EARLY, number=6), move(TOWN, *EAST, date=EARLY)),
        (standard(date=EARLY, least=9, most=9), standard(date=EARLY, least=1, most=1, cut=True),
         standard(date=EARLY, least=9, most=9)),
        (move(STREET, WEST[0], date="2020-01-06"), standard(date="2020-01-06", per_10000=50)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("weeks", [0, 8])
def test_even_what_nobody_would_do_closes(tmp_path, levers, weeks) -> None:
    opened = Scenario.open(write_scenario(tmp_path, *levers), small_case())
    model = small_model(scenario=opened, staff__vacancy_weeks=weeks, staff__exit=0.6)
    for _ in range(20):
        model.step()
    assert model.applied == len(levers)
    keys = model.state.workers.key
    assert len(set(keys.tolist())) == keys.size and np.isfinite(model.state.residents.wait).all()
