"""The check: whatever was done to the record is found, and its place named."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gerbang.errors import RecordError
from gerbang.journal.reader import Line, Segment, read, segments
from gerbang.journal.sidecar import erase, read_private
from gerbang.journal.verify import Damage, Report, verify
from gerbang.record.canonical import canonical
from gerbang.record.chain import GENESIS, write_line
from gerbang.record.note import open_note, sign
from journal_builders import SEAL_KEY, Clock, a_decision_event, a_journal, an_event, lines

PUBLIC = SEAL_KEY.public_key()


def a_record(folder: Path, days: int = 2, events: int = 8) -> Path:
    """A journal of some days and two slots, with private parts and seals, and its witness beside it."""
    clock = Clock()
    for slot in (0, 1):
        for _ in range(days):
            journal = a_journal(
                folder / "journal",
                slot,
                clock=clock,
                monotonic=clock.monotonic,
                seal_lines=5,
                witness=folder / "witness",
            )
            for number in range(events):
                journal.append(a_decision_event()).result(10)
                journal.append(an_event(str(number))).result(10)
            journal.close()
            clock.pass_by(hours=24)
    return folder / "journal"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    a_record(folder)
    return folder


@pytest.fixture
def journal(kept: Path, tmp_path: Path) -> Path:
    """A copy of the record, which a test may spoil."""
    shutil.copytree(kept, tmp_path / "copy")
    return tmp_path / "copy" / "journal"


def checked(journal: Path, **more: Any) -> Report:
    return verify(journal, key=PUBLIC, witness=journal.parent / "witness", **more)


def damage(journal: Path) -> Damage | None:
    return checked(journal).damage


def test_an_untouched_record_is_whole(journal: Path) -> None:
    report = checked(journal)
    assert report.damage is None
    assert report.lines == len(list(read(journal))) > 60
    assert all(slot.seals > 2 and slot.files == 2 and not slot.notes for slot in report.slots)


def test_the_last_witnessed_line_is_named(journal: Path) -> None:
    for slot in checked(journal).slots:
        found = lines(journal, lambda line: line.slot == slot.slot)  # noqa: B023  # used at once
        assert slot.witnessed == found[-2].place  # the last line is the last seal itself
        assert slot.unwitnessed == 1


def test_without_a_witness_nothing_is_witnessed(journal: Path) -> None:
    report = verify(journal, key=PUBLIC)
    assert report.damage is None
    assert [slot.witnessed for slot in report.slots] == [None, None]


def test_without_a_key_the_journals_own_is_taken_and_said(journal: Path) -> None:
    report = verify(journal)
    assert report.damage is None
    assert all("names itself" in slot.notes[0] for slot in report.slots)


def test_a_witness_cannot_be_checked_without_a_key(journal: Path) -> None:
    with pytest.raises(RecordError, match="cannot be checked without the key"):
        verify(journal, witness=journal.parent / "witness")


def test_progress_is_told_and_covers_all_slots(tmp_path: Path) -> None:
    for slot in (0, 1):
        writer = a_journal(tmp_path, slot)
        for future in [writer.append(an_event(str(number))) for number in range(1500)]:
            future.result(20)
        writer.close()
    told: list[int] = []
    assert verify(tmp_path, key=PUBLIC, progress=told.append).damage is None
    assert told == sorted(told)
    assert told[-1] > 2000


# ---------------------------------------------------------------- flipped bits


def flip(path: Path, bit: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(raw))


@pytest.mark.parametrize("where", ["gate-*/*.jsonl", "gate-*/side/*.jsonl"])
def test_one_flipped_bit_at_a_hundred_random_places_is_always_found_and_named(journal: Path, where: str) -> None:
    chosen = random.Random(20261124)
    files = sorted(journal.glob(where))
    assert len(files) == 4
    weights = [path.stat().st_size for path in files]
    for _ in range(100):
        (path,) = chosen.choices(files, weights)
        bit = chosen.randrange(path.stat().st_size * 8)
        line = path.read_bytes()[: bit // 8].count(b"\n") + 1
        flip(path, bit)
        found = damage(journal)
        assert found is not None, (path, bit)
        if path.parent.name != "side":
            assert found.place.file == str(path), (path, bit)
            # A flipped line feed joins two lines or makes one more.
            assert found.place.line is not None
            assert line <= found.place.line <= line + 1, (path, bit)
        else:
            assert Path(found.place.file).name == path.name
            assert "private part" in found.what
        flip(path, bit)
    assert damage(journal) is None


def test_every_bit_of_the_line_feeds_is_found_too(journal: Path) -> None:
    for path in sorted(journal.rglob("*.jsonl")):
        raw = path.read_bytes()
        for place in (raw.index(b"\n"), len(raw) - 1):
            for bit in range(8):
                flip(path, place * 8 + bit)
                assert damage(journal) is not None, (path, place, bit)
                flip(path, place * 8 + bit)


def test_a_flipped_bit_in_a_witness_is_found(journal: Path) -> None:
    path = journal.parent / "witness" / "gate-0.jsonl"
    chosen = random.Random(7)
    for _ in range(50):
        bit = chosen.randrange((path.stat().st_size - 1) * 8)
        flip(path, bit)
        assert damage(journal) is not None, bit
        flip(path, bit)


# ---------------------------------------------------------------- taken out, put in, moved


def split(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def first_file(journal: Path) -> Segment:
    return segments(journal / "gate-0")[0]


def last_file(journal: Path) -> Segment:
    return segments(journal / "gate-0")[-1]


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (lambda raw: raw[:4] + raw[5:], 5),
        (lambda raw: [*raw[:4], raw[4], *raw[4:]], 6),
        (lambda raw: [*raw[:4], raw[5], raw[4], *raw[6:]], 5),
        (lambda raw: [*raw[:4], b"{}\n", *raw[4:]], 5),
        (lambda raw: [*raw[:4], b"\n", *raw[4:]], 5),
        (lambda raw: raw[1:], 1),
        (lambda raw: [*raw, raw[-1]], None),
    ],
    ids=["taken out", "doubled", "changed places", "put in", "an empty line", "the first taken out", "put at the end"],
)
def test_lines_cannot_be_moved(journal: Path, spoil: Any, line: int | None) -> None:
    path = first_file(journal).path
    raw = split(path)
    path.write_bytes(b"".join(spoil(raw)))
    found = damage(journal)
    assert found is not None
    assert (found.place.file, found.place.line) == (str(path), line or len(raw) + 1)


def test_a_whole_file_cannot_be_taken_out(journal: Path) -> None:
    first_file(journal).path.unlink()
    found = damage(journal)
    assert found is not None
    assert found.place.line == 1


def test_a_whole_slot_cannot_be_taken_out(journal: Path) -> None:
    shutil.rmtree(journal / "gate-1")
    found = damage(journal)
    assert found is not None
    assert "the slot is missing" in found.what
    assert verify(journal, key=PUBLIC).damage is None  # nobody else knew of it


def test_an_end_that_a_witness_has_sealed_cannot_be_cut_off(journal: Path) -> None:
    segment = last_file(journal)
    raw = split(segment.path)
    segment.path.write_bytes(b"".join(raw[:-2]))
    found = damage(journal)
    assert found is not None
    assert "the journal ends here, but a witness has sealed line" in found.what
    assert found.place.line == len(raw) - 2
    assert verify(journal, key=PUBLIC).damage is None  # and that is what a witness is for


def forged(line: Line, seq: int, prev: str) -> tuple[bytes, str]:
    link = line.link
    body = link.raw_body.replace(b'"status":200', b'"status":500')
    return write_line(seq, link.at, link.kind, link.id, prev, link.side, body)


def test_an_owner_who_writes_all_anew_needs_the_seals_key_and_the_witness(journal: Path) -> None:
    """A chain alone can be made again by anybody who can write the file."""
    prev, seq = GENESIS, 0
    for segment in segments(journal / "gate-0"):
        raws: list[bytes] = []
        for line in lines(journal, lambda line: line.path == segment.path):  # noqa: B023  # used at once
            if line.link.kind == "seal":
                continue
            seq += 1
            raw, prev = forged(line, seq, prev)
            raws.append(raw + b"\n")
        segment.path.write_bytes(b"".join(raws))
    assert verify(journal, key=PUBLIC).damage is None
    found = damage(journal)
    assert found is not None
    assert found.what == "a witness has sealed other lines than these"


def test_a_witness_cannot_be_talked_over(journal: Path) -> None:
    """Whoever has the key of the seals can sign other lines, and append that to the witness's file."""
    path = journal.parent / "witness" / "gate-0.jsonl"
    kept = path.read_bytes()
    first = open_note(json.loads(kept.splitlines()[0])["note"], PUBLIC)
    other = sign(replace(first, root=bytes(32)), SEAL_KEY)
    path.write_bytes(kept + canonical({"note": other}) + b"\n")
    found = damage(journal)
    assert found is not None
    assert found.what == "the witness has two seals over as many lines that differ"
    assert (found.place.file, found.place.line) == (str(path), kept.count(b"\n") + 1)
    # The lines are held against the seal that was there first, wherever the other one stands.
    path.write_bytes(canonical({"note": other}) + b"\n" + kept)
    found = damage(journal)
    assert found is not None
    assert found.what == "a witness has sealed other lines than these"
    path.write_bytes(kept + kept)
    assert damage(journal) is None


