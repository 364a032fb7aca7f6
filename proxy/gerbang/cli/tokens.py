"""`gerbang tokens`: what programs show to the API on the console's listener."""

from datetime import date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import cli_journal, now, who
from gerbang.console.users import users_of
from gerbang.errors import SettingsError
from gerbang.record.event import token_event
from gerbang.registers import MALAYSIA
from gerbang.tokens import Right, Token, Tokens, check_token, rights

app = typer.Typer(no_args_is_help=True, help="The tokens of the API.")

Name = Annotated[str, typer.Argument(help="The token's name: what it is for, such as `radius`.")]
COLUMNS = ("name", "may", "user", "added", "until", "last used")


@app.command()
def add(
    name: Name,
    may: Annotated[str, typer.Option(help=f"What for, separated by commas: {', '.join(Right)}.")],
    user: Annotated[str | None, typer.Option(help="The console's account in whose name it acts.")] = None,
    until: Annotated[str | None, typer.Option(help="Its last day, such as `2027-06-30`.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a token. It is shown once and kept nowhere. That you made it is written into the journal."""
    chosen, may_do, moment = settings(), rights(may), now()
    check_token(name, may_do)
    ends = _end(until, moment) if until is not None else None
    if user is not None:
        users_of(chosen).named(user)
    tokens = Tokens(chosen.state)
    with cli_journal(chosen) as (journal, keys):
        token, shown = tokens.add(name, may_do, moment, user, ends)
        try:
            journal.append(token_event(token.name, "added", token.may, token.until, who(), user, moment, keys)).result()
        except BaseException:
            tokens.revoke(name)  # what nobody could write down is not there
            raise
    if as_json:
        emit(_told(token) | {"token": shown})
    else:
        say(f"{name} may {', '.join(may_do)}{f' until {until}' if until else ''}; its token, shown only now:")
        say(shown)


@app.command("list")
def list_tokens(as_json: JsonOption = False) -> None:
    """The tokens, what they may do, and when they were used last."""
    tokens = Tokens(settings().state)
    used, found = tokens.last_used(), tokens.all()
    if as_json:
        emit([_told(one) | {"last_used": used[one.name].isoformat() if one.name in used else None} for one in found])
        return
    rows = [
        (
            one.name,
            ", ".join(one.may),
            one.user,
            _shown(one.added),
            f"{_shown(one.until)} (ended)" if one.ended(now()) else _shown(one.until),
            _shown(used.get(one.name)) or "never",
        )
        for one in found
    ]
    table(COLUMNS, rows, as_json=False)


@app.command()
def revoke(name: Name) -> None:
    """End a token at once. That you did is written into the journal."""
    chosen, moment = settings(), now()
    tokens = Tokens(chosen.state)
    # Ended first: a token that is out of hand must end also where the journal cannot be written.
    token = tokens.revoke(name)
    with cli_journal(chosen) as (journal, keys):
        event = token_event(name, "revoked", token.may, token.until, who(), token.user, moment, keys)
        journal.append(event).result()
    say(f"{name} can no longer be used")


def _end(text: str, moment: datetime) -> datetime:
    """The instant after the day, in Malaysia."""
    zone = ZoneInfo(MALAYSIA)
    try:
        day = date.fromisoformat(text)
        end = datetime.combine(day + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        raise SettingsError(f"`{text:.40}` is no day", hint="write it as `2027-06-30`") from None
    if end <= moment:
        raise SettingsError(f"`{text}` is past", hint="name a day to come")
    return end


def _told(token: Token) -> dict[str, object]:
    return token.model_dump(mode="json", exclude={"digest"})


def _shown(moment: datetime | None) -> str:
    return f"{moment.astimezone(ZoneInfo(MALAYSIA)):%Y-%m-%d %H:%M}" if moment else ""
