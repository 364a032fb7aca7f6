"""The keys of the record in `state/keys`: made at the first start, never replaced in silence.

`record.key` is 32 random bytes behind pseudonyms and content digests; `seal.key` is the Ed25519
key of the seals (PEM), `seal.pub` its public half, which a witness keeps elsewhere.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gerbang.errors import Place, RecordError
from gerbang.journal.reader import reason
from gerbang.record.note import read_verifier_key, verifier_key

NAME = "gerbang"


@dataclass(frozen=True, slots=True)
class Keys:
    """The installation's key and the key that signs seals."""

    record: bytes = field(repr=False)
    seal: Ed25519PrivateKey = field(repr=False)


def load_keys(folder: Path) -> Keys:
    """The keys in `folder`, made there where they are missing. Several processes may start at once."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        record = _kept(folder / "record.key", lambda: os.urandom(32))
        pem = _kept(folder / "seal.key", _new_seal_key)
    except OSError as error:
        raise RecordError(f"the keys cannot be read or made: {reason(error)}", place=Place(str(folder))) from None
    if len(record) != 32:
        raise RecordError(
            "this is no key: it must hold 32 bytes",
            place=Place(str(folder / "record.key")),
            hint="restore it from a backup; without it the officers' pseudonyms change",
        )
    try:
        seal = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        seal = None
    if not isinstance(seal, Ed25519PrivateKey):
        raise RecordError(
            "this is no Ed25519 key in PEM", place=Place(str(folder / "seal.key")), hint="restore it from a backup"
        )
    public = folder / "seal.pub"
    try:
        _kept(public, lambda: (verifier_key(NAME, seal.public_key()) + "\n").encode("ascii"))
    except OSError as error:
        raise RecordError(f"the key cannot be written: {reason(error)}", place=Place(str(public))) from None
    return Keys(record, seal)


def load_public_key(path: Path) -> Ed25519PublicKey:
    """The public half of the seals' key, from `seal.pub` or a copy of it."""
    try:
        return read_verifier_key(path.read_text("ascii"))
    except OSError as error:
        raise RecordError(f"the key of the seals cannot be read: {reason(error)}", place=Place(str(path))) from None
    except ValueError as error:
        raise RecordError(str(error), place=Place(str(path)), hint="expected one line, `NAME+ID+BASE64`") from None


def _new_seal_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    """What `path` holds; where there is no such file, what `make` gives, kept there whole or not at all."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        pass
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: then its key counts
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)
    return path.read_bytes()


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
