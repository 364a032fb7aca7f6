"""What a connection may take while nobody can use it yet: memory for bodies and messages, time, and a held reader."""

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from mitmproxy.connection import Connection

# How long an HTTP/1 client that still sends has to read its answer before the connection closes, in seconds.
LINGER = 1.0
# How much may wait for a hook before the client's socket is left unread.
HOLD = 256 << 10
# How long nothing may come of a body that is waited for, and how often that is looked at, in seconds.
IDLE = 30.0

# What part of the budget one sender may take.
SHARES = 4

SHORT_OF_MEMORY = "gerbang.short-of-memory"
"""Key in a flow's metadata, true where it was the budget of the process that ran out, or its sender's share."""
SENDER = "gerbang.sender"
"""Key in a flow's metadata for whose share a body counts in; where it is not set, it is the client address's."""


class Budget:
    """The memory that buffered bodies may take in this process, in bytes, and no sender more than a share of it."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.share = limit // SHARES
        self.taken = 0
        self._by: dict[str, int] = {}

    def take(self, size: int, sender: str) -> bool:
        by = self._by.get(sender, 0) + size
        if by > self.share or self.taken + size > self.limit:
            return False
        self.taken += size
        self._by[sender] = by
        return True

    def give(self, size: int, sender: str) -> None:
        self.taken -= size
        if (left := self._by.get(sender, 0) - size) > 0:
            self._by[sender] = left
        else:
            self._by.pop(sender, None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one body may take, in bytes, and the budget of all."""

    body: int
    budget: Budget


class Reader(Protocol):
    async def read(self, n: int) -> bytes: ...


class Valve:
    """A socket's reader that can be held, so that what nobody can use yet stays with its sender.

    `taken` counts the bytes that were read.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._holders: set[Hashable] = set()
        self._open = asyncio.Event()
        self._open.set()
        self.taken = 0

    async def read(self, n: int) -> bytes:
        await self._open.wait()
        data = await self._reader.read(n)
        self.taken += len(data)
        return data

    def hold(self, holder: Hashable) -> None:
        self._holders.add(holder)
        self._open.clear()

    def release(self, holder: Hashable) -> None:
        self._holders.discard(holder)
        if not self._holders:
            self._open.set()

    @property
    def held(self) -> bool:
        return bool(self._holders)


class Transports(Protocol):
    transports: Any


class Valves:
    """The valves of all open connections."""

    def __init__(self) -> None:
        self._valves: WeakKeyDictionary[Connection, Valve] = WeakKeyDictionary()

    def fit(self, handler: Transports, connection: Connection) -> Valve:
        """Put a valve before the reader of a connection that has opened and that nobody reads yet."""
        transport = handler.transports[connection]
        valve = Valve(transport.reader)
        transport.reader = valve
        self._valves[connection] = valve
        return valve

    def of(self, connection: Connection) -> Valve | None:
        return self._valves.get(connection)

    def hold(self, connection: Connection, holder: Hashable) -> None:
        if valve := self._valves.get(connection):
            valve.hold(holder)

    def release(self, connection: Connection, holder: Hashable) -> None:
        if valve := self._valves.get(connection):
            valve.release(holder)
