"""A real proxy for the gate's tests, real sockets to talk to it, and stand-ins for what lies upstream."""

import asyncio
import hashlib
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
from cryptography.hazmat.primitives import serialization

from gerbang.gate.addon import Gate
from gerbang.gate.authority import Authority, Root, create_intermediate, create_root
from gerbang.gate.bounds import Budget, Limits, Valve, Valves
from gerbang.gate.clock import TrialClock
from gerbang.gate.interception import GateLayers, GateTls
from gerbang.gate.master import GateMaster
from gerbang.gate.run import proxy_certificate_of
from gerbang.journal.keys import load_keys
from gerbang.journal.writer import Disk, Journal
from gerbang.loading import load_world
from gerbang.pipeline import World
from gerbang.record.event import RecordKeys
from gerbang.settings import GateSettings, Settings
from journal_builders import entries

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Trust:
    """A root with one intermediate for the named hosts, and the root as a file that clients trust."""

    root: Root
    authority: Authority
    file: Path


def a_trust(folder: Path, hosts: Sequence[str], name: str = "root") -> Trust:
    root = create_root("Trial", NOW)
    key, certificate = create_intermediate(root, "Trial", hosts, NOW)
    file = folder / f"{name}.pem"
    file.write_bytes(root.certificate.public_bytes(serialization.Encoding.PEM))
    return Trust(root, Authority(key, certificate, root.certificate), file)


def server_context(trust: Trust, host: str, folder: Path, alpn: Sequence[str] = ("http/1.1",)) -> ssl.SSLContext:
    """TLS for a stand-in that is `host`."""
    leaf = trust.authority.leaf(host)
    assert leaf is not None
    file = folder / f"{host}.pem"
    file.write_bytes(
        leaf.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + leaf.certificate.public_bytes(serialization.Encoding.PEM)
        + trust.authority.certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    context.set_alpn_protocols(list(alpn))
    return context


class Loop:
    """An event loop in a thread, so that tests can use plain blocking sockets."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()

    def call[T](self, work: Any, timeout: float = 20) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()


class Upstream:
    """A stand-in that counts what it gets and answers `ok`; over TLS where it has a context."""

    def __init__(
        self,
        tls: Any = None,
        answer: bytes = b"ok",
        headers: bytes = b"",
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.requests: list[bytes] = []
        self.bodies: list[bytes] = []
        self.answer, self.headers = answer, headers
        self.arrived_at: list[float] = []
        self._tls = tls
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.create_server(address, family=family)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while True:
                data = b""
                while b"\r\n\r\n" not in data:
                    more = connection.recv(65536)
                    if not more:
                        return
                    data += more
                head, _, body = data.partition(b"\r\n\r\n")
                self.arrived_at.append(time.monotonic())
                self.requests.append(head)
                digest = hashlib.sha256(body)
                length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
                count = len(body)
                while count < length:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    digest.update(piece)
                    count += len(piece)
                self.bodies.append(digest.digest())
                size = str(len(self.answer)).encode()
                # In one piece: two would wait for each other's acknowledgement.
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
                    + size
                    + b"\r\n"
                    + self.headers
                    + b"\r\n"
                    + self.answer
                )
        except OSError:
            pass

    def close(self) -> None:
        self._socket.close()


def nothing(_: Any) -> None:
    """Lets a flow pass."""


@dataclass
class Probe:
    """An addon that decides as a test wishes, in the gate's place; its valves count what was read."""

    valves: Valves = field(default_factory=Valves)
    headers: Callable[[Any], Any] = nothing
    body: Callable[[Any], Any] = nothing
    overflow: Callable[[Any], Any] = nothing
    connections: Any = None
    valve: Valve | None = None
    flows: list[Any] = field(default_factory=list)
    upstream: tuple[str, int] | None = None
    name: str = "probe"

    def client_connected(self, client: Any) -> None:
        self.valve = self.valves.fit(self.connections[client.id], client)

    def server_connect(self, data: Any) -> None:
        from gerbang.gate.stream import pin

        if self.upstream:
            pin(data.server, self.upstream)

    def server_connected(self, data: Any) -> None:
        self.valves.fit(self.connections[data.client.id], data.server)

    async def requestheaders(self, flow: Any) -> None:
        self.flows.append(flow)
        await _maybe(self.headers(flow))

    async def request(self, flow: Any) -> None:
        if flow.response is None:
            await _maybe(self.body(flow))

    async def body_too_large(self, flow: Any) -> None:
        await _maybe(self.overflow(flow))


async def _maybe(result: Any) -> None:
    if asyncio.iscoroutine(result):
        await result


@dataclass
class RunningProxy:
    address: tuple[str, int]
    probe: Probe
    limits: Limits
    master: GateMaster
    loop: Loop


@contextmanager
def a_proxy(
    probe: Probe,
    *,
    authority: Authority | None = None,
    limits: Limits | None = None,
    trusted: Path | None = None,
    listed: Callable[[str], bool] = lambda _: True,
) -> Iterator[RunningProxy]:
    """mitmproxy as the gate runs it, with the probe in the place of the gate's addon."""
    limits = limits or Limits(1 << 20, Budget(8 << 20))
    settings = GateSettings.model_validate({"listen": "127.0.0.1:0", "upstream": {"trusted_ca": trusted}})
    loop = Loop()

    async def start() -> tuple[GateMaster, tuple[str, int], asyncio.Task[None]]:
        master = GateMaster(settings, [probe], GateTls(authority), GateLayers(limits, probe.valves, listed))
        probe.connections = master.proxyserver.connections
        address: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(master.serve(address.set_result))
        await asyncio.wait([task, address], return_when=asyncio.FIRST_COMPLETED)
        return master, address.result(), task

    master, address, task = loop.call(start())
    try:
        yield RunningProxy(address, probe, limits, master, loop)
    finally:

        async def stop() -> None:
            master.shutdown()
            await task

        loop.call(stop())
        loop.close()


def tunnel(proxy: tuple[str, int], target: str) -> socket.socket:
    """A connection through CONNECT."""
    connection = socket.create_connection(proxy, 10)
    connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        data = connection.recv(4096)
        if not data:
            break
        head += data
    if not head.startswith(b"HTTP/1.1 200"):
        connection.close()
        raise ConnectionRefusedError(head.decode("latin-1"))
    return connection


def tls_tunnel(
    proxy: tuple[str, int], target: str, trusted: Path, *, sni: str | None = None, alpn: Sequence[str] = ("http/1.1",)
) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=trusted)
    context.set_alpn_protocols(list(alpn))
    host = sni or target.rpartition(":")[0]
    return context.wrap_socket(tunnel(proxy, target), server_hostname=host)


