"""YAML 1.2 files as plain data with the place of every key, and checked by pydantic models.

Two ways in: `read_yaml` for a file that one model describes, and `Document` for readers that
check the content themselves and want to say where a key stands. Faults go to a `Problems`;
nothing here raises for what a person wrote.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import filterfalse
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sim.case.faults import add_fault, follows, known_path
from sim.case.messages import Problems
from sim.case.yaml_text import Builder, KeyPath, Place, read_text

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """A YAML file: `data` of dict, list, str, int, float, bool, date and None, with places.

    Keys are text, whatever they look like (``2020: 3`` has the key ``"2020"``). texts: how a
    value that is no text was written (``012``). faulty: values at fault, which are told of.
    """

    path: Path
    data: Any
    keys: Mapping[KeyPath, Place]
    values: Mapping[KeyPath, Place]
    texts: Mapping[KeyPath, str] = field(default_factory=dict)
    faulty: frozenset[KeyPath] = frozenset()

    @staticmethod
    def read(path: Path, problems: Problems) -> Document | None:
        """The file's only document, or None where it cannot be read; all faults are said.

        Where single values or keys are at fault there is a document still, so that the rest of
        it can be checked.
        """
        text = read_text(Path(path), problems)
        if text is None:
            return None
        builder = Builder(Path(path), text, problems)
        data = builder.load()
        if not builder.readable:
            return None
        places = builder.keys, builder.values, builder.texts
        return Document(Path(path), data, *places, frozenset(builder.faulty))

    def place(self, keys: Sequence[str | int] = (), value: bool = False) -> Place:
        """1-based (line, column) of the key or list item at `keys`, or of its value.

        Where the path does not exist, the place of its nearest ancestor that does.
        """
        places, path = (self.values if value else self.keys), tuple(keys)
        while path not in places and path:
            path = path[:-1]
        return places.get(path, (1, 1))


def read_yaml(path: Path, model: type[Model], problems: Problems) -> Model | None:
    """The file at `path` as `model`, or None after adding every fault to `problems`.

    Unknown keys are faults where the model says ``extra="forbid"``.
    """
    so_far = len(problems.found)
    document = Document.read(path, problems)
    found = validate(document, model, problems) if document else None
    return found if not problems.has_errors(so_far) else None


def validate(
    document: Document,
    model: type[Model],
    problems: Problems,
    keys: Sequence[str | int] = (),
) -> Model | None:
    """The part of `document` at `keys` as `model`, or None after adding every fault."""
    try:
        return model.model_validate(_at(document, keys))
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            add_fault(fault, document, model, tuple(keys), problems)
        return None


def salvage(
    document: Document,
    model: type[Model],
    keys: Sequence[str | int] = (),
    instead: Mapping[str, Any] | None = None,
) -> Model | None:
    """What can be used of a part that has faults, so that the rest of it can be checked too.

    A number where text belongs is taken as it was written, and text where a list belongs as a list
    with commas; any other faulty key is left out, or
    replaced where `instead` has a value for it. None where nothing useful is left.
    """
    data = copy.deepcopy(_at(document, keys))
    for _ in range(3):  # leaving a key out may show a fault of another
        try:
            return model.model_validate(data)
        except ValidationError as error:
            if not isinstance(data, dict):
                return None
            for fault in filterfalse(follows, error.errors(include_url=False)):
                _leave_out(fault, data, document, tuple(keys), instead or {})
    return None


def _leave_out(
    fault: Any, data: dict[str, Any], document: Document, base: KeyPath, instead: Mapping[str, Any]
) -> None:
    path = known_path(data, tuple(fault["loc"]))
    if fault["type"] == "missing" and fault["loc"]:
        path = tuple(fault["loc"][:1])
    if not path:
        return
    inner: Any = data
    for key in path[:-1]:
        inner = inner[key]
    text = document.texts.get((*base, *path))
    if fault["type"] == "string_type" and text:
        inner[path[-1]] = text
    elif fault["type"] in ("list_type", "tuple_type") and isinstance(fault["input"], str):
        inner[path[-1]] = [part.strip() for part in re.split("[,，、;；]", fault["input"])]
    elif isinstance(inner, dict) and len(path) > 1:
        inner.pop(path[-1], None)
    else:
        data.pop(str(path[0]), None)
        if path[0] in instead:
            data[str(path[0])] = instead[str(path[0])]


def _at(document: Document, keys: Sequence[str | int]) -> Any:
    data = document.data
    for key in keys:
        data = data[key]
    return {} if data is None else data
