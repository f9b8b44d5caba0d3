"""Commands of `sim` on experiments and their results: plan, run, status, verify, export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sim.cli import terminal
from sim.cli.options import (
    Command,
    answer,
    as_text,
    example,
    fresh_option,
    jobs_option,
    json_option,
    results_argument,
)

experiment_argument = click.argument("experiment", type=click.Path(path_type=Path))
out_option = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the results go.  [default: results/NAME]",
)


@click.command(
    cls=Command,
    short_help="Say what running an experiment would mean.",
    epilog=example("sim plan experiments/meishan-reform.yaml --jobs 4"),
)
@experiment_argument
@out_option
@jobs_option
@click.option(
    "--pilot/--no-pilot",
    default=True,
    help="Make one run to measure time and disk, where there are no earlier ones.",
)
@json_option
def plan(experiment: Path, out: Path | None, jobs: int | None, pilot: bool, as_json: bool) -> None:
    """Say how many runs EXPERIMENT needs, what is there, why the rest would run, and how long.

    Nothing is written.
    """
    from sim.experiment.experiment import Experiment
    from sim.experiment.machine import usable_processors
    from sim.experiment.outlook import look_ahead
    from sim.experiment.study import results_of, say_warnings

    opened = Experiment.open(experiment)
    say_warnings(opened, terminal)
    where = results_of(opened, out)
    outlook = look_ahead(opened, where, jobs or usable_processors(), pilot, terminal)
    click.echo(as_text(outlook.to_json()) if as_json else outlook.to_text())
    if outlook.left and not outlook.obstacles:
        place = f" --out {where}" if out else ""
        terminal.say(f"next: sim run {experiment}{place}")


@click.command(
    cls=Command,
    short_help="Run what is missing of an experiment.",
    epilog=example(
        "sim run experiments/demo.yaml --jobs 4",
        "sim run experiments/demo.yaml --only 1f0c --engine serial --pdb",
    ),
)
@experiment_argument
@out_option
@jobs_option
@click.option(
    "--engine",
    type=click.Choice(["local", "serial", "dask"]),
    default="local",
    help="Many processes, this one only, or a Dask cluster.",
)
@click.option(
    "--address",
    metavar="TCP",
    help="The scheduler of a Dask cluster.  [default: a cluster on this machine]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="End a run that takes longer; it counts as failed.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="KEY",
    help="Only the run with this key (or the beginning of one), even if it is there.",
)
@click.option("--pdb", "debug", is_flag=True, help="Open the debugger where a run fails.")
@click.option(
    "--keep",
    metavar="TABLES",
    help="Tables to store, of outcomes,units,losers; outcomes always are.  [default: all]",
)
@click.option(
    "--accept-code-change",
    is_flag=True,
    help="Go on though the model's code has changed since; study.json will say so.",
)
@fresh_option
@json_option
def run(
    experiment: Path,
    out: Path | None,
    jobs: int | None,
    engine: str,
    keep: str | None,
    as_json: bool,
    **more: Any,
) -> int:
    """Run what is still missing of EXPERIMENT; started again, it goes on where it stopped."""
    from sim.experiment.parts import KINDS
    from sim.experiment.study import run_experiment

    kinds = None if keep is None else [k.strip() for k in keep.split(",") if k.strip()]
    for kind in kinds or ():
        if kind not in KINDS:
            what = f"{kind!r} is none of {', '.join(KINDS)}"
            raise click.BadParameter(what, param_hint="--keep")
    out = out or Path("results") / experiment.stem
    try:
        more |= {"console": terminal, "keep": kinds}
        ended = run_experiment(experiment, out, jobs, engine, **more)
    except OSError as error:
        if as_json:
            found = {"path": str(out), "engine": engine, "reason": terminal.explained(error)}
            click.echo(answer(False, "results", found, []))
        raise
    if as_json:
        found = ended.to_json() | {"engine": engine}
        click.echo(answer(ended.exit_code == terminal.DONE, "results", found, []))
    return ended.exit_code


@click.command(
    cls=Command,
    short_help="Say how far results are, and what failed.",
    epilog=example("sim status results/demo"),
)
@results_argument
@json_option
def status(results: Path, as_json: bool) -> None:
    """Say which runs in RESULTS are done, failed or open, and who is at work on them."""
    from sim.experiment.results import Study
    from sim.experiment.status import Status

    found = Status.of(Study.open(results))
    click.echo(as_text(found.to_json()) if as_json else found.to_text())


@click.command(
    cls=Command,
    short_help="Make a sample of runs again and compare.",
    epilog=example("sim verify results/demo", "sim verify results/demo 1f0c"),
)
@results_argument
@click.argument("run", nargs=-1)
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    default=2,
    metavar="N",
    help="Runs to make again, where none is named.",
)
@json_option
def verify(results: Path, run: tuple[str, ...], sample: int, as_json: bool) -> int:
    """Make runs in RESULTS again (those with the keys RUN, or a sample) and compare exactly.

    Says "equal", "equal to 1e-9" or where the first difference is; ends with 1 if there is one.
    """
    from sim.experiment.results import Study
    from sim.experiment.verify import DIFFERENT, verify

    verdicts = []
    for verdict in verify(Study.open(results), run, sample):
        verdicts.append(verdict)
        if not as_json:
            click.echo(str(verdict))
    if as_json:
        rows = [{"key": v.run.key, "verdict": v.verdict, "where": v.where} for v in verdicts]
        click.echo(as_text(rows))
    return int(any(v.verdict == DIFFERENT for v in verdicts))


@click.command(
    cls=Command,
    short_help="Write the tables for other programs.",
    epilog=example(
        "sim export results/demo --xlsx demo.xlsx", "sim export results/demo --csv demo"
    ),
)
@results_argument
@click.option(
    "--csv",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="A folder for CSV files, made if it is not there.",
)
@click.option(
    "--xlsx",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="One workbook; tables too long for a sheet are left out.",
)
def export(results: Path, csv: Path | None, xlsx: Path | None) -> None:
    """Write the plan, what was recorded, the differences and the failures in RESULTS."""
    from sim.experiment.export import export, not_both
    from sim.experiment.results import Study

    files, remarks = export(Study.open(results), not_both(csv, xlsx))
    for remark in remarks:
        terminal.say(remark)
    for file in files:
        click.echo(str(file))


COMMANDS = (plan, run, status, verify, export)
