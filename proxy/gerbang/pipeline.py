"""The one path from an activity to its decision: explain, test, replay and enforcement all come through here."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from gerbang.checks.examine import MASKED, Checks, examine, mask
from gerbang.checks.normalise import NormalForms
from gerbang.model import (
    Account,
    Activity,
    Actor,
    Approval,
    Basis,
    Decision,
    Duty,
    Effect,
    Evidence,
    Finding,
    Gap,
    Hours,
    Kind,
    Likelihood,
    Match,
    Mode,
    Office,
    Regime,
    RegisteredExemption,
    Registers,
    Release,
    Standing,
    Text,
    Zone,
    in_term,
)
from gerbang.policy.calendar import Calendar
from gerbang.policy.conditions import Facts
from gerbang.policy.decide import REGISTER, decide, decide_early, effect_of
from gerbang.policy.document import Policy
from gerbang.policy.own_days import lay_out, own_hours
from gerbang.policy.protected import Protected
from gerbang.policy.targets import Targets
from gerbang.recognition.earlier import SENT_EARLIER
from gerbang.recognition.signature import Platforms

# What only the body can tell, by the policy's own words for it.
IN_THE_BODY = frozenset({"finding", "gap", "remedial", "audience", "target", "target_in", "media"})

# Characters of an activity's texts that are examined; the rest of a longer one is a gap.
EXAMINED = 256 << 10
# The field of a text that is an attachment's name.
MEDIA_NAME = "media.name"

CORRECTION = "correction"
CORRECTABLE = frozenset({Kind.COMMENT, Kind.EDIT})


@dataclass(frozen=True, slots=True)
class World:
    """All the data that a decision rests on, loaded whole; a change makes a new one.

    `key` keys the content digests. `official_hosts` are the agency's own sites.
    """

    platforms: Platforms
    policy: Policy
    calendar: Calendar
    checks: Checks
    registers: Registers
    offices: Mapping[str, Office]
    zones: tuple[Zone, ...]
    official_hosts: frozenset[str]
    protected: Protected
    key: bytes
    targets: Targets = field(default_factory=Targets)

    @property
    def basis(self) -> Basis:
        return Basis(
            self.policy.digest,
            self.platforms.digest,
            self.calendar.digest,
            self.checks.digest,
            self.targets.digest,
        )


def judge(
    activity: Activity,
    actor: Actor,
    world: World,
    moment: datetime,
    number: str,
    releases: Sequence[Release] = (),
) -> Decision:
    """What the policy says of an activity at a moment. `releases` may hold any; those not bound to it are ignored."""
    activity, texts = as_judged(activity)
    forms = NormalForms()
    findings = examine(texts, world.checks, forms)
    facts, hours = facts_of(activity, actor, world, moment, findings)
    digest = content_digest(activity, world.key, forms)
    bound = [release for release in releases if covers(release, activity, actor, moment, digest)]
    matches = decide(world.policy, facts, bound)
    return _decision(number, moment, facts, hours, activity, actor, matches, digest, world)


def judge_early(
    activity: Activity, actor: Actor, world: World, moment: datetime, number: str, *, awaits_body: bool
) -> Decision | None:
    """The decision where the request's headers are enough for it, and else `None`.

    `activity` is what the headers alone prove. With `awaits_body` only a block that no body could undo is given.
    """
    unknown = IN_THE_BODY if awaits_body else frozenset[str]()
    if activity.kind not in CORRECTABLE:
        unknown -= {"remedial"}
    if awaits_body and activity.account.id is None and activity.account.handle is None:
        unknown |= {"account", "account_duty"}
    activity, texts = as_judged(activity)
    findings = () if awaits_body else examine(texts, world.checks)
    facts, hours = facts_of(activity, actor, world, moment, findings, unknown)
    matches = decide_early(world.policy, facts)
    if matches is None:
        return None
    digest = content_digest(activity, world.key)
    return _decision(number, moment, facts, hours, activity, actor, matches, digest, world)


def as_judged(activity: Activity) -> tuple[Activity, Sequence[Text]]:
    """The activity with its attachments' names among its texts, and those texts as far as they are examined.

    Where they are longer than `EXAMINED` together, the longest are cut, so that none hides a short one, and the
    activity has the gap `too-large`.
    """
    names = [Text(MEDIA_NAME, media.name) for media in activity.media if media.name]
    if names and all(text.field != MEDIA_NAME for text in activity.texts):
        activity = replace(activity, texts=(*activity.texts, *names))
    texts = list(activity.texts)
    if sum(len(text.value) for text in texts) <= EXAMINED:
        return activity, texts
    left = EXAMINED
    for waiting, (number, text) in zip(
        range(len(texts), 0, -1), sorted(enumerate(texts), key=lambda numbered: len(numbered[1].value)), strict=True
    ):
        part = min(len(text.value), left // waiting)
        texts[number] = Text(text.field, text.value[:part])
        left -= part
    return replace(activity, gaps=(*activity.gaps, Gap("too-large", "text"))), texts


def facts_of(
    activity: Activity,
    actor: Actor,
    world: World,
    moment: datetime,
    findings: tuple[Finding, ...],
    unknown: frozenset[str] = frozenset(),
) -> tuple[Facts, Hours]:
    """Everything that a rule may ask about, and the calendar's answer whole."""
    officer = actor.officer
    office = office_of(actor, world)
    standing = standing_of(activity, world, moment)
    on_file = approvals_of(actor, world.registers, moment)
    hours = hours_of(actor, world, moment)
    return Facts(
        moment=hours.local,  # `between` asks for the date at the office
        kind=activity.kind,
        platform=activity.platform,
        standing=standing,
        regime=hours.regime,
        office=office.name,
        zone=actor.zone.name,
        device=actor.zone.device,
        legal_regime=office.legal_regime,
        officer=officer.id if officer else None,
        service_group=officer.service_group if officer else "",
        groups=officer.groups if officer else frozenset(),
        audience=activity.audience,
        target=activity.target,
        target_lists=world.targets.of(activity.platform, activity.target, hours.local.date()),
        findings=findings,
        gaps=activity.gaps,
        media=bool(activity.media),
        remedial=is_remedial(activity, findings),
        unclaimed=activity.unclaimed,
        approvals=frozenset(approval.purpose for approval in on_file if approval.counts_in(hours.regime)),
        unknown=unknown,
        resting=tuple(approval for approval in on_file if not approval.counts_in(hours.regime)),
        duty=duty_of(activity, actor, world, moment) if standing is Standing.OFFICIAL else None,
        exempt={one.rule: one.id for one in exemptions_of(activity, actor, world.registers, moment)},
    ), hours


