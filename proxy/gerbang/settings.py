"""The settings: one TOML file, each key also an environment variable (`GERBANG_GATE__LISTEN`).

Unknown keys are errors. An environment variable wins over the file; a list or table in one is JSON.
Paths in the file are relative to the folder that the file stands in.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gerbang.errors import Place, SettingsError, one_of, reason
from gerbang.model import Device

PREFIX = "GERBANG_"
NOT_SETTINGS = frozenset(
    {"GERBANG_CONFIG", "GERBANG_CA_PASSPHRASE", "GERBANG_CONSOLE_PASSWORD", "GERBANG_OFFICER_PASSWORD"}
)
DEFAULT_FILE = "gerbang.toml"

LONGEST_PRINCIPAL = 512  # characters
SHORTEST_TOKEN = 20  # characters of `console.metrics_token`
MOST_ALERTS = 20
MOST_RECIPIENTS = 20  # of one alert

CHALLENGING = frozenset({"htpasswd", "ldap", "kerberos"})
"""The ways of sign-in at which a browser asks: where there is one, nobody passes unknown."""

# Modes in which the client knows that it speaks to a proxy.
PROXY_MODES = frozenset({"regular", "upstream"})
# Ways of signing in by which a password is sent.
PASSWORD_WAYS = frozenset({"htpasswd", "ldap"})
REQUIRE_TLS = 'set `[gate] tls = "required"`, and let browsers take the PAC file'
TAKEN_HEADERS = frozenset(
    {"host", "authorization", "proxy-authorization", "cookie", "content-length", "transfer-encoding", "connection"}
)
"""Headers of which none can be a proxy's word for who somebody is."""

type Steps = tuple[int | str, ...]

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
    if parts.scheme == "http" and not _is_here(host):
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


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class UpstreamSettings(Section):
    """How the gate reaches platforms. `hosts` maps a name to the address and port that stand for it
    (trials, split DNS) and is exempt from the rule on private ranges."""

    trusted_ca: Path | None = None
    hosts: Mapping[Domain, Address] = Field(default_factory=dict)


class GateSettings(Section):
    listen: Address = "127.0.0.1:8080"
    mode: str = "regular"
    transparent: tuple[Address, ...] = ()
    tls: Literal["offered", "required"] = "offered"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    host: Domain = "gerbang.internal"
    body_limit: Size = 8 << 20
    memory_budget: Size = 128 << 20
    on_fault: Literal["refuse-writes", "refuse", "forward"] = "refuse-writes"
    allow_targets: tuple[str, ...] = ()
    upstream: UpstreamSettings = UpstreamSettings()


class InterceptionSettings(Section):
    """The authority under which traffic is opened, and the version of the notice given to officers."""

    authority: str = ""
    notice: str = ""
    notice_first: Literal["show", "require"] = "show"


class RequestsSettings(Section):
    """How long an approver may take to answer, and how long a grant lasts whose rule does not say."""

    answer_within: Span = 3 * 86400
    grant_for: Annotated[Span, Field(le=86400)] = 8 * 3600


class PinnedSettings(Section):
    """A host, or `*.domain`, whose app takes no certificate but its own. The exemption ends with the day `until`."""

    host: HostPattern
    reason: str = Field(min_length=1)
    until: Day


class ZoneSettings(Section):
    name: str = Field(min_length=1)
    networks: tuple[Network, ...] = Field(min_length=1)
    office: str
    device: Device = Device.MANAGED
    sign_in: SignIn = ()
    htpasswd: Path | None = None
    unknown_officers: Literal["judge", "refuse"] | None = None
    pinned: tuple[PinnedSettings, ...] = ()

    @property
    def only_asks(self) -> bool:
        """Whether nobody can be known there without being asked."""
        return bool(self.sign_in) and CHALLENGING.issuperset(self.sign_in)

    @property
    def lets_unknown(self) -> bool:
        """Whether who is not known may act as an unknown officer."""
        if self.unknown_officers is not None:
            return self.unknown_officers == "judge"
        return CHALLENGING.isdisjoint(self.sign_in) and "header" not in self.sign_in


