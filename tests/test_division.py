"""The nested division of a county: exact areas, a tiling, units in one piece."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from shapely.geometry import MultiPolygon, Point, Polygon, box, shape

from sim.case.synthesis import division
from sim.case.synthesis import polygons as plane
from tests.hierarchies import county

ROUND = Point(500_000, 3_300_000).buffer(15_000, quad_segs=16)
SEAT = (500_000.0, 3_300_000.0)
REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "data" / "reference"


def divided(table: pd.DataFrame, outline=ROUND, seed: int = 1) -> dict[str, Polygon]:
    return division.divide_county(outline, table, None, SEAT, seed)


def crooked() -> Polygon:
    """A county like a horseshoe, with a spike."""
    return Polygon(
        [(0, 0), (30, 0), (30, 28), (22, 28), (21, 9), (9, 10), (10, 22), (2, 45), (1, 22)]
    ).buffer(0)


def scaled(polygon: Polygon, metres: float = 1000.0) -> Polygon:
    return shapely.transform(polygon, lambda c: c * metres + np.array([400_000, 3_300_000]))


@pytest.mark.parametrize("outline", [ROUND, scaled(crooked())], ids=["round", "crooked"])
def test_areas_are_in_proportion_to_weight(outline):
    table = county(5, 60)
    cells = divided(table, outline)
    wanted = table.set_index("id")["weight"] / table["weight"].sum() * outline.area
    got = pd.Series({i: c.area for i, c in cells.items()})
    assert list(got.index) == sorted(table["id"])
    assert (abs(got / wanted - 1) < 1e-6).all()


@pytest.mark.parametrize("outline", [ROUND, scaled(crooked())], ids=["round", "crooked"])
def test_cells_tile_the_outline(outline):
    cells = list(divided(county(6, 40, split=2, spanning=2), outline).values())
    assert all(c.is_valid and c.geom_type == "Polygon" and not c.interiors for c in cells)
    assert shapely.coverage_is_valid(cells)
    union = shapely.union_all(cells)
    assert union.symmetric_difference(outline).area < 1e-6 * outline.area
    assert abs(sum(c.area for c in cells) - union.area) < 1e-6 * outline.area


@pytest.mark.parametrize(
    ("seed", "units", "split", "spanning"),
    [
        (0, 10, 0, 0),
        (1, 20, 1, 1),
        (2, 40, 2, 2),
        (4, 100, 4, 4),
        (5, 220, 5, 5),
        (9, 60, 3, 3),
        (15, 60, 0, 3),
        (24, 10, 2, 2),
        (27, 60, 2, 3),
        (34, 100, 4, 4),
    ],
)
def test_units_and_townships_are_contiguous(seed, units, split, spanning):
    table = county(seed, units, split, spanning)
    pairs = division.neighbours(divided(table, seed=seed))
    scattered = division.contiguity(table, pairs)
    assert scattered[~scattered["cut"]].empty, scattered
    news = table.groupby("township_before")["township_after"].nunique()
    assert set(scattered["id"]) <= set(news.index[news > 1])


def test_scattered_units_are_reported():
    table = county(3, 10).head(30).reset_index(drop=True)
    ids = table["id"].tolist()
    pairs = pd.DataFrame({"settlement": [], "neighbour": []}, dtype=str)
    found = division.contiguity(table, pairs)
    units = table.groupby("before").size()
    assert (
        found[found["level"] == "before"].set_index("id")["parts"].to_dict()
        == units[units > 1].to_dict()
    )
    every = pd.DataFrame(
        [(a, b) for a in ids for b in ids if a < b], columns=["settlement", "neighbour"]
    )
    assert division.contiguity(table, every).empty


def test_same_seed_gives_the_same_bytes_in_any_order_of_rows():
    table = county(7, 40, split=2, spanning=2)
    first = divided(table)
    again = divided(table.sample(frac=1, random_state=3))
    assert list(first) == list(again)
    assert [c.wkb for c in first.values()] == [c.wkb for c in again.values()]


def test_largest_part_of_an_outline_counts_and_its_holes_do_not():
    main = box(0, 0, 9000, 9000).difference(box(4000, 4000, 5000, 5000))
    outline = MultiPolygon([box(20_000, 0, 21_000, 1000), main])
    union = shapely.union_all(list(divided(county(1, 10), outline).values()))
    assert union.symmetric_difference(box(0, 0, 9000, 9000)).area < 1


def test_one_settlement_gets_the_whole_county():
    cells = divided(county(1, 10).head(1))
    assert next(iter(cells.values())).symmetric_difference(ROUND).area < 1


@pytest.mark.parametrize("fault", [{"weight": 0.0}, {"weight": np.nan}, {"id": "same"}])
def test_unusable_settlements_are_refused(fault):
    with pytest.raises(ValueError, match=r"weight|unique"):
        divided(county(1, 10).assign(**fault))


def test_cuts_have_the_wanted_area_in_any_simple_polygon():
    ring = plane.ring_of(crooked())
    for fraction in (0.03, 0.25, 0.5, 0.8):
        cuts = plane.find_cuts(ring, fraction, np.linspace(0, 0.99, 50))
        assert len(cuts) > 0
        for row in range(len(cuts)):
            left, right = (Polygon(r) for r in plane.halves(ring, cuts, row))
            assert left.is_valid and right.is_valid
            assert left.area == pytest.approx(fraction * crooked().area)
            assert left.intersection(right).area < 1e-9


def test_corners_do_not_make_neighbours_but_parts_of_edges_do():
    cells = {
        "a": box(0, 0, 10, 10),
        "b": box(10, 10, 20, 20),
        "c": box(10, 0, 30, 10),
        "d": box(0, 10, 10, 20),
        "e": box(30, 9.5, 40, 30),
    }
    pairs = division.neighbours(cells)
    assert pairs.to_numpy().tolist() == [["a", "c"], ["a", "d"], ["b", "c"], ["b", "d"]]


def test_points_are_whole_metres_inside_and_never_the_same():
    cells = divided(county(11, 60))
    points = division.representative_points(cells)
    assert points["id"].tolist() == list(cells)
    assert points["x"].dtype == "int64" and not points.duplicated(["x", "y"]).any()
    assert all(shapely.contains_xy(cells[p.id], p.x, p.y) for p in points.itertuples())


def test_rounding_to_whole_metres_keeps_the_tiling():
    cells = divided(county(12, 100, split=3, spanning=3), scaled(crooked()))
    whole = division.rounded(cells)
    coords = shapely.get_coordinates(list(whole.values()))
    assert (coords == np.round(coords)).all()
    assert shapely.coverage_is_valid(list(whole.values()))
    assert all(c.is_valid for c in whole.values())
    before, after = division.neighbours(cells), division.neighbours(whole)
    assert len(before.merge(after)) > 0.99 * len(before)


def test_schematic_outlines_have_their_areas_hold_their_seats_and_do_not_overlap():
    rng = np.random.default_rng(3)
    counties = pd.DataFrame(
        {
            "id": ["1", "2", "3", "4", "5"],
            "x": [0.0, 2e4, 4.5e4, 6e4, 2.2e4],
            "y": [0.0, 1.5e4, 0.0, 3e4, -2e4],
            "area_km2": rng.uniform(300, 2500, 5),
        }
    )
    outlines = division.schematic_outlines(counties, seed=4)
    for row in counties.itertuples():
        assert outlines[row.id].area / 1e6 == pytest.approx(row.area_km2)
        assert shapely.contains_xy(outlines[row.id], row.x, row.y)
    shapes = list(outlines.values())
    assert shapely.union_all(shapes).area == pytest.approx(sum(s.area for s in shapes))
    shuffled = division.schematic_outlines(counties.iloc[::-1], seed=4)
    assert [s.wkb for s in shapes] == [s.wkb for s in shuffled.values()]


def test_a_single_schematic_outline_is_a_simple_blob_around_its_seat():
    blob = division.schematic_outline(387.1, (4e5, 3.3e6), seed=9)
    assert blob.is_valid and blob.area / 1e6 == pytest.approx(387.1)
    assert shapely.contains_xy(blob, 4e5, 3.3e6)
    assert blob.centroid.distance(Point(4e5, 3.3e6)) > 500


def test_streets_lie_around_the_seat_where_no_points_are_known():
    towns = pd.DataFrame(
        {
            "id": [f"{k:02d}" for k in range(12)],
            "kind": ["street"] * 3 + ["town"] * 6 + ["township"] * 3,
            "weight": [10.0] * 3 + [60.0] * 9,
        }
    )
    anchors = division.pseudo_anchors(towns, ROUND, SEAT, seed=2)
    away = pd.Series({i: Point(p).distance(Point(SEAT)) for i, p in anchors.items()})
    assert all(shapely.contains_xy(ROUND, *p) for p in anchors.values())
    assert away.loc[["00", "01", "02"]].max() < away.drop(["00", "01", "02"]).min()


def test_townships_lie_around_their_points():
    """Where real points and polygons lie at hand: most townships hold their point, the others
    lie near it. Weights are equal here, so the townships' areas are not the real ones."""
    if not REFERENCE.is_dir():
        pytest.skip("reference data absent")
    to_plane = pyproj.Transformer.from_crs(4326, 32648, always_xy=True).transform
    shapes = json.loads((REFERENCE / "county_boundaries_osm.geojson").read_text("utf-8"))
    outlines = {
        f["properties"]["code"]: shapely.transform(
            shape(f["geometry"]), lambda c: np.column_stack(to_plane(c[:, 0], c[:, 1]))
        )
        for f in shapes["features"]
    }
    with (REFERENCE / "townships_points.csv").open(encoding="utf-8-sig") as file:
        anchors = {
            r["township_code"]: to_plane(float(r["lon"]), float(r["lat"]))
            for r in csv.DictReader(file)
            if r["lon"]
        }
    away, bulk = [], []
    for code, outline in sorted(outlines.items()):
        towns = sorted(t for t in anchors if t.startswith(code))
        table = pd.DataFrame({"id": towns}).assign(weight=1.0)
        for column in ("township_after", "township_before", "after", "before"):
            table[column] = table["id"]
        cells = division.divide_county(outline, table, anchors, (0.0, 0.0), 1)
        away += [cells[t].distance(Point(anchors[t])) for t in towns]
        bulk += [c.length / np.sqrt(4 * np.pi * c.area) for c in cells.values()]
    away = np.array(away)
    print(
        f"{np.mean(away == 0):.0%} hold their point, mean distance {away.mean():.0f} m, "
        f"median {np.median(away):.0f} m"
    )
    assert np.mean(away == 0) > 0.6 and np.median(away) == 0
    assert np.mean(bulk) < 1.5
