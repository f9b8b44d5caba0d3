"""Running an experiment: the plan minus what is on disk already.

There is no other way to run, so resuming needs no thought: after a crash, a Ctrl-C or a failure
the same command goes on where the results end.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sim.case.case import Case
from sim.experiment.console import Console, Silent
from sim.experiment.engine import Engine, Stop
from sim.experiment.engines import make_engine
from sim.experiment.experiment import Experiment
from sim.experiment.families import families
from sim.experiment.finished import Finished
from sim.experiment.jobs import Done, Failure
from sim.experiment.lock import DirectoryLock
from sim.experiment.pieces import Keeping
from sim.experiment.plan import Plan, Run
from sim.experiment.provenance import versions
from sim.experiment.results import Study
from sim.experiment.store import Store, prepare
from sim.experiment.task import RunTask


def run_experiment(
    path: str | Path,
    out: str | Path | None = None,
    jobs: int | None = None,
    engine: str = "local",
    fresh: bool = False,
    console: Console | None = None,
    *,
    timeout: float | None = None,
    address: str | None = None,
    debug: bool = False,
    only: Sequence[str] = (),
    keep: Iterable[str] | None = None,
    accept_code_change: bool = False,
) -> Finished:
    """Runs what is left of the experiment in a file; results in `out` or ``results/<name>``.

    jobs: worker processes, default all processors; fresh: remove earlier results first; timeout,
    address, debug: see `make_engine`; only: keys of runs to repeat alone; keep: tables to store;
    accept_code_change: go on with results of other code. Raises `InputError` for faults of the
    input or results of another plan, `StudyBusy` and other OSErrors of the environment; failures
    of runs are rows of the results, not exceptions.
    """
    computing = make_engine(engine, jobs, timeout=timeout, debug=debug, address=address)
    experiment = Experiment.open(path)
    console = console or Silent()
    say_warnings(experiment, console)
    more: dict[str, Any] = {"keep": keep, "accept_code_change": accept_code_change}
    out = results_of(experiment, out)
    return run(experiment, out, computing, fresh, console, only=only, **more)


def say_warnings(experiment: Experiment, console: Console) -> None:
    """How many there are, and what lists them."""
    many = len(experiment.warnings)
    if many:
        what = "1 warning: sim check" if many == 1 else f"{many} warnings: sim check"
        console.say(f"{what} {experiment.path} says more")


def results_of(experiment: Experiment, out: str | Path | None = None) -> Path:
    """Where the results of an experiment go: `out`, or ``results/<name>``."""
    return Path(out) if out else Path("results") / experiment.name


def run_case(case: str | Path | Case, out: str | Path | None = None, **keys: Any) -> Study:
    """Runs an experiment made in Python: the keys of an experiment file as arguments.

    out: results directory, default a new temporary one. Errors as in `run_experiment`.
    """
    jobs = keys.pop("jobs", None)
    experiment = Experiment.of(case, **keys)
    out = Path(out) if out else Path(tempfile.mkdtemp(prefix="sim-"))
    return run(experiment, out, make_engine("local", jobs)).study


def run(
    experiment: Experiment,
    out: Path,
    engine: Engine,
    fresh: bool = False,
    console: Console | None = None,
    simulate: Callable[..., Any] | None = None,
    build: Callable[..., Path] | None = None,
    *,
    only: Sequence[str] = (),
    keep: Iterable[str] | None = None,
    accept_code_change: bool = False,
) -> Finished:
    """Runs what is left of an experiment in `out`; see `run_experiment`.

    simulate, build: other functions in place of the model's and the world's.
    """
    console = console or Silent()
    plan = Plan.of(experiment)
    prepare(out)
    began = time.monotonic()
    with DirectoryLock(out):
        chosen = plan.chosen(only)
        store = Store.open(out, experiment, plan, fresh, keep)
        if store.grown:
            console.say(f"the plan has changed, what is there is kept: {'; '.join(store.grown)}")
        done = store.done()
        ran, there, interrupted, task, look = 0, 0, False, None, None
        runs: list[Run] = []
        for stage in _stages(experiment):
            new = [r for r in plan.runs if len(runs) <= r.run and r.replicate < stage]
            runs += new
            left = [r for r in new if r.key not in done]
            if chosen:
                left = [r for r in chosen if r in new]
            there += sum(r.key in done and r not in left for r in new)
            if left:
                if task is None:
                    store.check_code(bool(done), accept_code_change)
                    _announce(console, plan, done, store, Study.open(out))
                    task = task_of(experiment, simulate, build)
                count, stopped = _run(task, plan, left, store, engine, console)
                ran += count
                interrupted = stopped and (count < len(left) or stage < experiment.replicates)
            if interrupted:
                break
            if experiment.until and not chosen:
                look = experiment.until.look(Study.open(out), stage)
                if look.reached:
                    break
        failed = len(store.failed())
        seconds = time.monotonic() - began
        if task:
            store.journal({"event": "end", "ran": ran, "failed": failed, "seconds": seconds})
    aims = experiment.until.said(look) if experiment.until and look and not interrupted else []
    finished = Finished(
        Study.open(out), len(runs), ran, there, failed, seconds, interrupted, tuple(aims)
    )
    console.say(finished.text)
    return finished


class _Blocks:
    """Counts what comes back, until a block is over."""

    def __init__(self, left: list[Run], store: Store, console: Console):
        self._store, self._console = store, console
        self._received: dict[int, list[Run]] = {}
        self._open = Counter(run.block for run in left)
        self.ran = 0

    def take(self, done: Done) -> None:
        """One run that is over; raises what made a worker give up."""
        if done.unable:
            raise done.unable
        run: Run = done.run
        self.ran += 1
        self._open[run.block] -= 1
        if done.failure:
            self._fail(run, done.failure)
        else:
            self._store.receive(done.result)
            self._received.setdefault(run.block, []).append(run)
        if not self._open[run.block]:
            self._settle(run.block)

    def flush(self) -> None:
        """Sees to the blocks that will not be whole now."""
        for block in sorted(self._received):
            self._settle(block)

    def _settle(self, block: int) -> None:
        for run in self._store.settle(block, self._received.get(block, ())):
            self._fail(run, Failure("store", "what its worker wrote is not there"))
        self._received.pop(block, None)

    def _fail(self, run: Run, failure: Failure) -> None:
        self._store.fail(run, failure)
        place = f"{run.scenario}, replicate {run.replicate}"
        self._console.say(f"run {run.key} ({place}) failed: {failure.error}")


def _run(
    task: RunTask, plan: Plan, left: list[Run], store: Store, engine: Engine, console: Console
) -> tuple[int, bool]:
    """Runs that ended, and whether a person asked to stop."""
    store.journal({"event": "start", "left": len(left), "versions": versions()})
    blocks = _Blocks(left, store, console)
    stop = Stop(lambda: console.say("stopping after the runs under way; Ctrl-C again: at once"))
    with store.session() as outbox:
        try:
            with stop, console.progress(len(left), "runs") as progress:
                began = time.monotonic()

                def on_done(done: Done) -> None:
                    blocks.take(done)
                    rate = blocks.ran / max(time.monotonic() - began, 1e-3)
                    progress.note(f"{rate:.2g} runs/s")
                    progress.advance()

                jobs = families(left, engine.workers)
                keeping = Keeping(task, outbox, sorted(set(task.worlds)))
                engine.run(keeping, jobs, on_done, stop)
        except KeyboardInterrupt:
            stop.requested = True
        except Exception:
            with suppress(OSError):  # a full disk, say, which is what will be reported
                blocks.flush()
            raise
        blocks.flush()
    return blocks.ran, stop.requested


def task_of(
    experiment: Experiment,
    simulate: Callable[..., Any] | None,
    build: Callable[..., Path] | None,
) -> RunTask:
    """The task of an experiment's runs, with the world that it builds where there is none yet."""
    return RunTask(
        worlds=_worlds(experiment, build or _world_builder()),
        scenarios={s.name: s for s in experiment.runs_of},
        base=experiment.base.name,
        parameters=experiment.parameters,
        points=experiment.points,
        start=experiment.start,
        weeks=experiment.weeks,
        seed=experiment.seed,
        record=experiment.record,
        simulate=simulate,
    )


