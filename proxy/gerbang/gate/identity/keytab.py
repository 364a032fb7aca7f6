"""The keys of a Kerberos service, as `kadmin`, `ktutil` and `ktpass` write them: a keytab.

The format is MIT's, version 5.2 (web.mit.edu/kerberos/krb5-1.20/doc/formats/keytab_file_format.html). It is read here,
so that what is wrong with one is said before the library meets it, and without the library.
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gerbang.errors import Place, SettingsError, reason

KEYTAB_LIMIT: Final = 1 << 20  # bytes
VERSION: Final = b"\x05\x02"

ENCRYPTIONS: Final = {
    1: "des-cbc-crc",
    3: "des-cbc-md5",
    16: "des3-cbc-sha1",
    17: "aes128-cts-hmac-sha1-96",
    18: "aes256-cts-hmac-sha1-96",
    19: "aes128-cts-hmac-sha256-128",
    20: "aes256-cts-hmac-sha384-192",
    23: "arcfour-hmac",
    25: "camellia128-cts-cmac",
    26: "camellia256-cts-cmac",
}
STRONG: Final = frozenset({17, 18, 19, 20, 25, 26})


@dataclass(frozen=True, slots=True)
class KeytabEntry:
    """One key, without the key: whose it is, its number and its kind of encryption."""

    principal: str
    version: int
    encryption: int

    @property
    def kind(self) -> str:
        return ENCRYPTIONS.get(self.encryption, f"encryption {self.encryption}")


@dataclass(frozen=True, slots=True)
class Keytab:
    """A keytab's bytes, which are secret, and what stands in them."""

    data: bytes
    entries: tuple[KeytabEntry, ...]

    def __repr__(self) -> str:
        return f"Keytab({len(self.entries)} keys)"

    def of(self, principal: str) -> tuple[KeytabEntry, ...]:
        return tuple(entry for entry in self.entries if entry.principal == principal)


def read_keytab(file: Path, service: str) -> Keytab:
    """The keytab of a service. Raises `SettingsError` where others can read it, or it has no key for the service."""
    place = Place(str(file))
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(file.stat().st_mode)
            data = opened.read(KEYTAB_LIMIT + 1)
    except FileNotFoundError:
        raise SettingsError(
            "there is no keytab",
            place=place,
            hint=f"make one with the key of `{service}`, and name it in `kerberos.keytab`",
        ) from None
    except OSError as error:
        hint = "give it to the user that the gate runs as" if isinstance(error, PermissionError) else None
        raise SettingsError(f"the keytab cannot be read: {reason(error)}", place=place, hint=hint) from None
    if mode & 0o077:
        raise SettingsError("the keytab can be read by others", place=place, hint=f"run `chmod 600 {file}`")
    if len(data) > KEYTAB_LIMIT:
        raise SettingsError(f"the keytab is larger than {KEYTAB_LIMIT >> 20} MiB", place=place)
    try:
        found = Keytab(data, tuple(_entries(data)))
    except ValueError as error:
        raise SettingsError(
            f"this is no keytab that can be read: {error}", place=place, hint="export it anew, and copy it as it is"
        ) from None
    if not found.of(service):
        others = sorted({entry.principal for entry in found.entries})
        named = f"it has {', '.join(f'`{name}`' for name in others[:3])}" if others else "it is empty"
        raise SettingsError(
            f"the keytab has no key for `{service}`", place=place, hint=f"{named}; compare `kerberos.service`"
        )
    return found


def _entries(data: bytes) -> Iterator[KeytabEntry]:
    """Each key of a keytab. Raises `ValueError`."""
    if not data.startswith(VERSION):
        raise ValueError("it does not begin as one")
    at = len(VERSION)
    while at < len(data):
        size = int.from_bytes(_piece(data, at, 4), "big", signed=True)
        at += 4
        if size > 0:
            yield _entry(_piece(data, at, size))
        # What was deleted leaves a hole of this size; nothing follows a zero.
        if size == 0:
            return
        at += abs(size)


def _entry(record: bytes) -> KeytabEntry:
    count, at = int.from_bytes(_piece(record, 0, 2), "big"), 2
    texts = []
    for _ in range(count + 1):
        size = int.from_bytes(_piece(record, at, 2), "big")
        texts.append(_piece(record, at + 2, size).decode("utf-8", "replace"))
        at += 2 + size
    # The kind of the name and the time, four bytes each, which say nothing here.
    at += 8
    version = _piece(record, at, 1)[0]
    encryption = int.from_bytes(_piece(record, at + 1, 2), "big")
    length = int.from_bytes(_piece(record, at + 3, 2), "big")
    _piece(record, at + 5, length)
    at += 5 + length
    if len(record) - at >= 4:
        version = int.from_bytes(_piece(record, at, 4), "big") or version
    realm, *components = texts
    return KeytabEntry(f"{'/'.join(components)}@{realm}", version, encryption)


def _piece(data: bytes, at: int, size: int) -> bytes:
    if at + size > len(data):
        raise ValueError("it ends in the middle of an entry")
    return data[at : at + size]
