"""What a rule can ask of an act: one entry a key, used alike to decide, to decide early and to explain."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gerbang.model import (
    PARTICIPATING,
    PUBLISHING,
    Approval,
    Device,
    Duty,
    Finding,
    Gap,
    Kind,
    Likelihood,
    Regime,
    Standing,
)

# The words of `activity` that stand for several kinds.
ACTIVITY_GROUPS: Mapping[str, frozenset[Kind]] = {"publishing": PUBLISHING, "participating": PARTICIPATING}

# In `group` and `officer`: nobody is known, or the register gives no service group.
NOT_KNOWN = "unknown"
# In `officer`: somebody is known, whoever it is.
KNOWN = "known"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a rule may ask of one act.

    `moment` is the wall-clock time at the office whose time counts, because `between` asks for its date.
    `unknown` names the keys whose values are not known yet (the body has not been read);
    what stands in their fields then means nothing.
    """

    moment: datetime
    kind: Kind
    platform: str
    standing: Standing
    regime: Regime
    office: str
    zone: str
    device: Device
    legal_regime: str
    officer: str | None
    service_group: str
    groups: frozenset[str]
    audience: str | None
    target: str | None
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    media: bool
    remedial: bool
    unclaimed: bool
    approvals: frozenset[str]
    target_lists: frozenset[str] = frozenset()
    """The lists of `targets/` on which the target stands that day."""
    unknown: frozenset[str] = frozenset()
    resting: tuple[Approval, ...] = ()
    """Approvals on file whose conditions do not hold now: `approvals` has them not."""
    duty: Duty | None = None
    """Whether the officer is on duty for the acting official account; `None` for any other account."""
    exempt: Mapping[str, str] | None = None
    """The exemptions of the register that hold for this act: their ids, by rule."""


type Test = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a `when` or an `unless`, ready to be asked. `wanted` is what the writer wrote."""

    key: str
    wanted: str
    test: Test
    words: tuple[Any, ...] = ()
    """The same as values, for who asks what a rule wants."""

    def asked(self, facts: Facts) -> bool | None:
        """Yes, no, or `None` while the value is not known."""
        return None if self.key in facts.unknown else self.test(facts)


@dataclass(frozen=True, slots=True)
class WantedFinding:
    """Findings of these categories and these checks (empty: any), so likely, so many."""

    categories: frozenset[str] = frozenset()
    checks: frozenset[str] = frozenset()
    likelihoods: frozenset[Likelihood] = frozenset(Likelihood)
    count: int = 1

    def __str__(self) -> str:
        least = min(self.likelihoods, key=lambda likelihood: likelihood.rank)
        parts = [
            *([" | ".join(sorted(self.categories))] if self.categories else []),
            *([f"check {' | '.join(sorted(self.checks))}"] if self.checks else []),
            f"at least {least}",
            *([f"{self.count} times"] if self.count > 1 else []),
        ]
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Span:
    """Days from the first to the last, both included; an end that is `None` is open."""

    first: date | None
    last: date | None

    def __str__(self) -> str:
        return f"{self.first or '...'} to {self.last or '...'}"


# ---------------------------------------------------------------- the keys


def kinds(words: Iterable[str]) -> frozenset[Kind]:
    """The kinds that words of `activity` stand for.

    >>> sorted(str(kind) for kind in kinds(["view", "publishing"]))
    ['comment', 'edit', 'live', 'post', 'share', 'upload', 'view']
    """
    result: set[Kind] = set()
    for word in words:
        result |= ACTIVITY_GROUPS.get(word) or {Kind(word)}
    return frozenset(result)


def _activity(words: Sequence[str], _exempting: bool) -> Test:
    wanted = kinds(words)
    # A rule that names `write` has every unclaimed write; those that name `post` have the ones that may be one.
    post, write = Kind.POST in wanted, Kind.WRITE in wanted
    return lambda facts: write or (post and judged_as_post(facts)) if facts.unclaimed else facts.kind in wanted


def judged_as_post(facts: Facts) -> bool:
    """Whether an unclaimed write is judged as a post: a person's words are in it, or it could not be read."""
    return facts.unclaimed and (facts.kind is Kind.POST or bool(facts.gaps))


