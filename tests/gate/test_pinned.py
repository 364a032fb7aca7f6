"""Apps that take no certificate but their own: refused and counted, unless an admin exempted their host."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives import serialization

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
    tls_tunnel,
    tunnel,
)
from gerbang.gate.distrust import Distrust
from gerbang.gate.pinned import Pins
from gerbang.gate.reporting import Reporter
from gerbang.model import Office
from gerbang.settings import ZoneSettings
from waiting import until

ZONE = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq"}
REASON = "the agency's own X app compares certificates"


@pytest.fixture(scope="module")
def trusts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Trust, Trust]:
    """The gate's, and the platform's own."""
    folder = tmp_path_factory.mktemp("ca")
    hosts = ["x.com", "gerbang.internal"]
    return a_trust(folder, hosts), a_trust(folder, hosts, "platform")


@pytest.fixture
def platform(tmp_path: Path, trusts: tuple[Trust, Trust]) -> Iterator[Upstream]:
    server = Upstream(server_context(trusts[1], "x.com", tmp_path))
    yield server
    server.close()


@pytest.fixture
def office(tmp_path: Path, trusts: tuple[Trust, Trust], platform: Upstream) -> Callable[..., Any]:
    """Opens a gate for office PCs, with exemptions."""

    def opened(*pinned: Mapping[str, str], at: datetime = TUESDAY_AT_NIGHT) -> Any:
        hosts = dict.fromkeys(("x.com", "api.x.com"), f"127.0.0.1:{platform.address[1]}")
        settings = office_settings(
            tmp_path,
            zones=[{**ZONE, "pinned": list(pinned)}],
            gate={"upstream": {"hosts": hosts, "trusted_ca": trusts[1].file}},
        )
        return a_gate(settings, trusts[0], at=at)

    return opened


def a_pin(host: str = "x.com", until: str = "2026-12-31") -> dict[str, str]:
    return {"host": host, "reason": REASON, "until": until}


# ---------------------------------------------------------------- refused, and counted


def without_our_ca(gate: RunningGate) -> None:
    """As a browser on a device without our CA, and most apps."""
    with pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(tunnel(gate.address, "x.com:443"), server_hostname="x.com")


def closes_on_the_certificate(gate: RunningGate) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname="x.com")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    with tunnel(gate.address, "x.com:443") as connection:
        connection.sendall(outgoing.read())
        assert connection.recv(65536)


def compares_after_the_handshake(gate: RunningGate) -> None:
    """As OkHttp's certificate pinner does."""
    gate.tls().close()


@pytest.mark.parametrize(
    ("app", "how"),
    [(without_our_ca, "alert"), (closes_on_the_certificate, "close"), (compares_after_the_handshake, "close")],
)
def test_an_app_that_refuses_our_certificate_is_refused_and_counted(
    office: Callable[..., Any], platform: Upstream, app: Callable[[RunningGate], None], how: str
) -> None:
    with office() as gate:
        counts = gate.gate.distrust.counts
        app(gate)
        until(lambda: bool(counts))
        assert dict(counts) == {Distrust("x", "x.com", "pejabat", how, has_ca=False): 1}  # type: ignore[arg-type]
        assert gate.gate.counts["tls-refused-by-client"] == 1
        with gate.tls() as browser:
            browser.sendall(b"GET /i/api/x HTTP/1.1\r\nHost: x.com\r\nSec-Fetch-Dest: empty\r\n\r\n")
            assert receive(browser).startswith(b"HTTP/1.1 200")
        app(gate)
        until(lambda: len(counts) == 2)
        assert counts[Distrust("x", "x.com", "pejabat", how, has_ca=True)] == 1  # type: ignore[arg-type]
        assert gate.decisions() == []
    assert len(platform.requests) == 1, "nothing is learned: what refuses us goes nowhere"


