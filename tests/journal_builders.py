"""Journals for tests: events that name only what matters, a disk that fails when told, a clock that is set."""

import errno
import json
import os
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from builders import TUESDAY_MORNING, a_decision
from gerbang.journal.reader import Line, read
from gerbang.journal.writer import Disk, Journal
from gerbang.model import Effect
from gerbang.record.event import Event, EventKind, RecordKeys, decision_event, make_event
from gerbang.record.number import decision_number

SEAL_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = RecordKeys.made_of(bytes(range(32)), os.urandom)


class Clock:
    """A wall clock and a steady one, which a test sets."""

    def __init__(self, now: datetime = TUESDAY_MORNING) -> None:
        self.now = now
        self.steady = 0.0

    def __call__(self) -> datetime:
        return self.now

    def monotonic(self) -> float:
        return self.steady

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)
        self.steady += timedelta(**time).total_seconds()

    def set_to(self, now: datetime) -> None:
        self.now = now


class Faulty:
    """A disk whose next calls fail; `fails("fsync", 2)` makes the next two fsyncs raise."""

    def __init__(self) -> None:
        self.left = {"write": 0, "fsync": 0}
        self.error = errno.EIO
        self.short = False
        self.gate = threading.Event()
        self.gate.set()
        self.syncs = 0

    def fails(self, call: str, times: int, error: int = errno.EIO, *, short: bool = False) -> None:
        self.left[call], self.error, self.short = times, error, short

    def disk(self) -> Disk:
        return Disk(self._write, self._fsync)

    def _write(self, descriptor: int, data: memoryview) -> int:
        if self.left["write"] > 0:
            self.left["write"] -= 1
            if self.short:
                # A disk that fills up takes a part first.
                self.short = False
                self.left["write"] += 1
                return os.write(descriptor, data[: len(data) // 2])
            raise OSError(self.error, os.strerror(self.error))
        return os.write(descriptor, data)

    def _fsync(self, descriptor: int) -> None:
        self.gate.wait(20)
        self.syncs += 1
        if self.left["fsync"] > 0:
            self.left["fsync"] -= 1
            raise OSError(self.error, os.strerror(self.error))
        os.fsync(descriptor)


def a_journal(folder: Path, slot: int | str = 0, **more: Any) -> Journal:
    return Journal(folder, "gate", slot, seal_key=SEAL_KEY, **more)


def an_event(text: str = "note") -> Event:
    """Any event, told from others by its text; its private part holds `private TEXT`."""
    return make_event(
        EventKind.OUTCOME, {"number": text, "status": 200, "accepted": True}, {"post": f"private {text}"}, KEYS
    )


def a_decision_event(number: str | None = None, **more: Any) -> Event:
    return decision_event(
        a_decision(more.pop("effect", Effect.BLOCK), number=number or decision_number(os.urandom(7)), **more),
        "answered",
        ["s••••t"],
        KEYS,
    )


def texts(folder: Path) -> list[str]:
    """What `an_event` was told, by all lines of the journal."""
    return [str(line.link.body["number"]) for line in read(folder) if line.link.kind == EventKind.OUTCOME]


def kinds(folder: Path) -> list[str]:
    return [line.link.kind for line in read(folder)]


def entries(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The lines of a journal that somebody may be writing, oldest first: what follows the last line feed is no line."""
    files = sorted(folder.glob("*/*.jsonl"))
    found = [json.loads(line) for file in files for line in file.read_text("utf-8").split("\n")[:-1]]
    return [entry for entry in found if kind is None or entry["kind"] == kind]


def lines(folder: Path, where: Callable[[Line], bool] = lambda line: True) -> list[Line]:  # noqa: ARG005
    return [line for line in read(folder) if where(line)]
