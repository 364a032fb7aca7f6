"""A line of the journal as rows of the database: one function for who writes them and who checks them."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Table

from gerbang.journal.reader import Line
from gerbang.record.canonical import Json
from gerbang.record.event import EventKind
from gerbang.store import tables

type Row = dict[str, object]
type Rows = dict[Table, list[Row]]


def rows_of(line: Line) -> Rows:
    """The rows of a line, without its private part."""
    link = line.link
    body = link.body
    number = body.get("number")
    rows: Rows = {
        tables.events: [
            {
                "id": link.id,
                "slot": line.slot,
                "seq": link.seq,
                "file": line.path.name,
                "line": line.number,
                "kind": link.kind,
                "at": datetime.fromisoformat(link.at),
                "hash": link.hash,
                "number": str(number)[:20] if number is not None else None,
                "body": link.raw_body.decode("ascii"),
            }
        ]
    }
    if make := _MAKERS.get(link.kind):
        # A later version may have another shape: then the event itself is there, and its body whole.
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            rows |= make(link.id, body)
    return rows


def detail_row(event: str, private: Mapping[str, Json]) -> Row:
    return {"id": event, "fields": json.dumps(private)}


def officer_row(pseudonym: Json, private: Mapping[str, Json]) -> Row | None:
    """The name behind a pseudonym, where the private part has it."""
    officer = private.get("officer")
    if not isinstance(pseudonym, str) or not isinstance(officer, Mapping):
        return None
    return {
        "pseudonym": pseudonym,
        "officer": _text(officer.get("id", "")),
        "name": _text(officer.get("name", "")),
        "unit": _text(officer.get("unit", "")),
    }


def _decision(event: str, body: dict[str, Json]) -> Rows:
    moment = _moment(body["moment"])
    hours, basis = _table(body["hours"]), _table(body["basis"])
    return {
        tables.decisions: [
            {
                "id": event,
                "number": _text(body["number"])[:20],
                "moment": moment,
                "hour": int(moment.timestamp()) // 3600,
                "platform": _text(body["platform"]),
                "activity": _text(body["activity"]),
                "effect": _text(body["effect"]),
                "done": _text(body["done"]),
                "standing": _text(body["standing"]),
                "officer": body["officer"],
                "zone": _text(body["zone"]),
                "office": _text(body["office"]),
                "device": _text(body["device"]),
                "regime": _text(hours["regime"]),
                "remedial": body["remedial"],
                "unclaimed": body["unclaimed"],
                "policy": _text(basis["policy"]),
            }
        ],
        tables.matches: [
            {
                "decision": event,
                "place": place,
                "rule": _text(match["rule"]),
                "clause": _text(match["clause"]),
                "effect": _text(match["effect"]),
                "mode": _text(match["mode"]),
                "exempted_by": _maybe(match["exempted_by"]),
                "released_by": _maybe(match["released_by"]),
            }
            for place, match in enumerate(_list(body["matches"]))
        ],
        tables.findings: [
            {
                "decision": event,
                "place": place,
                "check_id": _text(finding["check"]),
                "category": _text(finding["category"]),
                "likelihood": _text(finding["likelihood"]),
                "text_number": finding["text"],
                "start_at": finding["start"],
                "end_at": finding["end"],
            }
            for place, finding in enumerate(_list(body["findings"]))
        ],
        tables.gaps: [
            {"decision": event, "place": place, "reason": _text(gap["reason"]), "detail": _text(gap["detail"])}
            for place, gap in enumerate(_list(body["gaps"]))
        ],
    }


def _outcome(event: str, body: dict[str, Json]) -> Rows:
    row: Row = {
        "id": event,
        "number": _text(body["number"])[:20],
        "status": body["status"],
        "accepted": body["accepted"],
    }
    return {tables.outcomes: [row]}


def _release(event: str, body: dict[str, Json]) -> Rows:
    row: Row = {
        "id": event,
        "release": _text(body["release"]),
        "number": _maybe(body["number"]),
        "moment": _moment(body["moment"]),
        "expires": _moment(body["expires"]),
        "platform": _text(body["platform"]),
        "activity": _maybe(body["activity"]),
        "officer": body["officer"],
        "single_use": body["single_use"],
    }
    return {tables.releases: [row]}


def _asked(event: str, body: dict[str, Json]) -> Rows:
    row: Row = {
        "id": event,
        "number": _text(body["number"])[:20],
        "moment": _moment(body["moment"]),
        "expires": _moment(body["expires"]),
        "platform": _text(body["platform"]),
        "activity": _text(body["activity"]),
        "officer": body["officer"],
    }
    return {tables.requests: [row]}


def _answered(event: str, body: dict[str, Json]) -> Rows:
    row: Row = {
        "id": event,
        "number": _text(body["number"])[:20],
        "moment": _moment(body["moment"]),
        "answer": _text(body["answer"]),
        "approver": _text(body["approver"]),
        "release": _maybe(body["release"]),
        "expires": None if body["expires"] is None else _moment(body["expires"]),
    }
    return {tables.answers: [row]}


def _acknowledged(event: str, body: dict[str, Json]) -> Rows:
    row: Row = {
        "id": event,
        "version": _text(body["version"]),
        "text": _text(body["text"]),
        "moment": _moment(body["moment"]),
        "officer": body["officer"],
    }
    return {tables.acknowledgements: [row]}


def _activation(event: str, body: dict[str, Json]) -> Rows:
    basis = _table(body["basis"])
    row: Row = {"id": event, "moment": _moment(body["moment"])}
    row |= {name: _text(basis[name]) for name in ("policy", "platforms", "calendar", "lexicons")}
    return {tables.activations: [row]}


_MAKERS: dict[str, Callable[[str, dict[str, Json]], Rows]] = {
    EventKind.DECISION: _decision,
    EventKind.OUTCOME: _outcome,
    EventKind.RELEASE: _release,
    EventKind.POLICY_ACTIVATED: _activation,
    EventKind.ASKED: _asked,
    EventKind.ANSWERED: _answered,
    EventKind.ACKNOWLEDGED: _acknowledged,
}


def _text(value: Json) -> str:
    """A text that every database takes: PostgreSQL has no NUL, and no encoding has half a surrogate pair."""
    return str(value).replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _maybe(value: Json) -> str | None:
    return None if value is None else _text(value)


def _moment(value: Json) -> datetime:
    return datetime.fromisoformat(str(value))


def _table(value: Json) -> Mapping[str, Json]:
    if not isinstance(value, Mapping):
        raise TypeError
    return value


def _list(value: Json) -> list[Mapping[str, Json]]:
    if not isinstance(value, list):
        raise TypeError
    return [_table(entry) for entry in value]
