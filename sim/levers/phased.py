"""Levers that hold somewhere and come step by step: scope, pilots, waves and ramps.

Such a lever is a measure on settlements. Its scope says which, at its date; a pilot begins with
some of them, waves reach one part of the case after another, a ramp raises its strength by steps.
Each step is bound and applied as a lever of its own, on its own day.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from sim.levers.lever import Id, Lever
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.world.state import State

Ids = tuple[Id, ...]
Steps = Annotated[int, Field(strict=True, ge=2, le=52)]
Weeks = Annotated[int, Field(strict=True, ge=1, le=1040)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Scope(_Part):
    """Where a measure holds: all that fits every key given; without keys, everywhere.

    counties: their names; townships: their ids; communities: ids of communities and villages;
    kinds: communities or villages only; types: urban, town or rural ones only.
    """

    counties: tuple[str, ...] = ()
    townships: Ids = ()
    communities: Ids = ()
    kinds: tuple[Literal["community", "village"], ...] = ()
    types: tuple[Literal["urban", "town", "rural"], ...] = ()

    def units(self, site: Site, *keys: str | int) -> list[str]:
        """Ids of the units that fit at the lever's date; says which names are unknown."""
        known: dict[str, Any] = {
            "counties": {t.county for t in site.townships.values()},
            "townships": site.townships,
            "communities": site.units,
        }
        for noun, names in known.items():
            for i, name in enumerate(getattr(self, noun)):
                if name not in names and name not in site.outside:
                    singular = f"{noun[:-3]}y" if noun.endswith("ies") else noun[:-1]
                    site.unknown(singular, name, names, *keys, noun, i)
        tests: list[tuple[tuple[str, ...], Callable[[Any], str]]] = [
            (self.counties, lambda u: site.townships[u.township].county),
            (self.townships, lambda u: u.township),
            (self.communities, lambda u: u.id),
            (self.kinds, lambda u: u.kind),
            (self.types, lambda u: u.type),
        ]
        return [
            u.id
            for u in site.units.values()
            if all(what(u) in wanted for wanted, what in tests if wanted)
        ]

    def settlements(self, site: Site, *keys: str | int) -> list[str]:
        """Ids of the settlements of those units, sorted."""
        return sorted(s for unit in self.units(site, *keys) for s in site.members[unit])


class Pilot(Scope):
    """Where a measure begins, and how many weeks later the rest of its scope follows.

    weeks: until the rest follows.
    """

    weeks: Weeks


class Batches(_Part):
    """So many steps, one every `weeks`.

    number: how many; weeks: between two of them.
    """

    number: Steps
    weeks: Weeks


class Waves(Batches):
    """A measure that reaches the case in so many waves, one every `weeks`.

    A wave is a run of areas in the order of their ids, with about equally many households each.
    number: how many waves; weeks: between two of them; by: areas that are not divided.
    """

    by: Literal["county", "township", "community"] = "county"


class Ramp(_Part):
    """A measure that grows to its full strength in equal steps over so many weeks.

    weeks: from the first step to the last; steps: how many, at most one a week.
    """

    weeks: Weeks
    steps: Steps = 4

    @model_validator(mode="after")
    def _one_a_week(self) -> Self:
        if "steps" in self.model_fields_set and self.steps > self.weeks + 1:
            raise ValueError(f"a ramp of {self.weeks} weeks has at most {self.weeks + 1} steps")
        return self


@dataclass
class Stage:
    """One step of a measure: number `step` of `steps`; word: what the steps are.

    strength: share of the full measure; areas: settlements it may reach, None for all; reached:
    settlements of earlier steps, shared by all of them, which it leaves out; done: what a redraw
    has drawn by then, likewise.
    """

    step: int = 1
    steps: int = 1
    word: tuple[str, str] = ("", "")
    strength: float = 1.0
    areas: frozenset[str] | None = None
    reached: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)