class DownstreamSettings(Section):
    """A proxy of the office's own that stands before the gate and says for whom it asks."""

    networks: tuple[Network, ...] = Field(min_length=1)
    address_header: HeaderName = "X-Forwarded-For"
    user_header: HeaderName | None = None
    secret: Token | None = Field(default=None, repr=False)


class LdapSyncSettings(Section):
    """How entries of the directory become lines of officers.csv.

    `name`, `unit`, `office`, `service_group` and `pattern` name attributes; the tables give the word for a value.
    `groups` are words by the name (DN) of a group.
    """

    filter: str = "(objectClass=person)"
    name: str = "cn"
    unit: str = ""
    office: str = ""
    offices: Mapping[str, str] = Field(default_factory=dict)
    service_group: str = ""
    service_groups: Mapping[str, str] = Field(default_factory=dict)
    groups: Mapping[str, str] = Field(default_factory=dict)
    member_of: str = "memberOf"
    nested: bool = False
    pattern: str = ""
    patterns: Mapping[str, str] = Field(default_factory=dict)


class LdapSettings(Section):
    """A directory (OpenLDAP, Active Directory) by which people sign in, and from which the register is filled."""

    urls: tuple[Annotated[str, AfterValidator(_ldap_url)], ...] = ()
    start_tls: bool = False
    allow_clear: bool = False
    ca: Path | None = None
    base: str = ""
    id: Annotated[str, Field(min_length=1)] = "uid"
    user_filter: Annotated[str, AfterValidator(_user_filter)] = "(uid={user})"
    user_dn: Annotated[str, AfterValidator(_user_dn)] | None = None
    bind_dn: str = ""
    password_file: Path | None = None
    timeout: int = Field(default=5, ge=1, le=60)
    attempts: int = Field(default=3, ge=1, le=100)
    attempts_within: int = Field(default=900, ge=60, le=86400)
    known_hours: int = Field(default=10, ge=1, le=168)
    sync: LdapSyncSettings = LdapSyncSettings()


class KerberosSettings(Section):
    """How the gate is known to Kerberos, and whose tickets it takes. `names`: whether an officer's id is the name in
    the ticket as it stands there, or that in small letters, as a directory wants that does not tell them apart."""

    keytab: Path | None = None
    service: ServicePrincipal | None = None
    realms: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    names: Literal["exact", "lower"] = "exact"
    allow: tuple[Principal, ...] = ()

    @property
    def known_realms(self) -> tuple[str, ...]:
        """Those of which people are known; without any, the service's own."""
        return self.realms or ((self.service.rpartition("@")[2],) if self.service else ())

    @property
    def host(self) -> str | None:
        """The name by which browsers must reach the proxy."""
        return self.service.partition("@")[0].partition("/")[2] if self.service else None


class OfficeSettings(Section):
    name: str = Field(min_length=1)
    state: str
    timezone: TimeZone | None = None
    legal_regime: str = "federal"
    pattern: str = "flexi"


class SiteSettings(Section):
    """A host that runs self-hosted software; `official` where it is the agency's own site.

    Without `platform`, the markers of the documents tell what it runs.
    """

    host: Domain
    platform: Annotated[str, Field(min_length=1)] | None = None
    official: bool = False


class SessionsSettings(Section):
    """Sessions that other programs tell of: how far ahead one may reach."""

    longest_hours: int = Field(default=24, ge=1, le=168)


class DatabaseSettings(Section):
    url: str | None = None


class PolicySettings(Section):
    """Whether one person puts a policy into force, or one proposes and another confirms."""

    activation: Literal["one-person", "two-persons"] = "one-person"