def receive(connection: socket.socket, *, head_only: bool = False) -> bytes:
    """One HTTP/1.1 response with a length, or what came of it before the connection ended."""
    data = b""
    while True:
        head, divider, body = data.partition(b"\r\n\r\n")
        if divider:
            length = next(
                (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
            )
            if head_only or len(body) >= length:
                return data
        try:
            more = connection.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            return data
        if not more:
            return data
        data += more


@dataclass
class Upload:
    """How an upload went: what was sent until it ended, what was answered, and when."""

    sent: int = 0
    status: int | None = None
    body: bytes = b""
    answered_after: float | None = None
    reset: int | None = None


def upload_http1(connection: socket.socket, head: bytes, size: int, piece: bytes = b"x" * 65536) -> Upload:
    """Send a body while looking out for an answer; ends with the answer, as a careful client does."""
    seen = Upload()
    answer = b""
    started = time.monotonic()

    def read() -> None:
        nonlocal answer
        answer = receive(connection)
        seen.answered_after = time.monotonic() - started

    connection.sendall(head)
    reader = threading.Thread(target=read)
    if not isinstance(connection, ssl.SSLSocket):
        reader.start()
    try:
        while seen.sent < size:
            connection.sendall(piece[: size - seen.sent])
            seen.sent += min(len(piece), size - seen.sent)
    except OSError:
        pass
    if isinstance(connection, ssl.SSLSocket):
        read()
    else:
        reader.join(10)
    if answer.startswith(b"HTTP/1.1 "):
        seen.status = int(answer[9:12])
        seen.body = answer.partition(b"\r\n\r\n")[2]
    return seen


class Http2Client:
    """HTTP/2 over a blocking TLS socket, one request at a time."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        assert connection.selected_alpn_protocol() == "h2"
        self.socket = connection
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def start(
        self, method: str, host: str, path: str, headers: Sequence[tuple[str, str]] = (), end: bool = False
    ) -> int:
        number = self.h2.get_next_available_stream_id()
        pseudo = [(":method", method), (":authority", host), (":scheme", "https"), (":path", path)]
        self.h2.send_headers(number, [*pseudo, *headers], end_stream=end)
        self.flush()
        return number

    def take(self, number: int, seen: Upload, timeout: float) -> bool:
        """Read what has come; whether the stream is at its end."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            return False
        if not data:
            return True
        ended = False
        for event in self.h2.receive_data(data):
            if getattr(event, "stream_id", number) != number:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                seen.status = int(dict(event.headers)[":status"])
            elif isinstance(event, h2.events.DataReceived):
                seen.body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, number)
            elif isinstance(event, h2.events.StreamEnded):
                ended = True
            elif isinstance(event, h2.events.StreamReset):
                seen.reset = int(event.error_code)
                ended = True
        self.flush()
        return ended

    def answer(self, number: int) -> Upload:
        seen = Upload()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and not self.take(number, seen, 0.5):
            pass
        return seen

    def upload(self, number: int, size: int, piece: int = 16384) -> Upload:
        """Send a body while looking out for an answer or a reset."""
        seen = Upload()
        started = time.monotonic()
        data = b"x" * piece
        while seen.sent < size and seen.reset is None:
            if self.take(number, seen, 0.0005) and seen.reset is not None:
                break
            room = min(self.h2.local_flow_control_window(number), piece, size - seen.sent)
            if room > 0:
                try:
                    self.h2.send_data(number, data[:room], end_stream=seen.sent + room >= size)
                except h2.exceptions.ProtocolError:
                    break
                self.socket.settimeout(10)
                self.flush()
                seen.sent += room
        while seen.status is None and time.monotonic() - started < 10:
            self.take(number, seen, 0.5)
        seen.answered_after = time.monotonic() - started
        return seen


