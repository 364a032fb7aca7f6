"""Who is at the other end of a client connection, and whether anybody there is served at all."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

import structlog
from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy.mode_specs import RegularMode, UpstreamMode

from gerbang.gate.following import follow
from gerbang.gate.guard import Guard
from gerbang.gate.identity.door import Knock, Outcome
from gerbang.gate.identity.downstream import Downstream, Unreadable, asking, strip
from gerbang.gate.identity.entrances import OPEN, Entrance, entrances, every_door
from gerbang.gate.identity.sessions import SessionDoor
from gerbang.gate.identity.zones import Zones
from gerbang.gate.judging import Holder
from gerbang.gate.plain import plain
from gerbang.model import Actor, Device, Officer, Reply, Zone
from gerbang.settings import DownstreamSettings, Settings

log = structlog.get_logger()

CONNECTIONS: Final = 2000  # of one client address; a parent proxy or a terminal server has one for all
STRANGERS: Final = 1000  # addresses outside every zone that are named in the log
REFRESH: Final = 2.0  # seconds between looks at what doors rest on, such as htpasswd files
OPENED_BY: Final = "gerbang.opened-by"
"""Key in a flow's metadata for who signed in on it, a `Known`."""

OF_A_CONNECTION: Final = frozenset({"kerberos"})
"""Ways by which a connection is somebody's and not each request: a client shows its ticket once and counts on that."""
PROXYS_OWN: Final = ("via", "forwarded", "x-forwarded-for")
"""Headers by which a proxy says that it stands between, so that requests of one connection may be several people's."""


CAME_FROM: Final = "gerbang.came-from"
"""Key in a flow's metadata for zone and address of who asks through a listed proxy."""


@dataclass(frozen=True, slots=True)
class Known:
    """An officer's id, the way by which it is known, and until when on the machine's steady clock."""

    user: str
    way: str
    until: float = math.inf


@dataclass(slots=True)
class Person:
    """Who is behind a client connection. `known` is who opened its tunnel, where there is one and people sign in.

    `stays` is who signed in for the whole of a connection without a tunnel; `shared` is one on which a proxy was seen.

    Behind a listed proxy (`through`), zone and address are those of who opened the tunnel, and until then unknown.
    """

    zone: Zone | None
    address: str
    known: Known | None = None
    through: DownstreamSettings | None = None
    stays: Known | None = None
    shared: bool = False


