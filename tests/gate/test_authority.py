"""The constrained authority: OpenSSL accepts a listed host through it and refuses everything else."""

import ipaddress
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis.strategies import lists, sampled_from

from gerbang.errors import StartError
from gerbang.gate.authority import (
    INTERMEDIATE,
    LEAF_LIFE,
    Authority,
    Root,
    create_intermediate,
    create_root,
    load_authority,
    permitted_names,
    read_root,
    write_intermediate,
    write_root,
)

NOW = datetime.now(UTC)
HOSTS = ["x.com", "api.x.com", "*.facebook.com", "youtube.com", "gerbang.internal"]
PASSPHRASE = b"a passphrase for trials"


@pytest.fixture(scope="module")
def root() -> Root:
    return create_root("Jabatan Contoh", NOW)


@pytest.fixture(scope="module")
def issued(root: Root) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    return create_intermediate(root, "Jabatan Contoh", HOSTS, NOW)


@pytest.fixture(scope="module")
def authority(issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate], root: Root) -> Authority:
    return Authority(*issued, root.certificate)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def verified(folder: Path, root: Root, intermediate: x509.Certificate, leaf: x509.Certificate, *more: str) -> str:
    """What `openssl verify` says, empty where it accepts."""
    for name, certificate in (("root", root.certificate), ("intermediate", intermediate), ("leaf", leaf)):
        (folder / f"{name}.pem").write_bytes(pem(certificate))
    result = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", "root.pem", "-untrusted",
         "intermediate.pem", *more, "leaf.pem"],
        cwd=folder, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return "" if result.returncode == 0 else result.stdout + result.stderr


def forged(
    issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    names: list[x509.GeneralName],
    *,
    ca: bool = False,
    common_name: str = "forged",
) -> x509.Certificate:
    """What a thief of the intermediate's key would sign."""
    key, certificate = issued
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256())


@pytest.mark.parametrize("host", ["x.com", "api.x.com", "www.facebook.com", "m.youtube.com", "gerbang.internal"])
def test_openssl_accepts_a_leaf_for_a_listed_host(host: str, root: Root, authority: Authority, tmp_path: Path) -> None:
    leaf = authority.leaf(host)
    assert leaf is not None
    assert verified(tmp_path, root, authority.certificate, leaf.certificate, "-verify_hostname", host) == ""


@pytest.mark.parametrize(
    "names",
    [
        [x509.DNSName("maybank2u.example")],
        [x509.DNSName("x.com"), x509.DNSName("maybank2u.example")],
        [x509.DNSName("x.com"), x509.DNSName("*.google.com")],
        [x509.DNSName("notx.com")],
        [x509.DNSName("x.com.evil.example")],
        [x509.DNSName("x.com"), x509.IPAddress(ipaddress.ip_address("203.0.113.7"))],
        [x509.IPAddress(ipaddress.ip_address("2001:db8::7"))],
    ],
)
def test_openssl_refuses_what_a_thief_of_the_intermediate_signs(
    names: list[x509.GeneralName],
    root: Root,
    issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate],
    tmp_path: Path,
) -> None:
    assert (
        "permitted subtree violation" in (said := verified(tmp_path, root, issued[1], forged(issued, names)))
        or "excluded subtree violation" in said
    )


def test_an_intermediate_of_the_intermediate_is_refused(
    root: Root, issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate], tmp_path: Path
) -> None:
    below = forged(issued, [x509.DNSName("x.com")], ca=True)
    assert verified(tmp_path, root, issued[1], below) != ""


def test_a_leaf_names_the_host_and_nothing_else(authority: Authority) -> None:
    leaf = authority.leaf("API.x.com.")
    assert leaf is not None
    names = leaf.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [(type(name), name.value) for name in names] == [(x509.DNSName, "api.x.com")]
    assert leaf.key.public_key() != authority.certificate.public_key()


@pytest.mark.parametrize("host", ["maybank2u.example", "com", "xx.com", "x.com.evil.example", "203.0.113.7", ""])
def test_there_is_no_leaf_for_any_other_host(host: str, authority: Authority) -> None:
    assert authority.leaf(host) is None


def test_a_leaf_is_made_once_and_again_before_it_ends(authority: Authority) -> None:
    first = authority.leaf("x.com", NOW)
    assert authority.leaf("x.com", NOW + timedelta(days=1)) is first
    again = authority.leaf("x.com", NOW + LEAF_LIFE - timedelta(days=1))
    assert again is not None
    assert again is not first


