"""What approvers and admins ask of the database: requests for approval, and who has acknowledged the notice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, distinct, func, select

from gerbang.record.canonical import Json
from gerbang.store import tables
from gerbang.store.queries import DecisionRecord, Store, masked

MOST_REQUESTS = 200


@dataclass(frozen=True, slots=True)
class Requested:
    """A request: its chained body and private part, and the answer to it where there is one. An approver has to know
    who asks, so that nothing of it is masked here; what was erased is gone."""

    number: str
    moment: datetime
    expires: datetime
    platform: str
    activity: str
    body: Mapping[str, Json]
    private: Mapping[str, Json]
    answer: str | None = None
    answered: datetime | None = None
    answer_private: Mapping[str, Json] | None = None
    until: datetime | None = None

    def state(self, moment: datetime) -> str:
        return self.answer or ("expired" if moment >= self.expires else "asked")


def requests(store: Store, *, limit: int = MOST_REQUESTS) -> tuple[Requested, ...]:
    """The latest requests, newest first."""
    asked = tables.requests.c
    query = _selected().order_by(asked.moment.desc(), asked.id).limit(max(1, min(limit, MOST_REQUESTS)))
    with store.reading() as connection:
        return tuple(_requested(entry) for entry in connection.execute(query).mappings())


def request(store: Store, number: str) -> tuple[Requested, DecisionRecord | None] | None:
    """A request with the decision that it is about, whole."""
    query = _selected().where(tables.requests.c.number == number).order_by(tables.requests.c.moment).limit(1)
    with store.reading() as connection:
        found = connection.execute(query).mappings().first()
    return None if found is None else (_requested(found), store.decision(number, reveal=True))


def _selected() -> Select[Any]:
    asked, answer = tables.requests, tables.answers
    details, answered = tables.details.alias("asked_details"), tables.details.alias("answered_details")
    return (
        select(
            asked.c.number,
            asked.c.moment,
            asked.c.expires,
            asked.c.platform,
            asked.c.activity,
            tables.events.c.body,
            details.c.fields,
            answer.c.answer,
            answer.c.moment.label("answered"),
            answer.c.expires.label("until"),
            answered.c.fields.label("answer_fields"),
        )
        .join(tables.events, tables.events.c.id == asked.c.id)
        .outerjoin(details, details.c.id == asked.c.id)
        .outerjoin(answer, answer.c.number == asked.c.number)
        .outerjoin(answered, answered.c.id == answer.c.id)
    )


def _requested(entry: Mapping[Any, Any]) -> Requested:
    return Requested(
        entry["number"],
        entry["moment"],
        entry["expires"],
        entry["platform"],
        entry["activity"],
        json.loads(entry["body"]),
        json.loads(entry["fields"]) if entry["fields"] else {},
        entry["answer"],
        entry["answered"],
        json.loads(entry["answer_fields"]) if entry["answer_fields"] else None,
        entry["until"],
    )


# ---------------------------------------------------------------- the notice


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """How many officers, and browsers of unknown ones, acknowledged a version, from when to when."""

    version: str
    officers: int
    browsers: int
    first: datetime
    last: datetime


def acknowledged(store: Store) -> tuple[Acknowledged, ...]:
    """By version, the latest first."""
    column = tables.acknowledgements.c
    query = (
        select(
            column.version,
            func.count(distinct(column.officer)).label("officers"),
            (func.count() - func.count(column.officer)).label("browsers"),
            func.min(column.moment).label("first"),
            func.max(column.moment).label("last"),
        )
        .group_by(column.version)
        .order_by(func.max(column.moment).desc())
    )
    with store.reading() as connection:
        return tuple(
            Acknowledged(entry.version, entry.officers, entry.browsers, entry.first, entry.last)
            for entry in connection.execute(query)
        )


def acknowledged_by(store: Store, version: str) -> tuple[tuple[str, str | None, datetime], ...]:
    """Who acknowledged a version: the pseudonym, the masked name where it is known, and when first."""
    column, officer = tables.acknowledgements.c, tables.officers.c
    query = (
        select(column.officer, officer.name, func.min(column.moment).label("first"))
        .outerjoin(tables.officers, officer.pseudonym == column.officer)
        .where(column.version == version, column.officer.is_not(None))
        .group_by(column.officer, officer.name)
        .order_by(func.min(column.moment))
    )
    with store.reading() as connection:
        return tuple(
            (entry.officer, None if entry.name is None else str(masked(entry.name)), entry.first)
            for entry in connection.execute(query)
        )
