"""The model: a Mesa model whose week is one visible list of phases.

    1  levers due           what the scenario changes this week
    2  demography           ageing, births, deaths, moves: once a year
    3  needs                what households ask for
    4  choice               where they go, or put it off
    5  service              waits, refusals, places and lists
    6  work                 hours of offices: done, queued, lost
    7  workers              fatigue, certificates, exits, vacancies, newcomers
    8  learning             expected waits, belonging
    9  recording            outcomes of the week

Conservation is checked after 9.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

import mesa
import numpy as np

from sim.case.parameters import Parameters
from sim.levers.due import pull_due
from sim.levers.scenario import Scenario
from sim.outcomes.access import Distances
from sim.outcomes.recorder import Record, Recorder, Records
from sim.phases.columns import Constants, Rates, Reached
from sim.phases.conservation import check_conservation
from sim.phases.offices import work_offices
from sim.phases.population import change_population
from sim.phases.residents import learn
from sim.phases.running import Running
from sim.phases.services import choose_facility, draw_needs, serve
from sim.phases.staff import change_staff
from sim.phases.start import start_staff
from sim.phases.week import Week
from sim.world.enrolment import Enrolment
from sim.world.state import State
from sim.world.weeks import week_of
from sim.world.world import World


class CommunityModel(mesa.Model, Running):
    """Households, facilities and offices of one case under one scenario, week by week.

    `state` is all that changes; `now` what the week under way produced. Facilities and offices
    are agents of the model, households are columns of the state. No process draws from the
    model's own generators: every draw is keyed (see `sim.world.draws`).
    """

    def __init__(
        self, world: World, scenario: Scenario, parameters: Parameters, start: date, seed: int,
        replicate: int, recorder: Recorder | None = None,
    ):  # fmt: skip
        super().__init__(rng=np.random.default_rng(int(seed)))
        self.state = State.at_start(self, world, parameters, start, seed, replicate)
        self.scenario, self.recorder = scenario, recorder
        self.constants, self.rates = Constants.of(self.state), Rates.of(self.state)
        self.state.enrolments = {
            line: Enrolment.none(rates) for line, rates in self.rates.applied.items()
        }
        self.reached: Reached
        self.applied = 0
        self.reach_changed, self.routes_changed, self.population_changed = True, False, False
        self.now = Week.of(self.state)
        start_staff(self)

    def branch(self, scenario: Scenario) -> CommunityModel:
        """A model that goes on from here under another scenario with the same levers so far.

        Exact, because draws are keyed: the branch is what the scenario would have come to alone.
        """
        twin = CommunityModel.__new__(CommunityModel)
        mesa.Model.__init__(twin, rng=np.random.default_rng(0))
        # of the rest nothing is written in place, so the two may share it
        for name in ("constants", "rates", "reached", "applied"):
            setattr(twin, name, getattr(self, name))
        twin.scenario = scenario
        twin.state = self.state.copy(twin)
        twin.recorder = self.recorder.copy() if self.recorder else None
        return twin

    def close(self) -> None:
        """Frees what the run took, now: a model of Mesa and its agents refer to each other, and
        Python would get to them after many more runs."""
        self.__dict__.clear()

    @property
    def week(self) -> int:
        """Number of the week under way."""
        return self.state.week

    @property
    def ways_changed(self) -> bool:
        """Whether some residents have another way to a service than last week."""
        return self.reach_changed or self.routes_changed

    def step(self) -> None:
        """One week: every phase in order, then the checks."""
        self.now = Week.of(self.state)
        for phase in PHASES:
            phase(self)
        check_conservation(self)
        self.state.week += 1


def levers_due(model: CommunityModel) -> None:
    """1 Levers due: those whose first week this is, in the order of the scenario."""
    s = model.state
    model.applied = pull_due(s, model.scenario.levers, model.applied)
    f = s.facilities
    if s.week > 0 and ((f.opened == s.week) | (f.closed == s.week)).any():
        s.touch()
    model.reach_changed = s.reach_is_stale or s.week == 0
    if model.reach_changed or model.reached.lines < len(s.asked):
        model.reached = Reached.of(s, model.constants.pace, model.rates.applied)
    model.routes_changed, s.routes_changed = s.routes_changed, False
    if model.routes_changed or (s.known != model.rates.known).any():
        model.rates = Rates.of(s)


def record(model: CommunityModel) -> None:
    """9 Recording."""
    if model.recorder is not None:
        model.recorder.take(model)


PHASES: tuple[Callable[[CommunityModel], None], ...] = (
    levers_due,
    change_population,
    draw_needs,
    choose_facility,
    serve,
    work_offices,
    change_staff,
    learn,
    record,
)


def simulate(
    world: Path | World,
    scenario: Scenario,
    base: Scenario,
    *,
    parameters: Parameters,
    start: date,
    weeks: int,
    seed: int,
    replicate: int,
    record: Record,
    past: SharedPast | None = None,
) -> Records:
    """One run: a scenario and a replicate over so many weeks.

    base: the scenario against which losers are counted; past: of runs of the same replicate,
    which then do not compute twice what they have in common. Raises `Breach` where something
    was not conserved, and RuntimeError where a lever of the scenario was never applied.
    """
    began = time.perf_counter()
    opened = _open(world) if isinstance(world, Path) else world
    due = [
        w
        for w in range(weeks)
        if Record.due(record.losers, w, weeks) or Record.due(record.units, w, weeks)
    ]
    place = str(world) if isinstance(world, Path) else ""
    ways = _base_ways(place, base, parameters, start, tuple(due), opened, (seed, replicate))
    model = past.resume(scenario) if past is not None else None
    if model is None:
        recorder = Recorder(record, weeks, ways)
        model = CommunityModel(opened, scenario, parameters, start, seed, replicate, recorder)
    while model.week < weeks:
        if past is not None:
            past.keep(model)
        model.step()
    if model.applied < len(scenario.levers):
        missed = ", ".join(x.kind for x in scenario.levers[model.applied :])
        raise RuntimeError(f"levers of {scenario.name} were not applied: {missed}")
    assert model.recorder is not None
    records = model.recorder.records()
    model.close()
    return Records(
        records.outcomes, records.units, records.losers, _peak_memory(), time.perf_counter() - began
    )


@dataclass
class SharedPast:
    """Models at the weeks where scenarios of one replicate part, by the levers applied so far.

    Only what a scenario still to come can go on from is kept, and no longer than that.
    to_come: the scenarios, in the order in which they are run.
    """

    weeks: tuple[int, ...]
    start: date
    to_come: list[Scenario]
    kept: dict[tuple[int, str], CommunityModel] = field(default_factory=dict)
    _digests: dict[int, tuple[Scenario, dict[int, str]]] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(scenarios: Iterable[Scenario], start: date) -> SharedPast:
        """Nothing yet; scenarios part where any of them has a lever."""
        to_come = list(scenarios)
        weeks = {week_of(x.date, start) for s in to_come for x in s.levers}
        return SharedPast(tuple(sorted(w for w in weeks if w > 0)), start, to_come)

    def shared_weeks(self) -> list[int]:
        """For each scenario to come, the weeks that those before it will have computed for it."""
        return [
            max((self._parting(earlier, s) for earlier in self.to_come[:i]), default=0)
            for i, s in enumerate(self.to_come)
        ]

    def _key(self, scenario: Scenario, week: int) -> tuple[int, str]:
        """What stands for the past of a scenario before a week."""
        known = self._digests.setdefault(id(scenario), (scenario, {}))[1]
        if week not in known:
            before = tuple(x for x in scenario.levers if week_of(x.date, self.start) < week)
            known[week] = replace(scenario, levers=before).digest
        return week, known[week]

    def _parting(self, one: Scenario, other: Scenario) -> int:
        """The last week of `weeks` up to which two scenarios are the same; 0 if there is none."""
        same = (w for w in self.weeks if self._key(one, w) == self._key(other, w))
        return max(same, default=0)

    def keep(self, model: CommunityModel) -> None:
        """Keeps the model as it is at the start of a week where a scenario to come leaves it."""
        if model.week in self.weeks and any(
            self._parting(model.scenario, s) == model.week for s in self.to_come
        ):
            key = self._key(model.scenario, model.week)
            if key not in self.kept:
                self.kept[key] = model.branch(model.scenario)

    def resume(self, scenario: Scenario) -> CommunityModel | None:
        """The latest model from which the scenario, which has come now, can go on; None where
        there is none yet."""
        self.to_come = [s for s in self.to_come if s is not scenario]
        own = [self._key(scenario, week) for week in self.weeks]
        found = next((self.kept[key] for key in reversed(own) if key in self.kept), None)
        model = found.branch(scenario) if found is not None else None
        wanted = {self._key(s, week) for s in self.to_come for week in self.weeks}
        for key in self.kept.keys() - wanted:
            self.kept.pop(key).close()
        return model


@lru_cache(maxsize=2)
def _open(path: Path) -> World:
    """A worker runs many runs of one world."""
    return World.open(path)


_BASE_WAYS: dict[tuple, dict[int, Distances]] = {}


def _base_ways(
    place: str, base: Scenario, parameters: Parameters, start: date, weeks: tuple[int, ...],
    world: World, seeds: tuple[int, int],
) -> dict[int, Distances]:  # fmt: skip
    """The ways to services under the base, in the weeks asked for.

    Only boundaries and facilities matter for them, so the base is replayed without what its
    households do; which points a lever keeps may depend on how many live there, so its population
    lives on. The last answer is kept, since a worker asks the same for every run of an experiment.
    seeds: root seed and replicate.
    """
    if not base.levers:
        seeds = (0, 0)  # nothing that depends on the population
    key = (place, base.digest, parameters.digest, start, weeks, seeds)
    if place and key in _BASE_WAYS:
        return _BASE_WAYS[key]
    model = CommunityModel(world, base, parameters, start, *seeds)
    ways: dict[int, Distances] = {}
    current: Distances | None = None
    for week in range(max(weeks) + 1):
        model.state.week = week
        levers_due(model)
        if base.levers:
            change_population(model)
        if model.ways_changed or current is None:
            current = Distances.of(model.state, model.constants.pace)
        if week in weeks:
            ways[week] = current
    model.close()
    _BASE_WAYS.clear()
    _BASE_WAYS[key] = ways
    return ways


def _peak_memory() -> float:
    """Peak resident memory of this process in MB; 0 where the system does not say."""
    try:
        import resource
    except ImportError:
        return 0.0
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
