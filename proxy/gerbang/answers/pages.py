"""The pages of the gate's own host: why a decision was made, the question it asks, the officer's own decisions.

They are functions of what they show. Who may see them, and what a form does, is `gate/own_host.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

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


def home_page(shown: Shown, notice: str) -> Reply:
    return _own("home", shown, 200, {"notice": notice})


def notice_page(shown: Shown, notice: str, authority: str) -> Reply:
    return _own("notice", shown, 200, {"notice": notice, "authority": authority})


def mine_page(shown: Shown, decisions: Sequence[tuple[Decision, Standing]], *, known: bool) -> Reply:
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
    return _own("mine", shown, 200, {"rows": rows, "known": known})


def _tag(decision: Decision, standing: Standing, language: Language) -> str:
    if standing.used_by:
        return say("own.confirmed.used-tag", language)
    if standing.until is not None:
        until = clock_told(standing.until.astimezone(decision.hours.local.tzinfo), language)
        return say("own.confirmed.until-tag", language, until=until)
    return say("own.confirmed.ended-tag", language) if standing.ended else term("done", standing.done, language)


def _tone(standing: Standing) -> str:
    return "go" if standing.used_by or standing.until is not None else TONES.get(standing.done, "stop")


def _heading(decision: Decision, standing: Standing, kind: str, language: Language) -> str:
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
    status: int = 200,
) -> Reply:
    """Why a decision was made, and where it holds, what it asks. `minutes` is how long a confirmation lasts."""
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
        "waits": decision.effect is Effect.APPROVE and open_,
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
        {"here": shown.path} | dict(values),
        policy=OWN_POLICY,
        headers=(("X-Frame-Options", "DENY"), ("Referrer-Policy", "same-origin"), *shown.headers),
        head_only=shown.head_only,
    )


# `form-action` also bounds where a form's answer may lead, and a confirmed visit is led back to its platform; which
# hosts that one then leads to is not ours to know. Nothing from outside is ever markup here, so no form can be planted.
OWN_POLICY: Final = f"{BASE_POLICY}; frame-ancestors 'none'; form-action 'self' https: http:"
