"""`gerbang accounts`: the register of the agency's accounts, who acts by them, and which accounts acted lately."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated

import typer

from gerbang.cli import permitting
from gerbang.cli.audit import ROLE, look_down, zone_of
from gerbang.cli.configuration import settings
from gerbang.cli.index import indexed
from gerbang.cli.output import JsonOption, emit, table
from gerbang.cli.permitting import STATES, AtOption, ByOption, FromOption, ReasonOption, State, state_of
from gerbang.cli.slot import now, who
from gerbang.console.looks import Look
from gerbang.csv_files import rows
from gerbang.errors import SettingsError
from gerbang.loading import policy_folders, sources
from gerbang.model import Standing
from gerbang.registering import Line, Sheet
from gerbang.registers import REGISTERS, load_registers, moment_of
from gerbang.settings import Settings
from gerbang.store.accounts import accounts_seen, masked_account, names_of

app = typer.Typer(
    no_args_is_help=True, help="The accounts that act on the platforms: the agency's own, and those seen."
)

COLUMNS = ("platform", "account", "handle", "standing", "people", "acts", "last")


@app.callback()
def group() -> None:
    """The accounts that act on the platforms: the agency's own, and those seen."""


# ---------------------------------------------------------------- the register

PlatformArgument = Annotated[str, typer.Argument(metavar="PLATFORM", help="The platform's name, such as `x`.")]
AccountArgument = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id, or its `@handle`.")]
DutyOption = Annotated[
    list[str] | None,
    typer.Option("--duty", help="Who acts by it: an officer's id, or group:NAME; may be given several times."),
]