def _stages(experiment: Experiment) -> list[int]:
    """Replicates after each stage of the study; one stage where their number is given."""
    most = experiment.replicates
    return experiment.until.stages(most) if experiment.until else [most]


def _worlds(experiment: Experiment, build: Callable[..., Path]) -> list[Path]:
    """The world of each point; most parameters are not read by the synthesis and share one."""
    from sim.world.store import read_by_synthesis

    first = build(experiment.case, experiment.parameters)
    worlds = (
        build(experiment.case, experiment.parameters_at(point))
        if any(read_by_synthesis(name) for name in values)
        else first
        for point, values in enumerate(experiment.points)
    )
    return [world.absolute() for world in worlds]


def _world_builder() -> Callable[..., Path]:
    from sim.world.store import build_world

    return build_world


def _announce(console: Console, plan: Plan, done: set[str], store: Store, study: Study) -> None:
    there = len(done)
    text = str(plan)
    text += " at most" if study.info.get("until") else ""
    if there:
        text += f"; {there} are there already, {len(plan.runs) - there} are left"
    again = len(store.failed())
    if again:
        text += f"; {again} that failed are tried again"
    console.say(text)
    changed = {k: v for k, v in versions().items() if study.info["versions"].get(k) != v}
    if changed:
        names = ", ".join(f"{k} {study.info['versions'].get(k)} -> {v}" for k, v in changed.items())
        console.say(f"the earlier runs were made with other versions: {names}; see `--fresh`")
