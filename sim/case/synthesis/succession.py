"""The evidence of one county: names, codes and seats that say which old unit went where.

Used in a fixed order: changes known otherwise; equal names in the successor township, where a
new unit with the name of an abolished township is that township's seat and no namesake; names of
which one holds the other; the last three digits of the code where they live on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from sim.case.synthesis.lists import Input
from sim.case.synthesis.names import core, nearest_code, township_core


class Unit(NamedTuple):
    """A unit of one list; `core` is its name without affixes."""

    id: str
    core: str
    kind: str
    town: str

    @property
    def tail(self) -> str:
        """The last three characters of its code."""
        return self.id[-3:]


class Town(NamedTuple):
    """A township of one list."""

    id: str
    core: str


def may(old: Unit, new: Unit) -> bool:
    """A residents' committee never becomes a village."""
    return not (old.kind == "community" and new.kind == "village")


@dataclass
class County:
    """The state of the inference in one county: who is open, who is reached, by which rule.

    links: old and new township to the rule that links them; seats: new unit to the abolished
    township whose seat it is; pieces: old unit to its [new unit, rule, evidence]; members: new
    unit to its old ones.
    """

    old: dict[str, Unit]
    new: dict[str, Unit]
    towns_old: dict[str, Town]
    towns_new: dict[str, Town]
    known: list[tuple[str, str, str]]
    links: dict[tuple[str, str], str] = field(default_factory=dict)
    seats: dict[str, str] = field(default_factory=dict)
    pieces: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    members: dict[str, list[str]] = field(default_factory=dict)
    matches: list[tuple[str, str, str]] = field(default_factory=list)

    @staticmethod
    def of(inp: Input, county: str) -> County:
        def units(table: pd.DataFrame) -> dict[str, Unit]:
            rows = table[table["county"] == county].sort_values("id")
            return {
                r.id: Unit(r.id, core(r.raw_name), r.kind, r.township) for r in rows.itertuples()
            }

        def towns(table: pd.DataFrame) -> dict[str, Town]:
            rows = table[table["county"] == county].sort_values("id")
            return {r.id: Town(r.id, township_core(r.name)) for r in rows.itertuples()}

        old, new = units(inp.before), units(inp.after)
        known = [
            (r.before, r.after, r.source)
            for r in inp.known.itertuples()
            if r.before in old and r.after in new
        ]
        return County(old, new, towns(inp.townships_before), towns(inp.townships_after), known)

    # -- evidence ------------------------------------------------------------------------

    def use_evidence(self) -> None:
        """All rules that rest on evidence, in their order."""
        for before, after, source in self.known:
            self.pieces.setdefault(before, []).append((after, "known_change", source))
            self.members.setdefault(after, []).append(before)
            if self.old[before].core == self.new[after].core:
                self.matches.append((before, after, "known_change"))
        self._find_seats()
        self._find_links()
        self._match_names()
        self._match_seats()
        self._match_pairs("same_core", self._alike)
        self._match_pairs("same_digits", self._same_digits)
        self.take(self._namesakes_nearby(), "merged_namesake")

    def take(self, pairs: Iterable[tuple[str, str]], rule: str) -> None:
        """Places old units in new ones; the evidence is put into words by the rule's name."""
        for before, after in pairs:
            self.pieces[before] = [(after, rule, self.words(before, after, rule))]
            self.members.setdefault(after, []).append(before)

    def open(self) -> list[Unit]:
        """Old units not placed yet."""
        return [u for u in self.old.values() if u.id not in self.pieces]

    def unreached(self) -> list[Unit]:
        """New units that no old one was placed in yet."""
        return [u for u in self.new.values() if u.id not in self.members]

    def _namesake(self, town: Town) -> str | None:
        """The new township that carries an old township's name, with its code if there are two."""
        found = sorted(
            (t.id != town.id, t.id) for t in self.towns_new.values() if t.core == town.core
        )
        return found[0][1] if found else None

    def _find_seats(self) -> None:
        """Former seats: a new unit with the name of an abolished township is that township's
        seat, unless an old unit of that name stood in the new unit's own township."""
        for town in self.towns_old.values():
            if self._namesake(town) is not None:
                continue
            places = {t for t in self.towns_old if t != town.id}
            found = []
            for unit in self.new.values():
                if unit.core != town.core:
                    continue
                at_home = any(
                    o.core == unit.core
                    and o.town in places
                    and self._namesake(self.towns_old[o.town]) == unit.town
                    for o in self.old.values()
                )
                if not at_home and unit.id not in self.members:
                    found.append((unit.kind == "village", unit.id))
            if found:
                self.seats[min(found)[1]] = town.id

    def _find_links(self) -> None:
        """Township to township: same name, former seat, known change, or units of one name.

        One name alone across townships is sound only with equal last digits, or where a unit
        that keeps its kind goes to a township that has no namesake before (it has to be put
        together from others).
        """
        votes: dict[tuple[str, str], list[tuple[Unit, Unit]]] = {}
        for old, new in self._unique_names():
            votes.setdefault((old.town, new.town), []).append((old, new))
        inherited = {self._namesake(t) for t in self.towns_old.values()}
        for pair, found in sorted(votes.items()):
            old, new = found[0]
            sound = (
                len(found) > 1
                or old.tail == new.tail
                or (old.kind == new.kind and new.town not in inherited)
            )
            if sound:
                self.links[pair] = "unit_names"
        for before, after, _ in self.known:
            self.links[self.old[before].town, self.new[after].town] = "known_change"
        for seat, town in sorted(self.seats.items()):
            self.links[town, self.new[seat].town] = "former_seat"
        for old_town in self.towns_old.values():
            same = self._namesake(old_town)
            if same is not None:
                self.links[old_town.id, same] = "same_name"
        self._link_the_rest(votes)

    def _link_the_rest(self, votes: dict[tuple[str, str], list[Any]]) -> None:
        """Townships that nothing speaks for: weak votes, else the nearest code."""
        for side, towns, others in (
            (0, self.towns_old, self.towns_new),
            (1, self.towns_new, self.towns_old),
        ):
            for code in towns:
                if any(pair[side] == code for pair in self.links):
                    continue
                weak = sorted((-len(v), pair) for pair, v in votes.items() if pair[side] == code)
                if weak:
                    self.links[weak[0][1]] = "unit_names"
                else:
                    near = nearest_code(code, others)
                    self.links[(code, near) if side == 0 else (near, code)] = "nearest_code"

    def _unique_names(self) -> list[tuple[Unit, Unit]]:
        """Old and new units whose name stands once in each list of the county, seats apart."""
        old = Counter(u.core for u in self.old.values())
        new = Counter(u.core for u in self.new.values())
        by_core = {u.core: u for u in self.new.values()}
        pairs = []
        for unit in self.old.values():
            if old[unit.core] != 1 or new[unit.core] != 1 or unit.id in self.pieces:
                continue
            other = by_core[unit.core]
            if self.seats.get(other.id, unit.town) == unit.town and may(unit, other):
                pairs.append((unit, other))
        return pairs

    def _match_names(self) -> None:
        """Equal names in successor townships, one to one. Of several old units of a name the one
        of the same kind is taken if it is the only one, but not counted as a sound match."""
        self._match_pairs("same_name", self._same_name, sound=True)
        self._match_pairs(
            "same_name_and_kind", lambda o, n: self._same_name(o, n) and o.kind == n.kind
        )

    def _same_name(self, old: Unit, new: Unit) -> bool:
        return old.core == new.core and self.seats.get(new.id, old.town) == old.town

    def _alike(self, old: Unit, new: Unit) -> bool:
        """One name holds the other (中坝 and 中坝新), both of two characters or more."""
        short, long = sorted((old.core, new.core), key=len)
        return len(short) >= 2 and short in long

    def _same_digits(self, old: Unit, new: Unit) -> bool:
        """Equal last digits and kind, where most matches between the two townships kept theirs."""
        if old.tail != new.tail or old.kind != new.kind:
            return False
        kept = [
            o[-3:] == n[-3:]
            for o, n, _ in self.matches
            if (self.old[o].town, self.new[n].town) == (old.town, new.town)
        ]
        return 2 * sum(kept) > len(kept)

    def _match_pairs(
        self, rule: str, test: Callable[[Unit, Unit], bool], sound: bool = False
    ) -> None:
        """Takes the pairs that pass the test and have no rival on either side."""
        pairs = [
            (o.id, n.id)
            for n in self.unreached()
            for o in self.open()
            if (o.town, n.town) in self.links
            and may(o, n)
            and test(o, n)
            and self.seats.get(n.id, o.town) == o.town
        ]
        left = Counter(o for o, _ in pairs)
        right = Counter(n for _, n in pairs)
        alone = [(o, n) for o, n in pairs if left[o] == right[n] == 1]
        self.take(alone, rule)
        if sound:
            self.matches += [(o, n, rule) for o, n in alone]

    def _match_seats(self) -> None:
        """The old seat unit of an abolished township goes to the new unit with its name: the
        lowest-coded open community of the township, else its lowest-coded open village."""
        for seat, town in sorted(self.seats.items()):
            if seat in self.members:
                continue
            units = [u for u in self.open() if u.town == town and may(u, self.new[seat])]
            if units:
                first = min(
                    units, key=lambda u: (u.core != self.new[seat].core, u.kind == "village", u.id)
                )
                self.take([(first.id, seat)], "former_seat")

    def _namesakes_nearby(self) -> list[tuple[str, str]]:
        """An open unit joins the unit of its name that was reached from its own township."""
        homes = {(n, self.old[o].town): n for n, olds in self.members.items() for o in olds}
        found = []
        for unit in self.open():
            same = [
                n
                for n, town in sorted(homes)
                if town == unit.town and self.new[n].core == unit.core and may(unit, self.new[n])
            ]
            found += [(unit.id, same[0])] if len(same) == 1 else []
        return found

    # -- results -------------------------------------------------------------------------

    def villages_under_communities(self, extra: list[tuple[str, str]]) -> int:
        """Villages that end under a community when the pairs of `extra` are taken as well."""
        placed = [(o, n) for o, parts in self.pieces.items() for n, _, _ in parts[:1]]
        return sum(
            self.old[o].kind == "village" and self.new[n].kind == "community"
            for o, n in placed + extra
        )

    def rows(self) -> list[tuple[str, str, float, str, str]]:
        return [
            (o, n, 1 / len(parts), rule, words)
            for o, parts in self.pieces.items()
            for n, rule, words in parts
        ]

    def townships(self) -> list[tuple[str, str, int, str]]:
        units = Counter(
            (self.old[o].town, self.new[n].town)
            for o, parts in self.pieces.items()
            for n, _, _ in parts
        )
        return [
            (t, u, count, self.links.get((t, u), "nearest_code")) for (t, u), count in units.items()
        ]

    def words(self, before: str, after: str, rule: str) -> str:
        old, new = self.old[before], self.new[after]
        return {
            "same_name": f"{old.core} in both lists",
            "same_name_and_kind": f"{old.core} in both lists, of one kind",
            "same_core": f"one of {old.core} and {new.core} holds the other",
            "same_digits": f"code ends in {old.tail} in both lists",
            "former_seat": f"{new.core} is the name of the abolished township",
            "merged_namesake": f"{old.core} of the same township",
            "new_name": "open unit for a unit with a new name",
            "split": "no open unit is left for the new one",
            "nearest_code": "nearest code of its township, numbers even",
        }[rule]
