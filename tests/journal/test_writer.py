"""The writer: an event that it answered for is on the disk, and what the disk does not take goes nowhere."""

import errno
import os
import shutil
import stat
import threading
import time
from concurrent.futures import Future, wait
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import TUESDAY_MORNING
from gerbang.errors import RecordError
from gerbang.journal.recovery import SECTOR
from gerbang.journal.verify import verify
from gerbang.journal.writer import Journal, JournalUnavailable
from gerbang.record.chain import GENESIS, LONGEST_LINE
from gerbang.record.event import EventKind, make_event
from journal_builders import (
    KEYS,
    SEAL_KEY,
    Clock,
    Faulty,
    a_decision_event,
    a_journal,
    an_event,
    kinds,
    lines,
    texts,
)

PUBLIC = SEAL_KEY.public_key()


def intact(folder: Path, **more: Any) -> bool:
    return verify(folder, key=PUBLIC, **more).damage is None


def appended(journal: Journal, *names: str) -> list[Future[Any]]:
    futures = [journal.append(an_event(name)) for name in names]
    wait(futures, 20)
    return futures


# ---------------------------------------------------------------- what is written


def test_a_line_stands_where_the_future_says(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    position = journal.append(an_event("one")).result(10)
    journal.close()
    (line,) = lines(tmp_path, lambda line: line.link.kind == EventKind.OUTCOME)
    assert (line.slot, line.path.name, line.number) == (position.slot, position.file, position.line)
    assert (line.link.seq, line.link.hash) == (position.seq, position.hash)


def test_the_chain_goes_on_over_restarts_and_days(tmp_path: Path) -> None:
    clock = Clock()
    for day in range(3):
        journal = a_journal(tmp_path, clock=clock, monotonic=clock.monotonic)
        appended(journal, f"morning {day}")
        clock.pass_by(hours=24)
        appended(journal, f"next day {day}")
        journal.close()
    found = lines(tmp_path)
    assert [line.link.seq for line in found] == list(range(1, len(found) + 1))
    assert [line.link.prev for line in found] == [GENESIS, *(line.link.hash for line in found[:-1])]
    assert sorted({line.path.name for line in found}) == [f"2026-11-{day}.jsonl" for day in range(24, 28)]
    assert intact(tmp_path)


def test_files_and_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    before = os.umask(0)
    try:
        journal = a_journal(folder, witness=tmp_path / "witness")
        appended(journal, "one")
        journal.close()
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_many_events_share_an_fsync(tmp_path: Path) -> None:
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk(), seal_lines=10**6)
    faulty.gate.clear()
    journal.append(an_event("first"))
    futures = [journal.append(an_event(str(number))) for number in range(500)]
    before = faulty.syncs
    faulty.gate.set()
    wait(futures, 20)
    # The first may go alone or with the rest: two fsyncs (sidecar, journal) a group, and at most two groups.
    assert faulty.syncs - before <= 4
    journal.close()


def test_appending_from_many_threads_loses_nothing(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)

    def work(worker: int) -> None:
        for number in range(50):
            journal.append(an_event(f"{worker}/{number}")).result(20)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert sorted(texts(tmp_path)) == sorted(f"{worker}/{number}" for worker in range(8) for number in range(50))
    assert intact(tmp_path)


