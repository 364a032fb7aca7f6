"""Officers with a ticket of a real realm, by curl, through a real gate; and what somebody on the way could read."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from socket import create_connection
from typing import Any

import bcrypt
import pytest

from gate_builders import (
    TUESDAY_AT_NIGHT,
    RunningGate,
    Upstream,
    a_gate,
    a_trust,
    office_settings,
    receive,
    server_context,
)
from gerbang.journal.reader import Line, read_slot, slots
from gerbang.journal.sidecar import read_private
from kerberos import HOST, SERVICE, Realm, a_realm
from relay import Relay
from waiting import until

pytestmark = pytest.mark.needs_kerberos

WORD = "sebuah kata: rahsia"
TEXT = "Selamat hari lahir, semoga panjang umur"
TICKET = ("--proxy-negotiate", "--proxy-user", ":")
PASSWORD = ("--proxy-basic", "--proxy-user", f"aminah:{WORD}")
ANY = ("--proxy-anyauth", "--proxy-user", f"aminah:{WORD}")
BOTH = ("kerberos", "htpasswd")


@pytest.fixture(scope="module")
def realm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Realm]:
    with a_realm(tmp_path_factory.mktemp("realm")) as running:
        for person in ("aminah", "farid"):
            running.add(person)
        running.add(SERVICE, "-randkey")
        yield running


@dataclass
class Wire:
    """A gate with a stand-in for X behind it, and a relay before it that keeps what passes."""

    gate: RunningGate
    platform: Upstream
    relay: Relay
    realm: Realm
    tls: bool
    scheme: str

    def curl(self, who: str | None, *arguments: str, posts: int = 1, tls: bool | None = None) -> list[str]:
        """A post, or several one after another by one curl: of each its status and that of its CONNECT."""
        port = self.relay.port
        over = "https" if (self.tls if tls is None else tls) else "http"
        trusted = str(self.gate.trust.file)
        told = "%{http_code} %{http_connect}\\n"
        command = [
            *("curl", "--silent", "--write-out", told, "--max-time", "30", "--http1.1"),
            *("--resolve", f"{HOST}:{port}:127.0.0.1", "--proxy", f"{over}://{HOST}:{port}"),
            *("--cacert", trusted, "--proxy-cacert", trusted, *arguments),
            *("--header", "Content-Type: application/json", "--header", "Origin: https://x.com"),
            *("--header", "Cookie: twid=u%3D2001; ct0=f00dfeed"),
            *("--data", json.dumps({"variables": {"tweet_text": TEXT}, "queryId": "AbCdEf"})),
        ]
        for _ in range(posts):
            command += ["--output", "/dev/null", f"{self.scheme}://x.com/i/api/graphql/AbCdEf/CreateTweet"]
        done = subprocess.run(command, env=self.realm.environment(who), capture_output=True, text=True, timeout=60)
        return done.stdout.splitlines()

    def known(self) -> list[tuple[str, str]]:
        """Who made each post that was decided on, and by which way that is known."""
        lines = [line for slot in slots(self.gate.settings.journal_folder) for line in read_slot(slot)]
        posts = [line for line in lines if isinstance(line, Line) and line.link.kind == "decision"]
        people: list[Any] = [read_private(line)["officer"] for line in posts]
        return [(who["id"], str(line.link.body["known_by"])) for who, line in zip(people, posts, strict=True)]

    @property
    def headers(self) -> int:
        """How often a client said who it is."""
        return bytes(self.relay.sent).lower().count(b"proxy-authorization:")


@pytest.fixture
def office(realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Wire]]:
    """Makes the gate of an office in the evening, when posts pass."""
    # The gate needs no krb5.conf; clocks may differ by a second or two here, so that tickets are soon too old.
    krb5 = tmp_path / "acceptor.conf"
    krb5.write_text("[libdefaults]\nclockskew = 2\n")
    monkeypatch.setenv("KRB5_CONFIG", str(krb5))
    trust = a_trust(tmp_path, ["x.com", HOST])
    (tmp_path / "htpasswd").write_text(f"aminah:{bcrypt.hashpw(WORD.encode(), bcrypt.gensalt(4)).decode()}\n")
    with ExitStack() as held:

        def make(tls: bool = False, scheme: str = "https", ways: tuple[str, ...] = ("kerberos",)) -> Wire:
            platform = Upstream(server_context(trust, "x.com", tmp_path) if scheme == "https" else None)
            held.callback(platform.close)
            zone: dict[str, Any] = {
                "name": "pejabat",
                "networks": ["127.0.0.0/8"],
                "office": "hq",
                "sign_in": list(ways),
            }
            if "htpasswd" in ways:
                zone["htpasswd"] = tmp_path / "htpasswd"
            hosts = {"x.com": f"127.0.0.1:{platform.address[1]}"}
            settings = office_settings(
                tmp_path,
                zones=[zone],
                kerberos={"keytab": realm.keytab(tmp_path / "gerbang.keytab", SERVICE), "service": SERVICE},
                gate={
                    "host": HOST,
                    "tls": "required" if tls else "offered",
                    "upstream": {"hosts": hosts, "trusted_ca": trust.file},
                },
            )
            gate = held.enter_context(a_gate(settings, trust, at=TUESDAY_AT_NIGHT))
            return Wire(gate, platform, held.enter_context(Relay(gate.address)), realm, tls, scheme)

        yield make


OVER = pytest.mark.parametrize("tls", [False, True], ids=["plain-proxy", "tls-proxy"])
SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])


type Make = Callable[..., Wire]


def posted(scheme: str, count: int = 1) -> list[str]:
    """What curl says of posts that passed, of which the first opens a tunnel where there is one."""
    return [f"200 {'200' if scheme == 'https' and number == 0 else '000'}" for number in range(count)]


def refused(scheme: str, status: int) -> list[str]:
    return [f"000 {status}" if scheme == "https" else f"{status} 000"]


# ---------------------------------------------------------------- who is known


@OVER
@SCHEMES
def test_whoever_has_a_ticket_posts_unasked_and_by_name(realm: Realm, office: Make, tls: bool, scheme: str) -> None:
    wire = office(tls, scheme)
    for who in ("aminah", "farid"):
        realm.tickets(who)
        assert wire.curl(who, *TICKET, posts=3) == posted(scheme, 3)
    assert wire.known() == [("aminah", "kerberos")] * 3 + [("farid", "kerberos")] * 3
    assert wire.relay.connections == 2, "three posts share a connection"
    assert len(wire.platform.requests) == 6
    assert not [request for request in wire.platform.requests if b"negotiate" in request.lower()]


@OVER
@SCHEMES
def test_of_both_ways_a_client_with_a_ticket_takes_that_and_says_it_once(
    realm: Realm, office: Make, tls: bool, scheme: str
) -> None:
    wire = office(tls, scheme, BOTH)
    realm.tickets("aminah")
    assert wire.curl("aminah", *ANY, posts=3) == posted(scheme, 3)
    assert wire.known() == [("aminah", "kerberos")] * 3
    assert wire.relay.connections == 1, "what refuses keeps the connection, on which the ticket then comes"
    if not tls:
        asked, _, _ = bytes(wire.relay.answered).lower().partition(b"http/1.1 200")
        assert asked.startswith(b"http/1.1 407")
        assert re.findall(rb"proxy-authenticate: (\w+)", asked) == [b"negotiate", b"basic"]
        assert wire.headers == 1, "curl counts on staying known for the connection"


@OVER
@SCHEMES
def test_of_both_ways_a_client_without_a_ticket_takes_the_password(office: Make, tls: bool, scheme: str) -> None:
    wire = office(tls, scheme, BOTH)
    assert wire.curl(None, *PASSWORD, posts=2) == posted(scheme, 2)
    assert wire.known() == [("aminah", "htpasswd")] * 2


@OVER
@SCHEMES
def test_whoever_has_no_ticket_posts_nothing(office: Make, tls: bool, scheme: str) -> None:
    wire = office(tls, scheme)
    assert wire.curl(None, *TICKET) == refused(scheme, 407)
    assert not wire.gate.decisions()
    assert not wire.platform.requests


@OVER
@SCHEMES
def test_once_a_ticket_expired_nothing_passes_by_it(realm: Realm, office: Make, tls: bool, scheme: str) -> None:
    wire = office(tls, scheme)
    realm.tickets("aminah", "-l", "3s")
    assert wire.curl("aminah", *TICKET) == posted(scheme)
    until(lambda: wire.curl("aminah", *TICKET) == refused(scheme, 407))
    before = len(wire.gate.decisions())
    assert wire.curl("aminah", *TICKET) == refused(scheme, 407)
    assert len(wire.gate.decisions()) == before
    realm.tickets("aminah")
    assert wire.curl("aminah", *TICKET) == posted(scheme), "and a renewed one is taken"


# ---------------------------------------------------------------- what is on the wire


def secrets(given: tuple[str, ...]) -> list[bytes]:
    """What must not be read by somebody on the way: who it is, what proves it, where it goes and what it says."""
    basic = base64.b64encode(f"aminah:{WORD}".encode())
    way = b"Negotiate" if given is TICKET else b"Basic"
    return [b"aminah", WORD.encode(), basic, way, b"roxy-", b"CreateTweet", b"x.com", TEXT.encode()]


WAYS = pytest.mark.parametrize("given", [TICKET, PASSWORD], ids=["ticket", "password"])


@WAYS
@SCHEMES
def test_over_tls_somebody_on_the_way_reads_nothing(
    realm: Realm, office: Make, scheme: str, given: tuple[str, ...]
) -> None:
    wire = office(True, scheme, BOTH)
    realm.tickets("aminah")
    assert wire.curl("aminah", *given) == posted(scheme)
    assert len(wire.relay.sent) > 500
    assert len(wire.relay.answered) > 500
    assert [secret for secret in secrets(given) if secret in wire.relay.seen] == []


@WAYS
def test_without_tls_somebody_on_the_way_reads_it(realm: Realm, office: Make, given: tuple[str, ...]) -> None:
    """That the relay would have seen it."""
    wire = office(False, "http", BOTH)
    realm.tickets("aminah")
    assert wire.curl("aminah", *given) == posted("http")
    _, _, _, *there = secrets(given)
    assert [secret for secret in there if secret not in wire.relay.seen] == []
    assert (base64.b64encode(f"aminah:{WORD}".encode()) in wire.relay.seen) is (given is PASSWORD)


@SCHEMES
def test_where_tls_is_required_a_client_without_is_not_asked_and_says_nothing(
    realm: Realm, office: Make, scheme: str
) -> None:
    wire = office(True, scheme, BOTH)
    realm.tickets("aminah")
    assert wire.curl("aminah", *ANY, tls=False) == refused(scheme, 403)
    until(lambda: b"over TLS only" in wire.relay.answered)
    assert b"proxy-authenticate" not in bytes(wire.relay.answered).lower()
    assert b"aminah" not in wire.relay.seen
    assert wire.headers == 0
    assert not wire.gate.decisions()


def test_what_was_read_on_the_way_is_worth_nothing(realm: Realm, office: Make) -> None:
    wire = office(False, "http")
    realm.tickets("aminah")
    assert wire.curl("aminah", *TICKET) == posted("http")
    copied = bytes(wire.relay.sent)
    with closing(create_connection(wire.gate.address, 10)) as connection:
        connection.sendall(copied)
        assert receive(connection).startswith(b"HTTP/1.1 407")
    assert wire.gate.gate.counts["kerberos-replayed"] == 1
    assert len(wire.platform.requests) == 1
