"""Bodies are decompressed a bounded number of bytes at a time, and what cannot be is said."""

import gzip
import zlib
from time import process_time

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from gerbang.wire.encodings import LIMIT, MEMBERS, Decoded, decode

ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
}


@pytest.mark.parametrize("name", ENCODERS)
@given(data=st.binary(max_size=400))
def test_what_was_compressed_comes_back(name: str, data: bytes) -> None:
    decoded = decode(ENCODERS[name](data), name)
    assert (decoded.data, decoded.gap) == (data, None)


def test_layers_are_undone_last_first() -> None:
    twice = brotli.compress(gzip.compress(b"selamat pagi"))
    assert decode(twice, "gzip, br").data == b"selamat pagi"
    assert decode(twice, "GZIP , identity, Br").data == b"selamat pagi"


def test_deflate_may_be_the_bare_stream() -> None:
    engine = zlib.compressobj(wbits=-15)
    assert decode(engine.compress(b"selamat") + engine.flush(), "deflate").data == b"selamat"


def test_gzip_may_have_several_members_and_padding_after_them() -> None:
    assert decode(gzip.compress(b"sela") + gzip.compress(b"mat") + b"\0\0", "gzip") == Decoded(b"selamat")
    zstd = ENCODERS["zstd"]
    assert decode(zstd(b"sela") + zstd(b"") + zstd(b"mat"), "zstd") == Decoded(b"selamat")


@pytest.mark.parametrize("name", ["gzip", "deflate"])
def test_what_follows_the_compressed_bytes_is_a_gap(name: str) -> None:
    decoded = decode(ENCODERS[name](b"selamat") + b"&comment=lain", name)
    assert (decoded.data, decoded.gap and decoded.gap.reason) == (b"selamat", "unreadable")


@pytest.mark.parametrize("name", ["br", "zstd"])
def test_what_a_decoder_will_not_end_before_is_unreadable(name: str) -> None:
    body = ENCODERS[name](b"selamat") + b"&comment=lain"
    decoded = decode(body, name)
    assert (decoded.data, decoded.gap and decoded.gap.reason) == (body, "unreadable")


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_members_are_bounded(name: str) -> None:
    one = ENCODERS[name](b"a")
    assert decode(one * MEMBERS, name) == Decoded(b"a" * MEMBERS)
    start = process_time()
    gap = decode(one * 80_000, name).gap
    assert gap is not None
    assert gap.reason == "too-large"
    assert process_time() - start < 1


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_may_grow_to_the_limit_and_not_past_it(name: str) -> None:
    assert decode(ENCODERS[name](b"a" * 1000), name, 1000).data == b"a" * 1000
    over = decode(ENCODERS[name](b"a" * 1001), name, 1000)
    assert (over.data, over.gap and over.gap.reason) == (b"", "too-large")


@pytest.mark.parametrize("name", ENCODERS)
def test_a_bomb_costs_no_more_than_the_limit(name: str) -> None:
    bomb = ENCODERS[name](bytes(64 << 20))
    assert len(bomb) < 1 << 20
    gap = decode(bomb, name).gap
    assert gap is not None
    assert gap.reason == "too-large"


def test_a_bomb_within_a_bomb_is_stopped_at_the_first() -> None:
    gap = decode(gzip.compress(gzip.compress(bytes(LIMIT + 1))), "gzip, gzip").gap
    assert gap is not None
    assert gap.reason == "too-large"


@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_that_is_cut_short_or_is_something_else_is_given_as_it_came(name: str) -> None:
    whole = ENCODERS[name](b"selamat pagi semua " * 20)
    for body in (whole[:-9], b"comment=selamat", whole[:3]):
        decoded = decode(body, name)
        assert (decoded.data, decoded.gap and decoded.gap.reason) == (body, "unreadable")


@pytest.mark.parametrize("encoding", ["snappy", "gzip, snappy", "gzip, gzip, gzip, gzip", "aes128gcm"])
def test_an_encoding_that_is_not_known_or_too_deep_is_said(encoding: str) -> None:
    decoded = decode(b"selamat", encoding)
    assert (decoded.data, decoded.gap and decoded.gap.reason) == (b"selamat", "unknown-encoding")


def test_a_frame_that_asks_for_more_memory_than_there_is_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = frame.compress(b"selamat") + frame.flush()
    gap = decode(body, "zstd").gap
    assert gap is not None
    assert gap.reason == "unreadable"


@given(data=st.binary(max_size=300), encoding=st.sampled_from(["gzip", "deflate", "br", "zstd", "br, gzip", ""]))
def test_no_bytes_make_it_raise(data: bytes, encoding: str) -> None:
    decode(data, encoding, 1000)
