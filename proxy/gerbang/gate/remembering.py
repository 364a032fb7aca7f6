"""What a gate that starts again takes from the journal: releases that still run, which of them were used, the officers'
latest decisions, and what they uploaded of late."""

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from gerbang.gate.decisions import LIMIT, OWN_LIMIT, Remembered, owner_of
from gerbang.gate.parts import KEPT_FOR, Restored
from gerbang.journal.reader import Line, read_segment, segments, slots
from gerbang.journal.sidecar import read_private
from gerbang.model import Earlier, Gap, Kind, Media, Officer, Release
from gerbang.recognition.earlier import SENT_EARLIER
from gerbang.record.event import EventKind, RecordKeys, pseudonym
from gerbang.record.stored import StoredDecision

# The longest that a release may run is looked back on, and the files of the days in which it may have begun.
LOOK_BACK = timedelta(days=1)
TOLD = frozenset({EventKind.RELEASE, EventKind.OBJECTION, EventKind.DECISION})
# The decisions whose outcome is looked for at once: it follows when the platform has answered.
UNDER_WAY = 2000
NOT_KEPT = Gap(SENT_EARLIER, "words sent before the gate was started")


class Recent(NamedTuple):
    """Releases that have not expired, the ids of those that a decision rested on, and decisions on known officers,
    oldest first. Where nobody is known, a decision was for a browser that has to find its way anew. `parts` are what
    known officers uploaded: by ids, with its digest; of words the record keeps none, which is a gap."""

    releases: tuple[Release, ...] = ()
    used: frozenset[str] = frozenset()
    decisions: tuple[Remembered, ...] = ()
    parts: tuple[Restored, ...] = ()


def recent(folder: Path, officers: Iterable[Officer], keys: RecordKeys, moment: datetime) -> Recent:
    """What the journal of the last day and of the day before has. Does I/O."""
    names = {pseudonym(officer.id, keys): officer for officer in officers}
    releases: dict[str, Release] = {}
    held_by: dict[str, Release] = {}
    objected: set[str] = set()
    used: set[str] = set()
    latest = _Latest()
    parts: list[Restored] = []
    sent: OrderedDict[str, Line] = OrderedDict()
    for line in _recent_lines(folder, moment):
        kind = line.link.kind
        body: Any = line.link.body if kind in TOLD else {}
        match kind:
            case EventKind.RELEASE:
                if release := _release(line, names):
                    releases[release.id] = release
                    held_by[str(body["number"])] = release
            case EventKind.OBJECTION:
                objected.add(str(body["number"]))
            case EventKind.DECISION:
                if b'"released_by":"' in line.raw:
                    used.update(_used(body))
                if body.get("officer") in names:
                    latest.add(body["officer"], line)
                    if body.get("done") == "forwarded":
                        sent[str(body["number"])] = line
                        if len(sent) > UNDER_WAY:
                            sent.popitem(last=False)
            case EventKind.OUTCOME if b'"part":' in line.raw:
                decision = sent.pop(str(line.link.body["number"]), None)
                if decision is not None and (part := _part(decision, line, names)):
                    parts.append(part)
    decisions = (_remembered(line, names, held_by, objected) for line in latest.lines())
    return Recent(
        tuple(release for release in releases.values() if release.expires > moment),
        frozenset(used),
        tuple(sorted((found for found in decisions if found), key=lambda found: found.decision.moment)),
        tuple(part for part in parts if moment < part.until),
    )


class _Latest:
    """Lines by officer, the newest kept, as many as a gate remembers."""

    def __init__(self) -> None:
        self._all: OrderedDict[str, Line] = OrderedDict()
        self._owned: dict[str, deque[str]] = {}

    def add(self, officer: str, line: Line) -> None:
        own = self._owned.setdefault(officer, deque())
        if len(own) == OWN_LIMIT:
            self._all.pop(own.popleft(), None)
        own.append(line.link.id)
        self._all[line.link.id] = line
        if len(self._all) > LIMIT:
            self._all.popitem(last=False)

    def lines(self) -> Iterable[Line]:
        return self._all.values()


def _recent_lines(folder: Path, moment: datetime) -> Iterator[Line]:
    if not folder.is_dir():
        return
    since = (moment - LOOK_BACK).date().isoformat()
    for slot in slots(folder):
        for segment in segments(slot):
            if segment.path.name[:10] < since:
                continue
            for line in read_segment(segment):
                if not isinstance(line, Line):
                    break
                yield line


def _release(line: Line, names: Mapping[str, Officer]) -> Release | None:
    body: Any = line.link.body
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
        expires=datetime.fromisoformat(body["expires"]),
        officer=officer.id if officer else None,
        client=client,
        kind=Kind(body["activity"]) if body["activity"] else None,
        account=private.get("account") or (None if body["digest"] is None else ""),
        digest=body["digest"],
        single_use=body["single_use"],
        granted=body.get("granted", False),
    )


def _remembered(
    line: Line, names: Mapping[str, Officer], held_by: Mapping[str, Release], objected: set[str]
) -> Remembered | None:
    body: Any = line.link.body
    try:
        stored = StoredDecision.model_validate(body)
    except ValidationError:
        # Another version's line, which its own pages show.
        return None
    found = Remembered(stored.decision(names[body["officer"]], read_private(line)), None, stored.done, restored=True)
    found.release = held_by.get(stored.number)
    found.objected = stored.number in objected
    return found


def _part(decision: Line, outcome: Line, names: Mapping[str, Officer]) -> Restored | None:
    """What an act left on the platform for later ones, so far as its lines still tell."""
    body: Any = decision.link.body
    about: Any = read_private(decision)
    told: Any = read_private(outcome).get("part") or {}
    ids = told.get("ids")
    if not ids:
        return None
    kind = next((media.get("type") for media in body["media"]), None)
    named = sum(1 for media in about.get("media") or () if media.get("name"))
    gaps = [Gap(gap["reason"], gap["detail"]) for gap in body["gaps"]]
    if body["texts"] > named:
        gaps.append(NOT_KEPT)
    # A step of words alone says nothing of a file.
    media = (
        (Media(ids[0], kind, None, told.get("digest"), told.get("size")),) if body["media"] or told.get("size") else ()
    )
    return Restored(
        owner_of(names[body["officer"]].id, ""),
        body["platform"],
        told.get("place", ""),
        tuple(ids),
        Earlier((body["number"],), (), media, tuple(dict.fromkeys(gaps)), whole=body["texts"] <= named and not media),
        datetime.fromisoformat(body["moment"]) + KEPT_FOR,
    )


def _used(body: Any) -> Iterable[str]:
    if body.get("done") != "forwarded":
        return ()
    return (match["released_by"] for match in body["matches"] if match["released_by"])
