"""The zone of an address."""

from collections import OrderedDict
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from gerbang.model import Zone

ADDRESSES = 10_000  # whose zone is remembered


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
        address = plain_address(client)
        zone = next((zone for network, zone in self._pairs if address is not None and address in network), None)
        self._known[client] = zone
        if len(self._known) > ADDRESSES:
            self._known.popitem(last=False)
        return zone


def plain_address(client: str) -> IPv4Address | IPv6Address | None:
    """The address without its scope; an IPv4 client of a socket for both is an IPv4 client."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def neighbourhood(client: str) -> str:
    """An IPv6 client has a /64 to itself, as far as limits go."""
    address = plain_address(client)
    return str(IPv6Network((address, 64), strict=False)) if isinstance(address, IPv6Address) else client
