"""What running an experiment would mean: `sim plan`, and `sim status` of what is there."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.experiment.experiment import Experiment
from sim.experiment.families import Family, families
from sim.experiment.finished import duration
from sim.experiment.lock import holder
from sim.experiment.parts import KINDS, decode, join, temporary, write_part
from sim.experiment.pieces import waiting
from sim.experiment.plan import Plan, Run
from sim.experiment.provenance import code_changes
from sim.experiment.results import Study
from sim.experiment.store import code_message, plan_changes
from sim.experiment.study import Console, Silent, task_of

THERE = "there already"
SPARE = "not needed: the aim is reached"
WAITING = "has ended, its part is not whole yet"
STAY = (THERE, SPARE, WAITING)
STATES = ("done", "failed", "open", "spare")
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
        runs, left = self.plan.runs, len(self.left)
        scenarios, points = (len({getattr(r, n) for r in runs}) for n in ("scenario", "point"))
        sets = f"{points} parameter sets x " if points > 1 else ""
        lines = [
            f"{self.name}: {len(runs)} runs ({scenarios} scenarios x {sets}"
            f"{len(runs) // (scenarios * points)} replicates) in {len(self.plan.blocks)} blocks",
            f"results   {self.out}",
        ]
        counts = Counter(self.reasons)
        lines += [f"{count:>7}   {why}" for why, count in sorted(counts.items(), key=_there_first)]
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
    reasons, obstacles = _reasons(plan, study)
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
        experiment.name, out, plan, tuple(reasons), tuple(obstacles), workers, saved, cost
    )


def _reasons(plan: Plan, study: Study | None) -> tuple[list[str], list[str]]:
    """Why each run would be made, and what stands in the way of all."""
    if study is None:
        return ["new"] * len(plan.runs), []
    changes = plan_changes(study, plan)
    if changes:
        text = f"changed: {'; '.join(changes)}"
        hint = "the results there are of another plan: --fresh removes them, --out DIR keeps them"
        return [text] * len(plan.runs), [hint]
    there = study.plan()
    failures = study.failures().set_index("key")["stage"]
    words = {"done": THERE, "open": "new", "spare": SPARE}
    ended = waiting(study.path)
    states: dict[str, str] = dict(zip(there["key"], there["state"], strict=True))
    reasons = [
        WAITING
        if r.key in ended and states[r.key] != "done"
        else f"failed before ({failures[r.key]})"
        if states[r.key] == "failed"
        else words.get(states[r.key], states[r.key])
        for r in plan.runs
    ]
    code = code_changes(study.info.get("code", {}))
    have = THERE in reasons or WAITING in reasons
    if code and have and any(why not in STAY for why in reasons):
        reasons = [why if why in STAY else f"{why}, with changed code" for why in reasons]
        return reasons, [f"{code_message(code)}; --accept-code-change goes on"]
    return reasons, []


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


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The events of a results directory's journal; damaged or missing lines are left out."""
    try:
        lines = (path / "journal.jsonl").read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
    events = []
    for line in lines:
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return [e for e in events if isinstance(e, dict)]


@dataclass(frozen=True)
class Status:
    """How far a study is; ``writer`` is the number of the process at work on it, if any."""

    path: Path
    states: pd.DataFrame  # a row per scenario: the columns STATES
    failures: pd.DataFrame
    waiting: int  # runs that have ended and are in no part yet
    writer: str | None
    code_changed: tuple[str, ...]
    last: str | None

    @staticmethod
    def of(study: Study) -> Status:
        """The status of a study, read from its files."""
        plan = study.plan()
        states = pd.crosstab(plan["scenario"], plan["state"])
        states = states.reindex(index=study.scenarios, columns=list(STATES))
        events = read_journal(study.path)
        return Status(
            study.path,
            states.fillna(0).astype(int),
            study.failures(),
            len(waiting(study.path)),
            holder(study.path),
            tuple(code_changes(study.info.get("code", {}))),
            events[-1].get("time") if events else None,
        )

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "results": str(self.path),
            "runs": {str(k): int(v) for k, v in self.states.sum().items()},
            "scenarios": self.states.to_dict("index"),
            "failures": self.failures.drop(columns="traceback").to_dict("records"),
            "waiting": self.waiting,
            "writer": self.writer,
            "code_changed": list(self.code_changed),
            "last_event": self.last,
        }

    def to_text(self) -> str:
        """As lines for a person."""
        total = self.states.sum()
        work = f"process {self.writer} is at work on it" if self.writer else "nobody is at work"
        spare = f", {total['spare']} are not needed" if total["spare"] else ""
        lines = [
            f"{self.path}: {total['done']} of {int(total.sum())} runs are done, "
            f"{total['failed']} failed, {total['open']} are open{spare}; {work}"
        ]
        if self.waiting:
            lines.append(f"  {self.waiting} of the open runs have ended; their parts are not whole")
        width = max(len(name) for name in self.states.index)
        for name, row in self.states.iterrows():
            words = ", ".join(f"{n} {state}" for state, n in row.items() if n)
            lines.append(f"  {name:<{width}}  {words}")
        for failure in self.failures.to_dict("records"):
            place = f"{failure['scenario']}, replicate {failure['replicate']}"
            lines.append(f"failed    {place}: {failure['stage']}: {failure['error']}")
            if isinstance(failure["repeat"], str):
                lines.append(f"          {failure['repeat']}")
        if self.code_changed:
            lines.append(f"code      {code_message(list(self.code_changed))}")
        if self.last:
            lines.append(f"last      {self.last}")
        return "\n".join(lines)


def _there_first(item: tuple[str, int]) -> tuple[bool, str]:
    return item[0] != THERE, item[0]
