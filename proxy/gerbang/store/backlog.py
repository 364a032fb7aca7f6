"""How much of the journal the database has yet to take: read from the ends of the files, whatever their size."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gerbang.errors import RecordError
from gerbang.journal.reader import Line, Mark, read_slot, segments, slots
from gerbang.record.chain import read_line
from gerbang.store.engine import plain_errors
from gerbang.store.queries import Store

PIECE: Final = 64 << 10  # bytes, read backwards from the end of a file until a line begins
FURTHEST: Final = 16 << 20  # bytes; twice the longest line


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
    return Backlog(_last_seq(slot) - first.link.seq + 1, datetime.fromisoformat(first.link.at).astimezone(UTC))


def _last_seq(slot: Path) -> int:
    """The number of the last whole line of a slot."""
    for segment in reversed(segments(slot)):
        try:
            seq = _seq_before(segment.path, segment.limit)
        except (OSError, ValueError):
            continue
        if seq:
            return seq
    raise RecordError(f"the journal's slot `{slot.name}` has no whole line")


def _seq_before(path: Path, limit: int | None) -> int:
    """The number of the last whole line that ends at or before a byte; 0 where there is none."""
    with path.open("rb") as file:
        end = min(value for value in (os.fstat(file.fileno()).st_size, limit) if value is not None)
        data = b""
        while end > 0 and len(data) < FURTHEST:
            step = min(PIECE, end)
            end -= step
            file.seek(end)
            data = file.read(step) + data
            whole = data[: data.rfind(b"\n") + 1]
            lines = whole.split(b"\n")[:-1]
            if len(lines) > 1 or (lines and end == 0):
                return read_line(lines[-1]).seq
    return 0
