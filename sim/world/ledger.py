"""The work ledger: hours of work by office and class, every hour with an owner.

Each week, for every office and class: backlog before + arrived = done + taken + lost + backlog
after. `taken` is work of the week that others do for the office (group leaders, volunteers, social
organisations): what is left of the arrivals is the office's own. `lost` is work that is not queued
and was not done in its week (visits, meetings, self-governance), and queued work withdrawn because
it is too old: both are failures that are counted. A merger moves backlog to the offices that
follow; nothing vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLASSES = (
    "assigned",
    "meetings",
    "transition",
    "complaints",
    "counter",
    "visits_high",
    "visits_focus",
    "visits_general",
    "self_governance",
)
"""Classes of work, in the order in which an office does them."""
CLASS = {name: i for i, name in enumerate(CLASSES)}
HELPERS = ("leaders", "volunteers", "organisations")
"""Who takes work over from offices, in the order in which they do."""
QUEUED = tuple(CLASS[c] for c in ("assigned", "transition", "complaints", "counter"))


@dataclass
class Ledger:
    """Hours of one week and the backlog by age.

    arrived, taken, done, lost: float64 ``[O, classes]`` of the week; age: float64
    ``[O, queued, A]`` hours of backlog by age in weeks; before: backlog ``[O, classes]`` when the
    week began. overtime: hours ``[O]``. carried: hours waiting in all offices when the last week
    ended; slipped: hours that came or went since then, which levers may move but not make or lose.
    """

    arrived: np.ndarray
    taken: np.ndarray
    done: np.ndarray
    lost: np.ndarray
    overtime: np.ndarray
    before: np.ndarray
    age: np.ndarray
    carried: float = 0.0
    slipped: float = 0.0

    @staticmethod
    def empty(offices: int, weeks: int) -> Ledger:
        """No work yet; `weeks`: age at which queued work is withdrawn."""
        flow = (offices, len(CLASSES))
        return Ledger(
            arrived=np.zeros(flow),
            taken=np.zeros(flow),
            done=np.zeros(flow),
            lost=np.zeros(flow),
            overtime=np.zeros(offices),
            before=np.zeros(flow),
            age=np.zeros((offices, len(QUEUED), weeks)),
        )

    def grow(self, offices: int) -> None:
        """Makes room for new offices."""
        more = offices - len(self.overtime)
        for name in ("arrived", "taken", "done", "lost", "before", "age", "overtime"):
            old = getattr(self, name)
            setattr(self, name, np.concatenate([old, np.zeros((more, *old.shape[1:]))]))

    def backlog(self) -> np.ndarray:
        """Hours waiting, ``[O, classes]``; zero for classes that do not queue."""
        out = np.zeros_like(self.arrived)
        out[:, list(QUEUED)] = self.age.sum(axis=2)
        return out

    def left(self) -> np.ndarray:
        """Hours of the week's arrivals that others left to the offices, ``[O, classes]``."""
        return self.arrived - self.taken

    def move(self, source: int, target: int, share: float) -> None:
        """Hands a share of the backlog of one office to another."""
        part = self.age[source] * share
        self.age[source] -= part
        self.age[target] += part

    def settle(
        self,
        demand: np.ndarray,
        done: np.ndarray,
        overtime: np.ndarray,
        taken: np.ndarray | float = 0.0,
    ) -> None:
        """Books a week.

        demand: hours that arrived; done: hours worked by class (of backlog and what was left
        together, oldest first); taken: hours of the demand that others took over; all
        ``[O, classes]``.
        """
        self.before = self.backlog()
        self.slipped = abs(float(self.before.sum()) - self.carried)
        self.arrived, self.done, self.overtime = demand, done, overtime
        self.taken = np.zeros_like(demand) + taken
        own = self.left()
        self.lost = np.maximum(0.0, own - done)
        for q, c in enumerate(QUEUED):
            stock = np.concatenate([own[:, c, None], self.age[:, q]], axis=1)
            older = np.cumsum(stock[:, ::-1], axis=1)[:, ::-1] - stock
            stock -= np.clip(done[:, c, None] - older, 0.0, stock)
            self.lost[:, c] = stock[:, -1]
            self.age[:, q] = stock[:, :-1]
        self.carried = float(self.age.sum())

    def withdrawn(self) -> np.ndarray:
        """Queued hours of this week that were given up for age, ``[O]``."""
        return self.lost[:, list(QUEUED)].sum(axis=1)

    def gaps(self) -> np.ndarray:
        """Hours of the week that came from nowhere (negative) or vanished, ``[O, classes]``."""
        return self.before + self.left() - self.done - self.lost - self.backlog()

    def imbalance(self) -> float:
        """Largest amount by which a row, or all rows from week to week, do not close, in hours;
        nobody takes more than arrives, or less than nothing."""
        over = np.maximum(-self.taken, self.taken - self.arrived)
        gap = np.abs(self.gaps())
        return max(float(gap.max(initial=0.0)), float(over.max(initial=0.0)), self.slipped)
