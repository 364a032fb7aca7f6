"""`gerbang version`: what runs here."""

import platform
from importlib.metadata import version as installed

import typer

from gerbang import __version__
from gerbang.cli.output import JsonOption, emit

app = typer.Typer()


@app.command()
def version(as_json: JsonOption = False) -> None:
    """The version of Gerbang, and of what it runs on."""
    parts = {"gerbang": __version__, "mitmproxy": installed("mitmproxy"), "python": platform.python_version()}
    if as_json:
        emit(parts)
    else:
        typer.echo(", ".join(f"{name} {number}" for name, number in parts.items()))
