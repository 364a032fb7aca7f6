"""The approvers' queue: what officers asked for, and how it was answered.

It stands in a feed that gates, the console and commands share. Who answers holds a lock from the look at what stands
there until the answer does, so that of two answers the first is the one, and the second is told.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from gerbang.errors import Place, RecordError, reason
from gerbang.feeds import Feed
from gerbang.model import Kind, Release
from gerbang.record.event import Answer, Event, RecordKeys, answered_event, release_event

FEED: Final = "approvals"
OPEN: Final = 20  # requests of one officer that wait for an answer
OPEN_IN_ALL: Final = 2000
A_DAY: Final = 50  # requests of one officer in 24 hours
KEPT_FOR: Final = timedelta(days=7)  # after it came to its end, so that the officer can see how
LONGEST_NOTE: Final = 1000  # characters, of an approver
SHORTEST_NOTE: Final = 8  # letters, where a reason is needed


class State(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    GRANTED = "granted"
    REFUSED = "refused"
    CHANGES = "changes"
    EXPIRED = "expired"


class Unanswerable(RecordError):
    """The request cannot be answered so; `kind` says why in one word (`unknown`, `answered`, `expired`, `own`,
    `not-yours`)."""

    def __init__(self, what: str, kind: str, hint: str | None = None) -> None:
        super().__init__(what, hint=hint)
        self.kind = kind


class TooMany(RecordError):
    """The officer, or everybody together, has asked too often already."""


@dataclass(frozen=True, slots=True)
class Approver:
    """Who answers: an account of the console, the officer whose it is, and that officer's groups."""

    name: str
    officer: str
    groups: frozenset[str] = frozenset()

    def is_one(self, officer: str) -> bool:
        """Whether this is that officer, however the account spells her: no two officers' ids differ by case alone."""
        return officer.casefold() in (self.officer.casefold(), self.name.casefold())

    def may(self, approvers: Iterable[tuple[str, ...]]) -> bool:
        """Whether each rule lets this one grant it. A rule that names nobody lets any approver."""
        own = {self.name, *(f"group:{group}" for group in self.groups)}
        return all(not each or not own.isdisjoint(each) for each in approvers)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it stands in the feed, with its answer where it has one. `lasts` is how long a grant is good for,
    in seconds; `approvers` are those who may, for each rule that holds the act."""

    number: str
    officer: str
    moment: datetime
    expires: datetime
    platform: str
    kind: Kind
    account: str
    digest: str
    rules: tuple[str, ...]
    approvers: tuple[tuple[str, ...], ...]
    lasts: int
    answer: Answer | None = None
    answered: datetime | None = None
    note: str = ""
    release: str | None = None
    until: datetime | None = None

    def state(self, moment: datetime) -> State:
        if self.answer is not None:
            return State(self.answer)
        return State.EXPIRED if moment >= self.expires else State.ASKED

    @property
    def ends(self) -> datetime:
        """When nothing more can come of it."""
        return self.until or self.answered or self.expires

    def grant(self) -> Release | None:
        """What a grant allows: this officer, this act with this content, once. A visit has no content, and is covered
        for as long as the grant lasts."""
        if self.answer != "granted" or self.release is None or self.until is None:
            return None
        visit = self.kind is Kind.VIEW
        return Release(
            id=self.release,
            rules=frozenset(self.rules),
            platform=self.platform,
            expires=self.until,
            officer=self.officer,
            kind=self.kind,
            account=None if visit else self.account,
            digest=None if visit else self.digest,
            single_use=not visit,
            granted=True,
        )

    def record(self) -> dict[str, Any]:
        """The line with which it was asked."""
        return {
            "what": "asked",
            "number": self.number,
            "officer": self.officer,
            "moment": self.moment.isoformat(),
            "expires": self.expires.isoformat(),
            "platform": self.platform,
            "activity": self.kind.value,
            "account": self.account,
            "digest": self.digest,
            "rules": list(self.rules),
            "approvers": [list(each) for each in self.approvers],
            "lasts": self.lasts,
        }


def folded(records: Iterable[Mapping[str, Any]], known: Mapping[str, Asked] | None = None) -> dict[str, Asked]:
    """The requests by number, of what stands in the feed; `known` is what was read before. The first answer counts, and
    what cannot be read is left out."""
    found = dict(known or {})
    for record in records:
        try:
            number = str(record["number"])
            if record["what"] == "asked":
                found.setdefault(number, _asked(record))
            elif record["what"] == "answered" and number in found and found[number].answer is None:
                found[number] = _answered(found[number], record)
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _asked(record: Mapping[str, Any]) -> Asked:
    return Asked(
        number=str(record["number"]),
        officer=str(record["officer"]),
        moment=datetime.fromisoformat(record["moment"]),
        expires=datetime.fromisoformat(record["expires"]),
        platform=str(record["platform"]),
        kind=Kind(record["activity"]),
        account=str(record["account"]),
        digest=str(record["digest"]),
        rules=tuple(str(rule) for rule in record["rules"]),
        approvers=tuple(tuple(str(name) for name in each) for each in record["approvers"]),
        lasts=int(record["lasts"]),
    )


_ANSWERS: Final[dict[str, Answer]] = {"granted": "granted", "refused": "refused", "changes": "changes"}


def _answered(asked: Asked, record: Mapping[str, Any]) -> Asked:
    return replace(
        asked,
        answer=_ANSWERS[record["answer"]],
        answered=datetime.fromisoformat(record["moment"]),
        note=str(record.get("note", "")),
        release=record.get("release"),
        until=datetime.fromisoformat(record["until"]) if record.get("until") else None,
    )


class Queue:
    """The requests in a folder of feeds. Every method does I/O, and may raise `RecordError` or `FeedError`."""

    def __init__(self, folder: Path) -> None:
        self.feed = Feed(folder, FEED)
        self._lock = folder / f"{FEED}-queue.lock"

    def all(self) -> dict[str, Asked]:
        return folded(self.feed.read())

    def ask(self, asked: Asked, append: Callable[[], object]) -> Asked:
        """Put a request in the queue once `append` has it in the journal; the one that stands there already for the
        same act, where there is one. Raises `TooMany`."""
        with self._locked():
            standing = self.all()
            own = [one for one in standing.values() if one.officer == asked.officer]
            same = (one for one in own if one.number == asked.number or one.digest == asked.digest)
            if before := next((one for one in same if _stands(one, asked)), None):
                return before
            waiting = [one for one in standing.values() if one.state(asked.moment) is State.ASKED]
            lately = [one for one in own if one.moment > asked.moment - timedelta(days=1)]
            if sum(one.officer == asked.officer for one in waiting) >= OPEN or len(lately) >= A_DAY:
                raise TooMany("this officer has asked too often already")
            if len(waiting) >= OPEN_IN_ALL:
                raise TooMany("too many requests wait for an answer already")
            self._tidied(asked.moment)
            self.feed.check([asked.record()])  # before the journal has what the queue could not take
            append()
            self.feed.append([asked.record()])
        return asked

    def answer(
        self,
        number: str,
        answer: Answer,
        approver: Approver,
        note: str,
        moment: datetime,
        way: str,
        append: Callable[[Event], object],
        keys: RecordKeys,
    ) -> Asked:
        """Answer a request. `append` returns once an event is durable. Raises `Unanswerable` where it cannot be."""
        with self._locked():
            asked = self.all().get(number)
            if asked is None:
                raise Unanswerable(f"there is no request `{number}`", "unknown", "see `gerbang approvals queue list`")
            _check(asked, approver, moment)
            release = None
            settled = replace(asked, answer=answer, answered=moment, note=note)
            if answer == "granted":
                until = moment + timedelta(seconds=asked.lasts)
                settled = replace(settled, release=secrets.token_hex(8), until=until)
                release = settled.grant()
            line = {
                "what": "answered",
                "number": number,
                "answer": answer,
                "moment": moment.isoformat(),
                "note": note,
                "release": settled.release,
                "until": settled.until.isoformat() if settled.until else None,
            }
            self._tidied(moment)
            self.feed.check([line])  # else a grant would be in the journal, and the request open still
            append(answered_event(number, answer, approver.name, asked.officer, note, release, way, moment, keys))
            if release is not None:
                append(release_event(release, number, moment, keys))
            self.feed.append([line])
        return settled

    def forget(self, number: str) -> bool:
        """Take a request and its answer out of the queue, and out of the gates that follow it; whether one stood
        there. What was granted by it and not used yet stays good until its end in a gate that runs."""
        with self._locked():
            if not any(record.get("number") == number for record in self.feed.read()):
                return False
            self.feed.compact(lambda record: record.get("number") != number)
        return True

    def _tidied(self, moment: datetime) -> None:
        ended = {one.number for one in self.all().values() if one.ends + KEPT_FOR < moment}
        if ended:
            self.feed.compact(lambda record: record.get("number") not in ended)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise RecordError(
                f"the approvers' queue cannot be opened: {reason(error)}", place=Place(str(self._lock))
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _stands(before: Asked, asked: Asked) -> bool:
    """Whether a request of the same officer takes the place of a new one."""
    return before.number == asked.number or before.state(asked.moment) is State.ASKED


def _check(asked: Asked, approver: Approver, moment: datetime) -> None:
    if asked.answer is not None:
        told = {"granted": "granted", "refused": "refused", "changes": "sent back for changes"}[asked.answer]
        raise Unanswerable(f"request `{asked.number}` was {told} already", "answered", "the first answer stands")
    if moment >= asked.expires:
        raise Unanswerable(f"request `{asked.number}` has expired", "expired", "the officer can post and ask again")
    if approver.is_one(asked.officer):
        raise Unanswerable(f"request `{asked.number}` is your own", "own", "another approver has to answer it")
    if not approver.may(asked.approvers):
        named = ", ".join(f"`{name}`" for each in asked.approvers for name in each)
        raise Unanswerable(f"the rule lets others answer request `{asked.number}`", "not-yours", f"it names {named}")
