"""The process that follows the journal and sends alerts: never the gate, and nothing that the gate waits for.

Each alert has a thread and a position of its own, so that one receiver that is away keeps no other waiting. A position
moves on only when a message was taken by the other end, or was given up: what a crash cut off is sent again.
"""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from gerbang.activations import Activations
from gerbang.alerts.sending import deliver
from gerbang.alerts.state import AlertState, Position, Tally, forget_others, read_state, write_state
from gerbang.alerts.telling import Message, ToldRule, alerting, of_decision, of_more
from gerbang.errors import AlertError, DocumentError, RecordError, StartError
from gerbang.journal.reader import Broken, Line, Mark, read_slot, segments, slots
from gerbang.policy.rules import Policy
from gerbang.record.canonical import Json
from gerbang.record.event import EventKind
from gerbang.settings import AlertSettings, Settings

log = structlog.get_logger()

EVERY: Final = 1.0  # seconds between two looks at the journal
FIRST_PAUSE: Final = 2.0  # seconds before a second try
LONGEST_PAUSE: Final = 600.0  # seconds between later ones
MOST_TRIES: Final = 10  # of one message
OLD: Final = 24 * 60 * 60  # seconds after which a decision is told in a summary only
KEPT_POLICIES: Final = 8
FAULT_PAUSE: Final = 30.0  # seconds after a fault of our own

type Send = Callable[[AlertSettings, Message, float], None]


class Stopped(Exception):
    """The process is to end, and what is under way is for the next one."""


class Policies:
    """Policies as they were in force, by digest, compiled once. Used by one thread."""

    def __init__(self, state: Path) -> None:
        self._activations = Activations(state)
        self._known: dict[str, Policy] = {}

    def of(self, body: Mapping[str, Json]) -> Policy | None:
        """The policy that a decision was made by; `None` where it is not kept here."""
        basis = body.get("basis")
        digest = str(basis.get("policy")) if isinstance(basis, dict) else ""
        if digest not in self._known:
            try:
                found = self._activations.policy(digest)
            except (StartError, DocumentError) as error:
                log.warning("alert-without-policy", policy=digest[:12], error=str(error))
                return None
            while len(self._known) >= KEPT_POLICIES:
                del self._known[next(iter(self._known))]
            self._known[digest] = found
        return self._known[digest]


