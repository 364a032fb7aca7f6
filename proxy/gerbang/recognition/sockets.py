"""What a message on a socket stands for, and what its page wants to hear of it."""

from dataclasses import replace

from gerbang.model import SOCKET, Request, SocketRefusal
from gerbang.recognition.asked import message_of, role_of, told_of
from gerbang.recognition.matcher import Platforms
from gerbang.wire.framed import Framing, acknowledged, unfinished

# Of the request that opened a socket, what would say of a message what it holds.
_OF_A_BODY = ("content-", "transfer-encoding")
_CHOSEN = "sec-websocket-protocol"


def message_on(opened: Request, content: bytes | None, subprotocol: str | None) -> Request:
    """The request that stands for one message which a client sends on a socket.

    `opened` is the request that opened it, `subprotocol` what the platform chose of what it offers. `content` is
    `None` where the message is not read.
    """
    headers = [
        (name, value)
        for name, value in opened.headers
        if not name.lower().startswith(_OF_A_BODY) and name.lower() != _CHOSEN
    ]
    if subprotocol:
        headers.append((_CHOSEN, subprotocol))
    return replace(opened, method=SOCKET, headers=tuple(headers), body=content)


def socket_refusal(request: Request, platforms: Platforms) -> SocketRefusal | None:
    """With what the page on a socket understands that a message of its own was refused, where a document says so."""
    role, request = role_of(request, platforms)
    for told in told_of(request, role, platforms).roles if role else ():
        platform = platforms.platform(told.platform)
        if platform and (shape := platform.socket_refusal(message_of(request, platform, request.body), told.role)):
            return shape
    return None


def is_unfinished(request: Request, platforms: Platforms) -> bool:
    """Whether a message on a socket ends within a packet of the protocol spoken there, so that more belongs to it."""
    framing, data = _framing(request, platforms), request.body or b""
    return framing is not None and unfinished(framing, data)


def acknowledgement(request: Request, platforms: Platforms) -> bytes | None:
    """What a client wants to hear, by the protocol spoken on a socket, of a message that is dropped; `None` where
    nothing of the kind would leave it in order."""
    framing, data = _framing(request, platforms), request.body or b""
    return acknowledged(framing, data) if framing is not None else None


def _framing(request: Request, platforms: Platforms) -> Framing | None:
    role, request = role_of(request, platforms)
    for told in told_of(request, role, platforms).roles if role else ():
        platform = platforms.platform(told.platform)
        if platform and (framing := platform.framing(message_of(request, platform, None), told.role)):
            return framing
    return None
