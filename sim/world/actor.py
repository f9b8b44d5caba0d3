"""Actors: agents of Mesa that stand for a slot of some columns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import mesa


class _Counters(WeakKeyDictionary[mesa.Model, Iterator[int]]):
    """The next number of each model, for as long as there is the model."""

    def __getitem__(self, model: mesa.Model) -> Iterator[int]:
        return self.setdefault(model, count(1))


class Actor(mesa.Agent):
    """An agent whose model is freed after its run: Mesa (3.3) counts agents in a table of the class
    that keeps every model of the process, a gigabyte each for a city."""

    _ids: Any = _Counters()
