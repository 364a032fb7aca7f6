"""Clients that know of no proxy: what the firewall redirected, with the kernel's word for where it was going."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from mitmproxy import ctx

from gate_builders import (
    TUESDAY_AT_NIGHT,
    TUESDAY_AT_TEN,
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
    tunnel,
)
from gerbang.demo.office import free_port
from gerbang.gate.interception import HELLO_LIMIT, REFUSAL
from gerbang.loading import load_world
from gerbang.model import Device
from gerbang.pipeline import World

PLATFORM, BANK = "11.1.0.1", "11.1.0.2"
"""Public addresses that nobody reaches from here: the gate's connections to them end at stand-ins."""


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "bank.example", "gerbang.internal"])


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> dict[Device, World]:
    world = load_world(office_settings(tmp_path_factory.mktemp("world")))
    return {device: replace(world, zones=tuple(replace(z, device=device) for z in world.zones)) for device in Device}


class Way:
    """One gate on the way to the internet, whose redirected connections were going where a test says."""

    def __init__(
        self, gate: RunningGate, destination: list[tuple[str, int]], platform: Upstream, bank: Upstream
    ) -> None:
        self.gate, self.platform, self.bank = gate, platform, bank
        self._destination = destination

    def connect(self, address: str = PLATFORM, port: int = 443) -> socket.socket:
        self._destination[:] = [(address, port)]
        return socket.create_connection(self.gate.address, 5)

    def tls(self, sni: str | None, address: str = PLATFORM, **versions: ssl.TLSVersion) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.gate.trust.file)
        context.check_hostname = sni is not None
        for name, version in versions.items():
            setattr(context, name, version)
        return context.wrap_socket(self.connect(address), server_hostname=sni)

    def uses(self) -> list[tuple[str, str]]:
        """Platform and what was done of each line about a connection."""
        return [(d["platform"], d["done"]) for d in self.gate.decisions() if d["activity"] == "use"]


@contextmanager
def a_way(
    folder: Path,
    trust: Trust,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    at: datetime = TUESDAY_AT_TEN,
    sites: Sequence[Any] = (),
    zones: Sequence[Any] | None = None,
    **gate: Any,
) -> Iterator[Way]:
    destination: list[tuple[str, int]] = []
    monkeypatch.setattr("mitmproxy.platform.original_addr", lambda _: destination[0])
    platform = Upstream(server_context(trust, "x.com", folder))
    bank = Upstream(server_context(trust, "bank.example", folder))
    hosts = {
        "x.com": f"127.0.0.1:{platform.address[1]}",
        PLATFORM: f"127.0.0.1:{platform.address[1]}",
        BANK: f"127.0.0.1:{bank.address[1]}",
    }
    upstream = {"hosts": hosts, "trusted_ca": trust.file}
    sections = {} if zones is None else {"zones": list(zones)}
    gate = {"mode": "transparent", "upstream": upstream, **gate}
    settings = office_settings(folder, gate=gate, sites=list(sites), **sections)
    with a_gate(settings, trust, world=world, at=at) as running:
        yield Way(running, destination, platform, bank)
    platform.close()
    bank.close()


