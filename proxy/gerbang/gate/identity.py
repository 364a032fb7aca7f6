"""Who is at the other end: the zone of an address, and proxy sign-in by an htpasswd file.

A password is compared by bcrypt in a thread of its own, once; after that a keyed digest of it is known until it was
not used for an hour.
Nothing here keeps a password, and no log has one.
"""

import asyncio
import base64
import binascii
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import bcrypt
import structlog

from gerbang.errors import Place, SettingsError, reason
from gerbang.model import Zone

log = structlog.get_logger()

REALM = "Gerbang"
REMEMBERED_FOR = 3600.0  # seconds
REMEMBERED = 20_000  # sign-ins
FAILURES = 10  # of one user from one address
FAILURES_OF_ALL = 100  # from one address, which may be a whole office's
FAILURES_WITHIN = 60.0  # seconds
ADDRESSES = 10_000  # and users with failures there, remembered
CHECKS_AT_ONCE = 2
CHECKS_WAITING = 64
CREDENTIALS_LIMIT = 1024  # characters of the header
# What bcrypt takes of a password, in bytes; `htpasswd` cuts there too, and the library refuses more.
BCRYPT_TAKES = 72
FILE_LIMIT = 4 << 20


class Outcome(Enum):
    """How a sign-in went. `LIMITED`: too many failures from there, or too many at once; nothing was looked at."""

    SIGNED_IN = "signed-in"
    MISSING = "missing"
    WRONG = "wrong"
    LIMITED = "limited"


@dataclass(frozen=True, slots=True)
class SignIn:
    outcome: Outcome
    user: str | None = None


class Zones:
    """The zone of an address: the longest prefix wins, and an address in none has none."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        pairs = [(network, zone) for zone in zones for network in zone.networks]
        pairs.sort(key=lambda pair: pair[0].prefixlen, reverse=True)
        self._pairs = tuple(pairs)
        self._known: OrderedDict[str, Zone | None] = OrderedDict()

    def of(self, client: str) -> Zone | None:
        if client in self._known:
            return self._known[client]
        address = _plain(client)
        zone = next((zone for network, zone in self._pairs if address is not None and address in network), None)
        self._known[client] = zone
        if len(self._known) > ADDRESSES:
            self._known.popitem(last=False)
        return zone


def _plain(client: str) -> IPv4Address | IPv6Address | None:
    """The address without its scope; an IPv4 client of a socket for both is an IPv4 client."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


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


def parse_htpasswd(text: str, file: str) -> Mapping[str, bytes]:
    """Users and their bcrypt hashes. Raises `SettingsError`.

    >>> parse_htpasswd("# staff\\nali:$2y$05$" + "a" * 53, "staff.htpasswd")["ali"][:4]
    b'$2y$'
    """
    users: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        place = Place(file, number)
        user, colon, hashed = entry.partition(":")
        if not colon or not user:
            raise SettingsError("this is no line of an htpasswd file", place=place, hint="expected `user:hash`")
        if not hashed.startswith(("$2y$", "$2b$", "$2a$")) or len(hashed) != 60:
            raise SettingsError(
                f"the hash of `{user}` is not bcrypt", place=place, hint=f"make it with `htpasswd -B {file} {user}`"
            )
        if user in users:
            raise SettingsError(f"`{user}` stands here twice", place=place)
        users[user] = hashed.encode()
    return users