def test_what_else_ends_early_is_no_refusal_of_a_certificate(
    office: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gerbang.gate.distrust.LOOKED", 0.1)
    with office() as gate:
        with tunnel(gate.address, "x.com:443"):
            """Closed before a hello."""
        old = ssl.create_default_context(cafile=gate.trust.file)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES256-SHA")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            old.wrap_socket(tunnel(gate.address, "x.com:443"), server_hostname="x.com")
        with gate.tls():
            time.sleep(0.3)  # a connection that a browser opened in advance
        with pytest.raises((ssl.SSLError, ConnectionError)):
            gate.tls("x.com:443", sni="front.example")
        until(lambda: not gate.gate.admission.connected)
        assert not gate.gate.distrust.counts


def test_what_apps_refused_is_said_by_host_and_of_nobody(office: Callable[..., Any]) -> None:
    with structlog.testing.capture_logs() as logs, office() as gate:
        without_our_ca(gate)
        until(lambda: bool(gate.gate.distrust.counts))
        told = Reporter(gate.gate, gate.journal, gate.clock).snapshot().figures["certificate-refused"]
        assert told == ((("x", "x.com", "pejabat", "alert", "unknown"), 1),)
    (said,) = [entry["apps"] for entry in logs if entry["event"] == "counted"]
    assert said == [{"platform": "x", "host": "x.com", "zone": "pejabat", "how": "alert", "has_ca": False, "count": 1}]


# ---------------------------------------------------------------- exempted


def test_an_exempted_app_is_closed_in_office_hours_with_the_reason_on_record(office: Callable[..., Any]) -> None:
    with office(a_pin(), at=TUESDAY_AT_TEN) as gate:
        for _ in range(2):
            with pytest.raises(ConnectionRefusedError, match="403"):
                tunnel(gate.address, "x.com:443")
        (decision,) = gate.decisions()
        assert (decision["activity"], decision["effect"], decision["done"]) == ("use", "block", "answered")
        assert decision["gaps"] == [{"reason": "encrypted", "detail": ""}, {"reason": "pinned", "detail": REASON}]


def test_and_speaks_with_its_own_platform_after_them(
    office: Callable[..., Any], trusts: tuple[Trust, Trust], platform: Upstream
) -> None:
    theirs = trusts[1].authority.leaf("x.com")
    assert theirs is not None
    with office(a_pin()) as gate:
        with tls_tunnel(gate.address, "x.com:443", trusts[1].file) as connection:
            assert connection.getpeercert(True) == theirs.certificate.public_bytes(serialization.Encoding.DER)
            connection.sendall(a_tweet("Selamat pagi semua"))
            assert receive(connection).startswith(b"HTTP/1.1 200")
        (decision,) = gate.decisions()
        assert (decision["activity"], decision["effect"], decision["done"]) == ("use", "record", "forwarded")
    assert len(platform.requests) == 1


def test_what_is_not_exempted_is_opened_whatever_else_is(office: Callable[..., Any]) -> None:
    with office(a_pin("api.x.com"), a_pin("*.x.com", "2026-11-23")) as gate, gate.tls() as connection:
        assert issuer(connection) == "Gerbang Intermediate CA"


def test_a_hello_for_an_exempted_host_does_not_carry_another_along(office: Callable[..., Any]) -> None:
    """CONNECT to an exempted host and a handshake for one that is not: it is opened."""
    with office(a_pin("api.x.com")) as gate, gate.tls("api.x.com:443", sni="x.com") as connection:
        assert issuer(connection) == "Gerbang Intermediate CA"


def issuer(connection: ssl.SSLSocket) -> str:
    certificate: Any = connection.getpeercert()
    return str(dict(pair[0] for pair in certificate["issuer"])["commonName"])


def test_an_exemption_ends_with_its_day_by_the_offices_clock(office: Callable[..., Any]) -> None:
    last = datetime.fromisoformat("2026-11-24T23:59:30+08:00")
    with structlog.testing.capture_logs() as logs:
        with office(a_pin(until="2026-11-24"), at=last) as gate:
            tunnel(gate.address, "x.com:443").close()
            assert [decision["activity"] for decision in gate.decisions()] == ["use"]
            gate.clock.set(datetime.fromisoformat("2026-11-25T00:00:01+08:00"))
            with gate.tls() as connection:
                assert issuer(connection) == "Gerbang Intermediate CA"
        assert not [entry for entry in logs if entry["event"].startswith("pinned")]


def test_the_start_says_what_has_expired_and_what_exempts_nothing(office: Callable[..., Any]) -> None:
    with (
        structlog.testing.capture_logs() as logs,
        office(a_pin(until="2026-11-23"), a_pin("bank.example"), a_pin("*.api.x.com"), a_pin("api.x.com")),
    ):
        pass
    said = {(entry["event"], entry["host"]) for entry in logs if entry["event"].startswith("pinned")}
    assert said == {
        ("pinned-expired", "x.com"),
        ("pinned-without-effect", "bank.example"),
        ("pinned-without-effect", "*.api.x.com"),
    }


@pytest.mark.parametrize(
    ("host", "listed", "meets"),
    [
        ("x.com", "x.com", True),
        ("*.x.com", "api.x.com", True),
        ("*.x.com", "*.x.com", True),
        ("cdn.x.com", "*.x.com", True),
        ("*.a.x.com", "*.x.com", True),
        ("*.x.com", "x.com", False),
        ("x.com", "*.x.com", False),
    ],
)
def test_an_entry_meets_what_is_listed(host: str, listed: str, meets: bool) -> None:
    zone = ZoneSettings.model_validate({**ZONE, "pinned": [{"host": host, "reason": "r", "until": date(2026, 1, 1)}]})
    assert (Pins([zone]).unknown([listed]) == ()) is meets
    offices = {"hq": Office("hq", "PJY")}
    assert [pin.host for _, pin in Pins([zone]).expired(TUESDAY_AT_TEN, offices)] == [host]


def test_nobody_is_told_that_an_office_pc_is_a_personal_device(office: Callable[..., Any]) -> None:
    with office(a_pin(), at=TUESDAY_AT_TEN) as gate, socket.create_connection(gate.address, 5) as connection:
        connection.sendall(b"CONNECT x.com:443 HTTP/1.1\r\nHost: x.com:443\r\n\r\n")
        answer = receive(connection)
    assert b"not allowed here now" in answer
    assert b"personal" not in answer
