"""One Chromium for each way by which people are known, before one gate: the same post, and who the record says it was.

Each browser reaches the gate from an address of its own, and so from a zone of its own.
"""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Playwright

from deploy.squid import Squid, a_squid
from e2e.browser import FLAGS, a_browser, said, state_purpose
from e2e.office import NAMES, WORD, Office, running
from gerbang.demo.office import Registers, settle
from gerbang.demo.standins.server import StandIns
from gerbang.journal.keys import load_keys
from gerbang.record.event import RecordKeys, pseudonym
from kerberos import Realm, a_realm
from waiting import until

pytestmark = [pytest.mark.needs_chromium, pytest.mark.needs_kerberos, pytest.mark.needs_squid]

# A name that needs no other resolution: Chromium asks for a ticket for the one at the end of all aliases.
PROXY = "gerbang.localhost"
SERVICE = f"HTTP/{PROXY}"
SECRET = "a-trial's-secret-of-thirty-letters"
OFFICERS = """id,name,unit,office,service_group,groups,pattern
aminah,Aminah binti Contoh,Komunikasi,ibu-pejabat,professional,,
farid,Farid bin Misal,Kewangan,ibu-pejabat,support,,
devi,Devi a/p Umpama,Teknologi,ibu-pejabat,professional,,
siti,Siti binti Andaian,Arkib,ibu-pejabat,support,,
"""
LEAVE = """officer,kind,from,until,reference,by
siti,leave,2026-11-23,2026-11-27,CR 14/2026,Ketua Unit Arkib
"""
ZONES = """
[[zones]]
name = "kerberos"
networks = ["127.0.0.11/32"]
office = "ibu-pejabat"
sign_in = "kerberos"

[[zones]]
name = "squid"
networks = ["127.0.0.12/32"]
office = "ibu-pejabat"
sign_in = "header"

[[zones]]
name = "wifi"
networks = ["127.0.0.13/32"]
office = "ibu-pejabat"
sign_in = "session"

[[zones]]
name = "kaunter"
networks = ["127.0.0.14/32"]
office = "ibu-pejabat"

[[downstream]]
networks = ["127.0.0.22/32"]
user_header = "X-Authenticated-User"
secret = "{secret}"

[kerberos]
keytab = "gerbang.keytab"
service = "{service}@{realm}"
"""
SQUID = """
acl all_here src all
auth_param basic program /usr/lib/squid/basic_ncsa_auth {{folder}}/passwd
auth_param basic realm Proxy
acl signed_in proxy_auth REQUIRED
http_access deny !signed_in
http_access allow signed_in
tcp_outgoing_address 127.0.0.22
cache_peer 127.0.0.1 parent {port} 0 no-query no-digest no-netdb-exchange proxy-only name=gerbang
never_direct allow all_here
forwarded_for truncate
request_header_access X-Authenticated-User deny all
request_header_access Gerbang-Downstream deny all
request_header_add X-Authenticated-User "%ul" all_here
request_header_add Gerbang-Downstream "{secret}" all_here
"""


class From:
    """A door through which connections come from another address of this machine."""

    def __init__(self, source: str, target: tuple[str, int]) -> None:
        self._source, self._target = source, target
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                onward = socket.create_connection(self._target, source_address=(self._source, 0))
                for pair in ((client, onward), (onward, client)):
                    Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@dataclass
class Place:
    """An office with its realm, its Squid, and the doors to them."""

    office: Office
    realm: Realm
    squid: Squid
    ports: dict[str, int]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("identities")
    with ExitStack() as stack:
        realm = stack.enter_context(a_realm(tmp_path_factory.mktemp("realm")))
        realm.add(SERVICE)
        realm.add("farid")
        standins = stack.enter_context(StandIns(folder))
        extra = ZONES.format(secret=SECRET, service=SERVICE, realm=realm.name)
        registers = Registers(OFFICERS, "platform,account,handle,name,standing\n")
        settings = settle(folder, standins, registers, dict.fromkeys(NAMES, WORD), extra=extra)
        file = folder / "gerbang.toml"
        file.write_text(file.read_text().replace("[gate]\n", f'[gate]\nhost = "{PROXY}"\n'))
        (settings.registers_folder / "own-days.csv").write_text(LEAVE)
        realm.keytab(folder / "gerbang.keytab", SERVICE)
        environment = {key: value for key, value in realm.environment().items() if key.startswith("KRB5")}
        office = stack.enter_context(running(settings, folder, standins, "10:00:00", environment))
        port = office.proxy[1]
        files = {
            "conf.d/gerbang.conf": SQUID.format(port=port, secret=SECRET).replace("{{folder}}", "{folder}"),
            "passwd": "devi:" + squid_password(WORD) + "\n",
        }
        squid = stack.enter_context(a_squid(files, {}, 443))
        doors = {
            "kerberos": From("127.0.0.11", office.proxy),
            "header": From("127.0.0.12", squid.address),
            "session": From("127.0.0.13", office.proxy),
            "none": From("127.0.0.14", office.proxy),
        }
        for door in doors.values():
            stack.callback(door.close)
        yield Place(office, realm, squid, {"htpasswd": port, **{way: door.port for way, door in doors.items()}})


