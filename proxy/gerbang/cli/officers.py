"""`gerbang officers`: the register of officers, and filling it from a directory or a file."""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import cli_journal, who
from gerbang.csv_files import rows
from gerbang.enrolment import MOST_GONE, Plan, Source, apply, from_directory, from_file, plan, told
from gerbang.errors import RegisterError, SettingsError, one_of
from gerbang.registering import edit
from gerbang.registers import OFFICERS
from gerbang.settings import Settings

app = typer.Typer(no_args_is_help=True, help="The officers on file, and filling the register from elsewhere.")

COLUMNS = tuple(column.name for column in OFFICERS)
SHOWN = 20  # changes of each kind that a preview shows

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Keep = Annotated[bool, typer.Option("--keep", help="Leave those on file who are not in it.")]
AllowRemoval = Annotated[
    bool, typer.Option("--allow-removal", help=f"Let more than {MOST_GONE} percent of those on file go.")
]


@app.callback()
def group() -> None:
    """The officers on file, and filling the register from elsewhere."""


@app.command("list")
def list_officers(
    office: Annotated[str | None, typer.Option(help="Only those of this office.")] = None,
    in_group: Annotated[str | None, typer.Option("--group", help="Only those in this group or service group.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Who is in the register."""
    offices = [one.name for one in settings().offices]
    if office is not None and office not in offices:
        raise SettingsError(f"unknown office `{office[:60]}`", hint=one_of(offices, office))
    found = [
        values
        for values in _on_file(settings())
        if office in (None, values["office"])
        and (in_group is None or in_group in {values["service_group"], *_words(values["groups"])})
    ]
    if found or as_json:
        table(COLUMNS, [[values[column] for column in COLUMNS] for values in found], as_json=as_json)
    else:
        say("no such officer is on file")


@app.command()
def show(
    officer: Annotated[str, typer.Argument(metavar="ID", help="The officer's id.")],
    as_json: JsonOption = False,
) -> None:
    """One officer, as the register has her."""
    known = {values["id"]: values for values in _on_file(settings())}
    if officer not in known:
        hint = one_of(sorted(known), officer) if known else "the register is empty"
        raise RegisterError(f"no officer `{officer}` is in the register", hint=hint)
    if as_json:
        emit(known[officer])
        return
    for column, value in known[officer].items():
        say(f"{column:<14} {value or '(nothing)'}")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A CSV file with columns of officers.csv.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    keep: Keep = False,
    allow_removal: AllowRemoval = False,
    as_json: JsonOption = False,
) -> None:
    """Make the register what a file says, after showing what would change.

    Columns that the file lacks stay as they are on file.
    """
    source = from_file(file)
    _make(source, "imported", dry_run=dry_run, yes=yes, keep=keep, allow_removal=allow_removal, as_json=as_json)


@app.command()
def sync(
    dry_run: DryRun = False,
    yes: Yes = False,
    keep: Keep = False,
    allow_removal: AllowRemoval = False,
    as_json: JsonOption = False,
) -> None:
    """Make the register what the directory says, after showing what would change.

    Columns of which the settings name no attribute stay as they are on file.
    """
    chosen = settings()
    if not chosen.ldap.urls:
        raise SettingsError("no directory is set", hint='add `urls = ["ldaps://..."]` under `[ldap]`')
    source = from_directory(chosen.ldap)
    _make(source, "synced", dry_run=dry_run, yes=yes, keep=keep, allow_removal=allow_removal, as_json=as_json)


def _make(
    source: Source, kind: str, *, dry_run: bool, yes: bool, keep: bool, allow_removal: bool, as_json: bool
) -> None:
    chosen = settings()
    agreed = plan(source, _on_file(chosen), keep=keep)
    if not as_json:
        _preview(agreed)
    held = agreed.empties and not allow_removal
    if held and not dry_run:
        raise RegisterError(
            f"{len(agreed.gone)} of {agreed.on_file} officers on file would go, more than {MOST_GONE} percent",
            hint="if that is right, add `--allow-removal`; `--keep` leaves them",
        )
    made = not dry_run and not agreed.nothing
    if made:
        if not yes and not _agreed():
            raise RegisterError("nothing was changed", hint="add `--yes` to change it without being asked")
        edit(
            chosen,
            "officers",
            partial(apply, agreed, source, keep=keep),
            kind=kind,
            by=who(),
            journal=partial(cli_journal, chosen),
        )
    if as_json:
        emit(_as_plain(agreed) | {"made": made, "needs_allow_removal": held})
    elif made:
        say("the register is changed; a running gate takes it within two seconds")


def _agreed() -> bool:
    return sys.stdin.isatty() and typer.confirm("Change the register so?")


def _preview(agreed: Plan) -> None:
    for what, whom, how in told(agreed, SHOWN):
        say(f"{what:<8} {whom}" + (f": {how}" if how else ""))
    for left in agreed.skipped[:SHOWN]:
        say(f"skipped  {left}")
    counts = f"{len(agreed.added)} added, {len(agreed.changed)} changed, {len(agreed.gone)} gone"
    say(f"{counts}, {len(agreed.skipped)} skipped; {agreed.on_file} on file")


def _as_plain(agreed: Plan) -> dict[str, Any]:
    return {
        "added": [dict(values) for values in agreed.added],
        "changed": [
            {
                "id": change.id,
                "fields": {name: {"before": was, "after": now} for name, (was, now) in change.fields.items()},
            }
            for change in agreed.changed
        ],
        "gone": list(agreed.gone),
        "skipped": list(agreed.skipped),
        "on_file": agreed.on_file,
    }


def _on_file(chosen: Settings) -> list[dict[str, str]]:
    found = rows(chosen.registers_folder / "officers.csv", OFFICERS)
    return [{column: row[column] for column in COLUMNS} for row in found]


def _words(listed: str) -> set[str]:
    return {part.strip() for part in listed.split(";") if part.strip()}
