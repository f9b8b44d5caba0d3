"""The accounts of the population: who was there at the start, who came, who went."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sim.world.households import Households


@dataclass(frozen=True)
class Population:
    """Households and persons (registered) at the start, and what changed them since.

    numbered: int64 ``[S]`` numbers given to households of each settlement so far, those of
    households that are gone included: the next one gets a number that none had before.
    """

    numbered: np.ndarray
    households: int
    persons: int
    created: int = 0
    moved_away: int = 0
    dissolved: int = 0
    born: int = 0
    died: int = 0
    left: int = 0
    arrived: int = 0

    @staticmethod
    def at_start(h: Households, settlements: int) -> Population:
        """The accounts before anything has happened."""
        numbered = np.bincount(h.settlement, minlength=settlements)
        return Population(numbered, h.key.size, int(h.registered.sum(dtype=np.int64)))

    def after(self, numbered: np.ndarray, **flows: int) -> Population:
        """The accounts after more has happened; flows: numbers to be added, by name."""
        more = {name: getattr(self, name) + count for name, count in flows.items()}
        return replace(self, numbered=numbered, **more)

    @property
    def households_now(self) -> int:
        """Households, if none came or went otherwise."""
        return self.households + self.created - self.moved_away - self.dissolved

    @property
    def persons_now(self) -> int:
        """Persons registered, if nobody came or went otherwise."""
        return self.persons + self.born + self.arrived - self.died - self.left
