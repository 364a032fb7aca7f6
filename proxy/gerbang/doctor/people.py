"""How people are known: the directory, sessions, and Kerberos with the gate's own key."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from pwd import getpwuid
from typing import Final

from gerbang.directory import Directory, DirectoryError
from gerbang.doctor.machine import UNSYNCHRONISED, kernel_status
from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import FeedError, GerbangError, SettingsError
from gerbang.feeds import Feed, News
from gerbang.fleet.pac import proxies_of
from gerbang.gate.identity.keytab import STRONG, Keytab, read_keytab
from gerbang.gate.identity.negotiate import Acceptor, library
from gerbang.sessions import FEED, Book

FEW = 5  # entries that are looked at
SILENT: Final = timedelta(days=1)  # after which nobody is believed to tell of sessions any more


def directory(patient: Patient) -> Iterator[Diagnosis]:
    """Whether it can be asked, and what it says of a few people."""
    chosen = patient.settings.ldap
    if not chosen.urls:
        return
    file = chosen.password_file
    if file is not None and file.is_file() and file.stat().st_mode & 0o007:
        yield warning(f"everybody on this machine can read {file}", f"run `chmod 640 {file}`")
    asked = Directory(chosen)
    try:
        answered = False
        for name, error in asked.servers():
            if error is None:
                answered = True
                yield good(f"{name} answers")
            else:
                yield bad(f"{name}: {error.what}", error.hint or "look at `[ldap]`, and at the server")
        if not answered:
            return
        if not asked.look():
            yield bad(f"there is no `{chosen.base}` in the directory, or nothing of it is shown", "correct `ldap.base`")
            return
        found = list(islice(asked.entries(chosen.sync.filter, [chosen.id, chosen.sync.name]), FEW))
    except (DirectoryError, SettingsError) as error:
        yield bad(error.what, error.hint or "look at `[ldap]`")
        return
    named = [entry for entry in found if entry.first(chosen.id)]
    if not found:
        yield warning("no entry matches `ldap.sync.filter`", "correct it, or let the gate's account read people")
    elif not named:
        yield bad(f"none of {len(found)} entries has a `{chosen.id}`", "correct `ldap.id`, or let the account read it")
    elif not any(entry.first(chosen.sync.name) for entry in named):
        yield warning(f"none of {len(named)} entries has a `{chosen.sync.name}`", "correct `ldap.sync.name`")
    else:
        yield good("its base is there, and its people have an id and a name")


def sessions(patient: Patient) -> Iterator[Diagnosis]:
    """Whether somebody tells the gate who is at which address, and how lately."""
    if not any("session" in zone.sign_in for zone in patient.settings.zones):
        return
    try:
        records = Feed(patient.settings.feeds_folder, FEED).read()
        book = Book()
        book.take(News(True, records), patient.now)
        told = datetime.fromtimestamp((patient.settings.feeds_folder / f"{FEED}.jsonl").stat().st_mtime, UTC)
    except FileNotFoundError:
        yield warning("nobody has told of a session yet", "see docs/api.md: `gerbang tokens add NAME --may sessions`")
        return
    except (FeedError, OSError) as error:
        yield bad(f"the feed of sessions cannot be read: {error}", "see to the folder `state/feeds`")
        return
    standing = len(book.all(patient.now))
    when = f"{standing} sessions stand; the last word came {told:%Y-%m-%d %H:%M} UTC"
    if patient.now - told > SILENT:
        yield warning(when, "see whether what tells of them still does")
    else:
        yield good(when)


# ---------------------------------------------------------------- Kerberos

EXPORT = "export it anew with AES: `ktpass /crypto AES256-SHA1`, or `ktadd` of MIT Kerberos"


def kerberos(patient: Patient) -> Iterator[Diagnosis]:
    """What tickets are looked at with, and whether browsers come by the name that they are for."""
    chosen = patient.settings.kerberos
    if not patient.settings.uses_kerberos or chosen.keytab is None or chosen.service is None:
        return
    try:
        library()
        installed = True
    except SettingsError as error:
        installed = False
        yield bad(error.what, error.hint or "install it")
    try:
        keytab = read_keytab(chosen.keytab, chosen.service)
        if installed:
            Acceptor(keytab.data, chosen.service, patient.settings.kerberos_folder / "replays")
    except GerbangError as error:
        yield bad(f"{chosen.keytab}: {error.what}", error.hint or "export it anew")
    else:
        yield from _keys(keytab, chosen.keytab, chosen.service)
        yield from _owner(chosen.keytab, patient.settings.state)
    status = kernel_status()
    if status is not None and status & UNSYNCHRONISED:
        yield warning(
            "nobody keeps the clock right, and a ticket is refused once it and the PCs' differ by five minutes",
            "run chrony or systemd-timesyncd against the time server that the PCs use",
        )
    yield from _name(patient, chosen.host or "")


def _keys(keytab: Keytab, file: Path, service: str) -> Iterator[Diagnosis]:
    entries = keytab.of(service)
    newest = max(entry.version for entry in entries)
    kinds = ", ".join(sorted({entry.kind for entry in entries if entry.version == newest}))
    weak = sorted({entry.kind for entry in entries if entry.encryption not in STRONG})
    if not any(entry.encryption in STRONG for entry in entries if entry.version == newest):
        yield bad(f"{file} has for `{service}` no key but {kinds}, which is weak and which clients refuse", EXPORT)
    elif weak:
        yield warning(f"{file} has a weak key of `{service}` too: {', '.join(weak)}", EXPORT)
    else:
        yield good(f"{file} has the key of `{service}`: {kinds}, number {newest}")


def _owner(file: Path, state: Path) -> Iterator[Diagnosis]:
    """The gate runs as whom its state belongs to; nobody but the owner may read a keytab."""
    if not state.is_dir():
        return
    owner, runs_as = file.stat().st_uid, state.stat().st_uid
    if owner != runs_as:
        yield bad(
            f"{file} belongs to {_user(owner)}, and the state folder to {_user(runs_as)}, as whom the gate runs",
            f"run `chown {_user(runs_as)} {file}`",
        )


def _user(number: int) -> str:
    with suppress(KeyError):
        return getpwuid(number).pw_name
    return str(number)


def _name(patient: Patient, host: str) -> Iterator[Diagnosis]:
    """Browsers ask for a ticket for the name by which they reach the proxy."""
    if patient.settings.is_asked_as_proxy:
        others = [one for one in proxies_of(patient.settings) if one.partition(" ")[2].rpartition(":")[0] != host]
        if others:
            yield bad(
                f"browsers are told {', '.join(others)}, and tickets are for `{host}`",
                f"name the proxy by `{host}` in `pac.proxies`",
            )
        else:
            yield good(f"browsers reach the proxy by the name that tickets are for: {host}")
    if not patient.online:
        return
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_CANONNAME)
    except OSError as error:
        yield bad(f"{host} is not found: {str(error.strerror or error).lower()}", "give it an address in the DNS")
        return
    canonical = next((name for *_, name, _ in found if name), host).rstrip(".").lower()
    if canonical != host:
        yield warning(
            f"{host} is another name of {canonical}, for which browsers may ask for the ticket instead",
            "make it an A record in the DNS, not a CNAME",
        )
    else:
        yield good(f"{host} is found")
