"""Maps of a case: units filled and outlined, seats and service points as marks.

Units are dissolved from the settlement cells of a case's ``outlines.geojson`` and simplified
together as one coverage, so that common borders stay common. Every border is drawn once, every
class of colour is one shape: a map of two thousand units stays a small file. Figures are made
of the same bytes every time.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import shapely
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from sim.case.synthesis.polygons import node

Point = tuple[float, float]
Cells = Mapping[str, BaseGeometry]

INK, RULE, GROUND = "#3a3a3a", "#8c8c86", "#f4f2ec"
KINDS = {"community": ("#a9bfcb", "社区", "community"), "village": ("#e7ead9", "村", "village")}
LOSS = ("#f5e3cd", "#eec69f", "#dd9a6c", "#c26f45", "#96472a")
GAIN = ("#d5e5e2", "#a5c9c4", "#6ba59f", "#3f7f7a", "#245a57")
CALM = "#faf9f5"
MARKS = {"kept": ("o", "#2f5d62"), "closed": ("x", "#2b2b2b"), "seat": ("o", "#55524c")}
MARK_NAMES = {"kept": ("保留服务点", "point kept"), "closed": ("撤销服务点", "point closed"),
              "seat": ("驻地", "seat")}
SIMPLIFY_METRES = 60.0
CJK_FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN",
             "Microsoft YaHei", "PingFang SC", "Hiragino Sans GB", "WenQuanYi Micro Hei",
             "WenQuanYi Zen Hei", "Droid Sans Fallback", "SimHei", "SimSun", "Arial Unicode MS")
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "sim", "font.size": 8.5, "text.color": INK,
    "axes.titlesize": 9.5, "legend.frameon": False, "path.simplify": False}


@dataclass(frozen=True)
class Panel:
    """One map of a figure.

    unit_of: settlement id -> unit id; values: unit id -> number that colours it (a change: less
    is green, more is red); kinds: unit id -> {community, village}, which colours where there are
    no values; towns: settlement id -> township id, for the heavier borders; marks: {kept,
    closed, seat} -> points in metres; title, latin: the heading, and what stands for it where no
    installed font has Chinese characters.
    """

    unit_of: Mapping[str, str]
    title: str = ""
    latin: str = ""
    values: Mapping[str, float] | None = None
    kinds: Mapping[str, str] | None = None
    towns: Mapping[str, str] | None = None
    marks: Mapping[str, Sequence[Point]] = field(default_factory=dict)


def cells(settlements: pd.DataFrame, outlines: Path | None = None) -> dict[str, BaseGeometry]:
    """Polygons of settlements: the file's where it has them, else Voronoi cells.

    settlements: columns id, x, y (metres); outlines: a case's ``outlines.geojson``. Where the
    file is absent or lacks a settlement, all cells are Voronoi cells of the points, clipped to
    their hull widened by a typical distance between neighbours.
    """
    ids = settlements["id"].astype(str).tolist()
    if outlines is not None and outlines.is_file():
        features = json.loads(outlines.read_text(encoding="utf-8-sig"))["features"]
        found = {str(f["properties"]["id"]): shape(f["geometry"]) for f in features
                 if f["properties"].get("level") == "settlement"}
        if set(ids) <= set(found):
            return {i: found[i] for i in sorted(ids)}
    points = settlements[["x", "y"]].to_numpy(dtype=float)
    cloud = shapely.MultiPoint(np.unique(points, axis=0))
    margin = max(50.0, float(np.sqrt(cloud.convex_hull.area / len(points))))
    ground = cloud.convex_hull.buffer(margin, quad_segs=4)
    parts = shapely.get_parts(shapely.voronoi_polygons(cloud, extend_to=ground))
    at = shapely.points(points)
    row, part = shapely.STRtree(parts).query(at, predicate="within")
    home = dict(zip(row.tolist(), part.tolist(), strict=True))
    clipped: list[Any] = [shapely.intersection(parts[home[k]], ground) for k in range(len(ids))]
    return {ids[k]: clipped[k] for k in sorted(range(len(ids)), key=ids.__getitem__)}


def dissolve(ground: Cells, unit_of: Mapping[str, str],
             tolerance: float = SIMPLIFY_METRES) -> dict[str, BaseGeometry]:
    """Outlines of units, simplified together by `tolerance` metres; settlements of no unit, and
    units without a cell, are left out."""
    members: dict[str, list[BaseGeometry]] = {}
    for settlement in sorted(ground):
        if settlement in unit_of:
            members.setdefault(unit_of[settlement], []).append(ground[settlement])
    units = sorted(members)
    shapes = [shapely.coverage_union_all(members[u]) for u in units]
    if tolerance > 0 and shapes:
        shapes = list(shapely.coverage_simplify(np.array(shapes, dtype=object), tolerance))
    return dict(zip(units, shapes, strict=True))


def draw_case(folder: Path, path: Path) -> None:
    """Draws a case as `path` (.svg or .png): its units by kind, with seats and townships; beside
    it, where the case brings a redraw (``reform_lineage.csv``), the units afterwards."""
    from sim.case.case import Case

    case = Case.open(folder)
    places = case.settlements
    at = places.set_index("id")[["x", "y"]]
    unit_of: dict[str, str] = dict(zip(places["id"].tolist(), places["community"].tolist(),
                                       strict=True))
    panels = [_case_panel("before", unit_of, case.communities, at)]
    lineage, units = folder / "reform_lineage.csv", folder / "reform_units.csv"
    if lineage.is_file() and units.is_file():
        new = pd.read_csv(lineage, dtype=str, encoding="utf-8-sig")
        redrawn: dict[str, str] = dict(zip(new["settlement"].tolist(), new["new_id"].tolist(),
                                           strict=True))
        units_after = pd.read_csv(units, dtype=str, encoding="utf-8-sig")
        panels.append(_case_panel("after", {s: redrawn.get(s, u) for s, u in unit_of.items()},
                                  units_after, at))
    else:
        panels = [replace(panels[0], title="", latin="")]
    figure(cells(places, case.outlines_path), panels, path, title=case.meta.title.zh,
           latin=case.meta.title.en, width=5.5 * len(panels))


def _case_panel(when: str, unit_of: Mapping[str, str], units: pd.DataFrame,
                at: pd.DataFrame) -> Panel:
    kinds, town = units.set_index("id")["kind"], units.set_index("id")["township"]
    seats = at.reindex(units["seat_settlement"]).dropna()
    count = [int((kinds == kind).sum()) for kind in KINDS]
    title = {"before": "调整前", "after": "调整后"}[when] + "：{}个社区、{}个村".format(*count)
    latin = when.capitalize() + ": {} communities, {} villages".format(*count)
    return Panel(unit_of, title, latin, kinds=kinds.to_dict(),
                 towns={s: town[u] for s, u in unit_of.items() if u in town.index},
                 marks={"seat": list(seats.itertuples(index=False, name=None))})


def unit_map(ground: Cells, unit_of: Mapping[str, str], path: Path | BinaryIO | None = None,
             *, values: Mapping[str, float] | None = None,
             kinds: Mapping[str, str] | None = None, towns: Mapping[str, str] | None = None,
             seats: Sequence[Point] = (), title: str = "", latin: str = "",
             legend: str = "", width: float = 6.5) -> str | None:
    """One map of units; arguments as in `Panel` and `figure`, `seats` as points in metres."""
    panel = Panel(unit_of, title, latin, values, kinds, towns, {"seat": seats} if seats else {})
    return figure(ground, [panel], path, legend=legend, width=width)


def before_after(ground: Cells, before: Panel, after: Panel, path: Path | BinaryIO | None = None,
                 *, title: str = "", latin: str = "", legend: str = "",
                 width: float = 10.0) -> str | None:
    """Two maps of one ground side by side, one legend; arguments as in `figure`."""
    return figure(ground, [before, after], path, title=title, latin=latin, legend=legend,
                  width=width)


def figure(ground: Cells, panels: Sequence[Panel], path: Path | BinaryIO | None = None, *,
           title: str = "", latin: str = "", legend: str = "", width: float = 10.0) -> str | None:
    """Draws panels in a row; all values share one scale of colours.

    path: a file ending in .svg or .png, or a binary buffer (PNG); None returns the figure as an
    ``<svg>`` element for a page. title, latin: heading over all; legend: what the values are,
    with unit; width: inches. Raises ValueError for another file type or without a single cell.
    """
    path = Path(path) if isinstance(path, str) else path
    svg = path is None or (isinstance(path, Path) and path.suffix.lower() == ".svg")
    if isinstance(path, Path) and path.suffix.lower() not in (".svg", ".png"):
        raise ValueError(f"maps are drawn as .svg or .png, not {path.name}")
    if not ground or not panels:
        raise ValueError("a map needs at least one cell and one panel")
    ground = _covering(ground)
    font = None if svg else _cjk_font()
    style = {**STYLE, "font.family": ([font] if font else []) + ["DejaVu Sans"]}

    def words(text: str, plain: str) -> str:
        return text if svg or font or text.isascii() else plain or _ascii(text)

    steps = _steps([v for p in panels for v in (p.values or {}).values()])
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")      # an SVG carries text, not glyphs
        x0, y0, x1, y1 = shapely.total_bounds(list(ground.values()))
        inner = width / len(panels) * 0.96
        key = _legend(panels, steps, words)
        rows = -(-len(key) // max(1, int(width / 1.45)))
        below = 0.25 * rows + (0.2 if legend else 0.0) + 0.25
        above = (0.35 if title else 0.0) + (0.3 if any(p.title for p in panels) else 0.05)
        height = inner * (y1 - y0) / (x1 - x0) + below + above
        fig = Figure(figsize=(width, height), facecolor="white")
        FigureCanvasAgg(fig)
        fig.subplots_adjust(0.01, below / height, 0.99, 1 - above / height, 0.03)
        for k, panel in enumerate(panels):
            axes = fig.add_subplot(1, len(panels), k + 1)
            _draw(axes, ground, panel, steps)
            rim = 0.006 * (x1 - x0)
            axes.set(xlim=(x0 - rim, x1 + rim), ylim=(y0 - rim, y1 + rim), aspect="equal")
            axes.set_title(words(panel.title, panel.latin), loc="left", pad=4)
            axes.set_axis_off()
            if k == 0:
                _scale_bar(fig, axes, x1 - x0, below, height)
        if title:
            fig.text(0.012, 1 - 0.08 / height, words(title, latin), size=11, va="top",
                     weight="bold", color=INK)
        if key:
            fig.legend(handles=key, loc="lower right", ncols=-(-len(key) // rows), fontsize=8,
                       title=words(legend, legend) or None, title_fontsize=8,
                       bbox_to_anchor=(0.99, 0.0), handlelength=1.3, columnspacing=1.2)
        return _save(fig, path, svg)


def _covering(ground: Cells) -> Cells:
    """The cells with their common borders made of the same vertices, if they are not yet."""
    if shapely.coverage_is_valid(list(ground.values())):
        return ground
    return node(ground, tolerance=1.0)


def _draw(axes: Axes, ground: Cells, panel: Panel, steps: np.ndarray) -> None:
    """Fills by class, then borders of units, townships and the whole, then marks."""
    units = dissolve(ground, panel.unit_of)
    by_colour: dict[str, list[BaseGeometry]] = {}
    for unit, outline in units.items():
        by_colour.setdefault(_colour(unit, panel, steps), []).append(outline)
    for colour in sorted(by_colour):
        axes.add_patch(PathPatch(_outline(shapely.union_all(by_colour[colour])), fc=colour,
                                 ec=colour, lw=0.3, zorder=1))
    many = len(units) > 300
    _borders(axes, units.values(), RULE, 0.2 if many else 0.35)
    if panel.towns:
        town_of_unit = {u: panel.towns[s] for s, u in sorted(panel.unit_of.items())
                        if s in panel.towns}
        merged: dict[str, list[BaseGeometry]] = {}
        for unit, outline in units.items():
            merged.setdefault(town_of_unit.get(unit, ""), []).append(outline)
        _borders(axes, [shapely.union_all(g) for g in merged.values()], INK, 0.5 if many else 0.8)
    _borders(axes, [shapely.union_all(list(units.values()))], INK, 0.8)
    size = 2.5 if many else 14.0
    for name in sorted(panel.marks):
        marker, colour = MARKS[name]
        points = np.unique(np.array(panel.marks[name], dtype=float).reshape(-1, 2), axis=0)
        rim: dict[str, Any] = {} if marker == "x" else {"edgecolors": "white"}
        area = size * (0.4 if name == "seat" else 1.0)
        axes.scatter(points[:, 0], points[:, 1], s=area, marker=marker, c=colour, zorder=5,
                     linewidths=(0.4 if many else 0.9) if marker == "x" else 0.3, **rim)


def _outline(geometry: BaseGeometry) -> Outline:
    """All rings of a geometry as one compound path."""
    rings = [np.asarray(ring.coords)[:, :2] for part in shapely.get_parts(geometry)
             if part.geom_type == "Polygon" for ring in (part.exterior, *part.interiors)]
    codes = [np.r_[Outline.MOVETO, np.full(len(r) - 2, Outline.LINETO), Outline.CLOSEPOLY]
             for r in rings]
    return Outline(np.vstack(rings), np.concatenate(codes))


def _borders(axes: Axes, shapes: Iterable[BaseGeometry], colour: str, width: float) -> None:
    """Draws the border lines of shapes, common ones once."""
    lines = shapely.line_merge(shapely.union_all([s.boundary for s in shapes]))
    strokes = [np.asarray(part.coords) for part in shapely.get_parts(lines)]
    codes = [np.r_[Outline.MOVETO, np.full(len(s) - 1, Outline.LINETO)] for s in strokes]
    axes.add_patch(PathPatch(Outline(np.vstack(strokes), np.concatenate(codes)), fc="none",
                             ec=colour, lw=width, zorder=3, joinstyle="round",
                             capstyle="round"))


def _steps(values: Iterable[float]) -> np.ndarray:
    """Class limits of a scale around zero: a round step, up to five classes on either side."""
    size = np.array([abs(v) for v in values if np.isfinite(v)])
    if not len(size):
        return np.empty(0)
    top = max(float(np.quantile(size, 0.95)), 1e-9)
    power = 10.0 ** np.floor(np.log10(top / 4))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= top / 5)
    return step * np.array([0.2, 1, 2, 3, 4])


def _class(value: float, steps: np.ndarray) -> int:
    return int(np.sign(value)) * int(np.searchsorted(steps, abs(value), side="right"))


def _shade(number: int) -> str:
    return CALM if number == 0 else (LOSS if number > 0 else GAIN)[abs(number) - 1]


def _colour(unit: str, panel: Panel, steps: np.ndarray) -> str:
    if panel.values is not None:
        value = panel.values.get(unit, np.nan)
        return _shade(_class(value, steps)) if np.isfinite(value) else GROUND
    kind = (panel.kinds or {}).get(unit, "")
    return KINDS[kind][0] if kind in KINDS else GROUND


def _legend(panels: Sequence[Panel], steps: np.ndarray,
            words: Callable[[str, str], str]) -> list[Patch | Line2D]:
    """Handles for what the panels show: kinds, classes of values, marks."""
    key: list[Patch | Line2D] = []
    plain = [p for p in panels if p.values is None and p.kinds]
    for kind, (colour, name, latin) in KINDS.items():
        if any(kind in (p.kinds or {}).values() for p in plain):
            key.append(Patch(fc=colour, ec=RULE, lw=0.4, label=words(name, latin)))
    used = sorted({_class(v, steps) for p in panels for v in (p.values or {}).values()
                   if np.isfinite(v)})
    for number in range(used[0], used[-1] + 1) if used else []:
        key.append(Patch(fc=_shade(number), ec=RULE, lw=0.4, label=_range(number, steps)))
    for name, (marker, colour) in MARKS.items():
        if any(len(p.marks.get(name, ())) for p in panels):
            key.append(Line2D([], [], ls="", marker=marker, color=colour,
                              ms=3 if name == "seat" else 5, label=words(*MARK_NAMES[name])))
    return key


def _range(number: int, steps: np.ndarray) -> str:
    """Label of a class, such as ``5 to 10`` or ``over 20``; within the first limit it is 0."""
    if number == 0:
        return f"± {steps[0]:g}"
    sign = "−" if number < 0 else "+"
    low = steps[abs(number) - 1]
    if abs(number) == len(steps):
        return f"{sign}{low:g} …"
    high = steps[abs(number)]
    return f"−{high:g} … −{low:g}" if number < 0 else f"+{low:g} … {high:g}"


def _scale_bar(fig: Figure, axes: Axes, metres: float, below: float, height: float) -> None:
    """A bar of a round length, about a fifth of the map, under the first panel."""
    power = 10.0 ** np.floor(np.log10(metres / 5))
    length = power * max(m for m in (1, 2, 5) if m * power <= metres / 5)
    box = axes.get_position()
    share = length / metres * box.width
    y = max(0.12, below - 0.32) / height
    left = box.x0 + 0.01
    for x in ([left, left + share], [left, left], [left + share, left + share]):
        tick = 0.0 if x[0] != x[1] else 0.05 / height
        fig.add_artist(Line2D(x, [y - tick / 2, y + tick / 2], color=INK, lw=0.9))
    name = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    fig.text(left + share + 0.008, y, name, va="center", size=8)


@cache
def _cjk_font() -> str | None:
    """An installed font with Chinese characters, if there is one."""
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in installed), None)


def _ascii(text: str) -> str:
    """What is left of a text when no font can show the rest of it."""
    return re.sub(r"\s+", " ", "".join(c for c in text if ord(c) < 0x2E80)).strip()


def _save(fig: Figure, path: Path | BinaryIO | None, svg: bool) -> str | None:
    if not svg and path is not None:
        fig.savefig(path, format="png", dpi=160, metadata={"Software": None})
        return None
    buffer = io.BytesIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    text = text[text.index("<svg"):]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # a tenth of a point is finer than any screen, and half of the file
    text = re.sub(r'(?<= d=")[^"]+|(?<=<use )[^>]+', lambda m: _short(m.group(0)), text)
    text = _styles_once(text)
    families = ", ".join(f"'{name}'" for name in CJK_FONTS[:7])
    text = text.replace("'DejaVu Sans'", f"'DejaVu Sans', {families}, sans-serif")
    if not isinstance(path, Path):
        return re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    path.write_text('<?xml version="1.0" encoding="utf-8"?>\n' + text, encoding="utf-8",
                    newline="\n")
    return None


def _styles_once(text: str) -> str:
    """The style of marks at their definition instead of at each use."""
    style = dict(re.findall(r'<use xlink:href="#(\w+)"[^>]*style="([^"]*)"', text))
    for mark, words in style.items():
        text = re.sub(rf'(<path id="{mark}"[^>]*?)( style="[^"]*")?/>',
                      rf'\1 style="{words}"/>', text)
    return re.sub(r'(<use xlink:href="#\w+"[^>]*?) style="[^"]*"', r"\1", text)


def _short(data: str) -> str:
    """Path data or places with one decimal, on one line."""
    short = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m.group(0)):.1f}".removesuffix(".0"), data)
    return re.sub(r"\s+", " ", short).strip()
