"""Protobuf without a schema: the values of a field by its numbers, and the words that a message may hold.

Wire types as of protobuf.dev/programming-guides/encoding, seen 2026-11. Bytes do not say whether they are a text or
a message within: what is asked for by number is read as it is asked for, and words are looked for in both.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence

from gerbang.wire.values import Unreadable

FIELDS = 20_000
"""Fields of one message, those of the messages within it included, that are read; more are `unreadable`."""

DEPTH = 16
"""Messages within messages that are looked into for words."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_VARINT, _FIXED64, _BYTES, _OPEN, _CLOSE, _FIXED32 = range(6)
_WIDTHS = {_FIXED64: 8, _FIXED32: 4}


class _TooMany(Unreadable):
    pass


type Field = tuple[int, int | bytes]


def fields(data: bytes, budget: int = FIELDS) -> Iterator[Field]:
    """Number and value of each field: a whole number, or bytes. Groups are flat. Raises `Unreadable`.

    >>> [*fields(bytes.fromhex("0805120161"))]
    [(1, 5), (2, b'a')]
    """
    at = count = 0
    while at < len(data):
        if (count := count + 1) > budget:
            raise _TooMany("too many fields")
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if not number:
            raise Unreadable("not protobuf")
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
        elif kind == _BYTES or kind in _WIDTHS:
            size, at = _varint(data, at) if kind == _BYTES else (_WIDTHS[kind], at)
            if at + size > len(data):
                raise Unreadable("cut short")
            piece = data[at : at + size]
            at += size
            yield number, piece if kind == _BYTES else int.from_bytes(piece, "little")
        elif kind not in (_OPEN, _CLOSE):
            raise Unreadable("not protobuf")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    for position in range(at, min(at + 10, len(data))):
        byte = data[position]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, position + 1
        shift += 7
    raise Unreadable("cut short")


def find(data: bytes, path: Sequence[int]) -> tuple[int | bytes, ...]:
    """Every value at a path of field numbers, in the order sent. What is no message on the way has none.

    >>> find(bytes.fromhex("2a020801"), (5, 1))
    (1,)
    """
    found: list[int | bytes] = [data]
    for number in path:
        following: list[int | bytes] = []
        for value in found:
            if isinstance(value, bytes):
                try:
                    following += [inner for key, inner in fields(value) if key == number][:FIELDS]
                except Unreadable:
                    continue
        found = following
    return tuple(found)


def words(data: bytes) -> Iterator[tuple[str, str]]:
    """Path and text of every value that may be one. Raises `Unreadable`, also where it is nested more than `DEPTH`.

    >>> [*words(bytes.fromhex("0a060a0468616c6f"))]
    [('1.1', 'halo')]
    """
    budget = FIELDS
    stack: list[tuple[tuple[int, ...], bytes]] = [((), data)]
    while stack:
        path, piece = stack.pop()
        try:
            inner = [*fields(piece, budget)]
        except _TooMany:
            raise
        except Unreadable:
            if not path:
                raise
            continue  # a text, or bytes of some other kind
        if len(path) >= DEPTH and inner:
            raise Unreadable("nested too deeply")
        budget -= len(inner)
        within = [((*path, number), value) for number, value in inner if isinstance(value, bytes) and value]
        for place, value in within:
            if (text := as_words(value)) is not None:
                yield ".".join(map(str, place)), text
        stack += reversed(within)


def as_words(value: bytes) -> str | None:
    """Bytes as a text, or `None` where they are none: not UTF-8, or with characters that no text has."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROLS.search(text) else text


def from_base64(value: str) -> bytes:
    """Base64 in either alphabet, padded or not; nothing where it is none.

    >>> from_base64("EgttWTdrTHAyUXhfdw"), from_base64("CBYa-_8=")
    (b'\\x12\\x0bmY7kLp2Qx_w', b'\\x08\\x16\\x1a\\xfb\\xff')
    """
    plain = value.strip().rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
