"""The command line: one file per verb.

Each verb imports what it needs when it runs, so that ``hairscan --help`` and ``--version`` answer at once.
"""

from __future__ import annotations

import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from hairscan.cli.batch import batch
from hairscan.cli.blind import blind, unblind
from hairscan.cli.calibrate import calibrate
from hairscan.cli.compare import compare
from hairscan.cli.data import app as data
from hairscan.cli.demo import demo
from hairscan.cli.doctor import doctor
from hairscan.cli.evaluate import evaluate
from hairscan.cli.export import export
from hairscan.cli.growth import growth
from hairscan.cli.phantom import app as phantom
from hairscan.cli.score import score
from hairscan.cli.train import train
from hairscan.cli.trial import trial
from hairscan.cli.visits import visits
from hairscan.errors import HairscanError, ManifestError, TrialError
from hairscan.version import __version__

app = typer.Typer(
    name="hairscan",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(score)
app.command()(batch)
app.command()(blind)
app.command()(unblind)
app.command()(compare)
app.command()(visits)
app.command()(growth)
app.command()(calibrate)
app.command()(demo)
app.command()(doctor)
app.command()(trial)
app.command()(evaluate)
app.command()(train)
app.command()(export)
app.add_typer(phantom, name="phantom")
app.add_typer(data, name="data")


def _print_version(wanted: bool) -> None:
    """Print the version and leave, where it was asked for."""
    if wanted:
        typer.echo(f"hairscan {__version__}")
        raise typer.Exit


@app.callback()
def hairscan(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Count hairs and measure their thickness in close-up photographs of the scalp."""


def main() -> None:
    """Run the command line; what a user can mend ends with one line on stderr and exit code 2.

    An error of any other class is a mistake in hairscan: its traceback is left to be seen and reported.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # some code pages lack µ or ±
            stream.reconfigure(errors="replace")
    try:
        app()
    except (ManifestError, TrialError) as error:
        for line in error.problems or [str(error)]:
            typer.echo(f"error: {line}", err=True)
        sys.exit(2)
    except HairscanError as error:
        typer.echo(f"error: {' '.join(str(error).splitlines())}", err=True)
        sys.exit(2)
