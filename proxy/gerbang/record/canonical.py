"""Canonical bytes: the one way in which a value of the record is written down.

JSON in ASCII, keys sorted, no spaces, whole numbers only. Hashes are of these bytes behind a
prefix that names what they are and the version of its format, so that no hash of one thing
can pass for a hash of another.

>>> canonical({"b": [True, None], "a": "é"})
b'{"a":"\\\\u00e9","b":[true,null]}'
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

type Json = str | int | bool | Sequence[Json] | Mapping[str, Json] | None

# Beyond 2**53 other readers of JSON (JavaScript, jq) lose digits without a word.
LARGEST = 2**53 - 1
DEEPEST = 64

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode


def canonical(value: Json) -> bytes:
    """The canonical bytes of `value`; TypeError for what has none (floats, bytes, other keys than
    strings), ValueError for a number beyond 2**53 or a value nested deeper than 64."""
    return _encode(_plain(value, DEEPEST)).encode("ascii")


def digest(what: str, *parts: bytes) -> str:
    """SHA-256 in hex of `parts` behind the prefix `gerbang.WHAT.v1` and a line feed."""
    return hashlib.sha256(b"".join((f"gerbang.{what}.v1\n".encode("ascii"), *parts))).hexdigest()


def _plain(value: object, depth: int) -> object:
    """`value` in JSON's own types; StrEnum and other subclasses of str are written as the string they are."""
    if isinstance(value, str) or value is None or value is True or value is False:
        return value
    if isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
            raise ValueError("a whole number beyond 2**53 has no canonical bytes")
        return value
    if depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST}")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("only strings can be keys in the record")
        return {key: _plain(part, depth - 1) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part, depth - 1) for part in value]
    raise TypeError(f"{type(value).__name__} has no canonical bytes")
