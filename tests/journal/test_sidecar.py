"""Private parts: read beside their lines, and erased while the journal is being written."""

from pathlib import Path

from gerbang.journal.reader import read
from gerbang.journal.sidecar import erase, erased_line, is_erased, read_private
from gerbang.journal.verify import verify
from journal_builders import SEAL_KEY, a_decision_event, a_journal, an_event, lines


def test_a_private_part_is_read_beside_its_line(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    journal.append(a_decision_event()).result(10)
    journal.close()
    start, decision, *_ = read(tmp_path)
    assert read_private(start) == {}
    assert read_private(decision)["officer"] == {"id": "P-1001", "name": "Aminah binti Contoh", "unit": "Komunikasi"}


def test_a_private_part_that_is_not_there_or_not_its_own_is_empty(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    for name in ("one", "two"):
        journal.append(an_event(name)).result(10)
    journal.close()
    one, two = lines(tmp_path, lambda line: line.link.kind == "outcome")
    side = one.path.parent / "side" / one.path.name
    raw = side.read_bytes().splitlines(keepends=True)
    side.write_bytes(raw[1] + raw[0])
    assert (read_private(one), read_private(two)) == ({}, {})
    for content in (b"", b"[]", b"\xff" * 600, b"[" * 600):
        side.write_bytes(content)
        assert read_private(one) == {}
    side.unlink()
    assert read_private(one) == {}


def test_erasing_under_a_running_writer_disturbs_nobody(tmp_path: Path) -> None:
    journal = a_journal(tmp_path)
    events = [an_event(str(number)) for number in range(60)]
    for number, event in enumerate(events):
        journal.append(event).result(10)
        if number % 10 == 9:
            assert erase(tmp_path / "gate-0", [events[number - 5].id, "0" * 24]) == 1
    journal.close()
    report = verify(tmp_path, key=SEAL_KEY.public_key())
    assert report.damage is None
    assert report.slots[0].erased == 6
    erased = [line for line in read(tmp_path) if line.link.side[1] and not read_private(line)]
    assert [line.link.body["number"] for line in erased] == ["4", "14", "24", "34", "44", "54"]


def test_what_stands_for_an_erased_part_is_as_long_and_holds_nothing_else() -> None:
    raw = erased_line("ab" * 12, 400)
    assert len(raw) == 400
    assert is_erased(raw[:-1], "ab" * 12)
    assert not is_erased(raw[:-1], "cd" * 12)
    assert not is_erased(raw[:-1].replace(b"xxx", b"xyx"), "ab" * 12)
