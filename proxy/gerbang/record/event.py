"""What happens, as the record keeps it: a chained part without names, and a private part.

The chained part can never be taken back, so it holds no name, text, account, address or
target; a salted commitment stands for each of them. The value and its salt stand in the
sidecar: while they are there, anybody can check them against the chain; once they are erased,
the commitment tells nothing.
"""

import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from gerbang.model import Account, Basis, Decision, Evidence, Match, Media, Officer, Release, Shape
from gerbang.record.canonical import Json, canonical, digest

type Done = Literal["forwarded", "answered", "held"]
type Answer = Literal["granted", "refused", "changes"]


# What attachments are on the platforms; any other type is `other` in the chain.
MEDIA_TYPES = frozenset(
    f"{group}/{name}"
    for group, names in {
        "image": "avif bmp gif heic heif jpeg jpg png svg+xml tiff webp",
        "video": "3gpp mp4 mpeg ogg quicktime webm x-matroska x-msvideo",
        "audio": "aac flac mp3 mp4 mpeg ogg wav webm x-m4a x-wav",
        "text": "calendar csv html plain vtt",
        "application": (
            "gzip json msword octet-stream ogg pdf rtf vnd.ms-excel vnd.ms-powerpoint xml zip"
            " vnd.openxmlformats-officedocument.wordprocessingml.document"
            " vnd.openxmlformats-officedocument.spreadsheetml.sheet"
            " vnd.openxmlformats-officedocument.presentationml.presentation"
        ),
    }.items()
    for name in names.split()
)
_ENDINGS = (
    "3gp avi bmp csv doc docx flac gif gz heic html jpeg jpg json m4a mkv mov mp3 mp4 odp ods odt ogg pdf png ppt pptx"
    " rar rtf svg tif tiff txt wav webm webp xls xlsx xml zip"
)
FILE_ENDINGS = frozenset(_ENDINGS.split())


class EventKind(StrEnum):
    DECISION = "decision"
    OUTCOME = "outcome"
    RELEASE = "release"
    POLICY_ACTIVATED = "policy-activated"
    POLICY_PLANNED = "policy-planned"
    REGISTER_CHANGED = "register-changed"
    OBJECTION = "objection"
    ASKED = "asked"
    ANSWERED = "answered"
    ACKNOWLEDGED = "acknowledged"
    UNCLAIMED = "unclaimed"
    LOOKED = "looked"
    ERASED = "erased"
    TOKEN_CHANGED = "token-changed"  # noqa: S105 (no secret: a word)
    START = "start"
    STOP = "stop"
    SEAL = "seal"
    DISCONTINUITY = "discontinuity"


@dataclass(frozen=True, slots=True)
class Part:
    """What an act left on the platform for later ones: the ids by which they name it, and its bytes so far.

    `place` is the site whose ids these are, empty where they are those of a whole platform.
    """

    ids: tuple[str, ...]
    digest: str | None = None
    size: int | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class RecordKeys:
    """What the making of an event needs beside the facts: the key behind pseudonyms, and a source
    of random bytes (`os.urandom`), given from outside so that this module stays a function."""

    pseudonym: bytes = field(repr=False)
    random: Callable[[int], bytes] = field(repr=False)

    @classmethod
    def made_of(cls, key: bytes, random: Callable[[int], bytes]) -> "RecordKeys":
        """The keys made of the installation's `key` (32 bytes or more), so that no two uses share one."""
        if len(key) < 32:
            raise ValueError("the installation's key needs 32 bytes")
        return cls(hashlib.sha256(b"gerbang.pseudonym-key.v1\n" + key).digest(), random)


@dataclass(frozen=True, slots=True)
class Event:
    """Something for the journal. `body` is chained; `sidecar` holds the private fields, each as
    `(salt, value)`, and every one of them has its commitment in `body["commitments"]`."""

    kind: EventKind
    body: Mapping[str, Json]
    sidecar: Mapping[str, tuple[str, Json]]
    id: str
    sidecar_bytes: bytes | None = field(default=None, repr=False)
    """The sidecar's line, canonical and without its line feed; `None` where nothing is private."""

    def body_bytes(self) -> bytes:
        return canonical(self.body)


