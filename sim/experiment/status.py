"""How far a study is: `sim status`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from sim.experiment.lock import holder
from sim.experiment.pieces import waiting
from sim.experiment.precision import Until
from sim.experiment.provenance import code_changes
from sim.experiment.results import Study
from sim.experiment.store import code_message

STATES = ("done", "failed", "open", "spare")


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
    """How far a study is; ``writer`` is the number of the process at work on it, if any; aims: of
    one that is over, whether its differences are known well enough, in words."""

    path: Path
    states: pd.DataFrame  # a row per scenario: the columns STATES
    failures: pd.DataFrame
    waiting: int  # runs that have ended and are in no part yet
    writer: str | None
    code_changed: tuple[str, ...]
    last: str | None
    grown: tuple[dict[str, Any], ...] = ()  # the plans that there were before, and until when
    aims: tuple[str, ...] = ()

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
            tuple(study.info.get("earlier_plans", [])),
            tuple(_aims(study, plan)),
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
            "earlier_plans": list(self.grown),
            "precision": list(self.aims),
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
        lines += [f"precision {text}" for text in self.aims]
        lines += [f"plan      had {p['runs']} runs until {p['until']}" for p in self.grown]
        if self.last:
            lines.append(f"last      {self.last}")
        return "\n".join(lines)


def _aims(study: Study, plan: pd.DataFrame) -> list[str]:
    """Whether each aim of a study was reached, once there is nothing left to run."""
    record = study.info.get("until")
    if not record or (plan["state"] == "open").any():
        return []
    until = Until.of_record(record)
    used = int(plan.loc[plan["state"] != "spare", "replicate"].max()) + 1
    return until.said(until.look(study, used))
