"""`gerbang notice`: what officers are told, and who has acknowledged it."""

from typing import Annotated

import typer

from gerbang.answers.words import Language
from gerbang.cli.audit import ROLE, look_down, zone_of
from gerbang.cli.configuration import settings
from gerbang.cli.index import indexed
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import who
from gerbang.console.looks import Look
from gerbang.errors import SettingsError, one_of
from gerbang.loading import load_notice
from gerbang.registers import load_registers
from gerbang.store.requests import acknowledged, acknowledged_by

app = typer.Typer(no_args_is_help=True, help="The notice to officers, and who has acknowledged it.")

COLUMNS = ("version", "officers", "browsers", "first", "last")


@app.callback()
def group() -> None:
    """The notice to officers, and who has acknowledged it."""


@app.command()
def show(
    language: Annotated[str, typer.Option(help="ms or en.")] = "ms",
    as_json: JsonOption = False,
) -> None:
    """The notice as officers read it, with its version and the digest of its words."""
    if language not in tuple(Language):
        raise SettingsError(f"unknown language `{language}`", hint=one_of(tuple(Language), language))
    notice = load_notice(settings())
    told = notice.told(Language(language))
    if as_json:
        parts = [{"heading": heading, "text": text} for heading, text in told.parts]
        emit({"version": notice.version, "digest": notice.digest, "title": told.title, "parts": parts})
        return
    say(told.title)
    for heading, text in told.parts:
        say(f"\n{heading}\n{text}")
    say(f"\nversion {notice.version or 'not stated'}, digest {notice.digest}")


@app.command()
def status(
    officers: Annotated[
        bool, typer.Option("--officers", help="Who acknowledged the version in force, by masked name.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """How many officers acknowledged which version. Names are masked. That you looked is written into the journal."""
    chosen = settings()
    version = chosen.interception.notice
    store = indexed(chosen)
    try:
        found = acknowledged(store)
        people = acknowledged_by(store, version) if officers else ()
    finally:
        store.close()
    look_down(chosen, Look(who(), ROLE, "acknowledgements", filters={"officers": str(officers).lower()}, where="cli"))
    local = zone_of(chosen)
    known = len(load_registers(chosen.registers_folder).officers)
    rows = [
        (
            one.version,
            one.officers,
            one.browsers,
            f"{one.first.astimezone(local):%Y-%m-%d %H:%M}",
            f"{one.last.astimezone(local):%Y-%m-%d %H:%M}",
        )
        for one in found
    ]
    if as_json:
        emit(
            {
                "in_force": version,
                "register": known,
                "versions": [dict(zip(COLUMNS, row, strict=True)) for row in rows],
                "officers": [{"name": name, "pseudonym": by, "when": when.isoformat()} for by, name, when in people],
            }
        )
        return
    if rows:
        table(COLUMNS, rows, as_json=False)
    told = next((one.officers for one in found if one.version == version), 0)
    say(f"version {version or 'not stated'} is in force: {told} acknowledged it, of {known} officers in the register")
    for by, name, when in people:
        say(f"  {when.astimezone(local):%Y-%m-%d %H:%M} {name or 'name erased'} ({by[:8]})")
