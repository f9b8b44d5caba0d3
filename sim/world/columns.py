"""Growable columns: a dataclass of equally long numpy arrays and lists, one row an actor."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np


@dataclass
class Columns:
    """Base of actor tables. Rows are slots: they are added, never removed or moved."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))

    def add(self, **values: Any) -> int:
        """Adds one row and returns its slot; every column must be given."""
        for f in fields(self):
            column = getattr(self, f.name)
            if isinstance(column, list):
                column.append(values.pop(f.name))
            else:
                row = np.asarray(values.pop(f.name), dtype=column.dtype)
                setattr(self, f.name, np.concatenate([column, row[None]]))
        if values:
            raise TypeError(f"no such columns: {', '.join(sorted(values))}")
        return len(self) - 1
