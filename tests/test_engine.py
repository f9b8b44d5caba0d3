"""Engines: every job comes back once, and a dead process costs its own job only."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sim.experiment.engine import Done, LocalEngine, SerialEngine, Stop, make_engine


@dataclass(frozen=True)
class Number:
    """A job."""

    value: int

    @property
    def key(self) -> str:
        return f"job {self.value}"

    @property
    def parts(self) -> tuple:
        return ()


def square(job: Number) -> int:
    return job.value**2


def fails_at_three(job: Number) -> int:
    if job.value == 3:
        raise ValueError("three is no number")
    return job.value**2


def exits_at_three(job: Number) -> int:
    if job.value == 3:
        os._exit(9)
    return job.value**2


def killed_at_three(job: Number) -> int:
    if job.value == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return job.value**2


def threads(job: Number) -> str:
    return os.environ["OMP_NUM_THREADS"] + os.environ["NUMBA_NUM_THREADS"]


def unpicklable(job: Number):
    return lambda: job


def collect(engine, task, count: int = 12) -> dict[int, Done]:
    done: list[Done] = []
    engine.run(task, (Number(i) for i in range(count)), done.append, Stop())
    assert len({d.job for d in done}) == len(done)
    return {d.job.value: d for d in done}


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


@pytest.mark.parametrize(
    ("task", "reason"),
    [(exits_at_three, "exit code 9"), (killed_at_three, "SIGKILL")],
    ids=["exit", "kill"],
)
def test_a_worker_that_dies_is_named_and_nothing_else_is_lost(task, reason):
    done = collect(LocalEngine(2, preload=()), task)
    assert len(done) == 12 and [k for k, d in done.items() if d.failure] == [3]
    assert done[3].failure.stage == "worker" and reason in done[3].failure.error


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
        "from sim.experiment.engine import LocalEngine, Stop\n"
        "from tests.test_engine import Number, square\n"
        "print('once')\n"
        "jobs = [Number(i) for i in range(4)]\n"
        "LocalEngine(2, preload=()).run(square, jobs, lambda d: print(d.result), Stop())\n"
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

    def jobs():
        for i in range(40):
            drawn.append(i)
            yield Number(i)

    done = []
    engine.run(square, jobs(), lambda d: (done.append(d), ahead.append(len(drawn))), Stop())
    assert len(done) == 40
    assert max(a - i for i, a in enumerate(ahead)) <= 5


@pytest.mark.parametrize("engine", ENGINES, ids=["serial", "local"])
def test_after_a_request_to_stop_what_is_under_way_comes_back_and_nothing_new_starts(engine):
    stop, done = Stop(), []

    def on_done(one: Done) -> None:
        done.append(one)
        stop.requested = True

    engine.run(square, (Number(i) for i in range(100)), on_done, stop)
    assert 1 <= len(done) <= 5 and all(d.failure is None for d in done)


def test_the_first_ctrl_c_is_a_request_and_the_second_ends():
    heard, before = [], signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Stop(lambda: heard.append("once")) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested and heard == ["once"]
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_an_unknown_engine_is_refused():
    with pytest.raises(ValueError, match="local or serial"):
        make_engine("cluster")