def _regime(words: Sequence[str], exempting: bool) -> Test:
    wanted = {Regime(word) for word in words}
    # Without calendar data a rule on office hours still speaks (and only observes, see `decide`),
    # but nobody earns an exemption by it.
    if Regime.OFFICE_HOURS in wanted and not exempting:
        wanted.add(Regime.UNKNOWN)
    asked = frozenset(wanted)
    return lambda facts: facts.regime in asked


def _account(words: Sequence[str], _exempting: bool) -> Test:
    wanted = {Standing(word) for word in words}
    if Standing.PERSONAL in wanted:
        wanted.add(Standing.UNKNOWN)  # an account that could not be told is treated as personal
    asked = frozenset(wanted)
    return lambda facts: facts.standing in asked


def _device(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(Device(word) for word in words)
    return lambda facts: facts.device in wanted


def _group(words: Sequence[str], exempting: bool) -> Test:
    wanted = frozenset(words) - {NOT_KNOWN}
    if NOT_KNOWN in words and not exempting:
        return lambda facts: not known_group(facts) or _in_group(wanted, facts)
    return lambda facts: _in_group(wanted, facts)


def _in_group(wanted: frozenset[str], facts: Facts) -> bool:
    return facts.service_group in wanted or not wanted.isdisjoint(facts.groups)


def known_group(facts: Facts) -> bool:
    return facts.service_group not in {"", NOT_KNOWN}


def _officer(words: Sequence[str], exempting: bool) -> Test:
    wanted: set[str | None] = set(words)
    if NOT_KNOWN in wanted:
        wanted.remove(NOT_KNOWN)
        if not exempting:
            wanted.add(None)
    asked = frozenset(wanted)
    if KNOWN in asked:
        return lambda facts: facts.officer is not None or None in asked
    return lambda facts: facts.officer in asked


def _office(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: facts.office in wanted


def _zone(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: facts.zone in wanted


def _platform(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: facts.platform in wanted


def _audience(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: facts.audience in wanted


def plain_target(target: str) -> str:
    """A target as it is compared: handles are the same with and without `@`, in any case."""
    return target.strip().removeprefix("@").casefold()


def _target(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(plain_target(word) for word in words)
    return lambda facts: facts.target is not None and plain_target(facts.target) in wanted


def _target_in(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: not wanted.isdisjoint(facts.target_lists)


def _finding(alternatives: Sequence[WantedFinding], _exempting: bool) -> Test:
    single = alternatives[0] if len(alternatives) == 1 else None
    if single is not None and single.count == 1 and single.categories and not single.checks:
        categories, likelihoods = single.categories, single.likelihoods

        # A loop and no generator: most rules on content ask this, of each act in which anything was found.
        def test(facts: Facts) -> bool:
            for finding in facts.findings:
                if finding.category in categories and finding.likelihood in likelihoods:
                    return True
            return False

        return test
    return lambda facts: any(found(wanted, facts.findings) for wanted in alternatives)


def found(wanted: WantedFinding, findings: Sequence[Finding]) -> bool:
    """Whether there are as many such findings as wanted."""
    count = 0
    for finding in findings:
        if (
            finding.likelihood in wanted.likelihoods
            and (not wanted.categories or finding.category in wanted.categories)
            and (not wanted.checks or finding.check in wanted.checks)
        ):
            count += 1
            if count == wanted.count:
                return True
    return False


def _gap(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: any(gap.reason in wanted for gap in facts.gaps)


def _media(wanted: bool, _exempting: bool) -> Test:
    return lambda facts: facts.media is wanted


def _remedial(wanted: bool, _exempting: bool) -> Test:
    return lambda facts: facts.remedial is wanted


def _approval(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(words)
    return lambda facts: not wanted.isdisjoint(facts.approvals)


def _account_duty(words: Sequence[str], _exempting: bool) -> Test:
    wanted = frozenset(Duty(word) for word in words)
    return lambda facts: facts.duty in wanted


def _between(spans: Sequence[Span], _exempting: bool) -> Test:
    pairs = tuple((span.first or date.min, span.last or date.max) for span in spans)

    def test(facts: Facts) -> bool:
        day = facts.moment.date()
        return any(first <= day <= last for first, last in pairs)

    return test


@dataclass(frozen=True, slots=True)
class Key:
    """How a key is asked, and what a person is told about what was found."""

    compiled: Callable[[Any, bool], Test]
    found: Callable[[Facts], str]


def _told_account(facts: Facts) -> str:
    return "unknown, treated as personal" if facts.standing is Standing.UNKNOWN else facts.standing


def _told_activity(facts: Facts) -> str:
    if judged_as_post(facts):
        return f"{facts.kind}, unclaimed, judged as post"
    return f"{facts.kind}, unclaimed" if facts.unclaimed else facts.kind


def _told_groups(facts: Facts) -> str:
    service = facts.service_group if known_group(facts) else "service group unknown"
    return ", ".join([service, *sorted(facts.groups)])


def _told_approvals(facts: Facts) -> str:
    resting = [
        f"{one.purpose} ({one.id}) on file, which does not hold now: only in {', '.join(sorted(one.conditions))}"
        for one in facts.resting
    ]
    return "; ".join([", ".join(sorted(facts.approvals))] * bool(facts.approvals) + resting) or "none on file"


def _told_findings(facts: Facts) -> str:
    each = dict.fromkeys(f"{finding.category} {finding.likelihood} ({finding.check})" for finding in facts.findings)
    return ", ".join(each) or "nothing"


# In the order in which they are asked: the cheap and telling ones first.
KEYS: Mapping[str, Key] = {
    "activity": Key(_activity, _told_activity),
    "regime": Key(_regime, lambda facts: facts.regime),
    "account": Key(_account, _told_account),
    "device": Key(_device, lambda facts: facts.device),
    "remedial": Key(_remedial, lambda facts: "true" if facts.remedial else "false"),
    "media": Key(_media, lambda facts: "true" if facts.media else "false"),
    "platform": Key(_platform, lambda facts: facts.platform),
    "office": Key(_office, lambda facts: facts.office),
    "zone": Key(_zone, lambda facts: facts.zone),
    "finding": Key(_finding, _told_findings),
    "gap": Key(_gap, lambda facts: ", ".join(gap.reason for gap in facts.gaps) or "none"),
    "group": Key(_group, _told_groups),
    "officer": Key(_officer, lambda facts: facts.officer or NOT_KNOWN),
    "audience": Key(_audience, lambda facts: facts.audience or "not told"),
    "target": Key(_target, lambda facts: facts.target or "none"),
    "target_in": Key(_target_in, lambda facts: ", ".join(sorted(facts.target_lists)) or "no list"),
    "approval": Key(_approval, _told_approvals),
    "account_duty": Key(_account_duty, lambda facts: facts.duty or "none, since the account is not official"),
    "between": Key(_between, lambda facts: facts.moment.date().isoformat()),
}


def compiled(wanted: Mapping[str, Any], *, exempting: bool) -> tuple[Condition, ...]:
    """The conditions of a `when`, or of one `unless` entry (`exempting`), in the order of `KEYS`."""
    return tuple(
        Condition(key, _wanted_text(wanted[key]), entry.compiled(wanted[key], exempting), _words(wanted[key]))
        for key, entry in KEYS.items()
        if key in wanted
    )


def _words(wanted: Any) -> tuple[Any, ...]:
    return (wanted,) if isinstance(wanted, bool) else tuple(wanted)


def _wanted_text(wanted: Any) -> str:
    if isinstance(wanted, bool):
        return "true" if wanted else "false"
    return " | ".join(str(part) for part in wanted)


def all_hold(conditions: Iterable[Condition], facts: Facts) -> bool | None:
    """Whether all of them hold, in three values: one `no` is enough, else one not known leaves it open."""
    open_ = False
    for condition in conditions:
        answer = condition.asked(facts)
        if answer is False:
            return False
        open_ = open_ or answer is None
    return None if open_ else True
