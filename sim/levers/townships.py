"""Levers on townships: merge some, or set up a street office (街道)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from sim.case.messages import did_you_mean
from sim.levers import words
from sim.levers.boundary import BoundaryLever, check_names, count_kinds, plan_of
from sim.levers.doubt import in_counties_of, townships_in_doubt, units_in_doubt
from sim.levers.lever import Id, NewId
from sim.levers.plan import Points, TownshipPlan, UnitPlan, share_kept
from sim.levers.redrawing import redraw
from sim.levers.site import Site
from sim.levers.words import Lang
from sim.world.state import State

KINDS = {"street": ("street", "街道"), "town": ("town", "镇"), "township": ("township", "乡")}


class _OnTownships(BoundaryLever):
    """What the two levers share: no unit gains or loses settlements."""

    reshapes: ClassVar[bool] = False

    def _say_size(self, units: Sequence[UnitPlan], lang: Lang) -> str:
        households = sum(n for u, n in self._sizes if u in {x.id for x in units})
        if lang == "zh":
            return f"{count_kinds(units, lang)}，{households}户"
        return f"{count_kinds(units, lang)} with {households:,} households"


class MergeTownships(_OnTownships):
    """Merges two or more townships of a county into one, which bears the id of the seat's.

    Their communities and villages carry on under it; under a street office communities are urban.
    Staff of all offices stay.

    townships: ids of those to merge; name: of the new one, by default that of the seat's;
    unit_kind: street, town or township, by default the seat's; seat: id of the one whose seat
    stays, by default the first; township_points: what becomes of the other centres, close, keep,
    or a share to keep.
    """

    kind: ClassVar[str] = "merge_townships"

    townships: Annotated[tuple[Id, ...], Field(min_length=2)]
    name: str | None = None
    unit_kind: Literal["street", "town", "township"] | None = None
    seat: Id | None = None
    township_points: Points = "close"

    def bind(self, site: Site) -> Self | None:
        inside = tuple(t for t in self.townships if t not in site.outside)
        if len(inside) < len(self.townships):
            if len(inside) < 2:
                site.nothing_left(self.kind)
                return None
            site.leave_out("township", len(self.townships) - len(inside))
            seat = self.seat if self.seat in inside else None
            return self.model_copy(update={"townships": inside, "seat": seat}).bind(site)
        so_far = len(site.problems.found)
        check_names(site, "township", self.townships, site.townships, "townships")
        if self.seat is not None and self.seat not in self.townships:
            hint = did_you_mean(self.seat, self.townships) or "name one of the townships"
            message = f"the seat {self.seat!r} is not in the list"
            site.error("seat-not-merged", message, hint, "seat")
        if site.problems.has_errors(so_far) or townships_in_doubt(site, self.townships):
            return None
        old = [site.townships[t] for t in self.townships]
        units = [u for u in site.units.values() if u.township in self.townships]
        if len({t.county for t in old}) > 1:
            message = "the townships lie in different counties"
            site.error("two-counties", message, "merge within a county", "townships")
            return None
        if not site.connected([u.id for u in units]):
            message = "the townships are not connected by common borders"
            site.error("not-adjacent", message, "add those between them to the list", "townships")
            return None
        main = next((t for t in old if t.id == self.seat), old[0])
        new = replace(main, name=self.name or main.name, kind=self.unit_kind or main.kind)
        return self._bound(site, plan_of(site, under(units, new), new))

    def may_make(self, site: Site) -> set[str]:
        return set()  # it bears the id of one of its members

    def may_reach(self, site: Site) -> set[str] | None:
        return in_counties_of(site, self.townships)

    def apply(self, state: State) -> None:
        redraw(state, self._plan, township_points=self.township_points)

    def _say_centres(self, lang: Lang) -> str:
        share = share_kept(self.township_points)
        if share in (0, 1):
            pair = (
                ("close", "撤销") if share == 0 else ("stay open with one window", "保留一个窗口")
            )
            return words.pick((f"other centres {pair[0]}", f"其余便民服务中心{pair[1]}"), lang)
        said = f"{share:.0%} of the other centres stay open", f"其余便民服务中心保留{share:.0%}"
        return words.pick(said, lang)

    def describe(self, lang: Lang = "en") -> str:
        new, units = self._plan.townships[0], self._plan.units
        size, centres = self._say_size(units, lang), self._say_centres(lang)
        kind = words.pick(KINDS[new.kind], lang)
        count = len(self.townships)
        if lang == "zh":
            return (
                f"{self.date}：{count}个乡镇（街道）（{words.listed(self.townships, lang)}）"
                f"合并为{new.name}（{kind}），{size}；{centres}。"
            )
        return (
            f"{self.date}: the townships {words.listed(self.townships, lang)} become one {kind}, "
            f"{new.name}: {size}; {centres}."
        )


class SetUpStreet(_OnTownships):
    """Sets up a street office: a town or township becomes one, or named communities form one.

    The communities lie in one county and have common borders; the townships that they leave go on
    with the rest, and where their seat is gone, from the seat of their unit with most households.
    Under a street communities are urban, villages stay rural.

    township: id of the one that becomes a street and keeps its id and seat; id: of a new street;
    name: of the street; communities: ids of the units that form a new street; seat: id of the one
    with its seat, by default the one with most households.
    """

    kind: ClassVar[str] = "set_up_street"

    township: Id | None = None
    id: NewId | None = None
    name: str | None = None
    communities: Annotated[tuple[Id, ...], Field(min_length=1)] | None = None
    seat: Id | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.township is None) == (self.communities is None):
            raise ValueError("name either the township that becomes a street, or communities")
        if self.communities is not None and (self.id is None or self.name is None):
            raise ValueError("a new street needs an id and a name")
        if self.township is not None and (self.id, self.seat) != (None, None):
            raise ValueError("a township that becomes a street keeps its id and its seat")
        return self

    def bind(self, site: Site) -> Self | None:
        if not site.sure:
            site.named |= self.may_make(site)
        return self._renamed(site) if self.township is not None else self._formed(site)

    def may_make(self, site: Site) -> set[str]:
        return set() if self.id is None else {self.id}

    def may_reach(self, site: Site) -> set[str] | None:
        if self.township is not None:
            return in_counties_of(site, [self.township])
        named = [c for c in self.communities or () if c in site.units]
        if not site.adrift.isdisjoint(named):
            return None
        return in_counties_of(site, {site.units[c].township for c in named})

    def _renamed(self, site: Site) -> Self | None:
        assert self.township is not None
        if self.township in site.outside:
            site.nothing_left(self.kind)
            return None
        old = site.townships.get(self.township)
        if old is None:
            site.unknown("township", self.township, site.townships, "township")
        if old is None or townships_in_doubt(site, [self.township]):
            return None
        if old.kind == "street":
            message = f"{old.name} ({old.id}) is a street already"
            site.error("street-already", message, "leave the lever out", "township")
            return None
        new = replace(old, name=self.name or old.name, kind="street")
        units = [u for u in site.units.values() if u.township == old.id]
        return self._bound(site, plan_of(site, under(units, new), new))

    def _formed(self, site: Site) -> Self | None:
        assert self.communities is not None and self.id is not None and self.name is not None
        inside = tuple(c for c in self.communities if c not in site.outside)
        if not inside:
            site.outside.add(self.id)
            site.nothing_left(self.kind)
            return None
        if len(inside) < len(self.communities):
            site.leave_out("community", len(self.communities) - len(inside))
            seat = self.seat if self.seat in inside else None
            update = {"communities": inside, "seat": seat}
            return self.model_copy(update=update)._formed(site)
        units = self._checked(site)
        if units is None:
            return None
        largest = min(units, key=lambda u: (-site.size(site.members[u.id]), u.id))
        seat_of = next((u for u in units if u.id == self.seat), largest)
        donors = [site.townships[t] for t in dict.fromkeys(u.township for u in units)]
        street = TownshipPlan(self.id, self.name, "street", donors[0].county, seat_of.seat)
        rest = [self._rest(site, t) for t in donors]
        left = [u for u in site.units.values() if u.township in {t.id for t in donors}]
        stay = [u for u in left if u.id not in self.communities]
        plan = plan_of(site, [*under(units, street), *stay], *rest, street)
        return self._bound(site, plan)

    def _checked(self, site: Site) -> list[UnitPlan] | None:
        """The units that form the street, None where they cannot."""
        assert self.communities is not None and self.id is not None
        so_far = len(site.problems.found)
        check_names(site, "community", self.communities, site.units, "communities")
        if other := site.townships.get(self.id) or site.units.get(self.id):
            message = f"the id {self.id!r} belongs to {other.name}"
            site.error("id-taken", message, "give the street another id", "id")
        if self.seat is not None and self.seat not in self.communities:
            hint = did_you_mean(self.seat, self.communities) or "name one of the communities"
            message = f"the seat {self.seat!r} is not in the list"
            site.error("seat-not-merged", message, hint, "seat")
        units = [site.units[c] for c in self.communities if c in site.units]
        if site.problems.has_errors(so_far) or units_in_doubt(site, self.communities):
            return None
        donors = {u.township for u in units}
        if townships_in_doubt(site, donors):
            return None
        if len({site.townships[t].county for t in donors}) > 1:
            message = "the communities lie in different counties"
            site.error("two-counties", message, "a street lies in one county", "communities")
        if not site.connected(self.communities):
            message = "the communities are not connected by common borders"
            site.error("not-adjacent", message, "add those between them", "communities")
        for donor in sorted(donors):
            mine = {u.id for u in site.units.values() if u.township == donor}
            if mine <= set(self.communities):
                name = f"{site.townships[donor].name} ({donor})"
                hint = f"write township: {donor!r}, after merge_townships where there are several"
                message = f"nothing would be left of {name}"
                site.error("empties-township", message, hint, "communities")
        return None if site.problems.has_errors(so_far) else units

    def _rest(self, site: Site, township: TownshipPlan) -> TownshipPlan:
        """A township without the communities that leave it."""
        assert self.communities is not None
        if site.unit_of[township.seat] not in self.communities:
            return township
        mine = [
            u
            for u in site.units.values()
            if u.township == township.id and u.id not in self.communities
        ]
        largest = min(mine, key=lambda u: (-site.size(site.members[u.id]), u.id))
        return replace(township, seat=largest.seat)

    def describe(self, lang: Lang = "en") -> str:
        named = self.township if self.township is not None else self.id
        street = next(t for t in self._plan.townships if t.id == named)
        size = self._say_size([u for u in self._plan.units if u.township == street.id], lang)
        name = words.named(street.name, street.id, lang)
        if self.township is not None:
            pair = f"{name} becomes a street: {size}.", f"{name}改设街道：{size}。"
        else:
            pair = f"the street {name} is set up: {size}.", f"设立街道{name}：{size}。"
        return f"{self.date}{words.pick((': ', '：'), lang)}{words.pick(pair, lang)}"


def under(units: Sequence[UnitPlan], township: TownshipPlan) -> list[UnitPlan]:
    """Units as they are under a township: under a street, communities are urban."""
    street = township.kind == "street"
    return [
        replace(
            u,
            township=township.id,
            type="urban" if street and u.kind == "community" else u.type,
        )
        for u in units
    ]
