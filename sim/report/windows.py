"""Which weeks a figure is the mean of, in words: those that were run, not those asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.experiment.statistics import FIRST_HALF_YEAR, LAST_YEAR, weeks_of

YEAR, HALF_YEAR = 52, 26


@dataclass(frozen=True)
class Window:
    """The weeks [first, end) of a run of so many weeks; levers: whether any scenario has one."""

    name: str
    first: int
    end: int
    weeks: int
    levers: bool = True

    @staticmethod
    def of(name: str, info: Mapping[str, Any]) -> Window:
        """The window of that name in a study; `InputError` for another name."""
        levers = any(s.get("first_date") for s in info["scenarios"])
        return Window(name, *weeks_of(name, info), int(info["weeks"]), levers)

    @property
    def length(self) -> int:
        """Number of weeks, 0 where the first lever comes after the last week."""
        return max(0, self.end - self.first)

    @property
    def mean(self) -> tuple[str, str]:
        """What the figures are: mean of ... (en, zh)."""
        return f"mean of {self._weeks[0]}", f"{self._weeks[1]}的平均值"

    @property
    def when(self) -> tuple[str, str]:
        """When something holds: in ... (en, zh)."""
        if self.name == LAST_YEAR and self.length == YEAR:
            return "in the last year", "最后一年"
        if self.name == FIRST_HALF_YEAR and self.levers and self.length == HALF_YEAR:
            return "in the first half year after the first lever", "首个措施后的半年内"
        return f"over {self._weeks[0]}", f"{self._weeks[1]}内"

    @property
    def _weeks(self) -> tuple[str, str]:
        n = self.length
        if n == 0:
            return "no week (the first lever comes after the last)", "零周（首个措施在时段之后）"
        if n == self.weeks:
            return ("the one week", "唯一一周") if n == 1 else (f"all {n} weeks", f"全部{n}周")
        counted = "week" if n == 1 else f"{n} weeks"
        if self.name == LAST_YEAR:
            return f"the last {counted}", f"最后{n}周"
        if self.levers:
            return f"the {counted} from the first lever", f"首个措施起{n}周"
        return f"the first {counted}", f"最初{n}周"
