"""Levers on service stations: counters of a township's office away from its centre."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, model_validator

from sim.case.parameters import Parameters
from sim.case.schema import ROLES
from sim.levers import words
from sim.levers.getting import say_way
from sim.levers.lever import Id
from sim.levers.phased import Phased
from sim.levers.site import Place, Site
from sim.levers.words import Lang, amount
from sim.processes.cost import price_of_way, yearly_cost_of_way
from sim.processes.siting import cover
from sim.processes.workers import vacant_until
from sim.world.draws import id_keys
from sim.world.facilities import NEVER
from sim.world.offices import TOWNSHIP_OFFICE
from sim.world.services import EVERYONE, TOWNSHIP
from sim.world.state import State
from sim.world.supply import standard_floor

GOVERNMENT = "government"
WINDOW = ROLES.index("window")
Count = Annotated[int, Field(strict=True, ge=1, le=100)]


class AddStation(Phased):
    """Opens government service stations: counters nearer to where people live, for matters of the
    township save those that only its centre does. Either one, in a settlement or at the seat of a
    community; or, without a place, as many as a rule asks for in the scope: at seats of
    communities, first where most people live too far from every centre and station. A station is
    open to its township (to everybody for matters that are done anywhere in the city) and run by
    the township's office with posts of its own, which begin vacant: it opens when these are filled.
    A merger of townships leaves it where it is. Posts, floor and building show in the public cost.

    settlement: where one opens; community: at whose seat one opens; radius_m: metres by the way one
    goes, farther than which is too far, by default the parameter `station.radius`; least_persons:
    whom each further station must bring within the radius, by default `station.least_persons`;
    posts: of one station, by default `station.posts`; windows: of one station, by default
    `station.windows`; floor_m2: of one station, by default the standard floor of its way; way: how
    its floor is come by.
    """

    kind: ClassVar[str] = "add_station"

    settlement: Id | None = None
    community: Id | None = None
    radius_m: Annotated[float, Field(strict=True, gt=0, le=100_000)] | None = None
    least_persons: Annotated[float, Field(strict=True, gt=0, le=1e7)] | None = None
    posts: Count | None = None
    windows: Count | None = None
    floor_m2: Annotated[float, Field(strict=True, gt=0, le=20_000)] | None = None
    way: Literal["build", "rebuild", "buy", "rent", "allot"] = "rebuild"
    _rule: tuple[float, float] = PrivateAttr(default=(0.0, 0.0))
    _size_each: tuple[int, float, int] = PrivateAttr(default=(0, 0.0, 0))
    _price: float = PrivateAttr(default=0.0)
    _at: tuple[str, str] = PrivateAttr(default=("", ""))

    @model_validator(mode="after")
    def _place_or_rule(self) -> Self:
        if self.settlement is not None and self.community is not None:
            raise ValueError("say where with one of settlement and community, or by the rule")
        if self.ramp is not None:
            raise ValueError("a station opens as a whole: use pilot or waves instead of ramp")
        ruled = (self.radius_m, self.least_persons, self.pilot, self.waves)
        if self._placed and (any(x is not None for x in ruled) or "scope" in self.model_fields_set):
            raise ValueError(
                "a station with a place of its own needs none of scope, pilot, waves, radius_m "
                "and least_persons"
            )
        return self

    @property
    def _placed(self) -> bool:
        return self.settlement is not None or self.community is not None

    def bind(self, site: Site) -> Self | None:
        return self._bind_place(site) if self._placed else super().bind(site)

    def _bind_place(self, site: Site) -> Self | None:
        noun = "community" if self.community is not None else "settlement"
        place = self.community or self.settlement or ""
        known = site.units if self.community is not None else site.unit_of
        if place in site.outside:
            site.nothing_left(self.kind)
            return None
        if place not in known:
            site.unknown(noun, place, known, noun)
            return None
        unit = site.units[place if self.community is not None else site.unit_of[place]]
        lever = self.model_copy()
        lever._at = unit.name, place
        lever._settlements = (unit.seat if self.community is not None else place,)
        lever.settle(site)
        key = f"{self.date} station {lever._settlements[0]}"
        site.facilities[key] = Place((GOVERNMENT,), lever._settlements[0])
        return lever

    def settle(self, site: Site) -> None:
        self._rule = self._radius_and_least(site.parameters)
        posts, floor, _ = self._sizes(site.parameters)
        self._size_each = posts, floor, vacant_until(0, site.parameters)
        self._price = price_of_way(self.way, floor, (GOVERNMENT,), site.parameters)

    @property
    def shows(self) -> date:
        return self.date + timedelta(weeks=self._size_each[2])

    def say(self, lang: Lang) -> str:
        radius, least = (f"{x:,.0f}" for x in self._rule)
        return words.pick(
            (
                f"service stations ({self._each(lang)}) open at seats of communities, as long as "
                f"one more has at least {least} persons within {radius} m who live farther than "
                f"that from a township centre or station",
                f"按服务半径{radius}米、覆盖人口不少于{least}人增设政务服务站（{self._each(lang)}）",
            ),
            lang,
        )

    def describe(self, lang: Lang = "en") -> str:
        if not self._placed:
            return super().describe(lang)
        place = words.named(*self._at, lang)
        if lang == "zh":
            return f"{self.date}：在{place}增设政务服务站（{self._each(lang)}）。"
        return f"{self.date}: a service station opens in {place} ({self._each(lang)})."

    def _each(self, lang: Lang) -> str:
        posts, floor, weeks = self._size_each
        way = say_way(self.way, self._price, lang)
        pair = (
            f"{amount(posts, 'post')}, {floor:,.0f} m2, {way}, staffed {weeks} weeks later",
            f"每处{posts}个岗位，{floor:,.0f}平方米，{way}，{weeks}周后到岗开放",
        )
        return words.pick(pair, lang)

    def _radius_and_least(self, p: Parameters) -> tuple[float, float]:
        radius = p["station.radius"] if self.radius_m is None else self.radius_m
        least = p["station.least_persons"] if self.least_persons is None else self.least_persons
        return radius, least

    def _sizes(self, p: Parameters) -> tuple[int, float, int]:
        """Posts, floor and windows of one."""
        return (
            self.posts or int(p["station.posts"]),
            self.floor_m2 or standard_floor((GOVERNMENT,), self.way, p),
            self.windows or int(p["station.windows"]),
        )

    def apply(self, state: State) -> None:
        rows, b = self.rows(state), state.boundaries
        for row in rows.tolist() if self._placed else self._sites(state, rows):
            self._open(state, row, b.townships[int(b.township_of()[row])].office)
        state.touch()

    def _sites(self, state: State, rows: np.ndarray) -> list[int]:
        """Settlements that get one by the rule, township by township; rows: the scope's."""
        b, f, travel = state.boundaries, state.facilities, state.travel
        x, y = (state.world.settlements[a].to_numpy(np.float64) for a in "xy")
        home, persons = b.township_of(), state.census.present
        here = np.zeros(home.size, bool)
        here[rows] = True
        centre, area = _centres(state)
        radius, least = self._radius_and_least(state.parameters)

        def metres(points: np.ndarray, to_x: np.ndarray, to_y: np.ndarray) -> np.ndarray:
            """From every point to every goal, ``[goals, points]``."""
            start = np.tile(points, to_x.size)
            goal = [np.repeat(a, points.size) for a in (to_x, to_y)]
            return travel.pairs(start, *goal).reshape(to_x.size, points.size)

        chosen: list[int] = []
        for number in range(len(b.townships)):
            points = np.flatnonzero(here & (home == number))
            seats = [u.seat for u in b.units if u.alive and u.township == number]
            sites = np.array(sorted(s for s in seats if here[s]), dtype=np.int64)
            if not sites.size:
                continue
            open_ = centre[(area == number) | (f.open_to[centre] == EVERYONE)]
            there = metres(points, f.x[open_], f.y[open_])
            far = (there > radius).all(axis=0)
            near = metres(points, x[sites], y[sites]) <= radius
            chosen += sites[cover(near, persons[points] * far, least)].tolist()
        return chosen

    def _open(self, state: State, settlement: int, office: int) -> None:
        f, w, p = state.facilities, state.workers, state.parameters
        posts, floor, windows = self._sizes(p)
        first = vacant_until(state.week, p)
        place = state.world.settlements.iloc[settlement]
        names = state.lines.services
        ident = f"S-{place['id']}@{state.week}"
        ident += f"-{sum(i.startswith(ident) for i in f.id)}" if ident in f.id else ""
        offers = np.array([name == GOVERNMENT for name in names])
        f.add(
            id=ident,
            name=str(place["name"]),
            key=id_keys([ident])[0],
            settlement=settlement,
            x=float(place["x"]),
            y=float(place["y"]),
            offers=offers,
            capacity=np.full(len(names), np.inf),
            open_to=TOWNSHIP,
            operator=office,
            floor=floor,
            windows=float(windows),
            hours=p["counter.hours"],
            office_hours=True,
            opened=first,
            closed=NEVER,
            point=False,
            kept=False,
            station=True,
            yearly=yearly_cost_of_way(self.way, floor, (GOVERNMENT,), p),
            reward=0.0,
            extra_hours=0.0,
            office_floor=0.0,
            given=0.0,
            ended=np.zeros(len(names), bool),
        )
        load = w.load[w.posts_of(office)]
        for key in id_keys((f"{ident}/window/{n}" for n in range(posts)), bits=64):
            w.add(
                key=key,
                office=office,
                role=WINDOW,
                hired=first,
                certified=False,
                fatigue=0.0,
                load=load.mean() if load.size else 1.0,
            )
        state.seat_actors()


def _centres(state: State) -> tuple[np.ndarray, np.ndarray]:
    """Slots of the centres and stations of townships that are open or will be, and the township
    of each."""
    f, o = state.facilities, state.offices
    slots = np.flatnonzero((f.closed > state.week) & (f.windows > 0) & (f.operator >= 0))
    slots = slots[o.kind[f.operator[slots]] == TOWNSHIP_OFFICE]
    return slots, o.township[f.operator[slots]]
