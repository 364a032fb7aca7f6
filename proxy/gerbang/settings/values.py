"""What a value of the settings may be: text to a size, an address, a network, a day, and what is wrong with it."""

import re
from contextlib import suppress
from datetime import date, datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator

LONGEST_PRINCIPAL = 512  # characters
SHORTEST_TOKEN = 20  # characters of `console.metrics_token`

TAKEN_HEADERS = frozenset(
    {"host", "authorization", "proxy-authorization", "cookie", "content-length", "transfer-encoding", "connection"}
)
"""Headers of which none can be a proxy's word for who somebody is."""

UNITS = {"": 1, "b": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 1000, "mb": 1000**2, "gb": 1000**3}


def _size(value: object) -> object:
    """`8 MiB` as bytes.

    >>> _size("8 MiB")
    8388608
    """
    if isinstance(value, str) and (found := re.fullmatch(r"\s*(\d{1,15})\s*([a-zA-Z]*)\s*", value)):
        unit = UNITS.get(found[2].lower())
        if unit is not None:
            return int(found[1]) * unit
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"`{value}` is no size; expected bytes or a number with a unit, such as `8 MiB`")


def _address(value: str) -> str:
    host_and_port(value)
    return value


def host_and_port(value: str) -> tuple[str, int]:
    """`127.0.0.1:8080` or `[::1]:8080` in its two parts.

    >>> host_and_port("[::1]:8080")
    ('::1', 8080)
    """
    host, _, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"`{value}` is no address; expected `host:port`, such as `127.0.0.1:8080`")
    return host, int(port)


def is_loopback(address: str) -> bool:
    """Whether a `host:port` can be reached from this machine only."""
    host, _ = host_and_port(address)
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _network(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError as error:
        raise ValueError(f"`{value}` is no network; expected one such as `10.1.0.0/16` ({error})") from None


def _domain(value: str) -> str:
    name = value.strip().lower().rstrip(".")
    if not re.fullmatch(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,62})?(\.[a-z0-9_]([a-z0-9_-]{0,62})?)*", name):
        raise ValueError(f"`{value}` is no host name; expected one such as `blog.example.my`")
    return name


def _pattern(value: str) -> str:
    return f"*.{_domain(value[2:])}" if value.startswith("*.") else _domain(value)


def _proxy(value: str) -> str:
    """`10.1.0.5:8080`, or `https://gerbang.internal:8080` where browsers are to speak TLS to it."""
    tls, rest = ("https://", value.removeprefix("https://")) if value.startswith("https://") else ("", value)
    host, port = host_and_port(rest)
    try:
        address = ip_address(host)
        name = f"[{address}]" if address.version == 6 else str(address)
    except ValueError:
        name = _domain(host)
    return f"{tls}{name}:{port}"


def _day(value: object) -> object:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(f"`{value}` is no day; expected one such as `2027-06-30`") from None


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, KeyError, OSError):
        raise ValueError(f"`{value}` is no time zone; expected one such as `Asia/Kuala_Lumpur`") from None
    return value


def _ldap_url(value: str) -> str:
    """`ldaps://ldap.contoh.my` or `ldap://127.0.0.1:389`.

    >>> _ldap_url("LDAPS://ldap.contoh.my/")
    'ldaps://ldap.contoh.my'
    """
    parts = urlsplit("")
    host: str | None = None
    port: int | None = None
    with suppress(ValueError):
        parts = urlsplit(value.strip())
        host, port = parts.hostname, parts.port
    rest = host and (parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None)
    if not host or rest or parts.scheme not in {"ldap", "ldaps"}:
        raise ValueError(f"`{value:.80}` is no address of a directory; expected one such as `ldaps://ldap.contoh.my`")
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{f':{port}' if port else ''}"


def _user_filter(value: str) -> str:
    if "{user}" not in value or not (value.startswith("(") and value.endswith(")")):
        raise ValueError("a filter in parentheses with `{user}` in it is expected, such as `(uid={user})`")
    return value


def _user_dn(value: str) -> str:
    if "{user}" not in value:
        raise ValueError("a name with `{user}` in it is expected, such as `uid={user},ou=people,dc=contoh,dc=my`")
    return value


def _ways(value: object) -> object:
    """`none`, one word or a list of words, as a tuple of ways; `none` is none of them.

    >>> _ways("htpasswd"), _ways("none")
    (('htpasswd',), ())
    """
    if value == "none":
        return ()
    words = (value,) if isinstance(value, str) else value
    if isinstance(words, list | tuple):
        if "none" in words and len(words) > 1:
            raise ValueError("`none` stands alone; take it or the others out")
        if len(set(map(str, words))) < len(words):
            raise ValueError("a way stands there twice")
        return () if tuple(words) == ("none",) else words
    return value


def _header_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value):
        raise ValueError(f"`{value:.40}` is no name of a header; expected one such as `X-Forwarded-For`")
    if value.lower() in TAKEN_HEADERS:
        raise ValueError(f"`{value}` says something else already; expected one such as `X-Forwarded-For`")
    return value


SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_SPAN = 30 * 86400  # seconds