@app.command()
def add(
    platform: Annotated[str, typer.Option(help="The platform's name, such as `x`.")],
    account: Annotated[str | None, typer.Option("--account", help="The platform's id of it.")] = None,
    handle: Annotated[str | None, typer.Option(help="Its handle; this or `--account` must be given.")] = None,
    name: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    unit: Annotated[str | None, typer.Option(help="Whose it is.")] = None,
    standing: Annotated[str, typer.Option(help=f"One of {', '.join(Standing)}.")] = Standing.OFFICIAL.value,
    duty: DutyOption = None,
    since: FromOption = None,
    until: Annotated[str | None, typer.Option("--until", help="The last day, or a time; else until withdrawn.")] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Register an account, and who is on duty for it. One that was withdrawn is taken up again on its line."""
    chosen = settings()
    permitting.one_word("standing", standing, tuple(Standing))
    permitting.one_word("platform", platform, _platforms(chosen))
    if not (account or (handle or "").removeprefix("@")):
        raise SettingsError("the account has no name", hint="give `--account`, `--handle` or both")
    values = {
        "platform": platform,
        "account": account or "",
        "handle": "@" + handle.removeprefix("@") if handle else "",
        "name": name or "",
        "standing": standing,
        "unit": unit or "",
        "duty": ";".join(duty or ()),
        "valid_from": since or "",
        "valid_to": until or "",
    }

    def register(sheet: Sheet) -> None:
        for line in sheet.lines(platform=platform):
            if line["withdrawn"] and any(_is(line, given) for given in (account, values["handle"]) if given):
                line.set(**values, withdrawn="")
                return
        sheet.add(**values)

    permitting.change(chosen, "accounts", register, "added", by)
    _warn_of(chosen, duty or ())
    if as_json:
        emit(values)
    else:
        permitting.say(f"the account {account or values['handle']} on {platform} is registered as {standing}")


@app.command("duty")
def change_duty(
    platform: PlatformArgument,
    account: AccountArgument,
    adding: Annotated[list[str] | None, typer.Option("--add", help="An officer's id, or group:NAME.")] = None,
    removing: Annotated[list[str] | None, typer.Option("--remove", help="An officer's id, or group:NAME.")] = None,
    by: ByOption = None,
) -> None:
    """Change who is on duty for an account. Where nobody is listed, no rule on duty speaks."""
    chosen = settings()
    if not (adding or removing):
        raise SettingsError("nobody is named", hint="give `--add` or `--remove`, each once or several times")
    left: list[str] = []

    def change(sheet: Sheet) -> None:
        line = _line(sheet, platform, account)
        listed = [part.strip() for part in line["duty"].split(";") if part.strip()]
        if strangers := [one for one in removing or () if one not in listed]:
            hint = f"on duty are {permitting.words(listed)}" if listed else "nobody is listed"
            raise SettingsError(f"`{strangers[0]}` is not on duty for {account}", hint=hint)
        left.extend(one for one in dict.fromkeys([*listed, *(adding or ())]) if one not in (removing or ()))
        line.set(duty=";".join(left))

    permitting.change(chosen, "accounts", change, "duty-changed", by)
    _warn_of(chosen, adding or ())
    permitting.say(f"on duty for {account} on {platform}: {', '.join(left) or 'nobody is listed'}")


@app.command("list")
def list_accounts(
    platform: Annotated[str | None, typer.Option(help="Only of this platform.")] = None,
    duty: Annotated[str | None, typer.Option("--duty", help="Only those for which this officer is on duty.")] = None,
    state: Annotated[str | None, typer.Option(help=STATES)] = None,
    moment: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """The register of accounts: the agency's own, who is on duty for each, and until when."""
    chosen = settings()
    wanted, instant = permitting.state_word(state), permitting.at(moment)
    registers = load_registers(chosen.registers_folder)
    officer = registers.officers.get(duty) if duty else None
    named = {duty, *(f"group:{one}" for one in (officer.groups if officer else ()))}
    found = []
    for values in _registered(chosen):
        how = _state(values, instant)
        listed = {part.strip() for part in values["duty"].split(";")}
        if platform in (None, values["platform"]) and wanted in (None, how) and (not duty or named & listed):
            found.append((values, how))
    if as_json:
        emit([values | {"state": how} for values, how in found])
        return
    told = [
        (
            values["platform"],
            values["account"],
            values["handle"],
            values["name"],
            values["standing"] or "official",
            how,
            values["duty"].split(";"),
            values["valid_to"],
        )
        for values, how in found
    ]
    if told:
        table(("platform", "account", "handle", "name", "standing", "state", "on duty", "until"), told, as_json=False)
    permitting.say(f"{len(told)} in the register")


@app.command()
def show(
    platform: PlatformArgument, account: AccountArgument, moment: AtOption = None, as_json: JsonOption = False
) -> None:
    """One account of the register whole."""
    known = [values for values in _registered(settings()) if values["platform"] == platform]
    found = next((values for values in known if _is(values, account)), None)
    if found is None:
        raise _no_such(platform, account, known)
    told = found | {"state": _state(found, permitting.at(moment))}
    if as_json:
        emit(told)
        return
    for name, value in told.items():
        if value:
            permitting.say(f"{name:<10} {value}")


@app.command()
def withdraw(
    platform: PlatformArgument,
    account: AccountArgument,
    since: FromOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
) -> None:
    """Have an account be the agency's no more. Its line stays in the register."""
    day = since or permitting.stamp()
    permitting.moment("from", day)

    def end(sheet: Sheet) -> None:
        line = _line(sheet, platform, account)
        if line["withdrawn"]:
            raise SettingsError(f"the account {account} is withdrawn already, since {line['withdrawn']}")
        line.set(withdrawn=day)

    permitting.change(settings(), "accounts", end, "withdrawn", by, reason)
    permitting.say(f"the account {account} on {platform} is withdrawn from {day}")


def _platforms(chosen: Settings) -> list[str]:
    return [source.name for source in sources(policy_folders(chosen), "platforms")]


def _is(values: Mapping[str, str] | Line, name: str) -> bool:
    """Whether a line is of the account of that id, or of that handle."""
    if name.startswith("@"):
        return values["handle"].removeprefix("@").lower() == name[1:].lower()
    return values["account"].lower() == name.lower()


def _line(sheet: Sheet, platform: str, account: str) -> Line:
    known = sheet.lines(platform=platform)
    found = next((line for line in known if _is(line, account)), None)
    if found is None:
        raise _no_such(platform, account, [line.values for line in known])
    return found


def _no_such(platform: str, account: str, known: Sequence[Mapping[str, str]]) -> SettingsError:
    names = [values.get("account") or values.get("handle", "") for values in known]
    hint = f"of {platform} it has {permitting.words(names[:10])}" if names else "a handle is written as `@handle`"
    return SettingsError(f"no account `{account[:60]}` on `{platform[:60]}` is in the register", hint=hint)


def _registered(chosen: Settings) -> list[dict[str, str]]:
    """The lines of the register, each with all columns. All registers must be right."""
    load_registers(chosen.registers_folder)
    known = REGISTERS["accounts"]
    found = rows(chosen.registers_folder / known.file, known.columns)
    return [{column.name: row[column.name] for column in known.columns} for row in found]


def _state(values: Mapping[str, str], moment: datetime) -> State:
    valid_to = moment_of(values["valid_to"], end=True) if values["valid_to"] else None
    valid_from, withdrawn = (moment_of(values[name]) if values[name] else None for name in ("valid_from", "withdrawn"))
    return state_of(moment, valid_from, valid_to, withdrawn)


def _warn_of(chosen: Settings, duty: Sequence[str]) -> None:
    officers = load_registers(chosen.registers_folder).officers
    for one in duty:
        if not one.startswith("group:") and one not in officers:
            permitting.warn(f"no officer `{one}` is in the register")


# ---------------------------------------------------------------- those seen


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
    seen_rows = [
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
    table(COLUMNS, seen_rows, as_json=False)
    for one, identity, handle in shown:
        if one.standing != Standing.OFFICIAL and (whole or not masked_account(one)):
            name = ["--account", identity] * bool(identity) + ["--handle", f"@{handle.removeprefix('@')}"] * bool(
                handle
            )
            permitting.say("to register one of them as the agency's own, such as the first that is not yet:")
            permitting.say(permitting.command("accounts", "add", "--platform", one.platform, *name))
            break
    if not seen_rows:
        typer.echo(f"no account acted in the last {days} days on a request that names one")
