"""Signing in to the proxy, and confirming a hold on the gate's own host, over real sockets."""

import base64
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import bcrypt
import pytest

from gate_builders import (
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_tweet,
    office_settings,
    receive,
)
from gerbang.gate.remembering import recent
from gerbang.loading import load_world
from gerbang.pipeline import World
from gerbang.settings import Settings

WORD = "trial:word"
OFFICERS = "id,name,unit,office,service_group,groups,pattern\naminah,Aminah binti Contoh,Komunikasi,hq,professional,,\n"


def settings_of(folder: Path, platform: Upstream, trust: Trust, *, sign_in: bool) -> Settings:
    zone: dict[str, Any] = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq"}
    if sign_in:
        file = folder / "staff.htpasswd"
        file.write_text(f"aminah:{bcrypt.hashpw(WORD.encode(), bcrypt.gensalt(4)).decode()}\n")
        zone |= {"sign_in": "htpasswd", "htpasswd": file}
    registers = folder / "state" / "registers"
    registers.mkdir(parents=True, exist_ok=True)
    (registers / "officers.csv").write_text(OFFICERS)
    hosts = {"x.com": f"127.0.0.1:{platform.address[1]}"}
    return office_settings(folder, zones=[zone], gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    (folder / "state" / "registers").mkdir(parents=True)
    (folder / "state" / "registers" / "officers.csv").write_text(OFFICERS)
    return load_world(office_settings(folder))


@pytest.fixture
def signed(tmp_path: Path, platform: Upstream, trust: Trust, base: World) -> Iterator[RunningGate]:
    settings = settings_of(tmp_path, platform, trust, sign_in=True)
    zones = tuple(replace(zone, sign_in=("htpasswd",)) for zone in base.zones)
    with a_gate(settings, trust, world=replace(base, zones=zones)) as running:
        yield running


@pytest.fixture
def unsigned(tmp_path: Path, platform: Upstream, trust: Trust, base: World) -> Iterator[RunningGate]:
    with a_gate(settings_of(tmp_path, platform, trust, sign_in=False), trust, world=base) as running:
        yield running


def authorization(user: str = "aminah", word: str = WORD) -> str:
    return "Proxy-Authorization: Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


def connect(gate: RunningGate, *lines: str) -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(gate.address, 10)
    connection.sendall("\r\n".join(["CONNECT x.com:443 HTTP/1.1", "Host: x.com:443", *lines, "", ""]).encode())
    return connection, receive(connection)


def plainly(gate: RunningGate, method: str, url: str, *lines: str, body: bytes = b"") -> bytes:
    """A request to the proxy in the clear."""
    host = url.split("/")[2]
    head = [f"{method} {url} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}", "Accept: text/html", *lines]
    with socket.create_connection(gate.address, 10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        return receive(connection)


# ---------------------------------------------------------------- signing in


def test_who_does_not_sign_in_is_asked_to(signed: RunningGate) -> None:
    for lines in ((), (authorization(word="wrong"),), (authorization(user="nobody"),)):
        connection, answer = connect(signed, *lines)
        connection.close()
        assert answer.startswith(b"HTTP/1.1 407")
        assert b'Proxy-Authenticate: Basic realm="Gerbang", charset="UTF-8"' in answer


def test_who_signs_in_on_connect_is_known_to_every_request_inside(signed: RunningGate, platform: Upstream) -> None:
    connection, answer = connect(signed, authorization())
    assert answer.startswith(b"HTTP/1.1 200")
    context = ssl.create_default_context(cafile=signed.trust.file)
    with context.wrap_socket(connection, server_hostname="x.com") as inside:
        for _ in range(2):
            inside.sendall(a_tweet("Selamat pagi semua"))
            assert receive(inside).startswith(b"HTTP/1.1 403")
        inside.sendall(b"GET /i/api/graphql/Zz/HomeTimeline HTTP/1.1\r\nHost: x.com\r\nSec-Fetch-Dest: empty\r\n\r\n")
        assert receive(inside).startswith(b"HTTP/1.1 200")
    decisions = signed.decisions()
    assert len(decisions) == 2
    assert decisions[0]["officer"] == decisions[1]["officer"] is not None
    assert b"proxy-authorization" not in platform.requests[0].lower()


def test_the_password_stands_nowhere(signed: RunningGate) -> None:
    connection, _ = connect(signed, authorization())
    connection.close()
    encoded = authorization().rpartition(" ")[2].encode()
    for file in signed.settings.state.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert WORD.encode() not in data
            assert encoded not in data


def test_too_many_failures_are_not_looked_at(signed: RunningGate) -> None:
    answers = []
    for number in range(12):
        connection, answer = connect(signed, authorization(word=f"guess {number}"))
        connection.close()
        answers.append(answer[9:12])
    assert answers[:10] == [b"407"] * 10
    assert answers[10:] == [b"429"] * 2


def test_on_a_plain_connection_each_request_signs_in(signed: RunningGate) -> None:
    """Behind another proxy, one connection may carry several people's requests."""
    with socket.create_connection(signed.address, 10) as connection:
        request = "GET http://gerbang.internal/notice HTTP/1.1\r\nHost: gerbang.internal\r\n{}\r\n"
        connection.sendall(request.format(authorization() + "\r\n").encode())
        assert receive(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(request.format("").encode())
        assert receive(connection).startswith(b"HTTP/1.1 407")


def test_a_tunnel_that_was_refused_makes_no_connection_somebodys(signed: RunningGate) -> None:
    """Who signs in after a refused CONNECT does so for one request, not for whoever comes next."""
    with socket.create_connection(signed.address, 10) as connection:
        connection.sendall(b"CONNECT x.com:443 HTTP/1.1\r\nHost: x.com:443\r\n\r\n")
        assert receive(connection).startswith(b"HTTP/1.1 407")
        request = "GET http://gerbang.internal/notice HTTP/1.1\r\nHost: gerbang.internal\r\n{}\r\n"
        connection.sendall(request.format(authorization() + "\r\n").encode())
        assert receive(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(request.format("").encode())
        assert receive(connection).startswith(b"HTTP/1.1 407")


def test_tls_to_the_proxy_itself_is_never_shared_by_tunnel_and_requests(signed: RunningGate) -> None:
    context = ssl.create_default_context(cafile=signed.trust.file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(signed.address, 10) as plain,
        context.wrap_socket(plain, server_hostname="gerbang.internal") as inside,
    ):
        assert inside.selected_alpn_protocol() == "http/1.1"
        request = "GET http://gerbang.internal/notice HTTP/1.1\r\nHost: gerbang.internal\r\n{}\r\n"
        for lines, status in ((authorization() + "\r\n", b"200"), ("", b"407")):
            inside.sendall(request.format(lines).encode())
            assert receive(inside)[9:12] == status


# ---------------------------------------------------------------- a hold, confirmed


def visit(gate: RunningGate, *lines: str) -> bytes:
    connection, answer = connect(gate, *lines)
    assert answer.startswith(b"HTTP/1.1 200")
    with ssl.create_default_context(cafile=gate.trust.file).wrap_socket(connection, server_hostname="x.com") as inside:
        inside.sendall(
            b"GET /home HTTP/1.1\r\nHost: x.com\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\n"
            b"Accept: text/html\r\n\r\n"
        )
        return receive(inside)


def confirm(gate: RunningGate, page: bytes, *lines: str) -> bytes:
    """Go where the page leads, and answer what is asked there."""
    found = re.search(rb"http://gerbang\.internal/d/([0-9A-Z-]+)", page)
    assert found is not None
    number = found[1].decode()
    where = f"http://gerbang.internal/d/{number}"
    shown = plainly(gate, "GET", where, *lines)
    cookie: tuple[str, ...] = ()
    if b"k=1" in shown:  # an unknown officer's browser takes a cookie first
        shown = plainly(gate, "GET", f"{where}?k=1", *lines)
        given = re.search(rb"Set-Cookie: (gerbang=[A-Za-z0-9_-]+)", shown)
        assert given is not None
        cookie = (f"Cookie: {given[1].decode()}",)
    token = re.search(rb'name="token" value="([0-9a-f]+)"', shown)
    assert token is not None
    asked = re.findall(rb'name="(ask\.[a-z-]+)"', shown)
    form = {"token": token[1].decode(), **{name.decode(): "Semakan aduan orang ramai" for name in asked}}
    return plainly(
        gate,
        "POST",
        f"{where}/confirm",
        "Content-Type: application/x-www-form-urlencoded",
        "Origin: http://gerbang.internal",
        *cookie,
        *lines,
        body=urlencode(form).encode(),
    )


@pytest.mark.parametrize("known", [True, False])
def test_a_visit_that_is_held_goes_on_once_its_purpose_is_stated(known: bool, request: Any) -> None:
    gate: RunningGate = request.getfixturevalue("signed" if known else "unsigned")
    lines = (authorization(),) if known else ()
    held = visit(gate, *lines)
    assert held.startswith(b"HTTP/1.1 428")
    assert confirm(gate, held, *lines).startswith(b"HTTP/1.1 303")
    for _ in range(2):
        assert visit(gate, *lines).startswith(b"HTTP/1.1 200")
    (release,) = gate.lines("release")
    assert release["body"]["activity"] == "view"
    done = [decision["done"] for decision in gate.decisions()]
    assert done == ["held", "forwarded"], "what followed is the same visit"


def test_where_nobody_is_known_each_browser_gets_a_decision_that_it_can_open(unsigned: RunningGate) -> None:
    def number(page: bytes) -> str:
        found = re.search(rb"http://gerbang\.internal/d/([0-9A-Z-]+)", page)
        assert found is not None
        return found[1].decode()

    first = number(visit(unsigned))
    assert number(visit(unsigned)) == first, "as long as no browser has opened it"
    opened = plainly(unsigned, "GET", f"http://gerbang.internal/d/{first}?k=1")
    assert opened.startswith(b"HTTP/1.1 200")
    second = number(visit(unsigned))
    assert plainly(unsigned, "GET", f"http://gerbang.internal/d/{second}?k=1").startswith(b"HTTP/1.1 200")
    assert len(unsigned.decisions()) == 2


def test_a_restart_keeps_the_release(base: World, signed: RunningGate) -> None:
    held = visit(signed, authorization())
    confirm(signed, held, authorization())
    found, used, *_ = recent(
        signed.settings.journal_folder, base.registers.officers.values(), signed.gate._keys, signed.clock()
    )
    assert [release.officer for release in found] == ["aminah"]
    assert used == frozenset()
