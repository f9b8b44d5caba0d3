"""The census: households of a run counted by settlement, made anew when they change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.world.households import DIGITAL, VEHICLE, Households

PERSON_GROUPS = ("children", "adults", "old", "no_digital")


@dataclass(frozen=True)
class Census:
    """Counts by settlement, float64.

    households, registered: ``[S]``; ages: persons registered by age band ``[S, 6]``; risk: present
    persons of 60 and over at high, focus and general care risk ``[S, 3]``; people: persons
    present ``[S, 4, 4]`` by travel class (see `travel.Pace`) and PERSON_GROUPS, of which the
    first three add up to all.
    """

    households: np.ndarray
    registered: np.ndarray
    ages: np.ndarray
    risk: np.ndarray
    people: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """Persons present, ``[S]``."""
        return self.people[:, :, :3].sum(axis=(1, 2))

    @staticmethod
    def of(h: Households, settlements: int) -> Census:
        """Counts the households of so many settlements."""
        bands = range(h.registered.shape[1])
        ages = [np.bincount(h.settlement, h.registered[:, i], settlements) for i in bands]
        return Census(
            households=np.bincount(h.settlement, minlength=settlements).astype(np.float64),
            registered=np.sum(ages, axis=0),
            ages=np.column_stack(ages),
            risk=np.column_stack(
                [np.bincount(h.settlement, h.risk[:, i], settlements) for i in range(3)]
            ),
            people=_people(h, settlements),
        )


def _people(h: Households, settlements: int) -> np.ndarray:
    vehicle = (h.flags & VEHICLE) > 0
    digital = (h.flags & DIGITAL) > 0
    groups = {
        "children": (h.present[:, :3], 0),
        "adults": (h.present[:, 3:4], 0),
        "old": (h.present[:, 4:], 2),
    }
    out = np.zeros((settlements, 4, len(PERSON_GROUPS)))
    for name, (bands, pace) in groups.items():
        persons = bands.sum(axis=1, dtype=np.float64)
        cell = h.settlement.astype(np.int64) * 4 + pace + vehicle
        column = PERSON_GROUPS.index(name)
        size = settlements * 4
        out[:, :, column] += np.bincount(cell, persons, size).reshape(-1, 4)
        without = np.bincount(cell, persons * ~digital, size).reshape(-1, 4)
        out[:, :, PERSON_GROUPS.index("no_digital")] += without
    return out
