"""Claims about services that nobody offers in a case: not asked for, not told of, in no comparison;
a lever that brings one makes it known from the week its first facility opens."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.case.case import Case
from sim.case.parameters import Parameters
from sim.model import simulate
from sim.outcomes.recorder import Record, Records
from sim.outcomes.terms import AMENITIES, PLACED
from sim.world.world import World
from tests.cases import UNITS
from tests.worlds import EMPTY, START, edited_case, lever_scenario, small_model

P = Parameters.load()
WEEKS, OPENS = 8, 4
NEW = [s for s in PLACED if s not in ("government", "community")]


def case_without(folder: Path, *services: str) -> Case:
    def drop(tables: dict[str, list[dict]]) -> None:
        for row in tables["facilities"]:
            left = [s for s in row["services"].split(";") if s not in services]
            row["services"] = ";".join(left)
        tables["facilities"] = [row for row in tables["facilities"] if row["services"]]

    return edited_case(folder, drop)


def records(case: Case, scenario=EMPTY) -> Records:
    return simulate(
        World.of(case, P), scenario, EMPTY, parameters=P, start=START, weeks=WEEKS, seed=1,
        replicate=0, record=Record(1, 1, 1),
    )  # fmt: skip


def told_of(table: pd.DataFrame, service: str) -> pd.DataFrame:
    subject = table["outcome"].astype(str).str.split(".").str[1]
    return table[subject == service]


@pytest.mark.parametrize("service", NEW)
def test_a_service_that_nobody_offers_has_no_outcome_of_any_family(tmp_path, service):
    case = case_without(tmp_path, service)
    found, offered = records(case).outcomes, set(";".join(case.facilities["services"]).split(";"))
    assert {s for s in PLACED if len(told_of(found, s))} == offered
    assert service not in offered and len(offered) >= 8
    basket = found[(found["outcome"] == "access.basket.minutes") & (found["group"] == "all")]
    assert len(basket) == WEEKS and np.isfinite(found["value"]).all()


@pytest.mark.parametrize("service", [s for s in NEW if s not in AMENITIES])
def test_a_service_that_nobody_offers_is_not_asked_for_and_leaves_no_mark(tmp_path, service):
    """Households fare as if they never had the need: nobody's way is endless for want of it."""
    model = small_model(world=World.of(case_without(tmp_path, service), P))
    for _ in range(6):
        model.step()
        lines = [i for i, line in enumerate(model.state.asked) if line.service == service]
        assert (
            not model.now.sums[:, lines].any() and not model.state.residents.tries[:, lines].any()
        )
        for i, e in model.state.enrolments.items():
            if model.state.lines.all[i].service == service:
                assert e.applied == e.nowhere == 0 and not e.on_list().size


@pytest.mark.parametrize("service", NEW)
def test_a_lever_makes_a_service_known_when_its_first_facility_opens(tmp_path, service):
    case = case_without(tmp_path, service)
    lever = (
        f"  - add_facility: {{date: 2020-01-13, services: [{service}], community: "
        f"'{UNITS[0]}', way: build, weeks: {OPENS - 1}}}\n"
    )
    base, other = records(case), records(case, lever_scenario(case, tmp_path, lever))
    told = told_of(other.outcomes, service)
    assert sorted(set(told["week"])) == list(range(OPENS, WEEKS))
    # before and after it, what is compared with the base is measured alike
    for name in (
        "access.basket.minutes", "equity.access.fgt0", "equity.access.gini",
        "satisfaction.residents.score",
    ):  # fmt: skip
        a, b = (x.outcomes[x.outcomes["outcome"] == name] for x in (base, other))
        assert len(a) and a.reset_index(drop=True).equals(b.reset_index(drop=True)), name
    losses = other.losers[other.losers["outcome"].astype(str).str.startswith("equity.losers")]
    assert len(losses) and (losses["value"] == 0).all()


def test_a_service_that_has_ended_everywhere_is_none_and_not_unknown():
    """Also where the house goes on with something else and only its column of services forgets."""
    model = small_model()
    state, f = model.state, model.state.facilities
    j = state.lines.services.index("culture")
    state.in_case[j] = False
    mine = f.offers[:, j].copy()
    f.ended[mine, j], f.offers[:, j] = True, False
    assert state.knows("culture")
    f.ended[:, j] = False
    assert not state.knows("culture")
