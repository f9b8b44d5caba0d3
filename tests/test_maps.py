"""Maps: small, the same every time, without gaps, and never with empty boxes for characters."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as xml

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.geometry import Point, box

from sim.case.synthesis import division
from sim.report import maps
from sim.report.case_map import draw_case
from sim.report.classes import class_of, label, limits
from sim.report.ground import cells as make_cells
from sim.report.ground import dissolve
from tests.cases import write_small_case
from tests.hierarchies import county

ROUND = Point(400_000, 3_300_000).buffer(12_000, quad_segs=16)


def painted(units: int) -> tuple[pd.DataFrame, dict, dict[str, float]]:
    """A divided county, and a made-up change of minutes for its units afterwards."""
    table = county(3, units, split=1, spanning=1)
    cells = division.divide_county(ROUND, table, None, (400_000, 3_300_000), 1)
    names = sorted(table["after"].unique())
    values = np.random.default_rng(1).gamma(1, 6, len(names)) - 2
    return table, division.rounded(cells), dict(zip(names, values.tolist(), strict=True))


def before_after(table, cells, values, path=None, title="两项改革 the redraw"):
    before = dict(zip(table["id"], table["before"], strict=True))
    after = dict(zip(table["id"], table["after"], strict=True))
    towns = dict(zip(table["id"], table["township_before"], strict=True))
    kinds = {u: "community" if int(u[1:]) % 4 == 0 else "village" for u in set(before.values())}
    points = [c.representative_point().coords[0] for _, c in sorted(cells.items())]
    marks = {"kept": points[:10], "closed": points[10:30], "seat": points[30:35]}
    panels = [
        maps.Panel(before, "改革前", "Before", kinds=kinds, towns=towns),
        maps.Panel(after, "改革后", "After", values=values, marks=marks),
    ]
    legend = "change of minutes"
    return maps.figure(cells, panels, path, title=title, latin="The redraw", legend=legend)


def test_a_county_of_ninety_units_is_a_small_svg_with_its_texts_as_text():
    svg = before_after(*painted(90))
    assert len(svg.encode()) < 150_000
    root = xml.fromstring(svg)
    texts = {e.text for e in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"改革前", "改革后", "社区", "保留服务点", "change of minutes"} <= texts
    assert "metadata" not in svg and "viewBox" in svg


def test_the_same_map_has_the_same_bytes(tmp_path):
    data = painted(20)
    for name in ("a.svg", "b.svg", "a.png", "b.png"):
        before_after(*data, tmp_path / name)
    for kind in ("svg", "png"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    assert before_after(*data) == before_after(*data)


def test_order_of_cells_does_not_matter():
    table, cells, values = painted(20)
    turned = dict(reversed(list(cells.items())))
    assert before_after(table, cells, values) == before_after(
        table.iloc[::-1], turned, dict(reversed(list(values.items())))
    )


def test_simplified_units_leave_no_gap_and_do_not_overlap():
    table, cells, _ = painted(90)
    units = dissolve(cells, dict(zip(table["id"], table["after"], strict=True)))
    shapes = list(units.values())
    assert shapely.coverage_is_valid(shapes)
    whole = shapely.union_all(shapes)
    assert whole.geom_type == "Polygon" and not whole.interiors
    rough = sum(len(shapely.get_coordinates(s)) for s in shapes)
    fine = dissolve(cells, dict(zip(table["id"], table["after"], strict=True)), 0)
    assert rough < sum(len(shapely.get_coordinates(s)) for s in fine.values())


def test_without_a_chinese_font_a_picture_falls_back_to_latin_words(monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(maps, "cjk_font", lambda: None)
    monkeypatch.setattr(
        maps,
        "save",
        lambda fig, path, svg: said.extend(
            t.get_text() for t in fig.findobj(match=lambda a: hasattr(a, "get_text"))
        ),
    )
    before_after(*painted(20), io.BytesIO())
    assert {"The redraw", "Before", "After", "community", "point kept"} <= set(said)
    assert all(not re.search("[\u2e80-\uffff]", text) for text in said)


def test_cells_come_from_the_outlines_or_else_from_the_points(tmp_path):
    case = write_small_case(tmp_path / "case")
    settlements = pd.read_csv(case / "settlements.csv", dtype={"id": str}, encoding="utf-8-sig")
    made = make_cells(settlements, tmp_path / "absent.geojson")
    assert list(made) == sorted(settlements["id"])
    for row in settlements.itertuples():
        assert shapely.contains_xy(made[row.id], row.x, row.y)
    shapes = list(made.values())
    assert sum(s.area for s in shapes) == pytest.approx(shapely.union_all(shapes).area)
    given = tmp_path / "outlines.geojson"
    features = ",".join(
        f'{{"type":"Feature","properties":{{"level":"settlement","id":"{i}","name":""}},'
        f'"geometry":{{"type":"Polygon","coordinates":[[[{k},0],[{k + 1},0],[{k},1],[{k},0]]]}}}}'
        for k, i in enumerate(settlements["id"])
    )
    given.write_text(f'{{"type":"FeatureCollection","features":[{features}]}}', encoding="utf-8")
    assert make_cells(settlements, given)[settlements["id"][0]].area == 0.5


def test_few_points_still_make_cells():
    for n in (1, 2, 3):
        table = pd.DataFrame(
            {"id": [f"s{k}" for k in range(n)], "x": [100 * k for k in range(n)], "y": [0] * n}
        )
        assert [c.area > 0 for c in make_cells(table).values()] == [True] * n


def test_a_case_is_drawn_before_and_after_its_redraw(tmp_path):
    case = write_small_case(tmp_path / "case")
    draw_case(case, tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text(encoding="utf-8")
    assert "调整前：2个社区、2个村" in text and "调整后：1个社区、1个村" in text
    for name in ("reform_lineage.csv", "reform_units.csv"):
        (case / name).unlink()
    draw_case(case, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes()[:4] == b"\x89PNG"


def test_values_share_round_classes_around_zero():
    steps = limits([-3.0, 0.1, 4.0, 22.0])
    assert steps.tolist() == [1, 5, 10, 15, 20]
    assert [class_of(v, steps) for v in (0.5, -0.5, 1, 4.9, 7, -3, 99)] == [0, 0, 1, 1, 2, -1, 5]
    assert label(2, steps) == "+5 … 10" and label(-5, steps) == "−20 …"
    assert len(limits([])) == 0 and len(limits([float("nan"), 0.0])) == 5


def test_nothing_to_draw_and_unknown_files_are_refused(tmp_path):
    panel = maps.Panel({"a": "u"})
    with pytest.raises(ValueError, match="at least one"):
        maps.figure({}, [panel])
    with pytest.raises(ValueError, match=r"map\.pdf"):
        maps.figure({"a": box(0, 0, 1, 1)}, [panel], tmp_path / "map.pdf")