@pytest.fixture
def guest(tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """Personal devices, at ten on a Tuesday."""
    with a_way(tmp_path, trust, worlds[Device.PERSONAL], monkeypatch) as way:
        yield way


def hello(sni: str | None = "x.com") -> bytes:
    """A ClientHello, as Python's OpenSSL sends it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.check_hostname = False
    client = context.wrap_bio(incoming, outgoing, server_hostname=sni)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def heard(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    data = b""
    while more := connection.recv(65536):
        data += more
    return data


# ---------------------------------------------------------------- refused, with an alert


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_listed_host_is_refused_with_an_alert_that_names_the_reason(guest: Way, version: ssl.TLSVersion) -> None:
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        guest.tls("x.com", minimum_version=version, maximum_version=version)
    assert guest.uses() == [("x", "answered")]
    assert guest.platform.requests == []
    (decision,) = guest.gate.decisions()
    assert [gap["reason"] for gap in decision["gaps"]] == ["encrypted"]


@pytest.mark.parametrize("piece", [1, 2, 3, 5, 100])
def test_the_hello_may_come_in_pieces(guest: Way, piece: int) -> None:
    data = hello()
    with guest.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(data), piece):
            connection.sendall(data[start : start + piece])
            if start < 20:
                time.sleep(0.01)
        assert heard(connection) == REFUSAL
    assert guest.uses() == [("x", "answered")]


def test_the_hello_may_come_in_several_records(guest: Way) -> None:
    data = hello()[5:]
    parts = [data[:10], data[10:100], data[100:]]
    with guest.connect() as connection:
        connection.sendall(b"".join(b"\x16\x03\x01" + len(part).to_bytes(2) + part for part in parts))
        assert heard(connection) == REFUSAL


def test_the_alert_arrives_although_the_client_sends_on(guest: Way) -> None:
    """Early data (TLS 1.3, 0-RTT) comes behind the hello: closing over it would reset the connection."""
    with guest.connect() as connection:
        connection.sendall(hello() + b"\x17\x03\x03\x40\x00" + bytes(0x4000))
        time.sleep(0.1)
        connection.sendall(bytes(100_000))
        assert heard(connection) == REFUSAL


def test_a_client_that_stays_after_the_alert_is_closed(guest: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.gate.interception.LINGER", 0.1)
    with guest.connect() as connection:
        connection.sendall(hello())
        assert heard(connection) == REFUSAL
        deadline = time.monotonic() + 60
        while guest.gate.gate.admission.connected and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not guest.gate.gate.admission.connected


def test_a_hello_without_end_is_refused(guest: Way) -> None:
    """Its length field can promise 16 MiB, in as many records as one likes."""
    record = b"\x16\x03\x01\x40\x00"
    with guest.connect() as connection:
        connection.sendall(record + b"\x01\xff\xff\xff" + bytes(0x3FFC))
        for _ in range(HELLO_LIMIT >> 14):
            connection.sendall(record + bytes(0x4000))
        assert heard(connection) == REFUSAL
    assert guest.uses() == []


# ---------------------------------------------------------------- let through


def test_after_hours_the_platform_is_reached_untouched_and_nothing_of_it_is_known(
    tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_way(tmp_path, trust, worlds[Device.PERSONAL], monkeypatch, TUESDAY_AT_NIGHT) as way:
        with way.tls("x.com") as connection:
            assert connection.getpeercert(True) == leaf(trust, "x.com")
            connection.sendall(b"POST /secret HTTP/1.1\r\nHost: x.com\r\nContent-Length: 0\r\n\r\n")
            assert receive(connection).startswith(b"HTTP/1.1 200")
        assert way.platform.requests[0].startswith(b"POST /secret")
        assert all(decision["activity"] == "use" for decision in way.gate.decisions())


def leaf(trust: Trust, host: str) -> bytes:
    found = trust.authority.leaf(host)
    assert found is not None
    return found.certificate.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("sni", ["bank.example", None])
def test_what_is_not_listed_and_what_names_nothing_is_not_touched(guest: Way, sni: str | None) -> None:
    """A hello that hides its name (ECH) names another outside; without one there is only an address."""
    with guest.tls(sni, BANK) as connection:
        assert connection.getpeercert(True) == leaf(guest.gate.trust, "bank.example")
        connection.sendall(b"GET / HTTP/1.1\r\nHost: bank.example\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 200")
    assert guest.gate.decisions() == []


# ---------------------------------------------------------------- in the clear


@pytest.mark.parametrize(("at", "status"), [(TUESDAY_AT_TEN, 403), (TUESDAY_AT_NIGHT, 200)])
def test_a_listed_host_in_the_clear_is_judged_by_its_name_and_not_read(
    tmp_path: Path,
    trust: Trust,
    worlds: dict[Device, World],
    monkeypatch: pytest.MonkeyPatch,
    at: datetime,
    status: int,
) -> None:
    blog = Upstream()
    with a_way(tmp_path, trust, worlds[Device.PERSONAL], monkeypatch, at) as way:
        way.gate.gate._targets._hosts[PLATFORM] = blog.address
        body = b"status=rahsia+besar+yang+tidak+untuk+dibaca+sesiapa"
        with way.connect(port=80) as connection:
            head = f"POST /i/tweet/create HTTP/1.1\r\nHost: x.com\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            assert receive(connection).startswith(f"HTTP/1.1 {status}".encode())
        assert {decision["activity"] for decision in way.gate.decisions()} <= {"use"}
        if status == 403:
            assert way.uses() == [("x", "answered")]
            assert [gap["reason"] for gap in way.gate.decisions()[0]["gaps"]] == ["not-opened"]
        assert len(blog.requests) == (status == 200)
    blog.close()


def test_a_socket_in_the_clear_is_not_read_either(
    tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        connection.sendall(connection.recv(100))

    threading.Thread(target=serve, daemon=True).start()
    with a_way(tmp_path, trust, worlds[Device.PERSONAL], monkeypatch, TUESDAY_AT_NIGHT) as way:
        way.gate.gate._targets._hosts[PLATFORM] = listener.getsockname()
        with way.connect(port=80) as connection:
            connection.sendall(
                b"GET /live_pipeline/ws HTTP/1.1\r\nHost: x.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
            )
            assert receive(connection).startswith(b"HTTP/1.1 101")
            connection.sendall(b"no frame at all")
            assert connection.recv(100) == b"no frame at all"
        assert way.gate.gate.counts["websocket-message"] == 0
    listener.close()


def test_a_managed_device_that_is_redirected_is_opened_and_judged(
    tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    with a_way(tmp_path, trust, worlds[Device.MANAGED], monkeypatch) as way:
        with way.tls("x.com") as connection:
            connection.sendall(a_tweet("Selamat pagi semua"))
            assert receive(connection).startswith(b"HTTP/1.1 403")
        assert [(body["activity"], body["done"]) for body in way.gate.decisions()] == [("post", "answered")]
        assert way.platform.requests == []


def test_what_is_not_listed_passes_in_the_clear(guest: Way) -> None:
    plain = Upstream()
    guest.gate.gate._targets._hosts[BANK] = plain.address
    with guest.connect(BANK, 80) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: bank.example\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 200")
    assert guest.gate.decisions() == []
    plain.close()


def test_the_gates_own_pages_are_there_for_whoever_is_redirected(guest: Way) -> None:
    """Whatever address the office's DNS gives for their name, as long as the way to it leads through the gateway."""
    with guest.connect("192.0.2.80", 80) as connection:
        connection.sendall(b"GET /notice HTTP/1.1\r\nHost: gerbang.internal\r\nAccept: text/html\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 200")


# ---------------------------------------------------------------- how often it is written down


def test_a_connection_is_written_down_once_a_minute_and_host(guest: Way) -> None:
    def refused(host: str) -> None:
        with guest.connect() as connection:
            connection.sendall(hello(host))
            assert heard(connection) == REFUSAL

    for host in ("x.com", "x.com", "upload.x.com", "x.com", "upload.x.com"):
        refused(host)
    assert len(guest.uses()) == 2
    guest.gate.clock.set(TUESDAY_AT_TEN.replace(minute=2))
    refused("x.com")
    refused("x.com")
    assert len(guest.uses()) == 3


def test_names_that_a_device_makes_up_do_not_fill_the_journal(guest: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.gate.once.HOSTS_A_MINUTE", 3)
    documents = guest.gate.holder.world.platforms
    below = {**documents._below, "x.com": documents._exact["x.com"]}
    platforms = replace(documents, _below=below)
    guest.gate.holder.world = replace(guest.gate.holder.world, platforms=platforms)
    for number in range(10):
        with guest.connect() as connection:
            connection.sendall(hello(f"n{number}.x.com"))
            assert heard(connection) == REFUSAL
    assert len(guest.uses()) == 4


# ---------------------------------------------------------------- no open relay


def relayed(way: Way, raw: bytes, address: str, port: int) -> bytes:
    with way.connect(address, port) as connection:
        connection.sendall(raw)
        return heard(connection)


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\nHost: bank.example\r\nConnection: close\r\n\r\n",
        b"GET http://bank.example/ HTTP/1.1\r\nHost: bank.example\r\nConnection: close\r\n\r\n",
        b"CONNECT bank.example:443 HTTP/1.1\r\nHost: bank.example:443\r\n\r\n",
    ],
)
def test_who_comes_to_the_listener_itself_is_led_nowhere(guest: Way, raw: bytes) -> None:
    """Without a redirect the kernel names the listener as the destination."""
    address, port = guest.gate.address
    answer = relayed(guest, raw, address, port)
    assert answer.partition(b"\r\n")[0].split(b" ")[1][:1] in {b"4", b"5"}
    assert guest.bank.requests == []


