"""The frozen values that flow from a request to its record.

Nothing here knows a clock, a file, a network, mitmproxy or a database. Every time is
an aware `datetime`; every sequence that leaves a function is a tuple.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Final


class Scale(StrEnum):
    """Words listed from weakest to strongest, which compare by their place in the list."""

    @property
    def rank(self) -> int:
        return type(self)._member_names_.index(self.name)

    def __lt__(self, other: str) -> bool:
        return self.rank < type(self)(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= type(self)(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > type(self)(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= type(self)(other).rank


class Effect(Scale):
    """What a rule does to an activity, weakest to strictest."""

    ALLOW = "allow"
    RECORD = "record"
    COACH = "coach"
    APPROVE = "approve"
    BLOCK = "block"


class Likelihood(Scale):
    """How sure a check is of what it found."""

    POSSIBLE = "possible"
    LIKELY = "likely"
    CERTAIN = "certain"


class Evidence(Scale):
    """How much of what was found may be kept, most to least: the strictest rule wins here too."""

    SEALED = "sealed"
    MASKED = "masked"
    NONE = "none"


class Mode(StrEnum):
    """Whether a rule acts, or only says in the record what it would have done."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class Kind(StrEnum):
    """What is done. The word for it in policies, records and pages is *activity*."""

    VIEW = "view"
    LOGIN = "login"
    POST = "post"
    COMMENT = "comment"
    SHARE = "share"
    MESSAGE = "message"
    UPLOAD = "upload"
    LIVE = "live"
    EDIT = "edit"
    DELETE = "delete"
    REACT = "react"
    FOLLOW = "follow"
    PROFILE = "profile"
    VOTE = "vote"
    USE = "use"
    WRITE = "write"


PUBLISHING = frozenset({Kind.POST, Kind.COMMENT, Kind.SHARE, Kind.UPLOAD, Kind.LIVE, Kind.EDIT})
PARTICIPATING = PUBLISHING | {Kind.MESSAGE, Kind.REACT, Kind.FOLLOW, Kind.PROFILE, Kind.DELETE, Kind.VOTE}


class Regime(StrEnum):
    """What time it is for an officer."""

    OFFICE_HOURS = "office-hours"
    BREAK = "break"
    FLEXIBLE = "flexible"
    OUTSIDE_HOURS = "outside-hours"
    REST_DAY = "rest-day"
    # The calendar has no data for this office or year; rules on office hours only observe.
    UNKNOWN = "unknown"


# When an approval may be limited to hold. Hours that are not known, or that may be either, are no such time.
OUTSIDE_OFFICE_HOURS: Final = "outside-office-hours"
OUTSIDE: Final = frozenset({Regime.BREAK, Regime.OUTSIDE_HOURS, Regime.REST_DAY})
CONDITIONS: Final = (OUTSIDE_OFFICE_HOURS, *(regime for regime in Regime if regime is not Regime.UNKNOWN))


def regimes_of(conditions: Iterable[str]) -> frozenset[Regime]:
    """The regimes that words of `CONDITIONS` stand for.

    >>> sorted(str(regime) for regime in regimes_of(["outside-office-hours"]))
    ['break', 'outside-hours', 'rest-day']
    """
    found: set[Regime] = set()
    for word in conditions:
        found |= OUTSIDE if word == OUTSIDE_OFFICE_HOURS else {Regime(word)}
    return frozenset(found)


class Device(StrEnum):
    MANAGED = "managed"
    PERSONAL = "personal"


class Standing(StrEnum):
    """Whose account acts: one of the agency's register, a person's, or one that could not be told."""

    OFFICIAL = "official"
    PERSONAL = "personal"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """What a signature rests on: seen and confirmed, or only reported."""

    CONFIRMED = "confirmed"
    REPORTED = "reported"


# ---------------------------------------------------------------- the request

