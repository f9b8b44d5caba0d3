"""Lineage inferred from lists agrees with the matches that were found independently of it."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from sim.case.synthesis.lineage import absorbed_villages, infer
from sim.case.synthesis.lists import Input, read_input
from sim.case.synthesis.names import township_core
from tests.prefectures import AFTER, BEFORE, COUNTIES, HEADER, MEISHAN, shuffled, write_prefecture

ORACLE = Path(__file__).parent / "data"


def oracle(name: str) -> list[dict[str, str]]:
    with open(ORACLE / name, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pairs(table: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(table["before"], table["after"], strict=True))


def test_all_716_sound_matches_come_out_and_no_others(meishan, lineage):
    sound = {
        (r["before_code"], r["after_code"])
        for r in oracle("unit_matches_inferred.csv")
        if r["basis"].startswith("same_name")
    }
    assert len(sound) == 716
    assert sound <= pairs(lineage.matches) and sound <= pairs(lineage.pieces)
    assert pairs(lineage.matches) - sound <= pairs(meishan.known)


def test_doubtful_and_rejected_namesakes_are_not_used(lineage):
    doubtful = {
        (r["before_code"], r["after_code"])
        for r in oracle("unit_matches_inferred.csv")
        if not r["basis"].startswith("same_name")
    }
    assert len(doubtful) == 4
    assert not doubtful & pairs(lineage.pieces)
    # 白马村 and 武阳村 are no part of the communities that bear the names of former townships.
    assert not {("511402113232", "511402104009"), ("511403119204", "511403007003")} & pairs(
        lineage.pieces
    )


def test_townships_went_where_the_oracle_says(lineage):
    assert pairs(lineage.townships) == {
        (r["before_code"], r["after_code"]) for r in oracle("township_lineage_inferred.csv")
    }


def test_townships_agree_with_the_official_decisions(meishan, lineage):
    county = meishan.counties.set_index("name").at["彭山区", "id"]
    before = meishan.townships_before.set_index("id")
    after = meishan.townships_after.set_index("id")
    mine = defaultdict(set)
    for row in lineage.townships.itertuples():
        if before.at[row.before, "county"] == county:
            mine[after.at[row.after, "name"]].add(before.at[row.before, "name"])
    official = oracle("township_mergers_official_pengshan.csv")
    assert mine == {r["after_township"]: set(r["before_townships"].split("+")) for r in official}


def test_known_changes_override(meishan, lineage):
    assert len(meishan.known) == 12
    assert pairs(meishan.known) <= pairs(lineage.pieces)


def test_nobody_is_lost_and_every_new_unit_is_reached(meishan, lineage):
    assert set(lineage.pieces["before"]) == set(meishan.before["id"])
    assert set(lineage.pieces["after"]) == set(meishan.after["id"])
    assert lineage.pieces.groupby("before")["share"].sum().round(12).eq(1).all()
    assert not lineage.pieces.duplicated(["before", "after"]).any()
    assert (lineage.pieces[["rule", "evidence"]] != "").all(axis=None)


def test_no_residents_committee_becomes_a_village(lineage):
    bad = (lineage.units["kind_before"] == "community") & (lineage.units["kind_after"] == "village")
    assert not bad.any()


def test_only_the_five_units_that_need_it_are_splits(meishan, lineage):
    split = lineage.pieces[lineage.pieces["rule"] == "split"]
    town = (
        split["after"]
        .map(meishan.after.set_index("id")["township"])
        .map(meishan.townships_after.set_index("id")["name"])
    )
    assert town.value_counts().to_dict() == {"大石桥街道": 4, "通惠街道": 1}
    assert lineage.summary()["split_units"] == 5


def test_a_seat_goes_to_the_unit_that_bears_its_townships_name(meishan, lineage):
    old = (
        meishan.before.set_index("id")["township"]
        .map(meishan.townships_before.set_index("id")["name"])
        .map(township_core)
    )
    new = meishan.after.set_index("id")["raw_name"]
    seats = lineage.pieces[lineage.pieces["rule"] == "former_seat"]
    assert len(seats) >= 25
    for row in seats.itertuples():
        assert new[row.after].startswith(old[row.before])


def test_no_new_unit_spans_two_old_townships_without_evidence(lineage):
    assert lineage.spanning() == []
    assert lineage.summary()["townships_cut"] == 7


def test_so_many_villages_join_communities_that_mean_sizes_agree(meishan, lineage):
    target = absorbed_villages(meishan)
    assert target == 222
    assert abs(lineage.summary()["villages_under_communities"] - target) <= 0.05 * target


def test_without_margins_numbers_are_balanced(meishan):
    bare = Input(
        **{
            **vars(meishan),
            "totals": meishan.totals.model_copy(update={"persons_in_communities_after": None}),
        }
    )
    assert absorbed_villages(bare) is None
    lineage = infer(bare)
    assert lineage.pieces.groupby("after")["before"].nunique().max() <= 5
    assert set(lineage.pieces["after"]) == set(meishan.after["id"])


def test_the_same_lists_in_any_order_give_the_same_lineage(tmp_path, meishan, lineage):
    again = infer(read_input(MEISHAN))
    assert again.pieces.equals(lineage.pieces)
    texts = {
        name: (MEISHAN / name).read_text(encoding="utf-8-sig")
        for name in (
            "units_before.csv",
            "units_after.csv",
            "county_facts.csv",
            "known_unit_changes.csv",
        )
    }
    other = write_prefecture(
        tmp_path,
        shuffled(texts["units_before.csv"]),
        shuffled(texts["units_after.csv"]),
        shuffled(texts["county_facts.csv"]),
        (MEISHAN / "totals.yaml").read_text(encoding="utf-8"),
        known_unit_changes=shuffled(texts["known_unit_changes.csv"]),
    )
    permuted = infer(read_input(other))
    for table in ("pieces", "townships", "matches", "units"):
        assert getattr(permuted, table).to_csv() == getattr(lineage, table).to_csv()


def test_a_made_up_prefecture_shows_each_rule(tmp_path):
    lineage = infer(read_input(write_prefecture(tmp_path)))
    after = lineage.pieces.set_index(["before", "after"])["rule"].to_dict()
    assert after["990101200001", "990101100002"] == "former_seat"
    assert after["990101100201", "990101100201"] == "same_name"
    assert after["990101200201", "990101100203"] == "same_name"
    assert after["990101200202", "990101100203"] == "nearest_code"
    assert [rule for (_, new), rule in after.items() if new == "990102001003"] == ["split"]
    assert sorted(lineage.pieces["share"]) == [0.5, 0.5] + [1.0] * 7
    assert lineage.townships.to_numpy().tolist() == [
        ["990101100", "990101100", 3, "same_name"],
        ["990101200", "990101100", 3, "former_seat"],
        ["990102001", "990102001", 3, "same_name"],
    ]


def test_a_known_change_to_two_units_is_a_split(tmp_path):
    inp = read_input(
        write_prefecture(
            tmp_path,
            known_unit_changes="before_code,after_code,source\n"
            "990102001002,990102001002,told\n"
            "990102001002,990102001003,told\n",
        )
    )
    lineage = infer(inp)
    parts = lineage.pieces[lineage.pieces["before"] == "990102001002"]
    assert parts["share"].tolist() == [0.5, 0.5] and set(parts["rule"]) == {"known_change"}
    assert lineage.summary()["split_units"] == 1


def prefecture(folder: Path, seed: int) -> Input:
    """Lists without rhyme: names of any kind, codes of any length, townships that share none."""
    rng = random.Random(seed)

    def rows(townships: int, prefix: str) -> str:
        lines = [HEADER]
        for county in ("990101", "990102"):
            for t in range(townships):
                town = f"{prefix}{county[-1]}{t}"
                name_of_town = f"T{rng.randint(0, 4)}"
                for u in range(rng.randint(1, 6)):
                    kind = rng.choice(["社区", "村"])
                    name = rng.choice(["A", "村", "红星村民委员会", "红星社区", "Łódź", "x y"])
                    lines.append(f"{town}-{u},{county},C,{town},{name_of_town},其他,{name},{kind}")
        return "\n".join(lines) + "\n"

    return read_input(
        write_prefecture(
            folder, rows(rng.randint(1, 6), "b"), rows(rng.randint(1, 6), "a"), COUNTIES
        )
    )


@pytest.mark.parametrize("seed", range(25))
def test_lists_of_any_naming_are_inferred_without_loss(tmp_path, seed):
    inp = prefecture(tmp_path, seed)
    lineage = infer(inp)
    assert set(lineage.pieces["before"]) == set(inp.before["id"])
    assert set(lineage.pieces["after"]) == set(inp.after["id"])
    assert lineage.pieces.groupby("before")["share"].sum().round(12).eq(1).all()
    wrong = lineage.units[
        (lineage.units["kind_before"] == "community") & (lineage.units["kind_after"] == "village")
    ]
    # Only where a county had no village to split, or has no community left.
    for county in set(wrong["after"].map(inp.after.set_index("id")["county"])):
        old = inp.before.loc[inp.before["county"] == county, "kind"]
        new = inp.after.loc[inp.after["county"] == county, "kind"]
        assert set(old) == {"community"} or set(new) == {"village"}


def test_an_unchanged_list_maps_every_unit_to_itself(tmp_path):
    lineage = infer(read_input(write_prefecture(tmp_path, BEFORE, BEFORE)))
    assert (lineage.pieces["before"] == lineage.pieces["after"]).all()
    assert lineage.summary()["split_units"] == 0
    assert infer(read_input(write_prefecture(tmp_path, AFTER, AFTER))).summary()["units_after"] == 7
