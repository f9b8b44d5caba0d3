"""Workers write their own parts: what a run gave is on disk when its end is told, once, whoever
dies, and nobody writes where nobody waits for it."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sim.cli import terminal
from sim.experiment import pieces, store
from sim.experiment.engine import SerialEngine, Stop
from sim.experiment.families import Family
from sim.experiment.jobs import Done, Unable
from sim.experiment.local import LocalEngine
from sim.experiment.outlook import WAITING, look_ahead
from sim.experiment.parts import temporary
from sim.experiment.pieces import Keeping, Outbox, Torn, piece_of, read_piece
from sim.experiment.plan import Plan, Run
from sim.experiment.results import Study
from sim.experiment.status import Status, read_journal
from sim.experiment.store import Store
from sim.experiment.study import task_of
from tests.experiments import CRASH, REFORM, SAME, build, bytes_of, experiment, go, simulate

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")


def local(workers: int = 2) -> LocalEngine:
    return LocalEngine(workers, preload=("tests.experiments",))


@pytest.fixture
def whole(tmp_path) -> dict[str, bytes]:
    """The bytes of an uninterrupted study."""
    go(tmp_path / "whole", experiment(tmp_path))
    return bytes_of(tmp_path / "whole")


@contextmanager
def opened(out: Path, what: Any):
    """A study's plan, its store, its outbox and its task, as in a call of `run`."""
    out.mkdir(exist_ok=True)
    plan = Plan.of(what)
    writing = Store.open(out, what, plan)
    with writing.session() as outbox:
        yield SimpleNamespace(
            plan=plan, store=writing, outbox=outbox, task=task_of(what, simulate, build)
        )


def compute(at: SimpleNamespace, *runs: Run) -> list[Done]:
    """What a worker does with these runs, here."""
    done: list[Done] = []
    SerialEngine().run(Keeping(at.task, at.outbox), [Family(runs)], done.append, Stop())
    return done


def leftovers(out: Path) -> list[str]:
    return sorted(p.name for p in out.rglob("*") if p.suffix in (".tmp", ".piece"))


def test_what_comes_back_of_a_run_is_a_receipt_and_small(tmp_path):
    with opened(tmp_path / "out", experiment(tmp_path)) as at:
        (done,) = compute(at, at.plan.runs[0])
    assert len(pickle.dumps(done)) < 1000
    receipt = done.result
    assert receipt.key == at.plan.runs[0].key and receipt.rows == 3 * 60 + 2 * 5 + 5
    assert receipt.worker.endswith(f":{os.getpid()}") and len(receipt.sha) == 64


def test_the_journal_has_a_receipt_for_each_run(tmp_path):
    go(tmp_path / "out", experiment(tmp_path), engine=local())
    events = [e for e in read_journal(tmp_path / "out") if e["event"] == "run"]
    assert {e["key"] for e in events} == set(Study.open(tmp_path / "out").plan()["key"])
    assert str(os.getpid()) not in {e["worker"].split(":")[-1] for e in events}


def test_the_worker_that_ends_the_last_run_of_a_block_writes_its_part(tmp_path, whole):
    out = tmp_path / "out"
    with opened(out, experiment(tmp_path)) as at:
        first = at.plan.blocks[0]
        for run in first[:-1]:
            compute(at, run)
        assert not list(out.glob("parts/*")) and len(leftovers(out)) == len(first) - 1
        compute(at, first[-1])
        assert not leftovers(out)
        assert (
            bytes_of(out)["parts/outcomes-00000.parquet"] == whole["parts/outcomes-00000.parquet"]
        )


def test_the_coordinator_writes_no_part_of_a_block_that_went_well(tmp_path, monkeypatch):
    written: list[Path] = []
    monkeypatch.setattr(pieces, "write_part", lambda path, *_: written.append(path))
    go(tmp_path / "out", experiment(tmp_path), engine=local())
    assert not written and len(Study.open(tmp_path / "out").done()) == 12


def test_a_run_done_twice_is_written_the_same(tmp_path, whole):
    """As when a worker was taken for dead: before the part is whole, and after."""
    out = tmp_path / "out"
    with opened(out, experiment(tmp_path)) as at:
        one, *rest = at.plan.blocks[0]
        first = compute(at, one)[0].result
        again = at.outbox.put(one, at.task(Family((one,)))(one))
        assert first.sha == again.sha
        compute(at, *rest)
        late = at.outbox.put(one, at.task(Family((one,)))(one))
        assert first.sha == late.sha and not leftovers(out)
    go(out, experiment(tmp_path))
    assert bytes_of(out) == whole


