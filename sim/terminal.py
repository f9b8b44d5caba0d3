"""How the program speaks: messages and progress on stderr, exit codes, no traceback for mistakes.

Exit codes: 0 done; 1 finished, but a run failed; 2 something in the input is wrong; 3 something
around the program is (rights, space, a results directory in use); 70 a fault of the program;
130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from sim.case.messages import InputError, Problem

DONE, RUN_FAILED, BAD_INPUT, ENVIRONMENT, PROGRAM_FAULT, INTERRUPTED = 0, 1, 2, 3, 70, 130
ENVIRONMENT_CODES = {"cannot-write"}
EVERY = 30.0  # seconds between two plain lines of progress


def guarded(call: Callable[[], int | None]) -> int:
    """Runs `call` and returns its exit code; prints what went wrong instead of raising it."""
    try:
        return call() or DONE
    except InputError as error:
        print_problems(error.problems)
        environment = all(p.code in ENVIRONMENT_CODES for p in error.problems)
        return ENVIRONMENT if environment else BAD_INPUT
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        say(f"error: {_explained(error)}")
        return ENVIRONMENT
    except MemoryError:
        say("error: not enough memory; try fewer --jobs or a smaller scope")
        return ENVIRONMENT
    except ImportError as error:
        say(f"error: {error}; the installation is incomplete, install the package again")
        return ENVIRONMENT
    except Exception:
        import traceback

        traceback.print_exc()
        say("error: this is a fault of the program, not of your input; please report the above")
        return PROGRAM_FAULT


def say(text: str) -> None:
    """A line for the person at the terminal, on stderr."""
    print(text, file=sys.stderr, flush=True)


def print_problems(problems: Iterable[Problem], stream: IO[str] | None = None) -> None:
    """Prints problems, each with its line of the file and a caret where the place is known."""
    stream = stream or sys.stderr
    found = list(problems)
    lines: dict[Path, list[str]] = {}
    for problem in found:
        place = problem.place()
        head = f"{place}: " if place else ""
        print(f"{head}{problem.severity} [{problem.code}]: {problem.message}", file=stream)
        for line in _source(problem, lines):
            print(f"    {line}", file=stream)
        if problem.hint:
            print(f"    = {problem.hint}", file=stream)
    errors = sum(p.severity == "error" for p in found)
    if errors > 1:
        print(f"{errors} errors", file=stream)


class Progress(Protocol):
    """What `progress` hands out."""

    def advance(self, count: int = 1) -> None:
        """Counts `count` more of the total as done."""

    def note(self, text: str) -> None:
        """Shows a word about what is being done, or how fast."""


@contextmanager
def progress(total: int, label: str) -> Iterator[Progress]:
    """A bar on a terminal, elsewhere a plain line every 30 s: ``label 12/40, 35 s left``."""
    if sys.stderr.isatty():
        with _bar(total, label) as bar:
            yield bar
    else:
        yield _PlainProgress(total, label)


class _PlainProgress:
    def __init__(self, total: int, label: str):
        self.total, self.label, self.done, self.text = total, label, 0, ""
        self.start = self.last = time.monotonic()

    def advance(self, count: int = 1) -> None:
        self.done += count
        self._show()

    def note(self, text: str) -> None:
        self.text = text
        self._show()

    def _show(self) -> None:
        now = time.monotonic()
        if now - self.last < EVERY:
            return
        self.last = now
        left = ""
        if 0 < self.done < self.total:
            left = f", {(now - self.start) / self.done * (self.total - self.done):.0f} s left"
        say(f"{self.label} {self.done}/{self.total}{left}{f', {self.text}' if self.text else ''}")


@contextmanager
def _bar(total: int, label: str) -> Iterator[Progress]:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TimeRemainingColumn(),
        rich.TextColumn("{task.fields[text]}", style="dim"),
    )
    with rich.Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(label, total=total, text="")

        class Bar:
            def advance(self, count: int = 1) -> None:
                bars.advance(task, count)

            def note(self, text: str) -> None:
                bars.update(task, text=text)

        yield Bar()


def _source(problem: Problem, lines: dict[Path, list[str]]) -> Iterator[str]:
    """The line that `problem` is about, shortened around its column, and a caret under it."""
    path, number, column = problem.path, problem.line, problem.column
    if path is None or number is None or path.suffix == ".xlsx":
        return
    if path not in lines:
        lines[path] = _lines(path)
    if number > len(lines[path]):
        return
    line = lines[path][number - 1].replace("\t", " ")
    start = max(0, (column or 1) - 70)
    yield f"{number} | {line[start : start + 100]}"
    if column is not None:
        pad = "".join("\u3000" if _wide(c) else " " for c in line[start : column - 1])
        yield f"{' ' * len(str(number))} | {pad}^"


def _lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes()
    except OSError:
        return []
    try:
        return data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        return data.decode("gb18030", errors="replace").splitlines()


def _wide(character: str) -> bool:
    import unicodedata

    return unicodedata.east_asian_width(character) in "WF"


def _explained(error: OSError) -> str:
    """An error of the operating system in one line."""
    name = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{name}the disk is full"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{name}no permission"
    return f"{name}{error.strerror}" if error.strerror else str(error)
