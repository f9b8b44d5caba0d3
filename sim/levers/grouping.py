"""The lever that draws residents' groups (居民小组) anew, and makes grids (网格) of them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.lever import Flag
from sim.levers.phased import Stepped
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.processes.grouping import draw_groups
from sim.world.state import State


class Regroup(Stepped):
    """Draws the residents' groups of the communities in its scope anew, from whole settlements.

    Units, offices and households stay; each group has one leader.

    households: how many a group should have, without it groups stay as they are; coincide: whether
    groups are grids as well, so that one list of residents does for both, by default as before.
    """

    kind: ClassVar[str] = "regroup"

    households: Annotated[int, Field(strict=True, ge=10, le=5000)] | None = None
    coincide: Flag | None = None
    _groups: tuple[tuple[str, ...], ...] = PrivateAttr(default=())
    _before: int = PrivateAttr(default=0)
    _size: tuple[int, int] = PrivateAttr(default=(0, 0))

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.households is None and self.coincide is None:
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
        lever._groups = tuple(g for mine in units.values() for g in self._drawn(site, mine))
        for group in lever._groups:
            site.group_of.update(dict.fromkeys(group, group))
        return lever

    def _drawn(self, site: Site, settlements: list[str]) -> list[tuple[str, ...]]:
        """The groups of one unit."""
        if self.households is None:
            groups: dict[object, list[str]] = {}
            for s in settlements:
                groups.setdefault(site.group_of[s], []).append(s)
            return [tuple(g) for g in groups.values()]
        drawn = draw_groups(settlements, site.households, site.neighbours, self.households)
        return [tuple(g) for g in drawn]

    def describe(self, lang: Lang = "en") -> str:
        units, households = self._size
        after = len(self._groups)
        mean = f"{households / max(1, after):,.0f}"
        said = []
        if self.households is not None:
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
        if self.households is not None:
            first = int(group_of.max(initial=-1)) + 1
            for number, group in enumerate(self._groups, first):
                group_of[[row[s] for s in group]] = number
        if self.coincide is not None:
            state.policies.aligned[[row[s] for g in self._groups for s in g]] = self.coincide
