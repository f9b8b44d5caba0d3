"""The cells of a CSV file or a workbook as text, with the line each row stands in.

CSV is UTF-8 with or without a byte-order mark, GB 18030 where it is not (with a warning); of a
workbook the first sheet is read.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sim.case.files import (
    LONGEST_LINE,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_TABLE,
    MOST_UNPACKED,
    read_input,
    size_said,
)
from sim.case.messages import Problems

OPENING = re.compile(r'(?:^|(?<=[,\r\n]))"')
CLOSING = re.compile(r'[^"]*(?:""[^"]*)*"([^,\r\n])?')  # and what follows a cell, if it should not
MOST = 20  # lines of one fault that are shown


@dataclass(frozen=True)
class Cells:
    """Cells as text: row 0 is the header, wholly empty rows are left out."""

    path: Path
    rows: pd.DataFrame
    data: bytes
    numbers: np.ndarray  # index of each body row among the records of the file

    @property
    def header(self) -> list[str]:
        return [str(h).strip() for h in self.rows.iloc[0]]

    @property
    def body(self) -> pd.DataFrame:
        return self.rows.iloc[1:].reset_index(drop=True)

    @cached_property
    def lines(self) -> list[int]:
        """Line of the file in which each body row ends."""
        if self.path.suffix == ".csv" and b'"' in self.data:
            reader = csv.reader(io.StringIO(self.data.decode(), newline=""))
            with contextlib.suppress(csv.Error):  # a cell of more than 128 kB
                ends = [reader.line_num for _ in reader]
                return [ends[n] for n in self.numbers]
        return [int(n) + 1 for n in self.numbers]

    @cached_property
    def _texts(self) -> list[str]:
        return re.split("\r\n|\r|\n", self.data.decode())

    def column(self, row: int, index: int) -> int | None:
        """Where a cell of a body row begins in its line, from 1; None in a workbook, and where the
        row takes several lines."""
        if self.path.suffix.lower() == ".xlsx":
            return None
        starts, quoted = [1], False
        for at, sign in enumerate(self._texts[self.lines[row] - 1], 1):
            if sign == '"':
                quoted = not quoted
            elif sign == "," and not quoted:
                starts.append(at + 1)
        return starts[index] if index < len(starts) and not quoted else None

    @staticmethod
    def read(path: Path, problems: Problems) -> Cells | None:
        data = read_input(path, MOST_TABLE, problems)
        if data is None:
            return None
        if path.suffix.lower() == ".xlsx":
            rows = _xlsx_cells(path, data, problems)
        else:
            text = _decode(path, data, problems)
            data = text.encode() if text is not None else b""
            fits = text is not None and _fits(path, text, problems)
            rows = _csv_cells(path, data, problems) if fits else None
        if rows is None:
            return None
        rows = rows.fillna("")
        empty = (rows == "").all(axis=1).to_numpy()
        if empty.all():
            problems.error("empty-table", "this table is empty", path, 1, hint="add a header line")
            return None
        kept = np.flatnonzero(~empty)
        return Cells(path, rows.iloc[kept].reset_index(drop=True), data, kept[1:])


def _decode(path: Path, data: bytes, problems: Problems) -> str | None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        hint = "save it as 'CSV UTF-8 (comma delimited)'"
        problems.error("encoding", "this is not a CSV file in UTF-8", path, hint=hint)
        return None
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        message = "this line holds a NUL, which no text has"
        hint = "remove it; where there are many, save the table as 'CSV UTF-8 (comma delimited)'"
        problems.error("control-character", message, path, line, hint=hint)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        hint = "save it as 'CSV UTF-8 (comma delimited)'"
        problems.error("encoding", "this is neither UTF-8 nor GB 18030 text", path, line, hint=hint)
        return None
    hint = "save it as UTF-8 to be sure"
    problems.warning("encoding", "not UTF-8; read as GB 18030", path, line, hint=hint)
    return text


def _fits(path: Path, text: str, problems: Problems) -> bool:
    """Whether a table has no more lines and columns than can be read; says where not."""
    long = re.search(rf"[^\r\n]{{{LONGEST_LINE + 1}}}", text)
    if long is not None:
        line = text.count("\n", 0, long.start()) + 1
        message = f"this line has more than {size_said(LONGEST_LINE)}"
        hint = "is this a table? Look for a line end that is missing"
        problems.error("too-large", message, path, line, hint=hint)
        return False
    width = 0
    with contextlib.suppress(csv.Error, StopIteration):
        width = len(next(csv.reader(io.StringIO(text[: 2 * LONGEST_LINE], newline=""))))
    return _has_room(path, text.count("\n") + 1, width, problems)


def _has_room(path: Path, lines: int, columns: int, problems: Problems) -> bool:
    if columns <= MOST_COLUMNS and lines * columns <= MOST_CELLS:
        return True
    message = f"{lines:,} lines with {columns:,} columns are too many"
    hint = f"at most {MOST_COLUMNS:,} columns and {MOST_CELLS:,} cells are read: remove empty ones"
    problems.error("too-large", message, path, hint=hint)
    return False


def _open_quote(text: str) -> int | None:
    """Line in which a double quote opens a cell and is never closed, as far as can be told: to the
    end of the file, or up to a quote lines below that opens another cell."""
    at = 0
    while opened := OPENING.search(text, at):
        closed = CLOSING.match(text, opened.end())
        if closed is None or (closed[1] and "\n" in closed[0]):
            return text.count("\n", 0, opened.end()) + 1
        at = closed.end()
    return None


def _csv_cells(path: Path, data: bytes, problems: Problems) -> pd.DataFrame | None:
    line = _open_quote(data.decode()) if b'"' in data else None
    if line is not None:
        hint = "close it, or double it where it is part of the text"
        message = "a double quote opens a cell in this line and is not closed"
        problems.error("bad-csv", message, path, line, hint=hint)
        return None
    try:
        return pd.read_csv(
            io.BytesIO(data),
            header=None,
            dtype=str,
            keep_default_na=False,
            na_values=[],
            skip_blank_lines=False,
            encoding="utf-8",
        )
    except pd.errors.EmptyDataError:
        problems.error("empty-table", "this table is empty", path, 1, hint="add a header line")
    except (pd.errors.ParserError, OverflowError):
        _explain_csv(path, data, problems)
    return None


def _explain_csv(path: Path, data: bytes, problems: Problems) -> None:
    """Says which lines pandas could not read: those with more cells than the header."""
    reader = csv.reader(io.StringIO(data.decode(), newline=""))
    width, many = 0, 0
    with contextlib.suppress(csv.Error):
        for cells in reader:
            width = width or len(cells)
            if len(cells) > width:
                many += 1
                if many <= MOST:
                    problems.error(
                        "long-row",
                        f"this line has {len(cells)} columns, the header has {width}",
                        path,
                        reader.line_num,
                        hint="put a text that holds a comma in double quotes",
                    )
    if many > MOST:
        problems.error("long-row", f"and {many - MOST} more lines of this kind", path)
    if not many:
        hint = "save it as 'CSV UTF-8 (comma delimited)'"
        problems.error("bad-csv", "this is not a readable CSV file", path, hint=hint)


def _xlsx_cells(path: Path, data: bytes, problems: Problems) -> pd.DataFrame | None:
    from openpyxl import load_workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MOST_UNPACKED:
            message = f"unpacked this workbook has {size_said(unpacked)}"
            hint = "save the sheet as CSV UTF-8"
            problems.error("too-large", message, path, hint=hint)
            return None
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a sheet says of its size may be wrong
        cells = [[_cell_text(v) for v in row] for row in sheet.values]
    except Exception as error:  # openpyxl raises what its zip and XML readers happen to raise
        hint = "save it again as .xlsx, or as CSV UTF-8"
        problems.error("bad-xlsx", f"this is not a readable workbook ({error})", path, hint=hint)
        return None
    width = max((i + 1 for row in cells for i, v in enumerate(row) if v), default=0)
    if not width:
        problems.error("empty-table", "the first sheet is empty", path, hint="add a header line")
        return None
    if not _has_room(path, len(cells), width, problems):
        return None
    return pd.DataFrame([(row + [""] * width)[:width] for row in cells], dtype=str)


def _cell_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    return str(value)
