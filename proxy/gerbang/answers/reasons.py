"""A decision's reasoning in plain words, for whoever may read it: the officer, and later the auditor.

No matched text is in here: a finding is told by its category and its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from babel.dates import format_datetime

from gerbang.answers.words import Language, say, term
from gerbang.model import Decision, Effect, Finding, Gap, Hours, Match, Mode, Regime

# The text of the clause that a rule answers to, in a language; `None` where the policy has none.
ClauseText = Callable[[str, Language], str | None]

# What an officer is asked in words of her own; every other ask is a statement to confirm.
WRITTEN: Final = frozenset({"official-purpose", "justification", "source"})


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that matched. `state` is `in-force`, `observed`, `exempted` or `released`; `told` says it in words."""

    rule: str
    state: str
    told: str
    effect: Effect
    clause: str
    law: str | None
    text: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Something an officer is asked before an act goes on: a statement to confirm, or words to write."""

    key: str
    label: str
    written: bool


def reason(match: Match, language: Language, clause_text: ClauseText) -> Reason:
    if match.exempted_by is not None:
        state, told = "exempted", say("match.exempted", language, by=match.exempted_by)
    elif match.released_by is not None:
        state, told = "released", say("match.released", language, by=match.released_by)
    elif match.mode is Mode.OBSERVE:
        state, told = "observed", say("match.observed", language)
    else:
        state, told = "in-force", term("effect", match.effect, language)
    text = clause_text(match.rule, language)
    return Reason(match.rule, state, told, match.effect, match.citation.clause, match.citation.law, text)


def reasons(decision: Decision, language: Language, clause_text: ClauseText) -> tuple[Reason, ...]:
    """Every rule that matched: first those that made the decision, strictest first."""
    decisive = set(decision.decisive())
    ordered = sorted(decision.matches, key=lambda m: (m not in decisive, not m.in_force, -m.effect.rank, m.rule))
    return tuple(reason(match, language, clause_text) for match in ordered)


def asks(decision: Decision, language: Language) -> tuple[Ask, ...]:
    """All that the held rules ask, each once, in the rules' order; a plain confirmation where they ask nothing."""
    keys = dict.fromkeys(ask for match in decision.decisive() for ask in match.asks)
    return tuple(Ask(key, ask_label(key, language), key in WRITTEN) for key in keys or ("confirm",))


def ask_label(key: str, language: Language) -> str:
    """The words of an ask; a policy's own ask is read out as it stands."""
    label = term("ask", key, language)
    return say("ask.own", language, ask=key) if label == key else label


def findings(found: Sequence[Finding], language: Language) -> tuple[tuple[str, str, str], ...]:
    """Category, likelihood and place of each finding, in words; a place counts texts and characters from 1."""
    return tuple(
        (
            term("category", finding.category, language),
            term("likelihood", finding.likelihood, language),
            say("where.finding", language, text=finding.text + 1, start=finding.start + 1, end=finding.end),
        )
        for finding in found
    )


def gaps(missed: Sequence[Gap], language: Language) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term("gap", gap.reason, language) for gap in missed))


def hours_told(hours: Hours, language: Language) -> str:
    """The regime and the fact that decided it."""
    regime = term("regime", hours.regime, language)
    fact = term("fact", hours.fact, language, hours.arguments)
    return f"{regime} ({fact})" if fact else regime


def advice(decision: Decision, language: Language) -> tuple[str, ...]:
    """What the officer can do next, by what was found, what could not be read and what time it is."""
    categories = dict.fromkeys(finding.category for finding in decision.findings)
    # An admin's own category has no advice of ours.
    told = [words for category in categories if (words := term("advice", category, language)) != category]
    if decision.gaps:
        told.append(say("advice.gap", language))
    hours = decision.hours
    if hours.regime is Regime.OFFICE_HOURS and hours.until is not None and not decision.findings:
        until = moment_told(hours.until.astimezone(hours.local.tzinfo), language)
        told.append(say("advice.hours", language, until=until))
    return tuple(told)


def moment_told(moment: datetime, language: Language) -> str:
    """A moment on the office's clock, as people write it.

    >>> moment_told(datetime(2026, 11, 24, 10, 5), Language.MS)
    'Selasa, 24 November 2026, 10:05'
    """
    return format_datetime(moment, "EEEE, d MMMM y, HH:mm", locale=language.value)


def clock_told(moment: datetime, language: Language) -> str:
    return format_datetime(moment, "HH:mm", locale=language.value)
