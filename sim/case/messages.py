"""Messages about input: what is wrong, where it stands, and what to do.

A reader of files collects `Problem`s in `Problems` and raises `InputError` once, so that a
person sees everything at once instead of one mistake per attempt.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Problem:
    """One fault of the input.

    code: short stable name such as ``unknown-id``; path, line, column: 1-based place, or None
    where the fault has none; hint: what to do about it.
    """

    code: str
    message: str
    path: Path | None = None
    line: int | None = None
    column: int | None = None
    hint: str = ""
    severity: str = "error"

    def place(self) -> str:
        """``file:line:column``, as far as they are known."""
        parts = [str(self.path)] if self.path else []
        parts += [str(n) for n in (self.line, self.column) if n is not None]
        return ":".join(parts)

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

    def raise_errors(self) -> None:
        """Raises `InputError` with all faults, warnings included, if any of them is an error."""
        if self.errors:
            raise InputError(self.found)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with up to three near matches of `word`, or an empty text."""
    near = difflib.get_close_matches(word, sorted(known), n=3, cutoff=0.6)
    return f"did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
