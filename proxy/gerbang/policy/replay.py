"""What another policy would have done: recorded decisions asked again, by the facts that were written down.

The texts are not kept, so nothing is examined anew: what a check found then is what counts. Where a fact is not there,
the answer is worked out both ways; where it is not the same both ways, it cannot be told, and that is counted by
reason.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from gerbang.model import Device, Duty, Effect, Finding, Gap, Kind, Likelihood, Mode, Regime, Release, Standing
from gerbang.policy.conditions import Condition, Facts, WantedFinding, kinds
from gerbang.policy.decide import REGISTER, decide, effect_of, registered_exemption, released
from gerbang.policy.rules import Policy, Rule

_EXAMPLES: Final = 3
"""Decision numbers that are shown of a kind of flip."""

RELEASES: Final = 20_000
"""Confirmations that are kept in mind before those of which the last day is long past are let go."""

ERASED: Final = "the private part was erased"
UNREAD: Final = "the headers alone decided, and the body was never read"
BEFORE: Final = "from before such facts were kept"
UNCHECKED: Final = "no check looked for it then"
UNLISTED: Final = "the list of targets was not there then"
UNREADABLE: Final = "this version cannot read the line"

# What is written down only where a rule had a word on it.
UNWRITTEN: Final = frozenset({Kind.VIEW, Kind.USE, Kind.LOGIN, Kind.WRITE})
_IN_THE_BODY: Final = ("finding", "gap", "remedial", "audience", "target", "target_in", "media")


@dataclass(frozen=True, slots=True)
class Seen:
    """What looked at acts under a digest: each check's category, and the names of the lists of targets. `None`: the
    record does not say."""

    checks: Mapping[str, str] | None = None
    lists: frozenset[str] | None = None
    vocabularies: Mapping[str, str] = field(default_factory=dict)
    """The digest of each check's vocabulary, empty for what is program."""

    def answers(self, condition: Condition) -> bool:
        """Whether a `no` to the condition was really looked for."""
        if condition.key == "target_in":
            return self.lists is not None and self.lists.issuperset(condition.words)
        if condition.key != "finding":
            return True
        return self.checks is not None and all(self._looked_for(wanted) for wanted in condition.words)

    def of(self, category: str) -> frozenset[tuple[str, str]] | None:
        """The checks of a category with their vocabularies; `None` where the record does not say."""
        if self.checks is None:
            return None
        return frozenset((name, self.vocabularies.get(name, "")) for name, of in self.checks.items() if of == category)

    def _looked_for(self, wanted: WantedFinding) -> bool:
        checks = self.checks or {}
        return wanted.categories <= set(checks.values()) and wanted.checks <= set(checks)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision of the record, as far as it is there: `missing` has the reason for each key that cannot be answered.

    `officer` is a pseudonym; `unit` is `None` where it is not known. `rules` are those that decided.
    """

    number: str
    moment: datetime
    effect: Effect
    rules: tuple[str, ...]
    officer: str | None
    unit: str | None
    facts: Facts
    missing: Mapping[str, str]
    releases: tuple[str, ...]
    policy: str
    lexicons: str
    targets: str
    worded: bool = False
    """Whether there were words to examine, and they were."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a policy does to an act whose facts may not all be there: the least and the most, and what is missing."""

    least: Effect
    most: Effect
    rules: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset()

    @property
    def certain(self) -> bool:
        return self.least is self.most


@dataclass(frozen=True, slots=True)
class Flip:
    """A decision that another policy changes, and the rules that make the stricter of the two effects."""

    number: str
    moment: datetime
    before: Effect
    after: Effect
    rules: tuple[str, ...]
    officer: str | None
    unit: str | None


@dataclass(slots=True)
class Otherwise:
    """Decisions on words for which a category was looked for by other vocabularies than now; `changed` are the checks
    that differ, none where the record does not say which there were."""

    first: datetime
    last: datetime
    count: int = 0
    changed: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Kin:
    """Flips of one kind: the same effects, rules and unit."""

    count: int = 0
    officers: set[str] = field(default_factory=set)
    unknown: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: "Kin") -> None:
        self.count += other.count
        self.officers |= other.officers
        self.unknown += other.unknown
        self.examples = (self.examples + other.examples)[:_EXAMPLES]


