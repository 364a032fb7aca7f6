"""Taking the copies of erased private parts out of the database."""

from collections.abc import Collection, Sequence

from sqlalchemy import delete, exists, select, text

from gerbang.record.event import EventKind
from gerbang.store.engine import plain_errors
from gerbang.store.queries import Store
from gerbang.store.tables import decisions, details, events, officers


def copies_of(store: Store, number: str, kinds: Collection[EventKind]) -> tuple[str, ...]:
    """The ids of the events about a decision of which the database has a private part."""
    query = (
        select(details.c.id)
        .join(events, events.c.id == details.c.id)
        .where(events.c.number == number, events.c.kind.in_(kinds))
    )
    with store.reading() as connection:
        return tuple(connection.execute(query).scalars())


def forget(store: Store, ids: Sequence[str]) -> tuple[int, int]:
    """Delete the private parts of those events, and the names that no other event needs; how many of each."""
    engine = store.engine
    behind = decisions.c.officer == officers.c.pseudonym
    named = exists().where(behind, decisions.c.id.in_(ids))
    needed = exists().where(behind, details.c.id == decisions.c.id)
    with plain_errors(engine.url), engine.execution_options(writes=True).begin() as connection:
        parts = connection.execute(delete(details).where(details.c.id.in_(ids))).rowcount
        names = connection.execute(delete(officers).where(named, ~needed)).rowcount
    if engine.dialect.name == "sqlite":
        # What the write-ahead log still holds of them goes too.
        with plain_errors(engine.url), engine.connect() as connection:
            connection.commit()
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return parts, names
