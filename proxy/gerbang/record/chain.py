"""The chain: how an event becomes a line, and what makes a line genuine.

A line of the journal is JSON with its members in a fixed order:

    {"v":1,"seq":7,"at":"...","kind":"decision","id":"...","prev":"...","side":[0,412],"body":{...},"hash":"..."}

`hash` is of every byte before it, `prev` is the `hash` of the line before. So each bit of a line
is either hashed or compared, and a changed, missing, doubled or moved line shows at its place.
`side` is where in the sidecar of the same name the event's private part stands: offset and
length in bytes, length 0 where it has none.
"""

import json
import re
from dataclasses import dataclass
from typing import cast

from gerbang.record.canonical import Json, digest

GENESIS = "0" * 64
# Longer lines are not written, and a reader does not take them into memory.
LONGEST_LINE = 8 * 1024 * 1024

_HEAD = re.compile(
    rb'\{"v":1,"seq":([1-9][0-9]{0,15}),"at":"([0-9T:.-]{26}Z)","kind":"([a-z-]{1,40})","id":"([0-9a-f]{24})",'
    rb'"prev":"([0-9a-f]{64})","side":\[(0|[1-9][0-9]{0,15}),(0|[1-9][0-9]{0,15})\],"body":'
)
_TAIL = re.compile(rb',"hash":"([0-9a-f]{64})"\}')
_TAIL_LENGTH = len(b',"hash":""}') + 64


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the chain, read and found to be whole in itself. `at` is UTC, to the microsecond."""

    seq: int
    at: str
    kind: str
    id: str
    prev: str
    side: tuple[int, int]
    hash: str
    raw_body: bytes

    @property
    def body(self) -> dict[str, Json]:
        return cast(dict[str, Json], json.loads(self.raw_body))


def write_line(
    seq: int, at: str, kind: str, event: str, prev: str, side: tuple[int, int], body: bytes
) -> tuple[bytes, str]:
    """The line without its line feed, and its hash. `body` is canonical bytes."""
    head = (
        f'{{"v":1,"seq":{seq},"at":"{at}","kind":"{kind}","id":"{event}","prev":"{prev}",'
        f'"side":[{side[0]},{side[1]}],"body":'
    ).encode("ascii")
    own = digest("line", head, body)
    return b'%b%b,"hash":"%b"}' % (head, body, own.encode("ascii")), own


def read_line(raw: bytes) -> Link:
    """The line that `raw` (without line feed) is; ValueError says what is wrong with it."""
    head = _HEAD.match(raw)
    tail = _TAIL.fullmatch(raw, len(raw) - _TAIL_LENGTH) if len(raw) > _TAIL_LENGTH else None
    if head is None or tail is None:
        raise ValueError("this is no line of a journal")
    own = tail.group(1).decode("ascii")
    if digest("line", raw[:-_TAIL_LENGTH]) != own:
        raise ValueError("the line was changed: its hash does not fit its bytes")
    seq, at, kind, event, prev, offset, length = (part.decode("ascii") for part in head.groups())
    return Link(int(seq), at, kind, event, prev, (int(offset), int(length)), own, raw[head.end() : -_TAIL_LENGTH])


def is_line(raw: bytes) -> bool:
    """Whether `raw` is a line, whole and unchanged."""
    try:
        read_line(raw)
    except ValueError:
        return False
    return True