def _span(value: object) -> object:
    """`72h` as seconds.

    >>> _span("72h")
    259200
    """
    seconds = 0
    if isinstance(value, str) and (found := re.fullmatch(r"\s*([0-9]{1,7})\s*([smhd])\s*", value)):
        seconds = int(found[1]) * SPANS[found[2]]
    elif isinstance(value, int) and not isinstance(value, bool):
        seconds = value
    if 0 < seconds <= LONGEST_SPAN:
        return seconds
    raise ValueError(f"`{value}` is no length of time here; expected seconds, or a number with a unit, such as `72h`")


def _token(value: object) -> object:
    """A secret: what is wrong with it is said without saying it."""
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    if len(value) < SHORTEST_TOKEN or not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError(f"{SHORTEST_TOKEN} or more letters, digits and signs are expected, without a space")
    return value


def _principal(value: str) -> str:
    """A principal with its realm, as Kerberos writes it: `HTTP/gerbang.contoh.my@CONTOH.MY`."""
    if len(value) > LONGEST_PRINCIPAL or not re.fullmatch(r"[^\s@\\/]+(/[^\s@\\/]+)*@[^\s@\\/]+", value):
        raise ValueError(f"`{value:.80}` is no principal; expected one such as `HTTP/gerbang.contoh.my@CONTOH.MY`")
    return value


def _service(value: str) -> str:
    """The principal of a web service, which is what a browser asks for to speak to a proxy."""
    kind, _, host = _principal(value).partition("@")[0].partition("/")
    if kind != "HTTP" or not host or host != host.lower() or "/" in host:
        raise ValueError(f"`{value:.80}` will not do; expected `HTTP/HOST@REALM`, HOST in small letters")
    return value


def _mail_address(value: str) -> str:
    """`aduan@contoh.my`. Nothing that could end a header or begin another address."""
    name = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}"
    if not re.fullmatch(rf"{name}@[A-Za-z0-9-]{{1,63}}(\.[A-Za-z0-9-]{{1,63}}){{0,9}}", value):
        raise ValueError(f"`{value:.80}` is no e-mail address; expected one such as `integriti@contoh.my`")
    return value


def _web_address(value: str) -> str:
    """Where alerts are posted. What is wrong is said without saying the address, which may be a secret."""
    parts = urlsplit("")
    host: str | None = None
    with suppress(ValueError):
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    clean = value.isascii() and value.isprintable() and " " not in value
    if not host or not clean or parts.fragment or parts.username is not None or parts.scheme not in {"http", "https"}:
        raise ValueError("this is no address to post to; expected one such as `https://amaran.contoh.my/gerbang`")
    if parts.scheme == "http" and not is_here(host):
        raise ValueError("alerts would go over the network in clear; write `https://`")
    return value


def _console_url(value: str) -> str:
    parts = urlsplit("")
    host: str | None = None
    with suppress(ValueError):
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    clean = value.isascii() and value.isprintable() and " " not in value
    if (
        not host
        or not clean
        or parts.query
        or parts.fragment
        or parts.username
        or parts.scheme not in {"http", "https"}
    ):
        raise ValueError(f"`{value:.80}` is no address of a console; expected one such as `https://gerbang.contoh.my`")
    return value.rstrip("/")


PACES = {"minute": 60, "hour": 3600, "day": 86400}


def _pace(value: str) -> str:
    if not re.fullmatch(rf"[1-9][0-9]{{0,3}}/({'|'.join(PACES)})", value):
        raise ValueError(f"`{value:.40}` is no pace; expected one such as `10/hour`, `2/minute` or `50/day`")
    return value


def _rule_pattern(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9*-]{1,100}/[a-z0-9*-]{1,100}", value):
        raise ValueError(f"`{value:.80}` is no rule; expected `document/rule`, or `document/*` for all of a document's")
    return value


def _alert_name(value: str) -> str:
    if not re.fullmatch(r"(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*", value):
        raise ValueError(f"`{value:.80}` is no name of an alert; use lower-case letters, digits and hyphens")
    return value


Size = Annotated[int, BeforeValidator(_size)]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Domain = Annotated[str, AfterValidator(_domain)]
HostPattern = Annotated[str, AfterValidator(_pattern)]
ProxyAddress = Annotated[str, AfterValidator(_proxy)]
Day = Annotated[date, BeforeValidator(_day)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
Principal = Annotated[str, AfterValidator(_principal)]
ServicePrincipal = Annotated[str, AfterValidator(_service)]
Token = Annotated[str, BeforeValidator(_token)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
type Way = Literal["htpasswd", "ldap", "kerberos", "session", "header"]
SignIn = Annotated[tuple[Way, ...], BeforeValidator(_ways)]
Span = Annotated[int, BeforeValidator(_span)]
AlertName = Annotated[str, AfterValidator(_alert_name)]
ConsoleUrl = Annotated[str, AfterValidator(_console_url)]
LdapUrl = Annotated[str, AfterValidator(_ldap_url)]
Pace = Annotated[str, AfterValidator(_pace)]
RulePattern = Annotated[str, AfterValidator(_rule_pattern)]
UserDn = Annotated[str, AfterValidator(_user_dn)]
UserFilter = Annotated[str, AfterValidator(_user_filter)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
