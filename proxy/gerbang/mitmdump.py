"""What `mitmdump -s` loads: the gate among the addons of a mitmproxy that somebody runs already.

    mitmdump -s "$(gerbang script)"

mitmproxy runs this file as a script, and again when it changes; what was put in place once stays in place.
"""

import logging
from collections.abc import Awaitable, Mapping
from contextlib import ExitStack
from importlib.metadata import requires, version
from os import environ
from pathlib import Path
from typing import Any, Final

import structlog
from mitmproxy import ctx, http
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client

from gerbang.errors import GerbangError, SettingsError, StartError
from gerbang.gate.addon import Gate
from gerbang.gate.master import cannot_listen, engine_options, into_our_log, let_end, set_options, share
from gerbang.gate.passage import write_response
from gerbang.gate.plain import plain
from gerbang.gate.reporting import reported
from gerbang.gate.run import made
from gerbang.gate.stream import SENT_ON
from gerbang.logs import configure_log
from gerbang.serving import Grounds, beside_the_gate, grounds, moment_of, prepare
from gerbang.settings import Settings, load_settings

log = structlog.get_logger()

AT: Final = "gerbang_at"
"""mitmproxy's option for the time at which a trial's clock starts."""
ASKED: Final = "gerbang.asked"
"""Key in a flow's metadata for what its head asked for when it was judged."""

# What mitmproxy may not do while it is a gate, by the option, and why not.
REFUSED: Final = {
    "add_upstream_certs_to_client_chain": "the gate's certificates are made by its own CA",
    "allow_hosts": "which hosts are opened is for the platform documents to say",
    "anticache": "a request is sent on as it was judged",
    "anticomp": "a request is sent on as it was judged",
    "body_size_limit": "`gate.body_limit` in the settings is the bound",
    "certs": "the gate's certificates are made by its own CA",
    "client_replay": "the gate judges what people send",
    "hardump": "nothing of what passes the gate is kept",
    "ignore_hosts": "which hosts are opened is for the platform documents to say",
    "map_local": "a request is sent on as it was judged",
    "map_remote": "a request is sent on as it was judged",
    "modify_body": "a request is sent on as it was judged",
    "modify_headers": "a request is sent on as it was judged",
    "proxyauth": "people sign in as `[[zones]] sign_in` in the settings says",
    "request_client_cert": "people sign in as `[[zones]] sign_in` in the settings says",
    "rfile": "the gate judges what people send",
    "save_stream_file": "nothing of what passes the gate is kept",
    "server_replay": "the gate judges what people send",
    "ssl_insecure": "the gate would pass posts to anybody who calls himself the platform",
    "ssl_verify_upstream_trusted_confdir": "`gate.upstream.trusted_ca` in the settings names the authorities",
    "stickyauth": "a request is sent on as it was judged",
    "stickycookie": "a request is sent on as it was judged",
    "store_streamed_bodies": "nothing of what passes the gate is kept",
    "stream_large_bodies": "the gate judges a body before a byte of it is sent on",
    "tcp_hosts": "which hosts are opened is for the platform documents to say",
    "udp_hosts": "which hosts are opened is for the platform documents to say",
}
# What options are set to beside those of the engine. `server` is set too and may be off before, so that nothing listens
# until the gate does.
SET: Final = {
    "block_global": False,
    "flow_detail": 0,
    "onboarding": False,
    "rawtcp": True,
    "validate_inbound_headers": True,
    "websocket": True,
}


class Shared:
    """The first of ours in somebody else's mitmproxy."""

    name = "gerbang"

    def __init__(self, gate: Gate, proxyserver: Proxyserver) -> None:
        self._gate, self._proxyserver = gate, proxyserver

    async def done(self) -> None:
        """The first of ours at the end: what is under way ends while the journal is still open."""
        await let_end(self._proxyserver, lambda: self._gate.busy)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Before the gate's look at the head: which bodies are sent on unread is for the gate to say."""
        flow.request.stream = False

    def request(self, flow: http.HTTPFlow) -> None:
        """Before the gate's look at the body: nobody may have changed what its look at the head was about."""
        if flow.response or flow.error or flow.metadata.get(SENT_ON):
            return
        if flow.metadata.get(ASKED) != _asked(flow):
            self._gate.counts["changed-by-an-addon"] += 1
            flow.response = write_response(plain("fault"))


class Closing:
    """The last of ours: after it nothing is judged and nothing written."""

    name = "gerbang-closing"

    def __init__(self, held: ExitStack) -> None:
        self._held = held

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """After the gate's look at the head, in which it may have put right what another addon did."""
        flow.metadata[ASKED] = _asked(flow)

    def done(self) -> None:
        self._held.close()


