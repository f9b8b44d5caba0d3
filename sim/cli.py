"""The command `sim`: parses, calls, prints. What a command needs is imported inside it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import sim
from sim import terminal
from sim.cli_runs import COMMANDS
from sim.options import (
    Command,
    answer,
    as_text,
    example,
    fresh_option,
    jobs_option,
    json_option,
    lang_option,
    window_option,
)

DEMO = "experiments/demo.yaml"
DEMO_OUT = "results/demo"

CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}


class Group(click.Group):
    """The group of these commands."""

    command_class = Command


@click.group(cls=Group, context_settings=CONTEXT, epilog=example("sim demo"))
@click.version_option(sim.__version__, prog_name="sim")
def cli() -> None:
    """Simulate what merging communities and adding facilities does to access and workload."""


@cli.command(
    short_help="Make a case from unit lists and margins.",
    epilog=example("sim build scenarios/meishan/input scenarios/meishan"),
)
@click.argument("source", metavar="INPUT", type=click.Path(path_type=Path))
@click.argument("case", metavar="CASE", type=click.Path(path_type=Path))
def build(source: Path, case: Path) -> None:
    """Make the case directory CASE from the lists and margins in the folder INPUT."""
    from sim.case.synthesis.build import build as build_case

    report = build_case(source, case, terminal.say)
    click.echo(report.to_text(), nl=False)
    terminal.say(f"next: sim check {case}")


@cli.command(short_help="Make a small case to start from.", epilog=example("sim new mycounty"))
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def new(directory: Path) -> None:
    """Make a small, commented case with scenarios and an experiment in the new directory DIR."""
    from sim.new import new_case

    for path in new_case(directory):
        click.echo(path)
    terminal.say(f"next: read {directory / 'README.md'}, then: sim check {directory}")


@cli.command(
    short_help="Write schemas that editors complete keys by.",
    epilog=example("sim schema docs/schemas"),
)
@click.argument("directory", metavar="[DIR]", default="schemas", type=click.Path(path_type=Path))
def schema(directory: Path) -> None:
    """Write JSON Schemas of case, scenario and experiment files, and Table Schemas of tables.

    A file names its schema in its first line, from where it stands:

    # yaml-language-server: $schema=schemas/scenario.schema.json
    """
    from sim.schemas import write_schemas

    for path in write_schemas(directory):
        click.echo(path)


@cli.command(
    short_help="Check a case, scenario or experiment.",
    epilog=example("sim check scenarios/meishan --map map.svg"),
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--map",
    "map_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also draw the units of a case as FILE (.svg or .png).",
)
@json_option
def check(path: Path, map_file: Path | None, as_json: bool) -> None:
    """Check the case, scenario or experiment at PATH and say what is in it."""
    from sim.check import check as check_path

    if map_file is not None and map_file.suffix.lower() not in (".svg", ".png"):
        raise click.BadParameter(f"{map_file.name} should end in .svg or .png", param_hint="--map")
    report = check_path(path)
    if map_file is not None and report.kind != "case":
        raise click.BadParameter("only a case has a map", param_hint="--map")
    if as_json:
        click.echo(answer(True, report.kind, report.to_json(), report.warnings))
    else:
        terminal.print_problems(report.warnings)
        click.echo(report.to_text(), nl=False)
    if map_file is not None:
        from sim.report.case_map import draw_case

        draw_case(report.path, map_file)
        terminal.say(f"map: {map_file}")


@cli.command(
    short_help="Say in words what a scenario changes.",
    epilog=example("sim describe scenarios/meishan/reform.yaml --lang zh"),
)
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="OTHER",
    help="The scenario of the same case to compare with.  [default: the scenario's base]",
)
@json_option
@lang_option
def describe(scenario: Path, against: Path | None, as_json: bool, lang: str) -> None:
    """Say in words what the levers of SCENARIO do and what they change, counted on its case."""
    from sim.description.description import Description

    described = Description.open(scenario, against)
    terminal.print_problems(described.scenario.warnings)
    click.echo(as_text(described.to_json(lang)) if as_json else described.to_text(lang), nl=as_json)


@cli.command(
    short_help="Run the demo and show its answer.", epilog=example("sim demo", "sim demo --fresh")
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


@cli.command(
    short_help="Print the differences between scenarios.",
    epilog=example("sim compare results/demo --base before --json"),
)
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--base",
    metavar="SCENARIO",
    help="What the others are compared with.  [default: the experiment's base]",
)
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


@cli.command(
    short_help="Print which scenario is best, and how often.",
    epilog=example("sim rank results/demo --outcome access.government.minutes --within 1"),
)
@click.argument("results", type=click.Path(path_type=Path))
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


@cli.command(
    short_help="Print which parameters move the answer.",
    epilog=example("sim sensitivity results/sensitivity --figure tornado.svg"),
)
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--base",
    metavar="SCENARIO",
    help="What the others are compared with.  [default: the experiment's base]",
)
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


@cli.command(
    short_help="Write the report as one HTML file.", epilog=example("sim report results/demo")
)
@click.argument("results", type=click.Path(path_type=Path))
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


@cli.command(
    short_help="List every number of the model.", epilog=example("sim parameters --assumptions")
)
@click.option("--assumptions", is_flag=True, help="Only those that no source gives.")
@json_option
def parameters(assumptions: bool, as_json: bool) -> None:
    """List every number of the model with unit, range, source and confidence."""
    from dataclasses import asdict

    from sim.case.parameters import CONFIDENCE, Parameters

    chosen = [p for p in Parameters.load() if p.confidence == "C" or not assumptions]
    if as_json:
        click.echo(as_text([asdict(p) for p in chosen]))
        return
    width = max(len(p.name) for p in chosen)
    for p in chosen:
        values = f"{p.value:>10g}  [{p.low:g} to {p.high:g}]"
        click.echo(f"{p.name:<{width}} {values:<28} {p.confidence}  {p.unit}; {p.source}")
    click.echo()
    click.echo("; ".join(f"{key} = {text}" for key, text in CONFIDENCE.items()))


@cli.command(
    short_help="Explain the code of an error or warning.", epilog=example("sim explain unknown-id")
)
@click.argument("code", required=False)
@lang_option
@json_option
def explain(code: str | None, lang: str, as_json: bool) -> None:
    """Say what the CODE of an error or warning means and how to mend it; without CODE, list all."""
    from sim.case.codes import codes, explained

    chosen = list(codes().values()) if code is None else [explained(code.strip("[]"))]
    if as_json:
        said = [c.to_json(lang) for c in chosen]
        click.echo(as_text(said if code is None else said[0]))
    elif code is None:
        width = max(len(c.name) for c in chosen)
        click.echo("\n".join(f"{c.name:<{width}}  {c.means[lang]}" for c in chosen))
    else:
        click.echo(chosen[0].to_text(lang))


for command in COMMANDS:
    cli.add_command(command)


def main() -> None:
    """The entry point: exits with the codes that `sim.terminal` lists."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(terminal.guarded(_invoke))


def _invoke() -> int | None:
    try:
        result = cli.main(prog_name="sim", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        error.show()
        return terminal.BAD_INPUT
    sys.stdout.flush()
    return result if isinstance(result, int) else None


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
