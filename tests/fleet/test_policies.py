"""The files for fleets parse, say what they must, and hold the certificate."""

import base64
import json
import plistlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from typer.testing import CliRunner

from gerbang.cli import configuration
from gerbang.cli.main import app
from gerbang.errors import GerbangError
from gerbang.fleet.policies import apple_profile, chrome_policies, firefox_policies
from gerbang.gate.authority import create_root

PAC = "http://10.1.0.5/proxy.pac"


@pytest.fixture(scope="module")
def root() -> x509.Certificate:
    return create_root("Jabatan Contoh", datetime.now(UTC)).certificate


def test_an_apple_profile_holds_the_certificate_and_the_pac_file(root: x509.Certificate) -> None:
    profile = plistlib.loads(apple_profile(root, PAC, "Jabatan Contoh"))
    trust, proxy = profile["PayloadContent"]
    assert x509.load_der_x509_certificate(trust["PayloadContent"]) == root
    assert (proxy["ProxyPACURL"], proxy["ProxyPACFallbackAllowed"]) == (PAC, False)
    payloads = (profile, trust, proxy)
    kinds = ["Configuration", "com.apple.security.root", "com.apple.proxy.http.global"]
    assert [payload["PayloadType"] for payload in payloads] == kinds
    assert len({payload["PayloadUUID"] for payload in payloads}) == 3
    assert len({payload["PayloadIdentifier"] for payload in payloads}) == 3
    assert all(payload["PayloadVersion"] == 1 for payload in payloads)


def test_the_same_office_has_the_same_profile_and_another_ca_another(root: x509.Certificate) -> None:
    again, other = (
        apple_profile(each, PAC, "a") for each in (root, create_root("Jabatan Lain", datetime.now(UTC)).certificate)
    )
    assert apple_profile(root, PAC, "a") == again != other


def test_chromes_policies_hold_the_certificate_and_close_the_ways_round(root: x509.Certificate) -> None:
    told = json.loads(chrome_policies(root, PAC))
    assert told.pop("CACertificates") == [base64.b64encode(root.public_bytes(Encoding.DER)).decode()]
    assert told == {
        "DnsOverHttpsMode": "off",
        "EncryptedClientHelloEnabled": False,
        "ProxySettings": {"ProxyMode": "pac_script", "ProxyPacMandatory": True, "ProxyPacUrl": PAC},
        "QuicAllowed": False,
    }


def test_firefoxs_policies_close_the_same_ways() -> None:
    told = json.loads(firefox_policies("/etc/gerbang-root.crt", PAC))["policies"]
    assert told["Certificates"] == {"ImportEnterpriseRoots": True, "Install": ["/etc/gerbang-root.crt"]}
    assert told["Proxy"] == {"AutoConfigURL": PAC, "Locked": True, "Mode": "autoConfig"}
    assert told["DNSOverHTTPS"] == {"Enabled": False, "Locked": True}
    assert told["DisableEncryptedClientHello"] is True
    assert {value["Status"] for value in told["Preferences"].values()} == {"locked"}


# ---------------------------------------------------------------- the commands


def run(folder: Path, settings: str, *arguments: str) -> str:
    file = folder / "gerbang.toml"
    file.write_text(settings)
    result = CliRunner().invoke(app, ["--config", str(file), "fleet", *arguments])
    configuration.choose(None)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.output


@pytest.mark.parametrize(
    ("settings", "options", "url"),
    [
        ('[pac]\nlisten = "10.1.0.5:80"\n', [], "http://10.1.0.5/proxy.pac"),
        ('[pac]\nlisten = "10.1.0.5:8082"\n', [], "http://10.1.0.5:8082/proxy.pac"),
        ('[pac]\nlisten = "[fd00::5]:80"\n', [], "http://[fd00::5]/proxy.pac"),
        ("", ["--pac-url", "https://intra.contoh.my/proxy.pac"], "https://intra.contoh.my/proxy.pac"),
    ],
)
def test_the_pac_file_is_where_the_settings_serve_it(
    tmp_path: Path, settings: str, options: list[str], url: str
) -> None:
    told = json.loads(run(tmp_path, settings, "firefox", *options))
    assert told["policies"]["Proxy"]["AutoConfigURL"] == url


@pytest.mark.parametrize(
    ("settings", "arguments", "said"),
    [
        ("", ["firefox"], "it is not known where browsers find the PAC file"),
        ('[pac]\nlisten = "0.0.0.0:80"\n', ["firefox"], "it is not known where browsers find the PAC file"),
        ("", ["firefox", "--pac-url", "proxy.pac"], "`proxy.pac` is no address for `--pac-url`"),
        ('[gate]\nmode = "transparent"\n', ["firefox", "--pac-url", PAC], "no browser can be pointed at the gate"),
        ("", ["chrome", "--pac-url", PAC], "there is no root's certificate at"),
        ("", ["apple", "--pac-url", PAC], "there is no root's certificate at"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, settings: str, arguments: list[str], said: str) -> None:
    with pytest.raises(GerbangError, match=said):
        run(tmp_path, settings, *arguments)


def test_a_root_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "state" / "ca").mkdir(parents=True)
    (tmp_path / "state" / "ca" / "root.crt").write_text("none")
    with pytest.raises(GerbangError, match=r"root\.crt` holds no certificate in PEM"):
        run(tmp_path, "", "chrome", "--pac-url", PAC)


def test_browsers_show_tickets_to_the_proxy_only_where_a_zone_takes_them(root: x509.Certificate) -> None:
    chrome = json.loads(chrome_policies(root, PAC, "gerbang.contoh.my"))
    assert chrome["AuthServerAllowlist"] == "gerbang.contoh.my"
    assert "AuthNegotiateDelegateAllowlist" not in chrome
    firefox = json.loads(firefox_policies("/etc/gerbang-root.crt", PAC, "gerbang.contoh.my"))["policies"]
    assert firefox["Authentication"] == {"SPNEGO": ["gerbang.contoh.my"], "Locked": True}
    assert "AuthServerAllowlist" not in json.loads(chrome_policies(root, PAC))
    assert "Authentication" not in json.loads(firefox_policies("/etc/gerbang-root.crt", PAC))["policies"]