def pseudonym(officer: str, keys: RecordKeys) -> str:
    """The officer's name in the chain: the same for the same id, and without the key nobody's."""
    return hmac.digest(
        keys.pseudonym, b"gerbang.officer.v1\n" + officer.encode(errors="surrogatepass"), "sha256"
    ).hex()[:32]


def commitment(event: str, name: str, salt: str, value: Json) -> str:
    """What stands in the chain for a private field."""
    return _commitment(event, name, salt, canonical(value))


def make_event(kind: EventKind, body: Mapping[str, Json], private: Mapping[str, Json], keys: RecordKeys) -> Event:
    """An event of `kind`; private fields that are `None` or empty are left out."""
    fields = {name: value for name, value in private.items() if value or isinstance(value, int)}
    random = keys.random(12 + 16 * len(fields))
    event = random[:12].hex()
    sidecar: dict[str, tuple[str, Json]] = {}
    commitments: dict[str, Json] = {}
    parts: list[bytes] = []
    for place, name in enumerate(sorted(fields)):
        salt = random[12 + 16 * place : 28 + 16 * place].hex()
        sidecar[name] = (salt, fields[name])
        # Each value is written once, for its commitment and for the sidecar.
        value = canonical(fields[name])
        commitments[name] = _commitment(event, name, salt, value)
        parts.append(b'"%b":["%b",%b]' % (name.encode("ascii"), salt.encode("ascii"), value))
    if not parts:
        return Event(kind, body, sidecar, event)
    line = b'{"fields":{%b},"id":"%b"}' % (b",".join(parts), event.encode("ascii"))
    return Event(kind, {**body, "commitments": commitments}, sidecar, event, line)


REFERENCE = "reference"


def _commitment(event: str, name: str, salt: str, value: bytes) -> str:
    return digest("commitment", f'["{event}","{name}","{salt}",'.encode("ascii"), value, b"]")


