"""multipart/form-data: parts to fields, files to attachments. Bounded in parts and in header bytes."""

from urllib.parse import unquote_to_bytes

from gerbang.wire.charsets import text
from gerbang.wire.values import Blob, Unreadable, Value

PARTS = 2_000
HEADER = 16 * 1024
"""Bytes of one part's headers."""


def parameters(header: str) -> tuple[str, dict[str, str]]:
    """A header's value and its parameters, names in lower case; RFC 2231 charsets and continuations undone.

    >>> parameters('form-data; name="gambar"; filename*=UTF-8\\'\\'laporan%20akhir.pdf')
    ('form-data', {'name': 'gambar', 'filename': 'laporan akhir.pdf'})
    >>> parameters('form-data; name*0="kom"; name*1=en')[1]
    {'name': 'komen'}
    """
    head, *rest = _split(header)
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for part in rest:
        name, _, value = part.partition("=")
        name, value = name.strip().lower(), _unquoted(value.strip())
        base, star, number = name.partition("*")
        if not star:
            plain.setdefault(base, value)
            continue
        number, extended, _ = number.partition("*")
        if number.isascii() and number.isdigit() and len(number) < 3:
            pieces.setdefault(base, {})[int(number)] = (value, bool(extended))
        elif not number:
            pieces.setdefault(base, {})[0] = (value, True)
    for base, found in pieces.items():
        plain[base] = _joined(found)
    return head.strip().lower(), plain


def _split(header: str) -> list[str]:
    """At semicolons outside quotes, in one pass."""
    parts: list[str] = []
    start, quoted, escaped = 0, False, False
    for at, char in enumerate(header):
        if escaped:
            escaped = False
        elif char == "\\" and quoted:
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == ";" and not quoted:
            parts.append(header[start:at])
            start = at + 1
    parts.append(header[start:])
    return parts


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] == '"':
        # Browsers percent-encode a quote and leave a backslash alone; older clients escape with it.
        return value[1:-1].replace('\\"', '"').replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")
    return value


def _joined(pieces: dict[int, tuple[str, bool]]) -> str:
    charset: str | None = None
    joined = bytearray()
    for number in sorted(pieces):
        value, extended = pieces[number]
        if extended and number == 0 and value.count("'") >= 2:
            charset, _, value = value.split("'", 2)
        data = value.encode("utf-8", "replace")
        joined += unquote_to_bytes(data) if extended else data
    return text(bytes(joined), charset)


def parse_multipart(body: bytes, boundary: str) -> tuple[tuple[str, Value], ...]:
    """Names with texts, or with attachments for parts that have a file name or a type that is no text."""
    if not boundary or len(boundary) > 200:
        raise Unreadable("no boundary")
    mark = b"--" + boundary.encode("latin-1", "replace")
    fields: list[tuple[str, Value]] = []
    charset: str | None = None
    at = 0 if body.startswith(mark) else _next(body, mark, 0)
    if at < 0:
        raise Unreadable("no part")
    while True:
        start = at + len(mark)
        if body.startswith(b"--", start):
            return tuple(fields)
        if len(fields) >= PARTS:
            raise Unreadable("too many parts")
        line = body.find(b"\n", start)
        if line < 0:
            raise Unreadable("cut short")
        at = _next(body, mark, line - 1 if body[line - 1 : line] == b"\r" else line)
        # A last part without its closing boundary is taken by PHP, so it is read here too.
        end = at if at >= 0 else len(body)
        name, value, own = _part(body, line + 1, end, charset)
        if name == "_charset_" and isinstance(value, str):
            charset = value[:40]
        if name is not None:
            fields.append((name, value))
        elif own:
            fields.append(("", value))
        if at < 0:
            if not fields:
                raise Unreadable("cut short")
            return tuple(fields)


def _next(body: bytes, mark: bytes, start: int) -> int:
    """Where the next boundary's dashes begin; a boundary stands at the start of a line."""
    found = body.find(b"\n" + mark, max(start, 0))
    return found + 1 if found >= 0 else -1


def _part(body: bytes, start: int, end: int, charset: str | None) -> tuple[str | None, Value, bool]:
    if body.startswith((b"\r\n", b"\n"), start):
        head, content = b"", start + (2 if body[start : start + 1] == b"\r" else 1)
    else:
        near = body[start : min(end, start + HEADER + 4)]
        gap, width = near.find(b"\r\n\r\n"), 4
        bare = near.find(b"\n\n")
        if bare >= 0 and (gap < 0 or bare < gap):
            gap, width = bare, 2
        if gap < 0:
            raise Unreadable("headers without an end")
        head, content = near[:gap], start + gap + width
    stop = end
    if stop > content and body[stop - 1 : stop] == b"\n" and stop < len(body):
        stop -= 2 if body[stop - 2 : stop - 1] == b"\r" and stop - 2 >= content else 1
    data = body[content : max(stop, content)]
    headers = _headers(head)
    _, disposition = parameters(headers.get("content-disposition", ""))
    kind, options = parameters(headers.get("content-type", ""))
    name = disposition.get("name")
    file_name = disposition.get("filename")
    if file_name is None and (not kind or kind.startswith("text/") or kind == "application/json"):
        return name, text(data, options.get("charset") or charset), False
    return name, Blob(data, file_name or None, kind or None), True


def _headers(head: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    unfolded = text(head).replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ")
    for line in unfolded.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found
