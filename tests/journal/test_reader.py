"""Reading: in order, from any place, while the writer goes on."""

from pathlib import Path

import pytest

from gerbang.errors import RecordError
from gerbang.journal.reader import Broken, Line, Mark, read, read_slot, segments, slots
from gerbang.record.chain import LONGEST_LINE
from journal_builders import Clock, a_journal, an_event


def seqs(slot: Path, mark: Mark | None = None) -> list[int]:
    return [line.link.seq for line in read_slot(slot, mark) if isinstance(line, Line)]


def test_files_are_in_order_of_day_and_number_not_of_name(tmp_path: Path) -> None:
    for name in ("2026-11-25.jsonl", "2026-11-24.10.jsonl", "2026-11-24.jsonl", "2026-11-24.2.jsonl"):
        (tmp_path / name).touch()
    for other in ("2026-11-24.0.jsonl", "2026-11-24.jsonl.bak", "notes.txt", "lock"):
        (tmp_path / other).touch()
    names = [segment.path.name for segment in segments(tmp_path)]
    assert names == ["2026-11-24.jsonl", "2026-11-24.2.jsonl", "2026-11-24.10.jsonl", "2026-11-25.jsonl"]


def test_slots_are_folders_with_a_slots_name(tmp_path: Path) -> None:
    for name in ("gate-0", "gate-10", "a.b-c-3", "x", "-1", "gate-", ".gate-0"):
        (tmp_path / name).mkdir()
    (tmp_path / "gate-2").touch()
    assert [slot.name for slot in slots(tmp_path)] == ["a.b-c-3", "gate-0", "gate-10"]


def test_reading_goes_on_from_a_mark_over_days_and_restarts(tmp_path: Path) -> None:
    clock = Clock()
    slot = tmp_path / "gate-0"
    mark, seen = Mark(), []
    for _ in range(3):
        journal = a_journal(tmp_path, clock=clock, monotonic=clock.monotonic)
        for number in range(3):
            journal.append(an_event(str(number))).result(10)
            for line in read_slot(slot, mark):
                assert isinstance(line, Line)
                seen.append(line.link.seq)
                mark = line.mark
        journal.close()
        clock.pass_by(hours=24)
    seen += seqs(slot, mark)
    assert seen == list(range(1, len(seen) + 1)) == seqs(slot)


def test_a_line_that_is_still_growing_is_left_for_later(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    journal.append(an_event()).result(10)
    journal.close()
    (path,) = (tmp_path / "gate-0").glob("*.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    *_, last = read_slot(tmp_path / "gate-0")
    before = seqs(tmp_path / "gate-0")
    path.write_bytes(whole)
    assert seqs(tmp_path / "gate-0", last.mark) == [before[-1] + 1]


def test_a_mark_in_a_file_that_is_gone_leads_to_the_next(tmp_path: Path) -> None:
    clock = Clock()
    for _ in range(2):
        a_journal(tmp_path, clock=clock, monotonic=clock.monotonic).close()
        clock.pass_by(hours=24)
    assert seqs(tmp_path / "gate-0", Mark("2026-11-23.jsonl", 999, 9)) == seqs(tmp_path / "gate-0")
    (tmp_path / "gate-0" / "2026-11-24.jsonl").unlink()
    assert seqs(tmp_path / "gate-0", Mark("2026-11-24.jsonl", 0, 0)) == [4, 5, 6]


def test_a_damaged_line_is_given_with_its_place_and_the_ones_behind_it_too(tmp_path: Path) -> None:
    a_journal(tmp_path).close()
    (path,) = (tmp_path / "gate-0").glob("*.jsonl")
    raw = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([raw[0], b"nonsense\n", *raw[1:]]))
    found = list(read_slot(tmp_path / "gate-0"))
    assert [type(line) for line in found] == [Line, Broken, Line, Line]
    assert str(found[1].place) == f"{path}:2"
    with pytest.raises(RecordError, match=rf"{path.name}:2: this is no line of a journal"):
        list(read(tmp_path))


def test_a_line_without_end_is_not_taken_into_memory(tmp_path: Path) -> None:
    slot = tmp_path / "gate-0"
    slot.mkdir()
    with (slot / "2026-11-24.jsonl").open("wb") as file:
        file.truncate(LONGEST_LINE * 20)
    (line,) = read_slot(slot)
    assert isinstance(line, Broken)
    assert line.reason == "the line has no end"
    assert len(line.raw) == 100
