"""Where experiments say how they go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol


class Progress(Protocol):
    """A bar or a counter under way, with a word on how it goes."""

    def advance(self, count: int = 1) -> None: ...

    def note(self, text: str) -> None: ...


class Console(Protocol):
    """Where progress and messages go, never results: the module `sim.cli.terminal` is one."""

    def say(self, text: str) -> None: ...

    def progress(self, total: int, label: str) -> AbstractContextManager[Progress]: ...


class Silent:
    """The console of those who have none."""

    def say(self, text: str) -> None:
        """Says nothing."""

    @contextmanager
    def progress(self, total: int, label: str) -> Iterator[Silent]:
        """Shows nothing."""
        yield self

    def advance(self, count: int = 1) -> None:
        """Counts nothing."""

    def note(self, text: str) -> None:
        """Notes nothing."""
