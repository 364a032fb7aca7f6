"""Who looked at what: a line of the journal before it is shown.

The reader's name stands in the private part, as an officer's does; the chained part has a pseudonym.
"""

from collections.abc import Mapping
from concurrent.futures import TimeoutError as TooLong
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from gerbang.errors import RecordError
from gerbang.journal.writer import Journal
from gerbang.record.event import Event, EventKind, RecordKeys, make_event, pseudonym, utc

PATIENCE: Final = 10.0  # seconds that a page waits for the disk


class Unrecorded(RecordError):
    """The look could not be written down, so there is none."""


@dataclass(frozen=True, slots=True)
class Look:
    """A reader asked for a page (`decisions`, `decisions.csv`, `decision`, `accounts`): for one decision by its number,
    for a list by its filters. `where` tells the console's accounts from the system's users, at the command line."""

    reader: str
    role: str
    page: str
    number: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    where: Literal["console", "cli"] = "console"


def looked_event(look: Look, moment: datetime, keys: RecordKeys) -> Event:
    """What stands in the journal of a look. Filters are private: an officer can be known by them."""
    body = {
        "number": look.number,
        "moment": utc(moment),
        "page": look.page,
        # No officer's id has a colon and a space: a reader is never taken for one.
        "reader": pseudonym(f"{look.where}: {look.reader}", keys),
        "role": look.role,
    }
    return make_event(EventKind.LOOKED, body, {"reader": look.reader, "filters": dict(look.filters)}, keys)


def write_down(look: Look, journal: Journal, moment: datetime, keys: RecordKeys) -> None:
    """Have the look on disk. Raises `Unrecorded` where that cannot be had in time."""
    try:
        journal.append(looked_event(look, moment, keys)).result(PATIENCE)
    except (RecordError, OSError, TooLong) as error:
        raise Unrecorded(f"the look could not be recorded: {error}") from None
