"""What `gerbang doctor` says of Kerberos: the package, the keytab, its kinds of keys, and the name of the proxy."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from gate_builders import NOW, office_settings
from gerbang.doctor import people
from gerbang.doctor.examination import diagnoses
from gerbang.doctor.machine import UNSYNCHRONISED
from gerbang.doctor.outcome import Exam, Level, Patient
from kerberos import HOST, SERVICE
from keytabs import a_keytab

G, W, B = Level.GOOD, Level.WARNING, Level.BAD
AES, RC4, DES = 18, 23, 3


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "kernel_status", lambda: 0)


def patient(folder: Path, data: bytes | None, *, online: bool = False, mode: int = 0o600, **sections: Any) -> Patient:
    file = folder / "gerbang.keytab"
    if data is not None:
        file.write_bytes(data)
        file.chmod(mode)
    zone = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq", "sign_in": ["kerberos"]}
    gate = {"listen": "10.1.0.5:8080", **sections.pop("gate", {})}
    kerberos = {"keytab": file, "service": SERVICE}
    return Patient(office_settings(folder, zones=[zone], kerberos=kerberos, gate=gate, **sections), None, NOW, online)


def told(patient: Patient) -> list[tuple[Level, str]]:
    found = list(diagnoses(Exam("kerberos", people.kerberos), patient))
    assert all((one.todo is None) is (one.level is G) for one in found), "what is not good comes with what to do"
    return [(one.level, one.what) for one in found]


@pytest.mark.parametrize(
    ("data", "mode", "level", "said"),
    [
        (a_keytab(SERVICE, encryption=AES), 0o600, G, "aes256-cts-hmac-sha1-96, number 2"),
        (a_keytab(SERVICE, encryption=RC4), 0o600, B, "no key but arcfour-hmac, which is weak"),
        (a_keytab(SERVICE, encryption=DES), 0o600, B, "no key but des-cbc-md5, which is weak"),
        (
            a_keytab(SERVICE, encryption=AES) + a_keytab(SERVICE, encryption=RC4)[2:],
            0o600,
            W,
            "has a weak key of `HTTP/gerbang.contoh.my@CONTOH.MY` too: arcfour-hmac",
        ),
        (a_keytab("HTTP/lain.contoh.my@CONTOH.MY"), 0o600, B, "has no key for `HTTP/gerbang"),
        (a_keytab(SERVICE), 0o640, B, "can be read by others"),
        (b"rosak", 0o600, B, "no keytab that can be read"),
        (None, 0o600, B, "there is no keytab"),
    ],
    ids=["aes", "rc4", "des", "aes-and-rc4", "another's", "readable", "damaged", "none"],
)
def test_the_keytab_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes | None, mode: int, level: Level, said: str
) -> None:
    monkeypatch.setattr(people, "library", lambda: None)
    monkeypatch.setattr(people, "Acceptor", lambda *_: None)
    keytab, name = told(patient(tmp_path, data, mode=mode))
    assert (keytab[0], said in keytab[1]) == (level, True), keytab
    assert name == (G, f"browsers reach the proxy by the name that tickets are for: {HOST}")


@pytest.mark.needs_kerberos
def test_the_library_takes_the_keytab_and_nothing_is_made_by_that(tmp_path: Path) -> None:
    looked_at = patient(tmp_path, a_keytab(SERVICE))
    assert [level for level, _ in told(looked_at)] == [G, G]
    assert [file.name for file in tmp_path.rglob("*")] == ["gerbang.keytab"]


def test_without_the_package_it_says_what_to_install_and_looks_at_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    package, keytab, _ = told(patient(tmp_path, a_keytab(SERVICE)))
    assert (package[0], "is not installed" in package[1]) == (B, True)
    assert keytab[0] is G


def test_a_keytab_of_another_user_than_the_gates_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "library", lambda: None)
    monkeypatch.setattr(people, "Acceptor", lambda *_: None)
    (tmp_path / "state").mkdir()
    looked_at = patient(tmp_path, a_keytab(SERVICE))
    assert [level for level, _ in told(looked_at)] == [G, G]
    monkeypatch.setattr(people, "_user", {os.getuid(): "gerbang"}.get)
    real = Path.stat

    def other(path: Path, **more: Any) -> os.stat_result:
        found = real(path, **more)
        return os.stat_result((*found[:4], 1234567, *found[5:])) if path.suffix == ".keytab" else found

    monkeypatch.setattr(Path, "stat", other)
    assert any(level is B and "as whom the gate runs" in what for level, what in told(looked_at))


def test_a_clock_that_nobody_keeps_right_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "kernel_status", lambda: UNSYNCHRONISED)
    found = told(patient(tmp_path, None))
    assert any(level is W and "by five minutes" in what for level, what in found)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"pac": {"proxies": ["10.1.0.5:8080"]}}, "browsers are told PROXY 10.1.0.5:8080, and tickets are for"),
        ({"gate": {"tls": "required"}}, "browsers must reach the gate as `gerbang.contoh.my`"),
    ],
)
def test_browsers_must_come_by_the_name_that_tickets_are_for(
    tmp_path: Path, sections: dict[str, Any], said: str
) -> None:
    found = told(patient(tmp_path, None, **sections))
    assert any(level is B and said in what for level, what in found), found


@pytest.mark.parametrize(
    ("canonical", "level", "said"),
    [
        (HOST, G, "is found"),
        ("pelayan7.contoh.my", W, "another name of pelayan7.contoh.my"),
        (None, B, "is not found"),
    ],
)
def test_the_name_is_looked_up_only_when_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, canonical: str | None, level: Level, said: str
) -> None:
    asked: list[str] = []

    def look_up(host: str, *_: object, **__: object) -> list[Any]:
        asked.append(host)
        if canonical is None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, canonical, ("10.1.0.5", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    told(patient(tmp_path, None))
    assert asked == []
    found = told(patient(tmp_path, None, online=True))
    assert asked == [HOST]
    assert (found[-1][0], said in found[-1][1]) == (level, True), found


def test_where_nobody_uses_it_nothing_is_said(tmp_path: Path) -> None:
    assert told(Patient(office_settings(tmp_path), None, NOW)) == []
