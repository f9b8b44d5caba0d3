"""Claims about the shipped case of Meishan: its sums before and after the redraw as published.

Published are means of a community (社区) and numbers of them; see `input/totals.yaml`.
"""

from __future__ import annotations

import pandas as pd
import pytest

from sim.case.case import Case
from sim.levers.scenario import Scenario
from sim.world.boundaries import COMMUNITY_KIND
from tests.levers import start
from tests.prefectures import MEISHAN

CASE = MEISHAN.parent


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(CASE / f"{name}.csv", dtype=str, encoding="utf-8-sig")


@pytest.fixture(scope="module")
def groups() -> pd.DataFrame:
    """Settlements, each a residents' group, with the kind of their unit before and after."""
    land = table("settlements")
    new = land["id"].map(table("reform_lineage").set_index("settlement")["new_id"])
    return pd.DataFrame({
        "before": land["community"].map(table("communities").set_index("id")["kind"]),
        "after": new.map(table("reform_units").set_index("id")["kind"]),
        "old_unit": land["community"],
        "persons": land["persons"].astype(int),
        "km2": land["area_ha"].astype(float) / 100,
    })  # fmt: skip


@pytest.mark.parametrize(
    ("when", "communities", "villages", "mean", "persons", "km2"),
    [
        ("before", 313, 1050, 3290, 1_029_770, 873),
        ("after", 337, 510, 4532, 1_527_284, 1968),
    ],
)
def test_communities_hold_the_published_persons_and_land(
    groups, when, communities, villages, mean, persons, km2
):
    units = table("communities" if when == "before" else "reform_units")
    assert units["kind"].value_counts().to_dict() == {"community": communities, "village": villages}
    inside = groups[groups[when] == "community"]
    assert inside["persons"].sum() == persons == communities * mean
    assert inside["km2"].sum() == pytest.approx(km2, abs=0.01)
    assert groups["persons"].sum() == 3_380_000


def test_communities_have_4014_groups_before_the_redraw(groups):
    assert (groups["before"] == "community").sum() == 4014


def test_the_reform_leaves_communities_with_the_published_3152_groups():
    case = Case.open(CASE)
    redrawn, regrouped = Scenario.open(CASE / "reform.yaml", case).levers
    assert "5,903 groups become 3,152" in regrouped.describe()
    state = start(case)
    for lever in (redrawn, regrouped):
        lever.apply(state)
    b = state.boundaries
    inside = b.groups()[(b.column("kind") == COMMUNITY_KIND) & b.column("alive")]
    assert inside.sum() == 3152 and inside.min() >= 1


def test_the_redraw_alone_brings_5903_groups_under_communities(groups):
    # The published 4,014 -> 3,152 is no sum of old groups: none leaves a community, and 1,889 of
    # 219 villages come in. Groups were redrawn too, to 485 persons instead of 257.
    old, new = groups["before"], groups["after"]
    assert not ((old == "community") & (new == "village")).any()
    came = groups[(old == "village") & (new == "community")]
    assert (new == "community").sum() == 4014 + len(came) == 5903
    inside = groups[new == "community"]["persons"].sum()
    assert inside / 3152 == pytest.approx(485, abs=0.5)
    assert inside / 5903 == pytest.approx(259, abs=0.5)
    assert came["old_unit"].nunique() == 219
