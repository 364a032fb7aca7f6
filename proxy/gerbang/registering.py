"""Changing a register: one room through which every command and page goes, so that no change is made without a line.

`edit` locks the folder, reads the file, lets the caller change its lines, checks all registers together as the gate
would, writes the change down in the journal, and only then puts the new file in the old one's place. Whatever goes
wrong before that leaves the file as it was. A gate takes the file within two seconds, by itself.

    def withdraw(sheet: Sheet) -> None:
        for line in sheet.lines(id="K-2026-001"):
            line.set(withdrawn="2026-11-24")

    edit(settings, "approvals", withdraw, kind="withdrawn", by=who(), journal=partial(cli_journal, settings))

`known.json` beside the registers has the digest of each file as it was last written down. A file that differs from it
was changed by hand; a gate that meets one writes that down too (`note_by_hand`), before it takes the file.
"""

import csv
import fcntl
import io
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gerbang.csv_files import Row, read_whole, rows_in, text_of, wrong_value
from gerbang.errors import Place, RecordError, RegisterError, one_of
from gerbang.errors import reason as reason_of
from gerbang.journal.writer import Journal
from gerbang.loading import check_people, load_calendar, offices_of
from gerbang.model import Registers
from gerbang.record.canonical import Json
from gerbang.record.event import BY_FILE, Event, RecordKeys, register_changed
from gerbang.registers import REGISTERS, Register, digest_of, load_registers
from gerbang.settings import Settings

type OpenedJournal = Callable[[], AbstractContextManager[tuple[Journal, RecordKeys]]]

LOCK = ".lock"
KNOWN = "known.json"
# How long an edit waits for another one, in seconds.
PATIENCE = 10.0
# Lines of an edit that the journal tells one by one, and the bytes that they take; an import has more.
MOST_TOLD = 100
TOLD_BYTES = 64 << 10
# Registers whose `id` is no person's name, so that it may stand in the chain.
NUMBERED = frozenset({"approvals", "exemptions"})
# How often the gate writes down changes by hand: so many at once, then one in so many seconds. Until then it keeps to
# what it has.
BY_HAND_AT_ONCE = 10
BY_HAND_SECONDS = 30.0


# ---------------------------------------------------------------- a register's lines


class Line:
    """A line of a register that can be read and changed. What is not touched stays as it was written."""

    __slots__ = ("_sheet", "number", "values")

    def __init__(self, sheet: "Sheet", number: int, values: dict[str, str]) -> None:
        self._sheet = sheet
        self.number = number
        self.values = values

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    def set(self, **values: str) -> None:
        """Put other values in. Raises `RegisterError` for one that the column cannot have."""
        values = {name: value.strip() for name, value in values.items()}
        self._sheet.check(values)
        if all(self[name] == value for name, value in values.items()):
            return
        self._sheet.need(values)
        self.values.update(values)
        self._sheet.write(self)

    def remove(self) -> None:
        self._sheet.drop(self)


