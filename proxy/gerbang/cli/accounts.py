"""`gerbang accounts`: which accounts acted on the platforms lately."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from gerbang.cli.audit import ROLE, look_down, zone_of
from gerbang.cli.configuration import settings
from gerbang.cli.index import indexed
from gerbang.cli.output import JsonOption, emit, table
from gerbang.cli.slot import now, who
from gerbang.console.looks import Look
from gerbang.store.accounts import accounts_seen, names_of

app = typer.Typer(no_args_is_help=True, help="The accounts that act on the platforms.")

COLUMNS = ("platform", "account", "handle", "standing", "people", "acts", "last")


@app.callback()
def group() -> None:
    """The accounts that act on the platforms."""


@app.command()
def seen(
    days: Annotated[int, typer.Option(min=1, max=3650, help="How far back to look.")] = 30,
    platform: Annotated[str | None, typer.Option(help="A platform's name, such as `x`.")] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Do not mask the accounts of one person that nobody registered.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The accounts that acted lately, to register the agency's own. That you looked is written into the journal.

    An account of one person that is not registered is likely her own, and masked.
    """
    chosen = settings()
    store = indexed(chosen)
    try:
        found = accounts_seen(store, now() - timedelta(days=days), platform)
    finally:
        store.close()
    filters = {"days": str(days), "whole": str(whole).lower()} | ({"platform": platform} if platform else {})
    look_down(chosen, Look(who(), ROLE, "accounts", filters=filters, where="cli"))
    shown = [(one, *names_of(one, whole=whole)) for one in found]
    if as_json:
        emit(
            [
                asdict(one) | {"id": identity or None, "handle": handle or None, "last": one.last.isoformat()}
                for one, identity, handle in shown
            ]
        )
        return
    local = zone_of(chosen)
    rows = [
        (
            one.platform,
            identity,
            handle,
            one.standing,
            one.people,
            one.acts,
            f"{one.last.astimezone(local):%Y-%m-%d %H:%M}",
        )
        for one, identity, handle in shown
    ]
    table(COLUMNS, rows, as_json=False)
    if not rows:
        typer.echo(f"no account acted in the last {days} days on a request that names one")
