"""multipart/form-data: parts to fields, files to attachments. Bounded in parts and in header bytes.

PHP reads a part otherwise than RFC 7578 has it (main/rfc1867.c, seen 2026-11): the last `name` counts, `name*` and
`filename*` are no words to it, only a `filename` makes a file, and parts behind the closing boundary are parts. A
part that two servers would take for two things is given as both.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gerbang.wire.charsets import text, wide
from gerbang.wire.values import Blob, Unreadable, Value

PARTS = 2_000
HEADER = 16 * 1024
"""Bytes of one part's headers."""

PARAMETERS = 100
"""Semicolons in the headers of one part; more are `unreadable`."""

BOUNDARIES = 8
"""Boundaries that one header may name."""

_BOUNDARY = re.compile(r'boundary[^=]{0,100}=(\s*"[^"]*"?|[^;,]*)', re.IGNORECASE)
# What stands between semicolons; a quoted piece that never ends goes to the end.
_PART = re.compile(r'(?:[^;"]++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z))*+', re.DOTALL)
_PHP_PART = re.compile(r"""(?:[^;"']++|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|'(?:[^'\\]++|\\.)*+(?:'|\\?\Z))*+""", re.DOTALL)
_QUOTED = {quote: re.compile(rf"(?:[^{quote}\\]++|\\.)*+", re.DOTALL) for quote in ("'", '"')}
_ESCAPED = {quote: re.compile(rf"\\([{quote}\\])") for quote in ("'", '"')}
_CONTROLS = bytes({*range(32)} - {*b"\t\n\r\f"}) + b"\x7f"


@dataclass(frozen=True, slots=True)
class Parts:
    """`left_over` says in a few words what stands in the body without being a field, if anything does."""

    fields: tuple[tuple[str, Value], ...]
    left_over: str = ""


def boundaries(header: str) -> tuple[str, ...]:
    """Each boundary that some server may take from a Content-Type: PHP takes the first word that ends so.

    >>> boundaries('multipart/form-data; xboundary=A; boundary="B"')
    ('A', 'B')
    """
    found: dict[str, None] = {}
    for match in _BOUNDARY.finditer(header[:2000]):
        plain = match[1].strip()
        # PHP keeps a blank within, others end there.
        for name in (plain.strip('"'), *(() if plain.startswith('"') else (match[1], *plain.split()[:1]))):
            if name:
                found[name] = None
    return tuple(found)[:BOUNDARIES]


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


def _split(header: str, part: re.Pattern[str] = _PART) -> list[str]:
    """At semicolons outside quotes, in one pass."""
    parts: list[str] = []
    at = 0
    while at <= len(header):
        match = part.match(header, at)
        end = match.end() if match else len(header)
        parts.append(header[at:end])
        at = end + 1
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


def parse_multipart(body: bytes, boundary: str, *, nameless: bool = False, charset: str | None = None) -> Parts:
    """Names with texts, or with attachments for parts that have a file name or a type that is no text.

    `nameless`: that a part has no name is nothing odd. `charset` is that of parts which say nothing of theirs.
    """
    if not boundary or len(boundary) > 200:
        raise Unreadable("no boundary")
    mark = b"--" + boundary.encode("latin-1", "replace")
    fields: list[tuple[str, Value]] = []
    left_over, closed, count = "", False, 0
    at = 0 if body.startswith(mark) else _next(body, mark, 0)
    if at < 0:
        raise Unreadable("no part")
    while at >= 0:
        start = at + len(mark)
        if body.startswith(b"--", start):
            closed = True
            at = _next(body, mark, start)
            if body[start + 2 : at if at >= 0 else None].strip(b"- \t\r\n\0"):
                left_over = "something follows the last part"
            continue
        if count >= PARTS:
            raise Unreadable("too many parts")
        count += 1
        if closed:
            left_over = "a part follows the last one"
        line = body.find(b"\n", start)
        if line < 0:
            if not fields:
                raise Unreadable("cut short")
            break
        at = _next(body, mark, line - 1 if body[line - 1 : line] == b"\r" else line)
        # A last part without its closing boundary is taken by PHP, so it is read here too.
        end = at if at >= 0 else len(body)
        try:
            found = [*_part(body, line + 1, end, charset)]
        except Unreadable:
            if not closed:
                raise
            continue  # said already
        for name, value in found:
            if name == "_charset_" and isinstance(value, str) and not wide(value[:40]):
                charset = value[:40]
            if not name and not nameless and (not isinstance(value, Blob) or value.data):
                left_over = left_over or "a part without a name"
        fields += found
    if not fields and not closed:
        raise Unreadable("cut short")
    return Parts(tuple(fields), left_over)


