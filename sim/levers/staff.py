"""Levers on the staff of offices: standards, posts sunk from above, training, certificates."""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

import numpy as np
from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from sim.levers import words
from sim.levers.lever import Flag, Id, Lever, some
from sim.levers.phased import Phased
from sim.levers.posts import count_workers, cut_posts, move_posts, open_posts
from sim.levers.site import Site
from sim.levers.words import Lang, amount
from sim.world.standards import PARTS, posts_by_standard
from sim.world.state import State

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Posts = Annotated[int, Field(strict=True, ge=0, le=1000)]


class SetStaffStandard(Phased):
    """Sets how many posts communities and villages are to have. Those that are missing are opened,
    and filled by newcomers once the weeks of a vacancy are over. What is left out is that of the
    kind of unit (parameters `staff.village_*`, `staff.community_*`). Offices left to attrition
    after a merger shrink to the standard set here. Conserved: persons; whoever is cut is counted.

    per_10000: posts per 10,000 registered persons, at least one; base: posts of a unit whatever its
    size, to which those per 1,000 persons come; per_1000: posts per 1,000 registered persons;
    least: fewest posts of a unit; most: most posts of a unit, no limit with per_10000 unless given;
    cut: whether posts above the standard are abolished, vacant ones first.
    """

    kind: ClassVar[str] = "set_staff_standard"

    per_10000: Annotated[float, Field(strict=True, gt=0, le=200)] | None = None
    base: Annotated[float, Field(strict=True, ge=0, le=1000)] | None = None
    per_1000: Annotated[float, Field(strict=True, ge=0, le=20)] | None = None
    least: Posts | None = None
    most: Posts | None = None
    cut: Flag = False

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.per_10000 is not None and (self.base, self.per_1000) != (None, None):
            raise ValueError("give per_10000, or base and per_1000, not both")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError(f"the least posts, {self.least}, are more than the most, {self.most}")
        return self

    def check(self, site: Site) -> None:
        for kind in sorted({site.units[u].kind for u in self.scope.units(site, "scope")}):
            _, _, least, most = np.where(
                np.isnan(self._numbers()),
                [site.parameters[f"staff.{kind}_{part}"] for part in PARTS],
                self._numbers(),
            )
            if least > most:
                key = "least" if self.least is not None else "most"
                message = (
                    f"the least posts of a {kind}, {least:g}, are more than the most, {most:g}"
                )
                site.error("bad-value", message, "give both least and most", key)
                return

    def settle(self, site: Site) -> None:
        for unit in {site.unit_of[s] for s in self._settlements}:
            site.posts.pop(unit, None)

    def _numbers(self) -> np.ndarray:
        """The four numbers of the standard, nan where the kind of unit decides."""
        given = [self.base, self.per_1000, self.least, self.most]
        if self.per_10000 is not None:
            least = 1 if self.least is None else self.least
            most = np.inf if self.most is None else self.most
            given = [0.0, self.per_10000 / 10, least, most]
        return np.array([np.nan if x is None else x for x in given])

    def say(self, lang: Lang) -> str:
        said = [
            words.pick(pair, lang).format(value)
            for key, pair in words.STANDARD.items()
            if (value := getattr(self, key)) is not None
        ] or [words.pick(("that of their kind", "按类别的一般标准"), lang)]
        way = words.part_way(self.strength, lang)
        if lang == "zh":
            step = f"；已完成与标准差距的{way}" if self.strength < 1 else ""
            return f"岗位标准为{'，'.join(said)}，超出部分{'撤销' if self.cut else '保留'}{step}"
        above = "are abolished" if self.cut else "stay"
        step = f"; {way} of the gap to it is closed" if self.strength < 1 else ""
        return f"the staff standard is {', '.join(said)}; posts above it {above}{step}"

    def apply(self, state: State) -> None:
        state.policies.standard[self.rows(state)] = self._numbers()
        standard = posts_by_standard(
            state.boundaries, state.census, state.policies, state.parameters
        )
        offices = self.offices(state)
        # a ramp closes at each step an equal part of the gap that was there at first
        part = self.added / (1 - self.strength + self.added)
        for row, office in offices.items():
            posts = state.workers.posts_of(office)
            gap = round((standard[row] - posts.size) * part)
            open_posts(state, office, gap)
            if self.cut:
                cut_posts(state, posts, -gap)
        count_workers(state, list(offices.values()))


