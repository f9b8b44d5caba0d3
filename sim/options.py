"""Options that several commands of `sim.cli` share."""

from __future__ import annotations

import json
from typing import Any

import click

WINDOWS = ("last-year", "first-half-year", "whole")

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


def as_text(data: Any) -> str:
    """Data as JSON for people and programs."""
    return json.dumps(data, ensure_ascii=False, indent=1)
