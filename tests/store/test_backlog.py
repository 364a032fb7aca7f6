"""How much of the journal waits for the database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gerbang.errors import RecordError
from gerbang.journal.ends import FURTHEST, PIECE
from gerbang.journal.reader import read
from gerbang.record.chain import LONGEST_LINE
from gerbang.store import Backlog, Forwarder, Store, backlog, open_store, tables, upgrade
from journal_builders import Faulty, a_journal, an_event


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    upgrade(url)
    opened = open_store(url)
    yield opened
    opened.close()


def test_no_journal_is_no_backlog(folder: Path, store: Store) -> None:
    assert backlog(folder, store) == {}


def test_what_waits_is_counted_without_reading_it_all(folder: Path, store: Store) -> None:
    journal = a_journal(folder)
    for _ in range(5):
        journal.append(an_event()).result(10)
    lines = list(read(folder))
    ((slot, waiting),) = backlog(folder, store).items()
    assert (slot, waiting.lines) == (journal.slot, len(lines))
    assert waiting.since is not None
    assert waiting.since.isoformat().replace("+00:00", "Z")[:19] == lines[0].link.at[:19]
    assert waiting.seconds(waiting.since + timedelta(seconds=90)) == 90
    assert waiting.seconds(waiting.since - timedelta(seconds=90)) == 0

    Forwarder(folder, store).once()
    assert backlog(folder, store) == {journal.slot: Backlog()}
    journal.append(an_event()).result(10)
    assert backlog(folder, store)[journal.slot].lines == 1
    journal.close()


def test_half_a_line_at_the_end_is_not_counted(folder: Path, store: Store) -> None:
    journal = a_journal(folder)
    journal.append(an_event()).result(10)
    before = backlog(folder, store)[journal.slot].lines
    with next((folder / journal.slot).glob("*.jsonl")).open("ab") as file:
        file.write(b'{"seq":99')
    assert backlog(folder, store)[journal.slot].lines == before


def test_a_file_that_was_given_up_counts_to_its_end(folder: Path, store: Store) -> None:
    disk = Faulty()
    journal = a_journal(folder, disk=disk.disk())
    journal.append(an_event()).result(10)
    disk.fails("write", 1, short=True)
    journal.append(an_event()).result(10)
    journal.close()
    assert backlog(folder, store)[journal.slot].lines == len(list(read(folder)))


def test_lines_longer_than_a_piece_are_counted(folder: Path, store: Store) -> None:
    assert LONGEST_LINE < FURTHEST, "the longest line has its beginning within reach"
    journal = a_journal(folder)
    for _ in range(2):
        journal.append(an_event("x" * 3 * PIECE)).result(10)
    assert backlog(folder, store)[journal.slot].lines == 3
    journal.close()


def test_a_database_that_lost_its_tables_is_told(folder: Path, store: Store) -> None:
    a_journal(folder).close()
    with store.engine.execution_options(writes=True).begin() as connection:
        connection.exec_driver_sql(f"DROP TABLE {tables.positions.name}")
    with pytest.raises(RecordError):
        backlog(folder, store)
