"""`gerbang policy diff`: what differs between two policies, in plain words."""

from typing import Annotated

import typer

from gerbang.cli.configuration import settings
from gerbang.cli.output import JsonOption, emit, say
from gerbang.cli.policy.naming import named_policy
from gerbang.errors import SettingsError, one_of
from gerbang.policy.diff import NOTHING, ONLY_TITLES, by_clause, differences
from gerbang.policy.rules import Policy

LANGUAGES = ("en", "ms")


def diff(
    old: Annotated[str, typer.Argument(help="A folder or file of policies, a kept policy's digest, or `active`.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    language: Annotated[str, typer.Option(help="`en` or `ms`.")] = "en",
    as_json: JsonOption = False,
) -> None:
    """What another policy changes, in plain words, by clause."""
    if language not in LANGUAGES:
        raise SettingsError(f"unknown language `{language}`", hint=one_of(LANGUAGES, language))
    chosen = settings()
    before, after = named_policy(chosen, old), named_policy(chosen, new)
    if not as_json:
        show_differences(before, after, language)
        return
    emit(
        {
            "old": before.digest,
            "new": after.digest,
            "changes": [
                {
                    "clause": change.clause,
                    "rule": change.name or None,
                    "key": change.key,
                    "before": change.before,
                    "after": change.after,
                    "said": change.sentence(language),
                }
                for change in differences(before, after)
            ],
        }
    )


def show_differences(before: Policy, after: Policy, language: str = "en") -> None:
    """For a person: each clause with the sentences under it."""
    changes = differences(before, after)
    if not changes:
        say((NOTHING if before.digest == after.digest else ONLY_TITLES).said(language))
    for clause, group in by_clause(changes):
        known = after.clauses.get(clause) or before.clauses[clause]
        say(f"{clause}: {known.text.said(language)}")
        for change in group:
            say(f"  {change.sentence(language)}")
