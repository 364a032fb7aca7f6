"""`gerbang exemptions`: from one rule, for somebody or some place, until a date, and for a reason."""

from typing import Annotated, Any

import typer

from gerbang.cli import permitting
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, table
from gerbang.cli.permitting import STATES, AtOption, ByOption, FromOption, ReasonOption, State, say, state_of, warn
from gerbang.errors import SettingsError
from gerbang.loading import policy_folders, sources
from gerbang.model import RegisteredExemption
from gerbang.policy.rules import Policy
from gerbang.registering import Sheet
from gerbang.registers import load_registers

app = typer.Typer(no_args_is_help=True, help="Exemptions from a rule, with their reason and their end.")


@app.callback()
def group() -> None:
    """Exemptions from a rule, with their reason and their end."""


@app.command()
def add(
    rule: Annotated[str, typer.Option(help="The rule, `document/rule`, or its name where that is enough.")],
    until: Annotated[str, typer.Option("--until", help="The last day, or a time.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    authority: Annotated[str, typer.Option(help="Who granted it.")],
    reference: Annotated[str, typer.Option(help="The letter or file.")],
    officer: Annotated[str | None, typer.Option("--officer", help="An officer's id of the register.")] = None,
    group: Annotated[str | None, typer.Option("--group", help="A group of officers.")] = None,
    zone: Annotated[str | None, typer.Option(help="A zone of the settings.")] = None,
    platform: Annotated[str | None, typer.Option(help="A platform's name.")] = None,
    since: FromOption = None,
    number: Annotated[str | None, typer.Option("--id", help="Its id; else the next of the year.")] = None,
    by: ByOption = None,
    as_json: JsonOption = False,
) -> None:
    """Exempt somebody, a zone or a platform from one rule until a date; where several are given, all must hold."""
    chosen = settings()
    grantee = permitting.grantee_of(officer, group)
    if not (grantee or zone or platform):
        hint = "give `--officer`, `--group`, `--zone` or `--platform`"
        raise SettingsError("an exemption for everybody would be no rule", hint=hint)
    policy = permitting.policy_in_force(chosen)
    name = _rule(rule, policy)
    if zone is not None:
        permitting.one_word("zone", zone, [known.name for known in chosen.zones])
    if platform is not None:
        found = [source.name for source in sources(policy_folders(chosen), "platforms")]
        permitting.one_word("platform", platform, found)
    values = {
        "rule": name,
        "grantee": grantee,
        "zone": zone or "",
        "platform": platform or "",
        "reason": reason,
        "authority": authority,
        "reference": reference,
        "valid_from": since or permitting.today(),
        "valid_to": until,
    }
    taken: list[str] = []

    def exempt(sheet: Sheet) -> None:
        taken.append(number or permitting.next_number(sheet, "P"))
        sheet.add(id=taken[0], **values)

    permitting.change(chosen, "exemptions", exempt, "added", by)
    if officer is not None and officer not in load_registers(chosen.registers_folder).officers:
        warn(f"no officer `{officer}` is in the register; the exemption counts once there is one who signs in so")
    if as_json:
        emit({"id": taken[0], **values})
    else:
        say(f"exemption {taken[0]} is on file: from {name} until {until}")


def _rule(given: str, policy: Policy) -> str:
    """The rule's whole name. Raises `SettingsError` where there is none, or where none may be exempt from it."""
    found = [rule for rule in policy.rules.values() if given in (rule.id, rule.name)]
    if not found:
        hint = permitting.near(given, sorted(policy.rules) + sorted(rule.name for rule in policy.rules.values()))
        hint = hint if "mean" in hint else "`gerbang policy check` lists the documents"
        raise SettingsError(f"no policy in force has a rule `{given[:100]}`", hint=hint)
    if len(found) > 1:
        names = permitting.words(rule.id for rule in found)
        raise SettingsError(f"`{given}` is a rule of several policies", hint=f"write one of {names}")
    if found[0].final:
        raise SettingsError(f"`{found[0].id}` is final", hint="nobody can be exempt from it")
    return found[0].id


@app.command("list")
def list_exemptions(
    rule: Annotated[str | None, typer.Option(help="Only from this rule, whole or its name.")] = None,
    state: Annotated[str | None, typer.Option(help=STATES)] = None,
    moment: AtOption = None,
    as_json: JsonOption = False,
) -> None:
    """The exemptions on file: what holds, what ends within 30 days, what is over or withdrawn."""
    chosen = settings()
    wanted, instant = permitting.state_word(state), permitting.at(moment)
    policy = permitting.policy_in_force(chosen)
    found = [
        (one, state_of(instant, one.valid_from, one.valid_to, one.withdrawn))
        for group in load_registers(chosen.registers_folder).exemptions.values()
        for one in group
        if rule is None or rule in (one.rule, one.rule.partition("/")[2])
    ]
    found = [(one, how) for one, how in found if wanted is None or how is wanted]
    found.sort(key=lambda pair: (list(State).index(pair[1]), pair[0].valid_to, pair[0].id))
    if as_json:
        emit([_plain(one, how, policy) for one, how in found])
        return
    rows = [
        (
            one.id,
            how,
            one.rule,
            [part for part in (one.grantee, one.zone and f"zone {one.zone}", one.platform) if part],
            permitting.last_day(one.valid_to),
            one.reason,
            one.reference,
        )
        for one, how in found
    ]
    if rows:
        table(("id", "state", "rule", "for", "until", "reason", "reference"), rows, as_json=False, whole=("id",))
    for one, _ in found:
        if idle := _idle(one, policy):
            say(f"{one.id} does nothing: {idle}")
    say(f"{len(found)} on file")


def _idle(one: RegisteredExemption, policy: Policy) -> str | None:
    """Why an exemption takes nothing away."""
    rule = policy.rules.get(one.rule)
    if rule is None:
        return f"no policy in force has the rule {one.rule}"
    return f"the rule {one.rule} is final" if rule.final else None


def _plain(one: RegisteredExemption, how: State, policy: Policy) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": how,
        "rule": one.rule,
        "grantee": one.grantee or None,
        "zone": one.zone or None,
        "platform": one.platform or None,
        "reason": one.reason,
        "authority": one.authority,
        "reference": one.reference,
        "from": permitting.iso(one.valid_from),
        "until": permitting.iso(one.valid_to),
        "withdrawn": permitting.iso(one.withdrawn),
        "idle": _idle(one, policy),
    }


@app.command()
def withdraw(
    number: Annotated[str, typer.Argument(metavar="ID", help="The exemption's id.")],
    since: FromOption = None,
    reason: ReasonOption = None,
    by: ByOption = None,
) -> None:
    """Have an exemption end before its date. Its line stays on file."""
    day = permitting.withdraw(settings(), "exemptions", "exemption", number, since, by, reason)
    say(f"exemption {number} is withdrawn from {day}")
