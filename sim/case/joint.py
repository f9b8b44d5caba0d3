"""Values of parameters that are possible each on its own, but not together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

WEIGHTS = tuple(
    f"residents.weight_{part}" for part in ("access", "waiting", "visits", "property", "belonging")
)
Values = Mapping[str, float]


@dataclass(frozen=True)
class Joint:
    """What must hold of several parameters: their names, a test, what is wrong where it fails, and
    what to do."""

    names: tuple[str, ...]
    holds: Callable[[Values], bool]
    wrong: str
    mend: str

    def shown(self, values: Values) -> str:
        """The parameters with their values."""
        return ", ".join(f"{name} = {values[name]:g}" for name in self.names)


def joint(under_60: float = 1.0) -> Iterator[Joint]:
    """All that must hold in a case where this share of the persons is under 60."""
    for kind in ("village", "community"):
        wrong = f"the least workers of a {kind} are more than the most"
        yield _at_most(f"staff.{kind}_least", f"staff.{kind}_most", 1, wrong)
    for hours in ("counter.hours", "counter.kept_hours", "counter.kept_hours_township"):
        wrong = f"{hours} do not fit into a week of days of that length"
        yield _at_most(hours, "counter.day", 7, wrong)
    yield Joint(
        WEIGHTS,
        lambda v: sum(v[name] for name in WEIGHTS) <= 100 + 1e-9,
        "the weights of satisfaction (0-100) are more than 100 points together",
        "lower the other weights by as much",
    )
    yield Joint(
        ("persons.absent_share",),
        lambda v: v["persons.absent_share"] <= under_60,
        f"more persons are away than the {under_60:.3g} of all who are under 60, and only they are",
        f"keep persons.absent_share at or under {under_60:.3g}",
    )


def _at_most(low: str, high: str, factor: int, wrong: str) -> Joint:
    times = f"{factor} x " if factor > 1 else ""
    mend = f"keep {low} at or under {times}{high}"
    return Joint((low, high), lambda v: v[low] <= factor * v[high], wrong, mend)
