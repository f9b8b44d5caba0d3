"""Where a lever acts: units chosen by county, township, kind, type or id; by default all."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from sim.case.messages import did_you_mean
from sim.levers import words
from sim.levers.lever import Id, Lever
from sim.levers.plan import UnitPlan
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State

Names = Annotated[tuple[Id, ...], Field(min_length=1)]


class Scope(BaseModel):
    """Units that lie in one of the counties (names) and one of the townships (ids), are of the
    kind and type, and among the communities (ids); what is not said leaves all in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    counties: Names | None = None
    townships: Names | None = None
    communities: Names | None = None
    kind: Literal["community", "village"] | None = None
    type: Literal["urban", "town", "rural"] | None = None

    def units(self, site: Site) -> list[UnitPlan] | None:
        """The units it names at the lever's date, None where some of it is at fault."""
        faults = len(site.problems.errors)
        county = self._counties(site)
        townships = _known(site, "township", self.townships, site.townships)
        named = _known(site, "community", self.communities, site.units)
        if len(site.problems.errors) > faults:
            return None
        return [
            u
            for u in site.units.values()
            if (self.counties is None or county[u.seat] in self.counties)
            and (townships is None or u.township in townships)
            and (named is None or u.id in named)
            and self.kind in (None, u.kind)
            and self.type in (None, u.type)
        ]

    def _counties(self, site: Site) -> dict[str, str]:
        """County of every settlement; says which of the counties named are unknown."""
        case = site.case
        township = case.communities.set_index("id")["township"]
        of_township = case.townships.set_index("id")["county"]
        home = case.settlements["community"].map(township).map(of_township)
        for i, name in enumerate(self.counties or ()):
            if name in case.outside:
                site.leave_out("county", 1)
            elif name not in case.counties:
                hint = did_you_mean(name, case.counties) or f"counties: {', '.join(case.counties)}"
                message = f"there is no county {name!r}"
                site.error("unknown-id", message, hint, "scope", "counties", i)
        return dict(zip(case.settlements["id"], home, strict=True))

    def describe(self, units: int, lang: Lang) -> str:
        """So many units, of which kind."""
        kind = words.pick(words.UNITS[self.kind], lang)
        type_ = words.pick(words.TYPES[self.type], lang) if self.type else ""
        if lang == "zh":
            return f"{units}个{type_}{kind}"
        return " ".join(w for w in (f"{units:,}", type_, kind) if w)


class Scoped(Lever):
    """A lever on the units of a scope; they are found when it is bound."""

    scope: Scope = Scope()
    _units: tuple[str, ...] = PrivateAttr(default=())

    def bind(self, site: Site) -> Self | None:
        units = self.scope.units(site)
        if units is None:
            return None
        if not units:
            site.nothing_left(self.kind)
            return None
        lever = self.model_copy()
        lever._units = tuple(u.id for u in units)
        return lever

    def content(self) -> list[Any]:
        return [*super().content(), list(self._units)]

    def where(self, lang: Lang) -> str:
        """The units it acts on, in words."""
        return self.scope.describe(len(self._units), lang)

    def settlements(self, state: State) -> np.ndarray:
        """The settlements of the units it acts on, bool ``[S]``."""
        living = {u.id: row for row, u in enumerate(state.boundaries.units) if u.alive}
        return np.isin(state.boundaries.unit_of, [living[u] for u in self._units])


def _known(
    site: Site, noun: str, names: tuple[str, ...] | None, known: Collection[str]
) -> set[str] | None:
    """The names that lie in the experiment's scope; says which of them are unknown."""
    if names is None:
        return None
    for i, name in enumerate(names):
        plural = "communities" if noun == "community" else "townships"
        if name in names[:i]:
            message = f"the {noun} {name!r} stands twice in the list"
            site.error("named-twice", message, "name each once", "scope", plural, i)
        elif name in site.outside:
            site.leave_out(noun, 1)
        elif name not in known:
            site.unknown(noun, name, known, "scope", plural, i)
    return set(names)