def recorded(body: Mapping[str, Any], private: Mapping[str, Any] | None) -> Recorded:
    """A decision's line as facts; `private` is `None` where it was erased. KeyError, TypeError or ValueError where the
    line has another shape."""
    person = private.get("officer") if private else None
    known = body["officer"] is None or person is not None
    missing: dict[str, str] = {}
    if private is None:
        missing |= dict.fromkeys(("audience", "target"), ERASED)
    if not known:
        missing["officer"] = ERASED
    groups = body.get("groups")
    if groups is None:
        groups = (person or {}).get("groups", ())
        if not known:
            missing["group"] = ERASED
    if "legal_regime" in body:
        purposes, lists = body["purposes"], body["lists"]
        missing |= dict.fromkeys(body["unread"], UNREAD)
        if body["standing"] == Standing.OFFICIAL and "duty" not in body:
            missing["account_duty"] = BEFORE
    else:
        purposes, lists = _before(body, private, missing)
    findings = tuple(
        Finding(one["check"], one["category"], Likelihood(one["likelihood"]), one["start"], one["end"], one["text"])
        for one in body["findings"]
    )
    effect, hours, basis = Effect(body["effect"]), body["hours"], body["basis"]
    facts = Facts(
        moment=datetime.fromisoformat(hours["local"]),
        kind=Kind(body["activity"]),
        platform=body["platform"],
        standing=Standing(body["standing"]),
        regime=Regime(hours["regime"]),
        office=body["office"],
        zone=body["zone"],
        device=Device(body["device"]),
        legal_regime=body.get("legal_regime", ""),
        officer=(person or {}).get("id"),
        service_group=body.get("service_group") or "",
        groups=frozenset(groups),
        audience=(private or {}).get("audience"),
        target=(private or {}).get("target"),
        findings=findings,
        gaps=tuple(Gap(gap["reason"], gap["detail"]) for gap in body["gaps"]),
        media=bool(body["media"]),
        remedial=body["remedial"],
        unclaimed=body["unclaimed"],
        approvals=frozenset(purposes),
        target_lists=frozenset(lists),
        unknown=frozenset(missing),
        duty=Duty(body["duty"]) if body.get("duty") else None,
        exempt=_exempted(body),
    )
    return Recorded(
        number=body["number"],
        moment=datetime.fromisoformat(body["moment"]),
        effect=effect,
        rules=tuple(match["rule"] for match in body["matches"] if _decided(match, effect)),
        officer=body["officer"],
        unit=(person or {}).get("unit"),
        facts=facts,
        missing=missing,
        releases=tuple({match["released_by"]: None for match in body["matches"] if match["released_by"]}),
        policy=basis["policy"],
        lexicons=basis["lexicons"],
        targets=basis.get("targets", ""),
        worded=bool(body["texts"]) and "finding" not in missing,
    )