class Admission:
    """Knows the clients of one gate. Refusals are counted in `counts`."""

    def __init__(
        self,
        settings: Settings,
        holder: Holder,
        counts: Counter[str],
        guard: Guard,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._holder = holder
        self._guard = guard
        self._clock = clock
        self._counts = counts
        self._tls_only = settings.gate.tls == "required"
        self._zones = Zones(holder.world.zones)
        self._entrances = entrances(settings, counts)
        self._doors = every_door(self._entrances.values())
        self._downstream = Downstream(settings.downstream)
        self._sessions = next((door for door in self._doors if isinstance(door, SessionDoor)), None)
        # What a session says of the device, for each zone, made once.
        self._devices = {
            (zone.name, device): replace(zone, device=device) for zone in holder.world.zones for device in Device
        }
        self._people: WeakKeyDictionary[Client, Person] = WeakKeyDictionary()
        self._tunnels: WeakSet[Client] = WeakSet()
        self._strangers: set[str] = set()
        self._unasked_zones: set[str] = set()
        self._unread: set[str] = set()
        self.connected: Counter[str] = Counter()

    async def keep_fresh(self) -> None:
        """Follow what the doors rest on until it is cancelled."""
        while self._doors:
            await asyncio.sleep(REFRESH)
            for door in self._doors:
                try:
                    await asyncio.to_thread(door.refresh)
                except Exception as error:
                    self._guard.caught("refresh", error)

    async def follow_sessions(self) -> None:
        """Follow the feed of sessions until it is cancelled."""
        if self._sessions is not None:
            await follow(self._sessions.look, self._sessions.take)

    @property
    def sessions(self) -> SessionDoor | None:
        return self._sessions

    def close(self) -> None:
        for door in self._doors:
            door.close()

    # ------------------------------------------------------------ connections

    def arrived(self, client: Client) -> str | None:
        """Why a client that has connected is turned away without a word, `None` where it is not."""
        address = client.peername[0]
        self.connected[address] += 1
        if self.connected[address] > CONNECTIONS:
            self._counts["too-many-connections"] += 1
            return "too many connections"
        if speaks_proxy(client) and (through := self._downstream.of(address)) is not None:
            self._people[client] = Person(None, address, through=through)
            return None
        zone = self._zones.of(address)
        if zone is not None:
            if not speaks_proxy(client) and self._entrance(zone).only_asks:
                self._unasked(zone)
                return "nobody can sign in"
            self._people[client] = Person(zone, address)
        elif not speaks_proxy(client):
            # Nobody is redirected from this machine: it is what asks at the start whether the gate listens.
            if not is_loopback(address):
                self._stranger(address)
            return "outside every zone"
        return None

    def left(self, client: Client) -> None:
        address = client.peername[0]
        self.connected[address] -= 1
        if self.connected[address] <= 0:
            del self.connected[address]

    def opened(self, flow: http.HTTPFlow) -> None:
        """The tunnel is there: what comes through it is from who opened it, and from nobody else."""
        client = flow.client_conn
        self._tunnels.add(client)
        if (person := self._people.get(client)) is not None:
            person.known = flow.metadata.get(OPENED_BY)
            person.zone, person.address = flow.metadata.get(CAME_FROM, (person.zone, person.address))

    def has_tunnel(self, client: Client) -> bool:
        return client in self._tunnels

    def with_tunnels(self) -> tuple[Client, ...]:
        return tuple(self._tunnels)

    def may_open(self, client: Client) -> bool:
        """Whether a connection may be opened for a client that knows of no proxy: who asks there was not asked yet."""
        return speaks_proxy(client) or self.actor(client) is not None

    # ------------------------------------------------------------ people

    def actor(self, client: Client) -> Actor | None:
        """Who a connection is, `None` where it is outside every zone."""
        person = self._people.get(client)
        if person is None or person.zone is None:
            return None
        actor = self._actor(person.zone, person.address, person.known)
        could_not_sign_in = client in self._tunnels or not speaks_proxy(client)
        return None if could_not_sign_in and self._must_be_known(actor) else actor

    def awaited(self, client: Client) -> bool:
        """Whether a listed proxy is there that did not say yet for whom it asks."""
        person = self._people.get(client)
        return person is not None and person.zone is None

    def now(self, actor: Actor, client: Client) -> Actor | None:
        """The same, as the register has the officer by now; in a zone of sessions, whoever is at the address by now.

        `None` where nobody is known any more and somebody has to be.
        """
        if client in self._tunnels and self.actor(client) is None:
            return None
        if actor.known_by in {"", "session"} and self._sessions is not None and "session" in actor.zone.sign_in:
            zone = self._zones.of(actor.client)
            there = actor if zone is None else self._actor(zone, actor.client, None)
            return None if self._must_be_known(there) else there
        if actor.officer is None:
            return actor
        known = self._holder.world.registers.officers.get(actor.officer.id)
        return actor if known in (None, actor.officer) else replace(actor, officer=known)

    async def admit(self, flow: http.HTTPFlow) -> Actor | Reply:
        """The actor, or why there is none. The header with the password goes no further than here.

        A fault says nothing of who asks: nobody passes by it, whatever is set for faults.
        """
        try:
            return await self._admitted(flow)
        except Exception as error:
            self._guard.caught("admit", error)
            return plain("fault")

    async def _admitted(self, flow: http.HTTPFlow) -> Actor | Reply:
        client = flow.client_conn
        given = flow.request.headers.get("proxy-authorization")
        flow.request.headers.pop("proxy-authorization", None)
        flow.request.headers.pop("proxy-connection", None)
        person = self._people.get(client)
        if person is None:
            self._stranger(client.peername[0])
            self._stripped(flow)
            return plain("zone", ("Connection", "close"))
        if self._tls_only and speaks_proxy(client) and client not in self._tunnels and not client.tls_established:
            # Before anybody is asked to sign in: what a browser was not asked for it does not send.
            self._counts["without-tls"] += 1
            return plain("tls-required", ("Connection", "close"))
        # Before the proxies' headers are taken off.
        person.shared = (
            person.shared or person.through is not None or any(name in flow.request.headers for name in PROXYS_OWN)
        )
        zone, address, user = person.zone, person.address, None
        if person.through is not None and client not in self._tunnels:
            try:
                said = self._downstream.said(person.through, flow.request.headers)
            except Unreadable as error:
                return self._unreadable(client.peername[0], error)
            finally:
                strip(flow.request.headers, self._downstream.headers)
            address, user = said.client, said.user
            zone = self._zones.of(address)
            if zone is not None:
                flow.metadata[CAME_FROM] = (zone, address)
        else:
            self._stripped(flow)
        if zone is None:
            self._stranger(address)
            return plain("zone")
        entrance = self._entrance(zone)
        if not entrance.doors or client in self._tunnels:
            actor = self._actor(zone, address, person.known)
            if client in self._tunnels and self._must_be_known(actor):
                self._counts["unknown-officer"] += 1
                return plain("unknown-officer")
            return actor
        asked = speaks_proxy(client)
        knock = Knock(given if asked else None, address, asking(user, flow.request.headers.get))
        if person.stays is not None and given is None and not person.shared:
            flow.metadata[OPENED_BY] = person.stays
            return self._actor(zone, address, person.stays)
        # Whoever brings credentials is who they say, and nobody else is any more.
        person.stays = None
        signed_in, way = await entrance.known(knock)
        match signed_in.outcome:
            case Outcome.SIGNED_IN if signed_in.user is not None:
                # Requests of a plain connection may be different people's, behind a proxy of their own.
                flow.metadata[OPENED_BY] = known = Known(signed_in.user, way, signed_in.until)
                if way in OF_A_CONNECTION and not person.shared:
                    person.stays = known
                return self._actor(zone, address, known)
            case Outcome.LIMITED:
                return plain("limited", *(signed_in.answer or (("Retry-After", "60"),)))
            case Outcome.UNAVAILABLE:
                self._counts["sign-in-unavailable"] += 1
                return plain("sign-in-away", *(signed_in.answer or (("Retry-After", "10"),)))
            case Outcome.MISSING if entrance.lets_unknown:
                return self._actor(zone, address, None)
        if not entrance.challenges or not asked:
            self._counts["unknown-officer"] += 1
            return plain("unknown-officer", *signed_in.answer)
        challenges = (("Proxy-Authenticate", challenge) for challenge in entrance.challenges)
        return plain("sign-in", *(signed_in.answer or challenges))

    def _entrance(self, zone: Zone) -> Entrance:
        return self._entrances.get(zone.name, OPEN)

    def _actor(self, zone: Zone, address: str, known: Known | None) -> Actor:
        if known is not None and self._clock() >= known.until:
            known = None
        if (known is None or known.way == "session") and self._sessions is not None and "session" in zone.sign_in:
            # Whoever is there by now: a session may have ended, or be another's, since the tunnel was opened.
            session = self._sessions.at(address)
            known = None if session is None or session.officer is None else Known(session.officer, "session")
            if session is not None and session.device is not None:
                zone = self._devices[zone.name, session.device]
        if known is None:
            return Actor(zone, address)
        officer = self._holder.world.registers.officers.get(known.user) or Officer(known.user, known.user)
        return Actor(zone, address, officer, known.way)

    def _must_be_known(self, actor: Actor) -> bool:
        """Whether nobody is known where somebody has to be."""
        return actor.officer is None and not self._entrance(actor.zone).lets_unknown

    def _stripped(self, flow: http.HTTPFlow) -> None:
        """Headers by which a listed proxy would be believed are nobody else's to send, and no platform's to read."""
        if strip(flow.request.headers, self._downstream.headers):
            self._counts["forged-header"] += 1

    def _unreadable(self, proxy: str, error: Unreadable) -> Reply:
        """A listed proxy that does not say for whom it asks is not judged as if it were the client."""
        self._counts["downstream-unreadable"] += 1
        if str(error) not in self._unread:
            self._unread.add(str(error))
            log.warning("downstream-unreadable", proxy=proxy, because=str(error))
        return plain("downstream")

    def _unasked(self, zone: Zone) -> None:
        """Count a client that knows of no proxy where people sign in; each zone is said once."""
        self._counts["cannot-sign-in"] += 1
        if zone.name not in self._unasked_zones:
            self._unasked_zones.add(zone.name)
            log.warning("cannot-sign-in", zone=zone.name, because="who is redirected to the gate knows of no proxy")

    def _stranger(self, address: str) -> None:
        """Count a client outside every zone, and say each address once: it may be a network that was forgotten."""
        self._counts["outside-every-zone"] += 1
        if address not in self._strangers and len(self._strangers) < STRANGERS:
            self._strangers.add(address)
            log.warning("outside-every-zone", client=address)


def is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def speaks_proxy(client: Client) -> bool:
    """Whether the client knows that it speaks to a proxy, and can be asked to sign in."""
    return isinstance(client.proxy_mode, RegularMode | UpstreamMode)
