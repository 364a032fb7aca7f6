"""The database against the journal: that it holds every line as it is, and nothing that no line says.

Whoever reads lists and pages reads the database, so what was changed there must show as well.
"""

from collections.abc import Sequence
from itertools import batched
from typing import cast

from sqlalchemy import Connection, Table, func, select, union

from gerbang.errors import Place
from gerbang.journal.reader import Line, Mark
from gerbang.journal.sidecar import read_private
from gerbang.journal.verify import Entry, Extent
from gerbang.store import tables
from gerbang.store.engine import place_of
from gerbang.store.queries import Store
from gerbang.store.rows import Row, Rows, detail_row, officer_row, rows_of

# Names are looked up so many at a time.
_NAMES = 500
_CHECKED = tuple(
    table for table in tables.metadata.sorted_tables if table not in (tables.details, tables.officers, tables.positions)
)
_OF_A_LINE = tuple(table for table in (*_CHECKED, tables.details) if table is not tables.events)


class Comparison:
    """One pass over the journal beside the database, as `verify` makes it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Names are read first and last: a forwarder at work between may add to them.
        self._known = self._names()
        self._told: dict[object, list[Row]] = {}
        self._outlived = 0

    @property
    def place(self) -> Place:
        return place_of(self._store.engine.url)

    def slots(self) -> tuple[str, ...]:
        """The slots of which the database holds lines, or once did."""
        found = union(select(tables.events.c.slot), select(tables.positions.c.slot))
        with self._store.reading() as connection:
            return tuple(connection.execute(found).scalars())

    def extent(self, slot: str) -> Extent | None:
        """What the database holds of `slot`, in one instant; `None` where it never had a line of it."""
        event, position = tables.events.c, tables.positions.c
        of_slot = event.slot == slot
        query = select(
            select(func.max(event.seq)).where(of_slot).scalar_subquery(),
            select(func.count()).select_from(tables.events).where(of_slot).scalar_subquery(),
            select(position.file).where(position.slot == slot).scalar_subquery(),
            select(position.offset).where(position.slot == slot).scalar_subquery(),
            select(position.line).where(position.slot == slot).scalar_subquery(),
        )
        with self._store.reading() as connection:
            last, count, file, offset, line = connection.execute(query).one()
        if not count and file is None:
            return None
        return Extent(last or 0, count, Mark(file or "", offset or 0, line or 0))

    def difference(self, entries: Sequence[Entry]) -> tuple[Line, str] | None:
        """The first line that the database lacks or holds otherwise, and what differs."""
        expected = [(entry, rows_of(entry.line)) for entry in entries]
        ids = [entry.line.link.id for entry in entries]
        held: dict[Table, dict[object, list[Row]]] = {}
        with self._store.reading() as connection:
            for table in (*_CHECKED, tables.details):
                held[table] = _held(connection, table, ids)
        for entry, rows in expected:
            if what := _what_differs(entry, rows, held):
                return entry.line, what
            self._remember(entry)
            self._outlived += entry.private is None and entry.line.link.id in held[tables.details]
        return None

    def strays(self) -> str | None:
        """What is in the database and hangs on no line of any slot."""
        with self._store.reading() as connection:
            for table in _OF_A_LINE:
                key = table.c.decision if "decision" in table.c else table.c.id
                alone = (
                    select(func.count(), func.min(key))
                    .select_from(table.outerjoin(tables.events, tables.events.c.id == key))
                    .where(tables.events.c.id.is_(None))
                )
                count, first = connection.execute(alone).one()
                if count:
                    return f"its table `{table.name}` holds what no line of the journal says, such as `{first}`"
        return None

    def names_fault(self) -> str | None:
        """What is wrong with the names behind pseudonyms, once every line has been compared."""
        for pseudonym, names in self._told.items():
            known = self._known.get(pseudonym)
            if known is not None and known not in names:
                return f"the name behind the pseudonym `{pseudonym}` is another than in the journal"
        missing = [pseudonym for pseudonym in self._told if pseudonym not in self._known]
        for some in batched(missing, _NAMES, strict=False):
            there = self._names(some)
            for pseudonym in some:
                if pseudonym not in there:
                    return f"it lacks the name behind the pseudonym `{pseudonym}`"
        return None

    def outlived(self) -> tuple[int, int]:
        """How many private parts, and how many names, the database holds that the journal has no more."""
        return self._outlived, sum(pseudonym not in self._told for pseudonym in self._known)

    def _remember(self, entry: Entry) -> None:
        officer = entry.line.link.body.get("officer")
        if entry.private and (name := officer_row(officer, entry.private)):
            names = self._told.setdefault(name["pseudonym"], [])
            if name not in names:
                names.append(name)

    def _names(self, of: Sequence[object] | None = None) -> dict[object, Row]:
        query = select(tables.officers)
        if of is not None:
            query = query.where(tables.officers.c.pseudonym.in_(of))
        with self._store.reading() as connection:
            return {row["pseudonym"]: cast(Row, dict(row)) for row in connection.execute(query).mappings()}


def _held(connection: Connection, table: Table, ids: Sequence[str]) -> dict[object, list[Row]]:
    """The rows of `table` for those lines, by line."""
    key = table.c.decision if "decision" in table.c else table.c.id
    order = [table.c.place] if "place" in table.c else []
    grouped: dict[object, list[Row]] = {}
    for row in connection.execute(select(table).where(key.in_(ids)).order_by(*order)).mappings():
        grouped.setdefault(row[key.name], []).append(cast(Row, dict(row)))
    return grouped


def _what_differs(entry: Entry, rows: Rows, held: dict[Table, dict[object, list[Row]]]) -> str | None:
    event = entry.line.link.id
    for table in _CHECKED:
        found = held[table].get(event, [])
        if found != rows.get(table, []):
            if not found and table is tables.events:
                return "the database lacks the line"
            return f"the database has changed: its table `{table.name}` does not fit the line"
    if entry.private is None:
        return None  # erased, and with it what the database could be held against
    expected = [detail_row(event, entry.private)] if entry.private else []
    if held[tables.details].get(event, []) == expected:
        return None
    if expected and not read_private(entry.line):
        return None  # erased since it was read
    return "the database has changed: the line's private part is another there, or missing"
