"""The sections of `gerbang.toml` and their keys, and where things lie that they name."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from gerbang.model import Device
from gerbang.settings.values import (
    PACES,
    Address,
    AlertName,
    ConsoleUrl,
    Day,
    Domain,
    HeaderName,
    HostPattern,
    LdapUrl,
    MailAddress,
    Network,
    Pace,
    Principal,
    ProxyAddress,
    RulePattern,
    ServicePrincipal,
    SignIn,
    Size,
    Span,
    TimeZone,
    Token,
    UserDn,
    UserFilter,
    WebAddress,
    is_loopback,
)

MOST_ALERTS = 20
MOST_RECIPIENTS = 20  # of one alert

CHALLENGING = frozenset({"htpasswd", "ldap", "kerberos"})
"""The ways of sign-in at which a browser asks: where there is one, nobody passes unknown."""

# Modes in which the client knows that it speaks to a proxy.
PROXY_MODES = frozenset({"regular", "upstream"})
# Ways of signing in by which a password is sent.
PASSWORD_WAYS = frozenset({"htpasswd", "ldap"})


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

    urls: tuple[LdapUrl, ...] = ()
    start_tls: bool = False
    allow_clear: bool = False
    ca: Path | None = None
    base: str = ""
    id: Annotated[str, Field(min_length=1)] = "uid"
    user_filter: UserFilter = "(uid={user})"
    user_dn: UserDn | None = None
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
    url: ConsoleUrl | None = None


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

    url: WebAddress = Field(repr=False)
    secret_file: Path
    ca: Path | None = None

    @property
    def host(self) -> str:
        """All of the address that may be said."""
        return urlsplit(self.url).netloc


class AlertSettings(Section):
    """Who is told, by e-mail or by a webhook, of decisions by rules that name the alert, or that `rules` names."""

    name: AlertName
    rules: tuple[RulePattern, ...] = ()
    email: EmailSettings | None = None
    webhook: WebhookSettings | None = None
    language: Literal["ms", "en"] = "ms"
    at_most: Pace = "10/hour"

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
