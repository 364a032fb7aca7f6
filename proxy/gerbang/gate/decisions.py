"""The decisions that the gate has in memory, so that an officer can read, answer and contest them.

Bounded for all and for each owner, so that nobody can push another's out alone. What was written is not kept.
"""

import hmac
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from gerbang.answers.reply import HELD
from gerbang.gate.shown import words_shown
from gerbang.model import Actor, Decision, Effect, Kind, Release, Request
from gerbang.record.event import Done, Shown

LIMIT: Final = 5000  # decisions in all; about 10 MB
OWN_LIMIT: Final = 100  # decisions of one officer, or of one client where the officer is unknown
LONGEST_TARGET: Final = 2000  # characters of a path that a visit is led back to


@dataclass(slots=True)
class Remembered:
    """A decision and what became of it.

    `page` is the visit's own address, to which a confirmation leads back. `token` is the cookie of the browser that
    opened the decision first, where no officer is known. `confirming` stands while a release is being recorded;
    `used_by` is the number of the decision that took its single use.
    """

    decision: Decision
    page: str | None
    done: Done
    token: str | None = None
    release: Release | None = None
    confirming: bool = False
    objected: bool = False
    used_by: str | None = None
    shown: Shown | None = None
    restored: bool = False
    """What an approver would get to read, where the act waits for one."""


class DecisionBook:
    """Decisions by number and by owner, the newest kept."""

    def __init__(self, limit: int = LIMIT, own_limit: int = OWN_LIMIT) -> None:
        self._limit, self._own_limit = limit, own_limit
        self._all: OrderedDict[str, Remembered] = OrderedDict()
        self._owned: OrderedDict[str, deque[str]] = OrderedDict()
        # What went out asks nothing of anybody: it makes room first.
        self._sent: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, decision: Decision, request: Request) -> None:
        """Remember what was refused or held with the request that it was made on. What is known of a number already
        stays as it is.

        A visit that is held again has the number of its first line, and its form may be open in a browser.
        """
        done: Done = "held" if decision.effect in HELD else "answered"
        self.put(Remembered(decision, _page(decision, request), done))

    def sent(self, decision: Decision) -> None:
        """Remember what went out, and that the confirmation it rests on is used."""
        self.put(Remembered(decision, None, "forwarded"))

    def put(self, entry: Remembered) -> None:
        number = entry.decision.number
        if number in self._all:
            return
        if entry.decision.effect is Effect.APPROVE and entry.shown is None and not entry.restored:
            entry.shown = words_shown(entry.decision)
        activity = replace(entry.decision.activity, texts=(), media=(), step=None)
        entry.decision = replace(entry.decision, activity=activity)
        self._all[number] = entry
        own = self._owned.setdefault(owner(entry.decision.actor), deque())
        if entry.done == "forwarded":
            self._sent[number] = None
            self._use(entry.decision, own)
        own.append(number)
        if len(own) > self._own_limit:
            self._remove(next((other for other in own if other in self._sent), own[0]))
        while len(self._all) > self._limit:
            self._remove(next(iter(self._sent or self._all)))

    def _use(self, decision: Decision, own: Iterable[str]) -> None:
        used = {match.released_by for match in decision.matches if match.released_by}
        for number in own if used else ():
            hold = self._all[number]
            if hold.release is not None and hold.release.single_use and hold.release.id in used:
                hold.used_by = decision.number

    def granted(self, number: str, release: Release) -> None:
        """An approver let it through."""
        if (entry := self._all.get(number)) is not None and entry.used_by is None:
            entry.release = release

    def find(self, number: str, actor: Actor) -> Remembered | None:
        """The decision, if it is this officer's; for an unknown officer, this client's. Others are as good as none."""
        found = self._all.get(number)
        return found if found is not None and owner(found.decision.actor) == owner(actor) else None

    def mine(self, actor: Actor, token: str | None) -> tuple[Remembered, ...]:
        """The officer's decisions, newest first; an unknown officer's are those that this browser has opened."""
        found = (self._all[number] for number in reversed(self._owned.get(owner(actor), ())))
        known = actor.officer is not None
        return tuple(entry for entry in found if known or same_token(entry.token, token))

    def _remove(self, number: str) -> None:
        whose = owner(self._all.pop(number).decision.actor)
        self._sent.pop(number, None)
        own = self._owned[whose]
        own.remove(number)
        if not own:
            del self._owned[whose]


def owner(actor: Actor) -> str:
    """Whose decisions and releases these are: the officer's, or the client address's."""
    return owner_of(actor.officer.id if actor.officer else None, actor.client)


def owner_of(officer: str | None, client: str) -> str:
    return f"officer {officer}" if officer is not None else f"client {client}"


def same_token(bound: str | None, given: str | None) -> bool:
    """Whether both are there and alike, in a time that tells nothing."""
    return bound is not None and given is not None and hmac.compare_digest(bound.encode(), given.encode())


def _page(decision: Decision, request: Request) -> str | None:
    """The address of a visit, on the host that was decided on and on no other."""
    return visited(request) if decision.activity.kind is Kind.VIEW else None


def visited(request: Request) -> str | None:
    """The address of a visit, as a link may lead back to it."""
    if request.method != "GET" or len(request.target) > LONGEST_TARGET:
        return None
    # Nothing that could end a header or leave the path; what was escaped stays as it was.
    target = quote(request.target if request.target.startswith("/") else "/", safe="/?&=%:@!$'()*+,;~#-._[]|")
    return f"{request.origin}{target}"