DEFAULT_PORTS: Final = {"http": 80, "https": 443}
SOCKET: Final = "SOCKET"
"""The method of a request that stands for one message which a client sends on a WebSocket."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as the platform would get it, still encoded as it came.

    `host` is lower case without port, `target` is path and query as sent. `body` is `None`
    while it has not been read (or never will be), and `b""` when there is none.
    """

    method: str
    host: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = b""
    scheme: str = "https"
    port: int = 443

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def origin(self) -> str:
        """The origin that is asked, as a browser writes it: `https://x.com`, with the port where it is another."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if DEFAULT_PORTS.get(self.scheme) == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the gate answers in the platform's place."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


# ---------------------------------------------------------------- the activity


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be inspected. `reason` is one of a fixed few words (`too-large`, `unreadable`,
    `encrypted`, `unknown-encoding`, ...); `detail` is for the record and never holds content."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """Words a person wrote, and the field of the request in which they stood."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Media:
    """An attachment, by what the request tells of it. `digest` is SHA-256 in hex where bytes were seen."""

    id: str | None = None
    type: str | None = None
    name: str | None = None
    digest: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """The identity that acts on the platform, as far as the request names it."""

    id: str | None = None
    handle: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which page made a browser send a request: `site` is a word of `Sec-Fetch-Site`, `host` another site's page's."""

    site: str
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a write looked like that no signature claims, without what anybody wrote.

    `role` is the host's (`app`), `path` has `{}` for what may name somebody or something, `surface` and `name` are the
    surface and the operation where they could be told, `fields` the names of its fields, `texts` selectors of those
    that held a person's words.
    """

    role: str
    method: str
    path: str
    surface: str = ""
    name: str = ""
    fields: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    """A shape that was seen `count` times on a platform until `last`; `judged` where it was judged as a post."""

    platform: str
    shape: Shape
    count: int
    first: datetime
    last: datetime
    judged: bool


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one of a thing's paragraphs, the one `at` this place: `None` takes it away."""

    field: str
    at: int
    text: str | None
    inserted: bool = False
    """Whether it is put before the one at this place, and not in its stead."""


@dataclass(frozen=True, slots=True)
class Step:
    """An act's place among several that make one, by ids that the platform or the client gave.

    `belongs` are ids of the thing that this is a step of (an upload's part, its alternative text), `uses` ids of what
    was sent earlier and goes out with this, beside its media. `emptied` are fields of words that were given empty, so
    that what they held is gone. `whole`: these are all the words of the thing. `part` is the number of a file's part,
    `offset` how many of its bytes went before. `edits` change its paragraphs, one after another.
    """

    belongs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    whole: bool = False
    part: int | None = None
    offset: int | None = None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was sent under an id in earlier steps, so far as they told. `numbers` are their decisions', oldest first.

    `whole`: all of its words passed, not only some.
    """

    numbers: tuple[str, ...] = ()
    texts: tuple[Text, ...] = ()
    media: tuple[Media, ...] = ()
    gaps: tuple[Gap, ...] = ()
    whole: bool = False

    @property
    def seen(self) -> bool:
        """Whether nothing of it went out unseen: its words whole, or there are none, and its bytes by their digest."""
        return (self.whole or bool(self.media)) and all(media.digest for media in self.media)


@dataclass(frozen=True, slots=True)
class Activity:
    """One thing that a person is about to do on a platform.

    `target` is what it acts on or is addressed to (a post, a conversation, a user);
    `changes` the id of the person's own post that an edit or delete changes, or that a
    reply answers, so far as the request names it. `unclaimed` marks a write that no signature knows.
    `site` is the one of many whose ids these are, where the path names it.
    `belongs_to` and `sent_earlier` are numbers of the decisions on what it is a step of, and on what goes out with it.
    """

    platform: str
    kind: Kind
    host: str
    signature: str = ""
    confidence: Confidence = Confidence.CONFIRMED
    account: Account = Account()
    texts: tuple[Text, ...] = ()
    media: tuple[Media, ...] = ()
    audience: str | None = None
    target: str | None = None
    changes: str | None = None
    unclaimed: bool = False
    gaps: tuple[Gap, ...] = ()
    provenance: Provenance | None = None
    shape: Shape | None = None
    step: Step | None = None
    site: str = ""
    belongs_to: tuple[str, ...] = ()
    sent_earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The shape in which a platform's own page understands a refusal: `body` is a template in which `{message}`,
    `{number}` and `{status}` stand for a neutral sentence, the decision's number and the reply's status."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True, slots=True)
class SocketRefusal:
    """The message with which a platform's page learns on its socket that one of its own was refused.

    `message` is a template as in `Refusal.body`, in which `{id}` stands for what the refused one is known by.
    """

    message: str
    content_type: str
    id: str = ""


# ---------------------------------------------------------------- people and places


@dataclass(frozen=True, slots=True)
class Office:
    """A place of work: `state` is a calendar's code (`PJY`), `timezone` an IANA name,
    `legal_regime` names whose regulations are cited (`federal`)."""

    name: str
    state: str
    timezone: str = "Asia/Kuala_Lumpur"
    legal_regime: str = "federal"
    pattern: str = "flexi"


@dataclass(frozen=True, slots=True)
class Officer:
    """A person of the officers' register. `pattern` is `None` where the office's applies."""

    id: str
    name: str
    unit: str = ""
    office: str = ""
    service_group: str = ""
    groups: frozenset[str] = frozenset()
    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """A set of networks. `sign_in` are the ways by which people are known there (`htpasswd`, `ldap`, ...)."""

    name: str
    networks: tuple[IPv4Network | IPv6Network, ...]
    office: str
    device: Device = Device.MANAGED
    sign_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is at the other end: an officer, or nobody known in a zone.

    `client` is the client's address, to which an unknown officer's releases are bound. `known_by` is the way by which
    the officer is known (`htpasswd`, `ldap`, ...), empty where nobody is.
    """

    zone: Zone
    client: str
    officer: Officer | None = None
    known_by: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """A permission on file (kelulusan): `grantee` is an officer's id or `group:NAME`. `conditions` are the regimes in
    which alone it counts; none of them: at any time."""

    id: str
    grantee: str
    purpose: str
    authority: str
    reference: str
    valid_from: datetime
    valid_to: datetime | None = None
    withdrawn: datetime | None = None
    conditions: frozenset[Regime] = frozenset()

    def counts_in(self, regime: Regime) -> bool:
        """Whether its conditions hold. What time it is must be known for that."""
        return not self.conditions or regime in self.conditions


