"""`gerbang policy activate`, `rollback` and `list`: which documents are in force, and since when."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from gerbang.activations import Activation, Activations
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.policy.differing import show_differences
from gerbang.cli.policy.naming import ACTIVE, kept_digest
from gerbang.cli.slot import cli_journal, who
from gerbang.errors import DocumentError, DocumentErrors, GerbangError, Place, SettingsError
from gerbang.loading import policy_documents
from gerbang.pipeline import World
from gerbang.policy.rules import Policy
from gerbang.record.event import pseudonym
from gerbang.settings import Settings
from gerbang.trying import load_policies, trial_world, tried

YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def activate(yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Put the policies of the settings into force: whole, tried, kept and journalled, or not at all."""
    chosen = settings()
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
    _ask(chosen, loaded.policy, yes=yes, as_json=as_json)
    _put_into_force(chosen, world, policy_documents(chosen), "activate", as_json=as_json)


def _ask(chosen: Settings, coming: Policy, *, yes: bool, as_json: bool) -> None:
    """Show what will change, and ask whoever sits at a terminal. A script is not asked."""
    activations = Activations(chosen.state)
    activated = activations.read()
    if as_json or not activated:
        return
    try:
        show_differences(activations.policy(activated[-1].digest), coming)
    except GerbangError as error:
        # What is in force cannot be read: one more reason to put another in its place.
        say(f"what changes cannot be told: {error}")
    if not yes and sys.stdin.isatty() and sys.stdout.isatty() and not typer.confirm("Go on?"):
        say("nothing was changed")
        raise typer.Exit(1)


def rollback(
    to: Annotated[
        str | None, typer.Option(help="A kept policy's digest or its beginning; else the one before.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Put a policy that was in force before into force again, as it is kept."""
    chosen = settings()
    activations = Activations(chosen.state)
    in_force = kept_digest(activations, ACTIVE)
    if to is None:
        earlier = [entry.digest for entry in activations.read() if entry.digest != in_force]
        if not earlier:
            raise SettingsError(
                "no other policy was in force before", hint="`gerbang policy list` shows those that were"
            )
        digest = earlier[-1]
    else:
        digest = kept_digest(activations, to)
        if digest == in_force:
            raise SettingsError(f"the policy `{digest[:12]}` is in force already")
    world = replace(trial_world(load_policies(chosen, None), chosen), policy=activations.policy(digest))
    _put_into_force(chosen, world, activations.documents(digest), "rollback", as_json=as_json)


def _put_into_force(chosen: Settings, world: World, documents: Mapping[str, str], what: str, *, as_json: bool) -> None:
    # The journal and the processes around it are loaded for these commands only.
    from gerbang.serving import activation_event

    activations, digest = Activations(chosen.state), world.policy.digest
    activations.keep(digest, documents)
    before = activations.read()
    change = {"what": what, "instead_of": before[-1].digest if before else None}
    # The journal first: nothing comes into force that the record does not know.
    with cli_journal(chosen) as (journal, keys):
        moment = datetime.now(UTC)
        change["by"] = pseudonym(f"cli: {who()}", keys)
        journal.append(activation_event(world, documents, moment, keys, change)).result()
    activations.note(Activation(moment, digest, tuple(documents)))
    if as_json:
        emit({"digest": digest, "moment": moment.isoformat(), "documents": list(documents)})
    else:
        say(f"{digest} is in force from {moment:%Y-%m-%d %H:%M:%S} UTC: {', '.join(documents)}")


def list_activations(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 20, as_json: JsonOption = False
) -> None:
    """Policies that came into force, newest first; the first is the one in force."""
    activations = Activations(settings().state)
    rows = [
        (entry.moment.isoformat(timespec="seconds"), entry.digest, list(entry.documents))
        for entry in reversed(activations.read()[-limit:])
    ]
    table(("moment", "digest", "documents"), rows, as_json=as_json)
