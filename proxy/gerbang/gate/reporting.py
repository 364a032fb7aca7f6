"""A thread that says once a second what the gate has counted, in a file of the state folder.

It reads numbers that the event loop goes on changing: what it copies, it copies in one step.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread
from typing import Protocol

import structlog

from gerbang import __version__
from gerbang.gate.addon import Gate
from gerbang.gate.clock import Clock
from gerbang.journal.writer import JournalFigures
from gerbang.pipeline import World
from gerbang.status import (
    EVERY,
    Series,
    Snapshot,
    process_figures,
    remove_snapshot,
    series,
    shown,
    write_snapshot,
)

log = structlog.get_logger()

ENGINE = version("mitmproxy")


class Written(Protocol):
    """The journal, as far as it is reported."""

    slot: str
    figures: JournalFigures

    @property
    def healthy(self) -> bool: ...


class Reporter:
    """Says what one gate has counted."""

    def __init__(self, gate: Gate, journal: Written, clock: Clock) -> None:
        self._gate, self._journal, self._clock = gate, journal, clock
        self._started = time.time()
        self._covered: tuple[World, date, Series] | None = None

    def snapshot(self) -> Snapshot:
        """What there is to say now."""
        gate, journal = self._gate, self._journal
        judge, world, sessions = gate.judge, gate.world, gate.admission.sessions
        return Snapshot(
            slot=journal.slot,
            pid=os.getpid(),
            at=time.time(),
            monotonic=time.monotonic(),
            started=self._started,
            program=__version__,
            engine=ENGINE,
            policy=world.policy.digest,
            platforms=world.platforms.digest,
            refused=gate.refused,
            closed=gate.closed,
            writable=journal.healthy,
            figures={
                "decisions": series({(*map(str, key),): count for key, count in dict(judge.figures.decisions).items()}),
                "requests": _by_word(judge.figures.requests),
                "unclaimed": _by_word(judge.figures.unclaimed),
                "gaps": _by_word(judge.figures.gaps),
                "not-written": _by_word({str(kind): count for kind, count in dict(judge.unwritten).items()}),
                "tls-refused": series({(*key,): count for key, count in dict(judge.figures.tls_refused).items()}),
                "certificate-refused": series(
                    {
                        (one.platform, one.host, one.zone, one.how, "yes" if one.has_ca else "unknown"): count
                        for one, count in dict(gate.distrust.counts).items()
                    }
                ),
                "faults": _by_word(gate.guard.faults),
                "counted": _by_word(gate.counts),
                "bodies": _one(gate.limits.budget.taken),
                "bodies-budget": _one(gate.limits.budget.limit),
                "connections": _one(sum(tuple(gate.admission.connected.values()))),
                "releases": _one(len(gate.releases)),
                "sessions": _one(len(sessions.book) if sessions else None),
                "sessions-told": _one(sessions.told.timestamp() if sessions and sessions.told else None),
                "journal-unavailable": _one(journal.figures.unavailable),
                "journal-failures": _one(journal.figures.failures),
                "last-seal": _one(journal.figures.sealed),
                "ca-until": series(gate.certified_until()),
                "calendar": self._calendar(world),
                **{name: _one(value) for name, value in process_figures().items()},
            },
            histograms={
                "judged": shown(judge.figures.judged),
                "latency": shown(journal.figures.latency),
                "groups": shown(journal.figures.groups),
            },
        )

    def _calendar(self, world: World) -> Series:
        """For each state that an office is in: the days from today for which its holidays are known."""
        today = self._clock().date()
        if self._covered is None or self._covered[0] is not world or self._covered[1] != today:
            states = {office.state for office in world.offices.values()}
            ends = {state: world.calendar.covered_until(state, today) for state in states}
            days = {state: (end - today).days + 1 if end else 0 for state, end in ends.items()}
            self._covered = (world, today, _by_word(days))
        return self._covered[2]


@contextmanager
def reported(gate: Gate, journal: Written, folder: Path, clock: Clock) -> Iterator[None]:
    """Report on a gate while the block runs; afterwards there is nothing to be read of it."""
    reporter, stop = Reporter(gate, journal, clock), Event()

    def run() -> None:
        away = False
        while True:
            try:
                write_snapshot(folder, reporter.snapshot())
                away = False
            except Exception as error:
                # Without this thread the gate would count as gone for good.
                if not away:
                    log.error("status-not-written", folder=str(folder), exc_info=error)
                away = True
            if stop.wait(EVERY):
                return

    thread = Thread(target=run, name="status", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        remove_snapshot(folder, journal.slot)


def _by_word(counted: Mapping[str, int]) -> Series:
    return series({(word,): float(count) for word, count in dict(counted).items()})


def _one(value: float | None) -> Series:
    return () if value is None else (((), float(value)),)