def test_a_seal_by_another_key_is_found(tmp_path: Path) -> None:
    a_journal(tmp_path).close()
    other = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    found = verify(tmp_path, key=other).damage
    assert found is not None
    assert found.what == "the checkpoint is signed by another key"


# ---------------------------------------------------------------- sidecars


def test_an_erased_private_part_leaves_the_chain_whole(journal: Path) -> None:
    chosen = lines(journal, lambda line: line.slot == "gate-0" and line.link.kind == "decision")[3]
    assert read_private(chosen)
    assert erase(journal / "gate-0", [chosen.link.id]) == 1
    report = checked(journal)
    assert report.damage is None
    assert [slot.erased for slot in report.slots] == [1, 0]
    assert read_private(chosen) == {}
    side = (chosen.path.parent / "side" / chosen.path.name).read_bytes()
    assert side.count(b"Aminah") == 7


def test_a_private_part_that_is_gone_without_a_trace_is_found(journal: Path) -> None:
    segment = first_file(journal)
    raw = split(segment.side)
    segment.side.write_bytes(b"".join(raw[:-1]))
    found = damage(journal)
    assert found is not None
    assert "missing from the sidecar" in found.what
    segment.side.unlink()
    assert damage(journal) is not None


def test_private_parts_cannot_change_places(journal: Path) -> None:
    segment = first_file(journal)
    raw = split(segment.side)
    same = [place for place, part in enumerate(raw) if len(part) == len(raw[0])]
    assert len(same) > 1
    raw[same[0]], raw[same[1]] = raw[same[1]], raw[same[0]]
    segment.side.write_bytes(b"".join(raw))
    assert damage(journal) is not None


