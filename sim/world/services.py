"""Services and the lines on which they are asked for.

A line is one service at one tier: matters of the `government` counter are asked for at the
community's own point and at the township centre, so they make two lines; every other service has
one. Lines that residents ask for week by week (counters and visits) come first, then places,
then amenities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.parameters import Parameters
from sim.case.schema import AGES

COMMUNITY, TOWNSHIP, EVERYONE = 0, 1, 2
OPEN_TO = {"community": COMMUNITY, "township": TOWNSHIP, "everyone": EVERYONE}
ASKED_MODES = ("counter", "visit")
PLACE_MODES = ("places",)
INDOOR = ("government", "community", "health", "culture", "elder_meals", "elder_care", "nursery")
"""Services that need a house; the area of sports grounds and parks is not floor to be run."""
GROUNDS = ("sports", "green", "parking")
"""Services of open ground, where nothing else is offered in the same place."""


@dataclass(frozen=True)
class Line:
    """One service at one tier.

    tier: COMMUNITY, TOWNSHIP or EVERYONE (no tier), which has a share of the service's needs (see
    `State.tier_shares`); cutoff: minutes beyond which nobody considers a facility; old_users: the
    users walk at the speed of the old; taste: scale of the facility draw; rates: needs a year and
    person by age band.
    """

    service: str
    tier: int
    mode: str
    cutoff: float
    old_users: bool
    taste: float
    rates: tuple[float, ...]


@dataclass(frozen=True)
class Lines:
    """All lines of a run: the L asked for week by week, then places, then amenities."""

    all: tuple[Line, ...]
    services: tuple[str, ...]

    @staticmethod
    def of(services: pd.DataFrame, parameters: Parameters) -> Lines:
        """Lines of a services table (``services.csv``) under the parameters of a run."""
        lines = []
        for row in services.to_dict("records"):
            if row["mode"] == "home":
                continue
            scale = parameters.get(f"needs.{row['id']}", 1.0)
            rates = tuple(0.0 if pd.isna(row[a]) else float(row[a]) * scale for a in AGES)
            cutoff = np.inf if pd.isna(row["cutoff_min"]) else float(row["cutoff_min"])
            taste = parameters[
                "choice.taste_counter" if row["mode"] == "counter" else "choice.taste_other"
            ]
            tiers = [EVERYONE]
            if row["id"] == "government":
                tiers = [COMMUNITY, TOWNSHIP]
            elif row["mode"] == "counter":
                tiers = [COMMUNITY]
            lines += [
                Line(
                    row["id"],
                    tier,
                    row["mode"],
                    cutoff,
                    bool(row["old_users"]),
                    taste,
                    rates,
                )
                for tier in tiers
            ]
        order = {"counter": 0, "visit": 1, "places": 2, "amenity": 3}
        lines.sort(key=lambda line: order[line.mode])
        return Lines(tuple(lines), tuple(services["id"]))

    @property
    def asked(self) -> tuple[Line, ...]:
        return tuple(x for x in self.all if x.mode in ASKED_MODES)

    @property
    def places(self) -> tuple[Line, ...]:
        return tuple(x for x in self.all if x.mode in PLACE_MODES)

    def mode_of(self, service: str) -> str:
        """How a service is used, "" where it has no place."""
        return next((line.mode for line in self.all if line.service == service), "")

    def of_service(self, service: str) -> list[int]:
        """Rows of the lines of one service."""
        return [i for i, line in enumerate(self.all) if line.service == service]
