"""Rules that can never hold, or never decide anything, with what there is: platforms, zones, groups, regimes.

What cannot be told from outside a request (what a text says, who reads it) is taken to be possible: a rule is only
named here where no act at all could meet it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gerbang.errors import Place
from gerbang.model import Device, Kind, Mode, Regime
from gerbang.policy.conditions import KNOWN, NOT_KNOWN, Span, WantedFinding, kinds
from gerbang.policy.document import Condition, Document, RuleEntry

# Of what is not opened, the use is all that is known; without a signature a visit and an unclaimed write are told too.
UNOPENED = frozenset({Kind.USE})
UNCLAIMED = frozenset({Kind.VIEW, Kind.USE, Kind.WRITE, Kind.POST})


@dataclass(frozen=True, slots=True)
class Existing:
    """What there is for rules to speak of. An empty set is not known, and hinders no rule."""

    year: int
    platforms: Mapping[str, frozenset[Kind]]
    """The activities that signatures claim on each."""
    zones: Mapping[str, Device]
    offices: frozenset[str]
    officers: frozenset[str]
    groups: frozenset[str]
    regimes: frozenset[Regime]
    approvals: frozenset[str]
    checks: frozenset[str]
    categories: frozenset[str]
    lists: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unreachable:
    """A rule that no act meets, or whose effect never counts, and why."""

    rule: str
    place: Place
    why: str


def unreachable(documents: Sequence[Document], existing: Existing) -> tuple[Unreachable, ...]:
    """Every such rule of the documents, in their order."""
    rules = [
        (f"{document.name}/{rule.id}", document.tree.place(("rules", number)), rule)
        for document in documents
        for number, rule in enumerate(document.shape.rules)
    ]
    found = []
    for name, place, rule in rules:
        if why := next(_never(rule.when, existing), None):
            found.append(Unreachable(name, place, why))
            continue
        others = [(other, one) for other, _, one in rules if other != name]
        if why := next(_superseded(name, rule, others), None):
            found.append(Unreachable(name, place, why))
    return tuple(found)


# ---------------------------------------------------------------- what never holds


def _never(when: Condition, existing: Existing) -> Iterator[str]:
    for key, what, known in (
        ("platform", "platform", frozenset(existing.platforms)),
        ("office", "office", existing.offices),
        ("zone", "zone", frozenset(existing.zones)),
        ("group", "group", existing.groups | {NOT_KNOWN} if existing.groups else existing.groups),
        ("officer", "officer", existing.officers | {NOT_KNOWN, KNOWN} if existing.officers else existing.officers),
        ("approval", "approval for", existing.approvals),
        ("target_in", "list of targets", existing.lists),
    ):
        words = getattr(when, key)
        if words and known and not known & set(words):
            yield f"there is no {what} {_either(words)}"
    if when.regime and not _regimes(when.regime) & existing.regimes:
        yield f"no office has {_either(when.regime)} in {existing.year}"
    if when.between and not any(_overlaps(Span(one.first, one.last), existing.year) for one in when.between):
        yield f"its days lie outside {existing.year}"
    if when.finding and not any(_can_be_found(one.wanted(), existing) for one in when.finding):
        yield "no check gives such a finding"
    yield from _no_such_act(when, existing)


def _no_such_act(when: Condition, existing: Existing) -> Iterator[str]:
    """The zone, its device, the platform and the activity have to go together."""
    devices = {device for zone, device in existing.zones.items() if not when.zone or zone in when.zone}
    wanted = {Device(word) for word in when.device} if when.device else devices
    if existing.zones and not devices & wanted:
        where = f"the zone {_either(when.zone)}" if when.zone else "any zone"
        yield f"no device in {where} is {_either(sorted(wanted))}"
        return
    activities = kinds(when.activity) if when.activity else frozenset(Kind)
    opened = not existing.zones or Device.MANAGED in devices & wanted
    if not opened and not activities & UNOPENED:
        yield f"on personal devices nothing is opened: there is only `use`, never {_either(when.activity or ())}"
        return
    if not existing.platforms:
        return
    chosen = [name for name in existing.platforms if not when.platform or name in when.platform]
    possible = UNCLAIMED.union(*(existing.platforms[name] for name in chosen))
    if chosen and not activities & possible:
        where = f"on {_either(when.platform)}" if when.platform else "on any platform"
        yield f"no signature gives {_either(when.activity or ())} {where}"


def _regimes(words: Sequence[str]) -> frozenset[Regime]:
    """As a rule asks: without data, rules on office hours speak too, and only observe. They are not idle for that."""
    return frozenset(Regime(word) for word in words)


def _overlaps(span: Span, year: int) -> bool:
    return (span.first or date.min) <= date(year, 12, 31) and (span.last or date.max) >= date(year, 1, 1)


def _can_be_found(wanted: WantedFinding, existing: Existing) -> bool:
    checks = not wanted.checks or not existing.checks or bool(wanted.checks & existing.checks)
    categories = not wanted.categories or not existing.categories or bool(wanted.categories & existing.categories)
    return checks and categories


# ---------------------------------------------------------------- what never counts


def _superseded(name: str, rule: RuleEntry, others: Sequence[tuple[str, RuleEntry]]) -> Iterator[str]:
    """Rules that hold whenever this one does, always in force, and that replace it or are as strict."""
    for other, one in others:
        if one.mode is not Mode.ENFORCE or one.unless or not _covers(one.when, rule.when):
            continue
        if one.overrides and _full(one.overrides.rule, other) == name:
            yield f"`{other}` always stands in its place"
        elif not one.overrides and not rule.overrides and one.effect > rule.effect:
            # Held by the other, and refused or held more strictly: this one is cited and never decides.
            yield f"`{other}` holds whenever it does, and is stricter ({one.effect} to {rule.effect})"


def _full(reference: str, by: str) -> str:
    return reference if "/" in reference else f"{by.partition('/')[0]}/{reference}"


def _covers(wide: Condition, narrow: Condition) -> bool:
    """Whether the one holds wherever the other does, as far as their words tell."""
    asked, given = wide.wanted(), narrow.wanted()
    return asked.keys() <= given.keys() and all(_covers_key(key, asked[key], given[key]) for key in asked)


def _covers_key(key: str, wide: Any, narrow: Any) -> bool:
    match key:
        case "media" | "remedial":
            return bool(wide == narrow)
        case "activity":
            return kinds(narrow) <= kinds(wide)
        case "finding":
            return all(any(_finds(one, other) for one in wide) for other in narrow)
        case "between":
            return all(any(_spans(one, other) for one in wide) for other in narrow)
        case _:
            return set(narrow) <= set(wide)


def _finds(wide: WantedFinding, narrow: WantedFinding) -> bool:
    return (
        (not wide.categories or (bool(narrow.categories) and narrow.categories <= wide.categories))
        and (not wide.checks or (bool(narrow.checks) and narrow.checks <= wide.checks))
        and narrow.likelihoods <= wide.likelihoods
        and wide.count <= narrow.count
    )


def _spans(wide: Span, narrow: Span) -> bool:
    return (wide.first or date.min) <= (narrow.first or date.min) and (wide.last or date.max) >= (
        narrow.last or date.max
    )


def _either(words: Sequence[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