class Sheet:
    """A register's file while it is edited: remarks, blank lines, the order of lines and columns stay as they are."""

    def __init__(self, file: Path, data: bytes | None, register: Register) -> None:
        self.file = file
        self._register = register
        self._known = {column.name: column for column in register.columns}
        self._marked = (data or b"").startswith(b"\xef\xbb\xbf")
        text = text_of(file, data) if data else ""
        # As the reader counts lines. No value holds a line break, so a record is a line.
        self._raw: list[str | None] = list(io.StringIO(text, newline=""))
        self._end = "\r\n" if self._raw and str(self._raw[0]).endswith("\r\n") else "\n"
        rows: list[Row] = list(rows_in(file, data, register.columns))
        self._heading = next(
            (index for index, raw in enumerate(self._raw) if raw and raw.strip(" \t\r\n,") and not raw.startswith("#")),
            None,
        )
        self.columns = self._names()
        self._lines = {
            row.place.line: Line(self, row.place.line, dict(row.values)) for row in rows if row.place.line is not None
        }

    def lines(self, **wanted: str) -> list[Line]:
        """The lines in their order, or those that have these values."""
        return [line for line in self._lines.values() if all(line[name] == value for name, value in wanted.items())]

    def add(self, **values: str) -> Line:
        """A line at the end. Raises `RegisterError` for a value that its column cannot have."""
        given = {name: value.strip() for name, value in values.items() if value.strip()}
        self.check(given)
        for column in self._register.columns:
            if column.needed and column.name not in given:
                raise RegisterError(f"`{column.name}` has no value", place=Place(str(self.file)))
        self.need(given)
        if self._raw and self._raw[-1] and not self._raw[-1].endswith(("\n", "\r")):
            self._raw[-1] += self._end
        self._raw.append("")
        line = Line(self, len(self._raw), given)
        self._lines[line.number] = line
        self.write(line)
        return line

    def data(self) -> bytes:
        text = "".join(raw for raw in self._raw if raw is not None)
        return (b"\xef\xbb\xbf" if self._marked else b"") + text.encode("utf-8")

    # What a `Line` calls.

    def check(self, values: Mapping[str, str]) -> None:
        for name, value in values.items():
            column = self._known.get(name)
            if column is None:
                raise RegisterError(f"unknown column `{name}`", place=Place(str(self.file)), hint=one_of(self._known))
            if wrong := wrong_value(column, value):
                raise RegisterError(wrong[0], place=Place(str(self.file)), hint=wrong[1])

    def need(self, values: Mapping[str, str]) -> None:
        """Have a column for each of these values."""
        if self._heading is None:
            if self._raw and self._raw[-1] and not self._raw[-1].endswith(("\n", "\r")):
                self._raw[-1] += self._end
            self.columns = [column.name for column in self._register.columns]
            self._heading = len(self._raw)
            self._raw.append(",".join(self.columns) + self._end)
            return
        missing = [name for name, value in values.items() if value and name not in self.columns]
        if not missing:
            return
        self.columns += missing
        self._lengthen(self._heading, "," + ",".join(missing))
        for line in self._lines.values():
            self._lengthen(line.number - 1, "," * len(missing))

    def write(self, line: Line) -> None:
        record = io.StringIO()
        values = [line[name] for name in self.columns]
        # A remark begins with `#`; a value in quotes does not.
        remark = values[0].startswith("#")
        csv.writer(record, lineterminator=self._end, quoting=csv.QUOTE_ALL if remark else csv.QUOTE_MINIMAL).writerow(
            values
        )
        self._raw[line.number - 1] = record.getvalue()

    def drop(self, line: Line) -> None:
        self._raw[line.number - 1] = None
        del self._lines[line.number]

    def _lengthen(self, index: int, more: str) -> None:
        raw = self._raw[index] or ""
        plain = raw.rstrip("\r\n")
        self._raw[index] = plain + more + raw[len(plain) :]

    def _names(self) -> list[str]:
        if self._heading is None:
            return []
        (names,) = csv.reader([str(self._raw[self._heading])])
        return [name.strip().lower() for name in names]


