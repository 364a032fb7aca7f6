"""Forwarding: every event once, whatever happens to the journal, the database or the forwarder."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from builders import AMINAH, an_actor
from gerbang.errors import RecordError
from gerbang.journal.reader import Broken, Line, Mark, read, read_slot
from gerbang.journal.sidecar import erase
from gerbang.journal.verify import verify
from gerbang.record.event import EventKind, make_event
from gerbang.store import Comparison, Filter, Forwarder, Store, open_store, upgrade
from gerbang.store.tables import decisions, events, metadata
from journal_builders import KEYS, SEAL_KEY, Faulty, a_decision_event, a_journal, an_event


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    upgrade(url)
    store = open_store(url)
    yield store
    store.close()


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def filled(folder: Path, count: int = 10, slot: int = 0, **more: Any) -> None:
    journal = a_journal(folder, slot, **more)
    for future in [journal.append(a_decision_event()) for _ in range(count)]:
        future.result(20)
    journal.close()


def indexed(store: Store) -> dict[str, list[int]]:
    """The sequence numbers that the database holds, by slot."""
    found: dict[str, list[int]] = {}
    with store.engine.connect() as connection:
        for slot, seq in connection.execute(select(events.c.slot, events.c.seq).order_by(events.c.slot, events.c.seq)):
            found.setdefault(slot, []).append(seq)
    return found


def written(folder: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for line in read(folder):
        found.setdefault(line.slot, []).append(line.link.seq)
    return found


def fits(folder: Path, store: Store) -> bool:
    report = verify(folder, key=SEAL_KEY.public_key(), index=Comparison(store))
    return report.damage is None and all(slot.indexed == slot.lines for slot in report.slots)


def test_every_line_of_every_slot_is_indexed_once(journal: Path, store: Store) -> None:
    filled(journal, 700, 0)
    filled(journal, 5, 1)
    forwarder = Forwarder(journal, store)
    assert forwarder.once() == len(list(read(journal)))
    assert indexed(store) == written(journal)
    assert forwarder.once() == 0
    filled(journal, 3, 0)
    assert Forwarder(journal, store).once() == 6  # another forwarder goes on where the first one was
    assert indexed(store) == written(journal)
    assert fits(journal, store)


def test_a_journal_that_is_not_there_yet_is_nothing_to_forward(journal: Path, store: Store) -> None:
    assert Forwarder(journal, store).once() == 0


def test_two_forwarders_at_once_double_nothing(journal: Path, store: Store, url: str) -> None:
    filled(journal, 1500, seal_lines=100)
    others = [open_store(url) for _ in range(3)]

    def forward(one: Store) -> None:
        forwarder, quiet = Forwarder(journal, one), 0
        while quiet < 2:
            try:
                quiet = 0 if forwarder.once() else quiet + 1
            except SQLAlchemyError:
                quiet = 0  # the loser of a race tries again, as `run` does

    threads = [threading.Thread(target=forward, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert indexed(store) == written(journal)
    assert fits(journal, store)
    for one in others:
        one.close()


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_a_database_that_goes_away_in_the_middle_gets_everything_once_it_is_back(
    journal: Path, store: Store, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    filled(journal, 10)
    monkeypatch.setattr("gerbang.store.forwarder.BATCH", batch)
    real, calls = Store._there, iter(range(10**6))

    def fails_every_other_time(self: Store, *arguments: Any) -> Any:
        if next(calls) % 2 == 0:
            raise OperationalError("away", None, Exception("connection refused"))
        return real(self, *arguments)

    monkeypatch.setattr(Store, "_there", fails_every_other_time)
    forwarder = Forwarder(journal, store)
    for _ in range(40):
        try:
            forwarder.once()
        except OperationalError:
            continue
        break
    assert indexed(store) == written(journal)
    assert fits(journal, store)


def test_run_outlives_a_database_that_is_not_there_at_first(journal: Path, tmp_path: Path) -> None:
    filled(journal, 5)
    url = f"sqlite:///{tmp_path / 'later' / 'gerbang.db'}"
    store = open_store(url, checked=False)
    stop = threading.Event()
    thread = threading.Thread(target=Forwarder(journal, store).run, args=(stop, 0.05))
    thread.start()
    time.sleep(0.2)
    assert thread.is_alive()
    (tmp_path / "later").mkdir()
    upgrade(url)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not Comparison(store).slots():
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert indexed(store) == written(journal)
    store.close()


def test_a_slot_that_cannot_be_read_does_not_hold_up_the_others(
    journal: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(journal, 3, 0)
    filled(journal, 3, 1)
    real = read_slot

    def unreadable(slot: Path, mark: Mark | None = None) -> Iterator[Line | Broken]:
        if slot.name == "gate-0":
            raise RecordError("the journal cannot be read: permission denied")
        return real(slot, mark)

    monkeypatch.setattr("gerbang.store.forwarder.read_slot", unreadable)
    with pytest.raises(RecordError, match="permission denied"):
        Forwarder(journal, store).once()
    assert list(indexed(store)) == ["gate-1"]


def test_a_damaged_line_is_left_out_and_those_behind_it_are_not(journal: Path, store: Store) -> None:
    filled(journal, 5)
    (path,) = (journal / "gate-0").glob("*.jsonl")
    raw = path.read_bytes().splitlines(keepends=True)
    raw[2] = raw[2].replace(b'"effect":"block"', b'"effect":"allow"')
    path.write_bytes(b"".join(raw))
    Forwarder(journal, store).once()
    assert indexed(store)["gate-0"] == [1, 2, 4, 5, 6, 7, 8]


def test_lines_read_before_their_file_was_given_up_are_replaced_by_those_that_count(
    journal: Path, store: Store
) -> None:
    """The forwarder may read a line in the instant between its writing and its failed fsync."""
    faulty = Faulty()
    writer = a_journal(journal, disk=faulty.disk(), seal_lines=10**6)
    forwarder = Forwarder(journal, store)
    writer.append(an_event("before")).result(10)
    forwarder.once()
    faulty.gate.clear()
    faulty.fails("fsync", 1)
    # Nothing private, so that the first fsync is the journal's own, behind the write.
    future = writer.append(make_event(EventKind.OUTCOME, {"number": "x", "status": 200, "accepted": True}, {}, KEYS))
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and forwarder.once() == 0:
        time.sleep(0.01)
    assert indexed(store) == {"gate-0": [1, 2, 3]}
    faulty.gate.set()
    assert future.result(10).seq == 4
    writer.close()
    forwarder.once()
    assert indexed(store) == written(journal)
    assert fits(journal, store)


def test_an_erased_private_part_is_indexed_without_a_name(journal: Path, store: Store) -> None:
    filled(journal, 2)
    found = [line for line in read(journal) if line.link.kind == "decision"]
    erase(journal / "gate-0", [line.link.id for line in found])
    Forwarder(journal, store).once()
    page = store.decisions(Filter(), reveal=True)
    assert [row.officer_name for row in page.rows] == [None, None]
    assert fits(journal, store)


def test_a_body_of_a_later_versions_shape_is_indexed_as_an_event(journal: Path, store: Store) -> None:
    writer = a_journal(journal)
    writer.append(make_event(EventKind.DECISION, {"number": "7K3M", "new": {"shape": [1]}}, {}, KEYS)).result(10)
    writer.close()
    Forwarder(journal, store).once()
    assert indexed(store) == written(journal)
    assert store.decisions().rows == ()


def test_hostile_texts_do_not_stop_the_forwarding(journal: Path, store: Store) -> None:
    """NUL and half a surrogate pair: JSON has both, PostgreSQL neither."""
    writer = a_journal(journal)
    private = {"officer": {"id": "P\x00", "name": "A\ud83d", "unit": "\x00"}, "target": "x\x00\ud83d"}
    event = make_event(EventKind.DECISION, dict(a_decision_event().body, zone="z\x00\ud83d"), private, KEYS)
    writer.append(event).result(10)
    writer.close()
    Forwarder(journal, store).once()
    (row,) = store.decisions(reveal=True).rows
    assert (row.zone, row.officer_name) == ("z\ufffd?", "A?")
    assert fits(journal, store)


# ---------------------------------------------------------------- the database against the journal


CHANGES = (
    "UPDATE decisions SET effect = 'allow'",
    "UPDATE decisions SET moment = '2020-01-01 00:00:00+00:00' WHERE effect = 'block'",
    "UPDATE events SET body = '{}' WHERE seq = 3",
    "UPDATE events SET hash = 'x' WHERE seq = 3",
    "DELETE FROM events WHERE seq = 3",
    "DELETE FROM matches",
    "DELETE FROM decisions",
    "UPDATE matches SET exempted_by = 'approval'",
    "INSERT INTO gaps SELECT id, 0, 'unreadable', '' FROM decisions",
)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_the_database_is_found(journal: Path, store: Store, change: str) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    assert fits(journal, store)
    with store.engine.begin() as connection:
        moment = change.replace("+00:00'", ".000000'") if store.engine.dialect.name == "sqlite" else change
        assert connection.execute(text(moment)).rowcount
    report = verify(journal, key=SEAL_KEY.public_key(), index=Comparison(store))
    assert report.damage is not None
    assert "the database" in report.damage.what


def changed(store: Store, *statements: str) -> None:
    """Change the database as somebody does who may do anything with it: nothing holds the tables together."""
    free = (
        "PRAGMA foreign_keys=OFF" if store.engine.dialect.name == "sqlite" else "SET session_replication_role=replica"
    )
    with store.engine.connect() as connection:
        raw = connection.connection.cursor()
        raw.execute(free)
        for statement in statements:
            raw.execute(statement)
        connection.connection.commit()
        connection.invalidate()


def said(folder: Path, store: Store) -> str:
    """The damage that is found."""
    found = verify(folder, key=SEAL_KEY.public_key(), index=Comparison(store)).damage
    assert found is not None
    return str(found)


def copied(table: Table, where: str, **put: str) -> str:
    """The statement that puts a row in, made of another one with some columns changed."""
    values = ", ".join(put.get(column.name, column.name) for column in table.columns)
    return f"INSERT INTO {table.name} SELECT {values} FROM {table.name} WHERE {where}"  # noqa: S608  # ours


FORGED = "'ffffffffffffffffffffffff'"


def test_a_decision_without_a_line_is_found(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    changed(store, copied(decisions, "id IN (SELECT id FROM events WHERE seq = 3)", id=FORGED))
    assert "its table `decisions` holds what no line of the journal says, such as `ffff" in said(journal, store)


@pytest.mark.parametrize("seq", ["0", "-7"])
def test_a_decision_with_a_line_of_its_own_making_is_found(journal: Path, store: Store, seq: str) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    changed(
        store,
        copied(events, "seq = 3", id=FORGED, seq=seq),
        copied(decisions, "id IN (SELECT id FROM events WHERE seq = 3)", id=FORGED),
    )
    assert said(journal, store).endswith("the database holds what the journal of this slot never said: more lines by 1")


def test_a_line_that_stands_twice_is_found(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    drop = "DROP INDEX" if store.engine.dialect.name == "sqlite" else "ALTER TABLE events DROP CONSTRAINT"
    if drop == "DROP INDEX":
        # SQLite cannot drop a constraint, and whoever can write the file makes the table anew.
        changed(
            store, "CREATE TABLE anew AS SELECT * FROM events", "DROP TABLE events", "ALTER TABLE anew RENAME TO events"
        )
    else:
        changed(store, f"{drop} events_slot_seq")
    changed(store, copied(events, "seq = 3", id=FORGED))
    assert said(journal, store).endswith("more lines by 1")


def test_rows_of_another_slots_name_are_found(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    changed(store, copied(events, "seq = 3", id=FORGED, slot="'gate-9'"))
    assert "the slot is missing" in said(journal, store)


def test_an_end_that_the_database_lost_is_found_and_not_taken_for_what_is_yet_to_come(
    journal: Path, store: Store
) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    filled(journal, 2)
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM events WHERE seq > 4"))
    assert said(journal, store).endswith(".jsonl:5: the database lacks the line")


def test_a_database_that_lost_all_is_found(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM events"))
    assert said(journal, store).endswith(".jsonl:1: the database lacks the line")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("UPDATE officers SET name = 'Badrul bin Salah'", "is another than in the journal"),
        ("UPDATE officers SET officer = 'P-9999'", "is another than in the journal"),
        ("DELETE FROM officers", "it lacks the name behind the pseudonym"),
        ("UPDATE details SET fields = replace(fields, '10.1.2.3', '10.9.9.9')", "the line's private part is another"),
        ("DELETE FROM details", "the line's private part is another there, or missing"),
        ("INSERT INTO details SELECT id, '{}' FROM events WHERE kind = 'start'", "the line's private part is another"),
    ],
)
def test_names_and_private_parts_are_held_against_the_journal(
    journal: Path, store: Store, change: str, sentence: str
) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    changed(store, change)
    assert sentence in said(journal, store)


def test_an_officer_who_changed_her_name_is_no_damage(journal: Path, store: Store) -> None:
    for name in ("Aminah binti Contoh", "Aminah binti Misal"):
        writer = a_journal(journal)
        writer.append(a_decision_event(actor=an_actor(replace(AMINAH, name=name)))).result(10)
        writer.close()
        Forwarder(journal, store).once()
    assert fits(journal, store)


def test_what_was_erased_from_the_journal_alone_is_counted(journal: Path, store: Store) -> None:
    filled(journal, 2)
    Forwarder(journal, store).once()
    erase(journal / "gate-0", [line.link.id for line in read(journal) if line.link.kind == "decision"])
    report = verify(journal, key=SEAL_KEY.public_key(), index=Comparison(store))
    assert report.damage is None
    assert report.notes == (
        "private parts erased from the journal and still in the database: 2",
        "names in the database that no line has any more: 1",
    )


def test_a_check_beside_a_busy_forwarder_finds_nothing(journal: Path, store: Store, url: str) -> None:
    other = open_store(url)
    stop = threading.Event()
    thread = threading.Thread(target=Forwarder(journal, other).run, args=(stop, 0.001))
    thread.start()
    writer = a_journal(journal, seal_lines=20)
    waiting = [writer.append(a_decision_event()) for _ in range(300)]
    while not all(future.done() for future in waiting):
        assert verify(journal, key=SEAL_KEY.public_key(), index=Comparison(store)).damage is None
    writer.close()
    stop.set()
    thread.join(20)
    other.close()
    Forwarder(journal, store).once()
    assert fits(journal, store)


def test_an_end_cut_off_is_found_where_the_database_knows_more(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    (path,) = (journal / "gate-0").glob("*.jsonl")
    raw = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(raw[:-3]))
    found = verify(journal, key=SEAL_KEY.public_key(), index=Comparison(store)).damage
    assert found is not None
    assert str(found).endswith(f"{path.name}:5: the journal ends here, but the database knows line 8")
    assert verify(journal, key=SEAL_KEY.public_key()).damage is None


def test_what_is_not_yet_forwarded_is_no_damage(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    filled(journal, 2)
    report = verify(journal, key=SEAL_KEY.public_key(), index=Comparison(store))
    assert report.damage is None
    assert report.slots[0].notes == ("lines not yet in the database: 5",)


def test_nothing_of_an_event_outlives_it(journal: Path, store: Store) -> None:
    filled(journal, 5)
    Forwarder(journal, store).once()
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM events"))
        left = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar()
            for table in metadata.sorted_tables
        }
    assert {name for name, count in left.items() if count} == {"officers", "positions"}
