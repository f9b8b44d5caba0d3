"""Whether the parameter sets of an experiment are possible, before any of them is run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sim.case.joint import joint
from sim.case.messages import Problem

Points = Sequence[Mapping[str, float]]


def impossible(values: Mapping[str, float], points: Points, under_60: float) -> Iterator[Problem]:
    """A problem for each condition that is broken at points, naming the first.

    values: of all parameters of the experiment; points: what each point of its design lays over
    them, the first nothing; under_60: share of the persons of the case.
    """
    for must in joint(under_60):
        if not must.holds(values):
            message = f"{must.wrong}: {must.shown(values)}"
            yield Problem("impossible-parameters", message, hint=must.mend)
            continue
        sets = [
            (i, {**values, **p}) for i, p in enumerate(points) if any(n in p for n in must.names)
        ]
        broken = [(i, v) for i, v in sets if not must.holds(v)]
        if broken:
            first, there = broken[0]
            message = (
                f"{must.wrong} at {len(broken)} of the {len(points) - 1} points of the design, "
                f"first at point {first}: {must.shown(there)}"
            )
            hint = f"{must.mend}: narrow the ranges under `over`, or set one of them in `fixed`"
            yield Problem("impossible-parameters", message, hint=hint)
