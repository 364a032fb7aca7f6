"""Proxy sign-in by a directory: what is asked of it, how often, and what stays known while it is away."""

import base64
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from directory import WORD, LdapServer, an_ldap_server
from gate_builders import RunningGate, a_gate, a_trust, office_settings, receive
from gerbang.directory import DirectoryError, SignInRefused
from gerbang.gate.identity.basic import BasicDoor
from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.ldap import AWAY_FOR, Ldap
from gerbang.settings import LdapSettings
from waiting import until

SETTINGS = LdapSettings(urls=("ldaps://localhost",), base="dc=contoh,dc=my", attempts=3, attempts_within=900)


class Told:
    """A directory that does as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bytes]] = []
        self.words: dict[str, bytes] = {"aminah": b"kata"}
        self.away = False

    def sign_in(self, user: str, password: bytes) -> str:
        self.asked.append((user, password))
        if self.away:
            raise DirectoryError("nobody answers")
        if self.words.get(user.lower()) != password:
            raise SignInRefused("wrong-password")
        return user.lower()


class Now:
    at = 1000.0

    def __call__(self) -> float:
        return self.at


def a_door(told: Told, now: Now) -> BasicDoor:
    given: Any = told
    return BasicDoor(Ldap(SETTINGS, given, now), now)


async def tried(door: BasicDoor, user: str, word: str, client: str = "10.1.2.3") -> SignIn:
    header = "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()
    return await door.check(Knock(header, client, lambda _: None))


async def test_who_signed_in_goes_on_while_it_is_away_and_nobody_else_does() -> None:
    told, now = Told(), Now()
    door = a_door(told, now)
    assert (await tried(door, "AMINAH", "kata")).user == "aminah"
    told.away = True
    assert (await tried(door, "AMINAH", "kata")).user == "aminah"
    assert (await tried(door, "aminah", "lain")).outcome is Outcome.UNAVAILABLE
    assert (await tried(door, "devi", "kata")).outcome is Outcome.UNAVAILABLE
    asked = len(told.asked)
    assert (await tried(door, "siti", "kata")).outcome is Outcome.UNAVAILABLE
    assert len(told.asked) == asked, "it is left alone for a moment"
    told.away = False
    now.at += AWAY_FOR
    assert (await tried(door, "aminah", "lain")).outcome is Outcome.WRONG
    assert (await tried(door, "aminah", "kata")).user == "aminah"
    door.close()


async def test_wrong_passwords_lock_no_account_there() -> None:
    told, now = Told(), Now()
    door = a_door(told, now)
    for _ in range(5):
        assert (await tried(door, "aminah", "lama")).outcome is Outcome.WRONG
    assert len(told.asked) == 1, "a browser that keeps an old password asks once"
    with structlog.testing.capture_logs() as logs:
        for number in range(2):
            assert (await tried(door, "Aminah", f"teka {number}", f"10.1.2.{number}")).outcome is Outcome.WRONG
        held = await tried(door, "AMINAH", "kata", "10.1.9.9")
    assert (held.outcome, held.answer) == (Outcome.LIMITED, (("Retry-After", "900"),))
    assert len(told.asked) == SETTINGS.attempts
    assert [entry["event"] for entry in logs] == [
        "directory-sign-in-refused",
        "directory-sign-in-refused",
        "directory-sign-in-held",
    ]
    assert (await tried(door, "devi", "kata")).outcome is Outcome.WRONG, "others are not held"
    now.at += SETTINGS.attempts_within
    assert (await tried(door, "aminah", "kata")).user == "aminah"
    door.close()


async def test_an_empty_password_asks_nobody() -> None:
    told, now = Told(), Now()
    told.words["aminah"] = b""
    door = a_door(told, now)
    assert (await tried(door, "aminah", "")).outcome is Outcome.WRONG
    assert told.asked == []
    door.close()


@pytest.mark.parametrize("identity", ["unknown", "a b", "a:b", "x" * 65])
async def test_an_id_that_no_register_can_have_is_refused(identity: str) -> None:
    told, now = Told(), Now()
    told.words[identity] = b"kata"
    told.sign_in = lambda *_: identity  # type: ignore[method-assign]
    door = a_door(told, now)
    assert (await tried(door, "aminah", "kata")).outcome is Outcome.WRONG
    door.close()


# ---------------------------------------------------------------- a whole gate, a real directory


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LdapServer]:
    with an_ldap_server(tmp_path / "ldap") as running:
        yield running


@pytest.fixture
def gate(tmp_path: Path, server: LdapServer) -> Iterator[RunningGate]:
    zone = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": "ldap"}
    settings = office_settings(tmp_path, zones=[zone], ldap=server.settings().model_dump())
    with a_gate(settings, a_trust(tmp_path, ["x.com", "gerbang.internal"])) as running:
        yield running


def asked(gate: RunningGate, user: str | None, word: str = "") -> bytes:
    """The gate's own page, as somebody; its status line and body."""
    header = "" if user is None else "Proxy-Authorization: Basic "
    if user is not None:
        header += base64.b64encode(f"{user}:{word}".encode()).decode() + "\r\n"
    with socket.create_connection(gate.address, 10) as connection:
        connection.sendall(
            f"GET http://gerbang.internal/mine HTTP/1.1\r\nHost: gerbang.internal\r\n{header}\r\n".encode()
        )
        return receive(connection)


@pytest.mark.needs_openldap
def test_the_directory_is_killed_in_the_middle_of_a_run(
    gate: RunningGate, server: LdapServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        assert asked(gate, "aminah", WORD).startswith(b"HTTP/1.1 200")
        assert asked(gate, "aminah", "rahsia-salah").startswith(b"HTTP/1.1 407")
        assert asked(gate, None).startswith(b"HTTP/1.1 407")
        server.kill()
        assert asked(gate, "aminah", WORD).startswith(b"HTTP/1.1 200"), "who signed in goes on"
        away = asked(gate, "devi", "kata-devi")
        assert away.startswith(b"HTTP/1.1 503")
        assert "Direktori pegawai tidak dapat dihubungi" in away.decode()
        assert b"The directory of officers cannot be reached" in away
        for unnamed in (asked(gate, None), asked(gate, "devi", ""), asked(gate, "siti", "salah")):
            assert unnamed[9:12] in {b"407", b"503"}
        server.start()
        until(lambda: asked(gate, "devi", "kata-devi").startswith(b"HTTP/1.1 200"))
    told = [entry["event"] for entry in logs]
    assert told.index("directory-away") < told.index("directory-back")
    spoken = [WORD, "rahsia-salah", "kata-devi"]
    spoken += [base64.b64encode(f"{user}:{word}".encode()).decode() for user, word in (("aminah", WORD),)]
    said = repr(logs) + caplog.text
    said += "".join(file.read_bytes().decode("latin-1") for file in (tmp_path / "state").rglob("*") if file.is_file())
    assert [word for word in spoken if word in said or word.encode().decode("latin-1") in said] == []
