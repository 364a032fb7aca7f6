"""`gerbang approvals`: the permissions on file (kelulusan). Each change is recorded, with who made it and when."""

from typing import Annotated, Any

import typer

from gerbang.cli import approval_queue, permitting
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, table
from gerbang.cli.permitting import (
    STATES,
    AtOption,
    ByOption,
    FromOption,
    ReasonOption,
    State,
    say,
    state_of,
    warn,
    words,
)
from gerbang.errors import SettingsError
from gerbang.model import CONDITIONS, Approval, Registers
from gerbang.registering import Sheet
from gerbang.registers import WORD, load_registers
from gerbang.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Permissions on file: who may do what, by whose authority, until when.")
app.add_typer(approval_queue.app, name="queue")

OfficerOption = Annotated[str | None, typer.Option("--officer", help="An officer's id of the register.")]
GroupOption = Annotated[str | None, typer.Option("--group", help="A group of officers, instead of one.")]


@app.callback()
def group() -> None:
    """Permissions on file: who may do what, by whose authority, until when."""


@app.command()
def add(
    purpose: Annotated[str, typer.Option(help="What it allows, by the word that rules use, such as `political`.")],
    authority: Annotated[str, typer.Option(help="Who granted it.")],
    reference: Annotated[str, typer.Option(help="The letter or file.")],
    officer: OfficerOption = None,
    group: GroupOption = None,
    since: FromOption = None,
    until: Annotated[str | None, typer.Option("--until", help="The last day, or a time; else until withdrawn.")] = None,
    conditions: Annotated[
        list[str] | None,
        typer.Option(help=f"Only then, else at any time; may be given several times: {', '.join(CONDITIONS)}."),
    ] = None,
    number: Annotated[str | None, typer.Option("--id", help="Its id; else the next of the year.")] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a permission on file. Running gates take it within two seconds."""
    chosen = settings()
    grantee = permitting.grantee_of(officer, group)
    if not grantee:
        raise SettingsError("nobody is named to whom it is granted", hint="give `--officer` or `--group`")
    purposes = permitting.asked_purposes(permitting.policy_in_force(chosen))
    if not WORD.fullmatch(purpose):
        hint = f"rules ask for {words(sorted(purposes))}" if purposes else "write small letters, digits and hyphens"
        raise SettingsError(f"a purpose cannot be `{purpose[:60]}`", hint=hint)
    for condition in conditions or ():
        permitting.one_word("condition", condition, CONDITIONS)
    values = {
        "grantee": grantee,
        "purpose": purpose,
        "authority": authority,
        "reference": reference,
        "valid_from": since or permitting.today(),
        "valid_to": until or "",
        "conditions": ";".join(conditions or ()),
    }
    taken: list[str] = []

    def grant(sheet: Sheet) -> None:
        taken.append(number or permitting.next_number(sheet, "K"))
        sheet.add(id=taken[0], **values)

    permitting.change(chosen, "approvals", grant, "added", by)
    _warn(chosen, grantee, purpose, purposes)
    if as_json:
        emit({"id": taken[0], **values})
    else:
        say(f"approval {taken[0]} is on file: `{purpose}` for {grantee} from {values['valid_from']}")


def _warn(chosen: Settings, grantee: str, purpose: str, purposes: dict[str, set[str] | None]) -> None:
    """What is right, and yet will help nobody."""
    if purpose not in purposes:
        asked = words(sorted(purposes)) or "no approval at all"
        warn(f"no rule in force asks for `{purpose}`; rules ask for {asked}")
    groups = purposes.get(purpose)
    if grantee.startswith("group:"):
        return
    officer = load_registers(chosen.registers_folder).officers.get(grantee)
    if officer is None:
        warn(f"no officer `{grantee}` is in the register; the approval counts once there is one who signs in so")
    elif groups is not None and groups.isdisjoint({officer.service_group, *officer.groups}):
        who = officer.service_group or "an unknown service group"
        warn(f"rules take `{purpose}` into account for {words(sorted(groups))} only, and `{grantee}` is of {who}")


@app.command("list")
def list_approvals(
    officer: Annotated[
        str | None, typer.Option("--officer", help="Those of an officer, by the officer's groups too.")
    ] = None,
    group: GroupOption = None,
    purpose: Annotated[str | None, typer.Option(help="Only those for this.")] = None,
    state: Annotated[str | None, typer.Option(help=STATES)] = None,
    moment: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """The permissions on file: what holds, what ends within 30 days, what is over or withdrawn."""
    chosen = settings()
    wanted, instant = permitting.state_word(state), permitting.at(moment)
    registers = load_registers(chosen.registers_folder)
    grantees = _grantees(registers, officer, group)
    found = [
        (one, state_of(instant, one.valid_from, one.valid_to, one.withdrawn))
        for grantee, granted in registers.approvals.items()
        if grantees is None or grantee in grantees
        for one in granted
        if purpose is None or one.purpose == purpose
    ]
    found = [(one, how) for one, how in found if wanted is None or how is wanted]
    found.sort(key=lambda pair: (list(State).index(pair[1]), pair[0].valid_from, pair[0].id))
    if as_json:
        emit([_plain(one, how) for one, how in found])
        return
    columns = ("id", "state", "grantee", "purpose", "only in", "from", "until", "reference")
    rows = [
        (
            one.id,
            how,
            one.grantee,
            one.purpose,
            sorted(one.conditions),
            permitting.shown(one.valid_from),
            permitting.last_day(one.valid_to),
            one.reference,
        )
        for one, how in found
    ]
    if rows:
        table(columns, rows, as_json=False, whole=("id",))
    ending = sum(how is State.ENDING for _, how in found)
    holds = ending + sum(how is State.HOLDS for _, how in found)
    say(f"{len(found)} on file; {holds} of them hold on {permitting.shown(instant)}, {ending} end within 30 days")


def _grantees(registers: Registers, officer: str | None, group: str | None) -> set[str] | None:
    if officer is None:
        return None if group is None else {f"group:{group}"}
    if group is not None:
        raise SettingsError("`--officer` and `--group` are both given", hint="give one of them")
    known = registers.officers.get(officer)
    return {officer, *(f"group:{one}" for one in (known.groups if known else ()))}


def _plain(one: Approval, how: State) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": how,
        "grantee": one.grantee,
        "purpose": one.purpose,
        "conditions": sorted(one.conditions),
        "authority": one.authority,
        "reference": one.reference,
        "from": permitting.iso(one.valid_from),
        "until": permitting.iso(one.valid_to),
        "withdrawn": permitting.iso(one.withdrawn),
    }


@app.command()
def show(
    number: Annotated[str, typer.Argument(metavar="ID", help="The approval's id.")],
    moment: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """One permission whole, and how it stands."""
    registers = load_registers(settings().registers_folder)
    every = {one.id: one for granted in registers.approvals.values() for one in granted}
    if number not in every:
        raise SettingsError(f"there is no approval `{number}`", hint=permitting.near(number, list(every)))
    one = every[number]
    plain = _plain(one, state_of(permitting.at(moment), one.valid_from, one.valid_to, one.withdrawn))
    if as_json:
        emit(plain)
        return
    plain |= {"from": permitting.shown(one.valid_from), "until": permitting.last_day(one.valid_to)}
    for name, value in plain.items():
        if value:
            say(f"{name:<10} {', '.join(value) if isinstance(value, list) else value}")


@app.command()
def withdraw(
    number: Annotated[str, typer.Argument(metavar="ID", help="The approval's id.")],
    since: FromOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
) -> None:
    """Have a permission end. Its line stays on file."""
    day = permitting.withdraw(settings(), "approvals", "approval", number, since, by, reason)
    say(f"approval {number} is withdrawn from {day}")
