"""Signed notes: what tools for transparency logs read, in exactly one spelling."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gerbang.record.note import Checkpoint, open_note, read_verifier_key, sign, verifier_key

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
POINT = Checkpoint("gerbang/gate-0", 42, bytes(range(32)))


def test_a_note_is_text_empty_line_signature() -> None:
    lines = sign(POINT, KEY).split("\n")
    assert lines[:2] == ["gerbang/gate-0", "42"]
    assert lines[3] == ""
    assert lines[4].startswith("— gerbang/gate-0 ")
    assert lines[5:] == [""]


def test_a_note_opens_to_what_was_signed() -> None:
    assert open_note(sign(POINT, KEY), KEY.public_key()) == POINT


@given(st.integers(0, 8 * len(sign(POINT, KEY).encode()) - 1))
def test_any_flipped_bit_closes_the_note(bit: int) -> None:
    raw = bytearray(sign(POINT, KEY).encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError):
        open_note(raw.decode(errors="surrogateescape"), KEY.public_key())


def test_another_key_is_told_from_a_wrong_signature() -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(ValueError, match="another key"):
        open_note(sign(POINT, other), KEY.public_key())


@pytest.mark.parametrize(
    "note", ["", "\n\n", "a\n1\n\n— a b\n", "a\n-1\nAAAA\n\n— a b\n", "a\n" + "9" * 5000 + "\nAA\n\n— a AA\n"]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(ValueError):
        open_note(note, KEY.public_key())


def test_the_verifier_key_reads_back() -> None:
    text = verifier_key("gerbang", KEY.public_key())
    assert read_verifier_key(text + "\n").public_bytes_raw() == KEY.public_key().public_bytes_raw()


def test_the_verifier_key_of_the_specification_reads() -> None:
    """The example key of Go's x/mod/sumdb/note documentation, seen 2026-11."""
    assert read_verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+00000000+AAAA", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"]
)
def test_what_is_no_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no verifier key"):
        read_verifier_key(text)
