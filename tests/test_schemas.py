"""Claims about the schemas: current, complete, and no stricter than what reads the files."""

from __future__ import annotations

import copy
import datetime
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML

from sim.case.case import Case
from sim.case.messages import InputError, Problems
from sim.case.schema import COLUMNS, REDRAW_TABLES, SERVICES, STREET_TABLES, TABLES
from sim.case.synthesis.totals import Totals
from sim.case.yaml import Document, read_yaml
from sim.check import check
from sim.experiment.experiment import Experiment
from sim.levers.scenario import LEVERS, Scenario
from sim.new import new_case
from sim.schemas import FILES, described, file_schema, schema_files, table_schema
from tests.cases import write_small_case
from tests.levers import add, close, merge, redraw, write_scenario

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "docs" / "schemas"
SHIPPED = sorted(
    [*(ROOT / "scenarios").rglob("*.yaml"), *(ROOT / "experiments").glob("*.yaml"),
     *(ROOT / "sim" / "data" / "new").glob("*.yaml")]
)  # fmt: skip
MODELINE = re.compile(
    r"# yaml-language-server: \$schema=((?:\.\./)*(?:docs/)?schemas/(\w+)\.schema\.json)$"
)
VALIDATORS = {
    kind: Draft202012Validator(
        file_schema(kind), format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    for kind in FILES
}
SPECS = {
    **TABLES, "services": SERVICES, **STREET_TABLES,
    **{spec.name: spec for spec in REDRAW_TABLES.values()},
}  # fmt: skip


def as_json(data: Any) -> Any:
    """What a YAML file says as JSON has it: dates are texts."""
    if isinstance(data, dict):
        return {str(k): as_json(v) for k, v in data.items()}
    if isinstance(data, list):
        return [as_json(v) for v in data]
    return data.isoformat() if isinstance(data, datetime.date) else data


def read(path: Path) -> Any:
    problems = Problems()
    document = Document.read(path, problems)
    assert document is not None, problems.found
    return document.data


def kind_of(path: Path) -> str:
    line = MODELINE.match(path.read_text("utf-8").splitlines()[0])
    example = "# yaml-language-server: $schema=../../docs/schemas/scenario.schema.json"
    assert line, f"{path} does not name its schema in its first line, such as {example}"
    return line[2]


def test_the_committed_schemas_are_current() -> None:
    there = {p.name: p.read_bytes() for p in COMMITTED.iterdir()}
    assert there == schema_files(), "run `python -m sim schema docs/schemas`"


@pytest.mark.parametrize("kind", FILES)
def test_every_schema_is_one(kind: str) -> None:
    Draft202012Validator.check_schema(file_schema(kind))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_shipped_file_names_a_schema_that_accepts_it(path: Path) -> None:
    kind = kind_of(path)
    assert not [e.message for e in VALIDATORS[kind].iter_errors(as_json(read(path)))]
    target = path.parent / MODELINE.match(path.read_text("utf-8").splitlines()[0])[1]
    if "data" not in path.parts:  # the templates' schemas are written beside the new case
        assert target.resolve() == COMMITTED / f"{kind}.schema.json"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_shipped_file_is_accepted_by_what_reads_it(path: Path) -> None:
    problems = Problems()
    if kind_of(path) == "totals":
        read_yaml(path, Totals, problems)
    elif kind_of(path) == "experiment" and "data" not in path.parts:
        read_yaml(path, FILES["experiment"], problems)  # their scenarios are files of this list
    elif kind_of(path) == "scenario":
        Scenario.open(path, opened(path.parent))
    else:
        check(path)
    assert not problems.errors


@cache
def opened(folder: Path) -> Case:
    return Case.open(folder)


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all that its keys hold."""
    yield model
    for field in model.model_fields.values():
        stack = [field.annotation]
        while stack:
            part = stack.pop()
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from models(part)
            stack += getattr(part, "__args__", ())


@pytest.mark.parametrize("model", [*FILES.values(), *LEVERS.values()], ids=lambda m: m.__name__)
def test_every_key_has_a_meaning(model: type[BaseModel]) -> None:
    """Said in the docstring of its model as ``key: meaning;``."""
    dumb = []
    for part in models(model):
        about, meanings = described(part)
        keys = {f.alias or name for name, f in part.model_fields.items() if not f.description}
        dumb += [] if about else [part.__name__]
        dumb += [f"{part.__name__}.{key}" for key in sorted(keys - set(meanings))]
    assert not dumb, "say it in the docstring of the class: `key: meaning; other: meaning.`"


def test_every_lever_can_be_written() -> None:
    items = file_schema("scenario")["properties"]["levers"]["anyOf"][0]["items"]
    assert set(items["properties"]) == set(LEVERS)


JUNK = [None, True, 0, 1, -1, 2.5, 1e9, "", "x", "1", "2020-13-01", "20200518",
        "2020-05-18T00:00:00", [], {}, ["x"], [1], {"x": 1}, {"x": None}, [["x"]]]  # fmt: skip


@pytest.mark.parametrize("kind", [*FILES, *LEVERS])
def test_what_the_schema_refuses_at_a_key_its_model_refuses_there(kind: str) -> None:
    """Every key of every file and lever with values of every type."""
    if kind in FILES:
        model, schema = FILES[kind], file_schema(kind)
    else:
        model, whole = LEVERS[kind], file_schema("scenario")
        schema = whole | whole["$defs"][LEVERS[kind].__name__]
    lax = []
    for key, part in schema["properties"].items():
        if key in ("parameters", "levers"):
            continue  # names of parameters and levers are checked by what opens the file
        validator = Draft202012Validator(
            {**part, "$defs": schema["$defs"]},
            format_checker=Draft202012Validator.FORMAT_CHECKER,
        )
        for value in JUNK:
            if validator.is_valid(value):
                continue
            try:
                model.model_validate({key: value})
                lax.append((key, value))
            except ValidationError as error:
                if not any(fault["loc"][:1] == (key,) for fault in error.errors()):
                    lax.append((key, value))
    assert not lax, "such values are read, though an editor underlines them"


def places(data: Any, path: tuple = ()) -> Iterator[tuple]:
    yield path
    items = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, value in items:
        yield from places(value, (*path, key))


@st.composite
def mutants(draw: st.DrawFn, data: Any) -> Any:
    """The data with one or two small faults: a key lost, added or renamed, a value replaced."""
    data = copy.deepcopy(data)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(data))[1:] or [()]))
        if not path:
            return data
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        how = draw(st.sampled_from(["lose", "replace", "add", "rename"]))
        if how == "lose":
            del parent[path[-1]]
        elif how == "replace":
            parent[path[-1]] = copy.deepcopy(draw(st.sampled_from(JUNK)))
        elif isinstance(parent, list):
            parent.append(copy.deepcopy(draw(st.sampled_from(JUNK))))
        elif how == "add":
            parent["extra"] = draw(st.sampled_from([1, "x", None]))
        else:
            parent[f"{path[-1]}s"] = parent.pop(path[-1])
    return data


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = write_small_case(tmp_path_factory.mktemp("schemas") / "small")
    write_scenario(folder, name="before")
    return Case.open(folder)


def refused(kind: str, path: Path, case: Case) -> bool:
    try:
        if kind == "scenario":
            Scenario.open(path, case)
        elif kind == "experiment":
            Experiment.open(path)
        else:
            Case.open(path.parent)
    except InputError:
        return True
    return False


SCENARIO = {
    "title": {"en": "A scenario", "zh": "方案"},
    "base": "before.yaml",
    "about": "all kinds of values",
    "levers": [
        merge(service_points={"keep_share": 0.5}, staff={"floor_per_10000": 18}, imposed=True),
        add("culture", where={"kind": "village", "without": "nursery", "count": 1}, floor_m2=100),
        close("S-999901001001"),
        {"online_service": {"date": "2020-05-18", "scope": {"types": ["rural"]},
                            "ramp": {"weeks": 8}}},
        {"agency_service": {"date": "2020-05-18", "waves": {"number": 2, "weeks": 4}}},
    ],
}  # fmt: skip
EXPERIMENT = {
    "title": {"en": "An experiment", "zh": "试验"},
    "case": ".",
    "scenarios": ["before.yaml"],
    "start": datetime.date(2020, 1, 6),
    "weeks": 10,
    "replicates": 2,
    "parameters": {"needs.township_tier": 0.5},
    "scope": {"counties": ["甲区"]},
    "record": {"outcomes": "weekly", "units": 5},
}


@given(st.data())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutant_that_the_schema_refuses_is_refused_by_the_reader(
    case: Case, data: st.DataObject
) -> None:
    kind, sound = data.draw(
        st.sampled_from([("scenario", SCENARIO), ("experiment", EXPERIMENT), ("case", None)])
    )
    path = case.path / {"case": "case.yaml"}.get(kind, f"{kind}.yaml")
    original = path.read_bytes() if kind == "case" else b""
    mutant = data.draw(mutants(read(path) if kind == "case" else sound))
    try:
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(mutant, file)
        problems = Problems()
        document = Document.read(path, problems)
        if document and not VALIDATORS[kind].is_valid(as_json(document.data)):
            assert refused(kind, path, case), mutant
    finally:
        if kind == "case":
            path.write_bytes(original)


def test_the_sound_files_of_that_test_are_sound(case: Case) -> None:
    for kind, data in (("scenario", SCENARIO), ("experiment", EXPERIMENT)):
        path = case.path / f"{kind}.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        assert not refused(kind, path, case)
        assert VALIDATORS[kind].is_valid(as_json(read(path)))


def test_redraws_are_accepted_as_both_read_them() -> None:
    lever = redraw(service_points={"keep_share": 0.8}, staff="attrition")
    assert VALIDATORS["scenario"].is_valid({"title": {"en": "A", "zh": "甲"}, "levers": [lever]})


@pytest.mark.parametrize("name", SPECS)
def test_a_table_schema_says_what_its_columns_may_hold(name: str) -> None:
    spec, schema = SPECS[name], table_schema(SPECS[name])
    assert [f["name"] for f in schema["fields"]] == [c.name for c in spec.columns]
    fields = {f["name"]: f for f in schema["fields"]}
    for column in spec.columns:
        limits = fields[column.name].get("constraints", {})
        assert limits.get("required", False) == (not column.blank)
        assert tuple(limits.get("enum", ())) == column.choices
        assert column.name in COLUMNS or column.choices, f"say in COLUMNS what {column.name} means"
    for key in schema.get("foreignKeys", ()):
        assert key["reference"]["resource"] in SPECS


def test_the_new_case_names_schemas_that_stand_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    new_case(folder)
    for path in folder.glob("*.yaml"):
        line = MODELINE.match(path.read_text("utf-8").splitlines()[0])
        assert line and json.loads((folder / line[1]).read_text("utf-8")) == file_schema(line[2])