def _asked(flow: http.HTTPFlow) -> tuple[object, ...]:
    """Where a request goes and what its head asks for, but for headers, which addons may have reason to add."""
    request = flow.request
    named = [request.headers.get_all(name) for name in ("host", "cookie", "authorization", "content-type")]
    return (request.method, request.scheme, request.host, request.port, request.path, request.authority, *named)


def _addon(name: str) -> Any:
    """An addon of this mitmproxy, `None` where it has none of that name."""
    manager: Any = ctx.master.addons
    return manager.get(name)


def is_in_place() -> bool:
    return _addon("gate") is not None


# ---------------------------------------------------------------- hooks of the script


def load(loader: Any) -> None:
    loader.add_option(AT, str, "", "For trials, on loopback only: start the gate's clock at this time.")
    # Of all that passes it, mitmproxy would log addresses and hosts.
    logging.getLogger("mitmproxy").setLevel(logging.ERROR)


def client_connected(client: Client) -> None:
    """mitmproxy may listen before it reads its scripts."""
    if not is_in_place():
        client.error = "the gate is not ready"


def running() -> Awaitable[None] | None:
    if is_in_place():
        log.warning("script-changed", until="mitmdump starts again, the gate goes on as it was")
        return None
    return _start()


async def _start() -> None:
    """Put the gate in place. What is wrong is told in one sentence, on which mitmdump ends with a status of 1."""
    held = ExitStack()
    try:
        await _placed(held)
    except GerbangError as error:
        held.close()
        # mitmdump ends where an error was logged by now (`mitmproxy.addons.errorcheck`).
        logging.getLogger("gerbang").error("gerbang: %s", error)


async def _placed(held: ExitStack) -> None:
    check_engine()
    file = environ.get("GERBANG_CONFIG")
    settings = load_settings(Path(file) if file else None)
    at = moment_of(ctx.options.gerbang_at, f"--set {AT}") if ctx.options.gerbang_at else None
    set_options(ctx.options, agreed(settings))
    configure_log(settings.log, "mitmdump", libraries=False)
    proxyserver: Proxyserver = _addon("proxyserver")
    # What mitmproxy listens on by itself is not what the settings say.
    await proxyserver.servers.update([])
    prepare(settings, at)
    held.enter_context(beside_the_gate(settings, at))
    found: Grounds = held.enter_context(grounds(settings, at))
    gate = await made(settings, found.world, found.journal, found.keys, found.clock)
    gate.attach(proxyserver.connections)
    held.enter_context(reported(gate, found.journal, settings.status_folder, found.clock))
    share(ctx.master, [Shared(gate, proxyserver), gate, gate.layers, gate.tls, Closing(held)])
    gate.running()
    if not await proxyserver.setup_servers():
        raise cannot_listen(proxyserver, settings.gate)
    into_our_log()
    log.info(
        "gate-in-mitmdump", listen=settings.gate.listen, console=settings.console.listen, state=str(settings.state)
    )


# ---------------------------------------------------------------- what mitmproxy is set to


def check_engine() -> None:
    """Raises `StartError` where this is no mitmproxy that the gate knows from inside."""
    wanted = next(line for line in requires("gerbang") or () if line.startswith("mitmproxy"))
    if version("mitmproxy") not in wanted:
        raise StartError(f"the gate needs `{wanted}`, and this is {version('mitmproxy')}")
    if _addon("view") is not None:
        raise StartError("mitmproxy and mitmweb keep all that passes", hint="run the gate in mitmdump")
    if _addon("proxyserver") is None:
        raise StartError("this mitmproxy has no proxy server", hint="run the gate in mitmdump")


def agreed(settings: Settings) -> Mapping[str, Any]:
    """What mitmproxy's options are set to. Raises `SettingsError` where one was set to something else."""
    options: Any = ctx.options
    for name, why in REFUSED.items():
        if name in options and options.has_changed(name):
            raise SettingsError(f"mitmproxy's option `{name}` does not go with the gate: {why}", hint="leave it out")
    wanted = {**engine_options(settings.gate), **{key: value for key, value in SET.items() if key in options}}
    for name, value in wanted.items():
        given = getattr(options, name)
        if options.has_changed(name) and given != value:
            raise SettingsError(
                f"mitmproxy's option `{name}` is {_told(given)}, and the gate needs {_told(value)}",
                hint="leave it out: the gate's settings set it",
            )
    return {**wanted, "server": True}


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{value}`" if value not in (None, "") else "nothing"
