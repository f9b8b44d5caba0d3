"""What several commands of `sim.cli` share: options, and how they answer in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from sim.case.messages import InputError, Problem
from sim.cli import terminal

WINDOWS = ("last-year", "first-half-year", "whole")

results_argument = click.argument("results", type=click.Path(path_type=Path))
base_option = click.option(
    "--base",
    metavar="SCENARIO",
    help="What the others are compared with.  [default: the experiment's base]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
lang_option = click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", help="Language of the answer."
)
jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="N",
    help="Processes at a time.  [default: the processors this process may use]",
)
fresh_option = click.option(
    "--fresh", is_flag=True, help="Remove the results that are there and start over."
)
window_option = click.option(
    "--window",
    type=click.Choice(WINDOWS),
    default="last-year",
    help="Which weeks a number is the mean of.",
)


def example(*lines: str) -> str:
    """Closes a help text with commands to copy."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)


class Command(click.Command):
    """A command that says what is wrong with its input as JSON too, where it has --json."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            if not ctx.params.get("as_json"):
                raise
            click.echo(answer(False, kind_given(ctx), None, error.problems))
            return terminal.exit_code(error.problems)


def answer(ok: bool, kind: str | None, found: Any, problems: Iterable[Problem]) -> str:
    """What a command with --json prints, with faults and without."""
    said = terminal.problems_json(problems)
    return as_text({"ok": ok, "kind": kind, "found": found, "problems": said})


def kind_given(ctx: click.Context) -> str | None:
    """What a command was given."""
    if ctx.info_name == "check":
        from sim.check import kind_of

        return kind_of(ctx.params["path"])
    kinds = {"describe": "scenario", "plan": "experiment", "run": "experiment"}
    results = dict.fromkeys(("compare", "status", "verify"), "results")
    return (kinds | results).get(ctx.info_name or "")


def as_text(data: Any) -> str:
    """Data as JSON for people and programs."""
    return json.dumps(data, ensure_ascii=False, indent=1)
