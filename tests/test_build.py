"""Claims about `sim build`: from an input folder to a case, whole, repeatable, or not at all."""

import json
import os
from pathlib import Path

import pandas as pd
import pyproj
import pytest
import shapely
from shapely.geometry import shape

from sim.case.case import Case
from sim.case.messages import InputError
from sim.case.synthesis import build as builder
from sim.case.synthesis.files import write_together
from sim.case.synthesis.lists import AGES

MEISHAN = Path(__file__).parents[1] / "scenarios" / "meishan"
REFERENCE = Path(__file__).parents[2] / "shared" / "data" / "reference"
UNIT_COLUMNS = [
    "code",
    "county_code",
    "county",
    "township_code",
    "township",
    "township_kind",
    "name",
    "kind",
]
TOTALS = """\
title: {en: A made-up prefecture, zh: 某地}
start: 2021-01-04
seed: 5
registered_persons: 60000
persons_in_communities_before: 14000
persons_in_communities_after: 26000
facilities: {communities_with_elder: 7, elder_complexes: 1, elder_stations: 2}
staff: {committee_in_communities_after: 70}
"""


def write_input(folder: Path, totals: str = TOTALS) -> Path:
    """Two counties of three townships; in each township two 社区 and five 村, of which the reform
    joins four in twos, the first pair into a new 社区."""
    folder.mkdir(parents=True)
    stems = "东南西北上下前后新古石木水火金土山田林桥井沟坝坪湾口"
    before, after = [], []
    for c, county in ((1, "甲县"), (2, "乙县")):
        for t in range(3):
            code = f"77{c:04d}{t + 1:03d}"
            town = (
                f"77{c:04d}",
                county,
                code,
                f"{stems[3 * c + t]}{stems[t]}" + ("街道" if t == 0 else "镇"),
                "街道" if t == 0 else "镇",
            )
            for u in range(7):
                kind = "社区" if u < 2 else "村"
                tail = f"{u + 1 if u < 2 else 198 + u:03d}"
                stem = stems[2 * u + c] + stems[3 * u + 2 * t + c]
                name = stem + ("社区居民委员会" if u < 2 else "村民委员会")
                before.append((code + tail, *[town[k] for k in (0, 1, 2, 3, 4)], name, kind))
                if u == 2:
                    after.append((code + "003", *town, stem + "社区居民委员会", "社区"))
                elif u not in (3, 5):
                    after.append((code + tail, *town, name, kind))
    pd.DataFrame(before, columns=UNIT_COLUMNS).to_csv(folder / "units_before.csv", index=False)
    pd.DataFrame(after, columns=UNIT_COLUMNS).to_csv(folder / "units_after.csv", index=False)
    facts = (
        "code,county,seat_lon,seat_lat,area_km2,registered\n"
        "770001,甲县,104.0,30.0,300,30000\n770002,乙县,104.4,30.1,250,30000\n"
    )
    (folder / "county_facts.csv").write_text(facts, encoding="utf-8")
    (folder / "totals.yaml").write_text(totals, encoding="utf-8")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return write_input(tmp_path_factory.mktemp("made") / "input")


