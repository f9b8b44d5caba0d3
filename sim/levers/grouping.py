"""The lever that draws residents' groups (居民小组) anew, and makes grids (网格) of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.lever import Flag
from sim.levers.phased import Stepped
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.processes.grouping import draw_groups, join_to, numbers_of_groups
from sim.world.state import State


class Regroup(Stepped):
    """Draws the residents' groups of the communities in its scope anew, from whole settlements.

    Units, offices and households stay; each group has one leader.

    households: how many a group should have; groups: or how many there should be in all of the
    case (a scope of the experiment takes its share), shared out by households; without either,
    groups stay as they are. coincide: whether groups are grids as well, so that one list of
    residents does for both, by default as before.
    """

    kind: ClassVar[str] = "regroup"

    households: Annotated[int, Field(strict=True, ge=10, le=5000)] | None = None
    groups: Annotated[int, Field(strict=True, ge=1)] | None = None
    coincide: Flag | None = None
    _groups: tuple[tuple[str, ...], ...] = PrivateAttr(default=())
    _before: int = PrivateAttr(default=0)
    _size: tuple[int, int] = PrivateAttr(default=(0, 0))

    @property
    def redrawn(self) -> bool:
        """Whether the groups become others."""
        return self.households is not None or self.groups is not None

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.households is not None and self.groups is not None:
            raise ValueError("give households or groups, not both")
        if self.households is None and self.groups is None and self.coincide is None:
            raise ValueError("say how many households a group should have, or whether to coincide")
        return self

    def bind(self, site: Site) -> Self | None:
        wanted = self.wanted(site)
        if wanted is None:
            return None
        stage = self._stage
        wanted = [s for s in wanted if s not in stage.reached]
        stage.reached.update(wanted)
        if not wanted:
            self.nowhere(site)
            return None
        units: dict[str, list[str]] = {}
        for settlement in wanted:
            units.setdefault(site.unit_of[settlement], []).append(settlement)
        lever = self.model_copy()
        lever._size = len(units), site.size(wanted)
        lever._before = sum(len({site.group_of[s] for s in mine}) for mine in units.values())
        lever._groups = tuple(self._drawn(site, list(units.values())))
        self._remark(site, wanted)
        for group in lever._groups:
            site.group_of.update(dict.fromkeys(group, group))
        return lever

    def _remark(self, site: Site, wanted: list[str]) -> None:
        """Warns where there cannot be as many groups as asked for."""
        if self._stage.step > 1 or not self.redrawn:
            return
        if self.groups is not None:
            key, asked, there = "groups", self._asked(site), sum(self._numbers(site).values())
        else:
            key, asked = "households", site.size(wanted) // (self.households or 1)
            there = min(asked, len(wanted))
        if there == asked:
            return
        few = there < asked
        why = "settlements, none of which is divided" if few else "communities, each with a group"
        message = f"{asked:,} groups are asked for; there are {there:,} {why}"
        hint = "ask for fewer or larger groups" if few else "ask for more groups"
        site.warn("other-number", message, key, hint=hint)

    def _asked(self, site: Site) -> int:
        assert self.groups is not None
        return max(1, round(self.groups * site.case.share))

    def _drawn(self, site: Site, units: list[list[str]]) -> Iterator[tuple[str, ...]]:
        """The groups of these units, each given by its settlements."""
        size, near = site.households, site.neighbours
        numbers = self._numbers(site)
        for mine in units:
            number = min(numbers.get(site.unit_of[mine[0]], 0), len(mine))
            if self.households is not None:
                yield from map(tuple, draw_groups(mine, size, near, self.households))
            elif self.groups is not None:
                yield from map(tuple, join_to(mine, size, near, number))
            else:
                groups: dict[object, list[str]] = {}
                for s in mine:
                    groups.setdefault(site.group_of[s], []).append(s)
                yield from map(tuple, groups.values())

    def _numbers(self, site: Site) -> dict[str, int]:
        """How many groups each unit gets, of all that there should be in the whole scope."""
        if self.groups is None:
            return {}
        size = site.households
        units: dict[str, list[str]] = {}
        for settlement in self.scope.settlements(site, "scope"):
            units.setdefault(site.unit_of[settlement], []).append(settlement)
        numbers = numbers_of_groups(
            [sum(size[s] for s in mine) for mine in units.values()],
            [len(mine) for mine in units.values()],
            self._asked(site),
        )
        return dict(zip(units, numbers, strict=True))

    def describe(self, lang: Lang = "en") -> str:
        units, households = self._size
        after = len(self._groups)
        mean = f"{households / max(1, after):,.0f}"
        said = []
        if self.redrawn:
            pair = (
                f"{amount(self._before, 'group')} {words.verb(self._before, 'become')} "
                f"{after:,} of {mean} households on average",
                f"居民小组由{self._before}个调整为{after}个，平均每组{mean}户",
            )
            said.append(words.pick(pair, lang))
        if self.coincide is not None:
            pair = (
                ("groups are grids as well", "小组与网格合一")
                if self.coincide
                else ("groups and grids differ", "小组与网格分设")
            )
            said.append(words.pick(pair, lang))
        if lang == "zh":
            return (
                f"{self.when(lang)}：在{units}个社区（村）（{households}户），{'；'.join(said)}。"
            )
        where = f"in {amount(units, 'community')} ({amount(households, 'household')})"
        return f"{self.when(lang)}: {where} {'; '.join(said)}."

    def content(self) -> list[Any]:
        return [*super().content(), [list(g) for g in self._groups]]

    def apply(self, state: State) -> None:
        row = {name: i for i, name in enumerate(state.world.settlements["id"])}
        group_of = state.boundaries.group_of
        if self.redrawn:
            first = int(group_of.max(initial=-1)) + 1
            for number, group in enumerate(self._groups, first):
                group_of[[row[s] for s in group]] = number
        if self.coincide is not None:
            state.policies.aligned[[row[s] for g in self._groups for s in g]] = self.coincide
