"""What `gerbang doctor` says of a real gate that is spoken to over TLS only."""

import shutil
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from certificates import a_pair
from gate_builders import NOW, RunningGate, Trust, a_gate, a_trust, office_settings
from gerbang.doctor.outcome import Diagnosis, Level, Patient
from gerbang.doctor.running import gate as exam
from gerbang.settings import Settings
from gerbang.status import write_snapshot
from status_builders import a_snapshot


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    made = a_trust(tmp_path, ["x.com", "gerbang.internal"])
    folder = tmp_path / "state" / "ca"
    folder.mkdir(parents=True)
    shutil.copy(made.file, folder / "root.crt")
    return made


def an_office(folder: Path, sign_in: bool = False, **gate: Any) -> Settings:
    zone: dict[str, Any] = {"name": "pejabat", "networks": ["127.0.0.0/8"], "office": "hq"}
    if sign_in:
        (folder / "htpasswd").write_text(f"aminah:{bcrypt.hashpw(b'sebuah kata', bcrypt.gensalt(4)).decode()}\n")
        zone |= {"sign_in": "htpasswd", "htpasswd": folder / "htpasswd"}
    return office_settings(folder, zones=[zone], gate={"tls": "required", **gate})


def look(running: RunningGate) -> Diagnosis:
    """The one thing that the exam says, of the gate where it really listens."""
    write_snapshot(running.settings.status_folder, a_snapshot())
    there = running.settings.gate.model_copy(update={"listen": f"127.0.0.1:{running.address[1]}"})
    (found,) = exam(Patient(running.settings.model_copy(update={"gate": there}), None, NOW))
    return found


def test_it_is_known_by_the_certificate_of_its_ca(tmp_path: Path, trust: Trust) -> None:
    with a_gate(an_office(tmp_path), trust) as running:
        found = look(running)
    assert (found.level, "answers over TLS" in found.what) == (Level.GOOD, True), found


def test_it_asks_for_a_sign_in_over_tls(tmp_path: Path, trust: Trust) -> None:
    with a_gate(an_office(tmp_path, sign_in=True), trust) as running:
        found = look(running)
    assert (found.level, "asks for a sign-in" in found.what) == (Level.GOOD, True), found


@pytest.mark.usefixtures("trust")
def test_a_gate_by_another_ca_is_bad(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with a_gate(an_office(tmp_path), a_trust(other, ["x.com", "gerbang.internal"])) as running:
        found = look(running)
    assert (found.level, "is not known by its certificate" in found.what) == (Level.BAD, True), found


def test_it_is_known_by_the_certificate_of_the_admins_own(tmp_path: Path, trust: Trust) -> None:
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    with a_gate(an_office(tmp_path, tls_certificate=certificate, tls_key=key), trust) as running:
        found = look(running)
    assert (found.level, "answers over TLS" in found.what) == (Level.GOOD, True), found


def test_a_gate_that_shows_another_certificate_than_the_file_is_bad(tmp_path: Path, trust: Trust) -> None:
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    other, _ = a_pair(tmp_path, ["pintu.contoh.my"], called="lain")
    with a_gate(an_office(tmp_path, tls_certificate=certificate, tls_key=key), trust) as running:
        gate = running.settings.gate.model_copy(update={"tls_certificate": other})
        running.settings = running.settings.model_copy(update={"gate": gate})
        found = look(running)
    assert (found.level, "is not known by its certificate" in found.what) == (Level.BAD, True), found


def test_a_gate_that_speaks_no_tls_is_bad(tmp_path: Path, trust: Trust) -> None:
    with a_gate(an_office(tmp_path), trust, authority=False) as running:
        found = look(running)
    assert (found.level, "does not answer on" in found.what) == (Level.BAD, True), found
