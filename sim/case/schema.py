"""What the files of a case hold: `case.yaml` as a model, the tables column by column."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from sim.case.messages import did_you_mean
from sim.case.projection import EPSG
from sim.case.rules import EVERYWHERE, authorities
from sim.case.tables import Column, TableSpec

AGES = ("age_0_2", "age_3_5", "age_6_14", "age_15_59", "age_60_79", "age_80")
UNIT_KINDS = ("community", "village")
TOWNSHIP_KINDS = ("street", "town", "township")
UNIT_TYPES = ("urban", "town", "rural")
TERRAINS = ("plain", "hill")
COMPOUNDS = ("commodity", "resettlement", "old_courtyard", "village")
OPEN_TO = ("community", "township", "everyone")
OPERATORS = ("market", "public")  # besides the ids of offices
MODES = ("counter", "visit", "places", "home", "amenity")
ROLES = ("committee", "community_worker", "grid", "window", "social_worker")

BOUGHT = ("complaints", "visits_high", "visits_focus", "visits_general", "self_governance")
"""Classes of work that a social organisation can do for an office. What is assigned, met about or
decided at a counter stays with the office."""

METRES = "whole metres in the projection of case.yaml, not degrees"


def _a_day(value: Any) -> Any:
    if isinstance(value, int | float):
        raise ValueError(f"{value} is a number; write dates as 2020-01-31")
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(f"write dates as 2020-01-31, not {value!r}")
    if isinstance(value, datetime.datetime):
        raise ValueError("write the date alone, such as 2020-01-31")
    return value


Day = Annotated[
    datetime.date,
    Field(strict=False, ge=datetime.date(1900, 1, 1), le=datetime.date(2199, 12, 31)),
    BeforeValidator(_a_day),
]


def _an_authority(value: str) -> str:
    if value == EVERYWHERE:
        raise ValueError("national rules are asked everywhere: leave it out")
    if value not in authorities():
        near = did_you_mean(value, authorities()) or f"there are {', '.join(authorities())}"
        raise ValueError(f"no rules of {value!r} are known; {near}")
    return value


Authority = Annotated[
    str, AfterValidator(_an_authority), Field(json_schema_extra={"enum": list(authorities())})
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Title(_Strict):
    """A name in one or two languages.

    en: in English; zh: in Chinese.
    """

    en: str = ""
    zh: str = ""


class Population(_Strict):
    """Whom the counts of persons mean, and how many of them are away.

    basis: registered persons (户籍) or those who live there; persons_per_household: on average;
    absent_share: share of registered persons who do not live there, 0 where the basis is
    resident.
    """

    basis: Literal["registered", "resident"] = "registered"
    persons_per_household: float = Field(default=3.0, gt=0)
    absent_share: float = Field(default=0.0, ge=0, lt=1)


class CaseMeta(_Strict):
    """What `case.yaml` says of a case.

    title: its name; start: the day its tables describe, first day of a run; projection: EPSG code
    in which x and y are whole metres; seed: of everything synthetic; population: whom its persons
    mean; rules: authorities whose rules it is measured by, beside the national ones: those that it
    lies under, and any others to compare with; parameters: its own values of the model's
    parameters, by name (`sim parameters` lists them); provenance: what is real, inferred or
    synthetic, by table; sources: where it comes from; input_digest: of the input folder that
    `sim build` made the case from, if it did.
    """

    title: Title
    start: Day
    projection: Annotated[str, Field(json_schema_extra={"pattern": EPSG})]
    seed: int = Field(default=0, ge=0, lt=2**63)
    population: Population = Population()
    rules: list[Authority] = []
    parameters: dict[str, float] = {}
    provenance: dict[str, Any] = {}
    sources: Any = ()
    input_digest: str = ""

    @field_validator("projection")
    @classmethod
    def _is_epsg(cls, value: str) -> str:
        if not re.fullmatch(EPSG, value):
            raise ValueError(f"should be an EPSG code such as EPSG:32648, not {value!r}")
        return value


def _id(name: str = "id") -> Column:
    return Column(name, "id")


def _ref(name: str, **more: Any) -> Column:
    return Column(name, "reference", **more)


def _choice(name: str, choices: tuple[str, ...], **more: Any) -> Column:
    return Column(name, "choice", choices=choices, **more)


def _count(name: str, **more: Any) -> Column:
    return Column(name, "integer", low=0, **more)


def _amount(name: str, **more: Any) -> Column:
    return Column(name, "number", low=0, **more)


NAME = Column("name", "text")
X, Y = Column("x", "integer", hint=METRES), Column("y", "integer", hint=METRES)

TABLES = {
    spec.name: spec
    for spec in (
        TableSpec(
            "townships",
            (
                _id(),
                NAME,
                Column("county"),
                _choice("kind", TOWNSHIP_KINDS),
                _ref("seat_settlement"),
            ),
        ),
        TableSpec(
            "communities",
            (
                _id(),
                NAME,
                _ref("township"),
                _choice("kind", UNIT_KINDS),
                _choice("type", UNIT_TYPES, required=False, blank=True),
                _ref("seat_settlement"),
            ),
        ),
        TableSpec(
            "settlements",
            (
                _id(),
                NAME,
                _ref("community"),
                _count("group", required=False, blank=True, default=-1),
                X,
                Y,
                _amount("area_ha"),
                _choice("terrain", TERRAINS),
                _choice("compound", COMPOUNDS),
                _count("households"),
                _count("persons"),
                *map(_count, AGES),
            ),
        ),
        TableSpec("neighbours", (_ref("settlement"), _ref("neighbour"))),
        TableSpec(
            "facilities",
            (
                _id(),
                NAME,
                Column("services"),
                _ref("settlement"),
                X,
                Y,
                _ref("operator"),
                _amount("floor_m2"),
                _amount("capacity", required=False, blank=True),
                Column("hours_week", "number", low=0, high=168),
                Column("office_hours_only", "integer", required=False, blank=True, low=0, high=1),
                _choice("open_to", OPEN_TO),
                Column("opened", "date", required=False, blank=True),
            ),
        ),
        TableSpec(
            "offices",
            (
                _id(),
                NAME,
                _choice("kind", UNIT_KINDS + TOWNSHIP_KINDS),
                _ref("community", blank=True),
                _ref("township", blank=True),
                _ref("settlement"),
                *(_count(role, required=False, blank=True) for role in (*ROLES, "certified")),
                _count("windows"),
                Column("hours_week", "number", low=0, high=168),
                _amount("floor_m2"),
                Column("office_share", "number", low=0, high=1),
            ),
        ),
        TableSpec(
            "contracts",
            (
                _id(),
                _ref("office"),
                _choice("class", BOUGHT),
                _amount("yuan_year"),
                Column("since", "date", required=False, blank=True),
            ),
            optional=True,
        ),
    )
}

REDRAW_TABLES = {
    "lineage": TableSpec("reform_lineage", (_id("settlement"), _ref("new_id"))),
    "units": TableSpec(
        "reform_units",
        (
            _id(),
            NAME,
            _choice("kind", UNIT_KINDS),
            _choice("type", UNIT_TYPES, required=False, blank=True),
            _ref("township"),
            _ref("seat_settlement"),
        ),
    ),
    "townships": TableSpec(
        "reform_townships",
        (_id(), NAME, _choice("kind", TOWNSHIP_KINDS), Column("county"), _ref("seat_settlement")),
    ),
}

SERVICES = TableSpec(
    "services",
    (
        _id(),
        _choice("mode", MODES),
        _amount("cutoff_min", required=False, blank=True),
        Column("old_users", "integer", required=False, blank=True, low=0, high=1),
        *(_amount(age, required=False, blank=True) for age in AGES),
    ),
)

STREET_TABLES = {
    "streets_nodes": TableSpec("streets_nodes", (_id(), X, Y)),
    "streets_edges": TableSpec(
        "streets_edges",
        (
            _ref("from"),
            _ref("to"),
            _amount("metres"),
            _amount("speed", required=False, blank=True),
            Column("one_way", "integer", required=False, blank=True, low=0, high=1),
            Column("opened", "date", required=False, blank=True),
        ),
    ),
}

COLUMNS = {
    "id": "text that names the row, unique in the table",
    "name": "as people call it",
    "county": "name of the county or district it lies in",
    "seat_settlement": "settlement in which its office and its counter lie",
    "township": "id of the township, town or street it lies in",
    "community": "id of the community or village it lies in",
    "settlement": "id of the settlement it lies in",
    "neighbour": "id of a settlement that has a border in common with it; each pair once",
    "group": "number of the residents' group within its community or village",
    "x": f"to the east, in {METRES}",
    "y": f"to the north, in {METRES}",
    "area_ha": "area in hectares",
    "terrain": "lie of the land, which lengthens ways",
    "compound": "kind of housing, which complaints depend on",
    "households": "number of households",
    "persons": "number of persons, the sum of the six ages",
    "services": "what it offers, ids of services with ';' between them",
    "operator": "id of the office that runs it, or market, or public",
    "floor_m2": "floor in square metres",
    "capacity": "visits a week or places; by rule where empty",
    "hours_week": "hours open a week",
    "office_hours_only": "1 where it is closed outside office hours",
    "open_to": "who may use it",
    "opened": "day from which on it is open; always where empty",
    "committee": "members of the committee",
    "community_worker": "hired community workers",
    "grid": "grid workers",
    "window": "staff of service windows",
    "social_worker": "social workers",
    "certified": "how many of the staff are certified social workers",
    "windows": "service windows",
    "office_share": "share of the floor that is offices, 0 to 1",
    "new_id": "id of the unit it belongs to afterwards",
    "office": "id of the office it belongs to",
    "class": "class of work that is bought",
    "yuan_year": "yuan a year",
    "since": "day from which on it holds; always where empty",
    "mode": "how it is supplied",
    "cutoff_min": "minutes beyond which nobody goes there",
    "old_users": "1 where the users walk at the speed of the old",
    "from": "id of the node at which it begins",
    "to": "id of the node at which it ends",
    "metres": "length in metres",
    "speed": "metres a minute, where it is not the usual one",
    "one_way": "1 where it can be passed from `from` to `to` only",
    **{
        age: f"persons of {age[4:].replace('_', ' to ')}{' and more' if age == 'age_80' else ''}"
        " years; in a table of services: needs a year and person of that age"
        for age in AGES
    },
}
"""What each column means, wherever it stands."""
