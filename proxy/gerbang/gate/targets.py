"""Where the gate refuses to connect: the inside of the network, itself, and ports that are not the web's.

A name is resolved once, every address is looked at, and the connection goes to an address that was looked at, so a
name that resolves differently a moment later (DNS rebinding) reaches nothing.
"""

import socket
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from gerbang.errors import SettingsError
from gerbang.settings import host_and_port

WEB_PORTS = frozenset({80, 443})

type Ip = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network
type Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

# The IPv6 prefixes in which an IPv4 address stands: NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), IPv4-compatible
# (RFC 4291, deprecated). Teredo and mapped addresses are taken apart by the standard library.
NAT64 = IPv6Network("64:ff9b::/96")
LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
COMPATIBLE = IPv6Network("::/96")
# Shared by carriers (RFC 6598) and site-local (RFC 3879): not the internet, and `is_global` has differed by version.
INSIDE = (IPv4Network("100.64.0.0/10"), IPv6Network("fec0::/10"))


class Unwanted(Exception):
    """The gate does not connect there. `reason` is a short key: `port`, `address`, `itself`, `unknown-host`."""

    def __init__(self, reason: str, host: str, port: int) -> None:
        self.reason = reason
        super().__init__(f"{reason}: {host}:{port}")


@dataclass(frozen=True, slots=True)
class Allowed:
    """An entry of `gate.allow_targets`: a network, or a name, and a port or any."""

    network: Network | None
    host: str | None
    port: int | None

    def permits(self, host: str, address: Ip, port: int) -> bool:
        if self.port is not None and self.port != port:
            return False
        if self.port is None and port not in WEB_PORTS:
            return False
        return host == self.host if self.network is None else address in self.network


def plain_host(host: str) -> str:
    """A host's name as names are compared.

    >>> plain_host("X.com."), plain_host("[FD00::1]")
    ('x.com', 'fd00::1')
    """
    return host.strip("[]").rstrip(".").lower()


def parse_allowed(entry: str) -> Allowed:
    """One entry: `10.1.2.0/24`, `10.1.2.3:8443`, `[fd00::1]:8443` or `blog.local:8443`. Raises `SettingsError`.

    >>> parse_allowed("blog.local:8443")
    Allowed(network=None, host='blog.local', port=8443)
    """
    text = entry.strip().lower()
    try:
        return Allowed(ip_network(text), None, None)
    except ValueError:
        pass
    port: int | None = None
    host = text
    if ":" in text:
        try:
            host, port = host_and_port(text)
        except ValueError:
            raise _no_target(entry) from None
    try:
        return Allowed(ip_network(host), None, port)
    except ValueError:
        pass
    if not host or "/" in host or any(not label for label in host.split(".")):
        raise _no_target(entry)
    return Allowed(None, host, port)


def _no_target(entry: str) -> SettingsError:
    return SettingsError(
        f"`{entry}` will not do for `gate.allow_targets`",
        hint="expected a network, or a host with a port, such as `10.1.2.0/24` or `blog.local:8443`",
    )


def literal(host: str) -> Ip | None:
    """The address that a host is, in any spelling that a resolver would take for one; `None` for a name.

    >>> literal("0x7f.1"), literal("2130706433"), literal("017700000001")
    (IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'), IPv4Address('127.0.0.1'))
    >>> literal("x.com") is None
    True
    """
    text = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        return ip_address(text)
    except ValueError:
        pass
    # The C library's own reading of `127.1`, `0x7f000001` and the like: what it takes, a resolver would.
    try:
        return ip_address(socket.inet_aton(text)) if text.isascii() and text[:1].isdigit() else None
    except OSError:
        return None


def inner(address: Ip) -> Ip:
    """The IPv4 address that stands in an IPv6 address, where one does.

    >>> inner(ip_address("::ffff:10.0.0.1")), inner(ip_address("64:ff9b::7f00:1"))
    (IPv4Address('10.0.0.1'), IPv4Address('127.0.0.1'))
    """
    if isinstance(address, IPv4Address):
        return address
    if mapped := address.ipv4_mapped or address.sixtofour:
        return mapped
    if address.teredo:
        return address.teredo[1]
    if address in NAT64 or (address in COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_inside(address: Ip) -> bool:
    """Whether an address is anything but the public internet."""
    for each in {address, inner(address)}:
        if not each.is_global or each.is_multicast or (each.is_reserved and each.version == 4):
            # A NAT64 address that leads to the public internet is in no public range itself.
            if each is address and each.version == 6 and each in NAT64:
                continue
            return True
        if any(each.version == network.version and each in network for network in INSIDE):
            return True
    return isinstance(address, IPv6Address) and address in LOCAL_NAT64


def is_own(address: Ip) -> bool:
    """Whether an address is this machine's: the kernel would send from it to reach it. Sends nothing."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(probe.getsockname()[0]) == address
    except (OSError, ValueError):
        return False


class Targets:
    """The rule on targets, with the settings' exemptions."""

    def __init__(self, allowed: Iterable[str], hosts: Mapping[str, str], resolve: Resolve) -> None:
        self._allowed = tuple(parse_allowed(entry) for entry in allowed)
        self._hosts = {name: host_and_port(address) for name, address in hosts.items()}
        self._resolve = resolve

    async def address_of(self, host: str, port: int) -> tuple[str, int]:
        """The address to connect to for a host and port. Raises `Unwanted`."""
        host = plain_host(host)
        if mapped := self._hosts.get(host):
            return mapped
        if not 0 < port < 65536 or not self._may_use(port):
            raise Unwanted("port", host, port)
        found = literal(host)
        addresses = [found] if found else await self._addresses(host, port)
        reason = "unknown-host"
        for address in addresses:
            refused = self._refused(host, address, port)
            if refused is None:
                return str(address), port
            reason = refused
        raise Unwanted(reason, host, port)

    def check_unresolved(self, host: str, port: int) -> None:
        """The same for a name that somebody else will look up, a parent proxy: ports and plain addresses.

        Raises `Unwanted`.
        """
        host = plain_host(host)
        if host in self._hosts:
            return
        if not 0 < port < 65536 or not self._may_use(port):
            raise Unwanted("port", host, port)
        if (found := literal(host)) and (refused := self._refused(host, found, port)):
            raise Unwanted(refused, host, port)

    async def _addresses(self, host: str, port: int) -> list[Ip]:
        try:
            return [ip_address(text.partition("%")[0]) for text in await self._resolve(host, port)]
        except (OSError, UnicodeError, ValueError):
            raise Unwanted("unknown-host", host, port) from None

    def _may_use(self, port: int) -> bool:
        return port in WEB_PORTS or any(entry.port == port for entry in self._allowed)

    def _refused(self, host: str, address: Ip, port: int) -> str | None:
        if any(entry.permits(host, address, port) for entry in self._allowed):
            return None
        if port not in WEB_PORTS:
            return "port"
        if is_inside(address):
            return "address"
        return "itself" if is_own(address) else None
