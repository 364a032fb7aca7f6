"""The shape: made by migrations, held to what the program expects, and no other accepted."""

import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from gerbang.bundled import bundled
from gerbang.errors import RecordError
from gerbang.store import open_store, upgrade
from gerbang.store.engine import make_engine
from gerbang.store.tables import metadata

SCRIPT = ScriptDirectory(str(bundled("migrations")))
REVISIONS = [script.revision for script in reversed(list(SCRIPT.walk_revisions()))]


def migrate(connection: Connection, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", str(bundled("migrations")))
    config.attributes["connection"] = connection
    (command.downgrade if down else command.upgrade)(config, revision)


def test_an_empty_database_gets_todays_shape(url: str) -> None:
    assert upgrade(url) == ("", REVISIONS[-1])
    engine = make_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        names = {index["name"] for table in metadata.tables for index in inspect(connection).get_indexes(table)}
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= names
    engine.dispose()
    open_store(url).close()


def test_a_second_upgrade_changes_nothing(url: str) -> None:
    upgrade(url)
    assert upgrade(url) == (REVISIONS[-1], REVISIONS[-1])


@pytest.mark.parametrize("revision", REVISIONS[:-1])
def test_an_old_database_keeps_its_rows(url: str, revision: str) -> None:
    engine = make_engine(url)
    with engine.execution_options(writes=True).begin() as connection:
        migrate(connection, revision)
        connection.execute(
            text(
                "INSERT INTO events (id, slot, seq, file, line, kind, at, hash, number, body) VALUES"
                " ('ab', 'gate-0', 1, '2026-11-24.jsonl', 1, 'start', '2026-11-24 02:00:00+00', 'cd', NULL, '{}')"
            )
        )
        connection.execute(text("INSERT INTO positions VALUES ('gate-0', '2026-11-24.jsonl', 99, 1)"))
    with pytest.raises(RecordError, match="shape of an older version; run `gerbang db upgrade`"):
        open_store(url)
    assert upgrade(url) == (revision, REVISIONS[-1])
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, seq FROM events")).all() == [("ab", 1)]
    store = open_store(url)
    assert store.position("gate-0").offset == 99
    store.close()
    engine.dispose()


def test_a_downgrade_works_or_says_why_not(url: str) -> None:
    upgrade(url)
    engine = make_engine(url)
    with engine.execution_options(writes=True).begin() as connection:
        migrate(connection, "0001", down=True)
        assert "details" not in inspect(connection).get_table_names()
    with pytest.raises(RuntimeError, match="the index holds evidence"), engine.begin() as connection:
        migrate(connection, "base", down=True)
    engine.dispose()


def test_a_database_from_a_newer_version_is_left_alone(url: str) -> None:
    upgrade(url)
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for attempt in (upgrade, open_store):
        with pytest.raises(RecordError) as raised:
            attempt(url)
        assert "the database is from a newer version of Gerbang (revision `9999`); install that version" in str(
            raised.value
        )
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    engine.dispose()


def test_programs_that_start_at_once_do_not_stumble_over_each_other(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(upgrade, [url] * 4))
    assert sorted(before for before, _ in found) == ["", *[REVISIONS[-1]] * 3]


def test_an_empty_database_is_not_opened(url: str) -> None:
    with pytest.raises(RecordError, match="there is nothing of Gerbang in the database yet; run `gerbang db upgrade`"):
        open_store(url)


def test_sqlite_is_for_its_owner_only_and_writes_ahead(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        path = tmp_path / "gerbang.db"
        upgrade(f"sqlite:///{path}")
        store = open_store(f"sqlite:///{path}")
        with store.engine.begin() as connection:
            connection.execute(text("INSERT INTO positions VALUES ('gate-0', 'f', 1, 1)"))
            pragma = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "foreign_keys", "secure_delete")
            }
            assert pragma == {"journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1}
            modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("gerbang.db", "gerbang.db-wal", "gerbang.db-shm"), 0o600)
    store.close()
    path.chmod(0o644)
    open_store(f"sqlite:///{path}").close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "this is no address of a database; expected `sqlite:///FILE`"),
        ("mysql://x/y", "`mysql` is no database that Gerbang knows"),
        ("postgresql+asyncpg://x/y", "`postgresql+asyncpg` is no database that Gerbang knows"),
        ("sqlite://", "the database must be a file"),
        (
            "sqlite:////nowhere/at/all/g.db",
            "/nowhere/at/all/g.db: the database cannot be used: no such file or directory",
        ),
    ],
)
def test_a_wrong_address_is_one_sentence(url: str, sentence: str) -> None:
    with pytest.raises(RecordError) as raised:
        open_store(url)
    assert sentence in str(raised.value)


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "gerbang.db").write_text("this is a text, and long enough not to be taken for an empty file" * 20)
    for attempt in (upgrade, open_store):
        with pytest.raises(RecordError, match=r"gerbang\.db: the database cannot be used: file is not a database"):
            attempt(f"sqlite:///{tmp_path / 'gerbang.db'}")


def test_a_locked_database_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.store.engine.BUSY_SECONDS", 0.1)
    url = f"sqlite:///{tmp_path / 'gerbang.db'}"
    upgrade(url)
    holder = sqlite3.connect(tmp_path / "gerbang.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(RecordError, match="the database cannot be used: database is locked"):
        upgrade(url)
    holder.close()


@pytest.mark.needs_postgresql
def test_no_password_is_shown(postgresql: Path) -> None:
    with pytest.raises(RecordError) as raised:
        open_store(f"postgresql://tester:rahsia@/nowhere?host={postgresql}")
    assert "rahsia" not in str(raised.value)
    assert 'database "nowhere" does not exist' in str(raised.value)
