"""What stands behind the last line of a slot when it is opened again: left by a crash, or damage.

Only what a crash leaves may be cut off: lines that nobody was told are written.
"""

import os
import re

from gerbang.journal.reader import Segment
from gerbang.record.chain import is_line

# Storage takes this many bytes or none; a block that was never filled reads as zeros.
SECTOR = 512
# No group of lines is longer, in bytes.
LARGEST_TAIL = 256 << 20
_ZEROS = re.compile(rb"\x00+")
_HEAD = b'{"v":1,"seq":'
_END = re.compile(rb',"hash":"[0-9a-f]{64}"\}')


def left_by_a_crash(segment: Segment, start: int, size: int | None = None) -> bool:
    """Whether the bytes of a file from `start` on, where a line should begin, are what a crash leaves.

    That is half a line without its end, or blocks that were never filled; and no whole line anywhere in them.
    `size` is where the file ends for this reader; OSError where it cannot be read.
    """
    if segment.limit is not None:
        return False
    with segment.path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) if size is None else size
        if size - start > LARGEST_TAIL:
            return False
        file.seek(start)
        tail = file.read(max(0, size - start))
    if _holds_a_line(tail):
        return False
    return b"\n" not in tail or _was_not_filled(tail, start)


def _was_not_filled(tail: bytes, start: int) -> bool:
    """Whether there are zeros, and all of them are whole blocks, or the rest of the one in which `tail` begins."""
    runs = [match.span() for match in _ZEROS.finditer(tail)]
    return bool(runs) and all(
        (first == 0 or (start + first) % SECTOR == 0) and (end == len(tail) or (start + end) % SECTOR == 0)
        for first, end in runs
    )


def _holds_a_line(tail: bytes) -> bool:
    """Whether a whole line stands anywhere in `tail`, whatever stands in the place of its line feed."""
    for end in _END.finditer(tail):
        if end.end() == len(tail):
            return False  # its line feed was not written yet
        # Within a line, quotes in its texts are escaped: its head stands in it once.
        head = tail.rfind(_HEAD, 0, end.start())
        if head >= 0 and is_line(tail[head : end.end()]):
            return True
    return False
