"""The registers: officers, accounts and approvals, as CSV files in the state folder.

| file | columns (those in brackets may be left out) |
| --- | --- |
| officers.csv | id, name, [unit], [office], [service_group], [groups], [pattern] |
| accounts.csv | platform, [account], [handle], [name], [standing], [unit]; account or handle must be given |
| approvals.csv | id, grantee, purpose, authority, reference, valid_from, [valid_to], [withdrawn] |

UTF-8, commas, a line of column names first. `groups` are separated by semicolons. A line that begins with `#` is a
remark. A missing file is an empty register; a file with one bad line is refused whole, and with it the other two.

A time without an offset is Malaysian time. A date alone is the whole day in `Asia/Kuala_Lumpur`: `valid_from` begins
with it, `valid_to` ends with it, `withdrawn` begins with it.
"""

import csv
import io
import os
import re
import stat
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from gerbang.errors import Place, RegisterError, one_of
from gerbang.model import Approval, Officer, Registers, Standing

if TYPE_CHECKING:
    from _csv import Reader

FILES = ("officers.csv", "accounts.csv", "approvals.csv")

# A hundred times the largest ministry; beyond it the file is not a register.
MAX_BYTES = 64 << 20
MAX_ROWS = 500_000
MAX_VALUE = 500

# The groups that the regulations tell apart, and the two that stand outside them. An unknown group earns no exemption,
# so a misspelt one is refused rather than taken.
SERVICE_GROUPS = ("top-management", "professional", "education-graduate", "support", "contract", "trainee")

MALAYSIA = "Asia/Kuala_Lumpur"

WORD = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
SIGN_IN = re.compile(r"[^\s:]{1,64}")
BARE_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?(Z|[+-]\d{2}:\d{2})?", re.ASCII)

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


def load_registers(folder: Path) -> Registers:
    """All registers of a folder, or a `RegisterError` that names the file, the line and the column."""
    officers = _officers(_rows(folder / "officers.csv", OFFICERS))
    accounts = _accounts(_rows(folder / "accounts.csv", ACCOUNTS))
    approvals = _approvals(_rows(folder / "approvals.csv", APPROVALS))
    return Registers(officers, accounts, approvals)


class RegisterWatch:
    """Tells when a register was changed, by size, time and inode: a few microseconds a look."""

    def __init__(self, folder: Path) -> None:
        self._files = [folder / name for name in FILES]
        self._seen = self._signature()

    def changed(self) -> bool:
        """Whether a register differs from when this was last true. One that is being written is left until it rests."""
        now = self._signature()
        if now == self._seen:
            return False
        written = max((one[0] for one in now if one), default=0) / 1e9
        if 0 <= time.time() - written < SETTLED_SECONDS:
            return False
        self._seen = now
        return True

    def _signature(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_signature(file) for file in self._files)


def _signature(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


# ---------------------------------------------------------------- the three registers


def _officers(rows: Iterator[Row]) -> dict[str, Officer]:
    officers: dict[str, Officer] = {}
    lines: dict[str, int | None] = {}
    shared: dict[str, frozenset[str]] = {}  # few sets of groups among many officers
    for row in rows:
        key = row["id"].casefold()
        if key in lines:
            raise row.error(f"the officer `{row['id']}` is already on line {lines[key]}", "give each officer one line")
        lines[key] = row.place.line
        listed = row["groups"]
        if listed not in shared:
            shared[listed] = frozenset(part.strip() for part in listed.split(";") if part.strip())
        officers[row["id"]] = Officer(
            id=row["id"],
            name=row["name"],
            unit=row["unit"],
            office=row["office"],
            service_group=row["service_group"],
            groups=shared[listed],
            pattern=row["pattern"] or None,
        )
    return officers


def _accounts(rows: Iterator[Row]) -> dict[tuple[str, str], Standing]:
    accounts: dict[tuple[str, str], Standing] = {}
    lines: dict[tuple[str, str], int | None] = {}
    for row in rows:
        names = [row["account"].lower()] if row["account"] else []
        if handle := row["handle"].removeprefix("@"):
            names.append(f"@{handle.lower()}")
        if not names:
            raise row.error("neither `account` nor `handle` has a value", "give at least one of them")
        for name in names:
            key = (row["platform"], name)
            if key in accounts:
                what = f"the account `{name}` on `{row['platform']}` is already on line {lines[key]}"
                raise row.error(what, "give each account one line")
            accounts[key] = Standing(row["standing"] or Standing.OFFICIAL)
            lines[key] = row.place.line
    return accounts


def _approvals(rows: Iterator[Row]) -> dict[str, tuple[Approval, ...]]:
    approvals: dict[str, list[Approval]] = defaultdict(list)
    lines: dict[str, int | None] = {}
    for row in rows:
        if row["id"] in lines:
            what = f"the approval `{row['id']}` is already on line {lines[row['id']]}"
            raise row.error(what, "give each approval an `id` of its own")
        lines[row["id"]] = row.place.line
        valid_from = _moment(row["valid_from"])
        valid_to = _moment(row["valid_to"], end=True) if row["valid_to"] else None
        if valid_to is not None and valid_to <= valid_from:
            raise row.error(f"`valid_to` is `{row['valid_to']}`, before `valid_from`", "exchange them, or correct one")
        approvals[row["grantee"]].append(
            Approval(
                id=row["id"],
                grantee=row["grantee"],
                purpose=row["purpose"],
                authority=row["authority"],
                reference=row["reference"],
                valid_from=valid_from,
                valid_to=valid_to,
                withdrawn=_moment(row["withdrawn"]) if row["withdrawn"] else None,
            )
        )
    return {grantee: tuple(granted) for grantee, granted in approvals.items()}


def _moment(text: str, *, end: bool = False) -> datetime:
    """A time of the register; of a date alone its first instant, or the one after its last. Or `ValueError`."""
    if BARE_DATE.fullmatch(text):
        day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(MALAYSIA))
    if not TIME.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(MALAYSIA))


