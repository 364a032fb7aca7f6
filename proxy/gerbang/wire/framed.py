"""Packets within a binary message of a WebSocket: MQTT's, and those of Meta's gateway.

MQTT as of its versions 3.1 and 3.1.1, sections 2 and 3, seen 2026-11: its packets need not end where messages do. The
gateway's frames as mautrix/meta writes them, seen 2026-08: a type, a stream, a length, and of data what to acknowledge.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal

from gerbang.wire.values import Unreadable

PACKETS: Final = 200
"""Packets of one message that are read; more are `unreadable`."""

type Framing = Literal["mqtt", "dgw"]

_PUBLISH = 3
_MQTT = {
    1: "connect",
    2: "connack",
    4: "puback",
    5: "pubrec",
    6: "pubrel",
    7: "pubcomp",
    8: "subscribe",
    9: "suback",
    10: "unsubscribe",
    11: "unsuback",
    12: "pingreq",
    13: "pingresp",
    14: "disconnect",
}
_FLAGS = {6: 2, 8: 2, 10: 2}
_PUBACK, _PUBREC = 0x40, 0x50
# What a client may have said beside what is refused, without waiting for an answer of the platform's.
_UNANSWERED = frozenset({"puback", "pubcomp", "ack", "ping", "pong"})

_DATA, _ACK = 13, 12
_ALONE = {9: "ping", 10: "pong"}
_STREAMED = {_ACK: "ack", _DATA: "data", 14: "end", 15: "open"}
_WANTS_ACK = 0x8000


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet. Only what is published has a `payload`, under a `topic`; `answer` acknowledges it to who sent it."""

    kind: str
    topic: str | None = None
    payload: bytes = b""
    answer: bytes = b""


def packets(framing: Framing, data: bytes) -> tuple[Packet, ...]:
    """The packets of a message that ends where the last of them does. Raises `Unreadable`.

    >>> [*packets("mqtt", bytes.fromhex("c000" "3206" "000161" "0007" "78"))]
    [Packet(kind='pingreq', topic=None, payload=b'', answer=b''), \
Packet(kind='publish', topic='a', payload=b'x', answer=b'@\\x02\\x00\\x07')]
    """
    found: list[Packet] = []
    for packet in _mqtt(data) if framing == "mqtt" else _dgw(data):
        if packet is None:
            raise Unreadable("cut short")
        if len(found) == PACKETS:
            raise Unreadable("too many packets")
        found.append(packet)
    return tuple(found)


def unfinished(framing: Framing, data: bytes) -> bool:
    """Whether the packet with which a message ends goes on in the next.

    >>> [unfinished("mqtt", bytes.fromhex(data)) for data in ("32", "3206000161", "c000", "7b22")]
    [True, True, False, False]
    """
    if framing != "mqtt":
        return False
    try:
        # Of more packets nothing is read whether they are whole or not, and this is asked again at each piece.
        return any(packet is None for packet in islice(_mqtt(data), PACKETS + 1))
    except Unreadable:
        return False


def acknowledged(framing: Framing, data: bytes) -> bytes | None:
    """What tells a client that what it published has arrived, `None` where it waits for more than that."""
    try:
        found = packets(framing, data)
    except Unreadable:
        return None
    if any(packet.kind not in _UNANSWERED for packet in found if packet.topic is None):
        return None
    return b"".join(packet.answer for packet in found)


def _mqtt(data: bytes) -> Iterator[Packet | None]:
    """Each packet, and `None` in the place of one that is not whole."""
    at = 0
    while at < len(data):
        kind, flags = data[at] >> 4, data[at] & 0x0F
        if kind == _PUBLISH:
            if flags & 6 == 6:
                raise Unreadable("not MQTT")
        elif kind not in _MQTT or flags != _FLAGS.get(kind, 0):
            raise Unreadable("not MQTT")
        size, start = _length(data, at + 1)
        if start is None or start + size > len(data):
            yield None
            return
        body = data[start : start + size]
        at = start + size
        yield _published(body, flags >> 1 & 3) if kind == _PUBLISH else Packet(_MQTT[kind])


def _length(data: bytes, at: int) -> tuple[int, int | None]:
    """The remaining length, and where it ends: `None` where it is not whole."""
    value = 0
    for place, byte in enumerate(data[at : at + 4]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    if len(data) >= at + 4:
        raise Unreadable("not MQTT")
    return value, None


def _published(body: bytes, quality: int) -> Packet:
    end = 2 + int.from_bytes(body[:2])
    number = body[end : end + 2] if quality else b""
    try:
        topic = body[2:end].decode("utf-8")
    except UnicodeDecodeError:
        topic = ""
    if not topic or len(body) < end + len(number) or (quality and len(number) < 2):
        raise Unreadable("not MQTT")
    answer = bytes((_PUBACK if quality == 1 else _PUBREC, 2)) + number if quality else b""
    return Packet("publish", topic, body[end + len(number) :], answer)


def _dgw(data: bytes) -> Iterator[Packet | None]:
    at = 0
    while at < len(data):
        kind = data[at]
        if kind in _ALONE:
            at += 1
            yield Packet(_ALONE[kind])
            continue
        if kind not in _STREAMED:
            raise Unreadable("not the gateway's")
        size = int.from_bytes(data[at + 3 : at + 6], "little")
        body, stream = data[at + 6 : at + 6 + size], data[at + 1 : at + 3]
        if at + 6 + size > len(data) or (kind == _DATA and size < 2):
            yield None
            return
        at += 6 + size
        if kind != _DATA:
            yield Packet(_STREAMED[kind])
            continue
        wanted = int.from_bytes(body[:2], "little")
        told = (wanted & ~_WANTS_ACK).to_bytes(2, "little")
        answer = bytes((_ACK,)) + stream + b"\2\0\0" + told if wanted & _WANTS_ACK else b""
        yield Packet("data", "data", body[2:], answer)
