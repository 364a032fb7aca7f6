"""The gate put together and run: what `serve` calls."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import structlog
from cryptography import x509

from gerbang.errors import Place, SettingsError, reason
from gerbang.gate.addon import Gate
from gerbang.gate.authority import Authority, load_authority
from gerbang.gate.clock import Clock, wall_clock
from gerbang.gate.judging import Holder, Ledger
from gerbang.gate.master import Address, GateMaster
from gerbang.gate.remembering import recent
from gerbang.gate.reporting import reported
from gerbang.journal.writer import Journal
from gerbang.proxy_certificate import ProxyCertificate, load_proxy_certificate
from gerbang.record.event import RecordKeys
from gerbang.settings import REQUIRE_TLS, Settings

log = structlog.get_logger()


def run_gate(
    settings: Settings,
    holder: Holder,
    ledger: Ledger,
    keys: RecordKeys,
    clock: Clock = wall_clock,
    *,
    started: Callable[[Gate, Address], None] = lambda *_: None,
) -> None:
    """Run the gate in this process until SIGTERM or SIGINT. Raises `StartError` or `SettingsError` before it listens.

    The journal is the caller's to close.
    """
    asyncio.run(serve_gate(settings, holder, ledger, keys, clock, started=started, signals=True))


async def serve_gate(
    settings: Settings,
    holder: Holder,
    ledger: Ledger,
    keys: RecordKeys,
    clock: Clock = wall_clock,
    *,
    started: Callable[[Gate, Address], None] = lambda *_: None,
    signals: bool = False,
) -> None:
    """The gate as a part of a running event loop; ends when it is cancelled, or with `signals` on one of them."""
    stop = stopped_by_signals() if signals else asyncio.Event()
    gate = await made(settings, holder, ledger, keys, clock)
    master = GateMaster(settings.gate, [gate], gate.tls, gate.layers)
    gate.attach(master.proxyserver.connections)
    told = reported(gate, ledger, settings.status_folder, clock) if isinstance(ledger, Journal) else nullcontext()
    with told:
        await master.serve(lambda address: started(gate, address), stop)


async def made(settings: Settings, holder: Holder, ledger: Ledger, keys: RecordKeys, clock: Clock) -> Gate:
    """A gate that knows what the one before it wrote. Raises `SettingsError` or `StartError`."""
    check_sign_in(settings)
    check_trusted(settings.gate.upstream.trusted_ca)
    check_proxy_tls(settings)
    gate = Gate(settings, holder, ledger, keys, authority_of(settings), clock, proxy_certificate_of(settings))
    if clear := settings.password_in_clear:
        log.warning("passwords-in-clear", because=clear, todo=REQUIRE_TLS)
    if gate.closed:
        log.warning("nothing-is-decrypted", because=gate.closed)
    world, moment = holder.world, clock()
    found = await asyncio.to_thread(recent, settings.journal_folder, world.registers.officers.values(), keys, moment)
    gate.releases.restore(found.releases, found.used, moment)
    for decision in found.decisions:
        gate.decisions.put(decision)
    gate.parts.restore(found.parts)
    gate.requests.given({*found.used, *(release.id for release in found.releases)})
    await asyncio.to_thread(gate.read_feeds)
    return gate


def stopped_by_signals() -> asyncio.Event:
    """Set on SIGTERM or SIGINT, unless whoever started this process had it ignore them."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def check_sign_in(settings: Settings) -> None:
    """Raises `SettingsError` where people are to sign in and the mode gives no way to ask them."""
    zone = next((zone for zone in settings.zones if zone.only_asks), None)
    if zone is not None and not settings.is_asked_as_proxy:
        raise SettingsError(
            f"zone `{zone.name}` signs people in, and with `gate.mode` `{settings.gate.mode}` nobody can be asked to",
            hint='use the mode `regular` or `upstream`, or set `sign_in = "none"`',
        )


def check_trusted(file: Path | None) -> None:
    """Raises `SettingsError` where the certificates that platforms are to be known by cannot be had.

    Without this every connection to a platform would fail, with nothing to say why.
    """
    if file is None:
        return
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise SettingsError(
            f"`gate.upstream.trusted_ca` cannot be read: {reason(error)}", place=Place(str(file))
        ) from None
    except ValueError:
        found = []
    if not found:
        raise SettingsError("`gate.upstream.trusted_ca` holds no certificate in PEM", place=Place(str(file)))


def check_proxy_tls(settings: Settings) -> None:
    """Raises `SettingsError` where TLS to the proxy is required and nobody speaks to it as to a proxy."""
    if settings.gate.tls == "required" and not settings.is_asked_as_proxy:
        raise SettingsError(
            f"`gate.tls` is `required`, and with `gate.mode` `{settings.gate.mode}` nobody speaks to it as to a proxy",
            hint="use the mode `regular` or `upstream`, or take `gate.tls` out",
        )


def proxy_certificate_of(settings: Settings) -> ProxyCertificate | None:
    """The proxy's own certificate, where it is not the CA's. Raises `StartError`."""
    certificate, key = settings.gate.tls_certificate, settings.gate.tls_key
    return None if certificate is None or key is None else load_proxy_certificate(certificate, key)


def authority_of(settings: Settings) -> Authority | None:
    """The CA, where traffic may be opened, or the proxy itself is known by it. Raises `StartError` where it is wanted
    and cannot be had."""
    opens = settings.interception.authority and settings.interception.notice
    if not opens and not (settings.speaks_tls and settings.gate.tls_certificate is None):
        return None
    return load_authority(settings.authority_folder)
