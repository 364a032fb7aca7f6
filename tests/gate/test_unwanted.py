"""Where the gate does not lead, asked for in every way that a client can ask a running proxy.

What would be reached listens on this machine, on a port that counts as the web's here: not a byte may come to it.
"""

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from gate_builders import RunningGate, Trust, Upstream, a_gate, office_settings, receive, tunnel

PUBLIC = "11.1.0.1"


@dataclass
class Victims:
    """What listens inside: the same port of both loopbacks."""

    port: int
    listeners: tuple[socket.socket, ...]

    def reached(self) -> bool:
        for listener in self.listeners:
            with suppress(BlockingIOError):
                listener.accept()[0].close()
                return True
        return False


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    one = socket.create_server(("127.0.0.1", 0))
    port: int = one.getsockname()[1]
    other = socket.create_server(("::1", port), family=socket.AF_INET6)
    for listener in (one, other):
        listener.setblocking(False)
    yield Victims(port, (one, other))
    one.close()
    other.close()


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory, trust: Trust, victims: Victims) -> Iterator[RunningGate]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gerbang.gate.targets.WEB_PORTS", frozenset({80, 443, victims.port}))
        outside = Upstream()
        hosts = {"outside.example": f"127.0.0.1:{outside.address[1]}"}
        with a_gate(
            office_settings(tmp_path_factory.mktemp("gate"), gate={"upstream": {"hosts": hosts}}), trust
        ) as running:
            yield running
        outside.close()


def asked(gate: RunningGate, raw: bytes) -> bytes:
    """The first line of the answer."""
    with socket.create_connection(gate.address, 10) as connection:
        connection.sendall(raw)
        return receive(connection).partition(b"\r\n")[0]


def connect(gate: RunningGate, target: str, host: str | None = None) -> bytes:
    return asked(gate, f"CONNECT {target} HTTP/1.1\r\nHost: {host or target}\r\n\r\n".encode())


def absolute(gate: RunningGate, target: str, host: str | None = None, scheme: str = "http") -> bytes:
    head = f"GET {scheme}://{target}/ HTTP/1.1\r\nHost: {host or target}\r\nConnection: close\r\n\r\n"
    return asked(gate, head.encode())


WAYS = {"CONNECT": connect, "absolute": absolute}
in_both_ways = pytest.mark.parametrize("way", WAYS)

INSIDE = [
    # loopback, in the spellings that the C library takes
    "127.0.0.1", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7F.0.0.0x1",
    "0177.0.0.1", "017700000001", "127.0.0.1.", "0.0.0.0", "0", "0x0",  # noqa: S104  # addresses to refuse
    # private, shared, link-local, the clouds' metadata
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "3232235777", "100.64.0.1", "169.254.0.1",
    "169.254.169.254", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "[fd00:ec2::254]", "[::ffff:a9fe:a9fe]",
    # nobody's, everybody's
    "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
    # IPv6, and IPv4 within it: mapped, compatible, NAT64, 6to4, Teredo, zone ids
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[fe80::1]", "[fc00::1]", "[fd12::1]", "[fec0::1]", "[ff02::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:10.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b::10.0.0.1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::]",
    "[2001:0:7f00:1::80ff:fffe]", "[2001:db8::1]",
]  # fmt: skip


@in_both_ways
@pytest.mark.parametrize("host", INSIDE)
def test_addresses_inside_are_refused_in_every_spelling(
    gate: RunningGate, victims: Victims, host: str, way: str
) -> None:
    assert WAYS[way](gate, f"{host}:{victims.port}").startswith(b"HTTP/1.1 403")
    assert not victims.reached()


ODD = [
    "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%25lo]", "[::1%lo]", "x.com@127.0.0.1", "127.0.0.1:80@x.com",
    "127%2e0%2e0%2e1", "127.0.0.1%00.x.com", "127.0.0.1#.x.com", "127.0.0.1\\.x.com", "１２７.０.０.１", "①②⑦.0.0.1",
    "127。0。0。1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "[127.0.0.1]", "[::ffff:127.1]", "127.0.0.1,x.com", "::1", "",
]  # fmt: skip


@in_both_ways
@pytest.mark.parametrize("host", ODD)
def test_what_only_looks_like_a_host_leads_nowhere(gate: RunningGate, victims: Victims, host: str, way: str) -> None:
    """Zone ids, user names, escapes, digits of other scripts: refused as unreadable, unknown or inside."""
    answer = WAYS[way](gate, f"{host}:{victims.port}")
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"403", b"502"}
    assert not victims.reached()


@in_both_ways
@pytest.mark.parametrize("name", ["localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost"])
def test_names_of_this_machine_are_refused(gate: RunningGate, victims: Victims, name: str, way: str) -> None:
    assert WAYS[way](gate, f"{name}:{victims.port}").split(b" ")[1] in {b"403", b"502"}
    assert not victims.reached()


