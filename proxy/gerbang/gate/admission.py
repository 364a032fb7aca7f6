"""Who is at the other end of a client connection, and whether anybody there is served at all."""

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Final
from weakref import WeakKeyDictionary, WeakSet

import structlog
from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.proxy.mode_specs import RegularMode, UpstreamMode

from gerbang.gate.identity import REALM, Doorkeeper, Outcome, Zones
from gerbang.gate.judging import Holder
from gerbang.gate.plain import plain
from gerbang.model import Actor, Officer, Reply, Zone
from gerbang.settings import Settings

log = structlog.get_logger()

CONNECTIONS: Final = 2000  # of one client address; a parent proxy or a terminal server has one for all
STRANGERS: Final = 1000  # addresses outside every zone that are named in the log
REFRESH: Final = 2.0  # seconds between looks at the htpasswd files
OPENED_BY: Final = "gerbang.opened-by"
"""Key in a flow's metadata for who signed in on it."""


@dataclass(slots=True)
class Person:
    """Who is behind a client connection. `user` is who opened its tunnel, where there is one and people sign in."""

    zone: Zone
    user: str | None = None


class Admission:
    """Knows the clients of one gate. Refusals are counted in `counts`."""

    def __init__(self, settings: Settings, holder: Holder, counts: Counter[str]) -> None:
        self._holder = holder
        self._counts = counts
        self._zones = Zones(holder.world.zones)
        self._doors = {
            zone.name: Doorkeeper(zone.htpasswd)
            for zone in settings.zones
            if zone.sign_in == "htpasswd" and zone.htpasswd is not None
        }
        self._people: WeakKeyDictionary[Client, Person] = WeakKeyDictionary()
        self._tunnels: WeakSet[Client] = WeakSet()
        self._strangers: set[str] = set()
        self.connected: Counter[str] = Counter()

    async def keep_fresh(self) -> None:
        """Follow the htpasswd files until it is cancelled."""
        while self._doors:
            await asyncio.sleep(REFRESH)
            for door in self._doors.values():
                await asyncio.to_thread(door.refresh)

    def close(self) -> None:
        for door in self._doors.values():
            door.close()

    # ------------------------------------------------------------ connections

    def arrived(self, client: Client) -> str | None:
        """Why a client that has connected is turned away without a word, `None` where it is not."""
        address = client.peername[0]
        self.connected[address] += 1
        if self.connected[address] > CONNECTIONS:
            self._counts["too-many-connections"] += 1
            return "too many connections"
        zone = self._zones.of(address)
        if zone is not None:
            self._people[client] = Person(zone)
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
            person.user = flow.metadata.get(OPENED_BY)

    def has_tunnel(self, client: Client) -> bool:
        return client in self._tunnels

    # ------------------------------------------------------------ people

    def actor(self, client: Client) -> Actor | None:
        """Who a connection is, `None` where it is outside every zone."""
        person = self._people.get(client)
        return None if person is None else self._actor(client, person.zone, person.user)

    def now(self, actor: Actor) -> Actor:
        """The same, as the register has the officer by now."""
        if actor.officer is None:
            return actor
        known = self._holder.world.registers.officers.get(actor.officer.id)
        return actor if known in (None, actor.officer) else replace(actor, officer=known)

    async def admit(self, flow: http.HTTPFlow) -> Actor | Reply:
        """The actor, or why there is none. The header with the password goes no further than here."""
        client = flow.client_conn
        given = flow.request.headers.get("proxy-authorization")
        flow.request.headers.pop("proxy-authorization", None)
        flow.request.headers.pop("proxy-connection", None)
        person = self._people.get(client)
        if person is None:
            self._stranger(client.peername[0])
            return plain("zone", ("Connection", "close"))
        door = self._doors.get(person.zone.name)
        if door is None or person.user is not None or not speaks_proxy(client):
            return self._actor(client, person.zone, person.user)
        signed_in = await door.check(given, client.peername[0])
        match signed_in.outcome:
            case Outcome.LIMITED:
                return plain("limited", ("Retry-After", "60"))
            case Outcome.MISSING | Outcome.WRONG:
                return plain("sign-in", ("Proxy-Authenticate", f'Basic realm="{REALM}", charset="UTF-8"'))
        # Requests of a plain connection may be different people's, behind a proxy of their own.
        flow.metadata[OPENED_BY] = signed_in.user
        return self._actor(client, person.zone, signed_in.user)

    def _actor(self, client: Client, zone: Zone, user: str | None) -> Actor:
        officer = None
        if user is not None:
            officer = self._holder.world.registers.officers.get(user) or Officer(user, user)
        return Actor(zone, client.peername[0], officer)

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
