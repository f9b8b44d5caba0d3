"""Margins and constants of a synthetic case: the model behind `totals.yaml`.

Every margin is optional; one that is left out is not fitted.
"""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat

from sim.case.messages import Problems
from sim.case.schema import AGES, Authority, Day
from sim.case.yaml import Document, validate

Count = Annotated[int, Field(ge=1)]
# Margins that lie within each other, the narrowest first.
NESTED = (
    ("persons_in_communities_before", "persons_in_communities_after", "registered_persons"),
    ("area_communities_before_km2", "area_communities_after_km2", "area_km2"),
)


class SettlementTotals(BaseModel):
    """Numbers of residents' groups before the reform.

    communities_total: all in communities; per_village: mean of a village.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    communities_total: Count | None = None
    per_village: Annotated[float, Field(ge=1)] = 8.5


class Totals(BaseModel):
    """Margins and constants of `totals.yaml`; a margin that is left out is not fitted.

    Persons are registered persons, areas km2.

    title: name of the case; start: the day it describes; reform_date: day of the redraw;
    projection: EPSG code for x and y; rules: authorities whose rules it is measured by, beside the
    national ones; seed: of everything synthetic; registered_persons: all;
    resident_persons: those who live there; area_km2: all of it; persons_in_communities_before:
    those under 社区 before the redraw; persons_in_communities_after: those under 社区 after it;
    area_communities_before_km2: that of 社区 before the redraw; area_communities_after_km2: that
    of 社区 after it; settlements: numbers of residents' groups; persons_per_household: on average;
    age_shares: share of persons by age band; absent_share: share of registered persons who live
    elsewhere; facilities: counts by name, for the synthesis of places; staff: counts by name, for
    the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    title: str | dict[str, str] = ""
    start: Day | None = None
    reform_date: Day | None = None
    projection: str | None = None
    rules: list[Authority] = []
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    registered_persons: Count | None = None
    resident_persons: Count | None = None
    area_km2: PositiveFloat | None = None
    persons_in_communities_before: Count | None = None
    persons_in_communities_after: Count | None = None
    area_communities_before_km2: PositiveFloat | None = None
    area_communities_after_km2: PositiveFloat | None = None
    settlements: SettlementTotals = SettlementTotals()
    persons_per_household: Annotated[float, Field(ge=1, le=20)] = 3.0
    age_shares: dict[str, NonNegativeFloat] = {}
    absent_share: Annotated[float, Field(ge=0, lt=1)] | None = None
    facilities: dict[str, NonNegativeFloat] = {}
    staff: dict[str, NonNegativeFloat] = {}


def read_totals(path: Path, problems: Problems) -> Totals | None:
    """Reads and checks `totals.yaml`; None when a fault, added to `problems`, forbids it.

    Margins must nest (communities before, after, all), and shares be of the six age bands.
    """
    document = Document.read(path, problems)
    totals = validate(document, Totals, problems) if document else None
    if document is None or totals is None:
        return None
    for names in NESTED:
        given = [(n, getattr(totals, n)) for n in names if getattr(totals, n) is not None]
        for (low, less), (high, more) in pairwise(given):
            if less > more:
                problems.error(
                    "margins",
                    f"{low} ({less:g}) is more than {high} ({more:g})",
                    path,
                    *document.place([low]),
                    hint="correct one, or leave it out",
                )
    shares = totals.age_shares
    if shares and (
        set(shares) != set(AGES) or not math.isclose(sum(shares.values()), 1, abs_tol=1e-6)
    ):
        problems.error(
            "age-shares",
            f"age_shares must sum to 1 (here {sum(shares.values()):g}) and name the six age bands",
            path,
            *document.place(["age_shares"]),
            hint=", ".join(AGES),
        )
    return totals