def test_leaves_are_bounded(issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate]) -> None:
    from gerbang.gate import authority as module

    ours = Authority(*issued)
    for number in range(module.LEAVES + 20):
        ours.leaf(f"u{number}.facebook.com", NOW)
    assert len(ours._leaves) == module.LEAVES


def test_missing_hosts_are_named(authority: Authority) -> None:
    assert authority.missing(["x.com", "www.facebook.com", "bsky.app", "*.bsky.network"]) == (
        "bsky.app",
        "bsky.network",
    )


@given(lists(sampled_from(["x.com", "api.x.com", "*.x.com", "t.co", "a.b.t.co", "*.twimg.com"]), max_size=8))
def test_permitted_names_cover_every_host_and_none_covers_another(hosts: list[str]) -> None:
    names = permitted_names(hosts)
    for host in hosts:
        plain = host.removeprefix("*.")
        assert any(plain == name or plain.endswith("." + name) for name in names)
    assert not any(one.endswith("." + other) for one in names for other in names)


# ---------------------------------------------------------------- files


def test_the_root_opens_with_its_passphrase_only(root: Root, tmp_path: Path) -> None:
    file = tmp_path / "root.p12"
    write_root(root, file, PASSPHRASE)
    assert file.stat().st_mode & 0o777 == 0o600
    assert b"PRIVATE KEY" not in file.read_bytes()
    assert read_root(file, PASSPHRASE).certificate == root.certificate
    with pytest.raises(StartError, match="cannot be opened; the passphrase is wrong"):
        read_root(file, b"another passphrase")


def test_a_root_is_never_overwritten_and_no_short_passphrase_taken(root: Root, tmp_path: Path) -> None:
    file = tmp_path / "root.p12"
    with pytest.raises(StartError, match="too short; use 12 characters"):
        write_root(root, file, b"short")
    assert not file.exists()
    write_root(root, file, PASSPHRASE)
    with pytest.raises(StartError, match="exists already"):
        write_root(root, file, PASSPHRASE)


def test_the_intermediate_is_kept_private_and_read_again(
    root: Root, issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate], tmp_path: Path
) -> None:
    folder = tmp_path / "state" / "ca"
    write_intermediate(folder, *issued, root.certificate)
    assert (folder / INTERMEDIATE).stat().st_mode & 0o777 == 0o600
    loaded = load_authority(folder)
    assert loaded.certificate == issued[1]
    assert loaded.root == root.certificate
    write_intermediate(folder, *issued, root.certificate)  # `ca renew` puts a new one in its place
    assert sorted(path.name for path in folder.iterdir()) == [INTERMEDIATE, "root.crt"]


def test_what_is_wrong_with_a_ca_is_said(
    root: Root, issued: tuple[ec.EllipticCurvePrivateKey, x509.Certificate], tmp_path: Path
) -> None:
    with pytest.raises(StartError, match=r"there is no CA in .*; make one with `gerbang ca create"):
        load_authority(tmp_path / "nowhere")
    write_intermediate(tmp_path, *issued, root.certificate)
    file = tmp_path / INTERMEDIATE
    file.chmod(0o644)
    with pytest.raises(StartError, match="can be read by others; run `chmod 600"):
        load_authority(tmp_path)
    file.chmod(0o600)
    with pytest.raises(StartError, match=r"the CA expired on .*; run `gerbang ca renew"):
        load_authority(tmp_path, NOW + timedelta(days=5000))
    good = file.read_bytes()
    file.write_bytes(good[:300])
    with pytest.raises(StartError, match="damaged"):
        load_authority(tmp_path)
    other, _ = create_intermediate(root, "Jabatan Contoh", HOSTS, NOW)
    secret = other.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(secret + pem(issued[1]))
    with pytest.raises(StartError, match="do not belong together"):
        load_authority(tmp_path)


def test_an_intermediate_for_no_host_is_refused(root: Root) -> None:
    with pytest.raises(StartError, match="no listed host"):
        create_intermediate(root, "Jabatan Contoh", [], NOW)


def test_an_intermediate_never_outlives_its_root() -> None:
    old = create_root("Jabatan Contoh", NOW - timedelta(days=3500))
    _, certificate = create_intermediate(old, "Jabatan Contoh", HOSTS, NOW)
    assert certificate.not_valid_after_utc == old.certificate.not_valid_after_utc
