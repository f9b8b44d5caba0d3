"""Enrolment: who has a place or waits for one, by household."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Enrolment:
    """Places of one service, by household.

    eligible: int64 rows of the households that may apply, or have or wait for a place. place,
    listed: int32 ``[H]`` facility slot or -1; since: int32 ``[H]`` week of joining the list. The
    counts are households of this week: exits, left_list (gave up waiting), applied, admitted (from
    the list, where all who apply and go begin), put_off, nowhere (no facility in reach), no_places
    (none in reach has any), displaced (their facility closed). ended: places and waits that ended
    with their household and that no count holds yet.
    """

    eligible: np.ndarray
    place: np.ndarray
    listed: np.ndarray
    since: np.ndarray
    exits: int = 0
    left_list: int = 0
    applied: int = 0
    admitted: int = 0
    put_off: int = 0
    nowhere: int = 0
    no_places: int = 0
    displaced: int = 0
    ended: dict[str, int] = field(default_factory=lambda: {"place": 0, "listed": 0})

    @staticmethod
    def none(rates: np.ndarray) -> Enrolment:
        """Nobody has a place or waits for one; rates: applications a year ``[H]``."""
        empty = np.full(rates.size, -1, np.int32)
        could = np.flatnonzero(rates > 0)
        return Enrolment(could, empty, empty.copy(), np.zeros(rates.size, np.int32))

    def resettle(self, before: np.ndarray, rates: np.ndarray) -> None:
        """Follows the households: before: row that each had, -1 for newcomers; rates as in `none`.
        A household that is gone gives up what it has; one of which nobody may apply any more
        keeps it for now (see `places.leave`)."""
        new = Enrolment.none(rates)
        known = np.flatnonzero(before >= 0)
        for name in ("place", "listed", "since"):
            getattr(new, name)[known] = getattr(self, name)[before[known]]
        for name in self.ended:
            had, has = (int((getattr(x, name) >= 0).sum()) for x in (self, new))
            self.ended[name] += had - has
        self.eligible = np.flatnonzero((rates > 0) | (new.place >= 0) | (new.listed >= 0))
        self.place, self.listed, self.since = new.place, new.listed, new.since

    def enrolled(self, facilities: int) -> np.ndarray:
        """Households with a place at each facility, int64 ``[F]``."""
        held = self.place[self.eligible]
        return np.bincount(held[held >= 0], minlength=facilities)

    def waiting(self, facilities: int) -> np.ndarray:
        """Households on each facility's list, int64 ``[F]``."""
        return np.bincount(self.listed[self.on_list()], minlength=facilities)

    def on_list(self) -> np.ndarray:
        """Rows of the households that wait."""
        return self.eligible[self.listed[self.eligible] >= 0]
