"""The ground that levers stand on: what of the case none of them changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from sim.case.case import Case
from sim.case.parameters import Parameters


@dataclass
class Ground:
    """Settlements of a case, with who lives there and what borders on what."""

    case: Case

    @cached_property
    def parameters(self) -> Parameters:
        """The parameters of the case, for what a lever says of itself before a run."""
        return Parameters.load(self.case.meta.parameters)

    @cached_property
    def households(self) -> dict[str, int]:
        """Households by settlement."""
        table = self.case.settlements
        return dict(zip(table["id"], table["households"].tolist(), strict=True))

    @cached_property
    def group_of(self) -> dict[str, object]:
        """What stands for the residents' group of each settlement; one that says none is alone."""
        table = self.case.settlements
        columns = (table[c].tolist() for c in ("id", "community", "group"))
        return {s: (u, g) if g >= 0 else s for s, u, g in zip(*columns, strict=True)}

    @cached_property
    def neighbours(self) -> dict[str, list[str]]:
        """Settlements with a common border, by settlement."""
        near: dict[str, list[str]] = {}
        pairs = self.case.neighbours
        for a, b in zip(pairs["settlement"], pairs["neighbour"], strict=True):
            near.setdefault(a, []).append(b)
            near.setdefault(b, []).append(a)
        return near

    def pieces(self, settlements: Iterable[str]) -> list[list[str]]:
        """These settlements by pieces that common borders hold together, each sorted, the largest
        first; all one piece in a case without a table of neighbours."""
        left = dict.fromkeys(sorted(settlements))
        if not self.neighbours:
            return [list(left)]
        found: list[list[str]] = []
        while left:
            piece = [next(iter(left))]
            del left[piece[0]]
            for settlement in piece:  # which grows
                for near in self.neighbours.get(settlement, ()):
                    if near in left:
                        del left[near]
                        piece.append(near)
            found.append(sorted(piece))
        return sorted(found, key=lambda piece: (-len(piece), piece))

    def size(self, settlements: Iterable[str]) -> int:
        """Households of these settlements."""
        return sum(self.households[s] for s in settlements)

    def largest(self, settlements: Iterable[str]) -> str:
        """The settlement with most households, the first of equal ones."""
        return min(settlements, key=lambda s: (-self.households[s], s))