def test_a_slot_has_one_writer_and_is_free_after_it(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    with pytest.raises(RecordError, match="another process writes the journal's slot `gate-0`"):
        a_journal(tmp_path)
    other = a_journal(tmp_path, 1)
    for one in (journal, other):
        one.close()
        one.close()
    a_journal(tmp_path).close()
    assert intact(tmp_path)


@pytest.mark.parametrize("node", ["../x", "", "a/b", "a b", "x" * 80])
def test_a_slot_cannot_be_named_out_of_its_folder(tmp_path: Path, node: str) -> None:
    with pytest.raises(RecordError, match="cannot name a slot"):
        Journal(tmp_path, node, 0, seal_key=SEAL_KEY)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_down_is_refused_at_once(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    with pytest.raises(TypeError):
        journal.append(make_event(EventKind.START, {"load": 0.5}, {}, KEYS))
    journal.append(make_event(EventKind.START, {"x": "a" * (LONGEST_LINE - 1024)}, {}, KEYS)).result(20)
    for body, private in (({"x": "a" * LONGEST_LINE}, {}), ({}, {"x": "a" * LONGEST_LINE})):
        with pytest.raises(ValueError, match="longer than a line"):
            journal.append(make_event(EventKind.START, body, private, KEYS))
    journal.close()
    assert intact(tmp_path)


def test_after_the_end_nothing_is_taken(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        journal.append(an_event()).result(1)


def test_close_writes_what_waits_then_the_stop_then_a_seal(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, group_wait=0.2)
    futures = [journal.append(an_event(str(number))) for number in range(20)]
    journal.close()
    assert all(future.done() and future.exception() is None for future in futures)
    assert kinds(tmp_path) == ["start", *["outcome"] * 20, "stop", "seal"]


# ---------------------------------------------------------------- seals


def test_a_seal_is_written_every_so_many_lines(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, seal_lines=10)
    for number in range(35):
        journal.append(an_event(str(number))).result(10)
    journal.close()
    assert kinds(tmp_path).count("seal") == 4
    assert intact(tmp_path)


def test_a_seal_is_written_after_a_while_where_there_is_something_to_seal(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, seal_every=0.1, seal_lines=10**6)
    appended(journal, "one")
    deadline = time.monotonic() + 60
    while "seal" not in kinds(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.3)
    assert kinds(tmp_path) == ["start", "outcome", "seal"]
    journal.close()


def test_a_witness_that_is_away_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "witness").write_text("no folder")
    journal = a_journal(tmp_path / "journal", seal_lines=1, witness=tmp_path / "witness")
    assert all(future.exception() is None for future in appended(journal, "one", "two"))
    journal.close()
    assert intact(tmp_path / "journal")


def test_half_a_note_that_a_crash_left_with_the_witness_does_not_spoil_the_next(tmp_path: Path) -> None:
    witness = tmp_path / "witness"
    a_journal(tmp_path / "journal", witness=witness).close()
    with (witness / "gate-0.jsonl").open("ab") as file:
        file.write(b'{"note":"gerb')
    assert intact(tmp_path / "journal", witness=witness)
    a_journal(tmp_path / "journal", witness=witness).close()
    assert (witness / "gate-0.jsonl").read_bytes().count(b"\n") == 2
    assert intact(tmp_path / "journal", witness=witness)


# ---------------------------------------------------------------- the clock


def test_a_clock_that_is_set_back_is_noted_and_the_sequence_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    journal = a_journal(tmp_path, clock=clock, monotonic=clock.monotonic)
    appended(journal, "before")
    clock.set_to(TUESDAY_MORNING - timedelta(days=2))
    appended(journal, "after")
    journal.close()
    assert kinds(tmp_path) == ["start", "outcome", "discontinuity", "outcome", "stop", "seal"]
    (note,) = lines(tmp_path, lambda line: line.link.kind == EventKind.DISCONTINUITY)
    assert note.link.body["reason"] == "clock"
    assert note.link.body["seconds"] == -2 * 86400
    assert note.path.name == "2026-11-24.jsonl"
    assert intact(tmp_path)


def test_a_clock_that_was_set_back_between_two_runs_is_noted(tmp_path: Path) -> None:
    clock = Clock()
    a_journal(tmp_path, clock=clock, monotonic=clock.monotonic).close()
    clock.set_to(TUESDAY_MORNING - timedelta(days=2))
    a_journal(tmp_path, clock=clock, monotonic=clock.monotonic).close()
    assert kinds(tmp_path).count("discontinuity") == 1
    assert {line.path.name for line in lines(tmp_path)} == {"2026-11-24.jsonl"}
    assert intact(tmp_path)


def test_time_that_passes_evenly_is_not_noted(tmp_path: Path) -> None:
    clock = Clock()
    journal = a_journal(tmp_path, clock=clock, monotonic=clock.monotonic, seal_every=10**9)
    for number in range(5):
        appended(journal, str(number))
        clock.pass_by(hours=3)
    journal.close()
    assert "discontinuity" not in kinds(tmp_path)


# ---------------------------------------------------------------- a disk that fails


@pytest.mark.parametrize("call", ["fsync", "write"])
@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_after_a_failure_the_file_is_given_up_and_nothing_is_lost(tmp_path: Path, call: str, error: int) -> None:
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk())
    appended(journal, "before")
    faulty.fails(call, 1, error)
    (future,) = appended(journal, "during")
    assert future.result(10).file.endswith(".1.jsonl")
    appended(journal, "after")
    journal.close()
    assert texts(tmp_path) == ["before", "during", "after"]
    (note,) = lines(tmp_path, lambda line: line.link.kind == EventKind.DISCONTINUITY)
    assert note.link.body["reason"] == "write-failed"
    assert note.number == 1
    assert intact(tmp_path)


def test_a_disk_that_fills_up_in_the_middle_of_a_line_leaves_no_half_line(tmp_path: Path) -> None:
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk())
    appended(journal, "before")
    faulty.fails("write", 1, errno.ENOSPC, short=True)
    assert all(future.exception() is None for future in appended(journal, "during"))
    journal.close()
    assert texts(tmp_path) == ["before", "during"]
    assert intact(tmp_path)


