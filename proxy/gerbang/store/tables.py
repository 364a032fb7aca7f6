"""The tables, as today's program reads and writes them. `migrations/` makes them; a test holds the two together.

All of a line hangs on its row in `events` and goes with it. Names and other private fields stand
in `officers` and `details` alone, so that erasure touches two tables.
"""

from datetime import UTC, datetime
from typing import Any, override

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator


class Moment(TypeDecorator[datetime]):
    """An aware time, kept in UTC; SQLite itself knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    @override
    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData()


def _of_event() -> Column[Any]:
    return Column("id", String(24), ForeignKey("events.id", ondelete="CASCADE"), primary_key=True)


def _of_decision() -> tuple[Column[Any], Column[Any]]:
    return (
        Column("decision", String(24), ForeignKey("events.id", ondelete="CASCADE"), primary_key=True),
        Column("place", Integer, primary_key=True),
    )


events = Table(
    "events",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("slot", String(100), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("file", String(40), nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", Moment, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("number", String(20)),
    Column("body", Text, nullable=False),
    UniqueConstraint("slot", "seq", name="events_slot_seq"),
    Index("events_number", "number"),
    Index("events_kind_at", "kind", "at"),
)

decisions = Table(
    "decisions",
    metadata,
    _of_event(),
    Column("number", String(20), nullable=False),
    Column("moment", Moment, nullable=False),
    # Whole hours since 1970, UTC: what a chart counts by, the same in every database.
    Column("hour", Integer, nullable=False),
    Column("platform", String(100), nullable=False),
    Column("activity", String(20), nullable=False),
    Column("effect", String(20), nullable=False),
    Column("done", String(20), nullable=False),
    Column("standing", String(20), nullable=False),
    Column("officer", String(32)),
    Column("zone", Text, nullable=False),
    Column("office", Text, nullable=False),
    Column("device", String(20), nullable=False),
    Column("regime", String(20), nullable=False),
    Column("remedial", Boolean, nullable=False),
    Column("unclaimed", Boolean, nullable=False),
    Column("policy", String(64), nullable=False),
    Index("decisions_moment", "moment", "id"),
    Index("decisions_officer", "officer", "moment", "id"),
    Index("decisions_hour", "hour", "done"),
    Index("decisions_number", "number"),
)

matches = Table(
    "matches",
    metadata,
    *_of_decision(),
    Column("rule", Text, nullable=False),
    Column("clause", Text, nullable=False),
    Column("effect", String(20), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("exempted_by", Text),
    Column("released_by", Text),
    Index("matches_rule", "rule"),
)

findings = Table(
    "findings",
    metadata,
    *_of_decision(),
    Column("check_id", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("likelihood", String(20), nullable=False),
    Column("text_number", Integer, nullable=False),
    Column("start_at", Integer, nullable=False),
    Column("end_at", Integer, nullable=False),
    Index("findings_category", "category"),
)

gaps = Table(
    "gaps",
    metadata,
    *_of_decision(),
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("gaps_reason", "reason"),
)

outcomes = Table(
    "outcomes",
    metadata,
    _of_event(),
    Column("number", String(20), nullable=False),
    Column("status", Integer, nullable=False),
    Column("accepted", Boolean),
    Index("outcomes_number", "number"),
)

releases = Table(
    "releases",
    metadata,
    _of_event(),
    Column("release", Text, nullable=False),
    Column("number", String(20)),
    Column("moment", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("platform", String(100), nullable=False),
    Column("activity", String(20)),
    Column("officer", String(32)),
    Column("single_use", Boolean, nullable=False),
    Index("releases_number", "number"),
)

requests = Table(
    "requests",
    metadata,
    _of_event(),
    Column("number", String(20), nullable=False),
    Column("moment", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("platform", String(100), nullable=False),
    Column("activity", String(20), nullable=False),
    Column("officer", String(32)),
    Index("requests_number", "number"),
    Index("requests_moment", "moment"),
)

answers = Table(
    "answers",
    metadata,
    _of_event(),
    Column("number", String(20), nullable=False),
    Column("moment", Moment, nullable=False),
    Column("answer", String(20), nullable=False),
    Column("approver", String(32), nullable=False),
    Column("release", Text),
    Column("expires", Moment),
    Index("answers_number", "number"),
)

acknowledgements = Table(
    "acknowledgements",
    metadata,
    _of_event(),
    Column("version", Text, nullable=False),
    Column("text", String(64), nullable=False),
    Column("moment", Moment, nullable=False),
    Column("officer", String(32)),
    Index("acknowledgements_version", "version", "officer"),
)

activations = Table(
    "activations",
    metadata,
    _of_event(),
    Column("moment", Moment, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("platforms", String(64), nullable=False),
    Column("calendar", String(64), nullable=False),
    Column("lexicons", String(64), nullable=False),
    Index("activations_moment", "moment"),
)

details = Table("details", metadata, _of_event(), Column("fields", Text, nullable=False))

officers = Table(
    "officers",
    metadata,
    Column("pseudonym", String(32), primary_key=True),
    Column("officer", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Index("officers_officer", "officer"),
)

positions = Table(
    "positions",
    metadata,
    Column("slot", String(100), primary_key=True),
    Column("file", String(40), nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
)
