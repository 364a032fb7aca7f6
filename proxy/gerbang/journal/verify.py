"""Checking the journal: that nothing in it was changed, taken out, put in, or moved.

What the files alone can show: every line's own hash, the chain over all files, the sequence,
the seals, the sidecars. What they cannot show is that the end is missing, or that the machine's
owner wrote everything anew; for that a seal kept elsewhere (a witness) or the database is asked.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gerbang.errors import Place, RecordError
from gerbang.journal.reader import Broken, Line, Mark, Segment, order_of, read_segment, reason, segments, slots
from gerbang.journal.recovery import left_by_a_crash
from gerbang.journal.sidecar import is_erased
from gerbang.record.canonical import Json, canonical
from gerbang.record.chain import GENESIS, LONGEST_LINE
from gerbang.record.event import EventKind, commitment
from gerbang.record.merkle import Tree
from gerbang.record.note import Checkpoint, open_note, read_verifier_key

BATCH = 500


@dataclass(frozen=True, slots=True)
class Damage:
    """The first thing that is wrong with a slot, and where."""

    place: Place
    what: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}"


@dataclass(frozen=True, slots=True)
class SlotReport:
    """What one slot showed. `witnessed` is the last line that a seal kept elsewhere vouches for, or `None`;
    `notes` are what an auditor should know and is no damage."""

    slot: str
    lines: int
    files: int
    seals: int
    erased: int
    damage: Damage | None
    witnessed: Place | None
    unwitnessed: int
    indexed: int | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """`index_damage` is what is wrong with the database beside its lines, `notes` what holds for it as a whole."""

    slots: tuple[SlotReport, ...]
    index_damage: Damage | None = None
    notes: tuple[str, ...] = ()

    @property
    def damage(self) -> Damage | None:
        """The first damage, by the order of the slots."""
        return next((slot.damage for slot in self.slots if slot.damage), self.index_damage)

    @property
    def lines(self) -> int:
        return sum(slot.lines for slot in self.slots)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line with its private part: empty where it has none, `None` where it was erased."""

    line: Line
    private: Mapping[str, Json] | None


@dataclass(frozen=True, slots=True)
class Extent:
    """What the database holds of a slot: the last sequence number, how many lines, and how far it was forwarded."""

    last: int
    count: int
    mark: Mark


class Index(Protocol):
    """The database, as far as the check needs it."""

    @property
    def place(self) -> Place: ...

    def slots(self) -> tuple[str, ...]:
        """The slots of which it holds lines, or once did."""

    def extent(self, slot: str) -> Extent | None:
        """What it holds of `slot`; `None` where it never had a line of it."""

    def difference(self, entries: Sequence[Entry]) -> tuple[Line, str] | None:
        """The first line that the database holds otherwise, or lacks, and what differs."""

    def strays(self) -> str | None:
        """What it holds that hangs on no line."""

    def names_fault(self) -> str | None:
        """What is wrong with the names behind pseudonyms, once all lines were told to `difference`."""

    def outlived(self) -> tuple[int, int]:
        """How many private parts, and how many names, it holds that the journal has no more."""


@dataclass(slots=True)
class _Sidecar:
    """The sidecar beside one journal file, read in step with it."""

    descriptor: int | None
    end: int = 0


