"""Which way a device's traffic goes: the proxy auto-configuration file (PAC), and the list for a parent proxy.

The file is ECMAScript 3, which every reader of such files takes, and looks at the host's name alone: nothing in it asks
the DNS, which would hold up each request of a browser.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from gerbang.errors import SettingsError
from gerbang.loading import load_platforms
from gerbang.proxy_certificate import is_for, names_of_file
from gerbang.settings import Settings, host_and_port

TLS = "https://"
NAMED = 5  # names of a certificate that an error tells


@dataclass(frozen=True, slots=True)
class Directions:
    """The way of each host. `proxies` are in the words of a PAC file, `PROXY 10.1.0.5:8080`."""

    listed: tuple[str, ...]
    proxies: tuple[str, ...]
    everything: bool = False
    direct: tuple[str, ...] = ()
    fallback: bool = False


def directions_of(settings: Settings) -> Directions:
    """Where a gate with these settings wants traffic sent. Raises a `GerbangError`."""
    return Directions(
        listed=listed_hosts(settings),
        proxies=proxies_of(settings),
        everything=settings.pac.traffic == "all",
        direct=settings.pac.direct,
        fallback=settings.pac.fallback == "direct",
    )


def listed_hosts(settings: Settings) -> tuple[str, ...]:
    """Every host whose traffic is the gate's: of platforms and sites, `*.domain` too, and its own."""
    return (*load_platforms(settings).hosts(), settings.gate.host)


def proxies_of(settings: Settings) -> tuple[str, ...]:
    """The gate's addresses in the words of a PAC file. Raises `SettingsError` where no browser could use them."""
    if not settings.is_asked_as_proxy:
        raise SettingsError(
            f"with `gate.mode` `{settings.gate.mode}` no browser can be pointed at the gate",
            hint="a PAC file is for the modes `regular` and `upstream`",
        )
    certificate = settings.gate.tls_certificate
    names = None if certificate is None else names_of_file(certificate)
    return tuple(_proxy(given, settings, names) for given in settings.pac.proxies or (_listener(settings),))


def _listener(settings: Settings) -> str:
    """The gate as browsers reach it where nothing else is said; over TLS they ask for it by its name."""
    port, tls = host_and_port(settings.gate.listen)[1], settings.gate.tls == "required"
    if settings.uses_kerberos and settings.kerberos.host is not None:
        # A browser asks for a ticket for the name by which it reaches the proxy.
        return f"{TLS if tls else ''}{settings.kerberos.host}:{port}"
    return f"{TLS}{settings.gate.host}:{port}" if tls else settings.gate.listen


def _proxy(given: str, settings: Settings, names: tuple[str, ...] | None) -> str:
    tls = given.startswith(TLS)
    host, port = host_and_port(given.removeprefix(TLS))
    own = settings.gate.host
    if tls and names is not None and not is_for(names, host):
        raise SettingsError(
            f"browsers would be sent to `{given}`, and the certificate `{settings.gate.tls_certificate}` is not for "
            f"`{host}`",
            hint=f"write a name that it is for in `pac.proxies`: {', '.join(names[:NAMED])}",
        )
    if tls and names is None and host != own and not host.endswith(f".{own}"):
        if settings.uses_kerberos and host == settings.kerberos.host:
            raise SettingsError(
                f"browsers must reach the gate as `{host}`, the host of `kerberos.service`, and it has no certificate "
                f"for that: `gate.host` is `{own}`",
                hint=f'set `[gate] host = "{host}"` and run `gerbang ca renew --root FILE`; or name a certificate of '
                "your own for it in `gate.tls_certificate`",
            )
        raise SettingsError(
            f"`{given}` will not do for `pac.proxies`: the gate has no certificate for `{host}`",
            hint=f"write `{TLS}{own}:{port}`, and let the office's DNS give the gate's address for `{own}`; or name a "
            "certificate of your own in `gate.tls_certificate`",
        )
    if is_unspecified(host):
        raise SettingsError(
            f"the gate listens on `{given}`, which is no address that a browser could ask",
            hint='name the gate as browsers reach it: `[pac] proxies = ["10.1.0.5:8080"]`',
        )
    return f"{'HTTPS' if tls else 'PROXY'} {f'[{host}]' if ':' in host else host}:{port}"