@pytest.mark.parametrize("call", ["fsync", "write"])
def test_where_the_new_file_fails_too_the_event_is_refused_and_a_later_one_finds_the_way(
    tmp_path: Path, call: str
) -> None:
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk())
    appended(journal, "before")
    faulty.fails(call, 6, errno.ENOSPC)
    for name in ("lost 1", "lost 2", "lost 3"):
        (future,) = appended(journal, name)
        with pytest.raises(JournalUnavailable, match="no space left on device"):
            future.result(1)
        assert not journal.healthy
    faulty.fails(call, 0)
    (future,) = appended(journal, "after")
    assert future.exception() is None
    assert journal.healthy
    journal.close()
    assert texts(tmp_path) == ["before", "after"]
    assert intact(tmp_path)
    # A full disk is asked again and again; it must not be left full of empty files.
    assert len(list((tmp_path / "gate-0").glob("*.jsonl"))) == 2


def test_what_stands_behind_the_durable_end_of_a_given_up_file_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk does not even let us cut, the next file says where the last one ended."""
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk())
    appended(journal, "before")

    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "no")

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", refuse)
        faulty.fails("fsync", 1)
        # Without a private part, so that it is the journal's own fsync that fails.
        future = journal.append(make_event(EventKind.OUTCOME, {"number": "during"}, {}, KEYS))
        future.result(10)
    journal.close()
    first = sorted((tmp_path / "gate-0").glob("*.jsonl"), key=lambda path: len(path.name))[0]
    assert first.read_bytes().count(b'"number":"during"') == 1
    assert texts(tmp_path) == ["before", "during"]
    assert intact(tmp_path)
    journal = a_journal(tmp_path)
    appended(journal, "again")
    journal.close()
    assert texts(tmp_path) == ["before", "during", "again"]
    assert intact(tmp_path)


def test_while_fsync_is_stalled_nothing_is_answered(tmp_path: Path) -> None:
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk())
    faulty.gate.clear()
    futures = [journal.append(an_event(str(number))) for number in range(20)]
    done, waiting = wait(futures, 0.3)
    assert not done
    faulty.gate.set()
    assert len(wait(waiting, 10).done) == 20
    journal.close()
    assert intact(tmp_path)


def test_what_waits_has_a_bound(tmp_path: Path) -> None:
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk(), bound=10)
    faulty.gate.clear()
    journal.append(an_event("in the writer's hands"))
    deadline = time.monotonic() + 60
    while journal._queue and time.monotonic() < deadline:
        time.sleep(0.01)
    waiting = [journal.append(an_event(str(number))) for number in range(10)]
    refused = journal.append(an_event("one too many"))
    with pytest.raises(JournalUnavailable, match="too many events wait"):
        refused.result(1)
    faulty.gate.set()
    assert all(future.exception(10) is None for future in waiting)
    journal.close()
    assert "one too many" not in texts(tmp_path)


def test_a_future_cannot_be_cancelled_once_the_event_is_taken(tmp_path: Path) -> None:
    """A request that goes away must not make the writer stumble over its future."""
    faulty = Faulty()
    journal = a_journal(tmp_path, disk=faulty.disk())
    faulty.gate.clear()
    future = journal.append(an_event("one"))
    assert not future.cancel()
    faulty.gate.set()
    assert future.result(10).seq == 2
    journal.close()


def test_a_fault_of_ours_in_the_writer_refuses_and_the_next_event_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = a_journal(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("gerbang.journal.writer.write_line", lambda *_: 1 / 0)
        (future,) = appended(journal, "lost")
        assert isinstance(future.exception(), JournalUnavailable)
    assert appended(journal, "kept")[0].exception() is None
    journal.close()
    assert texts(tmp_path) == ["kept"]
    assert intact(tmp_path)


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("a file")
    with pytest.raises(RecordError, match="the journal cannot be written: "):
        a_journal(tmp_path / "journal")


def test_a_disk_that_fails_at_the_start_is_one_sentence_and_leaves_the_slot_free(tmp_path: Path) -> None:
    faulty = Faulty()
    faulty.fails("fsync", 10)
    with pytest.raises(RecordError, match="the journal cannot be written: input/output error"):
        a_journal(tmp_path, disk=faulty.disk())
    a_journal(tmp_path).close()
    assert intact(tmp_path)


# ---------------------------------------------------------------- after a crash


def left_by_a_crash(folder: Path, tail: bytes) -> Path:
    """A journal whose process died with `tail` written behind the last line."""
    journal = a_journal(folder)
    journal.append(a_decision_event()).result(10)
    journal.append(an_event("kept")).result(10)
    journal.close()
    (path,) = (folder / "gate-0").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(tail)
    return path


@pytest.mark.parametrize("tail", [b'{"v":1,"se', b"{", b"\x00" * 4096, b"\x00" * (9 << 20), b"x" * 70_000])
def test_a_torn_last_line_is_cut_and_noted(tmp_path: Path, tail: bytes) -> None:
    path = left_by_a_crash(tmp_path, tail)
    journal = a_journal(tmp_path)
    journal.append(an_event("after")).result(10)
    journal.close()
    assert texts(tmp_path) == ["kept", "after"]
    (note,) = lines(tmp_path, lambda line: line.link.kind == EventKind.DISCONTINUITY)
    assert (note.link.body["reason"], note.link.body["bytes"]) == ("torn", len(tail))
    assert b"\x00" not in path.read_bytes()
    assert intact(tmp_path)


def test_a_last_line_cut_at_any_byte_is_recovered_from(tmp_path: Path) -> None:
    """What a power cut leaves of lines that nobody was told are written."""
    path = left_by_a_crash(tmp_path / "whole", b"")
    whole = path.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    for cut in (*range(last, len(whole) - 1, 97), len(whole) - 1):
        folder = tmp_path / str(cut)
        shutil.copytree(tmp_path / "whole", folder)
        (folder / "gate-0" / path.name).write_bytes(whole[:cut])
        assert intact(folder)  # before the next start, too
        journal = a_journal(folder)
        journal.append(an_event("after")).result(10)
        journal.close()
        assert texts(folder) == ["kept", "after"]
        assert intact(folder)


def killed(folder: Path, events: int = 6) -> Path:
    """The file of a journal whose process was killed: without a seal."""
    journal = a_journal(folder / "running", seal_lines=10**6)
    for number in range(events):
        journal.append(a_decision_event() if number % 2 else an_event(str(number))).result(10)
    shutil.copytree(folder / "running" / "gate-0", folder / "killed" / "gate-0")
    journal.close()
    (path,) = (folder / "killed" / "gate-0").glob("*.jsonl")
    return path


def test_a_line_that_was_changed_is_never_taken_for_what_a_crash_left(tmp_path: Path) -> None:
    """Any byte, made a zero or another: the start is refused with the place, and nothing is cut."""
    path = killed(tmp_path)
    whole = path.read_bytes()
    begins = 0
    for number, line in enumerate(whole.splitlines(keepends=True), 1):
        for place in {*range(0, len(line), 41), len(line) - 2, len(line) - 1}:
            for other in (0, line[place] ^ 1, 0x0A):
                if other == line[place]:
                    continue
                damaged = bytearray(whole)
                damaged[begins + place] = other
                path.write_bytes(damaged)
                with pytest.raises(RecordError) as refused:
                    a_journal(tmp_path / "killed")
                named = refused.value.place
                assert named is not None
                assert (named.file, named.line) == (str(path), number), (number, place, other)
                assert path.read_bytes() == bytes(damaged)
        begins += len(line)
    path.write_bytes(whole)
    a_journal(tmp_path / "killed").close()
    assert intact(tmp_path / "killed")


def test_a_line_without_its_line_feed_is_not_cut_with_the_half_line_behind_it(tmp_path: Path) -> None:
    path = killed(tmp_path)
    damaged = path.read_bytes()[:-1] + b'x{"v":1,"seq":9,"at"'
    path.write_bytes(damaged)
    with pytest.raises(RecordError, match=r":7: the line has no end"):
        a_journal(tmp_path / "killed")
    assert path.read_bytes() == damaged


@pytest.mark.parametrize(
    "filled", [b"", b"left of a line\n", b'{"v":1,"se', b"x" * (SECTOR - 1) + b"\n" + bytes(SECTOR)]
)
def test_blocks_that_a_crash_left_unfilled_are_cut(tmp_path: Path, filled: bytes) -> None:
    path = killed(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole + bytes(SECTOR - len(whole) % SECTOR) + filled)
    a_journal(tmp_path / "killed").close()
    assert path.read_bytes().startswith(whole)
    assert intact(tmp_path / "killed")


@pytest.mark.parametrize("near", [1, 700, 3000, 10_000])
@pytest.mark.parametrize("seal_lines", [3, 10**6])
def test_a_start_that_reads_only_the_end_finds_the_same_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: int, seal_lines: int
) -> None:
    monkeypatch.setattr("gerbang.journal.recovery.NEAR_END", near)
    for round in range(3):
        journal = a_journal(tmp_path, seal_lines=seal_lines)
        for number in range(20):
            position = journal.append(an_event(f"{round}/{number}")).result(10)
        journal.close()
        (line,) = lines(tmp_path, lambda line: line.link.seq == position.seq)  # noqa: B023  # used at once
        assert (line.number, line.link.hash) == (position.line, position.hash)
    assert intact(tmp_path)


def test_private_parts_whose_lines_were_never_written_are_cut(tmp_path: Path) -> None:
    path = left_by_a_crash(tmp_path, b"")
    side = path.parent / "side" / path.name
    whole = side.read_bytes()
    side.write_bytes(whole + b'{"fields":{"officer":["00","Aminah"]},"id":"')
    a_journal(tmp_path).close()
    assert side.read_bytes() == whole
    assert intact(tmp_path)


def test_a_file_that_was_made_and_not_filled_is_no_obstacle(tmp_path: Path) -> None:
    path = left_by_a_crash(tmp_path, b"")
    (path.parent / "2999-01-01.jsonl").touch()
    (path.parent / "2999-01-01.1.jsonl").write_bytes(b'{"v":1')
    (path.parent / "side" / "2999-01-01.jsonl").write_bytes(b"left over\n")
    journal = a_journal(tmp_path)
    journal.append(an_event("after")).result(10)
    journal.close()
    assert texts(tmp_path) == ["kept", "after"]
    assert intact(tmp_path)


def changed(path: Path, line: int, old: bytes, new: bytes) -> None:
    raw = path.read_bytes().split(b"\n")
    assert old in raw[line - 1]
    raw[line - 1] = raw[line - 1].replace(old, new)
    path.write_bytes(b"\n".join(raw))


@pytest.mark.parametrize("line", [3, 5])
def test_a_start_on_a_damaged_journal_is_refused_with_the_place(tmp_path: Path, line: int) -> None:
    path = left_by_a_crash(tmp_path, b"")
    before = path.read_bytes()
    changed(path, line, b'"kind":"', b'"kind":"x')
    damaged = path.read_bytes()
    with pytest.raises(RecordError, match=rf"{path.name}:{line}: .*; see `gerbang audit verify`"):
        a_journal(tmp_path)
    assert path.read_bytes() == damaged  # nothing is lost
    path.write_bytes(before)
    a_journal(tmp_path).close()


def test_a_last_line_feed_that_was_changed_is_damage_and_not_a_crash(tmp_path: Path) -> None:
    path = left_by_a_crash(tmp_path, b"")
    raw = path.read_bytes()
    path.write_bytes(raw[:-1] + b"\x0b")
    with pytest.raises(RecordError, match="the line has no end"):
        a_journal(tmp_path)


def test_where_the_start_is_refused_nothing_is_cut(tmp_path: Path) -> None:
    path = killed(tmp_path)
    raw = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join(raw[:3] + raw[4:]) + b'{"v":1,"se'
    path.write_bytes(damaged)
    with pytest.raises(RecordError, match="missing or was changed"):
        a_journal(tmp_path / "killed")
    assert path.read_bytes() == damaged


def test_a_line_taken_out_since_the_last_seal_is_seen_at_the_start(tmp_path: Path) -> None:
    journal = a_journal(tmp_path, seal_lines=10**6)
    appended(journal, *map(str, range(5)))
    (path,) = (tmp_path / "gate-0").glob("*.jsonl")
    raw = path.read_bytes().splitlines(keepends=True)
    journal.close()
    path.write_bytes(b"".join(raw[:3] + raw[4:]))
    with pytest.raises(RecordError, match="missing or was changed"):
        a_journal(tmp_path)


def test_what_the_writer_counts_is_what_it_did(tmp_path: Path) -> None:
    disk = Faulty()
    journal = a_journal(tmp_path, disk=disk.disk(), seal_lines=3)
    journal.append(an_event("1")).result(10)
    assert (sum(journal.figures.latency.counts), journal.figures.failures) == (1, 0)
    assert (journal.figures.unavailable, journal.figures.sealed) == (0.0, None)

    disk.fails("write", 9)
    with pytest.raises(JournalUnavailable):
        journal.append(an_event("2")).result(10)
    away = journal.figures.unavailable
    assert journal.figures.failures == 1
    assert away > 0
    assert journal.figures.unavailable > away, "as long as it lasts"

    disk.fails("write", 0)
    journal.append(an_event("3")).result(10)
    away = journal.figures.unavailable
    assert journal.figures.unavailable == away, "and no longer"
    assert sum(journal.figures.latency.counts) == 2, "what found no place has no latency"
    journal.close()
    assert journal.figures.sealed is not None
    assert sum(journal.figures.groups.counts) >= 4, "the start, two events, a seal, the stop"
