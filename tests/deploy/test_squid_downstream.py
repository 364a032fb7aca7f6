"""A real Squid signs people in and says so: the gate knows officer and address, by tunnel and by plain request."""

import base64
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from deploy.squid import Squid, a_squid
from gate_builders import (
    RunningGate,
    Trust,
    Upstream,
    a_gate,
    a_trust,
    a_tweet,
    office_settings,
    receive,
    server_context,
    world_of,
)

pytestmark = pytest.mark.needs_squid

SHIPPED = Path(__file__).parents[2] / "deploy" / "squid" / "downstream.conf"
SECRET = "another-secret-of-twenty-letters"
CLIENT, WORD = "127.0.3.1", "perkataan"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return a_trust(tmp_path_factory.mktemp("ca"), ["x.com", "gerbang.internal"])


@pytest.fixture
def platform(trust: Trust, tmp_path: Path) -> Iterator[Upstream]:
    server = Upstream(server_context(trust, "x.com", tmp_path))
    yield server
    server.close()


@pytest.fixture
def in_the_clear() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def gate(tmp_path: Path, platform: Upstream, in_the_clear: Upstream, trust: Trust) -> Iterator[RunningGate]:
    hosts = {"x.com": f"127.0.0.1:{platform.address[1]}", "plain.example": f"127.0.0.1:{in_the_clear.address[1]}"}
    settings = office_settings(
        tmp_path,
        zones=[{"name": "kaunter", "networks": ["127.0.3.0/24"], "office": "hq", "sign_in": "header"}],
        downstream=[{"networks": ["127.0.0.1/32"], "user_header": "X-Authenticated-User", "secret": SECRET}],
        gate={"upstream": {"hosts": hosts, "trusted_ca": trust.file}},
    )
    with a_gate(settings, trust, world=world_of(settings)) as running:
        yield running


@pytest.fixture
def squid(gate: RunningGate) -> Iterator[Squid]:
    text = SHIPPED.read_text()
    port = gate.address[1]
    for shipped, here in (("10.1.0.5 parent 8080", f"127.0.0.1 parent {port}"), ("/etc/squid/", "{folder}/")):
        assert shipped in text
        text = text.replace(shipped, here)
    users = "".join(
        f"{name}:{bcrypt.hashpw(WORD.encode(), bcrypt.gensalt(4)).decode()}\n" for name in ("aminah", "farid")
    )
    files = {
        "conf.d/gerbang.conf": text,
        "gerbang-hosts": "x.com\nplain.example\n",
        "passwd": users.replace("$2b$", "$2y$"),
    }
    with a_squid(files, {}, 443) as started:
        yield started


def through(squid: Squid, first: str, host: str, user: str | None, *lines: str) -> tuple[socket.socket, bytes]:
    connection = socket.create_connection(squid.address, 10, source_address=(CLIENT, 0))
    signed = [f"Proxy-Authorization: Basic {base64.b64encode(f'{user}:{WORD}'.encode()).decode()}"] if user else []
    connection.sendall("\r\n".join([first, f"Host: {host}", *signed, *lines, "", ""]).encode())
    return connection, receive(connection)


def test_each_tunnel_is_who_signed_in_to_squid(gate: RunningGate, squid: Squid, platform: Upstream) -> None:
    for user in ("aminah", "farid"):
        forged = ("X-Authenticated-User: siti", "X-Forwarded-For: 10.9.9.9")
        connection, answer = through(squid, "CONNECT x.com:443 HTTP/1.1", "x.com:443", user, *forged)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        context = ssl.create_default_context(cafile=gate.trust.file)
        with context.wrap_socket(connection, server_hostname="x.com") as inside:
            inside.sendall(a_tweet("Selamat pagi semua"))
            assert receive(inside).startswith(b"HTTP/1.1 403")
    first, second = gate.decisions()
    assert (first["zone"], first["known_by"]) == (second["zone"], second["known_by"]) == ("kaunter", "header")
    assert first["officer"] != second["officer"]
    private = "".join(file.read_text() for file in gate.settings.journal_folder.rglob("side/*.jsonl"))
    assert f'"{CLIENT}"' in private
    assert '"aminah"' in private
    assert '"farid"' in private
    assert "siti" not in private
    assert platform.requests == []


def test_a_request_in_the_clear_is_hers_and_no_platform_reads_whose(
    squid: Squid, gate: RunningGate, in_the_clear: Upstream
) -> None:
    connection, answer = through(squid, "GET http://plain.example/ HTTP/1.1", "plain.example", "aminah")
    connection.close()
    assert answer.startswith(b"HTTP/1.1 200"), answer
    (request,) = in_the_clear.requests
    for header in (b"x-authenticated-user", b"x-forwarded-for", b"gerbang-downstream", SECRET.encode()):
        assert header not in request.lower()
    assert gate.gate.counts["downstream-unreadable"] == 0


def test_who_does_not_sign_in_to_squid_does_not_reach_the_gate(squid: Squid, gate: RunningGate) -> None:
    connection, answer = through(squid, "CONNECT x.com:443 HTTP/1.1", "x.com:443", None)
    connection.close()
    assert answer.startswith(b"HTTP/1.1 407")
    assert gate.decisions() == []
