"""mitmproxy as a library, with only the addons that a gate needs (measured: half the CPU of `mitmdump` as it comes)."""

import asyncio
import errno
import inspect
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from mitmproxy.addonmanager import AddonManager, safecall, traverse
from mitmproxy.addons.core import Core
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.exceptions import AddonHalt, OptionsError
from mitmproxy.flow import Flow
from mitmproxy.hooks import Hook, UpdateHook
from mitmproxy.master import Master
from mitmproxy.options import Options

from gerbang.errors import SettingsError, StartError
from gerbang.gate.interception import GateLayers, GateTls
from gerbang.settings import GateSettings, host_and_port

log = structlog.get_logger()

# How long requests under way may take to end when the gate is told to stop, in seconds.
PATIENCE = 5.0

type Address = tuple[str, int]


class GateAddons(AddonManager):
    """Calls those addons that have a hook. The stock manager looks at all of them for each event, and again for an
    `update` after each that is about a flow: a tenth of a request."""

    def __init__(self, master: Master) -> None:
        super().__init__(master)  # type: ignore[no-untyped-call]
        self._takers: dict[str, tuple[Callable[..., Any], ...]] = {}

    def add(self, *addons: Any) -> None:
        super().add(*addons)  # type: ignore[no-untyped-call]
        self._takers.clear()

    def remove(self, addon: Any) -> None:
        super().remove(addon)  # type: ignore[no-untyped-call]
        self._takers.clear()

    async def handle_lifecycle(self, event: Hook) -> None:
        await self.trigger_event(event)
        if self._who_take(UpdateHook.name) and isinstance(about := event.args()[0], Flow):
            await self.trigger_event(UpdateHook([about]))

    async def trigger_event(self, event: Hook) -> None:
        for take in self._who_take(event.name):
            try:
                with safecall():
                    answer = take(*event.args())
                    if inspect.isawaitable(answer):
                        await answer
            except AddonHalt:
                return

    def _who_take(self, name: str) -> tuple[Callable[..., Any], ...]:
        takers = self._takers.get(name)
        if takers is None:
            found = (getattr(addon, name, None) for addon in traverse(self.chain))  # type: ignore[no-untyped-call]
            takers = self._takers[name] = tuple(take for take in found if callable(take))
        return takers


class GateMaster(Master):
    """One proxy in this process. Made and run inside an event loop (not uvloop: mitmproxy's own task factory)."""

    def __init__(self, settings: GateSettings, addons: Sequence[Any], tls: GateTls, layers: GateLayers) -> None:
        super().__init__(Options(), event_loop=asyncio.get_running_loop())
        self.addons = GateAddons(self)
        _quieten(logging.getLogger("mitmproxy"))
        # Log records would each become an event for addons that are not there.
        self._legacy_log_events.uninstall()
        self.settings = settings
        self.proxyserver = Proxyserver()  # type: ignore[no-untyped-call]
        self.addons.add(Core(), *addons, self.proxyserver, layers, tls)
        set_options(self.options, engine_options(settings))

    async def serve(
        self, started: Callable[[Address], None] = lambda _: None, stop: asyncio.Event | None = None
    ) -> None:
        """Listen until `stop` is set or `shutdown` called, then let what is under way end.

        Raises `StartError` where it cannot listen.
        """
        if stop is not None:
            self.should_exit = stop
        loop = asyncio.get_running_loop()
        factory, handler = loop.get_task_factory(), loop.get_exception_handler()
        loop.set_task_factory(asyncio.eager_task_factory)
        loop.set_exception_handler(_log_exception)
        try:
            if not await self.proxyserver.setup_servers():
                raise self._cannot_listen()
            await self.running()
            into_our_log()
            try:
                started(self.address)
                await self.should_exit.wait()
            finally:
                await self._stop()
        finally:
            loop.set_task_factory(factory)
            loop.set_exception_handler(handler)

    @property
    def address(self) -> Address:
        """Where it listens: the port is known here where the settings leave it open (`:0`)."""
        host, port, *_ = self.proxyserver.listen_addrs()[0]
        return str(host), int(port)

    async def _stop(self) -> None:
        await let_end(self.proxyserver, self._busy)
        for handler in tuple(self.proxyserver.connections.values()):
            for transport in tuple(handler.transports.values()):
                if transport.handler is not None:
                    transport.handler.cancel("the gate stops")
        await self.done()

    def _busy(self) -> bool:
        return any(getattr(addon, "busy", False) for addon in self.addons.chain)

    def _cannot_listen(self) -> StartError:
        return cannot_listen(self.proxyserver, self.settings)


