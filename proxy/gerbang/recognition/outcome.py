"""What a platform answered to an act that was let through."""

from collections.abc import Sequence
from dataclasses import dataclass

from gerbang.model import Activity
from gerbang.recognition.claims import all_ids, first
from gerbang.recognition.matcher import Platforms
from gerbang.wire.message import Message
from gerbang.wire.selectors import Found, parse_selector

RESPONSE = 2 * 1024 * 1024
"""Bytes of a response that are read for the new post's id."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the platform answered: `accepted` is `None` where its answer does not tell. By the ids of `gives`, later
    steps name what was sent."""

    status: int
    accepted: bool | None
    id: str | None = None
    url: str | None = None
    gives: tuple[str, ...] = ()


def outcome(
    activity: Activity, status: int, headers: Sequence[tuple[str, str]], body: bytes, platforms: Platforms
) -> Outcome:
    """What the response says of an activity that was let through. Never raises."""
    accepted: bool | None = True if 200 <= status < 400 else False if status >= 400 else None
    platform = platforms.platform(activity.platform)
    try:
        message = Message("GET", "/", tuple(headers), body, limit=RESPONSE, answer=True)
        sources = platform.outcomes.get(activity.signature) if platform else None
        identity = url = None
        gives: tuple[str, ...] = ()
        if sources is not None and accepted:
            identity = first(sources.id, message, {})
            link = sources.link.replace("{id}", identity) if sources.link and identity else None
            url = first(sources.url, message, {}) or link
            gives = all_ids(sources.gives, message, {})
        if accepted and identity is None and not gives and _errors(message):
            accepted = False
        return Outcome(status, accepted, identity, url, gives)
    except Exception:
        return Outcome(status, accepted)


_ERRORS = parse_selector("json.errors or json.error")


def _errors(message: Message) -> bool:
    """Whether a 200 brings errors, as GraphQL and others answer what they refused.

    Facebook was seen to name an error beside the post that it made (2026-08), so what has an id was made.
    """
    found: Found = _ERRORS.find(message, {})
    return any(bool(value) for value in found.values)
