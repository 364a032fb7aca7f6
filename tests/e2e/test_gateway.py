"""`deploy/gateway/` in network namespaces: a phone on the guest Wi-Fi, the gateway, and an internet of stand-ins.

The internet's addresses are public ones, so that the gate's rule on targets stands as it does in an office. The
gateway alone has another clock, by libfaketime: `--at` is for loopback, and here the gate listens for everybody.
"""

import os
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e.namespaces import Machine, addressed, machines, wire
from e2e.office import GERBANG, environment_of
from gate_builders import Upstream, receive
from gerbang.demo.standins.bank import BANK
from gerbang.demo.standins.certificate import certify
from journal_builders import entries

pytestmark = pytest.mark.needs_namespaces

DEPLOY = Path(__file__).parents[2] / "deploy" / "gateway"
RULES, FORWARDING = DEPLOY / "gerbang.nft", DEPLOY / "90-gerbang-gateway.conf"

TIKTOK, X = "www.tiktok.com", "x.com"
LISTED = {TIKTOK: "tiktok", "www.facebook.com": "facebook", X: "x"}
ADDRESSES = {
    "www.facebook.com": ("11.1.0.4", "2a00:11::4"),
    TIKTOK: ("11.1.0.1", "2a00:11::1"),
    X: ("11.1.0.2", "2a00:11::2"),
    BANK: ("11.1.0.3", "2a00:11::3"),
}
# A port that is not the web's: the gateway passes it on as any other would.
OTHER = 2222
# What the office's DNS would say of the gate's own pages: nobody has it.
PAGES = "192.0.2.80"

SETTINGS = """
policies = ["bundled", "own"]

[gate]
transparent = ["0.0.0.0:8443", "[::]:8443"]

[[offices]]
name = "ibu-pejabat"
state = "PJY"

[[zones]]
name = "guest-wifi"
networks = ["10.9.0.0/16", "fd00:9::/64"]
office = "ibu-pejabat"
device = "personal"
"""
# The shipped policy leaves no line of a private device outside office hours; an office may want one.
OWN = """
policy: guests
title: {ms: Rangkaian tetamu, en: The guest network}
clauses:
  G1: {text: {ms: Penggunaan platform direkodkan, en: Use of a platform is recorded}}
rules:
  - id: use-is-recorded
    clause: G1
    title: {ms: Penggunaan, en: Use}
    when: {activity: use, zone: guest-wifi}
    effect: record
"""


