"""JSON Schemas (draft 2020-12) of the files that people write, and Table Schemas of their tables.

They are made from the models that check these files, so that what an editor completes and
underlines is what `sim check` accepts and refuses. What a key means stands in the docstring of its
model as ``key: meaning``, with ``;`` or ``.`` behind it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from sim.case.parameters import Parameters
from sim.case.schema import COLUMNS, REDRAW_TABLES, SERVICES, STREET_TABLES, TABLES, CaseMeta
from sim.case.synthesis.files import write_together
from sim.case.synthesis.totals import Totals
from sim.case.tables import Column, TableSpec
from sim.experiment.experiment import ExperimentFile
from sim.levers.reading import ScenarioFile
from sim.levers.scenario import LEVERS

DRAFT = "https://json-schema.org/draft/2020-12/schema"
FILES: dict[str, type[BaseModel]] = {
    "case": CaseMeta,
    "scenario": ScenarioFile,
    "experiment": ExperimentFile,
    "totals": Totals,
}
TYPES = {"integer": "integer", "number": "number", "date": "date"}  # all others are texts
REFERS_TO = {
    "township": "townships",
    "community": "communities",
    "settlement": "settlements",
    "neighbour": "settlements",
    "seat_settlement": "settlements",
    "office": "offices",
    "new_id": "reform_units",
    "from": "streets_nodes",
    "to": "streets_nodes",
}


def write_schemas(folder: Path) -> list[Path]:
    """Writes all schemas into a folder, which is made where there is none."""
    files = schema_files()
    write_together(folder, files)
    return [folder / name for name in files]


def schema_files() -> dict[str, bytes]:
    """Every schema as the bytes of a file, by its name."""
    schemas = {f"{name}.schema.json": file_schema(name) for name in FILES}
    tables = {**TABLES, SERVICES.name: SERVICES, **STREET_TABLES}
    tables |= {spec.name: spec for spec in REDRAW_TABLES.values()}
    schemas |= {f"{name}.tableschema.json": table_schema(spec) for name, spec in tables.items()}
    return {
        name: (json.dumps(schema, ensure_ascii=False, indent=2) + "\n").encode()
        for name, schema in schemas.items()
    }


def file_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of one kind of file (a key of FILES)."""
    model, levers = FILES[name], LEVERS if name == "scenario" else {}
    wanted = [model, *levers.values()]
    keys, made = models_json_schema(
        [(m, "validation") for m in wanted], schema_generator=_Described
    )
    parts = made["$defs"]
    top = parts.pop(keys[model, "validation"]["$ref"].rpartition("/")[2])
    if "parameters" in top["properties"]:
        top["properties"]["parameters"] |= _parameters()
    if levers:
        top["properties"]["levers"]["anyOf"][0]["items"] = {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": False,
            "properties": {kind: keys[m, "validation"] for kind, m in sorted(levers.items())},
        }
    return {"$schema": DRAFT, **top, "$defs": dict(sorted(parts.items()))}


class _Described(GenerateJsonSchema):
    """Schemas in which keys bear the meaning that the docstrings of their models give."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def model_schema(self, schema: Any) -> dict[str, Any]:
        made = super().model_schema(schema)
        about, meanings = described(schema["cls"])
        if about:
            made["description"] = about
        for key, part in made.get("properties", {}).items():
            if key in meanings:
                part.setdefault("description", meanings[key])
        return made


def described(model: type[BaseModel]) -> tuple[str, dict[str, str]]:
    """What a model's docstring says of it, and of each of its keys, those inherited included."""
    meanings: dict[str, str] = {}
    about = ""
    keys = {field.alias or name for name, field in model.model_fields.items()}
    spec = re.compile(
        rf"(?:^|(?<=[;.] ))({'|'.join(map(re.escape, sorted(keys)))}): " if keys else r"(?!)"
    )
    for cls in reversed(model.__mro__):
        if not issubclass(cls, BaseModel) or cls is BaseModel:
            continue
        text = " ".join((cls.__dict__.get("__doc__") or "").split())
        about, *rest = spec.split(text)
        for key, said in zip(rest[::2], rest[1::2], strict=True):
            meanings[key] = re.split(r"[;.](?: |$)", said)[0]
    return about.rstrip(" ;"), meanings


def _parameters() -> dict[str, Any]:
    """The parameters of the model as the properties of an object."""
    return {
        "additionalProperties": False,
        "properties": {
            p.name: {
                "type": "number",
                "minimum": p.low,
                "maximum": p.high,
                "description": f"{p.unit}; {p.value:g} by default ({p.source})",
            }
            for p in Parameters.load()
        },
    }


def table_schema(spec: TableSpec) -> dict[str, Any]:
    """The Table Schema (Data Package 2) of a table; more columns than these are allowed."""
    first = spec.columns[0]
    schema: dict[str, Any] = {
        "name": spec.name,
        "fieldsMatch": "partial",
        "missingValues": [""],
        "fields": [_field(c) for c in spec.columns],
    }
    if first.kind == "id":
        schema["primaryKey"] = [first.name]
    # the townships of a redraw may stand in either table
    elsewhere = {"township"} if spec is REDRAW_TABLES["units"] else set()
    refers = [
        {"fields": [c.name], "reference": {"resource": REFERS_TO[c.name], "fields": ["id"]}}
        for c in spec.columns
        if c.name in REFERS_TO and c.kind in ("id", "reference") and c.name not in elsewhere
    ]
    return schema | ({"foreignKeys": refers} if refers else {})


def _field(column: Column) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    if not column.blank:
        limits["required"] = True
    if column.kind == "id":
        limits["unique"] = True
    if np.isfinite(column.low):
        limits["minimum"] = column.low
    if np.isfinite(column.high):
        limits["maximum"] = column.high
    if column.choices:
        limits["enum"] = list(column.choices)
    about = COLUMNS.get(column.name, "")
    if not column.required:
        about = f"{about}; the column may be left out".lstrip("; ")
    field = {"name": column.name, "type": TYPES.get(column.kind, "string"), "description": about}
    return field | ({"constraints": limits} if limits else {})
