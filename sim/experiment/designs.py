"""Designs: which parameter sets an experiment runs, sampled over the ranges of named parameters.

``grid``: every combination of `levels` equally spaced values. ``lhs``: a Latin hypercube of
`samples` points (McKay, Beckman & Conover 1979). ``sobol``: Saltelli's scheme on a scrambled
Sobol sequence, `samples` x (parameters + 2) rows (Saltelli et al. 2010). ``morris``: `samples`
one-at-a-time trajectories on `levels` levels, `samples` x (parameters + 1) rows (Morris 1991).
The last three are drawn by SALib from the design's own seed.

The rows of a design are its sampling plan, which the analysis needs as it is. A point is a
parameter set that is run: of a parameter that must be whole the nearest whole numbers are run (of
lhs and sobol each of its range equally often), rows with equal values are one point, and point 0
is always the parameters as the case and the experiment give them. More samples of sobol or morris
keep the rows that there were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from sim.case.messages import InputError, Problem
from sim.case.parameters import Parameters

Method = Literal["grid", "lhs", "sobol", "morris"]
Range = Annotated[list[float], Field(min_length=2, max_length=2)]
ROWS_MOST = 100_000
MORRIS_LEVELS = 4  # the usual number, and SALib's default
Keys = tuple[str | int, ...]


class DesignFile(BaseModel):
    """Parameter sets sampled over ranges of named parameters.

    design: how they are sampled; samples: of lhs, sobol (a power of 2) and morris; levels: of
    grid, and of morris (even); seed: of the sampling; over: [low, high] of each parameter, or
    nothing for its own range, or a list of names; fixed: values of other parameters, the same in
    every set.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    design: Method
    samples: Annotated[int, Field(ge=1, le=ROWS_MOST)] | None = None
    levels: Annotated[int, Field(ge=2, le=1000)] | None = None
    seed: Annotated[int, Field(ge=1, lt=2**31)] = 1
    over: Annotated[dict[str, Range | None] | list[str], Field(min_length=1)]
    fixed: dict[str, float] = Field(default_factory=dict)

    @property
    def ranges(self) -> dict[str, list[float] | None]:
        """Name -> [low, high], or None for the default range."""
        return self.over if isinstance(self.over, dict) else dict.fromkeys(self.over)


@dataclass(frozen=True)
class Design:
    """A sampling plan over parameters: `names` with their `low` and `high`, in order; `whole` are
    those of which only whole numbers are run."""

    method: Method
    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    samples: int
    levels: int
    seed: int
    whole: tuple[str, ...] = ()

    @cached_property
    def rows(self) -> np.ndarray:
        """The sampling plan: values [rows x parameters]."""
        return SAMPLERS[self.method](self)

    @cached_property
    def values(self) -> np.ndarray:
        """What is run of each row: the same, or the nearest whole numbers."""
        whole = np.isin(self.names, self.whole)
        nearest = np.clip(np.floor(self.rows + 0.5), self.low, self.high)
        return np.where(whole, nearest, self.rows)

    @cached_property
    def points(self) -> tuple[Mapping[str, float], ...]:
        """The parameter sets to run by number; the first is empty: nothing is changed there."""
        distinct = dict.fromkeys(map(tuple, self.values.tolist()))
        return ({}, *(dict(zip(self.names, values, strict=True)) for values in distinct))

    def frame(self) -> pd.DataFrame:
        """The sampling plan as a table: row, point, then a column for each parameter."""
        number = {tuple(p.values()): i for i, p in enumerate(self.points) if i}
        frame = pd.DataFrame(self.values, columns=list(self.names))
        frame.insert(0, "row", np.arange(len(frame), dtype=np.int32))
        points = [number[tuple(values)] for values in self.values.tolist()]
        frame.insert(1, "point", np.array(points, np.int32))
        return frame

    def record(self) -> dict[str, Any]:
        """What study.json keeps of it, and what `of_record` takes."""
        over = {n: [a, b] for n, a, b in zip(self.names, self.low, self.high, strict=True)}
        sizes = {"samples": self.samples, "levels": self.levels, "seed": self.seed}
        whole = {"whole": list(self.whole)} if self.whole else {}
        return {"design": self.method, **sizes, "over": over, **whole}

    @staticmethod
    def of_record(record: Mapping[str, Any]) -> Design:
        """The design that study.json tells of."""
        over = record["over"]
        return Design(
            record["design"],
            tuple(over),
            tuple(a for a, _ in over.values()),
            tuple(b for _, b in over.values()),
            record["samples"],
            record["levels"],
            record["seed"],
            tuple(record.get("whole", ())),
        )

    @staticmethod
    def of(
        spec: DesignFile, defaults: Parameters, place: Callable[[InputError, Keys], None]
    ) -> Any:
        """The design that a file describes, or None after giving every fault to `place` with its
        keys. defaults: for the ranges; each end of a range must be allowed."""
        faults: list[tuple[Keys, Problem]] = [*_size_faults(spec)]
        low, high = [], []
        for name, given in spec.ranges.items():
            keys: Keys = ("over", name) if isinstance(spec.over, dict) else (
                "over", spec.over.index(name)
            )  # fmt: skip
            if name in spec.fixed:
                text = f"{name} is both fixed and sampled"
                faults.append((keys, Problem("bad-design", text, hint="remove one of the two")))
            if name not in defaults.entries:
                faults += [(keys, p) for p in _refused(defaults, {name: 0.0})]
                continue
            entry = defaults.entries[name]
            a, b = given or (entry.low, entry.high)
            if not a < b:
                text = f"the range of {name} is empty: {a:g} to {b:g}"
                faults.append((keys, Problem("bad-design", text, hint="write [low, high]")))
            refused = [p for end in (a, b) for p in _refused(defaults, {name: end})]
            faults += [(keys, p) for p in refused]
            low.append(float(a))
            high.append(float(b))
        for keys, problem in faults:
            place(InputError([problem]), keys)
        if faults:
            return None
        names = tuple(spec.ranges)
        levels = spec.levels or (MORRIS_LEVELS if spec.design == "morris" else 0)
        samples = spec.samples or 0
        whole = tuple(n for n in names if defaults.entries[n].whole)
        return Design(
            spec.design, names, tuple(low), tuple(high), samples, levels, spec.seed, whole
        )


