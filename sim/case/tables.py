"""Tables of a case: CSV or .xlsx files as data frames, checked column by column.

Every cell is read as text first, so that an id stays what it was; columns are then converted
and checked as a whole. A fault names file, line, column and what to do; more than twenty of one
kind are counted. Spreadsheets damage ids (5.11425E+11): that is recognised and named.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sim.case.cells import MOST, Cells
from sim.case.files import exists
from sim.case.messages import Problems, did_you_mean

Kind = Literal["id", "text", "integer", "number", "choice", "reference", "date"]
DAMAGED = r"\d(?:\.\d+)?[eE]\+?\d+"
LONG_FLOAT = r"\d{6,}\.0+"
LARGEST = 1e12  # of a number: a million rows of it can be added up
ENOUGH_ALIKE, MOST_ALIKE = 10, 300  # ids that a wrong one is compared with


@dataclass(frozen=True)
class Column:
    """What a column holds.

    required: the column must be there; else it is filled with `default`.
    blank: empty cells are allowed; they become `default` ("" for texts, NaN, NaT).
    low, high: inclusive bounds of numbers. hint: what to do when a value is not of the kind.
    """

    name: str
    kind: Kind = "text"
    required: bool = True
    blank: bool = False
    default: str | float | None = None
    low: float = -np.inf
    high: float = np.inf
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True)
class TableSpec:
    """A table's name (the file's stem) and columns; its id column, if any, is the first.

    optional: a case may do without it; then it has no rows.
    """

    name: str
    columns: tuple[Column, ...]
    optional: bool = False


@dataclass(frozen=True)
class Table:
    """A table that was read: `frame` with a RangeIndex, and where its rows stand in the file."""

    path: Path
    frame: pd.DataFrame
    source: Cells = field(repr=False)

    def line_of(self, row: int) -> int:
        """1-based line of the file in which the row with index `row` ends."""
        return self.source.lines[int(row)]

    def _column_of(self, row: int, name: str) -> int | None:
        """1-based place of a cell in that line, where it can be told."""
        if name not in self.source.header:
            return None
        return self.source.column(row, self.source.header.index(name))

    def fault(
        self,
        problems: Problems,
        bad: np.ndarray | pd.Series,
        code: str,
        message: str,
        hint: str | dict[str, str] = "",
        show: str = "id",
        severity: str = "error",
    ) -> None:
        """Adds one problem for each row where `bad` is true, at most `MOST`, then the count.

        message: may hold ``{value}``, the row's cell of the column `show`. hint: a text, or one
        for each value of that column.
        """
        rows = np.flatnonzero(np.asarray(bad))
        if not len(rows):
            return
        add = problems.error if severity == "error" else problems.warning
        values = self.frame.get(show)
        for row in rows[:MOST]:
            value = "" if values is None else str(values.iat[row])
            said = hint.get(value, "") if isinstance(hint, dict) else hint
            at = self.line_of(row), self._column_of(int(row), show)
            add(code, message.replace("{value}", value), self.path, *at, hint=said)
        if len(rows) > MOST:
            add(code, f"and {len(rows) - MOST} more lines of this kind", self.path)

    def unknown(
        self, problems: Problems, column: str, known: pd.Series, noun: str, blank: bool = False
    ) -> np.ndarray:
        """Adds a fault for each cell of `column` that is not in `known`; returns where."""
        values = self.frame[column]
        bad = ~is_in(values, known)
        if blank:
            bad &= (values != "").to_numpy()
        if bad.any():
            bad &= ~_told_of(values, known).to_numpy()
        words = values[bad].drop_duplicates().head(MOST)
        hints = {w: _near_id(w, known) or f"add it to {noun}, or correct it" for w in words}
        self.fault(
            problems, bad, "unknown-id", f"{column} '{{value}}' is not in {noun}", hints, column
        )
        return bad


def _told_of(values: pd.Series, known: pd.Series) -> pd.Series:
    """Which of `values` are damaged themselves, or may be what a damaged id of `known` was."""
    starts = tuple(
        f"{float(word):.0f}"[: len(word.partition("e")[0].replace(".", "")) - 1]
        for word in known[known.str.fullmatch(DAMAGED)].str.lower().head(MOST)
    )
    told = values.str.fullmatch(DAMAGED) | (values.str.strip() != values)
    return told | values.str.startswith(starts) if starts else told


def is_in(values: pd.Series, known: pd.Series) -> np.ndarray:
    """Which of `values` are in `known`, both text; `isin` is ten times slower on Arrow strings."""
    return values.astype(object).isin(known.astype(object)).to_numpy()


def empty_table(spec: TableSpec) -> pd.DataFrame:
    """A table without rows, each column of its kind."""
    return pd.DataFrame({c.name: _filled(c, 0) for c in spec.columns})


def find_table(folder: Path, name: str) -> Path | None:
    """`folder`/`name`.csv, else .xlsx, else None; a link that leads nowhere counts too."""
    return next((p for e in ("csv", "xlsx") if exists(p := folder / f"{name}.{e}")), None)


def read_table(path: Path, spec: TableSpec, problems: Problems) -> Table | None:
    """The table at `path`, or None after adding to `problems` why it cannot be read.

    A table with faulty cells is returned as well, so that everything can be checked at once;
    the faults are in `problems`. Columns that `spec` does not name are kept as text.
    """
    path = Path(path)
    source = Cells.read(path, problems)
    if source is None:
        return None
    header = _header(source, spec, problems)
    if header is None:
        return None
    frame = source.body.set_axis(header, axis=1)
    table = Table(path, frame, source)
    columns = {name: frame[name] for name in header}
    for column in spec.columns:
        if column.name in columns:
            columns[column.name] = _convert(table, column, columns[column.name], problems)
        else:
            columns[column.name] = _filled(column, len(frame))
    return Table(path, pd.DataFrame(columns), source)


def _header(source: Cells, spec: TableSpec, problems: Problems) -> list[str] | None:
    header = source.header
    path, known = source.path, [c.name for c in spec.columns]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        hint = "save it as 'CSV UTF-8 (comma delimited)'"
        problems.error("bad-csv", "the columns are not separated by commas", path, 1, hint=hint)
        return None
    so_far = len(problems.found)
    for name in sorted({h for h in header if h and header.count(h) > 1}):
        hint = "remove or rename one of the two"
        problems.error("duplicate-column", f"two columns are called {name!r}", path, 1, hint=hint)
    for column in spec.columns:
        if column.required and column.name not in header:
            hint = did_you_mean(column.name, set(header) - set(known) - {""})
            hint = hint or f"{spec.name} needs {', '.join(c.name for c in spec.columns)}"
            problems.error("missing-column", f"no column {column.name!r}", path, 1, hint=hint)
    if problems.has_errors(so_far):
        return None
    return [h or f"column_{i + 1}" for i, h in enumerate(header)]


def _convert(table: Table, column: Column, cells: pd.Series, problems: Problems) -> pd.Series:
    """The cells as the column's kind; adds the faults."""

    def fault(bad: pd.Series | np.ndarray, code: str, message: str, hint: str = "") -> None:
        table.fault(problems, bad, code, f"{column.name} {message}", hint, column.name)

    stripped = cells.str.strip()
    if column.kind in ("id", "reference"):
        fault(
            cells != stripped,
            "blank-in-id",
            "'{value}' begins or ends with a blank",
            "remove the blank",
        )
    empty = (stripped == "").to_numpy()
    if not column.blank:
        fault(empty, "empty-cell", "is empty", column.hint or "fill it in")
    if column.kind in ("id", "reference"):
        damaged = stripped.str.fullmatch(DAMAGED) | stripped.str.fullmatch(LONG_FLOAT)
        fault(
            damaged,
            "damaged-id",
            "'{value}' was damaged by a spreadsheet program",
            "format the column as text and paste the ids again",
        )
    if column.kind == "id":
        fault(
            stripped.duplicated() & ~empty,
            "duplicate-id",
            "'{value}' is given twice",
            "an id names one row: remove the line or give it another id",
        )
    if column.kind == "choice":
        hints = f"one of {', '.join(column.choices)}"
        fault(
            ~stripped.isin(column.choices) & ~empty, "bad-choice", "'{value}' is not known", hints
        )
    if column.kind in ("integer", "number"):
        return _numbers(column, stripped, empty, fault)
    if column.kind == "date":
        dates = pd.to_datetime(stripped, format="%Y-%m-%d", errors="coerce")
        fault(
            dates.isna().to_numpy() & ~empty,
            "bad-date",
            "'{value}' is not a date",
            "write it as 2020-01-31",
        )
        return dates.astype("datetime64[us]")
    if column.default is not None and empty.any():
        return stripped.mask(empty, str(column.default))
    return stripped


