"""The pages of the gate's own host: why a decision was made, the question it asks, the officer's own decisions.

They are functions of what they show. Who may see them, and what a form does, is `gate/own_host.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Final

from gerbang.answers.notice import Notice
from gerbang.answers.paper import BASE_POLICY, page
from gerbang.answers.reasons import (
    Wording,
    advice,
    asks,
    clock_told,
    findings,
    gaps,
    hours_told,
    moment_told,
    reasons,
)
from gerbang.answers.words import Language, say, term
from gerbang.model import Decision, Effect, Reply

ASKING_TONES: Final = {"asked": "wait", "granted": "go", "refused": "stop", "changes": "wait", "expired": "stop"}
TONES: Final = {"forwarded": "go", "held": "wait", "answered": "stop"}
# Of the shipped documents' titles, those that capitals alone do not make.
PLATFORM_NAMES: Final = {
    "change-org": "Change.org",
    "discuz": "Discuz!",
    "invision": "Invision Community",
    "ipb": "Invision Power Board",
    "linkedin": "LinkedIn",
    "lowyat": "Lowyat.NET",
    "mybb": "MyBB",
    "phpbb": "phpBB",
    "tiktok": "TikTok",
    "vbulletin": "vBulletin",
    "whatsapp": "WhatsApp",
    "wordpress": "WordPress",
    "wordpress-com": "WordPress.com",
    "xenforo": "XenForo",
    "youtube": "YouTube",
}

LONGEST_ANSWER: Final = 1000  # characters
SHORTEST_ANSWER: Final = 8  # letters; enough for a purpose, too many for a full stop


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a decision: `done` as the record has it, `until` is the end of a hold's release, `ended` says that
    this has passed, `used_by` is the number of the act that took its single use."""

    done: str = "held"
    until: datetime | None = None
    ended: bool = False
    used_by: str | None = None
    objected: bool = False
    page: str | None = None
    asking: "Asking | None" = None


@dataclass(frozen=True, slots=True)
class Asking:
    """What an officer asked an approver: `state` (`asked granted refused changes expired`), when it was asked, until
    when an answer or a grant is good, and the approver's note. `number` is the decision that it was asked about."""

    number: str
    state: str
    when: datetime
    until: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an approver would get to read: words, or `why` there are none (`evidence official restarted`)."""

    words: tuple[str, ...] = ()
    cut: bool = False
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in and what was wrong with it, by ask."""

    token: str
    values: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """What every page of the host has: its language, the path to show it in the other, further headers."""

    language: Language
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    head_only: bool = False
    due: str | None = None
    """The version of the notice that the reader has still to acknowledge."""


def home_page(shown: Shown, notice: str) -> Reply:
    return _own("home", shown, 200, {"notice": notice})


