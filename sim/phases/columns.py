"""Columns that phases read week by week and that change seldom or never.

`Constants` hold for a run, `Rates` until the population changes, `Reached` until boundaries or
facilities do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from sim.processes import choice, needs
from sim.processes.property import complaints
from sim.world.households import DIGITAL, OLD_ONLY, VEHICLE
from sim.world.reach import Reach
from sim.world.state import State
from sim.world.travel import Pace

GROUP_TYPES = 3  # urban, town, rural
GROUPS = GROUP_TYPES * 8


@dataclass(frozen=True)
class Constants:
    """What holds for a run.

    pace: of travel; area: m2 ``[S]``; complaints: a week and household ``[S]``; cutoff, taste,
    old_users: of the lines asked for ``[L]``; weights: of choice, in the order its kernel takes.
    """

    pace: Pace
    area: np.ndarray
    complaints: np.ndarray
    cutoff: np.ndarray
    taste: np.ndarray
    old_users: np.ndarray
    weights: np.ndarray

    @staticmethod
    def of(state: State) -> Constants:
        """Prepares the columns of one run."""
        settlements, p, asked = state.world.settlements, state.parameters, state.lines.asked
        return Constants(
            pace=Pace.of(p),
            area=settlements["area_ha"].to_numpy(np.float64) * 1e4,
            complaints=complaints(settlements["compound"], p),
            cutoff=np.array([x.cutoff for x in asked]),
            taste=np.array([x.taste for x in asked]),
            old_users=np.array([x.old_users for x in asked]),
            weights=np.array(
                [
                    p["choice.minute"], p["choice.wait"], p["choice.own_unit"],
                    p["choice.office_hours"], p["choice.put_off"], p["online.constant"],
                    p["agency.constant"],
                ]
            ),
        )  # fmt: skip


@dataclass(frozen=True)
class Rates:
    """What households ask for, until the population changes.

    asked: float32 ``[H, L]`` needs a year on the lines asked for, none of a service that nobody
    has heard of; applied: line -> float32 ``[H]`` applications a year; group: int64 ``[H]`` type x
    (old only, no vehicle, no digital); known: `State.known` as it was.
    """

    asked: np.ndarray
    applied: dict[int, np.ndarray]
    group: np.ndarray
    known: np.ndarray

    @staticmethod
    def of(state: State) -> Rates:
        """The rates of the households as they are now."""
        h, p, lines = state.households, state.parameters, state.lines
        kind = state.boundaries.column("type")[state.boundaries.origin]
        flags = np.asarray(h.flags)
        group = (
            kind[np.asarray(h.settlement)].astype(np.int64) * 8
            + ((flags & OLD_ONLY) > 0) * 4
            + ((flags & VEHICLE) == 0) * 2
            + ((flags & DIGITAL) == 0)
        )
        rates = needs.yearly_rates(h, lines.places, p)
        rows = [i for i, line in enumerate(lines.all) if line in lines.places]
        asked = needs.yearly_rates(h, state.asked, p)
        shares, known = state.tier_shares().astype(np.float32), state.known
        for i, line in enumerate(state.asked):
            asked[:, i] *= known[lines.services.index(line.service)]
            if line.tier:
                asked[:, i] *= shares[h.settlement, i]
        return Rates(
            asked=asked,
            applied={i: np.ascontiguousarray(rates[:, j]) for j, i in enumerate(rows)},
            group=group,
            known=known,
        )


@dataclass(frozen=True)
class Candidates:
    """The facilities in reach for some lines, as the kernels of choice take them.

    slots: int32, own: bool ``[S, lines, K]``; trips: minutes float32 ``[S, lines, 4, K]`` by
    travel class.
    """

    slots: np.ndarray
    own: np.ndarray
    trips: np.ndarray

    @staticmethod
    def of(reach: Reach, pace: Pace, lines: slice) -> Candidates:
        """Contiguous copies of some columns of the table of reach."""
        metres = reach.metres[:, lines]
        ridden = None if reach.ridden is None else reach.ridden[:, lines]
        minutes = [pace.minutes(metres, travel_class, ridden) for travel_class in range(4)]
        return Candidates(
            slots=np.ascontiguousarray(reach.slot[:, lines]),
            own=np.ascontiguousarray(reach.own[:, lines]),
            trips=np.ascontiguousarray(np.stack(minutes, axis=-2), np.float32),
        )


@dataclass
class Reached:
    """Candidates of the lines asked for week by week, and of each line with places; tastes:
    float32 ``[H, L, K]``, what households lastingly like about the former, None until needed."""

    asked: Candidates
    places: dict[int, Candidates]
    tastes: np.ndarray | None = None

    @staticmethod
    def of(state: State, pace: Pace, applied: Iterable[int]) -> Reached:
        """What is in reach now; applied: lines with places."""
        reach, count = state.reach, len(state.asked)
        return Reached(
            Candidates.of(reach, pace, slice(count)),
            {i: Candidates.of(reach, pace, slice(i, i + 1)) for i in applied},
        )

    @property
    def lines(self) -> int:
        """How many lines asked for week by week it knows."""
        return self.asked.slots.shape[1]

    def resettled(self, state: State, before: np.ndarray) -> Reached:
        """The same for other households; before: row that each had, -1 for newcomers."""
        if self.tastes is None:
            return self
        tastes, new = self.tastes[before], np.flatnonzero(before < 0)
        tastes[new] = self._draw_tastes(state, new)
        return replace(self, tastes=tastes)

    def tastes_of(self, state: State) -> np.ndarray:
        """The lasting tastes, drawn at the first call."""
        if self.tastes is None:
            self.tastes = self._draw_tastes(state, slice(None))
        return self.tastes

    def _draw_tastes(self, state: State, rows: np.ndarray | slice) -> np.ndarray:
        settlement, agents = state.households.settlement[rows], state.households.key[rows]
        tastes = np.zeros((settlement.size, *self.asked.slots.shape[1:]), np.float32)
        choice.lifelong_tastes(
            np.uint64(state.key), settlement, agents, self.asked.slots,
            state.facilities.key.astype(np.uint32), tastes,
        )  # fmt: skip
        return tastes
