"""`gerbang sessions`: who is signed in at which address, as other programs have said by the API."""

from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import now, who
from gerbang.errors import SettingsError
from gerbang.registers import MALAYSIA
from gerbang.sessions import Desk, Session, plain

app = typer.Typer(no_args_is_help=True, help="Who is signed in at which address.")

COLUMNS = ("address", "officer", "device", "until", "by")


@app.command("list")
def list_sessions(as_json: JsonOption = False) -> None:
    """The sessions that stand."""
    standing = Desk(settings().feeds_folder).standing(now())
    if as_json:
        emit([one.record() for one in standing])
        return
    if not standing:
        say("no session stands")
        return
    zone = ZoneInfo(MALAYSIA)
    rows = [
        (one.address, one.officer, one.device, f"{one.until.astimezone(zone):%Y-%m-%d %H:%M}", one.by)
        for one in standing
    ]
    table(COLUMNS, rows, as_json=False)


@app.command()
def end(address: Annotated[str, typer.Argument(help="The client's address.")]) -> None:
    """End the session of an address. Gates know within two seconds."""
    try:
        where = plain(address)
    except ValueError:
        raise SettingsError(f"`{address:.60}` is no address", hint="write one such as `10.1.2.3`") from None
    moment = now()
    new = Desk(settings().feeds_folder).say([Session(where, None, moment, by=f"cli: {who()}")], moment)
    say(f"nobody is signed in at {where} any more" if new else f"nobody was signed in at {where}")
