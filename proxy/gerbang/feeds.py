"""What a command or the console tells running gates: files of JSON lines that only grow, and that gates follow.

`state/feeds/NAME.jsonl` begins with a line that says which file it is; each other line is a record. Several processes
may write: each takes the lock `NAME.lock`, and its lines are on the disk before `append` returns. A gate follows by
offset, off its event loop, and needs no database for it. What is past is left out of a new file, which takes the old
one's place; who follows sees that by the first line and reads anew.
"""

import fcntl
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from gerbang.errors import FeedError, Place, reason

log = structlog.get_logger()

LONGEST_LINE: Final = 16 << 10  # bytes
LARGEST_FEED: Final = 32 << 20  # bytes
LONGEST_ANCHOR: Final = 128  # bytes

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_FIRST: Final = re.compile(rb'\{"feed":1,"made":"[0-9a-f]{32}"\}\n')
_FIRST_LENGTH: Final = len('{"feed":1,"made":""}\n') + 32

type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """What came since one was last asked; `afresh` where it is all that there is, and what was known before is void."""

    afresh: bool
    records: list[Record]

    def __bool__(self) -> bool:
        return self.afresh or bool(self.records)


class Feed:
    """The feed `name` of a folder, for who writes it. Raises `FeedError` where the disk fails or a bound is met."""

    def __init__(self, folder: Path, name: str) -> None:
        if not _NAME.fullmatch(name):
            raise ValueError(f"`{name}` is no name for a feed")
        self.name = name
        self.folder = folder
        self.file = folder / f"{name}.jsonl"
        self._lock = folder / f"{name}.lock"

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Add records, durably: all of them, or none and an error."""
        data = b"".join(self._line(record) for record in records)
        if not data:
            return
        with self._locked():
            self._append(data)

    def check(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Raise the `FeedError` that `append` would raise for their length or the file's, and write nothing."""
        data = b"".join(self._line(record) for record in records)
        try:
            size = self.file.stat().st_size
        except FileNotFoundError:
            size = 0
        except OSError as error:
            raise self._unusable(error) from None
        if size + len(data) + 1 > LARGEST_FEED:
            raise self._full()

    def read(self) -> list[Record]:
        """All records, oldest first; a line that a crash cut in half is passed over."""
        try:
            data = self.file.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._unusable(error) from None
        return list(_records(self.name, data[_FIRST_LENGTH : data.rfind(b"\n") + 1]))

    def compact(self, keep: Callable[[Record], bool]) -> None:
        """Put a file in place that has only what `keep` says. It is asked of the newest record first, so that one who
        remembers what was asked can tell which records a later one replaces."""
        with self._locked():
            try:
                kept = [self._line(record) for record in reversed(self.read()) if keep(record)]
                self._replace(b"".join(reversed(kept)))
            except OSError as error:
                raise self._unusable(error) from None

    def _line(self, record: Mapping[str, Any]) -> bytes:
        line = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        if len(line) > LONGEST_LINE:
            raise FeedError(f"a record for the feed `{self.name}` is longer than {LONGEST_LINE} bytes")
        return line

    def _append(self, data: bytes) -> None:
        try:
            if not self.file.exists():
                self._replace(b"")
            descriptor = os.open(self.file, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data  # half a line, left by a crash, stays a line of its own
            if size + len(data) > LARGEST_FEED:
                raise self._full()
            try:
                _write(descriptor, data, size)
                os.fsync(descriptor)
            except OSError:
                # Who followed already sees by its anchor that what it took is no more.
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                    os.fsync(descriptor)
                raise
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            os.close(descriptor)

    def _replace(self, lines: bytes) -> None:
        fresh = self.file.with_suffix(".new")
        first = b'{"feed":1,"made":"%s"}\n' % secrets.token_hex(16).encode()
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                _write(descriptor, first + lines, 0)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            fresh.replace(self.file)
        except OSError:
            with suppress(OSError):
                fresh.unlink()
            raise
        _sync(self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _full(self) -> FeedError:
        return FeedError(
            f"the feed `{self.name}` is full", place=Place(str(self.file)), hint="what is past must go first"
        )

    def _unusable(self, error: OSError) -> FeedError:
        return FeedError(
            f"the feed `{self.name}` cannot be used: {reason(error)}",
            place=Place(str(self.folder)),
            hint="check the disk, and `state` in the settings",
        )


class Follower:
    """Reads a feed as it grows. One thread at a time."""

    def __init__(self, folder: Path, name: str) -> None:
        self._feed = Feed(folder, name)
        self._stamp: tuple[int, ...] | None = ()
        self._first = b""
        self._anchor = b""
        self._offset = 0

    @property
    def name(self) -> str:
        return self._feed.name

    def news(self) -> News:
        """What came since the last time; the first time, and after another file took its place, all that there is.

        Raises `FeedError` where the file cannot be read: what was known stays so, and the next time tries again.
        """
        try:
            return self._news()
        except OSError as error:
            raise self._feed._unusable(error) from None

    def _news(self) -> News:
        try:
            descriptor = os.open(self._feed.file, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            gone = self._stamp is not None
            self._stamp, self._first, self._anchor, self._offset = None, b"", b"", 0
            return News(gone, [])
        try:
            status = os.fstat(descriptor)
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if stamp == self._stamp:
                return News(False, [])
            first = os.pread(descriptor, _FIRST_LENGTH, 0)
            back = len(self._anchor)
            afresh = first != self._first or os.pread(descriptor, back, self._offset - back) != self._anchor
            start = _FIRST_LENGTH if afresh else self._offset
            data = _read(descriptor, start, LARGEST_FEED)
        finally:
            os.close(descriptor)
        whole = data[: data.rfind(b"\n") + 1]
        if afresh and not _FIRST.fullmatch(first):
            log.warning("feed-passed-over", feed=self.name, because="its first line is none of ours")
            whole = b""
        self._stamp, self._first, self._offset = stamp, first, start + len(whole)
        self._anchor = whole[-LONGEST_ANCHOR:] if whole or afresh else self._anchor
        return News(afresh, list(_records(self.name, whole)))


def _records(name: str, data: bytes) -> Iterator[Record]:
    for line in data.splitlines():
        record = _record(line) if len(line) < LONGEST_LINE else None
        if record is not None:
            yield record
        elif line:
            log.warning("feed-line-passed-over", feed=name, length=len(line))


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _write(descriptor: int, data: bytes, offset: int) -> None:
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written


def _read(descriptor: int, offset: int, most: int) -> bytes:
    parts = []
    while most and (part := os.pread(descriptor, min(most, 1 << 20), offset)):
        parts.append(part)
        offset, most = offset + len(part), most - len(part)
    return b"".join(parts)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