def decision_event(
    decision: Decision,
    done: Done,
    excerpts: Sequence[str],
    keys: RecordKeys,
    timings: Mapping[str, int] | None = None,
) -> Event:
    """The decision with its whole reasoning. `excerpts` are masked already, and are dropped where a rule
    that matched says `evidence: none`; `timings` are microseconds by step."""
    activity, actor, hours = decision.activity, decision.actor, decision.hours
    officer = actor.officer
    kept = decision.evidence is not Evidence.NONE
    body: dict[str, Json] = {
        "number": decision.number,
        "moment": utc(decision.moment),
        "platform": activity.platform,
        "activity": activity.kind,
        "signature": activity.signature,
        "confidence": activity.confidence,
        "unclaimed": activity.unclaimed,
        "remedial": decision.remedial,
        "standing": decision.standing,
        "account": _account(decision.registered),
        "officer": pseudonym(officer.id, keys) if officer else None,
        "known_by": actor.known_by or None,
        "service_group": officer.service_group if officer else None,
        "legal_regime": decision.legal_regime,
        "approvals": [approval.id for approval in decision.approvals],
        "purposes": sorted({one.purpose for one in decision.approvals if one.counts_in(hours.regime)}),
        "used": _used(decision),
        "lists": sorted(decision.target_lists),
        "unread": sorted(decision.unknown),
        "duty": decision.duty,
        "exempt": dict(decision.exempt),
        "resting": [one.id for one in decision.approvals if not one.counts_in(hours.regime)],
        "zone": actor.zone.name,
        "office": hours.office,
        "device": actor.zone.device,
        "hours": {
            "regime": hours.regime,
            "local": hours.local.isoformat(),
            "fact": hours.fact,
            "arguments": {key: value for key, value in hours.arguments.items() if key != REFERENCE},
            "until": utc(hours.until) if hours.until else None,
        },
        "provenance": activity.provenance.site if activity.provenance else None,
        "texts": len(activity.texts),
        "belongs_to": list(activity.belongs_to),
        "sent_earlier": list(activity.sent_earlier),
        "media": [{"type": _media_type(media.type), "size": media.size} for media in activity.media],
        "findings": [
            {
                "check": finding.check,
                "category": finding.category,
                "likelihood": finding.likelihood,
                "text": finding.text,
                "start": finding.start,
                "end": finding.end,
            }
            for finding in decision.findings
        ],
        "gaps": [{"reason": gap.reason, "detail": gap.detail} for gap in decision.gaps],
        "matches": [_match(match) for match in decision.matches],
        "effect": decision.effect,
        "evidence": decision.evidence,
        "done": done,
        "digest": decision.digest,
        "basis": _basis(decision.basis),
        "timings": dict(timings or {}),
    }
    private: dict[str, Json] = {
        "officer": _officer(officer) if officer else None,
        # What was on file, whatever the register says later.
        "approvals": [
            {
                "id": a.id,
                "purpose": a.purpose,
                "authority": a.authority,
                "reference": a.reference,
                "conditions": sorted(a.conditions),
            }
            for a in decision.approvals
        ],
        # A file on somebody's leave may have her name in its number.
        "hours": {REFERENCE: hours.arguments[REFERENCE]} if REFERENCE in hours.arguments else None,
        "exemptions": [
            {"id": e.id, "rule": e.rule, "reason": e.reason, "authority": e.authority, "reference": e.reference}
            for e in decision.exemptions
        ],
        "client": actor.client,
        # A host can be a person's name (NAME.wordpress.com), as an account is.
        "host": activity.host,
        "account": _account(activity.account),
        "audience": activity.audience,
        "target": activity.target,
        "changes": activity.changes,
        "provenance": activity.provenance.host if activity.provenance else None,
        # A file's name and plain digest tell what was in it.
        "media": [
            {"id": media.id, "name": _masked_name(media.name), "digest": media.digest} for media in activity.media
        ]
        if kept
        else None,
        "excerpts": list(excerpts) if kept else None,
        # Names of paths and fields only; but a path may be somebody's.
        "shape": _shape(activity.shape) if activity.shape else None,
    }
    return make_event(EventKind.DECISION, body, private, keys)


def _officer(officer: Officer) -> dict[str, Json]:
    """Groups stand here and not in the chain: a small one is as good as a name."""
    said: dict[str, Json] = {"id": officer.id, "name": officer.name, "unit": officer.unit}
    return said | {"groups": sorted(officer.groups)} if officer.groups else said


def _used(decision: Decision) -> list[str]:
    """The approvals that an exemption rested on."""
    purposes = {purpose for match in decision.matches for purpose in match.rests_on}
    regime = decision.hours.regime
    return [one.id for one in decision.approvals if one.purpose in purposes and one.counts_in(regime)]


def outcome_event(
    decision: Decision,
    status: int,
    accepted: bool | None,
    post: str | None,
    url: str | None,
    keys: RecordKeys,
    sent: Media | None = None,
    part: Part | None = None,
) -> Event:
    """What the platform answered to a forwarded act; `accepted` is `None` where the answer did not tell.

    `sent` is the body that was streamed without being kept, where there was one: its size, and its digest, which tells
    what was in it. `part` is what later acts may use by its ids. Platforms make an address, and some an id, of a post's
    title: with `evidence: none` only a plain number is kept.
    """
    kept = decision.evidence is not Evidence.NONE
    if not kept:
        post, url = post if post and post.isascii() and post.isdigit() else None, None
    told = sent.digest if sent and kept else None
    return make_event(
        EventKind.OUTCOME,
        {"number": decision.number, "status": status, "accepted": accepted, "sent": sent.size if sent else None},
        {"post": post, "url": url, "sent": told, "part": _used_later(part) if kept else None},
        keys,
    )


def _used_later(part: Part | None) -> Json:
    if part is None:
        return None
    return {"ids": list(part.ids), "digest": part.digest, "size": part.size, "place": part.place}


