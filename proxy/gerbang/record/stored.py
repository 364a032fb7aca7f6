"""A decision's line of the journal as values again, for the pages that tell its whole reasoning."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from gerbang.model import (
    Account,
    Activity,
    Actor,
    Basis,
    Citation,
    Confidence,
    Decision,
    Device,
    Effect,
    Evidence,
    Finding,
    Gap,
    Hours,
    Kind,
    Likelihood,
    Match,
    Mode,
    Officer,
    Regime,
    Standing,
    Zone,
)
from gerbang.record.event import Done


class _Stored(BaseModel):
    # A newer gate may say more; what these pages do not know, they do not show.
    model_config = ConfigDict(extra="ignore", frozen=True)


class StoredHours(_Stored):
    regime: Regime
    local: AwareDatetime
    fact: str
    arguments: Mapping[str, str] = {}
    until: AwareDatetime | None = None


class StoredFinding(_Stored):
    check: str
    category: str
    likelihood: Likelihood
    text: int
    start: int
    end: int

    def value(self) -> Finding:
        return Finding(self.check, self.category, self.likelihood, self.start, self.end, self.text)


class StoredGap(_Stored):
    reason: str
    detail: str = ""

    def value(self) -> Gap:
        return Gap(self.reason, self.detail)


class StoredMatch(_Stored):
    rule: str
    effect: Effect
    mode: Mode
    clause: str
    law: str | None = None
    asks: tuple[str, ...] = ()
    evidence: Evidence = Evidence.MASKED
    release_for: int | None = None
    exempted_by: str | None = None
    released_by: str | None = None

    def value(self) -> Match:
        return Match(
            self.rule,
            self.effect,
            self.mode,
            Citation(self.clause, self.law),
            self.asks,
            self.evidence,
            self.release_for,
            self.exempted_by,
            self.released_by,
        )


class StoredBasis(_Stored):
    policy: str
    platforms: str
    calendar: str
    lexicons: str
    targets: str = ""

    def value(self) -> Basis:
        return Basis(self.policy, self.platforms, self.calendar, self.lexicons, self.targets)


class StoredDecision(_Stored):
    """A decision's line: the body of its event, as `record.event.decision_event` writes it."""

    number: str
    moment: AwareDatetime
    platform: str
    activity: Kind
    signature: str = ""
    confidence: Confidence = Confidence.CONFIRMED
    unclaimed: bool = False
    remedial: bool = False
    standing: Standing
    officer: str | None = None
    known_by: str | None = None
    service_group: str | None = None
    approvals: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    legal_regime: str = ""
    lists: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    zone: str
    office: str
    device: Device
    hours: StoredHours
    texts: int = 0
    belongs_to: tuple[str, ...] = ()
    sent_earlier: tuple[str, ...] = ()
    media: tuple[Mapping[str, Any], ...] = ()
    findings: tuple[StoredFinding, ...] = ()
    gaps: tuple[StoredGap, ...] = ()
    matches: tuple[StoredMatch, ...] = ()
    effect: Effect
    evidence: Evidence
    done: Done
    digest: str
    basis: StoredBasis

    def when(self) -> Hours:
        """The calendar's answer."""
        hours = self.hours
        return Hours(hours.regime, self.office, hours.local, hours.fact, hours.arguments, hours.until)

    def matched(self) -> tuple[Match, ...]:
        return tuple(match.value() for match in self.matches)

    def decision(self, officer: Officer, private: Mapping[str, Any]) -> Decision:
        """The decision as it was made on `officer`, but for its texts and media, which no record has.

        `private` may be empty: what was erased stays unknown.
        """
        account: Any = private.get("account") or {}
        activity = Activity(
            self.platform,
            self.activity,
            str(private.get("host") or ""),
            self.signature,
            self.confidence,
            Account(account.get("id"), account.get("handle")),
            audience=private.get("audience"),
            target=private.get("target"),
            changes=private.get("changes"),
            unclaimed=self.unclaimed,
            gaps=tuple(gap.value() for gap in self.gaps),
            belongs_to=self.belongs_to,
            sent_earlier=self.sent_earlier,
        )
        when = self.when()
        when = replace(when, arguments={**when.arguments, **(private.get("hours") or {})})
        zone = Zone(self.zone, (), self.office, self.device)
        return Decision(
            self.number,
            self.moment,
            activity,
            Actor(zone, str(private.get("client") or ""), officer, self.known_by or ""),
            self.standing,
            when,
            tuple(finding.value() for finding in self.findings),
            self.matched(),
            self.effect,
            self.remedial,
            self.digest,
            self.basis.value(),
            legal_regime=self.legal_regime,
            target_lists=frozenset(self.lists),
            unknown=frozenset(self.unread),
        )
