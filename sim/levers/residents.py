"""Levers on what residents do for themselves: volunteers, property management, community funds."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, PrivateAttr, field_validator, model_validator

from sim.levers import words
from sim.levers.lever import some
from sim.levers.phased import Phased
from sim.levers.services import agree
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.processes.property import left_by_management
from sim.world.state import State

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Yuan = Annotated[float, Field(strict=True, gt=0, le=1e9)]
SHARES = ("registered", "active")


class RecruitVolunteers(Phased):
    """Registers residents as volunteers, or makes more of those registered active; they do general
    home visits in place of the office.

    registered: share of the residents who are registered volunteers, by default the parameter
    `volunteers.registered`; active: share of these who are active, by default the parameter
    `volunteers.active`.
    """

    kind: ClassVar[str] = "recruit_volunteers"

    registered: Share | None = None
    active: Share | None = None

    @model_validator(mode="after")
    def _recruits(self) -> Self:
        if self.registered is None and self.active is None:
            raise ValueError("give registered, active, or both")
        return self

    def check(self, site: Site) -> None:
        for name in SHARES:
            wanted, usual = getattr(self, name), site.parameters[f"volunteers.{name}"]
            if wanted is not None and wanted < usual:
                message = f"{wanted:.1%} {name} is less than the {usual:.1%} there are without it"
                site.warn("fewer-volunteers", message, name)

    def say(self, lang: Lang) -> str:
        texts = {
            "registered": ("{} of residents are registered volunteers", "注册志愿者占居民的{}"),
            "active": ("{} of registered volunteers are active", "注册志愿者中活跃者占{}"),
        }
        said = [
            words.pick(texts[name], lang).format(f"{share:.1%}")
            for name in SHARES
            if (share := getattr(self, name)) is not None
        ]
        text = ("，" if lang == "zh" else " and ").join(said)
        return words.so_far(text, self.strength, lang)

    def apply(self, state: State) -> None:
        rows = self.rows(state)
        for name in SHARES:
            wanted = getattr(self, name)
            if wanted is not None:
                usual = state.parameters[f"volunteers.{name}"]
                getattr(state.policies, name)[rows] = usual + self.strength * (wanted - usual)


class PropertyManagement(Phased):
    """Sets up property management in compounds of some types. Complaints fall by the factor of the
    form (parameters `property.*`), and the public pays a subsidy. A later one takes the place of
    an earlier one.

    compounds: types of compound that it is for; form: by the residents themselves (self, 自管), by
    a company entrusted with it (entrusted, 委托), or by community and residents together (joint,
    共管); yuan_household: subsidy a year and household, by default the parameter of the form
    (`property.*_subsidy`).
    """

    kind: ClassVar[str] = "property_management"

    compounds: Annotated[
        tuple[Literal["commodity", "resettlement", "old_courtyard", "village"], ...],
        AfterValidator(some),
        Field(json_schema_extra={"minItems": 1}),
    ]
    form: Literal["self", "entrusted", "joint"]
    yuan_household: Annotated[float, Field(strict=True, ge=0, le=1e5)] | None = None
    _factor: float = PrivateAttr(default=1.0)
    _subsidy: float = PrivateAttr(default=0.0)

    @field_validator("compounds")
    @classmethod
    def _once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("name each type of compound once")
        return value

    def bind(self, site: Site) -> Self | None:
        lever = super().bind(site)
        if lever is None:
            return None
        table = site.case.settlements
        type_of = dict(zip(table["id"], table["compound"], strict=True))
        mine = tuple(s for s in lever._settlements if type_of[s] in self.compounds)
        if not mine:
            if site.outside:
                site.nothing_left(self.kind)
            elif self._stage.steps == 1:
                message = f"no {' or '.join(self.compounds)} compound lies in the scope"
                site.warn("none-fits", message, "compounds")
            return None
        lever._settlements = mine
        lever._size = len({site.unit_of[s] for s in mine}), sum(site.households[s] for s in mine)
        p = site.parameters
        lever._factor = left_by_management(self.form, lever.strength, p)
        lever._subsidy = lever._yuan(p[f"property.{self.form}_subsidy"])
        return lever

    def _yuan(self, usual: float) -> float:
        return self.strength * (usual if self.yuan_household is None else self.yuan_household)

    def say(self, lang: Lang) -> str:
        compounds = [words.pick(words.COMPOUNDS[c], lang) for c in self.compounds]
        form = words.pick(words.FORMS[self.form], lang)
        left, yuan = f"{self._factor:.0%}", f"{self._subsidy:,.0f}"
        if lang == "zh":
            where = words.listed(compounds, lang)
            return f"{where}实行{form}，投诉降至{left}，每户每年补贴{yuan}元"
        where = words.listed(compounds, lang)
        return (
            f"{where} come under {form}: {left} of complaints remain, "
            f"for a subsidy of {yuan} yuan a year and household"
        )

    def apply(self, state: State) -> None:
        rows, p = self.rows(state), state.parameters
        state.policies.complaints[rows] = left_by_management(self.form, self.strength, p)
        state.policies.subsidy[rows] = self._yuan(p[f"property.{self.form}_subsidy"])


class CommunityFund(Phased):
    """Sets up community funds. The money buys support of self-governance, as a contract of the
    office that follows it through redraws, and lifts belonging (parameter `fund.belonging`). A
    second fund adds to the first. Conserved: the yuan agreed.

    yuan_household: a year and household, by default the parameter `fund.household`; yuan_community:
    a year and community, in its place.
    """

    kind: ClassVar[str] = "community_fund"

    yuan_household: Yuan | None = None
    yuan_community: Yuan | None = None
    _household: float = PrivateAttr(default=0.0)

    @model_validator(mode="after")
    def _one_way_to_say(self) -> Self:
        if self.yuan_household is not None and self.yuan_community is not None:
            raise ValueError("give yuan_household or yuan_community, not both")
        return self

    def settle(self, site: Site) -> None:
        self._household = self._of_household(site.parameters["fund.household"])

    def _of_household(self, usual: float) -> float:
        return usual if self.yuan_household is None else self.yuan_household

    def say(self, lang: Lang) -> str:
        if self.yuan_community is not None:
            yuan, per, each = self.yuan_community, "community", "每个社区（村）"
        else:
            yuan, per, each = self._household, "household", "每户"
        said = f"{yuan * self.strength:,.0f}"
        pair = (
            f"community funds have {said} yuan a year and {per}",
            f"设立社区基金，{each}每年{said}元",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        """Shares of a unit that it reaches in part, because a redraw came between its steps, are by
        households."""
        b, rows = state.boundaries, self.rows(state)
        households = np.maximum(1.0, b.sums(state.census.households))
        if self.yuan_community is not None:
            a_household = self.yuan_community / households
        else:
            a_household = np.full(
                len(b.units), self._of_household(state.parameters["fund.household"])
            )
        state.policies.fund[rows] += self.added * a_household[b.unit_of[rows]]
        part = self.part_of_units(state)
        for row, office in self.offices(state).items():
            yuan = self.added * float(a_household[row] * households[row] * part[row])
            agree(state, office, "self_governance", yuan)
