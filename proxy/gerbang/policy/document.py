"""Policy documents: their shape, what makes one wrong, and several of them compiled into one policy."""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr

from gerbang.documents import Part, Steps, Tree, chosen, listed, read_yaml, refuse, shown, spelled, told, validated
from gerbang.errors import DocumentError, one_of
from gerbang.model import Device, Duty, Effect, Evidence, Kind, Likelihood, Mode, Regime, Standing
from gerbang.policy.conditions import (
    ACTIVITY_GROUPS,
    KEYS,
    NOT_KNOWN,
    Span,
    WantedFinding,
    compiled,
)
from gerbang.policy.decide import HOLDS
from gerbang.policy.rules import Clause, Exemption, Override, Rule, Words, with_matches
from gerbang.policy.rules import Policy as Policy  # whoever compiles one names it

CATEGORIES = (
    "official-information",
    "personal-data",
    "political",
    "personal-attack",
    "agency-criticism",
    "unverified",
    "sensitive",
    "rights",
    "correction",
)
GAPS = (
    "encrypted",
    "not-opened",
    "pinned",
    "sent-earlier",
    "too-large",
    "unreadable",
    "unknown-encoding",
    "unseen-media",
)
ACTIVITIES = (*ACTIVITY_GROUPS, *Kind)

# Clauses from which a correction may be exempt: office hours, comment on the agency, accuracy.
_REMEDIAL_CLAUSE = re.compile(r"R(3|7|9)(?![0-9])")

MOST_RULES = 500
LONGEST_RELEASE = 24 * 60 * 60


