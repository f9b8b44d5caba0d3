"""Whatever a file holds, it is opened or refused with messages: never a traceback, never a hang.

``SIM_FUZZ=10000 pytest tests/test_fuzz.py -m slow -s`` tries ten thousand and says how long the
slowest took.
"""

from __future__ import annotations

import io
import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.case.case import Case
from sim.case.codes import codes
from sim.case.messages import InputError
from sim.check import check
from sim.cli.terminal import print_problems, problems_json
from sim.experiment.experiment import Experiment
from sim.levers.scenario import Scenario
from tests.cases import UNITS, write_small_case
from tests.levers import EAST, WEST, add, close, merge, redraw, write_scenario
from tests.mutator import mutated

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "scenarios" / "meishan"
HANG = 60  # seconds after which one file is taken to hang; a second is what it may take
EXPERIMENT = """\
title: {en: A small study, zh: 小研究}
case: small
base: before.yaml
scenarios: [s.yaml]
start: 2020-01-06
weeks: 80
seed: 5
replicates: 3
parameters: {travel.walking_speed: 75}
scope: {counties: [甲区, 乙县]}
record: {outcomes: weekly, units: 13, losers: 26}
"""


@dataclass(frozen=True)
class Target:
    """Files to be damaged, and what opens them."""

    files: tuple[Path, ...]
    open: Callable[[], object]


def opened(path: Path, case: Case) -> str:
    """All that is asked of a scenario before a run."""
    found = Scenario.open(path, case)
    return "".join([*found.describe("en"), *found.describe("zh"), found.resolved(), found.digest])


def targets(folder: Path) -> list[Target]:
    """The small case, a scenario with every lever, an experiment, and the shipped scenarios."""
    small = write_small_case(folder / "small")
    write_scenario(small, close(f"S-{UNITS[1]}"), name="before")
    levers = (
        redraw(service_points={"keep_share": 0.5}, staff={"floor_per_10000": 18}),
        add("shop", where={"count": 1, "kind": "village", "without": "culture"}, floor_m2=300.5),
        add("elder_care", "elder_meals", community=WEST[0], date="2020-09-07", way="rent"),
        merge(*EAST, date="2020-02-03", name="山前社区", seat=EAST[0]),
        close(f"H-{WEST[0]}"),
    )
    scenario = write_scenario(small, *levers, base="before.yaml")
    experiment = folder / "e.yaml"
    experiment.write_text(EXPERIMENT, "utf-8")
    case = Case.open(small)
    case_files = tuple(p for p in sorted(small.iterdir()) if p.suffix == ".csv")
    tables = tuple(p for p in case_files if p.name.startswith("reform"))
    city = folder / "city"
    city.mkdir()
    for file in SHIPPED.iterdir():
        if file.suffix in (".yaml", ".csv"):
            shutil.copy(file, city)
    county = Case.open(city).scoped(counties=["青神县"])
    shipped = [p for p in sorted(city.glob("*.yaml")) if p.name != "case.yaml"]
    small_targets = [
        Target((scenario, small / "before.yaml"), lambda: opened(scenario, case)),
        Target(tables, lambda: opened(scenario, case)),
        Target((scenario,), lambda: check(scenario).to_text()),
        Target((*case_files, small / "case.yaml"), lambda: check(small).to_text()),
        Target((small / "case.yaml",), lambda: check(small).to_json()),
        Target((experiment, scenario), lambda: Experiment.open(experiment).households),
    ]

    def of(path: Path) -> Target:
        return Target((path,), lambda: opened(path, county))

    return [*small_targets, *small_targets, *map(of, shipped)]


@contextmanager
def watchdog(what: str) -> Iterator[None]:
    """Fails where the body does not end."""

    def bark(*_: object) -> None:
        raise TimeoutError(f"no end after {HANG} s: {what}")

    before = signal.signal(signal.SIGALRM, bark)
    signal.alarm(HANG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fuzz(folder: Path, count: int, seed: int) -> tuple[int, list[tuple[float, int]]]:
    """Opens `count` damaged files; returns how many were valid, and the slowest (seconds, number).

    What fails can be tried again: its number is its seed.
    """
    choice, good = targets(folder), 0
    whole = {file: file.read_bytes() for target in choice for file in target.files}
    slowest: list[tuple[float, int]] = []
    for number in range(seed, seed + count):
        rng = random.Random(number)
        target = rng.choice(choice)
        damaged = rng.sample(target.files, min(len(target.files), rng.choice((1, 1, 2))))
        for file in damaged:
            file.write_bytes(mutated(whole[file], rng))
        began = time.perf_counter()
        try:
            with watchdog(f"number {number}"):
                good += valid(target)
        except Exception as error:
            kept = ", ".join(f"{f.name}: {f.read_bytes()[:3000]!r}" for f in damaged)
            raise AssertionError(f"number {number}, {kept}") from error
        slowest = sorted([*slowest, (time.perf_counter() - began, number)])[-5:]
        for file in damaged:
            file.write_bytes(whole[file])
    return good, slowest


def valid(target: Target) -> bool:
    """Whether it opens; if not, every problem has its words, and can be shown."""
    try:
        target.open()
    except InputError as error:
        assert any(p.severity == "error" for p in error.problems)
        for p in error.problems:
            assert p.code in codes(), p
            assert p.message and p.message.isprintable() and len(p.message) < 500, p
        shown = io.StringIO()
        print_problems(error.problems, shown)
        shown.getvalue().encode("utf-8")
        assert len(problems_json(error.problems)) == len(error.problems)
        return False
    return True


def test_damaged_files_are_opened_or_refused(tmp_path: Path) -> None:
    good, _ = fuzz(tmp_path, 60, seed=1_000_000)
    assert 0 < good < 60


@pytest.mark.slow
def test_many_damaged_files_are_opened_or_refused(tmp_path: Path) -> None:
    count = int(os.environ.get("SIM_FUZZ", "500"))
    good, slowest = fuzz(tmp_path, count, seed=0)
    print(f"{good} of {count} valid; slowest (s, number): {slowest}")
    assert 0 < good < count
