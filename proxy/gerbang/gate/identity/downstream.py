"""Proxies of the office's own that stand before the gate, and may say whose request it is.

From a listed proxy the client's address, and where it is set the user, come from its headers: for each request of plain
HTTP, for each CONNECT of a tunnel. From anybody else these headers are forged.
"""

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Protocol

from gerbang.gate.identity.door import Knock, Outcome, SignIn
from gerbang.gate.identity.zones import plain_address
from gerbang.registers import SIGN_IN
from gerbang.settings import DownstreamSettings

LONGEST_HEADER: Final = 2000  # characters
MOST_HOPS: Final = 20
SECRET_HEADER: Final = "Gerbang-Downstream"  # noqa: S105 (the name of a header)
ALWAYS: Final = ("X-Forwarded-For", "Forwarded", "X-Authenticated-User", SECRET_HEADER)
"""Headers that say who somebody is, and go no further than the gate."""

USER: Final = " user of a listed proxy"
"""What the door asks for: no header of a request can have this name."""

NOBODY: Final = frozenset({"", "-"})


class Headers(Protocol):
    def get_all(self, name: str) -> list[str]: ...


class Unreadable(ValueError):
    """A listed proxy does not say, or not so that it can be read, for whom it asks."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a listed proxy says: the client's address, and the user where it knows one."""

    client: str
    user: str | None


class Downstream:
    """The listed proxies."""

    def __init__(self, proxies: Sequence[DownstreamSettings]) -> None:
        self._proxies = tuple((network, proxy) for proxy in proxies for network in proxy.networks)
        named = [name for proxy in proxies for name in (proxy.address_header, proxy.user_header) if name]
        self.headers = tuple({name.lower(): name for name in (*ALWAYS, *named)}.values())

    def of(self, address: str) -> DownstreamSettings | None:
        """The entry of a listed proxy, by the address from which it connects: the longest prefix wins."""
        plain = plain_address(address)
        found = [
            (network.prefixlen, proxy) for network, proxy in self._proxies if plain is not None and plain in network
        ]
        return max(found, key=lambda pair: pair[0])[1] if found else None

    def said(self, proxy: DownstreamSettings, headers: Headers) -> Said:
        """Raises `Unreadable`."""
        if proxy.secret is not None:
            given = _one(headers.get_all(SECRET_HEADER), SECRET_HEADER)
            if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), proxy.secret.encode()):
                raise Unreadable("the secret is another")
        client = self._client(_one(headers.get_all(proxy.address_header), proxy.address_header))
        return Said(client, _user(headers, proxy.user_header) if proxy.user_header else None)

    def _client(self, value: str) -> str:
        """The last hop that is no proxy of ours: what stands before it is anybody's word."""
        if len(value) > LONGEST_HEADER:
            raise Unreadable("the list of addresses is too long")
        hops = value.split(",")
        for hop in reversed(hops[-MOST_HOPS:]):
            address = hop_address(hop)
            if self.of(address) is None:
                return address
        raise Unreadable("no client stands in the list of addresses")


def hop_address(hop: str) -> str:
    """The address of one hop, without a port. Raises `Unreadable`.

    >>> hop_address(" 10.1.2.3:5000"), hop_address("[2001:DB8::1]:80"), hop_address("::ffff:10.1.2.3")
    ('10.1.2.3', '2001:db8::1', '10.1.2.3')
    """
    text = hop.strip(" \t")
    if text.startswith("["):
        text, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        text, _, port = text.partition(":")
    else:
        port = ""
    address = None if "%" in text or (port and not (port.isascii() and port.isdecimal())) else plain_address(text)
    if address is None:
        raise Unreadable("a hop in the list of addresses is no address")
    return str(ip_address(str(address)))


def _one(values: list[str], name: str) -> str:
    if len(values) != 1:
        raise Unreadable(f"{name} was sent {'twice' if values else 'not at all'}")
    return values[0]


def _user(headers: Headers, name: str) -> str | None:
    values = headers.get_all(name)
    if not values or [value.strip() for value in values] in [[nobody] for nobody in NOBODY]:
        return None
    user = _one(values, name).strip()
    if not SIGN_IN.fullmatch(user) or not user.isprintable() or "," in user or user == "unknown":
        raise Unreadable("the user is no sign-in name")
    return user


class HeaderDoor:
    """Known is whom a listed proxy names. Nobody is asked."""

    way = "header"
    challenge = None

    def speaks(self, credentials: str) -> bool:  # noqa: ARG002
        return False

    async def check(self, knock: Knock) -> SignIn:
        user = knock.header(USER)
        return SignIn(Outcome.MISSING) if user is None else SignIn(Outcome.SIGNED_IN, user)

    def refresh(self) -> None:
        """Nothing to look at."""

    def close(self) -> None:
        """Nothing to close."""


def asking(user: str | None, header: Callable[[str], str | None]) -> Callable[[str], str | None]:
    """The headers of a request, with what a listed proxy said of its user."""
    return lambda name: user if name == USER else header(name)


def strip(headers: "Stripped", names: Iterable[str]) -> bool:
    """Take headers away; whether there was one."""
    found = [name for name in names if name in headers]
    for name in found:
        del headers[name]
    return bool(found)


class Stripped(Protocol):
    def __contains__(self, name: object) -> bool: ...
    def __delitem__(self, name: str) -> None: ...
