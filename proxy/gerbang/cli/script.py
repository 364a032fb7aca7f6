"""`gerbang script`: for people who run mitmproxy already."""

from importlib.util import find_spec

import typer

app = typer.Typer()


@app.command()
def script() -> None:
    """Print the path of the script with which mitmdump is a gate."""
    spec = find_spec("gerbang.mitmdump")
    typer.echo(spec.origin if spec else "")