@dataclass
class Scene:
    """The phone, the gateway and the internet, with what stands there."""

    folder: Path
    phone: Machine
    gateway: Machine
    internet: Machine
    servers: dict[tuple[str, int], Upstream]
    datagrams: list[bytes]
    trusted: Path

    def curl(self, url: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """As an app on the phone, which trusts the platforms' own authority and has never heard of ours."""
        names = [f"{host}:{port}:{v4}" for host, (v4, _) in ADDRESSES.items() for port in (80, 443)]
        resolve = [part for name in [*names, f"gerbang.internal:80:{PAGES}"] for part in ("--resolve", name)]
        command = ["curl", "-sS", "--max-time", "10", "--cacert", str(self.trusted), *resolve, *options, url]
        return subprocess.run(self.phone.command(*command), capture_output=True, text=True, timeout=30)

    def handshake(self, machine: Machine, host: str, address: str) -> bytes:
        """The certificate that a host shows there. Raises `ssl.SSLError` where it is refused."""
        context = ssl.create_default_context(cafile=self.trusted)
        raw = machine.connect(address, 443)
        with context.wrap_socket(raw, server_hostname=host) as connection:
            return connection.getpeercert(True) or b""

    def decisions(self) -> list[dict[str, Any]]:
        return [line["body"] for line in entries(self.folder / "state" / "journal", "decision")]

    @contextmanager
    def serving(self, at: str) -> Iterator[None]:
        """`gerbang serve` on the gateway, whose clock says that it is this time of a working Tuesday."""
        # Its library and not the command `faketime`, which stays before what it starts and passes no signal on.
        environment = environment_of(
            TZ="UTC",
            FAKETIME=f"@2026-11-24 {int(at[:2]) - 8:02}{at[2:]}:00",
            FAKETIME_DONT_FAKE_MONOTONIC="1",
            NO_FAKE_STAT="1",
            LD_PRELOAD=str(next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))),
        )
        log = (self.folder / "serve.log").open("a")
        process = subprocess.Popen(
            self.gateway.command(GERBANG, "serve"),
            cwd=self.folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self._await_listener(process)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                log.close()

    def _await_listener(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            assert process.poll() is None, (self.folder / "serve.log").read_text()
            with suppress(OSError), self.gateway.connect("127.0.0.1", 8081, 1):
                return
            time.sleep(0.1)
        raise AssertionError((self.folder / "serve.log").read_text())


def edited(rules: Path, folder: Path) -> Path:
    """The rules with what an admin defines."""
    text, count = re.subn(
        r"^define CLIENT_INTERFACES = .*$", 'define CLIENT_INTERFACES = { "guest0" }', rules.read_text(), flags=re.M
    )
    assert count == 1
    file = folder / rules.name
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("gateway")
    trusted, certificate = folder / "standins-ca.pem", folder / "standins.pem"
    certify(tuple(ADDRESSES), trusted, certificate)
    (folder / "gerbang.toml").write_text(SETTINGS, "utf-8")
    own = folder / "own" / "guests" / "policy.yaml"
    own.parent.mkdir(parents=True)
    own.write_text(OWN, "utf-8")
    with machines("phone", "gateway", "internet") as (phone, gateway, internet):
        wire(phone, "wlan0", gateway, "guest0")
        wire(gateway, "wan0", internet, "core0")
        addressed(phone, "wlan0", "10.9.0.2/24", "fd00:9::2/64")
        addressed(gateway, "guest0", "10.9.0.1/24", "fd00:9::1/64")
        addressed(gateway, "wan0", "11.0.0.1/24", "2a00:10::1/64")
        addressed(internet, "core0", "11.0.0.2/24", "2a00:10::2/64")
        for v4, v6 in ADDRESSES.values():
            addressed(internet, "lo", f"{v4}/32", f"{v6}/128")
        for machine, v4, v6 in ((phone, "10.9.0.1", "fd00:9::1"), (gateway, "11.0.0.2", "2a00:10::2")):
            machine.run("ip", "route", "add", "default", "via", v4)
            machine.run("ip", "-6", "route", "add", "default", "via", v6)
        # In the place of the address translation that a gateway has.
        internet.run("ip", "route", "add", "10.9.0.0/16", "via", "11.0.0.1")
        internet.run("ip", "-6", "route", "add", "fd00:9::/64", "via", "2a00:10::1")
        gateway.run("sysctl", "-p", FORWARDING)
        gateway.run("nft", "-f", edited(RULES, folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        servers: dict[tuple[str, int], Upstream] = {}
        datagrams: list[bytes] = []
        with internet.entered():
            for host, addresses in ADDRESSES.items():
                for address in addresses:
                    servers[address, 443] = Upstream(context, host.encode(), address=(address, 443))
                    servers[address, 80] = Upstream(None, host.encode(), address=(address, 80))
                servers[addresses[0], OTHER] = Upstream(None, host.encode(), address=(addresses[0], OTHER))
            quic = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            quic.bind((ADDRESSES[TIKTOK][0], 443))
            domain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            domain.bind((ADDRESSES[TIKTOK][0], 53))
        threading.Thread(target=echo, args=(domain,), daemon=True).start()
        threading.Thread(target=keep, args=(quic, datagrams), daemon=True).start()
        yield Scene(folder, phone, gateway, internet, servers, datagrams, trusted)
        for server in servers.values():
            server.close()
        quic.close()
        domain.close()


def echo(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            listener.sendto(*listener.recvfrom(2000))


def keep(listener: socket.socket, kept: list[bytes]) -> None:
    with suppress(OSError):
        while True:
            kept.append(listener.recv(2000))


@pytest.fixture(scope="module")
def office(scene: Scene, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """The gateway at work, at the time that a test is marked with; one gate at a time."""
    with scene.serving(request.param):
        yield scene


in_the_morning = pytest.mark.parametrize("office", ["10:00"], indirect=True)
in_the_evening = pytest.mark.parametrize("office", ["18:00"], indirect=True)


def own_certificate(scene: Scene) -> bytes:
    text = (scene.folder / "standins.pem").read_text()
    return ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE") :])


# ---------------------------------------------------------------- in office hours


@in_the_morning
@pytest.mark.parametrize("host", LISTED)
def test_a_phone_is_refused_the_platforms_in_office_hours(office: Scene, host: str) -> None:
    refused = office.curl(f"https://{host}/")
    assert refused.returncode == 35
    assert "unrecognized name" in refused.stderr
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        office.handshake(office.phone, host, ADDRESSES[host][1])
    in_the_clear = office.curl(f"http://{host}/", "-o", "/dev/null", "-w", "%{http_code}")
    assert in_the_clear.stdout == "403"
    assert not any(office.servers[address, 443].requests for address in ADDRESSES[host])
    found = [body for body in office.decisions() if body["platform"] == LISTED[host]]
    assert found
    assert {(body["activity"], body["effect"], body["done"]) for body in found} == {("use", "block", "answered")}


@in_the_morning
def test_a_bank_is_never_touched(office: Scene) -> None:
    before = len(office.decisions())
    assert office.curl(f"https://{BANK}/").stdout == BANK
    assert office.handshake(office.phone, BANK, ADDRESSES[BANK][1]) == own_certificate(office)
    assert office.curl(f"http://{BANK}/").stdout == BANK
    assert len(office.decisions()) == before


@in_the_morning
def test_quic_is_refused_and_the_rest_is_passed_on(office: Scene) -> None:
    address = ADDRESSES[TIKTOK][0]
    with office.phone.entered():
        quic = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        domain = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with quic, domain:
        quic.connect((address, 443))
        quic.settimeout(5)
        quic.send(b"\xc0" + bytes(1199))
        with pytest.raises(ConnectionRefusedError):
            quic.recv(100)
        domain.connect((address, 53))
        domain.settimeout(5)
        domain.send(b"who")
        assert domain.recv(100) == b"who"
    assert office.datagrams == []
    with office.phone.connect(address, OTHER) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert receive(connection).endswith(TIKTOK.encode())


@in_the_morning
def test_nobody_gets_past_by_another_address_or_straight_to_the_listener(office: Scene) -> None:
    # A network on the same wire that the rules do not name.
    addressed(office.gateway, "guest0", "10.77.0.1/24")
    addressed(office.phone, "wlan0", "10.77.0.2/24")
    with office.phone.entered(), pytest.raises(ConnectionRefusedError):
        socket.create_connection((ADDRESSES[BANK][0], 443), 5, source_address=("10.77.0.2", 0))
    for address in ("10.9.0.1", "fd00:9::1", "11.0.0.1"):
        for port in (8443, 8080, 8081):
            with pytest.raises(ConnectionRefusedError):
                office.phone.connect(address, port)


@in_the_morning
@pytest.mark.parametrize("target", ["169.254.169.254", "10.200.0.1", "192.168.1.1"])
def test_what_leads_inside_is_refused_here_too(office: Scene, target: str) -> None:
    assert office.curl(f"http://{target}/", "-o", "/dev/null", "-w", "%{http_code}").stdout == "403"
    with pytest.raises((ssl.SSLError, ConnectionError)):
        office.handshake(office.phone, BANK, target)


@in_the_morning
def test_the_gates_own_pages_answer_the_phone(office: Scene) -> None:
    answer = office.curl("http://gerbang.internal/mine", "-H", "Accept: text/html", "-w", "%{http_code}")
    assert answer.stdout.endswith("200")


@in_the_morning
def test_the_gateways_own_connections_do_not_come_back_to_it(office: Scene) -> None:
    before = len(office.decisions())
    assert office.handshake(office.gateway, X, ADDRESSES[X][0]) == own_certificate(office)
    assert len(office.decisions()) == before


# ---------------------------------------------------------------- and after them


@in_the_evening
def test_after_office_hours_the_phone_is_let_through_untouched(office: Scene) -> None:
    before = len(office.decisions())
    for host in LISTED:
        assert office.curl(f"https://{host}/").stdout == host
        assert office.handshake(office.phone, host, ADDRESSES[host][1]) == own_certificate(office)
    assert office.curl(f"https://{BANK}/").stdout == BANK
    # Once a minute for an address and a host, and the phone has two.
    assert sorted((body["platform"], body["effect"], body["done"]) for body in office.decisions()[before:]) == sorted(
        [(platform, "record", "forwarded") for platform in LISTED.values()] * 2
    )


def test_the_rules_are_taken_as_they_are_shipped(scene: Scene) -> None:
    scene.gateway.run("nft", "-c", "-f", RULES)