def _exempted(body: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The register's exemptions that held, by rule: written whole, and else those that took a rule away."""
    known = {
        match["rule"]: match["exempted_by"].removeprefix(REGISTER)
        for match in body["matches"]
        if match["exempted_by"] and match["exempted_by"].startswith(REGISTER)
    }
    return known | dict(body.get("exempt") or {}) or None


def _before(
    body: Mapping[str, Any], private: Mapping[str, Any] | None, missing: dict[str, str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Purposes and lists of a line from before these were kept, and what else such a line does not tell."""
    approvals = (private or {}).get("approvals") or ()
    if body["standing"] == Standing.OFFICIAL:
        missing["account_duty"] = BEFORE
    if body.get("approvals") and not approvals:
        missing["approval"] = ERASED
    if private is None or private.get("target") is not None:
        missing["target_in"] = BEFORE
    # Only a block was decided by the headers alone while there was a body, and then nothing of it was seen.
    if body["effect"] == Effect.BLOCK and not (body["texts"] or body["findings"] or body["media"] or body["gaps"]):
        missing |= dict.fromkeys(_IN_THE_BODY, BEFORE)
        if body["standing"] == Standing.UNKNOWN:
            missing["account"] = BEFORE
    return [approval["purpose"] for approval in approvals], ()


def _decided(match: Mapping[str, Any], effect: Effect) -> bool:
    force = match["mode"] == Mode.ENFORCE and match["exempted_by"] is None and match["released_by"] is None
    return force and match["effect"] == effect


def judged(policy: Policy, facts: Facts, seen: Seen, releases: Sequence[Release] = (), *, whole: bool = False) -> Told:
    """What the policy does to the act: by `decide` where all is known, and else by every rule's yes, no or open.

    `whole`: what looked at the act looked for all that the policy asks (see `looked_for_all`).
    """
    if not facts.unknown and whole:
        matches = decide(policy, facts, releases)
        effect = effect_of(matches)
        return Told(effect, effect, tuple(one.rule for one in matches if one.in_force and one.effect is effect))
    least = most = Effect.ALLOW
    certain: list[tuple[Effect, str]] = []
    missing: set[str] = set()
    # Whether an overriding rule replaces: yes, no, or not known.
    replacing: dict[str, bool | None] = {}
    for rule in policy.by_depth:
        holds, open_ = _all(rule.when, facts, seen)
        if holds is False:
            continue
        match = rule.match(facts)
        exempt, doubts = _exempt(rule, facts, seen, replacing)
        if exempt is True or match.mode is not Mode.ENFORCE:
            replacing[rule.id] = False
            continue
        stands = replacing[rule.id] = None if holds is None or exempt is None else True
        if released(match, releases).released_by:
            continue
        most = max(most, match.effect, key=_rank)
        if stands:
            least = max(least, match.effect, key=_rank)
            certain.append((match.effect, rule.id))
        else:
            missing |= open_ | doubts
    return Told(least, most, tuple(sorted(name for effect, name in certain if effect is least)), frozenset(missing))


def _rank(effect: Effect) -> int:
    return effect.rank


def looked_for_all(policy: Policy, seen: Seen) -> bool:
    return all(
        seen.answers(condition)
        for rule in policy.rules.values()
        for conditions in (rule.when, *(one.conditions for one in rule.unless))
        for condition in conditions
    )


def _exempt(
    rule: Rule, facts: Facts, seen: Seen, replacing: Mapping[str, bool | None]
) -> tuple[bool | None, frozenset[str]]:
    if registered_exemption(rule, facts):
        return True, frozenset()
    answers = [_all(one.conditions, facts, seen) for one in rule.unless]
    answers += [(replacing.get(other, False), frozenset()) for other in rule.overridden_by]
    if any(answer is True for answer, _ in answers):
        return True, frozenset()
    open_ = [keys for answer, keys in answers if answer is None]
    return (None if open_ else False), frozenset().union(*open_)


def _all(conditions: Sequence[Condition], facts: Facts, seen: Seen) -> tuple[bool | None, frozenset[str]]:
    """Whether all hold, and the keys that leave it open."""
    open_: set[str] = set()
    for condition in conditions:
        if condition.key in facts.unknown:
            open_.add(condition.key)
        elif not condition.test(facts):
            if seen.answers(condition) or (condition.key == "target_in" and facts.target is None):
                return False, frozenset()
            open_.add(f"{condition.key}?")
    return (None if open_ else True), frozenset(open_)


class Replay:
    """A candidate run over recorded decisions one after another; what it keeps grows with kinds of flips, not acts."""

    def __init__(
        self,
        candidate: Policy,
        checks: Mapping[str, Mapping[str, str]],
        lists: Mapping[str, frozenset[str]],
        vocabularies: Mapping[str, Mapping[str, str]] | None = None,
        now: Seen | None = None,
    ) -> None:
        """`checks`, `vocabularies` and `lists` are by their digests; `now` is what looks at acts today, where it is
        to be compared."""
        self.candidate = candidate
        self.decisions = 0
        self.told = 0
        self.officers: set[str] = set()
        self.flips: defaultdict[tuple[Effect, Effect, tuple[str, ...], str | None], Kin] = defaultdict(Kin)
        self.untold: Counter[str] = Counter()
        self.policies: Counter[str] = Counter()
        self.unclaimed = 0
        self.units: defaultdict[str, set[str]] = defaultdict(set)
        self.sizes: Counter[str] = Counter()
        """How many officers the register has in each unit, where somebody put it here."""
        self.otherwise: dict[str, Otherwise] = {}
        self._checks, self._lists, self._vocabularies, self._now = checks, lists, vocabularies or {}, now
        self._asked = _categories(candidate, now)
        self._differing: dict[str, dict[str, frozenset[str]]] = {}
        self._seen: dict[tuple[str, str], tuple[Seen, bool]] = {}
        self._releases: dict[str, Release] = {}

    def release(self, body: Mapping[str, Any]) -> None:
        """A hold that was confirmed: what it satisfies is satisfied in the candidate too."""
        name, expires = str(body["release"]), datetime.fromisoformat(body["expires"])
        # None outlives a day and its use is recorded after it, so the oldest need not be kept.
        if len(self._releases) > RELEASES:
            edge = expires - timedelta(days=2)
            self._releases = {key: one for key, one in self._releases.items() if one.expires > edge}
        granted = bool(body.get("granted", False))
        self._releases[name] = Release(name, frozenset(body["rules"]), str(body["platform"]), expires, granted=granted)

    def take(self, one: Recorded) -> Flip | None:
        """Ask the candidate of a decision; what it would change, if it is known to change anything."""
        self.decisions += 1
        self.policies[one.policy] += 1
        if one.officer:
            self.officers.add(one.officer)
            if one.unit:
                self.units[one.unit].add(one.officer)
        if one.worded and self._now is not None:
            self._compare(one)
        seen, whole = self._seen_by(one.lexicons, one.targets)
        releases = [
            self._releases.get(name) or Release(name, frozenset(one.rules), one.facts.platform, one.moment)
            for name in one.releases
        ]
        told = judged(self.candidate, one.facts, seen, releases, whole=whole)
        if not told.certain:
            self.untold[self._why(told, one)] += 1
            return None
        self.told += 1
        if told.least is one.effect:
            return None
        rules = told.rules if told.least > one.effect else one.rules
        flip = Flip(one.number, one.moment, one.effect, told.least, rules, one.officer, one.unit)
        kin = self.flips[flip.before, flip.after, rules, one.unit]
        kin.count += 1
        if one.officer:
            kin.officers.add(one.officer)
        else:
            kin.unknown += 1
        if len(kin.examples) < _EXAMPLES:
            kin.examples.append(one.number)
        return flip

    def _compare(self, one: Recorded) -> None:
        """Count the decision where a category that is asked for was looked for otherwise than it is now."""
        differing = self._differing.get(one.lexicons)
        if differing is None:
            seen, _ = self._seen_by(one.lexicons, one.targets)
            differing = self._differing[one.lexicons] = _differing(seen, self._now or Seen(), self._asked)
        for category, changed in differing.items():
            known = self.otherwise.setdefault(category, Otherwise(one.moment, one.moment))
            known.count += 1
            known.first, known.last = min(known.first, one.moment), max(known.last, one.moment)
            known.changed |= changed

    def unreadable(self) -> None:
        self.decisions += 1
        self.untold[UNREADABLE] += 1

    def _seen_by(self, lexicons: str, targets: str) -> tuple[Seen, bool]:
        key = (lexicons, targets)
        if key not in self._seen:
            lists = self._lists.get(targets, None if targets else frozenset())
            seen = Seen(self._checks.get(lexicons), lists, self._vocabularies.get(lexicons, {}))
            self._seen[key] = (seen, looked_for_all(self.candidate, seen))
        return self._seen[key]

    def _why(self, told: Told, one: Recorded) -> str:
        for key in sorted(told.missing):
            if key == "finding?":
                return UNCHECKED
            if key == "target_in?":
                return UNLISTED
            if key in one.missing:
                return f"{one.missing[key]} ({key})"
        return BEFORE

    def unwritten(self) -> tuple[str, ...]:
        """The candidate's rules on acts that are written down only where a rule had a word on them."""
        return tuple(
            rule.id
            for rule in self.candidate.rules.values()
            if not UNWRITTEN.isdisjoint(_activities(rule)) and rule.effect is not Effect.ALLOW
        )


def _activities(rule: Rule) -> frozenset[Kind]:
    for condition in rule.when:
        if condition.key == "activity":
            return kinds(condition.words)
    return frozenset(Kind)


def _categories(policy: Policy, now: Seen | None) -> frozenset[str]:
    """The categories that a policy asks for, those of the checks that it names among them."""
    categories: set[str] = set()
    for rule in policy.rules.values():
        for conditions in (rule.when, *(one.conditions for one in rule.unless)):
            for condition in conditions:
                for wanted in condition.words if condition.key == "finding" else ():
                    categories |= wanted.categories
                    checks = (now.checks if now else None) or {}
                    categories |= {checks[name] for name in wanted.checks if name in checks}
    return frozenset(categories)


def _differing(then: Seen, now: Seen, categories: frozenset[str]) -> dict[str, frozenset[str]]:
    """The categories that were looked for otherwise, each with the checks that differ."""
    found: dict[str, frozenset[str]] = {}
    for category in categories:
        before, after = then.of(category), now.of(category) or frozenset()
        if before is None:
            found[category] = frozenset()
        elif before != after:
            found[category] = frozenset(name for name, _ in before ^ after)
    return found
