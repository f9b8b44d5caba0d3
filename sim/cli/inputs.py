"""Commands of `sim` on what is put in: build, new, schema, check, describe, explain, parameters."""

from __future__ import annotations

from pathlib import Path

import click

from sim.cli import terminal
from sim.cli.options import Command, answer, as_text, example, json_option, lang_option


@click.command(
    cls=Command,
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


@click.command(
    cls=Command, short_help="Make a small case to start from.", epilog=example("sim new mycounty")
)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def new(directory: Path) -> None:
    """Make a small, commented case with scenarios and an experiment in the new directory DIR."""
    from sim.new import new_case

    for path in new_case(directory):
        click.echo(path)
    terminal.say(f"next: read {directory / 'README.md'}, then: sim check {directory}")


@click.command(
    cls=Command,
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


@click.command(
    cls=Command,
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


@click.command(
    cls=Command,
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


@click.command(
    cls=Command,
    short_help="List every number of the model.",
    epilog=example("sim parameters --assumptions"),
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


@click.command(
    cls=Command,
    short_help="Explain the code of an error or warning.",
    epilog=example("sim explain unknown-id"),
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


COMMANDS = (build, new, schema, check, describe, explain, parameters)