class Follower:
    """Follows the journal for one alert."""

    def __init__(
        self,
        alert: AlertSettings,
        settings: Settings,
        now: Callable[[], datetime],
        stop: threading.Event,
        send: Send = deliver,
    ) -> None:
        self._alert, self._now, self._stop, self._send = alert, now, stop, send
        self._journal, self._folder = settings.journal_folder, settings.alerts_folder
        self._console = settings.console_url
        self._policies = Policies(settings.state)
        self._unsettled: set[Path] = set()
        self.state = self._known()

    def _known(self) -> AlertState:
        """What is kept; a new alert begins with what comes from now on."""
        try:
            found = read_state(self._folder, self._alert.name)
        except (OSError, ValueError):
            log.error("alert-begins-anew", alert=self._alert.name, because="what was kept of it cannot be read")
            found = None
        if found is None:
            found = AlertState(positions={slot.name: _end(slot) for slot in self._slots()})
            write_state(self._folder, self._alert.name, found)
        return found

    def run(self) -> None:
        """Follow until the process is to stop; what is out of reach is looked for again."""
        away = False
        while not self._stop.is_set():
            pause = EVERY
            try:
                self.once()
                away = False
            except Stopped:
                return
            except (RecordError, OSError) as error:
                if not away:
                    log.error("alerts-out-of-reach", alert=self._alert.name, error=str(error))
                away = True
            except Exception as error:
                log.error("fault-in-alert", alert=self._alert.name, exc_info=error)
                pause = FAULT_PAUSE
            self._stop.wait(pause)

    def once(self) -> None:
        """Tell of what there is now. Raises `Stopped`, `RecordError` or `OSError`."""
        before = self.state.model_copy(deep=True)
        for slot in self._slots():
            position = self.state.positions.get(slot.name, Position())
            for line in read_slot(slot, position.mark):
                if self._stop.is_set():
                    raise Stopped
                self._take(slot.name, line)
        self._summarise(at_once=True)
        if self.state != before:
            self._save()

    def _slots(self) -> tuple[Path, ...]:
        return slots(self._journal) if self._journal.exists() else ()

    def _take(self, slot: str, line: Line | Broken) -> None:
        self._unsettled.add(line.path)
        tried = False
        if isinstance(line, Line) and line.link.kind == EventKind.DECISION:
            try:
                tried = self._decision(line.link.body)
            except (Stopped, RecordError, OSError):
                raise
            except Exception as error:  # one decision that cannot be told keeps no other waiting
                log.error("fault-in-alert", alert=self._alert.name, exc_info=error)
                self.state.failed += 1
        mark = line.mark
        self.state.positions[slot] = Position(file=mark.file, offset=mark.offset, line=mark.line)
        if tried:
            self._save()

    def _decision(self, body: Mapping[str, Json]) -> bool:
        """Tell of a decision where it is to be told; whether a message was sent, or given up."""
        policy = self._policies.of(body)
        rules = alerting(body, lambda rule: self._wants(rule, policy), policy)
        return self._tell(body, rules) if rules else False

    def _wants(self, rule: str, policy: Policy | None) -> bool:
        known = policy.rules.get(rule) if policy else None
        return (known is not None and self._alert.name in known.alerts) or self._alert.covers(rule)

    def _tell(self, body: Mapping[str, Json], rules: tuple[ToldRule, ...]) -> bool:
        """Send it (true, also where it was given up), or count it for a summary."""
        now = self._now().timestamp()
        moment = _moment(body, now)
        if now - moment > OLD:
            self.state.late.add(rules[0].rule, moment)
            return False
        self._summarise()
        if not self._room(now):
            self.state.held.add(rules[0].rule, moment)
            return False
        message = of_decision(self._alert.name, body, rules, self._alert.language, self._console)
        if self._deliver(message):
            self.state.sent += 1
        self._count()
        return True

    def _room(self, now: float) -> bool:
        """Whether one more may be sent. A time that has gone backwards begins the count anew."""
        most, seconds = self._alert.pace
        if self.state.window is None or not 0 <= now - self.state.window < seconds:
            self.state.window, self.state.counted = None, 0
        return self.state.counted < most

    def _count(self) -> None:
        if self.state.window is None:
            self.state.window = self._now().timestamp()
        self.state.counted += 1

    def _summarise(self, *, at_once: bool = False) -> None:
        """Send the summary that is due: of what was held, once there is room; of what was late, once all is read."""
        for why in ("held", "late"):
            tally: Tally = getattr(self.state, why)
            if not tally.count or (why == "late" and not at_once) or not self._room(self._now().timestamp()):
                continue
            message = of_more(
                self._alert.name,
                why,
                tally.rules,
                tally.span,
                self._alert.language,
                self._alert.at_most,
                self._console,
            )
            if self._deliver(message):
                self.state.summarised += tally.count
            setattr(self.state, why, Tally(rules={}))
            self._count()
            self._save()

    def _deliver(self, message: Message) -> bool:
        """Whether it was taken: false where it was given up. The state is kept after it, before the line counts as
        read: the caller moves on. Raises `Stopped`."""
        self._settle()
        pause = FIRST_PAUSE
        for attempt in range(1, MOST_TRIES + 1):
            try:
                self._send(self._alert, message, self._now().timestamp())
            except AlertError as error:
                self._failing(error)
            else:
                if self.state.failing is not None:
                    log.info("alert-goes-on", alert=self._alert.name)
                self.state.failing, self.state.why = None, None
                self.state.last_sent = self._now().timestamp()
                return True
            if attempt < MOST_TRIES and self._stop.wait(pause):
                raise Stopped
            pause = min(LONGEST_PAUSE, pause * 3)
        self.state.failed += 1
        log.error("alert-failed", alert=self._alert.name, error=self.state.why, tries=MOST_TRIES)
        return False

    def _failing(self, error: AlertError) -> None:
        """Say and keep that it fails, so that others can tell while it is tried again."""
        if self.state.failing is None:
            log.warning("alert-waits", alert=self._alert.name, error=str(error))
            self.state.failing = self._now().timestamp()
        self.state.why = str(error)
        self._save()

    def _save(self) -> None:
        self._settle()
        write_state(self._folder, self._alert.name, self.state)

    def _settle(self) -> None:
        """Make the lines that were read durable: nobody is told of, and no position lies behind, what a loss of power
        could still take away."""
        for path in self._unsettled:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        self._unsettled.clear()


def run_alerts(settings: Settings, now: Callable[[], datetime], stop: threading.Event) -> None:
    """Follow the journal for every alert until `stop` is set. Raises `RecordError` where it cannot begin."""
    forget_others(settings.alerts_folder, [alert.name for alert in settings.alerts])
    try:
        followers = [Follower(alert, settings, now, stop) for alert in settings.alerts]
    except OSError as error:
        raise RecordError(f"the folder of the alerts cannot be used: {error.strerror}") from None
    threads = [threading.Thread(target=follower.run, daemon=True) for follower in followers]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join()


def _end(slot: Path) -> Position:
    """Behind the last whole line that a slot has now."""
    found = segments(slot)
    if not found:
        return Position()
    *_, mark = Mark(found[-1].path.name), *(line.mark for line in read_slot(slot, Mark(found[-1].path.name)))
    return Position(file=mark.file, offset=mark.offset, line=mark.line)


def _moment(body: Mapping[str, Json], default: float) -> float:
    try:
        return datetime.fromisoformat(str(body.get("moment"))).timestamp()
    except ValueError:
        return default
