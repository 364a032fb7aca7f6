"""Who may sign in by a directory, which is asked with the password that was typed."""

import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from gerbang.directory import Directory, DirectoryError, SignInRefused
from gerbang.errors import SettingsError
from gerbang.gate.identity.door import Outcome, SignIn
from gerbang.registers import SIGN_IN
from gerbang.settings import LdapSettings

log = structlog.get_logger()

CHECKS_AT_ONCE = 8
AWAY_FOR = 2.0  # seconds in which a directory that was away is not asked again
USERS_REFUSED = 10_000  # users with refused passwords that are remembered


@dataclass(slots=True)
class _Refused:
    """What a user tried in vain since then, by digests."""

    since: float
    digests: set[bytes] = field(default_factory=set)


class Ldap:
    """The names and passwords of a directory. Used from several threads.

    Wrong passwords reach the directory only `ldap.attempts` times within `ldap.attempts_within`, and the same one only
    once, so that nobody can have an account locked there from here.
    """

    way = "ldap"
    at_once = CHECKS_AT_ONCE

    def __init__(
        self,
        settings: LdapSettings,
        directory: Directory | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._directory = directory or Directory(settings)
        self._now = now
        self._key = secrets.token_bytes(32)
        self._refused: OrderedDict[str, _Refused] = OrderedDict()
        self._away: float | None = None
        self._lock = threading.Lock()

    @property
    def known_for(self) -> float:
        """An account that was disabled there is told by nothing but another look."""
        return self._settings.known_hours * 3600.0

    def seal(self, user: str) -> bytes | None:  # noqa: ARG002  (a verifier's)
        """A directory tells nothing without being asked, and who signed in goes on while it is away."""
        return b""

    def verify(self, user: str, password: bytes) -> SignIn:
        if not password:
            return SignIn(Outcome.WRONG)
        digest = hashlib.blake2b(password, key=self._key, digest_size=32).digest()
        with self._lock:
            if self._away is not None and self._now() < self._away:
                return SignIn(Outcome.UNAVAILABLE)
            tried = self._tried(user)
            if digest in tried.digests:
                return SignIn(Outcome.WRONG)
            if len(tried.digests) >= self._settings.attempts:
                wait = max(1, round(tried.since + self._settings.attempts_within - self._now()))
                return SignIn(Outcome.LIMITED, answer=(("Retry-After", str(wait)),))
            # Counted before it is asked: tries at the same time would go beyond the bound.
            tried.digests.add(digest)
        try:
            identity = self._directory.sign_in(user, password)
        except SignInRefused as refused:
            return self._wrong(user, digest, refused)
        except (DirectoryError, SettingsError) as error:
            self._forget(user, digest)
            return self._unavailable(str(error))
        except BaseException:
            self._forget(user, digest)
            raise
        with self._lock:
            self._refused.pop(user.casefold(), None)
            back, self._away = self._away is not None, None
        if back:
            log.info("directory-back")
        if not SIGN_IN.fullmatch(identity) or identity == "unknown":
            log.error("directory-sign-in-refused", why="this id cannot stand in officers.csv")
            return SignIn(Outcome.WRONG)
        return SignIn(Outcome.SIGNED_IN, identity)

    def _wrong(self, user: str, digest: bytes, refused: SignInRefused) -> SignIn:
        if not refused.counts:
            self._forget(user, digest)
        log.warning("directory-sign-in-refused", why=refused.why)
        with self._lock:
            held = len(self._tried(user).digests) == self._settings.attempts
        if held:
            log.warning(
                "directory-sign-in-held", failures=self._settings.attempts, seconds=self._settings.attempts_within
            )
        return SignIn(Outcome.WRONG)

    def _unavailable(self, why: str) -> SignIn:
        with self._lock:
            first, self._away = self._away is None, self._now() + AWAY_FOR
        if first:
            log.error("directory-away", because=why, until_it_is_back="only who has signed in already goes on")
        return SignIn(Outcome.UNAVAILABLE)

    def _tried(self, user: str) -> _Refused:
        """With the lock held. A directory does not tell `AMINAH` from `aminah`."""
        name = user.casefold()
        found = self._refused.get(name)
        if found is None or self._now() - found.since >= self._settings.attempts_within:
            found = self._refused[name] = _Refused(self._now())
        self._refused.move_to_end(name)
        while len(self._refused) > USERS_REFUSED:
            self._refused.popitem(last=False)
        return found

    def _forget(self, user: str, digest: bytes) -> None:
        with self._lock:
            self._tried(user).digests.discard(digest)

    def refresh(self) -> None:
        """Nothing rests on a file: the bind password is read each time."""

    def close(self) -> None:
        """No connection outlives a question."""
