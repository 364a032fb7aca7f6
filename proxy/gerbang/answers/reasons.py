"""A decision's reasoning in plain words, for whoever may read it: the officer, and later the auditor.

No matched text is in here: a finding is told by its category and its place.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from babel.dates import format_datetime

from gerbang.answers.words import PHRASES, Language, say, term
from gerbang.model import Decision, Effect, Finding, Gap, Hours, Likelihood, Match, Mode, Regime


@dataclass(frozen=True, slots=True)
class RuleWords:
    """What the policy itself says of a rule: its title, its clause's text, its own message, the law behind it."""

    title: str
    clause: str
    message: str | None
    laws: tuple[str, ...]


# The words for a rule's id and the citation that stands in a match; `None` for a rule that the policy has no more.
Wording = Callable[[str, str | None, Language], RuleWords | None]


class Said(Protocol):
    def said(self, language: str) -> str: ...


class ClauseOfPolicy(Protocol):
    @property
    def text(self) -> Said: ...
    @property
    def laws(self) -> Mapping[str, Said]: ...


class RuleOfPolicy(Protocol):
    @property
    def title(self) -> Said: ...
    @property
    def message(self) -> Said | None: ...
    @property
    def clause(self) -> ClauseOfPolicy: ...


def wording(rules: Mapping[str, RuleOfPolicy]) -> Wording:
    """The words of a compiled policy's rules, by their ids."""

    def words(rule: str, law: str | None, language: Language) -> RuleWords | None:
        found = rules.get(rule)
        if found is None:
            return None
        laws = found.clause.laws
        cited = tuple(laws[key].said(language) if key in laws else key for key in (law or "").split(", ") if key)
        message = found.message.said(language) if found.message else None
        return RuleWords(found.title.said(language), found.clause.text.said(language), message, cited)

    return words


# Arguments of a calendar's fact that are words themselves, with the group that they belong to.
TERMS: Final = {"day": "weekday", "missing": "missing"}

# What stands before a rule's id in a match that another rule replaced.
OVERRIDE: Final = "override:"
# And before an exemption's of the register.
REGISTER: Final = "register:"
# Conditions of an exemption whose values are words of the catalogue's other groups.
EXEMPT_TERMS: Final = {"account": "standing", "activity": "kind", "account_duty": "duty"}
ORDINALS: Final = ("where.first", "where.second", "where.third")
STATES: Final = ("in-force", "released", "observed", "exempted")

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
    laws: tuple[str, ...]
    title: str | None
    text: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Something an officer is asked before an act goes on: a statement to confirm, or words to write."""

    key: str
    label: str
    written: bool


def _state(match: Match) -> str:
    if match.exempted_by is not None:
        return "exempted"
    if match.released_by is not None:
        return "released"
    return "observed" if match.mode is Mode.OBSERVE else "in-force"


def reason(match: Match, regime: Regime, language: Language, wording: Wording) -> Reason:
    state = _state(match)
    if match.exempted_by is not None:
        told = exemption_told(match.exempted_by, regime, language)
    elif state == "in-force":
        told = term("effect", match.effect, language)
    else:
        granted = state == "released" and match.effect is Effect.APPROVE
        told = say("match.granted" if granted else f"match.{state}", language)
    law = match.citation.law
    words = wording(match.rule, law, language) or RuleWords("", "", None, (law,) if law else ())
    return Reason(
        match.rule,
        state,
        told,
        match.effect,
        match.citation.clause,
        words.laws,
        words.title or None,
        words.clause or None,
        words.message,
    )


def reasons(
    matches: Iterable[Match], effect: Effect, regime: Regime, language: Language, wording: Wording
) -> tuple[Reason, ...]:
    """Every rule that matched: first those that made the decision, then those in force, strictest first."""
    ordered = sorted(
        matches,
        key=lambda m: (not (m.in_force and m.effect is effect), STATES.index(_state(m)), -m.effect.rank, m.rule),
    )
    return tuple(reason(match, regime, language, wording) for match in ordered)


def exemption_told(by: str, regime: Regime, language: Language) -> str:
    """Why a rule was exempt, as a sentence; `by` is the exemption as the record has it, `regime` the one that it was.
    What cannot be read stands as it is.

    >>> exemption_told("regime: break | rest-day, group: support, approval: political", Regime.BREAK, Language.EN)
    'exempt because: break, in the support group, with approval `political` on file'
    """
    if by.startswith(OVERRIDE):
        return say("match.overridden", language, rule=by.removeprefix(OVERRIDE))
    if by.startswith(REGISTER):
        return say("match.register", language, id=by.removeprefix(REGISTER))
    told = []
    for part in by.split(", "):
        key, colon, wanted = part.partition(": ")
        if not colon or f"exempt.{key}" not in PHRASES:
            return say("match.exempted", language, by=by)
        if key == "regime" and regime in wanted.split(" | "):
            wanted = regime
        words = [term(EXEMPT_TERMS.get(key, key), word, language) for word in wanted.split(" | ")]
        if len(words) > 1:
            words = [say("exempt.or", language, first=", ".join(words[:-1]), last=words[-1])]
        told.append(term("exempt", key, language, {"words": words[0]}))
    return say("match.exempted", language, by=", ".join(told))


def resting(decision: Decision, language: Language) -> tuple[str, ...]:
    """The approvals on file whose conditions do not hold now, each in a sentence with when they do."""
    regime = decision.hours.regime
    return tuple(
        say(
            "approval.resting",
            language,
            id=approval.id,
            purpose=approval.purpose,
            regimes=", ".join(term("regime", one, language) for one in Regime if one in approval.conditions),
        )
        for approval in decision.approvals
        if not approval.counts_in(regime)
    )


def asks(decision: Decision, language: Language) -> tuple[Ask, ...]:
    """All that the held rules ask, each once, in the rules' order; a plain confirmation where they ask nothing."""
    keys = dict.fromkeys(ask for match in decision.decisive() for ask in match.asks)
    return tuple(Ask(key, ask_label(key, language), key in WRITTEN) for key in keys or ("confirm",))