@dataclass(frozen=True, slots=True)
class RegisteredExemption:
    """An exemption from one rule (`document/rule`) on file, until a date: for an officer or `group:NAME` (`grantee`),
    a zone, a platform; where several are given, all must hold."""

    id: str
    rule: str
    reason: str
    authority: str
    reference: str
    valid_from: datetime
    valid_to: datetime
    grantee: str = ""
    zone: str = ""
    platform: str = ""
    withdrawn: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """From when to when an account stands in the register, and who acts by it: officers' ids and `group:NAME`.

    Where `duty` is empty, nobody is listed."""

    duty: frozenset[str] = frozenset()
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    withdrawn: datetime | None = None


def in_term(
    moment: datetime, valid_from: datetime | None, valid_to: datetime | None, withdrawn: datetime | None
) -> bool:
    """Whether something that begins, ends and is withdrawn at these times holds at that moment."""
    return (
        (valid_from is None or valid_from <= moment)
        and (valid_to is None or moment < valid_to)
        and (withdrawn is None or moment < withdrawn)
    )


class Duty(StrEnum):
    """Whether the acting officer is among those who act by the acting official account."""

    ON_DUTY = "on-duty"
    OFF_DUTY = "off-duty"
    NOBODY_LISTED = "nobody-listed"


class OwnKind(StrEnum):
    """What an officer's own entry says of her time."""

    LEAVE = "leave"
    HALF_DAY_LEAVE = "half-day-leave"
    ERRAND = "errand"
    DUTY = "duty"
    ELSEWHERE = "elsewhere"
    SHIFT = "shift"
    CLOCK_IN = "clock-in"
    CLOCK_OUT = "clock-out"


@dataclass(frozen=True, slots=True)
class OwnDay:
    """An entry of one officer's own time, start included, end excluded; a clock-in or clock-out has no end.

    A time without an offset is on the clock of the officer's office. `whole` tells that dates alone were given;
    `office` is the one whose calendar holds while she works elsewhere.
    """

    officer: str
    kind: OwnKind
    since: datetime
    until: datetime | None = None
    reference: str = ""
    by: str = ""
    office: str = ""
    whole: bool = False


@dataclass(slots=True)
class OwnDays:
    """All of one officer's entries. `made` is what `policy.own_days` made of them when they were first asked for."""

    entries: tuple[OwnDay, ...]
    made: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Registers:
    """What is on file, loaded whole: officers by id, the standing of accounts by platform and by
    id or `@handle` (both in lower case), approvals by grantee, own days by officer. `terms` are those of the
    accounts that have any. `exemptions` are by grantee, else by `zone:NAME`, else by `platform:NAME`. `digests` are of
    the files, by register.
    """

    officers: Mapping[str, Officer] = field(default_factory=dict)
    accounts: Mapping[tuple[str, str], Standing] = field(default_factory=dict)
    approvals: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)
    terms: Mapping[tuple[str, str], AccountTerms] = field(default_factory=dict)
    exemptions: Mapping[str, tuple[RegisteredExemption, ...]] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict, compare=False)
    own_days: Mapping[str, OwnDays] = field(default_factory=dict)


