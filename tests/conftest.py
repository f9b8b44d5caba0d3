"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from sim.case.case import Case
from tests.cases import write_small_case


@pytest.fixture
def small_case_dir(tmp_path: Path) -> Path:
    """A directory with the small case, to be changed at will."""
    return write_small_case(tmp_path / "small")


@pytest.fixture
def small_case(small_case_dir: Path) -> Case:
    """The small case, opened."""
    return Case.open(small_case_dir)