def ask_label(key: str, language: Language) -> str:
    """The words of an ask; a policy's own ask is read out as it stands."""
    label = term("ask", key, language)
    return say("ask.own", language, ask=key) if label == key else label


@dataclass(frozen=True, slots=True)
class Seen:
    """What checks saw of one category with one likelihood: `where` first, and by which checks."""

    category: str
    likelihood: str
    where: str
    checks: tuple[str, ...]


def findings(found: Sequence[Finding], language: Language) -> tuple[Seen, ...]:
    """The findings in words, alike ones in one line; a place counts texts and characters from 1."""
    alike: dict[tuple[str, Likelihood], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding.category, finding.likelihood), []).append(finding)
    return tuple(
        Seen(
            term("category", category, language),
            term("likelihood", likelihood, language),
            _where(group, language),
            tuple(dict.fromkeys(finding.check for finding in group)),
        )
        for (category, likelihood), group in alike.items()
    )


def _where(alike: Sequence[Finding], language: Language) -> str:
    first = min(alike, key=lambda finding: (finding.text, finding.start))
    key = ORDINALS[first.text] if first.text < len(ORDINALS) else "where.finding"
    where = say(key, language, text=first.text + 1, start=first.start + 1)
    others = len({(finding.text, finding.start) for finding in alike}) - 1
    return say("where.times", language, where=where, more=others) if others else where


def gaps(missed: Sequence[Gap], language: Language) -> tuple[str, ...]:
    return tuple(dict.fromkeys(term("gap", gap.reason, language) for gap in missed))


def hours_told(hours: Hours, language: Language) -> str:
    """The regime and the fact that decided it."""
    regime = term("regime", hours.regime, language)
    arguments = dict(hours.arguments)
    arguments |= {key: term(group, arguments[key], language) for key, group in TERMS.items() if key in arguments}
    notes = [term("fact", hours.fact, language, arguments)]
    if (place := arguments.get("elsewhere")) is not None:
        notes.append(term("fact", "elsewhere-office" if place else "elsewhere", language, arguments))
    if arguments.get("reference"):
        notes.append(term("fact", "reference", language, arguments))
    fact = "; ".join(note for note in notes if note)
    return f"{regime} ({fact})" if fact else regime


ANOTHER_VERSION = frozenset({"too-large", "unreadable", "unknown-encoding"})
"""Gaps that a smaller version or an ordinary format may close; what is sealed stays so in any."""


def advice(decision: Decision, language: Language) -> tuple[str, ...]:
    """What the officer can do next, by what was found, what could not be read and what time it is."""
    categories = dict.fromkeys(finding.category for finding in decision.findings)
    # An admin's own category has no advice of ours.
    told = [words for category in categories if (words := term("advice", category, language)) != category]
    if any(gap.reason in ANOTHER_VERSION for gap in decision.gaps):
        told.append(say("advice.gap", language))
    told += resting(decision, language)
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