# ---------------------------------------------------------------- the whole gate

TUESDAY_AT_TEN = datetime.fromisoformat("2026-11-24T10:00+08:00")
TUESDAY_AT_NIGHT = datetime.fromisoformat("2026-11-24T21:00+08:00")
OFFICE_SETTINGS: dict[str, Any] = {
    "offices": [{"name": "hq", "state": "PJY"}],
    "zones": [{"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq"}],
    "interception": {"authority": "Arahan bil. 1/2026", "notice": "2026-01"},
}


@dataclass
class Standing:
    """A world that a test may swap."""

    world: World
    refused: str | None = None


@dataclass
class RunningGate:
    address: tuple[str, int]
    gate: Gate
    settings: Settings
    trust: Trust
    clock: TrialClock
    holder: Standing
    journal: Journal
    loop: Loop

    def lines(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The journal's lines, oldest first."""
        return entries(self.settings.journal_folder, kind)

    def decisions(self) -> list[dict[str, Any]]:
        return [line["body"] for line in self.lines("decision")]

    def tls(self, target: str = "x.com:443", **more: Any) -> ssl.SSLSocket:
        return tls_tunnel(self.address, target, self.trust.file, **more)


def office_settings(folder: Path, **sections: Any) -> Settings:
    """Settings of a trial office; a section given by name replaces keys of the default one."""
    data: dict[str, Any] = {"state": folder / "state", **OFFICE_SETTINGS}
    for name, value in sections.items():
        data[name] = {**data.get(name, {}), **value} if isinstance(value, dict) else value
    data["gate"] = {"listen": "127.0.0.1:0", **data.get("gate", {})}
    return Settings.model_validate(data)


_worlds: dict[str, World] = {}


def world_of(settings: Settings) -> World:
    """The bundled world for these zones, offices and sites; loading it takes a second, so it is kept."""
    known = settings.model_dump_json(include={"zones", "offices", "sites"})
    if known not in _worlds:
        _worlds[known] = load_world(settings)
    return _worlds[known]


@contextmanager
def a_gate(
    settings: Settings,
    trust: Trust,
    *,
    at: datetime = TUESDAY_AT_TEN,
    world: World | None = None,
    disk: Disk | None = None,
    authority: bool = True,
) -> Iterator[RunningGate]:
    """The gate itself, with a real journal, on a real socket."""
    holder = Standing(world or world_of(settings))
    clock = TrialClock(at)
    keys = load_keys(settings.keys_folder)
    journal = Journal(settings.journal_folder, "gate", 0, seal_key=keys.seal, disk=disk)
    record_keys = RecordKeys.made_of(keys.record, os.urandom)
    loop = Loop()

    async def start() -> tuple[Gate, GateMaster, tuple[str, int], asyncio.Task[None]]:
        ours = trust.authority if authority else None
        gate = Gate(settings, holder, journal, record_keys, ours, clock, proxy_certificate_of(settings))
        master = GateMaster(settings.gate, [gate], gate.tls, gate.layers)
        gate.attach(master.proxyserver.connections)
        address: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(master.serve(address.set_result))
        await asyncio.wait([task, address], return_when=asyncio.FIRST_COMPLETED)
        return gate, master, address.result(), task

    gate, master, address, task = loop.call(start())
    try:
        yield RunningGate(address, gate, settings, trust, clock, holder, journal, loop)
    finally:

        async def stop() -> None:
            master.shutdown()
            await task

        loop.call(stop())
        loop.close()
        journal.close()


def a_tweet(text: str, account: str = "2001") -> bytes:
    """A post as X's web client sends it, whole, for a connection that is x.com's."""
    body = json.dumps({"variables": {"tweet_text": text}, "queryId": "AbCdEf"}).encode()
    return (
        b"POST /i/api/graphql/AbCdEf/CreateTweet HTTP/1.1\r\nHost: x.com\r\nContent-Type: application/json\r\n"
        b"Origin: https://x.com\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
        b"Cookie: twid=u%3D" + account.encode() + b"; ct0=f00dfeed\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
    )