def _next(body: bytes, mark: bytes, start: int) -> int:
    """Where the next boundary's dashes begin; a boundary stands at the start of a line."""
    found = body.find(b"\n" + mark, max(start, 0))
    return found + 1 if found >= 0 else -1


def _part(body: bytes, start: int, end: int, charset: str | None) -> Iterator[tuple[str, Value]]:
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
        if head.count(b";") > PARAMETERS:
            raise Unreadable("too many parameters")
    stop = end
    if stop > content and body[stop - 1 : stop] == b"\n" and stop < len(body):
        stop -= 2 if body[stop - 2 : stop - 1] == b"\r" and stop - 2 >= content else 1
    data = body[content : max(stop, content)]
    headers = _headers(head)
    disposition = headers.get("content-disposition", "")
    _, told = parameters(disposition)
    php_names, php_file = _as_php(disposition)
    names = dict.fromkeys(name for name in (told.get("name"), *php_names) if name)
    kind, options = parameters(headers.get("content-type", ""))
    file_name = told.get("filename")
    for value in _values(data, kind, options.get("charset") or charset, file_name, php_file=php_file):
        for name in names or ("",):
            if names or value:
                yield name, value


def _values(data: bytes, kind: str, charset: str | None, file_name: str | None, *, php_file: bool) -> Iterator[Value]:
    """What a part is to those who go by its type, and to those who go by its file name alone."""
    worded = not kind or kind.startswith("text/") or kind == "application/json"
    if not php_file and (worded or file_name is not None or not is_binary(data)):
        yield text(data, charset)
        if wide(charset) and b"\0" in data:
            yield text(data)
    if php_file or file_name is not None or not worded:
        yield Blob(data, file_name or None, kind or None)


def is_binary(data: bytes) -> bool:
    """Whether control characters are more than one in fifty, which no text has and no compressed picture lacks."""
    return len(data) - len(data.translate(None, _CONTROLS)) > len(data) // 50


def _as_php(disposition: str) -> tuple[list[str], bool]:
    """The names that PHP and lenient readers find in a Content-Disposition, and whether PHP sees a file name."""
    names: list[str] = []
    is_file = False
    for part in _split(disposition, _PHP_PART):
        key, equals, value = part.partition("=")
        if equals and key.strip().lower() == "name":
            value = value.strip()
            if value[:1] in ("'", '"'):
                names.append(_until(value[1:], value[0]))
            names.append(_unquoted(value) if value[:1] != "'" else value)
        elif equals and key.strip().lower() == "filename":
            is_file = True
    return names, is_file


def _until(value: str, quote: str) -> str:
    """To the closing quote, with what is escaped within undone."""
    match = _QUOTED[quote].match(value)
    return _ESCAPED[quote].sub(r"\1", match.group() if match else "")


def _headers(head: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    last = ""
    for line in text(head).replace("\r\n", "\n").split("\n"):
        name, colon, value = line.partition(":")
        if colon and not line[:1].isspace():
            last = name.strip().lower()
            if last in found:
                last = ""
            else:
                found[last] = value.strip()
        elif last:
            # Folded, or a line that is none: PHP puts it to the one before.
            found[last] = f"{found[last]} {line.strip()}"
    return found