def row_count(method: Method, parameters: int, samples: int, levels: int) -> int:
    """Rows of the sampling plan."""
    sizes = {
        "grid": lambda: levels**parameters,
        "lhs": lambda: samples,
        "sobol": lambda: samples * (parameters + 2),
        "morris": lambda: samples * (parameters + 1),
    }
    return sizes[method]()


def problem_of(design: Design) -> dict[str, Any]:
    """The design's parameters as SALib wants them described."""
    # half a number more to either side, so that the first and the last are as likely as others
    beyond = 0.5 * np.isin(design.names, design.whole) * (design.method in ("lhs", "sobol"))
    low, high = np.array(design.low) - beyond, np.array(design.high) + beyond
    bounds = np.column_stack([low, high]).tolist()
    return {"num_vars": len(design.names), "names": list(design.names), "bounds": bounds}


def _grid(design: Design) -> np.ndarray:
    ends = zip(design.low, design.high, strict=True)
    axes: Sequence[np.ndarray] = [np.linspace(a, b, design.levels) for a, b in ends]
    return np.array(list(product(*axes)))


def _lhs(design: Design) -> np.ndarray:
    from SALib.sample import latin

    return latin.sample(problem_of(design), design.samples, seed=design.seed)


def _sobol(design: Design) -> np.ndarray:
    from SALib.sample import sobol

    problem = problem_of(design)
    return sobol.sample(problem, design.samples, calc_second_order=False, seed=design.seed)


def _morris(design: Design) -> np.ndarray:
    from SALib.sample import morris

    return morris.sample(problem_of(design), design.samples, design.levels, seed=design.seed)


SAMPLERS: Mapping[str, Callable[[Design], np.ndarray]] = {
    "grid": _grid,
    "lhs": _lhs,
    "sobol": _sobol,
    "morris": _morris,
}


def _size_faults(spec: DesignFile) -> list[tuple[Keys, Problem]]:
    """What is wrong with the number of samples and levels."""
    wanted = {"grid": ("levels",), "morris": ("samples", "levels")}.get(spec.design, ("samples",))
    faults: list[tuple[Keys, Problem]] = []

    def wrong(key: str, message: str, hint: str) -> None:
        faults.append(((key,), Problem("bad-design", message, hint=hint)))

    for key in ("samples", "levels"):
        given = getattr(spec, key)
        if given is None and key == wanted[0]:
            wrong("design", f"{spec.design} needs `{key}`", f"add a line `{key}: ...`")
        if given is not None and key not in wanted:
            wrong(key, f"{spec.design} has no `{key}`", "remove it")
    samples, levels = spec.samples or 0, spec.levels or 0
    if spec.design == "sobol" and samples & (samples - 1):
        lower = 1 << (samples.bit_length() - 1)
        wrong("samples", "samples of sobol must be a power of 2", f"take {lower} or {2 * lower}")
    if spec.design == "morris" and levels % 2:
        wrong("levels", "levels of morris must be even", f"take {levels + 1}")
    if spec.design in ("morris", "lhs") and samples == 1:
        wrong("samples", f"one sample of {spec.design} tells nothing", "take ten or more")
    rows = row_count(spec.design, len(spec.ranges), samples, levels)
    if rows > ROWS_MOST:
        text = f"this design has {rows:,} points, more than {ROWS_MOST:,}"
        wrong("design", text, "fewer parameters, levels or samples, or lhs")
    return faults


def _refused(parameters: Parameters, values: Mapping[str, float]) -> list[Problem]:
    try:
        parameters.override(values)
    except InputError as error:
        return list(error.problems)
    return []
