"""Plain values as YAML in the way documents here are written: short things on one line, long ones a line each."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 110
_BARE = re.compile(r"[A-Za-z/][\w./ -]*[\w/.-]|[A-Za-z]|\d{4}-\d{2}(-\d{2})?")
_TAKEN = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def scalar(value: object) -> str:
    """
    >>> scalar("Selamat pagi"), scalar("8841"), scalar(7), scalar("a: b"), scalar(None), scalar("/a/{b}")
    ('Selamat pagi', '"8841"', '7', '"a: b"', 'null', '"/a/{b}"')
    """
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _TAKEN:
        return value
    return json.dumps(value, ensure_ascii=isinstance(value, str) and not value.isprintable())


def flow(value: object) -> str:
    """
    >>> flow({"json": {"op": "reply", "ids": ["1", 2]}})
    '{json: {op: reply, ids: ["1", 2]}}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(one) for one in value) + "]"
    return scalar(value)


def block(value: Mapping[str, Any] | Sequence[Any], indent: int) -> str:
    """Lines, each with its line feed; a list's dashes stand at the indentation."""
    space = " " * indent
    if isinstance(value, Mapping):
        return "".join(f"{space}{scalar(key)}:{_below(one, indent, len(scalar(key)))}" for key, one in value.items())
    return "".join(_item(one, indent) for one in value)


def _below(value: object, indent: int, taken: int) -> str:
    if not isinstance(value, Mapping | list | tuple) or not value:
        return f" {flow(value)}\n"
    short = flow(value)
    if indent + taken + len(short) + 2 <= WIDTH and not _has_entries(value):
        return f" {short}\n"
    return "\n" + block(value, indent + 2)


def _item(value: object, indent: int) -> str:
    space = " " * indent
    short = flow(value)
    if not isinstance(value, Mapping | list | tuple) or (indent + len(short) + 2 <= WIDTH and not _entry(value)):
        return f"{space}- {short}\n"
    lines = block(value, indent + 2)
    return f"{space}- {lines[indent + 2 :]}"


def _entry(value: object) -> bool:
    """Whether this is a case or a signature, which people read line by line."""
    return isinstance(value, Mapping) and (("id" in value and "activity" in value) or "near" in value)


def _has_entries(value: object) -> bool:
    return isinstance(value, list | tuple) and any(_entry(one) for one in value)
