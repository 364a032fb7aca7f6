"""What takes alerts, for tests: a mail server with STARTTLS and sign-in, a receiver of webhooks; both may misbehave."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any, cast, override

USER, PASSWORD = "gerbang", "kata-laluan-cubaan"


class _Quiet(ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


@dataclass
class MailServer:
    """`taken` are the mails, each with its recipients; `hostile` speaks instead of it where it is set."""

    port: int = 0
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    context: ssl.SSLContext | None = None
    at_once: bool = False
    refuses: str | None = None
    hostile: Callable[[socket.socket], None] | None = None


class _MailHandler(StreamRequestHandler):
    @override
    def handle(self) -> None:
        office: MailServer = self.server.office  # type: ignore[attr-defined]
        if office.hostile is not None:
            with suppress(OSError):
                office.hostile(self.request)
            return
        connection: socket.socket = self.request
        encrypted = signed_in = False
        if office.at_once and office.context:
            connection, encrypted = office.context.wrap_socket(connection, server_side=True), True
        lines = connection.makefile("rb")

        def say(text: str) -> None:
            connection.sendall(text.encode() + b"\r\n")

        say("220 mel.contoh.my")
        to: list[str] = []
        while line := lines.readline(2000):
            word, _, rest = line.decode().strip().partition(" ")
            match word.upper():
                case "EHLO":
                    more = "250-AUTH PLAIN LOGIN\r\n" if encrypted else ""
                    more += "250-STARTTLS\r\n" if office.context and not encrypted else ""
                    say(f"250-mel.contoh.my\r\n{more}250 8BITMIME")
                case "STARTTLS" if office.context:
                    say("220 go on")
                    connection, encrypted = office.context.wrap_socket(connection, server_side=True), True
                    lines = connection.makefile("rb")
                case "AUTH":
                    told = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
                    signed_in = told[1:] == [USER, PASSWORD]
                    say("235 in" if signed_in else f"535 no such user, you said {told}")
                case "RCPT":
                    to.append(rest.partition("<")[2].rstrip(">"))
                    say("250 yes" if office.refuses is None else office.refuses)
                case "DATA":
                    say("354 go on")
                    data = b""
                    while not data.endswith(b"\r\n.\r\n"):
                        data += lines.readline(2000)
                    mail = cast(
                        EmailMessage, message_from_bytes(data[:-3].replace(b"\r\n..", b"\r\n."), policy=default)
                    )
                    office.taken.append((to, mail))
                    office.signed_in.append(signed_in)
                    office.encrypted.append(encrypted)
                    to = []
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    return
                case _:
                    say("250 yes")


@contextmanager
def a_mail_server(pair: tuple[Path, Path] | None = None, port: int = 0, **more: Any) -> Iterator[MailServer]:
    """On loopback while the block runs."""
    office = MailServer(**more)
    if pair:
        office.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        office.context.load_cert_chain(*pair)
    with _Quiet(("127.0.0.1", port), _MailHandler) as server:
        server.office = office  # type: ignore[attr-defined]
        office.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield office
        server.shutdown()
        thread.join()


@dataclass
class Hook:
    """`taken` are the requests, each with its headers; `answer` gives the status and the headers of the next."""

    port: int = 0
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    hostile: Callable[[socket.socket], None] | None = None
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/rahsia-di-laluan"


class _HookHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        office: Hook = self.server.office  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        office.taken.append(({key.lower(): value for key, value in self.headers.items()}, body))
        if office.hostile is not None:
            with suppress(OSError):
                office.hostile(self.connection)
            return
        self.send_response(office.status)
        for key, value in office.headers.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class _QuietHttp(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    @override
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news here."""


@contextmanager
def a_hook(pair: tuple[Path, Path] | None = None, port: int = 0, **more: Any) -> Iterator[Hook]:
    """On loopback while the block runs."""
    office = Hook(**more)
    with _QuietHttp(("127.0.0.1", port), _HookHandler) as server:
        if pair:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            server.socket = context.wrap_socket(server.socket, server_side=True)
            office.scheme = "https"
        server.office = office  # type: ignore[attr-defined]
        office.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield office
        server.shutdown()
        thread.join()
