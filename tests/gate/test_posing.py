"""Who tries to pass as somebody else, or as nobody where somebody has to be, and who tries to hold others up."""

import asyncio
import base64
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow

from gate_builders import (
    RunningGate,
    Standing,
    Trust,
    Upstream,
    a_gate,
    office_settings,
    receive,
    world_of,
)
from gerbang.demo.office import free_port
from gerbang.errors import SettingsError
from gerbang.gate.admission import OPENED_BY, Admission, Known
from gerbang.gate.guard import Guard
from gerbang.gate.identity import basic as basic_door
from gerbang.gate.identity.basic import BasicDoor
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.htpasswd import Htpasswd, parse_htpasswd
from gerbang.gate.identity.negotiate import Names, Refused
from gerbang.gate.identity.sessions import SessionDoor
from gerbang.sessions import Desk, Session
from waiting import until

WORD = "trial:word"
SIGNING, WIFI = "127.0.0.1", "127.0.2.1"


def hashed(word: str) -> str:
    return bcrypt.hashpw(word.encode(), bcrypt.gensalt(4)).decode()


def basic(user: str = "aminah", word: str = WORD) -> str:
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


@pytest.fixture
def gate(tmp_path: Path, trust: Trust, platform: Upstream, plain_host: Upstream) -> Iterator[RunningGate]:
    file = tmp_path / "staff.htpasswd"
    file.write_text(f"aminah:{hashed(WORD)}\n")
    zones = [
        {
            "name": "pejabat",
            "networks": ["127.0.0.0/24"],
            "office": "hq",
            "sign_in": "htpasswd",
            "htpasswd": file,
        },
        {
            "name": "wifi",
            "networks": ["127.0.2.0/24"],
            "office": "hq",
            "sign_in": "session",
            "unknown_officers": "refuse",
        },
    ]
    hosts = {
        "x.com": f"127.0.0.1:{platform.address[1]}",
        "plain.example": f"127.0.0.1:{plain_host.address[1]}",
        "11.1.0.3": f"127.0.0.1:{plain_host.address[1]}",
    }
    settings = office_settings(
        tmp_path,
        zones=zones,
        gate={
            "upstream": {"hosts": hosts, "trusted_ca": trust.file},
            "transparent": [f"127.0.0.1:{free_port()}"],
            "allow_targets": ["11.1.0.3:22"],
        },
    )
    with a_gate(settings, trust, world=world_of(settings)) as running:
        yield running


def asked(gate: RunningGate, first: str, *lines: str, source: str = SIGNING) -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(gate.address, 10, source_address=(source, 0))
    host = first.split()[1].removeprefix("http://").partition("/")[0]
    connection.sendall("\r\n".join([first, f"Host: {host}", *lines, "", ""]).encode())
    return connection, receive(connection)


def status(gate: RunningGate, first: str, *lines: str, source: str = SIGNING) -> int:
    connection, answer = asked(gate, first, *lines, source=source)
    connection.close()
    return int(answer[9:12])


CONNECT = "CONNECT x.com:443 HTTP/1.1"


# ---------------------------------------------------------------- as somebody else


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("proxy-AUTHORIZATION: {}",), 200),
        (("Proxy-Authorization:\r\n {}",), 200),
        (("Proxy-Authorization: Basic eDp5", "Proxy-Authorization: {}"), 407),
        (("Proxy-Authorization: {}", "Proxy-Authorization: Basic eDp5"), 407),
        (("Proxy_Authorization: {}",), 407),
        (("Proxy-Authorization : {}",), 400),
        (("X-A: b\r\n Proxy-Authorization: {}",), 407),
        (("Authorization: {}",), 407),
        (("X-Authenticated-User: aminah", "X-Forwarded-For: 127.0.0.7", "Gerbang-Downstream: x"), 407),
    ],
)
def test_a_header_counts_once_and_as_it_is_called(gate: RunningGate, lines: tuple[str, ...], told: int) -> None:
    value = basic().partition(": ")[2]
    assert status(gate, CONNECT, *(line.format(value) for line in lines)) == told


