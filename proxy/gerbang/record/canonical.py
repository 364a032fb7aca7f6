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

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=dict).encode
_ATOMS = frozenset({str, bool, type(None)})


def canonical(value: Json) -> bytes:
    """The canonical bytes of `value`; TypeError for what has none (floats, bytes, other keys than
    strings), ValueError for a number beyond 2**53 or a value nested deeper than 64."""
    _check(value, DEEPEST)
    return _encode(value).encode("ascii")


def digest(what: str, *parts: bytes) -> str:
    """SHA-256 in hex of `parts` behind the prefix `gerbang.WHAT.v1` and a line feed."""
    return hashlib.sha256(b"".join((f"gerbang.{what}.v1\n".encode("ascii"), *parts))).hexdigest()


def _check(value: object, depth: int) -> None:
    """What JSON's own encoder would let pass or write in two ways. It writes a StrEnum as the string it is."""
    kind = type(value)
    if kind in _ATOMS or isinstance(value, str):
        return
    if isinstance(value, int):
        if not -LARGEST <= value <= LARGEST:
            raise ValueError("a whole number beyond 2**53 has no canonical bytes")
    elif depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST}")
    elif kind is dict or isinstance(value, Mapping):
        for key, part in value.items():  # type: ignore[attr-defined]  # a dict, or another Mapping
            if type(key) is not str and not isinstance(key, str):
                raise TypeError("only strings can be keys in the record")
            if type(part) not in _ATOMS and not isinstance(part, str):
                _check(part, depth - 1)
    elif kind is list or kind is tuple:
        for part in value:  # type: ignore[attr-defined]  # a list or a tuple
            if type(part) not in _ATOMS:
                _check(part, depth - 1)
    else:
        raise TypeError(f"{kind.__name__} has no canonical bytes")
