"""Workers: the posts of offices, each with the person who holds it.

A row is a post (岗位) for life: it moves with its holder when offices merge, stands vacant between
two holders, and may be abolished. So nobody is ever in two places, and the draws of a post do not
depend on what becomes of others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.schema import ROLES
from sim.world.columns import Columns
from sim.world.draws import id_keys

ABOLISHED = -1
LONG_AGO = np.int32(-(2**20))
COMMITTEE, SOCIAL_WORKER = ROLES.index("committee"), ROLES.index("social_worker")


@dataclass
class Workers(Columns):
    """W posts.

    key: uint64 of office, role and number at the start. office: int32 slot, ABOLISHED where the
    post is no more. role: int8 index of ROLES. hired: int32 first week of the holder; the post is
    vacant before it. certified: the holder is a certified social worker. fatigue: share of
    overtime that the holder feels; load: that of the office over the last quarter, as met at the
    post.
    """

    key: np.ndarray
    office: np.ndarray
    role: np.ndarray
    hired: np.ndarray
    certified: np.ndarray
    fatigue: np.ndarray
    load: np.ndarray

    @staticmethod
    def of(offices: pd.DataFrame) -> Workers:
        """One post for each of the staff in a table of offices (slots are its rows), all filled
        by people of experience with the certificates that the table counts by office."""
        counts = offices[list(ROLES)].fillna(0).to_numpy(np.int64)
        office, role = (np.repeat(i.ravel(), counts.ravel()) for i in np.indices(counts.shape))
        ids = offices["id"].to_numpy()
        starts = np.cumsum(counts.ravel()) - counts.ravel()
        number = np.arange(office.size) - np.repeat(starts, counts.ravel())
        key = id_keys(
            (f"{ids[o]}/{ROLES[r]}/{n}" for o, r, n in zip(office, role, number, strict=True)),
            bits=64,
        )
        workers = Workers(
            key=key,
            office=office.astype(np.int32),
            role=role.astype(np.int8),
            hired=np.full(office.size, LONG_AGO, np.int32),
            certified=np.zeros(office.size, bool),
            fatigue=np.zeros(office.size),
            load=np.zeros(office.size),
        )
        none = np.zeros(office.size, bool)
        workers.certify(offices["certified"], none, none)
        return workers

    def certify(self, counts: pd.Series, vacant: np.ndarray, new: np.ndarray) -> None:
        """Gives the workers of each office (slots are rows of `counts`) so many certificates.

        None goes to a vacant post; people of experience come before newcomers, social workers
        before others, then keys decide. vacant, new: bool ``[W]``.
        """
        order = np.lexsort((self.key, self.role != SOCIAL_WORKER, new, vacant, self.office))
        posts = np.bincount(self.office, minlength=len(counts))
        first = np.cumsum(posts) - posts
        rank = np.empty(len(self), np.int64)
        rank[order] = np.arange(len(self)) - first[self.office[order]]
        most = counts.fillna(0).to_numpy(np.int64)
        self.certified[:] = (rank < most[self.office]) & ~vacant

    def at_work(self, week: int) -> np.ndarray:
        """Posts with somebody at work in a week, bool ``[W]``."""
        return (self.office != ABOLISHED) & (self.hired <= week)

    def vacant(self, week: int) -> np.ndarray:
        """Posts that wait for somebody in a week, bool ``[W]``."""
        return (self.office != ABOLISHED) & (self.hired > week)

    def by_office(self, values: np.ndarray, offices: int) -> np.ndarray:
        """Sum of a column over the posts of each office, float64 ``[O]``."""
        here = self.office != ABOLISHED
        return np.bincount(self.office[here], values[here], offices).astype(np.float64)

    def posts_of(self, office: int) -> np.ndarray:
        """Rows of an office's posts, by key, so that no table's order matters."""
        mine = np.flatnonzero(self.office == office)
        return mine[np.argsort(self.key[mine], kind="stable")]


@dataclass
class StaffFlows:
    """Persons since the start: those there then, hired, gone by themselves, and cut by levers."""

    start: int
    hired: int = 0
    left: int = 0
    cut: int = 0

    @property
    def now(self) -> int:
        """Persons employed, if nobody came or went otherwise."""
        return self.start + self.hired - self.left - self.cut
