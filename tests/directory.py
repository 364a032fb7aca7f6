"""A real OpenLDAP for tests, with its own folder and port, and a few people in it."""

import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gerbang.demo.office import free_port
from gerbang.settings import LdapSettings
from waiting import until

BASE = "dc=contoh,dc=my"
ADMIN, ADMIN_WORD = f"cn=gate,{BASE}", "pengurus:sulit"
WORD = "kata:laluan-ç"
"""Aminah's password: with a colon, and beyond ASCII."""

# Names of Active Directory that OpenLDAP lacks; the numbers are of nobody (RFC 7612's example arc).
SCHEMA = """
attributetype ( 1.3.6.1.4.1.32473.1.1 NAME 'sAMAccountName' EQUALITY caseIgnoreMatch
  SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.32473.1.2 NAME 'department' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
attributetype ( 1.3.6.1.4.1.32473.1.3 NAME 'physicalOffice' EQUALITY caseIgnoreMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.32473.2.1 NAME 'adUser' AUXILIARY MAY ( sAMAccountName $ department $ physicalOffice ) )
"""

CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include {folder}/ad.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
moduleload ppolicy
pidfile {folder}/slapd.pid
sizelimit size.soft=500 size.hard=500 size.prtotal=unlimited
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
database mdb
suffix "{base}"
rootdn "cn=root,{base}"
directory {folder}/data
maxsize 268435456
index objectClass,uid,sAMAccountName eq
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{admin}" read by self read by * none
overlay memberof
overlay ppolicy
ppolicy_default "cn=default,{base}"
"""


@dataclass
class LdapServer:
    folder: Path
    port: int
    tls_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def settings(self, **more: Any) -> LdapSettings:
        """To ask it over TLS, searching as the gate's own account."""
        password = self.folder / "gate.password"
        if not password.exists():
            password.write_text(ADMIN_WORD + "\n", encoding="utf-8")
        given = {
            "urls": [f"ldaps://localhost:{self.tls_port}"],
            "ca": self.ca,
            "base": BASE,
            "bind_dn": ADMIN,
            "password_file": password,
        }
        return LdapSettings.model_validate({**given, **more})

    def start(self) -> None:
        urls = f"ldap://127.0.0.1:{self.port}/ ldaps://127.0.0.1:{self.tls_port}/"
        command = ["slapd", "-d", "0", "-f", str(self.folder / "slapd.conf"), "-h", urls]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: _listens(self.port) and _listens(self.tls_port))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def person(uid: str, name: str, word: str | None = None, **more: str | Sequence[str]) -> str:
    """An entry of LDIF."""
    given: Mapping[str, str | Sequence[str]] = {
        "objectClass": ["inetOrgPerson", "adUser"],
        "cn": name,
        "sn": name.rpartition(" ")[2],
        **({"uid": uid, "userPassword": word} if word else {"uid": uid}),
        **more,
    }
    lines = [f"dn: uid={uid},ou=people,{BASE}"]
    for key, values in given.items():
        lines += [f"{key}: {value}" for value in ([values] if isinstance(values, str) else values) if value]
    return "\n".join(lines) + "\n"


def group(name: str, *members: str) -> str:
    lines = "\n".join(f"member: uid={uid},ou=people,{BASE}" for uid in members)
    return f"dn: cn={name},ou=groups,{BASE}\nobjectClass: groupOfNames\ncn: {name}\n{lines}\n"


TREE = (
    f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Contoh\ndc: contoh\n",
    f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n",
    f"dn: ou=groups,{BASE}\nobjectClass: organizationalUnit\nou: groups\n",
    f"dn: {ADMIN}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: gate\n"
    f"userPassword: {ADMIN_WORD}\n",
    f"dn: cn=default,{BASE}\nobjectClass: organizationalRole\nobjectClass: pwdPolicy\ncn: default\n"
    "pwdAttribute: userPassword\npwdLockout: TRUE\npwdMaxFailure: 50\n",
)
PEOPLE = (
    person(
        "aminah",
        "Aminah binti Contoh",
        WORD,
        department="Komunikasi",
        physicalOffice="HQ",
        employeeType="41",
        memberOf=[f"cn=media,ou=groups,{BASE}", f"cn=staff,ou=groups,{BASE}"],
    ),
    person(
        "devi",
        "Devi Contoh",
        "kata-devi",
        department="Dasar",
        physicalOffice="JB",
        employeeType="N",
        memberOf=f"cn=staff,ou=groups,{BASE}",
    ),
    person("farid", "Farid Contoh", "kata-farid", pwdAccountLockedTime="000001010000Z"),
    person("siti", "Siti (Kanan) * Contoh", "kata-siti"),
)
GROUPS = (group("media", "aminah"), group("staff", "aminah", "devi", "siti"))


@contextmanager
def an_ldap_server(folder: Path, *more: str) -> Iterator[LdapServer]:
    """A directory with its people, and `more` entries of LDIF."""
    server = LdapServer(folder, free_port(), free_port())
    (folder / "data").mkdir(parents=True)
    (folder / "ad.schema").write_text(SCHEMA)
    (folder / "slapd.conf").write_text(CONFIG.format(folder=folder, base=BASE, admin=ADMIN))
    _certificates(folder)
    entries = "\n".join((*TREE, *PEOPLE, *GROUPS, *more))
    # Slapadd does not run overlays: people name their groups, and groups their people.
    loading = ["slapadd", "-f", str(folder / "slapd.conf")]
    done = subprocess.run(loading, input=entries.encode(), capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    server.start()
    try:
        yield server
    finally:
        server.kill()


def _certificates(folder: Path) -> None:
    """An authority and a certificate for `localhost`."""
    now = datetime.now(UTC)
    authority = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Trial directory CA")])
    root = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(authority.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .sign(authority, hashes.SHA256())
    )
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "directory")]))
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False)
        .sign(authority, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
