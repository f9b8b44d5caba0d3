"""YAML 1.2 text as plain data with the place of every key, within the limits of `files`.

The reader of ruamel.yaml makes the nodes. What it would take too long for, or fail at, is refused
before; signs that a terminal or a file system could not bear are refused in keys and values.
"""

from __future__ import annotations

import bisect
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from sim.case.files import (
    DEEPEST,
    LONGEST_NUMBER,
    MOST_ENTRIES,
    MOST_VALUES,
    MOST_YAML,
    read_input,
)
from sim.case.messages import Problems, full_width

KeyPath = tuple[str | int, ...]
Place = tuple[int, int]

STRUCTURE = re.compile(r"[,\[\]{}!\n\r]|[:?-](?=\s)")
CONTROL = re.compile(r"[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
WIDE_COLON = re.compile(r"""(?:^|[{,])[ \t-]*["']?[A-Za-z_]\w*["']?\s*(：)""")
WIDE_BLANK = re.compile(r"^[ -]*([\u3000\xa0])")


def read_text(path: Path, problems: Problems) -> str | None:
    """The text of a YAML file, None after saying why it is none."""
    data = read_input(path, MOST_YAML, problems)
    if data is None:
        return None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or 3 * data.count(b"\0") > len(data) > 0:
        hint = "save the file as UTF-8 (in Windows' Notepad: Save as, Encoding)"
        problems.error("encoding", "this is UTF-16 text", path, hint=hint)
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        hint = "save the file as UTF-8"
        problems.error("encoding", "this is not UTF-8 text", path, line, hint=hint)
        return None
    entries = sum(1 for _ in STRUCTURE.finditer(text))
    if entries > MOST_ENTRIES:
        message = f"this file has {entries:,} lines and entries"
        hint = f"at most {MOST_ENTRIES:,} are read: put long lists into a table"
        problems.error("too-large", message, path, hint=hint)
        return None
    return text


class Builder:
    """Turns the text of a file into plain data and remembers where everything stood.

    texts: how a value that is no text was written, a number say. faulty: values at fault, which
    are None or as written. readable: whether there is anything to check further.
    """

    def __init__(self, path: Path, text: str, problems: Problems):
        self.path, self.text, self.problems = path, text, problems
        self.keys: dict[KeyPath, Place] = {}
        self.values: dict[KeyPath, Place] = {}
        self.texts: dict[KeyPath, str] = {}
        self.faulty: set[KeyPath] = set()
        self.readable = False
        self._yaml = YAML(typ="safe", pure=True)
        self._yaml.max_depth = DEEPEST
        self._open: list[Node] = []
        self._starts = [0, *(m.end() for m in re.finditer(r"\r\n|\r|\n", text))]

    def load(self) -> Any:
        """The data; None with the faults said, or where there is nothing."""
        control, version = CONTROL.search(self.text), re.search(r"^%YAML", self.text, re.MULTILINE)
        if control:
            self._control(control.group(), self._at(control.start()))
            return None
        if version:
            hint = "remove the line: this is read as YAML 1.2, where `no` is a word and 012 is 12"
            message = "the version of YAML is not for the file to choose"
            self._error("yaml-version", message, self._at(version.start()), hint)
            return None
        try:
            node = self._yaml.compose(self.text)
        except RecursionError:  # versions of the reader that do not count the depth
            self._too_deep(None)
        except MarkedYAMLError as error:
            self._syntax(error)
        except (YAMLError, ValueError) as error:  # ValueError: an escape beyond Unicode
            said = str(error).splitlines()[0] if str(error) else "this is not YAML"
            self.problems.error("yaml-syntax", said, self.path, hint="check the escapes")
        else:
            self.readable = True
            return None if node is None else self._whole(node)
        return None

    def _whole(self, node: Node) -> Any:
        try:
            return self._build(node, ())
        except _TooMany as many:
            message = f"with its aliases written out this file has more than {MOST_VALUES:,} values"
            hint = "write out what the aliases (*name) stand for, or use fewer of them"
            self._error("too-large", message, many.place, hint)
            self.readable = False
            return None

    def _build(self, node: Node, path: KeyPath) -> Any:
        place = self._place(node)
        self.values[path] = place
        self.keys.setdefault(path, place)
        if len(self.values) > MOST_VALUES:
            raise _TooMany(place)
        if any(node is n for n in self._open):
            self._error("yaml-cycle", "this alias contains itself", place, "write it out")
            self.faulty.add(path)
            return None
        if isinstance(node, ScalarNode):
            return self._scalar(node, place, path)
        self._open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            return [self._build(item, (*path, i)) for i, item in enumerate(node.value)]
        finally:
            self._open.pop()

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = self._place(key_node)
            if not isinstance(key_node, ScalarNode):
                hint = "write the key as a word, and a list behind the colon"
                self._error("yaml-key", "a key must be a plain word", place, hint)
                continue
            key = self._sound(key_node.value, place) or ""
            if key in data:
                first = self.keys[(*path, key)][0]
                hint = f"it stands in line {first} already: remove one of the two"
                self._error("duplicate-key", f"the key {key!r} is given twice", place, hint)
                continue
            self.keys[(*path, key)] = place
            data[key] = self._build(value_node, (*path, key))
        return data

    def _scalar(self, node: ScalarNode, place: Place, path: KeyPath) -> Any:
        kind = str(node.tag).removeprefix("tag:yaml.org,2002:")
        if kind == "str":
            text = self._sound(node.value, place)
            if text is None:
                self.faulty.add(path)
            return text
        self.faulty.add(path)  # unless it turns out well
        if kind not in ("int", "float", "bool", "null", "timestamp"):
            hint = "remove the tag; plain values are enough"
            self._error("yaml-tag", f"the tag {node.tag!r} is not known here", place, hint)
            return None
        if len(node.value) > LONGEST_NUMBER:
            hint = "put it in quotes if it is text"
            self._error("yaml-value", f"{node.value!r} is too long a number", place, hint)
            return None
        try:
            value = self._yaml.constructor.construct_object(node)
            self.texts[path] = node.value
            self.faulty.discard(path)
            return value
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, YAMLError):
            hint = "put text in quotes; a number is digits, as in 1200 or 0.5"
            if kind == "timestamp":
                hint = "write dates as 2020-01-31, and text that looks like a date in quotes"
            self._error("yaml-value", f"{node.value!r} is not a valid value", place, hint)
        return str(node.value)

    def _sound(self, text: str, place: Place) -> str | None:
        """The text with its surrogates joined, None after refusing signs that are none."""
        if text.isascii() and not CONTROL.search(text):
            return text
        try:
            whole = text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            whole = "\ud800"
        control = CONTROL.search(whole)
        if control is None:
            return whole
        self._control(control.group(), place)
        return None

    def _syntax(self, error: MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem or error.context)
        if mark is None:
            self.problems.error("yaml-syntax", said, self.path, hint="check the line before")
            return
        place = self._at(mark.index)
        if "maximum depth" in said:
            self._too_deep(place)
            return
        # a key with a full-width colon joins the line below: look from the line before
        first = max(0, place[0] - 3)
        if error.context_mark:
            first = min(first, error.context_mark.line)
        lines = self._lines(first, place[0])
        for number, line in enumerate(lines, first + 1):
            sign = WIDE_COLON.search(line) or WIDE_BLANK.search(line)
            if sign:
                at = number, sign.start(1) + 1
                hint = full_width(sign.group(1)) or "indent with plain spaces"
                name = "colon" if sign.group(1) == "：" else "blank"
                message = f"a full-width {name}, where YAML needs a plain one"
                self._error("full-width", message, at, hint)
                return
        self._error("yaml-syntax", said, place, _syntax_hint(error, self._lines(*_of(place))))

    def _too_deep(self, place: Place | None) -> None:
        message = f"lists or keys are nested more than {DEEPEST} deep"
        line, column = place or (None, None)
        hint = "check the indentation"
        self.problems.error("yaml-depth", message, self.path, line, column, hint)

    def _control(self, sign: str, place: Place) -> None:
        name = "NUL" if sign == "\0" else f"U+{ord(sign):04X}"
        hint = "remove it: it is no text; perhaps the file is damaged, or not UTF-8"
        self._error("control-character", f"the sign {name} cannot stand here", place, hint)

    def _error(self, code: str, message: str, place: Place, hint: str = "") -> None:
        self.problems.error(code, message, self.path, *place, hint)

    def _place(self, node: Node) -> Place:
        return self._at(node.start_mark.index)

    def _at(self, index: int) -> Place:
        """1-based line and column, in characters, of an index into the text."""
        line = bisect.bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1

    def _lines(self, first: int, last: int) -> list[str]:
        """Lines of the text, 0-based, the last one excluded."""
        ends = [*self._starts[1:], len(self.text)]
        return [self.text[a:b] for a, b in zip(self._starts, ends, strict=True)][first:last]


def _of(place: Place) -> tuple[int, int]:
    return place[0] - 1, place[0]


class _TooMany(Exception):
    """More values than are read; where the count ended."""

    def __init__(self, place: Place):
        self.place = place


def _syntax_hint(error: MarkedYAMLError, lines: list[str]) -> str:
    problem = str(error.problem)
    if "\t" in "".join(lines):
        return "indent with spaces, not with tabs"
    if "<stream end>" in problem:
        return "the file ends inside a bracket or brace that is not closed"
    if "another document" in problem:
        return "one document a file: remove the line '---'"
    if "mapping values are not allowed" in problem:
        return "put text that holds a colon and a blank in quotes, or check the indentation"
    if error.context and error.context_mark:
        return f"{error.context} that begins in line {error.context_mark.line + 1}"
    return "check indentation, colons and brackets here and in the line above"
