"""Who is known by a feed of sessions or by a listed proxy's word, over real sockets, and who is not believed."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gate_builders import (
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_tweet,
    office_settings,
    receive,
    world_of,
)
from gerbang.model import Device
from gerbang.sessions import Desk, Session
from gerbang.settings import Settings
from waiting import until

PROXY, CLIENT, OTHER = "127.0.0.9", "127.0.1.1", "127.0.1.2"
SECRET = "rahsia-proksi-0123456789"
ZONES = [
    {"name": "wifi", "networks": ["127.0.1.0/24", "10.1.0.0/16"], "office": "hq", "sign_in": "session"},
    {
        "name": "makmal",
        "networks": ["127.0.2.0/24"],
        "office": "hq",
        "sign_in": "session",
        "unknown_officers": "refuse",
    },
    {
        "name": "kaunter",
        "networks": ["127.0.3.0/24", "10.3.0.0/16", "2001:db8::/32"],
        "office": "hq",
        "sign_in": "header",
    },
]


@pytest.fixture
def settings(tmp_path: Path, platform: Upstream, plain_host: Upstream, trust: Trust) -> Settings:
    hosts = {
        name: f"127.0.0.1:{server.address[1]}" for name, server in (("x.com", platform), ("plain.example", plain_host))
    }
    return office_settings(
        tmp_path,
        zones=ZONES,
        downstream=[
            {"networks": [f"{PROXY}/32"], "user_header": "X-Authenticated-User"},
            {"networks": ["127.0.0.8/32"], "user_header": "X-Authenticated-User", "secret": SECRET},
        ],
        gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}},
    )


@pytest.fixture
def gate(settings: Settings, trust: Trust) -> Iterator[RunningGate]:
    with a_gate(settings, trust, world=world_of(settings)) as running:
        yield running


def said(gate: RunningGate, address: str, officer: str | None, device: Device | None = None) -> None:
    """Have a session on file, and wait until the gate knows."""
    now = datetime.now(UTC)
    until_then = now + timedelta(hours=1) if officer else now
    Desk(gate.settings.feeds_folder).say([Session(address, officer, until_then, device)], now)
    door = gate.gate.admission.sessions
    assert door is not None

    def known() -> bool:
        session = door.at(address)
        return (session.officer if session else None) == officer

    until(known)


def asked(gate: RunningGate, source: str, *lines: str, connect: bool = True) -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(gate.address, 10, source_address=(source, 0))
    first = "CONNECT x.com:443 HTTP/1.1" if connect else "GET http://plain.example/ HTTP/1.1"
    host = "x.com:443" if connect else "plain.example"
    connection.sendall("\r\n".join([first, f"Host: {host}", *lines, "", ""]).encode())
    return connection, receive(connection)


def posted(gate: RunningGate, source: str, *lines: str) -> tuple[ssl.SSLSocket, bytes]:
    connection, answer = asked(gate, source, *lines)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    inside = ssl.create_default_context(cafile=gate.trust.file).wrap_socket(connection, server_hostname="x.com")
    inside.sendall(a_tweet("Selamat pagi semua"))
    return inside, receive(inside)


def refused(gate: RunningGate, source: str, *lines: str, connect: bool = True) -> int:
    connection, answer = asked(gate, source, *lines, connect=connect)
    connection.close()
    return int(answer[9:12])


def known_of(gate: RunningGate) -> list[tuple[Any, Any, Any]]:
    lines = gate.lines("decision")
    return [(line["body"]["zone"], line["body"]["known_by"], line["body"]["officer"]) for line in lines]


# ---------------------------------------------------------------- sessions


def test_an_officer_is_known_by_the_session_of_her_address(gate: RunningGate) -> None:
    said(gate, CLIENT, "aminah")
    for source in (CLIENT, OTHER):
        posted(gate, source)[0].close()
    (zone, way, officer), other = known_of(gate)
    assert (zone, way) == ("wifi", "session")
    assert officer is not None
    assert other == ("wifi", None, None)


def test_a_session_that_ends_or_is_anothers_is_so_inside_an_open_tunnel(gate: RunningGate) -> None:
    said(gate, CLIENT, "aminah")
    inside, _ = posted(gate, CLIENT)
    for officer in ("farid", None):
        said(gate, CLIENT, officer)
        inside.sendall(a_tweet(f"Selamat petang {officer}"))
        receive(inside)
    inside.close()
    first, second, third = (officer for _, _, officer in known_of(gate))
    assert first is not None
    assert second is not None
    assert first != second
    assert third is None


def test_where_somebody_must_be_known_a_tunnel_ends_with_its_session(gate: RunningGate) -> None:
    assert refused(gate, "127.0.2.1") == 403
    said(gate, "127.0.2.1", "aminah")
    inside, _ = posted(gate, "127.0.2.1")
    said(gate, "127.0.2.1", None)
    inside.sendall(a_tweet("Selamat petang"))
    answer = receive(inside)
    inside.close()
    assert answer.startswith(b"HTTP/1.1 403")
    assert b"serves only officers whom it knows here" in answer
    assert len(known_of(gate)) == 1
    assert gate.gate.counts["unknown-officer"] == 2


def test_a_session_may_say_that_the_device_is_personal(gate: RunningGate) -> None:
    said(gate, CLIENT, "aminah", Device.PERSONAL)
    connection, answer = asked(gate, CLIENT)
    connection.close()
    assert answer.startswith(b"HTTP/1.1 403"), "a personal device in office hours"
    (body,) = gate.decisions()
    assert (body["activity"], body["device"], body["known_by"]) == ("use", "personal", "session")


def test_a_gate_that_starts_reads_what_was_said_before(settings: Settings, trust: Trust) -> None:
    now = datetime.now(UTC)
    Desk(settings.feeds_folder).say([Session(CLIENT, "aminah", now + timedelta(hours=1))], now)
    with a_gate(settings, trust, world=world_of(settings)) as gate:
        posted(gate, CLIENT)[0].close()
        assert known_of(gate)[0][1] == "session"


# ---------------------------------------------------------------- listed proxies


def test_a_listed_proxy_says_for_whom_each_tunnel_is(gate: RunningGate) -> None:
    for client, user in (("10.3.0.1", "aminah"), ("2001:db8::5", "farid")):
        posted(gate, PROXY, f"X-Forwarded-For: {client}", f"X-Authenticated-User: {user}")[0].close()
    first, second = known_of(gate)
    assert first[:2] == second[:2] == ("kaunter", "header")
    assert first[2] != second[2]
    sidecars = gate.settings.journal_folder.rglob("side/*.jsonl")
    private = "".join(file.read_text() for file in sidecars)
    assert '"10.3.0.1"' in private
    assert f'"{PROXY}"' not in private


def test_a_session_is_found_by_the_address_that_the_proxy_says(gate: RunningGate) -> None:
    said(gate, "10.1.0.7", "aminah")
    posted(gate, PROXY, "X-Forwarded-For: ::ffff:10.1.0.7")[0].close()
    assert known_of(gate)[0][:2] == ("wifi", "session")


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((), 400),
        (("X-Forwarded-For: unknown",), 400),
        (("X-Forwarded-For: ",), 400),
        (("X-Forwarded-For: -",), 400),
        (("X-Forwarded-For: 10.3.0.1,",), 400),
        (("X-Forwarded-For: 10.3.0.1, x",), 400),
        (("X-Forwarded-For: 10.3.0.1:x",), 400),
        (("X-Forwarded-For: 10.3.0.1%eth0",), 400),
        (("X-Forwarded-For: MTAuMy4wLjE=",), 400),
        (("X-Forwarded-For: 10.3.0.1\x01",), 400),
        ((f"X-Forwarded-For: {PROXY}",), 400),
        (("X-Forwarded-For: x" + " " * 2000 + ",10.3.0.1",), 400),
        (("X-Forwarded-For: " + ",".join(["10.3.0.1"] + [PROXY] * 20),), 400),
        (("X-Forwarded-For: 10.3.0.1", "X-Forwarded-For: 10.3.0.1"), 400),
        (("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: a", "X-Authenticated-User: b"), 400),
        (("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: a b"), 400),
        (("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: a,b"), 400),
        (("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: unknown"), 400),
        (("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: " + "a" * 65), 400),
        (("X-Forwarded-For: 203.0.113.9", "X-Authenticated-User: aminah"), 403),
        (("X-Forwarded-For: 10.3.0.1, 203.0.113.9", "X-Authenticated-User: aminah"), 403),
        (("X-Forwarded-For: 10.3.0.1",), 403),
        (("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: -"), 403),
    ],
)
def test_a_proxy_that_does_not_say_it_clearly_is_not_judged_as_the_client(
    gate: RunningGate, lines: tuple[str, ...], status: int
) -> None:
    assert refused(gate, PROXY, *lines) == status
    assert refused(gate, PROXY, *lines, connect=False) == status
    assert gate.gate.counts["downstream-unreadable"] == (2 if status == 400 else 0)
    assert known_of(gate) == []


@pytest.mark.parametrize(
    "hops",
    ["203.0.113.9, 10.3.0.1", f"10.3.0.1,{PROXY}", "x, 10.3.0.1:5000", f"[2001:DB8::1]:80 , {PROXY}:1, 127.0.0.8"],
)
def test_the_last_hop_that_is_no_listed_proxy_is_the_client(gate: RunningGate, hops: str) -> None:
    connection, answer = asked(gate, PROXY, f"X-Forwarded-For: {hops}", "X-Authenticated-User: aminah")
    connection.close()
    assert answer.startswith(b"HTTP/1.1 200")


def test_each_plain_request_of_a_listed_proxy_is_somebody_elses(gate: RunningGate, plain_host: Upstream) -> None:
    with socket.create_connection(gate.address, 10, source_address=(PROXY, 0)) as connection:
        answers = []
        for client, user in (
            ("10.3.0.1", "aminah"),
            ("10.3.0.2", "-"),
            ("203.0.113.9", "aminah"),
            ("10.1.0.1", "farid"),
        ):
            head = ["GET http://plain.example/ HTTP/1.1", "Host: plain.example"]
            head += [f"X-Forwarded-For: {client}", f"X-Authenticated-User: {user}", "", ""]
            connection.sendall("\r\n".join(head).encode())
            answers.append(int(receive(connection)[9:12]))
    assert answers == [200, 403, 403, 200]
    assert len(plain_host.requests) == 2
    for request in plain_host.requests:
        assert b"x-forwarded-for" not in request.lower()
        assert b"x-authenticated-user" not in request.lower()


def test_the_same_headers_of_anybody_else_are_forged(gate: RunningGate, plain_host: Upstream) -> None:
    forged = ("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: aminah", "Forwarded: for=10.3.0.1")
    assert refused(gate, "127.0.3.1", *forged) == 403, "the zone demands a name, and this is none"
    posted(gate, OTHER, *forged)[0].close()
    assert known_of(gate) == [("wifi", None, None)]
    assert refused(gate, OTHER, *forged, connect=False) == 200
    assert b"forwarded" not in plain_host.requests[0].lower()
    assert b"x-authenticated-user" not in plain_host.requests[0].lower()
    assert gate.gate.counts["forged-header"] == 3


def test_inside_a_tunnel_the_headers_are_anybodys_and_go_nowhere(gate: RunningGate, platform: Upstream) -> None:
    connection, _ = asked(gate, PROXY, "X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: aminah")
    inside = ssl.create_default_context(cafile=gate.trust.file).wrap_socket(connection, server_hostname="x.com")
    head = b"GET /i/api/graphql/Zz/HomeTimeline HTTP/1.1\r\nHost: x.com\r\nSec-Fetch-Dest: empty\r\n"
    inside.sendall(head + b"X-Forwarded-For: 10.1.0.1\r\nX-Authenticated-User: farid\r\n\r\n")
    assert receive(inside).startswith(b"HTTP/1.1 200")
    inside.close()
    assert b"x-forwarded-for" not in platform.requests[0].lower()
    assert b"x-authenticated-user" not in platform.requests[0].lower()
    assert gate.gate.counts["forged-header"] == 1


@pytest.mark.parametrize(
    ("secret", "status"), [((), 400), (("Gerbang-Downstream: x",), 400), ((f"Gerbang-Downstream: {SECRET}",), 200)]
)
def test_a_secret_is_asked_of_who_must_show_one(
    gate: RunningGate, plain_host: Upstream, secret: tuple[str, ...], status: int
) -> None:
    lines = ("X-Forwarded-For: 10.3.0.1", "X-Authenticated-User: aminah", *secret)
    assert refused(gate, "127.0.0.8", *lines) == status
    assert refused(gate, "127.0.0.8", *lines, connect=False) == status
    assert all(SECRET.encode() not in request for request in plain_host.requests)