class JournalSettings(Section):
    folder: Path | None = None
    node: str = Field(default="gate", pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    group_wait_ms: int = Field(default=0, ge=0, le=1000)
    witness: Path | None = None


class ConsoleSettings(Section):
    """`metrics_token` is the bearer token for the figures; without one, only a loopback listener tells them.
    `url` is where people reach the console, for links to it."""

    listen: Address = "127.0.0.1:8081"
    language: Literal["ms", "en"] = "ms"
    metrics_token: Token | None = Field(default=None, repr=False)
    url: Annotated[str, AfterValidator(_console_url)] | None = None


class PacSettings(Section):
    """What browsers are told of the gate, and where they may ask for it."""

    listen: Address | None = None
    proxies: tuple[ProxyAddress, ...] = ()
    traffic: Literal["listed", "all"] = "listed"
    direct: tuple[HostPattern, ...] = ()
    fallback: Literal["none", "direct"] = "none"


class EmailSettings(Section):
    """A server that takes mail, and for whom. `ca` stands for the authorities of the system."""

    to: tuple[MailAddress, ...] = Field(min_length=1, max_length=MOST_RECIPIENTS)
    server: Address
    sender: MailAddress = Field(alias="from")
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password_file: Path | None = None
    ca: Path | None = None


class WebhookSettings(Section):
    """An address that alerts are posted to, and the file of the secret that they are signed with."""

    url: Annotated[str, AfterValidator(_web_address)] = Field(repr=False)
    secret_file: Path
    ca: Path | None = None

    @property
    def host(self) -> str:
        """All of the address that may be said."""
        return urlsplit(self.url).netloc


class AlertSettings(Section):
    """Who is told, by e-mail or by a webhook, of decisions by rules that name the alert, or that `rules` names."""

    name: Annotated[str, AfterValidator(_alert_name)]
    rules: tuple[Annotated[str, AfterValidator(_rule_pattern)], ...] = ()
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    language: Literal["ms", "en"] = "ms"
    at_most: Annotated[str, AfterValidator(_pace)] = "10/hour"

    @property
    def pace(self) -> tuple[int, int]:
        """How many messages in how many seconds."""
        most, _, unit = self.at_most.partition("/")
        return int(most), PACES[unit]

    def covers(self, rule: str) -> bool:
        """Whether `rules` names it."""
        return any(fnmatchcase(rule, pattern) for pattern in self.rules)


class LogSettings(Section):
    format: Literal["text", "json"] = "text"
    level: Literal["info", "warning", "error"] = "info"


class Settings(Section):
    """The whole of `gerbang.toml`."""

    state: Path = Path("state")
    policies: tuple[Annotated[str, Field(min_length=1)], ...] = Field(default=("bundled",), min_length=1)
    gate: GateSettings = GateSettings()
    interception: InterceptionSettings = InterceptionSettings()
    zones: tuple[ZoneSettings, ...] = ()
    ldap: LdapSettings = LdapSettings()
    downstream: tuple[DownstreamSettings, ...] = ()
    offices: tuple[OfficeSettings, ...] = ()
    sites: tuple[SiteSettings, ...] = ()
    sessions: SessionsSettings = SessionsSettings()
    kerberos: KerberosSettings = KerberosSettings()
    policy: PolicySettings = PolicySettings()
    database: DatabaseSettings = DatabaseSettings()
    journal: JournalSettings = JournalSettings()
    console: ConsoleSettings = ConsoleSettings()
    requests: RequestsSettings = RequestsSettings()
    pac: PacSettings = PacSettings()
    alerts: tuple[AlertSettings, ...] = Field(default=(), max_length=MOST_ALERTS)
    log: LogSettings = LogSettings()

    @property
    def registers_folder(self) -> Path:
        return self.state / "registers"

    @property
    def journal_folder(self) -> Path:
        return self.journal.folder or self.state / "journal"

    @property
    def keys_folder(self) -> Path:
        return self.state / "keys"

    @property
    def status_folder(self) -> Path:
        return self.state / "status"

    @property
    def clockings_folder(self) -> Path:
        return self.state / "clockings"

    @property
    def feeds_folder(self) -> Path:
        return self.state / "feeds"

    @property
    def authority_folder(self) -> Path:
        return self.state / "ca"

    @property
    def root_certificate(self) -> Path:
        """What managed devices are told to trust."""
        return self.authority_folder / "root.crt"

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.state / 'gerbang.db'}"

    @property
    def is_asked_as_proxy(self) -> bool:
        """Whether clients of `gate.listen` know that they speak to a proxy."""
        return self.gate.mode.partition("@")[0].partition(":")[0] in PROXY_MODES

    @property
    def password_in_clear(self) -> str | None:
        """Why passwords of those who sign in could be read on the network, `None` where they could not."""
        zone = next((zone for zone in self.zones if not PASSWORD_WAYS.isdisjoint(zone.sign_in)), None)
        if zone is None or self.gate.tls == "required" or is_loopback(self.gate.listen) or not self.is_asked_as_proxy:
            return None
        listener = f"the proxy on `{self.gate.listen}` takes them without TLS"
        return f"zone `{zone.name}` signs people in by password, and {listener}"

    @property
    def speaks_tls(self) -> bool:
        """Whether browsers are to speak TLS to the proxy itself."""
        return self.gate.tls == "required" or any(proxy.startswith("https://") for proxy in self.pac.proxies)

    @property
    def uses_kerberos(self) -> bool:
        return any("kerberos" in zone.sign_in for zone in self.zones)

    @property
    def kerberos_folder(self) -> Path:
        """For the replay cache."""
        return self.state / "kerberos"

    @property
    def alerts_folder(self) -> Path:
        return self.state / "alerts"

    @property
    def console_url(self) -> str:
        """Where people reach the console."""
        return self.console.url or f"http://{self.console.listen}"

    @property
    def gate_url(self) -> str:
        return f"http://{self.gate.host}"


