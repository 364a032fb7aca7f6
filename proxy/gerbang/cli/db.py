"""`gerbang db`: the shape of the database."""

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit
from gerbang.store import upgrade as bring_up

app = typer.Typer(no_args_is_help=True, help="The database that lists and pages read.")


@app.callback()
def group() -> None:
    """The database that lists and pages read."""


@app.command()
def upgrade(as_json: JsonOption = False) -> None:
    """Bring the database to the shape of this version, creating it where there is none."""
    found = settings()
    if found.database.url is None:
        found.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    before, after = bring_up(found.database_url)
    if as_json:
        emit({"before": before or None, "after": after})
    elif before == after:
        typer.echo(f"the database is up to date (revision {after})")
    else:
        typer.echo(f"the database is at revision {after}" + (f", from {before}" if before else ", newly made"))
