"""`gerbang serve`: the real thing."""

from datetime import datetime
from typing import Annotated

import structlog
import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import errors
from gerbang.logs import configure_log
from gerbang.serving import moment_of
from gerbang.serving import serve as run
from gerbang.settings import Settings

log = structlog.get_logger()

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
    moment = moment_of(at, "--at") if at else None
    configure_log(chosen.log, "serve")
    code = run(chosen, moment, lambda: _greet(chosen, moment))
    if code:
        raise typer.Exit(code)


def _greet(chosen: Settings, moment: datetime | None) -> None:
    """Where it can be reached: for a person, or for whoever collects the log."""
    if chosen.log.format == "json":
        trial = moment.isoformat() if moment else None
        log.info(
            "started", gate=chosen.gate.listen, console=chosen.console.listen, state=str(chosen.state), trial=trial
        )
        return
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