def load_settings(file: Path | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file and the environment.

    Without `file`, `gerbang.toml` of the current folder is read where it exists, and else the defaults stand.
    Raises `SettingsError`.
    """
    source = file or Path(DEFAULT_FILE)
    found = _read(source) if file is not None or source.exists() else ("", {})
    text, data = found
    variables = {
        tuple(name.removeprefix(PREFIX).lower().split("__")): (name, value)
        for name, value in sorted((os.environ if environment is None else environment).items())
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    }
    merged = _merge(data, _from_environment(variables))

    def where(path: Steps) -> Place | None:
        """The variable that a value comes from, or else its line of the file."""
        keys = tuple(part for part in path if isinstance(part, str))
        name = next((name for own, (name, _) in variables.items() if own == keys[: len(own)]), None)
        return Place(name) if name else _place(source, text, path)

    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise _settings_error(error, where) from None
    _check(settings, where)
    return _rooted(settings, source.parent)


def _read(file: Path) -> tuple[str, dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(
            f"there is no settings file `{file}`", hint="name one with `--config`, or run `gerbang init`"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        why = reason(error) if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "run this as the user that the gate runs as" if isinstance(error, PermissionError) else None
        raise SettingsError(f"the settings file cannot be read: {why}", place=Place(str(file)), hint=hint) from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+), column (\d+)", str(error))
        what = str(error).split(" (at ")[0]
        where = Place(str(file), int(place[1]), int(place[2])) if place else Place(str(file))
        raise SettingsError(f"this is no TOML: {what[:1].lower()}{what[1:]}", place=where) from None


def _from_environment(variables: Mapping[tuple[str, ...], tuple[str, str]]) -> dict[str, Any]:
    """`GERBANG_GATE__LISTEN=...` as `{"gate": {"listen": ...}}`."""
    data: dict[str, Any] = {}
    for (*sections, key), (name, value) in variables.items():
        for length in range(1, len(sections) + 1):
            if outer := variables.get(tuple(sections[:length])):
                raise SettingsError(f"`{outer[0]}` and `{name}` cannot both be set", hint="take one of them out")
        if (*sections, key)[0] not in Settings.model_fields:
            known = (PREFIX + field.upper() for field in Settings.model_fields)
            raise SettingsError(f"unknown environment variable `{name}`", hint=one_of(known, name))
        place = data
        for section in sections:
            place = place.setdefault(section, {})
        place[key] = json.loads(value) if _is_json(value) else value
    return data


def _is_json(value: str) -> bool:
    if value[:1] not in {"[", "{"}:
        return False
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = _merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _settings_error(error: ValidationError, where: Callable[[Steps], Place | None]) -> SettingsError:
    first = error.errors()[0]
    path = tuple(part for part in first["loc"] if not (isinstance(part, str) and part.startswith("function-")))
    name = _dotted(path)
    place = where(path)
    key = str(path[-1])
    match first["type"]:
        case "extra_forbidden":
            return SettingsError(f"unknown setting `{name}`", place=place, hint=one_of(_siblings(path), key))
        case "missing":
            return SettingsError(f"the setting `{name}` is missing", place=place, hint=f"add `{key} = ...` there")
        case "literal_error" | "enum":
            expected = re.findall(r"'([^']+)'", str(first.get("ctx", {}).get("expected", "")))
            given = str(first["input"])
            return SettingsError(f"`{given}` will not do for `{name}`", place=place, hint=one_of(expected, given))
        case "value_error":
            return SettingsError(f"`{name}`: {first['msg'].removeprefix('Value error, ')}", place=place)
        case _:
            return SettingsError(f"`{first['input']!s:.80}` will not do for `{name}`: {_plain(first)}", place=place)


def _plain(error: Mapping[str, Any]) -> str:
    wants = {
        "string_type": "a text is expected",
        "string_too_short": "a text is expected that is not empty",
        "string_pattern_mismatch": "small letters, digits and hyphens are expected",
        "bool_type": "`true` or `false` is expected",
        "bool_parsing": "`true` or `false` is expected",
        "int_type": "a whole number is expected",
        "int_parsing": "a whole number is expected",
        "tuple_type": "a list is expected",
        "too_short": "at least one entry is expected",
        "too_long": "those are too many",
        "model_type": "a table is expected",
        "mapping_type": "a table is expected",
        "dict_type": "a table is expected",
        "path_type": "a path is expected",
    }
    context = error.get("ctx", {})
    if error["type"] in {"greater_than_equal", "less_than_equal"}:
        return f"it must be at {'least' if 'ge' in context else 'most'} {context.get('ge', context.get('le'))}"
    return wants.get(error["type"], "it has the wrong form")


def _dotted(path: Steps) -> str:
    """`("zones", 0, "device")` as `zones[1].device`, counting from 1 as people do."""
    name = ""
    for part in path:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else str(part)
    return name


def _siblings(path: Steps) -> tuple[str, ...]:
    model: type[BaseModel] = Settings
    for part in path[:-1]:
        if isinstance(part, str) and part in model.model_fields:
            model = _model_of(model.model_fields[part].annotation) or model
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _model_of(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in getattr(annotation, "__args__", ()) if (found := _model_of(part))), None)


def _place(file: Path, text: str, path: Steps) -> Place | None:
    """The line of a key. tomllib keeps no positions, so the section's header is looked for, then the key below it."""
    if not text:
        return None
    lines = text.splitlines()
    keys = [part for part in path if isinstance(part, str)]
    start, end, named = 0, len(lines), 0
    for at, part in enumerate(path):
        if not isinstance(part, str):
            continue
        depth = sum(isinstance(key, str) for key in path[: at + 1])
        header = r"^\s*\[{1,2}\s*" + r"\s*\.\s*".join(re.escape(key) for key in keys[:depth]) + r"\s*\]{1,2}"
        found = [index for index in range(start, end) if re.match(header, lines[index])]
        if found:
            following = path[at + 1] if at + 1 < len(path) else 0
            chosen = min(following if isinstance(following, int) else 0, len(found) - 1)
            start, end, named = found[chosen], (*found, end)[chosen + 1], depth
    keys = keys[named:]
    for index in range(start, end):
        if keys and (key := re.match(rf"^\s*(?:[\w-]+\s*\.\s*)*[\"']?{re.escape(keys[-1])}[\"']?\s*=", lines[index])):
            return Place(str(file), index + 1, key.start() + 1)
        if index > start and re.match(r"^\s*\[", lines[index]) and start:
            break
    return Place(str(file), start + 1)


def _check(settings: Settings, where: Callable[[Steps], Place | None]) -> None:
    """What one key cannot tell: names that refer to each other, zones that overlap, a trial clock's listener."""
    _check_tls(settings, where)
    offices = {office.name for office in settings.offices}
    networks: dict[IPv4Network | IPv6Network, str] = {}
    for index, zone in enumerate(settings.zones):
        here = ("zones", index)
        if zone.office not in offices:
            raise SettingsError(
                f"zone `{zone.name}` names the office `{zone.office}`, which is not listed",
                place=where((*here, "office")),
                hint=one_of(sorted(offices), zone.office) if offices else "add it as an `[[offices]]` entry",
            )
        _check_unknown(zone, here, where)
        if "header" in zone.sign_in and not any(proxy.user_header for proxy in settings.downstream):
            raise SettingsError(
                f"zone `{zone.name}` knows people by a proxy's header, and no proxy is listed that sends one",
                place=where((*here, "sign_in")),
                hint="add a `[[downstream]]` entry with `networks` and `user_header`",
            )
        if "htpasswd" in zone.sign_in and zone.htpasswd is None:
            raise SettingsError(
                f"zone `{zone.name}` signs people in by htpasswd but names no file",
                place=where((*here, "sign_in")),
                hint='add `htpasswd = "FILE"`',
            )
        if "ldap" in zone.sign_in and not settings.ldap.urls:
            raise SettingsError(
                f"zone `{zone.name}` signs people in by a directory, and none is set",
                place=where((*here, "sign_in")),
                hint='add `urls = ["ldaps://..."]` under `[ldap]`',
            )
        if {"htpasswd", "ldap"} <= set(zone.sign_in):
            raise SettingsError(
                f"zone `{zone.name}` asks for names and passwords of two places, and a browser cannot tell them apart",
                place=where((*here, "sign_in")),
                hint="take `htpasswd` or `ldap` out",
            )
        if "kerberos" in zone.sign_in:
            _check_kerberos(settings.kerberos, zone.name, where)
        for network in zone.networks:
            if network in networks:
                raise SettingsError(
                    f"the network `{network}` stands in zone `{networks[network]}` and in zone `{zone.name}`",
                    place=where((*here, "networks")),
                    hint="give each network to one zone; a longer prefix wins over a shorter one",
                )
            networks[network] = zone.name
        _check_pinned(zone, here, where)
    _check_ldap(settings.ldap, where)
    _check_alerts(settings.alerts, where)
    for kind, names in (
        ("zones", [zone.name for zone in settings.zones]),
        ("offices", [office.name for office in settings.offices]),
        ("alerts", [alert.name for alert in settings.alerts]),
    ):
        for index, name in enumerate(names):
            if name in names[:index]:
                raise SettingsError(f"two {kind} have the name `{name}`", place=where((kind, index, "name")))


def _check_ldap(ldap: LdapSettings, where: Callable[[Steps], Place | None]) -> None:
    if not ldap.urls:
        return
    if not ldap.base:
        raise SettingsError(
            "the directory has no `base`",
            place=where(("ldap", "urls")),
            hint='add `base = "dc=contoh,dc=my"` under `[ldap]`',
        )
    for url in ldap.urls:
        parts = urlsplit(url)
        if parts.scheme == "ldap" and not (ldap.start_tls or ldap.allow_clear or _is_here(parts.hostname or "")):
            raise SettingsError(
                f"passwords would go to `{url}` in clear",
                place=where(("ldap", "urls")),
                hint="write `ldaps://`, or set `start_tls = true` under `[ldap]`",
            )
    if ldap.bind_dn and ldap.password_file is None:
        raise SettingsError(
            "`ldap.bind_dn` has no password",
            place=where(("ldap", "bind_dn")),
            hint='add `password_file = "FILE"`; a password does not stand in the settings',
        )
    if ldap.password_file is not None and not ldap.bind_dn:
        raise SettingsError(
            "`ldap.password_file` has nobody whose password it is",
            place=where(("ldap", "password_file")),
            hint="add `bind_dn`",
        )


def _check_alerts(alerts: tuple[AlertSettings, ...], where: Callable[[Steps], Place | None]) -> None:
    for index, alert in enumerate(alerts):
        here = ("alerts", index)
        if (alert.email is None) == (alert.webhook is None):
            ways = "both `email` and" if alert.email else "neither `email` nor"
            raise SettingsError(
                f"the alert `{alert.name}` has {ways} `webhook`",
                place=where((*here, "name")),
                hint="make two alerts of it" if alert.email else "add one of them",
            )
        email = alert.email
        if email is None:
            continue
        if email.tls == "none" and not is_loopback(email.server):
            raise SettingsError(
                f"the alert `{alert.name}` would go to `{email.server}` in clear",
                place=where((*here, "email", "tls")),
                hint='set `tls = "starttls"` or `tls = "tls"`; `none` is for a server on this machine',
            )
        if bool(email.user) != (email.password_file is not None):
            there, lacking = ("user", "password_file") if email.user else ("password_file", "user")
            raise SettingsError(
                f"`email.{there}` of the alert `{alert.name}` stands without `email.{lacking}`",
                place=where((*here, "email", there)),
                hint=f"add `{lacking}`; a password does not stand in the settings"
                if email.user
                else f"add `{lacking}`",
            )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_unknown(zone: ZoneSettings, here: Steps, where: Callable[[Steps], Place | None]) -> None:
    """What becomes of officers who are not known must go with how they are known."""
    asked = next((way for way in zone.sign_in if way in CHALLENGING), None)
    if zone.unknown_officers == "judge" and asked is not None:
        raise SettingsError(
            f"zone `{zone.name}` asks people to sign in by {asked}, and would let pass who does not",
            place=where((*here, "unknown_officers")),
            hint='take `unknown_officers` out, or set `sign_in = "none"`',
        )
    if zone.unknown_officers == "refuse" and not zone.sign_in:
        raise SettingsError(
            f"zone `{zone.name}` refuses officers who are not known, and has no way to know them",
            place=where((*here, "unknown_officers")),
            hint="set `sign_in`, or take `unknown_officers` out",
        )


def _check_tls(settings: Settings, where: Callable[[Steps], Place | None]) -> None:
    """The certificate of the proxy itself with its key, and a PAC file that browsers can follow."""
    given = {key: getattr(settings.gate, key) for key in ("tls_certificate", "tls_key")}
    if len({value is None for value in given.values()}) > 1:
        there, lacking = sorted(given, key=lambda key: given[key] is None)
        raise SettingsError(
            f"`gate.{there}` stands without `gate.{lacking}`",
            place=where(("gate", there)),
            hint="name both files; without either, the gate's CA makes the certificate",
        )
    clear = next((proxy for proxy in settings.pac.proxies if not proxy.startswith("https://")), None)
    if settings.gate.tls == "required" and clear is not None:
        raise SettingsError(
            f"`pac.proxies` sends browsers to `{clear}` without TLS, and `gate.tls` is `required`",
            place=where(("pac", "proxies")),
            hint=f"write `https://{settings.gate.host}:{host_and_port(clear)[1]}`",
        )


def _check_kerberos(kerberos: KerberosSettings, zone: str, where: Callable[[Steps], Place | None]) -> None:
    for key, example in (("keytab", "gerbang.keytab"), ("service", "HTTP/gerbang.contoh.my@CONTOH.MY")):
        if getattr(kerberos, key) is None:
            raise SettingsError(
                f"zone `{zone}` signs people in by kerberos, and `kerberos.{key}` is not set",
                place=where(("kerberos", key)),
                hint=f'add `[kerberos] {key} = "{example}"`',
            )


def _check_pinned(zone: ZoneSettings, here: Steps, where: Callable[[Steps], Place | None]) -> None:
    if zone.pinned and zone.device is Device.PERSONAL:
        raise SettingsError(
            f"zone `{zone.name}` is of personal devices, which are never opened, and exempts apps from it",
            place=where((*here, "pinned", 0, "host")),
            hint="take the `[[zones.pinned]]` entries out",
        )
    hosts = [pin.host for pin in zone.pinned]
    for index, host in enumerate(hosts):
        if host in hosts[:index]:
            raise SettingsError(
                f"zone `{zone.name}` exempts `{host}` twice", place=where((*here, "pinned", index, "host"))
            )


def _rooted(settings: Settings, folder: Path) -> Settings:
    """The same settings with each relative path taken from the folder of the settings file."""

    def rooted(path: Path | None) -> Path | None:
        return None if path is None else (folder / path.expanduser()).absolute()

    upstream = settings.gate.upstream
    return settings.model_copy(
        update={
            "state": rooted(settings.state),
            "policies": tuple(p if p == "bundled" else str(rooted(Path(p))) for p in settings.policies),
            "gate": settings.gate.model_copy(
                update={
                    "upstream": upstream.model_copy(update={"trusted_ca": rooted(upstream.trusted_ca)}),
                    "tls_certificate": rooted(settings.gate.tls_certificate),
                    "tls_key": rooted(settings.gate.tls_key),
                }
            ),
            "zones": tuple(zone.model_copy(update={"htpasswd": rooted(zone.htpasswd)}) for zone in settings.zones),
            "ldap": settings.ldap.model_copy(
                update={"ca": rooted(settings.ldap.ca), "password_file": rooted(settings.ldap.password_file)}
            ),
            "kerberos": settings.kerberos.model_copy(update={"keytab": rooted(settings.kerberos.keytab)}),
            "alerts": tuple(_rooted_alert(alert, rooted) for alert in settings.alerts),
            "database": settings.database.model_copy(update={"url": _rooted_url(settings.database.url, folder)}),
            "journal": settings.journal.model_copy(
                update={"folder": rooted(settings.journal.folder), "witness": rooted(settings.journal.witness)}
            ),
        }
    )


def _rooted_alert(alert: AlertSettings, rooted: Callable[[Path | None], Path | None]) -> AlertSettings:
    files = {"email": ("password_file", "ca"), "webhook": ("secret_file", "ca")}
    return alert.model_copy(
        update={
            way: part.model_copy(update={key: rooted(getattr(part, key)) for key in keys})
            for way, keys in files.items()
            if (part := getattr(alert, way)) is not None
        }
    )


def _rooted_url(url: str | None, folder: Path) -> str | None:
    """The address of a database, with the file of a relative SQLite one taken from that folder too."""
    scheme = "sqlite:///"
    if url is None or not url.startswith(scheme) or url.removeprefix(scheme) in {"", ":memory:"}:
        return url
    return scheme + str((folder / url.removeprefix(scheme)).absolute())