def test_two_workers_that_join_a_block_at_once_leave_one_part(tmp_path, whole, monkeypatch):
    out, real = tmp_path / "out", pieces.join
    with opened(out, experiment(tmp_path)) as at:
        block = at.plan.blocks[0]

        def overtaken(tables: Any) -> Any:
            """Another joins while this one is about to write."""
            monkeypatch.setattr(pieces, "join", real)
            pieces.join_block(out, at.outbox.kinds, block)
            return real(tables)

        monkeypatch.setattr(pieces, "join", overtaken)
        compute(at, *block)
        assert not leftovers(out)
        assert at.store.settle(0, block) == []
    go(out, experiment(tmp_path))
    assert bytes_of(out) == whole


def test_what_a_killed_study_left_is_joined_and_not_run_again(tmp_path, whole):
    out, what = tmp_path / "out", experiment(tmp_path)
    with opened(out, what) as at:
        compute(at, at.plan.blocks[0][0], at.plan.blocks[1][0])
        outbox = at.outbox
    assert len(leftovers(out)) == 2
    for folder in ("parts", "runs", "failures", "."):
        (out / folder / "half.parquet.elsewhere-7.tmp").write_bytes(b"half")
    outbox.mark.touch()  # the killed one did not remove it
    outlook = look_ahead(what, out, 2, simulate=simulate, build=build)
    assert len(outlook.left) == 10 and Counter(outlook.reasons)[WAITING] == 2
    assert "2 of the open runs have ended" in Status.of(Study.open(out)).to_text()
    ended = go(out, what, engine=local())
    assert ended.ran == 10 and ended.there == 2
    assert not leftovers(out) and not (out / "runs").exists()
    assert bytes_of(out) == whole


def test_what_a_killed_study_left_is_taken_up_by_a_plan_that_has_grown(tmp_path):
    """Its runs have other numbers and blocks now."""
    out, large = tmp_path / "out", experiment(tmp_path, CRASH, REFORM, SAME)
    with opened(out, experiment(tmp_path)) as at:
        compute(at, *(runs[0] for runs in at.plan.blocks))
    ended = go(out, large)
    assert ended.there == len(at.plan.blocks) and ended.ran == 16 - ended.there
    go(tmp_path / "large", large)
    assert bytes_of(out) == bytes_of(tmp_path / "large") and not leftovers(out)


def test_a_torn_piece_is_as_if_never_made(tmp_path, whole):
    out, what = tmp_path / "out", experiment(tmp_path)
    with opened(out, what) as at:
        runs = at.plan.blocks[0]
        compute(at, *runs[:2])
        piece = piece_of(out, runs[0])
        piece.write_bytes(piece.read_bytes()[:-9])
        with pytest.raises(Torn):
            read_piece(piece)
        assert at.outbox.find(runs[0]) is None and at.outbox.find(runs[1]) is not None
    assert go(out, what).ran == 11
    assert bytes_of(out) == whole


def test_results_that_vanish_are_failures_and_the_next_call_makes_them(
    tmp_path, whole, monkeypatch
):
    out, what = tmp_path / "out", experiment(tmp_path)
    monkeypatch.setattr(store, "SHOWN_LATE", 0.3)
    with monkeypatch.context() as lost:
        lost.setattr(Outbox, "put", lambda self, run, _: replace(RECEIPT, key=run.key))
        ended = go(out, what)
    assert ended.failed == 12 and set(ended.study.failures()["stage"]) == {"store"}
    assert go(out, what).exit_code == 0 and bytes_of(out) == whole


RECEIPT = pieces.Receipt("", 0, "", 0.0, 0.0, "")


def test_nobody_writes_for_a_study_that_is_over_or_elsewhere(tmp_path):
    out, what = tmp_path / "out", experiment(tmp_path)
    with opened(out, what) as at:
        pass
    (done,) = compute(at, at.plan.runs[0])
    assert isinstance(done.unable, Unable) and not leftovers(out)
    with opened(out, what) as now:  # another call of the same study
        elsewhere = replace(now.outbox, folder=tmp_path / "elsewhere")
        for outbox in (at.outbox, elsewhere):
            with pytest.raises(Unable, match="does not see"):
                outbox.check()
        now.outbox.check()