@pytest.fixture(scope="module")
def built(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases") / "made-up"
    return folder, builder.build(source, folder)


def test_a_prefecture_without_a_model_in_the_code_is_built_and_opens(built):
    folder, report = built
    case = Case.open(folder)
    assert case.meta.title.zh == "某地" and str(case.meta.start) == "2021-01-04"
    assert case.meta.projection == "EPSG:32648"
    assert len(case.communities) == 42 and len(case.townships) == 6
    assert case.settlements["persons"].sum() == 60_000
    assert not case.warnings
    assert report.counts["settlements"] == len(case.settlements)


def test_margins_and_counts_come_out(built):
    _, report = built
    for table in (report.margins, report.places):
        given = table[table["published"].notna()].set_index("measure")
        for measure in (
            "registered_persons",
            "persons_in_communities_after",
            "communities_with_elder",
            "committee_in_communities_after",
        ):
            if measure in given.index:
                placed, published = given.loc[measure, ["placed", "published"]]
                assert placed == pytest.approx(published, rel=1e-3)


def test_the_redraw_is_complete_and_its_ids_are_known(built):
    folder, _ = built
    read = {p.stem: pd.read_csv(p, dtype=str) for p in folder.glob("*.csv")}
    assert set(read["reform_lineage"]["settlement"]) == set(read["settlements"]["id"])
    assert set(read["reform_lineage"]["new_id"]) == set(read["reform_units"]["id"])
    assert set(read["reform_units"]["township"]) == set(read["reform_townships"]["id"])
    unit = read["reform_lineage"].set_index("settlement")["new_id"]
    assert (read["reform_units"]["seat_settlement"].map(unit) == read["reform_units"]["id"]).all()
    ages = read["settlements"][list(AGES)].astype(int).sum(axis=1)
    assert (ages == read["settlements"]["persons"].astype(int)).all()


def test_cells_tile_their_county_and_hold_their_point(built):
    folder, _ = built
    features = json.loads((folder / "outlines.geojson").read_text("utf-8"))["features"]
    shapes = {
        (f["properties"]["level"], f["properties"]["id"]): shape(f["geometry"]) for f in features
    }
    land = pd.read_csv(folder / "settlements.csv", dtype={"id": str}).set_index("id")
    cells = {i: s for (level, i), s in shapes.items() if level == "settlement"}
    assert set(cells) == set(land.index)
    assert all(s.is_valid for s in shapes.values())
    for county in ("770001", "770002"):
        whole = shapes["county", county]
        inside = [s for i, s in cells.items() if i.startswith(county)]
        assert sum(s.area for s in inside) == pytest.approx(whole.area, rel=1e-9)
    for ident, row in land.iterrows():
        assert cells[ident].distance(shapely.Point(row["x"], row["y"])) < 1


def test_the_same_input_gives_the_same_bytes(built, source, tmp_path):
    builder.build(source, tmp_path / "again" / "made-up")
    assert content(tmp_path / "again" / "made-up") == content(built[0])


def test_the_order_of_the_lists_changes_only_the_digest(built, source, tmp_path):
    other = tmp_path / "input"
    other.mkdir()
    for path in source.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    for name in ("units_before.csv", "units_after.csv"):
        rows = pd.read_csv(other / name, dtype=str)
        rows.iloc[::-1].to_csv(other / name, index=False)
    builder.build(other, tmp_path / "made-up")
    new, old = content(tmp_path / "made-up"), content(built[0])
    assert [name for name in old if old[name] != new[name]] == ["case.yaml"]


def test_files_of_others_are_left_alone(source, tmp_path):
    folder = tmp_path / "case"
    (folder / "input").mkdir(parents=True)
    (folder / "reform.yaml").write_text("mine", encoding="utf-8")
    (folder / "input" / "note.txt").write_text("mine", encoding="utf-8")
    builder.build(source, folder)
    assert (folder / "reform.yaml").read_text("utf-8") == "mine"
    assert (folder / "input" / "note.txt").read_text("utf-8") == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["case"]


def test_a_case_made_by_hand_is_not_overwritten(source, tmp_path):
    (tmp_path / "case.yaml").write_text("title: {en: Mine}\n", encoding="utf-8")
    with pytest.raises(InputError, match="not built by sim build"):
        builder.build(source, tmp_path)
    assert list(content(tmp_path)) == ["case.yaml"]


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), OSError(28, "no space left")])
@pytest.mark.parametrize("after", range(4))
def test_an_interrupted_write_leaves_the_old_case(tmp_path, monkeypatch, fault, after):
    folder = tmp_path / "case"
    old = {"a.csv": b"old a", "b.csv": b"old b"}
    write_together(folder, old)
    (folder / "reform.yaml").write_bytes(b"mine")
    real, calls = os.replace, []

    def failing(source, target):
        calls.append(target)
        if len(calls) == after + 1:
            raise fault
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    new = {"a.csv": b"new a", "b.csv": b"new b", "c.csv": b"new c", "d.csv": b"new d"}
    with pytest.raises((KeyboardInterrupt, InputError)):
        write_together(folder, new)
    assert content(folder) == {**old, "reform.yaml": b"mine"}
    assert [p.name for p in tmp_path.iterdir()] == ["case"]


def test_a_fault_on_the_way_writes_nothing(source, tmp_path, monkeypatch):
    def fail(*args):
        raise RuntimeError("no places today")

    monkeypatch.setattr(builder, "make_facilities", fail)
    with pytest.raises(RuntimeError):
        builder.build(source, tmp_path / "case")
    assert not (tmp_path / "case").exists()


@pytest.mark.parametrize(
    ("projection", "told"),
    [
        ("EPSG:4326", "in degrees"),
        ("mercator", "no EPSG code"),
        ("EPSG:2263", "US survey foot"),
    ],
)
def test_a_projection_that_is_not_in_metres_is_named(tmp_path, projection, told):
    folder = write_input(tmp_path / "input", TOTALS + f"projection: {projection!r}\n")
    with pytest.raises(InputError, match=told):
        builder.build(folder, tmp_path / "case")
    assert not (tmp_path / "case").exists()


