"""Messages about input: what is wrong, where it stands, and what to do.

A reader of files collects `Problem`s in `Problems` and raises `InputError` once, so that a
person sees everything at once instead of one mistake per attempt.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NEAR = 0.6  # share of signs that a near match has in common
LONGEST = 400  # characters of a message: what a person wrote may be a megabyte
WIDE_SIGNS = {"：": ": ", "，": ", ", "、": ", ", "；": "; ", "［": "[", "｛": "{", "“": '"'}


@dataclass(frozen=True)
class Problem:
    """One fault of the input.

    code: short stable name such as ``unknown-id``, explained by `sim.case.codes`; path, line,
    column: 1-based place (columns count characters), or None where the fault has none; hint: what
    to do about it. What the message quotes is shortened, and shown by its escape where a terminal
    could not show it, or would obey it.
    """

    code: str
    message: str
    path: Path | None = None
    line: int | None = None
    column: int | None = None
    hint: str = ""
    severity: str = "error"

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _showable(self.message))
        object.__setattr__(self, "hint", _showable(self.hint))

    def place(self) -> str:
        """``file:line:column``, as far as they are known."""
        parts = [str(self.path)] if self.path else []
        parts += [str(n) for n in (self.line, self.column) if n is not None]
        return ":".join(parts)

    def to_json(self, source: str | None = None) -> dict[str, Any]:
        """As plain data; source: the line of the file that it is about."""
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "path": None if self.path is None else str(self.path),
            "line": self.line,
            "column": self.column,
            "source": source,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        place = self.place()
        head = f"{place}: " if place else ""
        tail = f"\n    {self.hint}" if self.hint else ""
        return f"{head}{self.severity} [{self.code}]: {self.message}{tail}"


class InputError(Exception):
    """Faults of the input that a person can mend; the command line prints them and exits 2."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


@dataclass
class Problems:
    """Collector of faults; `raise_errors` ends the reading when there is one."""

    found: list[Problem] = field(default_factory=list)

    def error(
        self,
        code: str,
        message: str,
        path: Path | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
    ) -> None:
        """Adds a fault that stops the run."""
        self.found.append(Problem(code, message, path, line, column, hint))

    def warning(
        self,
        code: str,
        message: str,
        path: Path | None = None,
        line: int | None = None,
        column: int | None = None,
        hint: str = "",
    ) -> None:
        """Adds a remark that does not stop the run."""
        self.found.append(Problem(code, message, path, line, column, hint, "warning"))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.found)

    @property
    def errors(self) -> list[Problem]:
        return [p for p in self.found if p.severity == "error"]

    def has_errors(self, first: int = 0) -> bool:
        """Whether any of those found stops the run, from the `first` on."""
        return any(p.severity == "error" for p in self.found[first:])

    def raise_errors(self) -> None:
        """Raises `InputError` with all faults, warnings included, if any of them is an error."""
        if self.has_errors():
            raise InputError(self.found)


def some(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more:,} more" if more > 0 else "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with up to three near matches of `word`, or an empty text.

    Full-width signs (１２３, ：) are looked through, and those that a machine does not read as
    punctuation are named.
    """
    words, plain = sorted(known), unicodedata.normalize("NFKC", word[:LONGEST]).strip()
    if plain in words:
        return f"did you mean {plain!r}? Some signs are full-width, or blanks stand around it"
    if full_width(word):
        return full_width(word)
    near = difflib.get_close_matches(plain, words, n=3, cutoff=NEAR) if len(plain) < 100 else []
    return f"did you mean {' or '.join(repr(n) for n in near)}?" if near else ""


def near_file(name: str, known: Iterable[str]) -> str:
    """`did_you_mean` of file names: endings that all files have make none alike."""
    stems: dict[str, list[str]] = {}
    for file in sorted(known):
        stems.setdefault(file.rpartition(".")[0] or file, []).append(file)
    stem = name.rpartition(".")[0] or name
    plain = unicodedata.normalize("NFKC", stem[:LONGEST]).strip()
    near = difflib.get_close_matches(plain, stems, n=3, cutoff=NEAR) if len(plain) < 100 else []
    files = [repr(file) for word in near for file in stems[word]]
    return f"did you mean {' or '.join(files[:3])}?" if files else full_width(name)


def near_id(word: str, known: Collection[str], names: Iterable[tuple[str, str]]) -> str:
    """`did_you_mean` of ids, where a person may have written a name; names: (id, name)."""
    plain = unicodedata.normalize("NFKC", word[:LONGEST]).strip()
    ids: dict[str, list[str]] = {}
    for id_, name in names:
        if id_ in known:
            ids.setdefault(name, []).append(id_)
    near = [plain] if plain in ids else []
    hint = "" if near else did_you_mean(word, known)
    if not near and not hint and 1 < len(plain) < 100:
        near = [name for name in sorted(ids) if plain in name][:3]
        near = near or difflib.get_close_matches(plain, ids, n=3, cutoff=NEAR)
    said = [f"{id_!r} ({name})" for name in near for id_ in ids[name]]
    return f"did you mean {' or '.join(said[:3])}?" if said else hint


def full_width(text: str) -> str:
    """A hint where a text holds a full-width sign that looks like punctuation of YAML."""
    sign = next((c for c in text if c in WIDE_SIGNS), "")
    if not sign:
        return ""
    return f"{sign!r} is a full-width sign, part of the text: write {WIDE_SIGNS[sign]!r}"


def _showable(text: str) -> str:
    if len(text) > LONGEST:
        text = f"{text[: LONGEST - 60]} ... {text[-50:]}"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