@pytest.mark.parametrize("engine", [SerialEngine(), local()], ids=["serial", "local"])
def test_a_worker_that_does_not_see_the_directory_ends_the_study_with_code_3(
    tmp_path, monkeypatch, capsys, engine
):
    real = Store.session

    @contextmanager
    def elsewhere(self: Store):
        with real(self) as outbox:
            yield replace(outbox, folder=tmp_path / "elsewhere")

    monkeypatch.setattr(Store, "session", elsewhere)
    code = terminal.guarded(lambda: go(tmp_path / "out", experiment(tmp_path), engine=engine))
    said = capsys.readouterr().err
    assert code == terminal.ENVIRONMENT
    assert "does not see" in said and "share" in said and "Traceback" not in said


def test_a_worker_that_does_not_see_the_world_ends_the_study(tmp_path):
    with pytest.raises(Unable, match="SIM_CACHE"):
        go(tmp_path / "out", experiment(tmp_path), engine=local(), build=no_world)


def no_world(case: Any, parameters: Any) -> Path:
    return case.path / "no-world"


@dataclass(frozen=True)
class FullDisk:
    """The model; where its worker writes the results of the reform, the kernel says the disk is
    full from this replicate on."""

    out: Path
    replicate: int

    def __call__(self, world: Path, scenario: Any, base: Any, *, replicate: int, **keys: Any):
        if scenario.name == "reform" and replicate >= self.replicate:
            plan = Study.open(self.out).plan().drop(columns="state")
            mine = plan.query("scenario == 'reform' and replicate == @replicate")
            piece = piece_of(self.out, Run(*mine.iloc[0]))
            temporary(piece).symlink_to("/dev/full")
        return simulate(world, scenario, base, replicate=replicate, **keys)


def check_full_disk(folder: Path, engine: Any, whole: dict[str, bytes]) -> None:
    """The study ends, nothing is torn or left, and it goes on when there is room."""
    what, out = experiment(folder), folder / "out"
    with pytest.raises(OSError) as caught:
        go(out, what, engine=engine, simulate=FullDisk(out, 1))
    assert caught.value.errno == errno.ENOSPC and ".piece" in caught.value.filename
    study = Study.open(out)
    done = set(study.done()["run"])
    assert set(study.outcomes()["run"]) == set(study.units()["run"]) == done
    assert 0 < len(done) < 12 and study.failures().empty
    assert go(out, what).exit_code == 0
    assert bytes_of(out) == whole


@linux
@pytest.mark.parametrize("engine", [SerialEngine(), local()], ids=["serial", "local"])
def test_a_worker_whose_disk_is_full_ends_the_study_and_tears_nothing(tmp_path, whole, engine):
    check_full_disk(tmp_path, engine, whole)


@linux
def test_it_is_said_of_a_worker_too_that_the_disk_is_full(tmp_path, capsys):
    out = tmp_path / "out"
    code = terminal.guarded(
        lambda: go(out, experiment(tmp_path), engine=local(), simulate=FullDisk(out, 0))
    )
    said = capsys.readouterr().err
    assert code == terminal.ENVIRONMENT
    assert "the disk is full" in said and "Traceback" not in said


@dataclass(frozen=True)
class KilledWhileJoining:
    """A task whose worker is killed, once, when it is about to name a part it has written."""

    task: Any
    mark: Path

    def __call__(self, job: Any) -> Any:
        real = pieces.publish

        def publish(path: Path) -> None:
            if path.name.startswith("units-") and not self.mark.exists():
                self.mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            real(path)

        pieces.publish = publish
        return self.task(job)


def test_a_worker_killed_between_two_renames_of_a_part_leaves_it_to_another(
    tmp_path, whole, monkeypatch
):
    mark, real = tmp_path / "mark", Keeping.__init__
    monkeypatch.setattr(
        Keeping,
        "__init__",
        lambda self, task, *rest: real(self, KilledWhileJoining(task, mark), *rest),
    )
    ended = go(tmp_path / "out", experiment(tmp_path), engine=local())
    assert mark.exists() and ended.exit_code == 0 and ended.ran == 12
    assert bytes_of(tmp_path / "out") == whole and not leftovers(tmp_path / "out")
