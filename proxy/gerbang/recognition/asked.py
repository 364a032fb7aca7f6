"""Whom a request is for: the platform of its host; on a site of which nobody said it, the software that it shows."""

from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from gerbang.model import Gap, Request
from gerbang.recognition.document import INERT_ROLES
from gerbang.recognition.matcher import UNTOLD, HostRole, Platform, Platforms
from gerbang.wire.message import Message

TOLD = 4
"""Software of which a request to one site may show markers and is still tried as each; of more it is `unreadable`."""


def role_of(request: Request, platforms: Platforms) -> tuple[HostRole | None, Request]:
    """The host's platform; a target in absolute form is cut to path and query, and may name the host."""
    host = request.host
    role = platforms.at(host) or platforms.at(host.lower().rstrip("."))
    if not request.target.startswith("/") and "://" in request.target[:12]:
        try:
            url = urlsplit(request.target)
            named = (url.hostname or "").rstrip(".")
        except ValueError:
            return role, request
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        asked = platforms.at(named)
        if asked is not None and (role is None or role.role in INERT_ROLES):
            role, host = asked, named
        request = replace(request, target=target, host=host)
    return role, request


def message_of(request: Request, platform: Platform, body: bytes | None) -> Message:
    document = platform.document
    return Message(
        request.method,
        request.target,
        request.headers,
        body,
        php=document.php,
        camel=document.camel,
        wrapped=document.wrapped,
        charset=document.charset,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """What may run on a host, and what a request is tried as beside because that is not certain."""

    roles: tuple[HostRole, ...]
    beside: tuple[HostRole, ...] = ()
    gaps: tuple[Gap, ...] = ()

    @property
    def tried(self) -> tuple[HostRole, ...]:
        return (*self.roles, *self.beside)


def told_of(request: Request, role: HostRole, platforms: Platforms) -> Told:
    """What is said of a host, and of a site of which nothing is, what its markers tell.

    Whoever sends a request can put a marker of other software into it, but for its path.
    """
    if role.platform != UNTOLD:
        return Told((role,))
    try:
        names, certain = platforms.presumed(Message(request.method, request.target, request.headers, request.body))
    except Exception:
        return Told((role,))  # a fault of ours: then nothing is told, and a write is one that no signature claims
    if len(names) > TOLD:
        return Told((role,), gaps=(Gap("unreadable", "markers of more software than one site runs"),))
    roles = tuple(replace(role, platform=name) for name in names)
    return Told(roles or (role,), () if certain or not roles else (role,))
