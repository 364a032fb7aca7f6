"""What a door is: one way by which people are known, and the bounds on those who knock in vain."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import structlog

from gerbang.gate.identity.zones import neighbourhood

log = structlog.get_logger()

FAILURES = 10  # of one user from one address
FAILURES_OF_ALL = 100  # from one address, which may be a whole office's
FAILURES_WITHIN = 60.0  # seconds
FAILED = 10_000  # addresses, and users with failures there, remembered


class Outcome(Enum):
    """How a sign-in went. `LIMITED`: too many failures from there, or too many at once; nothing was looked at.

    `UNAVAILABLE`: what would know cannot be asked, which says nothing about who knocks; nobody passes.
    """

    SIGNED_IN = "signed-in"
    MISSING = "missing"
    WRONG = "wrong"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Knock:
    """What a client brings to a door: its `Proxy-Authorization`, its address, and the request's other headers."""

    credentials: str | None
    client: str
    header: Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class SignIn:
    """`user` is the officer's id. `answer` are headers for the reply. `until`, on the door's clock, is when whoever
    came in has to be looked at anew, tunnel or not."""

    outcome: Outcome
    user: str | None = None
    answer: tuple[tuple[str, str], ...] = ()
    until: float = math.inf


class Door(Protocol):
    """One way by which people are known. Used from one event loop, but for `refresh`."""

    @property
    def way(self) -> str:
        """What the record says of how somebody was known, such as `htpasswd`."""

    @property
    def challenge(self) -> str | None:
        """The value of `Proxy-Authenticate`; `None` where the client is not asked."""

    def speaks(self, credentials: str) -> bool:
        """Whether a header is for this door, by its scheme."""

    async def check(self, knock: Knock) -> SignIn: ...

    def refresh(self) -> None:
        """Look again at what this rests on. Does I/O, so not for the event loop."""

    def close(self) -> None: ...


class Failures:
    """Those who knocked in vain lately, by address and user."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._counted: OrderedDict[tuple[str, str | None], tuple[int, float]] = OrderedDict()

    def limited(self, client: str, user: str) -> bool:
        where = neighbourhood(client)
        return any(self._recent(where, one) >= most for one, most in ((user, FAILURES), (None, FAILURES_OF_ALL)))

    def count(self, client: str, user: str) -> None:
        where = neighbourhood(client)
        self._count(where, user)
        self._count(where, None)

    def _recent(self, where: str, user: str | None) -> int:
        count, since = self._counted.get((where, user), (0, 0.0))
        return count if self._now() - since < FAILURES_WITHIN else 0

    def _count(self, where: str, user: str | None) -> None:
        """Count a failure of one user, or with `None` of anybody, from an address."""
        count = self._recent(where, user)
        _, since = self._counted.pop((where, user), (0, 0.0))
        self._counted[where, user] = (count + 1, since if count else self._now())
        if count + 1 == (FAILURES if user is not None else FAILURES_OF_ALL):
            log.warning("sign-in-limited", client=where, failures=count + 1, seconds=FAILURES_WITHIN)
        while len(self._counted) > FAILED:
            self._counted.popitem(last=False)