def is_unspecified(host: str) -> bool:
    """Whether a listener's host stands for every address of the machine, so that nobody can ask for it by that."""
    try:
        return ip_address(host).is_unspecified
    except ValueError:
        return False


def pac_file(directions: Directions, made_by: str) -> str:
    """The text of the PAC file; `made_by` stands in its first line."""
    exact, below = split(directions.listed)
    around, around_below = split(directions.direct)
    way = "; ".join((*directions.proxies, *(("DIRECT",) if directions.fallback else ())))
    rest = ALL if directions.everything else LISTED
    return (
        f"// {made_by}\n"
        f"var GATE = {json.dumps(way)};\n"
        f"var HOSTS = {_table(exact)};\n"
        f"var BELOW = {_table(below)};\n"
        + (f"var AROUND = {_table(around)};\nvar AROUND_BELOW = {_table(around_below)};\n" if rest is ALL else "")
        + FUNCTIONS
        + rest
    )


def split(patterns: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The hosts, and the domains of `*.domain`.

    >>> split(["x.com", "*.twimg.com"])
    (('x.com',), ('twimg.com',))
    """
    found = sorted(set(patterns))
    return (
        tuple(name for name in found if not name.startswith("*.")),
        tuple(name[2:] for name in found if name.startswith("*.")),
    )


def squid_list(listed: Iterable[str]) -> str:
    """The listed hosts as the file of a Squid `dstdomain` list, one a line.

    `.twimg.com` is Squid's word for a domain and all below it, so `*.twimg.com` brings `twimg.com` itself too. Squid
    complains of a name that another line covers, so those are left out.

    >>> squid_list(["*.twimg.com", "abs.twimg.com", "twimg.com", "x.com"]).splitlines()
    ['.twimg.com', 'x.com']
    """
    exact, below = split(listed)
    domains = set(below)
    kept = {f".{name}" for name in below if not _covered(name, domains)}
    kept |= {name for name in exact if name not in domains and not _covered(name, domains)}
    return "".join(f"{line}\n" for line in sorted(kept))


def _covered(name: str, domains: set[str]) -> bool:
    while "." in name:
        name = name.partition(".")[2]
        if name in domains:
            return True
    return False


def _table(names: Iterable[str]) -> str:
    """A JavaScript object of names. The zero keeps `hasOwnProperty` what it is, whatever a host is called."""
    return json.dumps(dict.fromkeys(names, 0), indent=1)


FUNCTIONS = """
function has(table, name) {
  return Object.prototype.hasOwnProperty.call(table, name);
}

function within(exact, below, host) {
  if (has(exact, host)) return true;
  for (var at = host.indexOf("."); at >= 0; at = host.indexOf(".", at + 1)) {
    if (has(below, host.substring(at + 1))) return true;
  }
  return false;
}
"""
LISTED = """
function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\\.+$/, "");
  return within(HOSTS, BELOW, host) ? GATE : "DIRECT";
}
"""
# The gate refuses what lies inside the office, so a browser goes there by itself.
ALL = """
var OURS = /^(10|127|192\\.168|169\\.254|172\\.(1[6-9]|2\\d|3[01])|100\\.(6[4-9]|[7-9]\\d|1[01]\\d|12[0-7]))\\./;

function inside(host) {
  if (/^\\[?(::1$|::1\\]|f[cd]|fe[89ab])/.test(host) && host.indexOf(":") >= 0) return true;
  if (!/^\\d+\\.\\d+\\.\\d+\\.\\d+$/.test(host)) return host.indexOf(".") < 0 && host.indexOf(":") < 0;
  return OURS.test(host);
}

function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\\.+$/, "");
  if (within(HOSTS, BELOW, host)) return GATE;
  return inside(host) || within(AROUND, AROUND_BELOW, host) ? "DIRECT" : GATE;
}
"""
