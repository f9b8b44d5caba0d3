"""Engines: every job comes back once, and a dead process costs its own job only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sim.case.messages import InputError
from sim.experiment.engine import SerialEngine, Stop
from sim.experiment.engines import make_engine
from sim.experiment.jobs import Done
from sim.experiment.local import LocalEngine


@dataclass(frozen=True)
class Number:
    """A job."""

    value: int

    @property
    def key(self) -> str:
        return f"job {self.value}"


@dataclass(frozen=True)
class Numbers:
    """A job."""

    runs: tuple[Number, ...]

    def only(self, runs) -> Numbers:
        return Numbers(tuple(runs))


@dataclass(frozen=True)
class Each:
    """A task: the same function for every run."""

    function: Callable[[Number], Any]

    def __call__(self, job: Numbers) -> Callable[[Number], Any]:
        return self.function


def jobs(count: int, together: int = 1) -> Iterator[Numbers]:
    numbers = [Number(i) for i in range(count)]
    return (Numbers(tuple(numbers[i : i + together])) for i in range(0, count, together))


def square(run: Number) -> int:
    return run.value**2


def fails_at_three(run: Number) -> int:
    if run.value == 3:
        raise ValueError("three is no number")
    return run.value**2


def exits_at_three(run: Number) -> int:
    if run.value == 3:
        os._exit(9)
    return run.value**2


def killed_at_three(run: Number) -> int:
    if run.value == 3:
        ballast = bytearray(200_000_000)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
        del ballast
    return run.value**2


@dataclass(frozen=True)
class KilledOnce:
    """Every fourth run kills its process, at its first try only; it leaves a mark in a folder."""

    marks: Path

    def __call__(self, run: Number) -> int:
        mark = self.marks / str(run.value)
        if run.value % 4 == 3 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return run.value**2


def hangs_at_three(run: Number) -> int:
    if run.value == 3:
        time.sleep(600)
    return run.value**2


def takes_a_moment(run: Number) -> int:
    time.sleep(0.2)
    return run.value


def threads(run: Number) -> str:
    return os.environ["OMP_NUM_THREADS"] + os.environ["NUMBA_NUM_THREADS"]


def unpicklable(run: Number):
    return lambda: run


def no_start(job: Numbers):
    raise FileNotFoundError("no world here")


class Unreadable:
    """A task that no worker can open."""

    def __reduce__(self):
        return (os._exit, (3,))


def collect(engine, function, count: int = 12, together: int = 1) -> dict[int, Done]:
    done: list[Done] = []
    engine.run(Each(function), jobs(count, together), done.append, Stop())
    assert len({d.run for d in done}) == len(done)
    return {d.run.value: d for d in done}


ENGINES = [SerialEngine(), LocalEngine(2, preload=())]


@pytest.mark.parametrize("engine", ENGINES, ids=["serial", "local"])
def test_every_job_comes_back_with_its_result(engine):
    done = collect(engine, square)
    assert {k: d.result for k, d in done.items()} == {i: i * i for i in range(12)}


@pytest.mark.parametrize("engine", ENGINES, ids=["serial", "local"])
def test_an_exception_is_a_failure_with_its_traceback_and_the_rest_goes_on(engine):
    done = collect(engine, fails_at_three)
    assert len(done) == 12 and [k for k, d in done.items() if d.failure] == [3]
    failure = done[3].failure
    assert failure.stage == "simulate" and failure.error == "ValueError: three is no number"
    assert "fails_at_three" in failure.traceback


@pytest.mark.parametrize("together", [1, 3, 12])
@pytest.mark.parametrize(
    ("function", "reason"),
    [(exits_at_three, "exit code 9"), (killed_at_three, "SIGKILL")],
    ids=["exit", "kill"],
)
def test_a_run_that_kills_its_worker_twice_is_named_and_nothing_else_is_lost(
    function, reason, together
):
    done = collect(LocalEngine(2, preload=()), function, together=together)
    assert len(done) == 12 and [k for k, d in done.items() if d.failure] == [3]
    failure = done[3].failure
    assert failure.stage == "worker" and reason in failure.error
    if function is killed_at_three and sys.platform == "linux":
        assert failure.peak_memory_mb > 200
        assert f"{failure.peak_memory_mb:.0f} MB" in failure.error


@pytest.mark.parametrize("together", [1, 5])
def test_a_worker_killed_from_outside_costs_nothing_but_its_runs(tmp_path, together):
    done = collect(LocalEngine(2, preload=()), KilledOnce(tmp_path), 20, together)
    assert len(list(tmp_path.iterdir())) == 5
    assert {k: d.result for k, d in done.items()} == {i: i * i for i in range(20)}


@pytest.mark.parametrize("together", [1, 6])
def test_a_run_that_hangs_is_ended_and_named_and_the_rest_goes_on(together):
    done = collect(LocalEngine(2, preload=(), timeout=1.0), hangs_at_three, together=together)
    assert len(done) == 12 and [k for k, d in done.items() if d.failure] == [3]
    assert done[3].failure.stage == "timeout" and "minutes" in done[3].failure.error


def test_runs_of_a_job_come_back_as_they_end():
    came, stop = [], Stop()

    def on_done(done: Done) -> None:
        came.append((done.run.value, time.monotonic()))

    LocalEngine(1, preload=()).run(Each(takes_a_moment), jobs(3, together=3), on_done, stop)
    assert [n for n, _ in came] == [0, 1, 2]
    assert all(b[1] - a[1] > 0.1 for a, b in pairwise(came))


def test_where_no_process_can_be_started_it_is_said():
    with pytest.raises(OSError, match="exit code 3"):
        LocalEngine(2, preload=()).run(Unreadable(), jobs(4), print, Stop())


@pytest.mark.parametrize("engine", ENGINES, ids=["serial", "local"])
def test_a_job_that_cannot_begin_fails_all_its_runs(engine):
    done: list[Done] = []
    engine.run(no_start, jobs(4, together=2), done.append, Stop())
    assert [d.failure.error for d in done] == ["FileNotFoundError: no world here"] * 4


def test_a_result_that_cannot_be_sent_is_a_failure_of_its_job():
    done = collect(LocalEngine(1, preload=()), unpicklable, count=2)
    assert {d.failure.stage for d in done.values()} == {"worker"}


def test_workers_use_one_thread_each_and_the_parent_keeps_its_own_setting(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    done = collect(LocalEngine(2, preload=()), threads, count=3)
    assert {d.result for d in done.values()} == {"11"}
    assert os.environ["OMP_NUM_THREADS"] == "5" and "NUMBA_NUM_THREADS" not in os.environ


def test_a_script_without_a_main_guard_is_not_run_again_by_the_workers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from sim.experiment.engine import Stop\n"
        "from sim.experiment.local import LocalEngine\n"
        "from tests.test_engine import Each, jobs, square\n"
        "print('once')\n"
        "LocalEngine(2, preload=()).run(Each(square), jobs(4), lambda d: print(d.result), Stop())\n"
        "print(__file__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    ended = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ended.stderr == ""
    assert sorted(ended.stdout.split()) == sorted(["once", "0", "1", "4", "9", str(script)])


@pytest.mark.parametrize("engine", ENGINES, ids=["serial", "local"])
def test_jobs_are_drawn_only_as_they_can_be_started(engine):
    drawn, ahead = [], []

    def draw():
        for job in jobs(40):
            drawn.append(job)
            yield job

    done = []
    engine.run(Each(square), draw(), lambda d: (done.append(d), ahead.append(len(drawn))), Stop())
    assert len(done) == 40
    assert max(a - i for i, a in enumerate(ahead)) <= 5


@pytest.mark.parametrize("together", [1, 50])
@pytest.mark.parametrize("engine", ENGINES, ids=["serial", "local"])
def test_after_a_request_to_stop_what_is_under_way_comes_back_and_nothing_new_starts(
    engine, together
):
    stop, done = Stop(), []

    def on_done(one: Done) -> None:
        done.append(one)
        stop.requested = True

    engine.run(Each(takes_a_moment), jobs(100, together), on_done, stop)
    assert 1 <= len(done) <= 5 and all(d.failure is None for d in done)


def test_the_first_ctrl_c_is_a_request_and_the_second_ends():
    heard, before = [], signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Stop(lambda: heard.append("once")) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested and heard == ["once"]
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_unknown_engine_or_what_it_cannot_do_is_refused():
    with pytest.raises(InputError, match="local, serial or dask"):
        make_engine("cluster")
    for name, keys, reason in (
        ("local", {"debug": True}, "serial"),
        ("serial", {"timeout": 1.0}, "local or dask"),
        ("local", {"address": "tcp://127.0.0.1:1"}, "dask"),
    ):
        with pytest.raises(InputError, match=reason):
            make_engine(name, **keys)
