"""TLS to the proxy itself: by the gate's CA or a certificate of the admin's own, and nothing in clear."""

import base64
import shutil
import ssl
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from socket import create_connection
from typing import Any

import bcrypt
import pytest
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from certificates import a_pair
from gate_builders import RunningGate, Trust, a_gate, a_trust, office_settings, receive
from gerbang.errors import GerbangError, SettingsError, StartError
from gerbang.gate import renewal
from gerbang.gate.run import authority_of, check_proxy_tls
from gerbang.proxy_certificate import load_proxy_certificate
from gerbang.settings import Settings, load_settings
from waiting import until

OWN = b"GET http://gerbang.internal/ HTTP/1.1\r\nHost: gerbang.internal\r\n"
SIGNED_IN = OWN + b"Proxy-Authorization: Basic " + base64.b64encode(b"aminah:sebuah kata: rahsia") + b"\r\n\r\n"


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return a_trust(tmp_path, ["x.com", "gerbang.internal"])


def a_tls_office(folder: Path, **gate: Any) -> Settings:
    (folder / "htpasswd").write_text(f"aminah:{bcrypt.hashpw(b'sebuah kata: rahsia', bcrypt.gensalt(4)).decode()}\n")
    zone = {
        "name": "pejabat",
        "networks": ["127.0.0.0/8"],
        "office": "hq",
        "sign_in": "htpasswd",
        "htpasswd": folder / "htpasswd",
    }
    return office_settings(folder, zones=[zone], gate=gate)


def over_tls(gate: RunningGate, trusted: Path, host: str | None = "gerbang.internal") -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=trusted)
    context.check_hostname = host is not None
    return context.wrap_socket(create_connection(gate.address, 10), server_hostname=host)


def asked_plainly(gate: RunningGate, request: bytes) -> bytes:
    with closing(create_connection(gate.address, 10)) as connection:
        connection.sendall(request)
        return receive(connection)


def test_a_client_without_tls_is_told_so_and_never_asked_for_a_password(tmp_path: Path, trust: Trust) -> None:
    connect = b"CONNECT x.com:443 HTTP/1.1\r\nHost: x.com:443\r\n\r\n"
    with a_gate(a_tls_office(tmp_path, tls="required"), trust) as gate:
        for request in (connect, OWN + b"\r\n", SIGNED_IN):
            answer = asked_plainly(gate, request)
            assert answer.startswith(b"HTTP/1.1 403")
            assert b"over TLS only" in answer
            assert b"melalui TLS" in answer
            assert b"proxy-authenticate" not in answer.lower()
        assert gate.gate.counts["without-tls"] == 3


def test_over_tls_people_sign_in(tmp_path: Path, trust: Trust) -> None:
    with a_gate(a_tls_office(tmp_path, tls="required"), trust) as gate, over_tls(gate, trust.file) as connection:
        connection.sendall(OWN + b"\r\n")
        asked = receive(connection)
        assert asked.startswith(b"HTTP/1.1 407")
        assert b"proxy-authenticate: basic" in asked.lower()
        connection.sendall(SIGNED_IN)
        assert receive(connection).startswith(b"HTTP/1.1 200")


def test_where_tls_is_offered_both_are_served(tmp_path: Path, trust: Trust) -> None:
    with a_gate(a_tls_office(tmp_path), trust) as gate:
        assert asked_plainly(gate, SIGNED_IN).startswith(b"HTTP/1.1 200")
        with over_tls(gate, trust.file) as connection:
            connection.sendall(SIGNED_IN)
            assert receive(connection).startswith(b"HTTP/1.1 200")


def test_a_client_that_names_nobody_is_told_whom_the_proxy_is(tmp_path: Path, trust: Trust) -> None:
    with a_gate(a_tls_office(tmp_path, tls="required"), trust) as gate, over_tls(gate, trust.file, None) as connection:
        shown = connection.getpeercert()
        assert shown is not None
        assert shown["subjectAltName"] == (("DNS", "gerbang.internal"),)


def test_the_proxy_is_known_by_the_admins_certificate_and_platforms_by_the_cas(tmp_path: Path, trust: Trust) -> None:
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    with a_gate(a_tls_office(tmp_path, tls="required", tls_certificate=certificate, tls_key=key), trust) as gate:
        with over_tls(gate, certificate, "pintu.contoh.my") as connection:
            connection.sendall(SIGNED_IN)
            assert receive(connection).startswith(b"HTTP/1.1 200")
        with pytest.raises(ssl.SSLCertVerificationError, match="self-signed"):
            over_tls(gate, trust.file, "gerbang.internal")


def test_a_renewed_certificate_is_taken_and_a_damaged_one_changes_nothing(
    tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renewal, "EVERY", 0.05)
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    fresh = a_pair(tmp_path, ["pintu.contoh.my"], called="baharu")

    def known_by(trusted: Path) -> bool:
        try:
            over_tls(gate, trusted, "pintu.contoh.my").close()
        except ssl.SSLCertVerificationError:
            return False
        return True

    with (
        structlog.testing.capture_logs() as logs,
        a_gate(a_tls_office(tmp_path, tls_certificate=certificate, tls_key=key), trust) as gate,
    ):
        until(lambda: known_by(certificate))
        shutil.copy(fresh[1], key)
        shutil.copy(fresh[0], certificate)
        until(lambda: known_by(fresh[0]))
        certificate.write_text("rosak")
        until(lambda: [one for one in logs if one["event"] == "proxy-certificate-refused"])
        assert known_by(fresh[0])


