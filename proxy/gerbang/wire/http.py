"""A request within a body, as `application/http` has it (RFC 9112, section 10.2)."""

import re
from dataclasses import dataclass

from gerbang.wire.multipart import HEADER

_LINE = re.compile(r"([A-Z]{1,20}) (\S+)(?: HTTP/\d(?:\.\d)?)?")


@dataclass(frozen=True, slots=True)
class Inner:
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def parse_request(data: bytes) -> Inner | None:
    """The request, or `None` where it is none, or its head has more than 16 KiB.

    >>> parse_request(b"PUT /a?b=1 HTTP/1.1\\r\\nAccept: x\\r\\n\\r\\nisi")
    Inner(method='PUT', target='/a?b=1', headers=(('Accept', 'x'),), body=b'isi')
    """
    data = data.lstrip(b"\r\n")
    head, body = data, b""
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    if ends:
        at, width = min(ends)
        head, body = data[:at], data[at + width :]
    if len(head) > HEADER:
        return None
    line, *lines = head.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    match = _LINE.fullmatch(line.strip())
    if match is None:
        return None
    pairs = (line.partition(":")[::2] for line in lines if ":" in line)
    return Inner(match[1], match[2], tuple((name.strip(), value.strip()) for name, value in pairs), body)
