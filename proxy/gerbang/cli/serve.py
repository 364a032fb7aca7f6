"""`gerbang serve`: the real thing."""

from datetime import datetime
from typing import Annotated

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import errors
from gerbang.errors import SettingsError
from gerbang.serving import configure_log
from gerbang.serving import serve as run
from gerbang.settings import Settings

app = typer.Typer()


@app.command()
def serve(
    at: Annotated[
        str | None,
        typer.Option(help="For trials, on loopback only: start the clock at this time (2026-11-23T10:00+08:00)."),
    ] = None,
) -> None:
    """Run the gate, the forwarder and the console, until Ctrl-C or SIGTERM."""
    chosen = settings()
    moment = _moment(at) if at else None
    configure_log(chosen)
    code = run(chosen, moment, lambda: _greet(chosen, moment))
    if code:
        raise typer.Exit(code)


def _moment(at: str) -> datetime:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise SettingsError(
            f"`{at}` is no time for `--at`", hint="write date, time and offset, such as `2026-11-23T10:00+08:00`"
        ) from None
    if "T" not in at and " " not in at:
        raise SettingsError(f"`{at}` has no time of day", hint=f"write which time it is: `{at}T10:00+08:00`")
    if moment.tzinfo is None:
        raise SettingsError(f"`{at}` has no offset", hint=f"write which time it is: `{at}+08:00`")
    return moment


def _greet(chosen: Settings, moment: datetime | None) -> None:
    lines = [
        f"gate      http://{chosen.gate.listen} (proxy), its own pages at {chosen.gate_url}/",
        f"console   http://{chosen.console.listen}/",
        f"state     {chosen.state}",
    ]
    if chosen.pac.listen:
        lines.insert(2, f"pac       http://{chosen.pac.listen}/proxy.pac")
    if moment:
        lines.append(f"clock     a trial's, started at {moment.isoformat()}")
    errors.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
