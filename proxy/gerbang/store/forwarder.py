"""From the journal to the database: every event once, in the slot's order, whenever the database is there.

What was stored and how far the slot was read change in one transaction, so neither a crash nor a
second forwarder can lose or double a line.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from gerbang.errors import RecordError
from gerbang.journal.reader import Broken, Line, Mark, read_slot, slots
from gerbang.journal.sidecar import read_private
from gerbang.record.canonical import Json
from gerbang.store.queries import Store

BATCH = 500
LONGEST_WAIT = 30.0

log = structlog.get_logger(__name__)


class Forwarder:
    """Forwards the journal in `folder` to `store`."""

    def __init__(self, folder: Path, store: Store) -> None:
        self._folder = folder
        self._store = store
        self._marks: dict[str, Mark] = {}

    def once(self) -> int:
        """Forward what there is now; how many lines. SQLAlchemyError where the database is away, RecordError where the
        journal cannot be read."""
        count = 0
        damaged: RecordError | None = None
        for slot in slots(self._folder) if self._folder.exists() else ():
            try:
                while taken := self._batch(slot):
                    count += taken
            except RecordError as error:
                damaged = damaged or error  # the other slots need not wait for this one
        if damaged is not None:
            raise damaged
        return count

    def run(self, stop: threading.Event, every: float = 0.5) -> None:
        """Forward until `stop` is set, looking every so many seconds; what is away is asked again, ever less often."""
        wait, away = every, False
        while not stop.is_set():
            try:
                self.once()
                if away:
                    log.info("forwarding-goes-on", missing="nothing")
                wait, away = every, False
            except (SQLAlchemyError, RecordError, OSError) as error:
                if not away:
                    log.warning("forwarding-waits", error=_first_line(error), meanwhile="the journal goes on alone")
                wait, away = min(LONGEST_WAIT, max(1.0, wait * 2)), True
                self._marks.clear()
            stop.wait(wait)

    def _batch(self, slot: Path) -> int:
        """Forward some lines of `slot`; how many of it were read."""
        since = self._marks.get(slot.name)
        if since is None:
            since = self._marks[slot.name] = self._store.position(slot.name)
        found = list(islice(read_slot(slot, since), BATCH))
        if not found:
            return 0
        _settle(found)
        lines: list[tuple[Line, Mapping[str, Json]]] = []
        for line in found:
            if isinstance(line, Broken):
                # It stays in the journal for `audit verify` to name; the lines behind it are still wanted.
                log.error("line-left-out", place=str(line.place), error=line.reason)
            else:
                lines.append((line, read_private(line)))
        until = found[-1].mark
        try:
            moved = self._store.take(slot.name, since, until, lines)
        except IntegrityError:
            # Another forwarder was first; where it was something else, the next try says so.
            if self._store.position(slot.name) == since:
                raise
            moved = False
        if moved:
            self._marks[slot.name] = until
        else:
            del self._marks[slot.name]
        return len(found)


def _settle(lines: Sequence[Line | Broken]) -> None:
    """Make the files that were read durable first: the index must never know more than the disk."""
    for path in {line.path for line in lines}:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
