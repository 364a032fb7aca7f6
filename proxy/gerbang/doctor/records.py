"""The record: the journal, its keys, its witness, and the database that is its index."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from gerbang.doctor.outcome import Diagnosis, Patient, bad, good, warning
from gerbang.errors import GerbangError, reason
from gerbang.journal.ends import last_lines, torn
from gerbang.journal.keys import load_public_key
from gerbang.journal.reader import slots
from gerbang.record.chain import read_line
from gerbang.record.note import open_note
from gerbang.store import DatabaseAway, backlog, open_store

LATE: Final = 60.0  # seconds that a line may wait for the database
LONG: Final = 10_000  # lines
NOTE_LIMIT: Final = 8 << 10  # bytes of the witness's end
LOCKS: Final = Path("/proc/locks")


def journal(patient: Patient) -> Iterator[Diagnosis]:
    """Each slot: who writes it, and whether its last lines are whole and follow each other."""
    folder = patient.settings.journal_folder
    if not folder.exists():
        yield good(f"there is no journal yet; `gerbang serve` begins it in {folder}")
        return
    for slot in slots(folder):
        yield from _slot(slot, running=patient.running)


def _slot(slot: Path, *, running: bool) -> Iterator[Diagnosis]:
    verify = "run `gerbang audit verify`"
    try:
        lines = last_lines(slot, 2)
        half = torn(slot)
        links = [read_line(line) for line in lines]
    except OSError as error:
        yield bad(f"{slot} cannot be read: {reason(error)}", "run this as the user who runs gerbang")
        return
    except ValueError as error:
        yield bad(f"the end of {slot.name} is damaged: {error}", verify)
        return
    if len(links) == 2 and (links[1].prev != links[0].hash or links[1].seq != links[0].seq + 1):
        yield bad(f"the last two lines of {slot.name} do not follow each other", verify)
        return
    held = locked(slot / "lock")
    if half and not held:
        yield warning(
            f"{slot.name} ends in half a line of {half} bytes, as a crash leaves it",
            "nothing: the next start cuts it off and says so",
        )
    if not links:
        yield good(f"{slot.name} has no line yet")
        return
    last = f"its last line, {links[-1].seq:,}, is whole"
    if slot.name.endswith("-0") and running and not held:
        yield bad(f"a gate runs, and nobody writes {slot.name}; {last}", "start `gerbang serve` again")
    elif held:
        yield good(f"{slot.name} is being written; {last}")
    else:
        yield good(f"{slot.name} is free to write; {last}")


def locked(file: Path) -> bool:
    """Whether somebody holds a lock on a file, by the kernel's own list: taking it to see would be in the way."""
    try:
        inode = file.stat().st_ino
        return any(line.split()[5].endswith(f":{inode}") for line in LOCKS.read_text("ascii").splitlines() if line)
    except (OSError, IndexError):
        return False


def record_keys(patient: Patient) -> Iterator[Diagnosis]:
    """The keys behind pseudonyms and seals: without them the record goes on as another's."""
    folder = patient.settings.keys_folder
    names = ("record.key", "seal.key", "seal.pub")
    missing = [name for name in names if not (folder / name).exists()]
    begun = patient.settings.journal_folder.exists()
    if not missing:
        yield good(f"the record's keys are in {folder}; keep a copy of them offline")
    elif begun:
        yield bad(
            f"there is a journal, and {folder / missing[0]} is not there",
            "restore it from a backup: with a new one, seals and pseudonyms are another's",
        )
    else:
        yield good("there are no keys of the record yet; `gerbang serve` makes them")


def witness(patient: Patient) -> Iterator[Diagnosis]:
    """Whether seals are kept where this machine's owner cannot rewrite them."""
    folder = patient.settings.journal.witness
    if folder is None:
        yield warning(
            "no witness keeps the seals, so whoever owns this machine could write the record anew",
            "set `journal.witness` to a folder on another machine's disk",
        )
        return
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        if not patient.settings.journal_folder.exists() and os.access(folder.parent, os.W_OK | os.X_OK):
            yield good(f"the witness {folder} will be made with the first seal")
            return
        yield bad(f"the witness {folder} is not there or cannot be written", "mount it, or correct `journal.witness`")
        return
    kept = False
    for slot in slots(patient.settings.journal_folder) if patient.settings.journal_folder.exists() else ():
        file = folder / f"{slot.name}.jsonl"
        if not file.exists():
            continue
        kept = True
        try:
            size = open_note(_last_note(file), load_public_key(patient.settings.keys_folder / "seal.pub")).size
        except (OSError, ValueError, GerbangError) as error:
            yield bad(f"the last seal in {file} cannot be taken: {error}", "run `gerbang audit verify`")
            continue
        yield from _against_journal(slot, size)
    if not kept:
        yield warning(f"the witness {folder} has no seal yet", "nothing: the first comes within ten minutes of an act")


def _against_journal(slot: Path, size: int) -> Iterator[Diagnosis]:
    lines = last_lines(slot, 1)
    here = read_line(lines[-1]).seq if lines else 0
    if size > here:
        yield bad(
            f"the witness knows {size:,} lines of {slot.name}, and {here:,} are here: some were taken away",
            "run `gerbang audit verify`, and keep the folder as evidence",
        )
    else:
        yield good(f"{slot.name} is witnessed up to line {size:,} of {here:,}")


def _last_note(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, os.fstat(opened.fileno()).st_size - NOTE_LIMIT))
        lines = opened.read().splitlines()
    if not lines:
        raise ValueError("it is empty")
    return str(json.loads(lines[-1])["note"])


def database(patient: Patient) -> Iterator[Diagnosis]:
    """Reached, of today's shape, and not far behind the journal."""
    url = patient.settings.database_url
    if (file := sqlite_file(url)) is not None and not file.exists():
        yield good(f"there is no database yet; `gerbang serve` makes {file}")
        return
    try:
        with closing(open_store(url)) as store:
            waiting = backlog(patient.settings.journal_folder, store)
    except DatabaseAway as error:
        yield bad(
            f"{error.what} ({error.place})",
            "start its server, or correct `database.url`; meanwhile the gate goes on and the journal keeps what is new",
        )
        return
    except GerbangError as error:
        yield bad(error.what + (f" ({error.place})" if error.place else ""), error.hint or "correct `database.url`")
        return
    lines = sum(one.lines for one in waiting.values())
    seconds = max((one.seconds(patient.now) for one in waiting.values()), default=0.0)
    if patient.running and (seconds > LATE or lines > LONG):
        yield warning(
            f"{lines:,} lines wait for the database, the oldest for {seconds:,.0f} seconds",
            "read the log of the forwarder (`part=forwarder`)",
        )
    elif lines:
        yield good(f"the database answers; {lines:,} lines wait for it, which `gerbang serve` brings there")
    else:
        yield good("the database answers, has today's shape, and holds all of the journal")


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite database: connecting to one that is not there would make it."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        return None
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
