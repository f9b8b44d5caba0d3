"""Writes the table of patterns of experiments/README.md from the results of patterns.yaml.

Run `sim run experiments/patterns.yaml`, then `python -m docs.patterns`. What counts as reproduced
stands with each pattern; no parameter was set by any of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from docs.ground import Ground, Loss
from sim.case.case import Case
from sim.experiment.results import Study
from sim.experiment.statistics import paired_interval
from sim.levers.scenario import Scenario
from sim.world.ledger import CLASSES
from sim.world.weeks import week_of

ROOT = Path(__file__).parents[1]
COUNTY = "青神县"
REFORM, KEPT, ONLINE, CUT = "reform", "reform-keep-points", "online-only", "burden-cut-only"
HALF_YEAR, YEAR = 26, 52
SHARES = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)  # of the old points that are kept
LOSS = "equity.losers.counter_minutes"
VISITS, COVERAGE = "use.home_care.visits", "use.home_care.coverage"
ASSIGNED = "workload.hours.assigned"
WORK = [f"workload.hours.{name}" for name in CLASSES]
VISIT_WORK = [name for name in WORK if ".visits_" in name]


@dataclass(frozen=True)
class Pattern:
    """A claim with its evidence, what the model gives, and whether that is the pattern."""

    name: str
    claim: str
    evidence: str
    gives: str
    holds: bool


class Runs:
    """Results by replicate: means over windows of weeks, as arrays ``[replicates]``."""

    def __init__(self, study: Study):
        start = pd.Timestamp(study.info["start"]).date()
        first = min(s["first_date"] for s in study.info["scenarios"] if s["first_date"])
        self.first = week_of(pd.Timestamp(first).date(), start)
        self.end = int(study.info["weeks"])
        tables = pd.concat([study.outcomes(point=0), study.losers(point=0)])
        self._values = tables.set_index(["outcome", "group", "scenario"]).sort_index()

    def mean(
        self, scenario: str, outcome: str, group: str = "all", weeks: slice | None = None
    ) -> np.ndarray:
        """Mean over weeks, by default the last year."""
        weeks = weeks or slice(self.end - YEAR, self.end)
        mine = self._values.loc[(outcome, group, scenario)]
        mine = mine[(mine["week"] >= weeks.start) & (mine["week"] < weeks.stop)]
        return mine.groupby("replicate")["value"].mean().sort_index().to_numpy()

    def total(self, scenario: str, outcomes: Iterable[str], *groups: str) -> np.ndarray:
        """Sum over outcomes and groups in the last year."""
        return np.sum([self.mean(scenario, o, g) for o in outcomes for g in groups], axis=0)

    @property
    def at_first(self) -> slice:
        """The half year from the first lever."""
        return slice(self.first, self.first + HALF_YEAR)

    @property
    def after_two_years(self) -> slice:
        """The quarter before two years have passed since then."""
        return slice(self.first + 2 * YEAR - 13, self.first + 2 * YEAR)


def interval(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, low and high of the 95 % interval over replicates."""
    mean, low, high = (float(x[0]) for x in paired_interval(values[None, :]))
    return mean, low, high


def said(values: np.ndarray, digits: int = 1, *, sign: bool = True) -> str:
    """Mean and half of the interval, in words."""
    mean, low, high = interval(values)
    half = (high - low) / 2
    text = f"{mean:{'+' if sign else ''},.{digits}f}"
    if round(half, digits):
        text += f" ± {half:,.{digits}f}"
    return text.replace("-", "−")


def t2(losses: dict[str, Loss]) -> Pattern:
    """Metres lost by distance to the surviving seat; see `Ground.losses`."""
    parts, holds = [], []
    for what, loss in losses.items():
        bands = " / ".join(f"{m:+,.0f}".replace("-", "−") for m in loss.bands)
        parts.append(f"{what}: {bands} m, rank correlation {loss.correlation:.2f}")
        holds.append(loss.correlation > loss.chance and loss.bands[-1] == max(loss.bands))
    return Pattern(
        "T2",
        "access loss grows with the metres to the surviving seat",
        "shrinking Chinese counties: the old +6.3 km to offices; Finland: marginal places lose",
        "under 0.5 / 0.5-1 / 1-2 / over 2 km; " + "; ".join(parts),
        all(holds),
    )


