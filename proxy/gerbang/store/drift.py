"""What the record knows of writes that no signature claimed: their shapes, and nobody's name."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select

from gerbang.model import Shape, Sighting
from gerbang.record.event import EventKind
from gerbang.store import tables
from gerbang.store.queries import Store

READ = 50_000
"""Lines of each kind that are looked at, the newest first."""


_SHAPE = TypeAdapter(Shape)


def sightings(store: Store, since: datetime, platform: str | None = None) -> Iterator[Sighting]:
    """Each shape that was recorded since then; what was erased is not there any more."""
    decisions, events, details = tables.decisions.c, tables.events.c, tables.details.c
    judged = (
        select(decisions.platform, decisions.moment, details.fields)
        .join(tables.details, details.id == decisions.id)
        .where(decisions.unclaimed, decisions.moment >= since)
        .order_by(decisions.moment.desc())
        .limit(READ)
    )
    counted = (
        select(events.body, details.fields)
        .join(tables.details, details.id == events.id)
        .where(events.kind == EventKind.UNCLAIMED, events.at >= since)
        .order_by(events.at.desc())
        .limit(READ)
    )
    if platform is not None:
        judged = judged.where(decisions.platform == platform)
    with store.reading() as connection:
        for name, moment, fields in connection.execute(judged):
            if shape := _shape(_private(fields, "shape")):
                yield Sighting(name, shape, 1, moment, moment, judged=True)
        for text, fields in connection.execute(counted):
            body: Any = json.loads(text)
            moments = datetime.fromisoformat(body["since"]), datetime.fromisoformat(body["moment"])
            found = zip(body["platforms"], body["counts"], _private(fields, "shapes") or (), strict=False)
            for name, count, kept in found:
                if (shape := _shape(kept)) and platform in (None, name):
                    yield Sighting(name, shape, count, *moments, judged=False)


def _private(fields: str, name: str) -> Any:
    return json.loads(fields).get(name)


def _shape(fields: Any) -> Shape | None:
    try:
        return _SHAPE.validate_python(fields) if fields else None
    except ValidationError:
        # Another version's line.
        return None