# ---------------------------------------------------------------- what a value may be


def _sign_in(value: str) -> str | None:
    """An officer's id is also the name by which she signs in, and what an approval names."""
    if SIGN_IN.fullmatch(value) and value != "unknown":
        return None
    return "a sign-in name is expected: up to 64 characters, no space and no colon; `unknown` is taken"


def _word(value: str) -> str | None:
    return None if WORD.fullmatch(value) else "small letters, digits and hyphens are expected"


def _words(value: str) -> str | None:
    parts = [part.strip() for part in value.split(";") if part.strip()]
    # Rules ask for either kind by the same word, so a group of that name would earn the service group's exemptions.
    if reserved := [part for part in parts if part in {*SERVICE_GROUPS, "unknown"}]:
        return f"`{reserved[0]}` is a service group; write it under `service_group`"
    if all(WORD.fullmatch(part) for part in parts):
        return None
    return "small letters, digits and hyphens, separated by semicolons, are expected"


def _service_group(value: str) -> str | None:
    return None if value in SERVICE_GROUPS else one_of(SERVICE_GROUPS, value)


def _standing(value: str) -> str | None:
    return None if value in list(Standing) else one_of(Standing, value)


def _time(value: str) -> str | None:
    try:
        # A year inside of what a date can hold, since it is compared with times everywhere on earth.
        taken = MINYEAR < _moment(value, end=True).year < MAXYEAR
    except (ValueError, OverflowError):
        taken = False
    return None if taken else "write a date as `2026-12-31`, or a time as `2026-12-31T17:00+08:00`"


def _grantee(value: str) -> str | None:
    group = value.startswith("group:")
    wrong = group and not WORD.fullmatch(value.removeprefix("group:"))
    return "an officer's id or `group:NAME` is expected" if wrong else None


OFFICERS = (
    Column("id", needed=True, check=_sign_in),
    Column("name", needed=True),
    Column("unit"),
    Column("office"),
    Column("service_group", check=_service_group),
    Column("groups", check=_words),
    Column("pattern", check=_word),
)
ACCOUNTS = (
    Column("platform", needed=True, check=_word),
    Column("account"),
    Column("handle"),
    Column("name"),
    Column("standing", check=_standing),
    Column("unit"),
)
APPROVALS = (
    Column("id", needed=True),
    Column("grantee", needed=True, check=_grantee),
    Column("purpose", needed=True, check=_word),
    Column("authority", needed=True),
    Column("reference", needed=True),
    Column("valid_from", needed=True, check=_time),
    Column("valid_to", check=_time),
    Column("withdrawn", check=_time),
)


# ---------------------------------------------------------------- CSV, with places

# What Python's reader says, in a writer's words.
BROKEN = {
    "unexpected end": ("a double quote is opened here and never closed", "close it"),
    "expected after": ("text follows a closing double quote", "write a double quote within a value twice"),
    "field limit": ("a value is far too long", "look for a double quote that is never closed"),
    "new-line": ("a lone carriage return stands in this line", "save it as `CSV UTF-8`"),
}


def _rows(file: Path, columns: Sequence[Column]) -> Iterator[Row]:
    """The lines of a register, each value checked for itself. No file is no lines."""
    data = _read(file)
    if data is None:
        return
    reader = csv.reader(_without_remarks(_text(file, data)), strict=True)
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
            if wrong := _wrong(column, value):
                raise RegisterError(wrong[0], place=place, hint=wrong[1])
            values[column.name] = value
        yield Row(values, place)


def _wrong(column: Column, value: str) -> tuple[str, str | None] | None:
    if not value:
        return (f"`{column.name}` has no value", None) if column.needed else None
    if len(value) > MAX_VALUE:
        return f"`{column.name}` is longer than {MAX_VALUE} characters", "look for a missing double quote before it"
    if not value.isprintable():
        return f"`{column.name}` has a line break or another control character in it", "write it on one line"
    if column.check and (hint := column.check(value)):
        return f"`{column.name}` cannot be `{value[:60]}`", hint
    return None


def _read(file: Path) -> bytes | None:
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


def _text(file: Path, data: bytes) -> str:
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
