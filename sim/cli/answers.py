"""Commands of `sim` on what comes out: demo, compare, rank, sensitivity, report."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli import terminal
from sim.cli.options import (
    Command,
    as_text,
    base_option,
    example,
    fresh_option,
    jobs_option,
    json_option,
    lang_option,
    results_argument,
    window_option,
)

DEMO = "experiments/demo.yaml"
DEMO_OUT = "results/demo"


@click.command(
    cls=Command,
    short_help="Run the demo and show its answer.",
    epilog=example("sim demo", "sim demo --fresh"),
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_OUT,
    metavar="DIR",
    help="Where the results go.",
)
@jobs_option
@fresh_option
@lang_option
def demo(out: Path, jobs: int | None, fresh: bool, lang: str) -> int:
    """Run experiments/demo.yaml, print the answer, write report.html."""
    from sim.experiment.study import run_experiment

    if not Path(DEMO).is_file():
        raise click.UsageError(f"there is no {DEMO} here: go to the project's directory first")
    code = run_experiment(Path(DEMO), out, jobs, "local", fresh, terminal).exit_code
    if code == terminal.INTERRUPTED:
        return code
    _print_answer(out, None, "last-year", lang)
    if _report_is_current(out, lang):
        terminal.say(f"report: {out / 'report.html'}")
    else:
        _write_report(out, lang)
    return code


@click.command(
    cls=Command,
    short_help="Print the differences between scenarios.",
    epilog=example("sim compare results/demo --base before --json"),
)
@results_argument
@base_option
@window_option
@click.option(
    "--statistics",
    is_flag=True,
    help="How sure the headline differences are: bootstrap, Holm, what pairing earned.",
)
@json_option
@lang_option
def compare(
    results: Path, base: str | None, window: str, statistics: bool, as_json: bool, lang: str
) -> None:
    """Print the differences between the scenarios in RESULTS, with their 95 % intervals."""
    if statistics:
        from sim.experiment.evidence import evidence, plain_rows
        from sim.experiment.results import Study
        from sim.report.uncertainty import print_evidence
        from sim.report.windows import Window

        study = Study.open(results)
        rows = evidence(study, base, window)
        if as_json:
            click.echo(as_text(plain_rows(rows)))
        else:
            print_evidence(rows, lang, window=Window.of(window, study.info))
    elif as_json:
        from sim.experiment.results import Study
        from sim.experiment.statistics import to_json

        click.echo(as_text(to_json(Study.open(results).compare(base=base, window=window))))
    else:
        _print_answer(results, base, window, lang)


@click.command(
    cls=Command,
    short_help="Print which scenario is best, and how often.",
    epilog=example("sim rank results/demo --outcome access.government.minutes --within 1"),
)
@results_argument
@click.option("--outcome", required=True, metavar="NAME", help="What to rank by.")
@click.option("--group", default="all", metavar="NAME", help="For whom.")
@click.option(
    "--within",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="X",
    help="How much worse than the best is as good, in the outcome's unit.",
)
@window_option
@json_option
@lang_option
def rank(
    results: Path, outcome: str, group: str, within: float, window: str, as_json: bool, lang: str
) -> None:
    """Print ranks and regrets of the scenarios in RESULTS over replicates and parameter sets."""
    from sim.experiment.evidence import plain_rows
    from sim.experiment.ranking import rank as rank_options
    from sim.experiment.results import Study
    from sim.report.uncertainty import print_ranks
    from sim.report.windows import Window

    study = Study.open(results)
    rows = rank_options(study, outcome, within, group, window)
    if as_json:
        click.echo(as_text(plain_rows(rows)))
    else:
        print_ranks(rows, within, lang, window=Window.of(window, study.info))


@click.command(
    cls=Command,
    short_help="Print which parameters move the answer.",
    epilog=example("sim sensitivity results/sensitivity --figure tornado.svg"),
)
@results_argument
@base_option
@click.option(
    "--outcome",
    "outcomes",
    multiple=True,
    metavar="NAME",
    help="What to analyse; may be repeated.  [default: the headline outcomes]",
)
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also draw a tornado of the six outcomes that move most as FILE (.svg or .png).",
)
@click.option(
    "--scenario", metavar="SCENARIO", help="Whose figure.  [default: the first with a difference]"
)
@window_option
@json_option
@lang_option
def sensitivity(
    results: Path,
    base: str | None,
    outcomes: tuple[str, ...],
    figure: Path | None,
    scenario: str | None,
    window: str,
    as_json: bool,
    lang: str,
) -> None:
    """Print which parameters of the design in RESULTS move the differences, and how surely."""
    from sim.experiment.results import Study
    from sim.experiment.sensitivity import sensitivity as analyse
    from sim.report.uncertainty import print_sensitivity
    from sim.report.windows import Window

    if figure is not None and figure.suffix.lower() not in (".svg", ".png"):
        raise click.BadParameter(f"{figure.name} should end in .svg or .png", param_hint="--figure")
    study = Study.open(results)
    found = analyse(study, base, window, outcomes)
    drawn = list(dict.fromkeys(found.outputs["scenario"]))
    if scenario is not None and scenario not in drawn:
        text = f"no {scenario!r} that differs; there are {', '.join(drawn)}"
        raise click.BadParameter(text, param_hint="--scenario")
    if as_json:
        click.echo(as_text(found.to_json()))
    else:
        print_sensitivity(found, lang, window=Window.of(window, study.info))
    if figure is not None:
        from sim.report.tornado import draw_tornado

        draw_tornado(found, figure, scenario, lang)
        terminal.say(f"figure: {figure}")


@click.command(
    cls=Command,
    short_help="Write the report as one HTML file.",
    epilog=example("sim report results/demo"),
)
@results_argument
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The file to write.  [default: RESULTS/report.html]",
)
@lang_option
def report(results: Path, out: Path | None, lang: str) -> None:
    """Write the report on RESULTS: one HTML file that needs no network."""
    _write_report(results, lang, out)


def _print_answer(results: Path, base: str | None, window: str, lang: str) -> None:
    from sim.experiment.results import Study
    from sim.report.answer import print_answer
    from sim.report.windows import Window

    study = Study.open(results)
    comparison = study.compare(base=base, window=window)
    print_answer(comparison, lang, Window.of(window, study.info))


def _write_report(results: Path, lang: str, out: Path | None = None) -> None:
    from sim.report.html import write_report

    terminal.say(f"report: {write_report(results, out, lang=lang)}")


def _report_is_current(results: Path, lang: str) -> bool:
    """Whether the report there was written after the last result, in this language."""
    report = results / "report.html"
    if not report.is_file():
        return False
    made_of = [results / "study.json", *(results / "parts").iterdir()]
    newer = report.stat().st_mtime_ns > max(p.stat().st_mtime_ns for p in made_of)
    with open(report, encoding="utf-8") as file:
        return newer and f'<html lang="{lang}' in file.read(200)


COMMANDS = (demo, compare, rank, sensitivity, report)
