"""`gerbang users`: the accounts of the console."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, table
from gerbang.console.users import LONGEST_PASSWORD, Role, Users, check_account, users_of
from gerbang.errors import SettingsError

app = typer.Typer(no_args_is_help=True, help="The accounts of the console.")

Name = Annotated[str, typer.Argument(help="The account's name.")]


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(Role)}.")],
    officer: Annotated[
        str | None, typer.Option(help="The officer whose account it is, by the sign-in name; else the account's name.")
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make an account. The password is asked for twice, and never shown."""
    check_account(name, role)
    typed = _from_stdin() if password_stdin else _asked()
    user = _users().add(name, role, typed, datetime.now(UTC), officer)
    if as_json:
        emit({"name": user.name, "role": user.role, "added": user.added.isoformat()})
    else:
        way = "answer requests" if user.role is Role.APPROVER else "sign in to the console"
        typer.echo(f"{user.name} can {way} as {user.role}")


@app.command()
def password(
    name: Name,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking for it.")
    ] = False,
) -> None:
    """Give an account another password. Its sessions end."""
    _users().named(name)
    _users().set_password(name, _from_stdin() if password_stdin else _asked())
    typer.echo(f"{name} has a new password, and is signed out")


@app.command("list")
def list_users(as_json: JsonOption = False) -> None:
    """The accounts and their roles."""
    rows = [(user.name, user.role, user.added.isoformat(timespec="seconds")) for user in _users().all()]
    table(("name", "role", "added"), rows, as_json=as_json)


@app.command()
def remove(name: Name) -> None:
    """End an account, and with it its sessions."""
    _users().remove(name)
    typer.echo(f"{name} can no longer sign in")


def _users() -> Users:
    return users_of(settings())


def password_given(*, from_stdin: bool) -> str:
    """The password of an account that is there, to know who runs a command."""
    if from_stdin:
        return _from_stdin()
    if not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask for a password on", hint="use `--password-stdin`")
    typed: str = typer.prompt("Password", hide_input=True)
    return typed


def _from_stdin() -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise SettingsError("no password stands on standard input", hint="pipe it in, or leave out `--password-stdin`")
    return sys.stdin.readline(LONGEST_PASSWORD + 2).rstrip("\r\n")


def _asked() -> str:
    if not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask for a password on", hint="use `--password-stdin`")
    typed: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed
