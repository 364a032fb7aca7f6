"""`gerbang doctor`: what is good, what is not, and what to do about it."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from gerbang.cli import configuration
from gerbang.cli.output import JsonOption, console, emit, errors
from gerbang.doctor.examination import Told, examine, is_bad, trouble
from gerbang.doctor.outcome import Exam, Level, Patient
from gerbang.errors import SettingsError
from gerbang.logs import configure_log
from gerbang.settings import DEFAULT_FILE

app = typer.Typer()

STYLES = {Level.GOOD: "green", Level.WARNING: "yellow", Level.BAD: "bold red"}


@app.command()
def doctor(
    online: Annotated[
        bool, typer.Option("--online", help="Look up the platforms' names too, and ask the running gate for one.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at each part of an installation: what is good, what is not, and what to do. Nothing is changed."""
    told: list[Told] = []
    for one in _told(online):
        told.append(one)
        if not as_json:
            _print(one)
    if as_json:
        columns = ("about", "level", "what", "todo")
        emit([dict(zip(columns, _row(one), strict=True)) for one in told])
    else:
        counts = [sum(one.found.level is level for one in told) for level in Level]
        errors.print("{} good, {} to know of, {} bad".format(*counts), highlight=False)
    if is_bad(told):
        raise typer.Exit(1)


def _told(online: bool) -> Iterator[Told]:
    """What there is to say, while a terminal shows what is being looked at."""
    named = configuration.chosen()
    if named is not None and not named.exists():
        raise SettingsError(f"there is no settings file `{named}`", hint="name another, or run `gerbang init`")
    try:
        chosen = configuration.settings()
    except SettingsError as error:
        yield trouble(error)
        return
    configure_log(chosen.log, "doctor")
    file = named or Path(DEFAULT_FILE)
    patient = Patient(chosen, file.absolute() if file.exists() else None, datetime.now(UTC), online)
    shows = errors.status("") if sys.stderr.isatty() else None

    def begun(exam: Exam) -> None:
        if shows is not None and exam.slow:
            shows.update(f"{exam.name} ...")
            shows.start()

    for one in examine(patient, begun):
        if shows is not None:
            shows.stop()
        yield one
    if shows is not None:
        shows.stop()


def _row(one: Told) -> tuple[str, str, str, str | None]:
    return one.about, one.found.level, one.found.what, one.found.todo


def _print(one: Told) -> None:
    """A line, with what to do below it. Built of texts, since names and paths may look like markup."""
    line = Text.assemble((f"{one.found.level:<8}", STYLES[one.found.level]), f"{one.about:<13}", one.found.what)
    console.print(line, soft_wrap=True)
    if one.found.todo is not None:
        console.print(Text(f"{'':21}-> {one.found.todo}"), soft_wrap=True)
