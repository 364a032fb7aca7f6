"""The CA: there, its own, long enough valid, for every listed host, and its root elsewhere."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature

from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import GerbangError
from gerbang.fleet.pac import proxies_of
from gerbang.gate.authority import (
    INTERMEDIATE,
    RENEW,
    ROOT_CERTIFICATE,
    Authority,
    beyond_authority,
    load_authority,
)
from gerbang.proxy_certificate import certificate_names, load_proxy_certificate
from gerbang.settings import REQUIRE_TLS

RENEW_BEFORE: Final = timedelta(days=60)
NEW_ROOT_BEFORE: Final = timedelta(days=365)
NEW_CERTIFICATE_BEFORE: Final = timedelta(days=21)
LOOKED_AT: Final = 5000  # files among which a root's key is looked for
KEY_LIMIT: Final = 64 << 10  # bytes of a file that may be one
NAMED: Final = 5  # hosts that are named in a line
# What a PKCS#12 file begins with: a sequence, version 3, then the kind `data` (RFC 7292, 4).
PKCS12: Final = bytes.fromhex("06092a864886f70d010701")
MITMPROXY: Final = "mitmproxy-ca"  # how mitmproxy calls the files of a CA of its own, which is not the gate's


def interception(patient: Patient) -> Iterator[Diagnosis]:
    """Under which authority traffic is opened, if it is."""
    chosen = patient.settings.interception
    if chosen.authority and chosen.notice:
        yield good(f"traffic is opened under `{chosen.authority}`, with notice `{chosen.notice}` given")
        return
    lacking = [f"`interception.{key}`" for key in ("authority", "notice") if not getattr(chosen, key)]
    yield warning(
        f"nothing is decrypted: {' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not set",
        "set both once there is an authority and the notice was given; until then platforms are judged as `use` only",
    )


def authority(patient: Patient) -> Iterator[Diagnosis]:
    """The intermediate that signs, the root that PCs trust, and the names between."""
    folder = patient.settings.authority_folder
    wanted = bool(patient.settings.interception.authority and patient.settings.interception.notice)
    try:
        ours = load_authority(folder, patient.now)
    except GerbangError as error:
        told = bad if wanted or (folder / INTERMEDIATE).exists() else warning
        yield told(error.what + (f" ({error.place})" if error.place else ""), error.hint or RENEW)
        return
    yield from _times(patient, ours)
    yield from _root(ours, folder)
    missing = beyond_authority(ours, patient.world.platforms, patient.settings.gate.host)
    if missing:
        named = ", ".join(missing[:NAMED]) + (f" and {len(missing) - NAMED} more" if len(missing) > NAMED else "")
        yield bad(
            f"the CA may not sign for {named}: people cannot reach {'it' if len(missing) == 1 else 'them'}", RENEW
        )
    else:
        yield good(f"the CA may sign for every host that is opened: {len(ours.names)} names and what is below them")


def _times(patient: Patient, ours: Authority) -> Iterator[Diagnosis]:
    until = ours.certificate.not_valid_after_utc
    told = f"the intermediate is valid until {until:%Y-%m-%d}"
    # One that expired does not load.
    yield warning(told, RENEW) if until - patient.now < RENEW_BEFORE else good(told)
    if ours.certificate.not_valid_before_utc > patient.now:
        yield bad(
            f"the intermediate is valid from {ours.certificate.not_valid_before_utc:%Y-%m-%d}", "set the clock right"
        )
    if ours.root is None:
        return
    ends = ours.root.not_valid_after_utc
    told = f"the root is valid until {ends:%Y-%m-%d}"
    if ends <= patient.now:
        yield bad(told, "make a new CA by `gerbang ca create`, and have the PCs trust it")
    elif ends - patient.now < NEW_ROOT_BEFORE:
        yield warning(told, "plan a new CA, and have the PCs trust it before the old one ends")
    else:
        yield good(told)


def _root(ours: Authority, folder: Path) -> Iterator[Diagnosis]:
    if ours.root is None:
        yield warning(f"{folder / ROOT_CERTIFICATE} is not there", "restore it: it is what the PCs are to trust")
        return
    try:
        ours.certificate.verify_directly_issued_by(ours.root)
    except (ValueError, TypeError, InvalidSignature):
        yield bad(
            f"{folder / ROOT_CERTIFICATE} is not the root of the intermediate, so no PC trusts what the gate shows",
            RENEW,
        )


def proxy_tls(patient: Patient) -> Iterator[Diagnosis]:
    """Whether what browsers send to the proxy itself can be read on the way, and by which certificate it is known."""
    chosen = patient.settings
    if clear := chosen.password_in_clear:
        yield warning(clear, REQUIRE_TLS)
    if not chosen.is_asked_as_proxy:
        yield good("nobody speaks to the gate as to a proxy, so there is no TLS to it")
        return
    certificate, key = chosen.gate.tls_certificate, chosen.gate.tls_key
    if certificate is not None and key is not None:
        yield from _own_certificate(patient, certificate, key)
    elif chosen.speaks_tls:
        yield good(f"the proxy itself is known by a certificate of the gate's CA, for {chosen.gate.host}")
    if chosen.gate.tls == "required":
        yield good("who speaks to the proxy without TLS is refused")
    elif chosen.speaks_tls:
        yield warning(
            "browsers are sent to the proxy by TLS, and who speaks to it without is served too",
            'set `[gate] tls = "required"`',
        )
    if chosen.speaks_tls:
        yield good(f"browsers are told {', '.join(proxies_of(chosen))}")
    elif not chosen.password_in_clear:
        yield good("browsers are sent to the proxy without TLS, and no password could be read on the way")


def _own_certificate(patient: Patient, certificate: Path, key: Path) -> Iterator[Diagnosis]:
    try:
        own = load_proxy_certificate(certificate, key, patient.now)
    except GerbangError as error:
        yield bad(error.what + (f" ({error.place})" if error.place else ""), error.hint or f"correct {certificate}")
        return
    names = ", ".join(certificate_names(own.certificate)[:NAMED])
    until = own.certificate.not_valid_after_utc
    told = f"the proxy itself is known by {certificate}, for {names}, until {until:%Y-%m-%d}"
    if own.certificate.not_valid_before_utc > patient.now:
        yield bad(f"{certificate} is valid from {own.certificate.not_valid_before_utc:%Y-%m-%d}", "set the clock right")
    elif until - patient.now < NEW_CERTIFICATE_BEFORE:
        yield warning(told, "have a new one made, and put it there: a gate that runs takes it")
    else:
        yield good(told)


def root_key(patient: Patient) -> Iterator[Diagnosis]:
    """The root's key has no business on the gate."""
    folders = [patient.settings.state, *([patient.file.parent] if patient.file else []), Path.home()]
    found = sorted({path for folder in folders for path in islice(_files(folder), LOOKED_AT) if _is_pkcs12(path)})
    for path in found:
        yield warning(
            f"{path} looks like the CA's root key", "move it offline; `gerbang ca renew` needs it once in two years"
        )
    if not found:
        yield good("the CA's root key does not lie beside the settings or in the state folder")


def _files(folder: Path) -> Iterator[Path]:
    """Files of a folder and two levels below."""
    base = len(folder.parts)
    for root, below, names in os.walk(folder):
        if len(Path(root).parts) - base >= 2:
            below.clear()
        below[:] = [name for name in below if name not in {"journal", "status", ".git", ".venv", "node_modules"}]
        yield from (Path(root) / name for name in sorted(names))


def _is_pkcs12(path: Path) -> bool:
    with suppress(OSError):
        found = path.lstat()
        named_so = path.name.startswith(MITMPROXY)
        if stat.S_ISREG(found.st_mode) and not named_so and 100 < found.st_size <= KEY_LIMIT:
            with path.open("rb") as file:
                head = file.read(64)
            return head[:1] == b"\x30" and PKCS12 in head
    return False
