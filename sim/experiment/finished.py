"""How a call of `sim run` ended, in words and in numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sim.experiment.results import Study


@dataclass(frozen=True)
class Finished:
    """How a call ended: runs of the plan, those made by this call, those that were there already;
    failures; seconds; whether a person stopped it; what became of aims at precision."""

    study: Study
    runs: int
    ran: int
    there: int
    failed: int
    seconds: float
    interrupted: bool
    aims: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 done, 1 finished but a run failed, 130 interrupted after a clean flush."""
        return 130 if self.interrupted else int(self.failed > 0)

    @property
    def reason(self) -> str:
        """Why it ended, in a word."""
        return {0: "done", 1: "failures", 130: "interrupted"}[self.exit_code]

    def to_json(self) -> dict[str, Any]:
        """As plain values: ``runs`` of the plan are ``done``, ``failed``, or still open; of those
        done, ``skipped`` were there before."""
        return {
            "path": str(self.study.path),
            "runs": self.runs,
            "done": len(self.study.done()),
            "failed": self.failed,
            "skipped": self.there,
            "ran": self.ran,
            "seconds": round(self.seconds, 3),
            "reason": self.reason,
        }

    @property
    def text(self) -> str:
        """The block that a person reads last."""
        path = self.study.path
        if not self.ran and not self.failed and not self.interrupted:
            head = f"nothing left to run: all {self.runs} runs are there"
        else:
            head = f"{self.ran} runs in {duration(self.seconds)}"
            head += f" ({self.ran / self.seconds:.2g} runs/s)" if self.ran and self.seconds else ""
            head += f", {self.failed} failed" if self.failed else ", none failed"
        lines = [head, *(f"precision {aim}" for aim in self.aims), f"results   {path}"]
        if self.failed:
            lines.append(f"failures  {path / 'failures'}")
        if self.interrupted:
            lines.append("stopped   what was done is kept; the same command goes on from here")
        else:
            lines.append(f"next      sim compare {path} · sim report {path}")
        return "\n".join(lines)


def duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60:02d} min"