def release_event(release: Release, number: str | None, moment: datetime, keys: RecordKeys) -> Event:
    """A hold that was confirmed or granted; `number` is the decision that held."""
    body: dict[str, Json] = {
        "release": release.id,
        "number": number,
        "moment": utc(moment),
        "rules": sorted(release.rules),
        "platform": release.platform,
        "activity": release.kind,
        "expires": utc(release.expires),
        "single_use": release.single_use,
        "granted": release.granted,
        "officer": pseudonym(release.officer, keys) if release.officer else None,
        "digest": release.digest,
        "asked": sorted(release.answers),
    }
    private: dict[str, Json] = {
        "answers": dict(release.answers),
        "account": release.account,
        "client": release.client,
    }
    return make_event(EventKind.RELEASE, body, private, keys)


def policy_activated(
    basis: Basis,
    documents: Mapping[str, str],
    moment: datetime,
    keys: RecordKeys,
    checks: Mapping[str, tuple[str, str]] | None = None,
    lists: Collection[str] = (),
    change: Mapping[str, Json] | None = None,
    private: Mapping[str, Json] | None = None,
) -> Event:
    """The policy in force from `moment` on, whole: `documents` is the text of each by its name.

    `checks` are those that find for it, each with its category and the digest of its vocabulary, and `lists` the names
    of the lists of targets: what later shows which findings a decision could not have. `change` is what a person
    did, where one did: who put it into force, on whose proposal, in which policy's place; `private` are their names
    and words.
    """
    body: dict[str, Json] = {
        "moment": utc(moment),
        "basis": _basis(basis),
        "documents": dict(documents),
        "checks": {name: list(said) for name, said in (checks or {}).items()},
        "lists": sorted(lists),
        "change": dict(change) if change else None,
    }
    return make_event(EventKind.POLICY_ACTIVATED, body, private or {}, keys)


def policy_planned(
    step: str,
    policy: str,
    start: datetime | None,
    by: str,
    moment: datetime,
    keys: RecordKeys,
    *,
    documents: Mapping[str, str] | None = None,
    proposed_by: str | None = None,
    words: str | None = None,
) -> Event:
    """A step towards another policy: it was `proposed`, `scheduled` for the instant `start`, or `cancelled`.
    `documents` is its whole text, but for a cancellation."""
    body: dict[str, Json] = {
        "moment": utc(moment),
        "step": step,
        "policy": policy,
        "from": utc(start) if start else None,
        "documents": dict(documents or {}),
        "by": pseudonym(f"cli: {by}", keys),
        "proposed_by": pseudonym(f"cli: {proposed_by}", keys) if proposed_by else None,
    }
    return make_event(EventKind.POLICY_PLANNED, body, {"by": by, "proposed_by": proposed_by, "words": words}, keys)


# Who changes a register by hand, in an editor: nobody says.
BY_FILE = "file"
# A program of that token; no user of a system has a name with a colon in it.
BY_API = "token: "


def register_changed(
    register: str,
    change: str,
    counts: Mapping[str, int],
    by: str,
    moment: datetime,
    keys: RecordKeys,
    *,
    entry: str | None = None,
    private: Mapping[str, Json] | None = None,
) -> Event:
    """A register's file is another from `moment` on: what kind of change, and how many lines were `added`, `changed`
    and `removed`. `by` is whoever made it, `BY_FILE`, or `BY_API` with a token's name; `entry` is the id of the one
    line that it is about, where that names nobody. What the lines say is private, and so is the digest of a file,
    by which a guess at it could be proved."""
    body: dict[str, Json] = {
        "moment": utc(moment),
        "register": register,
        "change": change,
        "entry": entry,
        "added": counts.get("added"),
        "changed": counts.get("changed"),
        "removed": counts.get("removed"),
        "by": by if by == BY_FILE or by.startswith(BY_API) else pseudonym(f"cli: {by}", keys),
    }
    named: dict[str, Json] = {} if by == BY_FILE else {"by": by}
    return make_event(EventKind.REGISTER_CHANGED, body, {**named, **(private or {})}, keys)


