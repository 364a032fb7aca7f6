"""Protobuf without a schema: fields by number, words wherever they are, and bounds."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis.strategies import binary, integers, lists, recursive, text, tuples

from gerbang.wire import protobuf
from gerbang.wire.values import Unreadable

NUMBERS = integers(1, 2**29 - 1)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def a_field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def a_message(*pairs: tuple[int, int | bytes]) -> bytes:
    return b"".join(a_field(*pair) for pair in pairs)


@given(lists(tuples(NUMBERS, integers(0, 2**64 - 1) | binary(max_size=300)), max_size=20))
def test_what_was_written_is_read(pairs: list[tuple[int, int | bytes]]) -> None:
    assert [*protobuf.fields(a_message(*pairs))] == pairs


@given(recursive(binary(max_size=40), lambda inner: tuples(NUMBERS, inner).map(lambda pair: a_field(*pair))))
def test_no_bytes_break_it(data: bytes) -> None:
    with suppress(Unreadable):
        [*protobuf.words(data)]
    protobuf.find(data, (1, 2, 3))


@given(text(min_size=1, max_size=50).filter(lambda value: protobuf.as_words(value.encode()) is not None), NUMBERS)
def test_words_are_found_at_any_depth(words: str, number: int) -> None:
    data = words.encode()
    for _ in range(protobuf.DEPTH - 1):
        data = a_field(number, data)
    assert words in [value for _, value in protobuf.words(data)]


def test_every_occurrence_counts() -> None:
    """A server takes the last of several; nobody is to hide one behind another."""
    assert protobuf.find(a_message((1, 22), (2, b"x"), (1, 6)), (1,)) == (22, 6)


def test_fixed_widths_and_groups_are_passed_over() -> None:
    data = bytes([1 << 3 | 1, *range(8), 2 << 3 | 5, *range(4), 3 << 3 | 3, 3 << 3 | 4]) + a_field(4, b"x")
    assert [number for number, _ in protobuf.fields(data)] == [1, 2, 4]


@pytest.mark.parametrize("data", [b"\x00", b"\x0a\x05ab", b"\x0f", b"\x08", b"\x08" + b"\xff" * 11])
def test_what_is_none_is_said(data: bytes) -> None:
    with pytest.raises(Unreadable):
        [*protobuf.fields(data)]


def test_fields_are_bounded() -> None:
    most = a_field(1, 1) * protobuf.FIELDS
    assert len([*protobuf.fields(most)]) == protobuf.FIELDS
    with pytest.raises(Unreadable, match="too many"):
        [*protobuf.fields(most + a_field(1, 1))]
    with pytest.raises(Unreadable, match="too many"):
        [*protobuf.words(a_field(1, most) + a_field(2, most))]


def test_depth_is_bounded() -> None:
    data = b"selamat pagi"
    for _ in range(protobuf.DEPTH + 2):
        data = a_field(1, data)
    with pytest.raises(Unreadable, match="deeply"):
        [*protobuf.words(data)]


@given(binary(max_size=60))
def test_base64_is_read_in_either_alphabet_padded_or_not(data: bytes) -> None:
    standard = base64.b64encode(data).decode()
    for written in (standard, standard.rstrip("="), base64.urlsafe_b64encode(data).decode()):
        assert protobuf.from_base64(written) == data
