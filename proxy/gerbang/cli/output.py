"""What every command prints with: tables for people, JSON for programs, one sentence for an error."""

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from tempfile import NamedTemporaryFile
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gerbang.errors import GerbangError

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

# Without `emoji=False` Rich makes a picture of the middle of `B2:AB:1D`, and of the line in `policy.yaml:100:5`.
console = Console(emoji=False)
errors = Console(stderr=True, emoji=False)


def emit(value: Any) -> None:
    """One JSON value on a line of its own, not wrapped, not coloured."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def say(line: str) -> None:
    """A line as it is: brackets are no markup, numbers get no colour, and the terminal wraps it."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    as_json: bool,
    title: str | None = None,
    whole: Sequence[str] = (),
) -> None:
    """The rows as a table for a person, or as a JSON list of objects with the columns as keys.

    Columns in `whole` are never broken, however narrow the terminal: somebody may want to copy them.
    """
    if as_json:
        emit([dict(zip(columns, row, strict=True)) for row in rows])
        return
    grid = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for column in columns:
        grid.add_column(column, overflow="fold", no_wrap=column in whole)
    for row in rows:
        # Content and names come from outside: square brackets in them are text, not Rich's markup.
        grid.add_row(*(Text("" if cell is None else _cell(cell)) for cell in row))
    console.print(grid)


def _cell(cell: object) -> str:
    if isinstance(cell, (list, tuple, set, frozenset)):
        return ", ".join(str(part) for part in cell)
    if isinstance(cell, Mapping):
        return ", ".join(f"{key}={value}" for key, value in cell.items())
    return str(cell)


def guarded(run: Callable[[], int | None]) -> int:
    """Run a command; an error that a person can put right is one sentence and exit status 2, never a traceback.

    A fault of our own is a sentence too; its traceback goes to a file that can be sent to us.
    """
    try:
        return run() or 0
    except GerbangError as error:
        errors.print(f"gerbang: {error}", markup=False, highlight=False, soft_wrap=True)
        return 2
    except BrokenPipeError:
        # Whoever read our output has had enough of it; what is still buffered must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        with NamedTemporaryFile("w", prefix="gerbang-fault-", suffix=".txt", delete=False) as file:
            traceback.print_exc(file=file)
        what = f"gerbang: a fault of our own ({type(error).__name__}); what happened stands in {file.name}"
        errors.print(what, markup=False, highlight=False, soft_wrap=True)
        return 70
