"""Rules made ready to be asked, and the policy as an index of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gerbang.model import Citation, Effect, Evidence, Match, Mode, Regime
from gerbang.policy.conditions import Condition, Facts, Test

# The keys that few values answer: rules are looked up by them rather than asked one by one.
_INDEXED = frozenset({"activity", "regime", "account", "device", "remedial", "media"})
# Bounds the memory of the index; real traffic meets a few dozen combinations.
_MOST_BUCKETS = 4096


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in Malay and in English."""

    ms: str
    en: str

    def said(self, language: str) -> str:
        """In English for `en`, in Malay for any other language."""
        return self.en if language == "en" else self.ms


@dataclass(frozen=True, slots=True)
class Clause:
    """What rules answer to. `cites` lists keys of `laws` (or law as written) by legal regime;
    `none` is the reason for having no rule yet, `note` what its rules do not reach."""

    document: str
    name: str
    text: Words
    cites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    laws: Mapping[str, Words] = field(default_factory=dict)
    none: Words | None = None
    note: Words | None = None

    @property
    def id(self) -> str:
        return f"{self.document}/{self.name}"

    def citation(self, legal_regime: str) -> Citation:
        keys = self.cites.get(legal_regime)
        return Citation(self.name, ", ".join(keys) if keys else None)

    def law(self, legal_regime: str, language: str) -> tuple[str, ...]:
        """The law behind the clause in words, the binding instrument first."""
        return tuple(
            self.laws[key].said(language) if key in self.laws else key for key in self.cites.get(legal_regime, ())
        )


@dataclass(frozen=True, slots=True)
class Override:
    """The rule of another document that a rule replaces where its own `when` holds."""

    rule: str
    reason: str
    authority: str


@dataclass(frozen=True, slots=True)
class Exemption:
    """One `unless` entry. `text` names it in records, as it was written."""

    text: str
    conditions: tuple[Condition, ...]
    approvals: frozenset[str] = frozenset()
    """The purposes of which it wants an approval."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule ready to be asked. `id` is `document/rule`; `release_for` is in seconds.

    `overridden_by` names the rules that replace this one where they match, and `depth` is one more than
    the deepest of theirs, so that a rule is settled before those that it may replace.
    """

    document: str
    name: str
    clause: Clause
    title: Words
    effect: Effect
    when: tuple[Condition, ...]
    unless: tuple[Exemption, ...] = ()
    mode: Mode = Mode.ENFORCE
    final: bool = False
    evidence: Evidence = Evidence.MASKED
    asks: tuple[str, ...] = ()
    release_for: int | None = None
    covered_by: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    overrides: Override | None = None
    message: Words | None = None
    alerts: tuple[str, ...] = ()
    needs_hours: bool = False
    overridden_by: tuple[str, ...] = ()
    depth: int = 0
    # The match by legal regime, made once: most acts that match need no other.
    plain: Mapping[str, Match] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"{self.document}/{self.name}"

    def match(self, facts: Facts) -> Match:
        """The rule as it matches, before exemptions and releases."""
        match = self.plain.get(facts.legal_regime) or self.plain[""]
        if self.needs_hours and facts.regime is Regime.UNKNOWN and match.mode is Mode.ENFORCE:
            return replace(match, mode=Mode.OBSERVE)
        return match


def with_matches(rule: Rule) -> Rule:
    """The rule with its matches made, for each legal regime that its clause knows and for any other."""
    return replace(
        rule,
        plain={
            regime: Match(
                rule=rule.id,
                effect=rule.effect,
                mode=rule.mode,
                citation=rule.clause.citation(regime),
                asks=rule.asks,
                evidence=rule.evidence,
                release_for=rule.release_for,
                covered_by=rule.covered_by,
                approvers=rule.approvers,
            )
            for regime in ("", *rule.clause.cites)
        },
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule that can still match, with the questions that the index has not answered: all of them, those whose
    answer is known (see `Facts.unknown`), and whether any is not."""

    rule: Rule
    tests: tuple[Test, ...]
    known: tuple[Test, ...]
    open: bool


class Policy:
    """The documents in force, compiled: read-only, apart from the index that fills as acts are met."""

    def __init__(self, digest: str, documents: Sequence[str], clauses: Sequence[Clause], rules: Sequence[Rule]) -> None:
        self.digest = digest
        self.documents = tuple(documents)
        self.clauses: Mapping[str, Clause] = {clause.id: clause for clause in clauses}
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in sorted(rules, key=lambda rule: rule.id)}
        self.overriding = frozenset(rule.id for rule in rules if rule.overrides)
        # Rules that override come before what they override.
        self.by_depth = tuple(sorted(self.rules.values(), key=lambda rule: rule.depth))
        self._buckets: dict[tuple[object, ...], tuple[Candidate, ...]] = {}

    def candidates(self, facts: Facts) -> tuple[Candidate, ...]:
        """The rules that can still match; those that override come before what they override, else by id."""
        bucket = (
            facts.kind,
            facts.unclaimed,
            facts.regime,
            facts.standing,
            facts.device,
            facts.remedial,
            facts.media,
            not facts.findings,
            not facts.gaps,
            facts.unknown,
        )
        known = self._buckets.get(bucket)
        if known is None:
            known = tuple(candidate for rule in self.by_depth if (candidate := _candidate(rule, facts)))
            if len(self._buckets) < _MOST_BUCKETS:
                self._buckets[bucket] = known
        return known

    def __repr__(self) -> str:
        return f"Policy({self.digest[:12]}, {len(self.rules)} rules)"


def _candidate(rule: Rule, facts: Facts) -> Candidate | None:
    left: list[Condition] = []
    for condition in rule.when:
        settled = condition.key not in facts.unknown and (
            condition.key in _INDEXED
            or (condition.key == "finding" and not facts.findings)
            or (condition.key == "gap" and not facts.gaps)
        )
        if not settled:
            left.append(condition)
        elif not condition.test(facts):
            return None
    known = tuple(condition.test for condition in left if condition.key not in facts.unknown)
    return Candidate(rule, tuple(condition.test for condition in left), known, len(known) < len(left))
