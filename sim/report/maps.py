"""Maps: units filled and outlined, seats and service points as marks.

Every border is drawn once, every
class of colour is one shape: a map of two thousand units stays a small file. Figures are made
of the same bytes every time.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import shapely
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path as Outline
from shapely.geometry.base import BaseGeometry

from sim.report.classes import class_of, label, limits, shade
from sim.report.drawing import INK, STYLE, ascii_only, cjk_font, save
from sim.report.ground import Cells, covering, dissolve

Point = tuple[float, float]

RULE, GROUND = "#8c8c86", "#f4f2ec"
KINDS = {"community": ("#a9bfcb", "社区", "community"), "village": ("#e7ead9", "村", "village")}
MARKS = {"kept": ("o", "#2f5d62"), "closed": ("x", "#2b2b2b"), "seat": ("o", "#55524c")}
MARK_NAMES = {
    "kept": ("保留服务点", "point kept"),
    "closed": ("撤销服务点", "point closed"),
    "seat": ("驻地", "seat"),
}


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


def figure(
    ground: Cells,
    panels: Sequence[Panel],
    path: Path | BinaryIO | None = None,
    *,
    title: str = "",
    latin: str = "",
    legend: str = "",
    width: float = 10.0,
) -> str | None:
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
    ground = covering(ground)
    font = None if svg else cjk_font()
    style = {**STYLE, "font.family": ([font] if font else []) + ["DejaVu Sans"]}

    def words(text: str, plain: str) -> str:
        return text if svg or font or text.isascii() else plain or ascii_only(text)

    steps = limits([v for p in panels for v in (p.values or {}).values()])
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # an SVG carries text, not glyphs
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
            fig.text(
                0.012,
                1 - 0.08 / height,
                words(title, latin),
                size=11,
                va="top",
                weight="bold",
                color=INK,
            )
        if key:
            fig.legend(
                handles=key,
                loc="lower right",
                ncols=-(-len(key) // rows),
                fontsize=8,
                title=words(legend, legend) or None,
                title_fontsize=8,
                bbox_to_anchor=(0.99, 0.0),
                handlelength=1.3,
                columnspacing=1.2,
            )
        return save(fig, path, svg)


def _draw(axes: Axes, ground: Cells, panel: Panel, steps: np.ndarray) -> None:
    """Fills by class, then borders of units, townships and the whole, then marks."""
    units = dissolve(ground, panel.unit_of)
    by_colour: dict[str, list[BaseGeometry]] = {}
    for unit, outline in units.items():
        by_colour.setdefault(_colour(unit, panel, steps), []).append(outline)
    for colour in sorted(by_colour):
        axes.add_patch(
            PathPatch(
                _outline(shapely.union_all(by_colour[colour])),
                fc=colour,
                ec=colour,
                lw=0.3,
                zorder=1,
            )
        )
    many = len(units) > 300
    _borders(axes, units.values(), RULE, 0.2 if many else 0.35)
    if panel.towns:
        town_of_unit = {
            u: panel.towns[s] for s, u in sorted(panel.unit_of.items()) if s in panel.towns
        }
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
        axes.scatter(
            points[:, 0],
            points[:, 1],
            s=area,
            marker=marker,
            c=colour,
            zorder=5,
            linewidths=(0.4 if many else 0.9) if marker == "x" else 0.3,
            **rim,
        )


def _outline(geometry: BaseGeometry) -> Outline:
    """All rings of a geometry as one compound path."""
    rings = [
        np.asarray(ring.coords)[:, :2]
        for part in shapely.get_parts(geometry)
        if part.geom_type == "Polygon"
        for ring in (part.exterior, *part.interiors)
    ]
    codes = [
        np.r_[Outline.MOVETO, np.full(len(r) - 2, Outline.LINETO), Outline.CLOSEPOLY] for r in rings
    ]
    return Outline(np.vstack(rings), np.concatenate(codes))


def _borders(axes: Axes, shapes: Iterable[BaseGeometry], colour: str, width: float) -> None:
    """Draws the border lines of shapes, common ones once."""
    lines = shapely.line_merge(shapely.union_all([s.boundary for s in shapes]))
    strokes = [np.asarray(part.coords) for part in shapely.get_parts(lines)]
    codes = [np.r_[Outline.MOVETO, np.full(len(s) - 1, Outline.LINETO)] for s in strokes]
    axes.add_patch(
        PathPatch(
            Outline(np.vstack(strokes), np.concatenate(codes)),
            fc="none",
            ec=colour,
            lw=width,
            zorder=3,
            joinstyle="round",
            capstyle="round",
        )
    )


def _colour(unit: str, panel: Panel, steps: np.ndarray) -> str:
    if panel.values is not None:
        value = panel.values.get(unit, np.nan)
        return shade(class_of(value, steps)) if np.isfinite(value) else GROUND
    kind = (panel.kinds or {}).get(unit, "")
    return KINDS[kind][0] if kind in KINDS else GROUND


def _legend(
    panels: Sequence[Panel], steps: np.ndarray, words: Callable[[str, str], str]
) -> list[Patch | Line2D]:
    """Handles for what the panels show: kinds, classes of values, marks."""
    key: list[Patch | Line2D] = []
    plain = [p for p in panels if p.values is None and p.kinds]
    for kind, (colour, name, latin) in KINDS.items():
        if any(kind in (p.kinds or {}).values() for p in plain):
            key.append(Patch(fc=colour, ec=RULE, lw=0.4, label=words(name, latin)))
    used = sorted(
        {class_of(v, steps) for p in panels for v in (p.values or {}).values() if np.isfinite(v)}
    )
    for number in range(used[0], used[-1] + 1) if used else []:
        key.append(Patch(fc=shade(number), ec=RULE, lw=0.4, label=label(number, steps)))
    for name, (marker, colour) in MARKS.items():
        if any(len(p.marks.get(name, ())) for p in panels):
            key.append(
                Line2D(
                    [],
                    [],
                    ls="",
                    marker=marker,
                    color=colour,
                    ms=3 if name == "seat" else 5,
                    label=words(*MARK_NAMES[name]),
                )
            )
    return key


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
