"""Policy cases: what an office expects of its rules, tried by the function that enforces them.

A case file stands beside its policy (`policy.cases.yaml`). It brings its own people, places and approvals, so that
it means the same on every machine; only policy, calendar and vocabularies are those of the world it is tried in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from gerbang.documents import Part, Steps, Tree, chosen, read_yaml, refuse, shown, told, validated
from gerbang.errors import DocumentError, RegisterError, one_of
from gerbang.model import (
    CONDITIONS,
    Account,
    AccountTerms,
    Activity,
    Actor,
    Approval,
    Decision,
    Device,
    Effect,
    Finding,
    Gap,
    Kind,
    Likelihood,
    Match,
    Media,
    Mode,
    Office,
    Officer,
    OwnDay,
    OwnKind,
    Regime,
    RegisteredExemption,
    Registers,
    Release,
    Standing,
    Text,
    Zone,
    regimes_of,
)
from gerbang.pipeline import World, facts_of, judge
from gerbang.policy.decide import decide, effect_of
from gerbang.policy.document import CATEGORIES, GAPS, Listed, Name, Word
from gerbang.policy.own_days import MOST_ENTRIES, by_officer, own_day, spoken
from gerbang.recognition.earlier import with_words

MOST_CASES = 2000
NUMBER = "CASE"

# The accounts that a case means by a standing; the trial's own register lists the first two.
_HANDLES = {Standing.OFFICIAL: "akaun-rasmi", Standing.PERSONAL: "akaun-peribadi"}


def _moment(value: object) -> object:
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None:
            return moment
    raise told(f"`{shown(value)}` is no time", "write it with its offset, like `2026-11-24T10:15+08:00`")


type Moment = Annotated[datetime, BeforeValidator(_moment)]


class OfficeEntry(Part):
    state: Word = "PJY"
    legal_regime: Word = "federal"
    pattern: Word = "flexi"
    timezone: Word = "Asia/Kuala_Lumpur"


class ZoneEntry(Part):
    office: Word
    device: Annotated[Device, chosen(tuple(Device))] = Device.MANAGED


class OfficerEntry(Part):
    office: Word = "hq"
    service_group: StrictStr = ""
    groups: Listed[Word] | None = None
    pattern: Word | None = None


class ApprovalEntry(Part):
    officer: Word | None = None
    group: Word | None = None
    purpose: Name
    first: Annotated[Moment, Field(alias="from")]
    last: Annotated[Moment | None, Field(alias="to")] = None
    withdrawn: Moment | None = None
    conditions: Listed[Annotated[StrictStr, chosen(CONDITIONS)]] | None = None


class ExemptionEntry(Part):
    """An exemption of the register: from a rule, for an officer or a group, in a zone, on a platform."""

    rule: Word
    officer: Word | None = None
    group: Word | None = None
    zone: Word | None = None
    platform: Name | None = None
    first: Annotated[Moment, Field(alias="from")]
    last: Annotated[Moment, Field(alias="to")]
    withdrawn: Moment | None = None


class OwnDayEntry(Part):
    """An entry of the register of own days; a time without an offset is on the clock of the officer's office."""

    officer: Word
    kind: Annotated[OwnKind, chosen(tuple(OwnKind))]
    since: Annotated[Word, BeforeValidator(spoken), Field(alias="from")]
    until: Annotated[Word, BeforeValidator(spoken)] | None = None
    office: Word | None = None

    @model_validator(mode="after")
    def sound(self) -> Self:
        try:
            self.value()
        except RegisterError as error:
            raise told(error.what, error.hint) from None
        return self

    def value(self) -> OwnDay:
        return own_day(self.officer, self.kind, self.since, self.until or "", "trial", "trial", self.office or "")


class FindingEntry(Part):
    """A finding that the case supposes, for what no shipped check finds."""

    category: Annotated[StrictStr, chosen(CATEGORIES)]
    check: Name = "supposed"
    likelihood: Annotated[Likelihood, chosen(tuple(Likelihood))] = Likelihood.CERTAIN
    count: Annotated[StrictInt, Field(ge=1, le=1000)] = 1


class Act(Part):
    platform: Name
    activity: Annotated[Kind, chosen(tuple(Kind))]
    account: Annotated[Standing, chosen(tuple(Standing))] = Standing.PERSONAL
    host: Word | None = None
    text: Annotated[
        tuple[StrictStr, ...], BeforeValidator(lambda value: value if isinstance(value, list) else [value])
    ] = ()
    earlier: Annotated[
        tuple[StrictStr, ...], BeforeValidator(lambda value: value if isinstance(value, list) else [value])
    ] = ()
    findings: Listed[FindingEntry] | None = None
    media: StrictBool = False
    audience: Word | None = None
    target: Word | None = None
    gap: Listed[Annotated[StrictStr, chosen(GAPS)]] | None = None
    unclaimed: StrictBool = False


