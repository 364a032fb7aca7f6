"""Writing the journal: many events, one fsync, and no answer before they are durable.

One writer a slot, held by a lock. A thread of its own takes whatever has gathered while the disk
was busy and writes it as a group: the private parts to the sidecar, fsync, the lines to the
journal, fsync, and only then do the futures resolve. After a failed write or fsync nobody knows
what is on the disk (Linux drops the dirty pages and the next fsync succeeds), so the file is
given up at its last durable byte and its unsynced lines go to a new one.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gerbang.errors import Place, RecordError
from gerbang.figures import Histogram
from gerbang.journal.keys import sync_folder
from gerbang.journal.reader import SIDE, SLOT, WRITE_FAILED, Line, Segment, reason
from gerbang.journal.recovery import Chain, recover
from gerbang.record.canonical import Json, canonical
from gerbang.record.chain import LONGEST_LINE, write_line
from gerbang.record.event import (
    Event,
    EventKind,
    RecordKeys,
    discontinuity_event,
    seal_event,
    start_event,
    stop_event,
    utc,
)
from gerbang.record.note import Checkpoint, sign, verifier_key

# How long a patient event may wait, in seconds.
LINGER = 0.25
# A wall clock that moves this much apart from the monotonic one was set, not drifting.
CLOCK_TOLERANCE = 5.0
_ENVELOPE = 512  # bytes of a line beside its body, at most
_LONGEST_NOTE = 4096
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


class JournalUnavailable(RecordError):
    """The journal cannot take an event now: no log, no post."""


class SlotTaken(RecordError):
    """Another process writes the slot."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an event came to stand: file name and line in its slot, its sequence number, its hash."""

    slot: str
    file: str
    line: int
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Disk:
    """The system calls that can fail, so that a test can make them fail."""

    write: Callable[[int, memoryview], int] = os.write
    fsync: Callable[[int], None] = os.fsync


@dataclass(slots=True)
class _Pending:
    kind: str
    id: str
    body: bytes
    side: bytes | None
    future: Future[Position] | None = None
    queued: float = 0.0


@dataclass(slots=True)
class _File:
    """An open file pair and the bytes of each that are known to be durable."""

    segment: Segment
    journal: int
    side: int | None = None
    offset: int = 0
    side_offset: int = 0
    line: int = 0


def _now() -> datetime:
    return datetime.now(UTC)


class JournalFigures:
    """What a journal's writer counts: `latency` in seconds from taking an event to having it on the disk, `groups` in
    events, `failures` in groups that found no place. `sealed` is when the last seal was written, in seconds since 1970.
    """

    def __init__(self) -> None:
        self.latency = Histogram((0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5))
        self.groups = Histogram((1, 2, 5, 10, 20, 50, 100, 200, 500, 1000))
        self.failures = 0
        self.sealed: float | None = None
        self._away = 0.0
        self._since: float | None = None

    @property
    def unavailable(self) -> float:
        """Seconds for which events were refused, so far."""
        since = self._since
        return self._away + (time.perf_counter() - since if since is not None else 0.0)

    def failed(self) -> None:
        self.failures += 1
        self._since = self._since if self._since is not None else time.perf_counter()

    def wrote(self, group: Sequence[_Pending]) -> None:
        now = time.perf_counter()
        if self._since is not None:
            self._away += now - self._since
            self._since = None
        self.groups.observe(len(group))
        for entry in group:
            if entry.queued:
                self.latency.observe(now - entry.queued)