def objection_event(number: str, officer: str | None, words: str, moment: datetime, keys: RecordKeys) -> Event:
    """The officer says that decision `number` was wrong, in their own words."""
    body: dict[str, Json] = {
        "number": number,
        "moment": utc(moment),
        "officer": pseudonym(officer, keys) if officer else None,
    }
    return make_event(EventKind.OBJECTION, body, {"words": words}, keys)


@dataclass(frozen=True, slots=True)
class Shown:
    """What an approver gets to read of an act, as its rules allow: `words` of its texts with what checks found hidden,
    `cut` where they go on. `why` says why there are none (`evidence`, `official`, `restarted`)."""

    words: tuple[str, ...] = ()
    cut: bool = False
    why: str | None = None


def asked_event(
    decision: Decision,
    approvers: Sequence[Sequence[str]],
    note: str,
    shown: Shown,
    expires: datetime,
    moment: datetime,
    keys: RecordKeys,
) -> Event:
    """The officer asks that what decision `number` held be let through. `approvers` are, for each rule that holds it,
    those who may; none named means any approver."""
    activity, officer = decision.activity, decision.actor.officer
    body: dict[str, Json] = {
        "number": decision.number,
        "moment": utc(moment),
        "expires": utc(expires),
        "officer": pseudonym(officer.id, keys) if officer else None,
        "platform": activity.platform,
        "activity": activity.kind,
        "rules": sorted(match.rule for match in decision.decisive()),
        "approvers": [list(each) for each in approvers],
        "digest": decision.digest,
        "texts": len(shown.words),
        "cut": shown.cut,
        "unseen": shown.why,
    }
    private: dict[str, Json] = {
        "officer": {"id": officer.id, "name": officer.name, "unit": officer.unit} if officer else None,
        "account": _account(activity.account),
        "audience": activity.audience,
        "target": activity.target,
        "client": decision.actor.client,
        "note": note,
        "words": list(shown.words),
    }
    return make_event(EventKind.ASKED, body, private, keys)


def answered_event(
    number: str,
    answer: Answer,
    approver: str,
    officer: str,
    note: str,
    release: Release | None,
    way: str,
    moment: datetime,
    keys: RecordKeys,
) -> Event:
    """An approver's answer to what was asked about decision `number`; `way` is where it was given (`api`, `cli`)."""
    body: dict[str, Json] = {
        "number": number,
        "moment": utc(moment),
        "answer": answer,
        # As readers are: no officer's id has a colon and a space.
        "approver": pseudonym(f"console: {approver}", keys),
        "officer": pseudonym(officer, keys),
        "release": release.id if release else None,
        "expires": utc(release.expires) if release else None,
        "way": way,
    }
    return make_event(EventKind.ANSWERED, body, {"approver": approver, "note": note}, keys)


def acknowledged_event(
    version: str, text: str, officer: Officer | None, client: str, moment: datetime, keys: RecordKeys
) -> Event:
    """An officer has read a version of the notice, whose words have the digest `text`."""
    body: dict[str, Json] = {
        "version": version,
        "text": text,
        "moment": utc(moment),
        "officer": pseudonym(officer.id, keys) if officer else None,
    }
    private: dict[str, Json] = {
        "officer": {"id": officer.id, "name": officer.name, "unit": officer.unit} if officer else None,
        "client": client,
    }
    return make_event(EventKind.ACKNOWLEDGED, body, private, keys)


def unclaimed_event(
    counted: Mapping[tuple[str, Shape], int], since: datetime, moment: datetime, keys: RecordKeys
) -> Event:
    """Writes that no signature claimed and no rule had an opinion on, by platform and shape: how often, never whose."""
    ordered = sorted(counted.items(), key=lambda entry: (entry[0][0], -entry[1], entry[0][1].path, entry[0][1].name))
    body: dict[str, Json] = {
        "since": utc(since),
        "moment": utc(moment),
        "platforms": [platform for (platform, _), _ in ordered],
        "counts": [count for _, count in ordered],
    }
    return make_event(EventKind.UNCLAIMED, body, {"shapes": [_shape(shape) for (_, shape), _ in ordered]}, keys)


