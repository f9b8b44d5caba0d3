"""The tornado figure: how far each parameter moves a difference, the strongest on top.

A bar is as long as the difference changes from the low to the high end of the parameter's range
(the column swing of `sim.experiment.indices`), around the mean over the parameter sets; the dashed
line is the difference at the experiment's own parameters. Zero is always in sight, so that it shows
whether a parameter could turn the answer.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sim.outcomes.catalogue import OUTCOMES
from sim.report.drawing import INK, STYLE, ascii_only, cjk_font, save
from sim.report.numbers import pick, unit_text

if TYPE_CHECKING:
    from sim.experiment.sensitivity import Sensitivity

LOW, HIGH = "#7a9cb8", "#c98f5f"
PANELS, BARS = 6, 10


def draw_tornado(
    found: Sensitivity, path: Path, scenario: str | None = None, lang: str = "en"
) -> None:
    """Draws a panel for each of the six outputs of a scenario (default: the first) that move most
    for their size.

    path: ends in .svg or .png; ValueError for another. Assumptions are marked C.
    """
    svg = path.suffix.lower() == ".svg"
    if path.suffix.lower() not in (".svg", ".png"):
        raise ValueError(f"figures are drawn as .svg or .png, not {path.name}")
    outputs = found.outputs
    scenario = scenario or str(outputs["scenario"].iloc[0])
    mine = outputs[(outputs["scenario"] == scenario) & (outputs["spread"] > 0)]
    most = mine["movement"].sort_values(ascending=False, kind="stable").index[:PANELS]
    shown = mine[mine.index.isin(most)]  # in the order of the outcomes
    font = None if svg else cjk_font()
    if lang == "zh" and not svg and font is None:
        lang = "en"
    style = {**STYLE, "font.family": ([font] if font else []) + ["DejaVu Sans"]}
    count, columns = len(shown), min(2, len(shown)) or 1
    rows = -(-count // columns) or 1
    bars = min(BARS, len(found.design.names))
    with rc_context(style), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # an SVG carries text, not glyphs
        size = (5.4 * columns, rows * (0.9 + 0.22 * bars) + 0.5)
        fig = Figure(figsize=size, facecolor="white", layout="constrained")
        FigureCanvasAgg(fig)
        for place, output in enumerate(shown.itertuples(index=False), 1):
            _panel(fig.add_subplot(rows, columns, place), found, output, bars, lang)
        heading = pick(
            lang,
            f"{scenario} minus {found.base}, what moves most: blue where the parameter is low, "
            "brown where high, around the mean; dashed: at the experiment's own parameters",
            f"{scenario} 与 {found.base} 之差（变动最大者）：蓝色为参数取低值，棕色为取高值，"
            "实线为均值，虚线为实验参数下",
        )
        fig.suptitle(heading if svg or font else ascii_only(heading), fontsize=9.5)
        save(fig, path, svg)


def _panel(axes: Any, found: Sensitivity, output: Any, bars: int, lang: str) -> None:
    own = found.indices
    mine = own[(own["scenario"] == output.scenario) & (own["outcome"] == output.outcome)]
    order = mine["swing"].abs().sort_values(ascending=False, kind="stable").index
    mine = mine.loc[order][:bars][::-1]
    known = OUTCOMES.get(output.outcome)
    unit = known.unit if known else ""
    scale = 100.0 if unit == "share" else 1.0
    confidence = found.parameters.set_index("parameter")["confidence"]
    middle = output.mean * scale
    for y, swing in enumerate(mine["swing"] * scale):
        axes.barh(y, -swing / 2, 0.7, left=middle, color=LOW)
        axes.barh(y, swing / 2, 0.7, left=middle, color=HIGH)
    labels = [f"{p} {confidence[p]}" for p in mine["parameter"]]
    axes.set_yticks(range(len(mine)), labels, fontsize=7.5)
    axes.axvline(0, color=INK, lw=0.5, alpha=0.4)
    axes.axvline(middle, color=INK, lw=0.9)
    axes.axvline(output.difference * scale, color=INK, lw=0.9, ls="--")
    title = pick(lang, known.en, known.zh) if known else output.outcome
    axes.set_title(f"{title}, {unit_text(unit, lang)}" if unit else title, fontsize=8.5)
    axes.tick_params(labelsize=7.5)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
