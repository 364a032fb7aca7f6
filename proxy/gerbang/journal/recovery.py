"""Opening a slot again: where its chain ends, and what stands behind that.

Only what a crash leaves may be cut off: lines that nobody was told are written. Anything else is damage, and
the start is refused with its place before a byte is touched.
"""

import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gerbang.errors import Place, RecordError
from gerbang.journal.reader import Broken, Line, Mark, Segment, read_segment, segments
from gerbang.record.chain import GENESIS, LONGEST_LINE, is_line
from gerbang.record.event import EventKind
from gerbang.record.merkle import Tree

# Storage takes this many bytes or none; a block that was never filled reads as zeros.
SECTOR = 512
# No group of lines is longer, in bytes.
LARGEST_TAIL = 256 << 20
# So much of the end of a long file is read first, in bytes: a seal stands there.
NEAR_END = 4 << 20
_ZEROS = re.compile(rb"\x00+")
_HEAD = b'{"v":1,"seq":'
_END = re.compile(rb',"hash":"[0-9a-f]{64}"\}')
_MOVE_ASIDE = "see `gerbang audit verify`; keep the folder as evidence, move it aside, and start again"


@dataclass(slots=True)
class Chain:
    """The durable end of a slot's chain."""

    seq: int = 0
    hash: str = GENESIS
    at: str = ""
    tree: Tree = field(default_factory=Tree)


@dataclass(frozen=True, slots=True)
class Recovered:
    """A slot as it was found: `last` is its newest file, `end` the last line where it stands in that file, `torn` how
    many bytes were cut off."""

    chain: Chain
    last: Segment | None = None
    end: Line | None = None
    torn: int = 0


def recover(slot: Path, fsync: Callable[[int], None] = os.fsync) -> Recovered:
    """Find the end of the chain and cut what a crash left behind it. RecordError with the place where it is damaged,
    OSError where it cannot be read or cut; the caller has the slot to itself."""
    found = segments(slot)
    if not found:
        return Recovered(Chain())
    lines = _read_back(found)
    chain = _state_after(lines) if lines else Chain()
    end = lines[-1] if lines else None
    cuts: list[tuple[Segment, int, int]] = []
    for segment in reversed(found):
        last = end if end is not None and segment.path == end.path else None
        kept, side, number = (last.end, sum(last.link.side), last.number) if last else (0, 0, 0)
        if segment.limit is None:
            if not left_by_a_crash(segment, kept):
                # The last line is whole, but its line feed was changed.
                place = Place(str(segment.path), number + 1)
                raise RecordError("the line has no end", place=place, hint=_MOVE_ASIDE)
            cuts.append((segment, kept, side))
        if last is not None:
            break
    torn = sum(_cut(segment, kept, side, fsync) for segment, kept, side in cuts)
    return Recovered(chain, found[-1], end if end is not None and end.path == found[-1].path else None, torn)


def _read_back(found: Sequence[Segment]) -> list[Line]:
    """The lines from the newest seal on, or all where there is none, each found whole in itself."""
    lines: list[Line] = []
    for segment in reversed(found):
        since = None
        if not lines:
            since = _since_seal(segment, _near_end(segment), newest=True)
        if not since or since[0].link.kind != EventKind.SEAL:
            since = _since_seal(segment, None, newest=not lines)
        lines = since + lines
        if lines and lines[0].link.kind == EventKind.SEAL:
            break
    return lines


def _since_seal(segment: Segment, mark: Mark | None, *, newest: bool) -> list[Line]:
    """The lines of one file, behind `mark`, from its newest seal on, or all where it has none."""
    since: list[Line] = []
    for line in read_segment(segment, mark):
        if isinstance(line, Broken):
            # Only behind the last line can a crash have left it.
            begins = since[-1].end if since else mark.offset if mark else 0
            if not newest or not left_by_a_crash(segment, begins):
                raise _damaged(line, line.reason)
            break
        if line.link.kind == EventKind.SEAL:
            since.clear()
        since.append(line)
    return since


def _cut(segment: Segment, kept: int, side: int, fsync: Callable[[int], None]) -> int:
    """Cut `segment` behind byte `kept` and its sidecar behind byte `side`; the bytes that fell off the journal."""
    size = segment.path.stat().st_size
    if size > kept:
        descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            os.ftruncate(descriptor, kept)
            fsync(descriptor)
        finally:
            os.close(descriptor)
    with suppress(FileNotFoundError):
        if segment.side.stat().st_size > side:
            os.truncate(segment.side, side)  # private parts whose lines were never written
    return max(0, size - kept)


def _near_end(segment: Segment) -> Mark | None:
    """The first line of the last few megabytes of a long file, so that a start need not read a whole day."""
    with segment.path.open("rb") as file:
        size = min(file.seek(0, os.SEEK_END), segment.limit or 2**63)
        if size <= 2 * NEAR_END:
            return None
        file.seek(0)
        offset = number = 0
        while offset < size - NEAR_END and (block := file.read(min(1 << 20, size - NEAR_END - offset))):
            number += block.count(b"\n")
            offset += len(block)
        rest = file.readline(LONGEST_LINE)
    return Mark(segment.path.name, offset + len(rest), number + 1)


def _damaged(line: Line | Broken, what: str) -> RecordError:
    return RecordError(what, place=line.place, hint=_MOVE_ASIDE)


def _state_after(lines: Sequence[Line]) -> Chain:
    """The chain's state behind `lines`, which begin with a seal or with the first line of all."""
    first = lines[0]
    tree, before, seq = Tree(), GENESIS, 0
    if first.link.kind == EventKind.SEAL:
        tree, before, seq = _tree_of(first), first.link.prev, first.link.seq - 1
    for line in lines:
        if line.link.prev != before or line.link.seq != seq + 1:
            raise _damaged(line, "a line before this one is missing or was changed")
        before, seq = line.link.hash, line.link.seq
        tree.add(line.raw)
    return Chain(seq, before, lines[-1].link.at, tree)


def _tree_of(line: Line) -> Tree:
    """The tree that a seal closes, its own line not yet added."""
    body = line.link.body
    size, edge = body.get("size"), body.get("edge")
    try:
        if not isinstance(size, int) or not isinstance(edge, list) or size != line.link.seq - 1:
            raise ValueError
        return Tree(size, [str(part) for part in edge])
    except ValueError:
        raise _damaged(line, "the seal does not fit the lines") from None


# ---------------------------------------------------------------- left by a crash, or not


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
