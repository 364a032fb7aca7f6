"""The decisions that the gate still has in memory, so that an officer can read, answer and contest them.

Bounded for all and for each owner, so that nobody can push another's out alone. What was written is not kept.
"""

import hmac
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from gerbang.model import Actor, Decision, Kind, Release, Request

LIMIT: Final = 5000  # decisions in all; about 10 MB
OWN_LIMIT: Final = 100  # decisions of one officer, or of one client where the officer is unknown
LONGEST_TARGET: Final = 2000  # characters of a path that a visit is led back to


@dataclass(slots=True)
class Remembered:
    """A decision and what became of it.

    `page` is the visit's own address, to which a confirmation leads back. `token` is the cookie of the browser that
    opened the decision first, where no officer is known. `confirming` stands while a release is being recorded.
    """

    decision: Decision
    page: str | None
    token: str | None = None
    release: Release | None = None
    confirming: bool = False
    objected: bool = False


class DecisionBook:
    """Decisions by number and by owner, the newest kept."""

    def __init__(self, limit: int = LIMIT, own_limit: int = OWN_LIMIT) -> None:
        self._limit, self._own_limit = limit, own_limit
        self._all: OrderedDict[str, Remembered] = OrderedDict()
        self._owned: OrderedDict[str, deque[str]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, decision: Decision, request: Request) -> None:
        """Remember a decision with the request that it was made on. What is known of a number already stays as it is.

        A visit that is held again has the number of its first line, and its form may be open in a browser.
        """
        if decision.number in self._all:
            return
        activity = replace(decision.activity, texts=(), media=())
        self._all[decision.number] = Remembered(replace(decision, activity=activity), _page(decision, request))
        own = self._owned.setdefault(owner(decision.actor), deque())
        own.append(decision.number)
        if len(own) > self._own_limit:
            self._all.pop(own.popleft(), None)
        while len(self._all) > self._limit:
            number, oldest = self._all.popitem(last=False)
            self._forget(number, owner(oldest.decision.actor))

    def find(self, number: str, actor: Actor) -> Remembered | None:
        """The decision, if it is this officer's; for an unknown officer, this client's. Others are as good as none."""
        found = self._all.get(number)
        return found if found is not None and owner(found.decision.actor) == owner(actor) else None

    def mine(self, actor: Actor, token: str | None) -> tuple[Decision, ...]:
        """The officer's decisions, newest first; an unknown officer's are those that this browser has opened."""
        found = (self._all[n] for n in reversed(self._owned.get(owner(actor), ())) if n in self._all)
        known = actor.officer is not None
        return tuple(entry.decision for entry in found if known or same_token(entry.token, token))

    def _forget(self, number: str, whose: str) -> None:
        own = self._owned.get(whose)
        if own is not None:
            if number in own:
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
    if decision.activity.kind is not Kind.VIEW or request.method != "GET" or len(request.target) > LONGEST_TARGET:
        return None
    # Nothing that could end a header or leave the path; what was escaped stays as it was.
    target = quote(request.target if request.target.startswith("/") else "/", safe="/?&=%:@!$'()*+,;~#-._[]|")
    return f"{request.origin}{target}"
