"""Parts: the tables of a block of runs as Parquet files that plain pandas reads.

A part's bytes depend on nothing but the rows in it: runs in the order of the plan, rows of a run
as the model recorded them, no times, no names of machines. The keys of its runs stand in the
file's metadata, so that a part tells by itself which runs are done.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = {
    "outcomes": ("week", "outcome", "group", "value"),
    "units": ("week", "unit", "outcome", "value"),
    "losers": ("week", "outcome", "group", "value"),
}
KINDS = tuple(COLUMNS)
RUNS = b"runs"  # key of the file's metadata: the runs' keys as a JSON list


@dataclass(frozen=True)
class Encoded:
    """The records of a run made small: Arrow streams by kind, and how many rows they have."""

    tables: Mapping[str, bytes]
    rows: int
    seconds: float
    peak_memory_mb: float


def encode(records: Any) -> Encoded:
    """The data frames ``outcomes``, ``units`` and ``losers`` of a run as Arrow streams."""
    tables, rows = {}, 0
    for kind, columns in COLUMNS.items():
        table = _to_arrow(getattr(records, kind), columns)
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
            writer.write_table(table)
        tables[kind] = sink.getvalue().to_pybytes()
        rows += table.num_rows
    return Encoded(tables, rows, float(records.seconds), float(records.peak_memory_mb))


def decode(encoded: Encoded, kind: str, run: int) -> pa.Table:
    """One table of a run with its number in the plan as first column ``run``."""
    table = pa.ipc.open_stream(encoded.tables[kind]).read_all()
    return table.add_column(0, "run", pa.array(np.full(table.num_rows, run, np.int32)))


def join(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables of several runs as one, sorted by run, with text numbered by first appearance."""
    # what a table remembers of where it came from must not reach the bytes
    joined = pa.concat_tables(t.replace_schema_metadata(None) for t in tables)
    joined = joined.unify_dictionaries().combine_chunks()
    run = joined["run"].to_numpy()
    if (np.diff(run) < 0).any():
        joined = joined.take(pa.array(np.argsort(run, kind="stable")))
    columns = {name: joined[name].combine_chunks() for name in joined.column_names}
    return pa.table({n: _renumbered(c) if _is_text(c) else c for n, c in columns.items()})


def write_part(path: Path, table: pa.Table, keys: Iterable[str]) -> None:
    """Writes a part under a temporary name beside `path` (see `publish`)."""
    table = table.replace_schema_metadata({RUNS: json.dumps(list(keys)).encode()})
    with open(temporary(path), "wb") as file:
        pq.write_table(table, file, compression="zstd", row_group_size=1 << 20)
        file.flush()
        os.fsync(file.fileno())


def read_part(path: Path, filters: Any = None) -> pa.Table:
    """All rows of a part, text columns as dictionaries."""
    with open(path, "rb") as file:
        return pq.read_table(file, filters=filters)


def keys_in(path: Path) -> list[str]:
    """Keys of the runs in a part, in its order; empty where there is no such part."""
    if not path.is_file():
        return []
    metadata = pq.read_schema(path).metadata or {}
    return json.loads(metadata.get(RUNS, b"[]"))


def part_of(folder: Path, kind: str, block: int) -> Path:
    """Where a table of a block is, in the directory of a study."""
    return folder / "parts" / f"{kind}-{block:05d}.parquet"


def temporary(path: Path) -> Path:
    """Where this process writes `path` until it is complete; no other writes there."""
    return path.with_name(f"{path.name}.{platform.node()}-{os.getpid()}.tmp")


@contextmanager
def unfinished(*paths: Path) -> Iterator[None]:
    """Removes what was written for `paths` under temporary names if they cannot be finished."""
    try:
        yield
    except BaseException:
        for path in paths:
            with suppress(OSError):
                temporary(path).unlink(missing_ok=True)
        raise


def publish(path: Path) -> None:
    """Gives a file that was written and synced under its temporary name its real one."""
    os.replace(temporary(path), path)


def write_bytes(path: Path, *data: bytes, sync: bool = True) -> None:
    """Replaces `path` by `data` in one step.

    sync: one that survives a loss of power, too; else the content must tell whether it is whole.
    """
    with unfinished(path), open(temporary(path), "wb") as file:
        file.writelines(data)
        file.flush()
        if sync:
            os.fsync(file.fileno())
    publish(path)
    if sync:
        sync_directory(path.parent)


def sync_directory(folder: Path) -> None:
    """Makes renames in `folder` durable, where the system can."""
    if sys.platform == "win32":  # directories cannot be opened there, renames are journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_arrow(frame: pd.DataFrame, columns: tuple[str, ...]) -> pa.Table:
    arrays = {}
    for name in columns:
        column = frame[name]
        if name == "week":
            arrays[name] = pa.array(column.to_numpy(np.int32))
        elif name == "value":
            arrays[name] = pa.array(column.to_numpy(np.float64))
        else:
            arrays[name] = _encoded_text(column)
    return pa.table(arrays)


def _encoded_text(column: pd.Series) -> pa.DictionaryArray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = column.cat.codes.to_numpy(), column.cat.categories
    else:
        codes, values = pd.factorize(column)
    words = pa.array([str(v) for v in values], pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), words)


def _is_text(column: pa.Array) -> bool:
    return pa.types.is_dictionary(column.type)


def _renumbered(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """The same words, numbered by their first appearance, those that never appear left out."""
    codes = column.indices.to_numpy()
    order = pd.unique(codes)
    number = np.zeros(len(column.dictionary), np.int32)
    number[order] = np.arange(len(order), dtype=np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(number[codes]), column.dictionary.take(pa.array(order))
    )
