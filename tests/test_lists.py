"""The input of a synthetic case is read whole, or refused with every fault named at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.case.messages import InputError
from sim.case.synthesis.lists import read_input
from sim.case.synthesis.names import core, short_name, township_core
from tests.prefectures import AFTER, BEFORE, COUNTIES, HEADER, MEISHAN, shuffled, write_prefecture


def faults(folder: Path) -> dict[str, str]:
    """Code of each fault to its place, file name without folder."""
    with pytest.raises(InputError) as caught:
        read_input(folder)
    return {p.code: p.place().replace(f"{folder}/", "") for p in caught.value.problems}


def test_the_real_lists_hold_the_published_numbers_of_units():
    inp = read_input(MEISHAN)
    assert inp.before["kind"].value_counts().to_dict() == {"village": 1050, "community": 313}
    assert inp.after["kind"].value_counts().to_dict() == {"village": 510, "community": 337}
    assert (len(inp.townships_before), len(inp.townships_after)) == (131, 80)
    assert (inp.townships_after["kind"] == "street").sum() == 13
    assert inp.totals.persons_in_communities_before == 313 * 3290
    assert inp.totals.persons_in_communities_after == 337 * 4532
    staff = inp.totals.staff["committee_in_communities_after"]
    assert staff == 1718 + 1599 - 1033 and staff / 337 == pytest.approx(6.78, abs=0.005)
    assert inp.totals.facilities["elder_complexes"] == 23


@pytest.mark.parametrize(
    "text, stem",
    [
        ("铝城村民委员会", "铝城"),
        ("铝城村委会", "铝城"),
        ("铝城社区居民委员会", "铝城"),
        ("杏花村社区居委员会", "杏花"),
        ("安家坝村村民委员会", "安家坝"),
        ("城西社区", "城西"),
        ("龙方居民委员会", "龙方"),
        ("东风居委会", "东风"),
        ("新村社区居民委员会", "新村"),
        ("棚村村民委员会", "棚村"),
        ("Oak", "Oak"),
    ],
)
def test_names_are_compared_without_their_affixes(text, stem):
    assert core(text) == stem


def test_names_are_shown_short():
    assert short_name("铝城村民委员会", "village") == "铝城村"
    assert short_name("新村社区居民委员会", "community") == "新村社区"
    assert short_name("Oak", "village") == "Oak"
    assert township_core("视高镇") == township_core("视高街道办事处") == "视高"


def test_every_margin_and_every_optional_file_may_be_missing(tmp_path):
    inp = read_input(write_prefecture(tmp_path, totals=""))
    assert inp.totals.registered_persons is None
    assert (inp.published, inp.points, inp.outlines) == (None, None, None)
    assert inp.counties["area_km2"].isna().all()


def test_kinds_follow_from_codes_and_names_where_columns_are_missing(tmp_path):
    def short(text: str) -> str:
        rows = [row.split(",") for row in text.splitlines()]
        return "\n".join(",".join([*r[:5], r[6]]) for r in rows)

    plain = read_input(write_prefecture(tmp_path / "short", short(BEFORE), short(AFTER)))
    full = read_input(write_prefecture(tmp_path / "full"))
    assert plain.before.equals(full.before)
    assert plain.townships_after.equals(full.townships_after)


def test_points_and_outlines_are_read_where_given(tmp_path):
    square = [[[104, 30], [104.1, 30], [104.1, 30.1], [104, 30.1], [104, 30]]]
    write_prefecture(
        tmp_path, township_points="township_code,when,lon,lat\n990101100,after,104.0,30.1\n"
    )
    (tmp_path / "county_outlines.geojson").write_text(
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {
                        "properties": {"code": 990101},
                        "geometry": {"type": "Polygon", "coordinates": square},
                    }
                ],
            }
        ),
        encoding="utf-8",
    )
    inp = read_input(tmp_path)
    assert inp.points.to_numpy().tolist() == [["990101100", "after", 104.0, 30.1]]
    assert inp.outlines["990101"].area == pytest.approx(0.01)


def test_the_row_order_of_the_lists_is_immaterial(tmp_path):
    one = read_input(write_prefecture(tmp_path / "one"))
    two = read_input(
        write_prefecture(tmp_path / "two", shuffled(BEFORE), shuffled(AFTER), shuffled(COUNTIES))
    )
    for table in ("before", "after", "townships_before", "townships_after", "counties"):
        assert getattr(one, table).equals(getattr(two, table))


def test_a_missing_folder_and_missing_files_are_named(tmp_path):
    assert faults(tmp_path / "nowhere") == {"missing-folder": str(tmp_path / "nowhere")}
    with pytest.raises(InputError) as caught:
        read_input(tmp_path)
    assert {p.path.name for p in caught.value.problems} == {
        "units_before.csv",
        "units_after.csv",
        "county_facts.csv",
        "totals.yaml",
    }


def test_all_faults_are_told_at_once_with_file_and_line(tmp_path):
    first = BEFORE.splitlines()[1]
    folder = write_prefecture(
        tmp_path,
        before=BEFORE
        + first
        + "\n"
        + first.replace("990101100001", "9.901E+11")
        + "\n"
        + first.replace("990101100001", "990101100009").replace(",社区", ",町"),
        after=AFTER + "990909100001,990909,West,990909100,Fir镇,镇,Ash社区,社区\n",
        counties=COUNTIES.replace("104.0,30.2,,", "104.0,30.2,wide,"),
        totals="title: Made up\nregistered_person: 5\nsettlements: {per_village: none}\n",
        known_unit_changes="before_code,after_code,source\n990101100202,123,told\n",
        township_points="township_code,when,lon,lat\n990101100,later,104,30\n",
    )
    assert faults(folder) == {
        "duplicate-id": "units_before.csv:10:1",
        "damaged-id": "units_before.csv:11:1",
        "bad-choice": "township_points.csv:2:11",
        "unknown-id": "known_unit_changes.csv:2:14",
        "bad-number": "county_facts.csv:2:25",
        "unknown-key": "totals.yaml:2:1",
        "bad-value": "totals.yaml:3:28",
        "county-in-one-list": "units_after.csv:9:14",
    }
    with pytest.raises(InputError) as caught:
        read_input(folder)
    told = str(caught.value)
    assert "units_before.csv:12" in told and "'町' is not known" in told
    assert "units_after.csv:9" in told and "'990909' is not in county_facts.csv" in told
    assert "did you mean 'registered_persons'" in told


@pytest.mark.parametrize(
    "file, text, code, place",
    [
        ("units_after.csv", HEADER.replace(",name", ",naam") + "\n", "missing-column", ":1"),
        ("units_after.csv", HEADER + "\n1,2\n", "empty-cell", ":2"),
        ("units_after.csv", HEADER + "\n", "empty-table", ""),
        ("totals.yaml", "title: {en: a}}\n", "yaml-syntax", ":1"),
        ("totals.yaml", "- one\n", "bad-value", ":1"),
        ("totals.yaml", "area_km2: 5\narea_communities_after_km2: 7\n", "margins", ":2"),
        ("totals.yaml", "age_shares: {age_80: 0.5}\n", "age-shares", ":1"),
        ("totals.yaml", "registered_persons: -5\n", "bad-value", ":1"),
        ("county_outlines.geojson", "{}", "bad-geojson", ""),
        ("county_outlines.geojson", "{,", "bad-json", ":1"),
    ],
)
def test_damaged_files_give_one_clear_message(tmp_path, file, text, code, place):
    folder = write_prefecture(tmp_path)
    (folder / file).write_text(text, encoding="utf-8")
    found = faults(folder)
    assert code in found and found[code].startswith(file + place)


def test_a_list_in_the_usual_chinese_encoding_reads_the_same(tmp_path):
    folder = write_prefecture(tmp_path)
    before = read_input(folder).before
    (folder / "units_before.csv").write_text(BEFORE, encoding="gb18030")
    assert read_input(folder).before.equals(before)


def test_a_change_across_counties_is_refused(tmp_path):
    folder = write_prefecture(
        tmp_path,
        known_unit_changes="before_code,after_code,source\n990101100202,990102001003,told\n",
    )
    assert faults(folder) == {"other-county": "known_unit_changes.csv:2:1"}