class Doorkeeper:
    """Proxy sign-in for one zone's htpasswd file. Used from one event loop."""

    def __init__(self, file: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._now = now
        self._stamp = _stamp(file)
        self._users = _read(file)
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        self._failures: OrderedDict[tuple[str, str | None], tuple[int, float]] = OrderedDict()
        self._threads = ThreadPoolExecutor(CHECKS_AT_ONCE, thread_name_prefix="sign-in")
        # A user who is not there takes as long to refuse as one with a wrong password.
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(_cost(self._users.values())))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check(self, header: str | None, client: str) -> SignIn:
        """How a `Proxy-Authorization` header fares."""
        if header is None:
            return SignIn(Outcome.MISSING)
        given = credentials(header)
        if given is None:
            return SignIn(Outcome.WRONG)
        user, password = given
        hashed = self._users.get(user)
        digest = self._digest(user, password, hashed or b"")
        if hashed is not None and self._known.get(digest, 0) > self._now():
            self._remember(digest)
            return SignIn(Outcome.SIGNED_IN, user)
        # After the look at what is known: a colleague behind the same address who cannot type locks nobody out.
        where = neighbourhood(client)
        if self._limited(where, user) or len(self._running) >= CHECKS_WAITING:
            return SignIn(Outcome.LIMITED)
        if await self._verified(digest, password, hashed or self._nobody) and hashed is not None:
            self._remember(digest)
            return SignIn(Outcome.SIGNED_IN, user)
        self._count_failure(where, user)
        self._count_failure(where, None)
        return SignIn(Outcome.WRONG)

    async def _verified(self, digest: bytes, password: bytes, hashed: bytes) -> bool:
        """A browser opens several connections at once: they wait for one comparison."""
        running = self._running.get(digest)
        if running is None:
            loop = asyncio.get_running_loop()
            running = loop.run_in_executor(self._threads, bcrypt.checkpw, password[:BCRYPT_TAKES], hashed)
            self._running[digest] = running
            running.add_done_callback(lambda _: self._running.pop(digest, None))
        return await asyncio.shield(running)

    def _digest(self, user: str, password: bytes, hashed: bytes) -> bytes:
        """Changes with the stored hash, so that a changed password ends what was known of the old one."""
        name = user.encode("utf-8", "surrogatepass")
        said = len(name).to_bytes(4, "big") + name + len(hashed).to_bytes(4, "big") + hashed + password
        return hashlib.blake2b(said, key=self._key, digest_size=32).digest()

    def _remember(self, digest: bytes) -> None:
        self._known[digest] = self._now() + REMEMBERED_FOR
        self._known.move_to_end(digest)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _limited(self, where: str, user: str) -> bool:
        return any(self._recent(where, one) >= most for one, most in ((user, FAILURES), (None, FAILURES_OF_ALL)))

    def _recent(self, where: str, user: str | None) -> int:
        count, since = self._failures.get((where, user), (0, 0.0))
        return count if self._now() - since < FAILURES_WITHIN else 0

    def _count_failure(self, where: str, user: str | None) -> None:
        """Count a failure of one user, or with `None` of anybody, from an address."""
        count = self._recent(where, user)
        _, since = self._failures.pop((where, user), (0, 0.0))
        self._failures[where, user] = (count + 1, since if count else self._now())
        if count + 1 == (FAILURES if user is not None else FAILURES_OF_ALL):
            log.warning("sign-in-limited", client=where, failures=count + 1, seconds=FAILURES_WITHIN)
        while len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)

    def refresh(self) -> None:
        """Take the file as it is now; a wrong one changes nothing. Does I/O, so not for the event loop."""
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._users = _read(self._file)
        except SettingsError as error:
            log.error("htpasswd-refused", error=str(error), in_force="the file as it was")


def neighbourhood(client: str) -> str:
    """An IPv6 client has a /64 to itself, as far as limits go."""
    address = _plain(client)
    return str(IPv6Network((address, 64), strict=False)) if isinstance(address, IPv6Address) else client


def _cost(hashes: Iterable[bytes]) -> int:
    return max((int(hashed[4:6]) for hashed in hashes if hashed[4:6].isdigit()), default=10)


def _read(file: Path) -> Mapping[str, bytes]:
    place = Place(str(file))
    try:
        if file.stat().st_size > FILE_LIMIT:
            raise SettingsError(f"the htpasswd file is larger than {FILE_LIMIT >> 20} MiB", place=place)
        return parse_htpasswd(file.read_text(encoding="utf-8"), str(file))
    except OSError as error:
        raise SettingsError(f"the htpasswd file cannot be read: {reason(error)}", place=place) from None
    except UnicodeDecodeError:
        raise SettingsError("the htpasswd file is not UTF-8 text", place=place) from None


def _stamp(file: Path) -> tuple[int, int, int]:
    try:
        state = file.stat()
    except OSError:
        return (0, 0, 0)
    return (state.st_mtime_ns, state.st_size, state.st_ino)
