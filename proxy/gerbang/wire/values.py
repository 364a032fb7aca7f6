"""What a decoded body is made of.

A value is `None`, a truth value, a number, a text, a list, an object or an
attachment. An object is a `dict`, or `Pairs` where a name occurs twice: then every
value counts, for nobody knows which of them the server will take.
"""

import json
import re
from dataclasses import dataclass

DEPTH = 100
"""Levels of nesting that are read; deeper bodies are `unreadable`."""

TEXTS = 200
"""JSON texts, one after another, that are read of one answer."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """An object in which a name occurs more than once, in the order sent."""

    items: tuple[tuple[str, "Value"], ...]

    def get_all(self, name: str) -> list["Value"]:
        return [value for key, value in self.items if key == name]


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes that are an attachment, with what their envelope says of them."""

    data: bytes
    name: str | None = None
    type: str | None = None

    @property
    def words(self) -> str | None:
        """The bytes as text, where a server may take them for one: no file, of no type, and UTF-8."""
        if self.name is not None or self.type is not None:
            return None
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None


type Value = bool | int | float | str | list[Value] | dict[str, Value] | Pairs | Blob | None


class Unreadable(ValueError):
    """Bytes that are not what they should be; the message never holds content."""


# One string or one bracket at a time, so that brackets within strings are not counted. A string that never ends is
# taken to the end at once: tried again from each of its quotes it would take the square of its length.
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


def parse_json(source: bytes | str, *, camel: bool = False) -> Value:
    """JSON with duplicates kept, in UTF-8, 16 or 32 with or without a byte order mark.

    `camel`: names are taken as JSON of Protocol Buffers has them, where `video_id` and `videoId` are one (the mapping
    of proto3, seen 2026-11).

    >>> parse_json(b'{"a": 1, "a": [2]}')
    Pairs(items=(('a', 1), ('a', [2])))
    """
    text = source if isinstance(source, str) else _json_text(source)
    if text.count("[") + text.count("{") > DEPTH and _too_deep(text):
        raise Unreadable("nested too deeply")
    try:
        value: Value = (_CAMEL if camel else _DECODER).decode(text.strip("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    return value


def parse_json_texts(source: bytes) -> tuple[Value, ...]:
    """The JSON texts of an answer: one or several, one after another, behind what keeps other sites from running them.

    Facebook guards with `for (;;);` and streams objects, Google with `)]}'` and a length before each, Medium with
    `])}while(1);</x>` (2026-08).
    What stands behind text that is no JSON (an answer cut off) is left out.

    >>> parse_json_texts(b'for (;;);{"a": 1}\\n{"b": 2}'), parse_json_texts(b")]}'\\n\\n5\\n[3]x")
    (({'a': 1}, {'b': 2}), (5, [3]))
    """
    text = _json_text(source).strip("\ufeff \t\r\n")
    if guard := _GUARD.match(text):
        text = text[guard.end() :]
    if text.count("[") + text.count("{") > DEPTH and _too_deep(text):
        raise Unreadable("nested too deeply")
    values: list[Value] = []
    at = 0
    while at < len(text) and len(values) < TEXTS:
        try:
            value, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            if values:
                break
            raise Unreadable("not JSON") from error
        values.append(value)
        at = _BLANKS.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
    if not values:
        raise Unreadable("not JSON")
    return tuple(values)


def _json_text(source: bytes) -> str:
    try:
        return source.decode(json.detect_encoding(source), "replace")
    except (UnicodeError, LookupError) as error:
        raise Unreadable("not text") from error


def _too_deep(text: str) -> bool:
    depth = 0
    for mark in _MARKS.finditer(text):
        char = text[mark.start()]
        if char in "[{":
            depth += 1
            if depth > DEPTH:
                return True
        elif char in "]}":
            depth -= 1
    return False


def _object(items: list[tuple[str, Value]]) -> Value:
    single = dict(items)
    return single if len(single) == len(items) else Pairs(tuple(items))


def _camel(items: list[tuple[str, Value]]) -> Value:
    return _object([(_SNAKE.sub(_capital, name) if "_" in name else name, value) for name, value in items])


def _capital(match: re.Match[str]) -> str:
    return match[1].upper()


def _integer(digits: str) -> int | float:
    # Python refuses integers of more than 4300 digits with a ValueError; a long one is a number all the same.
    return int(digits) if len(digits) < 400 else float(digits)


_GUARD = re.compile(r"(?:\]\)\}while\(1\);</x>|for\s*\(;;\);|while\s*\(1\);|\)\]\}',?)\s*")
_BLANKS = re.compile(r"[\s,]*")
_SNAKE = re.compile(r"(?<=[A-Za-z0-9])_([a-z0-9])")
_CAMEL = json.JSONDecoder(object_pairs_hook=_camel, parse_int=_integer, strict=False)
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, strict=False)