def test_nothing_can_be_hidden_in_an_erased_part(journal: Path) -> None:
    (line, *_) = lines(journal, lambda line: line.link.kind == "decision")
    erase(line.path.parent, [line.link.id])
    side = line.path.parent / "side" / line.path.name
    raw = side.read_bytes()
    side.write_bytes(raw.replace(b"xxxx", b"xyzx", 1))
    assert damage(journal) is not None


# ---------------------------------------------------------------- a journal that is being written


def test_half_a_line_of_a_running_writer_is_no_damage(journal: Path) -> None:
    with last_file(journal).path.open("ab") as file:
        file.write(b'{"v":1,"seq":')
    report = checked(journal)
    assert report.damage is None
    assert "half a line" in report.slots[0].notes[0]


def test_half_a_line_in_the_middle_is_damage(journal: Path) -> None:
    with first_file(journal).path.open("ab") as file:
        file.write(b'{"v":1,"seq":')
    found = damage(journal)
    assert found is not None
    assert found.what == "the line has no end"


def test_a_check_beside_a_busy_writer_finds_nothing(tmp_path: Path) -> None:
    writer = a_journal(tmp_path, seal_lines=20)
    waiting = [writer.append(a_decision_event()) for _ in range(300)]
    while not all(future.done() for future in waiting):
        assert verify(tmp_path, key=PUBLIC).damage is None
    writer.close()
    assert verify(tmp_path, key=PUBLIC).lines > 300


def test_a_folder_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no journal here"):
        verify(tmp_path / "nowhere")
