"""Connecting to the database.

SQLite in write-ahead mode by default, its file for the owner only; PostgreSQL through psycopg.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError

from gerbang.errors import Place, RecordError

BUSY_SECONDS = 10


def make_engine(url: str) -> Engine:
    """An engine for SQLite or PostgreSQL; RecordError for anything else."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise RecordError(
            "this is no address of a database", hint="expected `sqlite:///FILE` or `postgresql://USER@HOST/NAME`"
        ) from None
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    try:
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        if parsed.drivername == "postgresql+psycopg":
            return create_engine(parsed, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_SECONDS})
    except ModuleNotFoundError:
        raise RecordError(
            "PostgreSQL needs its driver", place=place_of(parsed), hint="install `gerbang[postgresql]`"
        ) from None
    except NoSuchModuleError:
        pass
    raise RecordError(
        f"`{parsed.drivername}` is no database that Gerbang knows",
        hint="expected `sqlite:///FILE` or `postgresql://USER@HOST/NAME`",
    )


class DatabaseAway(RecordError):
    """The database server does not answer: it may be there again in a while."""


@contextmanager
def plain_errors(url: URL) -> Iterator[None]:
    """The database's own complaints as one sentence of ours, without a password."""
    try:
        yield
    except DBAPIError as error:
        # A file that cannot be used stays so; a server that does not answer may come back.
        away = isinstance(error, OperationalError) and url.get_backend_name() != "sqlite"
        kind, hint = (DatabaseAway, "start its server, or correct `[database] url`") if away else (RecordError, None)
        raise kind(f"the database cannot be used: {reason(error)}", place=place_of(url), hint=hint) from None
    except OSError as error:
        what = (error.strerror or "the system gave no reason").lower()
        raise RecordError(f"the database cannot be used: {what}", place=place_of(url)) from None


def reason(error: DBAPIError) -> str:
    """The first line of what the driver says."""
    lines = str(error.orig).strip().splitlines() or ["no reason given"]
    return lines[0][:1].lower() + lines[0][1:].rstrip(".")


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise RecordError("the database must be a file", hint="expected `sqlite:///FILE`")
    if url.query:
        raise RecordError("the address of a SQLite database takes no options", place=place_of(url))
    path = Path(url.database)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    def create(*_: Any) -> None:
        # Before SQLite does, which would give it the mode that the umask leaves; its side files copy it.
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            what = (error.strerror or "the system gave no reason").lower()
            raise RecordError(f"the database cannot be used: {what}", place=place_of(url)) from None
        try:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)

    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that also the schema changes in transactions
        # Another program's database, named by mistake, is left as it is: write-ahead would be written into its header.
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for pragma in (
            *(["journal_mode=WAL"] if not tables or "alembic_version" in tables else []),
            "synchronous=NORMAL",  # what a power cut takes is forwarded again
            "foreign_keys=ON",
            "secure_delete=ON",  # an erased name is not left on a free page
        ):
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: Connection) -> None:
        # A writer asks for the lock at once: a reader that turns writer fails without waiting.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "do_connect", create)
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", begin)
    return engine


def place_of(url: URL) -> Place:
    if url.get_backend_name() == "sqlite":
        return Place(url.database or "")
    return Place(url.render_as_string(hide_password=True))
