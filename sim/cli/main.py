"""The command `sim`: parses, calls, prints. What a command needs is imported inside it."""

from __future__ import annotations

import sys

import click

import sim
from sim.cli import answers, inputs, runs, terminal
from sim.cli.options import example

CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}


@click.group(context_settings=CONTEXT, epilog=example("sim demo"))
@click.version_option(sim.__version__, prog_name="sim")
def cli() -> None:
    """Simulate what merging communities and adding facilities does to access and workload."""


for command in (*inputs.COMMANDS, *runs.COMMANDS, *answers.COMMANDS):
    cli.add_command(command)


def main() -> None:
    """The entry point: exits with the codes that `sim.cli.terminal` lists."""
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