@dataclass(slots=True)
class _Walk:
    """What is carried from line to line of a slot."""

    slot: str
    key: Ed25519PublicKey | None
    seals: Mapping[int, bytes]
    index: Index | None
    extent: Extent | None
    tree: Tree = field(default_factory=Tree)
    hash: str = GENESIS
    seal_count: int = 0
    erased: int = 0
    private: Mapping[str, Json] | None = None
    """The private part of the line at hand; `None` where it was erased."""
    damage: Damage | None = None
    witnessed: Place | None = None
    witnessed_seq: int = 0
    batch: list[Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(
    folder: Path,
    *,
    key: Ed25519PublicKey | None = None,
    witness: Path | None = None,
    index: Index | None = None,
    progress: Callable[[int], object] | None = None,
) -> Report:
    """Check every slot under `folder`; RecordError where it cannot be read.

    `key` is the public key of the seals (without it, the key that the journal itself names is taken, and a note
    says so); `witness` is the folder with copies of the seals; `index` the database. `progress` is told how many
    lines are done, every thousand.
    """
    found = slots(folder)
    done = 0

    def counted(lines: int) -> None:
        if progress is not None:
            progress(done + lines)

    reports: list[SlotReport] = []
    for slot in found:
        report = _verify_slot(slot, key, witness, index, counted)
        done += report.lines
        reports.append(report)
    names = {slot.name for slot in found}
    known = set(index.slots() if index else ()) | _witnessed_slots(witness)
    for name in sorted(known - names):
        damage = Damage(Place(str(folder / name)), "the slot is missing: the database or a witness knows its lines")
        reports.append(SlotReport(name, 0, 0, 0, 0, damage, None, 0, None, ()))
    if index is None:
        return Report(tuple(reports))
    return _with_index(tuple(reports), index)


def _with_index(reports: tuple[SlotReport, ...], index: Index) -> Report:
    """What the database holds beside the lines that were compared."""
    if what := index.strays():
        return Report(reports, Damage(index.place, what))
    if any(slot.damage for slot in reports):
        return Report(reports)  # not every line was reached, so no name can be missed
    if what := index.names_fault():
        return Report(reports, Damage(index.place, what))
    parts, names = index.outlived()
    notes: list[str] = []
    if parts:
        notes.append(f"private parts erased from the journal and still in the database: {parts}")
    if names:
        notes.append(f"names in the database that no line has any more: {names}")
    return Report(reports, None, tuple(notes))


def _verify_slot(
    slot: Path,
    key: Ed25519PublicKey | None,
    witness: Path | None,
    index: Index | None,
    progress: Callable[[int], None],
) -> SlotReport:
    # The database first: it never knows more than the disk, so what it knows now must be in the files read later.
    extent = index.extent(slot.name) if index else None
    seals, witness_damage = _witness_seals(witness, slot.name, key) if witness else ({}, None)
    walk = _Walk(slot.name, key, seals, index, extent)
    files = segments(slot)
    # One instant of a journal that may be growing: sizes before contents.
    sizes = {segment.path: _size(segment.path) for segment in files}
    last = Place(str(slot))
    for segment in files:
        if walk.damage:
            break
        last = _verify_file(segment, sizes[segment.path], segment is files[-1], walk, progress) or last
    if walk.damage is None and walk.batch:
        _compare(walk)
    if walk.damage is None:
        walk.damage = _missing_end(walk, last) or witness_damage
    indexed = None if index is None else extent.last if extent else 0
    if walk.damage is None and indexed is not None and indexed < walk.tree.size:
        walk.notes.append(f"lines not yet in the database: {walk.tree.size - indexed}")
    return SlotReport(
        slot.name,
        walk.tree.size,
        len(files),
        walk.seal_count,
        walk.erased,
        walk.damage,
        walk.witnessed,
        walk.tree.size - walk.witnessed_seq,
        indexed,
        tuple(walk.notes),
    )


def _verify_file(
    segment: Segment, size: int, newest: bool, walk: _Walk, progress: Callable[[int], None]
) -> Place | None:
    """Walk over one file; the place of its last line, or `None` where it has none."""
    last: Line | None = None
    sidecar = _open_sidecar(segment)
    try:
        for line in read_segment(segment, size=size):
            walk.damage = _check(line, sidecar, walk)
            if walk.damage or isinstance(line, Broken):
                return line.place
            last = line
            if walk.tree.size % 1000 == 0:
                progress(walk.tree.size)
        _check_tail(segment, size, last, newest, walk)
        side_size = os.fstat(sidecar.descriptor).st_size if sidecar.descriptor is not None else 0
        if side_size > sidecar.end and not newest and segment.limit is None:
            walk.notes.append(f"{segment.side}: private parts without a line")
    finally:
        if sidecar.descriptor is not None:
            os.close(sidecar.descriptor)
    return last.place if last else None


def _check(line: Line | Broken, sidecar: _Sidecar, walk: _Walk) -> Damage | None:
    """What is wrong with the next line, or `None`; then it has been taken into the walk."""
    if isinstance(line, Broken):
        return Damage(line.place, line.reason)
    link = line.link
    if link.seq != walk.tree.size + 1:
        return Damage(line.place, f"line {walk.tree.size + 1} of the sequence is expected here, not {link.seq}")
    if link.prev != walk.hash:
        return Damage(line.place, "the line does not follow the one before it")
    if what := _sidecar_fault(line, sidecar, walk):
        return Damage(line.place, what)
    if link.kind == EventKind.START and walk.key is None:
        walk.key = _named_key(line)
        walk.notes.append("the key of the seals is the one that the journal names itself")
    if link.kind == EventKind.SEAL:
        if what := _seal_fault(line, walk):
            return Damage(line.place, what)
        walk.seal_count += 1
    walk.tree.add(line.raw)
    walk.hash = link.hash
    if root := walk.seals.get(walk.tree.size):
        if root != walk.tree.root():
            return Damage(line.place, "a witness has sealed other lines than these")
        walk.witnessed, walk.witnessed_seq = line.place, walk.tree.size
    if walk.extent and (link.seq <= walk.extent.last or _is_behind(walk.extent.mark, line)):
        walk.batch.append(Entry(line, walk.private))
        if len(walk.batch) >= BATCH:
            return _compare(walk)
    return None


def _is_behind(mark: Mark, line: Line) -> bool:
    """Whether `line` had been forwarded when the slot was read up to `mark`."""
    return (order_of(line.path.name), line.end) <= (order_of(mark.file), mark.offset)


def _compare(walk: _Walk) -> Damage | None:
    """Hold the gathered lines against the database."""
    batch, walk.batch = walk.batch, []
    if walk.index is not None and (found := walk.index.difference(batch)):
        line, what = found
        walk.damage = Damage(line.place, what)
    return walk.damage


def _check_tail(segment: Segment, size: int, last: Line | None, newest: bool, walk: _Walk) -> None:
    """Bytes behind the last complete line: what a crash leaves, or a writer in the middle of a line."""
    end = last.end if last else 0
    if size <= end or segment.limit is not None:
        return
    place = Place(str(segment.path), (last.number if last else 0) + 1)
    if not newest:
        walk.damage = Damage(place, "the line has no end")
    elif not left_by_a_crash(segment, end, size):
        walk.damage = Damage(place, "the line feed behind it was changed")
    else:
        walk.notes.append(f"{place}: half a line, which nobody was told is written; the next start cuts it")


def _missing_end(walk: _Walk, last: Place) -> Damage | None:
    """What others know beyond the last line that is here."""
    lines = walk.tree.size
    if walk.extent and walk.extent.last > lines:
        return Damage(last, f"the journal ends here, but the database knows line {walk.extent.last}")
    if walk.extent and walk.extent.count > walk.extent.last:
        more = walk.extent.count - walk.extent.last
        return Damage(last, f"the database holds what the journal of this slot never said: more lines by {more}")
    if walk.seals and (most := max(walk.seals)) > lines:
        return Damage(last, f"the journal ends here, but a witness has sealed line {most}")
    return None


# ---------------------------------------------------------------- seals


def _seal_fault(line: Line, walk: _Walk) -> str | None:
    body = line.link.body
    if walk.key is None:
        return "a seal before the first start names its key"
    try:
        checkpoint = open_note(str(body.get("note")), walk.key)
    except ValueError as error:
        return str(error)
    expected = Checkpoint(f"gerbang/{walk.slot}", walk.tree.size, walk.tree.root())
    if checkpoint != expected or body.get("edge") != list(walk.tree.edge) or body.get("root") != expected.root.hex():
        return "the seal does not fit the lines before it"
    return None


def _named_key(line: Line) -> Ed25519PublicKey | None:
    try:
        return read_verifier_key(str(line.link.body.get("seal_key")))
    except ValueError:
        return None


def _witness_seals(folder: Path, slot: str, key: Ed25519PublicKey | None) -> tuple[dict[int, bytes], Damage | None]:
    """The witness's checkpoints of `slot`, root by size, up to what is wrong with its file.

    What a witness had first it has for good: a later seal takes nothing away.
    """
    path = folder / f"{slot}.jsonl"
    seals: dict[int, bytes] = {}
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
                if not raw.endswith(b"\n"):
                    break  # the copy is being written, or the machine died over it
                place = Place(str(path), number)
                try:
                    note = str(json.loads(raw)["note"])
                except (ValueError, KeyError, TypeError, RecursionError):
                    return seals, Damage(place, "the witness's file holds something that is no seal")
                if key is None:
                    raise RecordError(
                        "the witness's seals cannot be checked without the key of the seals",
                        place=place,
                        hint="name `seal.pub`, or a copy of it that was kept elsewhere",
                    )
                try:
                    checkpoint = open_note(note, key)
                except ValueError as error:
                    return seals, Damage(place, str(error))
                if checkpoint.origin != f"gerbang/{slot}":
                    return seals, Damage(place, "the witness's seal is of another slot")
                if seals.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
                    return seals, Damage(place, "the witness has two seals over as many lines that differ")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise RecordError(f"the witness cannot be read: {reason(error)}", place=Place(str(path))) from None
    return seals, None


def _witnessed_slots(witness: Path | None) -> set[str]:
    return {path.stem for path in witness.glob("*-*.jsonl")} if witness and witness.is_dir() else set()


# ---------------------------------------------------------------- sidecars


def _open_sidecar(segment: Segment) -> _Sidecar:
    try:
        return _Sidecar(os.open(segment.side, os.O_RDONLY | os.O_CLOEXEC))
    except FileNotFoundError:
        return _Sidecar(None)
    except OSError as error:
        raise RecordError(f"the sidecar cannot be read: {reason(error)}", place=Place(str(segment.side))) from None


def _sidecar_fault(line: Line, sidecar: _Sidecar, walk: _Walk) -> str | None:
    """What is wrong with the private part of `line`; each of its bits is under a commitment or compared."""
    offset, length = line.link.side
    walk.private = {}
    if offset != sidecar.end:
        return "the line's private part does not follow the one before it"
    if length == 0:
        return None
    sidecar.end += length
    raw = os.pread(sidecar.descriptor, length, offset) if sidecar.descriptor is not None else b""
    if len(raw) != length or raw[-1:] != b"\n":
        return "the private part of the line is missing from the sidecar"
    if is_erased(raw[:-1], line.link.id):
        walk.erased += 1
        walk.private = None
        return None
    walk.private = _fitting(raw[:-1], line)
    return None if walk.private is not None else "the private part of the line was changed in the sidecar"


def _fitting(raw: bytes, line: Line) -> Mapping[str, Json] | None:
    """The private fields that `raw` holds, or `None` where they do not fit the line."""
    try:
        value = json.loads(raw)
        fields = value["fields"]
        made = {name: commitment(line.link.id, name, salt, private) for name, (salt, private) in fields.items()}
        # Several spellings mean the same JSON; only the canonical one is ever written.
        if value["id"] != line.link.id or made != line.link.body.get("commitments") or canonical(value) != raw:
            return None
        return {name: private for name, (_, private) in fields.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


# ---------------------------------------------------------------- bytes


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise RecordError(f"the journal cannot be read: {reason(error)}", place=Place(str(path))) from None
