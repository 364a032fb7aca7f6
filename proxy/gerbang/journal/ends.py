"""The end of a slot, read backwards from its files: a moment's work, whatever their size."""

import os
from pathlib import Path
from typing import Final

from gerbang.journal.reader import Segment, segments
from gerbang.record.chain import Link, read_line

PIECE: Final = 64 << 10  # bytes that are read at once
FURTHEST: Final = 32 << 20  # bytes; two of the longest lines and more


def last_link(slot: Path) -> Link | None:
    """The last whole line; `None` where there is none. ValueError where it was changed, OSError where it cannot be
    read."""
    lines = last_lines(slot, 1)
    return read_line(lines[-1]) if lines else None


def last_lines(slot: Path, most: int) -> tuple[bytes, ...]:
    """The last whole lines of a slot's newest file that has one, without their line feeds, oldest first."""
    for segment in reversed(segments(slot)):
        if found := _of_segment(segment, most):
            return found
    return ()


def torn(slot: Path) -> int:
    """Bytes of half a line at the very end, as a crash leaves them."""
    found = segments(slot)
    if not found:
        return 0
    data = _tail(found[-1], 0)
    return len(data) - (data.rfind(b"\n") + 1)


def _of_segment(segment: Segment, most: int) -> tuple[bytes, ...]:
    data = _tail(segment, most)
    return tuple(data[: data.rfind(b"\n") + 1].split(b"\n")[:-1][-most:])


def _tail(segment: Segment, lines: int) -> bytes:
    """The file's end, from where a line begins, with at least so many whole lines where it has them."""
    with segment.path.open("rb") as file:
        end = min(value for value in (os.fstat(file.fileno()).st_size, segment.limit) if value is not None)
        data = b""
        while end > 0 and len(data) < FURTHEST and data.count(b"\n") <= lines:
            step = min(PIECE, end)
            end -= step
            file.seek(end)
            data = file.read(step) + data
    return data if end == 0 else data[data.find(b"\n") + 1 :]