class Expected(Part):
    """`rules` are exactly those that decide; the other lists name some that must be so."""

    effect: Annotated[Effect, chosen(tuple(Effect))]
    rules: tuple[Word, ...] | None = None
    matched: Listed[Word] | None = None
    observed: Listed[Word] | None = None
    exempt: Listed[Word] | None = None
    released: Listed[Word] | None = None
    absent: Listed[Word] | None = None
    regime: Annotated[Regime, chosen(tuple(Regime))] | None = None


class CaseEntry(Part):
    name: Word
    at: Moment
    act: Act
    expect: Expected
    officer: Word | None = None
    zone: Word | None = None
    office: Word | None = None
    confirmed: Listed[Word] | None = None
    on_duty: Listed[Word] | None = None


class CasesShape(Part):
    policy: Name | None = None
    offices: dict[Word, OfficeEntry] = Field(default_factory=dict)
    zones: dict[Word, ZoneEntry] = Field(default_factory=dict)
    officers: dict[Word, OfficerEntry] = Field(default_factory=dict)
    approvals: tuple[ApprovalEntry, ...] = ()
    own_days: Annotated[tuple[OwnDayEntry, ...], Field(max_length=MOST_ENTRIES)] = ()
    exemptions: tuple[ExemptionEntry, ...] = ()
    official_hosts: tuple[Word, ...] = ()
    cases: Annotated[tuple[CaseEntry, ...], Field(min_length=1, max_length=MOST_CASES)]


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Cases, sound in themselves. `policy` is the document whose rules are named without it."""

    file: str
    policy: str
    shape: CasesShape
    tree: Tree

    def __len__(self) -> int:
        return len(self.shape.cases)


@dataclass(frozen=True, slots=True)
class Result:
    """One case, tried. `failures` are sentences; none means that it holds."""

    file: str
    line: int | None
    name: str
    decision: Decision
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


def parse_cases(text: str, file: str, policy: str = "") -> CaseFile:
    """The cases of a file; `policy` is the document beside it. Raises `DocumentErrors`."""
    tree = read_yaml(text, file)
    if isinstance(tree.value, list):
        tree = tree.as_value_of("cases")
    shape = validated(CasesShape, tree)
    refuse(_unsound(shape, tree))
    return CaseFile(file, shape.policy or policy, shape, tree)


def _unsound(shape: CasesShape, tree: Tree) -> Iterator[DocumentError]:
    offices, zones = _offices(shape), _zones(shape)
    for name, zone in shape.zones.items():
        yield from _known(tree, ("zones", name, "office"), "office", zone.office, offices)
    for name, officer in shape.officers.items():
        yield from _known(tree, ("officers", name, "office"), "office", officer.office, offices)
    for number, approval in enumerate(shape.approvals):
        where: Steps = ("approvals", number)
        if (approval.officer is None) == (approval.group is None):
            yield tree.error(
                where, "an approval is given to an officer or to a group", "write one of `officer`, `group`"
            )
        elif approval.officer is not None:
            yield from _known(tree, (*where, "officer"), "officer", approval.officer, shape.officers)
    for number, entry in enumerate(shape.own_days):
        where = ("own_days", number)
        yield from _known(tree, (*where, "officer"), "officer", entry.officer, shape.officers)
        yield from _known(tree, (*where, "office"), "office", entry.office, offices)
    for number, exemption in enumerate(shape.exemptions):
        where = ("exemptions", number)
        if exemption.officer is not None and exemption.group is not None:
            yield tree.error(where, "an exemption is for an officer or for a group", "write one of `officer`, `group`")
        if not (exemption.officer or exemption.group or exemption.zone or exemption.platform):
            yield tree.error(where, "this exemption would be everybody's", "say who is exempt, or where")
        yield from _known(tree, (*where, "officer"), "officer", exemption.officer, shape.officers)
        yield from _known(tree, (*where, "zone"), "zone", exemption.zone, zones)
    seen: dict[str, int | None] = {}
    for number, case in enumerate(shape.cases):
        where = ("cases", number)
        line = tree.place((*where, "name")).line
        if case.name in seen:
            first = f"the first is on line {seen[case.name]}"
            yield tree.error((*where, "name"), f"two cases are called `{shown(case.name)}`", first)
        seen.setdefault(case.name, line)
        yield from _known(tree, (*where, "officer"), "officer", case.officer, shape.officers)
        yield from _known(tree, (*where, "zone"), "zone", case.zone, zones)
        for index, name in enumerate(case.on_duty or ()):
            if not name.startswith("group:"):
                yield from _known(tree, (*where, "on_duty", index), "officer", name, shape.officers)
        yield from _known(tree, (*where, "office"), "office", case.office, offices)
        if (case.act.text or case.act.earlier) and case.act.findings:
            yield tree.error(
                (*where, "act", "findings"),
                "a case has a text, which is checked, or findings that it supposes",
                "leave one of them out",
                key=True,
            )


def _known(tree: Tree, path: Steps, kind: str, name: str | None, names: Iterable[str]) -> Iterator[DocumentError]:
    if name is not None and name not in names:
        hint = one_of(names, name) if any(True for _ in names) else f"write it under `{kind}s`"
        yield tree.error(path, f"unknown {kind} `{shown(name)}`", hint)


def _offices(shape: CasesShape) -> dict[str, Office]:
    entries = {"hq": OfficeEntry(), **shape.offices}
    return {
        name: Office(name, entry.state, entry.timezone, entry.legal_regime, entry.pattern)
        for name, entry in entries.items()
    }


def _zones(shape: CasesShape) -> dict[str, Zone]:
    entries = {
        "office": ZoneEntry(office="hq"),
        "guest": ZoneEntry(office="hq", device=Device.PERSONAL),
        **shape.zones,
    }
    return {
        name: Zone(name, (ip_network("10.0.0.0/8"),), entry.office, entry.device) for name, entry in entries.items()
    }


# ---------------------------------------------------------------- trying them


def run_cases(file: CaseFile, world: World) -> tuple[Result, ...]:
    """Every case of the file, tried in the world's policy; raises `DocumentErrors` where one names no rule of it."""
    refuse(_strangers(file, world))
    trial = replace(
        world,
        offices=_offices(file.shape),
        zones=tuple(_zones(file.shape).values()),
        registers=_registers(file),
        official_hosts=frozenset(file.shape.official_hosts),
    )
    return tuple(_tried(number, case, file, trial) for number, case in enumerate(file.shape.cases))