# ---------------------------------------------------------------- the decision


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a check saw: in text number `text` of the activity, characters `start` to `end`."""

    check: str
    category: str
    likelihood: Likelihood
    start: int
    end: int
    text: int = 0


@dataclass(frozen=True, slots=True)
class Hours:
    """The calendar's answer, with the fact that decided it.

    `fact` is a stable key with its arguments, such as `holiday` with the name of the day; `local` is the
    wall-clock time at the office. `until` is when the regime next changes, where that is known.
    """

    regime: Regime
    office: str
    local: datetime
    fact: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """What a clause answers to: its own number (`R3`) and the law it rests on under the officer's legal regime."""

    clause: str
    law: str | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that matched. `exempted_by` names what took it away again: the `unless` entry, the overriding rule
    (`override:RULE`) or the exemption on file (`register:ID`),
    `released_by` the release that satisfied it; where either stands, the rule has no effect. `covered_by` are other
    rules, whose release at the visit satisfies this one too; `approvers` those who may grant it, none for any."""

    rule: str
    effect: Effect
    mode: Mode
    citation: Citation
    asks: tuple[str, ...] = ()
    evidence: Evidence = Evidence.MASKED
    release_for: int | None = None
    exempted_by: str | None = None
    released_by: str | None = None
    covered_by: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    """The purposes of the approvals on file that `exempted_by` rests on."""
    approvers: tuple[str, ...] = ()

    @property
    def in_force(self) -> bool:
        return self.mode is Mode.ENFORCE and self.exempted_by is None and self.released_by is None


@dataclass(frozen=True, slots=True)
class Release:
    """A confirmation or grant, which satisfies the rules that it names.

    Bound to an officer (or to the address `client` where none is known), a platform and, unless it covers
    visits, to the activity, account and content. `digest` is `None` where the release covers all content.
    """

    id: str
    rules: frozenset[str]
    platform: str
    expires: datetime
    officer: str | None = None
    client: str | None = None
    kind: Kind | None = None
    account: str | None = None
    digest: str | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    single_use: bool = True
    granted: bool = False
    """Whether an approver gave it. What asks for an approval is satisfied by no other."""


@dataclass(frozen=True, slots=True)
class Basis:
    """Digests of the data that a decision rests on, so that it can be made again."""

    policy: str
    platforms: str
    calendar: str
    lexicons: str
    targets: str = ""
    """Of the lists of targets; empty where there are none, and of what was recorded before there were any."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One activity, judged. `effect` is the strictest of the matches in force.

    `registered` is the acting account so far as the register lists it as the agency's; `approvals` are those on file
    for the officer at that moment, which rules may have asked for, whether or not their conditions held; `exemptions`
    are those of the register that took a rule away.
    """

    number: str
    moment: datetime
    activity: Activity
    actor: Actor
    standing: Standing
    hours: Hours
    findings: tuple[Finding, ...]
    matches: tuple[Match, ...]
    effect: Effect
    remedial: bool
    digest: str
    basis: Basis
    registered: Account = Account()
    approvals: tuple[Approval, ...] = ()
    legal_regime: str = ""
    target_lists: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    """What was not known when the headers alone decided: the keys of a policy that the body answers."""
    exemptions: tuple[RegisteredExemption, ...] = ()
    duty: Duty | None = None
    """Whether the officer acts by the official account by duty; `None` for any other account."""
    exempt: Mapping[str, str] = field(default_factory=dict)
    """The exemptions of the register that held, by the rule that each is from, whether or not the rule matched."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self.activity.gaps

    @property
    def evidence(self) -> Evidence:
        """The least that any matching rule lets be kept, whether or not it was in force."""
        return max((match.evidence for match in self.matches), default=Evidence.MASKED)

    def decisive(self) -> Iterator[Match]:
        """The matches in force that have the decision's effect."""
        return (match for match in self.matches if match.in_force and match.effect == self.effect)
