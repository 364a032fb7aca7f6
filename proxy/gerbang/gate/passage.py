"""A flow of mitmproxy's as a `Request` of ours and back, and what the gate knows of it while it passes."""

from dataclasses import dataclass, field
from typing import Final

from mitmproxy import http
from mitmproxy.net.http import url

from gerbang.gate.targets import plain_host
from gerbang.model import Activity, Actor, Decision, Reply, Request
from gerbang.recognition.signature import Platforms
from gerbang.wire.streamed import Streamed

PASSAGE: Final = "gerbang.passage"
# How much of a platform's answer is kept for the outcome, in bytes.
ANSWER_KEPT: Final = 256 << 10


@dataclass(slots=True)
class Passage:
    """One request under way. `host` is the name by which it is judged; `settled` once it was, with
    the decisions by which it was `let_go`.

    `platforms` are those that were in force when it came; `kept` are drafts in it; `upload` digests a body on its way,
    `request` being the head that it came with. `opened` is the request itself, where it has opened a WebSocket.
    """

    actor: Actor
    host: str
    own_host: bool = False
    listed: bool = False
    settled: bool = False
    let_go: tuple[Decision, ...] = ()
    forwarded: tuple[Decision, ...] = ()
    platforms: Platforms | None = None
    kept: tuple[Activity, ...] = ()
    upload: Streamed | None = None
    request: Request | None = None
    answer: "Tee | None" = None
    opened: Request | None = None


@dataclass(slots=True)
class Tee:
    """Passes an answer on as it comes and keeps its beginning."""

    kept: bytearray = field(default_factory=bytearray)

    def __call__(self, data: bytes) -> bytes:
        if data and len(self.kept) < ANSWER_KEPT:
            self.kept += data[: ANSWER_KEPT - len(self.kept)]
        return data


def passage_of(flow: http.HTTPFlow) -> Passage | None:
    found = flow.metadata.get(PASSAGE)
    return found if isinstance(found, Passage) else None


def read_request(flow: http.HTTPFlow, host: str, *, body: bytes | None) -> Request:
    """The request as the platform would get it. HTTP/2 may split cookies over several fields; here they are one."""
    message = flow.request
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.headers.fields]
    cookies = [value for name, value in headers if name.lower() == "cookie"]
    if len(cookies) > 1:
        headers = [header for header in headers if header[0].lower() != "cookie"]
        headers.append(("Cookie", "; ".join(cookies)))
    return Request(
        method=message.method,
        host=host,
        target=message.data.path.decode("utf-8", "replace"),
        headers=tuple(headers),
        body=body,
        scheme=message.scheme or "https",
        port=message.port,
    )


def write_response(reply: Reply) -> http.Response:
    fields = [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in reply.headers]
    return http.Response.make(reply.status, reply.body, http.Headers(fields))


def named_host(flow: http.HTTPFlow) -> str | None:
    """The host that the request itself names (`Host`, `:authority`, an absolute target), `None` where it names none.

    Raises `ValueError` where it names two, so that nobody downstream may choose the other.
    """
    given = flow.request.headers.get_all("host")
    if flow.request.authority:
        given = [flow.request.authority, *given]
    names = {host_of(value) for value in given}
    if len(names) > 1:
        raise ValueError("the request names two hosts")
    return names.pop() if names else None


def host_of(authority: str) -> str:
    """`X.com:443` as `x.com`. Raises `ValueError`.

    >>> host_of("X.com.:443")
    'x.com'
    """
    host, _ = url.parse_authority(authority, check=True)
    return plain_host(host)
