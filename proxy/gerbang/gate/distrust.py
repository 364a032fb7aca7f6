"""Apps that do not take the gate's certificate: refused, counted by listed host, and nothing is learned of them.

A pinned app ends the handshake with an alert, closes it, or closes right after it without a request. A browser on a
device without our CA sends the same alerts. What tells them apart is the address: where other connections were opened
with our certificate, the device has our CA, and it is the app that refuses it.
"""

import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal
from weakref import WeakKeyDictionary

from mitmproxy.connection import Client

# A client that closes within this time of a handshake and asked for nothing has looked at the certificate and gone, in
# seconds. A browser keeps a connection that it opened in advance for longer.
LOOKED = 2.0
# Addresses that are remembered to take our certificate.
ADDRESSES = 10_000
# How the alerts are called by which a client says that it does not trust a certificate (RFC 8446, 6.2).
UNTRUSTED: Final = (
    "unknown ca",
    "bad certificate",
    "certificate unknown",
    "certificate expired",
    "certificate revoked",
    "unsupported certificate",
)

type How = Literal["alert", "close"]


@dataclass(frozen=True, slots=True)
class Distrust:
    """One kind of refusal. `host` is as it is listed; `has_ca` whether the address was seen to take our certificate."""

    platform: str
    host: str
    zone: str
    how: How
    has_ca: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A certificate of ours that a client was shown, and when it was taken."""

    platform: str
    host: str
    zone: str
    taken: float


class DistrustBook:
    """Counts refusals of one gate. Listed hosts and zones are few, so the counts are."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.counts: Counter[Distrust] = Counter()
        self._now = now
        self._offers: WeakKeyDictionary[Client, Offer] = WeakKeyDictionary()
        self._having: OrderedDict[str, None] = OrderedDict()

    def failed(self, client: Client, platform: str, host: str, zone: str) -> bool:
        """A handshake ended behind our certificate; whether that was a refusal of it."""
        how = refusal_by(client.error or "")
        if how is not None:
            self._count(client, platform, host, zone, how)
        return how is not None

    def taken(self, client: Client, platform: str, host: str, zone: str) -> None:
        """A handshake is complete. Apps that compare certificates themselves do so only now."""
        self._offers[client] = Offer(platform, host, zone, self._now())

    def used(self, client: Client) -> None:
        """A request came: the certificate is trusted there."""
        if self._offers.pop(client, None) is not None:
            self._having[client.peername[0]] = None
            self._having.move_to_end(client.peername[0])
            if len(self._having) > ADDRESSES:
                self._having.popitem(last=False)

    def left(self, client: Client) -> bool:
        """A client is gone; whether it took our certificate and then asked for nothing."""
        offer = self._offers.pop(client, None)
        if offer is None or self._now() - offer.taken > LOOKED:
            return False
        self._count(client, offer.platform, offer.host, offer.zone, "close")
        return True

    def _count(self, client: Client, platform: str, host: str, zone: str, how: How) -> None:
        self.counts[Distrust(platform, host, zone, how, client.peername[0] in self._having)] += 1


def refusal_by(error: str) -> How | None:
    """How a client refused a certificate, by mitmproxy's words for a handshake that failed; `None` for other failures.

    >>> refusal_by("tlsv1 alert unknown ca"), refusal_by("connection closed")
    ('alert', 'close')
    >>> refusal_by("sslv3 alert handshake failure") is None
    True
    """
    if error == "connection closed":
        return "close"
    alert = re.search(r" alert ([a-z ]*[a-z])", error)
    return "alert" if alert is not None and alert[1] in UNTRUSTED else None
