"""What a running gate says of itself, every second, in a small file that the console and `gerbang doctor` read.

`state/status/SLOT.json` holds numbers and names of ours, never a person's. It is replaced whole, so a reader never
sees half of one, and it is not synced to the disk: what it says is worth nothing after a restart.
"""

import os
import re
import resource
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from gerbang.figures import Histogram

EVERY: Final = 1.0  # seconds between two
FRESH: Final = 5.0  # seconds after which its gate counts as gone
MOST_GATES: Final = 16  # of one state folder
SNAPSHOT_LIMIT: Final = 1 << 20  # bytes
MOST_SERIES: Final = 2000  # of one figure

_FILE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,80})\.json")

type Series = tuple[tuple[tuple[str, ...], float], ...]


class Shown(BaseModel):
    """A histogram as it stood: `counts` has one more than `bounds`, for what is larger than all."""

    model_config = ConfigDict(frozen=True)

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Snapshot(BaseModel):
    """A gate's figures at one moment.

    `at` is by the wall clock, in seconds since 1970; `monotonic` by the machine's steady one, which tells whether the
    gate is still there when the wall clock is set. A figure is a list of values, each with its labels.
    """

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    slot: str
    pid: int
    at: float
    monotonic: float
    started: float
    program: str
    engine: str
    policy: str
    platforms: str = ""
    refused: str | None = None
    """Why changed platform documents are not in force, with the place."""
    closed: str | None
    writable: bool
    figures: Mapping[str, Series]
    histograms: Mapping[str, Shown]

    def age(self) -> float:
        """Seconds since it was written, by the machine's steady clock. Negative where that has begun anew."""
        return time.monotonic() - self.monotonic

    @property
    def fresh(self) -> bool:
        return 0 <= self.age() < FRESH


def shown(histogram: Histogram) -> Shown:
    return Shown(bounds=histogram.bounds, counts=tuple(histogram.counts), total=histogram.total)


def series(counted: Mapping[tuple[str, ...], float]) -> Series:
    """Values by their labels, in one order and never more than so many."""
    return tuple(sorted(counted.items())[:MOST_SERIES])


def write_snapshot(folder: Path, snapshot: Snapshot) -> None:
    """Put the file in place. Raises `OSError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = folder / f"{snapshot.slot}.json"
    fresh = file.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as out:
        out.write(snapshot.model_dump_json().encode())
    fresh.replace(file)


def remove_snapshot(folder: Path, slot: str) -> None:
    """Take it away: the gate has ended as it was told to."""
    with suppress(OSError):
        (folder / f"{slot}.json").unlink(missing_ok=True)


def read_snapshots(folder: Path) -> tuple[Snapshot, ...]:
    """What the gates of a state folder say, also those that have gone; what cannot be read is left out."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if _FILE.fullmatch(entry.name))
    except OSError:
        return ()
    found = []
    for name in names[:MOST_GATES]:
        with suppress(OSError, ValidationError):
            file = folder / name
            if file.stat().st_size <= SNAPSHOT_LIMIT:
                found.append(Snapshot.model_validate_json(file.read_bytes()))
    return tuple(found)


def process_figures() -> dict[str, float]:
    """What this process takes of the machine: seconds of CPU, bytes of memory, open files and how many there may be."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return {
        "cpu": used.ru_utime + used.ru_stime,
        "memory": float(pages * os.sysconf("SC_PAGE_SIZE")),
        "files": float(len(os.listdir("/proc/self/fd"))),
        "files-limit": float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
    }
