"""Who is signed in at which address, as RADIUS, NAC, DHCP or a captive portal says: the feed `sessions`, read.

A later session for an address replaces the earlier one. One that has ended is forgotten.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, Final

from gerbang.errors import FeedError
from gerbang.feeds import Feed, Follower, News
from gerbang.model import Device
from gerbang.settings import Settings, ZoneSettings

FEED: Final = "sessions"
MOST_SESSIONS: Final = 100_000
SPARE_RECORDS: Final = 10_000  # of the past, before the feed's file is made anew


@dataclass(frozen=True, slots=True)
class Session:
    """An officer at an address, until then. `device` is what the device is, where it is not what its zone says; `by` is
    the token that said so. Without an officer, nobody is there any more."""

    address: str
    officer: str | None
    until: datetime
    device: Device | None = None
    by: str = ""

    def record(self) -> Mapping[str, Any]:
        return {
            "address": self.address,
            "officer": self.officer,
            "until": self.until.astimezone(UTC).isoformat(),
            "device": self.device,
            "by": self.by,
        }


def session_of(record: Mapping[str, Any]) -> Session | None:
    """The session of a feed's record, `None` where it is none."""
    try:
        address, officer, device = record["address"], record["officer"], record["device"]
        until = datetime.fromisoformat(record["until"])
        if not isinstance(address, str) or not (officer is None or isinstance(officer, str)) or until.tzinfo is None:
            return None
        return Session(address, officer or None, until, Device(device) if device else None, str(record["by"]))
    except (KeyError, TypeError, ValueError):
        return None


class Book:
    """The sessions that stand, by address. Used from one thread."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, Session] = OrderedDict()
        self.records = 0
        """Those of the feed's file that were taken, past ones too."""

    def take(self, news: News, now: datetime) -> None:
        if news.afresh:
            self._open.clear()
            self.records = 0
        self.records += len(news.records)
        for session in map(session_of, news.records):
            if session is not None:
                self._open.pop(session.address, None)
                if session.officer is not None and session.until > now:
                    self._open[session.address] = session
        if len(self._open) > MOST_SESSIONS:
            self.forget(now)
            while len(self._open) > MOST_SESSIONS:
                self._open.popitem(last=False)

    def at(self, address: str, now: datetime) -> Session | None:
        """The session of an address as `plain` writes it, if it stands."""
        session = self._open.get(address)
        return session if session is not None and session.until > now else None

    def forget(self, now: datetime) -> None:
        """Those that have ended."""
        for address in [address for address, session in self._open.items() if session.until <= now]:
            del self._open[address]

    def all(self, now: datetime) -> tuple[Session, ...]:
        self.forget(now)
        return tuple(sorted(self._open.values(), key=lambda session: _order(session.address)))

    def __len__(self) -> int:
        return len(self._open)


class Desk:
    """Where sessions are said and ended. Raises `FeedError` where they cannot be kept."""

    def __init__(self, folder: Path) -> None:
        self._feed, self._follower = Feed(folder, FEED), Follower(folder, FEED)
        self._book = Book()

    def standing(self, now: datetime) -> tuple[Session, ...]:
        self._catch_up(now)
        return self._book.all(now)

    def _catch_up(self, now: datetime) -> None:
        self._book.take(self._follower.news(), now)

    def say(self, sessions: Sequence[Session], now: datetime) -> int:
        """Write down what is new of these, whole or not at all; how many that were.

        One that has ended ends what stands at its address, where that is the same officer's: the end of an earlier
        session that comes late does not end the next one.
        """
        self._catch_up(now)
        told: dict[str, Session] = {}
        for session in sessions:
            before = told.get(session.address) or self._book.at(session.address, now)
            if session.officer is not None and session.until > now:
                told[session.address] = session
            elif before is not None and session.officer in (None, before.officer):
                told[session.address] = Session(session.address, None, now, by=session.by)
        new = [one for one in told.values() if _new(one, self._book.at(one.address, now))]
        more = sum(one.officer is not None and self._book.at(one.address, now) is None for one in new)
        if len(self._book) + more > MOST_SESSIONS:
            self._book.forget(now)
        if len(self._book) + more > MOST_SESSIONS:
            raise FeedError(f"there are {MOST_SESSIONS} sessions already", hint="end those that are past")
        self._feed.append([one.record() for one in new])
        self._catch_up(now)
        if self._book.records - len(self._book) > SPARE_RECORDS:
            self._book.forget(now)
        if self._book.records > 2 * len(self._book) + SPARE_RECORDS:
            self._compact(now)
        return len(new)

    def _compact(self, now: datetime) -> None:
        seen: set[str] = set()

        def standing(record: dict[str, Any]) -> bool:
            session = session_of(record)
            if session is None or session.address in seen:
                return False
            seen.add(session.address)
            return session.officer is not None and session.until > now

        self._feed.compact(standing)
        self._catch_up(now)


def _new(session: Session, before: Session | None) -> bool:
    if session.officer is None:
        return before is not None
    return before is None or (session.officer, session.until, session.device) != (
        before.officer,
        before.until,
        before.device,
    )


def plain(text: str) -> str:
    """An address as it is compared: IPv4 also where it is written into IPv6, without a scope. Raises `ValueError`.

    >>> plain("::ffff:10.1.2.3"), plain("2001:DB8:0::1")
    ('10.1.2.3', '2001:db8::1')
    """
    address = ip_address(text.partition("%")[0])
    return str((address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address)


def zone_of(zones: Iterable[ZoneSettings], address: str) -> ZoneSettings | None:
    """The zone of a plain address: the longest prefix wins."""
    here: IPv4Address | IPv6Address = ip_address(address)
    found = [(network.prefixlen, zone) for zone in zones for network in zone.networks if here in network]
    return max(found, key=lambda pair: pair[0])[1] if found else None


def refusal(settings: Settings, address: str) -> str | None:
    """Why nobody can be said to be at a plain address, `None` where somebody can."""
    zone = zone_of(settings.zones, address)
    if zone is None:
        return f"`{address}` is in no zone"
    if "session" not in zone.sign_in:
        return f'`{address}` is in the zone `{zone.name}`, whose `sign_in` has no "session"'
    return None


def longest(settings: Settings) -> timedelta:
    return timedelta(hours=settings.sessions.longest_hours)


def _order(address: str) -> tuple[int, int]:
    try:
        parsed = ip_address(address)
    except ValueError:
        return (0, 0)
    return (parsed.version, int(parsed))
