"""Names and codes of units and townships: what lives on when their kind changes.

Chinese lists write one unit in many ways (铝城村民委员会, 铝城村委会, 铝城社区居民委员会); names
without such affixes pass through unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Last three digits of a Chinese unit code below this number are residents' committees.
FIRST_VILLAGE_CODE = 200
_COMMITTEE = re.compile(r"(社区居民|社区居|社区|居民|村民|居|村)?(委员会|委会|居委会|村委会)$")
_UNIT = re.compile(r"(社区|村|嘎查|居)$")
_TOWNSHIP = re.compile(r"(街道办事处|街道|民族乡|地区办事处|地区|办事处|镇|乡|苏木)$")


def core(name: str) -> str:
    """The part of a unit's name that lives on when its kind changes: 铝城村民委员会 -> 铝城.

    Affixes are stripped as long as two characters remain, since 新村 is a name, not an affix.
    """
    text = re.sub(r"\s+", "", name)
    for pattern in (_COMMITTEE, _UNIT, _UNIT):
        shorter = pattern.sub("", text)
        if len(shorter) >= 2:
            text = shorter
    return text


def township_core(name: str) -> str:
    """A township's name without its kind: 视高镇 and 视高街道 -> 视高."""
    text = re.sub(r"\s+", "", name)
    shorter = _TOWNSHIP.sub("", text)
    return shorter if len(shorter) >= 2 else text


def short_name(name: str, kind: str) -> str:
    """A unit's everyday name: 庄店社区居民委员会 -> 庄店社区; names without an affix stay."""
    stem = core(name)
    if stem == re.sub(r"\s+", "", name):
        return name.strip()
    if kind == "village":
        return stem if stem.endswith("村") else stem + "村"
    return stem + "社区"


def township_kind(text: str) -> str:
    """Kind of a township from its kind or name: street, town, or township for all others."""
    if text.endswith(("街道", "街道办事处", "办事处", "street")):
        return "street"
    return "town" if text.endswith(("镇", "town")) else "township"


def kind_of_code(code: str) -> str:
    """社区 or 村, by the last three digits of a Chinese code."""
    tail = code[-3:]
    return "社区" if tail.isdigit() and int(tail) < FIRST_VILLAGE_CODE else "村"


def code_gap(a: str, b: str) -> int:
    """How far apart two codes are as numbers."""
    return abs(_number(a) - _number(b))


def nearest_code(code: str, others: Iterable[str]) -> str:
    """The one of `others` (not empty) whose code is nearest, the lower one of two."""
    return min(others, key=lambda other: (code_gap(code, other), other))


def common_prefix(a: str, b: str) -> int:
    """Number of characters that two names begin with alike."""
    return next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


def _number(code: str) -> int:
    digits = "".join(c for c in code if c.isdigit())
    return int(digits) if digits else 0
