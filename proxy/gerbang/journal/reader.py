"""Reading the journal: all its slots, from any position, while it grows.

`journal/NODE-SLOT/YYYY-MM-DD.jsonl` in order of day and then number (`2026-11-24.jsonl`,
`2026-11-24.1.jsonl`). A file that was given up after a failed write ends where the file that
took its place says; what stands behind that was never durable and is not part of the journal.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gerbang.errors import Place, RecordError
from gerbang.errors import reason as reason
from gerbang.record.canonical import Json
from gerbang.record.chain import LONGEST_LINE, Link, read_line

SLOT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}-[A-Za-z0-9]{1,16}")
_FILE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.([1-9]\d{0,8}))?\.jsonl")
SIDE = "side"
WRITE_FAILED = "write-failed"


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of a slot. `limit` is the byte at which it was given up, or `None`."""

    path: Path
    day: str
    number: int
    limit: int | None = None

    @property
    def side(self) -> Path:
        return self.path.parent / SIDE / self.path.name


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a slot has been read: the byte and the line behind the last one, in the file of that name."""

    file: str = ""
    offset: int = 0
    line: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line with its place: `number` counts from 1 in its file, `end` is the byte behind it."""

    slot: str
    path: Path
    number: int
    end: int
    raw: bytes
    link: Link

    @property
    def mark(self) -> Mark:
        return Mark(self.path.name, self.end, self.number)

    @property
    def place(self) -> Place:
        return Place(str(self.path), self.number)


@dataclass(frozen=True, slots=True)
class Broken:
    """A complete line that is no line of a journal."""

    slot: str
    path: Path
    number: int
    end: int
    raw: bytes
    reason: str

    @property
    def mark(self) -> Mark:
        return Mark(self.path.name, self.end, self.number)

    @property
    def place(self) -> Place:
        return Place(str(self.path), self.number)


def slots(folder: Path) -> tuple[Path, ...]:
    """The folders of the slots, by name; RecordError where the journal cannot be read."""
    try:
        return tuple(sorted(entry for entry in folder.iterdir() if SLOT.fullmatch(entry.name) and entry.is_dir()))
    except FileNotFoundError:
        raise RecordError(
            "there is no journal here", place=Place(str(folder)), hint="`gerbang serve` begins it"
        ) from None
    except OSError as error:
        raise RecordError(f"the journal cannot be read: {reason(error)}", place=Place(str(folder))) from None


def segments(slot: Path) -> tuple[Segment, ...]:
    """The files of a slot in order, each with the byte at which it was given up."""
    try:
        found = sorted((*order_of(entry.name), entry) for entry in slot.iterdir() if _FILE.fullmatch(entry.name))
        limits: dict[str, int] = {}
        for _, number, path in found:
            if number:  # only a file with a number can stand in for one that was given up
                limits.update(_given_up(path))
    except OSError as error:
        raise RecordError(f"the journal cannot be read: {reason(error)}", place=Place(str(slot))) from None
    return tuple(Segment(path, day, number, limits.get(path.name)) for day, number, path in found)


def read_segment(segment: Segment, mark: Mark | None = None, size: int | None = None) -> Iterator[Line | Broken]:
    """The complete lines of one file behind `mark`; a last line without its line feed is left for later.

    `size` ends the reading at that byte, for a reader that wants one instant of a growing file.
    """
    slot = segment.path.parent.name
    offset, number = (mark.offset, mark.line) if mark else (0, 0)
    end = min(value for value in (size, segment.limit, 2**63) if value is not None)
    try:
        with segment.path.open("rb") as file:
            file.seek(offset)
            while offset < end and (raw := file.readline(min(LONGEST_LINE + 1, end - offset))):
                offset += len(raw)
                number += 1
                if not raw.endswith(b"\n"):
                    if len(raw) <= LONGEST_LINE:
                        return
                    yield Broken(slot, segment.path, number, offset, raw[:100], "the line has no end")
                    return
                try:
                    yield Line(slot, segment.path, number, offset, raw[:-1], read_line(raw[:-1]))
                except ValueError as error:
                    yield Broken(slot, segment.path, number, offset, raw[:-1], str(error))
    except OSError as error:
        raise RecordError(f"the journal cannot be read: {reason(error)}", place=Place(str(segment.path))) from None


def read_slot(slot: Path, mark: Mark | None = None) -> Iterator[Line | Broken]:
    """The lines of one slot behind `mark`, over all its files, up to what is written now."""
    files = segments(slot)
    names = [segment.path.name for segment in files]
    first = 0
    if mark and mark.file:
        # Where the file of the mark is gone (retention, or given up while empty), the next one is next.
        first = (
            names.index(mark.file)
            if mark.file in names
            else sum(order_of(name) < order_of(mark.file) for name in names)
        )
    for segment in files[first:]:
        yield from read_segment(segment, mark if mark and segment.path.name == mark.file else None)


def read(folder: Path) -> Iterator[Line]:
    """Every line of every slot; RecordError with file and line at the first one that is damaged."""
    for slot in slots(folder):
        for line in read_slot(slot):
            if isinstance(line, Broken):
                raise RecordError(line.reason, place=line.place)
            yield line


def order_of(name: str) -> tuple[str, int]:
    """Day and number of a file, by which the files of a slot follow each other."""
    match = _FILE.fullmatch(name)
    return (match.group(1), int(match.group(2) or 0)) if match else (name, 0)


def _given_up(path: Path) -> dict[str, int]:
    """The files that the first line of this one stands in for, with the byte at which each was given up."""
    with path.open("rb") as file:
        raw = file.readline(LONGEST_LINE + 1)
    try:
        link = read_line(raw.removesuffix(b"\n"))
        if link.kind != "discontinuity" or link.body.get("reason") != WRITE_FAILED:
            return {}
        return {str(entry["file"]): int(entry["offset"]) for entry in _entries(link.body.get("abandoned"))}
    except (ValueError, KeyError, TypeError):
        return {}  # whoever reads the file finds the damage and names its place


def _entries(value: Json) -> list[dict[str, int]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