class Journal:
    """The one writer of `folder/NODE-SLOT`. Raises RecordError where the slot is taken, damaged or unwritable.

    `bound` is how many events may wait before more are refused; `group_wait` seconds are given to
    a group to gather; a seal is written every `seal_lines` lines or `seal_every` seconds (where there
    is something to seal) and at the end, with a copy of its note in `witness`.
    """

    def __init__(
        self,
        folder: Path,
        node: str,
        slot: int | str,
        *,
        seal_key: Ed25519PrivateKey,
        clock: Callable[[], datetime] = _now,
        monotonic: Callable[[], float] = time.monotonic,
        disk: Disk | None = None,
        group_wait: float = 0.0,
        bound: int = 10_000,
        seal_lines: int = 1000,
        seal_every: float = 600.0,
        witness: Path | None = None,
        about: Mapping[str, Json] | None = None,
    ) -> None:
        self.slot = f"{node}-{slot}"
        if not SLOT.fullmatch(self.slot):
            raise RecordError(
                f"`{self.slot}` cannot name a slot of the journal", hint="use letters, digits and hyphens"
            )
        self._folder = folder / self.slot
        self._key = seal_key
        self._clock, self._monotonic = clock, monotonic
        self._disk = disk or Disk()
        self._group_wait, self._bound = group_wait, bound
        self.figures = JournalFigures()
        self._seal_lines, self._seal_every = seal_lines, seal_every
        self._witness = witness
        self._keys = RecordKeys(bytes(32), os.urandom)  # the writer's own events name no officer
        self._chain = Chain()
        self._file: _File | None = None
        self._last: Segment | None = None
        self._given_up: list[dict[str, Json]] = []
        self._failure = ""
        self._unsealed = 0
        self._sealed_at = monotonic()
        self._clocks: tuple[datetime, float] | None = None
        self._queue: list[_Pending] = []
        self._wake = threading.Condition()
        self._closing = False
        self._asleep = True
        self._lock = self._take_lock()
        try:
            notes = self._recover()
            facts: dict[str, Json] = {
                "slot": self.slot,
                "seal_key": verifier_key(self._origin, seal_key.public_key()),
                **(about or {}),
            }
            self._commit([*map(_pending, notes), _pending(start_event(facts, self._keys))])
        except OSError as error:
            self._release()
            raise RecordError(
                f"the journal cannot be written: {reason(error)}", place=Place(str(self._folder))
            ) from None
        except BaseException:
            self._release()
            raise
        self._thread = threading.Thread(target=self._run, name=f"journal-{self.slot}", daemon=True)
        self._thread.start()

    @property
    def _origin(self) -> str:
        return f"gerbang/{self.slot}"

    @property
    def healthy(self) -> bool:
        """Whether the last group came to stand on the disk."""
        return self._file is not None

    def append(self, event: Event, *, patient: bool = False) -> Future[Position]:
        """Take `event`; the future resolves once it is durable, or fails with JournalUnavailable.

        A `patient` event, on which nothing waits, goes with the next group or within `LINGER` seconds: waking the
        thread for it would cost more than writing it. TypeError or ValueError, at once, for an event that has no
        canonical bytes or is longer than a line may be.
        """
        pending = _pending(event)
        if len(pending.body) + _ENVELOPE > LONGEST_LINE or len(pending.side or b"") >= LONGEST_LINE:
            raise ValueError("the event is longer than a line of the journal may be")
        future: Future[Position] = Future()
        future.set_running_or_notify_cancel()  # what is queued will be written; nobody can take it back
        pending.future, pending.queued = future, time.perf_counter()
        with self._wake:
            if self._closing:
                future.set_exception(JournalUnavailable("the journal is closed"))
            elif len(self._queue) >= self._bound:
                future.set_exception(JournalUnavailable("too many events wait for the journal's disk"))
            else:
                self._queue.append(pending)
                if not patient or self._asleep:
                    self._wake.notify()
        return future

    def close(self) -> None:
        """Write what waits, the stop and a seal; then give the slot free. Safe to call twice."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._release()

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        lately = False
        while True:
            with self._wake:
                while not self._queue and not self._closing and not self._seal_due():
                    # Awake for a moment after each group, so that what is patient finds somebody who will look.
                    self._asleep = not lately
                    lately = self._wake.wait(LINGER if lately else self._patience()) and lately
                gather = self._group_wait if self._queue and not self._closing else 0.0
                lately = True
            if gather:
                time.sleep(gather)
            with self._wake:
                group, self._queue = self._queue, []
                closing = self._closing
            if group:
                self._write(group)
            if closing:
                # `append` refuses since the flag was set, so the group above was the last.
                self._write([_pending(stop_event({"lines": self._chain.seq}, self._keys))])
                self._seal()
                return
            if self._seal_due():
                self._seal()

    def _patience(self) -> float | None:
        """Seconds to sleep before a seal falls due; `None` for ever."""
        if not self._unsealed:
            return None
        return max(0.01, self._sealed_at + self._seal_every - self._monotonic())

    def _seal_due(self) -> bool:
        if not self._unsealed:
            return False
        return self._unsealed >= self._seal_lines or self._monotonic() - self._sealed_at >= self._seal_every

    def _write(self, group: list[_Pending]) -> None:
        """Commit `group`; after a failure once more in a new file; then its futures fail."""
        try:
            try:
                self._commit(group)
            except OSError as error:
                self._give_up(error)
                self._commit(group)
        except OSError as error:
            self._give_up(error)
            self.figures.failed()
            _fail(group, JournalUnavailable(f"the journal cannot be written: {reason(error)}"))
        except BaseException as error:
            # A fault of ours: nothing that waits may go out, and none may wait for ever.
            self._give_up(OSError(0, f"{type(error).__name__} in the writer"))
            self.figures.failed()
            _fail(group, JournalUnavailable("the journal cannot be written: the writer has a fault"))

    def _seal(self) -> None:
        # Before anything can fail, so that a full disk is not asked again at once.
        self._sealed_at = self._monotonic()
        if self._unsealed == 0:
            return
        self._unsealed = 0
        chain = self._chain
        note = sign(Checkpoint(self._origin, chain.tree.size, chain.tree.root()), self._key)
        event = seal_event(chain.tree.size, chain.tree.root(), chain.tree.edge, note, self._keys)
        self._write([_pending(event)])
        if self.healthy:
            self.figures.sealed = time.time()
        if self._witness is not None:
            with suppress(OSError):  # a witness that is away is missed by `audit verify`, not by the officers
                self._bear_witness(self._witness, note)

    def _bear_witness(self, folder: Path, note: str) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{self.slot}.jsonl"
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            tail = os.pread(descriptor, _LONGEST_NOTE, max(0, size - _LONGEST_NOTE))
            if not tail.endswith(b"\n"):
                os.ftruncate(descriptor, size - len(tail) + tail.rfind(b"\n") + 1)  # half a note, left by a crash
            os.write(descriptor, canonical({"note": note}) + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    # ------------------------------------------------------------ one group

    def _commit(self, group: Sequence[_Pending]) -> None:
        """Make `group` durable and resolve its futures; OSError, and nothing has changed, where that fails."""
        now = self._clock()
        at = utc(now)
        notes = [_pending(event) for event in self._notes(now, at)]
        file = self._file_for(at[:10])
        seq, prev = self._chain.seq, self._chain.hash
        side_end, line = file.side_offset, file.line
        lines: list[bytes] = []
        sides: list[bytes] = []
        hashes: list[str] = []
        entries = [*notes, *group]
        for entry in entries:
            seq += 1
            length = 0
            if entry.side is not None:
                length = len(entry.side) + 1
                sides.append(entry.side)
            raw, prev = write_line(seq, at, entry.kind, entry.id, prev, (side_end, length), entry.body)
            side_end += length
            lines.append(raw)
            hashes.append(prev)
        if sides:
            if file.side is None:
                file.side = self._open_side(file.segment.side)
            self._put(file.side, b"\n".join((*sides, b"")))
        data = b"\n".join((*lines, b""))
        self._put(file.journal, data)

        file.offset += len(data)
        file.side_offset = side_end
        file.line += len(lines)
        chain = self._chain
        first = chain.seq + 1
        chain.seq, chain.hash, chain.at = seq, prev, at
        for raw in lines:
            chain.tree.add(raw)
        self._given_up.clear()
        self._failure = ""
        self._last = file.segment
        self._clocks = (now, self._monotonic())
        self._unsealed += sum(entry.kind != EventKind.SEAL for entry in entries)
        # Before whoever waits is told, so that what was answered is counted already.
        self.figures.wrote(group)
        name = file.segment.path.name
        for place, entry in enumerate(entries):
            if entry.future is not None:
                entry.future.set_result(Position(self.slot, name, line + place + 1, first + place, hashes[place]))

    def _notes(self, now: datetime, at: str) -> list[Event]:
        """What has to be said about the flow before the next lines: a file given up, a clock that was set."""
        notes: list[Event] = []
        if self._given_up:
            notes.append(
                discontinuity_event(
                    WRITE_FAILED, {"abandoned": list(self._given_up), "failure": self._failure}, self._keys
                )
            )
        if self._clocks is not None:
            wall, steady = self._clocks
            apart = (now - wall).total_seconds() - (self._monotonic() - steady)
            if abs(apart) > CLOCK_TOLERANCE:
                notes.append(discontinuity_event("clock", {"seconds": round(apart)}, self._keys))
        elif self._chain.at > at:
            back = datetime.fromisoformat(self._chain.at) - now
            if back.total_seconds() > CLOCK_TOLERANCE:
                notes.append(discontinuity_event("clock", {"seconds": -round(back.total_seconds())}, self._keys))
        return notes

    def _put(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._disk.write(descriptor, view) :]
        self._disk.fsync(descriptor)

    # ------------------------------------------------------------ files

    def _file_for(self, day: str) -> _File:
        """The open file for lines of `day`. A clock that was set back does not lead back to an older file."""
        current = self._file
        if current is not None and current.segment.day >= day:
            return current
        last = current.segment if current is not None else self._last
        number = 0
        if last is not None and last.day >= day:
            day, number = last.day, last.number + 1
        segment, descriptor = self._new_file(day, number)
        if current is not None:
            self._shut(current)
        self._file = _File(segment, descriptor)
        return self._file

    def _new_file(self, day: str, number: int) -> tuple[Segment, int]:
        """A file that was not there before, of `day` and the first free number from `number` on."""
        while True:
            path = self._folder / (f"{day}.{number}.jsonl" if number else f"{day}.jsonl")
            try:
                descriptor = os.open(path, _APPEND | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                number += 1
                continue
            try:
                sync_folder(self._folder)
            except OSError:
                os.close(descriptor)
                with suppress(OSError):
                    path.unlink()
                raise
            return Segment(path, day, number), descriptor

    def _open_side(self, path: Path) -> int:
        """The sidecar of a journal file that has no private part yet. What stands there is of lines that were never
        written, and belongs to nobody."""
        descriptor = os.open(path, _APPEND | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, 0)
            sync_folder(path.parent)
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def _give_up(self, error: OSError) -> None:
        """Leave the file at its last durable byte. What stands behind it is cut off where the disk still lets us,
        and in any case named in the next line that is written."""
        file, self._file = self._file, None
        self._failure = reason(error)
        if file is None:
            return
        for descriptor, end in ((file.journal, file.offset), (file.side, file.side_offset)):
            if descriptor is not None:
                with suppress(OSError):
                    os.ftruncate(descriptor, end)
        self._shut(file)
        if file.offset == 0:
            # A full disk must not leave an empty file for each attempt.
            with suppress(OSError):
                file.segment.side.unlink(missing_ok=True)
                file.segment.path.unlink()
                return
        self._last = file.segment
        self._given_up.append({"file": file.segment.path.name, "offset": file.offset})

    def _shut(self, file: _File) -> None:
        for descriptor in (file.journal, file.side):
            if descriptor is not None:
                with suppress(OSError):
                    os.close(descriptor)

    # ------------------------------------------------------------ start and end

    def _take_lock(self) -> int:
        try:
            for folder in (self._folder.parent, self._folder, self._folder / SIDE):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.chmod(0o700)
            sync_folder(self._folder.parent)
            sync_folder(self._folder)
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise RecordError(
                f"the journal cannot be written: {reason(error)}", place=Place(str(self._folder))
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise SlotTaken(
                f"another process writes the journal's slot `{self.slot}`",
                place=Place(str(self._folder)),
                hint="stop it first, or give this one another `node` in `[journal]`",
            ) from None
        return descriptor

    def _release(self) -> None:
        if self._file is not None:
            self._shut(self._file)
            self._file = None
        lock, self._lock = self._lock, -1
        if lock >= 0:
            os.close(lock)

    def _recover(self) -> list[Event]:
        """Go on from the end of the chain, and open the last file again where it stands there."""
        found = recover(self._folder, self._disk.fsync)
        self._chain, self._last = found.chain, found.last
        if found.last is not None and found.end is not None:
            self._reopen(found.last, found.end)
        return [discontinuity_event("torn", {"bytes": found.torn}, self._keys)] if found.torn else []

    def _reopen(self, segment: Segment, end: Line) -> None:
        self._file = _File(
            segment,
            os.open(segment.path, _APPEND),
            offset=end.end,
            line=end.number,
            side_offset=sum(end.link.side),
        )
        # Where the process before was killed, its last lines may stand in the page cache only.
        if self._file.side_offset:
            self._file.side = os.open(segment.side, _APPEND)
            self._disk.fsync(self._file.side)
        self._disk.fsync(self._file.journal)


def _pending(event: Event) -> _Pending:
    return _Pending(event.kind, event.id, event.body_bytes(), event.sidecar_bytes)


def _fail(group: Sequence[_Pending], error: JournalUnavailable) -> None:
    for entry in group:
        if entry.future is not None and not entry.future.done():
            entry.future.set_exception(error)
