"""`gerbang policy activate`, `confirm`, `cancel`, `rollback` and `list`: which documents are in force, since when, and
which are to come."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from gerbang.activations import MOST_PLANS, Activation, Activations, Plan, Step
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.policy.differing import show_differences
from gerbang.cli.policy.naming import ACTIVE, kept_digest
from gerbang.cli.slot import cli_journal, person, who
from gerbang.errors import DocumentError, DocumentErrors, GerbangError, Place, SettingsError
from gerbang.loading import policy_documents
from gerbang.pipeline import World
from gerbang.record.canonical import Json
from gerbang.record.event import policy_planned, pseudonym
from gerbang.settings import Settings
from gerbang.trying import load_policies, trial_world, tried

LONGEST_WORDS = 200

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
WordsOption = Annotated[
    str | None,
    typer.Option("--by", help="Words for the record, such as an order's number; they decide nothing."),
]
DigestArgument = Annotated[str, typer.Argument(help="A digest that `gerbang policy list` shows, or its beginning.")]


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody wants in force: by which command, from when (`None`: now), and in which words."""

    what: str
    digest: str
    documents: Mapping[str, str]
    world: World
    start: datetime | None = None
    words: str | None = None
    yes: bool = False
    as_json: bool = False


def activate(
    start: Annotated[
        str | None, typer.Option("--from", help="When it comes into force, such as 2027-01-01T00:00+08:00; else now.")
    ] = None,
    words: WordsOption = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Put the policies of the settings into force: whole, tried, kept and journalled, or not at all."""
    chosen = settings()
    begins = _instant(start) if start is not None else None
    loaded = load_policies(chosen, None)
    world = trial_world(loaded, chosen)
    failed = [result for result in tried(loaded, world) if not result.passed]
    if failed:
        raise DocumentErrors(
            DocumentError(
                f"the case `{result.name}` does not hold: {result.failures[0]}", place=Place(result.file, result.line)
            )
            for result in failed
        )
    wish = _Wish(
        "activate", world.policy.digest, policy_documents(chosen), world, begins, _said(words), yes, as_json
    )  # fmt: skip
    _bring(chosen, wish)


def rollback(
    to: Annotated[
        str | None, typer.Option(help="A kept policy's digest or its beginning; else the one before.")
    ] = None,
    words: WordsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a policy that was in force before into force again, as it is kept."""
    chosen = settings()
    activations = Activations(chosen.state)
    in_force = kept_digest(activations, ACTIVE)
    was = [entry.digest for entry in activations.read()]
    if to is None:
        earlier = [digest for digest in was if digest != in_force]
        if not earlier:
            raise SettingsError(
                "no other policy was in force before", hint="`gerbang policy list` shows those that were"
            )
        digest = earlier[-1]
    else:
        digest = kept_digest(activations, to)
        if digest == in_force:
            raise SettingsError(f"the policy `{digest[:12]}` is in force already")
        if digest not in was:
            raise SettingsError(
                f"the policy `{digest[:12]}` was never in force", hint="what is to come is confirmed or waited for"
            )
    wish = _Wish("rollback", digest, activations.documents(digest), _kept_world(chosen, digest), words=_said(words))
    _bring(chosen, replace(wish, yes=True, as_json=as_json))


def confirm(
    digest: DigestArgument, words: WordsOption = None, yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Confirm what another person proposed: it comes into force, or is scheduled for its instant."""
    chosen = settings()
    plan = _open(chosen, digest)
    if plan.step is not Step.PROPOSED:
        raise SettingsError(f"the policy `{plan.digest[:12]}` is scheduled already", hint="it waits for its instant")
    if plan.by == person():
        raise SettingsError(
            f"`{plan.by}` proposed the policy `{plan.digest[:12]}`, and cannot confirm it too",
            hint="another person who signs in to this machine as themselves runs `gerbang policy confirm`",
        )
    documents = Activations(chosen.state).documents(plan.digest)
    world, said = _kept_world(chosen, plan.digest), _said(words)
    wish = _Wish("confirm", plan.digest, documents, world, plan.start, said, yes, as_json)
    _ask(chosen, wish)
    if plan.start is not None and plan.start > datetime.now(UTC):
        _schedule(chosen, wish, Step.SCHEDULED, plan.by)
    else:
        _put_into_force(chosen, wish, plan.by)


def cancel(digest: DigestArgument, words: WordsOption = None, as_json: JsonOption = False) -> None:
    """Take back what was proposed or scheduled; what is in force stays."""
    chosen = settings()
    plan, said = _open(chosen, digest), _said(words)
    with cli_journal(chosen) as (journal, keys):
        moment = datetime.now(UTC)
        event = policy_planned(
            Step.CANCELLED, plan.digest, plan.start, who(), moment, keys, proposed_by=plan.by, words=said
        )
        journal.append(event).result()
    Activations(chosen.state).plan(replace(plan, moment=moment, step=Step.CANCELLED, by=person()))
    if as_json:
        emit({"digest": plan.digest, "moment": moment.isoformat(), "state": Step.CANCELLED})
    else:
        say(f"{plan.digest} will not come into force")


def list_activations(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20, as_json: JsonOption = False
) -> None:
    """Policies that came into force, newest first; the first is the one in force. What is to come stands below."""
    activations = Activations(settings().state)
    rows = [
        (
            entry.moment.isoformat(timespec="seconds"),
            entry.digest,
            list(entry.documents),
            "before" if number else "in force",
        )
        for number, entry in enumerate(reversed(activations.read()[-limit:]))
    ]
    for plan in activations.open_plans():
        moment = (plan.start or plan.moment).isoformat(timespec="seconds")
        said = f"proposed by {plan.by}" if plan.step is Step.PROPOSED else f"scheduled by {plan.by}"
        rows.append((moment, plan.digest, list(plan.documents), said))
    table(("moment", "digest", "documents", "state"), rows, as_json=as_json)


# ---------------------------------------------------------------- what they share


def _instant(given: str) -> datetime:
    from gerbang.serving import moment_of

    start = moment_of(given, "--from")
    if start <= datetime.now(UTC):
        raise SettingsError(f"`{given}` has passed already", hint="leave `--from` out to put the policy into force now")
    return start


def _said(words: str | None) -> str | None:
    if words is not None and not 0 < len(words.strip()) <= LONGEST_WORDS:
        raise SettingsError("`--by` has no words, or too many", hint=f"write up to {LONGEST_WORDS} characters")
    return words


def _kept_world(chosen: Settings, digest: str) -> World:
    policy = Activations(chosen.state).policy(digest)
    return replace(trial_world(load_policies(chosen, None), chosen), policy=policy)


def _open(chosen: Settings, name: str) -> Plan:
    """What waits under that digest."""
    plans = {plan.digest: plan for plan in Activations(chosen.state).open_plans()}
    found = [digest for digest in plans if digest.startswith(name)] if len(name) >= 8 else []
    if len(found) != 1:
        raise SettingsError(
            f"no policy `{name}` was proposed or scheduled",
            hint="write 8 or more characters of a digest that `gerbang policy list` shows as such",
        )
    return plans[found[0]]


def _bring(chosen: Settings, wish: _Wish) -> None:
    """What is wanted, as far as one person may: into force, scheduled, or proposed."""
    two = chosen.policy.activation == "two-persons"
    if two or wish.start is not None:
        _refuse(Activations(chosen.state), wish)
    _ask(chosen, wish)
    if two:
        _schedule(chosen, wish, Step.PROPOSED)
    elif wish.start is not None:
        _schedule(chosen, wish, Step.SCHEDULED)
    else:
        _put_into_force(chosen, wish)


def _refuse(activations: Activations, wish: _Wish) -> None:
    """Why it cannot be planned."""
    plans, activated = activations.open_plans(), activations.read()
    for plan in plans:
        if plan.digest == wish.digest:
            raise SettingsError(
                f"the policy `{plan.digest[:12]}` is {plan.step} already",
                hint=f"`gerbang policy cancel {plan.digest[:12]}` takes it back",
            )
        if wish.start is not None and plan.start == wish.start:
            raise SettingsError(
                f"the policy `{plan.digest[:12]}` is to come into force at that instant",
                hint=f"take another, or `gerbang policy cancel {plan.digest[:12]}`",
            )
    if len(plans) >= MOST_PLANS:
        raise SettingsError(f"{MOST_PLANS} policies are planned already", hint="take back some by `policy cancel`")
    if wish.start is None and activated and activated[-1].digest == wish.digest:
        raise SettingsError(f"the policy `{wish.digest[:12]}` is in force already")


def _ask(chosen: Settings, wish: _Wish) -> None:
    """Show what will change, and ask whoever sits at a terminal. A script is not asked."""
    activations = Activations(chosen.state)
    activated = activations.read()
    if wish.as_json or not activated:
        return
    try:
        show_differences(activations.policy(activated[-1].digest), wish.world.policy)
    except GerbangError as error:
        # What is in force cannot be read: one more reason to put another in its place.
        say(f"what changes cannot be told: {error}")
    if not wish.yes and sys.stdin.isatty() and sys.stdout.isatty() and not typer.confirm("Go on?"):
        say("nothing was changed")
        raise typer.Exit(1)


def _schedule(chosen: Settings, wish: _Wish, step: Step, proposed_by: str | None = None) -> None:
    activations = Activations(chosen.state)
    activations.keep(wish.digest, wish.documents)
    with cli_journal(chosen) as (journal, keys):
        moment = datetime.now(UTC)
        event = policy_planned(
            step,
            wish.digest,
            wish.start,
            who(),
            moment,
            keys,
            documents=wish.documents,
            proposed_by=proposed_by,
            words=wish.words,
        )
        journal.append(event).result()
    names = tuple(wish.documents)
    activations.plan(Plan(moment, step, wish.digest, names, wish.start, person(), proposed_by))
    begins = wish.start.isoformat() if wish.start else None
    if wish.as_json:
        emit({"digest": wish.digest, "moment": moment.isoformat(), "state": step, "from": begins})
    elif step is Step.SCHEDULED:
        say(f"{wish.digest} comes into force at {begins}")
    else:
        say(f"{wish.digest} is proposed; another person runs `gerbang policy confirm {wish.digest[:12]}`")


def _put_into_force(chosen: Settings, wish: _Wish, proposed_by: str | None = None) -> None:
    # The journal and the processes around it are loaded for these commands only.
    from gerbang.serving import activation_event

    activations = Activations(chosen.state)
    activations.keep(wish.digest, wish.documents)
    before = activations.read()
    change: dict[str, Json] = {"what": wish.what, "instead_of": before[-1].digest if before else None}
    private: dict[str, Json] = {"by": who(), "proposed_by": proposed_by, "words": wish.words}
    # The journal first: nothing comes into force that the record does not know.
    with cli_journal(chosen) as (journal, keys):
        moment = datetime.now(UTC)
        change["by"] = pseudonym(f"cli: {who()}", keys)
        if proposed_by:
            change["proposed_by"] = pseudonym(f"cli: {proposed_by}", keys)
        journal.append(activation_event(wish.world, wish.documents, moment, keys, change, private)).result()
    activations.note(Activation(moment, wish.digest, tuple(wish.documents)))
    for plan in activations.open_plans():
        if plan.digest == wish.digest:
            activations.plan(replace(plan, moment=moment, step=Step.DONE))
    if wish.as_json:
        emit({"digest": wish.digest, "moment": moment.isoformat(), "documents": list(wish.documents)})
    else:
        say(f"{wish.digest} is in force from {moment:%Y-%m-%d %H:%M:%S} UTC: {', '.join(wish.documents)}")