class Stepped(Lever):
    """A lever with a scope that acts at once, after a pilot, or in waves.

    scope: where it holds, by default everywhere; pilot: where it begins; waves: how it reaches one
    part after another.
    """

    scope: Scope = Scope()
    pilot: Pilot | None = None
    waves: Waves | None = None
    _origin: Self | None = PrivateAttr(default=None)
    _stage: Stage = PrivateAttr(default_factory=Stage)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.pilot is not None and self.waves is not None:
            raise ValueError("come step by step in one way: a pilot or waves")
        return self

    def stages(self, site: Site) -> Iterator[Self]:
        """The steps of the lever, each as a lever with its own date."""
        seen: set[str] = set()
        done: set[str] = set()
        if self.pilot is not None:
            word = ("step", "步")
            yield self._step(0, Stage(1, 2, word, reached=seen, done=done))
            yield self._step(self.pilot.weeks, Stage(2, 2, word, reached=seen, done=done))
        elif self.waves is not None:
            parts, word = _parts(site, self.waves), ("wave", "批")
            for i, part in enumerate(parts):
                stage = Stage(i + 1, len(parts), word, areas=part, reached=seen, done=done)
                yield self._step(i * self.waves.weeks, stage)
        else:
            yield self

    def wanted(self, site: Site) -> list[str] | None:
        """Settlements in the scope that the step may reach, sorted; None where names are wrong."""
        so_far, stage = len(site.problems.found), self._stage
        wanted = self.scope.settlements(site, "scope")
        if self.pilot is not None and stage.step == 1:
            begin = set(self.pilot.settlements(site, "pilot"))
            wanted = [s for s in wanted if s in begin]
        if site.problems.has_errors(so_far):
            return None
        if self.waves is not None and stage.step == 1 and stage.steps < self.waves.number:
            areas = "counties" if self.waves.by == "county" else f"{self.waves.by}s"
            few = f"{stage.steps} instead of {self.waves.number}: {areas} are not divided"
            site.warn("fewer-waves", f"waves of this {self.kind} are {few}", "waves", "number")
        return [s for s in wanted if stage.areas is None or s in stage.areas]

    def nowhere(self, site: Site) -> None:
        """Says that a step finds nothing to do."""
        if site.outside:
            site.nothing_left(self.kind)
        elif self._stage.steps == 1:
            site.warn("none-fits", f"no community fits the scope of this {self.kind}", "scope")
        else:
            word, stage = self._stage.word[0], self._stage
            message = f"{word} {stage.step} of {stage.steps} of this {self.kind} reaches nothing"
            site.warn("none-fits", message, "pilot" if self.waves is None else "waves")

    def when(self, lang: Lang) -> str:
        """Its date, and which step it is."""
        stage = self._stage
        if stage.steps == 1:
            return str(self.date)
        if lang == "zh":
            return f"{self.date}（第{stage.step}/{stage.steps}{stage.word[1]}）"
        return f"{self.date} ({stage.word[0]} {stage.step} of {stage.steps})"

    def written(self) -> Self:
        return self._origin or self

    def _step(self, weeks: int, stage: Stage) -> Self:
        lever = self.model_copy(update={"date": self.date + timedelta(weeks=weeks)})
        lever._origin, lever._stage = self, stage
        return lever


