"""What auditors ask of the database: lists, one decision whole, counts. Names are masked unless asked for."""

import base64
import binascii
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, delete, func, insert, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from gerbang.errors import RecordError
from gerbang.journal.reader import Line, Mark
from gerbang.model import Mode
from gerbang.record.canonical import Json
from gerbang.record.event import EventKind
from gerbang.store import tables
from gerbang.store.engine import make_engine, plain_errors
from gerbang.store.rows import Row, Rows, detail_row, officer_row, rows_of
from gerbang.store.schema import check_shape

LARGEST_PAGE = 1000
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")
# What a look at an unmasked list would give away; purposes, objections and excerpts are written for the auditor.
_MASKED_FIELDS = frozenset(
    {"officer", "client", "host", "account", "audience", "target", "changes", "media", "grantee", "post", "url"}
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions are wanted; `None` is no condition. `since` is included, `until` is not.

    `officer` is a pseudonym or an officer's id, `number` any part of a decision's number, `rule` a rule's id or the
    part of it behind the document, `objection` whether the officer objected.
    """

    since: datetime | None = None
    until: datetime | None = None
    officer: str | None = None
    platform: str | None = None
    activity: str | None = None
    effect: str | None = None
    done: str | None = None
    standing: str | None = None
    regime: str | None = None
    zone: str | None = None
    rule: str | None = None
    category: str | None = None
    gap: str | None = None
    number: str | None = None
    objection: bool | None = None


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision as a list shows it. `officer_name` is masked unless revealed, and `None` where it is not known or was
    erased; `rules` are those that matched, the decisive ones first; `exempted`, `observed` and `released` of them had
    no effect. `accepted` is what the platform said to what was forwarded, `policy` the digest of the one in force,
    `confirmed` whether a hold was."""

    id: str
    number: str
    moment: datetime
    platform: str
    activity: str
    effect: str
    done: str
    standing: str
    officer: str | None
    officer_name: str | None
    zone: str
    office: str
    device: str
    regime: str
    remedial: bool
    unclaimed: bool
    rules: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    accepted: bool | None = None
    policy: str = ""
    decisive: tuple[str, ...] = ()
    exempted: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    released: tuple[str, ...] = ()
    objected: bool = False
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, newest first, and where the next page begins (`None` at the end)."""

    rows: tuple[DecisionRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Related:
    """Another event about the same decision: its outcome, a release, an objection, a correction."""

    kind: str
    at: datetime
    body: Mapping[str, Json]
    private: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One decision whole: the row, the chained body, the private part (masked unless revealed), where its line stands
    in the journal, and what happened to it since."""

    row: DecisionRow
    body: Mapping[str, Json]
    private: Mapping[str, Json]
    slot: str
    file: str
    line: int
    seq: int
    hash: str
    related: tuple[Related, ...]


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many decisions of which the same became fell into the hour that begins at `hour`."""

    hour: datetime
    done: str
    count: int


@dataclass(frozen=True, slots=True)
class Activation:
    """A policy that came into force at `moment`, by its digests and the texts of its documents."""

    moment: datetime
    policy: str
    platforms: str
    calendar: str
    lexicons: str
    documents: Mapping[str, str]


def open_store(url: str, *, checked: bool = True) -> "Store":
    """The database at `url`; RecordError where it cannot be reached or has another version's shape.

    `checked=False` does not touch it yet, for whoever can wait until it is there.
    """
    engine = make_engine(url)
    if checked:
        check_shape(engine)
    return Store(engine)


class Store:
    """The database. Made by `open_store`; it may be used from several threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(writes=True)

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read by; the database's own complaints come out as RecordError."""
        with plain_errors(self.engine.url), self.engine.connect() as connection:
            yield connection

    # ------------------------------------------------------------ reading

    def decisions(
        self, wanted: Filter = Filter(), *, limit: int = 50, after: str | None = None, reveal: bool = False
    ) -> Page:
        """The decisions that `wanted` describes, newest first; `after` is the `next` of the page before."""
        limit = max(1, min(limit, LARGEST_PAGE))
        columns = tables.decisions.c
        query = _listed()
        if after is not None:
            query = query.where(tuple_(columns.moment, columns.id) < tuple_(*_from_cursor(after)))
        query = query.order_by(columns.moment.desc(), columns.id.desc()).limit(limit + 1)
        with self.reading() as connection:
            found = connection.execute(self._wanted(connection, query, wanted)).mappings().all()
            rows = _completed(connection, [_row(entry, reveal) for entry in found[:limit]])
        return Page(rows, _cursor(rows[-1]) if len(found) > limit else None)

    def decision(self, number: str, *, reveal: bool = False) -> DecisionRecord | None:
        """The decision with that number, the latest where two have the same; `None` where there is none."""
        columns, event = tables.decisions.c, tables.events.c
        query = (
            _listed()
            .add_columns(event.body, event.slot, event.file, event.line, event.seq, event.hash)
            .join(tables.events, event.id == columns.id)
            .where(columns.number == number)
            .order_by(columns.moment.desc())
            .limit(1)
        )
        about = (
            select(event.kind, event.at, event.body, tables.details.c.fields)
            .outerjoin(tables.details, tables.details.c.id == event.id)
            .where(event.number == number, event.kind != EventKind.DECISION)
            .order_by(event.at, event.slot, event.seq)
            .limit(LARGEST_PAGE)
        )
        with self.reading() as connection:
            found = connection.execute(query).mappings().first()
            if found is None:
                return None
            (row,) = _completed(connection, [_row(found, reveal)])
            fields = connection.execute(select(tables.details.c.fields).where(tables.details.c.id == row.id)).scalar()
            related = tuple(
                Related(entry.kind, entry.at, json.loads(entry.body), _private(entry.fields, reveal))
                for entry in connection.execute(about)
            )
        return DecisionRecord(
            row,
            json.loads(found["body"]),
            _private(fields, reveal),
            found["slot"],
            found["file"],
            found["line"],
            found["seq"],
            found["hash"],
            related,
        )

    def counts(self, wanted: Filter = Filter()) -> tuple[HourCount, ...]:
        """How many decisions by hour and what the gate did, in order of the hours."""
        columns = tables.decisions.c
        query = select(columns.hour, columns.done, func.count().label("decisions")).select_from(tables.decisions)
        query = query.group_by(columns.hour, columns.done).order_by(columns.hour, columns.done)
        start = datetime(1970, 1, 1, tzinfo=UTC)
        with self.reading() as connection:
            return tuple(
                HourCount(start + timedelta(hours=entry.hour), entry.done, entry.decisions)
                for entry in connection.execute(self._wanted(connection, query, wanted))
            )

    def holds(self, releases: Collection[str]) -> Mapping[str, str]:
        """The numbers of the decisions that were held and confirmed, by the ids of their releases."""
        release = tables.releases.c
        query = select(release.release, release.number).where(
            release.release.in_(releases), release.number.is_not(None)
        )
        with self.reading() as connection:
            return {entry.release: entry.number for entry in connection.execute(query)}

    def unheard(self, wanted: Filter) -> str | None:
        """The first of `rule`, `zone` and `officer` whose value stands in no decision at all."""
        alone = {
            "rule": Filter(rule=wanted.rule),
            "zone": Filter(zone=wanted.zone),
            "officer": Filter(officer=wanted.officer),
        }
        asked = (name for name, one in alone.items() if one != Filter())
        return next((name for name in asked if not self.decisions(alone[name], limit=1).rows), None)

    def activations(self, limit: int = 100) -> tuple[Activation, ...]:
        """The policies that came into force, newest first."""
        columns = tables.activations.c
        query = (
            select(tables.activations, tables.events.c.body)
            .join(tables.events, tables.events.c.id == columns.id)
            .order_by(columns.moment.desc(), columns.id)
            .limit(limit)
        )
        with self.reading() as connection:
            return tuple(
                Activation(
                    entry.moment,
                    entry.policy,
                    entry.platforms,
                    entry.calendar,
                    entry.lexicons,
                    json.loads(entry.body).get("documents", {}),
                )
                for entry in connection.execute(query)
            )

    def _wanted[Q: Select[Any]](self, connection: Connection, query: Q, wanted: Filter) -> Q:
        columns = tables.decisions.c
        conditions: list[ColumnElement[bool]] = []
        if wanted.since is not None:
            conditions.append(columns.moment >= wanted.since)
        if wanted.until is not None:
            conditions.append(columns.moment < wanted.until)
        if wanted.officer is not None:
            names = select(tables.officers.c.pseudonym).where(tables.officers.c.officer == wanted.officer)
            known = set(connection.execute(names).scalars())
            if _PSEUDONYM.fullmatch(wanted.officer):
                known.add(wanted.officer)
            # Equality lets the index give the order too; an id has one pseudonym but for a change of keys.
            conditions.append(columns.officer == known.pop() if len(known) == 1 else columns.officer.in_(known))
        for column, value in (
            (columns.platform, wanted.platform),
            (columns.activity, wanted.activity),
            (columns.effect, wanted.effect),
            (columns.done, wanted.done),
            (columns.standing, wanted.standing),
            (columns.regime, wanted.regime),
            (columns.zone, wanted.zone),
        ):
            if value is not None:
                conditions.append(column == value)
        for table, column, value in (
            (tables.findings, tables.findings.c.category, wanted.category),
            (tables.gaps, tables.gaps.c.reason, wanted.gap),
        ):
            if value is not None:
                conditions.append(columns.id.in_(select(table.c.decision).where(column == value)))
        if wanted.rule is not None:
            rule = tables.matches.c.rule
            named = rule == wanted.rule
            if "/" not in wanted.rule:
                longer = select(rule).where(rule.endswith(f"/{wanted.rule}", autoescape=True)).distinct()
                named = rule.in_([wanted.rule, *connection.execute(longer).scalars()])
            conditions.append(columns.id.in_(select(tables.matches.c.decision).where(named)))
        if wanted.objection is not None:
            event = tables.events.c
            objected = columns.number.in_(select(event.number).where(event.kind == EventKind.OBJECTION))
            conditions.append(objected if wanted.objection else ~objected)
        if wanted.number is not None:
            conditions.append(columns.number.contains(wanted.number.strip().upper(), autoescape=True))
        return query.where(*conditions)

    # ------------------------------------------------------------ forwarding

    def position(self, slot: str) -> Mark:
        """How far `slot` has been forwarded."""
        with self.engine.connect() as connection:
            return self._position(connection, slot) or Mark()

    def take(self, slot: str, since: Mark, until: Mark, lines: Sequence[tuple[Line, Mapping[str, Json]]]) -> bool:
        """Store `lines` (each with its private part), which stand in `slot` between two marks, all or none.

        False, and nothing is stored, where somebody else has moved the slot's position meanwhile.
        """
        rows: Rows = {}
        names: dict[object, Row] = {}
        details: list[Row] = []
        for line, private in lines:
            for table, made in rows_of(line).items():
                rows.setdefault(table, []).extend(made)
            if private:
                details.append(detail_row(line.link.id, private))
                if name := officer_row(line.link.body.get("officer"), private):
                    names[name["pseudonym"]] = name
        with self._writer.begin() as connection:
            held = self._position(connection, slot, lock=True)
            if (held or Mark()) != since:
                return False
            for line, _ in lines:
                if line.link.kind == EventKind.DISCONTINUITY and line.link.body.get("reason") == "write-failed":
                    self._forget_behind(connection, slot, line.link.seq)
            there = self._there(connection, [line.link.id for line, _ in lines])
            for table in (*tables.metadata.sorted_tables,):
                key = "decision" if "decision" in table.c else "id"
                fresh = [row for row in rows.get(table, ()) if row[key] not in there]
                if fresh:
                    connection.execute(insert(table), fresh)
            if fresh := [row for row in details if row["id"] not in there]:
                connection.execute(insert(tables.details), fresh)
            for row in names.values():
                self._put(connection, tables.officers, row, "pseudonym")
            place: Row = {"slot": slot, "file": until.file, "offset": until.offset, "line": until.line}
            if held is None:
                connection.execute(insert(tables.positions), [place])  # fails where two begin a slot at once
            else:
                self._put(connection, tables.positions, place, "slot")
        return True

    def _position(self, connection: Connection, slot: str, *, lock: bool = False) -> Mark | None:
        columns = tables.positions.c
        query = select(columns.file, columns.offset, columns.line).where(columns.slot == slot)
        found = connection.execute(query.with_for_update() if lock else query).first()
        return Mark(*found) if found else None

    def _there(self, connection: Connection, ids: list[str]) -> set[object]:
        return set(connection.execute(select(tables.events.c.id).where(tables.events.c.id.in_(ids))).scalars())

    def _forget_behind(self, connection: Connection, slot: str, seq: int) -> None:
        """Lines that were read before their file was given up: those that count come again behind this one."""
        event = tables.events.c
        connection.execute(delete(tables.events).where(event.slot == slot, event.seq >= seq))

    def _put(self, connection: Connection, table: Table, row: Row, key: str) -> None:
        """Insert `row`, or bring the one with the same key up to date."""
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        changes = {name: value for name, value in row.items() if name != key}
        connection.execute(make(table).values(row).on_conflict_do_update(index_elements=[key], set_=changes))


def masked(value: Json) -> Json:
    """A private value of which only the shape is left: `Aminah binti Contoh` as `A••• b••• C•••`."""
    if isinstance(value, str):
        return " ".join(word[:1] + "•••" for word in value.split()[:8])
    if isinstance(value, Mapping):
        return {key: masked(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [masked(part) for part in value]
    return value if value is None else "•••"


def _private(fields: str | None, reveal: bool) -> Mapping[str, Json]:
    if fields is None:
        return {}
    values: dict[str, Json] = json.loads(fields)
    return {name: value if reveal or name not in _MASKED_FIELDS else masked(value) for name, value in values.items()}


def _listed() -> Select[Any]:
    columns = tables.decisions.c
    return select(tables.decisions, tables.officers.c.name.label("officer_name")).outerjoin(
        tables.officers, tables.officers.c.pseudonym == columns.officer
    )


def _row(entry: Mapping[Any, Any], reveal: bool) -> DecisionRow:
    name = entry["officer_name"]
    return DecisionRow(
        id=entry["id"],
        number=entry["number"],
        moment=entry["moment"],
        platform=entry["platform"],
        activity=entry["activity"],
        effect=entry["effect"],
        done=entry["done"],
        standing=entry["standing"],
        officer=entry["officer"],
        officer_name=name if reveal or name is None else str(masked(name)),
        zone=entry["zone"],
        office=entry["office"],
        device=entry["device"],
        regime=entry["regime"],
        remedial=entry["remedial"],
        unclaimed=entry["unclaimed"],
        policy=entry["policy"],
    )


def _completed(connection: Connection, rows: Sequence[DecisionRow]) -> tuple[DecisionRow, ...]:
    """The rows with what stands in other tables, a query a table for all of them."""
    ids = [row.id for row in rows]
    rules = _rules(connection, rows)
    categories = _grouped(connection, tables.findings, tables.findings.c.category, ids)
    gaps = _grouped(connection, tables.gaps, tables.gaps.c.reason, ids)
    outcome = tables.outcomes.c
    answers = select(outcome.number, outcome.accepted).where(outcome.number.in_([row.number for row in rows]))
    accepted = {entry.number: entry.accepted for entry in connection.execute(answers)}
    event = tables.events.c
    objections = select(event.number).where(
        event.number.in_([row.number for row in rows]), event.kind == EventKind.OBJECTION
    )
    objected = set(connection.execute(objections).scalars())
    release = tables.releases.c
    confirmations = select(release.number).where(release.number.in_([row.number for row in rows]))
    confirmed = set(connection.execute(confirmations).scalars())
    return tuple(
        replace(
            row,
            rules=tuple(rule for stood in _STOOD for rule in rules[row.id, stood]),
            decisive=tuple(rules[row.id, "decisive"]),
            exempted=tuple(rules[row.id, "exempted"]),
            observed=tuple(rules[row.id, "observed"]),
            released=tuple(rules[row.id, "released"]),
            categories=categories.get(row.id, ()),
            gaps=gaps.get(row.id, ()),
            accepted=accepted.get(row.number),
            objected=row.number in objected,
            confirmed=row.number in confirmed,
        )
        for row in rows
    )


_STOOD = ("decisive", "in-force", "released", "observed", "exempted")


def _rules(connection: Connection, rows: Sequence[DecisionRow]) -> Mapping[tuple[str, str], list[str]]:
    """The rules that matched, by the decision and by how they stood in it."""
    match = tables.matches.c
    effects = {row.id: row.effect for row in rows}
    found: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    query = select(tables.matches).where(match.decision.in_(effects)).order_by(match.decision, match.place)
    for entry in connection.execute(query):
        if entry.exempted_by is not None:
            stood = "exempted"
        elif entry.released_by is not None:
            stood = "released"
        elif entry.mode != Mode.ENFORCE:
            stood = "observed"
        else:
            stood = "decisive" if entry.effect == effects[entry.decision] else "in-force"
        found[entry.decision, stood].append(entry.rule)
    return found


def _grouped(
    connection: Connection, table: Table, column: ColumnElement[str], ids: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    query = select(table.c.decision, column).where(table.c.decision.in_(ids)).order_by(table.c.decision, table.c.place)
    found: dict[str, dict[str, None]] = {}
    for decision, value in connection.execute(query):
        found.setdefault(decision, {})[value] = None
    return {decision: tuple(values) for decision, values in found.items()}


def _cursor(row: DecisionRow) -> str:
    return base64.urlsafe_b64encode(f"{row.moment.isoformat()} {row.id}".encode("ascii")).decode("ascii")


def _from_cursor(text: str) -> tuple[datetime, str]:
    try:
        moment, event = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").split(" ")
        at = datetime.fromisoformat(moment)
    except (ValueError, binascii.Error):
        raise RecordError("this is no place in the list", hint="begin at its start") from None
    if at.tzinfo is None:
        raise RecordError("this is no place in the list", hint="begin at its start")
    return at, event
