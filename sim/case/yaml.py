"""YAML 1.2 files as plain data with the place of every key, and checked by pydantic models.

Two ways in: `read_yaml` for a file that one model describes, and `Document` for readers that
check the content themselves and want to say where a key stands. Faults go to a `Problems`;
nothing here raises for what a person wrote.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sim.case.messages import Problems, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
KeyPath = tuple[str | int, ...]
Place = tuple[int, int]


@dataclass(frozen=True)
class Document:
    """A YAML file: `data` of dict, list, str, int, float, bool, date and None, with places.

    Keys are text, whatever they look like (``2020: 3`` has the key ``"2020"``).
    """

    path: Path
    data: Any
    keys: Mapping[KeyPath, Place]
    values: Mapping[KeyPath, Place]

    @staticmethod
    def read(path: Path, problems: Problems) -> Document | None:
        """The file's only document, or None after adding to `problems` what is wrong with it."""
        text = _text(Path(path), problems)
        if text is None:
            return None
        count = len(problems.errors)
        builder = _Builder(Path(path), problems)
        data = builder.load(text)
        if len(problems.errors) > count:
            return None
        return Document(Path(path), data, builder.keys, builder.values)

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
    document = Document.read(path, problems)
    if document is None:
        return None
    return validate(document, model, problems)


def validate(
    document: Document,
    model: type[Model],
    problems: Problems,
    keys: Sequence[str | int] = (),
) -> Model | None:
    """The part of `document` at `keys` as `model`, or None after adding every fault."""
    data = document.data
    for key in keys:
        data = data[key]
    try:
        return model.model_validate({} if data is None else data)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            _add_fault(fault, document, model, tuple(keys), problems)
        return None


def _text(path: Path, problems: Problems) -> str | None:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        beside = (p.name for p in path.parent.glob("*.y*ml")) if path.parent.is_dir() else ()
        hint = did_you_mean(path.name, beside) or "check the path"
        problems.error("missing-file", f"there is no file {path.name}", path, hint=hint)
    except IsADirectoryError:
        problems.error("not-a-file", "a YAML file is wanted, this is a directory", path)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        hint = "save the file as UTF-8"
        problems.error("encoding", "this is not UTF-8 text", path, line, hint=hint)
    except OSError as error:
        problems.error("unreadable", f"cannot be read: {error.strerror}", path)
    return None


class _Builder:
    """Turns a node tree into plain data and remembers where everything stood."""

    def __init__(self, path: Path, problems: Problems):
        self.path = path
        self.problems = problems
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self._yaml = YAML(typ="safe", pure=True)
        self._open: list[Node] = []

    def load(self, text: str) -> Any:
        try:
            node = self._yaml.compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
            at = text.splitlines()[mark.line : line] if mark else []  # [] behind the last line
            self.problems.error(
                "yaml-syntax",
                str(error.problem or error.context),
                self.path,
                line,
                column,
                _syntax_hint(error, "".join(at)),
            )
            return None
        except YAMLError as error:
            self.problems.error("yaml-syntax", str(error).splitlines()[0], self.path)
            return None
        except RecursionError:
            self.problems.error("yaml-depth", "lists or keys are nested too deeply", self.path)
            return None
        return None if node is None else self._build(node, ())

    def _build(self, node: Node, path: KeyPath) -> Any:
        place = _place(node)
        self.values[path] = place
        self.keys.setdefault(path, place)
        if any(node is n for n in self._open):
            self._error("yaml-cycle", "this alias contains itself", place, "write it out")
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, place)
        self._open.append(node)
        try:
            if isinstance(node, SequenceNode):
                return [self._build(item, (*path, i)) for i, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self._mapping(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, ScalarNode):
                self._error("yaml-key", "a key must be a plain word", place)
                continue
            key = key_node.value
            if key in data:
                first = self.keys[(*path, key)][0]
                hint = f"it stands in line {first} already: remove one of the two"
                self._error("duplicate-key", f"the key {key!r} is given twice", place, hint)
                continue
            self.keys[(*path, key)] = place
            data[key] = self._build(value_node, (*path, key))
        return data

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        try:
            return self._yaml.constructor.construct_object(node)
        except ValueError:
            hint = "write dates as 2020-01-31, and text that looks like a date in quotes"
            self._error("yaml-value", f"{node.value!r} is not a valid value", place, hint)
        except YAMLError:
            hint = "remove the tag; plain values are enough"
            self._error("yaml-tag", f"the tag {node.tag!r} is not known here", place, hint)
        return None

    def _error(self, code: str, message: str, place: Place, hint: str = "") -> None:
        self.problems.error(code, message, self.path, *place, hint)


def _place(node: Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax_hint(error: MarkedYAMLError, line: str) -> str:
    if "\t" in line:
        return "indent with spaces, not with tabs"
    if "<stream end>" in str(error.problem):
        return "the file ends inside a bracket or brace that is not closed"
    if "another document" in str(error.problem):
        return "one document a file: remove the line '---'"
    if error.context and error.context_mark:
        return f"{error.context} that begins in line {error.context_mark.line + 1}"
    return "check indentation, colons and brackets here and in the line above"


def _add_fault(
    fault: Any, document: Document, model: type[BaseModel], base: KeyPath, problems: Problems
) -> None:
    """One pydantic fault as a message at the place of the key it is about."""
    keys = _known_path(document.data, base + tuple(fault["loc"]))
    name = ".".join(str(k) for k in keys) or "this file"
    kind, hint = fault["type"], ""
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
        code, place = "bad-value", document.place(keys, value=True)
        text = fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        said = "" if isinstance(fault["input"], dict | list) else f", not {_shown(fault['input'])}"
        message = f"{name} should be {text}{said}"
        if kind == "value_error":
            message = f"{name}: {text}"
    problems.error(code, message, document.path, *place, hint)


def _known_path(data: Any, loc: tuple[str | int, ...]) -> KeyPath:
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
    return repr(value) if isinstance(value, str) else str(value)
