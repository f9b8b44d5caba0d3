"""The Dask engine does what any engine does, on a cluster whose workers and scheduler may go."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from sim.cli import terminal
from sim.experiment.cluster import DaskEngine, _Dispatch
from sim.experiment.engine import Stop
from sim.experiment.jobs import Done
from sim.experiment.results import Study
from sim.experiment.status import read_journal
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
from tests.test_pieces import check_full_disk
from tests.test_store import await_runs, start_child

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
    failure = killed[3].failure
    assert failure.stage == "worker" and "twice" in failure.error
    if sys.platform == "linux":
        assert failure.peak_memory_mb > 200
        assert f"{failure.peak_memory_mb:.0f} MB" in failure.error
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


@pytest.mark.parametrize(("seconds", "size"), [(None, 1), (3.0, 1), (0.3, 2), (0.1, 5), (0.0, 100)])
def test_a_task_is_work_for_half_a_second_at_least(seconds, size):
    dispatch = _Dispatch(DaskEngine(), b"", jobs(1000), Stop(), None, job_seconds=seconds)
    assert len(dispatch._next().jobs) == size


class Cluster:
    """A scheduler and a worker, each a process of its own, as on a real cluster."""

    def __init__(self, folder: Path, port: int):
        self.folder, self.port = folder, port
        self.address = f"tcp://127.0.0.1:{port}"
        self.others: list[subprocess.Popen] = []
        self.scheduler = self.start("scheduler", "--port", port, "--no-dashboard")
        self.worker = self.start_worker()

    def start_worker(self, root: Path = ROOT, threads: int = 1) -> subprocess.Popen:
        """One more, that has the package from the folder `root`."""
        more = ("--nthreads", threads, "--no-dashboard")
        return self.start("worker", self.address, *more, root=root)

    def join(self, **keys: Any) -> None:
        """One more worker, until the cluster is closed."""
        self.others.append(self.start_worker(**keys))

    def start(self, kind: str, *arguments: object, root: Path = ROOT) -> subprocess.Popen:
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *map(str, arguments)]
        with open(self.folder / f"{kind}.log", "ab") as log:
            return subprocess.Popen(
                [*command, "--host", "127.0.0.1"], cwd=root, stdout=log, stderr=log,
                env={**os.environ, "PYTHONPATH": str(root)}, start_new_session=True,
            )  # fmt: skip

    def restart_scheduler(self) -> None:
        self.scheduler.kill()
        self.scheduler.wait()
        self.scheduler = self.start("scheduler", "--port", self.port, "--no-dashboard")
        # a worker ends with its scheduler, and whoever looks after the cluster starts another
        self.end(self.worker)
        self.worker = self.start_worker()

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
        for process in (*self.others, self.worker, self.scheduler):
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


def workers_of(out: Path) -> set[str]:
    """Those whose results were received."""
    return {e["worker"] for e in read_journal(out) if e["event"] == "run"}


@contextmanager
def meanwhile(strike: Callable[[], None], out: Path, runs: int = 2):
    """Does something in the middle of a study."""

    def wait() -> None:
        while len([e for e in read_journal(out) if e["event"] == "run"]) < runs:
            time.sleep(0.05)
        strike()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


@pytest.mark.slow
def test_a_worker_that_joins_late_gets_work(tmp_path, cluster):
    out = tmp_path / "out"
    with meanwhile(cluster.join, out):
        ended = go(out, slow_experiment(tmp_path, 40, 0.3),
                   engine=DaskEngine(address=cluster.address))  # fmt: skip
    assert ended.exit_code == 0 and ended.ran == 120
    assert len(workers_of(out)) == 2
    go(tmp_path / "whole", slow_experiment(tmp_path, 40, 0.0))
    assert bytes_of(out) == bytes_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["threads", "code"])
def test_a_worker_that_joins_late_and_is_not_fit_is_named_and_spoils_nothing(
    tmp_path, cluster, fault, capsys
):
    """It has several threads, or other code."""
    out, engine = tmp_path / "out", DaskEngine(address=cluster.address)
    other = tmp_path / "other"
    if fault == "code":
        shutil.copytree(ROOT / "sim", other / "sim", ignore=shutil.ignore_patterns("*cache*"))
        shutil.copytree(ROOT / "tests", other / "tests", ignore=shutil.ignore_patterns("data"))
        with open(other / "sim" / "model.py", "a") as file:
            file.write("# changed")
    unfit = {"threads": {"threads": 2}, "code": {"root": other}}[fault]
    with meanwhile(lambda: cluster.join(**unfit), out):
        study = slow_experiment(tmp_path, 40, 0.5)
        code = terminal.guarded(lambda: go(out, study, engine=engine).exit_code)
    said = capsys.readouterr().err
    assert code == terminal.ENVIRONMENT and "Traceback" not in said
    assert {"threads": "several threads", "code": "sim/model.py"}[fault] in said
    assert len(workers_of(out)) == 1
    states = Study.open(out).plan()["state"].value_counts()
    assert states["done"] >= 2 and "failed" not in states


@pytest.mark.slow
def test_runs_of_a_killed_coordinator_are_not_lost_and_its_workers_spoil_nothing(tmp_path, cluster):
    """The workers go on for a while, and a second study begins at once."""
    child = start_child(tmp_path / "out", cluster.address, 12, 0.2)
    await_runs(child, 5)
    child.kill()
    child.wait()
    study = slow_experiment(tmp_path, 12, 0.2)
    ended = go(tmp_path / "out", study, engine=DaskEngine(address=cluster.address))
    assert ended.exit_code == 0 and ended.there >= 5 and ended.there + ended.ran == 36
    go(tmp_path / "whole", study, 2)
    assert bytes_of(tmp_path / "out") == bytes_of(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_worker_whose_disk_is_full_ends_the_study_and_tears_nothing(tmp_path):
    go(tmp_path / "whole", experiment(tmp_path))
    check_full_disk(tmp_path, DaskEngine(2), bytes_of(tmp_path / "whole"))


def test_where_no_scheduler_answers_it_is_said(tmp_path, unused_port, monkeypatch):
    monkeypatch.setattr("sim.experiment.cluster.ANSWER", 1)
    with pytest.raises(OSError, match="no Dask scheduler"):
        go(tmp_path / "out", experiment(tmp_path),
           engine=DaskEngine(address=f"tcp://127.0.0.1:{unused_port}"))  # fmt: skip