class SharedAddons(AddonManager):
    """mitmproxy's own manager in a program of somebody else's: `ours` come last, so that what other addons changed is
    judged as it is sent, and come whatever the others do: one that halts the chain halts the others only."""

    ours: tuple[Any, ...]

    async def trigger_event(self, event: Hook) -> None:
        halted = False
        for addon in (*(each for each in self.chain if each not in self.ours), *self.ours):
            if halted and addon not in self.ours:
                continue
            try:
                with safecall():
                    await self.invoke_addon(addon, event)
            except AddonHalt:
                halted = True


def share(master: Any, addons: Sequence[Any]) -> None:
    """Put addons into a master that has others, in the place of those that have their names."""
    manager = master.addons
    for addon in addons:
        if (stock := manager.get(addon.name)) is not None:
            manager.remove(stock)
    manager.__class__ = SharedAddons
    manager.ours = ()
    manager.add(*addons)
    manager.ours = tuple(addons)


def engine_options(settings: GateSettings) -> dict[str, Any]:
    """What the gate needs mitmproxy to be set to."""
    host, port = host_and_port(settings.listen)
    trusted = settings.upstream.trusted_ca
    return {
        "listen_host": host,
        "listen_port": port,
        "mode": [settings.mode, *(_transparent(address) for address in settings.transparent)],
        "http3": False,
        # A connection upstream waits until there is something that may go there.
        "connection_strategy": "lazy",
        "upstream_cert": False,
        "ssl_verify_upstream_trusted_ca": str(trusted) if trusted else None,
        "show_ignored_hosts": False,
    }


def set_options(options: Options, wanted: Mapping[str, Any]) -> None:
    """Raises `SettingsError` where `gate.mode` is none."""
    try:
        options.update(**wanted)  # type: ignore[no-untyped-call]
    except OptionsError as error:
        raise SettingsError(f"`gate.mode` will not do: {_plain(error)}") from None


async def let_end(proxyserver: Proxyserver, busy: Callable[[], bool]) -> None:
    """Take no new connections, and give requests under way their time to end."""
    for server in proxyserver.servers:
        with suppress(OSError):
            await server.stop()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while busy() and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.05)


def cannot_listen(proxyserver: Proxyserver, settings: GateSettings) -> StartError:
    failures = (server.last_exception for server in proxyserver.servers)
    error = next((failure for failure in failures if failure is not None), None)
    # mitmproxy keeps the number and puts words of its own around the rest; no number: nothing could be bound.
    number = error.errno if isinstance(error, OSError) and error.errno else errno.EADDRNOTAVAIL
    reason = os.strerror(number).lower()
    return StartError(
        f"the gate cannot listen on `{settings.listen}`: {reason}",
        hint="stop what uses it, or set another `gate.listen`",
    )


class _IntoOurLog(logging.Handler):
    """What mitmproxy finds wrong, said in our log."""

    _told = False

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage()
        if said.startswith("Transparent mode failure"):
            # Each stray connection to the listener makes one, and says nothing that the first did not.
            if not self._told:
                log.warning("not-redirected", because=said, then="closed; said once")
            self._told = True
            return
        # With an exception, its words stand in the message too, and may quote a request.
        words = {} if record.exc_info else {"said": said}
        log.error("library", library=record.name, exc_info=record.exc_info or None, **words)


OURS = _IntoOurLog()


def into_our_log() -> None:
    """From now on what mitmproxy finds wrong is said in our log, and nowhere else."""
    logger = logging.getLogger("mitmproxy")
    _quieten(logger)
    logger.addHandler(OURS)


def _quieten(logger: logging.Logger) -> None:
    """Only errors: it logs each connection with its address, and what is not listed is never to be written down."""
    logger.setLevel(logging.ERROR)
    logger.propagate = False
    logger.addHandler(logging.NullHandler())


def _transparent(address: str) -> str:
    """The mode of a listener for redirected connections. mitmproxy takes an IPv6 address here without its brackets."""
    host, port = host_and_port(address)
    return f"transparent@{host}:{port}"


def _plain(error: Exception) -> str:
    text = str(error)
    return text[:1].lower() + text[1:].rstrip(".")


def _log_exception(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    # Behind the bracket stand the arguments of a call: pieces of what came in.
    log.error("fault-in-task", what=str(context.get("message", "")).partition("(")[0], exc_info=error)
