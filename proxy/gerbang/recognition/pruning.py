"""A recorded request cut down to what a case needs: nothing of other people's, no secret, no id that is somebody's."""

import base64
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any
from urllib.parse import quote
from xmlrpc.client import dumps

from gerbang.recognition.places import Leaf, field_place, member_place
from gerbang.wire.message import Message, members
from gerbang.wire.values import Blob, Value

FILE = "kandungan contoh"
SENTENCES = (
    "Ayat contoh yang pertama",
    "Ayat contoh yang kedua",
    "Ayat contoh yang ketiga",
    "Ayat contoh yang keempat",
)

_SIGNS = ("1234567890", string.ascii_lowercase, string.ascii_uppercase)

type Change = Callable[[Leaf], Any]
DROPPED = object()


@dataclass
class Invention:
    """Values that stand for those of the recording: the same always for the same, of the same look, and no other's."""

    _known: dict[str, str] = field(default_factory=dict)

    def id(self, value: str) -> str:
        """An id of the same shape. What is no letter and no digit stays.

        >>> Invention().id("8841-ab"), Invention().id("x")
        ('1234-fg', 'a')
        """
        if value not in self._known:
            shift = len(self._known)
            taken = {*self._known.values(), value}
            made = _shaped(value, shift)
            while made in taken and shift < 1000:
                shift += 1
                made = _shaped(value, shift)
            self._known[value] = made
        return self._known[value]

    def sentence(self, value: str) -> str:
        key = f"text {value}"
        if key not in self._known:
            number = sum(1 for known in self._known if known.startswith("text "))
            self._known[key] = SENTENCES[number % len(SENTENCES)]
        return self._known[key]


def _shaped(value: str, shift: int) -> str:
    made = (
        next((signs[(at + shift) % len(signs)] for signs in _SIGNS if char in signs), char)
        for at, char in enumerate(value)
    )
    return "".join(made)


def body_of(message: Message, change: Change) -> Mapping[str, Any]:
    """The keys of a case's request that make its body, of what `change` leaves of each value."""
    kind, _ = message.content_type
    if message.call is not None:
        params = [
            _pruned(value, f"xmlrpc.params[{number}]", message, change, keep=True)
            for number, value in enumerate(message.call.params)
        ]
        text = dumps(tuple(params), methodname=message.call.method or None, allow_none=True)
        return {"text": " ".join(text.split()), "headers": {"content-type": "text/xml"}}
    if message.protobuf is not None:
        data = b"".join(_encoded(at, value, change) for at, value in message.numbered)
        return {"base64": base64.b64encode(data).decode(), "headers": {"content-type": kind}}
    if kind.startswith("multipart/") and message.form:
        return {"parts": [part for name, value in message.form if (part := _part(name, value, message, change))]}
    if message.form and not message.json:
        pairs = [(name, _of_field(name, value, message, change)) for name, value in message.form]
        kept = [(name, _flat(value)) for name, value in pairs if value is not DROPPED]
        if message.wrapped is not None:
            inner = {name: value for name, value in pairs if value is not DROPPED}
            return {"form": {message.wrapped: f"SIGNATURE.{json.dumps(inner, ensure_ascii=False)}"}}
        return {"form": dict(kept) if len(dict(kept)) == len(kept) else [list(pair) for pair in kept]}
    if message.json:
        value = _pruned(message.json[0], "json", message, change)
        made = {} if value is DROPPED else value
        usual = message.on_socket or kind == "application/json"
        return {"json": made} if usual else {"json": made, "headers": {"content-type": message.header("content-type")}}
    if message.plain is not None:
        value = change(Leaf("body", message.plain))
        more = {} if message.on_socket else {"headers": {"content-type": kind or "text/plain"}}
        return {"text": "" if value is DROPPED else str(value), **more}
    return {}


def _part(name: str, value: Value, message: Message, change: Change) -> Mapping[str, Any] | None:
    if isinstance(value, Blob) and value.words is None:
        kind = value.type or "application/octet-stream"
        ending = kind.rpartition("/")[2].partition("+")[0]
        return {"name": name, "filename": f"fail.{ending}", "type": kind, "text": FILE}
    made = _of_field(name, value, message, change)
    return None if made is DROPPED else {"name": name, "text": _flat(made)}


def _of_field(name: str, value: Value, message: Message, change: Change) -> Any:
    return _pruned(value, field_place("form", name), message, change)


def _flat(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pruned(value: Value, place: str, message: Message, change: Change, *, keep: bool = False) -> Any:
    """What is left of a value; with `keep` something is, so that those behind it stay where they are."""
    if not place:
        return DROPPED
    nested = message.nested(value) if isinstance(value, str) else None
    inner = nested if nested is not None else value
    made: Any
    if isinstance(inner, list):
        listed = [_pruned(one, f"{place}[{number}]", message, change) for number, one in enumerate(inner)]
        made = [one for one in listed if one is not DROPPED]
        if not made:
            made = [] if keep else DROPPED
    elif named := [*members(inner)]:
        made = {}
        for name, one in named:
            left = _pruned(one, member_place(place, name), message, change)
            if left is not DROPPED:
                made[name] = left
        if not made:
            made = {} if keep else DROPPED
    else:
        made = change(Leaf(place, inner))
        if made is DROPPED and keep:
            made = "" if not isinstance(inner, int | float) else 1
    if nested is not None and made is not DROPPED:
        return json.dumps(made, ensure_ascii=False)
    return made


def _encoded(at: str, value: str, change: Change) -> bytes:
    made = change(Leaf(f"protobuf.{at}", value))
    if made is DROPPED:
        return b""
    data = str(made).encode()
    for number in reversed(at.split(".")):
        data = _varint(int(number) << 3 | 2) + _varint(len(data)) + data
    return data


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*made, number))


def rewritten(text: str, marker: str, chain: tuple[str, ...]) -> str:
    """The marker alone in the encoding of a text that holds it; the text itself where it holds nothing else."""
    made = marker
    for name in reversed(chain):
        if name == "html":
            made = f"<p>{escape(made, quote=False)}</p>" if "<" in text else escape(made, quote=False)
        elif name == "percent":
            made = quote(made, safe="")
        elif name == "base64":
            made = base64.b64encode(made.encode()).decode()
        elif name == "data":
            head = text.partition(",")[0]
            made = f"{head},{base64.b64encode(made.encode()).decode() if head.endswith(';base64') else quote(made)}"
        elif name.startswith("protobuf "):
            # Only this field: what stands beside it may be anything.
            made = base64.b64encode(_encoded(name.removeprefix("protobuf "), made, lambda leaf: leaf.value)).decode()
    return made