class Phased(Stepped):
    """A measure on settlements, which may also grow.

    ramp: how it grows to its full strength.
    """

    ramp: Ramp | None = None
    _settlements: tuple[str, ...] = PrivateAttr(default=())
    _size: tuple[int, int] = PrivateAttr(default=(0, 0))

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(x is not None for x in (self.pilot, self.waves, self.ramp)) > 1:
            raise ValueError("come step by step in one way: a pilot, waves or a ramp")
        return self

    def stages(self, site: Site) -> Iterator[Self]:
        """The steps of the measure, each as a lever with its own date."""
        if self.ramp is None:
            yield from super().stages(site)
            return
        n, word = min(self.ramp.steps, self.ramp.weeks + 1), ("step", "步")
        for i in range(n):
            weeks = round(i * self.ramp.weeks / (n - 1))
            yield self._step(weeks, Stage(i + 1, n, word, strength=(i + 1) / n))

    @property
    def strength(self) -> float:
        """Share of the full measure that holds from this step on."""
        return self._stage.strength

    @property
    def added(self) -> float:
        """Share of the full measure that this step adds where it holds."""
        return 1 / self._stage.steps if self.ramp is not None else 1.0

    def part(self, share: float = 1.0) -> float:
        """The part of what is left that a step takes, for `share` of all to be taken at last."""
        before = self.strength - self.added if self.ramp is not None else 0.0
        return share * (self.strength - before) / (1 - share * before)

    def bind(self, site: Site) -> Self | None:
        so_far, stage = len(site.problems.found), self._stage
        wanted = self.wanted(site)
        self.check(site)
        if wanted is None or site.problems.has_errors(so_far):
            return None
        if self.ramp is None:
            wanted = [s for s in wanted if s not in stage.reached]
            stage.reached.update(wanted)
        if not wanted:
            self.nowhere(site)
            return None
        lever = self.model_copy()
        lever._settlements = tuple(wanted)
        units = {site.unit_of[s] for s in wanted}
        lever._size = len(units), sum(site.households[s] for s in wanted)
        lever.settle(site)
        return lever

    def check(self, site: Site) -> None:
        """Says what is wrong with the measure's own keys at its date."""
        return

    def settle(self, site: Site) -> None:
        """What else a bound lever keeps, and its effect on ids."""
        return

    def rows(self, state: State) -> np.ndarray:
        """Rows of its settlements, int64."""
        return np.searchsorted(state.world.settlements["id"].to_numpy(), self._settlements)

    def part_of_units(self, state: State) -> np.ndarray:
        """Share of the households of every unit that it reaches, float64 ``[U]``: less than 1 where
        a redraw came between its steps."""
        b, households = state.boundaries, np.maximum(1.0, state.census.households)
        reached = np.zeros(households.size)
        reached[self.rows(state)] = households[self.rows(state)]
        whole = b.sums(households)
        return np.divide(b.sums(reached), whole, out=np.zeros_like(whole), where=whole > 0)

    def offices(self, state: State) -> dict[int, int]:
        """Slots of the offices of the units that it reaches, by row of the unit."""
        units = state.boundaries.units
        reached = np.flatnonzero(self.part_of_units(state)).tolist()
        return {row: units[row].office for row in reached if units[row].office >= 0}

    @abstractmethod
    def say(self, lang: Lang) -> str:
        """What it does, without when and where."""

    def describe(self, lang: Lang = "en") -> str:
        units, households = self._size
        if lang == "zh":
            said = self.say(lang)
            return f"{self.when(lang)}：在{units}个社区（村）（{households}户），{said}。"
        where = f"in {amount(units, 'community')} ({amount(households, 'household')})"
        return f"{self.when(lang)}: {where} {self.say(lang)}."

    def content(self) -> list[Any]:
        return [*super().content(), self._stage.strength, list(self._settlements)]


def _parts(site: Site, waves: Waves) -> list[frozenset[str]]:
    """Settlements of each wave, by the areas of the case before any lever."""
    case = site.case
    township = dict(zip(case.communities["id"], case.communities["township"], strict=True))
    county = dict(zip(case.townships["id"], case.townships["county"], strict=True))
    area_of = {
        "community": lambda c: c,
        "township": lambda c: township[c],
        "county": lambda c: county[township[c]],
    }[waves.by]
    size: dict[str, int] = {}
    areas: dict[str, list[str]] = {}
    for settlement, community in zip(
        case.settlements["id"], case.settlements["community"], strict=True
    ):
        area = area_of(community)
        areas.setdefault(area, []).append(settlement)
        size[area] = size.get(area, 0) + site.households[settlement]
    order = sorted(areas)
    weight = np.array([size[a] for a in order], dtype=np.float64)
    middle = (np.cumsum(weight) - weight / 2) / max(1.0, weight.sum())
    wave = np.minimum((middle * waves.number).astype(int), waves.number - 1)
    parts = [
        frozenset(s for a, w in zip(order, wave, strict=True) if w == n for s in areas[a])
        for n in range(waves.number)
    ]
    return [p for p in parts if p]