def _numbers(
    column: Column, cells: pd.Series, empty: np.ndarray, fault: Callable[..., None]
) -> pd.Series:
    numbers = pd.to_numeric(cells.mask(empty), errors="coerce").astype("float64")
    wrong = (numbers.isna() | np.isinf(numbers)).to_numpy() & ~empty
    hint = column.hint or "write digits only, without thousands separators or units"
    fault(wrong, "bad-number", "'{value}' is not a number", hint)
    fair = ~wrong & ~empty
    least, most = max(column.low, -LARGEST), min(column.high, LARGEST)
    low = (numbers < least).to_numpy() & fair
    limit = "negative" if least == 0 else f"below {least:g}"
    fault(low, "out-of-range", f"'{{value}}' is {limit}", f"{least:g} or more is wanted")
    high = (numbers > most).to_numpy() & fair
    fault(high, "out-of-range", f"'{{value}}' is above {most:g}", f"{most:g} or less is wanted")
    if column.kind == "integer":
        broken = (numbers != np.floor(numbers)).to_numpy() & fair
        fault(broken, "not-whole", "'{value}' is not a whole number", column.hint or "round it")
        default = 0 if column.default is None else column.default
        return numbers.where(fair, default).round().clip(-LARGEST, LARGEST).astype("int64")
    default = np.nan if column.default is None else column.default
    return numbers.where(fair, default)


def _filled(column: Column, length: int) -> pd.Series:
    """A column that the file does not have."""
    default = column.default
    if column.kind == "integer":
        return pd.Series(np.full(length, 0 if default is None else default, dtype="int64"))
    if column.kind == "number":
        return pd.Series(np.full(length, np.nan if default is None else default, dtype="float64"))
    if column.kind == "date":
        return pd.Series(pd.NaT, index=range(length), dtype="datetime64[us]")
    return pd.Series([str(default or "")] * length, dtype="str")


def _near_id(word: str, known: Collection[str] | Iterable[str]) -> str:
    """`did_you_mean` among the ids that begin or end alike: there may be ten thousands, of which
    those that share most are compared."""
    ids = pd.Series(known, dtype="str")
    for shared in range(len(word), len(word) // 2 - 1, -1):
        part = max(1, shared)
        alike = ids[ids.str.startswith(word[:part]) | ids.str.endswith(word[-part:])]
        if len(alike) >= ENOUGH_ALIKE:
            break
    return did_you_mean(word, alike.head(MOST_ALIKE))
