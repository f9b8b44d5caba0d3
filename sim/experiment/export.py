"""Results as files for other programs: a folder of CSV tables, or one workbook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sim.case.messages import InputError, Problem
from sim.experiment.frames import Frames
from sim.experiment.statistics import compare

SHEET_ROWS = 1_048_575  # of a workbook, below the header


def export(study: Frames, path: Path) -> tuple[list[Path], list[str]]:
    """Writes the tables of a study; the files, and remarks on what did not fit.

    path: a name that ends in .xlsx makes one workbook, anything else is a folder of CSV files
    (UTF-8 with a byte order mark, so that spreadsheets read Chinese).
    """
    return _workbook(study, path) if path.suffix.lower() == ".xlsx" else _csv(study, path)


def tables(study: Frames) -> Mapping[str, Callable[[], pd.DataFrame]]:
    """What is written, by name: the plan, what was recorded, and the differences."""
    recorded = {kind: lambda kind=kind: study.read(kind) for kind in study.kinds}
    return {
        "plan": study.plan,
        **recorded,
        "differences": lambda: compare(study),
        "failures": lambda: study.failures().drop(columns="traceback"),
    }


def _csv(study: Frames, folder: Path) -> tuple[list[Path], list[str]]:
    folder.mkdir(parents=True, exist_ok=True)
    files, remarks = [], []
    for name, read in tables(study).items():
        table, remark = _read(name, read)
        remarks += remark
        if table is not None:
            files.append(folder / f"{name}.csv")
            table.to_csv(files[-1], index=False, encoding="utf-8-sig", lineterminator="\n")
    return files, remarks


def _workbook(study: Frames, path: Path) -> tuple[list[Path], list[str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    remarks = []
    with pd.ExcelWriter(path, engine="openpyxl") as book:
        _about(study).to_excel(book, sheet_name="study", index=False)
        for name, read in tables(study).items():
            table, remark = _read(name, read)
            remarks += remark
            if table is None:
                continue
            if len(table) > SHEET_ROWS:
                remarks.append(f"{name} is left out: {len(table)} rows are more than a sheet holds")
                continue
            table.to_excel(book, sheet_name=name, index=False)
    return [path], remarks


def _read(name: str, read: Callable[[], pd.DataFrame]) -> tuple[pd.DataFrame | None, list[str]]:
    """A table, or None and why there is none: of too few runs nothing can be compared."""
    try:
        return read(), []
    except InputError as error:
        return None, [f"{name} is left out: {problem.message}" for problem in error.problems]


def _about(study: Frames) -> pd.DataFrame:
    """The record of a study as rows: key, value."""
    rows: list[tuple[str, Any]] = []

    def walk(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                walk(f"{name}.{key}" if name else str(key), inner)
        else:
            rows.append((name, value if isinstance(value, str | int | float) else str(value)))

    walk("", {k: v for k, v in study.info.items() if k not in ("identity", "code")})
    return pd.DataFrame(rows, columns=["key", "value"])


def not_both(csv: Path | None, xlsx: Path | None) -> Path:
    """The one place that was asked for."""
    chosen = [p for p in (csv, xlsx) if p is not None]
    if len(chosen) != 1:
        raise InputError([Problem("no-format", "give either --csv DIR or --xlsx FILE")])
    if xlsx is not None and xlsx.suffix.lower() != ".xlsx":
        raise InputError([Problem("no-format", f"{xlsx.name} should end in .xlsx")])
    return chosen[0]