def t3(places: dict[str, dict[float, tuple[int, float]]]) -> Pattern:
    """Distance to the own point by the number of points; see `Ground`."""
    parts, holds = [], []
    for place, distances in places.items():
        many, near = distances[1.0]
        shown = []
        for share, (points, metres) in distances.items():
            if points < many:
                rise, law = metres / near, (many / points) ** 0.5
                holds.append(rise >= law)
                shown.append(f"{share:.0%} kept × {rise:.3f} (√ gives {law:.3f})")
        parts.append(f"{place}, {many:,} points: " + ", ".join(shown))
    return Pattern(
        "T3",
        "mean distance to the own unit's point rises at least as 1/√(number of points)",
        "geometry of scattered points; rural schools 2006-11: service radius +43 %",
        "; ".join(parts),
        all(holds),
    )


def t4(runs: Runs) -> Pattern:
    """Losses by age and by service."""
    old, adults, children = (runs.mean(REFORM, LOSS, g) for g in ("old", "adults", "children"))

    def longer(service: str) -> np.ndarray:
        name = f"access.{service}.minutes"
        return runs.mean(REFORM, name) - runs.mean("before", name)

    counter = [longer(s) for s in ("government", "community")]
    shop = longer("shop")
    return Pattern(
        "T4",
        "the old lose most, and counter matters more than markets",
        "shrinking Chinese counties: the old +6.3 km to offices, +5.2 km to doctors",
        f"60+ {said(old, 2)}, 15-59 {said(adults, 2)}, 0-14 {said(children, 2)} min; government "
        f"{said(counter[0])}, community {said(counter[1])}, shops {said(shop)} min (shops by "
        "rule: a merger closes none)",
        bool(
            (old > adults).all()
            and (old > children).all()
            and all((c > shop).all() for c in counter)
        ),
    )


def t5(runs: Runs) -> Pattern:
    """Home visits after a merger."""

    def change(weeks: slice) -> np.ndarray:
        before = runs.mean("before", VISITS, weeks=weeks)
        return 100 * (runs.mean(REFORM, VISITS, weeks=weeks) / before - 1)

    dip, later = change(runs.at_first), change(runs.after_two_years)
    return Pattern(
        "T5",
        "home visits dip after a merger and are back within 5 % after 24 months",
        "Denmark: transition costs; NHS mergers: developments 18 months late",
        f"{said(dip)} % in the first half year, {said(later)} % in the quarter before month 24",
        interval(dip)[2] < 0 and interval(later)[1] > -5,
    )


def t8(runs: Runs) -> Pattern:
    """What kept points save and cost."""
    lost, left = runs.mean(REFORM, LOSS), runs.mean(KEPT, LOSS)
    visits = runs.mean(KEPT, VISITS) - runs.mean(REFORM, VISITS)
    hours = runs.total(KEPT, ["workload.hours.counter"], "all") - runs.total(
        REFORM, ["workload.hours.counter"], "all"
    )
    return Pattern(
        "T8",
        "keeping points removes most of the access loss, at the price of staff",
        "Pengxi: 255 points kept beside 321 units",
        f"{said(left)} instead of {said(lost)} min; {said(hours, 0)} hours a week at counters, "
        f"{said(visits, 0)} home visits a week against closing",
        bool((left < 0.5 * lost).all()) and interval(hours)[1] > 0 and interval(visits)[2] < 0,
    )


