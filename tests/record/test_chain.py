"""A line is whole or it is no line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gerbang.record.chain import GENESIS, is_line, read_line, write_line

RAW, HASH = write_line(7, "2026-11-24T02:00:00.000001Z", "decision", "ab" * 12, GENESIS, (0, 412), b'{"a":"b"}')


def test_a_line_reads_as_it_was_written() -> None:
    link = read_line(RAW)
    assert (link.seq, link.at, link.kind, link.id) == (7, "2026-11-24T02:00:00.000001Z", "decision", "ab" * 12)
    assert (link.prev, link.side, link.hash, link.body) == (GENESIS, (0, 412), HASH, {"a": "b"})


@given(st.integers(0, 8 * len(RAW) - 1))
def test_any_flipped_bit_makes_it_no_line(bit: int) -> None:
    raw = bytearray(RAW)
    raw[bit // 8] ^= 1 << bit % 8
    assert not is_line(bytes(raw))


@pytest.mark.parametrize(
    "raw", [b"", b"{}", RAW[:-1], RAW + b" ", b" " + RAW, RAW.replace(b'"v":1', b'"v":2'), RAW[1:], b"[" * 100_000]
)
def test_what_is_no_line_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        read_line(raw)


def test_a_line_of_eight_megabytes_of_nothing_is_refused_in_time() -> None:
    assert not is_line(b'{"v":1,"seq":' + b"9" * 8_000_000)
