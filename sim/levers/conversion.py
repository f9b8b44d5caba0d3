"""The lever that makes communities of villages (村改居)."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal, Self

from sim.levers import words
from sim.levers.boundary import BoundaryLever, plan_of
from sim.levers.doubt import units_in_doubt
from sim.levers.phased import Stepped
from sim.levers.plan import UnitPlan
from sim.levers.site import Site
from sim.levers.words import Lang, amount

NAMED = 3  # units that a description names; more are counted


class ConvertVillage(BoundaryLever, Stepped):
    """Makes communities (社区) of the villages (村) in its scope; ids, people and staff stay.

    The office takes on the full list of tasks where it has the staff of a community for it; its
    counter gets the windows of one.

    type: of the communities, by default urban under a street office, else town.
    """

    kind: ClassVar[str] = "convert_village"
    reshapes: ClassVar[bool] = False
    moves: ClassVar[bool] = False

    type: Literal["urban", "town"] | None = None

    def bind(self, site: Site) -> Self | None:
        so_far = len(site.problems.found)
        wanted = self.wanted(site)
        first = self._stage.step == 1
        for i, name in enumerate(self.scope.communities if first else ()):
            if not units_in_doubt(site, [name]) and site.units[name].kind == "community":
                message = f"{site.units[name].name} ({name}) is a community already"
                site.error("no-village", message, "leave it out", "scope", "communities", i)
        if wanted is None or site.problems.has_errors(so_far) or not site.sure:
            return None
        found = dict.fromkeys(site.unit_of[s] for s in wanted)
        villages = [site.units[u] for u in found if site.units[u].kind == "village"]
        villages = [u for u in villages if u.id not in self._stage.done]
        self._stage.done.update(u.id for u in villages)
        if not villages:
            self.nowhere(site)
            return None
        return self._bound(site, plan_of(site, [self._converted(site, u) for u in villages]))

    def may_make(self, site: Site) -> set[str]:
        return set()  # ids stay

    def _converted(self, site: Site, unit: UnitPlan) -> UnitPlan:
        street = site.townships[unit.township].kind == "street"
        return replace(unit, kind="community", type=self.type or ("urban" if street else "town"))

    def describe(self, lang: Lang = "en") -> str:
        units, households = self._plan.units, sum(n for _, n in self._sizes)
        named = words.listed([words.named(u.name, u.id, lang) for u in units[:NAMED]], lang)
        few = len(units) <= NAMED
        if lang == "zh":
            which = f"（{named}）" if few else ""
            return f"{self.when(lang)}：{len(units)}个村{which}改为社区，涉及{households}户。"
        which = f", {named}," if few else ""
        become = "becomes a community" if len(units) == 1 else "become communities"
        return (
            f"{self.when(lang)}: {amount(len(units), 'village')}{which} with "
            f"{amount(households, 'household')} {become}."
        )