def hours_of(actor: Actor, world: World, moment: datetime) -> Hours:
    """What time it is for whoever acts: by the officer's own days, else by the calendar of the office."""
    officer, office = actor.officer, office_of(actor, world)
    if officer is None:
        return world.calendar.hours(office, moment)
    if own := world.registers.own_days.get(officer.id):
        return own_hours(own, world.calendar, world.offices, office, officer.pattern, moment)
    return world.calendar.hours(office, moment, officer.pattern)


def laid_out(world: World) -> World:
    """A world whose officers' own days are made ready, here and not at anybody's first request."""
    lay_out(world.registers.own_days, world.registers.officers, world.calendar, world.offices)
    return world


def office_of(actor: Actor, world: World) -> Office:
    """The officer's office, and else the zone's."""
    if actor.officer and (office := world.offices.get(actor.officer.office)):
        return office
    return world.offices[actor.zone.office]


def standing_of(activity: Activity, world: World, moment: datetime) -> Standing:
    """Whose account acts: registered, on the agency's own site, a person's, or not to be told."""
    names = _account_names(activity.account)
    for name in names:
        if standing := _on_file(name, activity, world, moment):
            return standing
    if activity.host in world.official_hosts:
        return Standing.OFFICIAL
    return Standing.PERSONAL if names else Standing.UNKNOWN


def duty_of(activity: Activity, actor: Actor, world: World, moment: datetime) -> Duty:
    """Whether the officer is among those who act by the acting account, which is official. A line that does not hold
    at the moment lists nobody."""
    duty: frozenset[str] = frozenset()
    for name in _account_names(activity.account):
        terms = world.registers.terms.get((activity.platform, name.lower()))
        if terms and in_term(moment, terms.valid_from, terms.valid_to, terms.withdrawn):
            duty |= terms.duty
    if not duty:
        return Duty.NOBODY_LISTED
    return Duty.OFF_DUTY if duty.isdisjoint(_grantees(actor)) else Duty.ON_DUTY


