"""What running an experiment would mean: `sim plan`."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.case.messages import InputError
from sim.experiment.changes import changes
from sim.experiment.console import Console, Silent
from sim.experiment.experiment import Experiment
from sim.experiment.families import Family, families
from sim.experiment.finished import duration
from sim.experiment.growth import check_runs_there, lacks
from sim.experiment.parts import KINDS, decode, join, temporary, write_part
from sim.experiment.pieces import waiting
from sim.experiment.plan import Plan, Run
from sim.experiment.precision import Until, enough
from sim.experiment.provenance import code_changes
from sim.experiment.results import Study
from sim.experiment.status import read_journal
from sim.experiment.store import code_message
from sim.experiment.study import task_of

THERE = "there already"
OPEN = "new"
SPARE = "not needed: the aim is reached"
WAITING = "has ended, its part is not whole yet"
STAY = (THERE, SPARE, WAITING)
PILOT, JOURNAL = "one run made for it", "{} earlier runs"


@dataclass(frozen=True)
class Cost:
    """What a run takes on the average: seconds, bytes on disk, MB of memory; measured on what."""

    seconds: float
    bytes: float
    memory_mb: float
    measured: str


@dataclass(frozen=True)
class Outlook:
    """What `sim run` would do: a reason for each run, and what it would take.

    obstacles: why it would refuse; saved: the share of the weeks to simulate that the runs to come
    have in common and that are simulated once; cost: None where nothing was measured.
    """

    name: str
    out: Path
    plan: Plan
    reasons: tuple[str, ...]
    obstacles: tuple[str, ...]
    workers: int
    saved: float
    cost: Cost | None
    until: Until | None = None

    @property
    def left(self) -> list[Run]:
        """The runs that would be made."""
        pairs = zip(self.plan.runs, self.reasons, strict=True)
        return [r for r, why in pairs if why not in STAY]

    @property
    def seconds(self) -> float | None:
        """How long it would take, other work on the machine aside."""
        return self.cost.seconds * len(self.left) / self.workers if self.cost else None

    def frame(self) -> pd.DataFrame:
        """A row per run: run, key, scenario, replicate, block, reason."""
        return self.plan.frame().assign(reason=list(self.reasons))

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "name": self.name,
            "results": str(self.out),
            "runs": self.frame().to_dict("records"),
            "reasons": dict(Counter(self.reasons)),
            "obstacles": list(self.obstacles),
            "workers": self.workers,
            "shared_past_saves": self.saved,
            "seconds": self.seconds,
            "a_run": asdict(self.cost) if self.cost else None,
        }

    def to_text(self) -> str:
        """As lines for a person."""
        left = len(self.left)
        lines = [
            f"{self.name}: {self.plan}",
            f"results   {self.out}",
        ]
        counts = Counter(self.reasons)
        lines += [f"{count:>7}   {why}" for why, count in sorted(counts.items(), key=_there_first)]
        if left and self.until:
            lines.append(f"until     {self.until.wanted()}")
        if left and self.saved:
            lines.append(f"shared    a past simulated once saves {self.saved:.0%} of the weeks")
        if left and self.cost and self.seconds is not None:
            cost, many = self.cost, "process" if self.workers == 1 else "processes"
            lines += [
                f"time      about {duration(self.seconds)} with {self.workers} {many}: "
                f"{cost.seconds:.3g} s a run, from {cost.measured}",
                f"disk      about {cost.bytes * left / 1e6:.3g} MB",
            ]
            if cost.memory_mb:
                lines.append(f"memory    {cost.memory_mb:.0f} MB a process")
        lines += [f"stops at  {text}" for text in self.obstacles]
        if not left:
            lines.append(f"next      sim compare {self.out} · sim report {self.out}")
        return "\n".join(lines)


def look_ahead(
    experiment: Experiment,
    out: Path,
    workers: int,
    pilot: bool = True,
    console: Console | None = None,
    simulate: Callable[..., Any] | None = None,
    build: Callable[..., Path] | None = None,
) -> Outlook:
    """What running an experiment into `out` would mean; nothing is written there.

    pilot: make a run to measure where there are no earlier ones; simulate, build: as in `run`.
    """
    plan = Plan.of(experiment)
    study = Study.open(out) if (out / "study.json").is_file() else None
    reasons, obstacles = _reasons(experiment, plan, study)
    left = [r for r, why in zip(plan.runs, reasons, strict=True) if why not in STAY]
    saved = 0.0 if simulate else _saved(experiment, families(left, workers))
    cost = _earlier(study) if study else None
    if cost is None and pilot and left:
        first = left[0]
        (console or Silent()).say(f"a run to measure: {first.scenario}, replicate 0")
        try:
            cost = _pilot(experiment, first, saved, simulate, build)
        except Exception as error:  # as any run may fail; `sim run` will show how
            obstacles.append(f"the run to measure failed: {type(error).__name__}: {error}")
    return Outlook(
        experiment.name,
        out,
        plan,
        tuple(reasons),
        tuple(obstacles),
        workers,
        saved,
        cost,
        experiment.until,
    )


def _reasons(
    experiment: Experiment, plan: Plan, study: Study | None
) -> tuple[list[str], list[str]]:
    """Why each run would be made, and what stands in the way of all."""
    if study is None:
        return [OPEN] * len(plan.runs), []
    done = set(study.done()["key"])
    if lacks(study, plan):
        what = f"changed: {'; '.join(changes(study, experiment, plan))}"
        reasons = [THERE if r.key in done else what for r in plan.runs]
        try:
            check_runs_there(study, experiment, plan)
        except InputError as error:
            return reasons, [f"{p.message}; {p.hint}" for p in error.problems]
    failures = study.failures().set_index("key")["stage"]
    ended = done | set(failures.index)
    left = {r.replicate for r in plan.runs if r.key not in ended}
    needed = enough(study, experiment.until, experiment.replicates, left)
    fresh, at_hand = _New(study), waiting(study.path)

    def reason(run: Run) -> str:
        if run.key in done:
            return THERE
        if run.key in at_hand:
            return WAITING
        if run.key in failures.index:
            return f"failed before ({failures[run.key]})"
        return SPARE if run.replicate >= needed else fresh.said(run)

    reasons = [reason(r) for r in plan.runs]
    code = code_changes(study.info.get("code", {}))
    have = THERE in reasons or WAITING in reasons
    if code and have and any(why not in STAY for why in reasons):
        reasons = [why if why in STAY else f"{why}, with changed code" for why in reasons]
        return reasons, [f"{code_message(code)}; --accept-code-change goes on"]
    return reasons, []


class _New:
    """What is new about a run that no earlier plan of a study had."""

    def __init__(self, study: Study):
        earlier = study.plan()
        self._keys = set(earlier["key"])
        self._scenarios = set(earlier["scenario"])
        self._replicates = set(earlier["replicate"])

    def said(self, run: Run) -> str:
        """Why it would be made, in words."""
        if run.key in self._keys:
            return OPEN
        if run.scenario not in self._scenarios:
            return "new scenario"
        return "new replicate" if run.replicate not in self._replicates else "new parameter set"


def _saved(experiment: Experiment, gathered: Iterable[Family]) -> float:
    """The share of the weeks of these runs that others of their families simulate for them."""
    from sim.model import SharedPast

    scenarios = {s.name: s for s in experiment.runs_of}
    kinds = Counter(tuple(r.scenario for r in family.runs) for family in gathered)
    weeks = sum(len(names) * count for names, count in kinds.items()) * experiment.weeks
    shared = sum(
        count * sum(SharedPast.of((scenarios[n] for n in names), experiment.start).shared_weeks())
        for names, count in kinds.items()
    )
    return shared / weeks if weeks else 0.0


def _earlier(study: Study) -> Cost | None:
    """The cost of the runs that are there, as the journal tells."""
    events = [e for e in read_journal(study.path) if e.get("event") == "run"]
    done = (study.plan()["state"] == "done").sum()
    if not events or not done:
        return None
    seconds = sum(e["seconds"] for e in events) / len(events)
    size = sum(p.stat().st_size for p in (study.path / "parts").glob("*.parquet"))
    memory = max(e["peak_memory_mb"] for e in events)
    return Cost(seconds, size / int(done), memory, JOURNAL.format(len(events)))


def _pilot(
    experiment: Experiment,
    first: Run,
    saved: float,
    simulate: Callable[..., Any] | None,
    build: Callable[..., Path] | None,
) -> Cost:
    """The cost of one run, made here and thrown away; the others share `saved` of theirs."""
    encoded = task_of(experiment, simulate, build)(Family((first,)))(first)
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / "part"
        size = 0
        for kind in KINDS:
            write_part(part, join([decode(encoded, kind, 0)]), [first.key])
            size += temporary(part).stat().st_size
    return Cost(encoded.seconds * (1 - saved), size, encoded.peak_memory_mb, PILOT)


def _there_first(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0] != THERE, item[0]