@pytest.mark.parametrize(
    "ring",
    [
        [[384000, 3322000], [385000, 3322000], [385000, 3323000], [384000, 3322000]],
        [[104, 30], [104.2, 30], [104.1, 30], [104, 30]],
    ],
)
def test_an_outline_in_metres_or_without_area_is_named(source, tmp_path, ring):
    folder = tmp_path / "input"
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    feature = {
        "type": "Feature",
        "properties": {"code": "770001"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    (folder / "county_outlines.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8"
    )
    with pytest.raises(InputError, match="county_outlines"):
        builder.build(folder, tmp_path / "case")
    assert not (tmp_path / "case").exists()


def test_an_outline_of_one_county_is_used_and_the_other_drawn(source, tmp_path):
    folder = tmp_path / "input"
    folder.mkdir()
    for path in source.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    box = shapely.box(103.9, 29.9, 104.1, 30.1)
    feature = {
        "type": "Feature",
        "properties": {"code": "770001"},
        "geometry": shapely.geometry.mapping(box),
    }
    (folder / "county_outlines.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8"
    )
    report = builder.build(folder, tmp_path / "case")
    assert report.counts["settlements"] == len(Case.open(tmp_path / "case").settlements)


def test_no_margins_are_needed(tmp_path):
    folder = write_input(tmp_path / "input", "title: Somewhere\n")
    report = builder.build(folder, tmp_path / "case")
    assert Case.open(tmp_path / "case").meta.title.en == "Somewhere"
    assert "Built:" in report.to_text()


@pytest.mark.slow
def test_meishan_rebuilds_to_the_committed_bytes_with_its_real_numbers(tmp_path):
    folder = tmp_path / "meishan"
    folder.mkdir()  # an earlier build, whose line for editors goes on
    (folder / "case.yaml").write_bytes((MEISHAN / "case.yaml").read_bytes())
    report = builder.build(MEISHAN / "input", folder)
    made = content(folder)
    assert {n: (MEISHAN / n).read_bytes() for n in made} == made
    counts = list(report.counts.values())
    assert counts[:6] == [313, 1050, 337, 510, 131, 80]
    assert 12_700 < report.counts["settlements"] < 13_100
    margins = report.margins[report.margins["published"].notna()]
    assert ((margins["placed"] / margins["published"] - 1).abs() < 1e-3).all()
    placed = report.places[report.places["published"].notna()]
    assert ((placed["placed"] / placed["published"] - 1).abs() < 1e-3).all()


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="reference data absent")
def test_real_points_and_polygons_are_used_where_the_input_has_them(tmp_path):
    folder = tmp_path / "input"
    folder.mkdir()
    for path in (MEISHAN / "input").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    outlines = REFERENCE / "county_boundaries_osm.geojson"
    (folder / "county_outlines.geojson").write_bytes(outlines.read_bytes())
    points = pd.concat(
        [
            pd.read_csv(REFERENCE / name, dtype={"township_code": str}).assign(when=when)
            for name, when in (
                ("townships_points.csv", "after"),
                ("townships_before_2019_points.csv", "before"),
            )
        ]
    )
    points = points.dropna(subset=["lon", "lat"])[["township_code", "when", "lon", "lat"]]
    points.to_csv(folder / "township_points.csv", index=False)
    report = builder.build(folder, tmp_path / "case")
    assert (
        Case.open(tmp_path / "case")
        .meta.provenance["outlines"][0]["how"]
        .startswith("within the real outlines")
    )
    real = {
        f["properties"]["code"]: shape(f["geometry"])
        for f in json.loads(outlines.read_text("utf-8"))["features"]
    }
    land = pd.read_csv(tmp_path / "case" / "settlements.csv", dtype={"id": str})
    to_degrees = pyproj.Transformer.from_crs("EPSG:32648", "EPSG:4326", always_xy=True).transform
    lon, lat = to_degrees(land["x"].to_numpy(), land["y"].to_numpy())
    inside = [
        shapely.contains_xy(real[i[:6]], x, y) for i, x, y in zip(land["id"], lon, lat, strict=True)
    ]
    assert sum(inside) > 0.99 * len(inside)
    persons = report.margins.set_index("measure").loc["registered_persons"]
    assert persons["placed"] == persons["published"]
    cut = {text.split()[0] for text in report.cut}
    assert {
        t.split()[1].rstrip(":") for t in report.scattered if t.startswith("township_before")
    } <= cut
