"""`gerbang policy explain`: why an act would be decided as it would."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from gerbang.activations import Activations
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say
from gerbang.cli.policy.explanation import explanation, print_explanation
from gerbang.clockings import with_clockings
from gerbang.errors import SettingsError, one_of
from gerbang.loading import check_officers
from gerbang.model import Account, Activity, Actor, Device, Gap, Kind, Media, Standing, Text, Zone
from gerbang.pipeline import World, facts_of, judge
from gerbang.policy.document import GAPS
from gerbang.policy.explain import explain
from gerbang.recognition.earlier import with_words
from gerbang.registers import load_registers
from gerbang.trying import load_policies, trial_world


def explain_act(
    platform: Annotated[str, typer.Option(help="The platform's name, such as `x`.")],
    activity: Annotated[str, typer.Option(help="What is done, such as `post` or `view`.")],
    text: Annotated[list[str] | None, typer.Option(help="What is said; may be given several times.")] = None,
    account: Annotated[
        str, typer.Option(help="`official`, `personal`, `unknown`, or an account's id or `@handle`.")
    ] = "personal",
    officer: Annotated[str | None, typer.Option(help="An officer's id of the register; else nobody known.")] = None,
    zone: Annotated[str | None, typer.Option(help="A zone of the settings; else the first.")] = None,
    office: Annotated[str | None, typer.Option(help="An office of the settings; else the officer's or zone's.")] = None,
    device: Annotated[str | None, typer.Option(help="`managed` or `personal`; else the zone's.")] = None,
    time: Annotated[str | None, typer.Option(help="Such as 2026-11-24T10:15, the office's clock; else now.")] = None,
    host: Annotated[str | None, typer.Option(help="The host, where it is the agency's own site.")] = None,
    target: Annotated[str | None, typer.Option(help="What the act is on or addressed to.")] = None,
    audience: Annotated[str | None, typer.Option(help="Who may read it, in the platform's word.")] = None,
    earlier: Annotated[
        list[str] | None, typer.Option(help="What was said in an earlier step, such as a picture's alternative text.")
    ] = None,
    media: Annotated[bool, typer.Option("--media", help="Something is attached.")] = False,
    gap: Annotated[list[str] | None, typer.Option(help="What could not be read, such as `too-large`.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A folder of policies; else those of the settings.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Why an act would be decided as it would: the regime, every rule's yes or no, and the law."""
    kind = Kind(_word("activity", activity, tuple(Kind)))
    gaps = tuple(Gap(_word("gap", reason, GAPS)) for reason in gap or ())
    chosen = settings()
    loaded = load_policies(chosen, folder)
    registers = load_registers(chosen.registers_folder)
    world = trial_world(loaded, chosen, registers=registers)
    check_officers(world, chosen)
    platforms = [document.platform for document in world.platforms.documents]
    if platforms:
        _word("platform", platform, platforms)
    actor = _actor(world, officer, zone, office, device)
    act = Activity(
        platform=platform,
        # As recognition has it: an unclaimed write with words in it is a post.
        kind=Kind.POST if kind is Kind.WRITE and text else kind,
        host=host or f"{platform}.example",
        signature="explain",
        texts=tuple(Text("text", value) for value in text or ()),
        media=(Media(),) if media else (),
        audience=audience,
        target=target,
        unclaimed=kind is Kind.WRITE,
        gaps=gaps,
    )
    act, world = _as_account(with_words(act, earlier or ()), account, world)
    moment = _moment(time, actor, world)
    in_force = Activations(chosen.state).at(moment) if time and folder is None else None
    if in_force is not None:
        world = replace(world, policy=Activations(chosen.state).policy(in_force[1]))
    day = moment.date()
    world = replace(world, registers=with_clockings(world.registers, chosen.clockings_folder, officer, day, day))
    decision = judge(act, actor, world, moment, "EXPLAIN")
    facts, _ = facts_of(act, actor, world, moment, decision.findings)
    trials = explain(world.policy, facts)
    if as_json:
        since = in_force[0].isoformat() if in_force else None
        emit({**explanation(decision, facts, trials, world), "policy_in_force_from": since})
    else:
        print_explanation(decision, facts, trials, world)
        say(_judged_by(world.policy.digest, in_force, moment, asked=bool(time) and folder is None))


def _judged_by(digest: str, in_force: tuple[datetime, str] | None, moment: datetime, *, asked: bool) -> str:
    """Which policy answered, and why that one."""
    if in_force is None:
        why = "no policy was in force at that time; this is that of the folders" if asked else "as its documents stand"
        return f"policy {digest[:12]}: {why}"
    since = f"{in_force[0].astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    now = datetime.now(UTC)
    if in_force[0] > now:
        return f"policy {digest[:12]}: scheduled to be in force from {since}"
    what = "was in force then" if moment <= now else "in force then as things stand"
    return f"policy {digest[:12]}: {what}, since {since}"


def _word(label: str, given: str, known: Sequence[str]) -> str:
    if given not in known:
        raise SettingsError(f"unknown {label} `{given}`", hint=one_of(known, given))
    return given


def _actor(world: World, officer: str | None, zone: str | None, office: str | None, device: str | None) -> Actor:
    zones = {known.name: known for known in world.zones} or {
        "office": Zone("office", (ip_network("10.0.0.0/8"),), next(iter(world.offices)))
    }
    place = zones[_word("zone", zone, tuple(zones))] if zone else next(iter(zones.values()))
    person = None
    if officer is not None:
        person = world.registers.officers.get(officer)
        if person is None:
            hint = (
                one_of(sorted(world.registers.officers), officer)
                if world.registers.officers
                else "the register is empty"
            )
            raise SettingsError(f"no officer `{officer}` is in the register", hint=hint)
    if office is not None:
        _word("office", office, tuple(world.offices))
        place = replace(place, office=office)
        person = replace(person, office=office) if person else None
    if device is not None:
        place = replace(place, device=Device(_word("device", device, tuple(Device))))
    # Where there are several ways, the first is how most are known.
    return Actor(place, "10.0.0.1", person, next(iter(place.sign_in), "") if person else "")


def _as_account(act: Activity, account: str, world: World) -> tuple[Activity, World]:
    """The act by that account, and a register in which an account named by its standing has it."""
    if account not in tuple(Standing) and (near := get_close_matches(account, tuple(Standing), n=1)):
        # An account of that very id would be a person's; a slip of the pen must not pass for one.
        raise SettingsError(f"`{account}` is no standing of an account", hint=f"did you mean `{near[0]}`?")
    if account == Standing.UNKNOWN:
        return act, world
    if account in tuple(Standing):
        accounts = {**world.registers.accounts, (act.platform, "@explain"): Standing(account)}
        registers = replace(world.registers, accounts=accounts)
        return replace(act, account=Account(handle="explain")), replace(world, registers=registers)
    if account.startswith("@"):
        return replace(act, account=Account(handle=account[1:])), world
    return replace(act, account=Account(id=account)), world


def _moment(given: str | None, actor: Actor, world: World) -> datetime:
    if given is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise SettingsError(f"`{given}` is no time", hint="write it like `2026-11-24T10:15`") from None
    if moment.tzinfo is not None:
        return moment
    office = actor.officer.office if actor.officer and actor.officer.office in world.offices else actor.zone.office
    return moment.replace(tzinfo=ZoneInfo(world.offices[office].timezone))