@pytest.mark.parametrize("user", ["aminah\0", "aminah ", " aminah", "AMINAH", "аminah", "aminah\u200b", "unknown", ""])
def test_only_the_name_itself_is_the_name(gate: RunningGate, user: str) -> None:
    assert status(gate, CONNECT, basic(user)) == 407


def test_a_password_with_a_nul_is_another(gate: RunningGate) -> None:
    assert status(gate, CONNECT, basic(word=f"{WORD}\0{WORD}")) == 407


def test_a_tunnel_holds_no_second_one(gate: RunningGate, platform: Upstream) -> None:
    connection, answer = asked(gate, CONNECT, basic())
    assert answer.startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cafile=gate.trust.file)
    with context.wrap_socket(connection, server_hostname="x.com") as inside:
        inside.sendall(b"CONNECT x.com:443 HTTP/1.1\r\nHost: x.com:443\r\n\r\n")
        assert receive(inside).startswith(b"HTTP/1.1 400")
    assert platform.requests == []


@pytest.mark.parametrize("name", ["UNKNOWN", "unknown", "a\u212a", "PC-07$", "aminah\\@X"])
def test_small_letters_make_nobody_somebody_else(name: str) -> None:
    with pytest.raises(Refused):
        Names(frozenset({"CONTOH.MY"}), lower=True).officer(f"{name}@CONTOH.MY")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"unknown:{'$2y$05$' + 'a' * 53}", "nobody can be called `unknown`"),
        (f"devi:{'$2y$99$' + 'a' * 53}", "is not bcrypt"),
        (f"devi:{'$2y$05$' + '!' * 53}", "is not bcrypt"),
        (f"devi:{'$2y$17$' + 'a' * 53}", "has the cost 17"),
    ],
)
def test_a_line_that_nobody_could_sign_in_by_is_refused_when_it_is_read(line: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_htpasswd(line, "staff.htpasswd")


async def test_after_a_change_an_unknown_user_still_takes_as_long(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text(f"aminah:{hashed(WORD)}\n")
    door = Htpasswd(file)
    file.write_text("aminah:" + bcrypt.hashpw(WORD.encode(), bcrypt.gensalt(6)).decode() + "\n")
    door.refresh()
    assert door._nobody[4:6] == b"06"


# ---------------------------------------------------------------- as nobody


@pytest.mark.parametrize("fault", ["refuse-writes", "refuse", "forward"])
def test_a_fault_at_the_door_lets_nobody_pass_whatever_is_set_for_faults(
    gate: RunningGate, plain_host: Upstream, platform: Upstream, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    async def broken(_: Knock) -> SignIn:
        raise RuntimeError("a fault of ours")

    (door,) = (door for door in gate.gate.admission._doors if isinstance(door, BasicDoor))
    monkeypatch.setattr(door, "check", broken)
    gate.gate.guard._on_fault = fault
    for first in ("GET http://plain.example/ HTTP/1.1", "POST http://plain.example/ HTTP/1.1", CONNECT):
        assert status(gate, first, basic()) == 503
    assert gate.gate.guard.faults["admit"] == 3
    assert plain_host.requests == platform.requests == []


def test_a_fault_while_doors_are_kept_fresh_costs_one_look(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> int:
        monkeypatch.setattr("gerbang.gate.admission.REFRESH", 0.01)
        admission = gate.gate.admission
        looks = 0

        def refresh() -> None:
            nonlocal looks
            looks += 1
            raise RuntimeError("a fault of ours")

        for door in admission._doors:
            monkeypatch.setattr(door, "refresh", refresh)
        task = asyncio.ensure_future(admission.keep_fresh())
        async with asyncio.timeout(20):
            while looks < 5:
                await asyncio.sleep(0.01)
        task.cancel()
        return looks

    assert asyncio.run(run()) >= 5


def said(gate: RunningGate, address: str, officer: str | None) -> None:
    now = datetime.now(UTC)
    Desk(gate.settings.feeds_folder).say([Session(address, officer, now + timedelta(hours=1 if officer else 0))], now)
    door = gate.gate.admission.sessions
    assert door is not None

    def known() -> bool:
        found = door.at(address)
        return (found.officer if found else None) == officer

    until(known)


def test_a_tunnel_to_any_host_ends_with_the_session_of_who_opened_it(gate: RunningGate) -> None:
    said(gate, WIFI, "aminah")
    connection, answer = asked(gate, "CONNECT plain.example:80 HTTP/1.1", source=WIFI)
    assert answer.startswith(b"HTTP/1.1 200")
    (client,) = gate.gate.admission.with_tunnels()
    actor = gate.gate.admission.actor(client)
    assert actor is not None
    assert gate.gate.admission.now(actor, client) == actor
    said(gate, WIFI, None)
    assert gate.gate.admission.now(actor, client) is None, "what is sent on a socket is nobody's now"
    gate.loop.call(gate.gate.passing.look())
    assert connection.recv(100) == b""
    assert gate.gate.counts["ended-unknown"] == 1


def test_on_a_plain_connection_too_nobody_goes_on_whose_session_is_over(gate: RunningGate) -> None:
    said(gate, WIFI, "aminah")
    door = gate.gate.admission.sessions
    assert door is not None
    zone = next(zone for zone in gate.gate.world.zones if zone.name == "wifi")
    actor = gate.gate.admission._actor(zone, WIFI, None)
    assert actor.officer is not None
    client: Any = object.__new__(type("Client", (), {"__slots__": ("__weakref__",)}))
    assert gate.gate.admission.now(actor, client) == actor
    said(gate, WIFI, None)
    assert gate.gate.admission.now(actor, client) is None


def test_what_is_neither_tls_nor_http_asks_somebody_too(gate: RunningGate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirected connection that speaks something else, where only known officers are served."""
    monkeypatch.setattr("mitmproxy.platform.original_addr", lambda _: ("11.1.0.3", 22))
    listener = socket.create_server(("127.0.0.1", 0))
    arrived: list[bytes] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            arrived.append(connection.recv(100))
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    monkeypatch.setattr(gate.gate._targets, "address_of", _always(listener.getsockname()[:2]))
    transparent = gate.settings.gate.transparent[0]
    host, _, port = transparent.rpartition(":")

    def speak() -> bytes:
        with socket.create_connection((host, int(port)), 10, source_address=(WIFI, 0)) as connection:
            connection.sendall(b"\x00\x01\x02\x03SSH-2.0-x\r\n")
            try:
                return connection.recv(100)
            except ConnectionResetError:
                return b""

    assert speak() == b""
    assert arrived == []
    assert gate.gate.counts["unknown-officer"] == 1
    said(gate, WIFI, "aminah")
    speak()
    until(lambda: len(arrived) == 1)
    listener.close()


def _always(address: tuple[str, int]) -> Any:
    async def address_of(*_: object) -> tuple[str, int]:
        return address

    return address_of


# ---------------------------------------------------------------- longer than a day


class Slow:
    """A verifier that knows everybody, once it is let."""

    way = "ldap"
    at_once = 64
    known_for = 100.0

    def __init__(self) -> None:
        self.asked = 0
        self.gives = Outcome.SIGNED_IN
        self.go = threading.Event()
        self.go.set()

    def seal(self, _: str) -> bytes:
        return b""

    def verify(self, user: str, _: bytes) -> SignIn:
        self.asked += 1
        self.go.wait(20)
        return SignIn(self.gives, user if self.gives is Outcome.SIGNED_IN else None)

    def refresh(self) -> None:
        """Rests on nothing."""

    def close(self) -> None:
        """Nothing is open."""


class Now:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


async def knocked(door: BasicDoor, user: str, word: str, client: str = "10.1.2.3") -> SignIn:
    return await door.check(Knock(basic(user, word).partition(": ")[2], client, lambda _: None))


async def test_a_password_is_looked_at_again_however_often_it_is_used() -> None:
    verifier, now = Slow(), Now()
    door = BasicDoor(verifier, now)
    first = await knocked(door, "aminah", WORD)
    assert (first.user, first.until) == ("aminah", now.at + 100)
    for _ in range(9):
        now.at += 11
        assert await knocked(door, "aminah", WORD) == first
    assert verifier.asked == 1
    now.at += 1
    verifier.gives = Outcome.WRONG
    assert (await knocked(door, "aminah", WORD)).outcome is Outcome.WRONG
    assert verifier.asked == 2
    door.close()


def test_a_tunnel_ends_when_its_sign_in_has_to_be_looked_at_again(tmp_path: Path) -> None:
    file = tmp_path / "htpasswd"
    file.write_text("")
    zone = {"name": "z", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": "htpasswd", "htpasswd": file}
    settings, now = office_settings(tmp_path, zones=[zone]), Now()
    admission = Admission(settings, Standing(world_of(settings)), Counter(), Guard("refuse"), now)
    flow = tflow.tflow()
    flow.client_conn.peername = ("127.0.0.1", 50000)
    flow.client_conn.proxy_mode = ProxyMode.parse("regular")
    admission.arrived(flow.client_conn)
    flow.metadata[OPENED_BY] = Known("aminah", "ldap", now.at + 10)
    admission.opened(flow)
    actor = admission.actor(flow.client_conn)
    assert actor is not None
    assert admission.now(actor, flow.client_conn) == actor
    now.at += 10
    assert admission.actor(flow.client_conn) is None
    assert admission.now(actor, flow.client_conn) is None


# ---------------------------------------------------------------- who holds others up


async def test_nobody_alone_keeps_everybody_from_signing_in() -> None:
    verifier = Slow()
    verifier.go.clear()
    door = BasicDoor(verifier)
    many = [asyncio.ensure_future(knocked(door, f"u{n}", "x", "10.6.6.6")) for n in range(100)]
    async with asyncio.timeout(20):
        while verifier.asked < basic_door.WAITING_OF_ONE:
            await asyncio.sleep(0.01)
    again = asyncio.ensure_future(knocked(door, "u0", "x", "10.6.6.6"))
    other = asyncio.ensure_future(knocked(door, "aminah", WORD))
    await asyncio.sleep(0)
    verifier.go.set()
    assert (await other).user == "aminah"
    assert (await again).user == "u0", "who waits for what is looked at anyway takes no place"
    outcomes = Counter([(await one).outcome for one in many])
    assert outcomes == {Outcome.SIGNED_IN: basic_door.WAITING_OF_ONE, Outcome.LIMITED: 100 - basic_door.WAITING_OF_ONE}
    assert not door._waiting
    door.close()


def test_a_feed_that_is_read_anew_is_read_off_the_loop(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    desk = Desk(tmp_path)
    desk.say([Session("10.1.2.3", "aminah", now + timedelta(hours=1))], now)
    door = SessionDoor(tmp_path)
    before = door.book
    desk._compact(now)
    seen = door.look()
    assert seen
    assert seen.book is not None
    door.take(seen)
    assert door.book is seen.book is not before
    assert [session.officer for session in door.book.all(now)] == ["aminah"]
    assert not door.look()


def test_a_session_that_ended_before_there_were_years_is_over(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    desk = Desk(tmp_path)
    desk.say([Session("10.1.2.3", "aminah", now + timedelta(hours=1))], now)
    assert desk.say([Session("10.1.2.3", "aminah", datetime.fromisoformat("0001-01-01T00:00:00+14:00"))], now) == 1
    assert desk.standing(now) == ()