# ---------------------------------------------------------------- an edit


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit did: how many lines were added, changed and removed. `made` is false where nothing differed."""

    register: str
    added: int = 0
    changed: int = 0
    removed: int = 0

    @property
    def made(self) -> bool:
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class _Difference:
    added: int = 0
    changed: int = 0
    removed: int = 0
    told: list[Json] = field(default_factory=list)
    keys: tuple[str, ...] = ()


def edit(
    settings: Settings,
    register: str,
    change: Callable[[Sheet], None],
    *,
    kind: str,
    by: str,
    journal: OpenedJournal,
    reason: str = "",
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Edited:
    """Change a register (`officers`, `accounts`, `approvals`, ...): whole, checked, journalled, or not at all.

    `change` gets the lines as they are now and changes them; it may raise a `RegisterError` to change nothing, and must
    not ask or wait for anything. `kind` is one word for what is done (`added`, `withdrawn`, `imported`). `by` is who
    does it, `reason` why, where that was said. `journal` opens the journal of whoever calls, and is called only where
    there is something to write.

    Raises `RegisterError` where the registers would not be right (as the gate checks them) or are being edited, and
    `RecordError` where the journal cannot be written: then nothing was changed. Edits wait for each other. Nothing
    is checked that only a policy knows, such as whether a purpose is asked for by any rule.
    """
    known = REGISTERS[register]
    folder = settings.registers_folder
    with locked(folder):
        file = Path(os.path.realpath(folder / known.file))
        before = read_whole(file)
        sheet = Sheet(folder / known.file, before, known)
        old = [(line.number, dict(line.values)) for line in sheet.lines()]
        change(sheet)
        new = [(line.number, dict(line.values)) for line in sheet.lines()]
        found = _difference(known, old, new)
        if not (found.added or found.changed or found.removed):
            return Edited(register)
        data = sheet.data()
        check_whole(settings, register, data)
        found_digest = digest_of(before) if before is not None else None
        draft = _draft(file, data)
        try:
            entry = found.keys[0] if register in NUMBERED and len(found.keys) == 1 else None
            counts = {"added": found.added, "changed": found.changed, "removed": found.removed}
            total = found.added + found.changed + found.removed
            private: dict[str, Json] = {
                "reason": reason,
                "lines": found.told,
                "lines_left_out": total - len(found.told),
                "digests": {"before": found_digest, "after": digest_of(data)},
            }
            with journal() as (ledger, keys):

                def written(what: str) -> None:
                    event = register_changed(register, what, counts, by, clock(), keys, entry=entry, private=private)
                    ledger.append(event).result()

                if _remembered(folder).get(register) != found_digest:
                    # Changed by hand, and no gate has written that down yet.
                    ledger.append(_by_hand(folder, register, found_digest, clock(), keys)).result()
                # From before the line until the file is there: where a crash comes between, the file is another than
                # is known, and whoever looks next writes down that it is as it was.
                _remember(folder, {**_remembered(folder), register: digest_of(data)})
                made = False
                try:
                    written(kind)
                    if read_whole(file) != before:
                        written("given-up")
                        raise RegisterError(
                            "was changed by somebody else meanwhile", place=Place(str(file)), hint="try again"
                        )
                    try:
                        draft.replace(file)
                        _sync(file.parent)
                        made = True
                    except OSError as error:
                        written("given-up")
                        raise _unusable(file, error) from None
                finally:
                    if not made:
                        _remember(folder, {**_remembered(folder), register: found_digest})
        finally:
            draft.unlink(missing_ok=True)
    return Edited(register, found.added, found.changed, found.removed)


def check_whole(settings: Settings, register: str, data: bytes) -> Registers:
    """The registers as they would be, checked as the gate checks them. Raises `RegisterError`."""
    registers = load_registers(settings.registers_folder, {register: data})
    calendar = load_calendar(settings)
    check_people(registers, offices_of(settings, calendar), calendar, settings)
    return registers


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Alone with the registers. Raises `RegisterError` where another edit takes too long."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise _unusable(folder, error) from None
    try:
        _like(descriptor, folder)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise RegisterError(
                        "the registers are being edited by another command", place=Place(str(folder)), hint="try again"
                    ) from None
                time.sleep(0.05)
        yield
    finally:
        os.close(descriptor)


def _difference(
    register: Register, old: Sequence[tuple[int, dict[str, str]]], new: Sequence[tuple[int, dict[str, str]]]
) -> _Difference:
    """By line, and lines that moved by what tells them apart."""
    before, after = dict(old), dict(new)
    gone = [before[number] for number in before if number not in after]
    come = [after[number] for number in after if number not in before]
    pairs = [(before[n], after[n]) for n in before if n in after and _plain(before[n]) != _plain(after[n])]
    changes = [("changed", *pair) for pair in pairs]
    changes += [("removed", values, {}) for values in gone] + [("added", {}, values) for values in come]
    told: list[Json] = []
    size = 0
    for what, was, now in changes[:MOST_TOLD]:
        line: dict[str, Json] = {"change": what, "before": dict(_plain(was)), "after": dict(_plain(now))}
        size += len(json.dumps(line))
        if size > TOLD_BYTES:
            break
        told.append(line)
    touched = tuple(" ".join((now or was).get(column, "") for column in register.key) for _, was, now in changes[:2])
    return _Difference(len(come), len(pairs), len(gone), told, touched)


def _plain(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


# ---------------------------------------------------------------- changes by hand


class ByHand:
    """Writes down what was changed in an editor, for a running gate. `registers` are those that are about to count."""

    def __init__(self, settings: Settings, journal: Journal, keys: RecordKeys, clock: Callable[[], datetime]) -> None:
        self._folder = settings.registers_folder
        self._journal, self._keys, self._clock = journal, keys, clock
        self._left, self._filled = float(BY_HAND_AT_ONCE), time.monotonic()

    def __call__(self, registers: Registers) -> None:
        """Raises `RecordError` where a change cannot be written down (now): then it is not to count."""
        if not self._folder.is_dir():
            return
        with locked(self._folder):
            known = _remembered(self._folder)
            differing = [name for name in REGISTERS if known.get(name) != registers.digests.get(name)]
            for name in differing:
                held = read_whole(self._folder / REGISTERS[name].file)
                if (digest_of(held) if held is not None else None) != registers.digests.get(name):
                    # A command has changed it since they were read: nobody did that by hand.
                    raise RecordError("the registers were changed while they were read", hint="they are read again")
            for name in differing:
                self._take()
                event = _by_hand(self._folder, name, registers.digests.get(name), self._clock(), self._keys)
                self._journal.append(event).result()
            if differing:
                _remember(self._folder, dict(registers.digests))

    def _take(self) -> None:
        now = time.monotonic()
        self._left = min(float(BY_HAND_AT_ONCE), self._left + (now - self._filled) / BY_HAND_SECONDS)
        self._filled = now
        if self._left < 1:
            raise RecordError(
                "the registers are changed by hand too often to be written down each time",
                hint="let the file rest, or use the commands",
            )
        self._left -= 1


def _by_hand(folder: Path, register: str, after: str | None, moment: datetime, keys: RecordKeys) -> Event:
    before = _remembered(folder).get(register)
    what = "changed" if before and after else "removed" if before else "added"
    private: dict[str, Json] = {"digests": {"before": before, "after": after}}
    return register_changed(register, what, {}, BY_FILE, moment, keys, private=private)


def _remembered(folder: Path) -> dict[str, str]:
    try:
        value = json.loads((folder / KNOWN).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in value.items()} if isinstance(value, dict) else {}


def _remember(folder: Path, digests: Mapping[str, str | None]) -> None:
    file = folder / KNOWN
    digests = {name: digest for name, digest in digests.items() if digest is not None}
    # Where it cannot be written, the next start writes the same change down once more; that loses nothing.
    with suppress(RegisterError, OSError):
        _draft(file, (json.dumps(dict(digests), indent=1) + "\n").encode()).replace(file)


# ---------------------------------------------------------------- files


def _draft(file: Path, data: bytes) -> Path:
    """The new file beside the old one, durable, with its rights and its owner."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as opened:
            _like(descriptor, file if file.exists() else file.parent)
            if file.exists():
                os.fchmod(descriptor, file.stat().st_mode & 0o777)
            opened.write(data)
            opened.flush()
            os.fsync(descriptor)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise _unusable(file, error) from None
    return draft


def _like(descriptor: int, other: Path) -> None:
    """The owner of another file: what root writes, the gate's user must still read."""
    owner = other.stat()
    if os.geteuid() == 0 and (owner.st_uid, owner.st_gid) != (0, 0):
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unusable(file: Path, error: OSError) -> RegisterError:
    return RegisterError(
        f"cannot be written: {reason_of(error)}", place=Place(str(file)), hint="look at rights and space"
    )
