"""Whether the gate, the journal, the forwarder and the database are at work: what `/healthz` says, and the figures.

A look costs the ends of a few files and one query; it is taken once a second at most, however many ask.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from gerbang import __version__
from gerbang.alerts.state import AlertState, read_states
from gerbang.errors import RecordError
from gerbang.status import Snapshot, read_snapshots
from gerbang.store import Backlog, Store, backlog

KEPT: Final = 1.0  # seconds for which a look is good
PATIENCE: Final = 2.0  # seconds that the database has to answer
LATE: Final = 60.0  # seconds that a line may wait for the database before that is said


class State(StrEnum):
    """`DEGRADED`: somebody should look, and people can still post. `BAD`: they cannot, or nobody knows."""

    GOOD = "good"
    DEGRADED = "degraded"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class View:
    """What one look saw. `waiting` is `None` where the database or the journal did not answer."""

    at: datetime
    gates: tuple[Snapshot, ...]
    waiting: Mapping[str, Backlog] | None
    alerts: Mapping[str, AlertState] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        return sum(one.lines for one in (self.waiting or {}).values())

    @property
    def seconds(self) -> float:
        return max((one.seconds(self.at) for one in (self.waiting or {}).values()), default=0.0)


class Watch:
    """Looks at what runs from one state folder. Used from several threads."""

    def __init__(
        self,
        state: Path,
        status: Path,
        journal: Path,
        store: Store,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        alerts: Sequence[str] = (),
    ) -> None:
        self.state = state
        self._alerts = tuple(alerts)
        self._status, self._journal, self._store, self._now = status, journal, store, now
        self._lock = threading.Lock()
        self._seen: tuple[float, View] | None = None
        self._asking: Future[Mapping[str, Backlog]] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="watch")

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def look(self) -> View:
        with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] >= KEPT:
                alerts = read_states(self.state / "alerts", self._alerts)
                view = View(self._now(), read_snapshots(self._status), self._waiting(), alerts)
                self._seen = (time.monotonic(), view)
            return self._seen[1]

    def _waiting(self) -> Mapping[str, Backlog] | None:
        """What waits for the database; a database that takes its time is asked once, and counts as away meanwhile."""
        if self._asking is None:
            self._asking = self._thread.submit(backlog, self._journal, self._store)
        try:
            found = self._asking.result(PATIENCE)
        except TooLate:
            if not self._asking.done():
                return None
            found = None
        except (RecordError, OSError):
            found = None
        self._asking = None
        return found


def health(view: View) -> tuple[State, dict[str, object]]:
    """The whole in a word, and its parts: numbers, and nothing that would have to be kept from anybody."""
    parts: dict[str, dict[str, object]] = {
        "gate": _gate(view),
        "journal": _journal(view),
        "forwarder": _forwarder(view),
        "database": {"state": State.GOOD if view.waiting is not None else State.DEGRADED},
    }
    if view.alerts:
        parts["alerts"] = _alerts(view)
    states = [part["state"] for part in parts.values()]
    whole = next((state for state in (State.BAD, State.DEGRADED) if state in states), State.GOOD)
    return whole, {"state": whole, "version": __version__, "parts": parts}


def _gate(view: View) -> dict[str, object]:
    fresh = [one for one in view.gates if one.fresh]
    if not fresh:
        return {"state": State.BAD, "why": "no gate has said anything for some seconds"}
    state = State.GOOD if len(fresh) == len(view.gates) else State.DEGRADED
    told: dict[str, object] = {"state": state, "decrypts": all(one.closed is None for one in fresh)}
    if any(one.refused is not None for one in fresh):
        told |= {"state": State.DEGRADED, "why": "changed documents were not taken; the log says why"}
    return told


def _journal(view: View) -> dict[str, object]:
    fresh = [one for one in view.gates if one.fresh]
    if not all(one.writable for one in fresh):
        return {"state": State.BAD, "why": "the journal cannot be written; no post goes out"}
    return {"state": State.GOOD if fresh else State.BAD}


def _forwarder(view: View) -> dict[str, object]:
    if view.waiting is None:
        return {"state": State.DEGRADED, "why": "what waits cannot be told"}
    state = State.DEGRADED if view.seconds > LATE else State.GOOD
    return {"state": state, "lines": view.lines, "seconds": round(view.seconds, 1)}


def _alerts(view: View) -> dict[str, object]:
    """Which alerts reach nobody: their names stand in the log and in `gerbang alerts list`."""
    failing = sum(one.failing is not None for one in view.alerts.values())
    if failing:
        return {"state": State.DEGRADED, "failing": failing, "why": "alerts cannot be sent; the log says why"}
    return {"state": State.GOOD, "failing": 0}
