"""Proxy sign-in by name and password (`Basic`), over whatever can tell whether they are right.

A password is looked at in a thread, once; after that a keyed digest of it is known until it was not used for an hour.
Nothing here keeps a password, and no log has one.
"""

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Protocol

from gerbang.gate.identity.door import Failures, Knock, Outcome, SignIn
from gerbang.gate.identity.zones import neighbourhood

REALM = "Gerbang"
REMEMBERED_FOR = 3600.0  # seconds
REMEMBERED = 20_000  # sign-ins
CHECKS_WAITING = 64
WAITING_OF_ONE = 24  # of them, from one address: nobody alone keeps everybody else from signing in
CREDENTIALS_LIMIT = 1024  # characters of the header

_NOBODY = SignIn(Outcome.MISSING)


class Verifier(Protocol):
    """What can tell whether a password is right."""

    @property
    def way(self) -> str:
        """What the record says of how somebody was known."""

    @property
    def at_once(self) -> int:
        """How many passwords may be looked at at the same time."""

    @property
    def known_for(self) -> float:
        """Seconds after which a password is looked at again, however often it was used since."""

    def seal(self, user: str) -> bytes | None:
        """What must not have changed for a sign-in to be still known; `None` where this user's is not."""

    def verify(self, user: str, password: bytes) -> SignIn:
        """Blocks, so not for the event loop. `user` of what it gives is the id under which the officer is known."""

    def refresh(self) -> None:
        """Look again at what this rests on. Does I/O, so not for the event loop."""

    def close(self) -> None: ...


def credentials(header: str) -> tuple[str, bytes] | None:
    """User and password of a `Basic` header. The first colon divides them, so a password may hold more.

    >>> credentials("Basic YWxpOmE6Yg==")
    ('ali', b'a:b')
    """
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > CREDENTIALS_LIMIT:
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    if not colon or not user:
        return None
    try:
        return user.decode("utf-8"), password
    except UnicodeDecodeError:
        return user.decode("latin-1"), password


class BasicDoor:
    """A door at which a name and a password are said. Used from one event loop."""

    challenge = f'Basic realm="{REALM}", charset="UTF-8"'

    def __init__(self, verifier: Verifier, now: Callable[[], float] = time.monotonic) -> None:
        self._verifier = verifier
        self._now = now
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[float, SignIn]] = OrderedDict()
        self._waiting: Counter[str] = Counter()
        self._running: dict[bytes, asyncio.Future[SignIn]] = {}
        self._failures = Failures(now)
        self._threads = ThreadPoolExecutor(verifier.at_once, thread_name_prefix="sign-in")

    @property
    def way(self) -> str:
        return self._verifier.way

    def speaks(self, credentials: str) -> bool:
        return credentials.strip().partition(" ")[0].lower() == "basic"

    async def check(self, knock: Knock) -> SignIn:
        if knock.credentials is None:
            return SignIn(Outcome.MISSING)
        given = credentials(knock.credentials)
        if given is None:
            return SignIn(Outcome.WRONG)
        user, password = given
        seal = self._verifier.seal(user)
        digest = self._digest(user, password, seal or b"")
        until, known = self._known.get(digest, (0.0, _NOBODY))
        if seal is not None and min(until, known.until) > self._now():
            self._remember(digest, known)
            return known
        # After the look at what is known: a colleague behind the same address who cannot type locks nobody out.
        where = neighbourhood(knock.client)
        if self._failures.limited(knock.client, user) or self._full(digest, where):
            return SignIn(Outcome.LIMITED)
        signed_in = await self._verified(digest, user, password, where)
        if signed_in.outcome is Outcome.WRONG:
            self._failures.count(knock.client, user)
        elif signed_in.user is not None and self._verifier.seal(user) == seal:
            signed_in = replace(signed_in, until=self._now() + self._verifier.known_for)
            self._remember(digest, signed_in)
        return signed_in

    def _full(self, digest: bytes, where: str) -> bool:
        """Whether too many wait already. Who waits for what is looked at anyway takes no place of its own."""
        if digest in self._running:
            return False
        return len(self._running) >= CHECKS_WAITING or self._waiting[where] >= WAITING_OF_ONE

    async def _verified(self, digest: bytes, user: str, password: bytes, where: str) -> SignIn:
        """A browser opens several connections at once: they wait for one look at the password."""
        running = self._running.get(digest)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, self._verifier.verify, user, password)
            self._running[digest] = running
            self._waiting[where] += 1
            running.add_done_callback(lambda _: self._looked(digest, where))
        return await asyncio.shield(running)

    def _looked(self, digest: bytes, where: str) -> None:
        self._running.pop(digest, None)
        self._waiting[where] -= 1
        if not self._waiting[where]:
            del self._waiting[where]

    def _digest(self, user: str, password: bytes, seal: bytes) -> bytes:
        """Changes with the seal, so that a changed password ends what was known of the old one."""
        name = user.encode("utf-8", "surrogatepass")
        said = len(name).to_bytes(4, "big") + name + len(seal).to_bytes(4, "big") + seal + password
        return hashlib.blake2b(said, key=self._key, digest_size=32).digest()

    def _remember(self, digest: bytes, known: SignIn) -> None:
        self._known[digest] = (self._now() + REMEMBERED_FOR, known)
        self._known.move_to_end(digest)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def refresh(self) -> None:
        self._verifier.refresh()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._verifier.close()
