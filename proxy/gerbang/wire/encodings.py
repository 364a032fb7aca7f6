"""Content-Encoding undone, a bounded number of bytes at a time.

A body that grows past the limit is given up on before it has grown, so that a
small hostile body costs at most the limit in memory.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

import brotli  # type: ignore[import-untyped]  # ships no types
import zstandard

from gerbang.model import Gap

LIMIT = 8 * 1024 * 1024
"""Bytes that a compressed body may grow to, per layer."""

LAYERS = 3

_CHUNK = 64 * 1024

# Window sizes above this would let a tiny zstd frame ask for gigabytes.
_ZSTD_WINDOW = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Decoded:
    """The bytes within, or as they came where they could not be undone; then `gap` says why."""

    data: bytes
    gap: Gap | None = None


class _TooLarge(Exception):
    pass


class _Broken(Exception):
    pass


def decode(body: bytes, encoding: str | None, limit: int = LIMIT) -> Decoded:
    """Undo the layers that a Content-Encoding header names, last applied first.

    >>> decode(zlib.compress(b"selamat pagi"), "deflate").data
    b'selamat pagi'
    >>> decode(b"selamat pagi", "snappy").gap
    Gap(reason='unknown-encoding', detail='')
    """
    layers = [name for part in (encoding or "").lower().split(",") if (name := part.strip()) not in ("", "identity")]
    if not layers:
        return Decoded(body)  # whoever read it has bounded it
    if len(layers) > LAYERS or any(name not in DECODERS for name in layers):
        return Decoded(body, Gap("unknown-encoding"))
    if not body:
        return Decoded(body)
    data = body
    try:
        for name in reversed(layers):
            data = DECODERS[name](data, limit)
    except _TooLarge:
        return Decoded(b"", Gap("too-large", "grows past the limit when decompressed"))
    except (_Broken, zlib.error, brotli.error, zstandard.ZstdError, EOFError):
        return Decoded(body, Gap("unreadable", "the body is not in the encoding that it names"))
    return Decoded(data)


def _inflate(data: bytes, limit: int, window_bits: int) -> bytes:
    grown = bytearray()
    rest = data
    # A gzip body may be several members one after another; each takes 18 bytes at least, so this ends.
    while rest:
        engine = zlib.decompressobj(window_bits)
        while not engine.eof:
            piece = engine.decompress(rest, min(_CHUNK, limit + 1 - len(grown)))
            grown += piece
            if len(grown) > limit:
                raise _TooLarge
            rest = engine.unconsumed_tail
            if not piece and not rest and not engine.eof:
                raise _Broken
        rest = engine.unused_data
        if window_bits <= zlib.MAX_WBITS or not rest.startswith(b"\x1f\x8b"):
            break  # what trails the stream is ignored, as servers do
    return bytes(grown)


def _gzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, zlib.MAX_WBITS | 16)


def _deflate(data: bytes, limit: int) -> bytes:
    # RFC 9110 means the zlib format; some clients send the raw stream, and servers take both.
    try:
        return _inflate(data, limit, zlib.MAX_WBITS)
    except (zlib.error, _Broken):
        return _inflate(data, limit, -zlib.MAX_WBITS)


def _brotli(data: bytes, limit: int) -> bytes:
    engine = brotli.Decompressor()
    grown = bytearray(engine.process(data, output_buffer_limit=_CHUNK))
    while not engine.is_finished():
        piece = engine.process(b"", output_buffer_limit=_CHUNK)
        grown += piece
        if len(grown) > limit:
            raise _TooLarge
        if not piece and engine.can_accept_more_data():
            raise _Broken
    if len(grown) > limit:
        raise _TooLarge
    return bytes(grown)


def _zstd(data: bytes, limit: int) -> bytes:
    engine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    with engine.stream_reader(BytesIO(data)) as reader:
        grown = bytearray()
        while piece := reader.read(_CHUNK):
            grown += piece
            if len(grown) > limit:
                raise _TooLarge
    # The reader is silent about a frame that is cut short. Its size is known to be safe by now.
    whole = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
    whole.decompress(data)
    if not whole.eof:
        raise _Broken
    return bytes(grown)


DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
