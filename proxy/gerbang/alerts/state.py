"""How far an alert has come: a small file for each, which is replaced whole and on the disk before it counts.

`state/alerts/NAME.json` holds positions in the journal, times, numbers and names of rules, and nothing of a person.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gerbang.journal.reader import Mark

STATE_LIMIT: Final = 1 << 20  # bytes


class Position(BaseModel):
    """A mark in a slot of the journal."""

    model_config = ConfigDict(frozen=True)

    file: str = ""
    offset: int = 0
    line: int = 0

    @property
    def mark(self) -> Mark:
        return Mark(self.file, self.offset, self.line)


class Tally(BaseModel):
    """Decisions that one summary will tell of. `first` and `last` are moments, in seconds since 1970."""

    rules: dict[str, int] = {}
    first: float = 0.0
    last: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.rules.values())

    @property
    def span(self) -> tuple[datetime, datetime]:
        return datetime.fromtimestamp(self.first, UTC), datetime.fromtimestamp(self.last, UTC)

    def add(self, rule: str, moment: float) -> None:
        self.first = min(self.first, moment) if self.rules else moment
        self.last = max(self.last, moment) if self.rules else moment
        self.rules[rule] = self.rules.get(rule, 0) + 1


class AlertState(BaseModel):
    """Where an alert stands. `window` is when the pace began to be counted, `counted` what was sent since.

    `failing` is since when nothing could be sent, `why` the sentence about it.
    """

    version: Literal[1] = 1
    positions: dict[str, Position] = {}
    window: float | None = None
    counted: int = 0
    held: Tally = Tally()
    late: Tally = Tally()
    sent: int = 0
    failed: int = 0
    summarised: int = 0
    last_sent: float | None = None
    failing: float | None = None
    why: str | None = None


def read_state(folder: Path, name: str) -> AlertState | None:
    """What is kept of an alert, `None` where there is nothing. ValueError where it is damaged, OSError where it cannot
    be read."""
    file = folder / f"{name}.json"
    try:
        with file.open("rb") as opened:
            data = opened.read(STATE_LIMIT + 1)
    except FileNotFoundError:
        return None
    if len(data) > STATE_LIMIT:
        raise ValueError("it is larger than any that the program writes")
    try:
        return AlertState.model_validate_json(data)
    except ValidationError:
        raise ValueError("it is none that the program wrote") from None


def read_states(folder: Path, names: Sequence[str]) -> dict[str, AlertState]:
    """What is kept of these alerts; what cannot be read is left out."""
    found = {}
    for name in names:
        with suppress(OSError, ValueError):
            if (state := read_state(folder, name)) is not None:
                found[name] = state
    return found


def write_state(folder: Path, name: str, state: AlertState) -> None:
    """Put the file in place, durably. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{name}.json"
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(state.model_dump_json().encode())
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget_others(folder: Path, names: Sequence[str]) -> None:
    """Take away what is kept of alerts that the settings no longer know: one that comes again begins anew."""
    with suppress(OSError):
        for file in folder.glob("*.json"):
            if file.stem not in names:
                file.unlink(missing_ok=True)
