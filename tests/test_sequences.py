"""Claims about levers together: whatever sequence of them is accepted runs, and conserves."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.case.messages import InputError
from sim.levers.scenario import LEVERS
from tests.cases import TOWN, write_small_case, write_streets
from tests.levers import START, change, run, scenario
from tests.test_lever_examples import examples

LAST = 40  # weeks that are run
MOST = 6  # levers of a sequence
SEQUENCES = 40


@pytest.fixture(scope="module")
def busy_case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The small case as one county with streets, in which every example can stand."""
    folder = write_small_case(tmp_path_factory.mktemp("sequences") / "case")
    write_streets(folder)
    change(folder, "townships", TOWN, county="甲区")
    return Case.open(folder)


def pool() -> list[dict[str, Any]]:
    """Every example of the page of levers."""
    read = YAML(typ="safe").load
    return [item for kind in LEVERS for text in examples(kind) for item in read(text)]


def sequence(seed: int, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some of the examples, on any days of the run; some days come twice."""
    chance = random.Random(seed)
    days = [START + timedelta(days=chance.randrange(7 * LAST)) for _ in range(3)]
    chosen = []
    for item in chance.sample(items, chance.randint(2, MOST)):
        ((kind, keys),) = item.items()
        chosen.append({kind: keys | {"date": chance.choice(days)}})
    return chosen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_a_sequence_that_is_accepted_runs_and_conserves(busy_case: Case, seed: int) -> None:
    levers = sequence(seed, pool())
    try:
        opened = scenario(busy_case, *levers)
    except InputError as error:
        assert all(p.code and p.line and p.column for p in error.problems if p.severity == "error")
        return
    model = run(busy_case, opened, LAST + 2)  # checks conservation every week
    assert model.applied == sum(x.date < date(2020, 10, 20) for x in opened.levers)
