"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from sim.case.case import Case
from sim.case.synthesis.lineage import Lineage, infer
from sim.case.synthesis.lists import Input, read_input
from tests.cases import write_small_case
from tests.prefectures import MEISHAN

# a busy machine is no failure, and the same tests run every time
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture
def small_case_dir(tmp_path: Path) -> Path:
    """A directory with the small case, to be changed at will."""
    return write_small_case(tmp_path / "small")


@pytest.fixture
def small_case(small_case_dir: Path) -> Case:
    """The small case, opened."""
    return Case.open(small_case_dir)


@pytest.fixture(scope="session")
def meishan() -> Input:
    """The real lists and margins."""
    return read_input(MEISHAN)


@pytest.fixture(scope="session")
def lineage(meishan: Input) -> Lineage:
    """What became of the real units."""
    return infer(meishan)
