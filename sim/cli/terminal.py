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
from typing import IO, Any, Protocol

from sim.case.messages import InputError, Problem, Problems

DONE, RUN_FAILED, BAD_INPUT, ENVIRONMENT, PROGRAM_FAULT, INTERRUPTED = 0, 1, 2, 3, 70, 130
ENVIRONMENT_CODES = {"cannot-write"}
MOST_PROBLEMS = 100  # that are printed
MOST_SHOWN = 100_000  # characters of a line that are looked at
ZERO_WIDTH_JOINER = "\u200d"
EVERY = 30.0  # seconds between two plain lines of progress


def guarded(call: Callable[[], int | None]) -> int:
    """Runs `call` and returns its exit code; prints what went wrong instead of raising it."""
    try:
        return call() or DONE
    except InputError as error:
        print_problems(error.problems)
        return exit_code(error.problems)
    except KeyboardInterrupt:
        say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except OSError as error:
        say(f"error: {explained(error)}")
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
    found, sources = list(problems), Sources()
    for problem in found[:MOST_PROBLEMS]:
        place = problem.place()
        head = f"{place}: " if place else ""
        print(f"{head}{problem.severity} [{problem.code}]: {problem.message}", file=stream)
        for line in sources.shown(problem):
            print(f"    {line}", file=stream)
        if problem.hint:
            print(f"    = {problem.hint}", file=stream)
    if len(found) > MOST_PROBLEMS:
        print(f"and {len(found) - MOST_PROBLEMS:,} more", file=stream)
    errors = [p.code for p in found if p.severity == "error"]
    if errors:
        count = f"{len(errors)} errors: " if len(errors) > 1 else ""
        print(f"{count}`sim explain {errors[0]}` says more", file=stream)


def problems_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Problems as plain data, each with its line of the file."""
    sources = Sources()
    return [p.to_json(sources.line(p)) for p in problems]


def exit_code(problems: Iterable[Problem]) -> int:
    """The code to end with where these stopped the work."""
    return ENVIRONMENT if all(p.code in ENVIRONMENT_CODES for p in problems) else BAD_INPUT


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


class Sources:
    """The lines of files that problems are about; each file is read once."""

    def __init__(self) -> None:
        self._files: dict[Path, list[str]] = {}

    def line(self, problem: Problem) -> str | None:
        """The line that a problem is about, None where there is none to show."""
        path, number = problem.path, problem.line
        if path is None or number is None or path.suffix == ".xlsx":
            return None
        if path not in self._files:
            self._files[path] = _lines(path)
        lines = self._files[path]
        return lines[number - 1][:MOST_SHOWN] if number <= len(lines) else None

    def shown(self, problem: Problem) -> Iterator[str]:
        """Its line, shortened around its column, and a caret under it, cell by cell."""
        line, column = self.line(problem), problem.column
        if line is None:
            return
        start = end = max(0, (column or 1) - 1)
        while start and cells(line[start - 1 : column]) <= 60:
            start -= 1
        while end < len(line) and cells(line[start : end + 1]) <= 100:
            end += 1
        yield f"{problem.line} | {''.join(map(_visible, line[start:end]))}"
        if column is not None:
            before = line[start : column - 1]
            pad = "".join("\u3000" if _width(c) == 2 else " " * _width(c) for c in before)
            yield f"{' ' * len(str(problem.line))} | {pad}^"


def cells(text: str) -> int:
    """Cells of a terminal that a text takes: Chinese signs and emoji two, accents none."""
    return sum(map(_width, text))


def _width(character: str) -> int:
    if " " <= character <= "~":
        return 1
    import unicodedata

    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _visible(character: str) -> str:
    """A sign as it is shown: none that a terminal obeys, or that turns the line round."""
    import unicodedata

    kind = unicodedata.category(character)
    if kind == "Cf":
        return character if character == ZERO_WIDTH_JOINER else ""
    if character == "\t":
        return " "
    return "?" if kind in ("Cc", "Cs", "Zl", "Zp") else character


def _lines(path: Path) -> list[str]:
    from sim.case.files import MOST_TABLE, read_input

    data = read_input(path, MOST_TABLE, Problems()) or b""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", errors="replace")
    # as the readers of YAML and CSV count lines; str.splitlines knows more kinds of ends
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def explained(error: OSError) -> str:
    """An error of the operating system in one line."""
    name = f"{error.filename}: " if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"{name}the disk is full"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{name}no permission"
    return f"{name}{error.strerror}" if error.strerror else str(error)
