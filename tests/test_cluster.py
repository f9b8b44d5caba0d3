"""The Dask engine does what any engine does, on a cluster whose workers and scheduler may go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sim.experiment.cluster import DaskEngine
from sim.experiment.engine import Stop
from sim.experiment.jobs import Done
from tests.experiments import CRASH, REFORM, bytes_of, experiment, go, slow_experiment
from tests.test_engine import (
    Each,
    KilledOnce,
    fails_at_three,
    hangs_at_three,
    jobs,
    killed_at_three,
    square,
)

pytest.importorskip("distributed")
ROOT = Path(__file__).parents[1]


def collect(engine: DaskEngine, function: Any, count: int = 12, together: int = 1) -> dict:
    done: list[Done] = []
    engine.run(Each(function), jobs(count, together), done.append, Stop())
    assert len({d.run for d in done}) == len(done)
    return {d.run.value: d for d in done}


def test_a_cluster_of_this_machine_gives_the_bytes_of_one_process(tmp_path):
    what = experiment(tmp_path, REFORM, CRASH)
    go(tmp_path / "one", what)
    ended = go(tmp_path / "many", what, engine=DaskEngine(2))
    assert ended.exit_code == 1 and ended.failed == 1
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "many")
    (failure,) = ended.study.failures()["error"]
    assert failure == "RuntimeError: no seat left"


@pytest.mark.slow
@pytest.mark.parametrize("together", [1, 4])
def test_every_run_comes_back_whatever_becomes_of_its_worker(tmp_path, together):
    failed = collect(DaskEngine(2), fails_at_three, together=together)
    assert len(failed) == 12 and [k for k, d in failed.items() if d.failure] == [3]
    killed = collect(DaskEngine(2), killed_at_three, together=together)
    assert len(killed) == 12 and [k for k, d in killed.items() if d.failure] == [3]
    assert killed[3].failure.stage == "worker" and "twice" in killed[3].failure.error
    once = collect(DaskEngine(2), KilledOnce(tmp_path), together=together)
    assert {k: d.result for k, d in once.items()} == {i: i * i for i in range(12)}
    hung = collect(DaskEngine(2, timeout=1.0), hangs_at_three, together=together)
    assert len(hung) == 12 and [k for k, d in hung.items() if d.failure] == [3]
    assert hung[3].failure.stage == "timeout"


@pytest.mark.slow
def test_after_a_request_to_stop_what_is_under_way_comes_back(tmp_path):
    stop, done = Stop(), []

    def on_done(one: Done) -> None:
        done.append(one)
        stop.requested = True

    DaskEngine(2).run(Each(square), jobs(2000), on_done, stop)
    assert 1 <= len(done) < 1000 and not any(d.failure for d in done)


class Cluster:
    """A scheduler and a worker, each a process of its own, as on a real cluster."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.port = folder, port
        self.address = f"tcp://127.0.0.1:{port}"
        self.scheduler = self.start("scheduler", "--port", port, "--no-dashboard")
        self.worker = self.start("worker", self.address, "--nthreads", 1, "--no-dashboard")

    def start(self, kind: str, *arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *map(str, arguments)]
        with open(self.folder / f"{kind}.log", "ab") as log:
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1"], cwd=ROOT, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True,
            )  # fmt: skip

    def restart_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self.start("scheduler", "--port", self.port, "--no-dashboard")
        # a worker ends with its scheduler, and whoever looks after the cluster starts another
        self.end(self.worker)
        self.worker = self.start("worker", self.address, "--nthreads", 1, "--no-dashboard")

    @staticmethod
    def end(process: subprocess.Popen) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def kill_worker(self) -> None:
        """The process that computes, not the nanny that watches it."""
        import psutil

        for child in psutil.Process(self.worker.pid).children(recursive=True):
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()

    def close(self) -> None:
        for process in (self.worker, self.scheduler):
            self.end(process)


@pytest.fixture
def cluster(tmp_path, unused_port):
    running = Cluster(tmp_path, unused_port)
    yield running
    running.close()


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["kill_worker", "restart_scheduler"])
def test_a_worker_killed_or_a_scheduler_restarted_loses_nothing(tmp_path, cluster, what):
    study = slow_experiment(tmp_path, 12, 0.3)
    go(tmp_path / "whole", slow_experiment(tmp_path, 12, 0.3))
    out = tmp_path / "out"

    def strike() -> None:
        while not list(out.glob("parts/outcomes-*.parquet")):
            time.sleep(0.05)
        struck.extend(out.glob("parts/outcomes-*.parquet"))
        getattr(cluster, what)()

    struck: list[Path] = []
    striker = threading.Thread(target=strike)
    striker.start()
    ended = go(out, study, engine=DaskEngine(address=cluster.address))
    striker.join()
    assert ended.exit_code == 0 and ended.ran == 36 and struck
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


def test_where_no_scheduler_answers_it_is_said(tmp_path, unused_port, monkeypatch):
    monkeypatch.setattr("sim.experiment.cluster.ANSWER", 1)
    with pytest.raises(OSError, match="no Dask scheduler"):
        go(tmp_path / "out", experiment(tmp_path),
           engine=DaskEngine(address=f"tcp://127.0.0.1:{unused_port}"))  # fmt: skip