def squid_password(word: str) -> str:
    """As Squid's own helper reads it: the system's `crypt` with MD5."""
    made = subprocess.run(["openssl", "passwd", "-apr1", word], capture_output=True, text=True, check=True)
    return made.stdout.strip()


@contextmanager
def a_page(playwright: Playwright, place: Place, way: str, user: str | None) -> Iterator[Page]:
    """A page on X in a browser of its own, which reaches the gate by one way."""
    # The first makes the profile that trusts the gate's root.
    a_browser(playwright, place.office).close()
    home = place.office.folder / "home"
    host = PROXY if way == "kerberos" else "127.0.0.1"
    tickets = place.realm.tickets("farid") if way == "kerberos" else {}
    proxy: Any = {"server": f"http://{host}:{place.ports[way]}"}
    if user is not None:
        proxy |= {"username": user, "password": WORD}
    # A profile that stays: Chromium shows no ticket from a window that is to be forgotten.
    context = playwright.chromium.launch_persistent_context(
        place.office.folder / f"profile-{way}",
        executable_path=shutil.which("chromium"),
        args=[
            *FLAGS, "--no-sandbox", f"--auth-server-allowlist={PROXY}",
        ],
        env={**{k: v for k, v in tickets.items() if k.startswith("KRB5")}, "HOME": str(home), "PATH": "/usr/bin:/bin"},
        proxy=proxy,
        locale="ms-MY",
    )  # fmt: skip
    try:
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.goto("https://x.com/home?as=2001")
        state_purpose(page, "#post")
        yield page
    finally:
        context.close()


def shown(office: Office, number: str) -> dict[str, Any]:
    """One decision, as an auditor asks for it, with its name."""
    until(lambda: office.gerbang("audit", "show", number, "--json").returncode == 0)
    found: dict[str, Any] = json.loads(office.gerbang("audit", "show", number, "--json").stdout)
    return found


def session(office: Office, address: str, officer: str) -> None:
    """As a captive portal says it."""
    made = office.gerbang("tokens", "add", "portal", "--may", "sessions", "--json")
    assert made.returncode == 0, made.stderr
    token = json.loads(made.stdout)["token"]
    answer = httpx.post(
        f"{office.console}/api/v1/sessions",
        headers={"Authorization": f"Bearer {token}"},
        json={"address": address, "officer": officer, "seconds": 3600},
    )
    assert answer.is_success, answer.text


WAYS = [
    ("htpasswd", "aminah", "pejabat", "aminah"),
    ("kerberos", None, "kerberos", "farid"),
    ("header", "devi", "squid", "devi"),
    ("session", None, "wifi", "siti"),
    ("none", None, "kaunter", None),
]


@pytest.mark.parametrize(("way", "user", "zone", "officer"), WAYS, ids=[way for way, *_ in WAYS])
def test_the_same_post_is_the_officers_own(
    place: Place, playwright: Playwright, way: str, user: str | None, zone: str, officer: str | None
) -> None:
    office = place.office
    keys = RecordKeys.made_of(load_keys(office.folder / "state" / "keys").record, os.urandom)
    if way == "session":
        session(office, "127.0.0.13", "siti")
    before = len(office.decisions(activity="post"))
    with a_page(playwright, place, way, user) as page:
        answer = said(page, "post", "Selamat pagi semua, jumpa di kantin")
    decision = office.decisions(activity="post")[before:]
    assert len(decision) == 1
    (one,) = decision
    found = shown(office, one["number"])
    assert (one["zone"], one["known_by"]) == (zone, None if way == "none" else way)
    assert one["officer"] == (None if officer is None else pseudonym(officer, keys))
    if officer == "siti":
        assert answer == "sent", "she is on leave"
        assert (one["done"], one["hours"]["regime"]) == ("forwarded", "outside-hours")
        assert "leave" in json.dumps(found)
    else:
        assert answer != "sent"
        assert (one["effect"], one["done"], one["hours"]["regime"]) == ("block", "answered", "office-hours")
        assert "malaysia-public-service/personal-participation-in-office-hours" in {
            match["rule"] for match in one["matches"]
        }
