"""Services and the lines on which they are asked for.

A line is one service at one tier: `government` matters are of five tiers, which differ in where a
matter can be done, and make a line each; every other service has one. Lines that residents ask for
week by week (counters and visits) come first, then places, then amenities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.case.parameters import Parameters
from sim.case.schema import AGES

COMMUNITY, TOWNSHIP, EVERYONE = 0, 1, 2
OPEN_TO = {"community": COMMUNITY, "township": TOWNSHIP, "everyone": EVERYONE}
USUAL, ROUTED = ("community", "station"), ("township", "online", "anywhere")
TIERS = USUAL + ROUTED
"""Where government matters can be done: at the own point of the community or village; at a station
or the centre of the township; at its centre only; on the web, or with help at the own point; at
any station or centre of the city. Matters of the last three are such as a lever routed there."""
ASKED_MODES = ("counter", "visit")
PLACE_MODES = ("places",)
INDOOR = ("government", "community", "health", "culture", "elder_meals", "elder_care", "nursery")
"""Services that need a house; the area of sports grounds and parks is not floor to be run."""
GROUNDS = ("sports", "green", "parking")
"""Services of open ground, where nothing else is offered in the same place."""


@dataclass(frozen=True)
class Line:
    """One service at one tier.

    tier: one of TIERS, which has a share of the service's needs (see `State.tier_shares`), "" where
    the service has none; cutoff: minutes beyond which nobody considers a facility; old_users: the
    users walk at the speed of the old; taste: scale of the facility draw; rates: needs a year and
    person by age band.
    """

    service: str
    tier: str
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
            tiers: tuple[str, ...] = ("",)
            if row["id"] == "government":
                tiers = TIERS
            elif row["mode"] == "counter":
                tiers = ("community",)
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
        order = {"counter": 0, "visit": 1, "places": 3, "amenity": 4}
        lines.sort(key=lambda line: 2 if line.tier in ROUTED else order[line.mode])
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
