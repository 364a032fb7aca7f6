"""The gate's certificate authority: a root kept offline, an intermediate that can sign for listed hosts only.

The root's key leaves the gate at once, in a PKCS#12 file under a passphrase. What stays is an intermediate with path
length 0 whose name constraints (RFC 5280, 4.2.1.10) permit the listed hosts and the gate's own and exclude every
address: should its key be stolen, no bank can be impersonated with it. Leaves name the host asked for and nothing else;
mitmproxy would copy the upstream's names and add addresses, which such an intermediate may not sign.
"""

import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gerbang.errors import Place, StartError, reason
from gerbang.gate.targets import plain_host
from gerbang.recognition.signature import INERT_ROLES, Platforms

RENEW = "run `gerbang ca renew --root FILE`; a gate that runs takes it"

ROOT_LIFE = timedelta(days=3653)
INTERMEDIATE_LIFE = timedelta(days=731)
# Short, so that a leaf key taken from memory is soon worth nothing.
LEAF_LIFE = timedelta(days=90)
# For clients whose clock is behind.
BACKDATED = timedelta(days=2)
RENEW_LEAF_BEFORE = timedelta(days=7)
# PBKDF2 rounds on the passphrase. PKCS#8 as the library writes it has 2,048, too few for a file that is carried about.
KDF_ROUNDS = 600_000
PASSPHRASE_MINIMUM = 12
LEAVES = 1024

INTERMEDIATE = "intermediate.pem"
ROOT_CERTIFICATE = "root.crt"
EVERY_ADDRESS = tuple(x509.IPAddress(ip_network(network)) for network in ("0.0.0.0/0", "::/0"))


