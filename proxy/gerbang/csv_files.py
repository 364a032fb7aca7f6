"""Comma-separated files that a person writes: every line with its place, every value checked for itself.

UTF-8, commas, a line of column names first. A line that begins with `#` is a remark. A missing file has no lines.
"""

import csv
import io
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gerbang.errors import Place, RegisterError, one_of

if TYPE_CHECKING:
    from _csv import Reader

# A hundred times the largest ministry; beyond it the file is not a register.
MAX_BYTES = 64 << 20
MAX_ROWS = 500_000
MAX_VALUE = 500

# A file that was written this short a time ago may still be growing.
SETTLED_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Column:
    """A column: whether each line must have a value in it, and what it may be."""

    name: str
    needed: bool = False
    check: Callable[[str], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a register by column, and where it begins."""

    values: Mapping[str, str]
    place: Place

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    def error(self, what: str, hint: str | None = None) -> RegisterError:
        return RegisterError(what, place=self.place, hint=hint)


class FileWatch:
    """Tells when one of some files was changed, by size, time and inode: a few microseconds a look."""

    def __init__(self, files: Callable[[], Iterable[Path]]) -> None:
        self._files = files
        self._seen = self._signature()

    def changed(self) -> bool:
        """Whether one differs from when this was last true. One that is being written is left until it rests."""
        now = self._signature()
        if now == self._seen:
            return False
        written = max((one[0] for _, one in now if one), default=0) / 1e9
        if 0 <= time.time() - written < SETTLED_SECONDS:
            return False
        self._seen = now
        return True

    def look_again(self) -> None:
        """What was seen last counts as a change once more."""
        self._seen = ()

    def _signature(self) -> tuple[tuple[Path, tuple[int, int, int] | None], ...]:
        return tuple((file, _signature(file)) for file in self._files())


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


# What Python's reader says, in a writer's words.
BROKEN = {
    "unexpected end": ("a double quote is opened here and never closed", "close it"),
    "expected after": ("text follows a closing double quote", "write a double quote within a value twice"),
    "field limit": ("a value is far too long", "look for a double quote that is never closed"),
    "new-line": ("a lone carriage return stands in this line", "save it as `CSV UTF-8`"),
}


def rows(file: Path, columns: Sequence[Column]) -> Iterator[Row]:
    """The lines of a register, each value checked for itself. No file is no lines."""
    return rows_in(file, read_whole(file), columns)


def rows_in(file: Path, data: bytes | None, columns: Sequence[Column]) -> Iterator[Row]:
    """The lines of what a register holds, or would hold."""
    if data is None:
        return
    reader = csv.reader(_without_remarks(text_of(file, data)), strict=True)
    heading = next(_records(file, reader), None)
    if heading is None:
        return
    names = _heading(Place(str(file), heading[0]), heading[1], columns)
    wanted = [column for name in names for column in columns if column.name == name]
    for count, (line, record) in enumerate(_records(file, reader)):
        place = Place(str(file), line)
        if count >= MAX_ROWS:
            raise RegisterError(f"has more than {MAX_ROWS:,} lines", place=place, hint="this is no register")
        if len(record) != len(wanted):
            what = f"has {len(record)} values for {len(wanted)} columns"
            hint = "put a value that has a comma in it in double quotes" if len(record) > len(wanted) else None
            raise RegisterError(what, place=place, hint=hint or "write a comma for each value that is left out")
        values = {}
        for column, written in zip(wanted, record, strict=True):
            value = written.strip()
            if wrong := wrong_value(column, value):
                raise RegisterError(wrong[0], place=place, hint=wrong[1])
            values[column.name] = value
        yield Row(values, place)


def wrong_value(column: Column, value: str) -> tuple[str, str | None] | None:
    """What is wrong with a value of a column, and what would do."""
    if not value:
        return (f"`{column.name}` has no value", None) if column.needed else None
    if len(value) > MAX_VALUE:
        return f"`{column.name}` is longer than {MAX_VALUE} characters", "look for a missing double quote before it"
    if not value.isprintable():
        return f"`{column.name}` has a line break or another control character in it", "write it on one line"
    if column.check and (hint := column.check(value)):
        return f"`{column.name}` cannot be `{value[:60]}`", hint
    return None


def read_whole(file: Path) -> bytes | None:
    """The file's bytes, taken at one moment; `None` where there is no file."""
    place = Place(str(file))
    try:
        with open(file, "rb", opener=_without_waiting) as opened:  # `Path.open` takes no opener
            before = os.fstat(opened.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise RegisterError("is not a plain file", place=place)
            if before.st_size > MAX_BYTES:
                raise RegisterError(f"is larger than {MAX_BYTES >> 20} MiB", place=place, hint="this is no register")
            data = opened.read(MAX_BYTES + 1)
            after = os.fstat(opened.fileno())
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise RegisterError("is not a plain file", place=place) from None
    except OSError as error:
        what = f"cannot be read: {(error.strerror or 'unknown error').lower()}"
        raise RegisterError(what, place=place, hint="let the user who runs gerbang read it") from None
    if len(data) != before.st_size or after.st_mtime_ns != before.st_mtime_ns:
        hint = "write a new file, then rename it into place"
        raise RegisterError("was changed while it was read", place=place, hint=hint)
    return data


def _without_waiting(path: str, flags: int) -> int:
    """Open without waiting for a writer, should somebody have put a pipe there."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def text_of(file: Path, data: bytes) -> str:
    """The text, without the mark with which Excel begins it. Or a `RegisterError`."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise RegisterError("is UTF-16", place=Place(str(file)), hint="save it as `CSV UTF-8`")
    if (nul := data.find(0)) >= 0:
        place = Place(str(file), data.count(b"\n", 0, nul) + 1)
        raise RegisterError("has a NUL byte in it", place=place, hint="save it as `CSV UTF-8`")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(str(file), data.count(b"\n", 0, error.start) + 1)
        raise RegisterError("is not UTF-8", place=place, hint="save it as `CSV UTF-8`") from None


def _without_remarks(text: str) -> Iterator[str]:
    """The lines, with an empty one in the place of each remark, so that they keep their numbers. No value holds a line
    break, so no remark can be the middle of one."""
    return ("\n" if line.startswith("#") else line for line in io.StringIO(text, newline=""))


def _records(file: Path, reader: "Reader") -> Iterator[tuple[int, list[str]]]:
    """Each record that is not blank, with the line on which it begins."""
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            what, hint = next(
                (told for sign, told in BROKEN.items() if sign in str(error)), ("is not CSV", "save it as `CSV UTF-8`")
            )
            raise RegisterError(what, place=Place(str(file), line), hint=hint) from None
        if any(value.strip() for value in record):
            yield line, record


def _heading(place: Place, written: Sequence[str], columns: Sequence[Column]) -> list[str]:
    known = [column.name for column in columns]
    names = [name.strip().lower() for name in written]
    if len(names) == 1 and ";" in names[0]:
        raise RegisterError("has its columns separated by semicolons", place=place, hint="separate them by commas")
    for index, name in enumerate(names):
        if name not in known:
            what = f"unknown column `{written[index].strip()[:60]}`"
            raise RegisterError(what, place=place, hint=one_of(known, name))
        if name in names[:index]:
            raise RegisterError(f"the column `{name}` is there twice", place=place, hint="take one of them out")
    for column in columns:
        if column.needed and column.name not in names:
            hint = f"the columns are {', '.join(known)}"
            raise RegisterError(f"the column `{column.name}` is missing", place=place, hint=hint)
    return names
