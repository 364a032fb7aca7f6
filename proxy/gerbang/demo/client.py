"""A browser or app in the demo: requests through the proxy, signed in, trusting the gate's CA."""

import base64
import http.client
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

# How the standard library says what a proxy answered to CONNECT.
REFUSED = re.compile(r"Tunnel connection failed: (\d{3}) ")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def send(
    proxy: tuple[str, int],
    user: str,
    password: str,
    trusted: tuple[Path, ...],
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes = b"",
    source: str | None = None,
) -> Answer:
    """One request through the proxy. `trusted` are PEM files; raises `OSError` where there is no answer.

    Without a `user` nobody signs in. `source` is the address that it comes from; a refused CONNECT is its answer.
    """
    where = urlsplit(url)
    host, credentials = where.hostname or "", base64.b64encode(f"{user}:{password}".encode()).decode()
    sign_in = {"Proxy-Authorization": f"Basic {credentials}"} if user else {}
    own = (source, 0) if source else None
    connection: http.client.HTTPConnection
    if where.scheme == "https":
        context = ssl.create_default_context()
        for file in trusted:
            context.load_verify_locations(cafile=str(file))
        connection = http.client.HTTPSConnection(*proxy, timeout=20, context=context, source_address=own)
        connection.set_tunnel(host, where.port or 443, headers=sign_in)
        target, sent = where.path + (f"?{where.query}" if where.query else ""), dict(headers)
    else:
        connection = http.client.HTTPConnection(*proxy, timeout=20, source_address=own)
        target, sent = url, {**headers, **sign_in}
    try:
        try:
            connection.connect()
        except OSError as error:
            if refused := REFUSED.match(str(error)):
                return Answer(int(refused[1]), {}, b"")
            raise
        return _exchange(connection, method, target, body, sent)
    finally:
        connection.close()


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if body or method not in {"GET", "HEAD"}:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    # A refusal may come before the body is sent: what counts is the answer.
    with suppress(TimeoutError, BrokenPipeError, ConnectionResetError, ssl.SSLError):
        connection.send(body)
    response = connection.getresponse()
    return Answer(response.status, {key.lower(): value for key, value in response.getheaders()}, response.read())