@dataclass(frozen=True, slots=True)
class Root:
    """The root, whole: only ever in memory, while an intermediate is made."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a client is shown for one host."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def permitted_names(hosts: Iterable[str]) -> tuple[str, ...]:
    """The name constraints for host patterns: each covers the names below it, so those are left out.

    >>> permitted_names(["x.com", "api.x.com", "*.twimg.com"])
    ('twimg.com', 'x.com')
    """
    names = {plain_host(host.strip()).removeprefix("*.") for host in hosts}
    return tuple(sorted(name for name in names if not any(parent in names for parent in _parents(name))))


def _parents(name: str) -> Iterable[str]:
    while "." in name:
        name = name.partition(".")[2]
        yield name


def create_root(organisation: str, now: datetime) -> Root:
    """A new root, valid for ten years, under which one level of intermediates may stand."""
    key = ec.generate_private_key(ec.SECP384R1())
    name = _name(organisation, "Gerbang Root CA")
    builder = _builder(name, name, key.public_key(), now, ROOT_LIFE)
    builder = _as_authority(builder, key.public_key(), key.public_key(), path_length=1)
    return Root(key, builder.sign(key, hashes.SHA384()))


def create_intermediate(
    root: Root, organisation: str, hosts: Iterable[str], now: datetime
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """A new intermediate and its key, which can sign for those hosts only."""
    names = permitted_names(hosts)
    if not names:
        raise StartError("there is no listed host, so an intermediate could sign for nothing")
    key = ec.generate_private_key(ec.SECP256R1())
    until = min(now + INTERMEDIATE_LIFE, root.certificate.not_valid_after_utc)
    subject = _name(organisation, "Gerbang Intermediate CA")
    builder = _builder(subject, root.certificate.subject, key.public_key(), now, until - now)
    builder = _as_authority(builder, key.public_key(), root.key.public_key(), path_length=0)
    builder = builder.add_extension(
        x509.NameConstraints(
            permitted_subtrees=[x509.DNSName(name) for name in names], excluded_subtrees=list(EVERY_ADDRESS)
        ),
        critical=True,
    ).add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return key, builder.sign(root.key, hashes.SHA384())


def write_root(root: Root, file: Path, passphrase: bytes) -> None:
    """Write the root under a passphrase to a file that must not exist yet. Raises `StartError`."""
    if len(passphrase) < PASSPHRASE_MINIMUM:
        raise StartError(
            "the passphrase for the root is too short", hint=f"use {PASSPHRASE_MINIMUM} characters or more"
        )
    protection = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(KDF_ROUNDS)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(passphrase)
    )
    data = pkcs12.serialize_key_and_certificates(b"Gerbang root", root.key, root.certificate, None, protection)
    try:
        _write_new(file, data)
    except FileExistsError:
        raise StartError(
            f"the file `{file}` exists already", hint="a root is never overwritten; name another"
        ) from None
    except OSError as error:
        raise StartError(f"the root cannot be written to `{file}`: {reason(error)}") from None


def read_root(file: Path, passphrase: bytes) -> Root:
    """The root of a file. Raises `StartError`."""
    try:
        data = file.read_bytes()
    except OSError as error:
        raise StartError(f"the root `{file}` cannot be read: {reason(error)}") from None
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(data, passphrase)
    except ValueError:
        raise StartError(
            f"`{file}` cannot be opened", hint="the passphrase is wrong, or this is no root that `ca create` wrote"
        ) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate is None:
        raise StartError(f"`{file}` holds no root that `ca create` wrote")
    return Root(key, certificate)


def write_intermediate(
    folder: Path, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, root: x509.Certificate
) -> None:
    """Put an intermediate in place, key and certificate in one file so that they never differ. Raises `StartError`."""
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _replace(folder / ROOT_CERTIFICATE, root.public_bytes(serialization.Encoding.PEM), 0o644)
        _replace(folder / INTERMEDIATE, secret + certificate.public_bytes(serialization.Encoding.PEM), 0o600)
    except OSError as error:
        raise StartError(f"the CA cannot be written to `{folder}`: {reason(error)}") from None


class Authority:
    """The intermediate at work: a leaf for any host that it may sign for."""

    def __init__(
        self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate, root: x509.Certificate | None = None
    ) -> None:
        self.certificate = certificate
        self.root = root
        self.names = constraints_of(certificate)
        self._key = key
        # Never the intermediate's own key: what signs does not also speak to clients.
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: OrderedDict[str, Leaf] = OrderedDict()

    def covers(self, host: str) -> bool:
        """Whether clients would accept a leaf for this host."""
        return host in self.names or any(parent in self.names for parent in _parents(host))

    def missing(self, hosts: Iterable[str]) -> tuple[str, ...]:
        """The listed hosts for which the intermediate cannot sign, until `ca renew` has been run."""
        return tuple(name for name in permitted_names(hosts) if not self.covers(name))

    def leaf(self, host: str, now: datetime | None = None) -> Leaf | None:
        """The leaf for one host, `None` for a host that the intermediate may not sign for."""
        now = now or datetime.now(UTC)
        host = plain_host(host)
        if not self.covers(host):
            return None
        leaf = self._leaves.get(host)
        if leaf is None or leaf.certificate.not_valid_after_utc - now < RENEW_LEAF_BEFORE:
            leaf = self._sign(host, now)
            self._leaves[host] = leaf
        self._leaves.move_to_end(host)
        while len(self._leaves) > LEAVES:
            self._leaves.popitem(last=False)
        return leaf

    def _sign(self, host: str, now: datetime) -> Leaf:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)] if len(host) <= 64 else [])
        until = min(now + LEAF_LIFE, self.certificate.not_valid_after_utc)
        public = self._leaf_key.public_key()
        builder = _builder(name, self.certificate.subject, public, now, until - now)
        certificate = (
            builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=not list(name))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(_issuer_id(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Leaf(certificate, self._leaf_key)


def load_authority(folder: Path, now: datetime | None = None) -> Authority:
    """The CA of a state folder. Raises `StartError` where it is missing, damaged, readable by others or expired."""
    file = folder / INTERMEDIATE
    make = "make one with `gerbang ca create --root-out FILE`"
    try:
        data = file.read_bytes()
        mode = file.stat().st_mode
    except FileNotFoundError:
        raise StartError(f"there is no CA in `{folder}`", hint=make) from None
    except OSError as error:
        raise StartError(f"the CA cannot be read: {reason(error)}", place=Place(str(file))) from None
    if mode & 0o077:
        raise StartError("the CA's key can be read by others", place=Place(str(file)), hint=f"run `chmod 600 {file}`")
    anew = "make a new one with `gerbang ca renew --root FILE`"
    root_file = folder / ROOT_CERTIFICATE
    part = file
    try:
        key = serialization.load_pem_private_key(data, None)
        certificate = x509.load_pem_x509_certificate(data)
        part = root_file
        root = x509.load_pem_x509_certificate(root_file.read_bytes()) if root_file.exists() else None
    except (ValueError, TypeError, OSError):
        raise StartError("the CA cannot be read: it is damaged", place=Place(str(part)), hint=anew) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise StartError("the CA's key and certificate do not belong together", place=Place(str(file)), hint=anew)
    if certificate.not_valid_after_utc <= (now or datetime.now(UTC)):
        raise StartError(
            f"the CA expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            place=Place(str(file)),
            hint="run `gerbang ca renew --root FILE`",
        )
    return Authority(key, certificate, root)


def constraints_of(certificate: x509.Certificate) -> frozenset[str]:
    """The names that a CA certificate permits, each with all below it."""
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(
        str(subtree.value) for subtree in constraints.permitted_subtrees or () if isinstance(subtree, x509.DNSName)
    )


def organisation_of(certificate: x509.Certificate) -> str:
    names = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return str(names[0].value) if names else ""


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 in hex, as browsers and `openssl x509 -fingerprint` show it."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _name(organisation: str, common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + life)
    )


def _as_authority(
    builder: x509.CertificateBuilder,
    own: ec.EllipticCurvePublicKey,
    issuer: ec.EllipticCurvePublicKey,
    path_length: int,
) -> x509.CertificateBuilder:
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own), critical=False)
        .add_extension(_issuer_id(issuer), critical=False)
    )


def _issuer_id(issuer: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer)


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _write_new(file: Path, data: bytes) -> None:
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        try:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        except OSError:
            file.unlink()
            raise


def _replace(file: Path, data: bytes, mode: int) -> None:
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    _write_new(fresh, data)
    fresh.chmod(mode)
    fresh.replace(file)


def beyond_authority(authority: Authority, platforms: Platforms, *more: str) -> tuple[str, ...]:
    """The hosts that are opened, and for which the intermediate cannot sign until `ca renew` has been run."""
    opened = (host for host in platforms.hosts() if (role := platforms.at(host)) and role.role not in INERT_ROLES)
    return authority.missing((*opened, *more))
