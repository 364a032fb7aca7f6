"""From outside: whether the running gate answers and shows our CA, and whether platforms can be reached and known."""

import socket
import ssl
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, closing
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import certifi
from cryptography import x509

from gerbang.doctor.machine import REACHABLE
from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import GerbangError, reason
from gerbang.gate.authority import ROOT_CERTIFICATE
from gerbang.gate.run import check_trusted
from gerbang.settings import host_and_port

PATIENCE: Final = 5.0  # seconds for an answer
HEAD_LIMIT: Final = 16 << 10  # bytes of an answer's head
START: Final = "`gerbang serve` starts it"


def upstream(patient: Patient) -> Iterator[Diagnosis]:
    """By which authorities platforms are known."""
    file = patient.settings.gate.upstream.trusted_ca
    try:
        check_trusted(file)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some of the usual authorities have numbers that are no longer allowed
            found = x509.load_pem_x509_certificates((file or Path(certifi.where())).read_bytes())
    except (GerbangError, OSError, ValueError) as error:
        what = error.what if isinstance(error, GerbangError) else f"the authorities cannot be read: {error}"
        yield bad(what, "correct `gate.upstream.trusted_ca`")
        return
    whose = str(file) if file else "the usual list"
    current = [one for one in found if one.not_valid_after_utc > patient.now]
    if not current:
        yield bad(f"no authority of {whose} is valid any more", "bring it up to date")
    else:
        yield good(f"platforms are known by {whose}: {len(current)} authorities")


def gate(patient: Patient) -> Iterator[Diagnosis]:
    """Ask the running gate for its own host as a browser would, and look at what it shows."""
    if not patient.running:
        yield warning("no gate is at work here", START)
        return
    if patient.settings.gate.mode.partition("@")[0].partition(":")[0] not in {"regular", "upstream"}:
        yield good("the gate's mode has no CONNECT, so it is not asked from here")
        return
    yield from _through(patient, patient.settings.gate.host)
    if patient.online:
        yield from _through(patient, _a_listed_host(patient))


def _through(patient: Patient, host: str) -> Iterator[Diagnosis]:
    address, port = host_and_port(patient.settings.gate.listen)
    required = patient.settings.gate.tls == "required"
    try:
        with ExitStack() as open_:
            opened = socket.create_connection((REACHABLE.get(address, address), port), PATIENCE)
            opened = open_.enter_context(_over_tls(patient, opened) if required else closing(opened))
            status = _connect(opened, host)
            if status == 200 and required:
                yield good(f"the gate answers over TLS, by the certificate that it should have, and opens {host}")
                return
            if status == 200:
                yield from _tls(patient, opened, host)
                return
    except ssl.SSLCertVerificationError as error:
        yield bad(
            f"the gate is not known by its certificate: {error.verify_message.lower()}",
            "start `gerbang serve` again, so that it takes today's",
        )
        return
    except OSError as error:
        yield bad(f"the gate does not answer on {patient.settings.gate.listen}: {reason(error)}", "read its log")
        return
    match status:
        case 407:
            yield good(f"the gate answers, and asks for a sign-in before it opens {host}")
        case 403:
            yield good(f"the gate answers, and refuses {host} to this machine: it is in no zone, or the policy says so")
        case _:
            yield bad(f"the gate answers a CONNECT to {host} with {status or 'nothing'}", "read its log")


def _over_tls(patient: Patient, opened: socket.socket) -> ssl.SSLSocket:
    """TLS to the proxy itself, which must show what the settings say. Raises `OSError`."""
    own = patient.settings.gate.tls_certificate
    context = ssl.create_default_context(cafile=own or patient.settings.authority_folder / ROOT_CERTIFICATE)
    if own is not None:
        # Who signed it is not for this machine to know: it is trusted for being the one in the file.
        context.check_hostname = False
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context.wrap_socket(opened, server_hostname=patient.settings.gate.host)


def _connect(opened: socket.socket, host: str) -> int:
    """The status with which the gate answers CONNECT; 0 where that is no answer."""
    opened.settimeout(PATIENCE)
    opened.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_LIMIT and (piece := opened.recv(4096)):
        head += piece
    parts = head.split(b" ", 2)
    return int(parts[1]) if len(parts) > 2 and head.startswith(b"HTTP/1.") and parts[1].isdigit() else 0


def _tls(patient: Patient, opened: socket.socket, host: str) -> Iterator[Diagnosis]:
    root = patient.settings.authority_folder / ROOT_CERTIFICATE
    try:
        context = ssl.create_default_context(cafile=root)
        with context.wrap_socket(opened, server_hostname=host) as shown:
            until = shown.getpeercert().get("notAfter")  # type: ignore[union-attr]  # it was verified
    except ssl.SSLCertVerificationError as error:
        yield bad(
            f"what the gate shows for {host} is not by the CA of {root}: {error.verify_message.lower()}",
            "start `gerbang serve` again, so that it takes today's CA",
        )
    except (OSError, ssl.SSLError) as error:
        closed = any(one.closed for one in patient.gates)
        if closed:
            yield warning(f"the gate opens no TLS: {patient.gates[0].closed}", "see `interception` above")
        else:
            yield bad(f"TLS through the gate to {host} fails: {reason(error)}", "read its log")
    else:
        yield good(f"through the gate, {host} shows a certificate of our CA, valid until {until}")


def _a_listed_host(patient: Patient) -> str:
    return next(host for host in sorted(patient.world.platforms.hosts()) if not host.startswith("*."))


def names(patient: Patient) -> Iterator[Diagnosis]:
    """Whether listed hosts are found by name, and outside. Only where it was asked for: nothing else goes out."""
    if not patient.online:
        return
    own = patient.settings.gate.upstream.hosts
    first: dict[str, str] = {}
    for host in sorted(patient.world.platforms.hosts()):
        role = patient.world.platforms.at(host.removeprefix("*."))
        if role is not None and role.role == "app" and not host.startswith("*."):
            first.setdefault(role.platform, host)
    for platform, host in first.items():
        if host in own:
            yield good(f"{platform}: {host} is {own[host]} by `gate.upstream.hosts`")
            continue
        try:
            found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
        except OSError as error:
            yield bad(f"{platform}: {host} is not found: {str(error.strerror or error).lower()}", "look at the DNS")
            continue
        addresses = {str(entry[4][0]).partition("%")[0] for entry in found}
        if any(ip_address(one).is_global for one in addresses):
            yield good(f"{platform}: {host} is found")
        else:
            yield bad(
                f"{platform}: {host} is {min(addresses)}, to which the gate does not connect",
                "correct the DNS, or name it in `gate.upstream.hosts`",
            )
