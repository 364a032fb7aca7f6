"""Signed notes and checkpoints: a seal that tools for transparency logs can read.

C2SP signed-note and tlog-checkpoint (c2sp.org, seen 2026-11): the text, an empty line, and for
each signature `— NAME BASE64`, of four bytes that name the key and the Ed25519 signature.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """That the journal named `origin` had `size` lines with this Merkle root."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


def sign(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note; the key's name is the origin."""
    text = str(checkpoint)
    signature = _key_id(checkpoint.origin, key.public_key()) + key.sign(text.encode())
    return f"{text}\n— {checkpoint.origin} {base64.b64encode(signature).decode('ascii')}\n"


def open_note(note: str, key: Ed25519PublicKey) -> Checkpoint:
    """The checkpoint that `note` holds, signed by `key`; ValueError says why it is none."""
    text, between, signatures = note.rpartition("\n\n")
    parts = text.split("\n")
    if not between or len(parts) != 3 or not parts[1].isascii() or not parts[1].isdecimal() or len(parts[1]) > 16:
        raise ValueError("this is no checkpoint")
    origin, size, root = parts
    try:
        checkpoint = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
        name, encoded = signatures.removeprefix("— ").removesuffix("\n").split(" ")
        signature = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("this is no checkpoint") from None
    # Base64 has several spellings of some bytes; only the one that is written counts.
    if str(checkpoint) != text + "\n" or name != origin or len(checkpoint.root) != 32:
        raise ValueError("this is no checkpoint")
    expected = _key_id(origin, key)
    if signature[:4] != expected:
        raise ValueError("the checkpoint is signed by another key")
    try:
        key.verify(signature[4:], str(checkpoint).encode())
    except InvalidSignature:
        raise ValueError("the checkpoint's signature is wrong") from None
    if f"{text}\n\n— {name} {base64.b64encode(signature).decode('ascii')}\n" != note:
        raise ValueError("this is no checkpoint")
    return checkpoint


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The public key as C2SP tools take it: `NAME+ID+BASE64`."""
    encoded = base64.b64encode(_ED25519 + key.public_bytes_raw()).decode("ascii")
    return f"{name}+{_key_id(name, key).hex()}+{encoded}"


def read_verifier_key(text: str) -> Ed25519PublicKey:
    """The key in `NAME+ID+BASE64`; ValueError where it is not one."""
    # The key itself may hold a plus: base64 does.
    name, identity, encoded = (*text.strip().split("+", 2), "", "")[:3]
    try:
        raw = base64.b64decode(encoded, validate=True)
        key = Ed25519PublicKey.from_public_bytes(raw[1:])
    except (ValueError, binascii.Error):
        raise ValueError("this is no verifier key") from None
    if raw[:1] != _ED25519 or _key_id(name, key).hex() != identity:
        raise ValueError("this is no verifier key")
    return key


def _key_id(name: str, key: Ed25519PublicKey) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.public_bytes_raw()).digest()[:4]
