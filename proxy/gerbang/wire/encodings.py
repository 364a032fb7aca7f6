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

MEMBERS = 64
"""Gzip members, or frames of zstd, one after another; a body of more is `too-large`."""

_CHUNK = 64 * 1024

# Window sizes above this would let a tiny zstd frame ask for gigabytes.
_ZSTD_WINDOW = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Decoded:
    """The bytes within, or as they came where they could not be undone; then `gap` says why.

    Where something follows the compressed bytes, `data` are those within and `gap` says that they are not all.
    """

    data: bytes
    gap: Gap | None = None


class _TooLarge(Exception):
    pass


class _Broken(Exception):
    pass


type _Undone = tuple[bytes, bool]
"""What was within, and whether bytes are left over behind it."""


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
    data, left_over = body, False
    try:
        for name in reversed(layers):
            data, more = DECODERS[name](data, limit)
            left_over = left_over or more
    except _TooLarge:
        return Decoded(b"", Gap("too-large", "grows past the limit when decompressed"))
    except (_Broken, zlib.error, brotli.error, zstandard.ZstdError, EOFError):
        return Decoded(body, Gap("unreadable", "the body is not in the encoding that it names"))
    return Decoded(data, Gap("unreadable", "something follows the compressed body") if left_over else None)


def _inflate(data: bytes, limit: int, window_bits: int) -> _Undone:
    grown = bytearray()
    at = 0
    for _ in range(MEMBERS):
        engine = zlib.decompressobj(window_bits)
        while not engine.eof:
            # A piece at a time: what an engine leaves over is a copy, and many members would copy the rest each.
            chunk = data[at : at + _CHUNK]
            piece = engine.decompress(chunk, min(_CHUNK, limit + 1 - len(grown)))
            at += len(chunk) - len(engine.unconsumed_tail) - len(engine.unused_data)
            grown += piece
            if len(grown) > limit:
                raise _TooLarge
            if not piece and not chunk and not engine.eof:
                raise _Broken
        if window_bits <= zlib.MAX_WBITS or not data.startswith(b"\x1f\x8b", at):
            return bytes(grown), _more(data, at)
    raise _TooLarge


def _more(data: bytes, at: int) -> bool:
    """Whether anything but padding stands there."""
    return bool(data[at:].strip(b"\0\r\n"))


def _gzip(data: bytes, limit: int) -> _Undone:
    return _inflate(data, limit, zlib.MAX_WBITS | 16)


def _deflate(data: bytes, limit: int) -> _Undone:
    # RFC 9110 means the zlib format; some clients send the raw stream, and servers take both.
    try:
        return _inflate(data, limit, zlib.MAX_WBITS)
    except (zlib.error, _Broken):
        return _inflate(data, limit, -zlib.MAX_WBITS)


def _brotli(data: bytes, limit: int) -> _Undone:
    # Bytes behind the stream are an error of the decoder's.
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
    return bytes(grown), False


def _zstd(data: bytes, limit: int) -> _Undone:
    engine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    with engine.stream_reader(BytesIO(data)) as reader:
        size = 0
        while piece := reader.read(_CHUNK):
            size += len(piece)
            if size > limit:
                raise _TooLarge
    # The reader is silent about a frame that is cut short. What all of them grow to is known to be safe by now.
    grown = bytearray()
    rest = data
    for _ in range(MEMBERS):
        whole = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        grown += whole.decompress(rest)
        if not whole.eof:
            raise _Broken
        rest = whole.unused_data
        if not rest:
            return bytes(grown), False
    raise _TooLarge


DECODERS: dict[str, Callable[[bytes, int], _Undone]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
