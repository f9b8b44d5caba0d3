"""Offices: the organisations that serve and govern, as Mesa agents over columns by slot."""

from __future__ import annotations

from dataclasses import dataclass

import mesa
import numpy as np

from sim.world.actor import Actor
from sim.world.columns import Columns

VILLAGE_OFFICE, COMMUNITY_OFFICE, TOWNSHIP_OFFICE = 0, 1, 2
KEEP, ATTRITION = 0, 1
NOT_MERGED = np.int32(-(2**20))


@dataclass
class OfficeColumns(Columns):
    """O offices.

    id, name: text. key: uint64 for draws. kind: village, community or township office. unit,
    township: row, -1 where it has none. settlement: int32 row of its seat. alive: still at
    work. workers: persons employed, float64; moved with the flows of `Workers` and checked
    against it. windows: of its main point. full_list: share of the list of assigned tasks it
    carries as a kind. own_list: hours a year by its kind; merged_list: hours a year that the
    absorbed units left behind; list_week: week since which it has been shed, float64 (of several
    mergers `transition.joint_week`). merged_week: week of its last merger, NOT_MERGED before;
    members: units whose files are joined in the year that follows, float64; loss: efficiency lost
    at first. staff_policy: KEEP or ATTRITION to the standard of its kind.
    """

    id: list[str]
    name: list[str]
    key: np.ndarray
    kind: np.ndarray
    unit: np.ndarray
    township: np.ndarray
    settlement: np.ndarray
    alive: np.ndarray
    workers: np.ndarray
    windows: np.ndarray
    full_list: np.ndarray
    own_list: np.ndarray
    merged_list: np.ndarray
    list_week: np.ndarray
    merged_week: np.ndarray
    members: np.ndarray
    loss: np.ndarray
    staff_policy: np.ndarray


class Office(Actor):
    """An office as an actor: a slot of the columns with a name."""

    def __init__(self, model: mesa.Model, columns: OfficeColumns, slot: int):
        super().__init__(model)
        self.columns, self.slot = columns, slot

    @property
    def id(self) -> str:
        return self.columns.id[self.slot]

    @property
    def workers(self) -> float:
        return float(self.columns.workers[self.slot])

    def dissolve(self) -> None:
        """Ends its life: its staff and work have moved to the offices that follow it."""
        self.columns.alive[self.slot] = False
        self.columns.workers[self.slot] = 0.0
