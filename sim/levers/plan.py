"""What a redraw is to do: units and townships after it, what becomes of points and staff."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from sim.case.parameters import Parameters


class KeepShare(BaseModel):
    """Keeps a share of the points, those that serve most households first.

    keep_share: of the points that would close, 0 to 1.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    keep_share: Annotated[float, Field(strict=True, ge=0, le=1)]


class StaffFloor(BaseModel):
    """Cuts staff to a floor.

    floor_per_10000: workers per 10,000 registered persons.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    floor_per_10000: Annotated[float, Field(strict=True, gt=0, le=200)]


def _form(value: Any) -> str | None:
    """Which of its two forms a value has: one of the words, or a mapping."""
    if isinstance(value, dict | BaseModel):
        return "mapping"
    return "word" if isinstance(value, str) and value in WORDS else None


Way = Literal["build", "rebuild", "buy", "rent", "allot", "leaseback", "share"]
Floor = Annotated[float, Field(strict=True, gt=0, le=200_000)]


@dataclass(frozen=True)
class Premises:
    """The house of a point that opens at a seat that has none.

    way: how its floor is got; floor_m2: by default the parameter `floor.point`. It is there on the
    day, for the unit needs its counter: whatever the way, building is no question here.
    """

    way: Way = "rent"
    floor_m2: float | None = None

    def size(self, parameters: Parameters) -> float:
        """m2 of it."""
        return parameters["floor.point"] if self.floor_m2 is None else self.floor_m2


RENTED_POINT = Premises()

WORDS = ("keep", "close", "attrition")
Points = Annotated[
    Annotated[Literal["keep", "close"], Tag("word")] | Annotated[KeepShare, Tag("mapping")],
    Discriminator(
        _form,
        custom_error_type="points",
        custom_error_message="keep, close or a mapping such as keep_share: 0.8",
    ),
]
Staff = Annotated[
    Annotated[Literal["keep", "attrition"], Tag("word")] | Annotated[StaffFloor, Tag("mapping")],
    Discriminator(
        _form,
        custom_error_type="staff",
        custom_error_message="keep, attrition or a mapping such as floor_per_10000: 18",
    ),
]


@dataclass(frozen=True)
class UnitPlan:
    """A unit; township and seat (a settlement) by id."""

    id: str
    name: str
    kind: str
    type: str
    township: str
    seat: str


@dataclass(frozen=True)
class TownshipPlan:
    """A township; seat: settlement id."""

    id: str
    name: str
    kind: str
    county: str
    seat: str


@dataclass(frozen=True)
class Plan:
    """A redraw: new unit id of every settlement of the units it touches, those units, and the
    townships they lie in (none where townships stay as they are). Sorted by id."""

    unit_of: tuple[tuple[str, str], ...]
    units: tuple[UnitPlan, ...]
    townships: tuple[TownshipPlan, ...] = ()


def share_kept(points: Points) -> float:
    """The share of points that go on."""
    if isinstance(points, KeepShare):
        return points.keep_share
    return 1.0 if points == "keep" else 0.0


def number_kept(points: Points, count: int) -> int:
    """How many of `count` points go on."""
    return round(share_kept(points) * count)
