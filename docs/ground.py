"""Where people stand right before and after a redraw: the patterns that are geometry alone."""

from __future__ import annotations

from dataclasses import dataclass

import mesa
import numpy as np
from scipy.stats import spearmanr

from sim.case.case import Case
from sim.levers.plan import KeepShare
from sim.levers.scenario import Scenario
from sim.outcomes.access import SEAT_BANDS
from sim.world.state import State
from sim.world.weeks import week_of
from sim.world.world import World

RARE = 3.09  # standard deviations that chance exceeds once in a thousand times


@dataclass(frozen=True)
class Loss:
    """Metres lost by band of distance to the surviving seat, of all persons; the rank correlation
    of the two over settlements, and what chance would exceed once in a thousand times."""

    bands: list[float]
    correlation: float
    chance: float


class Ground:
    """A case right before and after the redraw of a scenario, without its households' lives."""

    def __init__(self, case: Case, scenario: Scenario):
        self.case, self.world = case, World.of(case, case.parameters)
        self.lever = next(x for x in scenario.levers if x.redraws)

    def state(self, share: float | None) -> State:
        """With so large a share of the old points kept; None: before the redraw."""
        start = self.case.meta.start
        host = mesa.Model(rng=np.random.default_rng(0))
        state = State.at_start(host, self.world, self.case.parameters, start, 0, 0)
        state.week = week_of(self.lever.date, start)
        if share is not None:
            points = KeepShare(keep_share=share)
            self.lever.model_copy(update={"service_points": points}).apply(state)
        return state

    def points_and_metres(self, share: float) -> tuple[int, float]:
        """Points of units, and mean metres to the nearest of the own unit, of all persons."""
        state = self.state(share)
        (line,) = state.lines.of_service("community")
        f, j = state.facilities, state.lines.services.index("community")
        persons = state.census.people.sum(axis=(1, 2))
        points = int((f.is_open(state.week) & f.offers[:, j]).sum())
        return points, float(np.average(state.reach.nearest[:, line], weights=persons))

    def losses(self) -> dict[str, Loss]:
        """Of those whose unit was merged, to its point; of those whose township was, to its
        centre. All old points and centres but those at the new seats close."""
        before, after = self.state(None), self.state(0.0)
        b, old = after.boundaries, before.boundaries
        seats = {
            "own point": (b.column("seat")[b.unit_of], b.unit_of, old.unit_of),
            "township centre": (
                np.array([t.seat for t in b.townships])[b.township_of()],
                b.township_of(),
                old.township_of(),
            ),
        }
        lines = (
            after.lines.of_service("community")[0],
            next(
                i
                for i, line in enumerate(after.lines.all)
                if line.service == "government" and line.tier == "station"
            ),
        )
        found = {}
        for line, (what, (seat, new, was)) in zip(lines, seats.items(), strict=True):
            lost = after.reach.nearest[:, line] - before.reach.nearest[:, line]
            found[what] = _loss(after, lost, seat, _merged(new, was))
        return found


def _merged(new: np.ndarray, was: np.ndarray) -> np.ndarray:
    """Settlements whose area is made of several old ones."""
    pairs = np.unique(np.column_stack([new, was]), axis=0)[:, 0]
    return np.isin(new, [area for area in np.unique(pairs) if (pairs == area).sum() > 1])


def _loss(state: State, lost: np.ndarray, seat: np.ndarray, of: np.ndarray) -> Loss:
    x, y = (state.world.settlements[a].to_numpy(np.float64) for a in ("x", "y"))
    far = state.travel.pairs(np.arange(x.size), x[seat], y[seat])
    persons = state.census.people.sum(axis=(1, 2))
    bands = []
    for low, high in SEAT_BANDS.values():
        mine = of & (far >= low) & (far < high)
        bands.append(float(np.average(lost[mine], weights=persons[mine])))
    rank = float(spearmanr(far[of], lost[of]).statistic)
    return Loss(bands, rank, float(RARE / np.sqrt(of.sum() - 1)))
