"""A drawn SVG made smaller, and ready to stand inside a page without anything for the outside.

matplotlib writes one element, with its whole style, for every stroke and mark; of a map with two
thousand units these repetitions are four fifths of the bytes.
"""

from __future__ import annotations

import re
from itertools import groupby

_STROKE = re.compile(r'\s*<path d="([^"]*)"(?: clip-path="[^"]*")? style="(fill: none[^"]*)"/>')
_MARK = re.compile(r'\s*<use xlink:href="([^"]*)" x="([^"]*)" y="([^"]*)" style="([^"]*)"/>')


def slim(svg: str) -> str:
    """The element ``<svg>`` alone, without metadata, to a tenth of a point, which is finer than
    any screen, and half of the file; the style of marks stands at their definition."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(?<= d=")[^"]+|(?<=<use )[^>]+', lambda m: _short(m.group(0)), svg)
    return _styles_once(svg)


def _styles_once(text: str) -> str:
    """The style of marks at their definition instead of at each use."""
    style = dict(re.findall(r'<use xlink:href="#(\w+)"[^>]*style="([^"]*)"', text))
    for mark, words in style.items():
        text = re.sub(
            rf'(<path id="{mark}"[^>]*?)( style="[^"]*")?/>', rf'\1 style="{words}"/>', text
        )
    return re.sub(r'(<use xlink:href="#\w+"[^>]*?) style="[^"]*"', r"\1", text)


def _short(data: str) -> str:
    """Path data or places with one decimal, on one line."""
    short = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m.group(0)):.1f}".removesuffix(".0"), data)
    return re.sub(r"\s+", " ", short).strip()


def embed(svg: str, scope: str) -> str:
    """The same picture for use inside HTML.

    Metadata (which name vocabularies by address) are left out; the style sheet applies to
    elements of the class `scope` only; strokes and marks that follow each other in one style
    become one path or group; marks are placed to a tenth of a point.
    """
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = svg.replace('<style type="text/css">*{', f"<style>.{scope} *{{")
    svg = re.sub(rf"(?:{_STROKE.pattern}){{2,}}", lambda m: _strokes(m.group(0)), svg)
    svg = re.sub(rf"(?:{_MARK.pattern}){{2,}}", lambda m: _marks(m.group(0)), svg)
    svg = re.sub(r'(?<= d=")[^"]+', lambda m: _terse(m.group(0)), svg)
    return re.sub(r">\s+<", "><", svg)


def _strokes(paths: str) -> str:
    drawn = [m.groups() for m in _STROKE.finditer(paths)]
    return "".join(
        f'<path d="{" ".join(d for d, _ in same)}" style="{style}"/>'
        for style, same in groupby(drawn, key=lambda path: path[1])
    )


def _marks(uses: str) -> str:
    placed = [m.groups() for m in _MARK.finditer(uses)]
    return "".join(
        f'<g style="{style}">'
        + "".join(
            f'<use xlink:href="{mark}" x="{float(x):.1f}" y="{float(y):.1f}"/>'
            for _, x, y, _ in same
        )
        + "</g>"
        for (mark, style), same in groupby(placed, key=lambda use: (use[0], use[3]))
    )


def _terse(data: str) -> str:
    """Path data without what the grammar lets one leave out."""
    return re.sub(r"\s*([MLCQz])\s*", r"\1", data).strip()