class MoveStaff(Lever):
    """Moves posts with their holders from a township, street or community to communities. Those
    with somebody at work come first; where fewer are left than asked for, all there are, one to
    each in turn. Conserved: posts and persons.

    from: id of the township, street, community or village that they leave; to: ids of the
    communities and villages that get them; number: posts for each of these.
    """

    kind: ClassVar[str] = "move_staff"

    source: Id = Field(alias="from")
    to: Annotated[tuple[Id, ...], AfterValidator(some), Field(json_schema_extra={"minItems": 1})]
    number: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    _from_township: bool = PrivateAttr(default=False)
    _name: str = PrivateAttr(default="")

    def bind(self, site: Site) -> Self | None:
        inside = tuple(c for c in self.to if c not in site.outside)
        if self.source in site.outside or not inside:
            site.nothing_left(self.kind)
            return None
        site.leave_out("community", len(self.to) - len(inside))
        so_far = len(site.problems.found)
        self._check(site)
        if site.problems.has_errors(so_far) or not {self.source, *inside} <= _places(site):
            return None
        if self.source in site.posts:
            site.posts[self.source] -= self.number * len(inside)
        for unit in inside:
            if unit in site.posts:
                site.posts[unit] += self.number
        lever = self.model_copy(update={"to": inside})
        lever._from_township = self.source in site.townships
        place = (site.townships if lever._from_township else site.units)[self.source]
        lever._name = place.name
        return lever

    def _check(self, site: Site) -> None:
        so_far = len(site.problems.found)
        if self.source not in _places(site) and self.source not in site.outside:
            site.unknown("township or community", self.source, _places(site), "from")
        for i, name in enumerate(self.to):
            if name in self.to[:i] or name == self.source:
                message = f"the community {name!r} stands twice"
                site.error(
                    "named-twice", message, "name each once, and not where they leave", "to", i
                )
            elif name not in site.units and name not in site.outside:
                site.unknown("community", name, site.units, "to", i)
        asked = self.number * sum(c not in site.outside for c in self.to)
        there = site.posts.get(self.source, asked)
        if asked > there:
            leave = f"{amount(asked, 'post')} {'is' if asked == 1 else 'are'} to leave"
            message = f"{leave} {self.source!r}, which has {there}"
            site.error("too-few-posts", message, "move fewer, or from elsewhere", "number")
        elif asked == site.posts.get(self.source) and not site.problems.has_errors(so_far):
            message = f"all {amount(asked, 'post')} of {self.source!r} leave: nobody is left there"
            site.warn("empties-office", message, "number")

    def describe(self, lang: Lang = "en") -> str:
        total = self.number * len(self.to)
        where = words.named(self._name, self.source, lang)
        if lang == "zh":
            to = f"{len(self.to)}个社区（村），各{self.number}个"
            return f"{self.date}：{where}的{total}个岗位下沉到{to}。"
        said, go = amount(total, "post"), "goes" if total == 1 else "go"
        to = amount(len(self.to), "community")
        each = f", {self.number} each" if len(self.to) > 1 else ""
        return f"{self.date}: {said} of {where} {go} to {to}{each}."

    def apply(self, state: State) -> None:
        b = state.boundaries
        if self._from_township:
            source = b.townships[b.township_row(self.source)].office
        else:
            source = b.units[b.unit_row(self.source)].office
        targets = [b.units[b.unit_row(name)].office for name in self.to]
        if source >= 0:
            move_posts(state, source, [t for t in targets if t >= 0], self.number)


def _places(site: Site) -> set[str]:
    return {*site.townships, *site.units}


class TrainStaff(Phased):
    """Trains a share of the workers a year, instead of the usual third (parameter
    `staff.trained`); township centres by the part of their households in scope. Certificates
    follow; the hours of training beyond the usual share are lost to work.

    share: of the workers who are trained in a year, 0 to 1.
    """

    kind: ClassVar[str] = "train_staff"

    share: Share

    def say(self, lang: Lang) -> str:
        pair = (
            f"{self.share:.0%} of workers are trained a year",
            f"每年培训{self.share:.0%}的工作人员",
        )
        return words.so_far(words.pick(pair, lang), self.strength, lang)

    def apply(self, state: State) -> None:
        usual = state.parameters["staff.trained"]
        state.policies.trained[self.rows(state)] = usual + self.strength * (self.share - usual)


class CertifyStaff(Phased):
    """Gives certificates, so that a share of the workers of communities and villages in scope has
    one at the date. Nobody loses one, and it goes when its holder leaves. Each certified worker
    has an allowance (parameter `cost.certified`).

    share: of the workers who have a certificate at the date, 0 to 1.
    """

    kind: ClassVar[str] = "certify_staff"

    share: Share

    def say(self, lang: Lang) -> str:
        share = f"{self.share * self.strength:.0%}"
        pair = (
            f"{share} of workers have a social work certificate",
            f"{share}的工作人员持有社会工作者证书",
        )
        return words.pick(pair, lang)

    def apply(self, state: State) -> None:
        w = state.workers
        mine = np.isin(w.office, list(self.offices(state).values())) & w.at_work(state.week)
        here = np.flatnonzero(mine)
        order = here[np.lexsort((w.key[here], ~w.certified[here]))]
        w.certified[order[: round(self.share * self.strength * here.size)]] = True