def erased_event(
    number: str, events: Sequence[str], reader: str, reason: str, moment: datetime, keys: RecordKeys
) -> Event:
    """The private parts of `events`, which are about decision `number`, are taken away by a user of the system."""
    body: dict[str, Json] = {
        "number": number,
        "moment": utc(moment),
        "events": list(events),
        # No officer's id has a colon and a space: who erases is never taken for one.
        "reader": pseudonym(f"cli: {reader}", keys),
    }
    return make_event(EventKind.ERASED, body, {"reader": reader, "reason": reason}, keys)


def token_event(
    token: str,
    change: Literal["added", "revoked"],
    may: Sequence[str],
    until: datetime | None,
    reader: str,
    user: str | None,
    moment: datetime,
    keys: RecordKeys,
) -> Event:
    """A token of the API was made or ended by a user of the system; `user` is the account in whose name it acts."""
    body: dict[str, Json] = {
        "token": token,
        "change": change,
        "moment": utc(moment),
        "may": list(may),
        "until": utc(until) if until else None,
        # No officer's id has a colon and a space: who does it is never taken for one.
        "reader": pseudonym(f"cli: {reader}", keys),
    }
    return make_event(EventKind.TOKEN_CHANGED, body, {"reader": reader, "user": user}, keys)


def start_event(facts: Mapping[str, Json], keys: RecordKeys) -> Event:
    return make_event(EventKind.START, facts, {}, keys)


def stop_event(facts: Mapping[str, Json], keys: RecordKeys) -> Event:
    return make_event(EventKind.STOP, facts, {}, keys)


def seal_event(size: int, root: bytes, edge: Sequence[str], note: str, keys: RecordKeys) -> Event:
    """A signed checkpoint over the first `size` lines. `edge` lets a start go on from here."""
    body: dict[str, Json] = {"size": size, "root": root.hex(), "edge": list(edge), "note": note}
    return make_event(EventKind.SEAL, body, {}, keys)


def discontinuity_event(reason: str, facts: Mapping[str, Json], keys: RecordKeys) -> Event:
    """Something broke the even flow of the journal (`torn`, `write-failed`, `clock`), and how."""
    return make_event(EventKind.DISCONTINUITY, {"reason": reason, **facts}, {}, keys)


def utc(moment: datetime) -> str:
    """An aware time as the record writes it: `2026-11-24T01:02:03.000004Z`."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be recorded")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _account(account: Account) -> Json:
    return {"id": account.id, "handle": account.handle} if account.id or account.handle else None


def _media_type(stated: str | None) -> str | None:
    """What the sender calls an attachment, so far as it is one of the types that are known: else it could say
    anything, for ever."""
    if stated is None:
        return None
    plain = stated.partition(";")[0].strip().lower()
    return plain if plain in MEDIA_TYPES else "other"


def _masked_name(name: str | None) -> str | None:
    """A file's name of which its length and its ending, where that is a known one, are left."""
    if not name:
        return None
    stem, dot, ending = name.rpartition(".")
    if dot and ending.lower() in FILE_ENDINGS:
        return f"{'•' * len(stem)}.{ending.lower()}"
    return "•" * len(name)


def _match(match: Match) -> Json:
    return {
        "rule": match.rule,
        "effect": match.effect,
        "mode": match.mode,
        "clause": match.citation.clause,
        "law": match.citation.law,
        "asks": list(match.asks),
        "evidence": match.evidence,
        "release_for": match.release_for,
        "exempted_by": match.exempted_by,
        "released_by": match.released_by,
    }


def _basis(basis: Basis) -> Json:
    return {
        "policy": basis.policy,
        "platforms": basis.platforms,
        "calendar": basis.calendar,
        "lexicons": basis.lexicons,
        "targets": basis.targets,
    }


def _shape(shape: Shape) -> Json:
    return {
        "role": shape.role,
        "method": shape.method,
        "path": shape.path,
        "surface": shape.surface,
        "name": shape.name,
        "fields": list(shape.fields),
        "texts": list(shape.texts),
    }
