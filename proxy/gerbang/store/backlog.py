"""How much of the journal the database has yet to take: read from the ends of the files, whatever their size."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gerbang.errors import RecordError
from gerbang.journal.ends import last_link
from gerbang.journal.reader import Line, Mark, read_slot, slots
from gerbang.store.engine import plain_errors
from gerbang.store.queries import Store


@dataclass(frozen=True, slots=True)
class Backlog:
    """Lines that wait in the journal, and since when the oldest of them does; `None` where none waits."""

    lines: int = 0
    since: datetime | None = None

    def seconds(self, now: datetime) -> float:
        """How long the oldest line has waited."""
        return max(0.0, (now - self.since).total_seconds()) if self.since else 0.0


def backlog(folder: Path, store: Store) -> Mapping[str, Backlog]:
    """What waits of each slot. RecordError where the journal or the database cannot be read."""
    found = {}
    for slot in slots(folder) if folder.exists() else ():
        with plain_errors(store.engine.url):
            taken = store.position(slot.name)
        found[slot.name] = _waiting(slot, taken)
    return found


def _waiting(slot: Path, taken: Mark) -> Backlog:
    first = next((line for line in read_slot(slot, taken) if isinstance(line, Line)), None)
    if first is None:
        return Backlog()
    try:
        last = last_link(slot)
    except (OSError, ValueError) as error:
        raise RecordError(f"the end of the journal's slot `{slot.name}` cannot be read: {error}") from None
    lines = last.seq - first.link.seq + 1 if last is not None else 1
    return Backlog(max(1, lines), datetime.fromisoformat(first.link.at).astimezone(UTC))