def _readable(_: Path, key: Path) -> None:
    key.chmod(0o640)


def _of_another(certificate: Path, key: Path) -> None:
    shutil.copy(a_pair(certificate.parent, ["a.my"], called="lain")[1], key)


def _no_key(_: Path, key: Path) -> None:
    key.write_text("rosak")


def _no_certificate(certificate: Path, _: Path) -> None:
    certificate.write_text("rosak")


def _gone(certificate: Path, _: Path) -> None:
    certificate.unlink()


def _huge(certificate: Path, _: Path) -> None:
    with certificate.open("ab") as file:
        file.truncate((1 << 20) + 1)


def _locked(_: Path, key: Path) -> None:
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = serialization.BestAvailableEncryption(b"frasa")
    key.write_bytes(secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked))


def _expired(certificate: Path, _: Path) -> None:
    a_pair(certificate.parent, ["a.my"], days=-1)


def _nameless(certificate: Path, _: Path) -> None:
    a_pair(certificate.parent, [])


def _odd(certificate: Path, _: Path) -> None:
    a_pair(certificate.parent, ["a.my"], key=ed25519.Ed25519PrivateKey.generate())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_readable, "can be read by others"),
        (_of_another, "not of the first certificate"),
        (_no_key, "no private key"),
        (_no_certificate, "no certificate in PEM"),
        (_gone, "cannot be read"),
        (_huge, "larger than 1 MiB"),
        (_locked, "under a passphrase"),
        (_expired, "expired on"),
        (_nameless, "names no host"),
        (_odd, "RSA or of an elliptic curve"),
    ],
)
def test_a_certificate_that_will_not_do_is_refused_with_its_file(
    tmp_path: Path, spoil: Callable[[Path, Path], None], said: str
) -> None:
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    assert load_proxy_certificate(certificate, key).certificate
    spoil(certificate, key)
    with pytest.raises(StartError, match=said) as refused:
        load_proxy_certificate(certificate, key)
    assert refused.value.place is not None


def test_a_certificate_of_the_largest_size_is_read(tmp_path: Path) -> None:
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    filled = certificate.read_bytes()
    certificate.write_bytes(filled + b"\n" * ((1 << 20) - len(filled)))
    assert load_proxy_certificate(certificate, key).certificate


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[gate]\ntls = "yes"\n', "`yes` will not do for `gate.tls`"),
        ('[gate]\ntls_key = "a.key"\n', "`gate.tls_key` stands without `gate.tls_certificate`"),
        ('[gate]\ntls_certificate = "a.crt"\n', "`gate.tls_certificate` stands without `gate.tls_key`"),
        (
            '[gate]\ntls = "required"\n[pac]\nproxies = ["10.1.0.5:8080"]\n',
            r"gerbang.toml:4:1: .* without TLS.*write `https://gerbang.internal:8080`",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "gerbang.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=said):
        load_settings(file, {})


def test_paths_are_taken_from_the_settings_folder(tmp_path: Path) -> None:
    file = tmp_path / "gerbang.toml"
    file.write_text('[gate]\ntls_certificate = "a.crt"\ntls_key = "/k/a.key"\n')
    gate = load_settings(file, {}).gate
    assert (gate.tls_certificate, gate.tls_key) == (tmp_path / "a.crt", Path("/k/a.key"))


def test_nobody_can_be_required_to_speak_tls_to_a_gateway(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nobody speaks to it as to a proxy"):
        check_proxy_tls(office_settings(tmp_path, gate={"tls": "required", "mode": "transparent"}))


def test_a_proxy_that_is_to_be_known_needs_a_ca_even_where_nothing_is_opened(tmp_path: Path) -> None:
    closed = {"authority": "", "notice": ""}
    with pytest.raises(GerbangError, match="there is no CA"):
        authority_of(office_settings(tmp_path, interception=closed, gate={"tls": "required"}))
    with pytest.raises(GerbangError, match="there is no CA"):
        authority_of(office_settings(tmp_path, interception=closed, pac={"proxies": ["https://gerbang.internal:1"]}))
    certificate, key = a_pair(tmp_path, ["pintu.contoh.my"])
    own = {"tls": "required", "tls_certificate": certificate, "tls_key": key}
    assert authority_of(office_settings(tmp_path, interception=closed, gate=own)) is None


def test_a_key_for_browsers_is_not_in_what_is_said_of_it(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, file = a_pair(tmp_path, ["pintu.contoh.my"], key=key)
    assert f"{key.private_numbers().private_value:x}" not in repr(load_proxy_certificate(certificate, file))


@pytest.mark.parametrize(
    ("gate", "zone", "clear"),
    [
        ({"listen": "10.1.0.5:8080"}, {}, True),
        ({"listen": "0.0.0.0:8080"}, {}, True),
        ({"listen": "127.0.0.1:8080"}, {}, False),
        ({"listen": "[::1]:8080"}, {}, False),
        ({"listen": "10.1.0.5:8080", "tls": "required"}, {}, False),
        ({"listen": "10.1.0.5:8080"}, {"sign_in": "none"}, False),
    ],
)
def test_a_password_in_clear_is_told(tmp_path: Path, gate: dict[str, str], zone: dict[str, str], clear: bool) -> None:
    named = {"name": "a", "networks": ["10.0.0.0/8"], "office": "hq", "sign_in": "htpasswd", "htpasswd": "h", **zone}
    assert (office_settings(tmp_path, zones=[named], gate=gate).password_in_clear is not None) is clear
