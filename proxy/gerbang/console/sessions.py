"""Who is signed in, kept in this process only, and how often somebody may try."""

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

IDLE: Final = 30 * 60  # seconds without a request after which a session ends
LONGEST: Final = 8 * 3600  # seconds after which a session ends in any case
LIMIT: Final = 1000  # sessions; the oldest go first

TRIES: Final = 5  # failed sign-ins of one name from one address in a window
TRIES_OF_ADDRESS: Final = 30  # of one address, whatever the name
WINDOW: Final = 15 * 60  # seconds
REMEMBERED: Final = 10_000  # names and addresses whose failures are kept


@dataclass(slots=True)
class Session:
    """A person who is signed in. `stamp` is the account's at that time, `csrf` what their forms must carry."""

    user: str
    stamp: str
    started: float
    seen: float
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def sent(self, token: str) -> bool:
        """Whether a form with this token is one of this session's."""
        return hmac.compare_digest(self.csrf.encode(), token.encode(errors="replace"))


class Sessions:
    """Sessions by a digest of their token, so that memory does not hold what a browser shows."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: OrderedDict[bytes, Session] = OrderedDict()
        self._lock = Lock()

    def open(self, user: str, stamp: str) -> str:
        """A new session's token, for the cookie."""
        token, now = secrets.token_urlsafe(32), self._clock()
        with self._lock:
            self._open[_digest(token)] = Session(user, stamp, now, now)
            while len(self._open) > LIMIT:
                self._open.popitem(last=False)
        return token

    def find(self, token: str) -> Session | None:
        """The session of a token, if it has not ended; its idle time starts again."""
        now, key = self._clock(), _digest(token)
        with self._lock:
            session = self._open.get(key)
            if session is None:
                return None
            if now - session.seen > IDLE or now - session.started > LONGEST:
                del self._open[key]
                return None
            session.seen = now
            return session

    def close(self, token: str) -> None:
        with self._lock:
            self._open.pop(_digest(token), None)


class Attempts:
    """Failed sign-ins of the last quarter of an hour, by address and by name and address."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._lock = Lock()

    def allowed(self, name: str, address: str) -> bool:
        with self._lock:
            return self._count((name, address)) < TRIES and self._count(("", address)) < TRIES_OF_ADDRESS

    def failed(self, name: str, address: str) -> None:
        with self._lock:
            for key in ((name, address), ("", address)):
                times = self._failed.setdefault(key, deque(maxlen=TRIES_OF_ADDRESS))
                times.append(self._clock())
                self._failed.move_to_end(key)
            while len(self._failed) > REMEMBERED:
                self._failed.popitem(last=False)

    def _count(self, key: tuple[str, str]) -> int:
        times = self._failed.get(key)
        if times is None:
            return 0
        while times and self._clock() - times[0] > WINDOW:
            times.popleft()
        if not times:
            del self._failed[key]
        return len(times)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogatepass")).digest()