def _rule_id(name: str, file: CaseFile) -> str:
    return name if "/" in name or not file.policy else f"{file.policy}/{name}"


def _strangers(file: CaseFile, world: World) -> Iterator[DocumentError]:
    of_file: list[tuple[Steps, str]] = [
        (("exemptions", number, "rule"), given.rule) for number, given in enumerate(file.shape.exemptions)
    ]
    for number, case in enumerate(file.shape.cases):
        expected = case.expect
        lists: Mapping[str, Sequence[str] | None] = {
            "rules": expected.rules,
            "matched": expected.matched,
            "observed": expected.observed,
            "exempt": expected.exempt,
            "released": expected.released,
            "absent": expected.absent,
        }
        named: list[tuple[Steps, str]] = [
            (("cases", number, "expect", key, index), name)
            for key, names in lists.items()
            for index, name in enumerate(names or ())
        ]
        named += [(("cases", number, "confirmed", index), name) for index, name in enumerate(case.confirmed or ())]
        for path, name in named + (of_file if number == 0 else []):
            rule = _rule_id(name, file)
            if rule not in world.policy.rules:
                near = get_close_matches(rule, world.policy.rules, n=1)
                hint = f"did you mean `{near[0]}`?" if near else None
                yield file.tree.error(path, f"no active policy has a rule `{shown(rule)}`", hint)


def _registers(file: CaseFile) -> Registers:
    shape = file.shape
    approvals: dict[str, tuple[Approval, ...]] = {}
    for number, entry in enumerate(shape.approvals):
        grantee = entry.officer or f"group:{entry.group}"
        approval = Approval(
            f"approval-{number + 1}",
            grantee,
            entry.purpose,
            "trial",
            "trial",
            entry.first,
            entry.last,
            entry.withdrawn,
            regimes_of(entry.conditions or ()),
        )
        approvals[grantee] = (*approvals.get(grantee, ()), approval)
    exemptions: dict[str, tuple[RegisteredExemption, ...]] = {}
    for number, given in enumerate(shape.exemptions):
        grantee = given.officer or (f"group:{given.group}" if given.group else "")
        key = grantee or (f"zone:{given.zone}" if given.zone else f"platform:{given.platform}")
        exemption = RegisteredExemption(
            f"exemption-{number + 1}",
            _rule_id(given.rule, file),
            "trial",
            "trial",
            "trial",
            given.first,
            given.last,
            grantee,
            given.zone or "",
            given.platform or "",
            given.withdrawn,
        )
        exemptions[key] = (*exemptions.get(key, ()), exemption)
    platforms = {case.act.platform for case in shape.cases}
    return Registers(
        officers={
            name: Officer(
                name,
                name,
                office=entry.office,
                service_group=entry.service_group,
                groups=frozenset(entry.groups or ()),
                pattern=entry.pattern,
            )
            for name, entry in shape.officers.items()
        },
        accounts={
            (platform, "@" + handle): standing for platform in platforms for standing, handle in _HANDLES.items()
        },
        approvals=approvals,
        own_days=by_officer(entry.value() for entry in shape.own_days),
        exemptions=exemptions,
    )


