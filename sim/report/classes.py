"""Classes of values around zero on a map: round limits, a colour and a label for each."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

LOSS = ("#f5e3cd", "#eec69f", "#dd9a6c", "#c26f45", "#96472a")
GAIN = ("#d5e5e2", "#a5c9c4", "#6ba59f", "#3f7f7a", "#245a57")
CALM = "#faf9f5"


def limits(values: Iterable[float]) -> np.ndarray:
    """Class limits of a scale around zero: a round step, up to five classes on either side."""
    size = np.array([abs(v) for v in values if np.isfinite(v)])
    if not len(size):
        return np.empty(0)
    top = max(float(np.quantile(size, 0.95)), 1e-9)
    power = 10.0 ** np.floor(np.log10(top / 4))
    step = power * next(m for m in (1, 2, 5, 10) if m * power >= top / 5)
    return step * np.array([0.2, 1, 2, 3, 4])


def class_of(value: float, steps: np.ndarray) -> int:
    """Number of the class of a value: 0 around zero, negative for less."""
    return int(np.sign(value)) * int(np.searchsorted(steps, abs(value), side="right"))


def shade(number: int) -> str:
    """Colour of a class: green for less, red for more."""
    return CALM if number == 0 else (LOSS if number > 0 else GAIN)[abs(number) - 1]


def label(number: int, steps: np.ndarray) -> str:
    """Label of a class, such as ``5 to 10`` or ``over 20``; within the first limit it is 0."""
    if number == 0:
        return f"± {steps[0]:g}"
    sign = "−" if number < 0 else "+"
    low = steps[abs(number) - 1]
    if abs(number) == len(steps):
        return f"{sign}{low:g} …"
    high = steps[abs(number)]
    return f"−{high:g} … −{low:g}" if number < 0 else f"+{low:g} … {high:g}"
