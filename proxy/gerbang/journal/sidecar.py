"""The sidecar: the private parts of events, each of which can be erased while the chain stays whole.

`journal/NODE-SLOT/side/` has a file for each file of the journal that needs one. An erased part is
overwritten in its place and as long as it was: the writer may go on, and nothing else moves.
"""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path

from gerbang.errors import Place, RecordError
from gerbang.journal.reader import SIDE, Line, read_segment, read_slot, reason, segments, slots
from gerbang.record.canonical import Json, canonical

FILLER = "x"


def read_private(line: Line) -> Mapping[str, Json]:
    """The private fields of an event, without their salts; none where it has none, or they were erased or damaged.

    Whether they are genuine is for `verify`.
    """
    offset, length = line.link.side
    if length == 0:
        return {}
    try:
        with (line.path.parent / SIDE / line.path.name).open("rb", buffering=0) as file:
            value = json.loads(os.pread(file.fileno(), length, offset))
        if value["id"] != line.link.id:
            return {}
        return {str(name): private for name, (_, private) in value["fields"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def private_lines(folder: Path, number: str, kinds: Collection[str]) -> list[Line]:
    """The lines of all slots of those kinds about decision `number` whose private part stands; none of damaged ones."""
    named = f'"number":"{number}"'.encode("ascii")
    return [
        line
        for slot in slots(folder)
        for line in read_slot(slot)
        if isinstance(line, Line)
        and line.link.kind in kinds
        and named in line.link.raw_body
        and line.link.body.get("number") == number
        and read_private(line)
    ]


def erased_line(event: str, length: int) -> bytes:
    """What stands for an erased private part of `length` bytes, line feed included."""
    frame = len(canonical({"erased": "", "id": event})) + 1
    return canonical({"erased": FILLER * (length - frame), "id": event}) + b"\n"


def is_erased(raw: bytes, event: str) -> bool:
    """Whether `raw` (without line feed) stands for the erased private part of `event`, and nothing is hidden in it."""
    return raw.startswith(b'{"erased":') and raw + b"\n" == erased_line(event, len(raw) + 1)


def erase(slot: Path, events: Collection[str]) -> int:
    """Overwrite the private parts of `events` in the sidecars of `slot`; how many there were."""
    wanted = frozenset(events)
    count = 0
    for segment in segments(slot):
        places = [
            (line.link.id, *line.link.side)
            for line in read_segment(segment)
            if isinstance(line, Line) and line.link.id in wanted and line.link.side[1]
        ]
        if not places:
            continue
        try:
            descriptor = os.open(segment.side, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                for event, offset, length in places:
                    os.pwrite(descriptor, erased_line(event, length), offset)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise RecordError(
                f"the sidecar cannot be written: {reason(error)}", place=Place(str(segment.side))
            ) from None
        count += len(places)
    return count
