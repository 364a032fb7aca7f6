"""`gerbang policy activate` and `list`: which documents are in force, and since when."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from gerbang.activations import Activation, Activations
from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say, table
from gerbang.cli.slot import CLI_SLOT
from gerbang.errors import DocumentError, DocumentErrors, Place
from gerbang.loading import policy_documents
from gerbang.trying import load_policies, trial_world, tried


def activate(as_json: JsonOption = False) -> None:
    """Put the policies of the settings into force: whole, tried, kept and journalled, or not at all."""
    # The journal and the processes around it are loaded for this command only.
    from gerbang.serving import activation_event, open_journal

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
    activations = Activations(chosen.state)
    documents = policy_documents(chosen)
    moment = datetime.now(UTC)
    activations.keep(loaded.policy.digest, documents)
    # The journal first: nothing comes into force that the record does not know.
    journal, keys = open_journal(chosen, CLI_SLOT, lambda: moment)
    try:
        journal.append(activation_event(world, documents, moment, keys)).result()
    finally:
        journal.close()
    activations.note(Activation(moment, loaded.policy.digest, tuple(documents)))
    if as_json:
        emit({"digest": loaded.policy.digest, "moment": moment.isoformat(), "documents": list(documents)})
    else:
        say(f"{loaded.policy.digest} is in force from {moment:%Y-%m-%d %H:%M:%S} UTC: {', '.join(documents)}")


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
