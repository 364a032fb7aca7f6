"""`gerbang`: the command line, put together.

Each command or group of commands is a module of this folder with an `app`; it is imported only when it is
asked for, so that `gerbang version` does not load a proxy, nor `gerbang audit list` the checks.
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, override

import typer
from typer.core import TyperGroup

from gerbang.cli import configuration
from gerbang.cli.output import guarded

COMMANDS = ("serve", "demo", "policy", "platforms", "checks", "calendar", "audit", "db", "ca", "users", "version")


class CommandsOnDemand(TyperGroup):
    """A group whose commands are the modules of `gerbang.cli`."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        command = typer.main.get_command(import_module(f"gerbang.cli.{cmd_name}").app)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="gerbang",
    cls=CommandsOnDemand,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def gerbang(
    config: Annotated[
        Path | None,
        typer.Option(envvar="GERBANG_CONFIG", help="The settings file; else gerbang.toml here, else the defaults."),
    ] = None,
) -> None:
    """A posting gate: judges what an office's people are about to send to social platforms, and keeps the record."""
    configuration.choose(config)


def main() -> None:
    """The entry point of the installed command."""
    arguments = configuration_first(sys.argv[1:])
    sys.exit(guarded(lambda: app(arguments, prog_name="gerbang")))


def configuration_first(arguments: list[str]) -> list[str]:
    """`--config FILE` is the whole program's, and is taken wherever people put it.

    >>> configuration_first(["serve", "--config", "a.toml", "--at", "x"])
    ['--config', 'a.toml', 'serve', '--at', 'x']
    """
    for index, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--config":
            taken = arguments[index : index + 2]
            return taken + arguments[:index] + arguments[index + 2 :]
        if argument.startswith("--config="):
            return [argument, *arguments[:index], *arguments[index + 1 :]]
    return arguments