def test_neither_is_a_handshake_with_the_listener_itself(guest: Way) -> None:
    address, port = guest.gate.address
    with guest.connect(address, port) as connection:
        connection.sendall(hello("bank.example"))
        assert heard(connection) == b""


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("127.0.0.1", 80),
        ("10.0.0.1", 80),
        ("169.254.169.254", 80),
        ("192.168.1.1", 443),
        ("::1", 80),
        ("11.1.0.1", 8080),
    ],
)
def test_targets_inside_are_refused_to_redirected_clients_too(guest: Way, address: str, port: int) -> None:
    guest.gate.gate._targets._hosts.clear()
    answer = relayed(guest, b"GET / HTTP/1.1\r\nHost: intranet.example\r\nConnection: close\r\n\r\n", address, port)
    assert answer.startswith(b"HTTP/1.1 403")
    with guest.connect(address, port) as connection:
        connection.sendall(hello("intranet.example"))
        assert heard(connection) == b""


def test_a_client_outside_every_zone_is_turned_away(
    tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = load_world(
        office_settings(tmp_path, zones=[{"name": "lain", "networks": ["10.9.0.0/16"], "office": "hq"}])
    )
    world = replace(worlds[Device.PERSONAL], zones=elsewhere.zones)
    with a_way(tmp_path, trust, world, monkeypatch) as way, way.connect(BANK) as connection:
        assert connection.recv(100) == b""
        assert way.bank.requests == []


def test_stray_connections_are_closed_and_said_once(guest: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: socket.socket) -> tuple[str, int]:
        raise OSError(2, "No such file or directory")

    monkeypatch.setattr("mitmproxy.platform.original_addr", unknown)
    monkeypatch.setattr("gerbang.gate.master.OURS._told", False)
    with structlog.testing.capture_logs() as logs:
        for _ in range(5):
            with socket.create_connection(guest.gate.address, 5) as connection:
                assert connection.recv(100) == b""
    assert [entry["event"] for entry in logs] == ["not-redirected"]


def test_one_gate_listens_for_a_proxys_clients_and_for_redirected_ones(
    tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = worlds[Device.PERSONAL]
    more = [f"127.0.0.1:{free_port()}", f"[::1]:{free_port()}"]
    with a_way(tmp_path, trust, world, monkeypatch, mode="regular", transparent=more) as way:
        servers = way.gate.loop.call(listeners())
        assert [name for name, _ in servers] == ["regular", "transparent", "transparent"]
        with pytest.raises(ConnectionRefusedError, match="403"):
            tunnel(way.gate.address, "x.com:443")
        way.gate.address = servers[1][1]
        with way.connect() as connection:
            connection.sendall(hello())
            assert heard(connection) == REFUSAL


def test_where_people_are_asked_to_sign_in_nobody_passes_who_cannot_be(
    tmp_path: Path, trust: Trust, worlds: dict[Device, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "staff.htpasswd").write_text("")
    zone = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": "htpasswd"}
    more = {"mode": "regular", "transparent": [f"127.0.0.1:{free_port()}"]}
    signing = [{**zone, "htpasswd": tmp_path / "staff.htpasswd"}]
    with (
        structlog.testing.capture_logs() as logs,
        a_way(tmp_path, trust, worlds[Device.MANAGED], monkeypatch, zones=signing, **more) as way,
    ):
        with pytest.raises(ConnectionRefusedError, match="407"):
            tunnel(way.gate.address, "x.com:443")
        way.gate.address = way.gate.loop.call(listeners())[1][1]
        for _ in range(2):
            with way.connect() as connection:
                connection.sendall(hello())
                assert heard(connection) == b""
        assert way.gate.gate.counts["cannot-sign-in"] == 2
        assert way.platform.requests == []
    assert [entry["zone"] for entry in logs if entry["event"] == "cannot-sign-in"] == ["pejabat"]


async def listeners() -> list[tuple[str, tuple[str, int]]]:
    """Mode and address of each listener of the gate that runs in this loop."""
    found: Any = ctx.master
    return [(server.mode.type_name, server.listen_addrs[0][:2]) for server in found.proxyserver.servers]