_NAME = "[a-z0-9]+(-[a-z0-9]+)*"
_CLAUSE = "[A-Za-z0-9]+([.-][A-Za-z0-9]+)*"
_CLAUSE_HINT = "write it like `R3`, or `document/R3` for another document's"
type Name = Annotated[StrictStr, spelled(_NAME, "name", "use lower-case letters, digits and hyphens")]
type ClauseName = Annotated[StrictStr, spelled(_CLAUSE, "clause", "write it like `R3`")]
type ClauseReference = Annotated[StrictStr, spelled(f"{_CLAUSE}(/{_CLAUSE})?", "clause", _CLAUSE_HINT)]
type RuleReference = Annotated[StrictStr, spelled(f"{_NAME}(/{_NAME})?", "rule", "write it like `document/rule`")]
type ApproverName = Annotated[
    StrictStr,
    spelled("(group:)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "approver", "write an account's name, or `group:NAME`"),
]
type Sentence = Annotated[StrictStr, Field(min_length=1, max_length=2000)]
type Word = Annotated[StrictStr, Field(min_length=1, max_length=200)]
type Listed[T] = Annotated[tuple[T, ...], BeforeValidator(listed), Field(min_length=1, max_length=500)]


class Said(Part):
    """Malay and English."""

    ms: Sentence
    en: Sentence

    def words(self) -> Words:
        return Words(self.ms, self.en)


class FindingCondition(Part):
    category: Listed[Annotated[StrictStr, chosen(CATEGORIES)]] | None = None
    check: Listed[Name] | None = None
    at_least: Annotated[Likelihood, chosen(tuple(Likelihood), "likelihood")] = Likelihood.POSSIBLE
    count: Annotated[StrictInt, Field(ge=1, le=1000)] = 1

    def wanted(self) -> WantedFinding:
        return WantedFinding(
            categories=frozenset(self.category or ()),
            checks=frozenset(self.check or ()),
            likelihoods=frozenset(likelihood for likelihood in Likelihood if likelihood >= self.at_least),
            count=self.count,
        )


def _day(value: object) -> object:
    # A bare number would be taken as seconds since 1970.
    if isinstance(value, str):
        with suppress(ValueError):
            return date.fromisoformat(value)
    raise told(f"`{shown(value)}` is no date", "write it as `2026-11-24`")


class SpanCondition(Part):
    """Days, both ends included."""

    first: Annotated[date | None, BeforeValidator(_day), Field(alias="from")] = None
    last: Annotated[date | None, BeforeValidator(_day), Field(alias="to")] = None


class Condition(Part):
    """What `when` and each `unless` entry may ask; keys are ANDed, lists ORed."""

    regime: Listed[Annotated[StrictStr, chosen(tuple(Regime))]] | None = None
    office: Listed[Word] | None = None
    zone: Listed[Word] | None = None
    device: Listed[Annotated[StrictStr, chosen(tuple(Device))]] | None = None
    group: Listed[Word] | None = None
    officer: Listed[Word] | None = None
    platform: Listed[Name] | None = None
    activity: Listed[Annotated[StrictStr, chosen(ACTIVITIES)]] | None = None
    account: Listed[Annotated[StrictStr, chosen(tuple(Standing))]] | None = None
    audience: Listed[Word] | None = None
    target: Listed[Word] | None = None
    target_in: Listed[Name] | None = None
    finding: Listed[FindingCondition] | None = None
    media: StrictBool | None = None
    gap: Listed[Annotated[StrictStr, chosen(GAPS)]] | None = None
    remedial: StrictBool | None = None
    approval: Listed[Name] | None = None
    account_duty: Listed[Annotated[StrictStr, chosen(tuple(Duty))]] | None = None
    between: Listed[SpanCondition] | None = None

    def wanted(self) -> dict[str, Any]:
        """Plain values by key, for `conditions.compiled`."""
        values: dict[str, Any] = {key: value for key in KEYS if (value := getattr(self, key)) is not None}
        if self.finding is not None:
            values["finding"] = tuple(finding.wanted() for finding in self.finding)
        if self.between is not None:
            values["between"] = tuple(Span(span.first, span.last) for span in self.between)
        return values


class OverrideEntry(Part):
    rule: RuleReference
    reason: Sentence
    authority: Sentence


_DURATION = re.compile(r"([0-9]{1,4})(m|h)")


def _seconds(value: object) -> object:
    """`30m` and `2h` as seconds."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    seconds = int(found[1]) * (60 if found[2] == "m" else 3600) if found else 0
    if not 0 < seconds <= LONGEST_RELEASE:
        hint = "write minutes or hours, up to 24, like `30m` or `2h`"
        raise told(f"`{shown(value)}` is no length of time here", hint)
    return seconds


class RuleEntry(Part):
    id: Name
    clause: ClauseReference
    title: Said
    when: Condition
    effect: Annotated[Effect, chosen(tuple(Effect))]
    unless: Annotated[tuple[Condition, ...], BeforeValidator(listed), Field(max_length=100)] = ()
    mode: Annotated[Mode, chosen(tuple(Mode))] = Mode.ENFORCE
    final: StrictBool = False
    evidence: Annotated[Evidence, chosen(tuple(Evidence))] = Evidence.MASKED
    ask: Listed[Name] | None = None
    release_for: Annotated[int | None, BeforeValidator(_seconds)] = None
    covered_by: Listed[RuleReference] | None = None
    approvers: Listed[ApproverName] | None = None
    overrides: OverrideEntry | None = None
    message: Said | None = None
    alert: Listed[Name] | None = None


class ClauseEntry(Part):
    text: Said
    cites: dict[Name, Listed[Sentence]] = Field(default={})
    none: Said | None = None
    note: Said | None = None


class PolicyShape(Part):
    policy: Name
    title: Said
    laws: dict[ClauseName, Said] = Field(default={})
    clauses: dict[ClauseName, ClauseEntry] = Field(default={})
    rules: Annotated[tuple[RuleEntry, ...], Field(max_length=MOST_RULES)] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One policy document, sound in itself. `text` is what was written, whole."""

    name: str
    file: str
    text: str
    shape: PolicyShape
    tree: Tree

    @property
    def title(self) -> Words:
        return self.shape.title.words()


def parse_policy(text: str, file: str) -> Document:
    """A document from its YAML; raises `DocumentErrors`, each with file, line and column."""
    tree = read_yaml(text, file)
    shape = validated(PolicyShape, tree)
    refuse(_unsound(shape, tree))
    return Document(shape.policy, file, text, shape, tree)


# ---------------------------------------------------------------- what makes a document wrong


def _unsound(shape: PolicyShape, tree: Tree) -> Iterator[DocumentError]:
    seen: dict[str, int] = {}
    for number, rule in enumerate(shape.rules):
        path: Steps = ("rules", number)
        if rule.id in seen:
            first = tree.place(("rules", seen[rule.id], "id"))
            yield tree.error((*path, "id"), f"two rules are called `{rule.id}`", f"the first is on line {first.line}")
        seen.setdefault(rule.id, number)
        yield from _unsound_rule(rule, path, shape, tree)
    for name, clause in shape.clauses.items():
        answering = [rule.id for rule in shape.rules if rule.clause in {name, f"{shape.policy}/{name}"}]
        if clause.none and answering:
            yield tree.error(
                ("clauses", name, "none"),
                f"clause `{name}` says that it has no rule, but rule `{answering[0]}` answers to it",
                "remove `none`, or say what the rules do not reach in `note`",
                key=True,
            )


def _unsound_rule(rule: RuleEntry, path: Steps, shape: PolicyShape, tree: Tree) -> Iterator[DocumentError]:
    document, _, clause = rule.clause.rpartition("/")
    if document in {"", shape.policy} and clause not in shape.clauses:
        yield tree.error((*path, "clause"), f"unknown clause `{rule.clause}`", _clause_hint(shape.clauses, clause))
    yield from _unsound_hold(rule, path, tree)
    if rule.overrides is not None:
        where = (*path, "overrides", "rule")
        target, _, _ = rule.overrides.rule.rpartition("/")
        if not target:
            yield tree.error(where, f"`{rule.overrides.rule}` names no document", "write it like `document/rule`")
        elif target == shape.policy:
            yield tree.error(where, f"`{rule.overrides.rule}` stands in the same document", "change that rule itself")
    if rule.when.wanted() == {}:
        yield tree.error((*path, "when"), f"rule `{rule.id}` asks nothing in `when`", "say at least the activity")
    yield from _unsound_condition(rule.when, (*path, "when"), tree)
    if rule.when.remedial is False and not may_spare_remedial(rule.clause):
        yield tree.error((*path, "when", "remedial"), *_remedial_trouble(rule.clause))
    for number, entry in enumerate(rule.unless):
        where = (*path, "unless", number)
        if entry.wanted() == {}:
            yield tree.error(where, "this exemption asks nothing, so it would always apply", "remove it, or say when")
        yield from _unsound_condition(entry, where, tree)
        if entry.remedial is not None and not may_spare_remedial(rule.clause):
            yield tree.error((*where, "remedial"), *_remedial_trouble(rule.clause))
        for key, words in (("group", entry.group), ("officer", entry.officer)):
            if words and NOT_KNOWN in words:
                yield tree.error((*where, key), f"an unknown {key} earns no exemption", "name the ones that do")


def _unsound_hold(rule: RuleEntry, path: Steps, tree: Tree) -> Iterator[DocumentError]:
    if rule.covered_by is not None and (rule.effect is not Effect.BLOCK or rule.when.activity != (Kind.USE,)):
        yield tree.error(
            (*path, "covered_by"),
            "`covered_by` is for a `block` of the activity `use` alone",
            "what can be held has a confirmation of its own",
            key=True,
        )
    if rule.approvers is not None and rule.effect is not Effect.APPROVE:
        yield tree.error(
            (*path, "approvers"),
            f"`approvers` has no meaning with the effect `{rule.effect}`",
            "use it with `approve`",
            key=True,
        )
    if rule.effect in HOLDS:
        words = rule.when.activity or ()
        if Kind.USE in words:
            place = (*path, "when", "activity")
            yield tree.error(
                place,
                f"`{rule.effect}` cannot hold the activity `use`",
                "only `allow`, `record` or `block` can be done to it",
            )
        elif not words:
            yield tree.error(
                (*path, "effect"),
                f"`{rule.effect}` needs the key `activity` in `when`",
                "without it the rule covers `use`, which cannot be held",
            )
        return
    for key, value in (("ask", rule.ask), ("release_for", rule.release_for)):
        if value is not None:
            yield tree.error(
                (*path, key),
                f"`{key}` has no meaning with the effect `{rule.effect}`",
                "use it with `coach` or `approve`",
                key=True,
            )


def _unsound_condition(condition: Condition, path: Steps, tree: Tree) -> Iterator[DocumentError]:
    for number, finding in enumerate(condition.finding or ()):
        if finding.category is None and finding.check is None:
            where: Steps = (*path, "finding", number)
            yield tree.error(where, "`finding` names neither a category nor a check", "add `category: ...`")
    for number, span in enumerate(condition.between or ()):
        where = (*path, "between", number)
        if span.first is None and span.last is None:
            yield tree.error(where, "`between` has no date", "write `{from: 2026-11-01, to: 2026-11-20}`")
        elif span.first and span.last and span.last < span.first:
            yield tree.error(where, f"`{span.last}` comes before `{span.first}`", "put the earlier date in `from`")


def may_spare_remedial(clause: str) -> bool:
    """Whether a correction may be exempt from rules that answer to the clause.

    >>> [clause for clause in ("R3", "R3a", "R30", "R5", "other/R9") if may_spare_remedial(clause)]
    ['R3', 'R3a', 'other/R9']
    """
    return _REMEDIAL_CLAUSE.match(clause.rpartition("/")[2]) is not None


def _remedial_trouble(clause: str) -> tuple[str, str]:
    return f"a correction cannot be exempt from clause `{clause}`", "only from `R3`, `R7` and `R9`"


def _clause_hint(clauses: Mapping[str, ClauseEntry], given: str) -> str:
    return one_of(clauses, given) if clauses else "write it under `clauses`"


# ---------------------------------------------------------------- documents to a policy


def compile_policy(documents: Sequence[Document]) -> Policy:
    """One policy of all documents; raises `DocumentErrors` where they do not fit together."""
    refuse(_twice_named(documents))
    clauses = {clause.id: clause for document in documents for clause in _clauses(document)}
    entries = {
        f"{document.name}/{rule.id}": (document, number)
        for document in documents
        for number, rule in enumerate(document.shape.rules)
    }
    errors = [error for document in documents for error in _unfit(document, clauses, entries)]
    overriders: dict[str, list[str]] = {}
    for rule_id, (document, number) in entries.items():
        overrides = document.shape.rules[number].overrides
        if overrides is not None:
            overriders.setdefault(overrides.rule, []).append(rule_id)
    depths, circles = _depths(entries, overriders)
    for rule_id in circles:
        document, number = entries[rule_id]
        errors.append(
            document.tree.error(("rules", number, "overrides", "rule"), f"`{rule_id}` overrides itself in a circle")
        )
    refuse(errors)
    rules = [
        _rule(
            document, document.shape.rules[number], clauses, tuple(sorted(overriders.get(rule_id, ()))), depths[rule_id]
        )
        for rule_id, (document, number) in entries.items()
    ]
    names = sorted(document.name for document in documents)
    return Policy(_digest(documents), names, tuple(clauses.values()), rules)


def _twice_named(documents: Sequence[Document]) -> Iterator[DocumentError]:
    first: dict[str, str] = {}
    for document in documents:
        if document.name in first:
            yield document.tree.error(
                ("policy",), f"two documents are called `{document.name}`", f"the other is `{first[document.name]}`"
            )
        first.setdefault(document.name, document.file)


def _unfit(
    document: Document, clauses: Mapping[str, Clause], entries: Mapping[str, tuple[Document, int]]
) -> Iterator[DocumentError]:
    """What a document says of others that is not so."""
    for number, rule in enumerate(document.shape.rules):
        path: Steps = ("rules", number)
        if _clause_id(document, rule) not in clauses:
            yield document.tree.error(
                (*path, "clause"), f"unknown clause `{rule.clause}`", one_of(sorted(clauses), rule.clause)
            )
        for index, name in enumerate(rule.covered_by or ()):
            yield from _uncovering(document, _rule_id(document, name), (*path, "covered_by", index), entries)
        if rule.overrides is None:
            continue
        where = (*path, "overrides", "rule")
        target = rule.overrides.rule
        if target not in entries:
            yield document.tree.error(where, f"unknown rule `{target}`", one_of(sorted(entries), target))
            continue
        other, index = entries[target]
        overridden = other.shape.rules[index]
        if overridden.final:
            yield document.tree.error(where, f"`{target}` is final", "no other document may weaken it")
        elif rule.when.remedial is True and not may_spare_remedial(overridden.clause):
            yield document.tree.error((*path, "when", "remedial"), *_remedial_trouble(overridden.clause))


def _uncovering(
    document: Document, target: str, where: Steps, entries: Mapping[str, tuple[Document, int]]
) -> Iterator[DocumentError]:
    """Why the release of a rule cannot cover another's: there is no such rule, or none that asks at a visit."""
    if target not in entries:
        yield document.tree.error(where, f"unknown rule `{target}`", one_of(sorted(entries), target))
        return
    other, index = entries[target]
    asking = other.shape.rules[index]
    if asking.effect not in HOLDS or Kind.VIEW not in (asking.when.activity or ()):
        yield document.tree.error(
            where, f"`{target}` asks nothing at a visit", "name a rule that holds the activity `view`"
        )


def _depths(entries: Iterable[str], overriders: Mapping[str, Sequence[str]]) -> tuple[dict[str, int], tuple[str, ...]]:
    """How deep each rule stands under those that override it, and the rules that go round in a circle."""
    depths = {rule: 0 for rule in entries if rule not in overriders}
    waiting = [rule for rule in entries if rule in overriders]
    while waiting:
        ready = [rule for rule in waiting if all(other in depths for other in overriders[rule])]
        if not ready:
            return depths, tuple(waiting)
        for rule in ready:
            depths[rule] = 1 + max(depths[other] for other in overriders[rule])
        waiting = [rule for rule in waiting if rule not in depths]
    return depths, ()


def _rule_id(document: Document, name: str) -> str:
    return name if "/" in name else f"{document.name}/{name}"


def _clause_id(document: Document, rule: RuleEntry) -> str:
    return rule.clause if "/" in rule.clause else f"{document.name}/{rule.clause}"


def _clauses(document: Document) -> Iterator[Clause]:
    laws = {key: said.words() for key, said in document.shape.laws.items()}
    for name, entry in document.shape.clauses.items():
        yield Clause(
            document=document.name,
            name=name,
            text=entry.text.words(),
            cites=entry.cites,
            laws=laws,
            none=entry.none.words() if entry.none else None,
            note=entry.note.words() if entry.note else None,
        )


def _rule(
    document: Document, entry: RuleEntry, clauses: Mapping[str, Clause], overridden_by: tuple[str, ...], depth: int
) -> Rule:
    regimes = entry.when.regime or ()
    return with_matches(
        Rule(
            document=document.name,
            name=entry.id,
            clause=clauses[_clause_id(document, entry)],
            title=entry.title.words(),
            effect=entry.effect,
            when=compiled(entry.when.wanted(), exempting=False),
            unless=tuple(_exemption(condition) for condition in entry.unless),
            mode=entry.mode,
            final=entry.final,
            evidence=entry.evidence,
            asks=entry.ask or (),
            release_for=entry.release_for,
            covered_by=tuple(_rule_id(document, name) for name in entry.covered_by or ()),
            approvers=entry.approvers or (),
            overrides=Override(**entry.overrides.model_dump()) if entry.overrides else None,
            message=entry.message.words() if entry.message else None,
            alerts=entry.alert or (),
            needs_hours=Regime.OFFICE_HOURS in regimes and Regime.UNKNOWN not in regimes,
            overridden_by=overridden_by,
            depth=depth,
        )
    )


def _exemption(entry: Condition) -> Exemption:
    conditions = compiled(entry.wanted(), exempting=True)
    text = ", ".join(f"{condition.key}: {condition.wanted}" for condition in conditions)
    return Exemption(text, conditions, frozenset(entry.approval or ()))


def _digest(documents: Sequence[Document]) -> str:
    """SHA-256 over what the documents say, whatever their order, layout and comments."""
    said = [
        document.shape.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for document in sorted(documents, key=lambda document: document.name)
    ]
    for shape in said:
        shape["rules"] = sorted(shape.get("rules", ()), key=lambda rule: str(rule["id"]))
    text = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(b"gerbang-policy-v1\n" + text.encode()).hexdigest()
