"""Offices of units and townships before the reform, with their staff by role.

Staff is published, if at all, for the units after the reform; it is placed such that the real
redraw that keeps all of it ends at those counts. Which office has whom is synthetic.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from sim.case.synthesis.raking import apportion
from sim.case.synthesis.seats import Ground, Seats, ends_under_community
from sim.case.synthesis.sites import Sites

COMMITTEE_SHARE = 0.6  # of a community's staff, where the number of members is unknown
OFFICE_SHARE = 0.5  # of a service building's floor; the rest is open to residents
OFFICE_HOURS = 35
TOWNSHIP_CENTRE_M2 = 1500  # the lowest that the standard of one prefecture allows
# (base, lowest, highest) staff of a unit; each thousand persons adds STAFF_PER_1000.
STAFF = {"village": (2.0, 3, 9), "community": (3.4, 5, 12)}
STAFF_PER_1000 = 1.03
OFFICE_COLUMNS = [
    "id", "name", "kind", "community", "township", "settlement", "committee", "community_worker",
    "grid", "window", "social_worker", "windows", "hours_week", "floor_m2", "office_share",
    "certified",
]  # fmt: skip
OFFICE_NAMES = {
    "community": "居民委员会",
    "village": "村民委员会",
    "street": "办事处",
    "town": "人民政府",
    "township": "人民政府",
}


def make_offices(
    ground: Ground, seats: Seats, sites: Sites, counts: Mapping[str, float]
) -> pd.DataFrame:
    """One office a unit and one a township, before the reform, with staff by role.

    Villages are run by committee members alone. The rest of the published members after the
    reform is apportioned to communities by staff, who are otherwise hired workers. Certified
    social workers are a mark on staff (`certified`), not further persons; nobody is bought in
    (`social_worker`) and the grid has no staff of its own (`grid`) before a lever says so.
    """
    units = ground.units_before.sort_values("id", ignore_index=True)
    persons = units["id"].map(ground.settlements.groupby("before")["persons"].sum()).to_numpy()
    kind = units["kind"].to_numpy()
    ends = ends_under_community(ground, units["id"].map(seats.units_before)).to_numpy()
    staff = staff_of(persons, kind)

    hired = kind == "community"
    committee = np.where(hired, np.rint(COMMITTEE_SHARE * staff), staff).astype(int)
    members = counts.get("committee_in_communities_after")
    if members is not None:
        spread = hired & ends
        rest = int(members) - committee[~hired & ends].sum()
        committee[spread] = apportion(staff[spread], int(np.clip(rest, 0, staff[spread].sum())))
    certified = np.zeros(len(units), dtype=int)
    certified[ends] = apportion(
        staff[ends], min(int(counts.get("certified_social_workers") or 0), staff[ends].sum())
    )
    of_units = pd.DataFrame(
        {
            "id": "O-" + units["id"],
            "kind": kind,
            "community": units["id"],
            "name": units["name"] + units["kind"].map(OFFICE_NAMES),
            "township": units["township"],
            "settlement": units["id"].map(seats.units_before),
            "committee": committee,
            "community_worker": staff - committee,
            "window": 0,
            "windows": np.where(hired, 2, 1),
            "certified": certified,
            "floor_m2": units["id"].map(sites.table.groupby("unit")["floor_m2"].sum()),
        }
    )

    towns = ground.townships_before.sort_values("id", ignore_index=True)
    windows = township_windows(towns["id"].map(_township_persons(ground)).to_numpy())
    of_townships = pd.DataFrame(
        {
            "id": "T-" + towns["id"],
            "kind": towns["kind"],
            "community": "",
            "name": towns["name"] + towns["kind"].map(OFFICE_NAMES),
            "township": towns["id"],
            "settlement": towns["id"].map(seats.townships_before),
            "committee": 0,
            "community_worker": 0,
            "window": windows,
            "windows": windows,
            "certified": 0,
            "floor_m2": TOWNSHIP_CENTRE_M2,
        }
    )
    offices = pd.concat([of_units, of_townships], ignore_index=True)
    return offices.assign(
        grid=0, social_worker=0, hours_week=OFFICE_HOURS, office_share=OFFICE_SHARE
    )[OFFICE_COLUMNS]


def staff_of(persons: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Committee members and hired workers of units with so many persons, whole numbers."""
    base, low, high = (np.array([STAFF[k][i] for k in kind]) for i in range(3))
    return np.clip(np.rint(base + STAFF_PER_1000 * persons / 1000), low, high).astype(int)


def township_windows(persons: np.ndarray) -> np.ndarray:
    """Windows of a township or street centre: one per 15,000 persons, at least two."""
    return np.maximum(2, np.ceil(persons / 15000)).astype(int)


def _township_persons(ground: Ground) -> pd.Series:
    township = ground.settlements["before"].map(ground.units_before.set_index("id")["township"])
    return ground.settlements.groupby(township)["persons"].sum()
