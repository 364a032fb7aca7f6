"""What a gate that starts again takes from the journal: releases that still run, and which of them were used."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gerbang.journal.reader import Line, read_segment, segments, slots
from gerbang.journal.sidecar import read_private
from gerbang.model import Kind, Officer, Release
from gerbang.record.event import EventKind, RecordKeys, pseudonym

# The longest that a release may run is looked back on, and the files of the days in which it may have begun.
LOOK_BACK = timedelta(days=1)


def recent_releases(
    folder: Path, officers: Iterable[Officer], keys: RecordKeys, moment: datetime
) -> tuple[tuple[Release, ...], frozenset[str]]:
    """Releases of the last day that have not expired, and the ids of those that a decision rested on. Does I/O."""
    names = {pseudonym(officer.id, keys): officer.id for officer in officers}
    releases: list[Release] = []
    used: set[str] = set()
    if not folder.is_dir():
        return (), frozenset()
    since = (moment - LOOK_BACK).date().isoformat()
    for slot in slots(folder):
        for segment in segments(slot):
            if segment.path.name[:10] < since:
                continue
            for line in read_segment(segment):
                if not isinstance(line, Line):
                    break
                if line.link.kind == EventKind.RELEASE:
                    if release := _release(line, names, moment):
                        releases.append(release)
                elif line.link.kind == EventKind.DECISION and b'"released_by":"' in line.raw:
                    used.update(_used(line.link.body))
    return tuple(releases), frozenset(used)


def _release(line: Line, names: Mapping[str, str], moment: datetime) -> Release | None:
    body: Any = line.link.body
    expires = datetime.fromisoformat(body["expires"])
    if expires <= moment:
        return None
    private: Any = read_private(line)
    officer = names.get(body["officer"]) if body["officer"] else None
    client = private.get("client")
    # A release whose officer or client can no longer be told is nobody's.
    if officer is None and (body["officer"] or not client):
        return None
    return Release(
        id=body["release"],
        rules=frozenset(body["rules"]),
        platform=body["platform"],
        expires=expires,
        officer=officer,
        client=client,
        kind=Kind(body["activity"]) if body["activity"] else None,
        account=private.get("account") or (None if body["digest"] is None else ""),
        digest=body["digest"],
        single_use=body["single_use"],
    )


def _used(body: Any) -> Iterable[str]:
    if body.get("done") != "forwarded":
        return ()
    return (match["released_by"] for match in body["matches"] if match["released_by"])
