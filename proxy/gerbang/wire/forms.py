"""Urlencoded forms and query strings, with names kept as they are written (`data[wp_autosave][content]`)."""

from urllib.parse import unquote_to_bytes

from gerbang.wire.charsets import text, wide
from gerbang.wire.values import Unreadable

FIELDS = 20_000
"""Fields that are read; a form with more is `unreadable`."""


def parse_query(query: str, charset: str | None = None) -> tuple[tuple[str, str], ...]:
    """
    >>> parse_query("a=1&b=dua+tiga&a=%C3%A9")
    (('a', '1'), ('b', 'dua tiga'), ('a', 'é'))
    """
    try:
        return parse_form(query.encode("utf-8", "surrogateescape"), charset)
    except Unreadable:
        return ()


def parse_form(body: bytes, charset: str | None = None) -> tuple[tuple[str, str], ...]:
    """Names and values in order. A `_charset_` field names the charset of the others, as HTML has it."""
    body = body.strip(b"\r\n\x00 \t")
    if not body:
        return ()
    if wide(charset):
        # Nobody sends a form so, and most servers take no notice of the word: read as both.
        read = parse_form(body)
        return read if b"\0" not in body else (*read, *parse_form(text(body, charset).encode("utf-8", "replace")))
    if body.count(b"&") > FIELDS:
        raise Unreadable("too many fields")
    raw: list[tuple[bytes, bytes]] = []
    for field in body.split(b"&"):
        if field:
            name, _, value = field.partition(b"=")
            raw.append((_unquoted(name), _unquoted(value)))
    declared = next((value for name, value in raw if name == b"_charset_"), None)
    if declared:
        charset = declared[:40].decode("ascii", "replace")
    if wide(charset):
        charset = None  # HTML has such a form sent as UTF-8
    return tuple((text(name, charset), text(value, charset)) for name, value in raw)


def _unquoted(value: bytes) -> bytes:
    if b"+" in value:
        value = value.replace(b"+", b" ")
    return unquote_to_bytes(value) if b"%" in value else value