def notice_page(
    shown: Shown, notice: Notice, token: str, *, back: str | None = None, required: bool = False, status: int = 200
) -> Reply:
    """The notice, with the form that acknowledges it where the reader has not. `back` is where that leads then."""
    values = {
        "told": notice.told(shown.language, say("own.notice.not-stated", shown.language)),
        "version": notice.version,
        "closed": not (notice.version and notice.authority),
        "token": token,
        "back": back or "",
        "required": required,
    }
    return _own("notice", shown, status, values)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request whose decision the gate has no more."""

    asking: Asking
    kind: str
    platform: str
    zone: tzinfo | None = None


def request_page(shown: Shown, row: RequestRow) -> Reply:
    """Where a request stands whose decision the gate has no more."""
    language = shown.language
    values = {
        "asking": _asking(row.asking, row.zone, language),
        "number": row.asking.number,
        "kind": term("kind", row.kind, language),
        "platform": platform_name(row.platform),
        "when": moment_told(row.asking.when.astimezone(row.zone), language),
    }
    return _own("request", shown, 200, values)


def _asking(asking: Asking, zone: tzinfo | None, language: Language) -> Mapping[str, str]:
    """A request in words."""
    until = moment_told(asking.until.astimezone(zone), language)
    return {
        "state": asking.state,
        "tag": say(f"own.asked.{asking.state}-tag", language),
        "told": say(f"own.asked.{asking.state}", language, until=until),
        "when": moment_told(asking.when.astimezone(zone), language),
        "note": asking.note,
        "number": asking.number,
        "tone": ASKING_TONES[asking.state],
    }


def mine_page(
    shown: Shown,
    decisions: Sequence[tuple[Decision, Standing]],
    requests: Sequence[RequestRow] = (),
    *,
    known: bool,
) -> Reply:
    """The decisions given, newest first, a line each. `known` says whether the reader is."""
    language = shown.language
    rows = [
        {
            "number": decision.number,
            "when": moment_told(decision.hours.local, language),
            "kind": term("kind", decision.activity.kind, language),
            "platform": platform_name(decision.activity.platform),
            "tag": _tag(decision, standing, language),
            "tone": _tone(standing),
        }
        for decision, standing in decisions
    ]
    rows += [
        {
            "number": row.asking.number,
            "when": moment_told(row.asking.when.astimezone(row.zone), language),
            "kind": term("kind", row.kind, language),
            "platform": platform_name(row.platform),
            "tag": say(f"own.asked.{row.asking.state}-tag", language),
            "tone": ASKING_TONES[row.asking.state],
        }
        for row in requests
    ]
    return _own("mine", shown, 200, {"rows": rows, "known": known})


def _tag(decision: Decision, standing: Standing, language: Language) -> str:
    if standing.asking is not None:
        state = "used" if standing.used_by else "ended" if standing.ended else standing.asking.state
        return say(f"own.asked.{state}-tag", language)
    if standing.used_by:
        return say("own.confirmed.used-tag", language)
    if standing.until is not None:
        until = clock_told(standing.until.astimezone(decision.hours.local.tzinfo), language)
        return say("own.confirmed.until-tag", language, until=until)
    return say("own.confirmed.ended-tag", language) if standing.ended else term("done", standing.done, language)


def _tone(standing: Standing) -> str:
    if standing.asking is not None and not standing.used_by:
        return "stop" if standing.ended else ASKING_TONES[standing.asking.state]
    return "go" if standing.used_by or standing.until is not None else TONES.get(standing.done, "stop")


def _heading(decision: Decision, standing: Standing, kind: str, language: Language) -> str:
    if standing.asking is not None:
        state = "used" if standing.used_by else "ended" if standing.ended else standing.asking.state
        return say(f"own.asked.{state}-heading", language, kind=kind)
    if standing.done == "held":
        if standing.used_by:
            return say("own.decision.used", language)
        if standing.until is not None:
            return say("own.decision.released", language)
        if standing.ended:
            return say("own.decision.ended", language)
    key = {"forwarded": "sent", "answered": "block"}.get(standing.done, decision.effect.value)
    return say(f"own.decision.{key}", language, kind=kind)


def decision_page(
    shown: Shown,
    decision: Decision,
    wording: Wording,
    standing: Standing,
    form: Form,
    minutes: int,
    *,
    visit: bool,
    preview: Preview | None = None,
    status: int = 200,
) -> Reply:
    """Why a decision was made, and where it holds, what it asks. `minutes` is how long a confirmation lasts.
    `preview` is given where an approval can be asked for here."""
    language = shown.language
    activity = decision.activity
    kind = term("kind", activity.kind, language)
    zone = decision.hours.local.tzinfo
    released = standing.until is not None
    open_ = standing.done == "held" and not (released or standing.ended or standing.used_by)
    heading = _heading(decision, standing, kind, language)
    every = reasons(decision.matches, decision.effect, decision.hours.regime, language, wording)
    values = {
        "decision": decision,
        "heading": heading[:1].upper() + heading[1:],
        "tag": _tag(decision, standing, language),
        "tone": _tone(standing),
        "when": moment_told(decision.hours.local, language),
        "kind": kind,
        "platform": platform_name(activity.platform),
        "account": term("standing", decision.standing, language),
        "handle": activity.account.handle,
        "hours": hours_told(decision.hours, language),
        "applying": [r for r in every if r.state == "in-force" and r.effect == decision.effect],
        "others": [r for r in every if r.state != "in-force" or r.effect != decision.effect],
        "findings": findings(decision.findings, language),
        "gaps": gaps(decision.gaps, language),
        "advice": advice(decision, language) if standing.done == "answered" or open_ else (),
        "asks": asks(decision, language) if decision.effect is Effect.COACH and open_ else (),
        "form": form,
        "standing": standing,
        "until": clock_told(standing.until.astimezone(zone), language) if standing.until else "",
        "visit": visit,
        "minutes": minutes,
        "known": decision.actor.officer is not None,
        "longest": LONGEST_ANSWER,
        "waits": decision.effect is Effect.APPROVE and standing.done == "held" and standing.asking is None and open_,
        "asking": _asking(standing.asking, zone, language) if standing.asking else None,
        "preview": preview,
        "objectable": standing.done != "forwarded",
    }
    return _own("decision", shown, status, values)


def opening_page(shown: Shown, path: str) -> Reply:
    """A step between a platform's page and ours.

    A strict cookie is not sent when a link of another site leads here; from this page it is.
    """
    return _own("opening", shown, 200, {"path": path})


def message_page(shown: Shown, status: int, key: str) -> Reply:
    """A title and a sentence: `own.KEY.title` and `own.KEY`."""
    return _own("message", shown, status, {"key": key})


def platform_name(platform: str) -> str:
    return PLATFORM_NAMES.get(platform, platform.replace("-", " ").title())


def _own(template: str, shown: Shown, status: int, values: Mapping[str, object]) -> Reply:
    return page(
        template,
        shown.language,
        status,
        {"here": shown.path, "due": shown.due} | dict(values),
        policy=OWN_POLICY,
        headers=(("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin"), *shown.headers),
        head_only=shown.head_only,
    )


# `form-action` also bounds where a form's answer may lead, and a confirmed visit is led back to its platform; which
# hosts that one then leads to is not ours to know. Nothing from outside is ever markup here, so no form can be planted.
OWN_POLICY: Final = f"{BASE_POLICY}; frame-ancestors 'none'; form-action 'self' https: http:"
