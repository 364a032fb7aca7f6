"""`gerbang pac`: the file that tells browsers which hosts go to the gate."""

from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from gerbang.cli.configuration import settings
from gerbang.errors import SettingsError
from gerbang.fleet.pac import directions_of, pac_file
from gerbang.fleet.serve import made_by
from gerbang.settings import PacSettings

app = typer.Typer()


@app.command()
def pac(
    proxy: Annotated[
        list[str] | None,
        typer.Option(help="The gate as browsers reach it, host:port or https://host:port; several are tried in turn."),
    ] = None,
    traffic: Annotated[
        Literal["listed", "all"] | None, typer.Option(help="`listed` hosts go to the gate, or `all`.")
    ] = None,
    fallback: Annotated[
        Literal["none", "direct"] | None,
        typer.Option(help="Where no proxy answers: `none`, or `direct`, which leaves nothing judged."),
    ] = None,
) -> None:
    """Print the PAC file: listed hosts go to the gate, all others direct."""
    chosen = settings()
    given = {"proxies": proxy or None, "traffic": traffic, "fallback": fallback}
    told = {name: value for name, value in given.items() if value is not None}
    try:
        asked = PacSettings.model_validate({**chosen.pac.model_dump(), **told})
    except ValidationError as error:
        raise SettingsError(f"`--proxy`: {error.errors()[0]['msg'].removeprefix('Value error, ')}") from None
    typer.echo(pac_file(directions_of(chosen.model_copy(update={"pac": asked})), made_by()), nl=False)