ANSWERS: Mapping[str, Sequence[str]] = {
    "loopback.example": ["127.0.0.1"],
    "loopback6.example": ["::1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "private.example": ["10.0.0.1", "192.168.1.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "link-local.example": ["fe80::1%2"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "several.example": ["::1", "127.0.0.1", "10.0.0.1"],
}


@in_both_ways
@pytest.mark.parametrize("name", [*ANSWERS, "Loopback.Example", "loopback.example."])
def test_names_that_lead_inside_are_refused(
    gate: RunningGate, victims: Victims, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    async def resolve(host: str, _: int) -> Sequence[str]:
        return ANSWERS[host]

    monkeypatch.setattr(gate.gate._targets, "_resolve", resolve)
    assert WAYS[way](gate, f"{name}:{victims.port}").startswith(b"HTTP/1.1 403")
    assert not victims.reached()


@in_both_ways
def test_a_name_that_leads_elsewhere_a_moment_later_gains_nothing(
    gate: RunningGate, victims: Victims, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """DNS rebinding: the connection goes to the address that was looked at, here one where nobody answers."""
    asked_for: list[str] = []
    opened: list[object] = []

    async def resolve(host: str, _: int) -> Sequence[str]:
        asked_for.append(host)
        return [PUBLIC] if len(asked_for) == 1 else ["127.0.0.1"]

    async def nobody(*where: object, **_: object) -> tuple[object, object]:
        opened.append(where[:2])
        raise ConnectionRefusedError

    monkeypatch.setattr(gate.gate._targets, "_resolve", resolve)
    monkeypatch.setattr(asyncio, "open_connection", nobody)
    target = f"rebinding.example:{victims.port}"
    if way == "CONNECT":
        with tunnel(gate.address, target) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: rebinding.example\r\n\r\n")
            receive(connection)
    else:
        assert absolute(gate, target).startswith(b"HTTP/1.1 502")
    assert opened == [(PUBLIC, victims.port)]
    assert not victims.reached()


@in_both_ways
@pytest.mark.parametrize("port", [0, 22, 25, 8080, 8443, 65535])
def test_odd_ports_are_refused(gate: RunningGate, port: int, way: str) -> None:
    assert WAYS[way](gate, f"{PUBLIC}:{port}").split(b" ")[1] in {b"400", b"403"}


@in_both_ways
@pytest.mark.parametrize("port", ["65536", "-1", "80a", "0x50", "80:80", ""])
def test_what_is_no_port_leads_nowhere(gate: RunningGate, victims: Victims, port: str, way: str) -> None:
    answer = WAYS[way](gate, f"127.0.0.1:{port}")
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"403"}
    assert not victims.reached()


@in_both_ways
def test_the_gate_leads_to_none_of_its_own_listeners(
    gate: RunningGate, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """By a public address of this machine too, and whichever port its console and its PAC file are on."""
    own = gate.address[1]
    console = int(gate.settings.console.listen.rpartition(":")[2])
    for host in ("127.0.0.1", "localhost", "[::1]", PUBLIC):
        for port in (own, console):
            assert WAYS[way](gate, f"{host}:{port}").startswith(b"HTTP/1.1 403")
    monkeypatch.setattr("gerbang.gate.targets.is_own", lambda address: str(address) == PUBLIC)
    for port in (80, 443):
        assert WAYS[way](gate, f"{PUBLIC}:{port}").startswith(b"HTTP/1.1 403")


@in_both_ways
def test_another_host_in_the_header_changes_nothing(gate: RunningGate, victims: Victims, way: str) -> None:
    inside = f"127.0.0.1:{victims.port}"
    for claimed in ("x.com", "x.com:443", "gerbang.internal"):
        assert WAYS[way](gate, inside, claimed).startswith(b"HTTP/1.1 403")
    assert not victims.reached()


@pytest.mark.parametrize("scheme", ["https", "HTTP", "ftp", "gopher", "ws", "file"])
def test_other_schemes_lead_nowhere(gate: RunningGate, victims: Victims, scheme: str) -> None:
    answer = absolute(gate, f"127.0.0.1:{victims.port}", scheme=scheme)
    assert answer == b"" or answer.split(b" ")[1] in {b"400", b"403"}
    assert not victims.reached()


def test_a_request_for_the_proxy_itself_leads_where_its_host_says_and_that_is_refused(
    gate: RunningGate, victims: Victims
) -> None:
    """An origin-form target, as a server gets it: the host is the header's."""
    raw = f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{victims.port}\r\nConnection: close\r\n\r\n"
    assert asked(gate, raw.encode()).startswith(b"HTTP/1.1 403")
    assert not victims.reached()


def test_a_tunnel_to_the_outside_does_not_lead_inside(gate: RunningGate, victims: Victims) -> None:
    """An absolute target, or a host inside, asked for within a tunnel that leads elsewhere."""
    for target in ("/", f"http://127.0.0.1:{victims.port}/"):
        with tunnel(gate.address, "outside.example:80") as connection:
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{victims.port}\r\n\r\n".encode())
            assert receive(connection).startswith(b"HTTP/1.1 ")
    assert not victims.reached()
