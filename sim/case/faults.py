"""Faults that a model finds in a file, as messages at the place of the key they are about.

A model says what it wanted; what a planner meant can often be told from what was written: an id
without quotes, a date with slashes, a full-width sign.
"""

from __future__ import annotations

import re
import types
import typing
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from sim.case.messages import Problems, did_you_mean, full_width
from sim.case.yaml_text import KeyPath, Place

SHORTENED = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")  # 5.11425E+11, as spreadsheets write long ids
WANTED = {
    "list_type": "be a list",
    "tuple_type": "be a list",
    "dict_type": "be a dictionary: keys, each with its value",
    "model_type": "be a dictionary: keys, each with its value",
    "string_type": "be text",
    "date_type": "be a date",
    "date_parsing": "be a date",
    "date_from_datetime_parsing": "be a date",
    "date_from_datetime_inexact": "be a date without a time",
    "bool_parsing": "be true or false",
    "bool_type": "be true or false",
}
TRUTH_VALUES = {"yes", "no", "on", "off", "y", "n", "是", "否"}


class Written(Protocol):
    """What is needed of a `Document`."""

    @property
    def path(self) -> Path: ...

    @property
    def data(self) -> Any: ...

    @property
    def texts(self) -> Mapping[KeyPath, str]: ...

    @property
    def faulty(self) -> frozenset[KeyPath]: ...

    def place(self, keys: Any = (), value: bool = False) -> Place: ...


def add_fault(
    fault: Any, document: Written, model: type[BaseModel], base: KeyPath, problems: Problems
) -> None:
    """One pydantic fault as a message at the place of the key it is about."""
    keys = known_path(document.data, base + tuple(fault["loc"]))
    kind, hint = fault["type"], ""
    about_key = kind in ("extra_forbidden", "missing")  # whatever its value
    above = range(len(keys) + (0 if about_key else 1))
    if follows(fault) or any(keys[:n] in document.faulty for n in above):
        return
    name = _named(keys[len(base) :] or base[-1:]) or "this file"
    if kind == "extra_forbidden":
        fields = _fields(model, keys[len(base) : -1])
        hint = did_you_mean(str(keys[-1]), fields)
        if not hint and fields:
            hint = f"known here: {', '.join(sorted(fields))}"
        code, message, place = "unknown-key", f"unknown key {keys[-1]!r}", document.place(keys)
    elif kind == "missing":
        missing = str(fault["loc"][-1])
        code, message = "missing-key", f"the key {missing!r} is missing"
        place, hint = document.place(keys), f"add a line `{missing}: ...` here"
    else:
        code, message, hint = _wrong_value(fault, name, document.texts.get(keys))
        place = document.place(keys, value=True)
    problems.error(code, message, document.path, *place, hint)


def _wrong_value(fault: Any, name: str, text: str | None) -> tuple[str, str, str]:
    """Code, message and hint for a value that is not what the model wants; text: as written."""
    kind, value = fault["type"], fault["input"]
    said = fault["msg"].removeprefix("Value error, ").replace(" after validation", "")
    if kind == "value_error":
        dated = "2020-01-31" in said and isinstance(value, str)
        return "bad-value", f"{name}: {said}", _meant("date", value) if dated else ""
    plain = re.sub(r"^[A-Z]\w+ should ", "", said)
    said = WANTED.get(kind) or (plain if plain != said else f"be {said}")
    if value is None:
        hint = "write a value behind the colon, or leave the key out"
        return "empty-value", f"{name} is empty; it should {said}", hint
    if kind == "string_type" and text is not None:
        return "unquoted-text", *_unquoted(name, text, value)
    if isinstance(value, dict | list):
        return "bad-value", f"{name} should {said}", ""
    message = f"{name} should {said}, not {_shown(value)}"
    if isinstance(value, str):
        wide = full_width(value) if "：" in value or kind in ("list_type", "tuple_type") else ""
        if wide and kind in ("list_type", "tuple_type", "dict_type", "model_type"):
            return "full-width", message, wide
        return "bad-value", message, _meant(kind, value)
    if kind.startswith("date"):
        return "bad-value", message, "write dates as 2020-01-31"
    return "bad-value", message, ""


def _unquoted(name: str, text: str, value: Any) -> tuple[str, str]:
    what = "truth value" if isinstance(value, bool) else "date" if "-" in str(value) else "number"
    message = f"{name} is text, but {text} without quotes is read as the {what} {value}"
    if SHORTENED.fullmatch(text):
        return message, "a spreadsheet program has shortened it: put the whole id here, in quotes"
    return message, f'put it in quotes: "{text}"'


def _meant(kind: str, value: str) -> str:
    """What a text may have been meant as, where something else is wanted."""
    plain = unicodedata.normalize("NFKC", value).strip()
    if kind.startswith("date"):
        parts = re.fullmatch(r"(\d{4})\D(\d{1,2})\D(\d{1,2})\D?", plain)
        if parts is None:
            return "write dates as 2020-01-31"
        return "write {}-{:0>2}-{:0>2}".format(*parts.groups())
    if kind.startswith("bool"):
        return "write true or false"
    if kind.startswith(("int", "float")):
        if re.fullmatch(r"\d+:\d+(:\d+)?", plain):
            return "a time is not a number: write hours as 7.5"
        try:
            number = float(plain.replace(",", "").replace(" ", ""))
        except ValueError:
            return "write digits only, without units"
        if value == plain == f"{number:g}" or value == str(number):
            return "remove the quotes"
        return f"write {number:g}, with plain digits and nothing between them"
    if kind in ("list_type", "tuple_type"):
        return f"put a list in brackets: [{value}]" if len(value) < 40 else "write a list"
    if value.lower() in TRUTH_VALUES:
        return f"{value} is a word here, not true or false"
    return ""


def follows(fault: Any) -> bool:
    """Whether a fault is only the consequence of another: a list is too short without an item
    that is at fault itself."""
    least = fault.get("ctx", {}).get("min_length", 0)
    return fault["type"] == "too_short" and len(fault["input"]) >= least


def _named(keys: KeyPath) -> str:
    """Keys as a path; items of lists are counted from 1."""
    return "".join(f"[{k + 1}]" if isinstance(k, int) else f".{k}" for k in keys).lstrip(".")


def known_path(data: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """`loc` without the parts that pydantic adds for unions and validators."""
    path: list[str | int] = []
    for part in loc:
        inside = (isinstance(data, dict) and part in data) or (
            isinstance(data, list) and isinstance(part, int) and part < len(data)
        )
        if inside:
            data = data[part]
            path.append(part)
    return tuple(path)


def _fields(model: type[BaseModel], keys: KeyPath) -> set[str]:
    """The keys that `model` knows at `keys`."""
    models = [model]
    for key in keys:
        if isinstance(key, int):
            continue
        annotations = [
            field.annotation
            for m in models
            for name, field in m.model_fields.items()
            if key in (name, field.alias)
        ]
        # a key that is no field is one of a free mapping: its models are those found before
        models = [m for a in annotations for m in _models_in(a)] if annotations else models
    return {field.alias or name for m in models for name, field in m.model_fields.items()}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
        return
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)


def _shown(value: Any) -> str:
    return repr(value[:200]) if isinstance(value, str) else str(value)