def registered(activity: Activity, world: World, moment: datetime) -> Account:
    """The acting account, but for what the register does not list as the agency's.

    On the agency's own site every account is official; a person's sign-in name there is a person's all the same.
    """
    account = activity.account
    identity, handle = Account(account.id), Account(handle=account.handle)
    return Account(
        account.id if _is_listed(identity, activity, world, moment) else None,
        account.handle if _is_listed(handle, activity, world, moment) else None,
    )


def _is_listed(account: Account, activity: Activity, world: World, moment: datetime) -> bool:
    names = _account_names(account)
    return any(_on_file(name, activity, world, moment) is Standing.OFFICIAL for name in names)


def _account_names(account: Account) -> list[str]:
    """The names under which the register may list an account."""
    names = [account.id] if account.id else []
    if account.handle:
        names.append("@" + account.handle.removeprefix("@"))
    return names


def _on_file(name: str, activity: Activity, world: World, moment: datetime) -> Standing | None:
    key = (activity.platform, name.lower())
    standing = world.registers.accounts.get(key)
    if standing is None or (terms := world.registers.terms.get(key)) is None:
        return standing
    return standing if in_term(moment, terms.valid_from, terms.valid_to, terms.withdrawn) else None


def is_remedial(activity: Activity, findings: Sequence[Finding]) -> bool:
    """Whether this puts something right: a delete, or a comment, reply or edit that plainly corrects or withdraws."""
    if activity.kind is Kind.DELETE:
        return True
    return activity.kind in CORRECTABLE and any(
        finding.category == CORRECTION and finding.likelihood == Likelihood.CERTAIN for finding in findings
    )


def _grantees(actor: Actor) -> tuple[str, ...]:
    """By what a register may name the officer."""
    if actor.officer is None:
        return ()
    return (actor.officer.id, *(f"group:{group}" for group in sorted(actor.officer.groups)))


def approvals_of(actor: Actor, registers: Registers, moment: datetime) -> tuple[Approval, ...]:
    """The approvals on file for the officer, or for a group of hers, at that moment, whatever their conditions."""
    return tuple(
        approval
        for grantee in _grantees(actor)
        for approval in registers.approvals.get(grantee, ())
        if in_term(moment, approval.valid_from, approval.valid_to, approval.withdrawn)
    )


def exemptions_of(
    activity: Activity, actor: Actor, registers: Registers, moment: datetime
) -> tuple[RegisteredExemption, ...]:
    """The exemptions of the register that hold for this act; from which rules is theirs to say."""
    if not registers.exemptions:
        return ()
    grantees = _grantees(actor)
    return tuple(
        one
        for key in (*grantees, f"zone:{actor.zone.name}", f"platform:{activity.platform}")
        for one in registers.exemptions.get(key, ())
        if (not one.grantee or one.grantee in grantees)
        and one.zone in ("", actor.zone.name)
        and one.platform in ("", activity.platform)
        and in_term(moment, one.valid_from, one.valid_to, one.withdrawn)
    )


def content_digest(activity: Activity, key: bytes, forms: NormalForms | None = None) -> str:
    """What a release is bound to: what is said, with which attachments, as whom, to whom and in which post's place,
    whatever the spelling. A delete says nothing: which post it takes away is all that there is to bind to.

    Of more text than is examined the spelling counts too. What was sent earlier and not seen, an attachment or words,
    is known by its id only: sent anew, it is another. `forms` holds normal forms that are known already.
    """
    forms = NormalForms() if forms is None else forms
    parts = [activity.platform, activity.kind, account_key(activity), activity.target or ""]
    parts += [activity.audience or "", activity.changes or "", activity.site]
    spelled = sum(len(text.value) for text in activity.texts) > EXAMINED
    parts += sorted(text.value if spelled else forms[text.value].text for text in activity.texts)
    parts += sorted(f"digest {media.digest}" if media.digest else f"id {media.id or ''}" for media in activity.media)
    if activity.step and activity.step.uses and any(gap.reason == SENT_EARLIER for gap in activity.gaps):
        parts += (f"uses {identity}" for identity in activity.step.uses)
    sealed = bytearray()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        sealed += len(data).to_bytes(8, "big") + data
    return hmac.digest(key, sealed, "sha256").hex()


