"""Certificates and keys in files, as an admin has them from somebody else's CA."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import NameOID


def a_pair(
    folder: Path,
    names: Sequence[str],
    *,
    addresses: Sequence[str] = (),
    days: float = 90,
    called: str = "pintu",
    key: CertificateIssuerPrivateKeyTypes | None = None,
) -> tuple[Path, Path]:
    """A certificate that is its own root, and its key, which nobody else can read."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    now = datetime.now(UTC)
    kinds = [*map(x509.DNSName, names), *(x509.IPAddress(ip_address(one)) for one in addresses)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
    )
    if kinds:
        builder = builder.add_extension(x509.SubjectAlternativeName(kinds), critical=False)
    certificate, secret = folder / f"{called}.crt", folder / f"{called}.key"
    certificate.write_bytes(
        builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM
        )
    )
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    secret.chmod(0o600)
    return certificate, secret