def _tried(number: int, case: CaseEntry, file: CaseFile, world: World) -> Result:
    activity, actor = _activity(case.act), _actor(case, world)
    if case.on_duty is not None:
        account = (case.act.platform, "@" + _HANDLES[Standing.OFFICIAL])
        terms = {account: AccountTerms(frozenset(case.on_duty))}
        world = replace(world, registers=replace(world.registers, terms=terms))
    releases = _releases(case, file, actor)
    decision = judge(activity, actor, world, case.at, NUMBER, releases)
    if case.act.findings is not None:
        decision = _supposing(decision, tuple(_findings(case.act.findings)), world, releases)
    place = file.tree.place(("cases", number, "name"))
    return Result(file.file, place.line, case.name, decision, tuple(_failures(case.expect, decision, file)))


def _activity(act: Act) -> Activity:
    handle = _HANDLES.get(act.account)
    activity = Activity(
        platform=act.platform,
        # As recognition has it: an unclaimed write with words in it is a post.
        kind=Kind.POST if act.activity is Kind.WRITE and act.text else act.activity,
        host=act.host or f"{act.platform}.example",
        signature="case",
        account=Account(handle=handle),
        texts=tuple(Text("text", value) for value in act.text),
        media=(Media(type="image/png"),) if act.media else (),
        audience=act.audience,
        target=act.target,
        unclaimed=act.unclaimed,
        gaps=tuple(Gap(reason) for reason in act.gap or ()),
    )
    return with_words(activity, act.earlier)


def _actor(case: CaseEntry, world: World) -> Actor:
    zones = {zone.name: zone for zone in world.zones}
    zone = zones[case.zone or "office"]
    officer = world.registers.officers[case.officer] if case.officer else None
    if case.office:
        zone = replace(zone, office=case.office)
        officer = replace(officer, office=case.office) if officer else None
    return Actor(zone, "10.0.0.1", officer)


def _releases(case: CaseEntry, file: CaseFile, actor: Actor) -> tuple[Release, ...]:
    if not case.confirmed:
        return ()
    return (
        Release(
            "confirmed",
            frozenset(_rule_id(name, file) for name in case.confirmed),
            case.act.platform,
            case.at + timedelta(minutes=10),
            officer=actor.officer.id if actor.officer else None,
            client=actor.client,
        ),
    )


def _supposing(
    decision: Decision, findings: tuple[Finding, ...], world: World, releases: Sequence[Release]
) -> Decision:
    """The decision as it would be if the checks had found this in the act."""
    facts, _ = facts_of(decision.activity, decision.actor, world, decision.moment, findings)
    matches = decide(world.policy, facts, releases)
    return replace(decision, findings=findings, matches=matches, effect=effect_of(matches), remedial=facts.remedial)


def _findings(entries: Sequence[FindingEntry]) -> Iterator[Finding]:
    for entry in entries:
        for _ in range(entry.count):
            yield Finding(entry.check, entry.category, entry.likelihood, 0, 0)


def _failures(expected: Expected, decision: Decision, file: CaseFile) -> Iterator[str]:
    def short(rules: Iterable[str]) -> str:
        own = f"{file.policy}/"
        return ", ".join(f"`{rule.removeprefix(own)}`" for rule in rules) or "none"

    if decision.effect is not expected.effect:
        deciding = short(match.rule for match in decision.decisive())
        yield f"expected the effect `{expected.effect}`, got `{decision.effect}` (by {deciding})"
    if expected.regime is not None and decision.hours.regime is not expected.regime:
        yield f"expected the regime `{expected.regime}`, got `{decision.hours.regime}` ({decision.hours.fact})"
    if expected.rules is not None:
        wanted = {_rule_id(name, file) for name in expected.rules}
        got = {match.rule for match in decision.decisive()}
        if wanted != got:
            yield f"expected it to be decided by {short(sorted(wanted))}, got {short(sorted(got))}"
    matches = {match.rule: match for match in decision.matches}
    for key, names in (
        ("matched", expected.matched),
        ("observed", expected.observed),
        ("exempt", expected.exempt),
        ("released", expected.released),
        ("absent", expected.absent),
    ):
        for name in names or ():
            state = _state(matches.get(_rule_id(name, file)))
            if not _meets(key, state):
                yield f"expected `{name}` to be {key}, got {state}"


def _state(match: Match | None) -> str:
    """A rule's part in a decision, in one word."""
    if match is None:
        return "absent"
    if match.exempted_by is not None:
        return "exempt"
    if match.released_by is not None:
        return "released"
    return "observed" if match.mode is Mode.OBSERVE else "in force"


def _meets(wanted: str, state: str) -> bool:
    return state != "absent" if wanted == "matched" else state == wanted
