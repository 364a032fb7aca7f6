"""What one key cannot tell: names that refer to each other, zones that overlap, a way of sign-in that lacks what it
needs."""

from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from gerbang.errors import Place, SettingsError, one_of
from gerbang.model import Device
from gerbang.settings.sections import (
    CHALLENGING,
    AlertSettings,
    KerberosSettings,
    LdapSettings,
    Settings,
    ZoneSettings,
)
from gerbang.settings.values import (
    host_and_port,
    is_here,
    is_loopback,
)

REQUIRE_TLS = 'set `[gate] tls = "required"`, and let browsers take the PAC file'

type Steps = tuple[int | str, ...]
type Where = Callable[[Steps], Place | None]


def check(settings: Settings, where: Where) -> None:
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


def _check_ldap(ldap: LdapSettings, where: Where) -> None:
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
        if parts.scheme == "ldap" and not (ldap.start_tls or ldap.allow_clear or is_here(parts.hostname or "")):
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


def _check_alerts(alerts: tuple[AlertSettings, ...], where: Where) -> None:
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


def _check_unknown(zone: ZoneSettings, here: Steps, where: Where) -> None:
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


def _check_tls(settings: Settings, where: Where) -> None:
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


def _check_kerberos(kerberos: KerberosSettings, zone: str, where: Where) -> None:
    for key, example in (("keytab", "gerbang.keytab"), ("service", "HTTP/gerbang.contoh.my@CONTOH.MY")):
        if getattr(kerberos, key) is None:
            raise SettingsError(
                f"zone `{zone}` signs people in by kerberos, and `kerberos.{key}` is not set",
                place=where(("kerberos", key)),
                hint=f'add `[kerberos] {key} = "{example}"`',
            )


def _check_pinned(zone: ZoneSettings, here: Steps, where: Where) -> None:
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
