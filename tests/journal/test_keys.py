"""Keys: made once, kept to their owner, and never replaced in silence."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gerbang.errors import RecordError
from gerbang.journal.keys import load_keys, load_public_key


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "keys"
    first, second = load_keys(folder), load_keys(folder)
    assert first.record == second.record
    assert first.seal.private_bytes_raw() == second.seal.private_bytes_raw()
    assert load_public_key(folder / "seal.pub").public_bytes_raw() == first.seal.public_key().public_bytes_raw()
    assert {path.name for path in folder.iterdir()} == {"record.key", "seal.key", "seal.pub"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_many_that_start_at_once_have_the_same_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(load_keys, [tmp_path / "keys"] * 16))
    assert len({keys.record for keys in found}) == 1
    assert len({keys.seal.private_bytes_raw() for keys in found}) == 1


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("record.key", b"short", "record.key: this is no key: it must hold 32 bytes; restore it from a backup"),
        ("seal.key", b"-----BEGIN", "seal.key: this is no Ed25519 key in PEM; restore it from a backup"),
    ],
)
def test_a_spoilt_key_is_not_replaced(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    load_keys(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordError) as raised:
        load_keys(tmp_path)
    assert sentence in str(raised.value)
    assert (tmp_path / name).read_bytes() == content


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(RecordError, match="the keys cannot be read or made: "):
        load_keys(tmp_path / "keys")


@pytest.mark.parametrize("content", ["", "x", "gerbang+00000000+AAAA"])
def test_what_is_no_public_key_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "seal.pub").write_text(content)
    with pytest.raises(RecordError, match="this is no verifier key; expected one line"):
        load_public_key(tmp_path / "seal.pub")


def test_a_public_key_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="the key of the seals cannot be read: no such file"):
        load_public_key(tmp_path / "seal.pub")
