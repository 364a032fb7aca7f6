"""`gerbang`: the command line, put together.

Each command or group of commands is a module of this folder with an `app`; it is imported only when it is
asked for, so that `gerbang version` does not load a proxy, nor `gerbang audit list` the checks.
"""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, override

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from gerbang.cli import configuration
from gerbang.cli.output import guarded
from gerbang.errors import SettingsError, one_of

COMMANDS = (
    "init",
    "doctor",
    "serve",
    "demo",
    "policy",
    "platforms",
    "checks",
    "calendar",
    "audit",
    "alerts",
    "accounts",
    "officers",
    "approvals",
    "notice",
    "exemptions",
    "db",
    "ca",
    "users",
    "tokens",
    "sessions",
    "pac",
    "fleet",
    "script",
    "version",
)


class CommandsOnDemand(TyperGroup):
    """A group whose commands are the modules of `gerbang.cli`."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        # Without the options for shell completion, which each group would show and none could keep.
        part: typer.Typer = import_module(f"gerbang.cli.{cmd_name}").app
        part._add_completion = False
        command = typer.main.get_command(part)
        command.name = cmd_name
        return command

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise SettingsError(f"no such command `{args[0]}`", hint=one_of(COMMANDS, args[0]))
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="gerbang",
    cls=CommandsOnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def gerbang(
    config: Annotated[
        Path | None,
        typer.Option(
            envvar="GERBANG_CONFIG",
            readable=False,  # the settings' own sentence says more
            help="The settings file; else gerbang.toml here, else the defaults.",
        ),
    ] = None,
) -> None:
    """A posting gate: judges what an office's people are about to send to social platforms, and keeps the record."""
    configuration.choose(config)


def main() -> None:
    """The entry point of the installed command."""
    arguments = configuration_first(sys.argv[1:])
    sys.exit(guarded(lambda: _run(arguments)))


def _run(arguments: list[str]) -> int:
    """Run a command; its exit status. What is typed wrongly is an error like any other."""
    try:
        return int(app(arguments, prog_name="gerbang", standalone_mode=False) or 0)
    except TyperException as error:
        if not error.format_message().strip():
            return error.exit_code  # a group by itself: its help has been shown
        raise _typed_wrongly(error) from None
    except typer.Abort:
        raise SettingsError("given up at the question; nothing was done") from None


def _typed_wrongly(error: TyperException) -> SettingsError:
    """Typer's complaint in our words, with the command whose help says more."""
    text = error.format_message().rstrip(".").replace("Value error, ", "").partition(", unable to parse")[0]
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "gerbang"
    text = re.sub(r"(?<=[ (])--[\w-]+", lambda option: f"'{option[0]}'", text)
    text = re.sub(r"[:.] [A-Z]", lambda start: start[0].replace(".", ";").lower(), text)
    text = re.sub(r"'([^']*)'", r"`\1`", text)
    text, more = text[:1].lower() + text[1:], f"see `{command} --help`"
    return SettingsError(f"{text} {more}") if text.endswith("?") else SettingsError(text, hint=more)


def configuration_first(arguments: list[str]) -> list[str]:
    """`--config FILE` is the whole program's, and is taken wherever people put it.

    >>> configuration_first(["serve", "--config", "a.toml", "--at", "x"])
    ['--config', 'a.toml', 'serve', '--at', 'x']
    """
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--config":
            if index + 1 == len(arguments):
                return ["--config"]  # else the command would be taken for the file
            taken = arguments[index : index + 2]
            return taken + arguments[:index] + arguments[index + 2 :]
        if argument.startswith("--config="):
            return [argument, *arguments[:index], *arguments[index + 1 :]]
    return arguments
