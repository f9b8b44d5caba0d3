"""What all figures share: style, a font that has Chinese characters, files of the same bytes."""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from matplotlib import font_manager
from matplotlib.figure import Figure

from sim.report.svg import slim

INK = "#3a3a3a"
CJK_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "SimHei",
    "SimSun",
    "Arial Unicode MS",
    "Noto Sans CJK JP",  # what a collection with all of them is called, after its first
    "Noto Serif CJK JP",
)
CJK_FILES = (
    *("notosanscjk", "notosanssc", "notoserifcjk", "sourcehansans", "msyh", "pingfang"),
    *("hiragino sans gb", "wqy", "droidsansfallback", "simhei", "simsun", "arial unicode"),
)
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "sim",
    "font.size": 8.5,
    "text.color": INK,
    "axes.titlesize": 9.5,
    "legend.frameon": False,
    "path.simplify": False,
}


@cache
def cjk_font() -> str | None:
    """An installed font with Chinese characters, if there is one."""
    name = _known_font()
    if name is None:
        # the list that matplotlib keeps is of the day it was first used: look for newer ones
        for path in sorted(font_manager.findSystemFonts()):
            if Path(path).name.lower().startswith(CJK_FILES):
                font_manager.fontManager.addfont(path)
        name = _known_font()
    return name


def _known_font() -> str | None:
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return next((name for name in CJK_FONTS if name in installed), None)


def ascii_only(text: str) -> str:
    """What is left of a text when no font can show the rest of it."""
    return re.sub(r"\s+", " ", "".join(c for c in text if ord(c) < 0x2E80)).strip()


def save(fig: Figure, path: Path | BinaryIO | None, svg: bool) -> str | None:
    """Writes a figure, the same bytes every time; without a path the ``<svg>`` element itself."""
    if not svg and path is not None:
        fig.savefig(path, format="png", dpi=160, metadata={"Software": None})
        return None
    buffer = io.BytesIO()
    fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue().decode("utf-8")
    text = slim(text)
    families = ", ".join(f"'{name}'" for name in CJK_FONTS[:7])
    text = text.replace("'DejaVu Sans'", f"'DejaVu Sans', {families}, sans-serif")
    if not isinstance(path, Path):
        return re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    path.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n' + text, encoding="utf-8", newline="\n"
    )
    return None
