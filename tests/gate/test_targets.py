"""Where the gate does not connect, in every spelling, and where a setting lets it."""

import asyncio
import socket
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis.strategies import integers, sampled_from

from gerbang.errors import SettingsError
from gerbang.gate.targets import Targets, Unwanted, inner, is_inside, is_own, literal, parse_allowed

PUBLIC = "93.184.216.34"


def targets(
    *allowed: str, hosts: Mapping[str, str] | None = None, names: Mapping[str, Sequence[str]] | None = None
) -> Targets:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert port
        if host not in (names or {}):
            raise socket.gaierror(-2, "unknown")
        return (names or {})[host]

    return Targets(allowed, hosts or {}, resolve)


def reason(rule: Targets, host: str, port: int = 443) -> str | None:
    """Why the gate does not go there, `None` where it does."""
    try:
        asyncio.run(rule.address_of(host, port))
    except Unwanted as unwanted:
        return unwanted.reason
    return None


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254",
        "100.64.0.1", "100.127.255.255", "0.0.0.0", "0.1.2.3", "224.0.0.1", "240.0.0.1", "255.255.255.255",  # noqa: S104  # an address to refuse
        "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a00:1::1",
        "[::1]", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001",
        "127.0.0.1.", "3232235777", "0xA9FEA9FE",
    ],
)  # fmt: skip
def test_inside_addresses_are_refused_in_every_spelling(host: str) -> None:
    assert reason(targets(), host) == "address"


@pytest.mark.parametrize("host", [PUBLIC, "1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"])
def test_the_public_internet_is_not_refused(host: str) -> None:
    assert reason(targets(), host) is None


@pytest.mark.parametrize(("port", "expected"), [(80, None), (443, None), (22, "port"), (8080, "port"), (0, "port")])
def test_only_the_webs_ports(port: int, expected: str | None) -> None:
    assert reason(targets(), PUBLIC, port) == expected


def test_a_name_that_leads_inside_is_refused_and_one_that_also_leads_outside_goes_there() -> None:
    rule = targets(names={"inside.example": ["10.0.0.1", "::1"], "both.example": ["10.0.0.1", PUBLIC]})
    assert reason(rule, "inside.example") == "address"
    assert asyncio.run(rule.address_of("both.example", 443)) == (PUBLIC, 443)
    assert reason(rule, "nowhere.example") == "unknown-host"


def test_a_name_is_looked_up_once() -> None:
    """The connection goes to what was checked, whatever the name says a moment later."""
    asked = []

    async def resolve(host: str, _: int) -> Sequence[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    rule = Targets((), {}, resolve)
    assert asyncio.run(rule.address_of("rebinding.example", 443)) == (PUBLIC, 443)
    assert asked == ["rebinding.example"]


def test_own_addresses_are_known_without_sending_anything() -> None:
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address(PUBLIC))


def test_a_public_address_of_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gerbang.gate.targets.is_own", lambda address: str(address) == PUBLIC)
    assert reason(targets(), PUBLIC) == "itself"


@pytest.mark.parametrize(
    ("allowed", "host", "port", "expected"),
    [
        ("10.1.2.0/24", "10.1.2.3", 443, None),
        ("10.1.2.0/24", "10.1.2.3", 8443, "port"),
        ("10.1.2.0/24", "10.1.3.3", 443, "address"),
        ("10.1.2.3:8443", "10.1.2.3", 8443, None),
        ("10.1.2.3:8443", "10.1.2.3", 443, "address"),
        ("10.1.2.3:8443", "10.1.2.4", 8443, "port"),
        ("[fd00::1]:8443", "fd00::1", 8443, None),
        ("blog.local:8443", "blog.local", 8443, None),
        ("blog.local:8443", "blog.local", 443, "address"),
        ("blog.local:8443", "other.local", 8443, "port"),
        ("blog.local", "blog.local", 443, None),
        ("192.0.2.0/24", "192.0.2.7", 80, None),
    ],
)
def test_what_a_setting_lets_through_and_no_more(allowed: str, host: str, port: int, expected: str | None) -> None:
    rule = targets(allowed, names={"blog.local": ["10.9.9.9"], "other.local": ["10.9.9.9"]})
    assert reason(rule, host, port) == expected


@pytest.mark.parametrize("entry", ["", "10.1.2.0/99", "host:", "host:port", "a..b", "10.1.2.3/24:80:90"])
def test_a_wrong_setting_is_refused(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"will not do for `gate.allow_targets`"):
        parse_allowed(entry)


def test_a_mapped_host_is_exempt() -> None:
    rule = targets(hosts={"x.com": "127.0.0.1:9443"})
    assert asyncio.run(rule.address_of("X.com.", 443)) == ("127.0.0.1", 9443)


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [("anything.example", 443, None), ("10.0.0.1", 443, "address"), ("0x7f.1", 80, "address"), ("x.com", 22, "port")],
)
def test_behind_a_parent_proxy_names_are_not_looked_up(host: str, port: int, expected: str | None) -> None:
    with nullcontext() if expected is None else pytest.raises(Unwanted, match=f"^{expected}"):
        targets().check_unresolved(host, port)


@given(integers(0, 2**32 - 1), sampled_from(["::ffff:{}", "64:ff9b::{}", "{}"]))
def test_wrapping_an_ipv4_address_does_not_let_it_out(number: int, shape: str) -> None:
    plain = IPv4Address(number)
    wrapped = ip_address(shape.format(plain))
    assert inner(wrapped) == plain
    assert is_inside(wrapped) == is_inside(plain)


@given(integers(0, 2**32 - 1))
def test_every_numeric_spelling_is_the_same_address(number: int) -> None:
    plain = IPv4Address(number)
    octets = plain.packed
    for text in (str(number), hex(number), "0" + oct(number)[2:], ".".join(hex(octet) for octet in octets)):
        assert literal(text) == plain
