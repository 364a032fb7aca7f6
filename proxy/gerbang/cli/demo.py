"""`gerbang demo`: the whole of it on one machine, in a minute."""

import signal
from pathlib import Path
from typing import Annotated

import typer

from gerbang.answers.words import Language
from gerbang.cli.output import console
from gerbang.demo.run import run_demo
from gerbang.logs import configure_log
from gerbang.settings import LogSettings

app = typer.Typer()


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End after the day, instead of staying up.")] = False,
    folder: Annotated[Path, typer.Option(help="Where the office is set up; an earlier demo there is replaced.")] = Path(
        "demo"
    ),
    language: Annotated[Language, typer.Option(help="The language of what happened and why.")] = Language.EN,
) -> None:
    """Stand-in platforms, a gate, a console, and a day of people who try things."""
    # What a gate says in passing would stand in the middle of the table.
    configure_log(LogSettings(level="warning"), "demo")
    # Told to end by another program, it ends as by Ctrl-C, and leaves no process behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not run_demo(folder.absolute(), language, console, None if once else _until_interrupted):
        raise typer.Exit(1)


def _until_interrupted() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("stopping ...")