def t9(runs: Runs) -> Pattern:
    """Trips to the counter and hours of work with matters online."""
    name = "use.government"
    to_counter = {
        s: 1 - sum(runs.mean(s, f"{name}.{m}") for m in ("online", "agency", "unmet"))
        for s in ("before", ONLINE)
    }
    trips = 100 * (to_counter[ONLINE] / to_counter["before"] - 1)
    worked = {s: runs.total(s, WORK, "all", "township") for s in ("before", ONLINE)}
    load = runs.mean(ONLINE, "workload.offices.load") / runs.mean("before", "workload.offices.load")
    work, load = 100 * (worked[ONLINE] / worked["before"] - 1), 100 * (load - 1)
    low, high = interval(trips)[1:]
    return Pattern(
        "T9",
        "online service halves counter visits (−40 to −60 %) but cuts work by less than 5 %",
        "Chuzhou: counters halved, workload not",
        f"government matters at counters {said(trips)} %; hours worked {said(work)} %, load of "
        f"communities and villages {said(load)} %",
        low >= -60 and high <= -40 and interval(work)[1] > -5 and interval(load)[1] > -5,
    )


def t10(runs: Runs) -> Pattern:
    """Where the hours go that a burden cut frees."""

    def change(outcomes: Iterable[str]) -> np.ndarray:
        names = list(outcomes)
        return runs.total(CUT, names, "all") - runs.total("before", names, "all")

    freed, less, visits = -change([ASSIGNED]), -change(WORK), change(VISIT_WORK)
    more = change([VISITS])
    made = runs.mean("before", COVERAGE)
    filled = 100 * (1 - (1 - runs.mean(CUT, COVERAGE)) / (1 - made))
    listed = 100 * freed / runs.mean("before", ASSIGNED)
    return Pattern(
        "T10",
        "freed hours go into home visits first (most of the missing ones are made), so that a "
        "burden cut relieves less than its count",
        "Huaiyin: long lists cut; residents' work takes their place",
        f"{said(-listed)} % assigned hours, {said(freed, 0, sign=False)} a week; "
        f"{said(more, 0)} visits, {said(filled, 0, sign=False)} % of those missing, take "
        f"{said(visits, 0, sign=False)} of them, other work {said(freed - visits - less, 0)}; all "
        f"hours fall by {said(less, 0, sign=False)}",
        interval(more)[1] > 0 and interval(filled)[1] > 50 and bool((less < freed).all()),
    )


OF_RUNS: tuple[Callable[[Runs], Pattern], ...] = (t4, t5, t8, t9, t10)


def measured(study: Study) -> list[Pattern]:
    """All patterns, in their order."""
    folder = ROOT / "scenarios" / "meishan"
    city = Case.open(folder)
    grounds = {}
    for place, case in (("青神", city.scoped(counties=[COUNTY])), ("the whole city", city)):
        grounds[place] = Ground(case, Scenario.open(folder / "reform.yaml", case))
    distances = {
        place: {share: ground.points_and_metres(share) for share in SHARES}
        for place, ground in grounds.items()
    }
    runs = Runs(study)
    return [
        t2(grounds["青神"].losses()), t3(distances), *(measure(runs) for measure in OF_RUNS)
    ]  # fmt: skip


def table(patterns: Iterable[Pattern]) -> str:
    """The patterns as a table in markdown."""
    lines = ["| | pattern | evidence | the model gives | reproduced |", "|---|---|---|---|---|"]
    lines += [
        f"| {p.name} | {p.claim} | {p.evidence} | {p.gives} | {'yes' if p.holds else '**no**'} |"
        for p in patterns
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Rewrites the marked part of experiments/README.md."""
    path = ROOT / "experiments" / "README.md"
    text = path.read_text(encoding="utf-8")
    content = table(measured(Study.open(ROOT / "results" / "patterns")))
    marked = r"(<!-- patterns: [^>]*-->\n).*?(<!-- end -->)"
    path.write_text(
        re.sub(marked, lambda m: m[1] + content + m[2], text, flags=re.S), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
