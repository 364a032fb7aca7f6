"""The certificate by which browsers know the proxy itself, where it is the admin's own and not by the gate's CA."""

import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gerbang.errors import Place, StartError, reason

FILE_LIMIT: Final = 1 << 20  # bytes

type Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class ProxyCertificate:
    """A certificate, the intermediates behind it, and its key."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: Key


def certificate_names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The hosts and addresses that it is for."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return (
        *(name.lower() for name in found.get_values_for_type(x509.DNSName)),
        *(str(address) for address in found.get_values_for_type(x509.IPAddress)),
    )


def is_for(names: Iterable[str], host: str) -> bool:
    """Whether a browser that asked for this host or address takes such a certificate (RFC 9525, 6.3).

    >>> [is_for(["*.contoh.my"], host) for host in ("gerbang.contoh.my", "a.gerbang.contoh.my", "contoh.my")]
    [True, False, False]
    """
    host = host.lower()
    return any(name in (host, f"*.{host.partition('.')[2]}") for name in names)


def names_of_file(certificate: Path) -> tuple[str, ...]:
    """The hosts and addresses that a certificate in a file is for, without a look at its key. Raises `StartError`."""
    return certificate_names(_certificates(certificate)[0])


def load_proxy_certificate(certificate: Path, key: Path, now: datetime | None = None) -> ProxyCertificate:
    """Raises `StartError` where the two files cannot be had, are not one pair, are readable by others or expired."""
    chain = _certificates(certificate)
    secret = _key(key)
    own, *behind = chain
    if own.public_key() != secret.public_key():
        raise StartError(
            f"this key is not of the first certificate in `{certificate}`",
            place=Place(str(key)),
            hint="put the gate's own certificate first, the intermediates behind it",
        )
    if own.not_valid_after_utc <= (now or datetime.now(UTC)):
        raise StartError(
            f"the gate's own certificate expired on {own.not_valid_after_utc:%Y-%m-%d}",
            place=Place(str(certificate)),
            hint="put a new one there; a gate that runs takes it",
        )
    if not certificate_names(own):
        raise StartError(
            "the gate's own certificate names no host (subject alternative name), so no browser takes it",
            place=Place(str(certificate)),
            hint="have one made for the name by which browsers reach the gate",
        )
    return ProxyCertificate(own, tuple(behind), secret)


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(file))
    except ValueError:
        raise StartError(
            "this holds no certificate in PEM", place=Place(str(file)), hint="name the file in `gate.tls_certificate`"
        ) from None


def _key(file: Path) -> Key:
    data, place = _read(file), Place(str(file))
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise StartError("the key can be read by others", place=place, hint=f"run `chmod 600 {file}`")
    try:
        key = serialization.load_pem_private_key(data, None)
    except TypeError:
        raise StartError(
            "the key is under a passphrase, which nobody could type when the gate starts",
            place=place,
            hint="write it without one, for the gate's user alone",
        ) from None
    except ValueError:
        raise StartError("this holds no private key in PEM", place=place, hint="name it in `gate.tls_key`") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise StartError("browsers take a key of RSA or of an elliptic curve only", place=place)
    return key


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(FILE_LIMIT + 1)
    except OSError as error:
        raise StartError(f"the file cannot be read: {reason(error)}", place=Place(str(file))) from None
    if len(data) > FILE_LIMIT:
        raise StartError(f"the file is larger than {FILE_LIMIT >> 20} MiB", place=Place(str(file)))
    return data