@dataclass(frozen=True, slots=True)
class Grounds:
    """All that a decision rests on but its moment and what was released: where it is the same, so is the decision.

    `digest` is the content's, `rules` are those that matched, each with the exemption that applied.
    """

    digest: str
    host: str
    audience: str | None
    gaps: tuple[Gap, ...]
    standing: Standing
    regime: Regime
    findings: frozenset[tuple[str, str, Likelihood]]
    rules: frozenset[tuple[str, Effect, Mode, str | None]]
    basis: Basis


def grounds(decision: Decision) -> Grounds:
    activity = decision.activity
    return Grounds(
        digest=decision.digest,
        host=activity.host,
        audience=activity.audience,
        gaps=activity.gaps,
        standing=decision.standing,
        regime=decision.hours.regime,
        findings=frozenset((found.check, found.category, found.likelihood) for found in decision.findings),
        rules=frozenset((match.rule, match.effect, match.mode, match.exempted_by) for match in decision.matches),
        basis=decision.basis,
    )


def account_key(activity: Activity) -> str:
    """The acting account in one word, for comparison only."""
    return activity.account.id or activity.account.handle or ""


def covers(release: Release, activity: Activity, actor: Actor, moment: datetime, digest: str) -> bool:
    """Whether a release is bound to this officer, activity and content, and still runs."""
    if moment >= release.expires or release.platform != activity.platform:
        return False
    officer = actor.officer.id if actor.officer else None
    if release.officer != officer:
        return False
    # A platform's request says no more of an unknown officer than this; the gate's own pages know the browser too.
    if officer is None and release.client != actor.client:
        return False
    if release.kind is not None and release.kind is not activity.kind and not _covers_use(release, activity):
        return False
    if release.account is not None and release.account != account_key(activity):
        return False
    return release.digest is None or hmac.compare_digest(release.digest, digest)


def _covers_use(release: Release, activity: Activity) -> bool:
    """Whether this is a visit's release, and the activity what cannot be held and may rest on it."""
    return activity.kind is Kind.USE and release.kind is Kind.VIEW and release.digest is None


def excerpts(decision: Decision) -> tuple[str, ...]:
    """One masked excerpt a finding, in order; none at all where a matching rule forbids keeping any.

    Whatever was found in a text is hidden in all of its excerpts: one person's number stands beside another's.
    """
    if decision.evidence == Evidence.NONE:
        return ()
    texts = [text.value for text in decision.activity.texts]
    hidden = list(texts)
    for finding in decision.findings:
        start, end, value = finding.start, finding.end, hidden[finding.text]
        hidden[finding.text] = value[:start] + MASKED * (end - start) + value[end:]
    return tuple(
        mask(hidden[f.text][: f.start] + texts[f.text][f.start : f.end] + hidden[f.text][f.end :], f.start, f.end)
        for f in decision.findings
    )


def _applied(
    matches: Sequence[Match], activity: Activity, actor: Actor, world: World, moment: datetime
) -> tuple[RegisteredExemption, ...]:
    """The exemptions of the register that took a rule away."""
    by = {match.exempted_by for match in matches if match.exempted_by and match.exempted_by.startswith(REGISTER)}
    if not by:
        return ()
    return tuple(one for one in exemptions_of(activity, actor, world.registers, moment) if f"{REGISTER}{one.id}" in by)


def _decision(
    number: str,
    moment: datetime,
    facts: Facts,
    hours: Hours,
    activity: Activity,
    actor: Actor,
    matches: tuple[Match, ...],
    digest: str,
    world: World,
) -> Decision:
    return Decision(
        number=number,
        moment=moment,
        activity=activity,
        actor=actor,
        standing=facts.standing,
        hours=hours,
        findings=facts.findings,
        matches=matches,
        effect=effect_of(matches),
        remedial=facts.remedial,
        digest=digest,
        basis=world.basis,
        registered=registered(activity, world, moment),
        approvals=approvals_of(actor, world.registers, moment),
        legal_regime=facts.legal_regime,
        target_lists=facts.target_lists,
        unknown=facts.unknown,
        exemptions=_applied(matches, activity, actor, world, moment),
        duty=facts.duty,
        exempt=facts.exempt or {},
    )
